"""Which pieces a case gives back: those that the store order has, and that staff did not refund themselves (HTTP, sandbox)."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest

from connector.services import orders, placement, refunds, returns
from connector.services.context import Context
from connector.store.models import Account, HistoryEntry, Order, OrderLine, ReturnCase
from tests.clients.rehearsal import wait_for
from tests.services.test_placement_sandbox import Systems, account, ctx, sku, systems
from tests.services.test_refunds import ask_back, case_of, delivered, memos, read, salable
from tests.services.trading import again, bought, set_policy, store_order, stored, today, turn, window

__all__ = ["account", "ctx", "sku", "systems"]

D = Decimal


def cancel_unit(systems: Systems, row: Order, unit: int = 0) -> None:
    """The seller cancels one unit on the marketplace: it is out of stock."""
    lines = [line.line_id for line in OrderLine.select().where(OrderLine.order == row.id).order_by(OrderLine.id)]
    reason = next(one.name for one in systems.market.cancel_reasons(row.tiktok_order_id) if "stock" in one.name)
    systems.market.cancel_order(row.tiktok_order_id, reason, [lines[unit]])


def accepted(ctx: Context, systems: Systems, account: Account, row: Order, pieces: int, first: int = 0) -> ReturnCase:
    """The buyer is to get so many units' money back; the case, which was not followed yet."""
    number = ask_back(systems, row, "REFUND", pieces, first)
    today(ctx)
    returns.import_window(ctx, account, **window())
    case: ReturnCase = ReturnCase.get(ReturnCase.request_id == number)
    returns.accept(ctx, case.id, "alex@example.com")
    returns.import_window(ctx, account, **window())
    return case


def fresh(case: ReturnCase) -> ReturnCase:
    found: ReturnCase = ReturnCase.get_by_id(case.id)
    return found


def by_hand(systems: Systems, row: Order, pieces: int = 1) -> None:
    """Staff refund so many pieces in Magento and put them back into stock."""
    order = store_order(systems, row)
    item = order.items[0].item_id
    systems.store.refund(order.entity_id, {item: pieces}, shipping_amount=D(0), return_to_stock=[item])


