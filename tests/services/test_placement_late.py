"""Store orders that come late, twice, or not as the marketplace order has become: over HTTP, in the sandbox."""

from __future__ import annotations

from typing import Any

import pytest

from connector.clients.http import Answer, Call
from connector.domain.order import MarketplaceOrder
from connector.domain.values import from_json
from connector.errors import RejectedError, RetryableError, UnknownOutcomeError
from connector.jobs.recurring import HANDLERS
from connector.services import cancelling, carts, orders, placement, returns, rounds, store_orders
from connector.services.context import Context
from connector.services.desk import ServiceDesk
from connector.store.models import Account, HistoryEntry, Order, OrderLine, ReturnCase
from tests.clients.rehearsal import wait_for
from tests.services.test_placement_sandbox import Systems, account, ctx, made, sku, sold, systems
from tests.services.test_placement_store import filed
from tests.services.trading import again, bought, today, turn, window

__all__ = ["account", "ctx", "sku", "systems"]

PLACE = r"PUT .*/carts/\d+/order"


def placed_late(systems: Systems, row: Order, sku: str, pieces: int = 2) -> int:
    """The order that a call makes of which nobody expects it any more; its entity id."""
    market = from_json(MarketplaceOrder, row.data)
    cart = systems.store.create_cart()
    systems.store.add_to_cart(cart, sku, pieces)
    address, email = carts.shippable(market.address), placement.order_email(row.account, market.id)
    systems.store.set_cart_address(cart, address, email, carrier="flatrate", method="flatrate")
    return systems.store.place(cart, "checkmo")


def unanswered(ctx: Context, systems: Systems, row: Order, kind: str = "drop_connection") -> None:
    """A place call without an answer."""
    systems.control.fault("magento", PLACE, kind)
    with pytest.raises(UnknownOutcomeError):
        placement.create_sales_order(ctx, row.id, "w1")


def told(row: Order) -> list[str]:
    mine = (HistoryEntry.subject_type == "order") & (HistoryEntry.subject_id == str(row.id))
    return [entry.message for entry in HistoryEntry.select().where(mine, HistoryEntry.action == "order.duplicate")]


def cancel_one(ctx: Context, systems: Systems, row: Order) -> None:
    """The buyer does not want the first unit any more, and our copy knows."""
    line = OrderLine.select().where(OrderLine.order == row.id).order_by(OrderLine.id).first()
    reason = systems.market.cancel_reasons(row.tiktok_order_id)[0].name
    systems.market.cancel_order(row.tiktok_order_id, reason, [line.line_id])
    orders.refresh(ctx, row.id)


def settled(ctx: Context, account: Account, row: Order) -> ReturnCase:
    """Its case after the marketplace's cancellations were read and followed."""
    today(ctx)
    returns.import_window(ctx, account, **window())
    returns.settle(ctx, account)
    case: ReturnCase = ReturnCase.get(ReturnCase.tiktok_order_id == row.tiktok_order_id)
    return case


def test_an_order_that_an_unanswered_call_makes_late_is_cancelled_and_told(
    ctx: Context, systems: Systems, account: Account, sku: str
) -> None:
    """Even when staff hold it; the look is taken once, when the call cannot be running any more."""
    row = sold(ctx, systems, account, sku)
    unanswered(ctx, systems, row)
    turn(ctx, ctx.place_timeout + 1)
    placement.create_sales_order(ctx, row.id, "w1")
    late = placed_late(systems, row, sku)
    systems.store.hold(late)
    assert store_orders.look_again(ctx, account) == 0

    turn(ctx, ctx.place_timeout + 1)

    assert store_orders.look_again(ctx, account) == 1
    fresh, second = again(row), systems.store.order(late)
    assert (second.state, fresh.duplicates, fresh.look_again_at) == ("canceled", [second.increment_id], None)
    assert systems.store.order(int(fresh.magento_order_id or 0)).state == "processing"
    assert told(row) == [f"A second store order {second.increment_id} was cancelled."]
    assert store_orders.look_again(ctx, account) == 0


def test_an_order_that_was_answered_at_once_is_not_looked_for_again(
    ctx: Context, systems: Systems, account: Account, sku: str
) -> None:
    row = sold(ctx, systems, account, sku)
    placement.create_sales_order(ctx, row.id, "w1")
    assert again(row).look_again_at is None
    assert list(again(row).sent_carts) == [again(row).cart_id]


def test_beside_a_direct_save_the_cart_s_own_order_that_comes_late_is_cancelled(
    ctx: Context, systems: Systems, account: Account, sku: str
) -> None:
    """A call that hangs in the store's lock for longer than its server allows looks like a refusal to those that follow."""
    row = sold(ctx, systems, account, sku)
    filed(systems, account, sku)
    unanswered(ctx, systems, row)
    for _ in range(2):
        turn(ctx, ctx.place_timeout + 1)
        unanswered(ctx, systems, row, "error_code")
        with pytest.raises(RetryableError, match="may still be running"):
            placement.create_sales_order(ctx, row.id, "w1")
    turn(ctx, ctx.place_timeout + 1)
    placement.create_sales_order(ctx, row.id, "w1")
    assert not again(row).stock_reserved
    late = placed_late(systems, row, sku)

    turn(ctx, ctx.place_timeout + 1)

    assert store_orders.look_again(ctx, account) == 1
    assert systems.store.order(late).state == "canceled"
    assert [one.state for one in made(systems, row)] == ["processing"]


