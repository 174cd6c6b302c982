"""The queue table: what is asked for, taken, done, retried. RQ only carries the ids of its rows.

At most one item is open per kind and subject: asking again while one waits or runs changes nothing but its priority and,
before it runs, its arguments. What changes while it runs is seen by the next plan, which compares anew; what a person
asks for then, with other arguments, follows when it ends.
"""

from __future__ import annotations

import threading
import uuid
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import structlog
from peewee import IntegrityError, PeeweeException, fn

from connector.domain.values import chunks
from connector.plugins.api import actions
from connector.services import history, subjects
from connector.services.context import Context
from connector.store.database import connection, locked, transaction
from connector.store.models import QueueItem
from connector.store.models.work import OPEN_STATES

log = structlog.get_logger(__name__)

LEASE = timedelta(seconds=90)
"""How long after its worker's last sign of life a taken item goes to another worker; `kept` renews it."""

RENEW_EVERY = 15.0
"""Seconds between two signs of life."""

LOST_AFTER = timedelta(seconds=45)
"""A queued item without a sign of life for this long is sent again, unless its message still waits to be picked up."""

BATCH = 50
AT_ONCE = 500
"""Rows that one statement speaks of: a selection may be of any length, a statement's parameters are not."""

SWEPT_AT_ONCE = 5_000
MAX_ATTEMPTS = 8
"""Failures of the item's own after which it is dead and a person must look."""

_DEADLY = QueueItem.attempts >= MAX_ATTEMPTS

