"""Exact arithmetic of rule expressions inside a database, in 64-bit integers.

A number is kept as a whole number of millionths, so an expression becomes an integer expression over a denominator
that is known when the rule is compiled. SQLite turns an integer that overflows silently into a float and PostgreSQL
raises, so every expression carries the largest size it can reach. What could pass 64 bits, and what has no exact
integer form (a division by a field), is refused here and left to Python.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from math import ceil, floor, gcd, lcm
from typing import TypeAlias

MAX_INT = 2**63 - 1
_TURNED = {"=": "=", "<": ">", "<=": ">=", ">": "<", ">=": "<="}


class NotExactError(Exception):
    """SQL cannot say this exactly: the caller lets Python decide on the rows that the rest lets through."""


@dataclass(frozen=True, slots=True)
class Sql:
    """A fragment of SQL with `?` for each of its parameters, in order. It never holds text of a rule.

    `cost` is a rough price of evaluating it, less for tests that few rows pass; `depth` the levels it takes on SQLite's parser stack, which has 100.
    """

    text: str
    params: tuple[object, ...] = ()
    cost: int = 1
    depth: int = 0


def joined(template: str, *parts: Sql, cost: int = 0, depth: int = 1) -> Sql:
    """The parts put into the `{}` of a template, costs added up, `depth` levels deeper than the deepest."""
    return Sql(
        template.format(*(part.text for part in parts)),
        tuple(param for part in parts for param in part.params),
        cost + sum(part.cost for part in parts),
        depth + max((part.depth for part in parts), default=0),
    )


def infix(operator: str, left: Sql, right: Sql, *, cost: int = 0) -> Sql:
    """`left operator right`; what stands right of an operator is two places deeper than what stands left of it."""
    found = joined(f"{{}} {operator} {{}}", left, right, cost=cost)
    return replace(found, depth=max(left.depth, right.depth + 2))


def bracketed(operator: str, left: Sql, right: Sql) -> Sql:
    """`(left operator right)` for `+` and `*`, the deeper side first."""
    if right.depth > left.depth:
        left, right = right, left
    found = infix(operator, left, right)
    return Sql(f"({found.text})", found.params, found.cost, found.depth + 1)


@dataclass(frozen=True, slots=True)
class Number:
    """`sql / denominator`; the integer `sql` never exceeds `bound` in size and is NULL where an operand is empty."""

    sql: Sql
    denominator: int
    bound: int

    def __post_init__(self) -> None:
        if self.bound > MAX_INT:
            raise NotExactError

    def times(self, factor: Fraction) -> Number:
        """The number multiplied by a constant."""
        shared = gcd(factor.numerator, self.denominator)
        denominator = self.denominator // shared * factor.denominator
        return self._multiplied(factor.numerator // shared, denominator)

    def over(self, denominator: int) -> Number:
        """The same value over a multiple of its denominator."""
        return self._multiplied(denominator // self.denominator, denominator)

    def _multiplied(self, whole: int, denominator: int) -> Number:
        if whole == 1:
            return Number(self.sql, denominator, self.bound)
        if abs(whole) > MAX_INT:
            raise NotExactError
        return Number(bracketed("*", self.sql, Sql("?", (whole,))), denominator, self.bound * abs(whole))


Operand: TypeAlias = Number | Fraction
"""A part of an expression: one that reads a field, or a constant."""


def _constant(value: Fraction, denominator: int) -> Number:
    whole = int(value * denominator)
    if abs(whole) > MAX_INT:
        raise NotExactError
    return Number(Sql("?", (whole,), 0), denominator, abs(whole))


def aligned(operands: Sequence[Operand]) -> list[Number]:
    """The operands over one common denominator.

    Raises:
        NotExactError: one of them could pass 64 bits there.
    """
    common = lcm(*(operand.denominator for operand in operands))
    return [each.over(common) if isinstance(each, Number) else _constant(each, common) for each in operands]


def add(left: Operand, right: Operand) -> Operand:
    """The exact sum."""
    if isinstance(left, Fraction) and isinstance(right, Fraction):
        return left + right
    one, two = aligned([left, right])
    return Number(bracketed("+", one.sql, two.sql), one.denominator, one.bound + two.bound)


def multiply(left: Operand, right: Operand) -> Operand:
    """The exact product; of two fields only where it is sure to fit."""
    if isinstance(left, Fraction):
        return left * right if isinstance(right, Fraction) else right.times(left)
    if isinstance(right, Fraction):
        return left.times(right)
    product = bracketed("*", left.sql, right.sql)
    return Number(product, left.denominator * right.denominator, left.bound * right.bound)


def divide(left: Operand, right: Operand) -> Operand:
    """The exact quotient by a constant other than zero; anything else is Python's."""
    if not isinstance(right, Fraction) or right == 0:
        raise NotExactError
    return multiply(left, 1 / right)


def compare(operator: str, left: Operand, right: Operand) -> Sql | bool:
    """`left operator right` for `= < <= > >=`; True or False where no row can change it.

    NULL or false where a field in it is empty. A constant finer than the other side's unit moves to the whole number
    that keeps the comparison exact; one beyond every possible value leaves "is not empty", or False.
    """
    if isinstance(left, Fraction):
        if isinstance(right, Fraction):
            return _holds(operator, left, right)
        return compare(_TURNED[operator], right, left)
    if isinstance(right, Fraction):
        return _against_constant(operator, left, right)
    one, two = aligned([left, right])
    return infix(operator, one.sql, two.sql, cost=_cost(operator))


def _holds(operator: str, left: Fraction, right: Fraction) -> bool:
    match operator:
        case "=":
            return left == right
        case "<":
            return left < right
        case "<=":
            return left <= right
        case ">":
            return left > right
        case _:
            return left >= right


def _against_constant(operator: str, number: Number, constant: Fraction) -> Sql | bool:
    limit = constant * number.denominator
    if abs(limit) > number.bound:
        holds_for_all = operator in ({"<", "<="} if limit > 0 else {">", ">="})
        return joined("{} IS NOT NULL", number.sql) if holds_for_all else False
    if operator == "=" and limit.denominator != 1:
        return False
    whole = ceil(limit) if operator in {"<", ">="} else floor(limit)
    return joined(f"{{}} {operator} {{}}", number.sql, Sql("?", (whole,), 0), cost=_cost(operator))


def _cost(operator: str) -> int:
    return 0 if operator == "=" else 2
