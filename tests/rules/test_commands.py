"""`connector rules …` on real folders: what it prints and how it exits."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from connector.cli import connector
from tests.rules.test_products import json_product, write_folder

RULES = """segment sellable = status = "enabled" and qty > 0
assign "Tees" priority 10 where category under "Men" and @sellable
assign "Red" where any variant (color = "Red") and price / loft > 2
assign "Cold" on account "US" where climate has "Cold" and @sellable
price "List" when eco then price * 2 otherwise price + 12% round up to ending 0.99 at most msrp
price "Plain" otherwise first(cost, price) / 3
test "doubling" given price = 10, eco = yes, msrp = 90 expect price "List" = 20.99
"""


@pytest.fixture
def shop(tmp_path: Path) -> Path:
    folder = tmp_path / "catalogue"
    folder.mkdir()
    products = [
        json_product(id=1, sku="V-1", price=10, custom={"color": "5", "loft": "3.5", "msrp": "30"}),
        json_product(id=2, sku="V-2", price=9, status=2),
        json_product(
            id=3,
            sku="C-ü",
            type_id="configurable",
            price=0,
            custom={"climate": "1", "loft": "2"},
            extension={"configurable_product_links": [1, 2]},
        ),
        json_product(id=4, sku="S", custom={"eco": "1", "msrp": "99", "color": "5", "loft": "0.001"}),
        json_product(id=5, sku="bad", custom={"cost": "0.1234567"}),
        json_product(id=6, sku="empty", price=0, extension={"category_links": []}),
    ]
    return write_folder(folder, products)


@pytest.fixture
def rules(tmp_path: Path) -> Path:
    path = tmp_path / "shop.rules"
    path.write_text(RULES)
    return path


def run(*arguments: object) -> Result:
    return CliRunner().invoke(connector, ["rules", *map(str, arguments)])


def answer(*arguments: object) -> Any:
    result = run(*arguments, "--json")
    assert result.exit_code == 0, result.output
    return json.loads(result.stdout)


def test_match_prints_the_contract(shop: Path, rules: Path) -> None:
    found = answer("match", rules, "--catalog", shop, "--today", "2026-11-01")
    assert list(found) == ["assign", "prices", "held_back", "overlaps", "version"]
    assert found["assign"] == {"Cold": [], "Red": [], "Tees": ["C-ü", "S"]}
    assert found["prices"]["List"] == {"S": "25.99", "V-1": "11.99"}
    assert found["prices"]["Plain"] == {"S": "4.17", "V-1": "3.33", "V-2": "3.00"}
    held = {(each["sku"], each["rule"], each["field"]) for each in found["held_back"]}
    assert ("bad", None, "cost") in held
    assert ("V-2", "List", "msrp") in held
    assert ("empty", "Plain", "price") in held
    assert found["overlaps"] == [
        {"sku": "C-ü", "account": None, "templates": ["Tees", "Red"]},
        {"sku": "C-ü", "account": "US", "templates": ["Tees", "Red", "Cold"]},
        {"sku": "S", "account": None, "templates": ["Tees", "Red"]},
        {"sku": "S", "account": "US", "templates": ["Tees", "Red"]},
    ]
    assert len(found["version"]) == 64


def test_both_engines_print_the_same_bytes(shop: Path, rules: Path) -> None:
    outputs = [
        run("match", rules, "--catalog", shop, "--today", "2026-11-01", "--engine", engine, "--json").stdout_bytes
        for engine in ("python", "sql")
    ]
    assert outputs[0] == outputs[1]
    assert outputs[0].startswith(b"{")


def test_both_engines_agree_on_the_demo_shop(shared: Path, tmp_path: Path) -> None:
    path = tmp_path / "demo.rules"
    path.write_text(
        'assign "a" where any variant (size in ("M", "L") and qty > 2) and not (category under "Men/Bottoms")\n'
        'assign "b" priority 5 where climate has all of ("Cool", "Indoor") or name like "*short*"\n'
        'assign "c" priority 200 where every variant (price / 3 > 9.5) and description contains "the"\n'
        'assign "d" priority 300 where material is empty or created_at < today - 30 days\n'
        'price "P" when sale then price - 15% when price < 30 then price + 4 otherwise price / 0.9 round to 0.05\n'
    )
    outputs = [
        run(
            "match", path, "--catalog", shared / "data/luma", "--engine", engine, "--today", "2026-11-01", "--json"
        ).stdout
        for engine in ("python", "sql")
    ]
    assert outputs[0] == outputs[1]
    found = json.loads(outputs[0])
    assert all(found["assign"][name] for name in "abc")
    assert found["overlaps"]
    assert len(found["prices"]["P"]) == 910


def test_match_in_words(shop: Path, rules: Path) -> None:
    result = run("match", rules, "--catalog", shop)
    assert "Tees: 2 products" in result.output
    assert "List: 2 prices" in result.output


def test_the_currency_decides_the_decimals(shop: Path, rules: Path) -> None:
    found = answer("match", rules, "--catalog", shop, "--currency", "JPY")
    assert found["prices"]["Plain"]["S"] == "4"


@pytest.mark.parametrize("currency", ["dollars", "usd", "ZZZ", ""])
def test_what_is_no_currency_is_named(shop: Path, rules: Path, currency: str) -> None:
    result = run("match", rules, "--catalog", shop, "--currency", currency)
    assert result.exit_code == 1
    assert f"“{currency}” is no currency" in str(result.exception)


def test_check_names_every_problem_and_exits_with_one(shop: Path, tmp_path: Path) -> None:
    path = tmp_path / "bad.rules"
    path.write_text("segment a = colr = 1\nsegment b = qty >")
    result = run("check", path, "--catalog", shop)
    assert result.exit_code == 1
    assert "bad.rules:1:13: error: unknown field `colr` — did you mean `color`?" in result.output
    assert "2 errors, 0 warnings" in result.output
    listed = json.loads(run("check", path, "--catalog", shop, "--json").stdout)
    assert [(each["line"], each["code"]) for each in listed] == [(1, "unknown-name"), (2, "syntax")]
    path.write_text("segment odd = qty >")
    assert "1 error, 0 warnings" in run("check", path, "--catalog", shop).output


def test_check_warns_and_exits_with_zero(shop: Path, tmp_path: Path) -> None:
    path = tmp_path / "odd.rules"
    path.write_text('assign "T" where qty > 5 and qty < 3')
    result = run("check", path, "--catalog", shop)
    assert result.exit_code == 0
    assert "warning: this condition can never hold" in result.output
    assert "No problem found." in run("check", path, "--catalog", shop, "--no-lint").output


@pytest.mark.parametrize("command", ["test", "match", "explain S"])
def test_a_set_that_does_not_check_is_refused(shop: Path, tmp_path: Path, command: str) -> None:
    path = tmp_path / "bad.rules"
    path.write_text("segment a = qty >")
    result = run(*command.split(), path, "--catalog", shop)
    assert result.exit_code == 1
    assert "something is missing behind `>`" in result.output
    assert "Traceback" not in result.output
    answer_ = json.loads(run(*command.split(), path, "--catalog", shop, "--json").stdout)
    assert answer_["problems"][0]["line"] == 1


def test_test_reports_each_test(shop: Path, rules: Path) -> None:
    assert "passed  doubling" in run("test", rules, "--catalog", shop).output
    rules.write_text(RULES.replace("20.99", "21.99"))
    result = run("test", rules, "--catalog", shop)
    assert result.exit_code == 1
    assert "expected price “List” = 21.99, and it is 20.99" in result.output


def test_format_rewrites_or_only_says_so(rules: Path) -> None:
    assert run("format", "--check", rules).exit_code == 1
    assert rules.read_text() == RULES
    assert run("format", rules).exit_code == 0
    assert rules.read_text() != RULES
    assert run("format", "--check", rules).exit_code == 0
    rules.write_text("segment a = (")
    result = run("format", rules)
    assert result.exit_code == 1
    assert rules.read_text() == "segment a = ("


def test_explain_shows_conditions_and_the_ladder(shop: Path, rules: Path) -> None:
    result = run("explain", "S", rules, "--catalog", shop)
    assert result.exit_code == 0, result.output
    assert "✓ qty > 0   [qty: 7]  ←" in result.output
    assert "round up to ending 0.99" in result.output
    assert "held back: `msrp` is empty" not in result.output
    variant = run("explain", "V-2", rules, "--catalog", shop).output
    assert "price “List” of V-2" in variant
    assert "held back: `msrp` is empty for V-2 (line 5)" in variant
    rules.write_text('price "P" when parent_sku = "C-ü" then 1 otherwise 2')
    assert "[parent_sku: C-ü]" in run("explain", "V-1", rules, "--catalog", shop).output, "as the catalogue writes it"
    rules.write_text(RULES)
    write_folder(shop, [json_product(id=9, sku="D", type_id="downloadable")])
    assert "No rule looks at it." in run("explain", "D", rules, "--catalog", shop).output


def test_explain_says_who_joins(shop: Path, rules: Path) -> None:
    found = answer("explain", "C-ü", rules, "--catalog", shop)
    assert [(each["template"], each["joins"]) for each in found["assignments"]] == [
        ("Tees", True),
        ("Red", False),
        ("Cold", False),
    ]
    shown = run("explain", "C-ü", rules, "--catalog", shop).output
    assert "assign “Tees”  shop.rules:2  joins on “US”, other accounts\n" in shown
    assert "assign “Red”  shop.rules:3  matches, another wins\n" in shown


def test_suggest_writes_a_file_once(shop: Path, tmp_path: Path) -> None:
    out = tmp_path / "suggested.rules"
    assert run("suggest", "--catalog", shop, "--out", out).exit_code == 0
    assert run("check", out, "--catalog", shop).exit_code == 0
    again = run("suggest", "--catalog", shop, "--out", out)
    assert again.exit_code != 0


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["check", "nowhere.rules", "--catalog", "SHOP"], "There is no file or folder “nowhere.rules”"),
        (["check", "RULES", "--catalog", "nowhere"], "cannot be read"),
        (["explain", "nobody", "RULES", "--catalog", "SHOP"], "no product with the SKU “nobody”"),
    ],
)
def test_what_is_missing_is_named(shop: Path, rules: Path, arguments: list[str], words: str) -> None:
    places = {"SHOP": str(shop), "RULES": str(rules)}
    result = run(*(places.get(each, each) for each in arguments))
    assert result.exit_code != 0
    assert words in str(result.exception)
