"""Numbers of orders and documents, one run a store and kind; a number once taken is never given again."""

from __future__ import annotations

import sqlite3

from connector.sandbox.magento.database import transaction

ORDER, INVOICE, SHIPMENT, CREDITMEMO = "order", "invoice", "shipment", "creditmemo"


def next_increment_id(db: sqlite3.Connection, entity_type: str, store_id: int | None) -> str:
    """Nine digits, with the store's id in front of them for every store but the first.

    Committed at once when the caller has no transaction open: a save that fails afterwards leaves a gap.
    """
    store = store_id or 0
    with transaction(db):
        row = db.execute(
            "INSERT INTO sales_sequence (entity_type, store_id, value) VALUES (?, ?, 1)"
            " ON CONFLICT (entity_type, store_id) DO UPDATE SET value = value + 1 RETURNING value",
            (entity_type, store),
        ).fetchone()
    return f"{store if store > 1 else ''}{row[0]:09d}"


def next_key(db: sqlite3.Connection, table: str) -> int:
    """The next key of a table, taken at once like `next_increment_id`: a save that fails leaves a gap here too."""
    with transaction(db):
        row = db.execute("UPDATE sqlite_sequence SET seq = seq + 1 WHERE name = ? RETURNING seq", (table,)).fetchone()
        if row is None:
            db.execute("INSERT INTO sqlite_sequence (name, seq) VALUES (?, 1)", (table,))
    return int(row[0]) if row else 1
