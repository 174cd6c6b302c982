"""Get and search products. Source: "Get Product", "Search Products"."""

from __future__ import annotations

import json
import sqlite3
from typing import Any

from connector.sandbox.tiktok import errors, taxonomy
from connector.sandbox.tiktok.brands import find_brand
from connector.sandbox.tiktok.database import Columns, Json
from connector.sandbox.tiktok.errors import ApiError
from connector.sandbox.tiktok.images import find_picture, picture_url
from connector.sandbox.tiktok.paging import Page, Scan, page_size
from connector.sandbox.tiktok.products import rows
from connector.sandbox.tiktok.routes import route
from connector.sandbox.tiktok.world import Call

SCOPE = "seller.product.basic"
STATUSES = frozenset(
    {"DRAFT", "PENDING", "FAILED", "ACTIVATE", "SELLER_DEACTIVATED", "PLATFORM_DEACTIVATED", "FREEZE", "DELETED"}
)
CEILING = 10_000
TOO_MANY_RESULTS, TOO_MANY_SELLER_SKUS, TOO_MANY_SKU_IDS = 12052180, 12019027, 12019087


@route("GET", "/product/202309/products/{product_id}", scope=SCOPE)
def get_product(call: Call, product_id: str) -> Json:
    """The live version unless another is asked for; a product without that other version answers the live one."""
    row = rows.load_product(call.tx, call.shop.id, product_id)
    review, draft = call.flag("return_under_review_version"), call.flag("return_draft_version")
    if review and draft:
        raise errors.invalid("query", "return_draft_version", "it excludes return_under_review_version")
    version = rows.version_of(row, "review") if review else rows.version_of(row, "draft") if draft else None
    content = version["content"] if version else json.loads(row["content"])
    shown = _heads(row) | {"description": content.get("description", ""), "title": content["title"]}
    shown |= _plain_fields(content) | _rich_fields(call, content)
    live = {sku["id"]: sku for sku in rows.skus_of(call.tx, row["id"], "live", "waiting")}
    if version:
        skus = [_sku(call, live[int(sku["id"])], sku["detail"]) for sku in version["skus"] if int(sku["id"]) in live]
    else:
        skus = [_sku(call, sku, json.loads(sku["detail"])) for sku in live.values() if sku["state"] == "live"]
    return shown | {"skus": skus}


def _heads(row: Columns) -> Json:
    """Identity and both status axes; `product_status` leaves the audit out."""
    status = row["status"]
    plain = {"PENDING": "INITIAL", "FAILED": "INITIAL"}.get(status, status)
    if row["published"] and plain == "INITIAL":
        plain = "SELLER_DEACTIVATED"
    return {
        "id": str(row["id"]),
        "status": status,
        "product_status": plain,
        "audit": {"status": row["audit"], "pre_approved_reasons": [], "not_submitted_reasons": []},
        "audit_failed_reasons": json.loads(row["failures"]),
        "has_draft": row["draft"] is not None,
        "product_types": [],
        "create_time": row["create_time"],
        "update_time": row["update_time"],
    }


def _plain_fields(content: Json) -> Json:
    """What is read as it was written."""
    names = (
        "package_weight",
        "package_dimensions",
        "external_product_id",
        "is_cod_allowed",
        "is_not_for_sale",
        "is_pre_owned",
        "manufacturer_ids",
        "responsible_person_ids",
        "shipping_insurance_requirement",
        "minimum_order_quantity",
        "shipping_template_id",
        "search_terms",
        "key_product_features",
    )
    return {"is_not_for_sale": False} | {name: content[name] for name in names if name in content}


