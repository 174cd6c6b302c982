"""The comparison at the journey's end finds what differs: every kind of difference is made here once."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator
from contextlib import nullcontext
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from connector.app import HttpRemotes
from connector.jobs import recurring
from connector.journey import listed, prepare, reconcile, trade
from connector.journey.buyers import Sandbox
from connector.journey.everyday import Everyday
from connector.journey.run import Journey, Sight
from connector.journey.shopkeeper import Shopkeeper
from connector.plugins.actions.upload import Upload
from connector.services import publishing, returns, work
from connector.settings import Settings
from connector.store import database
from connector.store.models import Account, Listing, Order, OrderLine, Policy, Product, QueueItem, ReturnCase
from tests.conftest import other_database, run_sql
from tests.flow.conftest import Installation, installed
from tests.flow.selling import Selling


class Altered(Sandbox):
    """The sandbox's truth with one thing of it changed, as if we had understood it wrongly."""

    def __init__(self, url: str, kind: str, change: Callable[[dict[str, Any]], object]) -> None:
        super().__init__(url)
        self._kind, self._change = kind, change

    def truth(self, kind: str) -> Iterator[dict[str, Any]]:
        for one in super().truth(kind):
            if kind == self._kind:
                self._change(one)
            yield one


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

    def differences(self, sandbox: Sandbox | None = None) -> list[str]:
        """All of them, as the journey tells them."""
        account, sandbox = self.selling.account, sandbox or self.sandbox
        traded = reconcile.orders(account, sandbox, self.keeper)
        return [
            *reconcile.listings(account, sandbox, self.keeper),
            *traded.differences,
            *reconcile.stock(self.before, traded.sold, self.keeper),
            *reconcile.cases(account),
            *listed.failures(),
        ]

    def altered(self, kind: str, change: Callable[[dict[str, Any]], object]) -> list[str]:
        """What is told when the marketplace's truth is another than ours."""
        return self.differences(Altered(self.sandbox.url, kind, change))

    def count_anew(self) -> None:
        """What the store has now is right."""
        sold = reconcile.orders(self.selling.account, self.sandbox, self.keeper).sold[self.sku.sku]
        self.before = {self.sku.sku: str(self.keeper.salable(self.sku.sku) + sold)}

    def journey(self) -> Journey:
        """One that begins with what is here."""
        Account.update(title=prepare.TITLE).where(Account.id == self.here.account.id).execute()
        return Journey(
            self.here.ctx,
            self.sandbox,
            prepare.StoreAccess(self.here.store.base_url),
            lambda _account: None,
            lambda _store: self.keeper,
            Sight(lambda _text: None, lambda _text, _total: nullcontext(lambda _steps: None)),
        )

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


def test_pieces_that_the_store_would_sell_and_has_not_on_the_shelf_are_not_there(scene: Scene) -> None:
    """As after an order that was saved directly: salable by the store's word, and in no source."""
    sku, keeper = scene.sku.sku, scene.keeper
    item = keeper._store.get(f"/stockItems/{sku}")
    path = f"/products/{sku}/stockItems/{item['item_id']}"
    on_the_shelf = Decimal(item["qty"])
    assert keeper.there([sku]) == {sku: keeper.salable(sku)}
    changes = {"min_qty": -7, "use_config_min_qty": False, "backorders": 1, "use_config_backorders": False}
    keeper._put(path, {"stockItem": changes})
    try:
        assert keeper.salable(sku) > on_the_shelf
        assert keeper.there([sku]) == {sku: on_the_shelf}
    finally:
        keeper._put(path, {"stockItem": {name: item[name] for name in changes}})
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


def _money(order: dict[str, Any]) -> None:
    order["payment"] = {name: "999.99" if name != "currency" else text for name, text in order["payment"].items()}


def _one_unit_more(order: dict[str, Any]) -> None:
    order["line_items"].append({**order["line_items"][0], "id": "424242"})


def _another_product(order: dict[str, Any]) -> None:
    for line in order["line_items"]:
        line.update(seller_sku="ANOTHER", sku_id="1", sale_price="0.01")


@pytest.mark.parametrize(
    ("change", "told"),
    [
        (_money, ["grand total in the store", "tax by the marketplace", "total_amount kept", "shipping_fee kept"]),
        (_one_unit_more, ["units kept", "units filed", "pieces of"]),
        (_another_product, ["units kept", "pieces of ANOTHER in the store is 0, not 2", "price of"]),
        (lambda order: order.update(recipient_address={}), ["recipient", "street", "postcode", "country", "city"]),
    ],
    ids=["money", "units", "products", "address"],
)
def test_an_order_that_was_read_wrongly_is_told(
    scene: Scene, change: Callable[[dict[str, Any]], object], told: list[str]
) -> None:
    """Our row and the store agree with each other; the marketplace's truth alone says otherwise."""
    found = scene.altered("orders", change)

    assert [name for name in told if not any(name in one for one in found)] == []
    assert all(one.startswith(f"order {scene.number}: ") or scene.sku.sku in one for one in found)


def test_pieces_sold_by_the_marketplace_s_truth_are_missing_in_the_store(scene: Scene) -> None:
    found = scene.altered("orders", _one_unit_more)
    assert any(one.startswith(f"{scene.sku.sku}: salable pieces in the store is") for one in found)


def test_a_product_that_looks_otherwise_is_told(scene: Scene) -> None:
    def change(product: dict[str, Any]) -> None:
        product.update(title="WRONG", description="", category_id="1", main_images=[], external_product_id="x")

    name, found = scene.listing.product.sku, scene.altered("products", change)
    assert f"{name}: it has no picture" in found
    assert f"{name}: it has no description" in found
    assert [f"{name}: {what} is" in " / ".join(found) for what in ("title", "category", "external id")] == [True] * 3


