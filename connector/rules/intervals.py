"""Finds conditions that can never hold: parts of an `and` that no value satisfies together.

It looks at what an `and` says about each field: numbers, dates and texts that must lie in a range, values that must be
equal, empty and not empty. It never claims that something cannot hold which can.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from fractions import Fraction
from typing import TypeAlias

from connector.rules import tree
from connector.rules.facts import fold

_Point: TypeAlias = Fraction | str
_COMPARED = 100
"""So many parts of an `and` are compared with each other; all of them would take quadratic time."""


def never_holds(condition: tree.Condition) -> bool:
    """Whether no product at all can satisfy a checked condition, as far as can be seen."""
    match condition:
        case tree.Or(parts=parts):
            return all(map(never_holds, parts))
        case tree.SegmentCall(condition=called):
            return called is not None and never_holds(called)
        case tree.OfVariants(condition=inner):
            return never_holds(inner)
        case _:
            parts = tuple(_conjuncts(condition))
            return any(isinstance(part, tree.Or) and never_holds(part) for part in parts) or _contradict(parts)


def _conjuncts(condition: tree.Condition) -> Iterator[tree.Condition]:
    """The parts that must all hold, segments and inner `and`s opened."""
    match condition:
        case tree.And(parts=parts):
            for part in parts:
                yield from _conjuncts(part)
        case tree.SegmentCall(condition=called) if called is not None:
            yield from _conjuncts(called)
        case _:
            yield condition


@dataclass(slots=True)
class _Wanted:
    """What is asked of one field: bounds (with whether the bound itself is let in), values that are let in."""

    low: tuple[_Point, bool] | None = None
    high: tuple[_Point, bool] | None = None
    among: set[_Point] | None = None
    refused: set[_Point] = field(default_factory=set)
    empty: bool = False
    filled: bool = False

    def at_least(self, point: _Point, included: bool) -> None:
        self.filled = True
        if self.low is None or (point, not included) > (self.low[0], not self.low[1]):
            self.low = point, included

    def at_most(self, point: _Point, included: bool) -> None:
        self.filled = True
        if self.high is None or (point, included) < self.high:
            self.high = point, included

    def one_of(self, points: set[_Point]) -> None:
        self.filled = True
        self.among = points if self.among is None else self.among & points

    def contradicts(self) -> bool:
        if self.empty and self.filled:
            return True
        if self.low is not None and self.high is not None:
            (low, with_low), (high, with_high) = self.low, self.high
            if low > high or (low == high and not (with_low and with_high)):  # type: ignore[operator]  # one type a field
                return True
        return self.among is not None and not any(map(self._lets_in, self.among - self.refused))

    def _lets_in(self, point: _Point) -> bool:
        above = self.low is None or point > self.low[0] or (point == self.low[0] and self.low[1])  # type: ignore[operator]  # one type a field
        below = self.high is None or point < self.high[0] or (point == self.high[0] and self.high[1])  # type: ignore[operator]  # one type a field
        return above and below


def _contradict(parts: tuple[tree.Condition, ...]) -> bool:
    wanted: dict[str, _Wanted] = {}
    for part in parts:
        _note(part, wanted)
    negated = [part.operand for part in parts[:_COMPARED] if isinstance(part, tree.Not)]
    if any(part in negated for part in parts[:_COMPARED]):
        return True
    return any(each.contradicts() for each in wanted.values())


def _note(part: tree.Condition, wanted: dict[str, _Wanted]) -> None:
    def about(name: str) -> _Wanted:
        return wanted.setdefault(name, _Wanted())

    match part:
        case tree.Compare(operator=sign, left=tree.Field(name=name), right=right):
            _compare(about(name), sign, _point(right))
        case tree.Compare(operator=sign, left=left, right=tree.Field(name=name)):
            flipped = {"<": ">", "<=": ">=", ">": "<", ">=": "<="}.get(sign, sign)
            _compare(about(name), flipped, _point(left))
        case tree.Between(operand=tree.Field(name=name), low=low, high=high):
            _compare(about(name), ">=", _point(low))
            _compare(about(name), "<=", _point(high))
        case tree.In(field=tree.Field(name=name), items=items, negated=negated):
            points = {point for item in items if (point := _point(item)) is not None}
            if negated:
                about(name).refused |= points
            else:
                about(name).one_of(points)
        case tree.IsEmpty(field=tree.Field(name=name), negated=negated):
            asked = about(name)
            asked.filled, asked.empty = asked.filled or negated, asked.empty or not negated
        case tree.Holds(operand=tree.Field(name=name)):
            about(name).one_of({Fraction(1)})
        case tree.Match(field=tree.Field(name=name)) | tree.Like(field=tree.Field(name=name)):
            about(name).filled = True
        case tree.Has(field=tree.Field(name=name)) | tree.InCategory(field=tree.Field(name=name), negated=False):
            about(name).filled = True
        case _:
            pass


def _compare(asked: _Wanted, sign: str, point: _Point | None) -> None:
    if point is None:
        asked.filled = asked.filled or sign != "!="
        return
    match sign:
        case "=":
            asked.one_of({point})
        case "!=":
            asked.refused.add(point)
        case "<" | "<=":
            asked.at_most(point, sign == "<=")
        case _:
            asked.at_least(point, sign == ">=")


def _point(node: tree.Expression) -> _Point | None:
    match node:
        case tree.Number(value=value):
            return Fraction(value)
        case tree.Negative(operand=tree.Number(value=value)):
            return -Fraction(value)
        case tree.Text(value=text):
            return fold(text)
        case tree.Day(value=day):
            return Fraction(day.toordinal())
        case tree.YesNo(value=yes):
            return Fraction(int(yes))
        case _:
            return None
