"""Fetch Onboarding Data: categories, carriers, warehouses and order states of an account."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from connector.domain.issue import Issue
from connector.plugins.api import AccountSubject, Action, ActionContext, Outcome, actions


@actions.register
class FetchOnboardingData(Action):
    """Reads what the forms offer: the category tree, warehouses and carriers.

    Calls: one per list, one per delivery option. Repeatable: replaces what was read before.
    """

    identifier = "fetch_onboarding_data"
    label = "Fetch Onboarding Data"
    subject = "account"
    icon = "database"

    def check(self, subject: AccountSubject, arguments: Mapping[str, Any]) -> list[Issue]:  # noqa: ARG002 – takes none
        """Connected."""
        return subject.refusal()

    def run(self, subject: AccountSubject, context: ActionContext) -> Outcome:
        """How much was read."""
        return Outcome(context.desk.fetch_onboarding_data(subject.id))
