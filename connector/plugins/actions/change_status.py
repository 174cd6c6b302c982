"""Change Status: shows a product to buyers, or hides it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from connector.domain.issue import Issue
from connector.domain.listing import STATUS_LABELS, Listing, Status
from connector.errors import RejectedError
from connector.plugins.api import Action, ActionContext, Argument, ListingSubject, Outcome, actions

ACTIVE, INACTIVE = "active", "inactive"
CONNECTOR = "connector"
"""Argument `by` of what no person asked for."""


@actions.register
class ChangeStatus(Action):
    """Activates or deactivates a product.

    Calls: one. Repeatable: a product that is already there is left alone. A person's choice is kept as a wish; what the
    connector does for a reason of its own (argument `by`) is not, and is undone when the reason is gone.
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
        if arguments["status"] == INACTIVE:
            return []
        if not subject.template_enabled:
            return [
                Issue("listing.template_disabled", "template", "The listing template is disabled: enable it first.")
            ]
        return [issue for issue in subject.issues if issue.blocks and issue.code.startswith("product.")]

    def run(self, subject: ListingSubject, context: ActionContext) -> Outcome:
        """The listing in its new state, with whose wish it is."""
        listing = subject.listing
        wanted_on = context.arguments["status"] == ACTIVE
        ours = context.arguments.get("by") == CONNECTOR
        if ours and wanted_on and listing.stopped:
            return Outcome("Left off: a person stopped it.", listing=listing)
        listing = replace(listing, paused=ours and not wanted_on, stopped=listing.stopped if ours else not wanted_on)
        if wanted_on and listing.status in {Status.SELLER_DEACTIVATED, Status.PLATFORM_DEACTIVATED}:
            refused = context.shop.activate([listing.remote_id])
            done = replace(listing, status=Status.PENDING)
        elif not wanted_on and listing.status is Status.ACTIVATE:
            refused = context.shop.deactivate([listing.remote_id])
            done = replace(listing, status=Status.SELLER_DEACTIVATED)
        else:
            return Outcome(_nothing_to_do(listing, wanted_on=wanted_on), listing=listing)
        if listing.remote_id in refused:
            raise RejectedError(refused[listing.remote_id], system="tiktok")
        return Outcome("Activated; TikTok Shop reviews it." if wanted_on else "Deactivated.", listing=done)


def _nothing_to_do(listing: Listing, *, wanted_on: bool) -> str:
    if not wanted_on and listing.status is Status.PENDING:
        return "TikTok Shop reviews it: it is taken off when the review is over."
    if wanted_on and listing.status is not Status.ACTIVATE:
        return f"TikTok Shop says “{STATUS_LABELS[listing.status]}”, which cannot be activated: upload it."
    return f"Already {'active' if wanted_on else 'inactive'}."
