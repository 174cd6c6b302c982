"""Pieces that the stock read last counts too many: sold on the marketplace, and the store does not lack them yet, or ever."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from peewee import JOIN, Case, fn

from connector.domain.order import RESERVING
from connector.store.models import Account, Order, OrderLine, Product

UNMADE = ("", "reserved", "claimed", "cart", "placing", "failed")
"""States of an order that the store does not have and is to get."""

TO_BE_CARRIED = (*sorted(RESERVING), "AWAITING_SHIPMENT", "PARTIALLY_SHIPPING", "AWAITING_COLLECTION")
"""Marketplace states in which the goods are still in the warehouse."""

BATCH = 400


@dataclass(frozen=True, slots=True)
class Held:
    """Pieces of one SKU. `wanted` are those that orders want and the stock read last does not lack yet; `unreserved` those
    of orders saved directly, by which the store's salable quantity is too high whatever becomes of the order."""

    wanted: int = 0
    unreserved: int = 0

    @property
    def pieces(self) -> int:
        """All of them."""
        return self.wanted + self.unreserved


def kept(skus: Sequence[str], *, account_id: int | None = None, store_id: int | None = None) -> dict[str, Held]:
    """By store SKU; those without any are absent.

    Every account of one store sells the same pieces: give the store for what a listing may promise.
    """
    mine: list[Any] = []
    if account_id is not None:
        mine.append(Order.account == account_id)
    if store_id is not None:
        mine.append(Account.store == store_id)
    wanted = list(skus)
    found: dict[str, Held] = {}
    for start in range(0, len(wanted), BATCH):
        found |= _count(OrderLine.sku.in_(wanted[start : start + BATCH]), *mine)
    return found


def held(skus: Sequence[str], *, account_id: int | None = None, store_id: int | None = None) -> dict[str, int]:
    """The same as plain numbers: all that is not to be promised of what the store says it has."""
    return {sku: one.pieces for sku, one in kept(skus, account_id=account_id, store_id=store_id).items()}


def of_order(order_id: int) -> dict[str, Held]:
    """What one order keeps back, by store SKU."""
    return _count(Order.id == order_id)


def _count(*conditions: Any) -> dict[str, Held]:
    wanted, unreserved = _wanted(), _unreserved()
    query = (
        OrderLine.select(OrderLine.sku, _sum(wanted), _sum(unreserved))
        .join(Order)
        .join(Account)
        .join(Product, JOIN.LEFT_OUTER, on=(Product.store == Account.store) & (Product.sku == OrderLine.sku))
        .where(*conditions, wanted | unreserved)
        .group_by(OrderLine.sku)
    )
    rows: Any = query.tuples()
    return {sku: Held(*numbers) for sku, *numbers in rows}


def _sum(condition: Any) -> Any:
    return fn.SUM(Case(None, [(condition, 1)], 0))


def _wanted() -> Any:
    """Units of orders that the store does not have and is to get, however far the goods are; of orders that it gets none of,
    until they are carried away; of those that it made after the stock was read; and what staff gave back to the stock by
    ending the store order, unless the store has sent it.

    An order that was completed before anything was tried is none of these: it is older than the connection, or left to
    people by the order policy.
    """
    untried = (Order.state == "") & (Order.status == "COMPLETED")
    to_be_made = Order.state.in_(UNMADE) & ~untried
    left_out = (Order.state == "skipped") & Order.status.in_(TO_BE_CARRIED)
    not_there = Order.magento_order_id.is_null() & (to_be_made | left_out)
    after_the_read = Order.stock_reserved & (Order.stored_at >= Product.stock_at)
    ended = (Order.ended != "") & OrderLine.shipment_id.is_null()
    there = Order.magento_order_id.is_null(False) & (after_the_read | ended)
    return (OrderLine.status != "CANCELLED") & (Order.status != "CANCELLED") & (not_there | there)


def _unreserved() -> Any:
    """Units of store orders that were saved directly, until somebody has compensated for them.

    A direct save reserves nothing, but shipping, cancelling and refunding what was not sent each give a reservation back that
    was never made (reference section 4.3): before and after, the salable quantity is too high by just these units. They are
    known once the store's items are assigned; before that all of the order's count.
    """
    sibling: Any = OrderLine.alias()
    assigned = sibling.select(sibling.id).where(sibling.order == Order.id, sibling.store_item_id.is_null(False))
    in_the_store = OrderLine.store_item_id.is_null(False) | ~fn.EXISTS(assigned)
    direct = Order.magento_order_id.is_null(False) & ~Order.stock_reserved & Order.compensated_at.is_null()
    return direct & in_the_store
