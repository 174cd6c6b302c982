"""`POST /V1/orders`: the order repository's save, which stores what it is sent.

No price, stock, method or rule is checked and nothing is reserved. A save with `entity_id` writes only the columns that were
sent; the answer echoes the request, not the order. What the shop accepts in silence is accepted here: an item id of another
order moves that line, a payment without its id adds a row, addresses of an existing order are dropped, and the state is
checked against the items as they were sent.
"""

from __future__ import annotations

import secrets
import sqlite3
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from connector.sandbox.magento.errors import InternalError, MagentoError
from connector.sandbox.magento.routing import Context
from connector.sandbox.magento.sales import rows, state
from connector.sandbox.magento.sales.addresses import order_address_warnings
from connector.sandbox.magento.sales.inputs import accepted
from connector.sandbox.magento.sales.rows import Row
from connector.sandbox.magento.sales.sequences import ORDER, next_increment_id, next_key
from connector.sandbox.magento.sales.views import (
    address_view,
    history_view,
    item_view,
    items_view,
    order_view,
    parts_view,
    payment_view,
)

PARTS = ("items", "billing_address", "payment", "status_histories", "extension_attributes")
ITEM_PARTS = ("parent_item", "product_option", "extension_attributes")
UNIQUE_VIOLATION = "Unique constraint violation found"


@dataclass(slots=True)
class Sent:
    """The order object as the request built it; None for a part that the request does not have."""

    order: Row
    items: list[Row] | None
    options: list[Any]
    billing: Row | None
    shipping: Row | None
    method: str | None
    payment: Row | None
    histories: list[Row]
    extension: Mapping[str, Any] | None = None
    written: Row = field(default_factory=dict)


def save_order(ctx: Context, entity: Mapping[str, Any]) -> Row:
    """Creates or changes an order and returns the echo.

    Raises MagentoError 400 for unknown keys, wrong types, a missing payment, a broken address, a used number or more items than
    the input limit; 404 for a store that does not exist.
    """
    ctx.check_array(entity.get("items"), "\\Magento\\Sales\\Api\\Data\\OrderItemInterface")
    sent = _read(entity)
    db, key = ctx.db, sent.order.get("entity_id")
    existing = rows.one(db, "sales_order", key) if key else None
    _check(db, sent, existing, key)
    new_key = _take_numbers(ctx, sent) if existing is None else 0
    with ctx.transaction():
        items = rows.many(db, "sales_order_item", "order_id", key) if existing else []
        _check_state(sent, items)
        try:
            order_id = _write_order(ctx, sent, existing, new_key)
        except sqlite3.IntegrityError:
            raise MagentoError(400, UNIQUE_VIOLATION) from None
        _write_items(ctx, sent, order_id)
        if existing is None:
            _write_addresses(db, sent, order_id)
        _write_payment(db, sent, order_id)
        _write_histories(ctx, sent, order_id)
        return _echo(db, sent, order_id, existing)


def _take_numbers(ctx: Context, sent: Sent) -> int:
    """Fills in the order's number unless it was sent, and returns its key; both stay taken when the save fails."""
    with ctx.transaction():
        if sent.order.get("increment_id") is None:
            sent.order["increment_id"] = next_increment_id(ctx.db, ORDER, sent.order.get("store_id"))
        return next_key(ctx.db, "sales_order")


def _read(entity: Mapping[str, Any]) -> Sent:
    order = accepted(entity, "sales_order", PARTS)
    order.pop("updated_at", None)
    given = entity.get("items")
    items = None if not given else [accepted(item, "sales_order_item", ITEM_PARTS) for item in given]
    options = [] if not given else [item.get("product_option") for item in given]
    extension = entity.get("extension_attributes")
    shipping, method = _assignment(extension) if not order.get("is_virtual") else (None, None)
    payment = entity.get("payment")
    billing = entity.get("billing_address")
    return Sent(
        order,
        items,
        options,
        None if billing is None else accepted(billing, "sales_order_address", ("extension_attributes",)),
        shipping,
        method,
        None if payment is None else accepted(payment, "sales_order_payment", ("extension_attributes",)),
        [accepted(one, "sales_order_status_history", ()) for one in entity.get("status_histories") or []],
        extension,
    )


