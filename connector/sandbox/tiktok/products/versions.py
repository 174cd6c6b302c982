"""The live version of a product and those that wait: which SKUs each names, and how a waiting one becomes the live one."""

from __future__ import annotations

import sqlite3

from connector.sandbox.tiktok.database import Json, dumps
from connector.sandbox.tiktok.products import rows


def place_sku(tx: sqlite3.Connection, number: int, position: int, detail: Json) -> None:
    tx.execute(
        "UPDATE sku SET position = ?, state = 'live', seller_sku = ?, detail = ? WHERE id = ?",
        (position, detail.get("seller_sku", ""), dumps(detail), number),
    )


def remove_others(tx: sqlite3.Connection, product_id: int, skus: list[Json]) -> None:
    kept = {int(sku["id"]) for sku in skus}
    for sku in rows.skus_of(tx, product_id, "live", "waiting"):
        if sku["id"] not in kept:
            tx.execute("UPDATE sku SET state = 'removed' WHERE id = ?", (sku["id"],))


def forget_waiting(tx: sqlite3.Connection, row: sqlite3.Row) -> None:
    """New SKUs that no version names any more."""
    named = {
        int(sku["id"])
        for column in ("review", "draft")
        if (version := rows.version_of(row, column))
        for sku in version["skus"]
    }
    for sku in rows.skus_of(tx, row["id"], "waiting"):
        if sku["id"] not in named:
            tx.execute("UPDATE sku SET state = 'removed' WHERE id = ?", (sku["id"],))


def apply_version(tx: sqlite3.Connection, row: sqlite3.Row, version: Json, now: int) -> None:
    """Make a waiting version the live one."""
    for position, sku in enumerate(version["skus"]):
        place_sku(tx, int(sku["id"]), position, sku["detail"])
    remove_others(tx, row["id"], version["skus"])
    content = version["content"]
    rows.update_product(
        tx, row["id"], now, content=content, title=content["title"], category_id=content["category_id"], review=None
    )
