"""What is to be done on the marketplace: asked for from the columns that say what is due, so that it costs what changed."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from peewee import fn

from connector.domain.listing import Draft, Status
from connector.domain.listing import Listing as Confirmed
from connector.domain.values import from_json
from connector.plugins.policies.synchronization import SynchronizationPolicy
from connector.services import work
from connector.services.context import Context
from connector.services.drafter import synchronization
from connector.store.database import transaction
from connector.store.models import Account, Listing, ListingTemplate, QueueItem
from connector.store.models.work import OPEN_STATES

STOP_FIRST, OFFERS, START, CONTENT = 10, 20, 30, 100
"""Priorities: stopping goes before everything, showing again after the right quantities, content last."""

AGAIN_AFTER = timedelta(hours=1)
"""What the marketplace refused is tried again after this, if nothing changed before: promotions end, limits are lifted."""

MOST = 5_000
"""Uploads that one plan asks for: stock and stops of the others must not wait for a whole catalogue to be filed."""

CONNECTOR = "connector"


_VALID = fn.COALESCE(Listing.validation, "") == "valid"
"""Through a function, so that no database takes the index of what nearly all listings are."""


@dataclass(frozen=True, slots=True)
class Planned:
    """What a plan asked for, and how many listings are held back."""

    drafted: int
    upload: int
    offers: int
    status: int
    held_back: int


def ask_due(ctx: Context, account: Account, drafted: int, *, actor: str) -> Planned:
    """Ask for the work that is due and that the account's synchronization policy allows."""
    sync = synchronization(account)
    stop, start = _to_stop(ctx, account), _to_start(ctx, account, sync) if sync.relist else []
    offers = _to_offer(ctx, account) if sync.inventory_price_sync else []
    upload = _to_upload(ctx, account, sync)
    off, on = {"status": "inactive", "by": CONNECTOR}, {"status": "active", "by": CONNECTOR}
    work.ask(ctx, "change_status", stop, actor=actor, why="must not be sold", arguments=off, priority=STOP_FIRST)
    work.ask(ctx, "inventory_price_sync", offers, actor=actor, why="price or stock changed", priority=OFFERS)
    work.ask(ctx, "change_status", start, actor=actor, why="can be sold again", arguments=on, priority=START)
    work.ask(ctx, "upload", upload, actor=actor, why="new or changed content", priority=CONTENT)
    return Planned(drafted, len(upload), len(offers), len(stop) + len(start), _held_back(account))


def _to_stop(ctx: Context, account: Account) -> list[int]:
    """Live ones that buyers must not see. They are marked as taken off by us before anybody asks the marketplace, so that
    its news of it are not read as a person's wish."""
    live = (Listing.account == account) & (fn.COALESCE(Listing.status, "") == Status.ACTIVATE.value)
    free = _free(ctx, "change_status")
    rows = [
        number  # one query a reason: each has an index of what is not as usual
        for unwanted in (Listing.withdrawn != "", Listing.stopped)
        for number in _ids(Listing.select(Listing.id).where(live, unwanted, free))
    ]
    with transaction():
        Listing.update(paused=True).where(live, Listing.withdrawn != "", ~Listing.stopped, ~Listing.paused).execute()
        settled = Listing.id.not_in(_taking_off())
        Listing.update(paused=False).where(live, Listing.withdrawn == "", Listing.paused, settled).execute()
    return sorted(set(rows))


def _taking_off() -> Any:
    """Listings whose offer is being sent: it may be about to take one off where no zero is taken, and has said so."""
    return QueueItem.select(QueueItem.subject_id).where(
        QueueItem.subject_type == "listing",
        QueueItem.kind == "inventory_price_sync",
        QueueItem.state.in_(OPEN_STATES),
    )


def _to_start(ctx: Context, account: Account, sync: SynchronizationPolicy) -> list[int]:
    """Those that we took off and that nothing keeps off any more. A person's stop is respected."""
    rows = _enabled(
        account,
        Listing.select(Listing.id).where(
            Listing.account == account,
            Listing.paused,
            ~Listing.stopped,
            fn.COALESCE(Listing.status, "") == Status.SELLER_DEACTIVATED.value,
            Listing.withdrawn == "",
            _VALID,
            Listing.quantity > 0,
            _free(ctx, "change_status"),
        ),
    )
    untrue = _offering_what_is_gone(rows) if rows and sync.inventory_price_sync else frozenset()
    return [number for number in rows if number not in untrue]


def _offering_what_is_gone(listing_ids: list[int]) -> frozenset[int]:
    """Those of them with a SKU on offer that is not there: the marketplace was not told yet, or takes no zero."""
    rows = Listing.select(Listing.id, Listing.draft, Listing.confirmed)
    return frozenset(
        row.id
        for row in list(rows.where(Listing.id.in_(listing_ids), Listing.offers_due))
        if from_json(Confirmed, row.confirmed).leftovers(from_json(Draft, row.draft))
    )


def _to_offer(ctx: Context, account: Account) -> list[int]:
    """Prices and quantities that differ, whatever keeps the content from being sent: stock has to be true."""
    return _ids(
        Listing.select(Listing.id).where(
            Listing.account == account, Listing.offers_due, _free(ctx, "inventory_price_sync")
        )
    )


def _to_upload(ctx: Context, account: Account, sync: SynchronizationPolicy) -> list[int]:
    kinds = []
    if sync.product_upload:
        kinds.append(Listing.remote_id == "")
    if sync.product_upload and sync.recreate:
        kinds.append(Listing.status == Status.DELETED.value)
    if sync.product_update:
        kinds.append((Listing.remote_id != "") & (Listing.status != Status.DELETED.value))
    if not kinds:
        return []
    wanted: Any = kinds[0]
    for kind in kinds[1:]:
        wanted = wanted | kind
    return _enabled(
        account,
        Listing.select(Listing.id).where(
            Listing.account == account,
            Listing.content_due,
            _VALID,
            ~Listing.stopped,
            Listing.withdrawn == "",
            Listing.status != Status.FREEZE.value,
            wanted,
            _free(ctx, "upload"),
        ),
    )


def _enabled(account: Account, query: Any) -> list[int]:
    """The first of them whose template is switched on. Through a function, as
    above: databases would go through all of a template's listings."""
    templates = ListingTemplate.select(ListingTemplate.id).where(
        ListingTemplate.account == account, ListingTemplate.enabled
    )
    enabled = [template.id for template in templates]
    return _ids(query.where(fn.COALESCE(Listing.template, 0).in_(enabled)).limit(MOST))


def _free(ctx: Context, kind: str) -> Any:
    """No item for it is open already, and none was refused since the draft was built and in the last hour."""
    since = ctx.clock.now() - AGAIN_AFTER
    refused = (
        QueueItem.state.in_(("rejected", "dead"))
        & (QueueItem.finished_at > since)
        & (QueueItem.finished_at >= Listing.drafted_at)
    )
    taken = QueueItem.select(QueueItem.id).where(
        QueueItem.subject_type == "listing",
        QueueItem.subject_id == Listing.id,
        QueueItem.kind == kind,
        QueueItem.state.in_(OPEN_STATES) | refused,
    )
    return ~fn.EXISTS(taken)


def _held_back(account: Account) -> int:
    unfit = Listing.validation.in_(("invalid", "unchecked"))
    return int(Listing.select().where(Listing.account == account, unfit).count())


def _ids(query: Any) -> list[int]:
    return [row.id for row in list(query.order_by(Listing.id))]
