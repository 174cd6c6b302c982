"""Multi-source stock: source items, the index of each stock, reservations, salable quantity.

Salable quantity = quantity of the stock's index + open reservations - out-of-stock threshold; 0 when the index says
"not salable". The index of the default stock follows the product's stock item (quantity not below zero, in stock as its flag says,
disabled products left out), the index of any other stock sums the in-stock source items of its enabled sources.
Nobody but these functions writes source items and reservations. Sources: inventory/InventorySales, InventoryIndexer, recordings 224-252.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterable
from dataclasses import dataclass
from decimal import Decimal

from connector.sandbox.magento import config
from connector.sandbox.magento.database import from_units, to_units
from connector.sandbox.magento.errors import MagentoError
from connector.sandbox.magento.products import ProductRow, attribute_value, find_product
from connector.sandbox.magento.routing import FatalError

DEFAULT_STOCK, DEFAULT_SOURCE = 1, "default"
UNAVAILABLE = "Not all of your products are available in the requested quantity."
NO_SOURCE_SUPPORT = "Can't check requested quantity for products without Source Items support."


@dataclass(frozen=True, slots=True)
class StockRules:
    """What a product's stock item and the shop's defaults say about selling it."""

    manage_stock: bool
    backorders: bool
    min_qty: Decimal
    min_sale_qty: Decimal
    max_sale_qty: Decimal
    qty_increments: Decimal
    is_qty_decimal: bool


@dataclass(frozen=True, slots=True)
class Refusal:
    """Why a quantity cannot be sold; `code` is Magento's."""

    code: str
    message: str


@dataclass(frozen=True, slots=True)
class IndexRow:
    """What the index of a stock says of one SKU."""

    quantity: Decimal
    is_salable: bool


def stock_for_website(db: sqlite3.Connection, website_id: int) -> int:
    """The stock that a website sells from. Raises MagentoError 404 when none does."""
    row = db.execute(
        "SELECT c.stock_id FROM inventory_stock_sales_channel c JOIN store_website w ON w.code = c.code"
        " WHERE c.type = 'website' AND w.website_id = ?",
        (website_id,),
    ).fetchone()
    if row is None:
        raise MagentoError(404, "No linked stock found")
    return int(row["stock_id"])


def sources_of_stock(db: sqlite3.Connection, stock_id: int) -> list[str]:
    """Codes of the stock's enabled sources, the preferred one first."""
    rows = db.execute(
        "SELECT l.source_code FROM inventory_source_stock_link l JOIN inventory_source s USING (source_code)"
        " WHERE l.stock_id = ? AND s.enabled ORDER BY l.priority, l.link_id",
        (stock_id,),
    )
    return [str(row["source_code"]) for row in rows]


def rules_of(db: sqlite3.Connection, sku: str) -> StockRules:
    """The product's own rules; the shop's defaults where it has none, or does not exist."""
    row = db.execute(
        "SELECT i.* FROM cataloginventory_stock_item i JOIN catalog_product_entity e ON e.entity_id = i.product_id WHERE e.sku = ?",
        (sku,),
    ).fetchone()

    def own(name: str, default: str) -> Decimal:
        if row is None or row[f"use_config_{name}"]:
            return Decimal(config.read(db, f"cataloginventory/item_options/{default}"))
        return from_units(row[name]) if name in _QUANTITIES else Decimal(row[name])

    increments = Decimal(0)
    if row is not None and row["enable_qty_increments"] and not row["use_config_qty_increments"]:
        increments = from_units(row["qty_increments"])
    return StockRules(
        manage_stock=bool(own("manage_stock", "manage_stock")),
        backorders=bool(own("backorders", "backorders")),
        min_qty=own("min_qty", "min_qty"),
        min_sale_qty=own("min_sale_qty", "min_sale_qty"),
        max_sale_qty=own("max_sale_qty", "max_sale_qty"),
        qty_increments=increments,
        is_qty_decimal=bool(row is not None and row["is_qty_decimal"]),
    )