LONGEST_WAIT = 900.0
"""Seconds between two tries during a long outage."""

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

    `kind` is an action's identifier. Subjects that no longer exist are passed over. `delay` holds the items back. What
    waits for a later try already is tried at once when a person asks.

    Raises:
        UnknownPluginError: no such action.
    """
    action = actions.get(kind)
    now = ctx.clock.now()
    made: list[int] = []
    hastened: list[int] = []
    already = 0
    wish: dict[str, Any] = {"kind": kind, "subject_type": action.subject, "actor": actor, "priority": priority}
    wish["why"] = why or f"asked by {actor}"
    due = now if is_person(actor) and not delay else None
    for ids in chunks(list(dict.fromkeys(subject_ids)), AT_ONCE):
        described = subjects.describe(action.subject, ids)
        waiting = _open_items(kind, action.subject, ids)
        new = []
        for subject_id, found in described.items():
            given = {**(arguments or {}), **found.arguments}
            item = waiting.get(subject_id)
            if item is None or not _join(item, given, wish, due):
                new.append({**wish, **found.columns, "subject_id": subject_id, "arguments": given})
                continue
            already += 1
            if due and item.state == "waiting":
                hastened.append(item.id)
        filed = _file(new, now, delay)
        already += len(new) - len(filed)  # another process asked for the same at this moment
        made += [] if delay else filed
    send(ctx, [*made, *hastened])
    return Asked(len(made), already)


def _file(
    items: Sequence[Mapping[str, Any]], now: datetime, delay: timedelta | None = None, *, sent: bool = True
) -> list[int]:
    """Ids of the new rows; of what is open already there is none. What is not `sent` the sweep will send."""
    moment = {
        "next_try_at": now + delay if delay else None,
        "state": "waiting" if delay else "queued",
        "cause": "scheduled" if delay else "",
        "created_at": now,
        "sent_at": now if sent and not delay else None,
    }
    rows = [
        {
            **item,
            **moment,
            "idempotency_key": str(uuid.uuid4()),
            "open_key": _open_key(item["kind"], item["subject_type"], item["subject_id"]),
        }
        for item in items
    ]
    if not rows:
        return []
    mine = QueueItem.idempotency_key.in_([row["idempotency_key"] for row in rows])
    with transaction():
        QueueItem.insert_many(rows).on_conflict_ignore().execute()
        opened = QueueItem.select(QueueItem.id).where(QueueItem.open_key.in_([row["open_key"] for row in rows]), mine)
        return [row.id for row in opened.order_by(QueueItem.id)]


def _open_key(kind: str, subject_type: str, subject_id: int) -> str:
    return f"{kind}:{subject_type}:{subject_id}"


def send(ctx: Context, item_ids: Sequence[int]) -> None:
    """Tell workers about items, in batches by job queue."""
    if not item_ids:
        return
    by_queue: dict[str, list[int]] = {}
    columns = (QueueItem.id, QueueItem.subject_type, QueueItem.priority)
    rows = [row for ids in chunks(item_ids, AT_ONCE) for row in QueueItem.select(*columns).where(QueueItem.id.in_(ids))]
    for row in sorted(rows, key=lambda row: (row.priority, row.id)):
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
                | ((QueueItem.state == "running") & (QueueItem.lease_until < now) & ~_DEADLY),
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
    """Close an item that this worker holds, and open what a person asked for meanwhile: the sweep sends it.

    One whose lease went to another worker is left to that one.
    """
    mine = (QueueItem.id == item.id) & (QueueItem.lease_owner == item.lease_owner)
    with transaction():
        held: QueueItem | None = locked(QueueItem.select().where(mine)).first()
        if held is None:
            return
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
        ).where(mine).execute()
        if held.follow_up:
            same = {
                name: getattr(held, name)
                for name in ("kind", "subject_type", "subject_id", "account", "template", "name")
            }
            _file([same | held.follow_up], now, sent=False)


def postpone(
    item: QueueItem, now: datetime, seconds: float, *, cause: str, state: str = "waiting", failed: bool = True
) -> None:
    """Give an item back for a later try.

    A failure counts: after `MAX_ATTEMPTS` the item is dead and a person must look. What is not `failed` (an outage, a
    quota, another worker, nothing to do yet) never ends it; what a person asked for meanwhile takes its place.
    """
    if failed and item.attempts >= MAX_ATTEMPTS:
        finish(item, "dead", now, cause=cause)
        return
    if QueueItem.get_by_id(item.id).follow_up:
        finish(item, "cancelled", now, cause="Something else was asked for meanwhile.")
        return
    counted = {"attempts": item.attempts} if failed else {"attempts": item.attempts - 1, "waits": item.waits + 1}
    with transaction():
        QueueItem.update(
            state=state,
            cause=cause,
            next_try_at=now + timedelta(seconds=seconds),
            lease_owner="",
            lease_until=None,
            **counted,
        ).where(QueueItem.id == item.id, QueueItem.lease_owner == item.lease_owner).execute()


def backoff(attempts: int) -> float:
    """Seconds before the next try after so many failures: 2, 4, 8 … up to five minutes."""
    return float(min(2 ** min(attempts, 16), 300))


def patience(waits: int) -> float:
    """Seconds before the next try after so many tries that met an outage: 2, 4, 8 … up to `LONGEST_WAIT`."""
    return float(min(2 ** (min(waits, 16) + 1), LONGEST_WAIT))


@contextmanager
def kept(ctx: Context, owner: str, item_ids: Sequence[int]) -> Iterator[None]:
    """Signs of life while `owner` works through a batch: the item it holds stays its own, the others are not sent again."""
    done = threading.Event()
    arguments = (ctx, owner, list(item_ids), done)
    thread = threading.Thread(target=_sign, args=arguments, name=f"lease {owner}", daemon=True)
    show_life(ctx, owner, item_ids)
    thread.start()
    try:
        yield
    finally:
        done.set()
        thread.join()


def show_life(ctx: Context, owner: str, item_ids: Sequence[int]) -> None:
    """One sign of life for the batch `item_ids` of `owner`."""
    now = ctx.clock.now()
    waiting, mine = QueueItem.state == "queued", (QueueItem.state == "running") & (QueueItem.lease_owner == owner)
    with transaction():
        QueueItem.update(lease_until=now + LEASE).where(QueueItem.id.in_(list(item_ids)), mine).execute()
        QueueItem.update(sent_at=now).where(QueueItem.id.in_(list(item_ids)), waiting).execute()


def _sign(ctx: Context, owner: str, item_ids: Sequence[int], done: threading.Event) -> None:
    while not done.wait(RENEW_EVERY):
        try:
            with connection():
                show_life(ctx, owner, item_ids)
        except PeeweeException as error:
            log.warning("lease_not_renewed", owner=owner, reason=str(error))


def sweep(ctx: Context) -> int:
    """Send again what lost its worker or its message, and what has waited long enough; the number of items sent.

    A backlog that is still on its way to busy workers is left alone.
    """
    now = ctx.clock.now()
    _give_up(now)
    again = _due(now)
    rows = QueueItem.select(QueueItem.id).where(again).order_by(QueueItem.priority, QueueItem.id)
    ids = [row.id for row in rows.limit(SWEPT_AT_ONCE)]
    lost = (QueueItem.state == "queued") & (QueueItem.sent_at.is_null() | (QueueItem.sent_at < now - LOST_AFTER))
    ids += _not_on_the_way(ctx, lost)
    for some in chunks(ids, AT_ONCE):
        chunk = QueueItem.id.in_(some)
        with transaction():  # the condition again: a worker may have finished one since it was read
            QueueItem.update(state="queued", next_try_at=None, sent_at=now, lease_owner="", lease_until=None).where(
                chunk, again | lost
            ).execute()
    send(ctx, ids)
    return len(ids)


def _give_up(now: datetime) -> None:
    """End what keeps ending its own process, a picture too large for the memory perhaps: nobody else would."""
    cause = f"Its process ended {MAX_ATTEMPTS} times in the middle of it. Look into the worker's log, then retry."
    with transaction():
        QueueItem.update(state="dead", cause=cause, finished_at=now, open_key=None, lease_owner="").where(
            QueueItem.state == "running", QueueItem.lease_until < now, _DEADLY
        ).execute()


def _due(now: datetime) -> Any:
    """Rows that no message speaks of: waiting ones whose time has come, running ones whose worker died."""
    waited = QueueItem.state.in_(("waiting", "unknown")) & (QueueItem.next_try_at <= now)
    return waited | ((QueueItem.state == "running") & (QueueItem.lease_until < now))


def _not_on_the_way(ctx: Context, lost: Any) -> list[int]:
    """Ids of queued rows of which no message tells any more; none while messages cannot be counted."""
    found: list[int] = []
    for name in sorted(set(QUEUES.values())):
        subjects = [subject for subject, queue in QUEUES.items() if queue == name]
        rows = QueueItem.select(QueueItem.id).where(lost, QueueItem.subject_type.in_(subjects))
        ids = [row.id for row in rows.order_by(QueueItem.priority, QueueItem.id).limit(SWEPT_AT_ONCE)]
        told = ctx.queue.on_the_way(name) if ids else None
        if told is not None:
            found += [item_id for item_id in ids if item_id not in told]
    return found


def retry(ctx: Context, item_ids: Sequence[int], *, actor: str) -> int:
    """Queue ended or waiting items again, at once; the number that could be."""
    now = ctx.clock.now()
    again = []
    for item in _items(item_ids, QueueItem.state != "running"):
        key = _open_key(item.kind, item.subject_type, item.subject_id)
        fresh = {"attempts": 0, "waits": 0, "next_try_at": None, "sent_at": now, "finished_at": None, "open_key": key}
        try:
            with transaction():
                done = (
                    QueueItem.update(state="queued", cause="", **fresh)
                    .where(QueueItem.id == item.id, QueueItem.state != "running")
                    .execute()
                )
                if done:
                    text = f"{item.kind} queued again"
                    history.note(now, actor, "queue.retry", item.subject_type, item.subject_id, text)
                    again.append(item.id)
        except IntegrityError:
            continue  # another open item does this work already
    send(ctx, again)
    return len(again)


def cancel(ctx: Context, item_ids: Sequence[int], *, actor: str) -> int:
    """Cancel items that do not run yet; the number cancelled."""
    now = ctx.clock.now()
    count = 0
    for item in _items(item_ids):
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
    changed = 0
    with transaction():
        for ids in chunks(item_ids, AT_ONCE):
            waiting = QueueItem.id.in_(ids) & QueueItem.state.in_(("queued", "waiting"))
            changed += QueueItem.update(priority=priority).where(waiting).execute()
        history.note(
            now, actor, "queue.prioritise", "queue", ",".join(map(str, item_ids))[:200], f"priority {priority}"
        )
    return changed


def _items(ids: Sequence[int], *conditions: Any) -> Iterator[QueueItem]:
    for some in chunks(ids, AT_ONCE):
        yield from list(QueueItem.select().where(QueueItem.id.in_(some), *conditions))


def counts() -> dict[str, int]:
    """Items by state."""
    rows: Any = QueueItem.select(QueueItem.state, fn.COUNT(QueueItem.id)).group_by(QueueItem.state).tuples()
    return dict(rows)


def open_count() -> int:
    """Items from which work still happens."""
    return int(QueueItem.select().where(QueueItem.state.in_(OPEN_STATES)).count())


def _open_items(kind: str, subject_type: str, subject_ids: Iterable[int]) -> dict[int, QueueItem]:
    keys = [_open_key(kind, subject_type, subject_id) for subject_id in subject_ids]
    return {item.subject_id: item for item in QueueItem.select().where(QueueItem.open_key.in_(keys))}


def _join(item: QueueItem, arguments: Mapping[str, Any], wish: Mapping[str, Any], due: datetime | None) -> bool:
    """Moves an open item forward, or notes on a running one what a person asks for next; False when it has ended by now.

    One that waits for its time is tried at once when `due` is given.
    """
    changes: dict[str, Any] = {"priority": min(item.priority, wish["priority"])}
    if item.state == "running":
        if due and dict(arguments) != item.arguments:
            later = {name: wish[name] for name in ("actor", "why", "priority")}
            changes["follow_up"] = {"arguments": dict(arguments), **later}
    elif arguments:
        changes["arguments"] = dict(arguments)
    if due and item.state == "waiting":
        changes |= {"state": "queued", "next_try_at": None, "sent_at": due}
    with transaction():
        same = (QueueItem.id == item.id) & (QueueItem.state == item.state)
        if QueueItem.update(changes).where(same).execute():
            return True
    fresh: QueueItem = QueueItem.get_by_id(item.id)
    return fresh.open_key is not None and _join(fresh, arguments, wish, due)


def is_person(actor: str) -> bool:
    """A user's e-mail, or somebody at the command line; jobs ask under names of their own."""
    return "@" in actor or actor == "command line"
