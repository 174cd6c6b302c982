"""What a catalogue looks like to the language: fields with their types, labels, category paths, template names."""

from __future__ import annotations

import enum
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from decimal import Decimal
from types import MappingProxyType


class Type(enum.Enum):
    """The type of a field or an expression. The value is the word that error messages use."""

    NUMBER = "number"
    TEXT = "text"
    BOOLEAN = "yes/no"
    DATE = "date"
    CHOICE = "choice"
    CHOICES = "choices"
    CATEGORIES = "categories"
    DURATION = "duration"
    """Only of expressions: `30 days`. No field has it."""


@dataclass(frozen=True, slots=True)
class FieldInfo:
    """One field that rules may read.

    `labels` are the known labels of a choice or choices field as people write them, None when any text is accepted.
    `own` fields are never read from the configurable when they are empty on a variant.
    `filled` is the share of products that have a value, 0 to 1; None when nobody counted.
    """

    name: str
    type: Type
    label: str = ""
    labels: tuple[str, ...] | None = None
    own: bool = False
    filled: Decimal | None = None


STATUSES = {1: "enabled", 2: "disabled"}
VISIBILITIES = {1: "not visible", 2: "catalog", 3: "search", 4: "catalog, search"}
PRODUCT_TYPES = ("simple", "configurable", "virtual", "downloadable", "bundle", "grouped")

_OWN = frozenset(
    {"sku", "name", "type", "status", "visibility", "price", "special_price", "final_price", "cost", "msrp", "qty"}
    | {"in_stock", "weight", "created_at", "updated_at", "parent_sku"}
)


def _built_in(name: str, type_: Type, label: str, labels: Iterable[str] | None = None) -> FieldInfo:
    return FieldInfo(name, type_, label, None if labels is None else tuple(labels), own=name in _OWN)


BUILT_IN: Mapping[str, FieldInfo] = MappingProxyType(
    {
        info.name: info
        for info in (
            _built_in("sku", Type.TEXT, "Stock keeping unit"),
            _built_in("name", Type.TEXT, "Product name"),
            _built_in("type", Type.CHOICE, "Magento's type id", PRODUCT_TYPES),
            _built_in("status", Type.CHOICE, "Enabled or disabled", STATUSES.values()),
            _built_in("visibility", Type.CHOICE, "Where the store shows it", VISIBILITIES.values()),
            _built_in("price", Type.NUMBER, "Price; of a configurable, the lowest of its enabled variants"),
            _built_in("special_price", Type.NUMBER, "Special price"),
            _built_in("final_price", Type.NUMBER, "The special price inside its date window, else the price"),
            _built_in("cost", Type.NUMBER, "Cost"),
            _built_in("msrp", Type.NUMBER, "Manufacturer's suggested retail price"),
            _built_in("qty", Type.NUMBER, "Quantity; of a configurable, the sum over its enabled variants"),
            _built_in("in_stock", Type.BOOLEAN, "In stock"),
            _built_in("weight", Type.NUMBER, "Weight, in the store's unit"),
            _built_in("attribute_set", Type.CHOICE, "Attribute set"),
            _built_in("category", Type.CATEGORIES, "Category paths, below the store's root category"),
            _built_in("website", Type.CHOICES, "Websites that sell it, by code"),
            _built_in("created_at", Type.DATE, "Day of creation"),
            _built_in("updated_at", Type.DATE, "Day of the last change"),
            _built_in("parent_sku", Type.TEXT, "SKU of the configurable that it is a variant of"),
        )
    }
)

SPECIAL_FROM = "special_price.from"
SPECIAL_TO = "special_price.to"
SPECIAL_DATES: Mapping[str, str] = MappingProxyType({"special_from_date": SPECIAL_FROM, "special_to_date": SPECIAL_TO})
"""Attribute code of Magento → the part of `final_price` that it is."""

FINAL_PRICE_PARTS = ("special_price", SPECIAL_FROM, SPECIAL_TO, "price")
"""What `final_price` is computed from. It depends on the day, so no fact holds it; a back end expands it."""

HIDDEN: Mapping[str, FieldInfo] = MappingProxyType(
    {
        SPECIAL_FROM: FieldInfo(SPECIAL_FROM, Type.DATE, "First day of the special price", own=True),
        SPECIAL_TO: FieldInfo(SPECIAL_TO, Type.DATE, "Last day of the special price", own=True),
    }
)
"""Facts that no rule can name; the parts of `final_price`."""


@dataclass(frozen=True, slots=True)
class Catalogue:
    """What rules are checked against. `fields` holds the built-in ones too.

    `categories` are the known paths as people write them (`Men/Tops`, a slash inside a name as `\\/`); None accepts any.
    `templates` and `accounts` are the known names; None accepts any.
    """

    fields: Mapping[str, FieldInfo] = field(default_factory=lambda: BUILT_IN)
    categories: frozenset[str] | None = None
    templates: frozenset[str] | None = None
    accounts: frozenset[str] | None = None

    def stored(self) -> dict[str, FieldInfo]:
        """Every field that has a fact: all but `final_price`, with the hidden ones."""
        return {**{name: info for name, info in self.fields.items() if name != "final_price"}, **HIDDEN}

    def with_fields(self, *infos: FieldInfo) -> Catalogue:
        """The same catalogue with further fields. A built-in field cannot be replaced."""
        added = {info.name: info for info in infos if info.name not in BUILT_IN}
        return replace(self, fields=MappingProxyType({**self.fields, **added}))
