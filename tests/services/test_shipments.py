"""Shipments of the store told to the marketplace: partly, twice, too early, unanswered, corrected (HTTP, in the sandbox)."""

from __future__ import annotations

from typing import Any

import pytest

from connector.errors import RejectedError, UnknownOutcomeError
from connector.services import orders, shipments
from connector.services.context import Context
from connector.store.models import Account, HistoryEntry, Order, OrderLine, QueueItem, Shipment
from tests.clients.rehearsal import wait_for
from tests.services.test_placement_sandbox import Systems, account, ctx, sku, systems
from tests.services.trading import UPS, market_numbers, pack, provider, retrack, set_policy, stored, turn

__all__ = ["account", "ctx", "sku", "systems"]


def states() -> list[tuple[str, int]]:
    """State and number of units of every shipment, oldest first."""
    return [(row.state, len(row.line_ids)) for row in Shipment.select().order_by(Shipment.id)]


def packages(systems: Systems, row: Order) -> set[str]:
    (found,) = systems.market.orders([row.tiktok_order_id])
    return {line.package_id for line in found.lines}


def test_a_part_and_then_the_rest_are_two_packages(ctx: Context, systems: Systems, account: Account, sku: str) -> None:
    row = stored(ctx, systems, account, sku, 3)
    pack(systems, row, 1, UPS[0])

    assert shipments.sync(ctx, row.id) == "Packages reported: 1."
    assert (orders.refresh(ctx, row.id).status, market_numbers(systems, row)) == (
        "PARTIALLY_SHIPPING",
        ["", "", UPS[0]],
    )
    pack(systems, row, 0, UPS[1])
    assert shipments.poll(ctx, account) == 1
    assert QueueItem.get(QueueItem.kind == "ship").subject_id == row.id
    assert shipments.sync(ctx, row.id) == "Packages reported: 1."

    assert orders.refresh(ctx, row.id).status == "AWAITING_COLLECTION"
    assert market_numbers(systems, row) == [UPS[0], UPS[1], UPS[1]]
    assert states() == [("sent", 1), ("sent", 2)]
    assert {shipment.package_id for shipment in Shipment.select()} == packages(systems, row)
    assert shipments.poll(ctx, account) == 0


def test_a_carrier_without_a_mapping_waits_with_what_to_do(
    ctx: Context, systems: Systems, account: Account, sku: str
) -> None:
    set_policy(default_provider="")
    row = stored(ctx, systems, account, sku)
    pack(systems, row, carrier="dhl")

    assert shipments.poll(ctx, account) == 0
    told = shipments.sync(ctx, row.id)

    assert told == "Packages reported: 0. No TikTok Shop carrier is mapped to “dhl”: choose one in the order policy."
    assert states() == [("waiting", 2)]
    set_policy(carriers={"dhl": provider(systems)})
    assert shipments.poll(ctx, account) == 1, "the cause is gone, and nobody had to ask"
    assert shipments.sync(ctx, row.id) == "Packages reported: 1."
    assert Shipment.get().message == ""


def test_a_shipment_without_a_number_waits_until_it_has_one(
    ctx: Context, systems: Systems, account: Account, sku: str
) -> None:
    row = stored(ctx, systems, account, sku)
    pack(systems, row, number="")
    assert shipments.poll(ctx, account) == 0
    assert Shipment.get().message == "The shipment has no tracking number: add it in Magento."

    retrack(systems, row, UPS[2])

    assert shipments.poll(ctx, account) == 1
    assert shipments.sync(ctx, row.id) == "Packages reported: 1."
    assert set(market_numbers(systems, row)) == {UPS[2]}


