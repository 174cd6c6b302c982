"""Prices: exact, step by step, and never guessed. Compiled prices and ladders agree on every case."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal
from typing import Any

import pytest

from connector.errors import PriceError
from connector.rules import tree
from connector.rules.checker import check
from connector.rules.ladder import price_ladder
from connector.rules.pricing import compile_prices
from tests.rules.conftest import CATALOGUE, TODAY, product


def rules(text: str) -> tree.RuleSet:
    checked = check({"p.rules": text}, CATALOGUE)
    assert checked.rules is not None, "\n".join(map(str, checked.problems))
    return checked.rules


def both(text: str, currency: str = "USD", name: str = "P", **values: Any) -> Decimal | PriceError:
    """The amount or the error, the same from the compiled function and from the ladder."""
    found, facts, day = rules(text), product(**values), TODAY.toordinal()
    results: list[Decimal | PriceError] = []
    for compute in (
        lambda: compile_prices(found.prices, currency)[name].of(facts, day),
        lambda: price_ladder(found.prices[name], facts, day, currency, found.prices).amount,
    ):
        try:
            results.append(compute())
        except PriceError as error:
            results.append(error)
    first, second = results
    if isinstance(first, PriceError) or isinstance(second, PriceError):
        assert isinstance(first, PriceError), first
        assert isinstance(second, PriceError), second
        assert vars(first) == vars(second)
    else:
        assert str(first) == str(second)
    return first


def price(body: str, currency: str = "USD", **values: Any) -> str:
    result = both(f'price "P" {body}', currency, **values)
    return str(result) if isinstance(result, Decimal) else f"error: {result.reason}"


GOODS: dict[str, Any] = {"price": 52, "cost": 20, "qty": 4, "length": -3.25, "created_at": dt.date(2026, 10, 2)}


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        ("otherwise price", "52.00"),
        ("otherwise 7", "7.00"),
        ("otherwise price + 12%", "58.24"),
        ("otherwise price - 12%", "45.76"),
        ("otherwise price * 12%", "6.24"),
        ("otherwise (price + 8) - 50%", "30.00"),
        ("otherwise price + 8 - 50%", "30.00"),
        ("otherwise price + cost * 50%", "62.00"),
        ("otherwise cost * 1.6", "32.00"),
        ("otherwise price / 3", "17.33"),
        ("otherwise price / 3 * 3", "52.00"),
        ("otherwise price / qty", "13.00"),
        ("otherwise price / cost / 7 * 7 * cost", "52.00"),
        ("otherwise -length * 4", "13.00"),
        ("otherwise - -price", "52.00"),
        ("otherwise min(price, cost, 30)", "20.00"),
        ("otherwise max(price, cost + 40)", "60.00"),
        ("otherwise abs(length)", "3.25"),
        ("otherwise first(msrp, cost, price)", "20.00"),
        ("otherwise first(msrp, price + 1)", "53.00"),
        ("otherwise first(msrp * 2, cost)", "20.00"),
        ("otherwise first(cost / qty, price)", "5.00"),
        ("otherwise days since(created_at)", "30.00"),
        ("otherwise price - days since(created_at) * 0.1", "49.00"),
        # the first case that holds
        ("when price > 50 then 1 when price > 10 then 2 otherwise 3", "1.00"),
        ("when price > 60 then 1 when price > 10 then 2 otherwise 3", "2.00"),
        ("when price > 60 then 1 when msrp > 10 then 2 otherwise 3", "3.00"),
        ("when msrp is empty then price otherwise msrp", "52.00"),
        # half up to the minor unit
        ("otherwise 1.005", "1.01"),
        ("otherwise 1.0049999999999999999999999999999", "1.00"),
        ("otherwise 0.005", "0.01"),
        # rounding to a step
        ("otherwise 12.34 round to 0.05", "12.35"),
        ("otherwise 12.32 round to 0.05", "12.30"),
        ("otherwise 12.325 round to 0.05", "12.35"),
        ("otherwise 12.34 round up to 0.5", "12.50"),
        ("otherwise 12.5 round up to 0.5", "12.50"),
        ("otherwise 12.99 round down to 0.5", "12.50"),
        ("otherwise 12.99 round nearest to 5", "15.00"),
        ("otherwise 12.5 round to 5", "15.00"),
        ("otherwise 7 round to 3", "6.00"),
        ("otherwise 17 round to 2.5", "17.50"),
        # rounding to an ending
        ("otherwise 12.34 round up to ending 0.99", "12.99"),
        ("otherwise 12.99 round up to ending 0.99", "12.99"),
        ("otherwise 13 round up to ending 0.99", "13.99"),
        ("otherwise 12.34 round down to ending 0.99", "11.99"),
        ("otherwise 12.99 round down to ending 0.99", "12.99"),
        ("otherwise 12.34 round to ending 0.99", "11.99"),
        ("otherwise 12.49 round to ending 0.99", "12.99"),
        ("otherwise 12.50 round to ending 0.99", "12.99"),
        ("otherwise 12.48 round nearest to ending 0.99", "11.99"),
        ("otherwise 12.5 round to ending 0", "13.00"),
        # limits run in the order written
        ("otherwise price at most 40", "40.00"),
        ("otherwise price at least 60", "60.00"),
        ("otherwise price at least cost + 20% at most 100", "52.00"),
        ("otherwise price at most 40 round up to ending 0.99", "40.99"),
        ("otherwise price round up to ending 0.99 at most 40", "40.00"),
        ("otherwise price at least 60 at least 70 at most 70", "70.00"),
        ("otherwise 12.34 round up to 5 round down to ending 0.9", "14.90"),
        ("otherwise cost - 30 at least 3", "3.00"),
    ],
)
def test_amount(body: str, expected: str) -> None:
    assert price(body, **GOODS) == expected


@pytest.mark.parametrize(
    ("currency", "expected"), [("USD", "12.35"), ("GBP", "12.35"), ("JPY", "12"), ("VND", "12"), ("KWD", "12.346")]
)
def test_the_amount_ends_at_the_minor_unit_of_its_currency(currency: str, expected: str) -> None:
    assert price("otherwise 12.3456", currency) == expected


def test_two_minor_units_are_rounded_half_up() -> None:
    assert price("otherwise 1.115") == "1.12"
    assert price("otherwise 2.5", "JPY") == "3"


@pytest.mark.parametrize(
    ("body", "values", "line", "field", "reason"),
    [
        ("otherwise\ncost", {}, 2, "cost", "`cost` is empty for A-1"),
        ("otherwise price\n+ cost * 2", {"price": 1}, 2, "cost", "`cost` is empty for A-1"),
        ("otherwise min(price, cost)", {"price": 1}, 1, "cost", "`cost` is empty for A-1"),
        ("otherwise first(cost, msrp)", {}, 1, "msrp", "`msrp` is empty for A-1"),
        ("otherwise price\nat most msrp", {"price": 1}, 2, "msrp", "`msrp` is empty for A-1"),
        ("otherwise price / qty", {"price": 1, "qty": 0}, 1, "qty", "`qty`: division by zero for A-1"),
        ("otherwise price / 0", {"price": 1}, 1, "", "division by zero for A-1"),
        ("otherwise first(price / qty, 5)", {"price": 1, "qty": 0}, 1, "qty", "`qty`: division by zero for A-1"),
        ("otherwise price", {"price": 0}, 1, "price", "the price is 0, not above zero, for A-1"),
        ("otherwise price - 5", {"price": 3}, 1, "price", "the price is -2, not above zero, for A-1"),
        ("otherwise price", {"price": 0.004}, 1, "price", "the price is 0.004, not above zero, for A-1"),
        ("otherwise 0.3 round down to ending 0.99", {}, 1, "", "the price is -0.01, not above zero, for A-1"),
        ("otherwise 0.3 round to ending 0.95", {}, 1, "", "the price is -0.05, not above zero, for A-1"),
        (
            "otherwise price\nat least cost\nat most msrp",
            {"price": 5, "cost": 9, "msrp": 8},
            2,
            "cost",
            "at least 9 is above at most 8 for A-1",
        ),
        (
            "otherwise price at most msrp at least cost",
            {"price": 5, "cost": 9, "msrp": 8},
            1,
            "cost",
            "at least 9 is above at most 8 for A-1",
        ),
        (
            "otherwise price * price * price",
            {"price": 10**9},
            1,
            "price",
            "the price is too large to be a price, for A-1",
        ),
        ("otherwise days since(released)", {}, 1, "released", "`released` is empty for A-1"),
    ],
)
def test_a_price_is_never_guessed(body: str, values: dict[str, Any], line: int, field: str, reason: str) -> None:
    error = both(f'price "P" {body}', **values)
    assert isinstance(error, PriceError)
    assert (error.sku, error.rule, error.line, error.field, error.reason) == ("A-1", "P", line, field, reason)


def test_an_unused_case_may_have_empty_operands() -> None:
    assert price("when cost is not empty then cost * 2 otherwise price", price=5) == "5.00"


def test_a_price_of_another_rule_is_its_final_amount() -> None:
    text = 'price "Q" otherwise price / 3 round up to ending 0.99 price "P" otherwise price of "Q" + 1'
    assert str(both(text, price=10)) == "4.99"


def test_a_failing_other_price_names_both() -> None:
    error = both('price "Q" otherwise cost\nprice "P" otherwise\nprice of "Q"', price=10)
    assert isinstance(error, PriceError)
    assert (error.rule, error.line, error.field) == ("P", 3, "cost")
    assert error.reason == "`cost` is empty for A-1 (price “Q”, line 1)"


def test_amounts_are_exact_to_the_last_digit() -> None:
    assert price("otherwise price + 0.000001 - price + length", price=1e9, length=1) == "1.00"
    assert (
        price("otherwise (price * 1.000000000000000000000000001 - price) * 1000000000000000000", price=10**9) == "1.00"
    )


def test_the_ladder_names_every_step() -> None:
    text = 'price "P"\n  when cost > 5 then cost * 1.6\n  otherwise price\n  round up to ending 0.99\n  at most msrp'
    found = rules(text)
    facts = product(cost=10, msrp=15.5)
    ladder = price_ladder(found.prices["P"], facts, TODAY.toordinal(), "USD", found.prices)
    assert [(step.line, step.text, str(step.amount)) for step in ladder.steps] == [
        (2, "when cost > 5 → cost * 1.6", "16"),
        (4, "round up to ending 0.99", "16.99"),
        (5, "at most msrp", "15.5"),
        (1, "to the smallest unit of USD", "15.5"),
    ]
    assert ladder.inputs == {"cost": "10", "msrp": "15.5"}
    assert (ladder.case, ladder.line, str(ladder.amount)) == ("when cost > 5", 2, "15.50")


def test_a_day_decides_through_final_price() -> None:
    body = "otherwise final_price + 10%"
    assert price(body, price=50, special_price=40) == "44.00"
    assert price(body, price=50, special_price=40, **{"special_price.from": dt.date(2026, 11, 2)}) == "55.00"


def test_a_price_with_many_cases_compiles() -> None:
    cases = " ".join(f"when qty = {number} then {number + 1}" for number in range(300))
    assert price(f"{cases} otherwise price", qty=299) == "300.00"
