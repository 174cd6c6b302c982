"""What the marketplace holds, for comparison with what a connector believes: `GET /_sandbox/tiktok/truth`."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterator

from connector.sandbox.tiktok.database import Json
from connector.sandbox.tiktok.products import rows
from connector.sandbox.tiktok.world import World

KINDS = ("products", "orders", "packages", "cancellations", "returns")


def everything(world: World) -> Iterator[str]:
    """One JSON object in pieces: `{"products": […], "orders": […], "packages": […], "cancellations": […], "returns": […]}`."""
    yield "{"
    for place, kind in enumerate(KINDS):
        yield f'{", " if place else ""}"{kind}": ['
        after, first = 0, True
        while entries := page_of(world, kind, after, 500):
            yield ("" if first else ", ") + ", ".join(json.dumps(entry, ensure_ascii=False) for _, entry in entries)
            after, first = entries[-1][0], False
        yield "]"
    yield "}"


def page_of(world: World, kind: str, after: int, size: int) -> list[tuple[int, Json]]:
    """At most `size` entries of a kind with ids above `after`, each with its numeric id."""
    with world.db.read() as tx:
        table = {"orders": '"order"', "returns": "return_order"}.get(kind, kind.removesuffix("s"))
        found = tx.execute(f"SELECT * FROM {table} WHERE id > ? ORDER BY id LIMIT ?", (after, size)).fetchall()  # noqa: S608  # our own names
        return [(row["id"], _entry(tx, kind, row)) for row in found]


def _entry(tx: sqlite3.Connection, kind: str, row: sqlite3.Row) -> Json:
    if kind == "products":
        return _product(tx, row)
    document: Json = json.loads(row["document"])
    shown = {name: value for name, value in document.items() if not name.startswith("_")}
    shown["shop_id"] = row["shop_id"]
    if kind == "orders":
        shown["recipient_address"] = document["_private"]["address"]
        references = tx.execute("SELECT document FROM external_order WHERE order_id = ?", (row["id"],)).fetchall()
        shown["external_orders"] = [json.loads(entry["document"]) for entry in references]
    return shown


def _product(tx: sqlite3.Connection, row: sqlite3.Row) -> Json:
    content = json.loads(row["content"])
    return {
        "id": str(row["id"]),
        "shop_id": row["shop_id"],
        "status": row["status"],
        "audit": row["audit"],
        "audit_failed_reasons": json.loads(row["failures"]),
        "title": row["title"],
        "description": content.get("description", ""),
        "category_id": row["category_id"],
        "brand_id": content.get("brand_id", ""),
        "main_images": [image["uri"] for image in content.get("main_images", [])],
        "product_attributes": content.get("product_attributes", []),
        "external_product_id": content.get("external_product_id", ""),
        "under_review": row["review"] is not None,
        "skus": [_sku(tx, sku) for sku in rows.skus_of(tx, row["id"])],
        "create_time": row["create_time"],
        "update_time": row["update_time"],
    }


def _sku(tx: sqlite3.Connection, sku: sqlite3.Row) -> Json:
    detail = json.loads(sku["detail"])
    places = rows.stock_of(tx, sku["id"])
    return {
        "id": str(sku["id"]),
        "seller_sku": sku["seller_sku"],
        "external_sku_id": detail.get("external_sku_id", ""),
        "sales_attributes": {entry["name"]: entry["value_name"] for entry in detail.get("sales_attributes", [])},
        "currency": sku["currency"],
        "price": sku["amount"],
        "list_price": sku["list_amount"],
        "quantity": sum(place["available"] for place in places),
        "committed": sum(place["committed"] for place in places),
        "inventory": {place["warehouse_id"]: place["available"] for place in places},
    }