@pytest.mark.parametrize("fault", ["timeout_after_success", "drop_connection"])
def test_an_unanswered_report_is_looked_up_before_it_is_sent_again(
    ctx: Context, systems: Systems, account: Account, sku: str, fault: str
) -> None:
    row = stored(ctx, systems, account, sku)
    pack(systems, row)
    systems.control.fault("tiktok", rf"POST .*/orders/{row.tiktok_order_id}/packages", fault)
    with pytest.raises(UnknownOutcomeError):
        shipments.sync(ctx, row.id)
    assert states() == [("pending", 2)]
    if fault == "timeout_after_success":
        wait_for(lambda: market_numbers(systems, row) == [UPS[0]] * 2)

    told = shipments.sync(ctx, row.id)

    assert told == f"Packages reported: {int(fault == 'drop_connection')}."
    assert (states(), market_numbers(systems, row)) == ([("sent", 2)], [UPS[0]] * 2)
    assert packages(systems, row) == {Shipment.get().package_id}
    assert shipments.sync(ctx, row.id) == "Packages reported: 0."
    assert HistoryEntry.select().where(HistoryEntry.action == "order.shipped").count() == 1


def test_a_worker_that_dies_after_the_report_leaves_nothing_to_double(
    ctx: Context, systems: Systems, account: Account, sku: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The process ends between the marketplace's answer and our note of it."""
    row = stored(ctx, systems, account, sku)
    pack(systems, row)

    def dies(*_given: Any) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(shipments, "_sent", dies)
        with pytest.raises(KeyboardInterrupt):
            shipments.sync(ctx, row.id)
    before = packages(systems, row)

    assert shipments.sync(ctx, row.id) == "Packages reported: 0."
    assert (states(), packages(systems, row)) == ([("sent", 2)], before)


def test_a_tracking_number_corrected_in_the_store_corrects_the_package(
    ctx: Context, systems: Systems, account: Account, sku: str
) -> None:
    row = stored(ctx, systems, account, sku)
    pack(systems, row)
    shipments.sync(ctx, row.id)
    orders.refresh(ctx, row.id)
    package = Shipment.get().package_id
    retrack(systems, row, UPS[1])

    assert shipments.poll(ctx, account) == 1
    assert shipments.sync(ctx, row.id) == "Packages reported: 1."

    assert market_numbers(systems, row) == [UPS[1]] * 2
    assert (Shipment.get().package_id, states()) == (package, [("sent", 2)])
    assert shipments.poll(ctx, account) == 0
    turn(ctx, shipments.CORRECTABLE.total_seconds() + 1)
    assert shipments.poll(ctx, account) == 0


def test_a_number_that_was_typed_with_blanks_is_told_without(
    ctx: Context, systems: Systems, account: Account, sku: str
) -> None:
    row = stored(ctx, systems, account, sku)
    pack(systems, row, number=" 1Z 999 AA1 01 2345 6784 ")
    assert shipments.sync(ctx, row.id) == "Packages reported: 1."
    assert market_numbers(systems, row) == [UPS[0]] * 2
    assert shipments.sync(ctx, row.id) == "Packages reported: 0."


def add_track(systems: Systems, row: Order, number: str, carrier: str = "ups") -> None:
    """Staff enter one more number for the order's only shipment."""
    (found,) = systems.store._by_ids("/shipments", "order_id", [int(row.magento_order_id or 0)])
    track = {"order_id": found["order_id"], "parent_id": found["entity_id"], "track_number": number, "title": "Parcel"}
    systems.store._store.post(
        "/shipment/track", {"entity": track | {"carrier_code": carrier, "qty": 1, "weight": 1, "description": ""}}
    )


def told_others() -> list[str]:
    query = HistoryEntry.select().where(HistoryEntry.action == "order.other_numbers").order_by(HistoryEntry.id)
    return [entry.message for entry in query]


def test_of_several_numbers_the_oldest_that_can_be_taken_is_told_and_the_others_are_named(
    ctx: Context, systems: Systems, account: Account, sku: str
) -> None:
    set_policy(default_provider="", carriers={"ups": provider(systems)})
    row = stored(ctx, systems, account, sku)
    pack(systems, row, number="byhand!")
    for number, carrier in ((UPS[0], "dhl"), (UPS[1], "ups"), (UPS[2], "ups"), (UPS[2], "ups")):
        add_track(systems, row, number, carrier)

    assert shipments.sync(ctx, row.id) == "Packages reported: 1."

    assert (market_numbers(systems, row), states()) == ([UPS[1]] * 2, [("sent", 2)])
    shipment = Shipment.get()
    assert shipment.other_numbers == ["byhand!", UPS[0], UPS[2]]
    (told,) = told_others()
    assert f"is told {UPS[1]}, not byhand!, {UPS[0]}, {UPS[2]}: make a Magento shipment of its own" in told
    assert shipments.sync(ctx, row.id) == "Packages reported: 0."
    assert len(told_others()) == 1


def test_a_number_that_is_added_later_corrects_nothing_until_the_first_is_gone(
    ctx: Context, systems: Systems, account: Account, sku: str
) -> None:
    row = stored(ctx, systems, account, sku)
    pack(systems, row)
    shipments.sync(ctx, row.id)
    add_track(systems, row, UPS[1])

    assert shipments.poll(ctx, account) == 0
    assert (Shipment.get().other_numbers, len(told_others())) == ([UPS[1]], 1)
    assert market_numbers(systems, row) == [UPS[0]] * 2

    retrack(systems, row, UPS[1])
    assert shipments.poll(ctx, account) == 1
    shipments.sync(ctx, row.id)
    assert (market_numbers(systems, row), Shipment.get().other_numbers) == ([UPS[1]] * 2, [])


def test_nothing_is_shipped_while_the_buyer_asks_to_cancel(
    ctx: Context, systems: Systems, account: Account, sku: str
) -> None:
    """Shipping without an answer would accept the request: goods and money would be gone."""
    row = stored(ctx, systems, account, sku)
    systems.control.post(f"tiktok/orders/{row.tiktok_order_id}/buyer_cancel_request")
    pack(systems, row)

    assert "answer the request first" in shipments.sync(ctx, row.id)

    assert (states(), market_numbers(systems, row)) == ([("waiting", 2)], ["", ""])
    asked = systems.market.cancellations_updated(0, 2**31)
    found = next(one for one in asked if one.order_id == row.tiktok_order_id)
    reasons = systems.market.reject_reasons(found.id)
    systems.market.reject_cancellation(found.id, reasons[0].name, f"no-{found.id}")
    assert shipments.sync(ctx, row.id) == "Packages reported: 1."


def test_a_refused_report_says_why_and_goes_on_when_the_number_is_right(
    ctx: Context, systems: Systems, account: Account, sku: str
) -> None:
    row = stored(ctx, systems, account, sku)
    pack(systems, row, number="#?!")
    with pytest.raises(RejectedError, match="tracking number"):
        shipments.sync(ctx, row.id)
    assert states() == [("failed", 2)]
    assert shipments.poll(ctx, account) == 0, "the same refusal is not asked for again"
    retrack(systems, row, UPS[0])

    assert shipments.poll(ctx, account) == 1
    assert shipments.sync(ctx, row.id) == "Packages reported: 1."


def test_a_cancelled_unit_is_never_in_a_parcel(ctx: Context, systems: Systems, account: Account, sku: str) -> None:
    """Two were packed, then the seller cancelled one as out of stock: one is reported."""
    row = stored(ctx, systems, account, sku)
    pack(systems, row)
    shipments.poll(ctx, account)
    line = OrderLine.select().where(OrderLine.order == row.id).order_by(OrderLine.id).get()
    reason = next(one.name for one in systems.market.cancel_reasons(row.tiktok_order_id) if "stock" in one.name)
    systems.market.cancel_order(row.tiktok_order_id, reason, [line.line_id])

    assert shipments.sync(ctx, row.id) == "Packages reported: 1."

    assert market_numbers(systems, row) == ["", UPS[0]]
    assert Shipment.get().line_ids == [
        one.line_id for one in OrderLine.select().where(OrderLine.order == row.id, OrderLine.line_id != line.line_id)
    ]


def test_without_a_store_order_nothing_is_shipped(ctx: Context, systems: Systems, account: Account, sku: str) -> None:
    row = stored(ctx, systems, account, sku)
    Order.update(magento_order_id=None).execute()
    with pytest.raises(RejectedError, match="Create the store order first"):
        shipments.sync(ctx, row.id)
    assert not Shipment.select().exists()
