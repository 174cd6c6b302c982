"""The comparison at the journey's end finds what differs: every kind of difference is made here once."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import nullcontext
from decimal import Decimal
from pathlib import Path

import pytest

from connector.app import HttpRemotes
from connector.jobs import recurring
from connector.journey import prepare, reconcile
from connector.journey.buyers import Sandbox
from connector.journey.run import Journey, Sight
from connector.journey.shopkeeper import Shopkeeper
from connector.services import publishing, returns
from connector.settings import Settings
from connector.store.models import Account, Listing, Order, OrderLine, Policy, ReturnCase
from tests.conftest import other_database, run_sql
from tests.flow.conftest import Installation, installed
from tests.flow.selling import Selling


class Scene:
    """A shop with live listings and one order that the store has, and the three views of it."""

    def __init__(self, here: Installation, remotes: HttpRemotes) -> None:
        self.here, self.selling = here, Selling(here)
        self.sandbox = Sandbox(here.control.url)
        self.keeper = Shopkeeper(remotes.connection(here.store), here.store.website_code)
        self.selling.list_all()
        carriers = [one["id"] for one in self.selling.account.carriers]
        policy = Policy.get(Policy.type == "order", Policy.is_default)
        policy.settings = {**policy.settings, "default_provider": carriers[0], "accept_cancellations": False}
        policy.save()
        self.listing = self.selling.live()
        draft = publishing.drafted_of(self.listing)
        assert draft is not None
        self.sku = draft.skus[0]
        self.before = {self.sku.sku: str(self.keeper.salable(self.sku.sku))}
        self.order = self.sell(2)
        self.number = self.order.tiktok_order_id

    def sell(self, pieces: int) -> Order:
        """An order that the store has, whose stock both sides know of."""
        number = self.selling.order(self.sku.seller_sku, pieces)
        self.round_of_work()
        order: Order = Order.get(Order.tiktok_order_id == number)
        assert order.state == "confirmed"
        return order

    def round_of_work(self) -> None:
        """What recurs for orders and stock, once, and the work that follows from it."""
        ctx, account = self.here.ctx, self.here.account.id
        recurring.read_orders(ctx, account)
        recurring.look_for_shipments(ctx, account)
        self.here.work()
        recurring.read_orders(ctx, account)
        recurring.settle_returns(ctx, account)
        self.selling.read_store()
        self.selling.plan()

    def deliver(self, order: Order) -> None:
        """Shipped in one parcel, with the buyer."""
        left = self.keeper.left_to_ship(order.magento_order_id)
        self.keeper.ship(order.magento_order_id, left, f"1Z999AA1{order.id:010}")
        self.round_of_work()
        for act in ("collect", "deliver"):
            self.sandbox.act(f"orders/{order.tiktok_order_id}/{act}")
        self.round_of_work()

    def differences(self) -> list[str]:
        """All of them, as the journey tells them."""
        account = self.selling.account
        traded = reconcile.orders(account, self.sandbox, self.keeper)
        return [
            *reconcile.listings(account, self.sandbox, self.keeper),
            *traded.differences,
            *reconcile.stock(self.before, traded.sold, self.keeper),
            *reconcile.cases(account),
        ]

    def duplicates(self) -> int:
        return reconcile.orders(self.selling.account, self.sandbox, self.keeper).duplicates


@pytest.fixture(scope="module", params=["sqlite", pytest.param("postgres", marks=pytest.mark.postgres)])
def scene(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory, redis_url: str) -> Iterator[Scene]:
    folder: Path = tmp_path_factory.mktemp("scene")
    url = f"sqlite:///{folder / 'connector.sqlite'}"
    if request.param == "postgres":
        server: str = request.getfixturevalue("postgres_url")
        run_sql(server, "CREATE DATABASE scene")
        url = other_database(server, "scene")
    with installed(folder, url, redis_url, products=30) as here:
        yield Scene(here, HttpRemotes(Settings(var_dir=folder / "var", database_url=url, redis_url=redis_url)))


def test_two_sides_that_agree_differ_in_nothing(scene: Scene) -> None:
    assert scene.order.state == "confirmed"
    assert scene.differences() == []
    assert scene.duplicates() == 0


def test_a_price_and_pieces_that_we_do_not_know_of_are_told(scene: Scene) -> None:
    known = scene.selling.again(scene.listing).confirmed
    told = {**known, "skus": {**known["skus"]}}
    one = dict(told["skus"][scene.sku.seller_sku])
    one["price"] = str(Decimal(one["price"]) + 1)
    one["quantities"] = {place: pieces + 1 for place, pieces in one["quantities"].items()}
    told["skus"][scene.sku.seller_sku] = one
    Listing.update(confirmed=told).where(Listing.id == scene.listing.id).execute()
    try:
        found = " / ".join(scene.differences())
    finally:
        Listing.update(confirmed=known).where(Listing.id == scene.listing.id).execute()

    assert f"{scene.sku.seller_sku}: price is" in found
    assert f"{scene.sku.seller_sku}: pieces is" in found


def test_a_status_that_is_not_ours_and_a_listing_without_a_product_are_told(scene: Scene) -> None:
    row = scene.selling.again(scene.listing)
    Listing.update(status="DELETED", remote_id="17").where(Listing.id == row.id).execute()
    try:
        found = " / ".join(scene.differences())
    finally:
        Listing.update(status=row.status, remote_id=row.remote_id).where(Listing.id == row.id).execute()

    assert f"product {row.remote_id} " in found
    assert "17 is not on the marketplace" in found


def test_more_pieces_than_the_store_has_are_told(scene: Scene) -> None:
    pieces = int(scene.keeper.salable(scene.sku.sku))
    scene.selling.set_stock(scene.sku.sku, 3)
    try:
        found = " / ".join(scene.differences())
    finally:
        scene.selling.set_stock(scene.sku.sku, pieces + 2)  # two are reserved for the order

    assert f"{scene.sku.sku}: {pieces} pieces are promised" in found
    assert f"{scene.sku.sku}: salable pieces in the store is" in found
    assert scene.differences() == []


def test_another_total_in_the_store_is_told(scene: Scene) -> None:
    data = dict(scene.order.data)
    payment = {**data["payment"], "total_amount": str(Decimal(data["payment"]["total_amount"]) + 1)}
    lines = [
        {**data["lines"][0], "original_price": str(Decimal(data["lines"][0]["original_price"]) + 1)},
        *data["lines"][1:],
    ]
    Order.update(data={**data, "payment": payment, "lines": lines}).where(Order.id == scene.order.id).execute()
    try:
        found = " / ".join(scene.differences())
    finally:
        Order.update(data=data).where(Order.id == scene.order.id).execute()

    assert "total in the store is" in found
    assert "subtotal in the store is" in found


def test_a_store_order_that_is_missing_and_an_order_never_imported_are_told(scene: Scene) -> None:
    row = scene.order
    Order.update(magento_order_id=999).where(Order.id == row.id).execute()
    missing = " / ".join(scene.differences())
    Order.update(magento_order_id=row.magento_order_id, tiktok_order_id="1").where(Order.id == row.id).execute()
    unknown = " / ".join(scene.differences())
    Order.update(tiktok_order_id=row.tiktok_order_id).where(Order.id == row.id).execute()

    assert "is missing" in missing
    assert f"order {row.tiktok_order_id} was never imported" in unknown
    assert scene.differences() == []


def test_a_store_number_that_is_not_ours_is_told(scene: Scene) -> None:
    """On either side: each has to know the other's number."""
    row, sales = scene.order, scene.keeper.sales
    store = scene.keeper.order(row.magento_order_id)
    scene.selling.shop.write_external_order(scene.number, "000000999", {})
    on_the_marketplace = scene.differences()
    scene.selling.shop.write_external_order(scene.number, store.increment_id, {})
    name = {"entity_id": store.entity_id, "increment_id": store.increment_id}
    sales.save_order({**name, "ext_order_id": "1729"})
    in_the_store = scene.differences()
    sales.save_order({**name, "ext_order_id": scene.number})

    order = f"order {scene.number}"
    assert on_the_marketplace == [
        f"{order}: store number on the marketplace is ['000000999'], not ['{store.increment_id}']"
    ]
    assert in_the_store == [f"{order}: marketplace number in the store is 1729, not {scene.number}"]
    assert scene.differences() == []


