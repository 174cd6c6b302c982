"""Catalogue entries as rows of the store's tables."""

from __future__ import annotations

import json
import re
import sqlite3
from collections.abc import Iterator, Mapping
from decimal import Decimal
from typing import Any

WITHOUT_SOURCES = frozenset({"configurable", "bundle", "grouped"})
MICRO = Decimal("0.000001")
LISTED = ("name", "status", "visibility", "price", "weight")
MOMENT = "2026-01-01 00:00:00"
FLAGS = [
    "is_filterable",
    "is_searchable",
    "is_visible_on_front",
    "used_in_product_listing",
    "is_comparable",
    "apply_to",
    "position",
    "note",
]
INSERTS = {
    "entity": "INSERT INTO catalog_product_entity (entity_id, sku, type_id, attribute_set_id, created_at, updated_at, custom_options,"
    " bundle_options) VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
    "value": "INSERT OR REPLACE INTO catalog_product_value VALUES (?, ?, 0, ?)",
    "website": "INSERT OR IGNORE INTO catalog_product_website VALUES (?, ?)",
    "category": "INSERT OR IGNORE INTO catalog_category_product VALUES (?, ?, ?)",
    "media": "INSERT INTO catalog_product_media (value_id, entity_id, media_type, file, label, position, disabled)"
    " VALUES (?, ?, ?, ?, ?, ?, ?)",
    "tier": "INSERT INTO catalog_product_tier_price (entity_id, website_id, customer_group_id, qty, value, percentage_value)"
    " VALUES (?, ?, ?, ?, ?, ?)",
    "super": "INSERT INTO catalog_product_super_attribute VALUES (?, ?, ?, ?, ?)",
    "child": "INSERT OR IGNORE INTO catalog_product_super_link (parent_id, product_id) VALUES (?, ?)",
    "stock": "INSERT INTO cataloginventory_stock_item (item_id, product_id, qty, is_in_stock, is_qty_decimal, use_config_min_qty, min_qty,"
    " use_config_backorders, backorders, use_config_manage_stock, manage_stock) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
    "source": "INSERT OR REPLACE INTO inventory_source_item (source_code, sku, quantity, status) VALUES ('default', ?, ?, ?)",
}
Row = tuple[str, tuple[Any, ...]]


def insert_attribute(db: sqlite3.Connection, given: dict[str, Any]) -> None:
    """An attribute that Magento does not have by itself."""
    data = {name: given[name] for name in FLAGS if given.get(name) is not None}
    data["default_frontend_label"] = given.get("default_frontend_label") or given["attribute_code"]
    if given.get("frontend_input") in {"select", "multiselect"}:
        data["default_value"] = ""
    db.execute(
        "INSERT INTO eav_attribute (attribute_id, attribute_code, backend_type, frontend_input, scope, is_required, is_user_defined, data)"
        " VALUES (?, ?, ?, ?, ?, 0, 1, ?)",
        (
            given["attribute_id"],
            given["attribute_code"],
            given.get("backend_type") or "varchar",
            given.get("frontend_input") or "text",
            given.get("scope") or "global",
            json.dumps(data, ensure_ascii=False, default=float),
        ),
    )


def insert_options(db: sqlite3.Connection, attribute: dict[str, Any]) -> None:
    """Options keep their values; an attribute that brings options loses those it had."""
    options = [one for one in attribute.get("options") or [] if str(one.get("value", "")) != ""]
    if not options or attribute.get("frontend_input") == "boolean":
        return
    db.execute("DELETE FROM eav_attribute_option WHERE attribute_id = ?", (attribute["attribute_id"],))
    for place, option in enumerate(options):
        value = str(option["value"])
        number = int(value) if re.fullmatch(r"[1-9]\d*", value) else None
        if (
            number is not None
            and db.execute("SELECT 1 FROM eav_attribute_option WHERE option_id = ?", (number,)).fetchone()
        ):
            number = None
        db.execute(
            "INSERT INTO eav_attribute_option VALUES (?, ?, ?, ?, ?)",
            (number, attribute["attribute_id"], value, str(option.get("label") or value), place),
        )


def insert_set(db: sqlite3.Connection, number: int, name: str, order: int, skeleton: int) -> None:
    """A set with the groups and attributes of another."""
    db.execute("INSERT INTO eav_attribute_set VALUES (?, ?, ?, 4)", (number, name, order))
    for group in db.execute("SELECT * FROM eav_attribute_group WHERE attribute_set_id = ?", (skeleton,)).fetchall():
        cursor = db.execute(
            "INSERT INTO eav_attribute_group (attribute_group_name, attribute_set_id, sort_order) VALUES (?, ?, ?)",
            (group["attribute_group_name"], number, group["sort_order"]),
        )
        db.execute(
            "INSERT INTO eav_entity_attribute (attribute_set_id, attribute_id, attribute_group_id, sort_order)"
            " SELECT ?, attribute_id, ?, sort_order FROM eav_entity_attribute WHERE attribute_set_id = ? AND attribute_group_id = ?",
            (number, cursor.lastrowid, skeleton, group["attribute_group_id"]),
        )


