"""From grammar rules to tree nodes: one rule, one method, one expression.

Nothing is looked up or refused here. Every word of the text is a child (`keep_all_tokens`), so a node's place runs from
its first child to its last.
"""

from __future__ import annotations

import datetime as dt
import re
import unicodedata
from decimal import Decimal
from typing import Any, Literal, TypeAlias, get_args

from lark import Token, v_args
from lark.visitors import Transformer_NonRecursive

from connector.rules import tree
from connector.rules.tree import Condition, Expression, Span

Part: TypeAlias = Any
"""A token, or what another method made; the grammar guarantees which."""

_CONDITIONS = get_args(Condition)
_ESCAPED = re.compile(r'\\(["\\n])')


def condition(part: Part) -> Condition:
    """What stands where a condition belongs: brackets vanish, a value alone is asked whether it holds."""
    if isinstance(part, tree.Grouped):
        return part.condition
    return part if isinstance(part, _CONDITIONS) else tree.Holds(part.span, part)


def decode(literal: str) -> str:
    """The text between the quotes. `\\/` keeps its backslash: it has a meaning in category paths."""
    plain = _ESCAPED.sub(lambda match: "\n" if match[1] == "n" else match[1], literal[1:-1])
    return unicodedata.normalize("NFC", plain)


def calendar_day(text: str) -> dt.date:
    """The day; the first of all days when there is none, which the lexer has reported."""
    try:
        return dt.date.fromisoformat(text)
    except ValueError:
        return dt.date.min


