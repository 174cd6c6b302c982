"""What each form of condition means, by the compiled function and by the reference evaluator alike."""

from __future__ import annotations

import datetime as dt
from typing import Any

import pytest

from connector.rules.checker import check_condition
from connector.rules.evaluate import Evaluator
from connector.rules.python import compile_condition
from tests.rules.conftest import CATALOGUE, TODAY, product

HOODIE: dict[str, Any] = {
    "name": "Chaz Hoodie",
    "brand": "Acme",
    "price": 52,
    "cost": 20,
    "qty": 4,
    "color": "Red",
    "features": {"Warm", "Dry"},
    "category": {"Men/Tops/Tees", "Gear"},
    "in_stock": True,
    "is_new": False,
    "released": dt.date(2026, 10, 20),
    "created_at": dt.date(2026, 10, 2),
    "length": -3.25,
}


def holds(text: str, *variants: dict[str, Any], **values: Any) -> bool:
    parsed = check_condition(text, CATALOGUE)
    assert parsed.condition is not None, "\n".join(map(str, parsed.problems))
    facts, day = product(*variants, **values), TODAY.toordinal()
    compiled = compile_condition(parsed.condition)(facts, day)
    assert compiled is Evaluator(facts, day).holds(parsed.condition), "the back ends disagree"
    return compiled


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        # comparisons
        ("price = 52", True),
        ("price = 52.000", True),
        ("price != 52", False),
        ("price < 52", False),
        ("price <= 52", True),
        ("price > 51.999999", True),
        ("price >= 52.0000001", False),
        ("price > 51.99999999999999999999", True),
        ("length = -3.25", True),
        ("length < -3", True),
        ("52 = price", True),
        ("50 < price", True),
        ("60 < price", False),
        ('brand = "ACME"', True),
        ('brand = "acme "', False),
        ('brand < "acmf"', True),
        ('brand >= "Acme"', True),
        ('"Acme" = brand', True),
        ('"B" > brand', True),
        ('color = "red"', True),
        ('color != "Blue"', True),
        ('color < "S"', True),
        ("in_stock = yes", True),
        ("in_stock = no", False),
        ("is_new = no", True),
        ("is_new < in_stock", True),
        ("released = 2026-10-20", True),
        ("released > 2026-10-19", True),
        ("name = subtitle", False),
        ("name != subtitle", True),
        ("cost != length", True),
        # expressions on both sides
        ("price * 1.1 > msrp", False),
        ("price * 1.1 > cost * 2", True),
        ("price - cost = 32", True),
        ("price / 2 = 26", True),
        ("cost / 3 * 3 = 20", True),
        ("price / length = -16", True),
        ("price / (cost - 20) > 0", False),
        ("price / (cost - 20) != 1", True),
        ("-price = -52", True),
        ("price + 12% = 58.24", True),
        ("price - 50% = 26", True),
        ("price * 10% = 5.2", True),
        ("(price + 4) * 2 = 112", True),
        ("price + 4 * 2 = 60", True),
        ("min(price, cost, 30) = 20", True),
        ("max(price, cost) = 52", True),
        ("abs(length) = 3.25", True),
        ("first(msrp, cost, price) = 20", True),
        ("first(msrp, weight) = 1", False),
        ("min(price, msrp) = 52", False),
        ("min(price) = 52", True),
        ("created_at > today - 30 days", False),
        ("created_at >= today - 30 days", True),
        ("created_at + 1 day > today - 30 days", True),
        ("today = 2026-11-01", True),
        ("days since(created_at) = 30", True),
        ("days since(released) < 13", True),
        ("days since(today) = 0", True),
        # between, in
        ("price between 15 and 52", True),
        ("price between 52 and 100", True),
        ("price between 52.01 and 100", False),
        ("price between 100 and 15", False),
        ("price between cost and cost * 3", True),
        ("msrp between 0 and 100", False),
        ("released between 2026-10-20 and today", True),
        ("price in (15, 52)", True),
        ("price in (15, 52.00,)", True),
        ("length in (-3.25)", True),
        ("price in (52.0000001)", False),
        ("price not in (15, 52)", False),
        ('brand in ("x", "ACME")', True),
        ('color not in ("Blue", "Red")', False),
        ("released in (2026-10-20)", True),
        ('subtitle not in ("x")', True),
        ('subtitle in ("x")', False),
        # texts
        ('name contains "HOOD"', True),
        ('name contains ""', True),
        ('subtitle contains ""', False),
        ('name starts with "chaz"', True),
        ('name starts with ""', True),
        ('name ends with "die"', True),
        ('name ends with ""', True),
        ("name contains brand", False),
        ("name contains name", True),
        ("name contains subtitle", False),
        ("subtitle contains name", False),
        ('sku like "a-?"', True),
        ('sku like "A*"', True),
        ('sku like "A"', False),
        ('sku like "*-*"', True),
        ('sku like "?"', False),
        ('name like "*hood*"', True),
        ('name like "c*z*e"', True),
        ('name like "c*x*e"', False),
        ('name like "ch.z*"', False),
        ('name like "ch[a]z*"', False),
        ('subtitle like "*"', False),
        # sets
        ('features has "warm"', True),
        ('features has "Light"', False),
        ('features has any of ("Light", "Dry")', True),
        ('features has any of ("Light")', False),
        ('features has all of ("Warm", "Dry")', True),
        ('features has all of ("Warm", "Light")', False),
        # categories
        ('category is "Men/Tops/Tees"', True),
        ('category is "men/tops/tees"', True),
        ('category is "Men/Tops"', False),
        ('category is not "Men/Tops"', True),
        ('category under "Men/Tops"', True),
        ('category under "Men/Tops/Tees"', True),
        ('category under "Men"', True),
        ('category not under "Men"', False),
        ('category under "Women"', False),
        ('category is "Gear"', True),
        # empty
        ("msrp is empty", True),
        ("msrp is not empty", False),
        ("features is empty", False),
        ("category is not empty", True),
        ("final_price is empty", False),
        # yes/no alone, binding order
        ("in_stock", True),
        ("is_new", False),
        ("not is_new", True),
        ("not not in_stock", True),
        ("not is_new and in_stock", True),
        ("not (is_new and in_stock)", True),
        ("in_stock or is_new and is_new", True),
        ("(in_stock or is_new) and is_new", False),
        ("is_new and in_stock or in_stock", True),
    ],
)
def test_condition_on_a_hoodie(text: str, expected: bool) -> None:
    assert holds(text, **HOODIE) is expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("price = 0", False),
        ("price < 10", False),
        ("price > 0 - 10", False),
        ("price = price", False),
        ("price != price", True),
        ("price != 5", True),
        ("price != cost", True),
        ('brand != "Acme"', True),
        ('brand = ""', False),
        ('brand not in ("Acme")', True),
        ("not (price > 5)", True),
        ("price between 0 and 10", False),
        ("not (price between 0 and 10)", True),
        ('name contains "x"', False),
        ('not (name contains "x")', True),
        ('features has "Warm"', False),
        ('features has all of ("Warm")', False),
        ('category under "Men"', False),
        ('category not under "Men"', True),
        ('category is not "Men"', True),
        ("is_new", False),
        ("not is_new", True),
        ("is_new != yes", True),
        ("is_new = no", False),
        ("released < today", False),
        ("days since(released) > 0", False),
        ("not (days since(released) > 0)", True),
        ("first(price, 3) = 3", True),
        ("final_price is empty", True),
        ("final_price < 1", False),
    ],
)
def test_an_empty_value_equals_nothing_and_negation_is_plain(text: str, expected: bool) -> None:
    assert holds(text, name=None) is expected


