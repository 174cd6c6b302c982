"""The store orders of one marketplace order: how they are found, and what becomes of a second one (reference section 12.6).

A place call without an answer may make its order when nobody expects it any more: longer than the store's own limits allow,
or after a worker gave up. So after such a call one more look is taken when the order has long been made.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

import structlog

from connector.domain.order import StoreOrder
from connector.errors import ConnectorError
from connector.ports import Sales
from connector.services import carts, history
from connector.services.context import Context
from connector.store.database import transaction
from connector.store.models import Account, Order

log = structlog.get_logger(__name__)

KEYS = ("ext_order_id", "customer_email", "quote_id")
"""By what a store order is recognised as the marketplace order's."""

ACTOR = "create_sales_order"
LATER = timedelta(minutes=15)
"""Before a look that failed is taken again."""


def email(account: Account, tiktok_order_id: str) -> str:
    """The mailbox with the order's id in its plus part; empty where the account has no mailbox."""
    name, at, host = account.order_email.partition("@")
    return f"{name}+{tiktok_order_id}@{host}" if name and at and host else ""


def found(sales: Sales, row: Order, fields: Sequence[str] = KEYS) -> list[StoreOrder]:
    """Every store order of this marketplace order, by entity id; asked for by every cart that was ever sent."""
    values = {
        "ext_order_id": [row.tiktok_order_id],
        "customer_email": [email(row.account, row.tiktok_order_id)],
        "quote_id": sorted({row.cart_id, *row.sent_carts}),
    }
    orders = {
        one.entity_id: one
        for field in fields
        for value in values[field]
        if value
        for one in sales.find_orders(field, value)
        if carts.belongs(one, row.tiktok_order_id)
    }
    return [orders[number] for number in sorted(orders)]


def taken(row: Order, order: StoreOrder, now: datetime) -> dict[str, Any]:
    """Columns of a row whose store order this is. Where one was saved directly before, what that never reserved is missing
    all the same."""
    return {
        "magento_order_id": order.entity_id,
        "magento_increment_id": order.increment_id,
        "magento_status": order.status,
        "stored_at": now,
        "stock_reserved": order.quote_id is not None and "" not in row.sent_carts,
    }


def cancel_second(ctx: Context, row: Order, sales: Sales, other: StoreOrder) -> None:
    """Cancels a second order, which gives its stock back, and tells; what cannot be cancelled is left to a person."""
    if other.state == "holded":  # a held order cannot be cancelled
        sales.unhold(other.entity_id)
    cancelled = other.state == "canceled" or sales.cancel(other.entity_id)
    outcome = "cancelled" if cancelled else "found; cancel it by hand"
    with transaction():
        numbers = [*Order.get_by_id(row.id).duplicates, other.increment_id]
        Order.update(duplicates=numbers).where(Order.id == row.id).execute()
        text = f"A second store order {other.increment_id} was {outcome}."
        history.note(ctx.clock.now(), ACTOR, "order.duplicate", "order", row.id, text)


def seconds(row: Order, keep: int | None, orders: Sequence[StoreOrder]) -> list[StoreOrder]:
    """Those that are too many beside the one that stays, and were not told yet. One that is older than it and cancelled
    was cancelled by staff before."""
    return [
        one
        for one in orders
        if one.entity_id != keep
        and one.increment_id not in row.duplicates
        and not (one.state == "canceled" and (keep is None or one.entity_id < keep))
    ]


def look_again(ctx: Context, account: Account) -> int:
    """The late look for second orders of this account's orders that are made, or cancelled; how many were found."""
    now = ctx.clock.now()
    due = Order.select().where(
        Order.account == account.id, Order.look_again_at <= now, Order.state.in_(("confirmed", "cancelled"))
    )
    return sum(_look(ctx, row) for row in list(due))


def _look(ctx: Context, row: Order) -> int:
    """One order that cannot be looked for, or not be cancelled, does not keep the others from it."""
    sales, counted, again = ctx.remotes.sales(row.account.store), 0, None
    try:
        for other in seconds(row, row.magento_order_id, found(sales, row)):
            cancel_second(ctx, row, sales, other)
            counted += 1
    except ConnectorError as error:
        again = ctx.clock.now() + LATER
        log.warning("second_orders_not_looked_for", order=row.tiktok_order_id, reason=str(error))
    with transaction():
        Order.update(look_again_at=again).where(Order.id == row.id).execute()
    return counted
