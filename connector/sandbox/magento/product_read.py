"""Products as REST answers them, read a page at a time: a handful of statements for any number of products."""

from __future__ import annotations

import json
import sqlite3
from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

from connector.sandbox.magento.database import from_units

TOP_LEVEL = frozenset({"name", "price", "status", "visibility", "weight"})
NEVER_CUSTOM = TOP_LEVEL | {
    "sku",
    "tier_price",
    "media_gallery",
    "quantity_and_stock_status",
    "created_at",
    "updated_at",
}
IMAGE_ROLES = ("image", "small_image", "thumbnail", "swatch_image")
CHILD_ATTRIBUTES = frozenset({"required_options", "has_options", "category_ids", "tax_class_id", "url_key"}) | {
    "image",
    "small_image",
    "thumbnail",
    "swatch_image",
    "special_price",
    "special_from_date",
    "special_to_date",
    "short_description",
    "msrp",
    "msrp_display_actual_price_type",
}


@dataclass(slots=True)
class Parts:
    """What belongs to the products of one page, by product id."""

    values: dict[int, dict[str, str | None]]
    websites: dict[int, list[int]]
    categories: dict[int, list[tuple[int, int]]]
    media: dict[int, list[sqlite3.Row]]
    tier_prices: dict[int, list[sqlite3.Row]]
    links: dict[int, list[sqlite3.Row]]
    options: dict[int, list[dict[str, Any]]] = field(default_factory=dict)
    children: dict[int, list[int]] = field(default_factory=dict)
    stock_items: dict[int, sqlite3.Row] = field(default_factory=dict)


def read_products(
    db: sqlite3.Connection, entity_ids: Sequence[int], store_id: int, *, stock_item: bool = False
) -> list[dict[str, Any]]:
    """Products in the order of `entity_ids`, as the store view sees them. Ids that do not exist are left out."""
    rows = {
        int(row["entity_id"]): row
        for row in _select(db, "SELECT * FROM catalog_product_entity WHERE entity_id", entity_ids)
    }
    parts = _parts(db, list(rows), store_id, stock_item=stock_item)
    return [_product(rows[entity_id], parts) for entity_id in entity_ids if entity_id in rows]


def reduced_child(product: dict[str, Any], variant_codes: Iterable[str]) -> dict[str, Any]:
    """A variant as `configurable-products/:sku/children` shows it: attributes used in listings and those it varies by."""
    keep = CHILD_ATTRIBUTES | set(variant_codes)
    left_out = {"extension_attributes", "options"}
    child = {key: value for key, value in product.items() if key not in left_out}
    child["custom_attributes"] = [one for one in product["custom_attributes"] if one["attribute_code"] in keep]
    return child


def stock_item_json(row: sqlite3.Row) -> dict[str, Any]:
    """A stock item as REST answers it; quantities in pieces."""

    def pieces(name: str) -> Decimal | None:
        return None if row[name] is None else from_units(row[name])

    return {
        "item_id": row["item_id"],
        "product_id": row["product_id"],
        "stock_id": 1,
        "qty": pieces("qty"),
        "is_in_stock": bool(row["is_in_stock"]),
        "is_qty_decimal": bool(row["is_qty_decimal"]),
        "show_default_notification_message": False,
        "use_config_min_qty": bool(row["use_config_min_qty"]),
        "min_qty": pieces("min_qty"),
        "use_config_min_sale_qty": row["use_config_min_sale_qty"],
        "min_sale_qty": pieces("min_sale_qty"),
        "use_config_max_sale_qty": bool(row["use_config_max_sale_qty"]),
        "max_sale_qty": pieces("max_sale_qty"),
        "use_config_backorders": bool(row["use_config_backorders"]),
        "backorders": row["backorders"],
        "use_config_notify_stock_qty": bool(row["use_config_notify_stock_qty"]),
        "notify_stock_qty": pieces("notify_stock_qty"),
        "use_config_qty_increments": bool(row["use_config_qty_increments"]),
        "qty_increments": pieces("qty_increments"),
        "use_config_enable_qty_inc": bool(row["use_config_enable_qty_inc"]),
        "enable_qty_increments": bool(row["enable_qty_increments"]),
        "use_config_manage_stock": bool(row["use_config_manage_stock"]),
        "manage_stock": bool(row["manage_stock"]),
        "low_stock_date": row["low_stock_date"],
        "is_decimal_divided": bool(row["is_decimal_divided"]),
        "stock_status_changed_auto": row["stock_status_changed_auto"],
    }


