"""Products as rows: load, save, and the shape in which a version of a product is kept.

A version is `{"content": {…}, "skus": [{"id", "detail"}]}`. The live content stands in `product.content` with its SKUs in `sku`
(state `live`); a content edit of a live product waits in `product.review`, its new SKUs in state `waiting`. Price and stock belong
to the SKU, not to a version: they change at once.
"""

from __future__ import annotations

import hashlib
import json
import sqlite3
from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any

from connector.sandbox.tiktok import taxonomy
from connector.sandbox.tiktok.database import Columns, Json, dumps, next_id
from connector.sandbox.tiktok.errors import ApiError

PRODUCT_INVALID, PRODUCT_UNKNOWN, PRODUCT_OTHER_SHOP = 12052031, 12052032, 12052034

# The fields of a product that a version holds, as they are written.
CONTENT_FIELDS = (
    "title",
    "description",
    "category_id",
    "brand_id",
    "main_images",
    "product_attributes",
    "package_weight",
    "package_dimensions",
    "certifications",
    "size_chart",
    "video",
    "external_product_id",
    "is_cod_allowed",
    "is_not_for_sale",
    "is_pre_owned",
    "delivery_option_ids",
    "manufacturer_ids",
    "responsible_person_ids",
    "shipping_insurance_requirement",
    "minimum_order_quantity",
    "shipping_template_id",
    "search_terms",
    "key_product_features",
    "primary_combined_product_id",
)
SKU_FIELDS = (
    "sales_attributes",
    "seller_sku",
    "external_sku_id",
    "identifier_code",
    "combined_skus",
    "sku_unit_count",
    "external_urls",
    "extra_identifier_codes",
    "pre_sale",
    "fees",
    "sku_weight",
    "sku_dimensions",
    "external_list_prices",
)


def load_product(tx: sqlite3.Connection, shop_id: str, product_id: object) -> sqlite3.Row:
    """Raises ApiError when the id is not one, is unknown, or belongs to another shop."""
    text = str(product_id)
    if not text.isdigit() or len(text) > 19:
        raise ApiError(PRODUCT_INVALID, f"The product id {text!r} is invalid.")
    row: sqlite3.Row | None = tx.execute("SELECT * FROM product WHERE id = ?", (int(text),)).fetchone()
    if row is None:
        raise ApiError(PRODUCT_UNKNOWN, f"The product {text} does not exist.")
    if row["shop_id"] != shop_id:
        raise ApiError(PRODUCT_OTHER_SHOP, f"The product {text} belongs to another shop.")
    return row


def skus_of(tx: sqlite3.Connection, product_id: int, *states: str) -> list[sqlite3.Row]:
    """The SKUs of a product in the order of its list; without states, the live ones."""
    wanted = states or ("live",)
    rows = tx.execute("SELECT * FROM sku WHERE product_id = ? ORDER BY position, id", (product_id,)).fetchall()
    return [row for row in rows if row["state"] in wanted]


def stock_of(tx: sqlite3.Connection, sku_id: int) -> list[sqlite3.Row]:
    return tx.execute("SELECT * FROM stock WHERE sku_id = ? ORDER BY warehouse_id", (sku_id,)).fetchall()


def normal_content(body: Mapping[str, Any]) -> Json:
    """The fields of a version with the names and ids of attribute values filled in; empty ones left out."""
    content = {name: body[name] for name in CONTENT_FIELDS if body.get(name) not in (None, "", [], {})}
    category_id = str(content.get("category_id", ""))
    if content.get("product_attributes") and category_id in taxonomy.categories():
        known = taxonomy.attributes_of(category_id)
        content["product_attributes"] = [
            {
                "id": str(entry["id"]),
                "values": [_normal_value(known.get(str(entry["id"])), value) for value in entry["values"]],
            }
            for entry in content["product_attributes"]
            if entry.get("values")
        ]
    return content


def _normal_value(attribute: taxonomy.Attribute | None, value: Json) -> Json:
    if attribute is None:
        return value
    number = str(value.get("id") or "") or attribute.value_id(str(value.get("name", "")))
    if number:
        return {"id": number, "name": attribute.value_name(number) or str(value.get("name", number))}
    name = str(value.get("name", ""))
    return {"id": own_id(attribute.id, name), "name": name}


