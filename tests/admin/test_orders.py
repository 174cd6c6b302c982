"""What an order's page says of what staff did in Magento and of what the marketplace hides by now."""

from __future__ import annotations

import html
import re
from dataclasses import replace
from decimal import Decimal

import pytest

from connector.domain.order import Address, MarketplaceOrder
from connector.domain.values import from_json, to_json
from connector.store.models import Order, OrderLine, QueueItem, Shipment
from tests.admin.conftest import ids_in, post

PAGE = "/admin/orders/details/?id=1"


@pytest.fixture
def ended(app) -> Order:
    """The first order, refunded in Magento while one piece waits."""
    OrderLine.update(status="AWAITING_SHIPMENT").where(OrderLine.order == 1).execute()
    values = {"state": "confirmed", "status": "AWAITING_SHIPMENT", "ended": "closed", "failed_reason": ""}
    Order.update(magento_order_id=7, magento_increment_id="000000007", **values).where(Order.id == 1).execute()
    return Order.get_by_id(1)


def change(**changes: object) -> None:
    order = from_json(MarketplaceOrder, Order.get_by_id(1).data)
    Order.update(data=to_json(replace(order, **changes))).where(Order.id == 1).execute()


def test_an_order_that_staff_ended_says_what_to_do_and_is_found_from_the_dashboard(client, ended):
    browser = client("operator")

    page = browser.get(PAGE).text
    assert "Store order 000000007 was refunded and closed in Magento, but TikTok Shop still waits for" in page
    assert "choose Reject here" in page

    assert "/admin/orders/?flt0_ended_in_magento_is=1" in browser.get("/admin/").text
    listed = browser.get("/admin/orders/?flt0_ended_in_magento_is=1").text
    assert ids_in(listed) == [1]
    assert "refunded and closed in Magento, and TikTok Shop waits" in listed
    assert 1 not in ids_in(browser.get("/admin/orders/?flt0_ended_in_magento_is=0").text)


def test_an_ended_order_that_nobody_waits_for_says_nothing_of_it(client, ended):
    Order.update(status="CANCELLED").where(Order.id == ended.id).execute()
    assert "Ended in Magento:" not in client("operator").get(PAGE).text


def test_numbers_that_are_not_told_to_the_marketplace_are_named(client):
    Shipment.update(other_numbers=["1Z888", "1Z777"]).where(Shipment.order == 1).execute()
    assert "takes one number for a package: 1Z888, 1Z777" in client("viewer").get(PAGE).text


def test_an_address_that_is_hidden_by_now_says_so(client):
    address = Address("Ada", "Lovelace", ("1 Main St",), "Portland", "Oregon", "97205", "US", "1")
    change(address=address, address_kept=True)
    page = client("operator").get(PAGE).text
    assert "TikTok Shop hides it by now" in page
    assert "1 Main St" in page


def test_the_money_names_a_payment_providers_discount_where_the_total_holds_it(client):
    order = from_json(MarketplaceOrder, Order.get_by_id(1).data)
    pay, discount = order.payment, Decimal("4.00")
    change(payment=replace(pay, payment_platform_discount=discount, total_amount=pay.total_amount - discount))
    assert "Discount of the payment provider" in client("operator").get(PAGE).text
    change(payment=replace(pay, payment_platform_discount=discount))
    assert "Discount of the payment provider" not in client("operator").get(PAGE).text


@pytest.fixture
def direct(app) -> Order:
    """The first order, saved directly."""
    values = {"state": "confirmed", "magento_order_id": 7, "stock_reserved": False, "failed_reason": ""}
    Order.update(values).where(Order.id == 1).execute()
    return Order.get_by_id(1)


def test_an_order_saved_directly_says_what_the_store_shows_too_many_and_what_to_do(client, direct):
    page = client("viewer").get(PAGE).text
    pieces = OrderLine.select().where(OrderLine.order == 1).count()
    sku = OrderLine.get(OrderLine.order == 1).sku
    assert f"Magento never reserved {pieces} × {sku}." in page
    assert "inventory:reservation:create-compensations" in page
    found = "/admin/orders/?flt0_stock_to_correct_in_magento_is=1"
    assert found in client("viewer").get("/admin/").text
    listed = client("operator").get(found).text
    assert 1 in ids_in(listed)
    assert "stock not reserved in Magento" in listed
    Order.update(compensated_at=direct.placed_at).where(Order.id == 1).execute()
    assert 1 not in ids_in(client("operator").get(found).text)


def test_the_correction_of_the_stock_is_confirmed_by_operators_and_only_where_one_is_due(client, direct):
    confirm = {"action": "confirm_stock", "rowid": "1"}
    assert post(client("viewer"), "/admin/orders/action/", confirm).status_code == 403
    page = client("operator").get(PAGE).text
    assert "Is Magento&#39;s stock right about the selected orders?" in page
    post(client("operator"), "/admin/orders/action/", confirm)
    assert [item.kind for item in QueueItem.select()] == ["confirm_stock"]

    Order.update(stock_reserved=True).where(Order.id == 1).execute()
    assert "Nothing of this order waits for a correction" in client("operator").get(PAGE).text


def test_what_the_dashboard_counts_as_to_ship_is_what_its_list_shows(client):
    """Half-shipped orders too."""
    for number, status in enumerate(("AWAITING_SHIPMENT", "PARTIALLY_SHIPPING", "DELIVERED"), start=50):
        row = Order.get_by_id(1)
        row.id, row.tiktok_order_id, row.status, row.state = None, str(number), status, "confirmed"
        row.save(force_insert=True)
    browser = client("viewer")

    (link,) = re.findall(r'href="(/admin/orders/[^"]*to_ship[^"]*)"', browser.get("/admin/").text)
    listed = {Order.get_by_id(id_).status for id_ in ids_in(client("operator").get(html.unescape(link)).text)}
    assert listed == {"AWAITING_SHIPMENT", "PARTIALLY_SHIPPING"}

    shipped = browser.get("/admin/orders/?flt0_order_status_is=shipped").text
    assert ("Shipped" in shipped, "52" in shipped, "51" in shipped) == (True, True, False)
