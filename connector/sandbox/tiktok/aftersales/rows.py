"""Cancellations and returns as rows, and what both share: which lines, repeated answers, paging."""

from __future__ import annotations

import json
import sqlite3
from typing import Any

from connector.sandbox.tiktok import errors
from connector.sandbox.tiktok.database import Json, dumps
from connector.sandbox.tiktok.errors import ApiError
from connector.sandbox.tiktok.orders.read import sorting, time_windows
from connector.sandbox.tiktok.orders.rows import Order, load_order
from connector.sandbox.tiktok.paging import Page, Scan, page_size
from connector.sandbox.tiktok.world import Call, World

INVALID = 25001001


def find(tx: sqlite3.Connection, table: str, number: object) -> sqlite3.Row | None:
    text = str(number)
    if not text.isdigit() or len(text) > 19:
        return None
    row: sqlite3.Row | None = tx.execute(f"SELECT * FROM {table} WHERE id = ?", (int(text),)).fetchone()  # noqa: S608  # our own names
    return row


def load(call: Call, table: str, number: object) -> Json:
    """The document of a request of this shop. Raises ApiError when there is none."""
    row = find(call.tx, table, number)
    if row is None or row["shop_id"] != call.shop.id:
        raise ApiError(INVALID, f"There is no request {number}.")
    document: Json = json.loads(row["document"])
    return document


def save(world: World, tx: sqlite3.Connection, table: str, shop_id: str, document: Json, key: str) -> None:
    """`key`: the name of the id in the document (`cancel_id`, `return_id`); the status has its name too."""
    document["update_time"] = world.now()
    status = document[key.replace("_id", "_status")]
    tx.execute(
        f"INSERT INTO {table} (id, shop_id, order_id, status, create_time, update_time, document) VALUES (?, ?, ?, ?, ?, ?, ?)"  # noqa: S608  # our own names
        " ON CONFLICT (id) DO UPDATE SET status = excluded.status, update_time = excluded.update_time,"
        " document = excluded.document",
        (
            int(document[key]),
            shop_id,
            int(document["order_id"]),
            status,
            document["create_time"],
            document["update_time"],
            dumps(document),
        ),
    )


def search(call: Call, table: str, key: str, lists: dict[str, str], *, least: int = 1) -> tuple[list[Json], Json]:
    """Documents of a page, and the rest of the answer. `lists`: list in the body → SQL of what it is compared with."""
    size = page_size(call, most=50, least=least, default=10)
    sort, descending = sorting(call, "ASC")
    where: list[str] = ["shop_id = ?"]
    values: list[object] = [call.shop.id]
    for name, column in {f"{key}s": "id", "order_ids": "order_id", **lists}.items():
        wanted: list[Any] = call.texts(name, most=100)
        if wanted:
            given = [int(text) for text in wanted if text.isdigit()] if column in {"id", "order_id"} else wanted
            where.append(f"{column} IN ({', '.join('?' * len(given))})")
            values += given
    windows, moments = time_windows(call)
    scan = Scan(table, (*where, *windows), (*values, *moments), sort=sort, descending=descending)
    found, total, token = scan.run(call, size, Page(call, filters=[sort, descending]))
    documents = [_shown(json.loads(row["document"])) for row in found]
    return documents, {"total_count": total, **token}


def _shown(document: Json) -> Json:
    return {name: value for name, value in document.items() if not name.startswith("_")}


def named_lines(call: Call, order: Order, code: int) -> list[Json]:
    """The lines that a body names by `order_line_list`, `order_line_item_ids` or `skus`; all that are left when it names none."""
    listed = [str(entry.get("order_line_item_id")) for entry in call.items("order_line_list", required=False)]
    older = call.texts("order_line_item_ids", most=1000)
    if listed and older:
        raise errors.invalid("body", "order_line_item_ids", "it excludes order_line_list")
    wanted = listed or older
    for sku in call.items("skus", required=False):
        ids = [
            line["id"]
            for line in order.alive()
            if line["sku_id"] == str(sku.get("sku_id")) and line["id"] not in wanted
        ]
        if len(ids) < int(sku.get("quantity", 0)):
            raise ApiError(
                code, f"The order has fewer than {sku.get('quantity')} units of the SKU {sku.get('sku_id')}."
            )
        wanted += ids[: int(sku.get("quantity", 0))]
    if not wanted:
        return order.alive()
    lines = [line for number in wanted if (line := order.line(number))]
    if len(lines) != len(wanted) or any(line["display_status"] == "CANCELLED" for line in lines):
        raise ApiError(code, "A line is not one of the order, or is cancelled already.")
    return lines


def order_named(call: Call) -> Order:
    return load_order(call.tx, call.shop.id, call.text("order_id"))


def repeated(call: Call, number: str) -> bool:
    """Whether this decision was taken before under the same `idempotency_key`; notes the key otherwise."""
    key = call.query.get("idempotency_key", "")
    if not key:
        return False
    name = f"{number}/{key}"
    done = call.tx.execute("SELECT 1 FROM idempotency WHERE shop_id = ? AND key = ?", (call.shop.id, name)).fetchone()
    if done is None:
        call.tx.execute("INSERT INTO idempotency VALUES (?, ?, '{}')", (call.shop.id, name))
    return done is not None
