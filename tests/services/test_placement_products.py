"""Orders for products that the store sells otherwise, or no longer: one order to the cent each, and the truth about stock."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from connector.domain import correction
from connector.domain.order import MarketplaceOrder
from connector.domain.values import from_json
from connector.errors import ConfigurationError
from connector.services import placement
from connector.services.context import Context
from connector.store.models import Account, Order, OrderLine
from tests.services.test_placement_amounts import Office
from tests.services.test_placement_sandbox import Systems, account, ctx, made, sku, sold, systems
from tests.services.test_placement_store import Shopkeeper, filed, keeper
from tests.services.trading import set_policy

__all__ = ["account", "ctx", "keeper", "sku", "systems"]

PLENTY = {"qty": 50, "is_in_stock": True}
CASES: dict[str, tuple[dict[str, Any], dict[str, Any], bool, str]] = {
    "VIRTUAL": ({"type_id": "virtual"}, PLENTY, True, "complete"),
    "BACKORDERED": ({}, {"qty": 0, "is_in_stock": True, "use_config_backorders": False, "backorders": 1}, True, "processing"),
    "UNMANAGED": ({}, {"qty": 0, "use_config_manage_stock": False, "manage_stock": False}, True, "processing"),
    "By / the % case": ({}, PLENTY, True, "processing"),
    "DISABLED": ({"status": 2}, PLENTY, False, "processing"),
    "SOLD-OUT": ({}, {"qty": 0, "is_in_stock": False}, False, "processing"),
    "TOO-FEW": ({}, {"qty": 1, "is_in_stock": True}, False, "processing"),
    "BY-FOURS": (
        {}, PLENTY | {"use_config_enable_qty_inc": False, "enable_qty_increments": True, "use_config_qty_increments": False, "qty_increments": 4}, False, "processing",
    ),
}  # fmt: skip
"""SKU, product and stock item in the store; whether the order's pieces are reserved, and the state that it ends in."""


@pytest.fixture
def office(systems: Systems) -> Iterator[Office]:
    found = Office(systems.control.url, systems.control.credentials()["magento"]["access_token"])
    yield found
    found.undo()


def offer(office: Office, sku: str, product: dict[str, Any], stock: dict[str, Any]) -> None:
    """The product in the store, anew for each database."""
    whole = {"sku": sku, "name": sku, "price": 77, "attribute_set_id": 4, "type_id": "simple", "status": 1, "weight": 1}
    office.post("/products", {"product": whole | product | {"extension_attributes": {"stock_item": stock}}})


def bought(ctx: Context, systems: Systems, account: Account, sku: str, store_sku: str) -> Order:
    """Two pieces, sold on the marketplace as something else."""
    row = sold(ctx, systems, account, sku, 2, shipping_fee="4.00", tax_rate="0.08")
    OrderLine.update(sku=store_sku).where(OrderLine.order == row.id).execute()
    return row


def test_each_product_makes_one_order_to_the_cent(
    ctx: Context, systems: Systems, account: Account, sku: str, office: Office
) -> None:
    told, wanted = {}, {}
    for store_sku, (product, stock, reserved, state) in CASES.items():
        offer(office, store_sku, product, stock)
        filed(systems, account, store_sku)
        row = bought(ctx, systems, account, sku, store_sku.lower())
        placement.create_sales_order(ctx, row.id, "w1")
        orders, fresh = made(systems, row), Order.get_by_id(row.id)
        total = correction.expected_total(from_json(MarketplaceOrder, row.data), "payout")
        told[store_sku] = [(one.grand_total, one.total_invoiced, fresh.stock_reserved, one.state) for one in orders]
        wanted[store_sku] = [(total, total, reserved, state)]
    assert told == wanted


SETTINGS: dict[str, dict[str, str]] = {
    "order too small": {"sales__minimum_order__active": "1", "sales__minimum_order__amount": "99999"},
    "country not allowed": {"general__country__allow": "CA,MX"},
    "country of the carrier": {"carriers__flatrate__sallowspecific": "1", "carriers__flatrate__specificcountry": "CA"},
    "country of the payment": {"payment__checkmo__allowspecific": "1", "payment__checkmo__specificcountry": "CA"},
    "amount of the payment": {"payment__checkmo__max_order_total": "1"},
    "another carrier": {"carriers__flatrate__active": "0", "carriers__freeshipping__active": "1"},
    "another payment": {"payment__checkmo__active": "0", "payment__banktransfer__active": "1"},
    "payment by number": {"payment__checkmo__active": "0", "payment__purchaseorder__active": "1"},
    "no order mail": {"sales_email__order__enabled": "0"},
    "no inventory modules": {"sandbox__inventory": "legacy"},
}


