"""A small catalogue for the tests of the language, and short ways to ask it something."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from decimal import Decimal
from typing import Any

import pytest

from connector.rules.evaluation import Family, family_facts, inherited_fields
from connector.rules.fact_rows import own
from connector.rules.metadata import BUILT_IN, Catalogue, FieldInfo, Type
from connector.rules.products import Facts

TODAY = dt.date(2026, 11, 1)
COLORS = ("Black", "Red", "Blue", "Groß")
CATALOGUE = Catalogue(
    fields={
        **BUILT_IN,
        "brand": FieldInfo("brand", Type.TEXT),
        "subtitle": FieldInfo("subtitle", Type.TEXT),
        "color": FieldInfo("color", Type.CHOICE, labels=COLORS),
        "size": FieldInfo("size", Type.CHOICE, labels=("S", "M", "L")),
        "features": FieldInfo("features", Type.CHOICES, labels=("Warm", "Light", "Dry", "Soft")),
        "is_new": FieldInfo("is_new", Type.BOOLEAN),
        "released": FieldInfo("released", Type.DATE),
        "length": FieldInfo("length", Type.NUMBER),
        "when": FieldInfo("when", Type.TEXT),
        "min": FieldInfo("min", Type.NUMBER),
        "odd code": FieldInfo("odd code", Type.TEXT),
        "any_label": FieldInfo("any_label", Type.CHOICE),
    },
    categories=frozenset(
        {"Men", "Men/Tops", "Men/Tops/Tees", "Men/Bottoms", "Gear", "Gear/Bags", "Ac\\/Dc", "Ac\\/Dc/Shirts", "Women"}
    ),
)


def plain(values: dict[str, Any]) -> dict[str, Any]:
    """Test data as values: numbers as decimals, sets frozen, texts that look like dates as dates."""
    made: dict[str, Any] = {}
    for name, value in values.items():
        match value:
            case bool() | dt.date():
                made[name] = value
            case int() | float():
                made[name] = Decimal(str(value))
            case set():
                made[name] = frozenset(value)
            case None:
                continue
            case _:
                made[name] = value
    return made


def product(*variants: dict[str, Any], **values: Any) -> Facts:
    """The facts of one product; with variants it is a configurable. Everything is enabled unless it says otherwise."""
    head = {"sku": "A-1", "status": "enabled", "type": "configurable" if variants else "simple", **values}
    stored = CATALOGUE.stored()
    members = [
        own(number, plain({"sku": f"A-1-{number}", "status": "enabled", "type": "simple", **each}), stored, 0)
        for number, each in enumerate(variants, 1)
    ]
    found = family_facts(Family(own(0, plain(head), stored), tuple(members)), inherited_fields(CATALOGUE))
    assert found.assigned is not None, found
    return found.assigned


@pytest.fixture(scope="session")
def catalogue() -> Catalogue:
    return CATALOGUE


@pytest.fixture(scope="session")
def make() -> Callable[..., Facts]:
    return product
