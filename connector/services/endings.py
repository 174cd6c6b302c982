"""Store orders that staff cancelled or closed while TikTok Shop still waits for the goods.

Nothing is cancelled on the marketplace by itself: it counts against the seller, and the goods may be on their way all the
same. The order says what to do instead, and its pieces are kept back, because the store has them for sale again.
"""

from __future__ import annotations

from connector.domain.order import TO_SHIP
from connector.services import history, orders
from connector.services.context import Context
from connector.store.database import transaction
from connector.store.models import Account, Order, OrderLine

HOW = {"canceled": "cancelled", "closed": "refunded and closed"}
"""The store's states that end an order, as words."""


def watch(ctx: Context, account: Account) -> int:
    """Looks for such orders among those to be shipped; how many ended, or came back, since the last look."""
    waiting = Order.select().where(
        Order.account == account.id,
        Order.state == "confirmed",
        Order.status.in_(TO_SHIP),
        Order.magento_order_id.is_null(False),
    )
    rows = {int(row.magento_order_id): row for row in waiting if row.magento_order_id is not None}
    ended = ctx.remotes.sales(account.store).ended_orders(sorted(rows))
    return sum(_follow(ctx, row, ended.get(number, "")) for number, row in rows.items())


def advice(row: Order) -> str:
    """What to do about it; empty for an order that did not end, or that nobody waits for any more."""
    if not row.ended or row.status not in TO_SHIP:
        return ""
    unsent = (OrderLine.order == row.id) & (OrderLine.status == "AWAITING_SHIPMENT")
    pieces = OrderLine.select().where(unsent).count()
    what = "1 piece" if pieces == 1 else f"{pieces} pieces"
    reject = "choose Reject here" if row.status == "AWAITING_SHIPMENT" else "cancel the rest in Seller Center"
    return (
        f"Store order {row.magento_increment_id} was {HOW[row.ended]} in Magento, but TikTok Shop still waits for {what}. "
        f"If they will not be sent, {reject}: the buyer is refunded. If they will, enter their tracking number in Seller "
        "Center and take them out of Magento's stock by hand. They are kept back from sale until that is confirmed here."
    )


def _follow(ctx: Context, row: Order, state: str) -> bool:
    """True when the order changed. The marketplace is asked again first: what it has cancelled meanwhile has an end anyway."""
    if state == row.ended:
        return False
    row = orders.refresh(ctx, row.id)
    if state and row.status not in TO_SHIP:
        return False
    now = ctx.clock.now()
    skus = {line.sku for line in OrderLine.select(OrderLine.sku).where(OrderLine.order == row.id)}
    with transaction():
        Order.update(ended=state, changed_at=now).where(Order.id == row.id).execute()
        orders.mark_stale(row.account, skus)
        row.ended = state
        text = advice(row) or f"Store order {row.magento_increment_id} is open again."
        history.note(now, "shipments", "order.ended" if state else "order.open_again", "order", row.id, text)
    return True
