"""The queue table: what is asked for, taken, done, retried. RQ only carries the ids of its rows.

At most one item is open per kind and subject: asking again while one waits or runs changes nothing but its priority and,
before it runs, its arguments. What changes while it runs is seen by the next plan, which compares anew.
"""

from __future__ import annotations

import uuid
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from peewee import IntegrityError, fn

from connector.plugins.api import actions
from connector.services import history
from connector.services.context import Context
from connector.store.database import transaction
from connector.store.models import Account, Listing, Order, Product, QueueItem, ReturnCase
from connector.store.models.work import OPEN_STATES

LEASE = timedelta(minutes=3)
"""How long one taken item may run before another worker takes it; renewed before every item of a batch."""

LOST_AFTER = timedelta(seconds=45)
"""A message that nobody picked up for this long was lost with its Redis, and is sent again."""

BATCH = 50
MAX_ATTEMPTS = 8
QUEUES = {"listing": "listings", "order": "orders", "return": "orders", "account": "accounts"}
"""Job queue by subject: orders never wait behind a catalogue's worth of listings."""


@dataclass(frozen=True, slots=True)
class Asked:
    """How many items were put in the queue, and how many were waiting there already."""

    queued: int
    already: int

    def __str__(self) -> str:
        waiting = f"; {self.already} already waited" if self.already else ""
        return f"{self.queued} queued{waiting}."


def ask(
    ctx: Context,
    kind: str,
    subject_ids: Iterable[int],
    *,
    actor: str,
    why: str = "",
    arguments: Mapping[str, Any] | None = None,
    priority: int = 100,
    delay: timedelta | None = None,
) -> Asked:
    """Put one item per subject in the queue and tell a worker.

    `kind` is an action's identifier. Subjects that no longer exist are passed over. `delay` holds the items back.

    Raises:
        UnknownPluginError: no such action.
    """
    action = actions.get(kind)
    now = ctx.clock.now()
    made: list[int] = []
    already = 0
    for subject_id in subject_ids:
        described = _describe(action.subject, subject_id)
        if described is None:
            continue
        item = _open_item(kind, action.subject, subject_id)
        if item is not None:
            already += 1
            _urge(item, priority, arguments)
            continue
        account_id, template_id, name = described
        try:
            with transaction():
                row = QueueItem.create(
                    kind=kind,
                    subject_type=action.subject,
                    subject_id=subject_id,
                    account=account_id,
                    template=template_id,
                    name=name,
                    arguments=dict(arguments or {}),
                    priority=priority,
                    why=why or f"asked by {actor}",
                    idempotency_key=str(uuid.uuid4()),
                    open_key=f"{kind}:{action.subject}:{subject_id}",
                    next_try_at=now + delay if delay else None,
                    state="waiting" if delay else "queued",
                    cause="scheduled" if delay else "",
                    created_at=now,
                    sent_at=None if delay else now,
                )
        except IntegrityError:
            already += 1
            continue
        if not delay:
            made.append(row.id)
    send(ctx, made)
    return Asked(len(made), already)


def send(ctx: Context, item_ids: Sequence[int]) -> None:
    """Tell workers about items, in batches by job queue."""
    if not item_ids:
        return
    by_queue: dict[str, list[int]] = {}
    rows = QueueItem.select(QueueItem.id, QueueItem.subject_type).where(QueueItem.id.in_(list(item_ids)))
    for row in rows.order_by(QueueItem.priority, QueueItem.id):
        by_queue.setdefault(QUEUES[row.subject_type], []).append(row.id)
    for name, ids in by_queue.items():
        for start in range(0, len(ids), BATCH):
            ctx.queue.send(name, ids[start : start + BATCH])


def take(item_id: int, owner: str, now: datetime) -> QueueItem | None:
    """Take an item by compare-and-set; None when it is not due, done, or somebody else's."""
    with transaction():
        taken = (
            QueueItem.update(
                state="running",
                lease_owner=owner,
                lease_until=now + LEASE,
                started_at=now,
                attempts=QueueItem.attempts + 1,
            )
            .where(
                QueueItem.id == item_id,
                QueueItem.state.in_(("queued", "waiting", "unknown"))
                | ((QueueItem.state == "running") & (QueueItem.lease_until < now)),
                QueueItem.next_try_at.is_null() | (QueueItem.next_try_at <= now),
            )
            .execute()
        )
    return QueueItem.get_by_id(item_id) if taken else None


def finish(
    item: QueueItem,
    state: str,
    now: datetime,
    *,
    cause: str = "",
    before: Any = None,
    after: Any = None,
    request_id: str = "",
) -> None:
    """Close an item that this worker holds. One whose lease went to another worker is left to that one."""
    with transaction():
        QueueItem.update(
            state=state,
            cause=cause,
            before=before,
            after=after,
            request_id=request_id,
            finished_at=now,
            open_key=None,
            lease_owner="",
            lease_until=None,
        ).where(QueueItem.id == item.id, QueueItem.lease_owner == item.lease_owner).execute()


def postpone(item: QueueItem, now: datetime, seconds: float, *, cause: str, state: str = "waiting") -> None:
    """Give an item back for a later try; after `MAX_ATTEMPTS` failures it is dead and a person must look."""
    failed = state == "unknown" or not cause.startswith("waits:")
    if failed and item.attempts >= MAX_ATTEMPTS:
        finish(item, "dead", now, cause=cause)
        return
    attempts = item.attempts if failed else item.attempts - 1
    with transaction():
        QueueItem.update(
            state=state,
            cause=cause,
            attempts=attempts,
            next_try_at=now + timedelta(seconds=seconds),
            lease_owner="",
            lease_until=None,
        ).where(QueueItem.id == item.id, QueueItem.lease_owner == item.lease_owner).execute()


