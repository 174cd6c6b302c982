"""What is thrown away with time: work that is done, notifications, old history, and what we know of buyers."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from connector.domain.order import Address
from connector.domain.values import to_json
from connector.services.context import Context
from connector.store.database import transaction
from connector.store.models import HistoryEntry, Notification, Order, QueueItem
from connector.store.models.work import OPEN_STATES

BATCH = 500
BATCHES = 40
"""Of each kind in one run: the rest is for the next, so that nobody waits for the database."""

HISTORY = timedelta(days=730)
OVER = ("COMPLETED", "CANCELLED")
"""States in which nothing is delivered to a buyer any more."""


def tidy(ctx: Context) -> str:
    """Deletes what is older than the settings keep it; a sentence of counts, empty when there was nothing.

    Open work is never deleted. Of an order that is over everything stays but who the buyer was and where they live.
    """
    now = ctx.clock.now()
    work_until = now - timedelta(days=ctx.keep_work_days)
    counts = {
        "work items": _delete(QueueItem, QueueItem.state.not_in(OPEN_STATES) & (QueueItem.finished_at < work_until)),
        "notifications": _delete(Notification, Notification.received_at < work_until),
        "history entries": _delete(HistoryEntry, HistoryEntry.at < now - HISTORY),
        "buyers": _forget_buyers(now - timedelta(days=ctx.keep_buyers_days)),
    }
    return ", ".join(f"{count} {what}" for what, count in counts.items() if count)


def _delete(model: Any, old: Any) -> int:
    key, total = model._meta.primary_key, 0
    for _ in range(BATCHES):
        ids = [row[0] for row in model.select(key).where(old).limit(BATCH).tuples()]
        with transaction():
            total += model.delete().where(key.in_(ids)).execute() if ids else 0
        if len(ids) < BATCH:
            break
    return total


def _forget_buyers(until: datetime) -> int:
    """Name, address, e-mail and message of orders that are over; how many were forgotten."""
    nobody = {"address": to_json(Address()), "buyer_email": "", "buyer_message": ""}
    old = Order.status.in_(OVER) & (Order.changed_at < until) & (Order.buyer != "")
    rows = list(Order.select(Order.id, Order.data).where(old).limit(BATCH))
    for row in rows:
        with transaction():
            Order.update(buyer="", data={**row.data, **nobody}).where(Order.id == row.id).execute()
    return len(rows)
