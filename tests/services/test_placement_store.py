"""Store orders where the store's own settings, staff or currency stand in the way: over HTTP, in the sandbox."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest
import requests

from connector.domain import correction
from connector.domain.order import Address, MarketplaceOrder
from connector.domain.values import from_json, to_json
from connector.errors import (
    CartRefusedError,
    ConfigurationError,
    NotFoundError,
    RejectedError,
    RetryableError,
    UnknownOutcomeError,
)
from connector.services import carts, placement
from connector.services.context import Context
from connector.store.models import Account, HistoryEntry, Order, Product
from tests.services.test_placement_sandbox import Systems, account, ctx, made, sku, sold, systems

__all__ = ["account", "ctx", "sku", "systems"]

D = Decimal


class Shopkeeper:
    """Changes the sandbox store's settings and puts them back."""

    def __init__(self, url: str) -> None:
        self._url = f"{url}/_sandbox/magento/config"
        self._before = requests.get(self._url, timeout=5).json()

    def set(self, **settings: str) -> None:
        body = {name.replace("__", "/"): value for name, value in settings.items()}
        requests.put(self._url, json=body, timeout=5).raise_for_status()

    def undo(self) -> None:
        requests.put(self._url, json=self._before, timeout=5).raise_for_status()


@pytest.fixture
def keeper(systems: Systems) -> Iterator[Shopkeeper]:
    made = Shopkeeper(systems.control.url)
    yield made
    made.undo()


def filed(systems: Systems, account: Account, sku: str, **changes: Any) -> Product:
    found = next(one for page in systems.books.products() for one in page if one.sku == sku)
    values = {"entity_id": found.entity_id, "name": found.name, "data": dict(found.data), "digest": "d"} | changes
    values["data"] = {key: str(value) for key, value in values["data"].items() if key == "weight"}
    product: Product = Product.create(store=account.store_id, sku=sku, seen_at=account.created_at, **values)
    return product


@pytest.mark.parametrize(
    ("setting", "named", "where"),
    [
        ("payment__checkmo__active", "checkmo \\(Check / Money Order\\)", "Payment Methods.*Offered: none"),
        ("carriers__flatrate__active", "flatrate \\(Flat Rate\\) / flatrate", "Delivery Methods.*Offered: none"),
    ],
)
def test_a_method_that_is_switched_off_is_named_and_nothing_is_saved_directly(
    ctx: Context, systems: Systems, account: Account, sku: str, keeper: Shopkeeper, setting: str, named: str, where: str
) -> None:
    row = sold(ctx, systems, account, sku)
    keeper.set(**{setting: "0"})
    with pytest.raises(ConfigurationError, match=f"{named}.*{where}"):
        placement.create_sales_order(ctx, row.id, "w1")
    with pytest.raises(ConfigurationError, match=named):
        placement.create_sales_order(ctx, row.id, "w1")
    waiting = Order.get_by_id(row.id)
    assert (waiting.state, waiting.failures) == ("failed", 0)
    noted = HistoryEntry.select().where(HistoryEntry.subject_id == str(row.id))
    assert noted.where(HistoryEntry.action == "order.failed").count() == 1
    assert made(systems, row) == []
    keeper.undo()
    placement.create_sales_order(ctx, row.id, "w1")
    fresh = Order.get_by_id(row.id)
    assert (fresh.state, fresh.stock_reserved, fresh.cart_id) == ("confirmed", True, waiting.cart_id)


def test_the_lock_s_refusal_is_tried_again_and_the_same_twice_is_a_refusal(
    ctx: Context, systems: Systems, account: Account, sku: str
) -> None:
    row = sold(ctx, systems, account, sku)
    filed(systems, account, sku)
    states = []
    for _ in range(2):
        systems.control.fault("magento", r"PUT .*/carts/\d+/order", "error_code")
        with pytest.raises(UnknownOutcomeError):
            placement.create_sales_order(ctx, row.id, "w1")
        states.append(Order.get_by_id(row.id).failed_reason.split(" ")[0])
        ctx.clock.turn(ctx.place_timeout + 1)  # type: ignore[attr-defined]  # the test's clock
    assert states == ["400", "Refused"]
    placement.create_sales_order(ctx, row.id, "w1")
    assert Order.get_by_id(row.id).stock_reserved is False
    assert len(made(systems, row)) == 1