_QUANTITIES = frozenset({"min_qty", "min_sale_qty", "max_sale_qty"})


def index_row(db: sqlite3.Connection, sku: str, stock_id: int) -> IndexRow | None:
    """What the stock's index says of a SKU; None when it has no row. Raises MagentoError 400 for a stock that does not exist."""
    if db.execute("SELECT 1 FROM inventory_stock WHERE stock_id = ?", (stock_id,)).fetchone() is None:
        raise MagentoError(400, "Could not receive Stock Item data")
    return _default_index(db, sku) if stock_id == DEFAULT_STOCK else _source_index(db, sku, stock_id)


def _default_index(db: sqlite3.Connection, sku: str) -> IndexRow | None:
    product = find_product(db, sku)
    if product is None or attribute_value(db, product.entity_id, "status") == "2":
        return None
    row = db.execute(
        "SELECT qty, is_in_stock FROM cataloginventory_stock_item WHERE product_id = ?", (product.entity_id,)
    ).fetchone()
    if row is None:
        return None
    in_stock = bool(row["is_in_stock"]) or not rules_of(db, sku).manage_stock
    return IndexRow(from_units(max(row["qty"] or 0, 0)), in_stock)


def _source_index(db: sqlite3.Connection, sku: str, stock_id: int) -> IndexRow | None:
    row = db.execute(
        "SELECT COUNT(*) AS found, SUM(CASE i.status WHEN 1 THEN i.quantity ELSE 0 END) AS quantity FROM inventory_source_item i"
        " JOIN inventory_source_stock_link l ON l.source_code = i.source_code AND l.stock_id = ?"
        " JOIN inventory_source s ON s.source_code = i.source_code AND s.enabled WHERE i.sku = ?",
        (stock_id, sku),
    ).fetchone()
    if not row["found"]:
        return None
    quantity, rules = from_units(row["quantity"]), rules_of(db, sku)
    return IndexRow(quantity, not rules.manage_stock or rules.backorders or quantity > rules.min_qty)


@dataclass(frozen=True, slots=True)
class ExportLine:
    """One product in a stock: quantity and salability of the index, and what is salable of it after reservations."""

    quantity: Decimal
    is_salable: bool
    salable: Decimal
    manage_stock: bool
    backorders: bool


def index_of_products(db: sqlite3.Connection, stock_id: int, entity_ids: list[int] | None) -> dict[int, ExportLine]:
    """Lines of the stock's index by product id, for some products or (None) all: one statement for any number of them."""
    defaults = {
        name: config.read(db, f"cataloginventory/item_options/{name}")
        for name in ("manage_stock", "backorders", "min_qty")
    }
    wanted = "" if entity_ids is None else f"AND e.entity_id IN ({', '.join(str(int(one)) for one in entity_ids)})"
    rows = db.execute(_INDEX[stock_id == DEFAULT_STOCK].format(wanted=wanted), {"stock": stock_id})
    lines = {}
    for row in rows:
        manage = row["manage_stock"] if not row["use_config_manage_stock"] else int(defaults["manage_stock"])
        backorders = row["backorders"] if not row["use_config_backorders"] else int(defaults["backorders"])
        least = from_units(row["min_qty"]) if not row["use_config_min_qty"] else Decimal(defaults["min_qty"])
        quantity = from_units(max(row["quantity"] or 0, 0) if stock_id == DEFAULT_STOCK else row["quantity"])
        in_stock = row["is_in_stock"] if stock_id == DEFAULT_STOCK else backorders or quantity > least
        lines[int(row["entity_id"])] = ExportLine(
            quantity=quantity,
            is_salable=bool(in_stock or not manage),
            salable=quantity + from_units(row["reserved"]) - least,
            manage_stock=bool(manage),
            backorders=bool(backorders),
        )
    return lines


