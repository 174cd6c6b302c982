"""Reject: cancels an order that cannot be delivered."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from connector.domain.issue import Issue
from connector.plugins.api import Action, ActionContext, Argument, OrderSubject, Outcome, actions

REASONS = (
    ("out_of_stock", "Out of stock"),
    ("wrong_price", "Pricing error"),
    ("address_not_deliver", "Unable to deliver"),
)


@actions.register
class Reject(Action):
    """Cancels an order on the marketplace as its seller; the store order follows.

    The marketplace's own reason key is looked up for the order's state, because it differs by market and state.
    Repeatable: an order that is cancelled already is left alone.
    """

    identifier = "reject"
    label = "Reject"
    subject = "order"
    confirm = "Cancel the selected orders on TikTok Shop?"
    icon = "ban"
    arguments = (Argument("reason", "Reason", choices=REASONS, kind="select", required=True),)

    def check(self, subject: OrderSubject, arguments: Mapping[str, Any]) -> list[Issue]:
        """A known reason, and nothing shipped yet."""
        if arguments.get("reason") not in dict(REASONS):
            return [Issue("arguments.reason", "reason", "Choose a reason.")]
        if subject.order.status not in {"ON_HOLD", "AWAITING_SHIPMENT"}:
            return [
                Issue(
                    "order.not_cancellable",
                    "status",
                    f"TikTok Shop lets nobody cancel while it says {subject.order.status}.",
                )
            ]
        return []

    def run(self, subject: OrderSubject, context: ActionContext) -> Outcome:
        """What became of both orders."""
        return Outcome(context.desk.reject(subject.id, context.arguments["reason"]))
