"""What travels to the marketplace by itself."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from connector.domain.issue import Issue
from connector.plugins.api import Policy, policies, setting

SHORTEST = 1
STOP, KEEP = "stop", "keep"
LEAVING = ((STOP, "Take it off TikTok Shop"), (KEEP, "Leave it there; stock goes on"))


@policies.register
@dataclass(frozen=True, slots=True)
class SynchronizationPolicy(Policy):
    """Which steps run without anybody asking, and how often the store and the marketplace are looked at."""

    identifier: ClassVar[str] = "synchronization"
    label: ClassVar[str] = "Synchronization"

    product_upload: bool = setting(True, "Product upload", "Upload valid products by themselves.")
    product_update: bool = setting(True, "Product update", "Send changed content by itself.")
    inventory_price_sync: bool = setting(True, "Inventory/price sync", "Send changed prices and stock by itself.")
    product_assign: bool = setting(True, "Product assign", "Assign products to templates by the rules, by itself.")
    attributes: list[str] = setting(
        [],
        "Only specific attributes syncing",
        "When set, only a change of these sends content.",
        choices="magento_attributes",
    )
    leaving: str = setting(
        STOP,
        "When no rule assigns it any more",
        "What becomes of a product that left its listing template.",
        choices=LEAVING,
    )
    relist: bool = setting(
        True,
        "Put back",
        "Show again what the connector took off, once the reason is gone; never what a person stopped.",
    )
    recreate: bool = setting(False, "Create again", "Upload anew what somebody deleted on TikTok Shop.")
    stock_every: int = setting(300, "Look at stock every", "Seconds.", group="Rhythm")
    products_every: int = setting(300, "Look at products every", "Seconds.", group="Rhythm")
    orders_every: int = setting(120, "Look at orders every", "Seconds; webhooks bring them sooner.", group="Rhythm")
    status_every: int = setting(600, "Look at marketplace status every", "Seconds.", group="Rhythm")

    store_every: int = setting(
        86_400,
        "Look at attributes and categories every",
        "Seconds; 86400 is a day. Also the store's settings, attribute sets and sources.",
        group="Rhythm",
    )

    def problems(self) -> list[Issue]:
        """Rhythms are whole seconds; what is chosen is on offer."""
        found = [
            Issue(f"synchronization.{name}", name, "Write at least 1 second.")
            for name in ("stock_every", "products_every", "orders_every", "status_every", "store_every")
            if getattr(self, name) < SHORTEST
        ]
        if self.leaving not in dict(LEAVING):
            found.append(Issue("synchronization.leaving", "leaving", "Choose one of the list."))
        return found
