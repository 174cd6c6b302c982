"""Inventory Price Sync: sends only the offers that differ from what TikTok Shop accepted last."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import replace
from typing import Any

from connector.domain.issue import Issue
from connector.domain.listing import Draft, Listing, Status
from connector.errors import RejectedError, RemoteError, RetryableError, UnknownOutcomeError
from connector.plugins.api import Action, ActionContext, ListingSubject, Outcome, actions

LATER = 30.0
"""Seconds after which a call that failed in the middle is tried again, unless the marketplace said when."""


@actions.register
class InventoryPriceSync(Action):
    """Sends prices and quantities of the SKUs whose offer differs from the last accepted one.

    Calls: at most one inventory update that takes pieces away, one that adds (after a look for new orders), and one price
    update per listing; none when nothing changed. Prices only go to live products; the others get them when they become live.
    Repeatable: amounts are absolute, a second run after a crash sends the same and changes nothing. What was accepted before
    a failure is kept, and what nobody knows of is sent again whatever the draft says then.
    Raises: RetryableError and RejectedError from the marketplace, untouched, when nothing was sent.
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
        sending = _Sending(subject.listing, draft, context)
        try:
            sending.quantities(added)
            stopped = sending.stop_sold_out()
            sending.prices()
        except RemoteError as error:
            if sending.listing == subject.listing:
                raise
            return sending.cut_short(error)
        return sending.outcome(subject.listing, stopped=stopped)


def _added(listing: Listing, draft: Draft) -> frozenset[str]:
    """Seller SKUs that are to offer more pieces than now."""
    changes = listing.quantity_changes(draft)
    return frozenset(key for key, pieces in changes.items() if _more(listing, key, pieces))


def _more(listing: Listing, key: str, pieces: Mapping[str, int]) -> bool:
    """Whether these are more pieces than are offered now, as far as that is known."""
    return listing.skus[key].unsure or sum(pieces.values()) > sum(listing.skus[key].quantities.values())


def offers(listing: Listing) -> dict[str, list[str]]:
    """Seller SKU → price and pieces, for the queue's before and after."""
    return {key: [str(sku.price), str(sum(sku.quantities.values()))] for key, sku in listing.skus.items()}


class _Sending:
    """One listing's offer on its way: `listing` is what was accepted so far, also when a later call fails."""

    def __init__(self, listing: Listing, draft: Draft, context: ActionContext) -> None:
        self.listing, self._draft, self._shop = listing, draft, context.shop
        self._issues: list[Issue] = []
        self._pieces = self._prices = 0

    def quantities(self, again: Collection[str]) -> None:
        """Takes pieces away before it adds any: what is not there must not be sold for a moment longer than needed.

        `again` are seller SKUs to send although we think that nothing changed: an order took pieces meanwhile.
        """
        if not self.listing.takes_stock:
            return
        changes = self.listing.quantity_changes(self._draft)
        changes |= {sku.seller_sku: dict(sku.quantities) for sku in self._draft.skus if sku.seller_sku in again}
        up = {key: pieces for key, pieces in changes.items() if _more(self.listing, key, pieces)}
        for batch in ({key: pieces for key, pieces in changes.items() if key not in up}, up):
            if batch:
                self._send(batch)

    def _send(self, batch: Mapping[str, Mapping[str, int]]) -> None:
        ids = {key: self.listing.skus[key].id for key in batch}
        try:
            refused = self._shop.update_inventory(
                self.listing.remote_id, {ids[key]: pieces for key, pieces in batch.items()}
            )
        except UnknownOutcomeError:
            self.listing = self.listing.unsure_of(batch)
            raise
        accepted = {key: pieces for key, pieces in batch.items() if ids[key] not in refused}
        self._issues += [
            Issue("tiktok.inventory", key, f"{key}: {refused[ids[key]]}") for key in batch if key not in accepted
        ]
        self.listing = self.listing.with_quantities(accepted)
        self._pieces += len(accepted)

    def stop_sold_out(self) -> bool:
        """Newer documents take quantities from 1 on only: what is sold out altogether is then taken off instead."""
        sold_out = all(sku.quantity == 0 for sku in self._draft.skus)
        if not (self._issues and sold_out and self.listing.live):
            return False
        if self.listing.remote_id in self._shop.deactivate([self.listing.remote_id]):
            return False
        self.listing = replace(self.listing, status=Status.SELLER_DEACTIVATED, paused=True)
        return True

    def prices(self) -> None:
        """Prices of a live product (202309 Update Price takes no other)."""
        changes = self.listing.price_changes(self._draft) if self.listing.live else {}
        if changes:
            ids = {self.listing.skus[key].id: price for key, price in changes.items()}
            self._shop.update_prices(self.listing.remote_id, ids, self._draft.currency)
            self.listing = self.listing.with_prices(changes)
            self._prices = len(changes)

    def cut_short(self, error: RemoteError) -> Outcome:
        """A call failed after others went through, or nobody knows whether it did: what is known is kept."""
        if isinstance(error, RejectedError):
            issue = Issue(f"tiktok.{error.code or 'refused'}", "offer", str(error), request_id=error.request_id)
            return Outcome("Refused in part.", self.listing, (*self._issues, issue))
        seconds = error.retry_after if isinstance(error, RetryableError) else None
        return Outcome(str(error), self.listing, wait=LATER if seconds is None else seconds)

    def outcome(self, began: Listing, *, stopped: bool) -> Outcome:
        """What was sent, in words and numbers."""
        if stopped:
            return Outcome("TikTok Shop takes no zero: deactivated until there is stock.", self.listing)
        issues = tuple(self._issues)
        if not (self._pieces or self._prices):
            return Outcome("Nothing changed." if not issues else "Refused.", self.listing, issues)
        told = f"Prices sent: {self._prices}, quantities: {self._pieces}."
        return Outcome(told, self.listing, issues, before=offers(began), after=offers(self.listing))
