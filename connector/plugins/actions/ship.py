"""Ship: reports what was shipped in Magento to TikTok Shop."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from connector.domain.issue import Issue
from connector.plugins.api import Action, ActionContext, OrderSubject, Outcome, actions


@actions.register
class Ship(Action):
    """Reads the order's shipments in the store and marks their units as shipped, with tracking number and carrier.

    Calls: one read in the store, one call per shipment that the marketplace does not know.
    Repeatable: a unit that already has a package is never sent again.
    """

    identifier = "ship"
    label = "Ship"
    subject = "order"
    icon = "truck"

    def check(self, subject: OrderSubject, arguments: Mapping[str, Any]) -> list[Issue]:  # noqa: ARG002 – takes none
        """There is a store order to read shipments of, and the marketplace waits for one."""
        if subject.magento_order_id is None:
            return [Issue("order.no_store_order", "order", "Create the Magento order first.")]
        if subject.order.status in {"UNPAID", "ON_HOLD", "CANCELLED"}:
            return [
                Issue(
                    "order.not_shippable",
                    "status",
                    f"TikTok Shop takes no shipment while it says {subject.order.status}.",
                )
            ]
        return []

    def run(self, subject: OrderSubject, context: ActionContext) -> Outcome:
        """How many packages were reported."""
        return Outcome(context.desk.ship(subject.id))
