"""Whether every listing has arrived on the marketplace as it should be there, or says why not."""

from __future__ import annotations

from collections.abc import Mapping, Set
from typing import Any

from peewee import fn

from connector.domain.listing import Draft
from connector.store.models import Account, Listing, QueueItem

FAILED_STATES = ("dead", "rejected", "unknown")


def fate(row: Listing) -> str:
    """`live`, `refused` by the review, `held_back` with a reason, or `missing`: nobody says why it is not there."""
    if row.status == "ACTIVATE":
        return "live"
    if row.status == "FAILED":
        return "refused"
    return "held_back" if reasons(row) else "missing"


def reasons(row: Listing) -> list[str]:
    """Codes of what keeps a listing off the marketplace."""
    serious = [issue["code"] for issue in row.issues if issue.get("severity", "error") == "error"]
    found = serious if row.validation == "invalid" else []
    return found or ([row.withdrawn] if row.withdrawn else []) or (["stopped"] if row.stopped else [])


def assigned(account: Account) -> list[Listing]:
    """Every listing with a template: each of them has to have a fate."""
    rows = Listing.select().where(Listing.account == account, Listing.template.is_null(False))
    return list(rows.order_by(Listing.id))


def missing(account: Account) -> list[str]:
    """Listings that are neither live nor refused nor held back, with the last cause that the queue tells of each."""
    rows = [row for row in assigned(account) if fate(row) == "missing"]
    causes = _causes([row.id for row in rows])
    return [_missing(row, causes.get(row.id) or "the queue names no cause") for row in rows]


def _missing(row: Listing, cause: str) -> str:
    where = f"{row.status} on the marketplace" if row.remote_id else "not on the marketplace"
    return f"{row.product.sku}: {row.validation} but {where}: {cause}"


def _causes(listing_ids: list[int]) -> dict[int, str]:
    """What the queue last said of each of these listings."""
    about = QueueItem.select().where(
        QueueItem.subject_type == "listing", QueueItem.subject_id.in_(listing_ids), QueueItem.cause != ""
    )
    return {item.subject_id: f"{item.kind} is {item.state}: {item.cause}" for item in about.order_by(QueueItem.id)}


def failures() -> list[str]:
    """Work whose last try failed for good, or ended nobody knows how. The journey provokes none.

    A rejected upload is not told where the listing says itself what the marketplace refused.
    """
    last = QueueItem.select(fn.MAX(QueueItem.id)).group_by(QueueItem.kind, QueueItem.subject_type, QueueItem.subject_id)
    bad = QueueItem.select().where(QueueItem.id.in_(last), QueueItem.state.in_(FAILED_STATES)).order_by(QueueItem.id)
    return [f"{item.kind} {item.name} is {item.state}: {item.cause}" for item in list(bad) if not _explained(item)]


def _explained(item: QueueItem) -> bool:
    if item.state != "rejected" or item.subject_type != "listing":
        return False
    row = Listing.get_or_none(Listing.id == item.subject_id)
    return row is not None and fate(row) == "held_back"


def content(name: str, draft: Draft, truth: Mapping[str, Any]) -> list[str]:
    """Where a live product does not look as its draft wants it."""
    found = [
        f"{name}: {what} is {there!r}, not {wanted!r}"
        for what, there, wanted in (
            ("title", truth["title"], draft.title),
            ("category", truth["category_id"], draft.category_id),
            ("external id", truth["external_product_id"], draft.external_product_id),
        )
        if there != wanted
    ]
    found += [f"{name}: it has no description"] if draft.description and not truth["description"] else []
    return found + ([] if truth["main_images"] else [f"{name}: it has no picture"])


def variants(row: Listing, on_sale: Set[str], in_store: Mapping[str, Set[str]]) -> list[str]:
    """Variants (store SKUs) that the store sells and the marketplace does not, or the other way round.

    `in_store` is SKU of each configurable → its variants. One that the listing names in an issue is left out for that.
    """
    sku = row.product.sku
    if row.product.type_id != "configurable":
        return []
    wanted = in_store.get(sku, frozenset())
    told = " ".join(str(issue["message"]) for issue in row.issues)
    absent = [one for one in sorted(wanted - on_sale) if one not in told]
    found = [f"{sku}: the store's variant {one} is not on the marketplace" for one in absent]
    return found + [f"{sku}: variant {one} is none of the store's" for one in sorted(on_sale - wanted)]
