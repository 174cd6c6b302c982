"""Create Magento Sales Order: the one store order of a marketplace order."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from connector.domain.issue import Issue
from connector.domain.order import PLACEABLE
from connector.plugins.api import Action, ActionContext, OrderSubject, Outcome, actions


@actions.register
class CreateSalesOrder(Action):
    """Places the order in the store by a cart, corrects its amounts and writes its number back.

    Repeatable: the order is claimed by one worker, and searched in the store before every place call.
    Raises: UnknownOutcomeError when the store did not answer; the order is looked up before anything is sent again.
    """

    identifier = "create_sales_order"
    label = "Create Sales Order"
    subject = "order"
    confirm = "Create the Magento order of the selected orders?"
    icon = "shopping-cart"

    def check(self, subject: OrderSubject, arguments: Mapping[str, Any]) -> list[Issue]:  # noqa: ARG002 – takes none
        """Paid, not cancelled, not made already."""
        if subject.state == "confirmed" and subject.written_back:
            return [Issue("order.exists", "order", "The Magento order exists already.")]
        if subject.order.status not in PLACEABLE:
            return [
                Issue("order.not_due", "status", f"No order is created while TikTok Shop says {subject.order.status}.")
            ]
        return []

    def run(self, subject: OrderSubject, context: ActionContext) -> Outcome:
        """The store's order number."""
        return Outcome(context.desk.create_sales_order(subject.id))
