"""What happens to an order after it was placed. Source: "Order API overview", the status machine."""

from __future__ import annotations

import sqlite3

from connector.sandbox.tiktok.database import Json
from connector.sandbox.tiktok.fulfilment.rows import create_package, load_package, save_package
from connector.sandbox.tiktok.orders.rows import RANKS, Order, find_order
from connector.sandbox.tiktok.orders.stock import settle_units
from connector.sandbox.tiktok.timers import schedule, timer, unschedule
from connector.sandbox.tiktok.webhooks import emit
from connector.sandbox.tiktok.world import World

PACKAGE_STATUS = {
    "AWAITING_SHIPMENT": "TO_FULFILL",
    "AWAITING_COLLECTION": "PROCESSING",
    "IN_TRANSIT": "FULFILLING",
    "DELIVERED": "COMPLETED",
    "COMPLETED": "COMPLETED",
    "CANCELLED": "CANCELLED",
}


def pay(world: World, tx: sqlite3.Connection, order: Order, *, hold: bool) -> None:
    """Raises ValueError when the order is not UNPAID."""
    if order.status != "UNPAID":
        raise ValueError(f"The order is {order.status}, not UNPAID.")
    unschedule(tx, "unpaid", order.id)
    order.document["paid_time"] = world.now()
    for line in order.alive():
        line["display_status"] = "AWAITING_SHIPMENT"
    order.document["status"] = "ON_HOLD"
    if hold:
        schedule(tx, "hold", order.id, world.clock.now() + world.options.hold_seconds)
        order.save(world, tx)
    else:
        release_hold(world, tx, order)


def release_hold(world: World, tx: sqlite3.Connection, order: Order) -> None:
    """To AWAITING_SHIPMENT, with a first package. Raises ValueError when the order is not ON_HOLD."""
    if order.status != "ON_HOLD":
        raise ValueError(f"The order is {order.status}, not ON_HOLD.")
    unschedule(tx, "hold", order.id)
    order.document["status"] = "AWAITING_SHIPMENT"
    create_package(world, tx, order, order.alive())
    order.save(world, tx)


@timer("hold")
def end_hold(world: World, tx: sqlite3.Connection, subject: str) -> None:
    order = find_order(tx, subject)
    if order and order.status == "ON_HOLD":
        release_hold(world, tx, order)


@timer("unpaid")
def give_up_unpaid(world: World, tx: sqlite3.Connection, subject: str) -> None:
    order = find_order(tx, subject)
    if order and order.status == "UNPAID":
        order.document |= {"cancellation_initiator": "SYSTEM", "cancel_reason": "The buyer did not pay in time"}
        cancel_lines(world, tx, order, order.alive(), "SYSTEM", "The buyer did not pay in time", replenish=True)


def advance(world: World, tx: sqlite3.Connection, order: Order, to: str) -> None:
    """What carriers and time do: `IN_TRANSIT` (collected), `DELIVERED`, `COMPLETED`, for every line that is one step before.

    Raises ValueError when no line is.
    """
    before = RANKS[RANKS.index(to) - 1]
    lines = [line for line in order.alive() if line["display_status"] == before]
    if not lines:
        raise ValueError(f"No line of the order is {before}, so none can become {to}.")
    for line in lines:
        line["display_status"] = to
    stamp = {"IN_TRANSIT": "collection_time", "DELIVERED": "delivery_time"}.get(to)
    if stamp:
        order.document[stamp] = world.now()
    order.derive_status()
    _follow_packages(world, tx, order, lines)
    order.save(world, tx)


def _follow_packages(world: World, tx: sqlite3.Connection, order: Order, lines: list[Json]) -> None:
    """Bring the packages of these lines to the state of the lines."""
    for line in lines:
        line["package_status"] = PACKAGE_STATUS[line["display_status"]]
    for package_id in {line["package_id"] for line in lines if line.get("package_id")}:
        package = load_package(tx, order.shop_id, package_id)
        states = {line["display_status"] for line in order.lines if line["id"] in package["order_line_item_ids"]}
        alive = states - {"CANCELLED"}
        package["package_status"] = PACKAGE_STATUS[min(alive, key=RANKS.index)] if alive else "CANCELLED"
        save_package(world, tx, order.shop_id, package)


def cancel_lines(
    world: World, tx: sqlite3.Connection, order: Order, lines: list[Json], who: str, reason: str, *, replenish: bool
) -> None:
    """Cancel lines and, when none is left, the order. Units that had not shipped leave the committed stock."""
    committed = [line for line in lines if line["display_status"] in {"UNPAID", "AWAITING_SHIPMENT"}]
    settle_units(tx, committed, order.document["warehouse_id"], replenish=replenish)
    for line in lines:
        line |= {"display_status": "CANCELLED", "cancel_reason": reason, "cancel_user": who}
    order.derive_status()
    if order.status == "CANCELLED":
        for kind in ("hold", "unpaid"):
            unschedule(tx, kind, order.id)
        order.document |= {"cancellation_initiator": who, "cancel_reason": reason, "cancel_time": world.now()}
    _follow_packages(world, tx, order, [line for line in lines if line.get("package_id")])
    order.save(world, tx)


def change_address(world: World, tx: sqlite3.Connection, order: Order, address: Json) -> None:
    """The buyer corrects the address; the webhook tells only that it changed."""
    order.private["address"] = {**order.private["address"], **address}
    order.document["has_updated_recipient_address"] = True
    order.save(world, tx)
    data = {"order_id": order.id, "update_time": world.now()}
    emit(world, tx, order.shop_id, "RECIPIENT_ADDRESS_UPDATE", data)
