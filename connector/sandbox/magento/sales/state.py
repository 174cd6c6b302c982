"""What an order allows, and the state that its saves end in.

Source: Magento_Sales 2.4.7, Model/Order.php, Model/Order/Item.php, Model/Order/StateResolver.php and
Model/ResourceModel/Order/Handler/State.php. Everything here is computed from the rows that are handed in: a save by the REST
API may hand in an order that knows only what the request said, which is how an order without `qty_ordered` gets closed.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any

from connector.sandbox.magento.sales.rows import cents

Order = Mapping[str, Any]
Item = Mapping[str, Any]

NEW, PROCESSING, COMPLETE, CLOSED = "new", "processing", "complete", "closed"
CANCELED, HOLDED, PAYMENT_REVIEW = "canceled", "holded", "payment_review"
DEFAULT_STATUS = {
    NEW: "pending",
    "pending_payment": "pending_payment",
    PROCESSING: "processing",
    COMPLETE: "complete",
    CLOSED: "closed",
    CANCELED: "canceled",
    HOLDED: "holded",
    PAYMENT_REVIEW: "payment_review",
}
STATUSES = {state: (status,) for state, status in DEFAULT_STATUS.items()} | {
    PROCESSING: ("processing", "fraud"),
    PAYMENT_REVIEW: ("payment_review", "fraud"),
}
ZERO = Decimal(0)
NOTHING = Decimal("0.0001")


def amount(row: Mapping[str, Any], field: str) -> Decimal:
    """The value of a decimal field, 0 where the row has none."""
    value = row.get(field)
    return ZERO if value is None else Decimal(value)


def is_child(item: Item) -> bool:
    """The variant's row under a configurable: a dummy that is neither invoiced nor shipped for itself."""
    return item.get("parent_item_id") is not None


def qty_to_invoice(item: Item) -> Decimal:
    if is_child(item):
        return ZERO
    return max(amount(item, "qty_ordered") - amount(item, "qty_invoiced") - amount(item, "qty_canceled"), ZERO)


def qty_to_ship(item: Item) -> Decimal:
    if is_child(item):
        return ZERO
    gone = max(amount(item, "qty_shipped"), amount(item, "qty_refunded"))
    return max(amount(item, "qty_ordered") - gone - amount(item, "qty_canceled"), ZERO)


def qty_to_refund(item: Item) -> Decimal:
    if is_child(item):
        return ZERO
    return max(amount(item, "qty_invoiced") - amount(item, "qty_refunded"), ZERO)


def qty_to_cancel(item: Item) -> Decimal:
    return min(qty_to_invoice(item), qty_to_ship(item))


def can_unhold(order: Order) -> bool:
    return order.get("state") == HOLDED


def can_hold(order: Order) -> bool:
    return order.get("state") not in {CANCELED, PAYMENT_REVIEW, COMPLETE, CLOSED, HOLDED}


def can_invoice(order: Order, items: Sequence[Item]) -> bool:
    if order.get("state") in {HOLDED, PAYMENT_REVIEW, CANCELED, COMPLETE, CLOSED}:
        return False
    return any(qty_to_invoice(item) > 0 and not item.get("locked_do_invoice") for item in items)


def can_ship(order: Order, items: Sequence[Item]) -> bool:
    if order.get("state") in {HOLDED, PAYMENT_REVIEW, CANCELED} or order.get("is_virtual"):
        return False
    return any(
        qty_to_ship(item) > 0
        and not item.get("is_virtual")
        and not item.get("locked_do_ship")
        and amount(item, "qty_refunded") != amount(item, "qty_ordered")
        for item in items
    )


def can_creditmemo(order: Order, items: Sequence[Item]) -> bool:
    if order.get("state") in {HOLDED, PAYMENT_REVIEW, CANCELED, CLOSED}:
        return False
    paid, refunded = amount(order, "total_paid"), amount(order, "total_refunded")
    left = cents(paid) - refunded
    fee_only = abs(left - amount(order, "adjustment_negative")) < NOTHING
    if abs(amount(order, "grand_total")) < NOTHING:
        return _can_refund_nothing(order, items, paid, refunded)
    return not (abs(left) < NOTHING or fee_only)


def _can_refund_nothing(order: Order, items: Sequence[Item], paid: Decimal, refunded: Decimal) -> bool:
    """A free order may be refunded (for 0.00) once it is invoiced and as long as there is no credit memo."""
    if can_invoice(order, items) and paid <= amount(order, "grand_total"):
        return False
    return not (refunded == paid and order.get("total_refunded") is not None)


def can_cancel(order: Order, items: Sequence[Item]) -> bool:
    if order.get("state") in {HOLDED, PAYMENT_REVIEW, CANCELED, COMPLETE, CLOSED}:
        return False
    return any(qty_to_invoice(item) > 0 for item in items)


def after_document(order: Order, items: Sequence[Item], *, in_progress: bool) -> str | None:
    """The state that an invoice, shipment (`in_progress`) or credit memo gives the order, before the check of the save."""
    state: str | None = order.get("state")
    if in_progress and state == NEW:
        return PROCESSING
    open_work = state in {CANCELED, HOLDED} or can_invoice(order, items) or can_ship(order, items)
    if not open_work and not in_progress:
        if amount(order, "base_grand_total") == 0 or can_creditmemo(order, items):
            return COMPLETE
        if amount(order, "total_refunded"):
            return CLOSED
    return state


def checked(order: Order, items: Sequence[Item]) -> str | None:
    """The state in which a save of this order ends; the caller sets the state's default status when it differs."""
    state: str | None = order.get("state")
    if state in {CANCELED, HOLDED} or can_invoice(order, items):
        return state
    shippable = can_ship(order, items)
    if (
        state in {PROCESSING, COMPLETE}
        and not can_creditmemo(order, items)
        and not shippable
        and not order.get("is_virtual")
    ):
        return CLOSED
    if order.get("is_virtual") and order.get("status") == CLOSED:
        return CLOSED
    if state == PROCESSING and (not shippable or _rest_is_shipped(order, items)):
        return COMPLETE
    return state


def _rest_is_shipped(order: Order, items: Sequence[Item]) -> bool:
    """Shipped and refunded pieces add up to the ordered ones; a piece may count twice, as it does in the shop."""
    shipped = sum((int(amount(item, "qty_shipped")) for item in items), 0)
    refunded = sum((int(amount(item, "qty_refunded")) for item in items), 0)
    return shipped > 0 and amount(order, "total_qty_ordered") <= shipped + refunded
