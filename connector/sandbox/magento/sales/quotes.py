"""Carts as rows: finding an open one, its items and addresses."""

from __future__ import annotations

import secrets
import sqlite3
import string
from collections.abc import Callable
from typing import Any

from connector.sandbox.magento.errors import MagentoError, no_such_entity
from connector.sandbox.magento.routing import Context, route
from connector.sandbox.magento.sales import rows
from connector.sandbox.magento.sales.inputs import path_id
from connector.sandbox.magento.sales.rows import Row

MANAGE = "Magento_Cart::manage"
MASK_LETTERS = string.ascii_letters + string.digits

CartHandler = Callable[..., Any]


def create_quote(ctx: Context, *, guest: bool = False, customer_id: int | None = None, email: str | None = None) -> Row:
    """An empty cart of the path's store with its two empty addresses."""
    mask = "".join(secrets.choice(MASK_LETTERS) for _ in range(32)) if guest else None
    values = {
        "mask": mask,
        "store_id": ctx.store.store_id or 1,
        "created_at": ctx.stamp,
        "updated_at": ctx.stamp,
        "customer_id": customer_id,
        "customer_email": email,
    }
    key = rows.insert(ctx.db, "quote", values)
    rows.insert(ctx.db, "quote_address", {"quote_id": key, "address_type": "billing"})
    rows.insert(ctx.db, "quote_address", {"quote_id": key, "address_type": "shipping", "same_as_billing": 1})
    return open_quote(ctx.db, key)


def open_quote(db: sqlite3.Connection, quote_id: int) -> Row:
    """The active cart with this id. Raises MagentoError 404."""
    quote = rows.one(db, "quote", quote_id)
    if quote is None or not quote["is_active"]:
        raise no_such_entity("cartId", quote_id)
    return quote


def quote_by_path(db: sqlite3.Connection, text: str, *, guest: bool, active: bool = True) -> Row:
    """The cart of a path: an id, or the mask of a guest's cart. Raises MagentoError 404."""
    if not guest:
        key = path_id(text)
    else:
        row = db.execute("SELECT entity_id FROM quote WHERE mask = ?", (text,)).fetchone()
        if row is None:
            raise no_such_entity("cartId", None)
        key = int(row["entity_id"])
    if active:
        return open_quote(db, key)
    quote = rows.one(db, "quote", key)
    if quote is None:
        raise no_such_entity("cartId", key)
    return quote


def cart_route(
    method: str, rest: str, *, active: bool = True, transaction: bool = True, variable: str = "cartId"
) -> Callable[[CartHandler], CartHandler]:
    """Declares `/V1/carts/:cartId…` and its twin below `/V1/guest-carts`; the handler gets the open cart's row."""

    def declare(handler: CartHandler) -> CartHandler:
        def by_id(ctx: Context, **names: str) -> Any:
            quote = quote_by_path(ctx.db, names.pop(variable), guest=False, active=active)
            return handler(ctx, quote, **names)

        def by_mask(ctx: Context, **names: str) -> Any:
            quote = quote_by_path(ctx.db, names.pop("cartId"), guest=True, active=active)
            return handler(ctx, quote, **names)

        route(method, f"/V1/carts/:{variable}{rest}", acl=MANAGE, transaction=transaction)(by_id)
        route(method, f"/V1/guest-carts/:cartId{rest}", acl="anonymous", transaction=transaction)(by_mask)
        return handler

    return declare


def items_of(db: sqlite3.Connection, quote_id: int) -> list[Row]:
    return rows.many(db, "quote_item", "quote_id", quote_id)


def visible_items(items: list[Row]) -> list[Row]:
    """Lines without the variants' rows under configurables."""
    return [item for item in items if item["parent_item_id"] is None]


def address_of(db: sqlite3.Connection, quote_id: int, address_type: str) -> Row:
    found = rows.many(db, "quote_address", "quote_id", quote_id)
    return next(address for address in found if address["address_type"] == address_type)


def website_of(db: sqlite3.Connection, store_id: int) -> int:
    row = db.execute("SELECT website_id FROM store WHERE store_id = ?", (store_id,)).fetchone()
    if row is None:
        raise MagentoError(404, "The store that was requested wasn't found. Verify the store and try again.")
    return int(row["website_id"])


def group_of(db: sqlite3.Connection, quote: Row) -> int:
    """Customer group: 0 for guests."""
    if quote["customer_id"] is None:
        return 0
    row = db.execute("SELECT group_id FROM customer_entity WHERE entity_id = ?", (quote["customer_id"],)).fetchone()
    return int(row["group_id"]) if row else 1


def is_virtual(items: list[Row]) -> bool:
    """Nothing in it has to be shipped; false for an empty cart."""
    lines = visible_items(items)
    return bool(lines) and all(item["product_type"] in {"virtual", "downloadable"} for item in lines)
