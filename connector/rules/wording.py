"""Types in plain words, for what problems say."""

from __future__ import annotations

from collections.abc import Iterable

from connector.rules import tree
from connector.rules.metadata import Type

_NAMED = {
    Type.CHOICES: "a set of choices",
    Type.CATEGORIES: "a set of categories",
    Type.BOOLEAN: "a yes/no value",
}


def named(kind: Type) -> str:
    """`a number`, `a set of choices`, …"""
    return _NAMED.get(kind, f"a {kind.value}")


def any_of(kinds: Iterable[Type]) -> str:
    """`a choice, a date or a text`"""
    *some, last = sorted(map(named, kinds))
    return f"{', '.join(some)} or {last}" if some else last


def instead(field: tree.Field, word: str) -> str:
    """What an author who used the wrong form on a field may have meant."""
    match field.type:
        case Type.CHOICE:
            return f'write `{field.name} = "…"` or `{field.name} in (…)`'
        case Type.CHOICES:
            return f'write `{field.name} has "…"`, `has any of` or `has all of`'
        case Type.CATEGORIES:
            return 'write `category is "…"` or `category under "…"`'
        case Type.BOOLEAN:
            return f"write the field alone, `{field.name}`, or `{field.name} = no`"
        case Type.TEXT if word in ("is", "has"):
            return f'write `{field.name} = "…"`'
        case _:
            return ""
