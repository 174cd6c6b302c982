"""Numbers for people: what needs them, what sells, what runs. Grouped queries, a fixed number of them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from peewee import SQL, fn

from connector.domain.order import AWAITING_SELLER, PLACEABLE, TO_SHIP
from connector.plugins.api import actions
from connector.services import stock_repair
from connector.services.returns import UNANSWERED
from connector.store.models import (
    Account,
    Listing,
    ListingTemplate,
    Order,
    Product,
    QueueItem,
    ReturnCase,
)
from connector.store.models.work import OPEN_STATES

FAILED_WORK = ("rejected", "dead")
TAKEN = {"FAILED": "refused", "PLATFORM_DEACTIVATED": "took down", "FREEZE": "froze"}
"""Marketplace states of a product that only a person ends, and what TikTok Shop did."""


@dataclass(frozen=True, slots=True)
class Sales:
    """Totals per day in minor units of one currency, oldest day first, and the total of as many days before."""

    currency: str
    days: tuple[str, ...]
    totals: tuple[int, ...]
    before: int

    @property
    def total(self) -> int:
        """Sum over the days."""
        return sum(self.totals)


def sales(now: datetime, account_id: int | None = None, days: int = 30) -> Sales:
    """Orders that were paid, by the UTC day they were placed, in the currency that most days sold in."""
    start = (now - timedelta(days=days - 1)).replace(hour=0, minute=0, second=0, microsecond=0)
    earlier = start - timedelta(days=days)
    day = 86_400_000_000
    bucket = (Order.placed_at.cast("BIGINT") - int(earlier.timestamp()) * 1_000_000) / day
    rows = (
        _of_account(
            Order.select(Order.currency, bucket.alias("day"), fn.SUM(Order.total_minor).alias("total")),
            Order,
            account_id,
        )
        .where(Order.placed_at >= earlier, Order.status.in_(PLACEABLE))
        .group_by(Order.currency, SQL("2"))
        .tuples()
    )
    found = [(currency, int(index), int(total)) for currency, index, total in rows]
    weight = Counter({c: 0 for c, _, _ in found})
    for currency, _, _ in found:
        weight[currency] += 1
    currency = weight.most_common(1)[0][0] if weight else ""
    by_day = {index: total for c, index, total in found if c == currency}
    labels = tuple(f"{start + timedelta(days=i):%d %b}" for i in range(days))
    return Sales(
        currency,
        labels,
        tuple(by_day.get(days + i, 0) for i in range(days)),
        sum(by_day.get(i, 0) for i in range(days)),
    )


def listing_states(account_id: int | None = None) -> dict[str, int]:
    """Listings by marketplace state; the empty state is never uploaded."""
    query = _of_account(Listing.select(Listing.status, fn.COUNT(Listing.id)), Listing, account_id)
    return dict(query.group_by(Listing.status).tuples())


def invalid_listings(account_id: int | None = None) -> int:
    """Listings that something holds back."""
    return int(_of_account(Listing.select(), Listing, account_id).where(Listing.validation == "invalid").count())


def issue_kinds(account_id: int | None = None, limit: int = 5) -> list[tuple[str, str, int]]:
    """(code, one message, listings) of the commonest reasons, most first."""
    query = _of_account(Listing.select(Listing.issues, fn.COUNT(Listing.id)), Listing, account_id)
    rows = query.where(Listing.validation == "invalid").group_by(Listing.issues).tuples()
    counts: Counter[str] = Counter()
    messages: dict[str, str] = {}
    for issues, number in rows:
        for code in {issue["code"]: issue for issue in issues if issue.get("severity") == "error"}.values():
            counts[code["code"]] += number
            messages.setdefault(code["code"], code["message"])
    return [(code, messages[code], number) for code, number in counts.most_common(limit)]


def products_total() -> int:
    """Store products that still exist."""
    return int(Product.select().where(Product.deleted == False).count())  # noqa: E712 – SQL, not Python


def orders_to_ship(now: datetime, account_id: int | None = None) -> tuple[int, int]:
    """(orders that wait for a parcel, of those: older than two days)."""
    query = _of_account(Order.select(), Order, account_id).where(Order.status.in_(TO_SHIP))
    return query.count(), query.where(Order.placed_at < now - timedelta(days=2)).count()


@dataclass(frozen=True, slots=True)
class Todo:
    """Something a person must look at. `tone` is bad, warn or info; `page` an endpoint with its arguments."""

    text: str
    note: str
    tone: str
    page: str
    arguments: Mapping[str, Any]


def needs_you(now: datetime, account_id: int | None = None) -> list[Todo]:
    """What does not go on without a person, worst first."""
    found = [*_order_todos(account_id), *_case_todos(now, account_id), *_work_todos(account_id)]
    found += [*_listing_todos(account_id), *_account_todos(now, account_id)]
    order = {"bad": 0, "warn": 1, "info": 2}
    return sorted(found, key=lambda todo: order[todo.tone])


def _order_todos(account_id: int | None) -> Iterable[Todo]:
    failed = _of_account(Order.select(), Order, account_id).where(Order.state == "failed").count()
    if failed:
        verb = "orders are" if failed > 1 else "order is"
        yield Todo(
            f"{failed} {verb} not in Magento",
            "The reason stands beside each.",
            "bad",
            "orders.index_view",
            {"flt0_order_status_is": "failed"},
        )
    over = (Order.ended != "") & Order.status.in_(TO_SHIP)
    ended = _of_account(Order.select(), Order, account_id).where(over).count()
    if ended:
        verb = "orders were" if ended > 1 else "order was"
        yield Todo(
            f"{ended} {verb} ended in Magento, and TikTok Shop waits for the goods",
            "Each says how to answer the buyer.",
            "bad",
            "orders.index_view",
            {"flt0_ended_in_magento_is": "1"},
        )
    wrong = _of_account(Order.select(), Order, account_id).where(stock_repair.waiting()).count()
    if wrong:
        noun = "orders leave" if wrong > 1 else "order leaves"
        yield Todo(
            f"{wrong} {noun} Magento with more stock than there is",
            "The pieces are kept back here. Each says how to put it right.",
            "warn",
            "orders.index_view",
            {"flt0_stock_to_correct_in_magento_is": "1"},
        )


def _case_todos(now: datetime, account_id: int | None) -> Iterable[Todo]:
    query = _of_account(ReturnCase.select(fn.COUNT(ReturnCase.id), fn.MIN(ReturnCase.deadline)), ReturnCase, account_id)
    due = query.where(ReturnCase.status.in_(AWAITING_SELLER), ReturnCase.decision_state.in_(UNANSWERED))
    waiting = due.tuples().get()
    if waiting[0]:
        hours = int((waiting[1] - now.timestamp()) // 3600) if waiting[1] else 0
        note = f"The first runs out in {hours} h." if hours > 0 else "Answer them in Returns."
        noun = "returns wait" if waiting[0] > 1 else "return waits"
        yield Todo(f"{waiting[0]} {noun} for your answer", note, "warn", "returns.index_view", {})


def _work_todos(account_id: int | None) -> Iterable[Todo]:
    query = _of_account(QueueItem.select(QueueItem.state, fn.COUNT(QueueItem.id)), QueueItem, account_id)
    counts = dict(query.where(QueueItem.state.in_(("dead", "unknown"))).group_by(QueueItem.state).tuples())
    if counts.get("dead"):
        yield Todo(
            f"{counts['dead']} pieces of work gave up",
            "Retry them when the cause is gone.",
            "bad",
            "queue.index_view",
            {"flt0_queue_status_is": "dead"},
        )
    if counts.get("unknown"):
        yield Todo(
            f"{counts['unknown']} outcomes are unknown",
            "They are looked up before anything is repeated.",
            "info",
            "queue.index_view",
            {"flt0_queue_status_is": "unknown"},
        )


def _listing_todos(account_id: int | None) -> Iterable[Todo]:
    invalid = invalid_listings(account_id)
    if invalid:
        text = "1 product is held back" if invalid == 1 else f"{invalid:,} products are held back"
        yield Todo(
            text,
            "Each says what it needs before it can be uploaded.",
            "warn",
            "products.index_view",
            {"flt0_validation_status_is": "invalid"},
        )
    states = listing_states(account_id)
    for status, what in TAKEN.items():
        count = states.get(status, 0)
        if count:
            noun = "listing" if count == 1 else "listings"
            yield Todo(
                f"TikTok Shop {what} {count:,} {noun}",
                "Its reasons stand on each product's page.",
                "warn",
                "products.index_view",
                {"flt0_marketplace_status_is": status},
            )


def _account_todos(now: datetime, account_id: int | None) -> Iterable[Todo]:
    query = Account.select(
        Account.id, Account.title, Account.problem, Account.refresh_expires_at, Account.shop_id, Account.active
    ).where(Account.active)
    for account in query.where(Account.id == account_id) if account_id else query:
        if account.problem:
            yield Todo(
                f"{account.title} has a problem", account.problem, "bad", "accounts.edit_view", {"id": account.id}
            )
        elif not account.shop_id:
            yield Todo(
                f"{account.title} is not connected", "Authorise it on TikTok Shop.", "warn", "accounts.index_view", {}
            )
        elif account.refresh_expires_at and account.refresh_expires_at < now + timedelta(days=7):
            days = max((account.refresh_expires_at - now).days, 0)
            yield Todo(
                f"Access of {account.title} runs out in {days} days",
                "Authorise it again; nothing stops before.",
                "info",
                "accounts.index_view",
                {},
            )


@dataclass(frozen=True, slots=True)
class Delay:
    """Seconds from being asked for to being done, by hour of the last day: half and 99 of 100 were quicker."""

    hours: tuple[str, ...]
    p50: tuple[float | None, ...]
    p99: tuple[float | None, ...]
    last_p50: float | None
    last_p99: float | None


def sync_delay(now: datetime, account_id: int | None = None) -> Delay:
    """How long price and stock changes took, from the queue; at most the newest 5,000."""
    start = (now - timedelta(hours=23)).replace(minute=0, second=0, microsecond=0)
    query = _of_account(QueueItem.select(QueueItem.created_at, QueueItem.finished_at), QueueItem, account_id)
    rows = query.where(
        QueueItem.kind == "inventory_price_sync", QueueItem.state == "confirmed", QueueItem.finished_at >= start
    )
    by_hour: dict[int, list[float]] = {}
    for created, finished in rows.order_by(QueueItem.id.desc()).limit(5_000).tuples():
        by_hour.setdefault(int((finished - start).total_seconds() // 3600), []).append(
            (finished - created).total_seconds()
        )
    p50 = tuple(_quantile(by_hour.get(hour), 0.5) for hour in range(24))
    p99 = tuple(_quantile(by_hour.get(hour), 0.99) for hour in range(24))
    labels = tuple(f"{start + timedelta(hours=hour):%H:00}" for hour in range(24))
    everything = [seconds for hour in by_hour.values() for seconds in hour]
    return Delay(labels, p50, p99, _quantile(everything, 0.5), _quantile(everything, 0.99))


def _quantile(values: list[float] | None, share: float) -> float | None:
    if not values:
        return None
    ordered = sorted(values)
    return round(ordered[min(int(share * len(ordered)), len(ordered) - 1)], 1)


def template_counts(template_ids: Iterable[int]) -> dict[int, tuple[int, int]]:
    """Template id → (products, of those live on the marketplace)."""
    rows = _rows(
        Listing.select(Listing.template, Listing.status, fn.COUNT(Listing.id))
        .where(Listing.template.in_(list(template_ids)))
        .group_by(Listing.template, Listing.status)
    )
    counts: dict[int, tuple[int, int]] = {}
    for template_id, status, number in rows:
        total, live = counts.get(template_id, (0, 0))
        counts[template_id] = (total + number, live + (number if status == "ACTIVATE" else 0))
    return counts


def setup_counts() -> dict[str, int]:
    """How far an installation is: accounts that are connected, templates, products."""
    return {
        "accounts": Account.select().where(Account.shop_id != "").count(),
        "templates": ListingTemplate.select().count(),
        "products": products_total(),
    }


@dataclass(frozen=True, slots=True)
class Batch:
    """Work of one kind that is under way: how much was asked for, how much has ended, how much of that badly."""

    id: str
    label: str
    total: int
    done: int
    failed: int
    running: int
    seconds: float
    """Since the oldest open piece was asked for."""
    mine: bool = False
    """Some of it was asked for by the person who looks."""

    @property
    def left(self) -> float | None:
        """Seconds that the rest will take at the speed so far; None before anything has ended."""
        return self.seconds / self.done * (self.total - self.done) if self.done else None


def running_work(now: datetime, actor: str = "") -> list[Batch]:
    """One batch per kind with open work, counted from its oldest open piece; `actor` is who looks."""
    rows = _rows(
        QueueItem.select(QueueItem.kind, fn.MIN(QueueItem.id), fn.MIN(QueueItem.created_at))
        .where(QueueItem.state.in_(("queued", "running")))
        .group_by(QueueItem.kind)
    )
    return [_batch(f"{kind}:{first}", now, started, actor) for kind, first, started in rows]


def finished_work(ids: Iterable[str], now: datetime) -> list[Batch]:
    """Batches that were running when somebody last looked, as they are now; unreadable ids are passed over."""
    good = [i for i in ids if i.partition(":")[2].isdigit() and i.partition(":")[0] in actions]
    return [_batch(i, now, None, "") for i in good[:10]]


def _batch(batch_id: str, now: datetime, started: datetime | int | None, actor: str) -> Batch:
    kind, _, first = batch_id.partition(":")
    query = QueueItem.select(QueueItem.state, QueueItem.actor, fn.COUNT(QueueItem.id))
    query = query.where(QueueItem.id >= int(first), QueueItem.kind == kind)
    rows = _rows(query.group_by(QueueItem.state, QueueItem.actor))
    states: Counter[str] = Counter()
    for state, _, count in rows:
        states[state] += count
    total = sum(states.values())
    still = sum(states.get(state, 0) for state in OPEN_STATES)
    label = actions.get(kind).label if kind in actions else kind
    if isinstance(started, int):
        started = datetime.fromtimestamp(started / 1_000_000, UTC)
    seconds = (now - started).total_seconds() if started else 0.0
    failed = sum(states.get(state, 0) for state in FAILED_WORK)
    mine = bool(actor) and any(who == actor for _, who, _ in rows)
    return Batch(batch_id, label, total, total - still, failed, states.get("running", 0), seconds, mine)


def _rows(query: Any) -> list[Any]:
    """The rows of a query as tuples."""
    return list(query.tuples())


def _of_account(query: Any, model: Any, account_id: int | None) -> Any:
    return query.where(model.account == account_id) if account_id else query