_COLUMNS = (
    "i.use_config_manage_stock, i.manage_stock, i.use_config_backorders, i.backorders, i.use_config_min_qty, i.min_qty, i.is_in_stock,"
    " (SELECT COALESCE(SUM(r.quantity), 0) FROM inventory_reservation r WHERE r.sku = e.sku AND r.stock_id = :stock) AS reserved"
    " FROM catalog_product_entity e JOIN cataloginventory_stock_item i ON i.product_id = e.entity_id"
)
_INDEX = {
    True: f"SELECT e.entity_id, i.qty AS quantity, {_COLUMNS}"  # noqa: S608  # fixed text
    " WHERE NOT EXISTS (SELECT 1 FROM catalog_product_value v JOIN eav_attribute a USING (attribute_id)"
    " WHERE v.entity_id = e.entity_id AND a.attribute_code = 'status' AND v.store_id = 0 AND v.value = '2') {wanted}",
    False: f"SELECT e.entity_id, SUM(CASE s.status WHEN 1 THEN s.quantity ELSE 0 END) AS quantity, {_COLUMNS}"  # fixed text
    " JOIN inventory_source_item s ON s.sku = e.sku"
    " JOIN inventory_source_stock_link l ON l.source_code = s.source_code AND l.stock_id = :stock"
    " JOIN inventory_source c ON c.source_code = s.source_code AND c.enabled WHERE 1 {wanted} GROUP BY e.entity_id",
}


def reserved(db: sqlite3.Connection, sku: str, stock_id: int) -> Decimal:
    """Sum of the open reservations: negative while orders wait to be shipped."""
    row = db.execute(
        "SELECT COALESCE(SUM(quantity), 0) AS quantity FROM inventory_reservation WHERE sku = ? AND stock_id = ?",
        (sku, stock_id),
    ).fetchone()
    return from_units(row["quantity"])


def salable_quantity(db: sqlite3.Connection, sku: str, stock_id: int) -> Decimal:
    """Pieces that may still be sold; negative with backorders.

    Raises MagentoError 400 for a stock that does not exist and for product types without sources, FatalError for an unknown SKU.
    """
    _product_with_sources(db, sku)
    index = index_row(db, sku, stock_id)
    if index is None or not index.is_salable:
        return Decimal(0)
    return index.quantity + reserved(db, sku, stock_id) - rules_of(db, sku).min_qty


def is_salable(db: sqlite3.Connection, sku: str, stock_id: int) -> bool:
    """Whether at least something of it can be sold now. Composite products follow their index only."""
    product = find_product(db, sku)
    index = index_row(db, sku, stock_id) if product else None
    if product is None or index is None or not index.is_salable:
        return False
    rules = rules_of(db, sku)
    if not product.has_sources or not rules.manage_stock or rules.backorders:
        return True
    return index.quantity + reserved(db, sku, stock_id) > rules.min_qty


def is_salable_for(db: sqlite3.Connection, sku: str, stock_id: int, qty: Decimal) -> list[Refusal]:
    """Why a quantity cannot be sold; an empty list means that it can."""
    _product_with_sources(db, sku)
    rules = rules_of(db, sku)
    wrong = _wrong_quantity(rules, qty)
    if wrong:
        return wrong
    index = index_row(db, sku, stock_id)
    if index is None:
        return [Refusal("is_salable_with_reservations-no_data", "The requested sku is not assigned to given stock")]
    if rules.backorders or not rules.manage_stock:
        return []
    if index.is_salable and index.quantity + reserved(db, sku, stock_id) - rules.min_qty >= qty:
        return []
    return [
        Refusal("back_order-disabled", "Backorders are disabled"),
        Refusal("manage_stock-enabled", "Manage stock is enabled"),
        Refusal("is_salable_with_reservations-not_enough_qty", "The requested qty is not available"),
    ]


