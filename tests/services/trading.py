"""What tests of orders and what follows do on both sides of a sandbox."""

from __future__ import annotations

import time
from datetime import UTC, datetime, timedelta
from typing import Any

from connector.domain.order import StoreOrder, Track
from connector.services import orders, placement
from connector.services.context import Context
from connector.store.models import Account, Order, Policy
from tests.services.test_placement_sandbox import Systems, made
from tests.services.world import Clock

UPS = ("1Z999AA10123456784", "1Z999AA10123456785", "1Z999AA10123456786")


def today(ctx: Context) -> None:
    """The context's clock stands at the machine's time, which the sandbox keeps."""
    assert isinstance(ctx.clock, Clock)
    ctx.clock.time = datetime.now(UTC)


def turn(ctx: Context, seconds: float) -> None:
    """Time passes here, and nowhere else."""
    assert isinstance(ctx.clock, Clock)
    ctx.clock.time += timedelta(seconds=seconds)


def window() -> dict[str, int]:
    """The last ten minutes and the next one, in Unix seconds."""
    return {"since": int(time.time()) - 600, "until": int(time.time()) + 60}


def bought(ctx: Context, systems: Systems, account: Account, sku: str, pieces: int = 2, **more: Any) -> Order:
    """A buyer's order, imported."""
    number = str(systems.control.post("tiktok/orders", lines=[{"seller_sku": sku, "quantity": pieces}], **more)["order_ids"][0])  # fmt: skip
    (found,) = systems.market.orders([number])
    row = orders.save(ctx, account, found)
    assert row is not None
    return row


def stored(ctx: Context, systems: Systems, account: Account, sku: str, pieces: int = 2, **more: Any) -> Order:
    """A buyer's order that is in the store."""
    row = bought(ctx, systems, account, sku, pieces, **more)
    placement.create_sales_order(ctx, row.id, "w1")
    return again(row)


def again(row: Order) -> Order:
    """The row as it is now."""
    fresh: Order = Order.get_by_id(row.id)
    return fresh


def store_order(systems: Systems, row: Order) -> StoreOrder:
    """Its one store order."""
    (found,) = made(systems, row)
    assert isinstance(found, StoreOrder)
    return found


def pack(systems: Systems, row: Order, pieces: int = 0, number: str = UPS[0], carrier: str = "ups") -> int:
    """A shipment in the store, of everything or of so many pieces; its id."""
    order = store_order(systems, row)
    items = {order.items[0].item_id: pieces} if pieces else None
    tracks = [Track(number, carrier.upper(), carrier)] if number else []
    return systems.store.ship(order.entity_id, items, tracks=tracks)


def retrack(systems: Systems, row: Order, number: str) -> None:
    """Staff replace the tracking number of the order's only shipment, or add its first."""
    (found,) = systems.store._by_ids("/shipments", "order_id", [int(row.magento_order_id or 0)])
    for track in found["tracks"]:
        systems.store._store.request("DELETE", f"/shipment/track/{track['entity_id']}", repeatable=False)
    track = {"order_id": found["order_id"], "parent_id": found["entity_id"], "track_number": number, "title": "UPS"}
    track |= {"carrier_code": "ups", "qty": 1, "weight": 1, "description": ""}
    systems.store._store.post("/shipment/track", {"entity": track})


def market_numbers(systems: Systems, row: Order) -> list[str]:
    """The tracking number of each unit on the marketplace, sorted."""
    (found,) = systems.market.orders([row.tiktok_order_id])
    return sorted(line.tracking_number for line in found.lines)


def set_policy(**settings: Any) -> None:
    """Changes the default order policy."""
    policy = Policy.get(Policy.type == "order")
    Policy.update(settings={**policy.settings, **settings}).where(Policy.id == policy.id).execute()


def provider(systems: Systems) -> str:
    """A carrier of the marketplace's."""
    place = next(one.id for one in systems.market.warehouses() if one.is_default)
    return systems.market.shipping_providers(place)[0].id