def test_after_one_refusal_of_the_lock_the_cart_itself_is_placed(
    ctx: Context, systems: Systems, account: Account, sku: str
) -> None:
    row = sold(ctx, systems, account, sku)
    systems.control.fault("magento", r"PUT .*/carts/\d+/order", "error_code")
    with pytest.raises(UnknownOutcomeError):
        placement.create_sales_order(ctx, row.id, "w1")
    ctx.clock.turn(ctx.place_timeout + 1)  # type: ignore[attr-defined]  # the test's clock
    placement.create_sales_order(ctx, row.id, "w1")
    assert Order.get_by_id(row.id).stock_reserved is True


def test_a_lost_answer_while_adding_leads_to_a_new_cart_and_never_to_double_pieces(
    ctx: Context, systems: Systems, account: Account, sku: str
) -> None:
    row = sold(ctx, systems, account, sku)
    systems.control.fault("magento", r"POST .*/carts/\d+/items", "drop_connection")
    with pytest.raises(UnknownOutcomeError):
        placement.create_sales_order(ctx, row.id, "w1")
    first = Order.get_by_id(row.id).cart_id
    systems.store.add_to_cart(first, sku, 1)  # what a call that was lost may still do, but for less
    placement.create_sales_order(ctx, row.id, "w1")
    assert Order.get_by_id(row.id).cart_id != first
    (order,) = made(systems, row)
    assert [item.qty_ordered for item in order.items] == [2]


def test_pieces_that_somebody_else_added_are_noticed(
    ctx: Context, systems: Systems, account: Account, sku: str
) -> None:
    cart = systems.store.create_cart()
    systems.store.add_to_cart(cart, sku, 1)
    with pytest.raises(RetryableError, match=r"has 3 of .* instead of 2"):
        carts.fill(systems.store, cart, {sku: 2})
    assert carts.holds(systems.store, cart, {sku.lower(): 3})
    assert not carts.holds(systems.store, cart, {sku: 2})
    assert not carts.holds(systems.store, "999999", {sku: 2})


