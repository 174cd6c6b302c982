"""An address that the buyer corrects after the store order was made reaches it, once (HTTP, in the sandbox)."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from connector.errors import RejectedError
from connector.services import history, orders, placement
from connector.services.context import Context
from connector.store.models import Account, Order, QueueItem
from tests.services.test_orders import asked, run
from tests.services.test_placement_sandbox import Systems, account, ctx, sku, systems
from tests.services.trading import again, bought, pack, store_order, stored

__all__ = ["account", "ctx", "sku", "systems"]

NEW = {"first_name": "Robin", "last_name": "Vale", "name": "Robin Vale", "address_line1": "7 Elm Road", "address_line2": "", "postal_code": "97301"}  # fmt: skip


def move(ctx: Context, systems: Systems, row: Order) -> Order:
    """The buyer corrects the address, and we hear of it."""
    systems.control.post(f"tiktok/orders/{row.tiktok_order_id}/address", **NEW)
    Order.update(update_time=0).where(Order.id == row.id).execute()  # both within one second of the sandbox
    return orders.refresh(ctx, row.id)


def places(systems: Systems, row: Order) -> list[dict[str, Any]]:
    """Billing and shipping address of the store order."""
    raw = store_order(systems, row).raw
    (assigned,) = raw["extension_attributes"]["shipping_assignments"]
    return [raw["billing_address"], assigned["shipping"]["address"]]


def told(row: Order) -> list[str]:
    return [entry.message for entry in history.of("order", row.id) if entry.action == "order.address"]


def test_an_address_corrected_while_the_store_is_searched_is_not_lost(
    ctx: Context, systems: Systems, account: Account, sku: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The order is held then, with the old address in hand, and its state says nothing yet."""
    row = bought(ctx, systems, account, sku)
    search, dues = systems.store.find_orders, []

    def find(*wanted: Any) -> Any:
        if not dues:
            dues.append(move(ctx, systems, row).address_due)
        return search(*wanted)

    monkeypatch.setattr(systems.store, "find_orders", find)
    placement.create_sales_order(ctx, row.id, "one")

    assert dues == [True]
    assert orders.ask_due(ctx, account) == 1
    assert run(ctx, row, "sync_status").state == "confirmed"
    assert {tuple(place["street"]) for place in places(systems, row)} == {("7 Elm Road",)}


def test_a_corrected_address_is_entered_in_the_store_order(
    ctx: Context, systems: Systems, account: Account, sku: str
) -> None:
    row = stored(ctx, systems, account, sku)
    before = places(systems, row)
    Order.update(retry_at=ctx.clock.now() + timedelta(hours=6)).execute()  # its mapped status was refused
    assert move(ctx, systems, row).address_due

    assert orders.ask_due(ctx, account) == 1
    assert orders.ask_due(ctx, account) == 0
    assert asked(row, "sync_status")[-1].state == "queued"
    assert run(ctx, row, "sync_status").state == "confirmed"

    for old, new in zip(before, places(systems, row), strict=True):
        assert (new["firstname"], new["lastname"], new["street"], new["postcode"]) == ("Robin", "Vale", ["7 Elm Road"], "97301")  # fmt: skip
        same = ("entity_id", "address_type", "email", "country_id", "region_id", "telephone")
        assert [new[name] for name in same] == [old[name] for name in same]
    assert not again(row).address_due
    assert told(row) == [f"The buyer corrected the address; store order {again(row).magento_increment_id} has it."]
    assert store_order(systems, row).grand_total == store_order(systems, row).total_invoiced


def test_an_address_that_comes_while_the_order_is_being_made_is_entered_after_it(
    ctx: Context, systems: Systems, account: Account, sku: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    row = bought(ctx, systems, account, sku)
    real = systems.store.place

    def moves(*given: Any) -> int:
        move(ctx, systems, row)
        return real(*given)

    monkeypatch.setattr(systems.store, "place", moves)
    placement.create_sales_order(ctx, row.id, "w1")

    assert (places(systems, row)[0]["postcode"], again(row).address_due) == ("97205", True)
    orders.sync_status(ctx, row.id)
    assert (places(systems, row)[0]["postcode"], again(row).address_due) == ("97301", False)


def test_an_order_that_was_shipped_as_a_whole_says_that_it_is_too_late(
    ctx: Context, systems: Systems, account: Account, sku: str
) -> None:
    row = stored(ctx, systems, account, sku)
    pack(systems, row)
    move(ctx, systems, row)

    orders.sync_status(ctx, row.id)

    assert places(systems, row)[0]["postcode"] == "97205"
    (text,) = told(row)
    assert text.endswith("was shipped: tell the carrier.")
    assert not again(row).address_due


def test_a_store_that_refuses_the_address_is_asked_again_later(
    ctx: Context, systems: Systems, account: Account, sku: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    row = stored(ctx, systems, account, sku)
    move(ctx, systems, row)
    with monkeypatch.context() as patch:
        patch.setattr(systems.store, "set_order_address", lambda *_given: None)
        with pytest.raises(RejectedError, match="keeps its old address"):
            orders.sync_status(ctx, row.id)
    assert (again(row).address_due, told(row)) == (True, [])
    Order.update(retry_at=None).execute()
    QueueItem.delete().execute()
    assert orders.ask_due(ctx, account) == 1