def _rich_fields(call: Call, content: Json) -> Json:
    """What is read with names, addresses and sizes that the writer did not give."""
    path = taxonomy.chain(content["category_id"])
    shown: Json = {
        "category_chains": [
            {"id": node.id, "parent_id": node.parent_id, "local_name": node.name, "is_leaf": node.is_leaf}
            for node in path
        ],
        "main_images": _pictures(call, content.get("main_images", [])),
        "product_attributes": _attributes(content),
        "delivery_options": [
            {"id": option.id, "name": option.name, "is_available": True} for option in call.shop.delivery_options
        ],
    }
    if brand := find_brand(call.tx, str(content.get("brand_id", ""))):
        shown["brand"] = {"id": brand.id, "name": brand.name}
    if content.get("certifications"):
        shown["certifications"] = [_certification(call, entry) for entry in content["certifications"]]
    if image := content.get("size_chart", {}).get("image"):
        shown["size_chart"] = {"image": _pictures(call, [image])[0]}
    if content.get("video"):
        number = str(content["video"]["id"])
        shown["video"] = {"id": number, "url": f"{call.base_url}/files/{number}"}
    if call.shop.region == "US":
        shown["listing_quality_tier"] = "GOOD" if len(content.get("main_images", [])) >= 3 else "FAIR"
    return shown


def _attributes(content: Json) -> list[Json]:
    known = taxonomy.attributes_of(content["category_id"]) if content["category_id"] in taxonomy.categories() else {}
    given = content.get("product_attributes", [])
    return [
        {"id": entry["id"], "name": known[entry["id"]].name, "values": entry["values"]}
        for entry in given
        if entry["id"] in known
    ]


def _certification(call: Call, entry: Json) -> Json:
    shown: Json = {"id": entry["id"]}
    if entry.get("images"):
        shown["images"] = _pictures(call, entry["images"])
    if entry.get("files"):
        shown["files"] = [{**file, "urls": [f"{call.base_url}/files/{file['id']}"]} for file in entry["files"]]
    return shown | {key: entry[key] for key in ("expiration_date",) if key in entry}


def _pictures(call: Call, images: list[Json]) -> list[Json]:
    found = [find_picture(call.tx, str(image["uri"])) for image in images]
    return [picture.on_the_wire(call.base_url) for picture in found if picture]


def _sku(call: Call, sku: sqlite3.Row, detail: Json) -> Json:
    shown: Json = _sku_heads(call.tx, sku) | {
        "price": {"currency": sku["currency"], "sale_price": sku["amount"], "tax_exclusive_price": sku["amount"]},
        "sales_attributes": [_sales_attribute(call, entry) for entry in detail.get("sales_attributes", [])],
        "global_listing_policy": {"inventory_type": "EXCLUSIVE", "price_sync": False},
    }
    names = [
        *("external_sku_id", "identifier_code", "sku_weight", "sku_dimensions", "external_urls", "fees"),
        *("extra_identifier_codes", "sku_unit_count", "pre_sale", "external_list_prices"),
    ]
    shown["seller_sku"] = detail.get("seller_sku", "")
    return shown | {name: detail[name] for name in names if name in detail}


def _sku_heads(tx: sqlite3.Connection, sku: sqlite3.Row) -> Json:
    shown: Json = {
        "id": str(sku["id"]),
        "seller_sku": sku["seller_sku"],
        "inventory": [
            {"warehouse_id": stock["warehouse_id"], "quantity": stock["available"], **json.loads(stock["extra"])}
            for stock in rows.stock_of(tx, sku["id"])
        ],
        "status_info": {"status": "NORMAL"},
    }
    if sku["list_amount"]:
        shown["list_price"] = {"amount": sku["list_amount"], "currency": sku["currency"]}
    return shown


def _sales_attribute(call: Call, entry: Json) -> Json:
    shown = {key: entry[key] for key in ("id", "name", "value_id", "value_name")}
    if entry.get("sku_img"):
        shown["sku_img"] = next(iter(_pictures(call, [entry["sku_img"]])), {"uri": entry["sku_img"]["uri"]})
    if entry.get("supplementary_sku_images"):
        shown["supplementary_sku_images"] = _pictures(call, entry["supplementary_sku_images"])
    return shown


