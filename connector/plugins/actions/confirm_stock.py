"""Confirm Stock Correction: somebody has put the store's stock right about an order."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from connector.domain.issue import Issue
from connector.plugins.api import Action, ActionContext, OrderSubject, Outcome, actions


@actions.register
class ConfirmStock(Action):
    """Reads the stock of the order's products anew and keeps nothing back for the order from then on.

    Calls: reads of the store. Repeatable: a second time there is nothing left to do.
    """

    identifier = "confirm_stock"
    label = "Confirm Stock Correction"
    subject = "order"
    confirm = "Is Magento's stock right about the selected orders? Nothing is kept back for them any more."
    icon = "check"

    def check(self, subject: OrderSubject, arguments: Mapping[str, Any]) -> list[Issue]:  # noqa: ARG002 – takes none
        """Pieces of it are kept back until somebody has corrected the stock."""
        if subject.stock_due:
            return []
        text = "Nothing of this order waits for a correction of Magento's stock."
        return [Issue("order.stock_not_due", "stock_reserved", text)]

    def run(self, subject: OrderSubject, context: ActionContext) -> Outcome:
        """What became of it."""
        return Outcome(context.desk.confirm_stock(subject.id))
