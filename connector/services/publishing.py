"""Desired against acknowledged: drafts are kept beside what the marketplace confirmed, and what differs is marked as due."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import asdict, replace
from datetime import datetime
from math import inf
from typing import Any

from peewee import fn

from connector.domain.issue import Issue, blocking
from connector.domain.listing import Draft, Listing, RemoteProduct, Status
from connector.domain.merging import merged
from connector.domain.money import to_minor
from connector.domain.values import from_json, to_json
from connector.errors import NotFoundError
from connector.services import days, history, marks, orders, snapshots
from connector.services.context import Context
from connector.services.drafter import Drafted, Drafter
from connector.services.planning import Planned, ask_due
from connector.store.database import locked, transaction
from connector.store.models import Account
from connector.store.models import Listing as ListingRow
from connector.store.models.listings import new_key

__all__ = ["Planned", "confirmed", "drafted_of", "plan", "redraft", "save_confirmed", "sync_status", "take_news"]

BATCH = 200
STATUS_OVERLAP = 600
"""Seconds that a look at the marketplace's changes goes back before the last one: it files late."""

ORDERS_FRESH = 5
"""Seconds: pieces are added to an offer only after orders were read this recently."""


def redraft(ctx: Context, account: Account, listing_ids: Sequence[int] | None = None, *, patience: float = inf) -> int:
    """Build drafts anew where something changed (or of some listings); the number built.

    What is on the marketplace comes first. After `patience` seconds the rest is left for the next time.
    """
    end = ctx.clock.now().timestamp() + patience
    drafter: Drafter | None = None
    count = 0
    for rows in _waiting(account, listing_ids):
        drafter = drafter or Drafter(ctx, account)
        for row in rows:
            _redraft(drafter, row)
        count += len(rows)
        if ctx.clock.now().timestamp() > end:
            break
    return count


def _waiting(account: Account, listing_ids: Sequence[int] | None) -> Iterator[list[ListingRow]]:
    """Batches of what is to be drafted, each row once: what becomes stale behind us is for the next time."""
    mine = ListingRow.select(ListingRow.id).where(ListingRow.account == account).order_by(ListingRow.id)
    if listing_ids is not None:
        yield list(mine.where(ListingRow.id.in_(list(listing_ids))))
        return
    remote_id = fn.COALESCE(ListingRow.remote_id, "")  # through a function: the index of stale ones is the one to take
    for there in (remote_id != "", remote_id == ""):
        last = 0
        while rows := list(mine.where(ListingRow.stale, there, ListingRow.id > last).limit(BATCH)):
            yield rows
            last = rows[-1].id


def _redraft(drafter: Drafter, row: ListingRow) -> None:
    """One draft. What marks it as stale meanwhile waits for the row and is not lost, nor is the mark if we die here."""
    with transaction():
        ListingRow.update(stale=False).where(ListingRow.id == row.id).execute()
        fresh = ListingRow.get_by_id(row.id)
        save_draft(fresh, drafter.draft(fresh, confirmed(fresh)), drafter.account.currency, drafter.now)


def save_draft(row: ListingRow, made: Drafted, currency: str, now: datetime) -> None:
    """Keep a draft with its verdict. The last good one stays when there is none, with the pieces that are there now."""
    draft = made.draft
    if draft is None and row.draft:
        kept = from_json(Draft, row.draft)
        draft = kept.with_quantities(made.quantities)
    refusals = _refusals(row, made.draft)
    valid = made.draft is not None and not blocking([*made.issues, *refusals])
    values: dict[str, Any] = {
        "validation": "valid" if valid else "invalid",
        "issues": [asdict(issue) for issue in [*made.issues, *refusals]],
        "drafted_at": now,
        "withdrawn": made.withdrawn,
        "watched": made.watched or row.watched if made.draft is None else made.watched,
    }
    if draft is not None:
        values |= {
            "draft": to_json(draft),
            "draft_digest": draft.digest(),
            "price_minor": min((to_minor(sku.price, currency) for sku in draft.skus), default=None),
            "quantity": sum(sku.quantity for sku in draft.skus),
        }
        if valid:
            values["validated_digest"] = values["draft_digest"]
    with transaction():
        ListingRow.update(**values).where(ListingRow.id == row.id).execute()
        _mark_due(row.id)


