"""Every method of the sales port against a Magento sandbox, over HTTP, signed with OAuth and with a bearer token."""

from __future__ import annotations

import logging
import threading
import time
import traceback
from collections.abc import Callable, Iterator
from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest
import structlog

from connector.clients.http import Answer, Call, HttpClient
from connector.clients.magento import MagentoCatalog, MagentoConnection, MagentoSales, MagentoStore
from connector.domain.order import Address, StoreOrder, Track
from connector.errors import AuthorizationError, CartRefusedError, NotFoundError, RejectedError, UnknownOutcomeError
from tests.sandbox.magento_shop import Shop, add_product, running_shop

ANN = Address("Ann", "Lee", ("1 Main St", "Apt 2"), "Los Angeles", "California", "90001", "US", "5551234")
ODD_SKUS = ["A/2", "Ü 4 b", "A+B%20C#5", "50%", "a&b=c"]


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Shop]:
    with running_shop(tmp_path_factory.mktemp("magento"), currency="USD") as shop:
        shop.options(place_prepare_ms=0, place_save_ms=0, place_mail_ms=0)
        for sku in ["PLAIN", "OTHER", *ODD_SKUS]:
            add_product(shop.db, sku, "20.00", 1000)
        add_product(shop.db, "LAST", "20.00", 1)
        yield shop


def credentials(shop: Shop) -> dict[str, str]:
    row = shop.db.execute("SELECT * FROM integration WHERE name = 'connector'").fetchone()
    return {
        "consumer_key": row["consumer_key"],
        "consumer_secret": row["consumer_secret"],
        "access_token": row["access_token"],
        "access_token_secret": row["access_token_secret"],
    }


@pytest.fixture(params=["oauth", "bearer"], scope="module")
def connection(shop: Shop, request: pytest.FixtureRequest) -> MagentoConnection:
    settings = MagentoStore(shop.server.url, auth=request.param, store_code="default", **credentials(shop))
    return MagentoConnection(settings, HttpClient("magento", read_timeout=5, sleep=lambda _: None))


@pytest.fixture
def sales(connection: MagentoConnection) -> MagentoSales:
    return MagentoSales(connection)


def cart_of(sales: MagentoSales, *lines: tuple[str, int], email: str = "orders@merchant.example") -> str:
    cart = sales.create_cart()
    for sku, pieces in lines:
        sales.add_to_cart(cart, sku, pieces)
    sales.set_cart_address(cart, ANN, email, carrier="flatrate", method="flatrate")
    return cart


def order_of(sales: MagentoSales, *lines: tuple[str, int]) -> StoreOrder:
    return sales.order(sales.place(cart_of(sales, *lines), "checkmo"))


def test_a_cart_becomes_one_order_that_its_email_finds(sales: MagentoSales, shop: Shop) -> None:
    email = f"orders+{time.time_ns()}@merchant.example"
    before = shop.salable("PLAIN")
    cart = cart_of(sales, ("PLAIN", 2), ("A/2", 1), email=email)
    assert sales.shipping_methods(cart, ANN) == [("flatrate", "flatrate")]
    assert "checkmo" in sales.payment_methods(cart)
    assert {item.sku: item.qty for item in sales.cart_items(cart)} == {"PLAIN": 2, "A/2": 1}
    assert sales.find_orders("quote_id", cart) == []
    number = sales.place(cart, "checkmo")
    (found,) = sales.find_orders("customer_email", email)
    assert (found.entity_id, found.quote_id, found.state, found.status) == (number, int(cart), "new", "pending")
    assert [found] == sales.find_orders("quote_id", cart) == sales.find_orders("increment_id", found.increment_id)
    assert found.currency == "USD"
    assert shop.salable("PLAIN") == before - 2
    with pytest.raises(UnknownOutcomeError) as caught:
        sales.place(cart, "checkmo")
    assert caught.value.status == 404


@pytest.mark.parametrize("sku", ODD_SKUS)
def test_odd_skus_go_into_carts(sales: MagentoSales, sku: str) -> None:
    cart = sales.create_cart()
    assert sales.add_to_cart(cart, sku, 1).sku == sku
    assert [item.sku for item in sales.cart_items(cart)] == [sku]


def test_what_a_cart_refuses_is_refused_in_words(sales: MagentoSales) -> None:
    cart = sales.create_cart()
    with pytest.raises(CartRefusedError, match="doesn't exist") as unknown:
        sales.add_to_cart(cart, "NOPE", 1)
    with pytest.raises(CartRefusedError, match="qty is not available") as scarce:
        sales.add_to_cart(cart, "LAST", 2)
    sales.add_to_cart(cart, "PLAIN", 1)
    with pytest.raises(CartRefusedError, match="flatrate2") as carrier:
        sales.set_cart_address(cart, ANN, "a@b.example", carrier="flatrate2", method="x")
    told = [(one.value.status, one.value.sure) for one in (unknown, scarce, carrier)]
    assert told == [(404, True), (400, True), (404, False)], "another carrier may be back in a moment"


