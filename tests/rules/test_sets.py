"""Whole sets: who joins what, tests that rules bring along, explanations, warnings, what rules read."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from connector.errors import DuplicatePluginError, PluginError, RuleError
from connector.rules import tree
from connector.rules.checker import check, check_condition
from connector.rules.evaluation import CompiledRules, Evaluation, Family
from connector.rules.explain import explain
from connector.rules.fact_rows import own
from connector.rules.functions import Library
from connector.rules.intervals import never_holds
from connector.rules.lint import lint, lint_text
from connector.rules.metadata import FieldInfo, Type
from connector.rules.products import Values
from connector.rules.reads import fields_priced, fields_read
from connector.rules.rule_tests import run_tests
from connector.rules.ruleset import check_paths, load, rule_files
from connector.rules.tools import explain_family
from tests.rules.conftest import CATALOGUE, TODAY, plain, product


def rules(text: str, **others: str) -> tree.RuleSet:
    checked = check({"a.rules": text, **{f"{name}.rules": other for name, other in others.items()}}, CATALOGUE)
    assert checked.rules is not None, "\n".join(map(str, checked.problems))
    return checked.rules


def shop(*products: dict[str, Any]) -> Iterator[Family]:
    """Products that stand alone, sku A, B, C …"""
    for number, each in enumerate(products):
        values = {"sku": "ABCDEFGH"[number], "type": "simple", "status": "enabled", **each}
        yield Family(own(number, plain(values), CATALOGUE.stored()), (), {number: plain(values)})


def evaluate(text: str, *products: dict[str, Any], **others: str) -> Evaluation:
    return CompiledRules(rules(text, **others), "USD").evaluate(shop(*products), CATALOGUE, TODAY)


# Assignments --------------------------------------------------------------------------------------


def test_the_lowest_priority_number_wins_then_the_one_written_first() -> None:
    text = (
        'assign "late" where qty > 0 assign "first" priority 5 where qty > 1 assign "second" priority 5 where qty > 1'
    )
    found = evaluate(text, {"qty": 1}, {"qty": 2})
    assert found.assign == {"late": ["A"], "first": ["B"], "second": []}
    assert [each.as_json() for each in found.overlaps] == [
        {"sku": "B", "account": None, "templates": ["first", "second", "late"]}
    ]


def test_written_first_means_file_name_then_line() -> None:
    found = evaluate('assign "mine" where qty > 0', {"qty": 1}, **{"0": 'assign "theirs" where qty > 0'})
    assert found.assign == {"theirs": ["A"], "mine": []}


def test_a_product_joins_one_template_per_account() -> None:
    text = (
        'assign "US" on account "us" priority 1 where qty > 0'
        ' assign "UK" on account "uk" where qty > 0 assign "all" priority 50 where qty > 0'
    )
    found = evaluate(text, {"qty": 1})
    assert found.assign == {"US": ["A"], "UK": [], "all": ["A"]}
    assert [(each.account, each.templates) for each in found.overlaps] == [
        ("uk", ("all", "UK")),
        ("us", ("US", "all")),
    ]


def test_the_result_is_sorted_text() -> None:
    found = evaluate(
        'assign "T" where qty > 0 price "P" otherwise price * 2 price "O" otherwise cost',
        {"qty": 1, "price": 1.5},
        {"qty": 2, "cost": 3},
    ).as_json()
    assert list(found) == ["assign", "prices", "held_back", "overlaps", "version"]
    assert found["assign"] == {"T": ["A", "B"]}
    assert found["prices"] == {"O": {"B": "3.00"}, "P": {"A": "3.00"}}
    assert [
        (each["sku"], each["rule"], each["line"], each["field"], each["reason"]) for each in found["held_back"]
    ] == [
        ("A", "O", 1, "cost", "`cost` is empty for A"),
        ("B", "P", 1, "price", "`price` is empty for B"),
    ]


# Tests in rule files ------------------------------------------------------------------------------

PAGE = """
segment sellable = qty > 0 and status = "enabled"
assign "Men's tops" priority 10
where category under "Men/Tops" and @sellable and price between 15 and 120
  and not (name contains "sample" or brand is empty)
  and any variant (size in ("M", "L") and qty > 2)
price "US list price"
  when brand = "Acme" and cost is not empty   then cost * 1.6
  when category under "Gear" and price < 20   then price + 4
  otherwise                                   price + 12%
  round up to ending 0.99
  at least cost + 20%
  at most msrp
