"""Store orders made over HTTP in the sandbox: amounts to the cent, and one order whatever happens in between."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from decimal import Decimal
from typing import Any

import pytest

from connector.clients.http import HttpClient
from connector.clients.magento import MagentoCatalog, MagentoConnection, MagentoSales
from connector.clients.magento import MagentoStore as StoreSettings
from connector.clients.tiktok import TikTokShop
from connector.domain import correction
from connector.domain.listing import Status
from connector.domain.order import MarketplaceOrder
from connector.domain.values import from_json
from connector.errors import RetryableError, UnknownOutcomeError
from connector.sandbox.app import create_sandbox
from connector.sandbox.options import SandboxOptions
from connector.sandbox.serve import SandboxServer
from connector.services import carts, holding, leases, orders, placement, returns, shipments
from connector.services.context import Context
from connector.store.database import disconnect
from connector.store.models import Account, Order, OrderLine, Policy, ReturnCase, Shipment
from tests.clients.rehearsal import Control, connected, shirt, wait_for
from tests.services import world

SKU = "BOX-S"


@dataclass
class Systems:
    """Both sides of one sandbox, connected."""

    control: Control
    market: TikTokShop
    store: MagentoSales
    books: MagentoCatalog

    def shop(self, _account: Account) -> TikTokShop:
        return self.market

    def sales(self, _store: Any) -> MagentoSales:
        return self.store

    def catalog(self, _store: Any) -> MagentoCatalog:
        return self.books

    def authorizer(self, _account: Account) -> Any:
        raise AssertionError("these tests authorise nobody")


@pytest.fixture(scope="module")
def systems(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Systems]:
    app = create_sandbox(tmp_path_factory.mktemp("sandbox"), products=12, options=SandboxOptions(audit_seconds=0.1))
    server = SandboxServer(app).start()
    control = Control(server.url)
    given = control.credentials()["magento"]
    settings = StoreSettings(given["base_url"], auth="bearer", access_token=given["access_token"], store_code="default")
    connection = MagentoConnection(settings, HttpClient("magento", read_timeout=5, sleep=lambda _: None))
    market, _, _ = connected(control, tmp_path_factory.mktemp("account"))
    yield Systems(control, market, MagentoSales(connection), MagentoCatalog(connection))
    server.stop()


@pytest.fixture(scope="module")
def sku(systems: Systems) -> str:
    """A simple product of the store that is for sale on the marketplace under its own SKU."""
    found = next(one for page in systems.books.products() for one in page if one.type_id == "simple" and one.enabled)
    draft, images = shirt(systems.market, "BOX", sizes=("S",))
    draft = replace(draft, skus=(replace(draft.skus[0], seller_sku=found.sku, quantities=dict.fromkeys(draft.skus[0].quantities, 500)),))  # fmt: skip
    created = systems.market.create_product(draft, images, "box")
    wait_for(lambda: systems.market.product(created.id).status is Status.ACTIVATE)
    return str(found.sku)


@pytest.fixture
def account(database_url: str, systems: Systems) -> Iterator[Account]:
    made = world.fill(database_url, products=0)
    Policy.create(
        title="Orders", type="order", settings={"default_provider": systems.market.shipping_providers(
            next(w.id for w in systems.market.warehouses() if w.is_default))[0].id},
        is_default=True, created_at=world.START, updated_at=world.START,
    )  # fmt: skip
    Account.update(order_email="orders@merchant.example").execute()
    yield Account.get_by_id(made.id)
    systems.control.clear_faults()
    disconnect()


@pytest.fixture
def ctx(systems: Systems, account: Account) -> Context:
    return Context(systems, world.Clock(), world.Messages())


def sold(ctx: Context, systems: Systems, account: Account, sku: str, pieces: int = 2, **more: Any) -> Order:
    lines = [{"seller_sku": sku, "quantity": pieces}]
    number = str(systems.control.post("tiktok/orders", lines=lines, **more)["order_ids"][0])
    (found,) = systems.market.orders([number])
    row = orders.save(ctx, account, found)
    assert row is not None
    return row


def made(systems: Systems, row: Order) -> list[Any]:
    return systems.store.find_orders("ext_order_id", row.tiktok_order_id)


def test_a_sold_order_is_in_the_store_to_the_cent(ctx: Context, systems: Systems, account: Account, sku: str) -> None:
    money = {"seller_discount": "1.00", "platform_discount": "2.00", "shipping_fee": "4.00", "tax_rate": "0.08"}
    row = sold(ctx, systems, account, sku, **money)
    placement.create_sales_order(ctx, row.id, "w1")
    fresh = Order.get_by_id(row.id)
    assert (fresh.state, fresh.invoiced, fresh.stock_reserved, fresh.external_written) == (
        "confirmed",
        True,
        True,
        True,
    )
    (order,) = made(systems, row)
    market = from_json(MarketplaceOrder, fresh.data)
    assert order.grand_total == correction.expected_total(market, "payout") == order.total_invoiced
    assert order.grand_total == market.payment.total_amount + Decimal("2.00")
    assert {line.store_item_id for line in OrderLine.select()} == {order.items[0].item_id}
    assert "exists already" in placement.create_sales_order(ctx, row.id, "w2")


def test_a_lost_answer_makes_no_second_order(ctx: Context, systems: Systems, account: Account, sku: str) -> None:
    row = sold(ctx, systems, account, sku)
    systems.control.fault("magento", r"PUT .*/carts/\d+/order", "timeout_after_success")
    with pytest.raises(UnknownOutcomeError):
        placement.create_sales_order(ctx, row.id, "w1")
    waiting = Order.get_by_id(row.id)
    assert (waiting.state, waiting.lease_owner) == ("placing", "")
    assert waiting.placing_since is not None
    wait_for(lambda: systems.store.find_orders("quote_id", waiting.cart_id))
    placement.create_sales_order(ctx, row.id, "w2")
    assert len(systems.store.find_orders("quote_id", waiting.cart_id)) == 1 == len(made(systems, row))


def test_a_call_that_never_arrived_is_repeated_only_after_the_time_out(
    ctx: Context, systems: Systems, account: Account, sku: str
) -> None:
    row = sold(ctx, systems, account, sku)
    systems.control.fault("magento", r"PUT .*/carts/\d+/order", "drop_connection")
    with pytest.raises(UnknownOutcomeError):
        placement.create_sales_order(ctx, row.id, "w1")
    with pytest.raises(RetryableError, match="may still be running"):
        placement.create_sales_order(ctx, row.id, "w1")
    ctx.clock.turn(ctx.place_timeout + 1)  # type: ignore[attr-defined]  # the test's clock
    placement.create_sales_order(ctx, row.id, "w1")
    assert len(made(systems, row)) == 1


CALLS = ("create_cart", "add_to_cart", "set_cart_address", "place", "order", "hold", "save_order", "unhold", "invoice", "cart_items")  # fmt: skip
"""What a store order takes, in this order; a cart is looked into when a worker before had begun one."""


def _gone() -> str:
    """What a process of this machine is called that is no more."""
    host, pid, began, machine, rest = leases.owner().rsplit(":", 4)
    return f"{host}:{pid}:{int(began) - 1}:{machine}:{rest}"


@pytest.mark.parametrize("call", CALLS)
def test_a_worker_that_dies_is_followed_by_one_that_goes_on(
    ctx: Context, systems: Systems, account: Account, sku: str, call: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Right after a call, with its lease still on the order: nobody touches that until the call must be over."""
    ctx = replace(ctx, place_timeout=20.0)  # shorter than a lease, so that there is something to end early
    row, dead, died = sold(ctx, systems, account, sku), _gone(), list[str]()
    if call == "cart_items":  # half-filled
        cart = systems.store.create_cart()
        systems.store.add_to_cart(cart, sku, 1)
        Order.update(state="cart", cart_id=cart).execute()
    real = getattr(systems.store, call)

    def dies(*given: Any, **named: Any) -> Any:
        real(*given, **named)
        died.append(call)
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(systems.store, call, dies)
        with pytest.raises(KeyboardInterrupt):
            placement.create_sales_order(ctx, row.id, dead)
    assert (died, Order.get_by_id(row.id).state == "confirmed") == ([call], False)
    # an exception still gives the lease back on its way out, a kill does not
    Order.update(lease_owner=dead, lease_until=ctx.clock.now() + placement.LEASE).execute()
    assert leases.shorten(ctx) == 1
    with pytest.raises(RetryableError, match="Another worker"):
        placement.create_sales_order(ctx, row.id, "w2")
    ctx.clock.turn(ctx.place_timeout + 1)  # type: ignore[attr-defined]  # the test's clock

    placement.create_sales_order(ctx, row.id, "w2")

    (order,) = made(systems, row)
    fresh = Order.get_by_id(row.id)
    assert (fresh.state, fresh.magento_order_id, fresh.stock_reserved) == ("confirmed", order.entity_id, True)
    keys = {"customer_email": [placement.order_email(account, row.tiktok_order_id)], "quote_id": list(fresh.sent_carts)}
    found = [
        one for field, values in keys.items() for value in values for one in systems.store.find_orders(field, value)
    ]
    assert {one.entity_id for one in found} <= {order.entity_id}
    assert (
        order.grand_total
        == order.total_invoiced
        == correction.expected_total(from_json(MarketplaceOrder, fresh.data), "payout")
    )