def test_what_is_refused_elsewhere_is_no_refusal_of_the_cart(
    sales: MagentoSales, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nor is a page of what stands in front of the store: a person must let our calls through."""
    call = Call("GET", "http://shop.example/x")
    refused = Answer(call, 400, {}, b'{"message": "Could not do it now"}')
    page = Answer(call, 403, {}, b"<html>denied</html>")
    asked: list[tuple[Answer, Callable[[], object], str]] = [
        (refused, sales.create_cart, "Could not do it now"),
        (refused, lambda: sales.cart_items("1"), "Could not do it now"),
        (refused, lambda: sales.find_orders("quote_id", "1"), "Could not do it now"),
        (page, lambda: sales.add_to_cart("1", "PLAIN", 1), "let its calls to /rest through the firewall"),
        (page, lambda: sales.place("1", "checkmo"), "let its calls to /rest through the firewall"),
    ]
    for answer, ask, text in asked:
        monkeypatch.setattr(sales._store.http, "send", lambda *_, answer=answer, **__: answer)
        with pytest.raises(RejectedError, match=text) as caught:
            ask()
        assert not isinstance(caught.value, CartRefusedError)


def test_an_address_without_its_region_is_refused_at_the_place_call(sales: MagentoSales) -> None:
    cart = sales.create_cart()
    sales.add_to_cart(cart, "PLAIN", 1)
    sales.set_cart_address(cart, replace(ANN, region="Nowhere"), "a@b.example", carrier="flatrate", method="flatrate")
    with pytest.raises(RejectedError, match="regionId"):
        sales.place(cart, "checkmo")


def test_a_correction_is_exact_and_may_be_repeated(sales: MagentoSales) -> None:
    order = order_of(sales, ("PLAIN", 2))
    sales.hold(order.entity_id)
    (item,) = order.items
    zero = {
        f"{base}{name}": 0 for base in ("", "base_") for name in ("discount_tax_compensation_amount", "discount_amount")
    }
    money = {"price": Decimal("17.77"), "row_total": Decimal("35.54"), "tax_amount": Decimal("2.50")}
    entity: dict[str, Any] = {
        "entity_id": order.entity_id,
        "increment_id": order.increment_id,
        "ext_order_id": f"T{order.entity_id}",
        "items": [{"item_id": item.item_id, **money, **{f"base_{k}": v for k, v in money.items()}, **zero}],
        **zero,
    }
    totals = {"subtotal": "35.54", "shipping_amount": "4.00", "shipping_tax_amount": "0", "tax_amount": "2.50"}
    totals |= {"shipping_discount_amount": "0", "grand_total": "42.04", "total_due": "42.04"}
    entity |= {f"{base}{name}": Decimal(value) for base in ("", "base_") for name, value in totals.items()}
    sales.save_order(entity)
    sales.save_order(entity)
    corrected = sales.order(order.entity_id)
    assert (corrected.grand_total, corrected.tax_amount) == (Decimal("42.04"), Decimal("2.5"))
    assert corrected.ext_order_id == f"T{order.entity_id}"
    assert corrected.state == "holded"
    assert sales.find_orders("ext_order_id", corrected.ext_order_id) == [corrected]
    sales.unhold(order.entity_id)
    assert sales.order(order.entity_id).state == "new"


def test_documents_are_made_and_read(sales: MagentoSales, shop: Shop) -> None:
    order = order_of(sales, ("PLAIN", 3), ("OTHER", 1))
    number, (plain, other) = order.entity_id, order.items
    sales.comment(number, "note of the connector", order.status)
    invoice = sales.invoice(number, comment="paid on the marketplace")
    assert [row["entity_id"] for row in sales.invoices(number)] == [invoice]
    first = sales.ship(number, {plain.item_id: 1}, tracks=[Track("T1", "UPS", "ups")], source="default")
    second = sales.ship(number, tracks=[Track("T2", "", "")])
    shipments = {one.entity_id: one for one in sales.shipments([number, 999_999])}
    assert set(shipments) == {first, second}
    assert shipments[first].items == {plain.item_id: 1}
    assert shipments[first].tracks == (Track("T1", "UPS", "ups"),)
    assert shipments[second].items == {plain.item_id: 2, other.item_id: 1}
    source = shop.at_source("PLAIN")
    memo = sales.refund(
        number, {plain.item_id: 1}, shipping_amount=Decimal(0), return_to_stock=[plain.item_id], comment="return 7"
    )
    (row,) = sales.credit_memos(number)
    assert (row["entity_id"], row["grand_total"]) == (memo, plain.row_total / 3)
    assert shop.at_source("PLAIN") == source + 1
    assert sales.order(number).total_refunded == row["grand_total"]
    assert sales.cancel(number) is False


def test_money_alone_is_refunded_without_pieces(sales: MagentoSales) -> None:
    order = order_of(sales, ("PLAIN", 2))
    sales.invoice(order.entity_id)
    sales.refund(order.entity_id, {}, shipping_amount=Decimal(0), adjustment_positive=Decimal("2.50"))
    after = sales.order(order.entity_id)
    assert after.total_refunded == Decimal("2.5")
    assert after.items[0].qty_refunded == 0


def test_cancelling_gives_the_stock_back(sales: MagentoSales, shop: Shop) -> None:
    before = shop.salable("OTHER")
    order = order_of(sales, ("OTHER", 4))
    assert shop.salable("OTHER") == before - 4
    assert sales.cancel(order.entity_id) is True
    assert shop.salable("OTHER") == before
    with pytest.raises(RejectedError):
        sales.hold(order.entity_id)
    with pytest.raises(NotFoundError):
        sales.cancel(999_999)


def test_several_orders_are_read_at_once(sales: MagentoSales) -> None:
    first, second = (order_of(sales, ("PLAIN", 1)) for _ in range(2))
    assert sales.orders([second.entity_id, first.entity_id, 999_999]) == [first, second]


def test_regions_are_the_store_s_own(sales: MagentoSales) -> None:
    found = {sales.region_id("US", text) for text in ("California", "CA", "us-ca")}
    assert len(found) == 1
    assert None not in found
    assert sales.region_id("US", "Atlantis") is None


# ── lost answers and the double order ────────────────────────────────────────


def test_a_place_call_whose_answer_is_lost_is_unknown_and_its_order_is_found(
    connection: MagentoConnection, sales: MagentoSales, shop: Shop
) -> None:
    cart = cart_of(sales, ("PLAIN", 1))
    impatient = MagentoSales(MagentoConnection(connection.settings, HttpClient("magento", read_timeout=0.2)))
    shop.options(place_prepare_ms=600)
    try:
        with pytest.raises(UnknownOutcomeError, match="timed out"):
            impatient.place(cart, "checkmo")
    finally:
        shop.options(place_prepare_ms=0)
    assert len(found_in_time(lambda: sales.find_orders("quote_id", cart))) == 1


def test_two_place_calls_at_once_never_both_look_refused(sales: MagentoSales, shop: Shop) -> None:
    """The lock's 400 is an unknown outcome: whoever gets it looks the order up and finds it."""
    cart = cart_of(sales, ("PLAIN", 1))
    outcomes: list[object] = []

    def place() -> None:
        try:
            outcomes.append(sales.place(cart, "checkmo"))
        except Exception as error:  # noqa: BLE001  # the outcome is what is looked at
            outcomes.append(error)

    shop.options(place_save_ms=400)
    try:
        threads = [threading.Thread(target=place) for _ in range(2)]
        for thread in threads:
            thread.start()
            time.sleep(0.1)
        for thread in threads:
            thread.join()
    finally:
        shop.options(place_save_ms=0)
    placed, other = sorted(outcomes, key=lambda one: isinstance(one, Exception))
    assert isinstance(placed, int)
    assert isinstance(other, UnknownOutcomeError)
    assert other.status == 400
    assert [order.entity_id for order in sales.find_orders("quote_id", cart)] == [placed]


def found_in_time(look: Callable[[], list[StoreOrder]]) -> list[StoreOrder]:
    end = time.monotonic() + 10
    while not (found := look()) and time.monotonic() < end:
        time.sleep(0.05)
    return found


def test_a_hundred_orders_are_read_in_seconds(sales: MagentoSales) -> None:
    email = f"many{time.time_ns()}@merchant.example"
    numbers = [sales.place(cart_of(sales, ("PLAIN", 1), email=email), "checkmo") for _ in range(15)]
    started = time.monotonic()
    assert [order.entity_id for order in sales.find_orders("customer_email", email)] == numbers
    assert time.monotonic() - started < 5


# ── saying nothing ───────────────────────────────────────────────────────────


def test_no_secret_is_ever_said(shop: Shop, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    said = ""
    with structlog.testing.capture_logs() as events:
        for auth in ("oauth", "bearer"):
            store = MagentoStore(shop.server.url, auth=auth, **credentials(shop))
            sales = MagentoSales(MagentoConnection(store))
            said += repr(store) + repr(sales.find_orders("customer_email", "nobody@merchant.example"))
            with pytest.raises(NotFoundError) as caught:
                sales.order(999_999)
            said += "".join(traceback.format_exception(caught.value))
    said += str(events) + caplog.text
    assert "/orders/999999" in said
    assert not [name for name, secret in credentials(shop).items() if secret in said]
    assert "nobody%40merchant" not in said, "queries may name buyers"


def test_the_store_refuses_an_oauth_call_without_a_right_by_name(shop: Shop) -> None:
    row = shop.db.execute("SELECT * FROM integration WHERE name = 'catalogue only'").fetchone()
    keys = ("consumer_key", "consumer_secret", "access_token", "access_token_secret")
    store = MagentoStore(shop.server.url, **{key: row[key] for key in keys})
    assert MagentoCatalog(MagentoConnection(store)).product("A/2").sku == "A/2"
    with pytest.raises(AuthorizationError, match=r"Magento_Sales::actions_view"):
        MagentoSales(MagentoConnection(store)).order(1)
