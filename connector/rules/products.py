"""Products as rules see them: plain values for people, and `Facts`, the form in which back ends compare them."""

from __future__ import annotations

import datetime as dt
import re
import unicodedata
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import TypeAlias

from connector.rules.facts import Fact, FactError, fold, label_set, millionths, path_set
from connector.rules.metadata import Catalogue, FieldInfo, Type

Value: TypeAlias = Decimal | str | bool | dt.date | frozenset[str]
Values: TypeAlias = Mapping[str, Value]

_CONTROL = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\ud800-\udfff]")


@dataclass(frozen=True, slots=True)
class Product:
    """A product with its effective values; an empty field is absent.

    `variants` are those of a configurable, enabled or not, each with what it inherits; empty for a product that stands
    alone. `parent_sku` is set on a variant.
    """

    sku: str
    values: Values
    variants: tuple[Product, ...] = ()
    parent_sku: str | None = None

    @property
    def configurable(self) -> bool:
        return self.values.get("type") == "configurable"

    @property
    def assignable(self) -> bool:
        """Configurables, and simple products that are no variant."""
        return self.configurable or (self.values.get("type") == "simple" and self.parent_sku is None)

    def sold(self) -> tuple[Product, ...]:
        """What a price is computed for: the variants, or the product itself when it stands alone."""
        return self.variants if self.configurable else (self,)


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
    """

    __slots__ = ("sku", "variants")

    sku: str
    variants: tuple[Facts, ...]

    def __init__(self, sku: str, facts: Mapping[str, Fact | None], variants: Iterable[Facts] | None = None) -> None:
        super().__init__(facts)
        self.sku = sku
        self.variants = (self,) if variants is None else tuple(variants)

    def __missing__(self, field: str) -> None:
        return None


def facts(product: Product, catalogue: Catalogue) -> Facts:
    """The facts of a product and of its enabled variants. Raises `FactError`."""
    return _facts(product, catalogue.stored())


def _facts(product: Product, stored: Mapping[str, FieldInfo]) -> Facts:
    own = {name: fact(info, product.values.get(name)) for name, info in stored.items()}
    if not product.configurable:
        return Facts(product.sku, own)
    return Facts(product.sku, own, [_facts(variant, stored) for variant in product.variants if enabled(variant.values)])


def enabled(values: Values) -> bool:
    return values.get("status") == "enabled"


def family(own: Values, variants: Iterable[Values], catalogue: Catalogue) -> Product:
    """A configurable with its variants, from what each has by itself.

    Variants inherit what is empty on them, except the fields that never are inherited. The configurable's `qty` becomes
    the sum over its enabled variants and its `price` the lowest of theirs (empty when none has one).
    """
    sku = str(own.get("sku", ""))
    given = {name: value for name, value in own.items() if _inherited(name, catalogue)}
    members = tuple(
        Product(str(each.get("sku", "")), {**given, **each, "parent_sku": sku}, parent_sku=sku) for each in variants
    )
    sold = [member.values for member in members if enabled(member.values)]
    values = {name: value for name, value in own.items() if name not in ("price", "qty")}
    values["qty"] = sum((_number(each, "qty") or Decimal(0) for each in sold), Decimal(0))
    prices = [price for each in sold if (price := _number(each, "price")) is not None]
    if prices:
        values["price"] = min(prices)
    return Product(sku, values, members)


def alone(own: Values) -> Product:
    """A product that is neither a configurable nor a variant of one."""
    return Product(str(own.get("sku", "")), own)


def _inherited(name: str, catalogue: Catalogue) -> bool:
    info = catalogue.stored().get(name)
    return info is not None and not info.own


def _number(values: Values, name: str) -> Decimal | None:
    value = values.get(name)
    return value if isinstance(value, Decimal) else None


def day_fact(day: dt.date) -> int:
    """`today` as back ends take it."""
    return day.toordinal()