"""


@pytest.mark.parametrize(
    ("test", "failure"),
    [
        (
            'given sku = "A-1", brand = "Acme", cost = 10, price = 12, msrp = 40 expect price "US list price" = 16.99',
            "",
        ),
        (
            (
                'given sku = "B-1", category = "Men/Tops/Tees", status = "enabled", qty = 4, price = 30'
                ' expect not assign "Men\'s tops"'
            ),
            "",
        ),
        (
            'given sku = "A-1", brand = "Acme", cost = 10, price = 12, msrp = 40 expect price "US list price" = 17.99',
            "expected price “US list price” = 17.99, and it is 16.99",
        ),
        ('given brand = "Acme", cost = 10, msrp is empty expect price "US list price" fails', ""),
        (
            'given brand = "Acme", cost = 10, msrp = 90 expect price "US list price" fails',
            "expected price “US list price” fails, and it is 16.99",
        ),
        (
            'given sku = "A-9", price = 1 expect price "US list price" = 5',
            "expected price “US list price” = 5, and it fails: `cost` is empty for A-9 (line 12)",
        ),
        (
            (
                'given category = ("Men/Tops", "Gear"), status = "enabled", brand = "Acme"'
                ' variant (size = "M", qty = 3, price = 20) variant (size = "S", qty = 1, price = 18)'
                ' expect assign "Men\'s tops"'
            ),
            "",
        ),
        (
            (
                'given category = "Men/Tops", status = "enabled", brand = "Acme", price = 30'
                ' variant (size = "M", qty = 3) expect assign "Men\'s tops"'
            ),
            "",
        ),
        (
            (
                'given category = "Men/Tops", status = "enabled", brand = "Acme", price = 30'
                ' variant (size = "M", qty = 3, status = "disabled") expect not assign "Men\'s tops"'
            ),
            "",
        ),
        (
            'given category = "Men/Tops" expect assign "Men\'s tops"',
            "expected assign “Men's tops”, and it joins no template",
        ),
        (
            (
                'given brand = "Acme", msrp = 90 variant (cost = 10, msrp = 40) variant (cost = 10, msrp = 50)'
                ' expect price "US list price" = 16.99'
            ),
            "",
        ),
        (
            'given type = "bundle", cost = 1, msrp = 2, price = 1 expect price "US list price" = 2',
            "expected price “US list price” = 2, and this product is not priced",
        ),
    ],
)
def test_a_test_of_a_rule_file(test: str, failure: str) -> None:
    (result,) = run_tests(rules(f'{PAGE} test "t" {test}'), CATALOGUE)
    assert [message for _, message in result.failures] == ([failure] if failure else [])
    assert result.passed is not bool(failure)


def test_a_test_gives_the_day_or_gets_a_fixed_one() -> None:
    text = 'assign "new" where released > today - 30 days'
    given = 'given sku = "a", released = 2026-10-20'
    passing = rules(f'{text} test "t" {given}, today = 2026-11-01 expect assign "new"')
    failing = rules(f'{text} test "t" {given}, today = 2026-12-01 expect assign "new"')
    fixed = rules(f'{text} test "t" given released = 2025-12-31 expect assign "new"')
    assert [run_tests(each, CATALOGUE)[0].passed for each in (passing, failing, fixed)] == [True, False, True]


@pytest.mark.parametrize(("window", "expected"), [("from_date = 2026-01-02", 10), ("to_date = 2026-01-01", 5)])
def test_a_special_price_counts_inside_the_days_that_a_test_gives(window: str, expected: int) -> None:
    catalogue = CATALOGUE.with_fields(*(FieldInfo(f"special_{end}_date", Type.DATE) for end in ("from", "to")))
    given = f"price = 10, special_price = 5, special_{window}"
    text = f'price "P" otherwise final_price test "t" given {given} expect price "P" = {expected}'
    checked = check({"a.rules": text}, catalogue)
    assert checked.rules is not None, checked.problems
    assert run_tests(checked.rules, catalogue)[0].failures == ()


def test_a_test_fails_when_another_assignment_wins() -> None:
    text = 'assign "a" where qty > 0 assign "b" where qty > 0 test "t" given qty = 1 expect assign "b", not assign "a"'
    (result,) = run_tests(rules(text), CATALOGUE)
    assert [message for _, message in result.failures] == [
        "expected assign “b”, and it joins “a”",
        "expected not assign “a”, and it joins “a”",
    ]


# Explanations -------------------------------------------------------------------------------------


def test_an_explanation_leads_to_the_deciding_leaves() -> None:
    condition = check_condition('in_stock and (brand = "Acme" or price > 20) and not (qty < 5)', CATALOGUE).condition
    assert condition is not None
    found = explain(condition, product(in_stock=True, brand="Other", price=12, qty=3), TODAY.toordinal())
    assert not found.holds
    assert [(leaf.text, leaf.holds, leaf.values) for leaf in found.leaves()] == [
        ('brand = "Acme"', False, {"brand": "other"}),
        ("price > 20", False, {"price": "12"}),
        ("qty < 5", True, {"qty": "3"}),
    ]


def test_an_explanation_names_the_variants() -> None:
    condition = check_condition('any variant (size = "M" and qty > 2)', CATALOGUE).condition
    assert condition is not None
    facts = product({"sku": "V-S", "size": "S", "qty": 9}, {"sku": "V-M", "size": "M", "qty": 3})
    found = explain(condition, facts, TODAY.toordinal())
    assert found.holds
    assert [(part.sku, part.holds, part.decides) for part in found.parts] == [
        ("V-S", False, False),
        ("V-M", True, True),
    ]
    assert found.as_json()["parts"][0]["sku"] == "V-S"


def test_a_product_is_explained_with_the_values_as_people_know_them() -> None:
    found = rules(
        'assign "b" priority 2 where brand = "ACME" assign "a" priority 1 where brand is not empty'
        ' price "P" when brand = "Acme" and price > 5 then price + 1 otherwise 3 price "Q" otherwise cost'
    )
    (family,) = shop({"brand": "Acme", "price": 12})
    explained = explain_family("A", found, family, frozenset(), "USD", TODAY).as_json()
    assert [(each["template"], each["joins"], each["condition"]["holds"]) for each in explained["assignments"]] == [
        ("a", True, True),
        ("b", False, True),
    ]
    assert explained["assignments"][1]["condition"]["values"] == {"brand": "Acme"}
    price = explained["prices"]["P"]["A"]
    assert (price["amount"], price["inputs"], price["case"]) == (
        "13.00",
        {"price": "12"},
        'when brand = "Acme" and price > 5',
    )
    assert [part["values"] for part in price["cases"][0]["parts"]] == [{"brand": "Acme"}, {"price": "12"}]
    assert explained["prices"]["Q"]["A"] == {
        "cases": [],
        "error": "`cost` is empty for A",
        "line": 1,
        "field": "cost",
    }


# Warnings -----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("price > 5 and price < 5", True),
        ("price > 5 and price < 6", False),
        ("price >= 5 and price <= 5", False),
        ("price > 5 and 5 >= price", True),
        ("price between 9 and 3", True),
        ("price = 5 and price = 6", True),
        ("price = 5 and price in (6, 7)", True),
        ("price in (5, 6) and price not in (5, 6)", True),
        ("price in (5, 6) and price != 5", False),
        ('color = "Red" and color = "red"', False),
        ('color = "Red" and color = "Blue"', True),
        ('color = "Red" and color > "S"', True),
        ("brand is empty and brand is not empty", True),
        ('brand is empty and brand contains "x"', True),
        ('brand is empty and brand != "x"', False),
        ("in_stock and in_stock = no", True),
        ("in_stock and not in_stock", True),
        ("qty > 1 and (price < 1 and price > 2 or price = 1 and price = 2)", True),
        ("qty > 1 and (price < 1 or price = 1 and price = 2)", False),
        ("any variant (price < 1 and price > 2)", True),
        ("released > 2026-01-01 and released < 2025-01-01", True),
        ('features has "Warm" and features is empty', True),
        ('category under "Men" and category is empty', True),
        ('category not under "Men" and category is empty', False),
        ("price != 5 and price = 5", True),
        ("not (price > 5) and price > 6", False),
    ],
)
def test_contradictions_are_seen_and_never_imagined(text: str, expected: bool) -> None:
    condition = check_condition(text, CATALOGUE).condition
    assert condition is not None
    assert never_holds(condition) is expected


def test_lint_warns_about_what_looks_odd() -> None:
    text = """segment odd = qty > 5 and qty < 3
