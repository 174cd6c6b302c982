"""What rules read: which fields, and whether the day. A change of anything else cannot change their result."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import assert_never

from connector.rules import tree
from connector.rules.metadata import FINAL_PRICE_PARTS

TODAY = "today"
"""Stands for the day among the names of fields, none of which is a keyword without backquotes."""


def fields_read(node: tree.Condition) -> frozenset[str]:
    """The facts that a checked condition reads, segments included; `today` when the day matters."""
    return frozenset(_condition(node, {}))


def fields_of_value(node: tree.Expression) -> tuple[str, ...]:
    """The fields that a value names, in the order written, each once."""
    return tuple(dict.fromkeys(field.name for field in fields_in(node)))


def fields_priced(price: tree.Price, prices: Mapping[str, tree.Price]) -> frozenset[str]:
    """The facts that a checked price reads, with those of every price it is computed from."""
    found: set[str] = set()
    waiting, seen = [price], {price.name.value}
    while waiting:
        each = waiting.pop()
        for case in each.cases:
            found |= _condition(case.condition, {})
        for amount in amounts(each):
            found |= _value(amount)
            for name in prices_named(amount):
                if name in prices and name not in seen:
                    seen.add(name)
                    waiting.append(prices[name])
    return frozenset(found)


def amounts(price: tree.Price) -> Iterator[tree.Expression]:
    """Every expression of a price that gives an amount."""
    yield from (case.amount for case in price.cases)
    if price.otherwise is not None:
        yield price.otherwise
    yield from (limit.amount for limit in price.limits if isinstance(limit, tree.AtLeast | tree.AtMost))


def prices_named(node: tree.Expression) -> Iterator[str]:
    """The prices that an amount is computed from."""
    yield from (part.name for part in _walk(node) if isinstance(part, tree.PriceOf))


def _condition(node: tree.Condition, known: dict[int, set[str]]) -> set[str]:
    match node:
        case tree.And(parts=parts) | tree.Or(parts=parts):
            return set().union(*(_condition(part, known) for part in parts))
        case tree.Not(operand=inner) | tree.OfVariants(condition=inner):
            return _condition(inner, known)
        case tree.SegmentCall(condition=called):
            if called is not None and id(called) not in known:
                known[id(called)] = _condition(called, known)
            return set() if called is None else known[id(called)]
        case tree.Compare(left=left, right=right):
            return _value(left) | _value(right)
        case tree.Between(operand=operand, low=low, high=high):
            return _value(operand) | _value(low) | _value(high)
        case tree.Match(field=field, argument=argument):
            return _value(field) | _value(argument)
        case tree.In(field=field) | tree.Like(field=field) | tree.Has(field=field):
            return _value(field)
        case tree.InCategory(field=field) | tree.IsEmpty(field=field):
            return _value(field)
        case tree.Holds(operand=operand):
            return _value(operand)
        case _:
            assert_never(node)


def _value(node: tree.Expression) -> set[str]:
    found: set[str] = set()
    for part in _walk(node):
        match part:
            case tree.Field(name="final_price"):
                found.update((*FINAL_PRICE_PARTS, TODAY))
            case tree.Field(name=name):
                found.add(name)
            case tree.Today() | tree.Call(name="days since"):
                found.add(TODAY)
            case _:
                pass
    return found


def fields_in(node: tree.Expression) -> Iterator[tree.Field]:
    """Every field of a value, in the order written."""
    yield from (part for part in _walk(node) if isinstance(part, tree.Field))


def _walk(node: tree.Expression) -> Iterator[tree.Expression]:
    """The node and every value in it, in the order written."""
    waiting = [node]
    while waiting:
        part = waiting.pop()
        yield part
        match part:
            case tree.Negative(operand=operand):
                waiting.append(operand)
            case tree.Binary(left=left, right=right):
                waiting += [right, left]
            case tree.Call(arguments=arguments):
                waiting += reversed(arguments)
            case _:
                pass