def media_json(row: sqlite3.Row, values: dict[str, str | None]) -> dict[str, Any]:
    """A gallery entry; its roles are the image attributes that name its file."""
    entry: dict[str, Any] = {
        "id": row["value_id"],
        "media_type": row["media_type"],
        "label": row["label"],
        "position": row["position"],
        "disabled": bool(row["disabled"]),
        "types": [role for role in IMAGE_ROLES if values.get(role) == row["file"]],
        "file": row["file"],
    }
    if row["video"]:
        entry["extension_attributes"] = {"video_content": json.loads(row["video"])}
    return entry


def _select(db: sqlite3.Connection, statement: str, ids: Sequence[int], tail: str = "") -> list[sqlite3.Row]:
    marks = ", ".join(str(int(one)) for one in ids)
    return db.execute(f"{statement} IN ({marks}) {tail}").fetchall()


def _grouped(rows: Iterable[sqlite3.Row], make: Callable[[sqlite3.Row], Any]) -> dict[int, list[Any]]:
    groups: dict[int, list[Any]] = defaultdict(list)
    for row in rows:
        groups[int(row[0])].append(make(row))
    return groups


_WEBSITES = "SELECT product_id, website_id FROM catalog_product_website WHERE product_id"
_CATEGORIES = "SELECT product_id, category_id, position FROM catalog_category_product WHERE product_id"
_MEDIA = "SELECT entity_id, value_id, media_type, file, label, position, disabled, video FROM catalog_product_media WHERE entity_id"
_TIER_PRICES = "SELECT entity_id, website_id, customer_group_id, qty, value, percentage_value FROM catalog_product_tier_price WHERE entity_id"
_LINKS = (
    "SELECT l.product_id, l.link_type, l.position, l.qty, e.sku, e.type_id, p.sku AS parent_sku FROM catalog_product_link l"
    " JOIN catalog_product_entity e ON e.entity_id = l.linked_product_id"
    " JOIN catalog_product_entity p ON p.entity_id = l.product_id WHERE l.product_id"
)


def _parts(db: sqlite3.Connection, ids: list[int], store_id: int, *, stock_item: bool) -> Parts:
    def rows(statement: str, order: str, make: Callable[[sqlite3.Row], Any] = lambda row: row) -> dict[int, list[Any]]:
        return _grouped(_select(db, statement, ids, f"ORDER BY {order}"), make)

    parts = Parts(
        values=_values(db, ids, store_id),
        websites=rows(_WEBSITES, "1, 2", lambda row: int(row[1])),
        categories=rows(_CATEGORIES, "1, 2", lambda row: (int(row[1]), int(row[2]))),
        media=rows(_MEDIA, "entity_id, position, value_id"),
        tier_prices=rows(_TIER_PRICES, "value_id"),
        links=rows(_LINKS, "l.link_id"),
    )
    _add_variants(db, ids, parts)
    if stock_item:
        found = _select(db, "SELECT * FROM cataloginventory_stock_item WHERE product_id", ids)
        parts.stock_items = {int(row["product_id"]): row for row in found}
    return parts


def _values(db: sqlite3.Connection, ids: list[int], store_id: int) -> dict[int, dict[str, str | None]]:
    codes = {row[0]: row[1] for row in db.execute("SELECT attribute_id, attribute_code FROM eav_attribute")}
    values: dict[int, dict[str, str | None]] = defaultdict(dict)
    found = _select(
        db,
        f"SELECT entity_id, attribute_id, value FROM catalog_product_value WHERE store_id IN (0, {int(store_id)}) AND entity_id",  # noqa: S608  # a number
        ids,
        "ORDER BY entity_id, attribute_id, store_id",
    )
    for entity_id, attribute_id, value in found:
        values[entity_id][codes[attribute_id]] = value
    return values