def backoff(attempts: int) -> float:
    """Seconds before the next try: 2, 4, 8 … up to five minutes."""
    return float(min(2**attempts, 300))


def sweep(ctx: Context) -> int:
    """Send again what lost its worker or its message; the number of items sent."""
    now = ctx.clock.now()
    lost = now - LOST_AFTER
    due = QueueItem.select(QueueItem.id).where(
        ((QueueItem.state == "queued") & (QueueItem.sent_at.is_null() | (QueueItem.sent_at < lost)))
        | ((QueueItem.state.in_(("waiting", "unknown"))) & (QueueItem.next_try_at <= now))
        | ((QueueItem.state == "running") & (QueueItem.lease_until < now))
    )
    ids = [row.id for row in due.order_by(QueueItem.priority, QueueItem.id).limit(5_000)]
    for start in range(0, len(ids), 500):
        chunk = ids[start : start + 500]
        with transaction():
            QueueItem.update(state="queued", next_try_at=None, sent_at=now, lease_owner="").where(
                QueueItem.id.in_(chunk)
            ).execute()
    send(ctx, ids)
    return len(ids)


def retry(ctx: Context, item_ids: Sequence[int], *, actor: str) -> int:
    """Queue ended or waiting items again, at once; the number that could be."""
    now = ctx.clock.now()
    again = []
    for item in QueueItem.select().where(QueueItem.id.in_(list(item_ids)), QueueItem.state != "running"):
        key = f"{item.kind}:{item.subject_type}:{item.subject_id}"
        try:
            with transaction():
                QueueItem.update(
                    state="queued", cause="", attempts=0, next_try_at=None, sent_at=now, finished_at=None, open_key=key
                ).where(QueueItem.id == item.id).execute()
        except IntegrityError:
            continue
        history.note(now, actor, "queue.retry", item.subject_type, item.subject_id, f"{item.kind} queued again")
        again.append(item.id)
    send(ctx, again)
    return len(again)


def cancel(ctx: Context, item_ids: Sequence[int], *, actor: str) -> int:
    """Cancel items that do not run yet; the number cancelled."""
    now = ctx.clock.now()
    count = 0
    for item in QueueItem.select().where(QueueItem.id.in_(list(item_ids))):
        with transaction():
            done = (
                QueueItem.update(state="cancelled", cause=f"cancelled by {actor}", finished_at=now, open_key=None)
                .where(QueueItem.id == item.id, QueueItem.state.in_(("queued", "waiting", "unknown")))
                .execute()
            )
            if done:
                history.note(now, actor, "queue.cancel", item.subject_type, item.subject_id, f"{item.kind} cancelled")
        count += done
    return count


def prioritise(ctx: Context, item_ids: Sequence[int], priority: int, *, actor: str) -> int:
    """Move waiting items forward or back: lower numbers run first."""
    now = ctx.clock.now()
    with transaction():
        changed: int = (
            QueueItem.update(priority=priority)
            .where(QueueItem.id.in_(list(item_ids)), QueueItem.state.in_(("queued", "waiting")))
            .execute()
        )
        history.note(
            now, actor, "queue.prioritise", "queue", ",".join(map(str, item_ids))[:200], f"priority {priority}"
        )
    return changed


def counts() -> dict[str, int]:
    """Items by state."""
    rows: Any = QueueItem.select(QueueItem.state, fn.COUNT(QueueItem.id)).group_by(QueueItem.state).tuples()
    return dict(rows)


def open_count() -> int:
    """Items from which work still happens."""
    return int(QueueItem.select().where(QueueItem.state.in_(OPEN_STATES)).count())


def _open_item(kind: str, subject_type: str, subject_id: int) -> QueueItem | None:
    item: QueueItem | None = QueueItem.get_or_none(QueueItem.open_key == f"{kind}:{subject_type}:{subject_id}")
    return item


def _urge(item: QueueItem, priority: int, arguments: Mapping[str, Any] | None) -> None:
    changes: dict[str, Any] = {"priority": min(item.priority, priority)}
    if arguments and item.state != "running":
        changes["arguments"] = dict(arguments)
    with transaction():
        QueueItem.update(changes).where(QueueItem.id == item.id).execute()


def _describe(subject_type: str, subject_id: int) -> tuple[int, int | None, str] | None:
    """(account id, template id, name) of a subject; None when it is gone."""
    if subject_type == "listing":
        listing = Listing.select(Listing, Product.name).join(Product).where(Listing.id == subject_id).first()
        return (listing.account_id, listing.template_id, listing.product.name) if listing else None
    if subject_type == "order":
        order = Order.get_or_none(Order.id == subject_id)
        return (order.account_id, None, f"Order {order.tiktok_order_id}") if order else None
    if subject_type == "return":
        case = ReturnCase.get_or_none(ReturnCase.id == subject_id)
        return (case.account_id, None, f"{case.kind.capitalize()} {case.request_id}") if case else None
    account = Account.get_or_none(Account.id == subject_id)
    return (account.id, None, account.title) if account else None
