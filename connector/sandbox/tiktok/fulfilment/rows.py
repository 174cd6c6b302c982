"""Packages as rows, and how they hang together with the lines of orders."""

from __future__ import annotations

import json
import sqlite3
from typing import TYPE_CHECKING

from connector.sandbox.tiktok.database import Json, dumps, next_id
from connector.sandbox.tiktok.errors import ApiError
from connector.sandbox.tiktok.webhooks import emit
from connector.sandbox.tiktok.world import World

if TYPE_CHECKING:
    from connector.sandbox.tiktok.orders.rows import Order

PACKAGE_UNKNOWN = 21011001
SUB_STATUS = {
    "TO_FULFILL": "CREATED",
    "PROCESSING": "RTS",
    "FULFILLING": "TTS",
    "COMPLETED": "DELIVERED",
    "CANCELLED": "CANCELLED",
}


def create_package(world: World, tx: sqlite3.Connection, order: Order, lines: list[Json], tag: str = "DEFAULT") -> Json:
    """A package for these lines, which leave the packages they were in. Answers its document."""
    document = order.document
    package: Json = {
        "package_id": str(next_id(tx, "package")),
        "package_status": "TO_FULFILL",
        "split_and_combine_tag": tag,
        "shipping_type": document["shipping_type"],
        "delivery_option_id": document["delivery_option_id"],
        "delivery_option_name": document["delivery_option_name"],
        "warehouse_id": document["warehouse_id"],
        "order_ids": [order.id],
        "order_line_item_ids": [],
        "create_time": world.now(),
        "update_time": world.now(),
        "tracking_number": "",
        "shipping_provider_id": "",
        "shipping_provider_name": "",
        "paid_time": document.get("paid_time", document["create_time"]),
        "shipped_time": 0,
        "updates": 0,
    }
    move_lines(world, tx, order, lines, package)
    return package


def move_lines(world: World, tx: sqlite3.Connection, order: Order, lines: list[Json], package: Json) -> None:
    """Put lines into a package; a package that is left empty is cancelled and disappears from the order."""
    moved = {line["id"] for line in lines}
    for old_id in {line["package_id"] for line in lines if line.get("package_id")} - {package["package_id"]}:
        old = load_package(tx, order.shop_id, old_id)
        old["order_line_item_ids"] = [number for number in old["order_line_item_ids"] if number not in moved]
        if not old["order_line_item_ids"]:
            old["package_status"] = "CANCELLED"
        save_package(world, tx, order.shop_id, old)
    package["order_line_item_ids"] = [*package["order_line_item_ids"], *[line["id"] for line in lines]]
    for line in lines:
        line |= {"package_id": package["package_id"], "package_status": package["package_status"]}
    list_packages(order)
    save_package(world, tx, order.shop_id, package)


def list_packages(order: Order) -> None:
    """Set `packages` of the order from its lines."""
    ids = dict.fromkeys(line["package_id"] for line in order.lines if line.get("package_id"))
    order.document["packages"] = [{"id": number} for number in ids]


def load_package(tx: sqlite3.Connection, shop_id: str, package_id: object) -> Json:
    """Raises ApiError for a package that this shop does not have."""
    text = str(package_id)
    row = None
    if text.isdigit() and len(text) < 20:
        row = tx.execute("SELECT * FROM package WHERE id = ? AND shop_id = ?", (int(text), shop_id)).fetchone()
    if row is None:
        raise ApiError(PACKAGE_UNKNOWN, f"The package {text} does not exist.")
    document: Json = json.loads(row["document"])
    return document


def save_package(world: World, tx: sqlite3.Connection, shop_id: str, package: Json) -> None:
    package["update_time"] = world.now()
    tx.execute(
        "INSERT INTO package VALUES (?, ?, ?, ?, ?, ?, ?) ON CONFLICT (id) DO UPDATE SET status = excluded.status,"
        " update_time = excluded.update_time, document = excluded.document",
        (
            int(package["package_id"]),
            shop_id,
            package["package_status"],
            package["create_time"],
            package["update_time"],
            package["paid_time"],
            dumps(package),
        ),
    )


def tell_packages(world: World, tx: sqlite3.Connection, shop_id: str, kind: str, packages: list[Json]) -> None:
    """The webhook about new package ids. `kind`: COMBINE, CANCEL_COMBINE, SPLIT …"""
    data = {
        "sc_type": kind,
        "role_type": "ROLE_SELLER",
        "package_list": [
            {"package_id": package["package_id"], "order_id_list": package["order_ids"]} for package in packages
        ],
        "update_time": world.now(),
    }
    emit(world, tx, shop_id, "PACKAGE_UPDATE", data)
