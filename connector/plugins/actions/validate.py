"""Product Validate: is everything there that TikTok Shop asks for?"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from connector.domain.issue import Issue, blocking
from connector.plugins.api import Action, ActionContext, ListingSubject, Outcome, actions


@actions.register
class Validate(Action):
    """Builds the draft anew and checks it against the category's rules.

    Calls: none. Repeatable: the same product gives the same verdict.
    """

    identifier = "validate"
    label = "Validate"
    icon = "clipboard-check"

    def check(self, subject: ListingSubject, arguments: Mapping[str, Any]) -> list[Issue]:  # noqa: ARG002 – takes none
        """Always possible."""
        return []

    def run(self, subject: ListingSubject, context: ActionContext) -> Outcome:
        """Valid, or all reasons why not."""
        issues = context.desk.validate(subject.id)
        wrong = len(blocking(issues))
        return Outcome("Valid." if not wrong else f"{wrong} problem{'s' if wrong > 1 else ''}.", issues=issues)
