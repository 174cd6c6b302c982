"""A person's word on where products belong: into one template, out of all of them, or as the rules say again."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from connector.domain.values import chunks
from connector.errors import ConfigurationError
from connector.services import assignment
from connector.services.assigning import progress_of
from connector.services.context import Context
from connector.store.bulk import insert_rows, update_rows
from connector.store.database import transaction
from connector.store.models import Account, HistoryEntry, Listing, ListingTemplate, Product

PIN, KEEP_OUT, RELEASE = "listing.pin", "listing.keep_out", "listing.follow_rules"
"""What the history calls them."""

CHUNK = 500
"""Products in one transaction."""

_UNRULED: dict[str, Any] = {
    "rule": "", "rule_file": "", "rule_line": 0, "rule_version": None, "rule_inputs": {}, "overlaps": [], "pinned": True, "stale": True,
}  # fmt: skip
"""Columns of a listing that no rule placed."""


@dataclass(frozen=True, slots=True)
class Pinned:
    """Who placed a product by hand, and when."""

    actor: str
    at: datetime


def pin(ctx: Context, template: ListingTemplate, product_ids: Sequence[int], actor: str) -> int:
    """Put products into a template, whatever the rules say; how many were not pinned there already.

    Products that have no listing on the template's account get one. Variants and products of other stores are passed over.
    """
    return sum(_place(ctx, template.account, template, some, actor) for some in chunks(product_ids, CHUNK))


def keep_out(ctx: Context, account: Account, product_ids: Sequence[int], actor: str) -> int:
    """Keep products out of every template of an account, whatever the rules say; how many were not kept out already."""
    return sum(_place(ctx, account, None, some, actor) for some in chunks(product_ids, CHUNK))


def release(ctx: Context, account: Account, product_ids: Sequence[int], actor: str) -> int:
    """Let the rules decide again about products that a person placed; how many those were.

    Raises:
        ConfigurationError: the rules cannot be asked now; nothing was changed.
    """
    return sum(_release(ctx, account, some, actor) for some in chunks(product_ids, CHUNK))


def by_whom(listing_ids: Iterable[int]) -> dict[int, Pinned]:
    """Listing id → the latest person who placed it; without those of whom the history knows nothing any more."""
    found: dict[int, Pinned] = {}
    for ids in chunks(list(listing_ids), CHUNK):
        entries = HistoryEntry.select().where(
            HistoryEntry.subject_type == "listing",
            HistoryEntry.subject_id.in_([str(id_) for id_ in ids]),
            HistoryEntry.action.in_((PIN, KEEP_OUT)),
        )
        found |= {int(e.subject_id): Pinned(e.actor, e.at) for e in entries.order_by(HistoryEntry.id)}
    return found


def _place(
    ctx: Context, account: Account, template: ListingTemplate | None, product_ids: Sequence[int], actor: str
) -> int:
    now, place = ctx.clock.now(), template.id if template else None
    with transaction():
        progress_of(account.store)  # a batch of the rules that decides about the same products ends first
        known = {row.product_id: row for row in _listings(account, product_ids)}
        moved = [row for row in known.values() if not (row.pinned and row.template_id == place)]
        columns = {**_UNRULED, "template": place, "changed_at": now}
        update_rows(Listing, list(columns), [(row.id, list(columns.values())) for row in moved])
        new = _leads(account, [id_ for id_ in product_ids if id_ not in known])
        insert_rows(Listing, [{"account": account.id, "product": id_, **columns} for id_ in new])
        before = {row.id: (row.template_id, row.pinned) for row in moved}
        before |= {row.id: (None, False) for row in _listings(account, new)}
        _note(now, actor, PIN if template else KEEP_OUT, before, template)
    return len(before)


def _release(ctx: Context, account: Account, product_ids: Sequence[int], actor: str) -> int:
    with transaction():
        progress_of(account.store)
        rows = [row for row in _listings(account, product_ids) if row.pinned]
        if not rows:
            return 0
        update_rows(Listing, ("pinned", "stale"), [(row.id, (False, True)) for row in rows])
        assignment.decide(ctx, account, [row.product_id for row in rows])
        _note(ctx.clock.now(), actor, RELEASE, {row.id: (row.template_id, True) for row in rows}, None)
    return len(rows)


def _listings(account: Account, product_ids: Sequence[int]) -> list[Listing]:
    return list(Listing.select().where(Listing.account == account, Listing.product.in_(list(product_ids))))


def _leads(account: Account, product_ids: Sequence[int]) -> list[int]:
    """Those that can be listed on this account: of its store, no variants, still there."""
    rows = Product.select(Product.id).where(
        Product.id.in_(list(product_ids)), Product.store == account.store_id, Product.parent.is_null(), ~Product.deleted
    )
    return [row.id for row in rows.order_by(Product.id)]


def _note(
    now: datetime,
    actor: str,
    action: str,
    before: Mapping[int, tuple[int | None, bool]],
    template: ListingTemplate | None,
) -> None:
    """One entry for each listing; `before` is its id → the template it was in, and whether by hand."""
    used = {place for place, _ in before.values() if place}
    names = {row.id: row.name for row in ListingTemplate.select().where(ListingTemplate.id.in_(sorted(used)))}
    said = {"at": now, "actor": actor, "action": action, "subject_type": "listing", "message": ""}
    after = (
        {"pinned": False} if action == RELEASE else {"template": template.name if template else None, "pinned": True}
    )
    insert_rows(
        HistoryEntry,
        [
            {
                **said,
                "subject_id": str(id_),
                "before": {"template": names.get(place or 0), "pinned": by_hand},
                "after": after,
            }
            for id_, (place, by_hand) in before.items()
        ],
    )


def template_of(template_id: int | None) -> ListingTemplate:
    """The template that a person chose.

    Raises:
        ConfigurationError: it is not there any more, or none was chosen.
    """
    found: ListingTemplate | None = ListingTemplate.get_or_none(ListingTemplate.id == template_id)
    if found is None:
        raise ConfigurationError("Choose a listing template: the one that was chosen is not there any more.")
    return found
