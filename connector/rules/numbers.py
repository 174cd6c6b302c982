"""Exact arithmetic of compiled rules: integers over a denominator that is known when a rule is compiled."""

from __future__ import annotations

import ast
from collections.abc import Callable
from dataclasses import dataclass
from fractions import Fraction
from math import lcm

from connector.rules import tree
from connector.rules.facts import SCALE
from connector.rules.metadata import SPECIAL_FROM, SPECIAL_TO, Type


class InexactError(Exception):
    """No integer form is known when the rule is compiled: the evaluator works with fractions instead."""


@dataclass(frozen=True, slots=True)
class Num:
    """`node / denominator`; `value` is the whole number's value when it is a constant."""

    node: ast.expr
    denominator: int
    value: Fraction | None = None

    def over(self, denominator: int) -> ast.expr:
        """The integer over another denominator, a multiple of this one's."""
        if self.value is not None:
            return constant((self.value * denominator).numerator)
        return times(self.node, denominator // self.denominator)

    def aligned(self, other: Num) -> tuple[ast.expr, ast.expr]:
        """Both integers over one denominator."""
        common = lcm(self.denominator, other.denominator)
        return self.over(common), other.over(common)


def constant(value: object) -> ast.Constant:
    return ast.Constant(value)  # type: ignore[arg-type]  # frozen sets are constants too


def times(node: ast.expr, factor: int) -> ast.expr:
    """`node * factor`, or `node` alone."""
    return node if factor == 1 else ast.BinOp(node, ast.Mult(), constant(factor))


def fixed(value: Fraction) -> Num:
    return Num(constant(value.numerator), value.denominator, value)


def subscript(field: str) -> ast.expr:
    """`p["field"]`."""
    return ast.Subscript(ast.Name("p", ast.Load()), constant(field), ast.Load())


def field_node(field: str, variable: Callable[[], str]) -> ast.expr:
    """Reads a fact. `final_price` is the special price on its days, else the price."""
    if field != "final_price":
        return subscript(field)
    special, first, last = variable(), variable(), variable()

    def there(name: str, key: str, sign: ast.cmpop) -> ast.expr:
        return ast.Compare(ast.NamedExpr(ast.Name(name, ast.Store()), subscript(key)), [sign], [constant(None)])

    def load(name: str) -> ast.expr:
        return ast.Name(name, ast.Load())

    begun = ast.BoolOp(
        ast.Or(), [there(first, SPECIAL_FROM, ast.Is()), ast.Compare(load(first), [ast.LtE()], [load("t")])]
    )
    lasts = ast.BoolOp(ast.Or(), [there(last, SPECIAL_TO, ast.Is()), ast.Compare(load("t"), [ast.LtE()], [load(last)])])
    test = ast.BoolOp(ast.And(), [there(special, "special_price", ast.IsNot()), begun, lasts])
    return ast.IfExp(test, load(special), subscript("price"))


class Numbers:
    """Writes numbers, dates and yes/no values as integer expressions; `read` writes a field.

    With `choose` the code may use `first` (it gets the tests of emptiness), with `price_of` other prices.

    Raises:
        InexactError: from `write`, for a division by a field and for what only the evaluator knows.
    """

    def __init__(
        self,
        read: Callable[[tree.Field], ast.expr],
        *,
        choose: Callable[[list[tuple[tree.Field, ast.expr]], ast.expr], ast.expr] | None = None,
        price_of: Callable[[tree.PriceOf], Num] | None = None,
    ) -> None:
        self._read, self._choose, self._price_of = read, choose, price_of

    def write(self, node: tree.Expression) -> Num:
        match node:
            case tree.Number(value=value):
                return fixed(Fraction(value))
            case tree.Day(value=day):
                return fixed(Fraction(day.toordinal()))
            case tree.YesNo(value=yes):
                return fixed(Fraction(int(yes)))
            case tree.Duration(days=days):
                return fixed(Fraction(days))
            case tree.Today():
                return Num(ast.Name("t", ast.Load()), 1)
            case tree.Field(type=type_):
                return Num(self._read(node), SCALE if type_ is Type.NUMBER else 1)
            case tree.Negative(operand=operand):
                inner = self.write(operand)
                if inner.value is not None:
                    return fixed(-inner.value)
                return Num(ast.UnaryOp(ast.USub(), inner.node), inner.denominator)
            case tree.Binary():
                return self._binary(node)
            case tree.Call():
                return self._call(node)
            case tree.PriceOf() if self._price_of is not None:
                return self._price_of(node)
            case _:
                raise InexactError

    def _binary(self, node: tree.Binary) -> Num:
        left = self.write(node.left)
        if isinstance(node.right, tree.Percent):
            share = Fraction(node.right.value) / 100
            return _scaled(left, {"+": 1 + share, "-": 1 - share, "*": share}[node.operator])
        right = self.write(node.right)
        match node.operator:
            case "*":
                return _product(left, right)
            case "/":
                if not right.value:
                    raise InexactError
                return _scaled(left, 1 / right.value)
            case "+" | "-":
                if left.value is not None and right.value is not None:
                    return fixed(left.value + right.value if node.operator == "+" else left.value - right.value)
                one, two = left.aligned(right)
                sign = ast.Add() if node.operator == "+" else ast.Sub()
                return Num(ast.BinOp(one, sign, two), lcm(left.denominator, right.denominator))

    def _call(self, node: tree.Call) -> Num:
        match node.name, node.arguments:
            case "min" | "max", (argument,):
                return self.write(argument)
            case ("min" | "max") as name, arguments:
                return self._aligned_call(name, [self.write(each) for each in arguments])
            case "abs", (argument,):
                inner = self.write(argument)
                return self._aligned_call("abs", [inner])
            case "days since", (argument,):
                day = self.write(argument)
                return Num(ast.BinOp(ast.Name("t", ast.Load()), ast.Sub(), day.node), 1)
            case "first", arguments if self._choose is not None:
                return self._first(list(arguments))
        raise InexactError

    def _aligned_call(self, name: str, parts: list[Num]) -> Num:
        common = lcm(*(part.denominator for part in parts))
        return Num(ast.Call(ast.Name(name, ast.Load()), [part.over(common) for part in parts], []), common)

    def _first(self, arguments: list[tree.Expression]) -> Num:
        fields: list[tuple[tree.Field, ast.expr]] = []
        for each in arguments[:-1]:
            if not isinstance(each, tree.Field):
                raise InexactError
            fields.append((each, self._read(each)))
        last = self.write(arguments[-1])
        common = lcm(SCALE, last.denominator)
        if self._choose is None or common != SCALE:
            raise InexactError
        return Num(self._choose(fields, last.over(SCALE)), SCALE)


def _scaled(number: Num, factor: Fraction) -> Num:
    if number.value is not None:
        return fixed(number.value * factor)
    whole = Fraction(factor.numerator, number.denominator * factor.denominator)
    return Num(times(number.node, whole.numerator), whole.denominator)


def _product(left: Num, right: Num) -> Num:
    if right.value is not None:
        return _scaled(left, right.value)
    if left.value is not None:
        return _scaled(right, left.value)
    return Num(ast.BinOp(left.node, ast.Mult(), right.node), left.denominator * right.denominator)
