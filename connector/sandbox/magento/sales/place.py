"""Placing an order from a cart, with the shop's own window for a second order.

The steps and their order are the shop's (Quote QuoteManagement::submitQuote, 2.4.7): the cart is read as active; time passes;
a lock without waiting time is taken, and the cart is *not* looked at again; the order is committed; the mail is sent; the cart is closed;
the lock is released. A second call that finds the lock taken is refused. One that read the cart before it was closed and asks
for the lock after it was released makes a second order. A process that dies before the cart is closed leaves it active.

How long the steps take is set by `sandbox/place_prepare_ms`, `sandbox/place_save_ms` and `sandbox/place_mail_ms`; nothing else waits for
them, because no transaction is open meanwhile.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from decimal import Decimal
from typing import Any

from connector.sandbox.magento import config
from connector.sandbox.magento.errors import MagentoError
from connector.sandbox.magento.products import find_product
from connector.sandbox.magento.routing import Context
from connector.sandbox.magento.sales import mail, quotes, rows, stock_moves
from connector.sandbox.magento.sales.addresses import EMAIL, WRONG_EMAIL, address_problems
from connector.sandbox.magento.sales.cart_items import check_product, check_quantity
from connector.sandbox.magento.sales.cart_methods import check_payment
from connector.sandbox.magento.sales.cart_totals import CartTotals, collect
from connector.sandbox.magento.sales.conversion import insert_order
from connector.sandbox.magento.sales.rows import Row
from connector.sandbox.magento.sales.sequences import ORDER, next_increment_id

LOCKED = "A server error stopped your order from being placed. Please try to place your order again."
NO_METHOD = "Enter a valid payment method and try again."

_placing: set[tuple[str, int]] = set()
_guard = threading.Lock()


def place_order(ctx: Context, quote: Row, payment: Any) -> int:
    """Id of the new order.

    Raises MagentoError 400 for whatever the shop refuses, the text of `LOCKED` while another call places this cart.
    """
    method = payment.get("method") if isinstance(payment, Mapping) else None
    totals = collect(ctx, quote)
    billing = quotes.address_of(ctx.db, quote["entity_id"], "billing")
    if method:
        check_payment(ctx.db, quote, str(method), totals.grand_total, billing["country_id"])
    _pass_time(ctx, "sandbox/place_prepare_ms")
    with _lock(ctx, quote["entity_id"]):
        _check(ctx, quote, totals, method)
        increment_id = _reserved_id(ctx, quote)
        _check_email(ctx, quote)
        _pass_time(ctx, "sandbox/place_save_ms")
        order = _commit(ctx, quote, totals, str(method), increment_id)
        _send_mail(ctx, order)
        with ctx.transaction():
            rows.update(ctx.db, "quote", quote["entity_id"], {"is_active": 0, "updated_at": ctx.stamp})
    return int(order["entity_id"])


@contextmanager
def _lock(ctx: Context, quote_id: int) -> Iterator[None]:
    key = (str(ctx.db.execute("PRAGMA database_list").fetchone()["file"]), quote_id)
    with _guard:
        if key in _placing:
            raise MagentoError(400, LOCKED)
        _placing.add(key)
    try:
        yield
    finally:
        with _guard:
            _placing.discard(key)


def _pass_time(ctx: Context, path: str) -> None:
    time.sleep(int(config.read(ctx.db, path)) / 1000)


def _check(ctx: Context, quote: Row, totals: CartTotals, method: Any) -> None:
    db, store_id = ctx.db, quote["store_id"]
    items = quotes.items_of(db, quote["entity_id"])
    if not items:
        raise MagentoError(400, LOCKED)
    _check_stock(ctx, quote, items)
    virtual = quotes.is_virtual(items)
    for kind in ("billing",) if virtual else ("shipping", "billing"):
        problems = address_problems(db, quotes.address_of(db, quote["entity_id"], kind), store_id)
        if problems:
            text = f"Please check the {kind} address information. %1"
            raise MagentoError(400, text, [" ".join(problems)])
        if kind == "shipping" and not quote["shipping_method"]:
            text = "The shipping method is missing. Select the shipping method and try again."
            raise MagentoError(400, text)
    if not method:
        raise MagentoError(400, NO_METHOD)
    smallest = Decimal(config.read(db, "sales/minimum_order/amount", store_id))
    if config.flag(db, "sales/minimum_order/active", store_id) and totals.subtotal - totals.discount < smallest:
        raise MagentoError(400, f"Minimum order amount is {smallest:.2f}")


def _check_stock(ctx: Context, quote: Row, items: list[Row]) -> None:
    for item in quotes.visible_items(items):
        product = find_product(ctx.db, item["sku"])
        if product is None:
            raise MagentoError(400, "Some of the products are out of stock.")
        check_quantity(ctx.db, quote, product, item["qty"])
        check_product(ctx.db, quote, product)


def _check_email(ctx: Context, quote: Row) -> None:
    if not EMAIL.fullmatch(_email(ctx, quote)):
        raise MagentoError(400, "Failed address validation:\n%1", [WRONG_EMAIL])


def _email(ctx: Context, quote: Row) -> str:
    addresses = rows.many(ctx.db, "quote_address", "quote_id", quote["entity_id"])
    found = [quote["customer_email"], *(address["email"] for address in addresses)]
    return next((str(email) for email in found if email), "")


def _reserved_id(ctx: Context, quote: Row) -> str:
    """The number that the cart reserved, a new one when an order has it already."""
    key = quote["entity_id"]
    row = ctx.db.execute("SELECT reserved_order_id FROM quote WHERE entity_id = ?", (key,)).fetchone()
    kept = row["reserved_order_id"]
    used = ctx.db.execute(
        "SELECT 1 FROM sales_order WHERE increment_id = ? AND store_id = ?", (kept, quote["store_id"])
    )
    if kept and used.fetchone() is None:
        return str(kept)
    increment_id = next_increment_id(ctx.db, ORDER, quote["store_id"])
    with ctx.transaction():
        rows.update(ctx.db, "quote", key, {"reserved_order_id": increment_id})
    return increment_id


def _commit(ctx: Context, quote: Row, totals: CartTotals, method: str, increment_id: str) -> Row:
    """Writes the order and its reservations in one transaction, after a last look at the stock."""
    with ctx.transaction():
        items = quotes.items_of(ctx.db, quote["entity_id"])
        _check_stock(ctx, quote, items)
        quote = quote | {"customer_email": _email(ctx, quote)}
        order_id = insert_order(ctx, quote, items, totals, method, increment_id)
        order = rows.one(ctx.db, "sales_order", order_id) or {}
        for item in rows.many(ctx.db, "sales_order_item", "order_id", order_id):
            sku = stock_moves.stocked_sku(ctx.db, item)
            if sku is not None:
                stock_moves.reserve(ctx.db, order, sku, -item["qty_ordered"], stock_moves.PLACED)
    return order


def _send_mail(ctx: Context, order: Row) -> None:
    """Sends the order's mail now, unless the shop sends none or leaves it to cron."""
    store_id = order["store_id"]
    wanted = config.flag(ctx.db, "sales_email/order/enabled", store_id)
    later = config.flag(ctx.db, "sales_email/general/async_sending")
    _pass_time(ctx, "sandbox/place_mail_ms")
    if not wanted:
        return
    with ctx.transaction():
        changes = {"send_email": 1} if later else {"send_email": 1, "email_sent": 1}
        rows.update(ctx.db, "sales_order", order["entity_id"], changes)
        if not later:
            mail.send(ctx.db, "order", order, ctx.stamp)
