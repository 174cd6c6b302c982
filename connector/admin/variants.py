"""What Magento asks for a product and can promise of it; of a configurable, what its variants say."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from peewee import fn

from connector.admin import formats
from connector.store.models import Product

AT_ONCE = 1_000
"""Ids in one query: fewer than SQLite takes parameters."""


@dataclass(frozen=True, slots=True)
class Variants:
    """Lowest and highest price, and the pieces together, of a configurable's enabled variants."""

    low: Decimal | None
    high: Decimal | None
    salable: Decimal | None
    unlimited: bool


def variants_of(ids: list[int]) -> dict[int, Variants]:
    """What the enabled variants of each configurable cost and have, by the configurable's id."""
    found: dict[int, Variants] = {}
    for start in range(0, len(ids), AT_ONCE):
        found |= _variants(ids[start : start + AT_ONCE])
    return found


def _variants(parents: list[int]) -> dict[int, Variants]:
    query = Product.select(
        Product.parent,
        fn.MIN(Product.price).converter(Product.price.python_value),
        fn.MAX(Product.price).converter(Product.price.python_value),
        fn.SUM(Product.salable).converter(Product.salable.python_value),
        fn.MAX(Product.unlimited.cast("INTEGER")),
    ).where(Product.parent.in_(parents), Product.enabled, ~Product.deleted)
    rows: Any = query.group_by(Product.parent).tuples()
    return {parent: Variants(low, high, pieces, bool(unlimited)) for parent, low, high, pieces, unlimited in rows}


def price(product: Any, currency: str, variants: Variants | None) -> str:
    """What Magento asks for it; of a configurable the lowest of its variants."""
    if variants is None:
        return formats.amount(product.price, currency)
    low = formats.amount(variants.low, currency)
    return low if variants.low == variants.high else f"from {low}"


def salable(product: Any, variants: Variants | None) -> str:
    """What Magento can promise of it, or of its variants together."""
    has = variants or product
    return "∞" if has.unlimited else formats.number(has.salable)
