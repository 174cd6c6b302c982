"""Orders as rows: the document is the order object of the wire plus `_private`, which is never shown."""

from __future__ import annotations

import json
import sqlite3
from typing import Any

from connector.sandbox.tiktok.database import Json, dumps
from connector.sandbox.tiktok.errors import ApiError
from connector.sandbox.tiktok.webhooks import emit
from connector.sandbox.tiktok.world import World

NOT_THIS_SELLER = 21008111
RANKS = ("UNPAID", "AWAITING_SHIPMENT", "AWAITING_COLLECTION", "IN_TRANSIT", "DELIVERED", "COMPLETED")
BEFORE_SHIPPING = frozenset({"AWAITING_SHIPMENT", "PARTIALLY_SHIPPING"})
# What the webhook does not tell.
SILENT = frozenset({"PARTIALLY_SHIPPING"})


class Order:
    """One order, loaded for a change; `save` writes it back and tells who listens."""

    def __init__(self, shop_id: str, document: Json, saved_status: str = "") -> None:
        self.shop_id, self.document, self._saved_status = shop_id, document, saved_status

    @property
    def id(self) -> str:
        return str(self.document["id"])

    @property
    def status(self) -> str:
        return str(self.document["status"])

    @property
    def lines(self) -> list[Json]:
        lines: list[Json] = self.document["line_items"]
        return lines

    @property
    def private(self) -> Json:
        private: Json = self.document.setdefault("_private", {})
        return private

    def line(self, line_id: str) -> Json | None:
        return next((line for line in self.lines if line["id"] == line_id), None)

    def alive(self) -> list[Json]:
        """The lines that are not cancelled."""
        return [line for line in self.lines if line["display_status"] != "CANCELLED"]

    def derive_status(self) -> None:
        """Set the status that the lines add up to; UNPAID and ON_HOLD are set by hand."""
        ranks = {RANKS.index(line["display_status"]) for line in self.alive()}
        if not ranks:
            self.document["status"] = "CANCELLED"
        elif self.status in {"UNPAID", "ON_HOLD"}:
            return
        elif min(ranks) < RANKS.index("AWAITING_COLLECTION") <= max(ranks):
            self.document["status"] = "PARTIALLY_SHIPPING"
        else:
            self.document["status"] = RANKS[min(ranks)]

    def save(self, world: World, tx: sqlite3.Connection) -> None:
        now = world.now()
        document = self.document
        document["update_time"] = now
        document["is_on_hold_order"] = self.status == "ON_HOLD"
        tx.execute(
            'INSERT INTO "order" VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT (id) DO UPDATE SET status = excluded.status,'
            " update_time = excluded.update_time, wants_cancel = excluded.wants_cancel, document = excluded.document",
            (
                int(self.id),
                self.shop_id,
                self.status,
                document["create_time"],
                now,
                document["shipping_type"],
                document["user_id"],
                document["warehouse_id"],
                int(bool(document.get("is_buyer_request_cancel"))),
                dumps(document),
            ),
        )
        if self.status != self._saved_status and self.status not in SILENT:
            told = "CANCEL" if self.status == "CANCELLED" else self.status
            data = {
                "order_id": self.id,
                "order_status": told,
                "is_on_hold_order": document["is_on_hold_order"],
                "update_time": now,
            }
            emit(world, tx, self.shop_id, "ORDER_STATUS_CHANGE", data)
        self._saved_status = self.status


def order_of(row: sqlite3.Row) -> Order:
    return Order(row["shop_id"], json.loads(row["document"]), row["status"])


def find_order(tx: sqlite3.Connection, order_id: object) -> Order | None:
    """By id alone, for our own use."""
    text = str(order_id)
    row = tx.execute('SELECT * FROM "order" WHERE id = ?', (int(text),)).fetchone() if text.isdigit() else None
    return None if row is None else order_of(row)


def load_order(tx: sqlite3.Connection, shop_id: str, order_id: object) -> Order:
    """Raises ApiError for an order that this shop does not have."""
    order = find_order(tx, order_id) if len(str(order_id)) < 20 else None
    if order is None or order.shop_id != shop_id:
        raise ApiError(NOT_THIS_SELLER, f"The order {order_id} is not one of this seller.")
    return order


def chosen_lines(order: Order, wanted: list[Any], code: int) -> list[Json]:
    """The lines with these ids; all that are not cancelled without ids. Raises ApiError `code` for an unknown line."""
    if not wanted:
        return order.alive()
    lines = [order.line(str(number)) for number in wanted]
    unknown = [str(number) for number, line in zip(wanted, lines, strict=True) if line is None]
    if unknown:
        raise ApiError(code, f"The order {order.id} has no line {unknown[0]}.")
    return [line for line in lines if line]