def _add_variants(db: sqlite3.Connection, ids: list[int], parts: Parts) -> None:
    children = _select(
        db,
        "SELECT parent_id, product_id FROM catalog_product_super_link WHERE parent_id",
        ids,
        "ORDER BY parent_id, link_id",
    )
    parts.children = _grouped(children, lambda row: int(row[1]))
    options = _select(
        db,
        "SELECT product_id, product_super_attribute_id, attribute_id, position, label FROM catalog_product_super_attribute"
        " WHERE product_id",
        ids,
        "ORDER BY product_id, position, product_super_attribute_id",
    )
    for row in options:
        values = db.execute(
            "SELECT DISTINCT v.value FROM catalog_product_super_link l"
            " JOIN catalog_product_value v ON v.entity_id = l.product_id AND v.attribute_id = ? AND v.store_id = 0"
            " LEFT JOIN eav_attribute_option o ON o.attribute_id = v.attribute_id AND o.value = v.value"
            " WHERE l.parent_id = ? ORDER BY o.sort_order, o.option_id",
            (row["attribute_id"], row["product_id"]),
        )
        option = {
            "id": row["product_super_attribute_id"],
            "attribute_id": str(row["attribute_id"]),
            "label": row["label"],
            "position": row["position"],
            "values": [{"value_index": int(value[0])} for value in values if value[0]],
            "product_id": row["product_id"],
        }
        parts.options.setdefault(int(row["product_id"]), []).append(option)


def _product(row: sqlite3.Row, parts: Parts) -> dict[str, Any]:
    entity_id = int(row["entity_id"])
    values = parts.values[entity_id]
    product: dict[str, Any] = {
        "id": entity_id,
        "sku": row["sku"],
        "name": values.get("name"),
        "attribute_set_id": row["attribute_set_id"],
        "price": Decimal(values.get("price") or 0),
        "status": int(values.get("status") or 1),
        "visibility": int(values.get("visibility") or 4),
        "type_id": row["type_id"],
        "created_at": row["created_at"],
        "updated_at": row["updated_at"],
    }
    if row["type_id"] == "grouped":
        product.pop("price")
    if values.get("weight") is not None:
        product["weight"] = Decimal(values["weight"] or 0)
    product["extension_attributes"] = _extension_attributes(row, parts)
    product["product_links"] = [_link(link) for link in parts.links.get(entity_id, [])]
    product["options"] = json.loads(row["custom_options"] or "[]")
    product["media_gallery_entries"] = [media_json(entry, values) for entry in parts.media.get(entity_id, [])]
    product["tier_prices"] = [_tier_price(price) for price in parts.tier_prices.get(entity_id, [])]
    product["custom_attributes"] = _custom_attributes(
        values, parts.categories.get(entity_id, []), bool(product["options"])
    )
    return product


def _extension_attributes(row: sqlite3.Row, parts: Parts) -> dict[str, Any]:
    entity_id = int(row["entity_id"])
    answer: dict[str, Any] = {"website_ids": parts.websites.get(entity_id, [])}
    links = parts.categories.get(entity_id, [])
    if links:
        answer["category_links"] = [{"position": position, "category_id": str(id_)} for id_, position in links]
    if entity_id in parts.stock_items:
        answer["stock_item"] = stock_item_json(parts.stock_items[entity_id])
    if row["type_id"] == "configurable":
        answer["configurable_product_options"] = parts.options.get(entity_id, [])
        answer["configurable_product_links"] = parts.children.get(entity_id, [])
    if row["bundle_options"]:
        answer["bundle_product_options"] = json.loads(row["bundle_options"])
    return answer


def _link(row: sqlite3.Row) -> dict[str, Any]:
    link = {
        "sku": row["parent_sku"],
        "link_type": row["link_type"],
        "linked_product_sku": row["sku"],
        "linked_product_type": row["type_id"],
        "position": row["position"],
    }
    return link | ({"extension_attributes": {"qty": Decimal(row["qty"])}} if row["qty"] is not None else {})


def _tier_price(row: sqlite3.Row) -> dict[str, Any]:
    extension: dict[str, Any] = {"website_id": row["website_id"]}
    if row["percentage_value"] is not None:
        extension = {"percentage_value": Decimal(row["percentage_value"])} | extension
    return {
        "customer_group_id": row["customer_group_id"],
        "qty": Decimal(row["qty"]),
        "value": Decimal(row["value"]),
        "extension_attributes": extension,
    }


def _custom_attributes(
    values: dict[str, str | None], categories: list[tuple[int, int]], has_options: bool
) -> list[dict[str, Any]]:
    custom: list[dict[str, Any]] = [
        {"attribute_code": code, "value": value}
        for code, value in values.items()
        if code not in NEVER_CUSTOM and value is not None
    ]
    flag = "1" if has_options else "0"
    custom.append({"attribute_code": "required_options", "value": flag})
    custom.append({"attribute_code": "has_options", "value": flag})
    custom.append({"attribute_code": "category_ids", "value": [str(id_) for id_, _ in categories]})
    return custom
