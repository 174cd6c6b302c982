"""Import Orders: reads marketplace orders, cancellations and returns of a period."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from connector.domain.issue import Issue
from connector.plugins.api import AccountSubject, Action, ActionContext, Argument, Outcome, actions

STATUSES = (
    ("", "Any"),
    ("UNPAID", "Unpaid"),
    ("ON_HOLD", "On hold"),
    ("AWAITING_SHIPMENT", "Awaiting shipment"),
    ("PARTIALLY_SHIPPING", "Partially shipping"),
    ("AWAITING_COLLECTION", "Awaiting collection"),
    ("IN_TRANSIT", "In transit"),
    ("DELIVERED", "Delivered"),
    ("COMPLETED", "Completed"),
    ("CANCELLED", "Cancelled"),
)


@actions.register
class ImportOrders(Action):
    """Reads the orders that changed in a period, or one order by its id, with their cancellations and returns.

    Calls: as many pages as the period has. Repeatable: an order is filed under its id; older news never overwrite newer.
    """

    identifier = "import_orders"
    label = "Import Orders"
    subject = "account"
    icon = "download"
    arguments = (
        Argument("status", "Status", choices=STATUSES, kind="select"),
        Argument(
            "from",
            "From",
            "Orders changed since this day (UTC); empty goes on where the last import ended.",
            kind="date",
        ),
        Argument("to", "To", "Changed until this day (UTC).", kind="date"),
        Argument("order_id", "Order Id", "One order only."),
    )

    def check(self, subject: AccountSubject, arguments: Mapping[str, Any]) -> list[Issue]:
        """Connected; a period that does not end before it starts."""
        start, end = arguments.get("from"), arguments.get("to")
        if start and end and str(start) > str(end):
            return [Issue("arguments.to", "to", "The period ends before it starts.")]
        return subject.refusal()

    def run(self, subject: AccountSubject, context: ActionContext) -> Outcome:
        """How many orders were new and how many changed."""
        return Outcome(context.desk.import_orders(subject.id, context.arguments))