@pytest.mark.parametrize(
    ("text", "value", "expected"),
    [
        ('brand = "STRASSE"', "Straße", True),
        ('brand like "stra??e"', "Straße", True),
        ('brand like "stra?e"', "Straße", False),
        ('brand = "Café"', "Cafe\u0301", True),
        ('brand = "cafe\u0301"', "CAFÉ", True),
        ('brand contains "%"', "100% wool", True),
        ('brand contains "_"', "ab", False),
        ('brand like "a_c"', "abc", False),
        ('brand = "\\" or 1=1 --"', '" or 1=1 --', True),
        ('brand contains "\\\\"', "a\\b", True),
        ('brand contains "\\n"', "two\nlines", True),
        ('brand like "two*lines"', "two\nlines", True),
        ('brand < "\U0001f600"', "\uffff", True),
        ("brand = \"__import__('os')\"", "__import__('os')", True),
    ],
)
def test_text_is_compared_folded_and_stays_text(text: str, value: str, expected: bool) -> None:
    assert holds(text, brand=value) is expected


def test_a_slash_inside_a_category_name_is_escaped() -> None:
    assert holds('category under "Ac\\/Dc"', category={"Ac\\/Dc/Shirts"})
    assert holds('category is "Ac\\/Dc"', category={"Ac\\/Dc"})
    assert not holds('category under "Ac\\/Dc"', category={"Men"})


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ('any variant (size = "M" and qty > 2)', True),
        ('any variant (size = "L" and qty > 2)', False),
        ('any variant (size = "S")', False),
        ("every variant (qty > 0)", True),
        ("every variant (qty > 2)", False),
        ('every variant (brand = "Acme")', True),
        ('every variant (color = "Blue")', False),
        ('any variant (category under "Men")', True),
        ("any variant (cost is empty)", True),
        ("any variant (price = 9)", True),
        ('any variant (parent_sku = "a-1")', True),
        ("qty = 4", True),
        ("price = 9", True),
        ("cost = 5", True),
        ('color = "Red"', True),
    ],
)
def test_variants_inherit_attributes_and_sum_up(text: str, expected: bool) -> None:
    """Enabled variants only; what is empty on one is read from its configurable, but never price, cost or quantity."""
    variants = (
        {"size": "M", "qty": 3, "price": 10, "color": "Blue"},
        {"size": "L", "qty": 1, "price": 9},
        {"size": "S", "qty": 100, "price": 1, "status": "disabled"},
    )
    found = holds(
        text, *variants, brand="Acme", color="Red", price=77, qty=500, cost=5, category={"Men/Tops"}, in_stock=True
    )
    assert found is expected