def test_a_parcel_of_which_the_marketplace_was_not_told_is_told(scene: Scene) -> None:
    left = scene.keeper.left_to_ship(scene.order.magento_order_id)
    scene.keeper.ship(scene.order.magento_order_id, left, "1Z999AA10123456784")
    found = scene.differences()
    scene.round_of_work()

    assert found == [f"order {scene.number}: tracking numbers in the store is ['1Z999AA10123456784'], not []"]
    assert scene.differences() == []


def test_a_cancelled_order_that_the_store_still_has_is_told(scene: Scene) -> None:
    order = scene.sell(1)
    scene.sandbox.act(f"orders/{order.tiktok_order_id}/buyer_cancel_request")
    recurring.read_orders(scene.here.ctx, scene.here.account.id)
    case = ReturnCase.get(ReturnCase.tiktok_order_id == order.tiktok_order_id)
    returns.accept(scene.here.ctx, case.id, "test")
    found = " / ".join(scene.differences())
    total = scene.keeper.order(order.magento_order_id).grand_total
    scene.round_of_work()
    scene.round_of_work()

    assert f"order {order.tiktok_order_id}: refunded in the store is 0.00, not {total:.2f}" in found
    assert scene.differences() == []


def test_a_return_without_its_credit_memo_and_one_too_many_are_told(scene: Scene) -> None:
    order = scene.sell(2)
    scene.deliver(order)
    unit = OrderLine.select().where(OrderLine.order == order).order_by(OrderLine.id).get()
    scene.sandbox.act(f"orders/{order.tiktok_order_id}/returns", return_type="REFUND", line_item_ids=[unit.line_id])
    recurring.read_orders(scene.here.ctx, scene.here.account.id)
    case = ReturnCase.get(ReturnCase.tiktok_order_id == order.tiktok_order_id)
    returns.accept(scene.here.ctx, case.id, "test")
    without = " / ".join(scene.differences())
    scene.round_of_work()
    settled = scene.differences()
    scene.keeper.sales.refund(order.magento_order_id, {}, shipping_amount=Decimal(0), adjustment_positive=Decimal(1))

    name = f"order {order.tiktok_order_id}"
    assert f"{name}: credit memos is 0, not 1" in without
    assert f"{name}: units refunded is 0, not 1" in without
    assert settled == []
    assert f"{name}: credit memos is 2, not 1" in scene.differences()


