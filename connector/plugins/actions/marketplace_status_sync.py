"""Marketplace Status Sync: reads a product's state back."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from connector.domain.issue import Issue
from connector.domain.listing import Status
from connector.errors import NotFoundError
from connector.plugins.api import Action, ActionContext, ListingSubject, Outcome, actions


@actions.register
class MarketplaceStatusSync(Action):
    """Reads state, review result, ids, prices and stock of a product.

    Calls: one read. Repeatable: older news never overwrite newer.
    """

    identifier = "marketplace_status_sync"
    label = "Marketplace Status Sync"
    icon = "cloud-download"

    def check(self, subject: ListingSubject, arguments: Mapping[str, Any]) -> list[Issue]:  # noqa: ARG002 – takes none
        """On the marketplace."""
        return [] if subject.listing.remote_id else [Issue("listing.not_uploaded", "status", "Upload it first.")]

    def run(self, subject: ListingSubject, context: ActionContext) -> Outcome:
        """The listing as the marketplace describes it."""
        try:
            remote = context.shop.product(subject.listing.remote_id)
        except NotFoundError:
            listing = replace(subject.listing, status=Status.DELETED)
            return Outcome("TikTok Shop does not know it any more.", listing=listing)
        listing = subject.listing.with_news(remote)
        return Outcome(f"{listing.status.value}: {'; '.join(listing.reasons) or 'no remarks'}.", listing=listing)
