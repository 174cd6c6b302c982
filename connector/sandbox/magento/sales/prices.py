"""What a product costs in a cart."""

from __future__ import annotations

import sqlite3
from datetime import datetime
from decimal import Decimal
from zoneinfo import ZoneInfo

from connector.sandbox.magento import config
from connector.sandbox.magento.products import attribute_value
from connector.sandbox.magento.sales.rows import cents
from connector.sandbox.magento.sales.state import ZERO

ALL_GROUPS = 32_000


def regular_price(db: sqlite3.Connection, product_id: int, store_id: int) -> Decimal:
    return Decimal(attribute_value(db, product_id, "price", store_id) or 0)


def final_price(
    db: sqlite3.Connection, product_id: int, store_id: int, qty: Decimal, group_id: int, now: datetime
) -> Decimal:
    """The lowest of the regular price, the special price in its days (both ends included) and the tier prices."""
    regular = regular_price(db, product_id, store_id)
    prices = [regular, *_tier_prices(db, product_id, store_id, qty, group_id, regular)]
    special = attribute_value(db, product_id, "special_price", store_id)
    if special and _in_days(db, product_id, store_id, now):
        prices.append(Decimal(special))
    return min(prices)


def _in_days(db: sqlite3.Connection, product_id: int, store_id: int, now: datetime) -> bool:
    """Days are those of the store's time zone."""
    today = f"{now.astimezone(ZoneInfo(config.read(db, 'general/locale/timezone', store_id))):%Y-%m-%d}"
    first = attribute_value(db, product_id, "special_from_date", store_id)
    last = attribute_value(db, product_id, "special_to_date", store_id)
    return (not first or first[:10] <= today) and (not last or today <= last[:10])


def _tier_prices(
    db: sqlite3.Connection, product_id: int, store_id: int, qty: Decimal, group_id: int, regular: Decimal
) -> list[Decimal]:
    found = db.execute(
        "SELECT qty, value, percentage_value FROM catalog_product_tier_price WHERE entity_id = ? AND customer_group_id IN (?, ?)"
        " AND website_id IN (0, (SELECT website_id FROM store WHERE store_id = ?))",
        (product_id, group_id, ALL_GROUPS, store_id),
    )
    prices = []
    for tier in found:
        if Decimal(tier["qty"]) <= qty:
            percent = Decimal(tier["percentage_value"] or 0)
            prices.append(cents(regular * (100 - percent) / 100) if percent else Decimal(tier["value"]))
    return prices


def weight_of(db: sqlite3.Connection, product_id: int) -> Decimal | None:
    weight = attribute_value(db, product_id, "weight")
    return None if weight is None else Decimal(weight)


def tax_class_of(db: sqlite3.Connection, product_id: int, store_id: int) -> int:
    """The product's tax class, 0 for none."""
    return int(attribute_value(db, product_id, "tax_class_id", store_id) or 0)


def percent_of(value: Decimal, percent: Decimal) -> Decimal:
    return cents(value * percent / 100) if percent else ZERO
