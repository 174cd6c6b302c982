"""What a change of rules would do, and what differs between two texts."""

from __future__ import annotations

import json
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from connector.cli import connector
from connector.errors import RuleError
from connector.rules.difference import differences
from connector.rules.preview import NO_RULES, Preview, preview
from tests.rules.conftest import CATALOGUE, TODAY
from tests.rules.test_products import json_product, write_folder
from tests.rules.test_sets import rules, shop

OLD = """
segment low = price < 20
assign "Cheap" where @low
assign "All" priority 200 where price > 0
price "List" otherwise price + 1
price "Kept" when @low then price * 2 otherwise price
price "Gone" otherwise cost
"""


def look(new: str, *products: dict[str, Any], old: str | None = OLD) -> Preview:
    before = NO_RULES if old is None else rules(old)
    return preview(before, rules(new), shop(*products), CATALOGUE, "USD", TODAY.toordinal())


PRODUCTS: tuple[dict[str, Any], ...] = ({"price": 5, "cost": 4}, {"price": 25, "cost": 4}, {"cost": 1}, {"price": 40})


def test_products_join_leave_and_move() -> None:
    found = look(OLD.replace("@low\nassign", "price < 30 and price > 10\nassign"), *PRODUCTS)
    assert found.counts == {"Cheap": [1, 1], "All": [2, 2]}
    assert [(each.sku, each.before, each.after) for each in found.moved] == [
        ("A", "Cheap", "All"),
        ("B", "All", "Cheap"),
    ]
    assert (found.gained("Cheap"), found.lost("Cheap")) == (["B"], ["A"])
    assert [(each.sku, each.templates) for each in found.overlaps] == [("B", ("Cheap", "All"))], "only new overlaps"


def test_only_prices_of_rules_that_say_something_else_are_shown() -> None:
    text = OLD.replace("price + 1", "price + 1.5").replace("price * 2 otherwise", "(price * 2) otherwise")
    found = look(text.replace('price "Gone" otherwise cost', 'price "New" otherwise cost * 2'), *PRODUCTS)
    assert found.as_json()["prices"] == {
        "Gone": {sku: {"old": old, "new": None, "difference": None} for sku, old in (("A", "4.00"), ("B", "4.00"), ("C", "1.00"))},
        "List": {
            sku: {"old": old, "new": new, "difference": "0.50"}
            for sku, old, new in (("A", "6.00", "6.50"), ("B", "26.00", "26.50"), ("D", "41.00", "41.50"))
        },
        "New": {sku: {"old": None, "new": new, "difference": None} for sku, new in (("A", "8.00"), ("B", "8.00"), ("C", "2.00"))},
    }  # fmt: skip
    assert [(each.sku, each.rule) for each in found.held_back] == [("D", "New")]
    assert [(each.sku, each.rule) for each in found.released] == [("D", "Gone")]


def test_a_segment_that_changes_reaches_what_calls_it() -> None:
    found = look(OLD.replace("low = price < 20", "low = price < 30"), *PRODUCTS)
    assert found.gained("Cheap") == ["B"]
    assert {name: list(prices) for name, prices in found.prices.items()} == {"Kept": ["B"]}
    assert found.prices["Kept"]["B"].difference == Decimal("25.00")


def test_other_words_for_the_same_change_nothing() -> None:
    found = look(OLD.replace("@low", "(price < 20.0)") + "# a comment\n", *PRODUCTS)
    assert found.empty
    assert found.as_json() | {"old": "", "new": ""} == {
        "old": "", "new": "", "products": 4, "moved": [], "prices": {}, "held_back": [], "released": [], "overlaps": [],
        "assign": {
            "All": {"before": 2, "after": 2, "gained": [], "lost": []},
            "Cheap": {"before": 1, "after": 1, "gained": [], "lost": []},
        },
    }  # fmt: skip


def test_accounts_are_compared_one_by_one() -> None:
    found = look('assign "All" where price > 0 assign "Own" on account "DE" priority 1 where price > 30', *PRODUCTS, old=
                 'assign "All" where price > 0')  # fmt: skip
    assert [each.as_json() for each in found.moved] == [{"sku": "D", "account": "DE", "from": "All", "to": "Own"}]


def test_before_the_first_version_everything_is_new() -> None:
    found = look('assign "All" where price > 30', *PRODUCTS, old=None)
    assert (found.old_version, found.gained("All"), found.counts) == ("", ["D"], {"All": [0, 1]})


def test_differences_are_by_definition_in_normal_form() -> None:
    new = OLD.replace("price < 20", "price   <  30").replace('price "Gone" otherwise cost', "# gone")
    found = differences({"a.rules": OLD}, {"a.rules": new + 'assign "Cheap" on account "DE" where price = 1'})
    assert [(each.what, each.kind, each.name, each.line) for each in found] == [
        ("changed", "segment", "low", 2),
        ("removed", "price", "Gone", 7),
        ("added", "assign", "Cheap on account DE", 8),
    ]
    assert found[0].lines() == ["- segment low = price < 20", "+ segment low = price < 30"]
    assert (found[1].before, found[1].after) == ('price "Gone"\n  otherwise cost\n', None)


