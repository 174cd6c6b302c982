"""What goes on in a demonstration that stays up: buyers order, stock and prices move, parcels leave."""

from __future__ import annotations

import random
from decimal import Decimal
from typing import Any

from connector.journey import trade
from connector.journey.run import Journey
from connector.store.models import Order


class Everyday:
    """The life of a shop, one small event at each call of `go_on`."""

    def __init__(self, journey: Journey, chance: random.Random) -> None:
        self._journey, self._chance = journey, chance
        self._turn = 0

    def go_on(self) -> str:
        """One event as a sentence; empty when nothing could happen now."""
        events = (self._order, self._restock, self._ship, self._order, self._reprice, self._ship)
        event = events[self._turn % len(events)]
        self._turn += 1
        return event()

    def _order(self) -> str:
        offers = trade.sellable(self._journey.account, 3)
        if not offers:
            return ""
        seller_sku, _ = self._chance.choice(offers)
        pieces = self._chance.randint(1, 3)
        wanted: dict[str, Any] = {"lines": [{"seller_sku": seller_sku, "quantity": pieces}]}
        order_id = self._journey.sandbox.place_order(wanted)
        return f"A buyer orders {pieces} × {seller_sku} (order {order_id})."

    def _restock(self) -> str:
        sku = self._store_sku()
        if not sku:
            return ""
        pieces = self._chance.randint(0, 120)
        self._journey.keeper.set_stock(sku, pieces)
        return f"The store counts {pieces} pieces of {sku}."

    def _reprice(self) -> str:
        sku = self._store_sku()
        if not sku:
            return ""
        keeper = self._journey.keeper
        price = (keeper.price(sku) * self._chance.choice((Decimal("0.9"), Decimal("1.05")))).quantize(Decimal("0.01"))
        keeper.set_price(sku, price)
        return f"The store asks {price} for {sku}."

    def _ship(self) -> str:
        """The oldest order that waits for its parcel."""
        waiting = Order.select().where(Order.status == "AWAITING_SHIPMENT", Order.state == "confirmed")
        for order in waiting.order_by(Order.id).limit(3):
            stage = trade.Stage(self._journey.ctx, self._journey.sandbox, self._journey.keeper, order)
            if stage.keeper.left_to_ship(stage.entity_id):
                trade.ship_at_once(stage)
                return f"The store ships order {order.magento_increment_id}."
        return ""

    def _store_sku(self) -> str:
        offers = trade.sellable(self._journey.account, 0)
        return self._chance.choice(offers)[1] if offers else ""
