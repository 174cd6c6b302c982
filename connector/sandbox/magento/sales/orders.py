"""Routes of orders: read, search, save, hold, cancel, comments, addresses."""

from __future__ import annotations

import sqlite3
from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from connector.sandbox.magento.errors import InternalError, MagentoError
from connector.sandbox.magento.routing import Context, route
from connector.sandbox.magento.sales import mail, rows, state
from connector.sandbox.magento.sales.addresses import order_address_warnings
from connector.sandbox.magento.sales.inputs import accepted, path_id
from connector.sandbox.magento.sales.rows import Row
from connector.sandbox.magento.sales.saves import save_order
from connector.sandbox.magento.sales.searches import search_of
from connector.sandbox.magento.sales.stock_moves import give_back_cancelled
from connector.sandbox.magento.sales.views import address_view, history_view, items_view, orders_in_full

VIEW, CREATE = "Magento_Sales::actions_view", "Magento_Sales::create"
MISSING = "The entity that was requested doesn't exist. Verify the entity and try again."


def missing() -> MagentoError:
    return MagentoError(404, MISSING)


def order_by_id(db: sqlite3.Connection, order_id: int) -> Row:
    """The order's row. Raises MagentoError 404."""
    order = rows.one(db, "sales_order", order_id)
    if order is None:
        raise missing()
    return order


def items_of(db: sqlite3.Connection, order_id: int) -> list[Row]:
    return rows.many(db, "sales_order_item", "order_id", order_id)


def set_state(db: sqlite3.Connection, order: Row, new_state: str | None, stamp: str) -> None:
    """Stores a state with its default status; a state that stays leaves the status alone.

    Like every save of a whole order it gives the shipping address the order's e-mail.
    """
    changes: Row = {"updated_at": stamp}
    if new_state is not None and new_state != order["state"]:
        changes |= {"state": new_state, "status": state.DEFAULT_STATUS.get(new_state)}
    rows.update(db, "sales_order", order["entity_id"], changes)
    if order["shipping_address_id"] is not None:
        rows.update(db, "sales_order_address", order["shipping_address_id"], {"email": order["customer_email"]})


@route("GET", "/V1/orders", acl=VIEW)
def list_orders(ctx: Context) -> Any:
    found, total, criteria = ctx.search(search_of("sales_order"))
    orders = [rows.read("sales_order", row) for row in found]
    return {"items": orders_in_full(ctx.db, orders), "search_criteria": criteria.echo(), "total_count": total}


@route("GET", "/V1/orders/items", acl=VIEW)
def list_items(ctx: Context) -> Any:
    found, total, criteria = ctx.search(search_of("sales_order_item"))
    items = items_view([rows.read("sales_order_item", row) for row in found])
    return {"items": items, "search_criteria": criteria.echo(), "total_count": total}


@route("GET", "/V1/orders/items/:id", acl=VIEW)
def get_item(ctx: Context, id: str) -> Any:  # noqa: A002  # the route's own name for it
    item = rows.one(ctx.db, "sales_order_item", path_id(id))
    if item is None:
        raise missing()
    return items_view([item])[0]


@route("GET", "/V1/orders/:id", acl=VIEW)
def get_order(ctx: Context, id: str) -> Any:  # noqa: A002  # as above
    return orders_in_full(ctx.db, [order_by_id(ctx.db, path_id(id))])[0]


@route("GET", "/V1/orders/:id/statuses", acl=VIEW)
def get_status(ctx: Context, id: str) -> Any:  # noqa: A002  # as above
    return order_by_id(ctx.db, path_id(id))["status"]


@route("POST", "/V1/orders", acl=CREATE, transaction=False)
@route("PUT", "/V1/orders/create", acl=CREATE, transaction=False)
def save(ctx: Context) -> Any:
    entity = ctx.needed("entity")
    if not isinstance(entity, Mapping):
        raise MagentoError(400, "The value's type is invalid. Verify and try again.")
    return save_order(ctx, entity)


@route("PUT", "/V1/orders/:parent_id", acl=CREATE)
def save_address(ctx: Context, parent_id: str) -> Any:
    """Writes one whole address of the order; the path decides whose it is."""
    address = accepted(ctx.needed("entity"), "sales_order_address", ("extension_attributes",))
    order = order_by_id(ctx.db, path_id(parent_id))
    address["parent_id"] = order["entity_id"]
    warnings = order_address_warnings(address)
    if warnings:
        raise MagentoError(400, "We can't save the address:\n%1", ["\n".join(warnings)])
    key = address.pop("entity_id", None)
    if key:
        rows.update(ctx.db, "sales_order_address", key, address)
    else:
        key = rows.insert(ctx.db, "sales_order_address", address)
    return address_view(address | {"entity_id": key})


@route("POST", "/V1/orders/:id/hold", acl="Magento_Sales::hold")
def hold(ctx: Context, id: str) -> Any:  # noqa: A002  # as above
    order = order_by_id(ctx.db, path_id(id))
    if not state.can_hold(order):
        raise MagentoError(400, "A hold action is not available.")
    before = {"hold_before_state": order["state"], "hold_before_status": order["status"]}
    held = {"state": state.HOLDED, "status": "holded", "updated_at": ctx.stamp}
    rows.update(ctx.db, "sales_order", order["entity_id"], before | held)
    return True