def test_a_refund_that_nobody_asked_for_is_told(scene: Scene) -> None:
    order = scene.sell(1)
    scene.keeper.sales.refund(order.magento_order_id, {}, shipping_amount=Decimal(0), adjustment_positive=Decimal(1))

    assert f"order {order.tiktok_order_id}: refunded in the store is 1.00, not 0.00" in scene.differences()


def test_a_second_store_order_is_counted(scene: Scene) -> None:
    """The one of another order bears this order's number, as after a race."""
    other = scene.selling.order(scene.sku.seller_sku, 1)
    recurring.read_orders(scene.here.ctx, scene.here.account.id)
    scene.here.work()
    made = Order.get(Order.tiktok_order_id == other)
    store = scene.keeper.order(made.magento_order_id)
    scene.keeper.sales.save_order(
        {"entity_id": store.entity_id, "increment_id": store.increment_id, "ext_order_id": scene.number}
    )

    assert scene.duplicates() == 1
    told = f"order {other}: marketplace number in the store is {scene.number}, not {other}"
    assert told in scene.differences()


def test_a_journey_that_goes_on_puts_no_shipped_pieces_back(scene: Scene) -> None:
    """Whoever changes the stock a second time, the journey does not."""
    Account.update(title=prepare.TITLE).where(Account.id == scene.here.account.id).execute()
    journey = Journey(
        scene.here.ctx,
        scene.sandbox,
        prepare.StoreAccess(scene.here.store.base_url),
        lambda _account: None,
        lambda _store: scene.keeper,
        Sight(lambda _text: None, lambda _text, _total: nullcontext(lambda _steps: None)),
    )
    first = journey.make_changes()
    left = scene.keeper.salable(first["stock_sku"])
    scene.keeper.set_stock(first["stock_sku"], first["pieces"] - 1)

    assert journey.make_changes() == first
    assert scene.keeper.salable(first["stock_sku"]) == left - 1
    assert scene.keeper.price(first["price_sku"]) == Decimal(first["price"])
