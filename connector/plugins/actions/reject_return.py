"""Reject Return: refuses a return, a refund or a buyer's cancellation, with a reason."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from connector.domain.issue import Issue
from connector.plugins.api import Action, ActionContext, Argument, Outcome, ReturnSubject, actions


@actions.register
class RejectReturn(Action):
    """Refuses the request with one of the reasons that the marketplace accepts for it now.

    Calls: one look-up of reasons, one rejection. Repeatable: it carries an idempotency key.
    """

    identifier = "reject_return"
    label = "Reject"
    subject = "return"
    icon = "x"
    arguments = (
        Argument(
            "reason",
            "Reason",
            "Key of a reason that TikTok Shop accepts; empty takes the first it offers.",
            choices="reject_reasons",
        ),
    )

    def check(self, subject: ReturnSubject, arguments: Mapping[str, Any]) -> list[Issue]:  # noqa: ARG002 – any reason
        """The marketplace waits for an answer, or this one was given already."""
        return [] if subject.decision == "reject" else subject.refusal()

    def run(self, subject: ReturnSubject, context: ActionContext) -> Outcome:
        """What was answered."""
        return Outcome(context.desk.reject_return(subject.id, str(context.arguments.get("reason") or "")))
