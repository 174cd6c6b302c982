"""Amounts to the cent in shops that reckon otherwise: cart rules, tax rules and prices with tax are on, our orders exact.

The cases are those of the store reference's section 12.2; each order is invoiced, refunded by one piece, then by the rest.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from decimal import Decimal
from itertools import count
from typing import Any

import pytest
import requests

from connector.domain import correction
from connector.domain.order import MarketplaceOrder, OrderLine
from connector.domain.values import from_json, to_json
from connector.services import placement
from connector.services.context import Context
from connector.store.models import Account, Order, Policy
from tests.services.test_placement_sandbox import Systems, account, ctx, made, sku, sold, systems

__all__ = ["account", "ctx", "sku", "systems"]

D = Decimal
NUMBERS = count(1)
"""Tax rates cannot be deleted here, and their codes are unique."""
OREGON = {"tax_country_id": "US", "tax_region_id": 0, "tax_postcode": "*", "rate": 20}
EVERYBODY = {"website_ids": [1], "customer_group_ids": [0, 1, 2, 3], "is_active": True}


class Office:
    """The back office of the sandbox's store, over its REST API."""

    def __init__(self, url: str, token: str) -> None:
        self._url, self._session = url, requests.Session()
        self._session.headers["Authorization"] = f"Bearer {token}"
        self._before = requests.get(f"{url}/_sandbox/magento/config", timeout=5).json()
        self._made: list[str] = []

    def post(self, path: str, body: Any) -> Any:
        answer = self._session.post(f"{self._url}/rest/V1{path}", json=body, timeout=5)
        assert answer.status_code == 200, answer.text
        return answer.json()

    def discount_everything(self) -> None:
        rule = EVERYBODY | {
            "name": "10 %",
            "simple_action": "by_percent",
            "discount_amount": 10,
            "coupon_type": "NO_COUPON",
        }
        made = self.post("/salesRules", {"rule": rule | {"apply_to_shipping": True}})
        self._made.append(f"/salesRules/{made['rule_id']}")

    def tax_everything(self) -> None:
        rate = self.post("/taxRates", {"tax_rate": OREGON | {"code": f"US {next(NUMBERS)}"}})
        rule = {
            "code": "All",
            "customer_tax_class_ids": [3],
            "product_tax_class_ids": [2],
            "tax_rate_ids": [rate["id"]],
        }
        made = self.post("/taxRules", {"rule": rule | {"priority": 0, "position": 0}})
        self._made.append(f"/taxRules/{made['id']}")

    def set(self, **settings: str) -> None:
        body = {name.replace("__", "/"): value for name, value in settings.items()}
        requests.put(f"{self._url}/_sandbox/magento/config", json=body, timeout=5).raise_for_status()

    def undo(self) -> None:
        for path in self._made:
            self._session.delete(f"{self._url}/rest/V1{path}", timeout=5)
        requests.put(f"{self._url}/_sandbox/magento/config", json=self._before, timeout=5).raise_for_status()


@pytest.fixture
def office(request: pytest.FixtureRequest, systems: Systems) -> Iterator[Office]:
    found = Office(systems.control.url, systems.control.credentials()["magento"]["access_token"])
    if "rule" in request.param:
        found.discount_everything()
    if "tax" in request.param:
        found.tax_everything()
    if "included" in request.param:
        found.set(tax__calculation__price_includes_tax="1", tax__sales_display__shipping="2")
    yield found
    found.undo()


def gift(order: MarketplaceOrder) -> MarketplaceOrder:
    """The last unit costs nothing."""
    *paid, last = order.lines
    free = replace(last, is_gift=True, sale_price=D(0), seller_discount=D(0), platform_discount=D(0), tax=D(0))
    less = last.original_price
    pay = order.payment
    changed = replace(
        pay, total_amount=pay.total_amount - less - last.tax, sub_total=pay.sub_total - less,
        tax=pay.tax - last.tax, product_tax=pay.product_tax - last.tax,
    )  # fmt: skip
    return replace(order, lines=(*paid, free), payment=changed)


