"""Accept Return: agrees to a return, a refund or a buyer's cancellation."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from connector.domain.issue import Issue
from connector.plugins.api import Action, ActionContext, Outcome, ReturnSubject, actions


@actions.register
class AcceptReturn(Action):
    """Approves the request; the store cancels or refunds what was approved.

    Calls: one approval, then one cancel or credit memo in the store.
    Repeatable: the approval carries an idempotency key, the store's documents are looked up before one is made.
    """

    identifier = "accept_return"
    label = "Accept"
    subject = "return"
    confirm = "Accept the selected requests?"
    icon = "check"

    def check(self, subject: ReturnSubject, arguments: Mapping[str, Any]) -> list[Issue]:  # noqa: ARG002 – takes none
        """The marketplace waits for an answer, or this one was given already."""
        return [] if subject.decision == "approve" else subject.refusal()

    def run(self, subject: ReturnSubject, context: ActionContext) -> Outcome:
        """What was done on both sides."""
        return Outcome(context.desk.accept_return(subject.id))
