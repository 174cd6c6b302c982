"""Store orders of marketplace orders that were cancelled."""

from __future__ import annotations

from connector.errors import RejectedError
from connector.services import refunds, rounds, store_orders
from connector.services.context import Context
from connector.store.database import transaction
from connector.store.models import Account, Order, ReturnCase

BY_HAND = "Cancelled on TikTok Shop, but invoiced or shipped in Magento, and no cancellation case names its refund yet."
NONE_MADE = "No store order was made."


def follow_all(ctx: Context, account: Account, around: rounds.Round) -> None:
    """Follows the account's cancelled orders in the store. One that fails says why, and waits.

    Orders whose cancellation case refunds them are left to it.
    """
    now = ctx.clock.now()
    with_case = ReturnCase.select(ReturnCase.tiktok_order_id).where(
        ReturnCase.account == account.id, ReturnCase.kind == "cancellation", ReturnCase.store_state.in_(("due", "done"))
    )
    invoiced = Order.magento_order_id.is_null(False) & Order.tiktok_order_id.in_(with_case)
    rows = Order.select().where(
        Order.account == account.id,
        Order.status == "CANCELLED",
        Order.state != "cancelled",
        Order.retry_at.is_null() | (Order.retry_at <= now),
        ~invoiced,
    )
    around.each(
        list(rows.order_by(Order.failures, Order.id)),
        lambda row: _followed(ctx, row),
        lambda row, error: _put_off(ctx, row, error),
    )


def _followed(ctx: Context, row: Order) -> str | None:
    """What the store did, nothing when it has no such order; None when the order is somebody else's."""
    if told := follow(ctx, row):
        return told if told != NONE_MADE else ""
    fresh: Order = Order.get_by_id(row.id)
    if fresh.state != "cancelled" and not _busy(ctx, fresh):
        raise RejectedError(BY_HAND, system="magento")
    return None


def _put_off(ctx: Context, row: Order, error: Exception) -> None:
    now = ctx.clock.now()
    values = {"failed_reason": rounds.told(error), "failures": row.failures + 1, "changed_at": now}
    values["retry_at"] = now + rounds.wait(ctx, error, row.failures)
    with transaction():
        Order.update(values).where(Order.id == row.id, Order.state != "cancelled").execute()


def follow(ctx: Context, row: Order) -> str:
    """Cancels the store order of a cancelled marketplace order; empty when there is nothing to do, or not yet.

    An order that was invoiced or shipped in the store is left to its cancellation case, which makes a credit memo.
    """
    row = Order.get_by_id(row.id)
    if row.status != "CANCELLED" or row.state == "cancelled" or _busy(ctx, row):
        return ""
    if row.magento_order_id is None and (row.cart_id or row.placing_since or row.sent_carts):
        row = _adopt_late(ctx, row)
    if row.magento_order_id is not None:
        return refunds.cancel_store_order(ctx, row)
    with transaction():
        Order.update(state="cancelled", failed_reason="", changed_at=ctx.clock.now()).where(
            Order.id == row.id
        ).execute()
    return NONE_MADE


def _busy(ctx: Context, row: Order) -> bool:
    """True while a worker has the order, or a place call that was not answered may still make one."""
    now = ctx.clock.now()
    calling = row.placing_since is not None and (now - row.placing_since).total_seconds() < ctx.place_timeout
    return bool(calling or (row.lease_until is not None and row.lease_until > now))


def _adopt_late(ctx: Context, row: Order) -> Order:
    """Takes over the store order that an unanswered place call made; a second one is cancelled at once."""
    sales = ctx.remotes.sales(row.account.store)
    live = [one for one in store_orders.found(sales, row) if one.state != "canceled"]
    if not live:
        return row
    first = live[0]
    for other in store_orders.seconds(row, first.entity_id, live):
        store_orders.cancel_second(ctx, row, sales, other)
    now = ctx.clock.now()
    with transaction():
        Order.update(**store_orders.taken(row, first, now), changed_at=now).where(Order.id == row.id).execute()
    fresh: Order = Order.get_by_id(row.id)
    return fresh