def test_a_listing_stuck_at_no_pieces_is_told(scene: Scene) -> None:
    """The marketplace and what it confirmed agree; the draft wants what the store has."""
    row = scene.selling.again(scene.listing)
    known, none = row.confirmed, dict.fromkeys(scene.sku.quantities, 0)
    skus = {key: {**sku, "quantities": none} for key, sku in known["skus"].items()}
    Listing.update(confirmed={**known, "skus": skus}).where(Listing.id == row.id).execute()

    def change(product: dict[str, Any]) -> None:
        if product["id"] == row.remote_id:
            product["skus"][0].update(inventory=none, quantity=0)

    found = scene.altered("products", change)
    Listing.update(confirmed=known).where(Listing.id == row.id).execute()
    assert [one for one in found if one.startswith(f"{scene.sku.seller_sku}: pieces by our policies is")] == found


def test_variants_that_only_one_side_sells_are_told(scene: Scene) -> None:
    row = scene.selling.live("configurable")
    name, draft, in_store = row.product.sku, publishing.drafted_of(row), scene.keeper.variants()
    assert draft is not None
    first, *others = [sku.sku for sku in draft.skus]
    scene.selling.save_product(first, status=2)
    disabled = scene.differences()
    scene.selling.save_product(first, status=1)
    named = Listing(product=row.product, issues=[{"message": f"Variants sold elsewhere: {first}."}])

    assert in_store[name] == {first, *others}
    assert disabled == [f"{name}: variant {first} is none of the store's"]
    assert listed.variants(row, set(others), in_store) == [
        f"{name}: the store's variant {first} is not on the marketplace"
    ]
    assert listed.variants(named, set(others), in_store) == [], "it says why"
    assert scene.differences() == []


def test_a_listing_whose_upload_died_is_told_with_its_cause(scene: Scene, monkeypatch: pytest.MonkeyPatch) -> None:
    """It is neither live nor refused nor held back, and nothing waits for it any more."""
    row = scene.selling.live(number=1)
    unsent = {"remote_id": "", "status": "", "confirmed": {}, "content_due": True, "stale": True}
    Listing.update(unsent).where(Listing.id == row.id).execute()

    def broken(*_: object) -> None:
        raise KeyError("sales_attributes")

    with monkeypatch.context() as patch:
        patch.setattr(Upload, "run", broken)
        scene.selling.plan()
        for _ in range(work.MAX_ATTEMPTS):
            scene.here.work()
    found, journey = scene.differences(), scene.journey()
    journey._count_listings()
    items = QueueItem.select().where(QueueItem.kind == "upload", QueueItem.subject_id == row.id)
    item = items.order_by(QueueItem.id.desc()).get()
    scene.selling.plan()
    work.ask(scene.here.ctx, "upload", [row.id], actor="test")
    scene.here.work()
    scene.selling.reviewed()
    scene.selling.plan()

    name = row.product.sku
    assert item.state == "dead"
    assert f"{name}: valid but not on the marketplace: upload is dead: {item.cause}" in found
    assert f"upload {item.name} is dead: {item.cause}" in found
    assert sum(journey.report.listings.values()) == len(listed.assigned(scene.selling.account)) - 1
    assert scene.differences() == [], "it was found on the marketplace and taken over"


def test_an_order_that_cannot_be_what_its_story_says_comes_with_a_note(scene: Scene) -> None:
    account, simple = scene.selling.account, Product.select(Product.id).where(Product.type_id == "simple")
    variant, two = (next(one for one in trade.SCENARIOS if one.name == name) for name in ("a variant", "two packages"))
    as_wanted = [trade.choose(account, one, 0) for one in (variant, two)]
    with database.transaction() as undone:
        Listing.update(status="FAILED").where(Listing.product.not_in(simple)).execute()
        no_variant = trade.choose(account, variant, 0)
        Listing.update(status="FAILED").where(Listing.id != scene.listing.id).execute()
        alone = trade.choose(account, two, 3)
        Listing.update(status="FAILED").execute()
        nothing = trade.choose(account, two, 3)
        undone.rollback()

    assert [(len(set(skus)), note) for skus, note in as_wanted] == [(1, ""), (2, "")]
    assert (
        no_variant[1]
        == f"“a variant”: no configurable is live with pieces to sell, {no_variant[0][0][1]} was ordered instead."
    )
    assert alone == (
        [(scene.sku.seller_sku, scene.sku.sku)],
        "“two packages”: only 1 product is live with pieces to sell.",
    )
    assert nothing == ([], "")


def test_everyday_life_leaves_no_difference(scene: Scene) -> None:
    """Orders, stock, prices and parcels of a demonstration that stays up."""
    life = Everyday(scene.journey(), random.Random(5))
    told = []
    for _ in range(2):
        told += [life.go_on() for _ in range(6)]
        scene.round_of_work()
    scene.round_of_work()
    scene.count_anew()

    for sentence, times in (
        ("A buyer orders", 4),
        ("The store counts", 2),
        ("The store asks", 2),
        ("The store ships", 1),
    ):
        assert sum(one.startswith(sentence) for one in told) >= times, told
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
    journey = scene.journey()
    first = journey.make_changes()
    left = scene.keeper.salable(first["stock_sku"])
    scene.keeper.set_stock(first["stock_sku"], first["pieces"] - 1)

    assert journey.make_changes() == first
    assert scene.keeper.salable(first["stock_sku"]) == left - 1
    assert scene.keeper.price(first["price_sku"]) == Decimal(first["price"])
