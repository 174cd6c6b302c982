"""Prices as compiled Python functions, exact in integers.

All amounts of a price are whole numbers of one unit, 1/D, where D is known when the rule is compiled. The fast path
assumes that nothing is wrong and does not look: an empty operand makes an operation fail. Whatever fails, and whatever
is refused, is computed once more by the ladder, which says what is wrong.
"""

from __future__ import annotations

import ast
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction
from math import lcm
from typing import TypeAlias, assert_never

from connector.domain.money import minor_units
from connector.errors import PriceError
from connector.rules import tree
from connector.rules.functions import Library, library
from connector.rules.ladder import LARGEST_PRICE, price_ladder
from connector.rules.numbers import InexactError, Num, Numbers, constant, field_node, times
from connector.rules.products import Facts
from connector.rules.python import Compiler, ConditionWriter, build

Amount: TypeAlias = Callable[[Facts, int], int]
"""The price in minor units for a product's facts on a day. Raises `PriceError`."""


@dataclass(frozen=True, slots=True)
class CompiledPrice:
    """A price rule for one currency. `minor` gives whole minor units, `of` the amount as people write it."""

    name: str
    minor: Amount
    digits: int

    def of(self, facts: Facts, today: int) -> Decimal:
        """The exact amount. Raises `PriceError`: the product is held back."""
        return Decimal(self.minor(facts, today)).scaleb(-self.digits)


def compile_prices(
    prices: Mapping[str, tree.Price], currency: str, functions: Library = library
) -> dict[str, CompiledPrice]:
    """Every price of a checked set, for one currency (ISO 4217)."""
    compiler = _PriceCompiler(prices, currency, functions)
    return {name: CompiledPrice(name, compiler.function(name), minor_units(currency)) for name in prices}


class _PriceCompiler:
    def __init__(self, prices: Mapping[str, tree.Price], currency: str, functions: Library) -> None:
        self.prices, self.currency, self.functions = prices, currency, functions
        self.conditions = Compiler(functions)
        self._done: dict[str, Amount] = {}

    def function(self, name: str) -> Amount:
        if name not in self._done:
            price = self.prices[name]
            slow = self._slow(price)
            try:
                self._done[name] = _Writer(self, price, slow).function()
            except InexactError:
                self._done[name] = slow
        return self._done[name]

    def _slow(self, price: tree.Price) -> Amount:
        digits = minor_units(self.currency)

        def minor(facts: Facts, today: int) -> int:
            found = price_ladder(price, facts, today, self.currency, self.prices, self.functions)
            return int(found.amount.scaleb(digits))

        return minor


