"""Store orders that staff ended while the marketplace waits: told, kept back, never cancelled by themselves (HTTP, sandbox)."""

from __future__ import annotations

from datetime import timedelta

import pytest

from connector.services import dashboard, endings, history, holding, orders, returns, shipments
from connector.services.context import Context
from connector.store.models import Account, HistoryEntry, Order, Product, ReturnCase
from tests.services import world
from tests.services.test_placement_sandbox import Systems, account, ctx, sku, systems
from tests.services.trading import again, pack, set_policy, store_order, stored, today, window

__all__ = ["account", "ctx", "sku", "systems"]


def refund_by_hand(systems: Systems, row: Order) -> None:
    """Staff give everything back in Magento."""
    order = store_order(systems, row)
    systems.store.refund(order.entity_id, {item.item_id: int(item.qty_ordered) for item in order.items})


def end(systems: Systems, row: Order, how: str) -> None:
    if how == "closed":
        refund_by_hand(systems, row)
    else:
        assert systems.store.cancel(int(row.magento_order_id or 0))


def entries() -> list[str]:
    return [entry.action for entry in HistoryEntry.select().where(HistoryEntry.actor == "shipments")]


@pytest.mark.parametrize("how", ["canceled", "closed"])
def test_an_order_that_staff_ended_says_what_to_do_and_keeps_its_pieces_back(
    ctx: Context, systems: Systems, account: Account, sku: str, how: str
) -> None:
    set_policy(invoice=how == "closed")
    row = stored(ctx, systems, account, sku)
    later = ctx.clock.now() + timedelta(minutes=5)  # the store's stock was read since, and lacks the pieces
    Product.create(store=account.store_id, entity_id=900, sku=sku, name=sku, data={}, digest="d", seen_at=world.START, salable=50, stock_at=later)  # fmt: skip
    assert (endings.watch(ctx, account), holding.held([sku]), endings.advice(again(row))) == (0, {}, "")

    end(systems, row, how)

    assert endings.watch(ctx, account) == 1
    fresh = again(row)
    assert (fresh.ended, fresh.state, fresh.status) == (how, "confirmed", "AWAITING_SHIPMENT")
    assert f"was {endings.HOW[how]} in Magento, but TikTok Shop still waits for 2 pieces" in endings.advice(fresh)
    assert holding.held([sku]) == {sku: 2}
    assert [entry.message for entry in history.of("order", row.id, limit=1)] == [endings.advice(fresh)]
    assert any("1 order was ended in Magento" in todo.text for todo in dashboard.needs_you(ctx.clock.now()))
    (market,) = systems.market.orders([row.tiktok_order_id])
    assert market.status == "AWAITING_SHIPMENT", "nothing is cancelled by itself"
    assert (endings.watch(ctx, account), len(entries())) == (0, 1)


@pytest.mark.parametrize("how", ["canceled", "closed"])
def test_rejecting_an_ended_order_brings_both_sides_to_an_end(
    ctx: Context, systems: Systems, account: Account, sku: str, how: str
) -> None:
    """The store gave the money back already: no second credit memo, and the case is done."""
    set_policy(invoice=how == "closed")
    today(ctx)
    row = stored(ctx, systems, account, sku)
    end(systems, row, how)
    endings.watch(ctx, account)

    returns.reject_order(ctx, row.id, "out_of_stock")
    orders.import_window(ctx, account, **window())
    returns.settle(ctx, account)

    assert (again(row).state, endings.advice(again(row))) == ("cancelled", "")
    assert ReturnCase.get(ReturnCase.tiktok_order_id == row.tiktok_order_id).store_state == "done"
    memos = systems.store.credit_memos(int(row.magento_order_id or 0))
    assert len(memos) == (1 if how == "closed" else 0)


def test_what_the_marketplace_cancelled_meanwhile_is_no_ending(
    ctx: Context, systems: Systems, account: Account, sku: str
) -> None:
    set_policy(invoice=False)
    row = stored(ctx, systems, account, sku)
    returns.reject_order(ctx, row.id, "out_of_stock")
    end(systems, row, "canceled")
    Order.update(status="AWAITING_SHIPMENT", update_time=0).where(Order.id == row.id).execute()  # news on their way

    assert endings.watch(ctx, account) == 0

    assert (again(row).ended, again(row).status, entries()) == ("", "CANCELLED", [])


def test_of_a_part_that_was_sent_only_the_rest_is_kept_back(
    ctx: Context, systems: Systems, account: Account, sku: str
) -> None:
    row = stored(ctx, systems, account, sku, 3)
    pack(systems, row, 1)
    shipments.sync(ctx, row.id)
    order = store_order(systems, row)
    orders.refresh(ctx, row.id)
    systems.store.refund(order.entity_id, {order.items[0].item_id: 3})

    assert endings.watch(ctx, account) == 1
    assert "waits for 2 pieces" in endings.advice(again(row))
    assert "cancel the rest in Seller Center" in endings.advice(again(row))


def test_an_order_that_is_open_again_is_told(ctx: Context, systems: Systems, account: Account, sku: str) -> None:
    row = stored(ctx, systems, account, sku)
    Order.update(ended="canceled").execute()
    assert endings.watch(ctx, account) == 1
    assert (again(row).ended, entries()) == ("", ["order.open_again"])