def _assignment(extension: Any) -> tuple[Row | None, str | None]:
    assignments = extension.get("shipping_assignments") if isinstance(extension, Mapping) else None
    if not assignments:
        return None, None
    shipping = assignments[0].get("shipping") or {}
    address = shipping.get("address")
    checked = None if address is None else accepted(address, "sales_order_address", ("extension_attributes",))
    return checked, shipping.get("method")


def _check(db: sqlite3.Connection, sent: Sent, existing: Row | None, key: int | None) -> None:
    store_id = sent.order.get("store_id")
    if store_id is not None and db.execute("SELECT 1 FROM store WHERE store_id = ?", (store_id,)).fetchone() is None:
        raise MagentoError(404, "The store that was requested wasn't found. Verify the store and try again.")
    if existing is None and sent.payment is None:
        raise MagentoError(400, "Please provide payment for the order.")
    if sent.payment is not None and not sent.payment.get("method"):
        raise MagentoError(400, "The payment method you requested is not available.")
    if existing is None and key:
        raise InternalError
    if existing is None:
        _check_addresses(sent)


def _check_addresses(sent: Sent) -> None:
    for address, kind in ((sent.billing, "billing"), (sent.shipping, "shipping")):
        if address is None:
            continue
        address["email"] = sent.order.get("customer_email")
        address.setdefault("address_type", kind)
        warnings = order_address_warnings(address)
        if warnings:
            raise MagentoError(400, "We can't save the address:\n%1", ["\n".join(warnings)])


def _check_state(sent: Sent, stored: Sequence[Row]) -> None:
    """The state handler looks at the object of the request: its items when it has some, the stored ones otherwise."""
    current = sent.order.get("state")
    checked = state.checked(sent.order, stored if sent.items is None else sent.items)
    if checked != current and checked is not None:
        sent.order["state"], sent.order["status"] = checked, state.DEFAULT_STATUS[checked]


def _write_order(ctx: Context, sent: Sent, existing: Row | None, new_key: int) -> int:
    values = {key: value for key, value in sent.order.items() if key != "entity_id"}
    if sent.method is not None:
        values["shipping_method"] = sent.method
    if existing is not None:
        sent.written = {
            "created_at": existing["created_at"],
            "updated_at": ctx.stamp,
            "billing_address_id": existing["billing_address_id"],
        }
        rows.update(ctx.db, "sales_order", existing["entity_id"], values | {"updated_at": ctx.stamp})
        return int(existing["entity_id"])
    sent.written = {
        "created_at": values.get("created_at") or ctx.stamp,
        "updated_at": ctx.stamp,
        "protect_code": values.get("protect_code") or secrets.token_hex(16),
        "store_name": values.get("store_name") or store_name(ctx.db, values.get("store_id")),
        "total_item_count": len([i for i in sent.items or [] if i.get("parent_item_id") is None]),
    }
    return rows.insert(ctx.db, "sales_order", values | sent.written | {"entity_id": new_key})


def store_name(db: sqlite3.Connection, store_id: int | None) -> str | None:
    """Website, store and store view on three lines."""
    row = db.execute(
        "SELECT w.name AS website, g.name AS grouped, s.name AS view FROM store s JOIN store_website w USING (website_id)"
        " JOIN store_group g ON g.group_id = s.group_id WHERE s.store_id = ?",
        (store_id,),
    ).fetchone()
    return None if row is None else f"{row['website']}\n{row['grouped']}\n{row['view']}"