def test_one_worker_at_a_time_has_an_order(ctx: Context, systems: Systems, account: Account, sku: str) -> None:
    row = sold(ctx, systems, account, sku)
    Order.update(lease_owner="other", lease_until=ctx.clock.now() + placement.LEASE).execute()
    with pytest.raises(RetryableError, match="Another worker"):
        placement.create_sales_order(ctx, row.id, "w1")
    assert Order.get_by_id(row.id).lease_owner == "other"


def test_a_second_order_is_cancelled_and_told(ctx: Context, systems: Systems, account: Account, sku: str) -> None:
    row = sold(ctx, systems, account, sku)
    market = from_json(MarketplaceOrder, row.data)
    email = placement.order_email(account, market.id)
    numbers = []
    for _ in range(2):
        cart = systems.store.create_cart()
        systems.store.add_to_cart(cart, sku, 2)
        address = carts.shippable(market.address)
        systems.store.set_cart_address(cart, address, email, carrier="flatrate", method="flatrate")
        numbers.append(systems.store.place(cart, "checkmo"))
    placement.create_sales_order(ctx, row.id, "w1")
    fresh = Order.get_by_id(row.id)
    assert fresh.magento_order_id == min(numbers)
    assert systems.store.order(max(numbers)).state == "canceled"
    assert fresh.duplicates == [systems.store.order(max(numbers)).increment_id]