def _refusals(row: ListingRow, draft: Draft | None) -> list[Issue]:
    """What the marketplace said of this very content; gone as soon as the content is another."""
    if draft is None or not row.refused_digest or row.refused_digest != draft.content_digest():
        return []
    return [issue for issue in _issues(row) if issue.remote]


def plan(ctx: Context, account: Account, *, actor: str = "plan", patience: float = inf) -> Planned:
    """Build what is stale (for `patience` seconds), and ask for the work that the synchronization policy allows."""
    _begin_day(ctx, account)
    drafted = redraft(ctx, account, patience=patience)
    return ask_due(ctx, account, drafted, actor=actor)


def _begin_day(ctx: Context, account: Account) -> None:
    """Once a day of the store, look again at what has a price for some days."""
    today = days.today(account.store, ctx.clock.now()).toordinal()
    if marks.of(account, "day") == today:
        return
    with transaction():
        snapshots.mark_dated(account.store_id)
        marks.advance(account, "day", today)


def look_again(
    ctx: Context, account: Account, listing_id: int, *, orders_too: bool = False
) -> tuple[Draft | None, tuple[Issue, ...]]:
    """The draft as of now (None when there is none) with its issues: built anew when something changed since.

    `orders_too` reads orders first, unless that was done moments ago: pieces that somebody just bought are not offered again.
    """
    if orders_too:
        mark = marks.of(Account.get_by_id(account.id), "orders") or 0
        if ctx.clock.now().timestamp() - mark > ORDERS_FRESH:
            orders.import_window(ctx, Account.get_by_id(account.id))
    row = ListingRow.get_by_id(listing_id)
    if row.stale:
        redraft(ctx, account, [listing_id])
        row = ListingRow.get_by_id(listing_id)
    return drafted_of(row), _issues(row)


def revalidate(ctx: Context, account: Account, listing_id: int) -> tuple[Issue, ...]:
    """Build a draft anew because a person asked, forgetting what the marketplace refused; all issues."""
    with transaction():
        ListingRow.update(refused_digest="").where(ListingRow.id == listing_id).execute()
    redraft(ctx, account, [listing_id])
    return _issues(ListingRow.get_by_id(listing_id))


def _issues(row: ListingRow) -> tuple[Issue, ...]:
    return tuple(from_json(Issue, issue) for issue in row.issues or ())


def sync_status(ctx: Context, account: Account) -> int:
    """Read products that changed on the marketplace; the number that are ours."""
    now = int(ctx.clock.now().timestamp())
    since = (marks.of(account, "products") or 0) - STATUS_OVERLAP
    shop = ctx.remotes.shop(account)
    count = 0
    for remote in shop.products_updated(max(since, 0), now + 60):
        row = ListingRow.get_or_none(ListingRow.account == account, ListingRow.remote_id == remote.id)
        if row is None:
            continue
        if _price_unsure(confirmed(row), remote):
            remote = _whole(ctx, account, remote)  # noqa: PLW2901 – the same product, read in full
        take_news(row, remote, ctx.clock.now())
        count += 1
    marks.advance(account, "products", now)
    return count


def _price_unsure(listing: Listing, remote: RemoteProduct) -> bool:
    """A search tells a local seller's price without tax only: where it differs, the product itself has to be asked."""
    return any(
        sku.price is not None and key in listing.skus and sku.price != listing.skus[key].price
        for key, sku in remote.skus.items()
    )


def _whole(ctx: Context, account: Account, remote: RemoteProduct) -> RemoteProduct:
    try:
        return ctx.remotes.shop(account).product(remote.id)
    except NotFoundError:
        return remote


def take_news(row: ListingRow, remote: RemoteProduct, now: datetime) -> None:
    """Save what the marketplace says of a listing; older news, and news of a product that was replaced, change nothing."""
    with transaction():
        fresh = locked(ListingRow.select().where(ListingRow.id == row.id)).get()
        listing = confirmed(fresh)
        if listing.remote_id != remote.id:
            return
        news = listing.with_news(remote)
        if news == listing:
            return
        if news.stopped != listing.stopped:
            told = "shown again" if listing.stopped else "taken off"
            history.note(now, "Seller Center", "listing.stopped", "listing", row.id, f"{told} in the Seller Center")
        save_confirmed(fresh, news, now)
        if (news.live, news.skus) != (listing.live, listing.skus):  # what was refused before need not be refused now
            ListingRow.update(stale=True).where(ListingRow.id == row.id, ListingRow.offers_due).execute()


