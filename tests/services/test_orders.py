"""Orders between import and the store: what is left out, matched, held with its cause, and asked for again (HTTP, sandbox)."""

from __future__ import annotations

import threading
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from connector.domain.order import MarketplaceOrder
from connector.domain.values import from_json
from connector.errors import RejectedError, RetryableError
from connector.jobs import recurring
from connector.plugins.api import OrderSubject
from connector.plugins.policies.order import OrderPolicy
from connector.services import cancelling, carts, holding, orders, placement, returns, runner
from connector.services.context import Context
from connector.store.database import connection
from connector.store.models import Account, HistoryEntry, Order, OrderLine, Product, QueueItem, ReturnCase
from tests.services import world
from tests.services.test_placement_sandbox import Systems, account, ctx, made, sku, systems
from tests.services.trading import again, bought, set_policy, store_order, stored, today, turn, window

__all__ = ["account", "ctx", "sku", "systems"]


def asked(row: Order, kind: str = "create_sales_order") -> list[QueueItem]:
    query = QueueItem.select().where(QueueItem.kind == kind, QueueItem.subject_id == row.id)
    return list(query.order_by(QueueItem.id))


def run(ctx: Context, row: Order, kind: str = "create_sales_order") -> QueueItem:
    """Works on the newest item of an order as a worker does."""
    item = asked(row, kind)[-1]
    QueueItem.update(next_try_at=None).where(QueueItem.id == item.id).execute()
    runner.run_item(ctx, item.id, "w1")
    return QueueItem.get_by_id(item.id)


def product(account: Account, sku: str, **more: Any) -> Product:
    values = {"entity_id": 900, "name": sku, "data": {}, "digest": "d", "seen_at": world.START, "salable": 50}
    return Product.create(store=account.store_id, sku=sku, **{**values, **more})


# ── what no store order is made of ───────────────────────────────────────────


@pytest.mark.parametrize(
    ("settings", "kinds", "reason"),
    [
        pytest.param({}, (), "", id="nothing-speaks-against-it"),
        pytest.param({"create_order": False}, (), "The order policy makes no store orders.", id="switched-off"),
        pytest.param({"leave_out": ["SAMPLE"]}, ("SAMPLE",), "for: free samples.", id="samples"),
        pytest.param({"leave_out": ["SAMPLE"]}, ("REPLACEMENT",), "", id="another-kind"),
        pytest.param({}, ("SAMPLE",), "", id="samples-are-made-unless-left-out"),
        pytest.param({}, ("PLATFORM",), "from its own warehouse", id="shipped-by-the-marketplace"),
        pytest.param({"created_since": "2026-11-24"}, (), "Placed before 2026-11-24", id="before-the-first-day"),
        pytest.param({"created_since": "2026-11-23"}, (), "", id="on-the-first-day"),
    ],
)
def test_the_policy_says_why_an_order_is_left_out(settings, kinds, reason):
    found = OrderPolicy(**settings).leaves_out(kinds, world.START)
    assert (reason in found) if reason else found == ""


def test_a_first_day_that_is_none_makes_the_policy_invalid():
    assert [issue.field for issue in OrderPolicy(created_since="yesterday").problems()] == ["created_since"]


def test_a_skipped_order_says_why_and_comes_back_with_the_policy(
    ctx: Context, systems: Systems, account: Account, sku: str
) -> None:
    set_policy(create_order=False)
    row = bought(ctx, systems, account, sku)
    orders.ask_due(ctx, account)
    assert (again(row).state, again(row).failed_reason) == ("skipped", "The order policy makes no store orders.")
    assert (asked(row), holding.held([sku])) == ([], {sku: 2})

    set_policy(create_order=True)
    assert orders.ask_due(ctx, account) == 1
    assert (again(row).state, again(row).failed_reason, len(asked(row))) == ("", "", 1)
    entries = HistoryEntry.select().where(HistoryEntry.actor == "order policy").order_by(HistoryEntry.id)
    assert [entry.action for entry in entries] == ["order.skipped", "order.taken_back"]