def _wrong_quantity(rules: StockRules, qty: Decimal) -> list[Refusal]:
    if qty != qty.to_integral_value() and not rules.is_qty_decimal:
        return [Refusal("is_correct_qty-is_qty_decimal", "You cannot use decimal quantity for this product.")]
    if rules.min_sale_qty > qty:
        text = f"The fewest you may purchase is {rules.min_sale_qty.normalize():f}"
        return [Refusal("is_correct_qty-min_sale_qty", text)]
    if qty > rules.max_sale_qty:
        text = "The requested qty exceeds the maximum qty allowed in shopping cart"
        return [Refusal("is_correct_qty-max_sale_qty", text)]
    if rules.qty_increments and qty % rules.qty_increments:
        text = f"You can buy this product only in quantities of {rules.qty_increments.normalize():f} at a time."
        return [Refusal("is_correct_qty-qty_increment", text)]
    return []


def _product_with_sources(db: sqlite3.Connection, sku: str) -> ProductRow:
    product = find_product(db, sku)
    if product is None:
        raise FatalError(f"No product has the SKU {sku}.")
    if not product.has_sources:
        raise MagentoError(400, NO_SOURCE_SUPPORT)
    return product


def reserve(
    db: sqlite3.Connection,
    sku: str,
    stock_id: int,
    qty: Decimal,
    event_type: str,
    order_increment_id: str,
    order_id: str = "",
) -> None:
    """Writes one reservation: `qty` is signed, negative when an order is placed.

    `event_type`: order_placed, order_canceled, shipment_created, creditmemo_created, invoice_created, order_place_failed.
    """
    metadata = {
        "event_type": event_type,
        "object_type": "order",
        "object_id": order_id,
        "object_increment_id": order_increment_id,
    }
    db.execute(
        "INSERT INTO inventory_reservation (stock_id, sku, quantity, metadata) VALUES (?, ?, ?, ?)",
        (stock_id, sku, to_units(qty), json.dumps(metadata, separators=(",", ":"))),
    )


def deduct(db: sqlite3.Connection, sku: str, source_code: str, qty: Decimal) -> None:
    """Takes pieces out of a source; does nothing for a product whose stock is not managed.

    Raises MagentoError 404 when the source does not hold the SKU, 400 when it holds less than `qty`.
    """
    rules = rules_of(db, sku)
    if not rules.manage_stock:
        return
    row = db.execute(
        "SELECT quantity FROM inventory_source_item WHERE sku = ? AND source_code = ?", (sku, source_code)
    ).fetchone()
    if row is None:
        raise MagentoError(404, "Source item not found by source code: %1 and sku: %2.", [source_code, sku])
    left = from_units(row["quantity"]) - qty
    if left < 0:
        raise MagentoError(400, UNAVAILABLE)
    set_source_item(db, sku, source_code, left, left > 0 or rules.backorders)


def add(db: sqlite3.Connection, sku: str, source_code: str, qty: Decimal) -> None:
    """Puts returned pieces into a source."""
    deduct(db, sku, source_code, -qty)


def set_source_item(db: sqlite3.Connection, sku: str, source_code: str, quantity: Decimal, status: bool) -> None:
    """Sets a source item; the default source is copied to the product's stock item."""
    units = to_units(quantity)
    db.execute(
        "INSERT INTO inventory_source_item (source_code, sku, quantity, status) VALUES (?, ?, ?, ?)"
        " ON CONFLICT (sku, source_code) DO UPDATE SET quantity = excluded.quantity, status = excluded.status",
        (source_code, sku, units, int(status)),
    )
    if source_code.lower() == DEFAULT_SOURCE:
        rules = rules_of(db, sku)
        empty = rules.manage_stock and not rules.backorders and quantity <= rules.min_qty
        db.execute(
            "UPDATE cataloginventory_stock_item SET qty = ?, is_in_stock = ?"
            " WHERE product_id = (SELECT entity_id FROM catalog_product_entity WHERE sku = ?)",
            (units, int(status and not empty), sku),
        )


def source_items(db: sqlite3.Connection, skus: Iterable[str]) -> list[sqlite3.Row]:
    """Source items of some SKUs, by SKU and source."""
    wanted = list(skus)
    marks = ", ".join("?" * len(wanted))
    return db.execute(
        f"SELECT * FROM inventory_source_item WHERE sku IN ({marks}) ORDER BY sku, source_code",  # noqa: S608  # only question marks
        wanted,
    ).fetchall()
