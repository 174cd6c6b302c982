"""Inventory Price Sync: sends only the offers that differ from what TikTok Shop accepted last."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from connector.domain.issue import Issue
from connector.domain.listing import Draft, Listing, Status
from connector.plugins.api import Action, ActionContext, ListingSubject, Outcome, actions

STOCKED = frozenset({Status.DRAFT, Status.PENDING, Status.FAILED, Status.ACTIVATE, Status.SELLER_DEACTIVATED})
"""States in which the marketplace takes quantities (202309 Update Inventory)."""


@actions.register
class InventoryPriceSync(Action):
    """Sends prices and quantities of the SKUs whose offer differs from the last accepted one.

    Calls: at most one inventory update that takes pieces away, one that adds, and one price update per listing; none when
    nothing changed. Prices only go to live products; the others get them when they become live.
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
        draft = subject.draft
        assert draft is not None  # noqa: S101 – `check` refused before
        before = offers(subject.listing)
        listing, issues, pieces = send_quantities(subject.listing, draft, context)
        listing, prices = send_prices(listing, draft, context)
        if not (pieces or prices):
            return Outcome("Nothing changed." if not issues else "Refused.", listing=listing, issues=issues)
        return Outcome(
            f"{prices} prices and {pieces} quantities sent.",
            listing=listing,
            issues=issues,
            before=before,
            after=offers(listing),
        )


def offers(listing: Listing) -> dict[str, list[str]]:
    """Seller SKU → price and pieces, for the queue's before and after."""
    return {key: [str(sku.price), str(sum(sku.quantities.values()))] for key, sku in listing.skus.items()}


def send_quantities(listing: Listing, draft: Draft, context: ActionContext) -> tuple[Listing, tuple[Issue, ...], int]:
    """Takes pieces away before it adds any: what is not there must not be sold for a moment longer than needed."""
    if listing.status not in STOCKED:
        return listing, (), 0
    issues: list[Issue] = []
    sent = 0
    changes = listing.quantity_changes(draft)
    down = {key: q for key, q in changes.items() if sum(q.values()) < sum(listing.skus[key].quantities.values())}
    for batch in (down, {key: q for key, q in changes.items() if key not in down}):
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
