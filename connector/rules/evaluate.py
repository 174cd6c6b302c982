"""What conditions and values mean, step by step: the reference that compiled code must agree with.

Numbers are exact fractions, dates day numbers, texts folded. A value that is not there raises `NoValueError`; a
comparison with it is false, a price with it is an error.
"""

from __future__ import annotations

import datetime as dt
import operator
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from decimal import Context, Decimal
from fractions import Fraction
from functools import lru_cache
from typing import Any, TypeAlias, assert_never

from connector.rules import tree
from connector.rules.facts import SCALE, SEPARATOR, fold, items, path_fact
from connector.rules.functions import Library, library
from connector.rules.metadata import SPECIAL_FROM, SPECIAL_TO, Type
from connector.rules.products import Facts

Scalar: TypeAlias = Fraction | str
COMPARISONS: Mapping[str, Callable[[Any, Any], bool]] = {
    "=": operator.eq,
    "!=": operator.ne,
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
}
_DIGITS = Context(prec=34)


class NoValueError(Exception):
    """There is no value: an empty field, or a division by zero. `empty` tells them apart."""

    def __init__(self, field: str, reason: str, span: tree.Span, *, empty: bool) -> None:
        self.field, self.reason, self.span, self.empty = field, reason, span, empty
        super().__init__(reason)


def no_prices(call: tree.PriceOf) -> Fraction:
    """Where no price can be asked: the checker lets `price of` into amounts only."""
    raise NoValueError("", f"“{call.name}” has no price here", call.span, empty=False)


@dataclass(frozen=True, slots=True)
class Evaluator:
    """Evaluates checked trees on one product. `today` is a day number; `price_of` gives the amount of another price."""

    facts: Facts
    today: int
    functions: Library = library
    price_of: Callable[[tree.PriceOf], Fraction] = no_prices

    # Conditions

    def holds(self, node: tree.Condition) -> bool:  # noqa: PLR0912  # one branch a form of the language
        """Whether a condition holds."""
        match node:
            case tree.And(parts=parts):
                return all(self.holds(part) for part in parts)
            case tree.Or(parts=parts):
                return any(self.holds(part) for part in parts)
            case tree.Not(operand=inner):
                return not self.holds(inner)
            case tree.OfVariants(how=how, condition=inner):
                found = [self.on(variant).holds(inner) for variant in self.facts.variants]
                return any(found) if how == "any" else bool(found) and all(found)
            case tree.SegmentCall(condition=called):
                return called is not None and self.holds(called)
            case tree.Compare(operator=sign, left=left, right=right):
                if sign == "!=":
                    return not self._compares("=", left, right)
                return self._compares(sign, left, right)
            case tree.Between(operand=operand, low=low, high=high):
                return self._compares("<=", low, operand) and self._compares("<=", operand, high)
            case tree.In(field=field, items=listed, negated=negated):
                return any(self._compares("=", field, item) for item in listed) is not negated
            case tree.Match() | tree.Like() | tree.Has() | tree.InCategory():
                return self._tests_text(node)
            case tree.IsEmpty(field=field, negated=negated):
                return (self.read(field.name) is None) is not negated
            case tree.Holds(operand=operand):
                return isinstance(operand, tree.Field) and self.read(operand.name) == 1
            case _:
                assert_never(node)

    def on(self, facts: Facts) -> Evaluator:
        """The same for another product."""
        return Evaluator(facts, self.today, self.functions, self.price_of)

    def _compares(self, sign: str, left: tree.Expression, right: tree.Expression) -> bool:
        try:
            return COMPARISONS[sign](self.value(left), self.value(right))
        except NoValueError:
            return False

    def _tests_text(self, node: tree.Match | tree.Like | tree.Has | tree.InCategory) -> bool:
        text = self.read(node.field.name)
        if isinstance(node, tree.InCategory):
            return (isinstance(text, str) and _in_category(text, node)) is not node.negated
        if not isinstance(text, str):
            return False
        match node:
            case tree.Match(how=how, argument=argument):
                wanted = fold(argument.value) if isinstance(argument, tree.Text) else self.read(argument.name)
                return isinstance(wanted, str) and MATCHES[how](text, wanted)
            case tree.Like(pattern=pattern):
                return glob(pattern.value).fullmatch(text) is not None
            case tree.Has(how=how, items=listed):
                has = (fold(item.value) in items(text) for item in listed)
                return all(has) if how == "all" else any(has)

    # Values

    def read(self, field: str) -> int | str | None:
        """The fact of a field, None when it is empty; `final_price` by the day."""
        if field != "final_price":
            return self.facts[field]
        special, first, last = (self.facts[name] for name in ("special_price", SPECIAL_FROM, SPECIAL_TO))
        begun = first is None or int(first) <= self.today
        over = last is not None and self.today > int(last)
        return special if special is not None and begun and not over else self.facts["price"]

    def value(self, node: tree.Expression) -> Scalar:  # noqa: PLR0912  # one branch a form of the language
        """The value of an expression. Raises `NoValueError`."""
        match node:
            case tree.Number(value=number):
                return Fraction(number)
            case tree.Text(value=text):
                return fold(text)
            case tree.Day(value=day):
                return Fraction(day.toordinal())
            case tree.YesNo(value=yes):
                return Fraction(int(yes))
            case tree.Duration(days=days):
                return Fraction(days)
            case tree.Today():
                return Fraction(self.today)
            case tree.Field():
                return self._field(node)
            case tree.Negative(operand=operand):
                return -self.number(operand)
            case tree.Binary():
                return self._binary(node)
            case tree.Call():
                return self._call(node)
            case tree.PriceOf():
                return self.price_of(node)
            case tree.Percent() | tree.Grouped():
                raise TypeError(f"{node} is no value: the tree was not checked")
            case _:
                assert_never(node)

    def number(self, node: tree.Expression) -> Fraction:
        """The value of a number, a date or a yes/no value."""
        value = self.value(node)
        if isinstance(value, str):
            raise TypeError(f"{node} is a text: the tree was not checked")
        return value

    def _field(self, node: tree.Field) -> Scalar:
        fact = self.read(node.name)
        if fact is None:
            raise NoValueError(node.name, f"`{node.name}` is empty", node.span, empty=True)
        if isinstance(fact, str):
            return fact
        return Fraction(fact, SCALE) if node.type is Type.NUMBER else Fraction(fact)

    def _binary(self, node: tree.Binary) -> Fraction:
        left = self.number(node.left)
        if isinstance(node.right, tree.Percent):
            share = Fraction(node.right.value) / 100
            return {"+": left * (1 + share), "-": left * (1 - share), "*": left * share}[node.operator]
        right = self.number(node.right)
        match node.operator:
            case "+":
                return left + right
            case "-":
                return left - right
            case "*":
                return left * right
            case "/":
                if right == 0:
                    name = next(iter(_fields(node.right)), "")
                    raise NoValueError(name, f"{f'`{name}`: ' if name else ''}division by zero", node.span, empty=False)
                return left / right

    def _call(self, node: tree.Call) -> Scalar:
        match node.name, node.arguments:
            case "first", arguments:
                return self._first(arguments)
            case "min", arguments:
                return min(map(self.number, arguments))
            case "max", arguments:
                return max(map(self.number, arguments))
            case "abs", (argument,):
                return abs(self.number(argument))
            case "days since", (argument,):
                return self.today - self.number(argument)
            case name, arguments:
                return self._plugin(name, node)

    def _first(self, arguments: tuple[tree.Expression, ...]) -> Fraction:
        *others, last = arguments
        for argument in others:
            try:
                return self.number(argument)
            except NoValueError as error:
                if not error.empty:
                    raise
        return self.number(last)

    def _plugin(self, name: str, node: tree.Call) -> Scalar:
        function = self.functions.functions[name]
        if function.compute is None:
            raise TypeError(f"{name} is not computed by a plugin")
        wanted = [*function.parameters, *[function.parameters[-1]] * len(node.arguments)]
        plain = [_plain(self.value(each), type_) for each, type_ in zip(node.arguments, wanted, strict=False)]
        try:
            result = function.compute(*plain)
        except (ArithmeticError, ValueError, TypeError, LookupError) as error:
            raise NoValueError("", f"`{name}` failed: {error}", node.span, empty=False) from error
        if result is None:
            raise NoValueError("", f"`{name}` gives nothing", node.span, empty=True)
        return _scalar(result)


