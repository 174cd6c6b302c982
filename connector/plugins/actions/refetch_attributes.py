"""Refetch Attributes: what the categories of listing templates ask for."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from connector.domain.issue import Issue
from connector.plugins.api import AccountSubject, Action, ActionContext, Argument, Outcome, actions


@actions.register
class RefetchAttributes(Action):
    """Reads attributes and rules of categories, and keeps the mapping that people made.

    Calls: two per category. Repeatable: replaces what was read before.
    """

    identifier = "refetch_attributes"
    label = "Refetch Attributes"
    subject = "account"
    icon = "list-restart"
    arguments = (
        Argument(
            "categories",
            "Categories",
            "None chosen: those of all listing templates.",
            choices="template_categories",
            kind="multiselect",
        ),
    )

    def check(self, subject: AccountSubject, arguments: Mapping[str, Any]) -> list[Issue]:  # noqa: ARG002 – any categories
        """Connected."""
        return subject.refusal()

    def run(self, subject: AccountSubject, context: ActionContext) -> Outcome:
        """How much was read."""
        return Outcome(context.desk.refetch_attributes(subject.id, context.arguments.get("categories") or ()))