def test_older_news_are_ignored_and_units_held_until_placed(
    ctx: Context, systems: Systems, account: Account, sku: str
) -> None:
    row = sold(ctx, systems, account, sku)
    old = replace(from_json(MarketplaceOrder, row.data), update_time=1, status="UNPAID")
    assert orders.save(ctx, account, old) is None
    assert holding.held([sku], store_id=account.store_id) == {sku: 2}
    placement.create_sales_order(ctx, row.id, "w1")
    assert holding.held([sku], store_id=account.store_id) == {}


def test_a_store_shipment_reaches_the_marketplace_once(
    ctx: Context, systems: Systems, account: Account, sku: str
) -> None:
    from connector.domain.order import Track

    row = sold(ctx, systems, account, sku)
    placement.create_sales_order(ctx, row.id, "w1")
    (order,) = made(systems, row)
    systems.store.ship(order.entity_id, tracks=[Track("1Z999AA10123456784", "UPS", "ups")])
    assert shipments.sync(ctx, row.id) == "Packages reported: 1."
    assert shipments.sync(ctx, row.id) == "Packages reported: 0."
    (shipment,) = Shipment.select()
    assert (shipment.state, len(shipment.line_ids)) == ("sent", 2)
    (market,) = systems.market.orders([row.tiktok_order_id])
    assert {line.tracking_number for line in market.lines} == {"1Z999AA10123456784"}


def test_a_buyers_cancellation_is_accepted_and_refunded_once(
    ctx: Context, systems: Systems, account: Account, sku: str
) -> None:
    row = sold(ctx, systems, account, sku)
    placement.create_sales_order(ctx, row.id, "w1")
    systems.control.post(f"tiktok/orders/{row.tiktok_order_id}/buyer_cancel_request")
    import time

    window = {"since": int(time.time()) - 600, "until": int(time.time()) + 60}
    returns.import_window(ctx, account, **window)
    returns.import_window(ctx, account, **window)
    returns.settle(ctx, account)
    case = ReturnCase.get(ReturnCase.tiktok_order_id == row.tiktok_order_id)
    assert (case.decision, case.decision_state, case.store_state) == ("approve", "sent", "done")
    (order,) = made(systems, row)
    assert len(systems.store.credit_memos(order.entity_id)) == 1
    assert order.total_refunded == order.grand_total
