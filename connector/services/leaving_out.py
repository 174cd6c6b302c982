"""Orders of which the store gets none: by the order policy, or because the marketplace ships them itself."""

from __future__ import annotations

from typing import Any

from connector.domain.order import PLACEABLE, TO_SHIP
from connector.plugins.policies.order import OrderPolicy
from connector.services import history
from connector.services.context import Context
from connector.store.database import transaction
from connector.store.models import Order

ACTOR = "order policy"


def apply(ctx: Context, policy: OrderPolicy, mine: Any) -> int:
    """Skips the orders in `mine` that the policy leaves out, and takes back those that it does not any more; how many changed.

    The order says why in its reason. One that was left out is looked at again for as long as the store can still send it.
    """
    undecided = (Order.state == "") & Order.status.in_(list(PLACEABLE))
    to_ship = (Order.state == "skipped") & Order.status.in_(TO_SHIP)
    rows = Order.select().where(mine, Order.magento_order_id.is_null(), undecided | to_ship)
    changed = 0
    for row in list(rows):
        reason = policy.leaves_out(tuple((row.data or {}).get("kinds") or ()), row.placed_at)
        state = "skipped" if reason else ""
        if (row.state, row.failed_reason if reason else "") != (state, reason):
            _save(ctx, row, state, reason)
            changed += 1
    return changed


def _save(ctx: Context, row: Order, state: str, reason: str) -> None:
    now = ctx.clock.now()
    with transaction():
        Order.update(state=state, failed_reason=reason, changed_at=now).where(
            Order.id == row.id, Order.state == row.state
        ).execute()
        history.note(now, ACTOR, "order.skipped" if reason else "order.taken_back", "order", row.id, reason)