def test_layout_comments_and_the_name_of_a_file_are_no_difference() -> None:
    other = "# moved\n" + OLD.replace("\n", "\n\n").replace("where", "\n   where")
    assert differences({"a.rules": OLD}, {"b.rules": other}) == []


def test_order_is_a_difference_where_it_decides_who_wins() -> None:
    """Among assignments of one priority the one written first wins; elsewhere order says nothing."""
    one, two, three = 'assign "A" where qty > 1', 'assign "B" where qty > 2', 'assign "C" priority 5 where qty > 3'
    found = differences({"a.rules": f"{one}\n{two}\n{three}"}, {"a.rules": f"{three}\n{two}\n{one}"})
    assert [(each.what, each.name, each.line) for each in found] == [("moved", "B", 2)]
    assert found[0].lines() == ['  assign "B"', "  where qty > 2"]
    assert differences({"a.rules": f"{one}\n{two}\n{three}"}, {"a.rules": f"{three}\n{one}\n{two}"}) == []


def test_two_definitions_of_one_name_are_told_apart() -> None:
    one, two = 'assign "T" where qty > 1', 'assign "T" where qty > 2'
    found = differences({"a.rules": f"{one} {two}"}, {"a.rules": f"{one} {two.replace('2', '3')}"})
    assert [(each.what, each.name, each.after) for each in found] == [("changed", "T", 'assign "T"\nwhere qty > 3\n')]


def test_a_text_that_cannot_be_read_has_no_differences() -> None:
    with pytest.raises(RuleError, match=r"a\.rules:1:12"):
        differences({"a.rules": OLD}, {"a.rules": 'assign "T" where'})


# Commands -----------------------------------------------------------------------------------------


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    made = tmp_path / "catalogue"
    made.mkdir()
    return write_folder(made, [json_product(id=1, sku="A", price=10), json_product(id=2, sku="B", price=30)])


def command(*arguments: object) -> Result:
    return CliRunner().invoke(connector, ["rules", *map(str, arguments)])


def files(tmp_path: Path, **texts: str) -> list[Path]:
    for name, text in texts.items():
        (tmp_path / f"{name}.rules").write_text(text)
    return [tmp_path / f"{name}.rules" for name in texts]


def test_preview_compares_two_sets_on_a_folder(folder: Path, tmp_path: Path) -> None:
    old, new = files(
        tmp_path,
        old='assign "T" where price < 20 price "P" otherwise price',
        new='assign "T" where price > 5 price "P" otherwise price + 1',
    )
    result = command("preview", new, "--against", old, "--catalog", folder, "--json")
    assert result.exit_code == 0, result.output
    found = json.loads(result.stdout)
    assert found["assign"] == {"T": {"before": 1, "after": 2, "gained": ["B"], "lost": []}}
    assert found["prices"]["P"]["A"] == {"old": "10.00", "new": "11.00", "difference": "1.00"}
    shown = command("preview", new, "--against", old, "--catalog", folder).stdout
    assert shown.splitlines() == [
        "2 products looked at",
        "T: 1 → 2 products",
        "  + B",
        "price “P”: 2 differ",
        "  A  10.00 → 11.00  (+1.00)",
        "  B  30.00 → 31.00  (+1.00)",
    ]
    assert (
        command("preview", old, "--against", old, "--catalog", folder).stdout
        == "Nothing would change for 2 products.\n"
    )


def test_preview_says_what_moves_and_which_price_holds_back(folder: Path, tmp_path: Path) -> None:
    old, new = files(
        tmp_path,
        old='assign "S" where price < 20 assign "T" on account "US" where price > 20',
        new='assign "T" where price > 5 price "P" otherwise cost',
    )
    lines = command("preview", new, "--against", old, "--catalog", folder).stdout.splitlines()
    place = lines.index("moved to another template: 2")
    assert lines[place + 1 : place + 3] == ["  A: S → T", "  A: S → T  (account “US”)"]
    assert "  `cost` is empty for A (price “P”, line 1)" in lines


def test_preview_of_a_broken_text_says_where(folder: Path, tmp_path: Path) -> None:
    (broken,) = files(tmp_path, broken='assign "T" where prise > 5')
    result = command("preview", broken, "--against", broken, "--catalog", folder)
    assert result.exit_code == 1
    assert "did you mean `price`?" in result.stderr
    assert "Traceback" not in result.output


def test_diff_shows_definitions_and_with_a_folder_their_effect(folder: Path, tmp_path: Path) -> None:
    old, new = files(tmp_path, old='assign "T" where price < 20', new='assign "T" where price < 50')
    assert command("diff", old, new).stdout.splitlines() == [
        "changed assign “T”  new.rules:1",
        '  assign "T"',
        "- where price < 20",
        "+ where price < 50",
    ]
    assert json.loads(command("diff", old, new, "--json").stdout)["changes"][0]["what"] == "changed"
    with_effect = json.loads(command("diff", old, new, "--catalog", folder, "--json").stdout)
    assert with_effect["effect"]["assign"]["T"]["gained"] == ["B"]
    assert command("diff", old, old).stdout == "The rules say the same.\n"
