"""What invoices, shipments and credit memos share: fields taken from the order, items, comments, lists."""

from __future__ import annotations

import sqlite3
import threading
from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any

from connector.sandbox.magento.errors import MagentoError
from connector.sandbox.magento.routing import Context
from connector.sandbox.magento.sales import rows
from connector.sandbox.magento.sales.inputs import flag
from connector.sandbox.magento.sales.invoice_totals import Line
from connector.sandbox.magento.sales.orders import missing
from connector.sandbox.magento.sales.rows import TABLES, Row, present
from connector.sandbox.magento.sales.searches import search_of

# The shop locks the order while a document is made. One lock for all orders does here: SQLite has one writer anyway.
ORDER_MUTEX = threading.Lock()
FROM_ORDER = (
    "store_id",
    "billing_address_id",
    "shipping_address_id",
    "base_currency_code",
    "global_currency_code",
    "order_currency_code",
    "store_currency_code",
    "base_to_global_rate",
    "base_to_order_rate",
    "store_to_base_rate",
    "store_to_order_rate",
    "discount_description",
)
FROM_ITEM = (
    "product_id",
    "sku",
    "name",
    "price",
    "base_price",
    "price_incl_tax",
    "base_price_incl_tax",
    "base_cost",
    "weight",
)


def from_order(order: Row, table: str, stamp: str) -> Row:
    """The columns that a new document copies from its order."""
    kinds = TABLES[table].kinds
    values = {name: order[name] for name in FROM_ORDER if name in kinds}
    return values | {"order_id": order["entity_id"], "created_at": stamp, "updated_at": stamp}


def insert_items(db: sqlite3.Connection, table: str, parent_id: int, lines: Sequence[Line]) -> None:
    kinds = TABLES[table].kinds
    for line in lines:
        values: Row = {name: line.item[name] for name in FROM_ITEM if name in kinds}
        values |= {"parent_id": parent_id, "order_item_id": line.item["item_id"], "qty": line.qty}
        rows.insert(db, table, values | line.values)


def refuse(kind: str, problems: Sequence[str]) -> None:
    """Raises MagentoError 400 with one line a problem; `kind` is Invoice, Shipment or Creditmemo."""
    if problems:
        raise MagentoError(400, f"{kind} Document Validation Error(s):\n" + "\n".join(problems))


def add_comment(db: sqlite3.Connection, document: str, parent_id: int, given: Any, stamp: str) -> Row:
    """Stores a comment of a document and returns it."""
    values = {
        "document": document,
        "parent_id": parent_id,
        "comment": str(given.get("comment") or ""),
        "is_customer_notified": int(flag(given.get("is_customer_notified"))),
        "is_visible_on_front": int(flag(given.get("is_visible_on_front"))),
        "created_at": stamp,
    }
    key = rows.insert(db, "sales_comment", values)
    return values | {"entity_id": key}


def comment_of_body(ctx: Context, document: str, parent_id: int) -> None:
    """Stores the comment that came with the document, when the request wants it on the document."""
    given = ctx.optional("comment")
    if isinstance(given, Mapping) and flag(ctx.optional("appendComment", "append_comment")):
        add_comment(ctx.db, document, parent_id, given, ctx.stamp)


def comment_view(comment: Mapping[str, Any]) -> Row:
    names = ("is_customer_notified", "parent_id", "comment", "is_visible_on_front", "created_at", "entity_id")
    return present(comment, names, names)


def comments_of(db: sqlite3.Connection, document: str, parent_id: int) -> list[Row]:
    found = rows.many(db, "sales_comment", "parent_id", parent_id)
    return [comment_view(one) for one in found if one["document"] == document]


def document_by_id(db: sqlite3.Connection, table: str, key: int) -> Row:
    """Raises MagentoError 404."""
    document = rows.one(db, table, key)
    if document is None:
        raise missing()
    return document


def find_documents(ctx: Context, table: str) -> tuple[list[Row], Row]:
    """The documents of the page, and the answer's criteria and total."""
    found, total, criteria = ctx.search(search_of(table))
    return [rows.read(table, row) for row in found], {"search_criteria": criteria.echo(), "total_count": total}


def raise_by(db: sqlite3.Connection, table: str, row: Row, amounts: Mapping[str, Decimal | None]) -> None:
    """Adds to columns of a row; columns that were empty start at 0."""
    changes = {name: (row[name] or Decimal(0)) + (value or Decimal(0)) for name, value in amounts.items()}
    rows.update(db, table, row[TABLES[table].key], changes)
    row |= changes