@route(
    "POST",
    "/product/202502/products/search",
    "/product/202312/products/search",
    "/product/202309/products/search",
    scope=SCOPE,
    writes=False,
)
def search_products(call: Call) -> Json:
    """At most 10,000 results can be reached: longer lists are read in windows of `update_time`."""
    size = page_size(call, most=100)
    where, values = _conditions(call)
    by_update = any(name in call.body for name in ("update_time_ge", "update_time_le"))
    page = Page(call, filters=[])
    if page.seen + size > CEILING:
        raise ApiError(TOO_MANY_RESULTS, "More than 10000 results: narrow the search, for instance by update_time.")
    scan = Scan("product", tuple(where), tuple(values), sort="update_time" if by_update else "id")
    found, total, token = scan.run(call, size, page)
    return {"products": [_found(call, row) for row in found], "total_count": total, **token}


def _conditions(call: Call) -> tuple[list[str], list[object]]:
    where, values = ["shop_id = ?"], [call.shop.id]
    status = call.text("status", required=False) or "ALL"
    if status not in STATUSES | {"ALL"}:
        raise errors.invalid("body", "status", f"{status} is not a status")
    if status != "ALL":
        where, values = [*where, "status = ?"], [*values, status]
    conditions: list[tuple[str, object]] = []
    for name, column, sign in (
        ("create_time_ge", "create_time", ">="),
        ("create_time_le", "create_time", "<="),
        ("update_time_ge", "update_time", ">="),
        ("update_time_le", "update_time", "<="),
    ):
        moment = call.moment(name)
        if moment is not None:
            conditions.append((f"{column} {sign} ?", moment))
    where += [text for text, _ in conditions]
    every: list[object] = [*values, *(value for _, value in conditions)]
    for text, listed in _list_conditions(call):
        where.append(text)
        every += listed
    return where, every


def _list_conditions(call: Call) -> list[tuple[str, list[object]]]:
    found: list[tuple[str, list[object]]] = []
    audits = call.texts("audit_status", most=3)
    if audits:
        found.append((f"audit IN ({_marks(audits)})", [*audits]))
    seller_skus, sku_ids = call.texts("seller_skus", most=1000), call.texts("sku_ids", most=1000)
    if len(seller_skus) > 10:
        raise ApiError(TOO_MANY_SELLER_SKUS, "At most 10 seller_skus can be searched at once.")
    if len(sku_ids) > 10:
        raise ApiError(TOO_MANY_SKU_IDS, "At most 10 sku_ids can be searched at once.")
    if seller_skus:
        inner = (
            f"SELECT product_id FROM sku WHERE shop_id = ? AND state = 'live' AND seller_sku IN ({_marks(seller_skus)})"  # noqa: S608  # marks only
        )
        found.append((f"id IN ({inner})", [call.shop.id, *seller_skus]))
    if sku_ids:
        numbers: list[object] = [int(text) for text in sku_ids if text.isdigit()]
        inner = f"SELECT product_id FROM sku WHERE state = 'live' AND id IN ({_marks(numbers)})"  # noqa: S608  # marks only
        found.append((f"id IN ({inner})", numbers))
    return found


def _marks(values: list[Any]) -> str:
    return ", ".join("?" * len(values))


def _found(call: Call, row: sqlite3.Row) -> Json:
    """A product in a search answer: key properties; a local seller's price is in `tax_exclusive_price` alone."""
    skus = [
        _sku_heads(call.tx, sku) | {"price": {"currency": sku["currency"], "tax_exclusive_price": sku["amount"]}}
        for sku in rows.skus_of(call.tx, row["id"])
    ]
    audit = {"status": row["audit"], "pre_approved_reasons": []}
    return {
        "id": str(row["id"]),
        "title": row["title"],
        "status": row["status"],
        "audit": audit,
        "has_draft": row["draft"] is not None,
        "sales_regions": [call.shop.region],
        "skus": skus,
        "create_time": row["create_time"],
        "update_time": row["update_time"],
        "is_not_for_sale": False,
    }


def main_picture_url(tx: sqlite3.Connection, base_url: str, content: Json) -> str:
    """Address of the first main image, empty when there is none."""
    images = content.get("main_images", [])
    picture = find_picture(tx, str(images[0]["uri"])) if images else None
    return picture_url(base_url, picture.uri) if picture else ""