def normal_sku(category_id: str, sku: Mapping[str, Any]) -> Json:
    """What a version keeps of a SKU: everything but price and stock, with ids for custom attributes and values."""
    detail = {name: sku[name] for name in SKU_FIELDS if sku.get(name) not in (None, "", [], {})}
    if detail.get("sales_attributes"):
        detail["sales_attributes"] = [_normal_sales(category_id, entry) for entry in detail["sales_attributes"]]
    return detail


def _normal_sales(category_id: str, entry: Json) -> Json:
    known = taxonomy.attributes_of(category_id) if category_id in taxonomy.categories() else {}
    given = str(entry.get("id") or "")
    attribute = known.get(given) or next(
        (a for a in known.values() if _is_named(a, str(entry.get("name", "")), given)), None
    )
    number = attribute.id if attribute else given or own_id("", str(entry["name"]))
    name = attribute.name if attribute else str(entry.get("name") or number)
    value_name, value_id = str(entry.get("value_name") or ""), str(entry.get("value_id") or "")
    if attribute and not value_id:
        value_id = attribute.value_id(value_name) or ""
    if attribute and value_id and attribute.value_name(value_id):
        value_name = attribute.value_name(value_id) or value_name
    shown = {"id": number, "name": name, "value_id": value_id or own_id(number, value_name), "value_name": value_name}
    return shown | {key: entry[key] for key in ("sku_img", "supplementary_sku_images") if entry.get(key)}


def _is_named(attribute: taxonomy.Attribute, name: str, given: str) -> bool:
    return not given and attribute.type == "SALES_PROPERTY" and attribute.name.casefold() == name.casefold()


def own_id(owner: str, name: str) -> str:
    """The id that a custom name gets: the same name of the same attribute always has the same."""
    digest = hashlib.sha256(f"{owner}\n{name.casefold()}".encode()).digest()
    return str(7_300_000_000_000_000_000 + int.from_bytes(digest[:7], "big"))


def amount_of(price: Mapping[str, Any]) -> str:
    """The written amount with two decimals."""
    return str(Decimal(str(price.get("amount") or price.get("sale_price"))).quantize(Decimal("0.01")))


def insert_sku(tx: sqlite3.Connection, product: Columns, position: int, state: str, sku: Json, detail: Json) -> int:
    """`sku` is the written form (price and inventory are read from it), `detail` the normal one. Answers the new id."""
    number = next_id(tx, "sku")
    price = sku["price"]
    tx.execute(
        "INSERT INTO sku VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
        (
            number,
            product["id"],
            product["shop_id"],
            position,
            state,
            detail.get("seller_sku", ""),
            price["currency"],
            amount_of(price),
            list_amount(sku),
            dumps(detail),
        ),
    )
    set_inventory(tx, number, sku["inventory"])
    return number


def list_amount(sku: Mapping[str, Any]) -> str | None:
    """The list price, unless it is below the price: then the marketplace discards it."""
    if not sku.get("list_price") or not sku.get("price"):
        return None
    wanted = Decimal(str(sku["list_price"]["amount"])).quantize(Decimal("0.01"))
    return str(wanted) if wanted >= Decimal(amount_of(sku["price"])) else None


def set_inventory(tx: sqlite3.Connection, sku_id: int, inventory: Sequence[Mapping[str, Any]]) -> None:
    """Write sellable quantities; what is committed to orders stays."""
    for entry in inventory:
        extra = {key: entry[key] for key in ("backorder_quantity", "handling_time") if entry.get(key) is not None}
        tx.execute(
            "INSERT INTO stock (sku_id, warehouse_id, available, extra) VALUES (?, ?, ?, ?)"
            " ON CONFLICT (sku_id, warehouse_id) DO UPDATE SET available = excluded.available, extra = excluded.extra",
            (sku_id, str(entry["warehouse_id"]), entry["quantity"], dumps(extra)),
        )


def update_product(tx: sqlite3.Connection, product_id: int, now: int, **columns: object) -> None:
    """Set columns and `update_time`; dicts and lists become JSON."""
    values = {name: dumps(value) if isinstance(value, dict | list) else value for name, value in columns.items()}
    names = ", ".join(f"{name} = ?" for name in [*values, "update_time"])
    tx.execute(f"UPDATE product SET {names} WHERE id = ?", (*values.values(), now, product_id))  # noqa: S608  # our own names


def version_of(row: Columns, column: str) -> Json | None:
    """The version kept in `review` or `draft`, None when there is none."""
    text = row[column]
    return None if text is None else json.loads(text)