def confirmed(row: ListingRow) -> Listing:
    """What the marketplace last confirmed of a listing; who stopped it and the key of its next create are the row's own."""
    listing = from_json(Listing, row.confirmed or {})
    return replace(listing, stopped=row.stopped, paused=row.paused, idempotency_key=row.create_key)


def drafted_of(row: ListingRow) -> Draft | None:
    """The draft kept for a listing."""
    return from_json(Draft, row.draft) if row.draft else None


def save_confirmed(row: ListingRow, listing: Listing, now: datetime, *, began: Listing | None = None) -> None:
    """Keep what a change did to the confirmed state, and the columns that lists show of it.

    `row` is the listing as the change began, `began` what was known of it then or when it was last kept: only what differs
    from that is written, so that what others learned meanwhile (news, an order, a person's stop, another action) stays.
    """
    with transaction():
        fresh = locked(ListingRow.select().where(ListingRow.id == row.id)).get()
        _save_confirmed(row, fresh, merged(confirmed(fresh), began or confirmed(row), listing), now)


def _save_confirmed(row: ListingRow, fresh: ListingRow, listing: Listing, now: datetime) -> None:
    prices = [sku.price for sku in listing.skus.values() if sku.price is not None]
    currency = row.account.currency
    values: dict[str, Any] = {
        "confirmed": to_json(listing),
        "remote_id": listing.remote_id,
        "status": listing.status.value,
        "marketplace_price_minor": min((to_minor(price, currency) for price in prices), default=None),
        "marketplace_quantity": sum(sum(sku.quantities.values()) for sku in listing.skus.values()),
        "changed_at": now,
    }
    if listing.stopped != fresh.stopped:
        values["stopped"] = listing.stopped
    if listing.paused != fresh.paused:
        values["paused"] = listing.paused
    if listing.status is Status.DELETED and fresh.status != Status.DELETED.value:
        values["create_key"] = new_key()
    if listing.content_digest and listing.content_digest != (row.confirmed or {}).get("content_digest"):
        values |= {"watched_sent": row.watched, "refused_digest": ""}  # what the draft watched when this was sent
    ListingRow.update(**values).where(ListingRow.id == row.id).execute()
    _mark_due(row.id)


def _mark_due(listing_id: int) -> None:
    """Write down what differs between a draft and what was confirmed. Its caller has just written to the row and holds it.

    Where a policy names the attributes that alone send content (`watched`), one of them has to have changed. Pieces at a
    warehouse that only an edit assigns are content.
    """
    row = ListingRow.get_by_id(listing_id)
    listing, draft = confirmed(row), drafted_of(row)
    there = bool(listing.remote_id) and listing.status is not Status.DELETED
    content = offers = False
    sent = row.watched_sent
    if draft is not None and not there:
        content = True
    elif draft is not None:
        same = listing.content_digest == draft.content_digest()
        sent = row.watched if same else sent
        other = not row.watched or row.watched != sent or not listing.content_digest  # none: an edit was not answered
        content = bool(listing.moved(draft)) or (not same and other)
        offers = listing.differs(draft)
    if (content, offers, sent) != (row.content_due, row.offers_due, row.watched_sent):
        due = {"content_due": content, "offers_due": offers, "watched_sent": sent}
        ListingRow.update(**due).where(ListingRow.id == listing_id).execute()


def refuse(listing_id: int, issue: Issue) -> None:
    """Hold a listing back for what the marketplace refused, until its content is another."""
    with transaction():
        row = ListingRow.get_or_none(ListingRow.id == listing_id)
        if row is None:
            return
        draft = drafted_of(row)
        kept = [known for known in row.issues if known["code"] != issue.code]
        ListingRow.update(
            validation="invalid",
            issues=[*kept, asdict(issue)],
            refused_digest=draft.content_digest() if draft is not None else "",
        ).where(ListingRow.id == listing_id).execute()