def test_each_setting_of_the_store_ends_in_one_order_or_a_reason(
    ctx: Context, systems: Systems, account: Account, sku: str, keeper: Shopkeeper
) -> None:
    """Refused at the place call: saved directly at once. No method that will do: said, and made when there is one."""
    filed(systems, account, sku)
    told = {}
    for name, settings in SETTINGS.items():
        keeper.set(**settings)
        row = sold(ctx, systems, account, sku, 2, shipping_fee="4.00")
        try:
            placement.create_sales_order(ctx, row.id, "w1")
        except ConfigurationError as error:
            told[name] = str(error).partition(":")[0]
            keeper.undo()
            placement.create_sales_order(ctx, row.id, "w1")
        else:
            told[name] = "reserved" if Order.get_by_id(row.id).stock_reserved else "saved directly"
            keeper.undo()
        (order,) = made(systems, row)
        total = correction.expected_total(from_json(MarketplaceOrder, row.data), "payout")
        assert (order.grand_total, order.total_invoiced, order.state) == (total, total, "processing")
    carrier, method = "flatrate (Flat Rate) / flatrate", "checkmo (Check / Money Order)"
    assert told == {
        "order too small": "saved directly",
        "country not allowed": "saved directly",
        "country of the carrier": f"The store does not offer the shipping method {carrier}",
        "country of the payment": f"The store does not offer the payment method {method}",
        "amount of the payment": f"The store does not offer the payment method {method}",
        "another carrier": "reserved",
        "another payment": "reserved",
        "payment by number": f"The store does not offer the payment method {method}",
        "no order mail": "reserved",
        "no inventory modules": "reserved",
    }


@pytest.mark.parametrize(
    ("chosen", "settings"),
    [
        ({"carrier": "tablerate", "method": "bestway"}, {"carriers__freeshipping__active": "1"}),
        ({"payment_method": "cashondelivery"}, {"payment__banktransfer__active": "1"}),
    ],
)
def test_a_method_that_somebody_chose_is_never_replaced(
    ctx: Context,
    systems: Systems,
    account: Account,
    sku: str,
    keeper: Shopkeeper,
    chosen: dict[str, str],
    settings: dict[str, str],
) -> None:
    set_policy(**chosen)
    keeper.set(**settings)
    row = sold(ctx, systems, account, sku)
    with pytest.raises(ConfigurationError, match=r"does not offer the .* method .*Offered: .*(flatrate|banktransfer)"):
        placement.create_sales_order(ctx, row.id, "w1")
    assert made(systems, row) == []


def test_what_the_store_has_in_parts_is_refused_even_when_it_was_never_read(
    ctx: Context, systems: Systems, account: Account, sku: str, office: Office
) -> None:
    """The cart takes a bundle with its default parts; no correction would fit them."""
    offer(office, "BUNDLE", {"type_id": "bundle"}, PLENTY)
    row = bought(ctx, systems, account, sku, "bundle")
    for _ in range(2):
        with pytest.raises(ConfigurationError, match="bundle is sold by its parts"):
            placement.create_sales_order(ctx, row.id, "w1")
    assert made(systems, row) == []
    assert systems.store.find_orders("customer_email", placement.order_email(account, row.tiktok_order_id)) == []


def test_units_of_one_product_in_two_spellings_are_one_line_and_each_knows_it(
    ctx: Context, systems: Systems, account: Account, sku: str, office: Office
) -> None:
    offer(office, "Shirt-S", {}, PLENTY)
    row = bought(ctx, systems, account, sku, "SHIRT-S")
    first = OrderLine.select().where(OrderLine.order == row.id).order_by(OrderLine.id).get()
    OrderLine.update(sku="shirt-s").where(OrderLine.id == first.id).execute()
    placement.create_sales_order(ctx, row.id, "w1")
    (order,) = made(systems, row)
    (item,) = order.items
    assert (item.sku, item.qty_ordered) == ("Shirt-S", 2)
    assert [line.store_item_id for line in OrderLine.select().where(OrderLine.order == row.id)] == [item.item_id] * 2


def test_an_order_of_more_lines_than_the_store_takes_at_once_is_corrected_whole(
    ctx: Context, systems: Systems, account: Account, sku: str, office: Office, keeper: Shopkeeper
) -> None:
    """Input limits are on (section 1.7): the correction goes in parts, and invoice and total are exact."""
    row = sold(ctx, systems, account, sku, 5, shipping_fee="4.00", seller_discount="1.00", tax_rate="0.08")
    for number, line in enumerate(list(OrderLine.select().where(OrderLine.order == row.id))):
        offer(office, f"LINE-{number}", {}, PLENTY)
        OrderLine.update(sku=f"LINE-{number}").where(OrderLine.id == line.id).execute()
    keeper.set(webapi__validation__input_limit_enabled="1", webapi__validation__complex_array_limit="2")
    placement.create_sales_order(ctx, row.id, "w1")
    (order,) = made(systems, row)
    total = correction.expected_total(from_json(MarketplaceOrder, row.data), "payout")
    assert (len(order.items), order.grand_total, order.total_invoiced) == (5, total, total)
    assert Order.get_by_id(row.id).stock_reserved is True