def _write_items(ctx: Context, sent: Sent, order_id: int) -> None:
    for item, option in zip(sent.items or [], sent.options, strict=True):
        key = item.pop("item_id", None)
        item |= {"order_id": order_id, "updated_at": ctx.stamp}
        # A save of an item without its option leaves an empty list, which is what later breaks a configurable's line.
        stored = item | {"product_options": _buy_request(option)}
        if key:
            row = rows.one(ctx.db, "sales_order_item", key)
            if row is None:
                raise InternalError
            rows.update(ctx.db, "sales_order_item", key, stored)
            item |= {"item_id": key, "created_at": row["created_at"]}
        else:
            item["created_at"] = ctx.stamp
            item["item_id"] = rows.insert(ctx.db, "sales_order_item", stored | {"created_at": ctx.stamp})


def _buy_request(option: Any) -> list[Any] | dict[str, Any]:
    extension = option.get("extension_attributes") if isinstance(option, Mapping) else None
    chosen = extension.get("configurable_item_options") if isinstance(extension, Mapping) else None
    return {"configurable_item_options": chosen} if chosen else []


def _write_addresses(db: sqlite3.Connection, sent: Sent, order_id: int) -> None:
    links = {}
    for address, column in ((sent.billing, "billing_address_id"), (sent.shipping, "shipping_address_id")):
        if address is None:
            continue
        address["parent_id"] = order_id
        address.pop("entity_id", None)
        address["entity_id"] = links[column] = rows.insert(db, "sales_order_address", address)
    rows.update(db, "sales_order", order_id, links)
    if "billing_address_id" in links:
        sent.written["billing_address_id"] = links["billing_address_id"]


def _write_payment(db: sqlite3.Connection, sent: Sent, order_id: int) -> None:
    if sent.payment is None:
        return
    key = sent.payment.pop("entity_id", None)
    sent.payment["parent_id"] = order_id
    if key:
        rows.update(db, "sales_order_payment", key, sent.payment)
    else:
        key = rows.insert(db, "sales_order_payment", sent.payment)
    sent.payment["entity_id"] = key


def _write_histories(ctx: Context, sent: Sent, order_id: int) -> None:
    for history in sent.histories:
        key = history.pop("entity_id", None)
        history["parent_id"] = order_id
        if key:
            rows.update(ctx.db, "sales_order_status_history", key, history)
        else:
            key = rows.insert(ctx.db, "sales_order_status_history", {"created_at": ctx.stamp} | history)
        history["entity_id"] = key


def _echo(db: sqlite3.Connection, sent: Sent, order_id: int, existing: Row | None) -> Row:
    """What was sent and what the save added; parts that were not sent come from the database."""
    values = sent.order | sent.written | {"entity_id": order_id}
    if existing is not None and sent.shipping is not None:
        values.setdefault("customer_email", existing["customer_email"])
    answer = order_view(values)
    stored = rows.many(db, "sales_order_item", "order_id", order_id) if sent.items is None else []
    answer["items"] = [item_view(item) for item in sent.items] if sent.items is not None else items_view(stored)
    parts = {
        name: rows.many(db, f"sales_order_{name}", "parent_id", order_id)
        for name in ("address", "payment", "status_history")
    }
    answer |= parts_view(values, {f"sales_order_{name}": found for name, found in parts.items()})
    if sent.payment is not None:
        answer["payment"] = payment_view(sent.payment)
    if sent.histories:
        answer["status_histories"] = [history_view(one) for one in sent.histories]
    if isinstance(sent.extension, Mapping):
        answer["extension_attributes"] = _extension(sent)
    return answer


def _extension(sent: Sent) -> Row:
    extension = dict(sent.extension or {})
    if sent.shipping is not None:
        shipping = dict(extension["shipping_assignments"][0]["shipping"])
        address = {
            key: value for key, value in sent.shipping.items() if key != "email" or "customer_email" in sent.order
        }
        shipping["address"] = address_view(address)
        first = {**extension["shipping_assignments"][0], "shipping": shipping}
        extension["shipping_assignments"] = [first, *extension["shipping_assignments"][1:]]
    return extension