def test_a_product_that_stands_alone_is_its_own_only_variant_whatever_its_status() -> None:
    assert holds("any variant (qty = 4)", qty=4, status="disabled")
    assert holds("every variant (qty = 4)", qty=4, status="disabled")


def test_every_over_no_variant_is_false() -> None:
    off = {"status": "disabled", "qty": 5}
    assert not holds("every variant (qty > 0)", off, qty=1)
    assert not holds("any variant (qty > 0)", off, qty=1)
    assert holds("qty = 0 and price is empty", off, qty=1, price=3)


@pytest.mark.parametrize(
    ("window", "expected"),
    [
        ({}, 40),
        ({"special_price.from": TODAY}, 40),
        ({"special_price.from": TODAY + dt.timedelta(1)}, 50),
        ({"special_price.to": TODAY}, 40),
        ({"special_price.to": TODAY - dt.timedelta(1)}, 50),
        ({"special_price.from": TODAY - dt.timedelta(9), "special_price.to": TODAY + dt.timedelta(9)}, 40),
    ],
)
def test_final_price_is_the_special_price_inside_its_days(window: dict[str, Any], expected: int) -> None:
    values = {"price": 50, "special_price": 40, **window}
    assert holds(f"final_price = {expected}", **values)
    assert holds(f"final_price * 2 = {expected * 2}", **values)
    assert holds(f"final_price in ({expected})", **values)
    assert holds(f"final_price between {expected} and {expected}", **values)


def test_keywords_and_odd_codes_are_written_between_backquotes() -> None:
    assert holds('`when` = "now" and `odd code` = "x" and `price` = 3', when="now", price=3, **{"odd code": "x"})


def test_a_field_may_bear_the_name_of_a_function() -> None:
    assert holds("min = 3 and min(min, 5) = 3", min=3)


def test_many_labels_and_many_items_mean_the_same_as_few() -> None:
    labels = ", ".join(f'"{label}"' for label in ("Warm", "Light", "Dry", "Soft") * 5)
    assert holds(f"features has any of ({labels})", features={"Soft"})
    assert not holds(f"features has all of ({labels})", features={"Soft", "Dry", "Warm"})
    assert holds(f"features has all of ({labels})", features={"Soft", "Dry", "Warm", "Light"})
    numbers = ", ".join(map(str, range(10_000)))
    assert holds(f"qty in ({numbers})", qty=9_999)
    assert not holds(f"qty in ({numbers})", qty=10_000)
