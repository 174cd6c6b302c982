"""Products as rules see them: plain values for people, and facts, the form in which back ends compare them.

A fact is None, an integer or a text, so that a database column and a Python value are the same thing:

===========  ======================  =======================================================
type         value                   fact
===========  ======================  =======================================================
number       ``Decimal("12.5")``     millionths: ``12_500_000``
text         ``"Chaz Hoodie"``       ``fold``\\ ed: ``"chaz hoodie"``
yes/no       ``True``                ``1``
date         ``date(2026, 11, 1)``   proleptic Gregorian ordinal: ``739_556``
choice       ``"Red"``               folded label: ``"red"``
choices      ``{"M", "L"}``          folded labels between U+001F, sorted: ``"␟l␟m␟"``
categories   ``{"Men/Tops"}``        folded paths with a closing slash: ``"␟men/tops/␟"``
===========  ======================  =======================================================
"""

from __future__ import annotations

import datetime as dt
import re
import unicodedata
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import TypeAlias

from connector.rules.metadata import Catalogue, FieldInfo, Type

Value: TypeAlias = Decimal | str | bool | dt.date | frozenset[str]
Values: TypeAlias = Mapping[str, Value]
Fact: TypeAlias = int | str | None

SCALE = 10**6
LARGEST = 10**9
DECIMALS = 6
SEPARATOR = "\x1f"

_CONTROL = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\ud800-\udfff]")


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


class UnfitError(ValueError):
    """A catalogue value that rules cannot work with exactly; the product is held back. `str` is the reason."""

    def __init__(self, field: str, reason: str) -> None:
        self.field = field
        super().__init__(reason)


def clean(text: str) -> str:
    """NFC, without control characters (line breaks and tabs stay) and lone surrogates, which databases refuse."""
    return unicodedata.normalize("NFC", _CONTROL.sub("", text))


def fold(text: str) -> str:
    """The form in which texts are compared: Unicode case folding of NFC text."""
    return unicodedata.normalize("NFC", text).casefold()


def fold_path(path: str) -> str:
    """`Men/Tops` as it stands in a fact: `men/tops/`."""
    return fold(path) + "/"


def number(field: str, value: Decimal) -> Decimal:
    """The value itself, when it is a finite number of at most six decimals and a size up to 10⁹.

    Raises:
        UnfitError: otherwise.
    """
    if not value.is_finite():
        raise UnfitError(field, f"`{field}` is not a number: {value}")
    if abs(value) > LARGEST:
        raise UnfitError(field, f"`{field}` is larger than 1,000,000,000: {value}")
    _, digits, exponent = value.as_tuple()
    if isinstance(exponent, int) and exponent < -DECIMALS and any(digits[exponent + DECIMALS :]):
        raise UnfitError(field, f"`{field}` has more than {DECIMALS} decimals: {value}")
    return value


def scaled(value: Decimal) -> int:
    """Millionths of a number that `number` let through, exactly."""
    return int(value.scaleb(DECIMALS))


def fact(info: FieldInfo, value: Value | None) -> Fact:
    """The fact for one value. Raises `UnfitError` for a number out of bounds."""
    if value is None or value in ("", frozenset()):
        return None
    match info.type, value:
        case Type.NUMBER, Decimal():
            return scaled(number(info.name, value))
        case ((Type.TEXT | Type.CHOICE), str()):
            return fold(clean(value)) or None
        case Type.BOOLEAN, bool():
            return int(value)
        case Type.DATE, dt.date():
            return value.toordinal()
        case Type.CHOICES, frozenset():
            return _joined({fold(clean(item)) for item in value})
        case Type.CATEGORIES, frozenset():
            return _joined({fold_path(clean(item)) for item in value})
    raise UnfitError(info.name, f"`{info.name}` holds {value!r}, which is no {info.type.value}")


def _joined(items: Iterable[str]) -> str | None:
    kept = sorted(item for item in items if item.strip("/"))
    return SEPARATOR + SEPARATOR.join(kept) + SEPARATOR if kept else None


class Facts(dict[str, Fact]):
    """One product's facts by field name, with what a condition and an error message need besides.

    A missing field reads as None. `variants` are the enabled ones; a product that stands alone is its own only variant.
    """

    __slots__ = ("sku", "variants")

    sku: str
    variants: tuple[Facts, ...]

    def __init__(self, sku: str, facts: Mapping[str, Fact], variants: Iterable[Facts] | None = None) -> None:
        super().__init__(facts)
        self.sku = sku
        self.variants = (self,) if variants is None else tuple(variants)

    def __missing__(self, field: str) -> None:
        return None


def facts(product: Product, catalogue: Catalogue) -> Facts:
    """The facts of a product and of its enabled variants. Raises `UnfitError`."""
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