assign "none" where brand = "Nobody"
assign "first" where qty > 1
assign "second" where qty > 2 and brand is empty
assign "never" where @odd
price "used" when qty > 1 then 1 when qty > 1 then 2 when qty > 900 then 3 otherwise 4
price "inner" otherwise 1
price "outer" otherwise price of "inner"
price "lone" otherwise cost
"""
    products = [{"qty": 5, "subtitle": "x"}, {"qty": 2, "brand": "B"}, {"qty": 1}]
    found = lint(rules(text), CATALOGUE, shop(*products), TODAY.toordinal(), used_prices=frozenset({"used", "outer"}))
    assert [(each.line, each.code) for each in found] == [
        (1, "never"),
        (2, "mostly-empty"),
        (2, "no-match"),
        (4, "overlap"),
        (5, "never"),
        (6, "never"),
        (6, "no-match"),
        (9, "mostly-empty"),
        (9, "unused"),
    ]
    assert "`brand` is empty for 67 % of the products" in found[1].message
    assert "overlaps with “first” (a.rules, line 3), which wins: A matches both" in found[3].message
    assert [each.code for each in lint_text(rules(text))] == ["never", "never", "never"]


# What rules read ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "fields"),
    [
        ("price > cost * 2 and brand is empty", {"price", "cost", "brand"}),
        ('any variant (size = "M")', {"size"}),
        ("released > today - 3 days", {"released", "today"}),
        ("days since(released) > 3", {"released", "today"}),
        ("final_price > 3", {"special_price", "special_price.from", "special_price.to", "price", "today"}),
        ("name contains subtitle", {"name", "subtitle"}),
        ('category under "Men" and features has "Warm" and in_stock', {"category", "features", "in_stock"}),
    ],
)
def test_fields_read_by_a_condition(text: str, fields: set[str]) -> None:
    condition = check_condition(text, CATALOGUE).condition
    assert condition is not None
    assert fields_read(condition) == fields


def test_fields_read_by_a_price_include_those_of_other_prices() -> None:
    found = rules(
        'segment s = brand is empty price "P" when @s then 1 otherwise price of "Q" at most msrp price "Q" otherwise cost'
    )
    assert fields_priced(found.prices["P"], found.prices) == {"brand", "msrp", "cost"}


# Plugins ------------------------------------------------------------------------------------------


@pytest.fixture
def library() -> Library:
    made = Library()

    @made.function("margin", (Type.NUMBER, Type.NUMBER), Type.NUMBER, "Share of the price that is not cost.")
    def margin(price: Decimal, cost: Decimal) -> Decimal | None:
        return (price - cost) / price if price else None

    @made.function("initial", (Type.TEXT,), Type.TEXT, "The first letter.")
    def initial(text: str) -> str:
        return text[:1]

    @made.function("broken", (Type.NUMBER,), Type.NUMBER, "Fails.")
    def broken(_number: Decimal) -> Decimal:
        raise ValueError("no luck")

    @made.field(FieldInfo("name_length", Type.NUMBER, "Characters of the name"), reads=("name",))
    def name_length(values: Values) -> Decimal:
        return Decimal(len(str(values.get("name", ""))))

    return made


def test_a_plugins_functions_and_fields_are_checked_and_computed(library: Library) -> None:
    text = (
        'assign "T" where margin(price, cost) > 0.5 and initial(brand) = "a" and name_length = 3'
        ' price "P" otherwise price * margin(price, cost)'
        ' price "B" otherwise broken(price)'
        ' test "t" given name = "Tee", brand = "Acme", price = 10, cost = 4 expect assign "T", price "P" = 6, price "B" fails'
        ' test "u" given name = "Tee", brand = "Acme", price = 10 expect not assign "T", price "P" fails'
    )
    checked = check({"a.rules": text}, CATALOGUE, library)
    assert checked.rules is not None, checked.problems
    assert [each.failures for each in run_tests(checked.rules, CATALOGUE, functions=library)] == [(), ()]
    assert "unknown function" in str(check({"a.rules": text}, CATALOGUE, Library()).problems[0])


def test_a_plugin_cannot_take_a_name_that_is_taken_or_reserved(library: Library) -> None:
    with pytest.raises(DuplicatePluginError):
        library.function("margin", (Type.NUMBER,), Type.NUMBER, "")
    with pytest.raises(DuplicatePluginError):
        library.field(FieldInfo("price", Type.NUMBER), reads=())
    with pytest.raises(PluginError):
        library.function("when", (Type.NUMBER,), Type.NUMBER, "")
    library.remove("margin")
    assert "margin" not in library.functions
    library.remove("min")
    assert "min" in library.functions, "the language's own functions stay"


# Loading ------------------------------------------------------------------------------------------


def test_a_folder_is_one_set_and_all_its_problems_come_at_once(tmp_path: Path) -> None:
    (tmp_path / "b.rules").write_text("segment b = @a and colour = 1")
    (tmp_path / "a.rules").write_text("segment a = qty >")
    (tmp_path / "c.rules").write_bytes(b"\xff")
    (tmp_path / "notes.txt").write_text("no rules")
    assert [path.name for path in rule_files([tmp_path])] == ["a.rules", "b.rules", "c.rules"]
    found = check_paths([tmp_path], CATALOGUE)
    assert found.rules is None
    assert {each.file for each in found.problems} == {"a.rules", "b.rules", "c.rules"}
    with pytest.raises(RuleError) as caught:
        load([tmp_path], CATALOGUE)
    assert len(caught.value.problems) == len(found.problems)


def test_the_version_ignores_layout_and_comments(tmp_path: Path) -> None:
    (tmp_path / "a.rules").write_text('assign "T" where qty>1')
    before = load([tmp_path], CATALOGUE).version
    (tmp_path / "a.rules").write_text('# why\nassign "T"\nwhere (qty > 1)')
    assert load([tmp_path], CATALOGUE).version == before
    (tmp_path / "a.rules").write_text('assign "T" where qty > 2')
    assert load([tmp_path], CATALOGUE).version != before


def test_fixed_day_is_a_day() -> None:
    from connector.rules.rule_tests import FIXED_DAY

    assert isinstance(FIXED_DAY, dt.date)
