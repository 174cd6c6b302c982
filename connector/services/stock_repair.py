"""Where only people can put the store's stock right about an order: what to do, and what follows when they say it is done.

Two things leave the store with more pieces than there are, and its REST API repairs neither: an order saved directly, whose
pieces it never reserved, and goods that were carried away without a store order that takes them out of the stock.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from connector.errors import RejectedError
from connector.services import history, holding, orders, snapshots
from connector.services.context import Context
from connector.store.database import transaction
from connector.store.models import Order

GONE = ("IN_TRANSIT", "DELIVERED", "COMPLETED")
"""Marketplace states in which the goods have left the warehouse."""

LABEL = "Confirm Stock Correction"
"""What the action is called with which people say that the store's stock is right."""

COMMAND = (
    "bin/magento inventory:reservation:list-inconsistencies -r | bin/magento inventory:reservation:create-compensations"
)
"""What makes the missing reservations on the store's server (reference section 4.3)."""

BY_HAND = "Its goods were sent without a store order, and taken out of Magento's stock by hand."


def unreserved(row: Order) -> bool:
    """Whether the store order was saved directly and nobody has compensated for it yet."""
    return row.magento_order_id is not None and not row.stock_reserved and row.compensated_at is None


def sent_without(row: Order) -> bool:
    """Whether the goods left while the store has no order that takes them out of the stock: it was never made, or ended."""
    if row.status not in GONE:
        return False
    untried = row.state == "" and row.status == "COMPLETED"
    unmade = row.magento_order_id is None and row.state in {"", "failed"} and not untried
    return unmade or bool(row.ended)


def waiting() -> Any:
    """The same of all orders, as a condition."""
    direct = Order.magento_order_id.is_null(False) & ~Order.stock_reserved & Order.compensated_at.is_null()
    untried = (Order.state == "") & (Order.status == "COMPLETED")
    unmade = Order.magento_order_id.is_null() & Order.state.in_(("", "failed")) & ~untried
    return direct | (Order.status.in_(GONE) & (unmade | (Order.ended != "")))


def due(row: Order) -> bool:
    """Whether pieces of the order are kept back until somebody has put the store's stock right."""
    return (unreserved(row) and _any(row, "unreserved")) or (sent_without(row) and _any(row, "wanted"))


def _any(row: Order, kind: str) -> bool:
    return any(getattr(one, kind) for one in holding.of_order(row.id).values())


def advice(row: Order) -> list[str]:
    """What is kept back of the order, why, and what to do about it; empty when there is nothing to do."""
    found, kept = [], holding.of_order(row.id)
    reserved = _shown({sku: one.unreserved for sku, one in kept.items()})
    wanted = _shown({sku: one.wanted for sku, one in kept.items()})
    if unreserved(row) and reserved:
        found.append(
            f"The cart refused this order, so it was saved directly, and Magento never reserved {reserved}. Its salable "
            "quantity is too high by that much for good, also once the order is shipped, cancelled or refunded; so much is "
            f"kept back from sale here. To put it right, run “{COMMAND}” on the Magento server, or lower the quantity of the "
            f"product in a store without inventory management (MSI). Then choose {LABEL}."
        )
    if sent_without(row) and wanted:
        why = f"Store order {row.magento_increment_id} was ended" if row.ended else "No store order was made"
        made = "" if row.ended else "If the store order can still be made, nothing else is to be done. Otherwise "
        found.append(
            f"{why}, but the goods have left: Magento still counts {wanted}, which are kept back from sale here. "
            f"{made}{'T' if row.ended else 't'}ake them out of Magento's stock by hand, then choose {LABEL}."
        )
    return found


def _shown(pieces: Mapping[str, int]) -> str:
    """`2 × MH01, 1 × MH02`."""
    return ", ".join(f"{count} × {sku}" for sku, count in sorted(pieces.items()) if count)


def confirm(ctx: Context, order_id: int, actor: str) -> str:
    """Somebody has put the store's stock right about the order: it is read anew, and from then on nothing is kept back for it.

    Raises:
        RejectedError: the order has changed meanwhile.
        RetryableError: the store does not say what it has now; all stays as it was.
    """
    row: Order = Order.get_by_id(order_id)
    kept = holding.of_order(row.id)
    if not due(row):
        return "Nothing of this order waits for a correction of the stock."
    snapshots.sync_stock(ctx, row.account.store, sorted(kept))
    now = ctx.clock.now()
    values: dict[str, object] = {"changed_at": now}
    if unreserved(row):
        values["compensated_at"] = now
    if sent_without(row):
        values |= {"ended": ""} if row.ended else {"state": "skipped", "failed_reason": BY_HAND}
    with transaction():
        same = (Order.state == row.state) & (Order.ended == row.ended) & (Order.status == row.status)
        if not Order.update(values).where(Order.id == row.id, same).execute():
            raise RejectedError("The order has changed meanwhile: look at it again.", system="magento")
        orders.mark_stale(row.account, set(kept))
        pieces = _shown({sku: one.pieces for sku, one in kept.items()})
        told = f"Magento's stock was put right: {pieces} are not kept back any more."
        history.note(now, actor, "order.stock_corrected", "order", row.id, told)
    return told
