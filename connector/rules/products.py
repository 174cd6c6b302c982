"""Products as rules see them: plain values for people, and `Facts`, the form in which back ends compare them.

How a configurable and its variants become facts together is in `fact_rows`.
"""

from __future__ import annotations

import datetime as dt
import re
import unicodedata
from collections.abc import Iterable, Mapping
from decimal import Decimal
from typing import TypeAlias

from connector.rules.facts import Fact, FactError, fold, label_set, millionths, path_set
from connector.rules.metadata import FieldInfo, Type

Value: TypeAlias = Decimal | str | bool | dt.date | frozenset[str]
Values: TypeAlias = Mapping[str, Value]

_CONTROL = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\ud800-\udfff]")


def clean(text: str) -> str:
    """NFC, without control characters (line breaks and tabs stay) and lone surrogates, which databases refuse."""
    return unicodedata.normalize("NFC", _CONTROL.sub("", text))


def fact(info: FieldInfo, value: Value | None) -> Fact | None:
    """The fact for one value. Raises `FactError` for a number out of bounds or a value of another type."""
    if value is None:
        return None
    match info.type, value:
        case Type.NUMBER, Decimal():
            return millionths(info.name, value)
        case ((Type.TEXT | Type.CHOICE), str()):
            return fold(value) or None
        case Type.BOOLEAN, bool():
            return int(value)
        case Type.DATE, dt.date():
            return value.toordinal()
        case Type.CHOICES, frozenset():
            return label_set(value)
        case Type.CATEGORIES, frozenset():
            return path_set(value)
    raise FactError(info.name, f"`{info.name}` holds {value!r}, which is no {info.type.value}")


class Facts(dict[str, Fact | None]):
    """One product's facts by field name, with what a condition and an error message need besides.

    A missing field reads as None. `variants` are the enabled ones; a product that stands alone is its own only variant.
    `plain` are the values, where they are at hand, for explanations.
    """

    __slots__ = ("plain", "sku", "variants")

    sku: str
    variants: tuple[Facts, ...]
    plain: Values | None

    def __init__(
        self,
        sku: str,
        facts: Mapping[str, Fact | None],
        variants: Iterable[Facts] | None = None,
        plain: Values | None = None,
    ) -> None:
        super().__init__(facts)
        self.sku = sku
        self.variants = (self,) if variants is None else tuple(variants)
        self.plain = plain

    def __missing__(self, field: str) -> None:
        return None


def day_fact(day: dt.date) -> int:
    """`today` as back ends take it."""
    return day.toordinal()