def test_the_marketplaces_own_parcels_hold_no_pieces_of_the_store(
    ctx: Context, systems: Systems, account: Account, sku: str
) -> None:
    row = bought(ctx, systems, account, sku)
    order = from_json(MarketplaceOrder, row.data)
    row = orders.save(ctx, account, replace(order, id="platform-1", kinds=("PLATFORM",)))
    assert row is not None
    orders.ask_due(ctx, account, only=row.id)
    assert again(row).state == "skipped"
    assert holding.held([sku]) == {sku: 2}, "the first order's two, and no more"


@pytest.mark.parametrize("status", ["UNPAID", "ON_HOLD"])
def test_what_is_not_paid_or_on_hold_keeps_pieces_and_makes_no_store_order(
    ctx: Context, systems: Systems, account: Account, sku: str, status: str
) -> None:
    row = bought(ctx, systems, account, sku, 2, **({"unpaid": True} if status == "UNPAID" else {"hold": True}))
    assert (row.status, row.state) == (status, "reserved")
    assert orders.ask_due(ctx, account) == 0
    assert holding.held([sku]) == {sku: 2}
    step = "pay" if status == "UNPAID" else "release_hold"
    systems.control.post(f"tiktok/orders/{row.tiktok_order_id}/{step}")
    orders.refresh(ctx, row.id)
    assert (again(row).status, again(row).state) == ("AWAITING_SHIPMENT", "")
    assert orders.ask_due(ctx, account) == 1


# ── which product it is ──────────────────────────────────────────────────────


@pytest.fixture
def renamed(account: Account, sku: str) -> None:
    """The marketplace's SKU is an attribute of a product that has another SKU in the store."""
    set_policy(alternate_sku_attribute="tiktok_sku")
    data = {"custom_attributes": [{"attribute_code": "tiktok_sku", "value": sku}]}
    product(account, "OTHER", data=data)


@pytest.mark.usefixtures("renamed")
def test_the_alternate_attribute_names_the_product(ctx: Context, systems: Systems, account: Account, sku: str) -> None:
    row = bought(ctx, systems, account, sku)
    assert {line.sku for line in OrderLine.select().where(OrderLine.order == row.id)} == {"OTHER"}
    assert holding.held(["OTHER"]) == {"OTHER": 2}


@pytest.mark.usefixtures("renamed")
def test_two_products_with_one_alternate_sku_match_nothing(
    ctx: Context, systems: Systems, account: Account, sku: str
) -> None:
    data = {"custom_attributes": [{"attribute_code": "tiktok_sku", "value": sku}]}
    product(account, "THIRD", entity_id=901, data=data)
    row = bought(ctx, systems, account, sku)
    assert {line.sku for line in OrderLine.select().where(OrderLine.order == row.id)} == {sku}


@pytest.mark.usefixtures("renamed")
def test_a_sku_of_the_store_goes_before_the_attribute(
    ctx: Context, systems: Systems, account: Account, sku: str
) -> None:
    product(account, sku, entity_id=902)
    row = bought(ctx, systems, account, sku)
    assert {line.sku for line in OrderLine.select().where(OrderLine.order == row.id)} == {sku}


# ── what cannot be made yet ──────────────────────────────────────────────────


