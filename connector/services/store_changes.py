"""What a store says of itself now and did not say before, in words for the history."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from connector.rules.magento import Metadata
from connector.store.models import MagentoStore

SHOWN = 5
"""Names of one change that the sentence has; the history's values have all of them."""

SETTINGS = {
    "website_code": "Website",
    "root_category_id": "Root category",
    "base_currency": "Currency",
    "timezone": "Time zone",
    "weight_unit": "Weight unit",
    "base_media_url": "Media address",
}
"""Columns of the store that its own configuration decides → what people call them."""


@dataclass(frozen=True, slots=True)
class Change:
    """Names that are new and names that are gone, of one thing: attributes, options of one of them, categories …"""

    what: str
    new: tuple[str, ...] = ()
    gone: tuple[str, ...] = ()

    def __str__(self) -> str:
        parts = [f"{word} {_some(names)}" for word, names in (("new", self.new), ("gone", self.gone)) if names]
        return f"{self.what}: {'; '.join(parts)}"


@dataclass(frozen=True, slots=True)
class StoreChanges:
    """All changes of one look. `options` is attribute code → labels that are new."""

    changes: tuple[Change, ...] = ()
    options: Mapping[str, frozenset[str]] = field(default_factory=dict)

    def __bool__(self) -> bool:
        return bool(self.changes)

    def __str__(self) -> str:
        return ". ".join(str(change) for change in self.changes)


def settings(store: MagentoStore) -> dict[str, str]:
    """What the store's configuration says, by column."""
    return {name: str(getattr(store, name)) for name in SETTINGS}


def compare(
    before: Metadata, after: Metadata, settings_before: Mapping[str, str], settings_after: Mapping[str, str]
) -> StoreChanges:
    """What is new and what is gone. Something that was renamed is both."""
    fields_before, fields_after = before.catalogue.fields, after.catalogue.fields
    found = [
        Change(SETTINGS[name], (settings_after[name],), (settings_before[name],))
        for name in SETTINGS
        if settings_before[name] != settings_after[name]
    ]
    found += _change("Attributes", fields_before, fields_after)
    found += [
        Change(f"Type of {code}", (fields_after[code].type.value,), (fields_before[code].type.value,))
        for code in sorted(fields_before.keys() & fields_after.keys())
        if fields_before[code].type is not fields_after[code].type
    ]
    options = {}
    for code in sorted(before.options.keys() & after.options.keys()):
        old, new = set(before.options[code].values()), set(after.options[code].values())
        found += _change(f"Options of {code}", old, new)
        options[code] = frozenset(new - old)
    found += _change("Attribute sets", before.sets.values(), after.sets.values())
    found += _change("Categories", filter(None, before.paths.values()), filter(None, after.paths.values()))
    return StoreChanges(tuple(found), {code: labels for code, labels in options.items() if labels})


def values(changes: StoreChanges, side: str) -> dict[str, Any]:
    """All names of one side, `new` or `gone`, by what changed: for the history."""
    return {change.what: list(getattr(change, side)) for change in changes.changes if getattr(change, side)}


def _change(what: str, before: Iterable[str], after: Iterable[str]) -> list[Change]:
    old, new = set(before), set(after)
    return [Change(what, tuple(sorted(new - old)), tuple(sorted(old - new)))] if old != new else []


def _some(names: tuple[str, ...]) -> str:
    more = f" and {len(names) - SHOWN} more" if len(names) > SHOWN else ""
    return ", ".join(names[:SHOWN]) + more
