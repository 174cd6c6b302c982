"""Sync Status: reads an order's state from both sides."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from connector.domain.issue import Issue
from connector.plugins.api import Action, ActionContext, OrderSubject, Outcome, actions


@actions.register
class SyncStatus(Action):
    """Reads the order from the marketplace and the store, and does what is due.

    Calls: one read on each side. Repeatable: older news never overwrite newer.
    """

    identifier = "sync_status"
    label = "Sync Status"
    subject = "order"
    icon = "refresh-cw"

    def check(self, subject: OrderSubject, arguments: Mapping[str, Any]) -> list[Issue]:  # noqa: ARG002 – takes none
        """Always possible."""
        return []

    def run(self, subject: OrderSubject, context: ActionContext) -> Outcome:
        """Both states."""
        return Outcome(context.desk.sync_status(subject.id))