def test_an_order_of_a_product_that_the_store_lacks_waits_with_its_cause_and_goes_on_when_it_comes(
    ctx: Context, systems: Systems, account: Account, sku: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The product arrives with the next read of the catalogue; nobody has to press anything."""
    row = bought(ctx, systems, account, sku)
    data = from_json(MarketplaceOrder, row.data)
    lines = tuple(replace(line, seller_sku="GONE-1", product_id="") for line in data.lines)
    orders.save(ctx, account, replace(data, lines=lines))
    orders.ask_due(ctx, account)
    item = run(ctx, row)
    assert item.state == "rejected"
    assert "GONE-1" in again(row).failed_reason
    assert (again(row).state, again(row).failures) == ("failed", 1)
    assert orders.ask_due(ctx, account) == 0, "not again at once"
    assert orders.unserved(account.store_id) == {row.id}

    def arrives(*_given: Any, **_named: Any) -> Any:
        data = {"custom_attributes": [{"attribute_code": "tiktok_sku", "value": "GONE-1"}]}
        product(account, sku, data=data)
        return recurring.snapshots.Synced(1, 1)

    set_policy(alternate_sku_attribute="tiktok_sku")
    monkeypatch.setattr(recurring.snapshots, "sync", arrives)
    recurring.read_products(ctx, account.store_id)

    assert [one.state for one in asked(row)] == ["rejected", "queued"]
    assert run(ctx, row).state == "confirmed"
    assert (again(row).state, len(made(systems, row))) == ("confirmed", 1)


def test_stock_that_comes_back_asks_for_what_waited_for_it(
    ctx: Context, systems: Systems, account: Account, sku: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    row = bought(ctx, systems, account, sku)
    stock = product(account, sku, salable=1)
    Order.update(state="failed", failures=1, retry_at=ctx.clock.now() + timedelta(hours=1)).execute()
    assert orders.ask_due(ctx, account) == 0

    def comes(*_given: Any) -> int:
        Product.update(salable=2).where(Product.id == stock.id).execute()
        return 1

    monkeypatch.setattr(recurring.snapshots, "sync_stock", comes)
    assert recurring.read_stock(ctx, account.store_id) == "1 changed"
    assert len(asked(row)) == 1


def test_what_failed_is_asked_for_later_and_later_and_never_given_up(
    ctx: Context, systems: Systems, account: Account, sku: str
) -> None:
    row = bought(ctx, systems, account, sku)
    waits = []
    for failures in range(12):
        Order.update(state="failed", failures=failures).execute()
        assert orders.ask_due(ctx, account) == 1
        QueueItem.update(state="rejected", open_key=None).execute()
        assert orders.ask_due(ctx, account) == 0
        retry_at = again(row).retry_at
        assert retry_at is not None
        waits.append((retry_at - ctx.clock.now()).total_seconds())
        turn(ctx, waits[-1])
    assert waits[:4] == [60, 120, 240, 480]
    assert waits[-1] == orders.RETRY_AT_MOST


def test_work_that_died_is_asked_for_less_and_less_often_too(
    ctx: Context, systems: Systems, account: Account, sku: str
) -> None:
    """A fault of our own is no failure of the order, and must not fill the queue with dead work either."""
    row = bought(ctx, systems, account, sku)
    waits = []
    for _ in range(4):
        assert orders.ask_due(ctx, account) == 1
        QueueItem.update(state="dead", open_key=None).execute()
        retry_at = again(row).retry_at
        assert retry_at is not None
        waits.append((retry_at - ctx.clock.now()).total_seconds())
        turn(ctx, waits[-1])
    assert waits == [60, 120, 240, 480]


def test_a_missing_setting_holds_orders_back_and_they_go_on_when_it_is_there(
    ctx: Context, systems: Systems, account: Account, sku: str
) -> None:
    row = bought(ctx, systems, account, sku)
    mailbox = account.order_email
    Account.update(order_email="").execute()
    for _ in range(6):
        orders.ask_due(ctx, account)
        assert run(ctx, row).state == "rejected"
        turn(ctx, orders.SETTING_AT_MOST)
    assert (again(row).state, again(row).failures) == ("failed", 0)
    assert "set an order e-mail" in again(row).failed_reason

    Account.update(order_email=mailbox).execute()
    assert orders.ask_due(ctx, account) == 1, "a quarter of an hour later at the latest"
    assert run(ctx, row).state == "confirmed"


def test_a_corrected_address_is_tried_at_once(ctx: Context, systems: Systems, account: Account, sku: str) -> None:
    row = bought(ctx, systems, account, sku)
    later = ctx.clock.now() + timedelta(hours=5)
    Order.update(state="failed", failures=9, retry_at=later, failed_reason="Failed address validation").execute()
    order = from_json(MarketplaceOrder, row.data)
    orders.save(ctx, account, order)
    assert orders.ask_due(ctx, account) == 0, "nothing new"
    corrected = replace(order.address, postcode="97206")
    orders.save(ctx, account, replace(order, update_time=order.update_time + 1, address=corrected))
    assert orders.ask_due(ctx, account) == 1


def test_sync_status_asks_at_once_whatever_failed_before(
    ctx: Context, systems: Systems, account: Account, sku: str
) -> None:
    row = bought(ctx, systems, account, sku)
    later = ctx.clock.now() + timedelta(hours=5)
    Order.update(state="failed", failures=9, retry_at=later).execute()
    assert orders.sync_status(ctx, row.id) == "TikTok Shop: AWAITING_SHIPMENT. Magento: no store order."
    assert len(asked(row)) == 1


def test_an_order_whose_number_was_not_written_back_is_finished(
    ctx: Context, systems: Systems, account: Account, sku: str
) -> None:
    """The store order was confirmed; the marketplace was away when its number was to be written there."""
    row = bought(ctx, systems, account, sku)
    systems.control.fault("tiktok", r"POST .*/external_orders", "http_500", times=9)
    orders.ask_due(ctx, account)
    item = run(ctx, row)
    assert (item.state, again(row).state, again(row).external_written) == ("waiting", "confirmed", False)
    systems.control.clear_faults()
    assert run(ctx, row).state == "confirmed"
    assert (again(row).external_written, len(made(systems, row))) == (True, 1)
    again_asked = OrderSubject(row.id, from_json(MarketplaceOrder, row.data), "confirmed", 1, written_back=True)
    action = runner.actions.get("create_sales_order")()
    assert [issue.code for issue in action.check(again_asked, {})] == ["order.exists"]


def test_an_order_that_a_dead_worker_left_half_made_is_asked_for_again(
    ctx: Context, systems: Systems, account: Account, sku: str
) -> None:
    row = stored(ctx, systems, account, sku)
    for state in ("placed", "corrected"):
        Order.update(state=state, retry_at=None).execute()
        assert orders.ask_due(ctx, account) == 1
        QueueItem.update(state="dead", open_key=None).execute()
    assert len(asked(row)) == 2


# ── news ─────────────────────────────────────────────────────────────────────


def test_two_imports_at_once_file_an_order_once_and_the_newest_news_stay(
    ctx: Context, systems: Systems, account: Account, sku: str
) -> None:
    data = from_json(MarketplaceOrder, bought(ctx, systems, account, sku).data)
    news = [replace(data, id="twice", update_time=number, status=status) for number, status in
            ((1, "UNPAID"), (2, "ON_HOLD"), (3, "AWAITING_SHIPMENT"), (4, "CANCELLED"))]  # fmt: skip
    start = threading.Barrier(len(news))

    def file(one: MarketplaceOrder) -> None:
        with connection():
            start.wait()
            orders.save(ctx, account, one)

    threads = [threading.Thread(target=file, args=(one,)) for one in news]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    (row,) = Order.select().where(Order.tiktok_order_id == "twice")
    assert (row.update_time, row.status) == (4, "CANCELLED")
    assert OrderLine.select().where(OrderLine.order == row.id).count() == 2


def test_a_store_that_is_away_does_not_keep_orders_from_being_imported(
    ctx: Context, systems: Systems, account: Account, sku: str
) -> None:
    """A cancelled order has to be followed in the store; the others are filed, counted and asked for all the same."""
    set_policy(invoice=False)
    today(ctx)
    row = stored(ctx, systems, account, sku)
    returns.reject_order(ctx, row.id, "out_of_stock")
    number = systems.control.post("tiktok/orders", lines=[{"seller_sku": sku, "quantity": 1}])["order_ids"][0]
    systems.control.fault("magento", ".*", "http_500", times=50)
    orders.import_window(ctx, account, **window())
    fresh = Order.get(Order.tiktok_order_id == number)
    assert len(asked(fresh)) == 1
    Order.update(state="cancelled").where(Order.status == "CANCELLED", Order.id != row.id).execute()  # other tests'
    with pytest.raises(RetryableError):
        returns.settle(ctx, account)
    systems.control.clear_faults()
    turn(ctx, 60)
    assert returns.settle(ctx, account) >= 1
    assert (again(row).state, store_order(systems, row).state) == ("cancelled", "canceled")


def test_one_order_by_its_id_is_imported_and_asked_for(
    ctx: Context, systems: Systems, account: Account, sku: str
) -> None:
    number = systems.control.post("tiktok/orders", lines=[{"seller_sku": sku, "quantity": 1}])["order_ids"][0]
    assert orders.import_window(ctx, account, order_id=number) == "1 new orders, 0 known ones read again."
    assert len(asked(Order.get(Order.tiktok_order_id == number))) == 1
    with pytest.raises(RejectedError):
        orders.import_window(ctx, account, order_id="1")


def test_a_mapped_status_reaches_the_store_order(ctx: Context, systems: Systems, account: Account, sku: str) -> None:
    set_policy(status_map={"AWAITING_SHIPMENT": "fraud"})
    row = stored(ctx, systems, account, sku)
    Order.update(retry_at=None).execute()
    assert orders.ask_due(ctx, account) == 1
    assert run(ctx, row, "sync_status").cause == "TikTok Shop: AWAITING_SHIPMENT. Magento: fraud."
    assert (store_order(systems, row).status, again(row).magento_status) == ("fraud", "fraud")
    turn(ctx, orders.RETRY_AT_MOST + 1)
    assert orders.ask_due(ctx, account) == 0


def test_a_status_that_the_store_refuses_is_said(ctx: Context, systems: Systems, account: Account, sku: str) -> None:
    set_policy(status_map={"AWAITING_SHIPMENT": "complete"})
    row = stored(ctx, systems, account, sku)
    Order.update(retry_at=None).execute()
    orders.ask_due(ctx, account)
    item = run(ctx, row, "sync_status")
    assert (item.state, store_order(systems, row).status) == ("rejected", "processing")


def test_a_second_order_found_while_following_a_cancellation_is_cancelled_too(
    ctx: Context, systems: Systems, account: Account, sku: str
) -> None:
    row = bought(ctx, systems, account, sku)
    market = from_json(MarketplaceOrder, row.data)
    email = placement.order_email(account, market.id)
    numbers = []
    for _ in range(2):
        cart = systems.store.create_cart()
        systems.store.add_to_cart(cart, sku, 2)
        systems.store.set_cart_address(
            cart, carts.shippable(market.address), email, carrier="flatrate", method="flatrate"
        )
        numbers.append(systems.store.place(cart, "checkmo"))
    systems.store.hold(numbers[1])
    Order.update(status="CANCELLED", cart_id=cart, state="placing").where(Order.id == row.id).execute()
    assert returns.settle(ctx, account) == 1
    assert {systems.store.order(number).state for number in numbers} == {"canceled"}
    assert (again(row).state, again(row).magento_order_id, len(again(row).duplicates)) == ("cancelled", min(numbers), 1)


def test_a_cancelled_order_that_was_invoiced_says_what_to_do_until_its_case_comes(
    ctx: Context, systems: Systems, account: Account, sku: str
) -> None:
    row = stored(ctx, systems, account, sku)
    Order.update(status="CANCELLED", retry_at=None).where(Order.id == row.id).execute()
    assert returns.settle(ctx, account) == 0
    assert again(row).failed_reason == cancelling.BY_HAND
    returns.reject_order(ctx, row.id, "out_of_stock")
    today(ctx)
    returns.import_window(ctx, account, **window())
    returns.settle(ctx, account)
    assert (again(row).state, again(row).failed_reason) == ("cancelled", "")
    assert ReturnCase.get(ReturnCase.tiktok_order_id == row.tiktok_order_id).store_state == "done"