def test_a_unit_that_is_cancelled_while_its_order_is_being_made_is_in_no_document(
    ctx: Context, systems: Systems, account: Account, sku: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The store is slow; the case waits for the order, which is made without the unit, and there is nothing to give back."""
    row = bought(ctx, systems, account, sku, 2)
    real, seen = systems.store.find_orders, []

    def slow(field: str, value: str) -> Any:
        if not seen:
            cancel_unit(systems, row)
            orders.refresh(ctx, row.id)
            returns.import_window(ctx, account, **window())
            returns.settle(ctx, account)
            seen.append(case_of(row).store_state)
        return real(field, value)

    with monkeypatch.context() as patch:
        patch.setattr(systems.store, "find_orders", slow)
        today(ctx)
        placement.create_sales_order(ctx, row.id, "w1")
    assert seen == ["due"]
    assert store_order(systems, row).items[0].qty_ordered == 1

    returns.settle(ctx, account)
    assert (case_of(row).store_state, case_of(row).store_document, memos(systems, row)) == ("none", "", [])


def test_a_case_that_is_known_before_the_orders_own_news_waits_for_the_store_order(
    ctx: Context, systems: Systems, account: Account, sku: str
) -> None:
    """The order is made of what we knew: two pieces. So one of them is given back."""
    row = bought(ctx, systems, account, sku, 2)
    cancel_unit(systems, row)
    read(ctx, account)
    assert case_of(row).store_state == "due"
    placement.create_sales_order(ctx, row.id, "w1")
    orders.refresh(ctx, row.id)
    returns.settle(ctx, account)

    item = store_order(systems, row).items[0]
    assert (case_of(row).store_state, item.qty_ordered, item.qty_refunded) == ("done", 2, 1)


def test_a_place_call_without_an_answer_keeps_its_orders_cancellation_waiting(
    ctx: Context, systems: Systems, account: Account, sku: str
) -> None:
    row = bought(ctx, systems, account, sku, 2)
    cancel_unit(systems, row)
    orders.refresh(ctx, row.id)
    Order.update(state="failed", placing_since=ctx.clock.now()).where(Order.id == row.id).execute()
    read(ctx, account)
    assert case_of(row).store_state == "due"
    Order.update(placing_since=None).where(Order.id == row.id).execute()
    returns.settle(ctx, account)
    assert case_of(row).store_state == "none"


def test_the_last_unit_of_an_order_is_cancelled_where_nothing_was_invoiced(
    ctx: Context, systems: Systems, account: Account, sku: str
) -> None:
    """One unit was cancelled before there was a store order, the other afterwards."""
    set_policy(invoice=False)
    row = bought(ctx, systems, account, sku, 2)
    cancel_unit(systems, row)
    orders.refresh(ctx, row.id)
    read(ctx, account)
    placement.create_sales_order(ctx, row.id, "w1")
    cancel_unit(systems, row, 1)
    read(ctx, account)

    order = store_order(systems, row)
    cases = ReturnCase.select().where(ReturnCase.tiktok_order_id == row.tiktok_order_id).order_by(ReturnCase.id)
    assert [(case.store_state, case.store_document) for case in cases] == [("none", ""), ("done", "cancelled")]
    assert (order.state, order.total_invoiced, memos(systems, row)) == ("canceled", 0, [])


def test_a_unit_of_a_store_order_that_staff_cancelled_is_in_no_document(
    ctx: Context, systems: Systems, account: Account, sku: str
) -> None:
    set_policy(invoice=False)
    row = stored(ctx, systems, account, sku, 2)
    assert systems.store.cancel(int(row.magento_order_id or 0))
    cancel_unit(systems, row)
    read(ctx, account)
    assert (case_of(row).store_state, case_of(row).message, memos(systems, row)) == ("none", "", [])
    assert again(row).state == "confirmed", "the other unit is still waited for"


def test_a_piece_that_staff_refunded_is_not_refunded_again(
    ctx: Context, systems: Systems, account: Account, sku: str
) -> None:
    """Nor put into stock twice; the order's history tells, and another piece is refunded as ever."""
    row = delivered(ctx, systems, account, sku, 3)
    before = salable(systems, sku)
    by_hand(systems, row)
    case = accepted(ctx, systems, account, row, 1)
    assert returns.settle(ctx, account) == 1
    assert (fresh(case).store_document, len(memos(systems, row))) == (refunds.BY_HAND, 1)
    assert salable(systems, sku) == before + 1
    told = HistoryEntry.get(HistoryEntry.action == "order.refunded_by_hand").message
    assert told.startswith(f"1 of 1 pieces of return {case.request_id} had been refunded in Magento by hand")

    other = accepted(ctx, systems, account, row, 1, first=1)
    assert returns.settle(ctx, account) == 1
    assert (fresh(other).store_state, len(memos(systems, row))) == ("done", 2)
    assert store_order(systems, row).items[0].qty_refunded == 2


def test_of_two_pieces_the_one_that_staff_did_not_refund_is_refunded(
    ctx: Context, systems: Systems, account: Account, sku: str
) -> None:
    """At what was paid for it: nobody knows how much of the buyer's refund staff gave back."""
    row = delivered(ctx, systems, account, sku, 3, seller_discount="1.00", tax_rate="0.0825")
    by_hand(systems, row)
    case = accepted(ctx, systems, account, row, 2)
    assert returns.settle(ctx, account) == 1

    hand, ours = memos(systems, row)
    assert fresh(case).store_document == str(ours["entity_id"])
    assert store_order(systems, row).items[0].qty_refunded == 2
    assert abs(D(str(ours["grand_total"])) - D(str(hand["grand_total"]))) <= D("0.01")
    assert D(str(ours.get("adjustment") or 0)) == 0


def test_a_memo_that_was_made_without_an_answer_is_nobodys_hand(
    ctx: Context, systems: Systems, account: Account, sku: str
) -> None:
    """Another case of the order is followed meanwhile, and makes its own."""
    row = delivered(ctx, systems, account, sku, 3)
    first = accepted(ctx, systems, account, row, 1)
    second = accepted(ctx, systems, account, row, 1, first=1)
    systems.control.fault("magento", r"POST .*/order/\d+/refund", "timeout_after_success")
    ReturnCase.update(lease_until=ctx.clock.now() + returns.LEASE).where(ReturnCase.id == second.id).execute()
    with pytest.raises(Exception, match="may have happened"):
        returns.settle(ctx, account)
    wait_for(lambda: memos(systems, row))
    ReturnCase.update(lease_until=None).where(ReturnCase.id == second.id).execute()
    assert returns.settle(ctx, account) == 1
    assert (fresh(second).store_document != refunds.BY_HAND, len(memos(systems, row))) == (True, 2)

    turn(ctx, 2 * ctx.place_timeout)
    assert returns.settle(ctx, account) == 1
    made = {str(memo["entity_id"]) for memo in memos(systems, row)}
    assert {fresh(first).store_document, fresh(second).store_document} == made
    assert again(row).magento_status == store_order(systems, row).status
