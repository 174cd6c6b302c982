"""One worker's claim on one order while its store order is made: what it knows, and how it commits a step."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from connector.domain import correction
from connector.domain.order import MarketplaceOrder, StoreOrder
from connector.errors import RejectedError, RetryableError
from connector.plugins.policies.order import OrderPolicy
from connector.ports import Sales
from connector.services import direct_orders
from connector.services.context import Context
from connector.store.database import transaction
from connector.store.models import Account, MagentoStore, Order, OrderLine

LEASE = timedelta(minutes=3)


@dataclass
class Claim:
    """`email` is the mailbox that names the order in the store, `skus` the store SKU by line id."""

    ctx: Context
    row: Order
    owner: str
    account: Account
    store: MagentoStore
    policy: OrderPolicy
    sales: Sales
    order: MarketplaceOrder
    email: str
    skus: dict[str, str]

    def save(self, **changes: Any) -> None:
        """Commits a step and renews the claim.

        Raises:
            RetryableError: the claim ran out and another worker took the order.
        """
        now = self.ctx.clock.now()
        changes |= {"lease_until": now + LEASE, "changed_at": now}
        with transaction():
            kept = Order.update(changes).where(Order.id == self.row.id, Order.lease_owner == self.owner).execute()
        if not kept:
            raise RetryableError("The claim on this order ran out.", system="magento", retry_after=30)
        self.row = Order.get_by_id(self.row.id)

    def number(self) -> int:
        """The store order's entity id, once there is one."""
        if self.row.magento_order_id is None:
            raise RejectedError("There is no store order yet.", system="magento")
        return int(self.row.magento_order_id)

    def units(self, placed: StoreOrder) -> frozenset[str]:
        """What the store order was placed with. A unit that was cancelled since then is corrected with the others; its case,
        which waits for that, takes it off."""
        sent = self.row.sent_carts.get(str(placed.quote_id or ""), ())
        return correction.placed_units(self.order, placed, self.skus, sent)


def store_skus(store: MagentoStore, row: Order) -> dict[str, str]:
    """Store SKU by line id, as the store writes it."""
    lines = list(OrderLine.select().where(OrderLine.order == row.id))
    spelled = direct_orders.spelling(store, {line.sku for line in lines})
    return {line.line_id: spelled[line.sku.casefold()] for line in lines}
