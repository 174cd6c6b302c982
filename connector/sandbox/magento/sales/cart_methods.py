"""Shipping and payment methods that a cart may use."""

from __future__ import annotations

import sqlite3
from decimal import Decimal

from connector.sandbox.magento import config
from connector.sandbox.magento.errors import MagentoError
from connector.sandbox.magento.sales import quotes
from connector.sandbox.magento.sales.rows import Row, wire
from connector.sandbox.magento.sales.state import ZERO

CARRIERS = ("flatrate", "freeshipping")
PAYMENTS = ("checkmo", "banktransfer", "cashondelivery", "purchaseorder")


def shipping_methods(db: sqlite3.Connection, quote: Row, items: list[Row], country: str | None) -> list[Row]:
    """The rates for an address's country, as the estimate shows them; none for a cart of virtual products."""
    if not items or quotes.is_virtual(items):
        return []
    methods = []
    for carrier in CARRIERS:
        price = shipping_price(db, quote, items, f"{carrier}_{carrier}", country)
        if price is None:
            continue
        methods.append(
            {
                "carrier_code": carrier,
                "method_code": carrier,
                "carrier_title": config.read(db, f"carriers/{carrier}/title", quote["store_id"]),
                "method_title": config.read(db, f"carriers/{carrier}/name", quote["store_id"]),
                "amount": wire(price),
                "base_amount": wire(price),
                "available": True,
                "error_message": "",
                "price_excl_tax": wire(price),
                "price_incl_tax": wire(price),
            }
        )
    return methods


def shipping_price(
    db: sqlite3.Connection, quote: Row, items: list[Row], method: str | None, country: str | None = None
) -> Decimal | None:
    """What a method costs for this cart; None when the store does not offer it (there)."""
    carrier = (method or "").partition("_")[0]
    if method != f"{carrier}_{carrier}" or carrier not in CARRIERS:
        return None
    store_id = quote["store_id"]
    if not config.flag(db, f"carriers/{carrier}/active", store_id):
        return None
    if not _country_allowed(db, f"carriers/{carrier}", "sallowspecific", country, store_id):
        return None
    if carrier == "freeshipping":
        return ZERO
    price = Decimal(config.read(db, "carriers/flatrate/price", store_id))
    if config.read(db, "carriers/flatrate/type", store_id) == "O":
        return price
    pieces = [
        item["qty"] for item in quotes.visible_items(items) if item["product_type"] not in {"virtual", "downloadable"}
    ]
    return price * sum(pieces, ZERO)


def payment_methods(db: sqlite3.Connection, quote: Row, total: Decimal, country: str | None) -> list[Row]:
    """Methods for this total and billing country; a total of nothing is free."""
    store_id = quote["store_id"]
    offered = ["free"] if not total and config.flag(db, "payment/free/active", store_id) else []
    offered += [code for code in PAYMENTS if total and _payment_allowed(db, code, total, country, store_id)]
    return [{"code": code, "title": payment_title(db, code, store_id)} for code in offered]


def payment_title(db: sqlite3.Connection, code: str, store_id: int) -> str:
    return config.read(db, f"payment/{code}/title", store_id)


def check_payment(db: sqlite3.Connection, quote: Row, code: str, total: Decimal, country: str | None) -> None:
    """Raises MagentoError 400 for a method that the cart may not use."""
    if code not in {method["code"] for method in payment_methods(db, quote, total, country)}:
        raise MagentoError(400, "The requested Payment Method is not available.")


def _payment_allowed(db: sqlite3.Connection, code: str, total: Decimal, country: str | None, store_id: int) -> bool:
    if not config.flag(db, f"payment/{code}/active", store_id):
        return False
    if not _country_allowed(db, f"payment/{code}", "allowspecific", country, store_id):
        return False
    smallest = config.read(db, f"payment/{code}/min_order_total", store_id)
    largest = config.read(db, f"payment/{code}/max_order_total", store_id)
    return (not smallest or total >= Decimal(smallest)) and (not largest or total <= Decimal(largest))


def _country_allowed(db: sqlite3.Connection, prefix: str, switch: str, country: str | None, store_id: int) -> bool:
    if not config.flag(db, f"{prefix}/{switch}", store_id) or country is None:
        return True
    return country in config.read(db, f"{prefix}/specificcountry", store_id).split(",")
