"""What two who work at once must not do twice, on both databases (HTTP, in the sandbox)."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

import pytest
from peewee import IntegrityError

from connector.domain.order import ZERO, Cancellation, MarketplaceOrder
from connector.domain.values import from_json
from connector.services import orders, placement, returns, shipments
from connector.services.context import Context
from connector.store.database import connection, disconnect
from connector.store.models import (
    Account,
    HistoryEntry,
    Listing,
    Order,
    OrderLine,
    Policy,
    ReturnCase,
    RuleSetVersion,
    Shipment,
)
from tests.services import world
from tests.services.orders_made_up import marketplace_order
from tests.services.rule_shop import RULES, activate, open_shop
from tests.services.test_placement_sandbox import Systems, sku, systems
from tests.services.trading import UPS, again, bought, pack, provider, stored, today, window

__all__ = ["sku", "systems"]


@pytest.fixture
def account(database_url: str, systems: Systems) -> Iterator[Account]:
    made = world.fill(database_url, products=0)
    Policy.create(
        title="Orders", type="order", settings={"default_provider": provider(systems)}, is_default=True,
        created_at=world.START, updated_at=world.START,
    )  # fmt: skip
    Account.update(order_email="orders@merchant.example").execute()
    yield Account.get_by_id(made.id)
    systems.control.clear_faults()
    disconnect()


@pytest.fixture
def ctx(systems: Systems, account: Account) -> Context:
    return Context(systems, world.Clock(), world.Messages())


def together(*calls: Callable[[], Any]) -> list[Any]:
    """Every call in a thread of its own, all begun in one moment; what they answered or raised."""
    start, answers = threading.Barrier(len(calls)), []

    def run(call: Callable[[], Any]) -> None:
        with connection():
            start.wait()
            try:
                answers.append(call())
            except Exception as error:  # noqa: BLE001 – the test looks at it
                answers.append(error)

    threads = [threading.Thread(target=run, args=(call,)) for call in calls]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return answers


def test_an_order_is_filed_once_and_the_newest_news_stay(
    ctx: Context, systems: Systems, account: Account, sku: str
) -> None:
    data = from_json(MarketplaceOrder, bought(ctx, systems, account, sku).data)
    told = ((1, "UNPAID"), (2, "ON_HOLD"), (3, "AWAITING_SHIPMENT"), (4, "CANCELLED"))
    news = [replace(data, id="twice", update_time=number, status=status) for number, status in told]
    answers = together(*(lambda one=one: orders.save(ctx, account, one) for one in news))
    assert not [one for one in answers if isinstance(one, Exception)]
    (row,) = Order.select().where(Order.tiktok_order_id == "twice")
    assert (row.update_time, row.status) == (4, "CANCELLED")
    assert OrderLine.select().where(OrderLine.order == row.id).count() == 2


def test_orders_of_the_same_products_are_filed_side_by_side(database_url: str) -> None:
    """Each holds all its listings before it changes one, always in one order: PostgreSQL finds no deadlock."""
    shop, ctx = world.fill(database_url, products=6), world.context()
    for row in list(Listing.select()):
        sold = {"skus": {row.product.sku: {"id": f"s{row.id}"}}}
        Listing.update(remote_id=f"p{row.id}", confirmed=sold).where(Listing.id == row.id).execute()
    ids = [row.id for row in Listing.select().order_by(Listing.id)]
    base = marketplace_order("", "AWAITING_SHIPMENT")

    def order(number: str, products: list[int]) -> MarketplaceOrder:
        (one,) = base.lines
        lines = [
            replace(one, id=f"{number}{i}", product_id=f"p{i}", sku_id=f"s{i}", seller_sku=f"MH{i:02}")
            for i in products
        ]
        return replace(base, id=number, lines=tuple(lines))

    def file(name: str, products: list[int]) -> None:
        for number in range(10):
            orders.save(ctx, shop, order(f"{name}{number}", products))

    answers = together(lambda: file("up", ids), lambda: file("down", ids[::-1]))
    filed = Order.select().count()
    disconnect()
    assert (answers, filed) == ([None, None], 20)


def test_of_two_rule_sets_activated_at_once_one_is_active(database_url: str) -> None:
    shop, ctx = open_shop(world.fill(database_url)), world.context()
    activate(ctx)
    texts = [RULES.replace("price < 20", f"price < {number}") for number in (30, 31)]
    for _ in range(3):
        answers = together(*(lambda text=text: activate(ctx, text) for text in texts))
        assert not [one for one in answers if isinstance(one, Exception)]
        assert RuleSetVersion.select().where(RuleSetVersion.active).count() == 1
    assert shop.id
    disconnect()


def test_an_order_that_names_a_unit_twice_is_refused_and_not_tried_for_ever(
    ctx: Context, systems: Systems, account: Account, sku: str
) -> None:
    data = from_json(MarketplaceOrder, bought(ctx, systems, account, sku).data)
    with pytest.raises(IntegrityError):
        orders.save(ctx, account, replace(data, id="odd", lines=(data.lines[0], data.lines[0])))
    assert not Order.select().where(Order.tiktok_order_id == "odd").exists()


@pytest.mark.parametrize("known", [False, True])
def test_a_case_is_filed_once_and_the_newest_news_stay(ctx: Context, account: Account, *, known: bool) -> None:
    first = Cancellation("c", "o", "CANCEL", "CANCELLATION_REQUEST_PENDING", "BUYER", "r", "", (), ZERO, "USD", 1)
    if known:
        returns.save(ctx, account, first)
    told = (
        (2, "CANCELLATION_REQUEST_PENDING"),
        (3, "CANCELLATION_REQUEST_CANCEL"),
        (4, "CANCELLATION_REQUEST_SUCCESS"),
    )
    news = [replace(first, update_time=number, status=status) for number, status in told]
    answers = together(*(lambda one=one: returns.save(ctx, account, one) for one in news))
    assert not [one for one in answers if isinstance(one, Exception)]
    (row,) = ReturnCase.select()
    assert (row.update_time, row.status, row.store_state) == (4, "CANCELLATION_REQUEST_SUCCESS", "due")


def test_a_store_order_is_made_once(ctx: Context, systems: Systems, account: Account, sku: str) -> None:
    row = bought(ctx, systems, account, sku)
    answers = together(*(lambda name=name: placement.create_sales_order(ctx, row.id, name) for name in ("a", "b", "c")))
    assert sum("Store order" in str(one) for one in answers) == 1
    assert again(row).state == "confirmed"
    assert len(systems.store.find_orders("ext_order_id", row.tiktok_order_id)) == 1


def test_a_unit_is_in_one_parcel(ctx: Context, systems: Systems, account: Account, sku: str) -> None:
    """The scheduler files and a worker reports two shipments of one order in the same moment."""
    row = stored(ctx, systems, account, sku, 3)
    pack(systems, row, 1, UPS[0])
    pack(systems, row, 2, UPS[1])
    together(
        lambda: shipments.poll(ctx, account),
        lambda: shipments.sync(ctx, row.id),
        lambda: shipments.poll(ctx, account),
        lambda: shipments.sync(ctx, row.id),
    )
    shipments.sync(ctx, row.id)
    assert [(one.state, len(one.line_ids)) for one in Shipment.select().order_by(Shipment.id)] == [
        ("sent", 1),
        ("sent", 2),
    ]
    units = [line_id for one in Shipment.select() for line_id in one.line_ids]
    assert len(units) == len(set(units)) == 3
    (market,) = systems.market.orders([row.tiktok_order_id])
    assert len({line.package_id for line in market.lines}) == 2


def test_a_case_makes_one_credit_memo_and_gets_one_answer(
    ctx: Context, systems: Systems, account: Account, sku: str
) -> None:
    row = stored(ctx, systems, account, sku, 2)
    pack(systems, row)
    shipments.sync(ctx, row.id)
    for step in ("collect", "deliver"):
        systems.control.post(f"tiktok/orders/{row.tiktok_order_id}/{step}")
    lines = [line.line_id for line in OrderLine.select().where(OrderLine.order == row.id)]
    systems.control.post(f"tiktok/orders/{row.tiktok_order_id}/returns", return_type="REFUND", line_item_ids=lines[:1])
    today(ctx)
    returns.import_window(ctx, account, **window())
    case = ReturnCase.get(ReturnCase.tiktok_order_id == row.tiktok_order_id)
    answers = together(
        lambda: returns.accept(ctx, case.id, "alex@example.com"),
        lambda: returns.reject(ctx, case.id, "", "sam@example.com"),
    )
    assert sum(isinstance(one, Exception) for one in answers) == 1, "the first answer counts"
    decided = ReturnCase.get_by_id(case.id)
    assert HistoryEntry.select().where(HistoryEntry.action == f"return.{decided.decision}").count() == 1

    returns.import_window(ctx, account, **window())
    settled = together(*(lambda: returns.settle(ctx, account) for _ in range(4)))
    wanted = int(decided.decision == "approve")
    assert sorted(settled) == [0, 0, 0, wanted]
    assert len(systems.store.credit_memos(int(again(row).magento_order_id or 0))) == wanted