@route("POST", "/V1/orders/:id/unhold", acl="Magento_Sales::unhold")
def unhold(ctx: Context, id: str) -> Any:  # noqa: A002  # as above
    order = order_by_id(ctx.db, path_id(id))
    if not state.can_unhold(order):
        raise MagentoError(400, "You cannot remove the hold.")
    back = {"state": order["hold_before_state"], "status": order["hold_before_status"], "updated_at": ctx.stamp}
    rows.update(
        ctx.db, "sales_order", order["entity_id"], back | {"hold_before_state": None, "hold_before_status": None}
    )
    return True


@route("POST", "/V1/orders/:id/cancel", acl="Magento_Sales::cancel")
def cancel(ctx: Context, id: str) -> Any:  # noqa: A002  # as above
    """True, or false with status 200 when the order cannot be cancelled (any more)."""
    order = order_by_id(ctx.db, path_id(id))
    items = items_of(ctx.db, order["entity_id"])
    if not state.can_cancel(order, items):
        return False
    if any(i["product_type"] == "configurable" and "simple_sku" not in (i["product_options"] or {}) for i in items):
        raise InternalError  # the line lost the SKU of its variant, see `saves`
    give_back_cancelled(ctx.db, order, items)
    for item in items:
        _cancel_item(ctx, item)
    canceled = _canceled_amounts(order)
    rows.update(
        ctx.db,
        "sales_order",
        order["entity_id"],
        canceled | {"state": state.CANCELED, "status": "canceled", "updated_at": ctx.stamp},
    )
    return True


def _cancel_item(ctx: Context, item: Row) -> None:
    qty = state.qty_to_cancel(item)
    if qty <= 0:
        return
    share = qty / item["qty_ordered"]
    changes: Row = {"qty_canceled": qty, "updated_at": ctx.stamp}
    if item["tax_amount"]:
        changes["tax_canceled"] = item["tax_amount"] * share
    rows.update(ctx.db, "sales_order_item", item["item_id"], changes)


def _canceled_amounts(order: Row) -> Row:
    amounts: Row = {}
    for prefix in ("", "base_"):
        for name, whole, done in (
            ("subtotal", "subtotal", "subtotal_invoiced"),
            ("tax", "tax_amount", "tax_invoiced"),
            ("shipping", "shipping_amount", "shipping_invoiced"),
            ("total", "grand_total", "total_paid"),
        ):
            left = state.amount(order, prefix + whole) - state.amount(order, prefix + done)
            amounts[f"{prefix}{name}_canceled"] = left
        discount: Decimal = abs(state.amount(order, f"{prefix}discount_amount"))
        amounts[f"{prefix}discount_canceled"] = discount - abs(state.amount(order, f"{prefix}discount_invoiced"))
    return amounts


@route("POST", "/V1/orders/:id/comments", acl="Magento_Sales::comment")
def add_comment(ctx: Context, id: str) -> Any:  # noqa: A002  # as above
    given = ctx.needed("statusHistory", "status_history")
    history = accepted(given, "sales_order_status_history", ("extension_attributes",))
    order = order_by_id(ctx.db, path_id(id))
    status = history.get("status")
    if status and status not in state.STATUSES.get(order["state"], (order["status"],)):
        # The line break inside the sentence is the shop's own.
        text = 'Unable to add comment: The status "%1" is not part of the order\n                 status history.'
        raise MagentoError(400, text, [status])
    history |= {"parent_id": order["entity_id"], "status": status or order["status"], "created_at": ctx.stamp}
    history.setdefault("is_customer_notified", 0)
    history.setdefault("is_visible_on_front", 0)
    history.pop("entity_id", None)
    rows.insert(ctx.db, "sales_order_status_history", history)
    if status:
        rows.update(ctx.db, "sales_order", order["entity_id"], {"status": status})
    return True


@route("GET", "/V1/orders/:id/comments", acl=VIEW)
def list_comments(ctx: Context, id: str) -> Any:  # noqa: A002  # as above
    key = path_id(id)
    histories = rows.many(ctx.db, "sales_order_status_history", "parent_id", key)
    return children_of(key, [history_view(one) for one in histories])


def children_of(parent_id: int, items: list[Row]) -> Row:
    """The list of a document's comments, with the criteria that Magento searched them by."""
    criteria = {"field": "parent_id", "value": str(parent_id), "condition_type": "eq"}
    return {
        "items": items,
        "search_criteria": {"filter_groups": [{"filters": [criteria]}]},
        "total_count": len(items),
    }


@route("POST", "/V1/orders/:id/emails", acl="Magento_Sales::emails")
def send_mail(ctx: Context, id: str) -> Any:  # noqa: A002  # as above
    order = order_by_id(ctx.db, path_id(id))
    mail.send(ctx.db, "order", order, ctx.stamp)
    return True
