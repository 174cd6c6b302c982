"""Why a condition holds or not: each part with the values it saw, down to the leaf that decided."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from connector.rules import tree
from connector.rules.evaluate import Evaluator
from connector.rules.facts import Fact, items
from connector.rules.functions import Library, library
from connector.rules.metadata import Type
from connector.rules.normal import condition_text
from connector.rules.products import Facts, Value
from connector.rules.reads import fields_in


@dataclass(frozen=True, slots=True)
class Explanation:
    """One part of a condition on one product.

    `values` are the fields that a leaf read, as text, empty text for an empty one. `decides` marks the parts because of
    which the whole is what it is: following them down leads to the deciding leaves. `sku` names the variant inside
    `any variant` and `every variant`.
    """

    text: str
    line: int
    holds: bool
    decides: bool
    values: Mapping[str, str]
    parts: tuple[Explanation, ...] = ()
    sku: str = ""

    def leaves(self) -> tuple[Explanation, ...]:
        """The leaves that decided."""
        if not self.parts:
            return (self,) if self.decides else ()
        return tuple(leaf for part in self.parts if part.decides for leaf in part.leaves())

    def as_json(self) -> dict[str, Any]:
        """Plain values for programs and screens."""
        return {
            "text": self.text,
            "line": self.line,
            "holds": self.holds,
            "decides": self.decides,
            "values": dict(self.values),
            **({"sku": self.sku} if self.sku else {}),
            **({"parts": [part.as_json() for part in self.parts]} if self.parts else {}),
        }


def explain(condition: tree.Condition, facts: Facts, today: int, functions: Library = library) -> Explanation:
    """The whole of a checked condition on a product."""
    return _explain(condition, Evaluator(facts, today, functions), True)


def _explain(node: tree.Condition, evaluator: Evaluator, decides: bool, sku: str = "") -> Explanation:
    holds = evaluator.holds(node)
    values: dict[str, str] = {}
    parts: tuple[Explanation, ...] = ()
    match node:
        case tree.And(parts=inner):
            # A failing `and` is decided by the parts that fail, a holding one by all of them.
            parts = tuple(_explain(part, evaluator, decides and evaluator.holds(part) == holds) for part in inner)
        case tree.Or(parts=inner):
            parts = tuple(_explain(part, evaluator, decides and evaluator.holds(part) == holds) for part in inner)
        case tree.Not(operand=operand):
            parts = (_explain(operand, evaluator, decides),)
        case tree.SegmentCall(condition=called) if called is not None:
            parts = (_explain(called, evaluator, decides),)
        case tree.OfVariants(condition=inner_condition):
            parts = _of_variants(inner_condition, evaluator, decides, holds)
        case _:
            values = {field.name: read_text(field, evaluator) for field in _fields(node)}
    return Explanation(condition_text(node), node.span.line, holds, decides, values, parts, sku)


def _of_variants(
    condition: tree.Condition, evaluator: Evaluator, decides: bool, holds: bool
) -> tuple[Explanation, ...]:
    found = []
    for variant in evaluator.facts.variants:
        on = evaluator.on(variant)
        found.append(_explain(condition, on, decides and on.holds(condition) == holds, variant.sku))
    return tuple(found)


def _fields(node: tree.Condition) -> tuple[tree.Field, ...]:
    """The fields that a leaf reads, each once."""
    match node:
        case tree.Compare(left=left, right=right):
            found = [*fields_in(left), *fields_in(right)]
        case tree.Between(operand=operand, low=low, high=high):
            found = [field for each in (operand, low, high) for field in fields_in(each)]
        case tree.Match(field=field, argument=argument):
            found = [field, *fields_in(argument)]
        case tree.In() | tree.Like() | tree.Has() | tree.InCategory() | tree.IsEmpty():
            found = [node.field]
        case tree.Holds(operand=operand):
            found = list(fields_in(operand))
        case _:
            found = []
    return tuple({field.name: field for field in found}.values())


def inputs(condition: tree.Condition, facts: Facts, today: int, functions: Library = library) -> dict[str, Any]:
    """What a condition looked at: `fields` of the product itself, and `variants` by SKU where it asked for them."""
    found: dict[str, str] = {}
    variants: dict[str, dict[str, str]] = {}
    _collect(condition, Evaluator(facts, today, functions), found, variants)
    return {"fields": found, **({"variants": variants} if variants else {})}


def _collect(
    node: tree.Condition, evaluator: Evaluator, found: dict[str, str], variants: dict[str, dict[str, str]]
) -> None:
    match node:
        case tree.And(parts=parts) | tree.Or(parts=parts):
            for part in parts:
                _collect(part, evaluator, found, variants)
        case tree.Not(operand=operand):
            _collect(operand, evaluator, found, variants)
        case tree.SegmentCall(condition=called) if called is not None:
            _collect(called, evaluator, found, variants)
        case tree.OfVariants(condition=inner):
            for variant in evaluator.facts.variants:
                _collect(inner, evaluator.on(variant), variants.setdefault(variant.sku, {}), {})
        case _:
            found.update((field.name, read_text(field, evaluator)) for field in _fields(node))


def read_text(field: tree.Field, evaluator: Evaluator) -> str:
    """A field's value as people read it; empty text for an empty one."""
    original = (evaluator.facts.plain or {}).get(field.name)
    if original is not None:
        return value_text(original)
    fact = evaluator.read(field.name)
    return "" if fact is None else fact_text(fact, field.type or Type.TEXT)


def value_text(value: Value) -> str:
    """A value as people write it; the items of a set between commas, sorted."""
    match value:
        case bool():
            return "yes" if value else "no"
        case Decimal():
            return f"{value.normalize():f}"
        case dt.date():
            return value.isoformat()
        case frozenset():
            return ", ".join(sorted(value))
        case str():
            return value


def fact_text(fact: Fact, kind: Type) -> str:
    """A fact as people read it; texts in their folded form."""
    if isinstance(fact, str):
        return ", ".join(items(fact)) if kind in (Type.CHOICES, Type.CATEGORIES) else fact
    match kind:
        case Type.NUMBER:
            return f"{Decimal(fact).scaleb(-6).normalize():f}"
        case Type.DATE:
            return dt.date.fromordinal(fact).isoformat()
        case _:
            return "yes" if fact else "no"
