"""Where an order goes: the best that the marketplace ever told of it."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime

from connector.domain.order import MASK, MarketplaceOrder
from connector.domain.values import from_json
from connector.services import history
from connector.store.models import Order

KEPT = "TikTok Shop hides the recipient now; the address that it told before is kept."


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
