"""Change Status: shows a product to buyers, or hides it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from connector.domain.issue import Issue
from connector.domain.listing import Status
from connector.errors import RejectedError
from connector.plugins.api import Action, ActionContext, Argument, ListingSubject, Outcome, actions

ACTIVE, INACTIVE = "active", "inactive"


@actions.register
class ChangeStatus(Action):
    """Activates or deactivates a product.

    Calls: one. Repeatable: a product that is already there is left alone.
    Raises: RejectedError with the marketplace's reason when it refuses this product.
    """

    identifier = "change_status"
    label = "Change Status"
    icon = "power"
    arguments = (
        Argument(
            "status", "Status", choices=((ACTIVE, "Active"), (INACTIVE, "Inactive")), kind="select", required=True
        ),
    )

    def check(self, subject: ListingSubject, arguments: Mapping[str, Any]) -> list[Issue]:
        """On the marketplace; switched on only while its template is."""
        if not subject.listing.remote_id:
            return [Issue("listing.not_uploaded", "status", "Upload it first.")]
        if arguments.get("status") not in {ACTIVE, INACTIVE}:
            return [Issue("arguments.status", "status", "Choose Active or Inactive.")]
        if arguments["status"] == ACTIVE and not subject.template_enabled:
            return [
                Issue("listing.template_disabled", "template", "The listing template is disabled: enable it first.")
            ]
        return []

    def run(self, subject: ListingSubject, context: ActionContext) -> Outcome:
        """The listing in its new state; `stopped` keeps a person's wish."""
        listing = subject.listing
        wanted_on = context.arguments["status"] == ACTIVE
        listing = replace(listing, stopped=not wanted_on)
        if wanted_on and listing.status in {Status.SELLER_DEACTIVATED, Status.PLATFORM_DEACTIVATED}:
            refused = context.shop.activate([listing.remote_id])
            done = replace(listing, status=Status.PENDING)
        elif not wanted_on and listing.status is Status.ACTIVATE:
            refused = context.shop.deactivate([listing.remote_id])
            done = replace(listing, status=Status.SELLER_DEACTIVATED)
        else:
            return Outcome(f"Already {'active' if wanted_on else 'inactive'}.", listing=listing)
        if listing.remote_id in refused:
            raise RejectedError(refused[listing.remote_id], system="tiktok")
        return Outcome("Activated; TikTok Shop reviews it." if wanted_on else "Deactivated.", listing=done)
