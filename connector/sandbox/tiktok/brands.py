"""Brands: those of the marketplace (`data/brands.json`) and those that sellers add. `UNAUTHORIEZD` is the wire's spelling."""

from __future__ import annotations

import re
import sqlite3
from dataclasses import dataclass
from functools import cache

from connector.sandbox.tiktok.database import Json, next_id
from connector.sandbox.tiktok.errors import invalid
from connector.sandbox.tiktok.paging import Page, page_size
from connector.sandbox.tiktok.routes import route
from connector.sandbox.tiktok.taxonomy import _data, leaf
from connector.sandbox.tiktok.world import Call

SCOPE = "seller.product.basic"


@dataclass(frozen=True, slots=True)
class Brand:
    """`is_t1_brand`: a protected brand, which only authorized sellers may name."""

    id: str
    name: str
    is_t1_brand: bool = False
    authorized: bool = False


@cache
def known_brands() -> dict[str, Brand]:
    return {entry["id"]: Brand(**entry) for entry in _data("brands")}


def find_brand(tx: sqlite3.Connection, brand_id: str) -> Brand | None:
    if brand_id in known_brands():
        return known_brands()[brand_id]
    row = tx.execute("SELECT id, name FROM brand WHERE id = ?", (brand_id,)).fetchone()
    return None if row is None else Brand(row["id"], row["name"])


@route("GET", "/product/202309/brands", scope=SCOPE)
def list_brands(call: Call) -> Json:
    """`brand_name` matches the beginning of a name; `brand_status` is there only with a category."""
    size, category_id = page_size(call, most=100), call.query.get("category_id", "")
    if category_id:
        leaf(category_id)
    beginning = call.query.get("brand_name", "").casefold()
    own = [
        Brand(row["id"], row["name"])
        for row in call.tx.execute("SELECT id, name FROM brand WHERE name LIKE ? || '%'", (beginning,))
    ]
    found = [brand for brand in [*known_brands().values(), *own] if brand.name.casefold().startswith(beginning)]
    if "is_authorized" in call.query:
        found = [brand for brand in found if brand.authorized == call.flag("is_authorized")]
    found.sort(key=lambda brand: brand.id)
    page = Page(call, filters=[beginning, category_id, call.query.get("is_authorized", "")])
    after = str(page.after[-1]) if page.after else ""
    rest = [brand for brand in found if brand.id > after]
    return {
        "brands": [_on_the_wire(brand, category_id) for brand in rest[:size]],
        "total_count": len(found),
        **page.following(len(rest) > size, [rest[:size][-1].id] if rest else []),
    }


def _on_the_wire(brand: Brand, category_id: str) -> Json:
    shown: Json = {
        "id": brand.id,
        "name": brand.name,
        "authorized_status": "AUTHORIZED" if brand.authorized else "UNAUTHORIEZD",
        "is_t1_brand": brand.is_t1_brand,
    }
    if category_id:
        shown["brand_status"] = "UNAVAILABLE" if brand.is_t1_brand and not brand.authorized else "AVAILABLE"
    return shown


@route("POST", "/product/202309/brands", scope="seller.product.write", cipher=False)
def create_brand(call: Call) -> Json:
    """2 to 30 characters, no Chinese, no emoji, no run of five digits. A name that exists answers its id."""
    name = call.text("name").strip()
    if not 2 <= len(name) <= 30 or re.search(r"[\u4e00-\u9fff\U0001f300-\U0001faff]|\d{5}", name):
        raise invalid("body", "name", "2 to 30 characters without Chinese, emoji or five digits in a row")
    same = next((brand.id for brand in known_brands().values() if brand.name.casefold() == name.casefold()), None)
    row = call.tx.execute("SELECT id FROM brand WHERE name = ?", (name,)).fetchone()
    if same or row:
        return {"id": same or row["id"]}
    number = str(next_id(call.tx, "brand"))
    call.tx.execute("INSERT INTO brand VALUES (?, ?, ?)", (number, name, call.now))
    return {"id": number}
