"""Compiled prices and their ladders agree on random rules and products; random conditions survive formatting."""

from __future__ import annotations

import os
import random
from decimal import Decimal

from connector.errors import PriceError
from connector.rules.checker import check, check_condition
from connector.rules.ladder import price_ladder
from connector.rules.normal import format_condition
from connector.rules.parser import parse_condition
from connector.rules.pricing import compile_prices
from tests.rules.conftest import CATALOGUE, TODAY, product

CASES = 20_000 if os.environ.get("NIGHTLY") == "1" else 400
FIELDS = ("price", "cost", "msrp", "qty", "length", "final_price", "special_price")
CONDITIONS = (
    "cost is not empty",
    "price > 20",
    "qty between 1 and 9",
    "price * 1.1 > cost * 2",
    "length < 0 or msrp is empty",
    "price / cost > 1.5",
)


def number(chance: random.Random) -> str:
    return str(Decimal(chance.randint(0, 10 ** chance.randint(0, 6))).scaleb(-chance.randint(0, 4)).copy_abs())


def plain_number(chance: random.Random) -> str:
    return f"{Decimal(number(chance)):f}"


def amount(chance: random.Random, depth: int = 0) -> str:
    kind = chance.randrange(12 if depth < 3 else 3)
    inner = depth + 1
    match kind:
        case 0:
            return plain_number(chance)
        case 1 | 2:
            return chance.choice(FIELDS)
        case 3:
            return f"({amount(chance, inner)}) {chance.choice('+-')} {chance.randint(0, 150)}%"
        case 4:
            return f"({amount(chance, inner)}) * {chance.randint(0, 150)}%"
        case 5:
            return f"{chance.choice(('min', 'max', 'first'))}({amount(chance, inner)}, {amount(chance, inner)})"
        case 6:
            return f"abs({amount(chance, inner)})"
        case 7:
            return f"-({amount(chance, inner)})"
        case 8:
            return f"({amount(chance, inner)}) / {chance.choice(('3', '0.7', '0', 'qty', 'cost'))}"
        case _:
            return f"({amount(chance, inner)}) {chance.choice('+-*')} ({amount(chance, inner)})"


def limit(chance: random.Random) -> str:
    way = chance.choice(("", " up", " down", " nearest"))
    match chance.randrange(4):
        case 0:
            return f"round{way} to {chance.choice(('0.05', '0.5', '5', '3', '0.333'))}"
        case 1:
            return f"round{way} to ending {chance.choice(('0.99', '0.95', '0', '0.5', '0.333'))}"
        case 2:
            return f"at least {amount(chance, 2)}"
        case _:
            return f"at most {amount(chance, 2)}"


def test_compiled_prices_and_ladders_agree() -> None:
    chance = random.Random(20261123)
    priced = 0
    for _ in range(CASES):
        cases = "".join(f" when {chance.choice(CONDITIONS)} then {amount(chance)}" for _ in range(chance.randrange(3)))
        limits = " ".join(limit(chance) for _ in range(chance.randrange(4)))
        text = f'price "Q" otherwise {amount(chance)} price "P"{cases} otherwise {amount(chance)} {limits}'
        if chance.random() < 0.3:
            text += ' at least price of "Q"'
        checked = check({"p.rules": text}, CATALOGUE)
        assert checked.rules is not None, text + "\n".join(map(str, checked.problems))
        currency = chance.choice(("USD", "JPY", "KWD"))
        compiled = compile_prices(checked.rules.prices, currency)["P"]
        for _ in range(5):
            values = {name: float(number(chance)) for name in FIELDS[:5] if chance.random() < 0.8}
            facts, day = product(**values), TODAY.toordinal()
            try:
                expected: object = price_ladder(
                    checked.rules.prices["P"], facts, day, currency, checked.rules.prices
                ).amount
                priced += 1
            except PriceError as error:
                expected = vars(error)
            try:
                found: object = compiled.of(facts, day)
            except PriceError as error:
                found = vars(error)
            assert str(found) == str(expected), text
    assert priced > CASES


def condition(chance: random.Random, depth: int = 0) -> str:
    match chance.randrange(9 if depth < 4 else 4):
        case 0:
            return chance.choice(CONDITIONS)
        case 1:
            return f"{amount(chance, 2)} {chance.choice(('=', '!=', '<', '>='))} {amount(chance, 1)}"
        case 2:
            return chance.choice(('brand like "a*"', "in_stock", 'features has "Warm"', 'category not under "Men"'))
        case 3:
            return f"{amount(chance, 2)} between {amount(chance, 2)} and {amount(chance, 2)}"
        case 4:
            return f"not ({condition(chance, depth + 1)})"
        case _:
            word = chance.choice((" and ", " or "))
            return word.join(f"({condition(chance, depth + 1)})" for _ in range(chance.randint(2, 3)))


def test_random_conditions_mean_the_same_after_formatting() -> None:
    chance = random.Random(20261123)
    for _ in range(CASES):
        text = condition(chance)
        parsed = check_condition(text, CATALOGUE)
        assert parsed.condition is not None, text + "\n".join(map(str, parsed.problems))
        normal = format_condition(parsed.condition)
        again = parse_condition(normal)
        assert again.condition == parsed.condition, f"{text}\n{normal}"
        assert format_condition(again.condition) == normal