def test_an_order_that_comes_after_the_buyer_cancelled_is_cancelled_too(
    ctx: Context, systems: Systems, account: Account, sku: str
) -> None:
    row = bought(ctx, systems, account, sku)
    unanswered(ctx, systems, row)
    systems.market.cancel_order(row.tiktok_order_id, systems.market.cancel_reasons(row.tiktok_order_id)[0].name)
    orders.refresh(ctx, row.id)
    turn(ctx, ctx.place_timeout + 1)
    cancelling.follow_all(ctx, account, rounds.Round())
    assert (again(row).state, again(row).magento_order_id) == ("cancelled", None)
    late = placed_late(systems, row, sku)
    turn(ctx, ctx.place_timeout + 1)
    assert str(HANDLERS["returns"](ctx, account.id)).endswith("1 second store orders")
    assert systems.store.order(late).state == "canceled"


def test_a_look_that_fails_is_taken_again_and_keeps_no_other_order_from_it(
    ctx: Context, systems: Systems, account: Account, sku: str
) -> None:
    rows = [sold(ctx, systems, account, sku, 1) for _ in range(2)]
    for row in rows:
        placement.create_sales_order(ctx, row.id, "w1")
        Order.update(look_again_at=ctx.clock.now()).where(Order.id == row.id).execute()
    late = placed_late(systems, rows[1], sku, 1)
    systems.control.fault("magento", "GET .*/orders", "error_code")
    assert store_orders.look_again(ctx, account) == 1
    assert systems.store.order(late).state == "canceled"
    assert again(rows[0]).look_again_at == ctx.clock.now() + store_orders.LATER
    assert again(rows[1]).look_again_at is None


@pytest.mark.parametrize(
    ("call", "fault", "known"),
    [
        (PLACE, "timeout_after_success", True),
        (PLACE, "timeout_after_success", False),
        (r"POST .*/orders/\d+/hold", "http_500", True),
    ],
    ids=["no answer", "from before carts were remembered", "not held"],
)
def test_a_unit_cancelled_while_its_order_is_placed_leaves_it_afterwards(
    ctx: Context, systems: Systems, account: Account, sku: str, call: str, fault: str, known: bool
) -> None:
    """The order is corrected with the units that it was placed with; then the case takes the one off."""
    row = bought(ctx, systems, account, sku, 2)
    systems.control.fault("magento", call, fault)
    with pytest.raises(UnknownOutcomeError):
        placement.create_sales_order(ctx, row.id, "w1")
    wait_for(lambda: systems.store.find_orders("quote_id", again(row).cart_id))
    cancel_one(ctx, systems, row)
    if not known:
        Order.update(sent_carts={}).where(Order.id == row.id).execute()

    placement.create_sales_order(ctx, row.id, "w2")
    case = settled(ctx, account, row)

    (order,) = made(systems, row)
    assert (again(row).state, case.store_state, order.state) == ("confirmed", "done", "processing")
    assert [(item.qty_invoiced, item.qty_refunded) for item in order.items] == [(2, 1)]
    assert order.total_refunded * 2 == order.total_invoiced == order.grand_total


def test_a_unit_cancelled_before_the_cart_is_in_no_store_order_and_its_case_takes_nothing_off(
    ctx: Context, systems: Systems, account: Account, sku: str
) -> None:
    """A second cart is filled anew with what is still wanted; pieces of the first are never counted."""
    row = bought(ctx, systems, account, sku, 2)
    unanswered(ctx, systems, row)
    cancel_one(ctx, systems, row)
    turn(ctx, ctx.place_timeout + 1)
    placement.create_sales_order(ctx, row.id, "w2")
    case = settled(ctx, account, row)
    (order,) = made(systems, row)
    lines = OrderLine.select().where(OrderLine.order == row.id).order_by(OrderLine.id)
    assert [line.store_item_id for line in lines] == [None, order.items[0].item_id]
    assert [(item.qty_invoiced, item.qty_refunded) for item in order.items] == [(1, 0)]
    assert (case.store_state, systems.store.credit_memos(order.entity_id)) == ("none", [])
    assert [len(ids) for _, ids in sorted(again(row).sent_carts.items(), key=lambda one: int(one[0]))] == [2, 1]


