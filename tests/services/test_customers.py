"""Store orders of one customer whom the order policy names: found as safely as a guest's (HTTP, in the sandbox)."""

from __future__ import annotations

from typing import Any

import pytest

from connector.domain import correction
from connector.domain.order import MarketplaceOrder
from connector.domain.values import from_json
from connector.errors import ConfigurationError, RejectedError, UnknownOutcomeError
from connector.plugins.policies.order import OrderPolicy
from connector.services import customers, history, placement
from connector.services.context import Context
from connector.store.models import Account, MagentoStore, Order
from tests.clients.rehearsal import wait_for
from tests.services.test_placement_sandbox import Systems, account, ctx, made, sku, systems
from tests.services.trading import again, bought, set_policy, store_order, stored

__all__ = ["account", "ctx", "sku", "systems"]

SHOP = "tiktok+shop@merchant.example"
ABROAD = "only@merchant.example"


@pytest.fixture(scope="module")
def numbers(systems: Systems) -> dict[int, int]:
    """Website id → the customer with this e-mail in it."""
    customer(systems, ABROAD, 2)
    return {website: customer(systems, SHOP, website) for website in (1, 2)}


def customer(systems: Systems, email: str, website: int) -> int:
    given = {"email": email, "firstname": "TikTok", "lastname": "Shop", "website_id": website, "group_id": 2}
    return int(systems.store._store.post("/customers", {"customer": given})["id"])


def uses(account: Account, email: str, website: int = 1) -> None:
    set_policy(customer=email)
    MagentoStore.update(website_id=website).where(MagentoStore.id == account.store_id).execute()


def told(systems: Systems, row: Order) -> dict[str, Any]:
    return dict(store_order(systems, row).raw)


def test_without_a_customer_each_buyer_is_a_guest(ctx: Context, systems: Systems, account: Account, sku: str) -> None:
    raw = told(systems, stored(ctx, systems, account, sku))
    assert (raw["customer_is_guest"], raw.get("customer_id")) == (1, None)


def test_the_order_is_the_customers_and_goes_to_the_buyer(
    ctx: Context, systems: Systems, account: Account, sku: str, numbers: dict[int, int]
) -> None:
    uses(account, SHOP)
    row = stored(ctx, systems, account, sku, tax_rate="0.08")
    raw, market = told(systems, row), from_json(MarketplaceOrder, again(row).data)
    assert {name: raw[name] for name in raw if name.startswith("customer_") and name != "customer_note_notify"} == {
        "customer_id": numbers[1],
        "customer_is_guest": 0,
        "customer_group_id": 2,
        "customer_email": SHOP,
        "customer_firstname": "TikTok",
        "customer_lastname": "Shop",
    }
    assert raw["billing_address"]["lastname"] == market.address.last_name
    order = store_order(systems, row)
    assert order.grand_total == order.total_invoiced == correction.expected_total(market, "payout")
    assert (again(row).state, order.ext_order_id) == ("confirmed", row.tiktok_order_id)


@pytest.mark.usefixtures("numbers")
def test_a_lost_answer_and_a_worker_that_dies_make_no_second_order_of_a_customers(
    ctx: Context, systems: Systems, account: Account, sku: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Before the customer is set the order is found by the guest cart's e-mail, from then on by its number."""
    uses(account, SHOP)
    row = bought(ctx, systems, account, sku)
    systems.control.fault("magento", r"PUT .*/carts/\d+/order", "timeout_after_success")
    with pytest.raises(UnknownOutcomeError):
        placement.create_sales_order(ctx, row.id, "w1")
    email = placement.order_email(account, row.tiktok_order_id)
    wait_for(lambda: systems.store.find_orders("customer_email", email))
    real = systems.store.save_order

    def dies(entity: Any) -> None:
        real(entity)
        if "customer_id" in entity:
            raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(systems.store, "save_order", dies)
        with pytest.raises(KeyboardInterrupt):
            placement.create_sales_order(ctx, row.id, "w2")
    assert again(row).state == "corrected"
    Order.update(magento_order_id=None, state="placing").where(Order.id == row.id).execute()  # and all is forgotten

    placement.create_sales_order(ctx, row.id, "w3")

    assert len(made(systems, row)) == 1
    assert again(row).state == "confirmed"
    assert (systems.store.find_orders("customer_email", email), again(row).duplicates) == ([], [])


@pytest.mark.usefixtures("numbers")
def test_two_orders_of_one_customer_share_no_cart(ctx: Context, systems: Systems, account: Account, sku: str) -> None:
    uses(account, SHOP)
    first, second = (stored(ctx, systems, account, sku, pieces) for pieces in (1, 2))
    assert [store_order(systems, row).items[0].qty_ordered for row in (first, second)] == [1, 2]
    assert again(first).cart_id != again(second).cart_id


def test_a_customer_that_the_store_lacks_is_a_setting_to_mend_and_nothing_is_made(
    ctx: Context, systems: Systems, account: Account, sku: str
) -> None:
    uses(account, "nobody@merchant.example")
    row = bought(ctx, systems, account, sku)
    with pytest.raises(ConfigurationError, match=r"no customer with the e-mail nobody@merchant\.example: create one"):
        placement.create_sales_order(ctx, row.id, "w1")
    assert (again(row).state, again(row).failures, again(row).cart_id) == ("failed", 0, "")
    set_policy(customer="")
    placement.create_sales_order(ctx, row.id, "w1")
    assert again(row).state == "confirmed"


def test_of_several_with_one_e_mail_the_websites_own_is_meant(
    systems: Systems, account: Account, numbers: dict[int, int]
) -> None:
    policy = OrderPolicy(customer=SHOP)
    for website, number in numbers.items():
        found = customers.chosen(systems.store, MagentoStore(website_id=website), policy)
        assert found is not None
        assert found.id == number
    with pytest.raises(ConfigurationError, match="2 customers, none of them in the store view's website"):
        customers.chosen(systems.store, MagentoStore(website_id=9), policy)
    found = customers.chosen(systems.store, MagentoStore(website_id=1), OrderPolicy(customer=ABROAD))
    assert found is not None
    assert found.website_id == 2, "accounts may be shared between websites"


@pytest.mark.usefixtures("numbers")
def test_a_store_that_refuses_the_customer_keeps_the_guest_and_the_order_goes_on(
    ctx: Context, systems: Systems, account: Account, sku: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    uses(account, SHOP)
    real = systems.store.save_order

    def refuses(entity: Any) -> None:
        if "customer_id" in entity:
            raise RejectedError("no such customer", system="magento", status=400)
        real(entity)

    monkeypatch.setattr(systems.store, "save_order", refuses)
    row = stored(ctx, systems, account, sku)

    raw = told(systems, row)
    assert (again(row).state, raw["customer_is_guest"], raw["ext_order_id"]) == ("confirmed", 1, row.tiktok_order_id)
    text = f"Store order {raw['increment_id']} was not given to customer {SHOP}; it stays a guest's."
    assert text in [entry.message for entry in history.of("order", row.id)]


@pytest.mark.parametrize("text", ["nobody", "a@b", "two words@shop.example"])
def test_a_customer_is_an_e_mail(text: str) -> None:
    assert [issue.field for issue in OrderPolicy(customer=text).problems()] == ["customer"]
