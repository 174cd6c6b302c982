"""How a price comes about, step by step: what people see, and the reference that compiled prices must agree with."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction
from math import ceil, floor
from typing import assert_never

from connector.domain.money import minor_units
from connector.errors import PriceError
from connector.rules import tree
from connector.rules.evaluate import Evaluator, NoValueError, decimal
from connector.rules.explain import read_text
from connector.rules.functions import Library, library
from connector.rules.normal import condition_text, format_expression, format_limit
from connector.rules.products import Facts
from connector.rules.reads import fields_in, fields_of_value

LARGEST_PRICE = 10**12
"""An amount beyond this is no price; the product is held back."""


@dataclass(frozen=True, slots=True)
class Step:
    """One rung: the words of the rule, where they stand, and the amount after them."""

    line: int
    text: str
    amount: Decimal


@dataclass(frozen=True, slots=True)
class Ladder:
    """A computed price. `case` is the condition that chose the amount, "otherwise" when none held.

    `inputs` are the fields that the amounts read, with their values as text.
    """

    sku: str
    rule: str
    file: str
    line: int
    case: str
    inputs: Mapping[str, str]
    steps: tuple[Step, ...]
    amount: Decimal


def price_ladder(
    price: tree.Price,
    facts: Facts,
    today: int,
    currency: str,
    prices: Mapping[str, tree.Price],
    functions: Library = library,
) -> Ladder:
    """The price of one product with its steps. `prices` are all of the set, for `price of`.

    Raises:
        PriceError: the product has no price; it is held back.
    """
    return _Climb(price, facts, today, currency, prices, functions).run()


class _Climb:
    """Computes one price of one product, and remembers the steps."""

    def __init__(
        self,
        price: tree.Price,
        facts: Facts,
        today: int,
        currency: str,
        prices: Mapping[str, tree.Price],
        functions: Library,
    ) -> None:
        self.price, self.facts, self.today, self.currency = price, facts, today, currency
        self.prices, self.functions = prices, functions
        self.evaluator = Evaluator(facts, today, functions, self._price_of)
        self.steps: list[Step] = []
        self.inputs: dict[str, str] = {}
        self.least: tuple[Fraction, tree.AtLeast] | None = None
        self.most: tuple[Fraction, tree.AtMost] | None = None

    def run(self) -> Ladder:
        case, line, amount_node = self._case()
        amount = self._amount(amount_node)
        self._step(line, f"{case} → {format_expression(amount_node)}", amount)
        for limit in self.price.limits:
            amount = self._limit(limit, amount)
            self._step(limit.span.line, format_limit(limit), amount)
        if self.least and self.most and self.least[0] > self.most[0]:
            self._refuse_limits(*self.least, *self.most)
        digits = minor_units(self.currency)
        minor = floor(amount * 10**digits + Fraction(1, 2))
        if minor <= 0 or minor > LARGEST_PRICE * 10**digits:
            filled = (name for name in fields_of_value(amount_node) if self.evaluator.read(name) is not None)
            field = next(filled, "")
            shown = f"{decimal(amount):f}" if abs(amount) < LARGEST_PRICE else "too large to be a price"
            reason = f"the price is {shown}" + (", not above zero" if minor <= 0 else "")
            raise self._error(line, field, f"{reason}, for {self.facts.sku}")
        final = Decimal(minor).scaleb(-digits)
        self._step(self.price.span.line, f"to the smallest unit of {self.currency}", Fraction(final))
        name = self.price.name
        return Ladder(self.facts.sku, name.value, name.span.file, line, case, self.inputs, tuple(self.steps), final)

    def _case(self) -> tuple[str, int, tree.Expression]:
        for case in self.price.cases:
            if self.evaluator.holds(case.condition):
                return f"when {condition_text(case.condition)}", case.span.line, case.amount
        if self.price.otherwise is None:
            raise TypeError("the tree was not checked")
        return "otherwise", self.price.otherwise.span.line, self.price.otherwise

    def _amount(self, node: tree.Expression) -> Fraction:
        for field in fields_in(node):
            self.inputs[field.name] = read_text(field, self.evaluator)
        try:
            return self.evaluator.number(node)
        except NoValueError as error:
            raise self._error(error.span.line, error.field, f"{error.reason} for {self.facts.sku}") from error

    def _limit(self, limit: tree.Limit, amount: Fraction) -> Fraction:
        match limit:
            case tree.RoundTo(direction=direction, step=step):
                return round_to(amount, direction, Fraction(step), Fraction(0))
            case tree.RoundEnding(direction=direction, ending=ending):
                return round_to(amount, direction, Fraction(1), Fraction(ending))
            case tree.AtLeast():
                least = self._amount(limit.amount)
                if self.least is None or least > self.least[0]:
                    self.least = (least, limit)
                return max(amount, least)
            case tree.AtMost():
                most = self._amount(limit.amount)
                if self.most is None or most < self.most[0]:
                    self.most = (most, limit)
                return min(amount, most)
            case _:
                assert_never(limit)

    def _refuse_limits(self, least: Fraction, low: tree.AtLeast, most: Fraction, high: tree.AtMost) -> None:
        fields = (*fields_of_value(low.amount), *fields_of_value(high.amount))
        reason = f"at least {decimal(least):f} is above at most {decimal(most):f} for {self.facts.sku}"
        raise self._error(low.span.line, next(iter(fields), ""), reason)

    def _price_of(self, call: tree.PriceOf) -> Fraction:
        try:
            other = self.prices[call.name]
            found = _Climb(other, self.facts, self.today, self.currency, self.prices, self.functions).run()
        except PriceError as error:
            reason = f"{error.reason} (price “{error.rule}”, line {error.line})"
            raise self._error(call.span.line, error.field, reason) from error
        self.inputs[f"price of {call.name}"] = f"{found.amount:f}"
        return Fraction(found.amount)

    def _step(self, line: int, text: str, amount: Fraction) -> None:
        self.steps.append(Step(line, text, decimal(amount)))

    def _error(self, line: int, field: str, reason: str) -> PriceError:
        return PriceError(self.facts.sku, self.price.name.value, line, field, reason)


def round_to(amount: Fraction, direction: tree.Direction, step: Fraction, ending: Fraction) -> Fraction:
    """The nearest `n * step + ending` in that direction; ties go up."""
    times = (amount - ending) / step
    match direction:
        case tree.Direction.UP:
            whole = ceil(times)
        case tree.Direction.DOWN:
            whole = floor(times)
        case tree.Direction.NEAREST:
            whole = floor(times + Fraction(1, 2))
    return whole * step + ending
