"""What orders and their documents do to reservations and source items.

| event | reservation | source item |
|---|---|---|
| order placed from a cart | minus | |
| order saved directly | none | |
| cancelled | plus, whether or not there was a reservation | |
| shipped | plus | minus |
| virtual pieces invoiced | plus | minus |
| refunded before shipping, returned to stock | plus | |
| refunded before shipping, not returned | plus | minus |
| refunded after shipping, returned to stock | | plus, at the source it left |

So an order that was saved directly, which reserved nothing, raises the salable quantity when it is shipped or cancelled.
Source: inventory/InventorySales and InventoryShipping 1.2.7, table 4.3 of the reference.

In a shop without the inventory modules the stock item is counted down when a cart is placed and up when pieces are cancelled or
returned to stock; shipping does nothing.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from decimal import Decimal

from connector.sandbox.magento import config, stock
from connector.sandbox.magento.database import from_units
from connector.sandbox.magento.errors import MagentoError
from connector.sandbox.magento.products import find_product
from connector.sandbox.magento.sales.rows import Row
from connector.sandbox.magento.sales.state import amount, is_child, qty_to_cancel

PLACED, CANCELED, SHIPPED = "order_placed", "order_canceled", "shipment_created"
INVOICED, REFUNDED, PLACE_FAILED = "invoice_created", "creditmemo_created", "order_place_failed"


def stock_of_order(db: sqlite3.Connection, order: Row) -> int:
    """The stock of the website that the order's store belongs to; the default stock for an order without a store."""
    row = db.execute("SELECT website_id FROM store WHERE store_id = ?", (order["store_id"],)).fetchone()
    return stock.stock_for_website(db, row["website_id"]) if row else stock.DEFAULT_STOCK


def stocked_sku(db: sqlite3.Connection, item: Row) -> str | None:
    """The SKU whose pieces the line stands for; None for a line that no product stands behind.

    Raises MagentoError 400 for a configurable's line that lost the SKU of its variant.
    """
    product = None if is_child(item) or item["product_id"] is None else find_product(db, item["sku"])
    if product is None:
        return None
    if item["product_type"] == "configurable":
        options = item["product_options"]
        if not isinstance(options, dict) or "simple_sku" not in options:
            raise MagentoError(400, "The product of this line is not known.")
        return str(options["simple_sku"])
    return str(item["sku"]) if product.has_sources else None


def reserve(db: sqlite3.Connection, order: Row, sku: str, qty: Decimal, event: str) -> None:
    if config.without_sources(db):
        _count(db, sku, qty)
        return
    order_id = str(order["entity_id"]) if event not in {PLACED, PLACE_FAILED} else ""
    stock.reserve(db, sku, stock_of_order(db, order), qty, event, order["increment_id"], order_id)


def _count(db: sqlite3.Connection, sku: str, qty: Decimal) -> None:
    """Adds to the stock item, or takes away; back orders let it fall below zero."""
    rules = stock.rules_of(db, sku)
    if rules.manage_stock:
        rows = stock.source_items(db, [sku])
        kept = next(
            (from_units(row["quantity"]) for row in rows if row["source_code"] == stock.DEFAULT_SOURCE), Decimal(0)
        )
        left = kept + qty
        stock.set_source_item(db, sku, stock.DEFAULT_SOURCE, left, left > 0 or rules.backorders)


def give_back_cancelled(db: sqlite3.Connection, order: Row, items: Sequence[Row]) -> None:
    for item in items:
        qty, sku = qty_to_cancel(item), stocked_sku(db, item)
        if sku is not None and qty > 0:
            reserve(db, order, sku, qty, CANCELED)


def take(db: sqlite3.Connection, order: Row, sku: str, source_code: str, qty: Decimal, event: str) -> None:
    """Takes pieces out of a source and gives the reservation back.

    Raises MagentoError when the SKU is in no source of the website's stock or the source holds less.
    """
    if config.without_sources(db):
        return
    stock_id = stock_of_order(db, order)
    if stock.index_row(db, sku, stock_id) is None:
        raise MagentoError(400, "The requested sku is not assigned to given stock.")
    stock.deduct(db, sku, source_code, qty)
    reserve(db, order, sku, qty, event)


def refund(db: sqlite3.Connection, order: Row, item: Row, qty: Decimal, *, returned: bool) -> None:
    """Pieces of one line come back: those that never left are refunded first.

    Raises MagentoError as `stocked_sku` and `take` do.
    """
    sku = stocked_sku(db, item)
    if sku is None or item["is_virtual"]:
        return
    if config.without_sources(db):
        if returned:
            _count(db, sku, qty)
        return
    not_shipped = max(
        amount(item, "qty_invoiced") - amount(item, "qty_shipped") - _refunded_unshipped(item), Decimal(0)
    )
    kept, back = min(qty, not_shipped), max(qty - not_shipped, Decimal(0))
    if kept and returned:
        reserve(db, order, sku, kept, REFUNDED)
    elif kept:
        take(db, order, sku, stock.DEFAULT_SOURCE, kept, REFUNDED)
    if back and returned:
        stock.add(db, sku, _source_it_left(db, item), back)


def _refunded_unshipped(item: Row) -> Decimal:
    """Pieces refunded before, as far as they had not been shipped."""
    open_pieces = amount(item, "qty_invoiced") - amount(item, "qty_shipped")
    return min(amount(item, "qty_refunded"), max(open_pieces, Decimal(0)))


def _source_it_left(db: sqlite3.Connection, item: Row) -> str:
    row = db.execute(
        "SELECT s.source_code FROM sales_shipment s JOIN sales_shipment_item i ON i.parent_id = s.entity_id"
        " WHERE i.order_item_id = ? ORDER BY s.entity_id DESC LIMIT 1",
        (item["item_id"],),
    ).fetchone()
    return str(row["source_code"]) if row and row["source_code"] else stock.DEFAULT_SOURCE
