"""Units that orders hold: taken from the sellable quantity when an order is placed, gone when it ships, back when it is cancelled."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Mapping
from typing import Any


def commit_unit(tx: sqlite3.Connection, sku_id: int, warehouse_id: str) -> None:
    """From sellable to committed. A forced order may take the quantity no lower than zero."""
    tx.execute(
        "INSERT INTO stock (sku_id, warehouse_id, available, committed) VALUES (?, ?, 0, 1) ON CONFLICT (sku_id, warehouse_id)"
        " DO UPDATE SET available = max(available - 1, 0), committed = committed + 1",
        (sku_id, warehouse_id),
    )


def settle_units(
    tx: sqlite3.Connection, lines: Iterable[Mapping[str, Any]], warehouse_id: str, *, replenish: bool
) -> None:
    """From committed to gone, or back to sellable with `replenish`."""
    back = 1 if replenish else 0
    for line in lines:
        tx.execute(
            "UPDATE stock SET committed = max(committed - 1, 0), available = available + ? WHERE sku_id = ? AND warehouse_id = ?",
            (back, int(line["sku_id"]), warehouse_id),
        )
