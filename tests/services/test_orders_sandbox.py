"""Imports, refused carts and refusals by the seller, over HTTP in the sandbox."""

from __future__ import annotations

import time
from dataclasses import replace

import pytest

from connector.domain import correction
from connector.domain.order import MarketplaceOrder
from connector.domain.values import from_json, to_json
from connector.errors import RejectedError, UnknownOutcomeError
from connector.services import orders, placement, returns
from connector.services.context import Context
from connector.store.models import Account, Order, OrderLine, QueueItem
from tests.clients.rehearsal import wait_for
from tests.services.test_placement_sandbox import Systems, account, ctx, made, sku, sold, systems
from tests.services.world import Clock

__all__ = ["account", "ctx", "sku", "systems"]


def today(ctx: Context) -> None:
    """The context's clock stands at the machine's time, which the sandbox keeps."""
    assert isinstance(ctx.clock, Clock)
    ctx.clock.turn(time.time() - ctx.clock.now().timestamp())


def test_a_full_import_moves_the_mark_and_asks_for_the_store_order(
    ctx: Context, systems: Systems, account: Account, sku: str
) -> None:
    today(ctx)
    number = systems.control.post("tiktok/orders", lines=[{"seller_sku": sku, "quantity": 3}])["order_ids"][0]
    assert "new orders" in orders.import_window(ctx, account)
    row = Order.get(Order.tiktok_order_id == number)
    assert OrderLine.select().where(OrderLine.order == row.id).count() == 3
    assert QueueItem.select().where(QueueItem.kind == "create_sales_order", QueueItem.subject_id == row.id).count() == 1
    marks = Account.get_by_id(account.id).high_water
    assert marks["orders"] == marks["returns"] == int(ctx.clock.now().timestamp())
    assert orders.import_window(ctx, Account.get_by_id(account.id)).startswith("0 new orders")


def test_what_a_cart_refuses_is_saved_directly_and_marked(
    ctx: Context, systems: Systems, account: Account, sku: str
) -> None:
    row = sold(ctx, systems, account, sku)
    found = next(one for page in systems.books.products() for one in page if one.sku == sku)
    from connector.store.models import Product

    Product.create(
        store=account.store_id, entity_id=found.entity_id, sku=sku, name=found.name, data={}, digest="d",
        seen_at=ctx.clock.now(),
    )  # fmt: skip
    data = from_json(MarketplaceOrder, row.data)
    hidden = replace(data, address=replace(data.address, region="Nowhere"))
    Order.update(data=to_json(hidden)).where(Order.id == row.id).execute()
    placement.create_sales_order(ctx, row.id, "w1")
    fresh = Order.get_by_id(row.id)
    assert (fresh.state, fresh.stock_reserved) == ("confirmed", False)
    assert fresh.magento_increment_id == f"TTS-{row.tiktok_order_id}"
    (order,) = made(systems, row)
    assert order.grand_total == order.total_invoiced == correction.expected_total(hidden, "payout")


def test_a_rejected_order_is_cancelled_on_both_sides(
    ctx: Context, systems: Systems, account: Account, sku: str
) -> None:
    row = sold(ctx, systems, account, sku)
    assert returns.reject_order(ctx, row.id, "out_of_stock").startswith("Cancelled on TikTok Shop")
    assert returns.reject_order(ctx, row.id, "out_of_stock") == "The order is cancelled already."
    orders.sync_status(ctx, row.id)
    assert Order.get_by_id(row.id).state == "cancelled"
    with pytest.raises(RejectedError, match="CANCELLED"):
        placement.create_sales_order(ctx, row.id, "w1")


def test_an_order_cancelled_after_a_lost_answer_is_cancelled_in_the_store(
    ctx: Context, systems: Systems, account: Account, sku: str
) -> None:
    row = sold(ctx, systems, account, sku)
    systems.control.fault("magento", r"PUT .*/carts/\d+/order", "timeout_after_success")
    with pytest.raises(UnknownOutcomeError):
        placement.create_sales_order(ctx, row.id, "w1")
    cart = Order.get_by_id(row.id).cart_id
    wait_for(lambda: systems.store.find_orders("quote_id", cart))
    returns.reject_order(ctx, row.id, "out_of_stock")
    orders.sync_status(ctx, row.id)
    assert Order.get_by_id(row.id).state == "placing"
    assert isinstance(ctx.clock, Clock)
    ctx.clock.turn(ctx.place_timeout + 1)
    orders.sync_status(ctx, row.id)
    assert Order.get_by_id(row.id).state == "cancelled"
    (order,) = systems.store.find_orders("quote_id", cart)
    assert order.state == "canceled"
