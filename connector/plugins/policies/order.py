"""How marketplace orders become store orders, and how shipments go back."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time
from typing import ClassVar

from connector.domain.issue import Issue
from connector.domain.order import PLACEABLE
from connector.plugins.api import Policy, policies, setting

STATUSES = (
    ("AWAITING_SHIPMENT", "Awaiting shipment"),
    ("PARTIALLY_SHIPPING", "Partially shipping"),
    ("AWAITING_COLLECTION", "Awaiting collection"),
    ("IN_TRANSIT", "In transit"),
    ("DELIVERED", "Delivered"),
)
KINDS = (("SAMPLE", "Free samples"), ("REPLACEMENT", "Replacements"))
PLATFORM = "PLATFORM"
"""What an order is that the marketplace ships from its own warehouse."""

_EMAIL = re.compile(r"[^@\s]+@[^@\s]+\.[^@\s]+")

BOOKINGS = (("payout", "What the seller receives"), ("buyer", "What the buyer paid"))


@policies.register
@dataclass(frozen=True, slots=True)
class OrderPolicy(Policy):
    """When an order is created, under what name, how it is invoiced and how its shipment is reported."""

    identifier: ClassVar[str] = "order"
    label: ClassVar[str] = "Order"

    create_order: bool = setting(True, "Create order in Magento", "Off: orders are only shown here.")
    create_when: list[str] = setting(
        [status for status, _ in STATUSES],
        "Create order when",
        "Marketplace states in which a store order is made.",
        choices=STATUSES,
    )
    created_since: str = setting(
        "", "Create orders placed since", "A day such as 2026-11-23, UTC; older orders are only shown. Empty: all."
    )
    leave_out: list[str] = setting(
        [], "Make no store order for", "Orders of these kinds are only shown here.", choices=KINDS
    )
    alternate_sku_attribute: str = setting(
        "",
        "Alternate SKU attribute",
        "Magento attribute that holds the marketplace SKU; empty uses the SKU.",
        choices="magento_attributes",
    )
    notify: bool = setting(
        False, "Allow order notification", "Mail about new store orders to the account's order mailbox."
    )
    prefix: str = setting(
        "TTS-", "Order ID prefix", "Starts the number of orders that the cart refuses and that are saved directly."
    )
    invoice: bool = setting(True, "Invoice creation", "Invoice the store order as soon as it is confirmed.")
    ship: bool = setting(True, "Shipment creation", "Report shipments made in Magento to TikTok Shop.")
    carriers: dict[str, str] = setting(
        {}, "Carrier mapping", "Magento carrier code → TikTok Shop shipping provider.", choices="carriers"
    )
    default_provider: str = setting(
        "", "Default shipping provider", "For carriers without a mapping.", choices="carriers"
    )
    customer: str = setting(
        "",
        "Customer",
        "E-mail of one customer of the store whose orders they become. Empty: each buyer orders as a guest.",
    )
    platform_discount: str = setting(
        "payout",
        "Book platform discounts as",
        "TikTok and payment providers pay theirs to the seller.",
        choices=BOOKINGS,
    )
    payment_method: str = setting(
        "checkmo", "Payment method", "Used while placing; any active offline method.", group="Store order"
    )
    carrier: str = setting("flatrate", "Carrier code", "Used while placing.", group="Store order")
    method: str = setting("flatrate", "Shipping method code", "Used while placing.", group="Store order")
    direct_fallback: bool = setting(
        True,
        "Save directly what a cart refuses",
        "The order is then marked: the store's stock is not reserved.",
        group="Store order",
    )
    accept_cancellations: bool = setting(
        True,
        "Accept cancellations before shipping",
        "A buyer's request is accepted while nothing is shipped.",
        group="After sales",
    )
    refuse_shipped: bool = setting(
        True,
        "Refuse cancellations after shipping",
        "A buyer's request is refused once the store has shipped: without an answer TikTok Shop would grant it.",
        group="After sales",
    )
    restock_returns: bool = setting(
        True,
        "Put returned goods back to stock",
        "Off: a returned piece is refunded and not sold again.",
        group="After sales",
    )
    status_map: dict[str, str] = setting(
        {}, "Order status mapping", "TikTok Shop status → Magento status, for the order's comment."
    )

    def problems(self) -> list[Issue]:
        """States and bookings that exist, codes that are not empty, a prefix that leaves room for the number."""
        found = []
        if self.create_order and not self.create_when:
            found.append(Issue("order.create_when", "create_when", "Create order when: choose at least one state."))
        unknown = [state for state in self.create_when if state not in PLACEABLE]
        if unknown:
            found.append(
                Issue("order.create_when", "create_when", f"No store order can be made in {', '.join(unknown)}.")
            )
        if self.created_since and _day(self.created_since) is None:
            text = "Create orders placed since: write a day such as 2026-11-23."
            found.append(Issue("order.created_since", "created_since", text))
        if self.customer and not _EMAIL.fullmatch(self.customer):
            text = "Customer: write the e-mail of a customer of the store, or leave it empty for guests."
            found.append(Issue("order.customer", "customer", text))
        if len(self.prefix) > 20:
            found.append(Issue("order.prefix", "prefix", "Order ID prefix: write at most 20 characters."))
        if self.platform_discount not in dict(BOOKINGS):
            found.append(
                Issue("order.platform_discount", "platform_discount", "Choose how platform discounts are booked.")
            )
        found.extend(
            Issue(f"order.{name}", name, "Must not be empty.")
            for name in ("payment_method", "carrier", "method")
            if not getattr(self, name)
        )
        return found

    def leaves_out(self, kinds: Sequence[str], placed_at: datetime) -> str:
        """Why no store order is made of an order of these kinds; empty when one is."""
        if PLATFORM in kinds:
            return "TikTok Shop ships this order from its own warehouse."
        if not self.create_order:
            return "The order policy makes no store orders."
        left = [label for kind, label in KINDS if kind in kinds and kind in self.leave_out]
        if left:
            return f"The order policy makes no store order for: {', '.join(left).lower()}."
        since = _day(self.created_since)
        if since is not None and placed_at < since:
            return f"Placed before {self.created_since}, the first day of the order policy."
        return ""

    def provider(self, carrier_code: str, title: str) -> str:
        """The marketplace's provider id for a Magento tracking number, empty when nothing is mapped."""
        return self.carriers.get(carrier_code) or self.carriers.get(title) or self.default_provider


def _day(text: str) -> datetime | None:
    """When a day begins in UTC; None for no day."""
    try:
        return datetime.combine(date.fromisoformat(text), time(), UTC) if text else None
    except ValueError:
        return None