def ten_for_three(order: MarketplaceOrder) -> MarketplaceOrder:
    """Three units for 10.00 altogether: a row that does not divide."""
    prices = (D("3.33"), D("3.33"), D("3.34"))
    lines: tuple[OrderLine, ...] = tuple(
        replace(line, original_price=price, sale_price=price) for line, price in zip(order.lines, prices, strict=True)
    )
    pay = replace(order.payment, total_amount=D(10), sub_total=D(10), original_total_product_price=D(10))
    return replace(order, lines=lines, payment=pay)


def vat_inside(order: MarketplaceOrder) -> MarketplaceOrder:
    """Prices hold 20 % VAT: the tax is told beside a total that holds it."""
    tax = (order.payment.total_amount / 6).quantize(D("0.01"))
    return replace(order, payment=replace(order.payment, tax=tax, product_tax=tax))


CASES: dict[str, tuple[int, dict[str, str], Any]] = {
    "several units": (3, {"tax_rate": "0"}, None),
    "tax on top": (2, {"tax_rate": "0.0825", "shipping_fee": "4.99", "shipping_fee_tax": "0.41"}, None),
    "vat inside": (3, {"tax_rate": "0"}, vat_inside),
    "seller discount": (3, {"tax_rate": "0", "seller_discount": "10.00"}, None),
    "platform discounts": (
        2,
        {
            "tax_rate": "0",
            "platform_discount": "3.00",
            "shipping_fee": "5.00",
            "shipping_fee_platform_discount": "5.00",
        },
        None,
    ),
    "row that does not divide": (3, {"tax_rate": "0"}, ten_for_three),
    "gift": (3, {"tax_rate": "0"}, gift),
}


@pytest.mark.parametrize(
    ("office", "booking"),
    [
        ("plain", "buyer"),
        ("cart-rule", "payout"),
        ("tax-on-top", "payout"),
        ("tax-included-and-rule", "payout"),
        ("tax-included-and-rule", "buyer"),
    ],
    indirect=["office"],
)
def test_invoice_and_refunds_are_the_marketplace_s_whatever_the_shop_reckons(
    ctx: Context, systems: Systems, account: Account, sku: str, office: Office, booking: str
) -> None:
    stock = {"sku": sku, "source_code": "default", "quantity": 500, "status": 1}
    office.post("/inventory/source-items", {"sourceItems": [stock]})
    policy = Policy.get(Policy.type == "order")
    Policy.update(settings=policy.settings | {"platform_discount": booking}).where(Policy.id == policy.id).execute()
    wrong = []
    for name, (pieces, money, change) in CASES.items():
        order = placed(ctx, systems, account, sku, pieces, money, change)
        total = correction.expected_total(order, booking)
        (found,) = made(systems, Order.get(Order.tiktok_order_id == order.id))
        item = found.items[0]
        systems.store.refund(found.entity_id, {item.item_id: 1}, shipping_amount=D(0), return_to_stock=[item.item_id])
        part = systems.store.order(found.entity_id)
        rest = {one.item_id: int(one.qty_ordered - one.qty_refunded) for one in part.items}
        systems.store.refund(found.entity_id, rest)
        after = systems.store.order(found.entity_id)
        told = (found.grand_total, found.total_invoiced, after.total_refunded, after.state)
        if told != (total, total, total, "closed"):
            wrong.append(f"{name}: {told} instead of {total}")
    assert wrong == []


def placed(
    ctx: Context, systems: Systems, account: Account, sku: str, pieces: int, money: dict[str, str], change: Any
) -> MarketplaceOrder:
    row = sold(ctx, systems, account, sku, pieces, force=True, **money)
    order = from_json(MarketplaceOrder, row.data)
    if change is not None:
        order = change(order)
        Order.update(data=to_json(order)).where(Order.id == row.id).execute()
    placement.create_sales_order(ctx, row.id, "w1")
    return order