@v_args(inline=True)
class Builder(Transformer_NonRecursive[Token, Any]):
    """Builds the nodes of one file."""

    def __init__(self, file: str) -> None:
        super().__init__()
        self._file = file

    def place(self, token: Token) -> Span:
        """Where a token stands."""
        line, column = token.line or 1, token.column or 1
        return Span(self._file, line, column, token.end_line or line, token.end_column or column + len(token))

    def _over(self, first: Part, last: Part) -> Span:
        start = self.place(first) if isinstance(first, Token) else first.span
        return start.to(self.place(last) if isinstance(last, Token) else last.span)

    def _name(self, token: Token) -> tree.Name:
        return tree.Name(self.place(token), decode(token) if token.startswith('"') else str(token))

    # Values

    def number(self, token: Token) -> tree.Number:
        return tree.Number(self.place(token), Decimal(token))

    def minus_number(self, minus: Token, token: Token) -> tree.Number:
        return tree.Number(self._over(minus, token), -Decimal(token))

    def text(self, token: Token) -> tree.Text:
        return tree.Text(self.place(token), decode(token))

    def day(self, token: Token) -> tree.Day:
        return tree.Day(self.place(token), calendar_day(token))

    def yes(self, token: Token) -> tree.YesNo:
        return tree.YesNo(self.place(token), True)

    def no(self, token: Token) -> tree.YesNo:
        return tree.YesNo(self.place(token), False)

    def percent(self, token: Token) -> tree.Percent:
        return tree.Percent(self.place(token), Decimal(token[:-1]))

    def duration(self, count: Token, unit: Token) -> tree.Duration:
        return tree.Duration(self._over(count, unit), Decimal(count))

    def today(self, token: Token) -> tree.Today:
        return tree.Today(self.place(token))

    def field(self, token: Token) -> tree.Field:
        return tree.Field(self.place(token), unicodedata.normalize("NFC", token.strip("`")))

    def negative(self, minus: Token, operand: Expression) -> tree.Negative:
        return tree.Negative(self._over(minus, operand), operand)

    def binary(self, left: Expression, operator: Token, right: Expression) -> tree.Binary:
        return tree.Binary(self._over(left, right), operator.value, left, right)

    def grouped(self, opening: Token, inner: Part, closing: Token) -> Expression:
        return tree.Grouped(self._over(opening, closing), inner) if isinstance(inner, _CONDITIONS) else inner

    def call(self, name: Token, _opening: Token, *rest: Part) -> tree.Call:
        return tree.Call(self._over(name, rest[-1]), str(name), _items(rest))

    def days_since(self, days: Token, _since: Token, _opening: Token, day: Expression, closing: Token) -> tree.Call:
        return tree.Call(self._over(days, closing), "days since", (day,))

    def price_of(self, first: Token, _of: Token, name: Token) -> tree.PriceOf:
        return tree.PriceOf(self._over(first, name), decode(name))

    def values(self, *parts: Part) -> tuple[tree.Literal_, ...]:
        return _items(parts)

    def texts(self, *parts: Part) -> tuple[tree.Text, ...]:
        return _items(parts)

    # Conditions

    def compare(self, left: Expression, operator: Token, right: Expression) -> tree.Compare:
        return tree.Compare(self._over(left, right), operator.value, left, right)

    def between(
        self, operand: Expression, _word: Token, low: Expression, _and: Token, high: Expression
    ) -> tree.Between:
        return tree.Between(self._over(operand, high), operand, low, high)

    def is_in(self, field: tree.Field, _in: Token, items: tuple[tree.Literal_, ...]) -> tree.In:
        return tree.In(self._over(field, items[-1]), field, items)

    def is_not_in(self, field: tree.Field, _not: Token, _in: Token, items: tuple[tree.Literal_, ...]) -> tree.In:
        return tree.In(self._over(field, items[-1]), field, items, negated=True)

    def _match(
        self, how: Literal["contains", "starts with", "ends with"], field: tree.Field, argument: tree.Text | tree.Field
    ) -> tree.Match:
        return tree.Match(self._over(field, argument), how, field, argument)

    def contains(self, field: tree.Field, _word: Token, argument: tree.Text | tree.Field) -> tree.Match:
        return self._match("contains", field, argument)

    def starts_with(self, field: tree.Field, _a: Token, _b: Token, argument: tree.Text | tree.Field) -> tree.Match:
        return self._match("starts with", field, argument)

    def ends_with(self, field: tree.Field, _a: Token, _b: Token, argument: tree.Text | tree.Field) -> tree.Match:
        return self._match("ends with", field, argument)

    def like(self, field: tree.Field, _word: Token, pattern: Token) -> tree.Like:
        return tree.Like(self._over(field, pattern), field, self.text(pattern))

    def has(self, field: tree.Field, _word: Token, item: Token) -> tree.Has:
        return tree.Has(self._over(field, item), field, "one", (self.text(item),))

    def has_any(self, field: tree.Field, *rest: Part) -> tree.Has:
        return tree.Has(self._over(field, rest[-1][-1]), field, "any", rest[-1])

    def has_all(self, field: tree.Field, *rest: Part) -> tree.Has:
        return tree.Has(self._over(field, rest[-1][-1]), field, "all", rest[-1])

    def is_category(self, field: tree.Field, _is: Token, path: Token) -> tree.InCategory:
        return tree.InCategory(self._over(field, path), field, "is", self.text(path))

    def is_not_category(self, field: tree.Field, _is: Token, _not: Token, path: Token) -> tree.InCategory:
        return tree.InCategory(self._over(field, path), field, "is", self.text(path), negated=True)

    def under(self, field: tree.Field, _under: Token, path: Token) -> tree.InCategory:
        return tree.InCategory(self._over(field, path), field, "under", self.text(path))

    def not_under(self, field: tree.Field, _not: Token, _under: Token, path: Token) -> tree.InCategory:
        return tree.InCategory(self._over(field, path), field, "under", self.text(path), negated=True)

    def is_empty(self, field: tree.Field, _is: Token, empty: Token) -> tree.IsEmpty:
        return tree.IsEmpty(self._over(field, empty), field)

    def is_not_empty(self, field: tree.Field, _is: Token, _not: Token, empty: Token) -> tree.IsEmpty:
        return tree.IsEmpty(self._over(field, empty), field, negated=True)

    def any_variant(self, word: Token, _variant: Token, _opening: Token, inner: Part, closing: Token) -> Condition:
        return tree.OfVariants(self._over(word, closing), "any", condition(inner))

    def every_variant(self, word: Token, _variant: Token, _opening: Token, inner: Part, closing: Token) -> Condition:
        return tree.OfVariants(self._over(word, closing), "every", condition(inner))

    def segment_call(self, sign: Token, name: Token) -> tree.SegmentCall:
        return tree.SegmentCall(self._over(sign, name), str(name))

    def negated(self, word: Token, inner: Part) -> tree.Not:
        return tree.Not(self._over(word, inner), condition(inner))

    def together(self, *parts: Part) -> tree.And:
        return tree.And(self._over(parts[0], parts[-1]), _flat(tree.And, parts))

    def disjunction(self, *parts: Part) -> tree.Or:
        return tree.Or(self._over(parts[0], parts[-1]), _flat(tree.Or, parts))

    # Definitions

    def segment(self, word: Token, name: Token, _equals: Token, inner: Part) -> tree.Segment:
        return tree.Segment(self._over(word, inner), self._name(name), condition(inner))

    def account(self, _on: Token, _account: Token, name: Token) -> tree.Name:
        return self._name(name)

    def priority(self, _word: Token, rank: Token) -> tree.Number:
        return self.number(rank)

    def assign(
        self,
        word: Token,
        template: Token,
        account: tree.Name | None,
        priority: tree.Number | None,
        _where: Token,
        inner: Part,
    ) -> tree.Assign:
        return tree.Assign(self._over(word, inner), self._name(template), account, priority, condition(inner))

    def case(self, word: Token, inner: Part, _then: Token, amount: Expression) -> tree.Case:
        return tree.Case(self._over(word, amount), condition(inner), amount)

    def otherwise(self, _word: Token, amount: Expression) -> Expression:
        return amount

    def direction(self, word: Token) -> tree.Direction:
        return tree.Direction(word.value)

    def round_to(self, word: Token, direction: tree.Direction | None, _to: Token, step: Token) -> tree.RoundTo:
        return tree.RoundTo(self._over(word, step), direction or tree.Direction.NEAREST, Decimal(step))

    def round_ending(
        self, word: Token, direction: tree.Direction | None, _to: Token, _ending: Token, ending: Token
    ) -> tree.RoundEnding:
        return tree.RoundEnding(self._over(word, ending), direction or tree.Direction.NEAREST, Decimal(ending))

    def at_least(self, word: Token, _least: Token, amount: Expression) -> tree.AtLeast:
        return tree.AtLeast(self._over(word, amount), amount)

    def at_most(self, word: Token, _most: Token, amount: Expression) -> tree.AtMost:
        return tree.AtMost(self._over(word, amount), amount)

    def price(self, word: Token, name: Token, *parts: Part) -> tree.Price:
        cases = tuple(part for part in parts if isinstance(part, tree.Case))
        limits = tuple(part for part in parts if isinstance(part, get_args(tree.Limit)))
        otherwise = parts[len(cases)]
        last = [part for part in (name, *parts) if part is not None][-1]
        return tree.Price(self._over(word, last), self._name(name), cases, otherwise, limits)

    # Tests

    def given_value(self, field: tree.Field, _equals: Token, value: tree.Literal_) -> tree.GivenValue:
        return tree.GivenValue(self._over(field, value), field, (value,))

    def given_list(self, field: tree.Field, _equals: Token, values: tuple[tree.Literal_, ...]) -> tree.GivenValue:
        return tree.GivenValue(self._over(field, values[-1]), field, values, listed=True)

    def given_empty(self, field: tree.Field, _is: Token, empty: Token) -> tree.GivenValue:
        return tree.GivenValue(self._over(field, empty), field, None)

    def given_today(self, word: Token, _equals: Token, day: Token) -> tree.GivenToday:
        return tree.GivenToday(self._over(word, day), self.day(day))

    def givens(self, *parts: Part) -> tuple[tree.Given, ...]:
        return _items(parts)

    def variant(self, _word: Token, _opening: Token, *parts: Part) -> tuple[tree.GivenValue, ...]:
        return _items(parts)

    def outcomes(self, *parts: Part) -> tuple[tree.Outcome, ...]:
        return _items(parts)

    def expect_assign(self, word: Token, name: Token) -> tree.ExpectAssign:
        return tree.ExpectAssign(self._over(word, name), self._name(name), negated=False)

    def expect_no_assign(self, word: Token, _assign: Token, name: Token) -> tree.ExpectAssign:
        return tree.ExpectAssign(self._over(word, name), self._name(name), negated=True)

    def expect_price(self, word: Token, name: Token, _equals: Token, amount: Token) -> tree.ExpectPrice:
        return tree.ExpectPrice(self._over(word, amount), self._name(name), Decimal(amount))

    def expect_failure(self, word: Token, name: Token, fails: Token) -> tree.ExpectPrice:
        return tree.ExpectPrice(self._over(word, fails), self._name(name), None)

    def test(self, word: Token, name: Token, _given: Token, given: tuple[tree.Given, ...], *rest: Part) -> tree.Test:
        variants = tuple(rest[:-2])
        outcomes = rest[-1]
        return tree.Test(self._over(word, outcomes[-1]), self._name(name), given, variants, outcomes)

    def file(self, *definitions: tree.Definition) -> tuple[tree.Definition, ...]:
        return definitions


def _items(parts: tuple[Part, ...]) -> tuple[Any, ...]:
    """What stands between the commas and brackets."""
    return tuple(part for part in parts if not isinstance(part, Token))


def _flat(kind: type[tree.And | tree.Or], parts: tuple[Part, ...]) -> tuple[Condition, ...]:
    """The parts as conditions; one that is of the same kind gives its own parts: `(a and b) and c` is `a and b and c`."""
    found: list[Condition] = []
    for part in _items(parts):
        each = condition(part)
        found.extend(each.parts if isinstance(each, kind) else (each,))
    return tuple(found)
