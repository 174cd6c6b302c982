"""Shipments made in the store, reported to the marketplace unit by unit."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

from connector.domain.order import TO_SHIP, MarketplaceOrder, StoreShipment, Track
from connector.domain.values import from_json
from connector.errors import RejectedError
from connector.plugins.policies.order import OrderPolicy
from connector.services import history, orders, placement, work
from connector.services.context import Context
from connector.store.database import locked, transaction
from connector.store.models import Account, Order, OrderLine, Shipment

UNDER_WAY = ("AWAITING_COLLECTION", "IN_TRANSIT")
CORRECTABLE = timedelta(hours=72)
"""How long after shipping the marketplace takes another tracking number (reference section 6.2)."""

TAKEN = re.compile(r"[A-Za-z0-9._/-]{4,50}")
"""Tracking numbers that the marketplace takes (reference section 6.2)."""

NOTHING = Track("", "", "")
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
    found = ctx.remotes.sales(row.account.store).shipments([row.magento_order_id])
    if any(_file(ctx, row, one) != "sent" for one in found):
        row = orders.refresh(ctx, row.id)
        for one in found:
            _file(ctx, row, one)
    due = list(Shipment.select().where(Shipment.order == row.id, Shipment.state.in_(("pending", "failed"))))
    sent, refused = 0, ""
    for shipment in due:
        try:
            sent += _report(ctx, row, shipment)
        except RejectedError as error:
            _refused(shipment, str(error))
            refused = refused or str(error)
    if refused:
        raise RejectedError(refused, system="tiktok")
    waiting = list(Shipment.select().where(Shipment.order == row.id, Shipment.state == "waiting"))
    return " ".join([f"Packages reported: {sent}.", *(shipment.message for shipment in waiting)])


def poll(ctx: Context, account: Account) -> int:
    """Looks for shipments of the account's orders, new and corrected ones, and asks for their report; how many were queued."""
    if not placement.order_policy(account).ship:
        return 0
    lately = Shipment.select(Shipment.order).where(Shipment.sent_at > ctx.clock.now() - CORRECTABLE)
    query = Order.select().where(
        Order.account == account.id,
        Order.state == "confirmed",
        Order.magento_order_id.is_null(False),
        Order.status.in_(TO_SHIP) | (Order.status.in_(UNDER_WAY) & Order.id.in_(lately)),
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
    """One row per store shipment with the units it carries; its state. Blanks in a tracking number are for people only."""
    policy = placement.order_policy(row.account)
    with transaction():
        locked(Order.select(Order.id).where(Order.id == row.id)).get()  # two who file one order's shipments take turns
        shipment, _ = Shipment.get_or_create(  # type: ignore[no-untyped-call]  # peewee leaves it untyped
            order=row.id,
            magento_shipment_id=found.entity_id,
            defaults={"created_at": ctx.clock.now(), "state": "waiting", "increment_id": found.increment_id},
        )
        tracks = [replace(track, number="".join(track.number.split())) for track in found.tracks]
        track = _reported(tracks, shipment, policy)
        values = _tracking(track, policy) | {"other_numbers": _others(tracks, track)}
        if values["other_numbers"] and values["other_numbers"] != shipment.other_numbers:
            _note_others(ctx, shipment, track.number, values["other_numbers"])
        if shipment.state != "sent":
            values["line_ids"] = _assign(shipment, found)
        if _unchanged(shipment, values):
            Shipment.update(values).where(Shipment.id == shipment.id).execute()
            return str(shipment.state)
        values["message"] = _obstacle(from_json(MarketplaceOrder, row.data), track, values)
        values["state"] = "waiting" if values["message"] else "pending"
        Shipment.update(values).where(Shipment.id == shipment.id).execute()
    return str(values["state"])


def _reported(tracks: Sequence[Track], shipment: Shipment, policy: OrderPolicy) -> Track:
    """The track that the marketplace is told, which takes one number for a package (reference section 6.2).

    The one that it has, for as long as the shipment carries it: a second parcel's number corrects nothing. Else the
    oldest with a number that it takes and a carrier that is mapped, else the oldest with any number.
    """
    numbered = [track for track in tracks if track.number]
    known = [track for track in numbered if shipment.sent_at and track.number == shipment.tracking_number]
    fit = [t for t in numbered if TAKEN.fullmatch(t.number) and policy.provider(t.carrier_code, t.title)]
    return next(iter((*known, *fit, *numbered)), NOTHING)


def _others(tracks: Sequence[Track], reported: Track) -> list[str]:
    return list(dict.fromkeys(track.number for track in tracks if track.number not in {"", reported.number}))


def _note_others(ctx: Context, shipment: Shipment, reported: str, others: Sequence[str]) -> None:
    text = (
        f"Shipment {shipment.increment_id} carries more than one tracking number. TikTok Shop takes one for a package and "
        f"is told {reported}, not {', '.join(others)}: make a Magento shipment of its own for every parcel."
    )
    history.note(ctx.clock.now(), "ship", "order.other_numbers", "order", shipment.order_id, text)


def _tracking(track: Track, policy: OrderPolicy) -> dict[str, Any]:
    return {
        "tracking_number": track.number,
        "carrier": track.carrier_code or track.title,
        "provider_id": policy.provider(track.carrier_code, track.title),
    }


def _unchanged(shipment: Shipment, values: dict[str, Any]) -> bool:
    """True when a shipment that was reported or refused says the same as then. A carrier mapped anew corrects no package."""
    names = {
        "sent": ("tracking_number", "carrier"),
        "failed": ("tracking_number", "carrier", "provider_id", "line_ids"),
    }
    compared = names.get(shipment.state)
    return compared is not None and all(getattr(shipment, name) == values[name] for name in compared)


def _obstacle(order: MarketplaceOrder, track: Track, values: dict[str, Any]) -> str:
    """What a person must do before the shipment can be reported; empty when nothing is in the way."""
    if order.shipping_type != "SELLER":
        return "TikTok Shop ships this order with a label of its own: buy the label in Seller Center."
    if not track.number:
        return "The shipment has no tracking number: add it in Magento."
    if not values["provider_id"]:
        return f"No TikTok Shop carrier is mapped to “{values['carrier']}”: choose one in the order policy."
    if order.cancel_requested:
        return "The buyer asks to cancel: answer the request first, because shipping would accept it."
    return "" if values.get("line_ids", True) else "No open unit of this order is left for this shipment."


def _assign(shipment: Shipment, found: StoreShipment) -> list[str]:
    """Line ids of the shipment: its units that are still wanted, and free ones of each store item up to its pieces."""
    wanted = OrderLine.select().where(OrderLine.order == shipment.order_id, OrderLine.status != "CANCELLED")
    chosen: list[str] = []
    for item_id, pieces in found.items.items():
        units = list(wanted.where(OrderLine.store_item_id == item_id).order_by(OrderLine.id))
        mine = [unit for unit in units if unit.shipment_id == shipment.id]
        free = [unit for unit in units if unit.shipment_id is None][: max(int(pieces) - len(mine), 0)]
        OrderLine.update(shipment_id=shipment.id).where(OrderLine.id.in_([unit.id for unit in free])).execute()
        chosen += [unit.line_id for unit in (*mine, *free)]
    return chosen


def _report(ctx: Context, row: Order, shipment: Shipment) -> int:
    """1 when the marketplace was told, 0 when it knew. Units that it has with a number are never sent again."""
    order = from_json(MarketplaceOrder, row.data)
    units = [line for line in order.open_lines if line.id in shipment.line_ids]
    numbers = {line.tracking_number for line in units}
    now = ctx.clock.now()
    if units and numbers == {shipment.tracking_number}:
        _sent(shipment, units[0].package_id or shipment.package_id, now, "TikTok Shop knew it")
        return 0
    shop = ctx.remotes.shop(row.account)
    if shipment.package_id:
        shop.update_tracking(shipment.package_id, shipment.tracking_number, shipment.provider_id)
        _sent(shipment, shipment.package_id, now, "corrected")
        return 1
    unsent: Sequence[str] = [line.id for line in units if not line.tracking_number]
    if not unsent:
        other = ", ".join(sorted(numbers - {""}))
        raise RejectedError(f"TikTok Shop has these units with another tracking number: {other}.", system="tiktok")
    package = shop.ship_lines(row.tiktok_order_id, unsent, shipment.tracking_number, shipment.provider_id)
    _sent(shipment, package, now, "reported")
    return 1


def _sent(shipment: Shipment, package: str, now: datetime, why: str) -> None:
    with transaction():
        Shipment.update(state="sent", package_id=package, sent_at=now, message="").where(
            Shipment.id == shipment.id
        ).execute()
        text = f"Shipment {shipment.increment_id}, tracking number {shipment.tracking_number}: {why}."
        history.note(now, "ship", "order.shipped", "order", shipment.order_id, text)


def _refused(shipment: Shipment, reason: str) -> None:
    """Noted, unless another worker has reported it meanwhile."""
    with transaction():
        Shipment.update(state="failed", message=reason).where(
            Shipment.id == shipment.id, Shipment.state != "sent"
        ).execute()
