"""Where an order goes: the best that the marketplace ever told of it, on our side and in the store."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime

from connector.domain.order import MASK, MarketplaceOrder
from connector.domain.values import from_json
from connector.errors import RejectedError
from connector.services import carts, history
from connector.services.context import Context
from connector.store.database import transaction
from connector.store.models import Order

KEPT = "TikTok Shop hides the recipient now; the address that it told before is kept."
UNDER_WAY = ("claimed", "cart", "placing", "placed", "corrected", "confirmed")
"""States in which the store order has the address that was known when it was made, or may have it."""


def remembered(order: MarketplaceOrder, known: Order | None) -> MarketplaceOrder:
    """The order with the recipient and the relay address of what we know where the news tell less of them.

    The address is taken or kept as a whole, because parts of two may be two places; of the same place, fields that come
    empty are filled.
    """
    if known is None:
        return order
    before = from_json(MarketplaceOrder, known.data)
    if order.address.told < before.address.told:
        order = replace(order, address=before.address, address_kept=True)
    elif order.address.same_place(before.address):
        order = replace(order, address=order.address.filled(before.address))
    hidden = not order.buyer_email or MASK in order.buyer_email
    return replace(order, buyer_email=before.buyer_email or order.buyer_email) if hidden else order


def note(now: datetime, order: MarketplaceOrder, known: Order) -> None:
    """One entry when the marketplace begins to hide who an order goes to."""
    if order.address_kept and not from_json(MarketplaceOrder, known.data).address_kept:
        history.note(now, "import_orders", "order.address_kept", "order", known.id, KEPT)


def moved(order: MarketplaceOrder, known: Order) -> bool:
    """True when the recipient, told in clear, is another than the store order has or is being made with.

    Who holds the order read its address already, and may be looking for it in the store before it says more.
    """
    before = from_json(MarketplaceOrder, known.data).address
    return (known.state in UNDER_WAY or known.lease_owner != "") and order.address.told == 2 and order.address != before


def follow(ctx: Context, row: Order) -> None:
    """Gives the store order the address that the buyer corrected; one that was shipped as a whole says that it was too late.

    Raises:
        RejectedError: the store refuses the address, or does not keep it.
    """
    row = Order.get_by_id(row.id)
    if not row.address_due or row.state != "confirmed" or row.magento_order_id is None:
        return
    sales = ctx.remotes.sales(row.account.store)
    order = sales.order(row.magento_order_id)
    sent = all(item.qty_shipped + item.qty_canceled + item.qty_refunded >= item.qty_ordered for item in order.items)
    text = f"The buyer corrected the address after store order {order.increment_id} was shipped: tell the carrier."
    if not sent:
        address = carts.shippable(from_json(MarketplaceOrder, row.data).address, row.account.region)
        sales.set_order_address(order, address)
        has = sales.order(order.entity_id).raw.get("billing_address") or {}
        wanted = (address.last_name, list(address.street), address.city, address.postcode)
        if tuple(has.get(name) for name in ("lastname", "street", "city", "postcode")) != wanted:
            raise RejectedError(f"Store order {order.increment_id} keeps its old address.", system="magento")
        text = f"The buyer corrected the address; store order {order.increment_id} has it."
    _done(ctx, row, text)


def _done(ctx: Context, row: Order, text: str) -> None:
    """Noted, unless yet another address has come meanwhile."""
    now = ctx.clock.now()
    with transaction():
        same = (Order.id == row.id) & (Order.update_time == row.update_time)
        if Order.update(address_due=False, changed_at=now).where(same).execute():
            history.note(now, "sync_status", "order.address", "order", row.id, text)