def test_a_third_order_is_cancelled_even_when_the_worker_died_after_the_second(
    ctx: Context, systems: Systems, account: Account, sku: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    row = sold(ctx, systems, account, sku)
    market = from_json(MarketplaceOrder, row.data)
    numbers = []
    for _ in range(3):
        cart = systems.store.create_cart()
        systems.store.add_to_cart(cart, sku, 2)
        address, email = carts.shippable(market.address), placement.order_email(account, market.id)
        systems.store.set_cart_address(cart, address, email, carrier="flatrate", method="flatrate")
        numbers.append(systems.store.place(cart, "checkmo"))
    systems.store.hold(numbers[1])  # as a worker leaves it that died while it corrected this one
    real, calls = systems.store.cancel, []

    def dies_the_second_time(number: int) -> bool:
        calls.append(number)
        if len(calls) == 2:
            raise KeyboardInterrupt
        return real(number)

    with monkeypatch.context() as patch:
        patch.setattr(systems.store, "cancel", dies_the_second_time)
        with pytest.raises(KeyboardInterrupt):
            placement.create_sales_order(ctx, row.id, "w1")
    placement.create_sales_order(ctx, row.id, "w2")
    assert Order.get_by_id(row.id).magento_order_id == numbers[0]
    assert [systems.store.order(number).state for number in numbers[1:]] == ["canceled", "canceled"]
    assert len(Order.get_by_id(row.id).duplicates) == 2


def test_an_order_that_staff_cancelled_before_its_correction_is_not_confirmed(
    ctx: Context, systems: Systems, account: Account, sku: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    row = sold(ctx, systems, account, sku)
    with monkeypatch.context() as patch:
        patch.setattr(systems.store, "hold", systems.store.cancel)
        with pytest.raises(RejectedError, match="was canceled in the store"):
            placement.create_sales_order(ctx, row.id, "w1")
    assert Order.get_by_id(row.id).state == "failed"


def test_an_order_invoiced_at_the_shops_prices_is_reported_and_left_alone(
    ctx: Context, systems: Systems, account: Account, sku: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    row = sold(ctx, systems, account, sku)
    with monkeypatch.context() as patch:
        patch.setattr(systems.store, "hold", systems.store.invoice)
        with pytest.raises(RejectedError, match="invoiced before its amounts"):
            placement.create_sales_order(ctx, row.id, "w1")
    found = systems.store.order(int(Order.get_by_id(row.id).magento_order_id or 0))
    assert found.total_invoiced == found.grand_total


def test_a_part_that_staff_invoiced_after_the_correction_is_completed(
    ctx: Context, systems: Systems, account: Account, sku: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    row = sold(ctx, systems, account, sku)
    real = systems.store.unhold

    def quick_staff(number: int) -> None:
        real(number)
        systems.store.invoice(number, {systems.store.order(number).items[0].item_id: 1})

    with monkeypatch.context() as patch:
        patch.setattr(systems.store, "unhold", quick_staff)
        placement.create_sales_order(ctx, row.id, "w1")
    (order,) = made(systems, row)
    assert order.total_invoiced == order.grand_total
    assert len(systems.store.invoices(order.entity_id)) == 2


def test_what_is_sold_by_its_parts_is_refused_before_a_cart_is_made(
    ctx: Context, systems: Systems, account: Account, sku: str
) -> None:
    row = sold(ctx, systems, account, sku)
    filed(systems, account, sku, type_id="configurable")
    with pytest.raises(RejectedError, match="is sold by its parts"):
        placement.create_sales_order(ctx, row.id, "w1")
    assert Order.get_by_id(row.id).cart_id == ""


def in_euro(row: Order) -> MarketplaceOrder:
    order = from_json(MarketplaceOrder, row.data)
    euro = replace(order, payment=replace(order.payment, currency="EUR"))
    Order.update(data=to_json(euro)).where(Order.id == row.id).execute()
    return euro


def test_a_currency_without_a_rate_is_said_before_anything_is_placed(
    ctx: Context, systems: Systems, account: Account, sku: str
) -> None:
    row = sold(ctx, systems, account, sku)
    in_euro(row)
    with pytest.raises(ConfigurationError, match=r"books in USD and has no rate to EUR.*Stores > Currency"):
        placement.create_sales_order(ctx, row.id, "w1")
    assert Order.get_by_id(row.id).cart_id == ""


@pytest.mark.parametrize("region", ["", "Nowhere"])
def test_a_foreign_currency_keeps_the_books_at_the_store_s_rate(
    ctx: Context, systems: Systems, account: Account, sku: str, keeper: Shopkeeper, region: str
) -> None:
    """Placed by cart, and saved directly because the cart refuses the region: base amounts are the same."""
    keeper.set(currency__options__allow="USD,EUR", sandbox__exchange_rates="EUR=0.8")
    row = sold(ctx, systems, account, sku, shipping_fee="4.00")
    filed(systems, account, sku)
    wanted = in_euro(row)
    if region:
        hidden = replace(wanted, address=replace(wanted.address, region=region))
        Order.update(data=to_json(hidden)).where(Order.id == row.id).execute()
    placement.create_sales_order(ctx, row.id, "w1")
    (order,) = made(systems, row)
    total = correction.expected_total(wanted, "payout")
    assert (order.currency, order.raw["base_currency_code"], order.raw["base_to_order_rate"]) == (
        "EUR",
        "USD",
        D("0.8"),
    )
    assert (order.grand_total, order.total_invoiced) == (total, total)
    assert D(str(order.raw["base_grand_total"])) == total * D("1.25")
    assert Order.get_by_id(row.id).stock_reserved is not bool(region)


@pytest.mark.parametrize(("sold_in", "books"), [("USD", "1"), ("EUR", "1.25")])
def test_a_store_view_that_shows_another_currency_than_its_books(
    ctx: Context, systems: Systems, account: Account, sku: str, keeper: Shopkeeper, sold_in: str, books: str
) -> None:
    """The cart is in the currency that the view shows; the order ends in the one that the buyer paid in, to the cent."""
    keeper.set(
        currency__options__allow="USD,EUR", currency__options__default="EUR", sandbox__exchange_rates="EUR=0.8",
    )  # fmt: skip
    row = sold(ctx, systems, account, sku, shipping_fee="4.00", seller_discount="1.00")
    wanted = in_euro(row) if sold_in == "EUR" else from_json(MarketplaceOrder, row.data)
    cart = systems.store.create_cart()
    systems.store.add_to_cart(cart, sku, 2)
    address, email = carts.shippable(wanted.address), placement.order_email(account, wanted.id)
    systems.store.set_cart_address(cart, address, email, carrier="flatrate", method="flatrate")
    placed = systems.store.order(systems.store.place(cart, "checkmo"))
    assert (placed.currency, placed.grand_total) == ("EUR", D(str(placed.raw["base_grand_total"])) * D("0.8"))
    placement.create_sales_order(ctx, row.id, "w1")
    (order,) = made(systems, row)
    assert (order.entity_id, order.currency) == (placed.entity_id, sold_in)
    total = correction.expected_total(wanted, "payout")
    assert (order.grand_total, order.total_invoiced) == (total, total)
    base = correction.round_money(total * D(books), "USD")
    assert abs(D(str(order.raw["base_grand_total"])) - base) <= D("0.02")
    assert order.raw["base_total_invoiced"] == order.raw["base_grand_total"]
    assert D(str(order.raw["base_to_order_rate"])) == 1 / D(books)


def test_a_rate_of_which_four_decimals_keep_nothing_still_makes_the_books(
    ctx: Context, systems: Systems, account: Account, sku: str, keeper: Shopkeeper
) -> None:
    keeper.set(
        currency__options__allow="USD,EUR", currency__options__default="EUR", sandbox__exchange_rates="EUR=0.00004",
    )  # fmt: skip
    row = sold(ctx, systems, account, sku)
    total = correction.expected_total(in_euro(row), "payout")
    placement.create_sales_order(ctx, row.id, "w1")
    (order,) = made(systems, row)
    assert (order.grand_total, order.raw["base_to_order_rate"]) == (total, 0)
    assert D(str(order.raw["base_grand_total"])) == D(str(order.raw["base_total_invoiced"])) == total * 25_000


def test_a_buyer_without_a_usable_address_keeps_the_merchant_s_mailbox(
    ctx: Context, systems: Systems, account: Account, sku: str
) -> None:
    row = sold(ctx, systems, account, sku)
    hidden = replace(from_json(MarketplaceOrder, row.data), buyer_email="a***n")
    Order.update(data=to_json(hidden)).where(Order.id == row.id).execute()
    placement.create_sales_order(ctx, row.id, "w1")
    (order,) = made(systems, row)
    assert order.customer_email == f"orders+{row.tiktok_order_id}@merchant.example"


@pytest.mark.parametrize(
    ("email", "taken"),
    [
        ("v4b1XyZ@scs.tiktokw.us", True), ("o'neil+shop@mail.example.com", True), ("a***n@b.co", True),
        ("müller@shop.de", False), ("a..b@shop.de", False), ("ann@shop", False), ("ann@-shop.de", False),
        ("ann@shop_1.de", False), ("a***n", False), ("", False), ("ann lee@shop.de", False), ("x" * 65 + "@shop.de", False),
    ],
)  # fmt: skip
def test_only_an_address_that_the_store_can_save_replaces_the_merchant_s(email: str, taken: bool) -> None:
    assert carts.mailbox(email) == (email if taken else "")


def test_an_address_that_the_cart_refuses_twice_is_saved_directly(
    ctx: Context, systems: Systems, account: Account, sku: str
) -> None:
    """The store says the same of an address that it cannot save for the moment, so another cart is asked first."""
    row = sold(ctx, systems, account, sku)
    filed(systems, account, sku)
    order = from_json(MarketplaceOrder, row.data)
    elsewhere = replace(order, address=replace(order.address, country="XX", region=""))
    Order.update(data=to_json(elsewhere)).where(Order.id == row.id).execute()
    with pytest.raises(RetryableError, match="tried again with a new cart"):
        placement.create_sales_order(ctx, row.id, "w1")
    assert made(systems, row) == []
    placement.create_sales_order(ctx, row.id, "w1")
    fresh = Order.get_by_id(row.id)
    assert (fresh.state, fresh.stock_reserved) == ("confirmed", False)


def test_an_order_whose_address_is_hidden_goes_to_the_shops_own_country_with_placeholders(
    ctx: Context, systems: Systems, account: Account, sku: str
) -> None:
    row = sold(ctx, systems, account, sku)
    filed(systems, account, sku)
    order = from_json(MarketplaceOrder, row.data)
    Order.update(data=to_json(replace(order, address=Address()))).where(Order.id == row.id).execute()
    placement.create_sales_order(ctx, row.id, "w1")
    (made_order,) = made(systems, row)
    told = made_order.raw["billing_address"]
    assert (told["country_id"], told["city"], told["street"], told["telephone"]) == (account.region, "-", ["-"], "-")


def test_a_strangers_order_under_the_same_quote_id_is_not_adopted(
    ctx: Context, systems: Systems, account: Account, sku: str
) -> None:
    """Quote ids begin again in a store that was set up anew."""
    row = sold(ctx, systems, account, sku)
    address = carts.shippable(from_json(MarketplaceOrder, row.data).address)
    cart = systems.store.create_cart()
    systems.store.add_to_cart(cart, sku, 2)
    systems.store.set_cart_address(cart, address, "someone@else.example", carrier="flatrate", method="flatrate")
    theirs = systems.store.place(cart, "checkmo")
    Order.update(cart_id=cart, state="cart").where(Order.id == row.id).execute()
    placement.create_sales_order(ctx, row.id, "w1")
    (order,) = made(systems, row)
    assert order.entity_id != theirs
    assert (systems.store.order(theirs).state, systems.store.order(theirs).customer_email) == (
        "new",
        "someone@else.example",
    )


def test_an_order_that_cannot_be_read_right_after_it_was_placed_is_not_made_again(
    ctx: Context, systems: Systems, account: Account, sku: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The read's refusal is not the cart's: a direct save would be a second order."""
    row = sold(ctx, systems, account, sku)
    filed(systems, account, sku)

    def nowhere(number: int) -> Any:
        raise NotFoundError(f"no order {number}", system="magento", status=404)

    with monkeypatch.context() as patch:
        patch.setattr(systems.store, "order", nowhere)
        with pytest.raises(RetryableError, match="cannot show it yet"):
            placement.create_sales_order(ctx, row.id, "w1")
    placement.create_sales_order(ctx, row.id, "w1")
    fresh = Order.get_by_id(row.id)
    assert (fresh.state, fresh.stock_reserved, fresh.duplicates) == ("confirmed", True, [])
    assert len(made(systems, row)) == 1


def test_an_order_made_while_the_cart_refused_is_taken_instead_of_a_direct_save(
    ctx: Context, systems: Systems, account: Account, sku: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    row = sold(ctx, systems, account, sku)
    filed(systems, account, sku)
    real, numbers = systems.store.place, []

    def refuses_afterwards(cart: str, method: str) -> int:
        numbers.append(real(cart, method))
        text = "The requested qty is not available"
        raise CartRefusedError(text, text=text, sure=True, system="magento", status=400)

    with monkeypatch.context() as patch:
        patch.setattr(systems.store, "place", refuses_afterwards)
        placement.create_sales_order(ctx, row.id, "w1")
    fresh = Order.get_by_id(row.id)
    assert (fresh.magento_order_id, fresh.stock_reserved, fresh.duplicates) == (numbers[0], True, [])


def test_a_mail_that_waits_for_cron_never_reaches_the_buyer(
    ctx: Context, systems: Systems, account: Account, sku: str, keeper: Shopkeeper
) -> None:
    """Sent at once it goes to the merchant's mailbox; sent later it would go to the address that the order has by then."""
    sent = {}
    for later in ("0", "1"):
        keeper.set(sales_email__general__async_sending=later)
        row = sold(ctx, systems, account, sku)
        placement.create_sales_order(ctx, row.id, "w1")
        systems.control.post("magento/cron")
        (order,) = made(systems, row)
        assert order.customer_email == from_json(MarketplaceOrder, row.data).buyer_email
        outbox = requests.get(f"{systems.control.url}/_sandbox/magento/outbox", timeout=5).json()
        recipients = [mail["recipient"] for mail in outbox if mail["order_id"] == order.entity_id]
        sent[later] = [to == placement.order_email(account, row.tiktok_order_id) for to in recipients]
    assert sent == {"0": [True], "1": []}


class Spy:
    """The store's client, writing down what is asked of it and how far the order's row was by then."""

    def __init__(self, real: Any, number: str) -> None:
        self._real, self._number = real, number
        self.calls: list[tuple[str, tuple[Any, ...], Order]] = []

    def __getattr__(self, name: str) -> Any:
        method = getattr(self._real, name)

        def spied(*given: Any, **named: Any) -> Any:
            self.calls.append((name, given, Order.get(Order.tiktok_order_id == self._number)))
            return method(*given, **named)

        return spied

    @property
    def names(self) -> list[str]:
        return [name for name, _, _ in self.calls]


def test_the_steps_are_those_that_hold(
    ctx: Context, systems: Systems, account: Account, sku: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Section 12.6 of the store's reference, step by step, with what is committed before each."""
    row = sold(ctx, systems, account, sku)
    spy = Spy(systems.store, row.tiktok_order_id)
    monkeypatch.setattr(systems, "store", spy)
    placement.create_sales_order(ctx, row.id, "w1")
    email, cart = placement.order_email(account, row.tiktok_order_id), Order.get_by_id(row.id).cart_id
    first = spy.calls[: spy.names.index("create_cart")]
    assert [given for name, given, _ in first if name == "find_orders"][:2] == [
        ("ext_order_id", row.tiktok_order_id),
        ("customer_email", email),
    ]
    at = spy.names.index("place")
    assert [given for _, given, _ in spy.calls[at - 2 : at]] == [("quote_id", cart), ("customer_email", email)]
    _, _, placing = spy.calls[at]
    assert (placing.state, placing.cart_id, placing.placing_since) == ("placing", cart, ctx.clock.now())
    after = [name for name in spy.names[at + 1 :] if name != "exchange_rate"]
    looked = [given[0] for name, given, _ in spy.calls[at + 1 :] if name == "find_orders"]
    assert {"quote_id", "customer_email"} <= set(looked)
    assert [name for name in after if name != "find_orders"] == [
        "order", "hold", "order", "save_order", "order", "unhold", "save_order", "invoice", "order",
    ]  # fmt: skip
    corrected, named = (given[0] for name, given, _ in spy.calls if name == "save_order")
    assert "ext_order_id" not in corrected
    assert "customer_email" not in corrected
    assert named["ext_order_id"] == row.tiktok_order_id
    assert set(named) & {"items", "state", "grand_total", "total_due"} == set()
    assert "state" not in corrected


def test_a_worker_whose_claim_ran_out_places_nothing(
    ctx: Context, systems: Systems, account: Account, sku: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    row = sold(ctx, systems, account, sku)
    real = systems.store.set_cart_address

    def slow(*given: Any, **named: Any) -> Any:
        Order.update(lease_owner="w2", lease_until=ctx.clock.now() + placement.LEASE).where(
            Order.id == row.id
        ).execute()
        return real(*given, **named)

    with monkeypatch.context() as patch:
        patch.setattr(systems.store, "set_cart_address", slow)
        with pytest.raises(RetryableError, match="claim on this order ran out"):
            placement.create_sales_order(ctx, row.id, "w1")
    assert systems.store.find_orders("quote_id", Order.get_by_id(row.id).cart_id) == []
    assert Order.get_by_id(row.id).lease_owner == "w2"
