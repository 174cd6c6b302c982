"""Mails to buyers. None leaves the machine: they are kept, and the control API shows them."""

from __future__ import annotations

import sqlite3

from connector.sandbox.magento.sales import rows
from connector.sandbox.magento.sales.rows import Row


def send(db: sqlite3.Connection, template: str, order: Row, stamp: str) -> None:
    """Keeps a mail of this template (`order`, `invoice`, `shipment`, `creditmemo`) to the order's address."""
    values = {
        "sent_at": stamp,
        "template": template,
        "recipient": order["customer_email"],
        "order_id": order["entity_id"],
        "increment_id": order["increment_id"],
    }
    rows.insert(db, "sent_mail", values)


def outbox(db: sqlite3.Connection) -> list[Row]:
    """All mails, the oldest first."""
    return [rows.read("sent_mail", row) for row in db.execute("SELECT * FROM sent_mail ORDER BY mail_id")]
