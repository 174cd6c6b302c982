"""Shipments made in the store, reported to the marketplace unit by unit."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from connector.domain.order import MarketplaceOrder, StoreShipment, Track
from connector.domain.values import from_json
from connector.errors import RejectedError, UnknownOutcomeError
from connector.services import history, orders, placement, work
from connector.services.context import Context
from connector.store.database import transaction
from connector.store.models import Account, Order, OrderLine, Shipment

OPEN = ("AWAITING_SHIPMENT", "PARTIALLY_SHIPPING")
BATCH = 100


def sync(ctx: Context, order_id: int) -> str:
    """Reads the order's store shipments and reports those that the marketplace does not know; how many, as a sentence.

    Raises:
        RejectedError: there is no store order, or the marketplace refused a shipment (its row says why).
        UnknownOutcomeError: a report was not answered; the next call looks the units up before it sends again.
    """
    row: Order = Order.get_by_id(order_id)
    if row.magento_order_id is None:
        raise RejectedError("Create the store order first.", system="magento")
    for found in ctx.remotes.sales(row.account.store).shipments([row.magento_order_id]):
        _file(ctx, row, found)
    due = list(Shipment.select().where(Shipment.order == row.id, Shipment.state.in_(("pending", "failed"))))
    if due:
        row = orders.refresh(ctx, row.id)
    sent = sum(_report(ctx, row, shipment) for shipment in due)
    waiting = Shipment.select().where(Shipment.order == row.id, Shipment.state == "waiting").count()
    return f"{sent} packages reported" + (f", {waiting} wait for a tracking number." if waiting else ".")


def poll(ctx: Context, account: Account) -> int:
    """Looks for shipments of the account's open orders and asks for their report; how many were queued."""
    if not placement.order_policy(account).ship:
        return 0
    query = Order.select().where(
        Order.account == account.id, Order.status.in_(OPEN), Order.magento_order_id.is_null(False)
    )
    rows = {row.magento_order_id: row for row in query if row.magento_order_id is not None}
    numbers, due = sorted(rows), set()
    sales = ctx.remotes.sales(account.store)
    for start in range(0, len(numbers), BATCH):
        for found in sales.shipments(numbers[start : start + BATCH]):
            row = rows[found.order_id]
            if _file(ctx, row, found) == "pending":
                due.add(row.id)
    return work.ask(ctx, "ship", sorted(due), actor="shipments", why="shipped in the store", priority=60).queued


def _file(ctx: Context, row: Order, found: StoreShipment) -> str:
    """One row per store shipment with the units it carries; its state."""
    track = next((track for track in found.tracks if track.number), Track("", "", ""))
    policy = placement.order_policy(row.account)
    now = ctx.clock.now()
    with transaction():
        known: Shipment | None = Shipment.get_or_none(
            Shipment.order == row.id, Shipment.magento_shipment_id == found.entity_id
        )
        if known is not None and known.state == "sent":
            return "sent"
        values: dict[str, Any] = {
            "increment_id": found.increment_id,
            "tracking_number": track.number,
            "carrier": track.carrier_code or track.title,
            "provider_id": policy.provider(track.carrier_code, track.title),
        }
        if known is None:
            values["state"] = "pending" if track.number else "waiting"
            known = Shipment.create(order=row.id, magento_shipment_id=found.entity_id, created_at=now, **values)
            _assign(known, found)
        else:
            if known.state == "waiting" and track.number:
                values["state"] = "pending"
            Shipment.update(values).where(Shipment.id == known.id).execute()
        return str(Shipment.get_by_id(known.id).state)


def _assign(shipment: Shipment, found: StoreShipment) -> None:
    """Gives the shipment as many free units of each store item as it has pieces, in the order of the lines."""
    chosen: list[str] = []
    for item_id, pieces in found.items.items():
        free = OrderLine.select().where(
            OrderLine.order == shipment.order_id,
            OrderLine.store_item_id == item_id,
            OrderLine.shipment_id.is_null(),
            OrderLine.status != "CANCELLED",
        )
        units = list(free.order_by(OrderLine.id).limit(int(pieces)))
        OrderLine.update(shipment_id=shipment.id).where(OrderLine.id.in_([unit.id for unit in units])).execute()
        chosen += [unit.line_id for unit in units]
    Shipment.update(line_ids=chosen).where(Shipment.id == shipment.id).execute()


def _report(ctx: Context, row: Order, shipment: Shipment) -> int:
    """1 when the marketplace was told, 0 when it knew. Units that it has with our number are never sent again."""
    shipment = Shipment.get_by_id(shipment.id)
    package = _known_package(from_json(MarketplaceOrder, row.data), shipment)
    now = ctx.clock.now()
    if package:
        _sent(shipment, package, now, "the marketplace knew it")
        return 0
    lines: Sequence[str] = shipment.line_ids
    if not shipment.provider_id or not lines:
        reason = (
            f"No TikTok Shop carrier is mapped to “{shipment.carrier}”: choose one in the order policy."
            if lines
            else "No open unit of this order is left for this shipment."
        )
        _refused(shipment, reason)
        raise RejectedError(reason, system="tiktok")
    try:
        shop = ctx.remotes.shop(row.account)
        package = shop.ship_lines(row.tiktok_order_id, lines, shipment.tracking_number, shipment.provider_id)
    except UnknownOutcomeError:
        raise
    except RejectedError as error:
        _refused(shipment, str(error))
        raise
    _sent(shipment, package, now, "reported")
    return 1


def _known_package(order: MarketplaceOrder, shipment: Shipment) -> str:
    """The package in which the marketplace has this tracking number for one of the units; empty when it has none."""
    for line in order.lines:
        if line.id in shipment.line_ids and line.tracking_number == shipment.tracking_number and line.tracking_number:
            return line.package_id or "known"
    return ""


def _sent(shipment: Shipment, package: str, now: datetime, why: str) -> None:
    with transaction():
        Shipment.update(state="sent", package_id=package, sent_at=now, message="").where(
            Shipment.id == shipment.id
        ).execute()
        text = f"Shipment {shipment.increment_id}, tracking number {shipment.tracking_number}: {why}."
        history.note(now, "ship", "order.shipped", "order", shipment.order_id, text)


def _refused(shipment: Shipment, reason: str) -> None:
    with transaction():
        Shipment.update(state="failed", message=reason).where(Shipment.id == shipment.id).execute()