class _Writer:
    """Writes one price as a function body."""

    def __init__(self, compiler: _PriceCompiler, price: tree.Price, slow: Amount) -> None:
        self.compiler, self.price, self.slow = compiler, price, slow
        self.conditions = ConditionWriter(compiler.conditions)
        self.conditions.names.update({"refuse": slow, "PriceError": PriceError})
        self.numbers = Numbers(self._read, choose=self._choose, price_of=self._price_of)
        self.unit = 1

    def function(self) -> Amount:
        if self.price.otherwise is None:
            raise TypeError("the tree was not checked")
        cases = [(case.condition, self.numbers.write(case.amount)) for case in self.price.cases]
        otherwise = self.numbers.write(self.price.otherwise)
        limits = [(limit, self._limit_amount(limit)) for limit in self.price.limits]
        steps = [_step(limit) for limit in self.price.limits]
        minor = 10 ** minor_units(self.compiler.currency)
        found = [number.denominator for _, number in cases] + [otherwise.denominator, 2 * minor]
        found += [number.denominator for _, number in limits if number is not None]
        self.unit = lcm(*found, *(each.denominator for pair in steps for each in pair))
        body = [self._choice(cases, otherwise)]
        for index, (limit, number) in enumerate(limits):
            body += self._limit(index, limit, number)
        body += self._contradiction(limits)
        body += self._result(minor)
        return build("price", [self._guarded(body)], self.conditions.names)

    # Values

    def _read(self, field: tree.Field) -> ast.expr:
        return field_node(field.name, self.conditions.variable)

    def _choose(self, fields: list[tuple[tree.Field, ast.expr]], last: ast.expr) -> ast.expr:
        """`v if (v := p["a"]) is not None else …`."""
        result = last
        for _, value in reversed(fields):
            name = self.conditions.variable()
            there = ast.Compare(ast.NamedExpr(_store(name), value), [ast.IsNot()], [constant(None)])
            result = ast.IfExp(there, _load(name), result)
        return result

    def _price_of(self, call: tree.PriceOf) -> Num:
        name = f"price{len(self.conditions.names)}"
        self.conditions.names[name] = self.compiler.function(call.name)
        return Num(ast.Call(_load(name), [_load("p"), _load("t")], []), 10 ** minor_units(self.compiler.currency))

    def _limit_amount(self, limit: tree.Limit) -> Num | None:
        return self.numbers.write(limit.amount) if isinstance(limit, tree.AtLeast | tree.AtMost) else None

    # Statements

    def _choice(self, cases: list[tuple[tree.Condition, Num]], otherwise: Num) -> ast.stmt:
        """`if …: a = … elif …: a = … else: a = …`, from the last to the first."""
        statement: ast.stmt = _assign("a", otherwise.over(self.unit))
        for condition, amount in reversed(cases):
            chosen = _assign("a", amount.over(self.unit))
            statement = ast.If(self.conditions.write(condition), [chosen], [statement])
        return statement

    def _limit(self, index: int, limit: tree.Limit, number: Num | None) -> list[ast.stmt]:
        match limit:
            case tree.RoundTo(direction=direction) | tree.RoundEnding(direction=direction):
                step, ending = (int(each * self.unit) for each in _step(limit))
                return [_assign("a", _rounded(direction, step, ending))]
            case tree.AtLeast() | tree.AtMost():
                if number is None:
                    raise TypeError("a bound has an amount")
                name = f"b{index}"
                sign: ast.cmpop = ast.Lt() if isinstance(limit, tree.AtLeast) else ast.Gt()
                beyond = ast.Compare(_load("a"), [sign], [_load(name)])
                return [
                    _assign(name, number.over(self.unit)),
                    ast.If(beyond, [_assign("a", _load(name))], []),
                ]
            case _:
                assert_never(limit)

    def _contradiction(self, limits: list[tuple[tree.Limit, Num | None]]) -> list[ast.stmt]:
        lows = [_load(f"b{index}") for index, (limit, _) in enumerate(limits) if isinstance(limit, tree.AtLeast)]
        highs = [_load(f"b{index}") for index, (limit, _) in enumerate(limits) if isinstance(limit, tree.AtMost)]
        if not lows or not highs:
            return []
        tests: list[ast.expr] = [ast.Compare(low, [ast.Gt()], [high]) for low in lows for high in highs]
        return [ast.If(tests[0] if len(tests) == 1 else ast.BoolOp(ast.Or(), tests), [_refuse()], [])]

    def _result(self, minor: int) -> list[ast.stmt]:
        """Half up to the minor unit; refused at zero or less."""
        small = self.unit // minor
        rounded = ast.BinOp(ast.BinOp(_load("a"), ast.Add(), constant(small // 2)), ast.FloorDiv(), constant(small))
        fits = ast.Compare(constant(0), [ast.Lt(), ast.LtE()], [_load("a"), constant(LARGEST_PRICE * minor)])
        return [_assign("a", rounded), ast.If(fits, [ast.Return(_load("a"))], []), _refuse()]

    def _guarded(self, body: list[ast.stmt]) -> ast.stmt:
        caught = ast.Tuple([_load("TypeError"), _load("ArithmeticError"), _load("PriceError")], ast.Load())
        return ast.Try(body, [ast.ExceptHandler(caught, None, [_refuse()])], [], [])


def _step(limit: tree.Limit) -> tuple[Fraction, ...]:
    """Step and ending of a rounding; nothing for a bound."""
    match limit:
        case tree.RoundTo(step=step):
            return Fraction(step), Fraction(0)
        case tree.RoundEnding(ending=ending):
            return Fraction(1), Fraction(ending)
        case _:
            return ()


def _rounded(direction: tree.Direction, step: int, ending: int) -> ast.expr:
    """`n * step + ending`, n by the direction, in integers."""
    shifted = _load("a") if ending == 0 else ast.BinOp(_load("a"), ast.Sub(), constant(ending))
    match direction:
        case tree.Direction.DOWN:
            whole: ast.expr = ast.BinOp(shifted, ast.FloorDiv(), constant(step))
        case tree.Direction.UP:
            whole = ast.BinOp(ast.BinOp(shifted, ast.Add(), constant(step - 1)), ast.FloorDiv(), constant(step))
        case tree.Direction.NEAREST:
            doubled = ast.BinOp(times(shifted, 2), ast.Add(), constant(step))
            whole = ast.BinOp(doubled, ast.FloorDiv(), constant(2 * step))
    rounded = times(whole, step)
    return rounded if ending == 0 else ast.BinOp(rounded, ast.Add(), constant(ending))


def _refuse() -> ast.stmt:
    return ast.Return(ast.Call(_load("refuse"), [_load("p"), _load("t")], []))


def _load(name: str) -> ast.Name:
    return ast.Name(name, ast.Load())


def _store(name: str) -> ast.Name:
    return ast.Name(name, ast.Store())


def _assign(name: str, value: ast.expr) -> ast.stmt:
    return ast.Assign([_store(name)], value, lineno=1)