def assign_all(db: sqlite3.Connection, set_id: int, attribute_ids: list[int]) -> None:
    """Puts attributes into the first group of a set."""
    group = db.execute(
        "SELECT attribute_group_id FROM eav_attribute_group WHERE attribute_set_id = ? ORDER BY sort_order LIMIT 1",
        (set_id,),
    ).fetchone()[0]
    db.executemany(
        "INSERT OR IGNORE INTO eav_entity_attribute (attribute_set_id, attribute_id, attribute_group_id) VALUES (?, ?, ?)",
        [(set_id, one, group) for one in attribute_ids],
    )


def insert_category(db: sqlite3.Connection, node: dict[str, Any], created: str) -> None:
    """A node of the tree with its `path` and `level`; the default category is overwritten."""
    number = node["id"]
    db.execute(
        "INSERT OR REPLACE INTO catalog_category_entity VALUES (?, ?, ?, ?, ?, ?, ?)",
        (number, node["parent_id"], node["path"], node.get("position") or 0, node["level"], created, created),
    )
    values = {"name": node["name"], "is_active": str(int(bool(node.get("is_active", True)))), "include_in_menu": "1"}
    if node["level"] > 1:
        values["url_key"] = re.sub(r"[^a-z0-9]+", "-", str(node["name"]).lower()).strip("-")
    db.executemany(
        "INSERT OR REPLACE INTO catalog_category_value VALUES (?, ?, 0, ?)",
        [(number, code, value) for code, value in values.items()],
    )


def of_product(product: Mapping[str, Any], attributes: Mapping[str, tuple[int, str]]) -> Iterator[Row]:
    """All rows of one product; names of the tables are those of `INSERTS`."""
    number, sku = product["id"], product["sku"].strip()
    type_id = product.get("type_id") or "simple"
    extension = product.get("extension_attributes") or {}
    yield (
        "entity",
        (
            number,
            sku,
            type_id,
            product.get("attribute_set_id", 4),
            product.get("created_at") or MOMENT,
            product.get("updated_at") or product.get("created_at") or MOMENT,
            _json(product.get("options")),
            _json(extension.get("bundle_product_options")),
        ),
    )
    yield from _values(product, attributes)
    for website in extension.get("website_ids") or (1,):
        yield "website", (number, website)
    for link in extension.get("category_links") or ():
        yield "category", (int(link["category_id"]), number, link.get("position") or 0)
    for entry in product.get("media_gallery_entries") or ():
        yield "media", _media(number, entry)
    for price in product.get("tier_prices") or ():
        yield "tier", _tier_price(number, price)
    for place, option in enumerate(extension.get("configurable_product_options") or ()):
        label = option.get("label") or ""
        yield "super", (option.get("id"), number, int(option["attribute_id"]), option.get("position", place), label)
    for child in extension.get("configurable_product_links") or ():
        yield "child", (number, child)
    yield from _stock(number, sku, type_id, extension.get("stock_item") or {})


def _values(product: Mapping[str, Any], attributes: Mapping[str, tuple[int, str]]) -> Iterator[Row]:
    number = product["id"]
    plain = {name: product.get(name) for name in LISTED}
    plain["status"] = plain["status"] or 1
    plain["visibility"] = plain["visibility"] or 4
    pairs = [
        *plain.items(),
        *((pair["attribute_code"], pair.get("value")) for pair in product.get("custom_attributes") or ()),
    ]
    for code, value in pairs:
        attribute_id, backend_type = attributes[code]
        if value is None or backend_type == "static":
            continue
        text = str(value)
        if backend_type == "decimal" and text:
            text = f"{Decimal(text).quantize(MICRO):f}"
        yield "value", (number, attribute_id, text)


def _media(number: int, entry: Mapping[str, Any]) -> tuple[Any, ...]:
    return (
        entry.get("id"),
        number,
        entry.get("media_type") or "image",
        entry["file"],
        entry.get("label"),
        entry.get("position") or 0,
        int(bool(entry.get("disabled"))),
    )


def _tier_price(number: int, price: Mapping[str, Any]) -> tuple[Any, ...]:
    extension = price.get("extension_attributes") or {}
    percent = extension.get("percentage_value")
    return (
        number,
        extension.get("website_id") or 0,
        price.get("customer_group_id", 32000),
        str(price.get("qty", 1)),
        str(price.get("value", 0)),
        None if percent is None else str(percent),
    )


def _stock(number: int, sku: str, type_id: str, item: Mapping[str, Any]) -> Iterator[Row]:
    units = int(Decimal(str(item.get("qty") or 0)) * 10_000)
    in_stock = int(bool(item.get("is_in_stock", units > 0)))
    least = int(Decimal(str(item.get("min_qty") or 0)) * 10_000)
    backorders, managed = item.get("backorders") or 0, item.get("manage_stock", True)
    yield (
        "stock",
        (
            number,
            number,
            units,
            in_stock,
            int(bool(item.get("is_qty_decimal"))),
            int(bool(item.get("use_config_min_qty", not least))),
            least,
            int(bool(item.get("use_config_backorders", not backorders))),
            backorders,
            int(bool(item.get("use_config_manage_stock", bool(managed)))),
            int(bool(managed)),
        ),
    )
    if type_id not in WITHOUT_SOURCES:
        yield "source", (sku, units, in_stock)


def _json(value: Any) -> str | None:
    return json.dumps(value, ensure_ascii=False, default=float) if value else None
