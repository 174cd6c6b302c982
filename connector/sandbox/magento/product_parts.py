"""The lists that hang on a product, each set as a whole: websites, categories, stock, variants, prices by quantity, links, options."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Sequence
from decimal import Decimal
from typing import Any

from connector.sandbox.magento import stock
from connector.sandbox.magento.database import to_units
from connector.sandbox.magento.errors import MagentoError
from connector.sandbox.magento.products import WITHOUT_SOURCES, attribute_value, find_product
from connector.sandbox.magento.typed import as_bool, as_decimal, as_int, as_list, as_object

STOCK_QUANTITIES = ("min_qty", "min_sale_qty", "max_sale_qty", "notify_stock_qty", "qty_increments")
STOCK_FLAGS = (
    "is_qty_decimal",
    "use_config_min_qty",
    "use_config_min_sale_qty",
    "use_config_max_sale_qty",
    "use_config_backorders",
    "use_config_notify_stock_qty",
    "use_config_qty_increments",
    "use_config_enable_qty_inc",
    "enable_qty_increments",
    "use_config_manage_stock",
    "manage_stock",
    "is_decimal_divided",
)
ALL_GROUPS = 32000
PARTS = (
    ("catalog_product_value", "entity_id"),
    ("catalog_product_website", "product_id"),
    ("catalog_category_product", "product_id"),
    ("catalog_product_super_attribute", "product_id"),
    ("catalog_product_super_link", "product_id"),
    ("catalog_product_super_link", "parent_id"),
    ("catalog_product_media", "entity_id"),
    ("catalog_product_tier_price", "entity_id"),
    ("catalog_product_link", "product_id"),
    ("catalog_product_link", "linked_product_id"),
    ("cataloginventory_stock_item", "product_id"),
    ("catalog_product_entity", "entity_id"),
)


def delete(db: sqlite3.Connection, entity_id: int) -> None:
    """Removes a product with all that hangs on it, but not its source items."""
    for table, column in PARTS:
        db.execute(f"DELETE FROM {table} WHERE {column} = ?", (entity_id,))  # noqa: S608  # our own names


def set_websites(db: sqlite3.Connection, entity_id: int, website_ids: Sequence[int]) -> None:
    db.execute("DELETE FROM catalog_product_website WHERE product_id = ?", (entity_id,))
    db.executemany(
        "INSERT OR IGNORE INTO catalog_product_website VALUES (?, ?)", [(entity_id, id_) for id_ in website_ids]
    )


def set_categories(db: sqlite3.Connection, entity_id: int, links: Any) -> None:
    """Raises MagentoError 404 for a category that does not exist."""
    rows = []
    for link in as_list(links):
        category = as_int("category_id", link.get("category_id"))
        if db.execute("SELECT 1 FROM catalog_category_entity WHERE entity_id = ?", (category,)).fetchone() is None:
            raise MagentoError(
                404, "No such entity with %fieldName = %fieldValue", {"fieldName": "id", "fieldValue": category}
            )
        rows.append((category, entity_id, as_int("position", link.get("position") or 0)))
    db.execute("DELETE FROM catalog_category_product WHERE product_id = ?", (entity_id,))
    db.executemany("INSERT OR REPLACE INTO catalog_category_product VALUES (?, ?, ?)", rows)


def first_stock(db: sqlite3.Connection, entity_id: int, sku: str, type_id: str) -> None:
    """What a new product has before its stock is set: an empty source item, or an empty stock item for composite types."""
    if type_id in WITHOUT_SOURCES:
        db.execute("UPDATE cataloginventory_stock_item SET qty = 0 WHERE product_id = ?", (entity_id,))
        return
    db.execute(
        "INSERT OR REPLACE INTO inventory_source_item (source_code, sku, quantity, status) VALUES ('default', ?, 0, 0)",
        (sku,),
    )


def set_stock_item(db: sqlite3.Connection, entity_id: int, given: dict[str, Any]) -> int:
    """Sets the sent fields; quantity and "in stock" go to the default source as well. Returns the item's id.

    Raises MagentoError 400 for values of the wrong type.
    """
    row = db.execute("SELECT * FROM cataloginventory_stock_item WHERE product_id = ?", (entity_id,)).fetchone()
    changes: dict[str, int] = {
        name: to_units(as_decimal(name, given[name])) for name in STOCK_QUANTITIES if given.get(name) is not None
    }
    changes |= {name: int(as_bool(name, given[name])) for name in STOCK_FLAGS if given.get(name) is not None}
    if given.get("backorders") is not None:
        changes["backorders"] = as_int("backorders", given["backorders"])
    product = db.execute("SELECT sku, type_id FROM catalog_product_entity WHERE entity_id = ?", (entity_id,)).fetchone()
    composite = product["type_id"] in WITHOUT_SOURCES
    quantity, in_stock = row["qty"], bool(row["is_in_stock"])
    if given.get("qty") is not None and not composite:
        quantity = to_units(as_decimal("qty", given["qty"]))
    if given.get("is_in_stock") is not None:
        in_stock = as_bool("is_in_stock", given["is_in_stock"])
    changes |= {"is_in_stock": int(in_stock)} | ({"qty": quantity} if quantity is not None else {})
    assignments = ", ".join(f"{name} = ?" for name in changes)
    statement = f"UPDATE cataloginventory_stock_item SET {assignments} WHERE product_id = ?"  # noqa: S608  # our own names
    db.execute(statement, (*changes.values(), entity_id))
    if not composite and quantity is not None:
        db.execute(
            "INSERT INTO inventory_source_item (source_code, sku, quantity, status) VALUES (?, ?, ?, ?)"
            " ON CONFLICT (sku, source_code) DO UPDATE SET quantity = excluded.quantity, status = excluded.status",
            (stock.DEFAULT_SOURCE, product["sku"], quantity, int(in_stock)),
        )
    return int(row["item_id"])


def set_super_attributes(db: sqlite3.Connection, entity_id: int, options: Any) -> None:
    """What a configurable varies by."""
    kept = {
        str(row["attribute_id"]): row["product_super_attribute_id"]
        for row in db.execute("SELECT * FROM catalog_product_super_attribute WHERE product_id = ?", (entity_id,))
    }
    db.execute("DELETE FROM catalog_product_super_attribute WHERE product_id = ?", (entity_id,))
    for place, option in enumerate(as_list(options)):
        attribute_id = as_int("attribute_id", option.get("attribute_id"))
        row = db.execute("SELECT data FROM eav_attribute WHERE attribute_id = ?", (attribute_id,)).fetchone()
        if row is None:
            raise MagentoError(400, "Product attribute has been removed: id %1", [attribute_id])
        label = option.get("label") or json.loads(row["data"]).get("default_frontend_label") or ""
        db.execute(
            "INSERT INTO catalog_product_super_attribute VALUES (?, ?, ?, ?, ?)",
            (
                kept.get(str(attribute_id)),
                entity_id,
                attribute_id,
                as_int("position", option.get("position") or place),
                label,
            ),
        )


def set_children(db: sqlite3.Connection, entity_id: int, child_ids: Any) -> None:
    wanted = [as_int("configurable_product_links", one) for one in as_list(child_ids)]
    for child in wanted:
        if db.execute("SELECT 1 FROM catalog_product_entity WHERE entity_id = ?", (child,)).fetchone() is None:
            raise MagentoError(400, 'The product with id "%1" does not exist.', [child])
    db.execute("DELETE FROM catalog_product_super_link WHERE parent_id = ?", (entity_id,))
    db.executemany(
        "INSERT OR IGNORE INTO catalog_product_super_link (parent_id, product_id) VALUES (?, ?)",
        [(entity_id, one) for one in wanted],
    )


def set_bundle_options(db: sqlite3.Connection, entity_id: int, sku: str, options: Any) -> None:
    number = db.execute(
        "SELECT COALESCE(SUM(json_array_length(bundle_options)), 0) FROM catalog_product_entity WHERE bundle_options IS NOT NULL"
    ).fetchone()[0]
    made = []
    for place, option in enumerate(as_list(options), start=1):
        option_id = number + place
        links = [
            _bundle_link(db, option_id, number * 100 + count, as_object("product_links", link))
            for count, link in enumerate(as_list(option.get("product_links")), start=1)
        ]
        made.append(
            {
                "option_id": option_id,
                "title": option.get("title"),
                "required": bool(option.get("required")),
                "type": option.get("type", "select"),
                "position": option.get("position", place),
                "sku": sku,
                "product_links": links,
            }
        )
    db.execute(
        "UPDATE catalog_product_entity SET bundle_options = ? WHERE entity_id = ?", (json.dumps(made), entity_id)
    )


def _bundle_link(db: sqlite3.Connection, option_id: int, link_id: int, link: dict[str, Any]) -> dict[str, Any]:
    child = find_product(db, str(link.get("sku", "")))
    price = Decimal(attribute_value(db, child.entity_id, "price") or 0) if child else Decimal(0)
    return {
        "id": str(link_id),
        "sku": link.get("sku"),
        "option_id": option_id,
        "qty": link.get("qty", 1),
        "position": link.get("position", 0),
        "is_default": bool(link.get("is_default")),
        "price": float(price),
        "price_type": link.get("price_type"),
        "can_change_quantity": link.get("can_change_quantity", 0),
    }


def set_tier_prices(db: sqlite3.Connection, entity_id: int, prices: Any) -> None:
    db.execute("DELETE FROM catalog_product_tier_price WHERE entity_id = ?", (entity_id,))
    for price in as_list(prices):
        extension = price.get("extension_attributes") or {}
        percent = extension.get("percentage_value")
        db.execute(
            "INSERT INTO catalog_product_tier_price (entity_id, website_id, customer_group_id, qty, value, percentage_value)"
            " VALUES (?, ?, ?, ?, ?, ?)",
            (
                entity_id,
                as_int("website_id", extension.get("website_id") or 0),
                as_int("customer_group_id", price.get("customer_group_id", ALL_GROUPS)),
                str(as_decimal("qty", price.get("qty", 1))),
                str(as_decimal("value", price.get("value", 0))),
                None if percent is None else str(as_decimal("percentage_value", percent)),
            ),
        )


def set_links(db: sqlite3.Connection, entity_id: int, links: Any) -> None:
    """Related, cross-sell, up-sell and grouped products. Raises MagentoError 404 for a linked product that does not exist."""
    db.execute("DELETE FROM catalog_product_link WHERE product_id = ?", (entity_id,))
    for link in as_list(links):
        linked = find_product(db, str(link.get("linked_product_sku", "")))
        if linked is None:
            raise MagentoError(404, "The linked products data is invalid. Verify the data and try again.")
        qty = (link.get("extension_attributes") or {}).get("qty")
        db.execute(
            "INSERT INTO catalog_product_link (product_id, link_type, linked_product_id, position, qty) VALUES (?, ?, ?, ?, ?)",
            (
                entity_id,
                link.get("link_type"),
                linked.entity_id,
                as_int("position", link.get("position") or 0),
                None if qty is None else str(as_decimal("qty", qty)),
            ),
        )


def set_custom_options(db: sqlite3.Connection, entity_id: int, sku: str, options: Any) -> None:
    made = [
        {"product_sku": sku, "option_id": entity_id * 100 + place} | as_object("options", one)
        for place, one in enumerate(as_list(options), start=1)
    ]
    db.execute(
        "UPDATE catalog_product_entity SET custom_options = ? WHERE entity_id = ?",
        (json.dumps(made) if made else None, entity_id),
    )