def _in_category(text: str, node: tree.InCategory) -> bool:
    closing = SEPARATOR if node.how == "is" else ""
    return SEPARATOR + path_fact(node.path.value) + closing in text


MATCHES: Mapping[str, Callable[[str, str], bool]] = {
    "contains": lambda text, part: part in text,
    "starts with": lambda text, part: text.startswith(part),
    "ends with": lambda text, part: text.endswith(part),
}


@lru_cache(maxsize=1024)
def glob(pattern: str) -> re.Pattern[str]:
    """`*` any run, `?` one character of the folded text. Atomic groups keep matching linear in practice."""
    first, *rest = (re.escape(part).replace(r"\?", ".") for part in fold(pattern).split("*"))
    if not rest:
        return re.compile(first, re.DOTALL)
    middle = "".join(f"(?>.*?{part})" for part in rest[:-1] if part)
    return re.compile(f"{first}{middle}.*{rest[-1]}", re.DOTALL)


def _fields(node: tree.Expression) -> list[str]:
    from connector.rules.reads import fields_of_value

    return list(fields_of_value(node))


def _plain(value: Scalar, kind: Type) -> Decimal | str | bool | dt.date:
    """A value as a plugin's function takes it."""
    if isinstance(value, str):
        return value
    if kind is Type.DATE:
        return dt.date.fromordinal(int(value))
    return bool(value) if kind is Type.BOOLEAN else decimal(value)


def decimal(value: Fraction) -> Decimal:
    """The exact decimal where there is one, else 34 digits of it."""
    rest = value.denominator
    for prime in (2, 5):
        while rest % prime == 0:
            rest //= prime
    if rest == 1:
        digits = max(len(str(value.denominator)), 1) * 4
        scaled = value * 10**digits
        return Context(prec=10**6).normalize(Decimal(scaled.numerator).scaleb(-digits, Context(prec=10**6)))
    return _DIGITS.divide(Decimal(value.numerator), Decimal(value.denominator))


def _scalar(result: object) -> Scalar:
    match result:
        case bool():
            return Fraction(int(result))
        case Decimal() | int():
            return Fraction(result)
        case dt.date():
            return Fraction(result.toordinal())
        case str():
            return fold(result)
    raise TypeError(f"a plugin's function gave {result!r}")
