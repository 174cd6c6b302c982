"""Prerequisites of a shop, diagnoses of live products, words for them. Source: "Get Listing Prerequisites", "Diagnoses"."""

from __future__ import annotations

import json
import re
import sqlite3
from collections.abc import Iterator

from connector.sandbox.tiktok.database import Json
from connector.sandbox.tiktok.paging import page_size
from connector.sandbox.tiktok.products import rows
from connector.sandbox.tiktok.routes import route
from connector.sandbox.tiktok.taxonomy import chain
from connector.sandbox.tiktok.world import Call

SCOPE = "seller.product.basic"
# `BANk_ACCOUNT` is the wire's own spelling.
CHECK_ITEMS = (
    "SHOP_STATUS",
    "SHOP_TAX",
    "PICKUP_WAREHOUSE",
    "RETURN_WAREHOUSE",
    "DELIVERY_OPTION",
    "SHIPPING_TEMPLATE",
    "PRODUCT_QUANTITY_LIMIT",
    "EXTENDED_PRODUCER_RESPONSIBILITY",
    "BANk_ACCOUNT",
    "CONTACT_INFO",
)
SHORT_TITLE, SHORT_TEXT, FEW_IMAGES = 40, 200, 3


@route("GET", "/product/202312/prerequisites", scope=SCOPE)
def listing_prerequisites(call: Call) -> Json:
    """The sandbox's shops are complete: nothing fails."""
    del call
    return {"check_results": [{"check_item": item, "is_failed": False, "fail_reasons": []} for item in CHECK_ITEMS]}


@route("GET", "/product/202405/products/diagnoses", scope=SCOPE)
def diagnose_products(call: Call) -> Json:
    return {"products": [_diagnosis(call, row) for row in _live(call, 200)]}


@route("GET", "/product/202405/products/seo_words", scope=SCOPE)
def seo_words(call: Call) -> Json:
    return {"products": [{"id": str(row["id"]), "seo_words": _words(row)} for row in _live(call, 20)]}


@route("GET", "/product/202405/products/suggestions", scope=SCOPE)
def suggestions(call: Call) -> Json:
    return {
        "products": [
            {"id": str(row["id"]), "suggestions": [{"field": "TITLE", "items": [{"text": _better_title(row)}]}]}
            for row in _live(call, 20)
        ]
    }


@route("POST", "/product/202407/sizecharts/search", scope=SCOPE, cipher=False, writes=False)
def search_size_charts(call: Call) -> Json:
    """The sellers of the sandbox have no templates of size charts: products carry an image."""
    page_size(call, most=100)
    return {"size_chart": [], "total_count": 0, "next_page_token": ""}


def _live(call: Call, most: int) -> list[sqlite3.Row]:
    numbers = [int(text) for text in call.listed("product_ids", most) if text.isdigit()]
    marks = ", ".join("?" * len(numbers))
    return call.tx.execute(
        f"SELECT * FROM product WHERE id IN ({marks}) AND shop_id = ? AND status = 'ACTIVATE' ORDER BY id",  # noqa: S608  # marks only
        (*numbers, call.shop.id),
    ).fetchall()


def _diagnosis(call: Call, row: sqlite3.Row) -> Json:
    found = list(_findings(row, len(rows.skus_of(call.tx, row["id"]))))
    shown: Json = {"id": str(row["id"]), "diagnoses": found}
    if call.shop.region == "US":
        tier = "GOOD" if not found else "FAIR" if len(found) < 3 else "POOR"
        shown["listing_quality"] = {"current_tier": tier, "remaining_recommendations": len(found)}
    return shown


def _findings(row: sqlite3.Row, skus: int) -> Iterator[Json]:
    content = json.loads(row["content"])
    text = re.sub(r"<[^>]*>", " ", content.get("description", ""))
    if len(row["title"]) < SHORT_TITLE:
        yield _finding("TITLE", "title_short", f"Name the product in at least {SHORT_TITLE} characters.", row)
    if len(text) < SHORT_TEXT:
        yield _finding("DESCRIPTION", "description_short", f"Describe it in at least {SHORT_TEXT} characters.", row)
    if len(content.get("main_images", [])) < FEW_IMAGES:
        yield _finding("IMAGE", "image_few", f"Show at least {FEW_IMAGES} images.", row)
    if not content.get("product_attributes"):
        yield _finding("ATTRIBUTE", "attribute_missing", "Fill in attributes.", row)
    if skus > 1 and "size_chart" not in content and "Clothing" in chain(row["category_id"])[0].name:
        yield _finding("SIZE_CHART", "size_chart_missing", "Add a size chart.", row)


def _finding(field: str, code: str, advice: str, row: sqlite3.Row) -> Json:
    words = _words(row) if field == "TITLE" else []
    results = [{"code": code, "how_to_solve": advice, "quality_tier": "FAIR"}]
    return {
        "field": field,
        "diagnosis_results": results,
        "suggestion": {"seo_words": words, "smart_texts": [], "images": []},
    }


def _words(row: sqlite3.Row) -> list[Json]:
    return [{"text": node.name.lower()} for node in chain(row["category_id"])[::-1]]


def _better_title(row: sqlite3.Row) -> str:
    return f"{row['title']} – {chain(row['category_id'])[-1].name}"[:255]
