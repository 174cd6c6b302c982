"""Orders from the marketplace to the store and back, through the queue and recurring work, on both databases."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest

from connector.domain.order import Track
from connector.jobs import recurring
from connector.services import holding, orders, work
from connector.store.models import Account, Order, OrderLine, Policy, Product, QueueItem, ReturnCase, Shipment
from tests.clients.rehearsal import shirt, wait_for
from tests.flow.conftest import Installation


@pytest.fixture
def sku(installation: Installation) -> str:
    """A product of the store that is for sale under its own SKU; carriers are mapped."""
    market = installation.ctx.remotes.shop(installation.account)
    product = _simple(installation)
    draft, images = shirt(market, "BOX", sizes=("S",))  # type: ignore[arg-type]  # the port and the client are one here
    only = replace(draft.skus[0], seller_sku=product, quantities=dict.fromkeys(draft.skus[0].quantities, 20))
    created = market.create_product(replace(draft, skus=(only,)), images, "box")
    wait_for(lambda: market.product(created.id).status == "ACTIVATE")
    carriers = [one["id"] for one in Account.get_by_id(installation.account.id).carriers]
    policy = Policy.get(Policy.type == "order")
    Policy.update(settings={**policy.settings, "default_provider": carriers[0]}).where(Policy.id == policy.id).execute()
    return product


def _simple(installation: Installation) -> str:
    row = Product.get(Product.type_id == "simple", Product.enabled, Product.parent.is_null(), Product.salable > 5)
    return str(row.sku)


def round_of_work(installation: Installation) -> dict[str, int]:
    """What the scheduler does for orders in one round, and the workers after it; items by state."""
    number = installation.account.id
    Order.update(retry_at=None).execute()
    for handler in (recurring.read_orders, recurring.settle_returns, recurring.look_for_shipments):
        handler(installation.ctx, number)
    return installation.work()


def place(installation: Installation, sku: str, pieces: int, **more: Any) -> str:
    lines = [{"seller_sku": sku, "quantity": pieces}]
    return str(installation.control.post("tiktok/orders", lines=lines, **more)["order_ids"][0])


def row_of(number: str) -> Order:
    return Order.get(Order.tiktok_order_id == number)


def test_an_order_goes_all_the_way(installation: Installation, sku: str) -> None:
    """On hold, released, made in the store, shipped in two parcels, delivered, one of three pieces returned and refunded."""
    sales = installation.ctx.remotes.sales(installation.store)
    number = place(installation, sku, 3, hold=True, seller_discount="1.00", platform_discount="2.00", tax_rate="0.07")
    round_of_work(installation)
    assert (row_of(number).state, holding.held([sku])) == ("reserved", {sku: 3})

    installation.control.post(f"tiktok/orders/{number}/release_hold")
    round_of_work(installation)
    row = row_of(number)
    assert (row.state, row.external_written, row.stock_reserved) == ("confirmed", True, True)
    (store_order,) = sales.find_orders("ext_order_id", number)
    paid = Decimal(row.total_minor) / 100 + Decimal("2.00")
    assert store_order.grand_total == store_order.total_invoiced == paid

    item = store_order.items[0].item_id
    sales.ship(store_order.entity_id, {item: 1}, tracks=[Track("1Z999AA10123456784", "UPS", "ups")])
    round_of_work(installation)
    sales.ship(store_order.entity_id, tracks=[Track("1Z999AA10123456785", "UPS", "ups")])
    round_of_work(installation)
    round_of_work(installation)
    assert row_of(number).status == "AWAITING_COLLECTION"
    assert [(one.state, len(one.line_ids)) for one in Shipment.select().order_by(Shipment.id)] == [
        ("sent", 1),
        ("sent", 2),
    ]

    for step in ("collect", "deliver"):
        installation.control.post(f"tiktok/orders/{number}/{step}")
    unit = OrderLine.select().where(OrderLine.order == row.id).order_by(OrderLine.id).get()
    installation.control.post(f"tiktok/orders/{number}/returns", return_type="REFUND", line_item_ids=[unit.line_id])
    round_of_work(installation)
    case = ReturnCase.get()
    work.ask(installation.ctx, "accept_return", [case.id], actor="alex@example.com")
    round_of_work(installation)
    round_of_work(installation)

    case = ReturnCase.get()
    assert (case.decision_state, case.decided_by, case.store_state) == ("sent", "alex@example.com", "done")
    assert len(sales.credit_memos(store_order.entity_id)) == 1
    assert not QueueItem.select().where(QueueItem.state.not_in(("confirmed",))).exists(), [
        (one.kind, one.state, one.cause) for one in QueueItem.select()
    ]


def test_a_store_that_is_away_for_long_loses_no_order(installation: Installation, sku: str) -> None:
    """Twelve rounds without a store, far more than failures that end work; then one order, once."""
    number = place(installation, sku, 1)
    installation.control.fault("magento", ".*", "http_500", times=10_000)
    installation.ctx.remotes.sales(installation.store)._store.http._sleep = lambda _seconds: None
    orders.import_window(installation.ctx, Account.get_by_id(installation.account.id))
    for _ in range(12):
        installation.work()
    item = QueueItem.get(QueueItem.kind == "create_sales_order")
    assert (item.state, item.attempts, row_of(number).failures) == ("waiting", 0, 0)
    assert "500" in item.cause

    installation.control.clear_faults()
    installation.work()

    assert row_of(number).state == "confirmed"
    assert len(installation.ctx.remotes.sales(installation.store).find_orders("ext_order_id", number)) == 1


def test_a_cancelled_order_frees_its_stock_on_both_sides(installation: Installation, sku: str) -> None:
    catalog, store = installation.ctx.remotes.catalog(installation.store), installation.store
    before = catalog.salable(store.website_code, [sku])[sku].quantity
    number = place(installation, sku, 2)
    round_of_work(installation)
    assert catalog.salable(store.website_code, [sku])[sku].quantity == before - 2

    installation.control.post(f"tiktok/orders/{number}/buyer_cancel_request")
    for _ in range(2):
        round_of_work(installation)

    assert (row_of(number).status, row_of(number).state) == ("CANCELLED", "cancelled")
    assert catalog.salable(store.website_code, [sku])[sku].quantity == before
    assert holding.held([sku]) == {}