def test_news_that_came_during_the_look_up_are_what_is_placed(
    ctx: Context, systems: Systems, account: Account, sku: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    row = bought(ctx, systems, account, sku, 2)
    real = systems.store.find_orders

    def slow(field: str, value: str) -> Any:
        if field == "customer_email" and not again(row).cart_id:
            cancel_one(ctx, systems, row)
        return real(field, value)

    monkeypatch.setattr(systems.store, "find_orders", slow)
    placement.create_sales_order(ctx, row.id, "w1")
    (order,) = made(systems, row)
    assert [item.qty_ordered for item in order.items] == [1]


def test_an_order_that_staff_cancelled_too_early_is_made_anew_when_a_person_asks(
    ctx: Context, systems: Systems, account: Account, sku: str
) -> None:
    """By itself it says what to do, and makes nothing that staff did not want."""
    row = sold(ctx, systems, account, sku)
    systems.control.fault("magento", r"POST .*/orders/\d+/hold", "http_500")
    with pytest.raises(UnknownOutcomeError):
        placement.create_sales_order(ctx, row.id, "w1")
    first = int(again(row).magento_order_id or 0)
    assert systems.store.cancel(first)
    for _ in range(2):
        with pytest.raises(RejectedError, match=r"was canceled in the store.*choose Create Sales Order"):
            ServiceDesk(ctx, account, "w1", "import_orders").create_sales_order(row.id)

    ServiceDesk(ctx, account, "w1", "ann@shop.example").create_sales_order(row.id)

    fresh = again(row)
    assert (fresh.state, fresh.stock_reserved, fresh.duplicates) == ("confirmed", True, [])
    assert fresh.magento_order_id != first
    assert [one.entity_id for one in made(systems, row)] == [fresh.magento_order_id]
    assert systems.store.order(first).state == "canceled"


@pytest.mark.parametrize("again_directly", [True, False])
def test_after_a_direct_save_that_staff_cancelled_another_order_is_made(
    ctx: Context, systems: Systems, account: Account, sku: str, again_directly: bool
) -> None:
    """Under another number, or by a cart; what the first never reserved stays missing."""
    row = sold(ctx, systems, account, sku)
    filed(systems, account, sku)
    refuse_twice(ctx, systems, row)
    systems.control.fault("magento", r"POST .*/orders/\d+/hold", "http_500")
    with pytest.raises(UnknownOutcomeError):
        placement.create_sales_order(ctx, row.id, "w1")
    assert systems.store.cancel(int(again(row).magento_order_id or 0))
    if again_directly:
        refuse_twice(ctx, systems, row, anew=True)

    placement.create_sales_order(ctx, row.id, "w1", anew=True)

    fresh = again(row)
    number = f"TTS-{row.tiktok_order_id}"
    assert (fresh.magento_increment_id == f"{number}-2") is again_directly
    assert (fresh.state, fresh.stock_reserved) == ("confirmed", False)
    assert {one.increment_id: one.state for one in made(systems, row)} == {
        number: "canceled",
        fresh.magento_increment_id: "processing",
    }


def refuse_twice(ctx: Context, systems: Systems, row: Order, **how: bool) -> None:
    """The cart refuses it now, and will the next time."""
    for _ in range(2):
        systems.control.fault("magento", r"POST .*/carts/\d+/items", "error_code")
    with pytest.raises(RetryableError, match="tried again with a new cart"):
        placement.create_sales_order(ctx, row.id, "w1", **how)


@pytest.mark.parametrize(
    "call",
    [r"POST .*/carts/$", r"POST .*/carts/\d+/items", r"POST .*/shipping-information", r"GET .*/orders", PLACE],
    ids=["cart", "items", "address", "look-up", "place"],
)
def test_a_passing_refusal_never_makes_a_direct_save(
    ctx: Context, systems: Systems, account: Account, sku: str, call: str
) -> None:
    """Temporary lock failures come as 400 too (store reference, section 8)."""
    row = sold(ctx, systems, account, sku)
    filed(systems, account, sku)
    systems.control.fault("magento", call, "error_code")
    with pytest.raises((RejectedError, RetryableError)):
        placement.create_sales_order(ctx, row.id, "w1")
    turn(ctx, ctx.place_timeout + 1)
    placement.create_sales_order(ctx, row.id, "w1")
    assert (again(row).state, again(row).stock_reserved) == ("confirmed", True)
    assert len(made(systems, row)) == 1


def test_a_firewall_that_refuses_us_is_told_and_nothing_is_saved_directly(
    ctx: Context, systems: Systems, account: Account, sku: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    row = sold(ctx, systems, account, sku)
    filed(systems, account, sku)
    http = systems.store._store.http
    real = http._exchange

    def guarded(call: Call, most: int) -> Answer:
        refused = call.method != "GET" and "/carts/" in call.path and call.path.endswith(("items", "/order"))
        return Answer(call, 403, {}, b"<html>denied</html>") if refused else real(call, most)

    with monkeypatch.context() as patch:
        patch.setattr(http, "_exchange", guarded)
        for _ in range(3):
            with pytest.raises(RejectedError, match="let its calls to /rest through the firewall"):
                placement.create_sales_order(ctx, row.id, "w1")
    assert (again(row).state, made(systems, row)) == ("failed", [])
    placement.create_sales_order(ctx, row.id, "w1")
    assert again(row).stock_reserved
