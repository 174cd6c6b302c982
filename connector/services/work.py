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
from types import MappingProxyType
from typing import Any, NamedTuple

import structlog
from peewee import IntegrityError, PeeweeException, fn

from connector.plugins.api import actions
from connector.services import history
from connector.services.context import Context
from connector.store.database import connection, locked, transaction
from connector.store.models import Account, Listing, Order, Product, QueueItem, ReturnCase
from connector.store.models.work import OPEN_STATES

log = structlog.get_logger(__name__)

LEASE = timedelta(seconds=90)
"""How long after its worker's last sign of life a taken item goes to another worker; `kept` renews it."""

RENEW_EVERY = 15.0
"""Seconds between two signs of life."""

LOST_AFTER = timedelta(seconds=45)
"""A queued item without a sign of life for this long is sent again, unless its message still waits to be picked up."""

BATCH = 50
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
    for subject_id in subject_ids:
        described = _describe(action.subject, subject_id)
        if described is None:
            continue
        given = {**(arguments or {}), **described.arguments}
        item = _open_item(kind, action.subject, subject_id)
        if item is not None and item.state == "running" and is_person(actor) and _follow(item, given, actor, why):
            already += 1
            continue
        item = _open_item(kind, action.subject, subject_id)
        if item is not None:
            already += 1
            if _urge(item, priority, given, now if is_person(actor) and not delay else None):
                hastened.append(item.id)
            continue
        row = _file(
            kind,
            action.subject,
            subject_id,
            described,
            now,
            delay,
            arguments=given,
            actor=actor,
            why=why,
            priority=priority,
        )
        if row is None:
            already += 1
            continue
        if not delay:
            made.append(row.id)
    send(ctx, [*made, *hastened])
    return Asked(len(made), already)


def _file(
    kind: str,
    subject_type: str,
    subject_id: int,
    described: _Described,
    now: datetime,
    delay: timedelta | None,
    *,
    arguments: Mapping[str, Any],
    actor: str,
    why: str,
    priority: int,
    sent: bool = True,
) -> QueueItem | None:
    """The new row; None when another process asked for the same at this moment. What is not `sent` the sweep will send."""
    try:
        with transaction():
            row: QueueItem = QueueItem.create(
                kind=kind,
                subject_type=subject_type,
                subject_id=subject_id,
                account=described.account_id,
                template=described.template_id,
                name=described.name,
                arguments=dict(arguments),
                priority=priority,
                actor=actor,
                why=why or f"asked by {actor}",
                idempotency_key=str(uuid.uuid4()),
                open_key=f"{kind}:{subject_type}:{subject_id}",
                next_try_at=now + delay if delay else None,
                state="waiting" if delay else "queued",
                cause="scheduled" if delay else "",
                created_at=now,
                sent_at=now if sent and not delay else None,
            )
    except IntegrityError:
        return None
    return row


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
            described = _Described(held.account_id, held.template_id, held.name)
            _file(held.kind, held.subject_type, held.subject_id, described, now, None, sent=False, **held.follow_up)


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
    for start in range(0, len(ids), 500):
        chunk = QueueItem.id.in_(ids[start : start + 500])
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
    for item in list(QueueItem.select().where(QueueItem.id.in_(list(item_ids)), QueueItem.state != "running")):
        key = f"{item.kind}:{item.subject_type}:{item.subject_id}"
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
    for item in list(QueueItem.select().where(QueueItem.id.in_(list(item_ids)))):
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


def _follow(item: QueueItem, arguments: Mapping[str, Any], actor: str, why: str) -> bool:
    """Notes on a running item what a person asks for next; False when it is the same, or when it has ended by now."""
    if dict(arguments) == item.arguments:
        return False
    note = {"arguments": dict(arguments), "actor": actor, "why": why, "priority": item.priority}
    with transaction():
        running = (QueueItem.id == item.id) & (QueueItem.state == "running")
        return bool(QueueItem.update(follow_up=note).where(running).execute())


def _urge(item: QueueItem, priority: int, arguments: Mapping[str, Any], now: datetime | None) -> bool:
    """Moves an open item forward; one that waits for its time is due at once when `now` is given. True when it is."""
    changes: dict[str, Any] = {"priority": min(item.priority, priority)}
    if arguments and item.state != "running":
        changes["arguments"] = dict(arguments)
    with transaction():
        QueueItem.update(changes).where(QueueItem.id == item.id).execute()
        if now is None:
            return False
        due = QueueItem.update(state="queued", next_try_at=None, sent_at=now).where(
            QueueItem.id == item.id, QueueItem.state == "waiting"
        )
        return bool(due.execute())


def is_person(actor: str) -> bool:
    """A user's e-mail, or somebody at the command line; jobs ask under names of their own."""
    return "@" in actor or actor == "command line"


class _Described(NamedTuple):
    """What a subject's items say of it. `arguments` are the subject's part in what is asked: an answer is one to a step."""

    account_id: int | None
    template_id: int | None
    name: str
    arguments: Mapping[str, Any] = MappingProxyType({})


def _describe(subject_type: str, subject_id: int) -> _Described | None:
    """None when the subject is gone."""
    if subject_type == "listing":
        listing = Listing.select(Listing, Product.name).join(Product).where(Listing.id == subject_id).first()
        return _Described(listing.account_id, listing.template_id, listing.product.name) if listing else None
    if subject_type == "order":
        order = Order.get_or_none(Order.id == subject_id)
        return _Described(order.account_id, None, f"Order {order.tiktok_order_id}") if order else None
    if subject_type == "return":
        case = ReturnCase.get_or_none(ReturnCase.id == subject_id)
        if case is None:
            return None
        name = f"{case.kind.capitalize()} {case.request_id}"
        return _Described(case.account_id, None, name, {"status": case.status})
    account = Account.get_or_none(Account.id == subject_id)
    return _Described(account.id, None, account.title) if account else None
