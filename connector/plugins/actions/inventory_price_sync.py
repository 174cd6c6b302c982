"""Inventory Price Sync: sends only the offers that differ from what TikTok Shop accepted last."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import replace
from typing import Any

from connector.domain.issue import Issue
from connector.domain.listing import Draft, Listing, Status
from connector.plugins.api import Action, ActionContext, ListingSubject, Outcome, actions


@actions.register
class InventoryPriceSync(Action):
    """Sends prices and quantities of the SKUs whose offer differs from the last accepted one.

    Calls: at most one inventory update that takes pieces away, one that adds (after a look for new orders), and one price
    update per listing; none when nothing changed. Prices only go to live products; the others get them when they become live.
    Repeatable: amounts are absolute, a second run after a crash sends the same and changes nothing.
    Raises: RetryableError and RejectedError from the marketplace, untouched.
    """

    identifier = "inventory_price_sync"
    label = "Inventory Price Sync"
    confirm = "Send prices and quantities of the selected products?"
    icon = "refresh-cw"

    def check(self, subject: ListingSubject, arguments: Mapping[str, Any]) -> list[Issue]:  # noqa: ARG002 – takes none
        """On the marketplace, and with a draft to compare with."""
        if not subject.listing.remote_id:
            return [Issue("listing.not_uploaded", "status", "Upload it first.")]
        if subject.draft is None:
            return list(subject.issues) or [
                Issue("listing.no_draft", "template", "No price and stock could be worked out.")
            ]
        return []

    def run(self, subject: ListingSubject, context: ActionContext) -> Outcome:
        """The listing with what was accepted."""
        draft, _ = context.desk.look_again(subject.id)
        added = _added(subject.listing, draft) if draft is not None else frozenset()
        if added:
            draft, _ = context.desk.look_again(subject.id, orders_too=True)
        assert draft is not None  # noqa: S101 – `check` refused before, and a draft once kept stays
        before = offers(subject.listing)
        listing, issues, pieces = send_quantities(subject.listing, draft, context, added)
        listing, stopped = _without_zero(listing, draft, issues, context)
        listing, prices = send_prices(listing, draft, context)
        if stopped:
            return Outcome("TikTok Shop takes no zero: deactivated until there is stock.", listing, before=before)
        if not (pieces or prices):
            return Outcome("Nothing changed." if not issues else "Refused.", listing=listing, issues=issues)
        return Outcome(
            f"{prices} prices and {pieces} quantities sent.",
            listing=listing,
            issues=issues,
            before=before,
            after=offers(listing),
        )


def _added(listing: Listing, draft: Draft) -> frozenset[str]:
    """Seller SKUs that are to offer more pieces than now."""
    changes = listing.quantity_changes(draft)
    return frozenset(key for key, pieces in changes.items() if _more(listing, key, pieces))


def _more(listing: Listing, key: str, pieces: Mapping[str, int]) -> bool:
    """Whether these are more pieces than are offered now, as far as that is known."""
    return listing.skus[key].unsure or sum(pieces.values()) > sum(listing.skus[key].quantities.values())


def _without_zero(
    listing: Listing, draft: Draft, issues: tuple[Issue, ...], context: ActionContext
) -> tuple[Listing, bool]:
    """Newer documents take quantities from 1 on only: what is sold out altogether is then taken off instead."""
    sold_out = all(sku.quantity == 0 for sku in draft.skus)
    if not (issues and sold_out and listing.live):
        return listing, False
    if listing.remote_id in context.shop.deactivate([listing.remote_id]):
        return listing, False
    return replace(listing, status=Status.SELLER_DEACTIVATED, paused=True), True


def offers(listing: Listing) -> dict[str, list[str]]:
    """Seller SKU → price and pieces, for the queue's before and after."""
    return {key: [str(sku.price), str(sum(sku.quantities.values()))] for key, sku in listing.skus.items()}


def send_quantities(
    listing: Listing, draft: Draft, context: ActionContext, again: Collection[str] = ()
) -> tuple[Listing, tuple[Issue, ...], int]:
    """Takes pieces away before it adds any: what is not there must not be sold for a moment longer than needed.

    `again` are seller SKUs to send although we think that nothing changed: an order took pieces meanwhile.
    """
    if not listing.takes_stock:
        return listing, (), 0
    issues: list[Issue] = []
    sent = 0
    changes = listing.quantity_changes(draft)
    changes |= {sku.seller_sku: dict(sku.quantities) for sku in draft.skus if sku.seller_sku in again}
    up = {key: q for key, q in changes.items() if _more(listing, key, q)}
    for batch in ({key: q for key, q in changes.items() if key not in up}, up):
        if not batch:
            continue
        refused = context.shop.update_inventory(
            listing.remote_id, {listing.skus[key].id: q for key, q in batch.items()}
        )
        accepted = {key: q for key, q in batch.items() if listing.skus[key].id not in refused}
        issues += [
            Issue("tiktok.inventory", key, f"{key}: {refused[listing.skus[key].id]}")
            for key in batch
            if key not in accepted
        ]
        listing = listing.with_quantities(accepted)
        sent += len(accepted)
    return listing, tuple(issues), sent


def send_prices(listing: Listing, draft: Draft, context: ActionContext) -> tuple[Listing, int]:
    """Prices of a live product (202309 Update Price takes no other)."""
    changes = listing.price_changes(draft) if listing.live else {}
    if changes:
        context.shop.update_prices(
            listing.remote_id, {listing.skus[key].id: price for key, price in changes.items()}, draft.currency
        )
    return listing.with_prices(changes), len(changes)
