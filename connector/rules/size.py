"""How large a condition is once its segments are expanded."""

from __future__ import annotations

from dataclasses import dataclass

from connector.rules import tree


@dataclass(frozen=True, slots=True)
class Size:
    """`leaves` counts comparisons and other single tests; `levels` brackets and `not`s inside one another."""

    leaves: int
    levels: int
    of_variants: bool


def measure(condition: tree.Condition, known: dict[int, Size]) -> Size:
    """The size of a checked condition. `known` remembers segments, by identity, so that each is measured once."""
    match condition:
        case tree.And() | tree.Or():
            sizes = [measure(part, known) for part in condition.parts]
            levels = [size.levels + _is_chain(part) for part, size in zip(condition.parts, sizes, strict=True)]
            return Size(sum(size.leaves for size in sizes), max(levels), any(size.of_variants for size in sizes))
        case tree.Not(operand=inner) | tree.OfVariants(condition=inner):
            size = measure(inner, known)
            return Size(size.leaves, size.levels + 1, size.of_variants or isinstance(condition, tree.OfVariants))
        case tree.SegmentCall(condition=called) if called is not None:
            if id(called) not in known:
                known[id(called)] = measure(called, known)
            return known[id(called)]
        case _:
            return Size(1, 0, False)


def _is_chain(part: tree.Condition) -> bool:
    """Whether a part needs brackets of its own."""
    inner = part.condition if isinstance(part, tree.SegmentCall) else part
    return isinstance(inner, tree.And | tree.Or)
