"""Sources that an inventory policy chooses: no piece is promised that they, or the stock as a whole, do not have."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal
from typing import Any

import pytest
import requests

from connector.domain.product import StockSource
from connector.plugins.policies.inventory import InventoryPolicy
from connector.services import snapshots, sources, stores
from connector.services.context import Context
from connector.services.drafter import Drafter, _stock
from connector.services.drafting import _source_issues
from connector.store.models import Account, Listing, Policy, Product
from tests.clients.rehearsal import Control
from tests.services import live
from tests.services.shopkeeper import Shopkeeper, row, store

SKU = "MSI/1"


@pytest.fixture(scope="module")
def warehouses(control: Control) -> None:
    """The website sells from a stock of two sources; a third source belongs to no stock."""
    keeper = Shopkeeper(control, control.credentials()["magento"]["access_token"])
    place = {"country_id": "US", "postcode": "10001"}
    for code in ("east", "west", "abroad"):
        keeper.call("POST", "inventory/sources", {"source": {"source_code": code, "name": code.title(), **place}})
    channels = {"sales_channels": [{"type": "website", "code": "base"}]}
    stock = keeper.call("POST", "inventory/stocks", {"stock": {"name": "US", "extension_attributes": channels}})
    links = [{"stock_id": stock, "source_code": code, "priority": 1} for code in ("east", "west")]
    keeper.call("POST", "inventory/stock-source-links", {"links": links})


@pytest.fixture
def account(installation: None, control: Control, warehouses: None) -> Account:
    return live.add_account(control, region="US", currency="USD", warehouse_id="w1")


@pytest.fixture
def keeper(account: Account, control: Control) -> Iterator[Shopkeeper]:
    """A product of which the east has 8 and the west 4 pieces."""
    made = Shopkeeper(control, control.credentials()["magento"]["access_token"])
    made.make(SKU)
    enable(made, "west", on=True)
    for code, pieces in (("east", 8), ("west", 4), ("abroad", 50)):
        made.source(SKU, pieces, code=code)
    yield made
    for sku in list(made.made):
        made.delete(sku)


@pytest.fixture
def ctx() -> Context:
    return live.context()


def enable(keeper: Shopkeeper, code: str, *, on: bool) -> None:
    keeper.call("PUT", f"inventory/sources/{code}", {"source": {"enabled": on, "name": code.title()}})


def choose(*codes: str) -> InventoryPolicy:
    """A stored policy with these sources, as it is read."""
    now, settings = live.Clock().now(), {"sources": list(codes)}
    Policy.create(title="Chosen", type="inventory", settings=settings, created_at=now, updated_at=now)
    return InventoryPolicy.from_settings(settings)


def read(ctx: Context, account: Account) -> Product:
    snapshots.sync(ctx, store(account), full=True)
    snapshots.sync_stock(ctx, store(account))
    return row(SKU)


WORTH = [
    (["east"], 8, "limit: the chosen sources, 8"),
    (["east", "west"], 12, "limit: what is salable, 12"),
    (["abroad"], 0, "limit: the chosen sources, 0"),
    (["west", "abroad"], 4, "limit: the chosen sources, 4"),
    ([], 12, "12 salable"),
]
"""Chosen sources, pieces that are offered, and the limit that they come from. The one abroad is not in the website's stock."""


def test_what_chosen_sources_are_worth(ctx: Context, account: Account, keeper: Shopkeeper) -> None:
    """From source items in the store to the pieces that are offered, and which limit they come from."""
    choose("east")
    stock = _stock(read(ctx, account))
    for codes, offered, limit in WORTH:
        found = InventoryPolicy(sources=codes).quantity(stock, 0)
        assert (found.pieces, limit in found.steps) == (offered, True), found.steps
    assert snapshots.sync_stock(ctx, store(account)) == 0, "read again, nothing is new"


def test_pieces_of_open_orders_are_taken_from_the_chosen_sources(
    ctx: Context, account: Account, keeper: Shopkeeper
) -> None:
    """Three pieces are reserved and two kept by the store's threshold: whichever source will serve them, they are gone."""
    policy = choose("east")
    keeper.stock(SKU, use_config_min_qty=False, min_qty=2)
    cart = requests.post(f"{keeper.control.url}/rest/default/V1/guest-carts", timeout=10).json()
    order = place_order(keeper.control.url, cart)
    product = read(ctx, account)
    assert (product.salable, product.sources) == (Decimal(7), {"east": "8", "west": "4"})
    assert policy.quantity(_stock(product), 0).pieces == 3
    keeper.call("POST", f"orders/{order}/cancel")


def place_order(url: str, cart: str) -> int:
    """A guest buys three pieces; the order's entity id."""
    base = f"{url}/rest/default/V1/guest-carts/{cart}"
    address = {
        "firstname": "Ann", "lastname": "Lee", "street": ["1 Main St"], "city": "New York", "postcode": "10001",
        "country_id": "US", "region_id": 43, "region": "New York", "region_code": "NY", "telephone": "1", "email": "ann@shop.test",
    }  # fmt: skip
    shipping = {
        "shipping_address": address, "billing_address": address, "shipping_carrier_code": "flatrate",
        "shipping_method_code": "flatrate",
    }  # fmt: skip
    for method, path, body in (
        ("POST", "items", {"cartItem": {"quote_id": cart, "sku": SKU, "qty": 3}}),
        ("POST", "shipping-information", {"addressInformation": shipping}),
        ("PUT", "order", {"paymentMethod": {"method": "checkmo"}}),
    ):
        answer = requests.request(method, f"{base}/{path}", json=body, timeout=10)
        assert answer.status_code == 200, answer.text
    return int(answer.json())


def test_a_source_that_is_switched_off_counts_nothing_and_is_named(
    ctx: Context, account: Account, keeper: Shopkeeper
) -> None:
    policy = choose("west", "gone")
    listing = Listing.create(account=account, product=_known(ctx, account), changed_at=ctx.clock.now(), stale=False)
    enable(keeper, "west", on=False)
    assert policy.quantity(_stock(read(ctx, account)), 0).pieces == 0
    assert Listing.get_by_id(listing.id).stale
    market = Drafter(ctx, Account.get_by_id(account.id)).market
    told = [issue.message for issue in _source_issues(policy, market) if not issue.blocks]
    assert ["“west”" in told[0] and "disabled" in told[0], "“gone”" in told[1] and "does not exist" in told[1]] == [
        True,
        True,
    ]


def _known(ctx: Context, account: Account) -> Product:
    stores.refresh_metadata(ctx, account.store)
    return read(ctx, account)


def test_before_the_chosen_sources_are_read_no_more_is_offered_than_now(
    ctx: Context, account: Account, keeper: Shopkeeper
) -> None:
    product = read(ctx, account)
    policy = choose("east")
    assert product.sources is None, "nobody chose, nothing was read"
    assert [policy.quantity(_stock(product), 0, last).pieces for last in (None, 3, 90)] == [0, 3, 12]


def test_an_integration_without_the_right_goes_on_with_what_is_salable(
    ctx: Context, account: Account, keeper: Shopkeeper, control: Control
) -> None:
    """The choice is not known to hold, so no more than now is offered; the draft says which right is missing."""
    rights = ["Magento_Catalog::products", "Magento_InventoryApi::stock"]
    limited = control.post("magento/integrations", name="limited", resources=rights)
    policy, here = choose("east"), store(account)
    snapshots.sync(ctx, here, full=True)
    here.access_token = limited["access_token"]
    assert snapshots.sync_stock(ctx, here)
    product = row(SKU)
    assert (product.salable, product.sources, here.sources) == (Decimal(12), None, None)
    assert policy.quantity(_stock(product), 0, 5).pieces == 5


def test_without_inventory_management_the_one_stock_counts(ctx: Context, account: Account) -> None:
    """A store that lists no sources has nothing to choose from."""
    policy, here = choose("east"), store(account)

    class Legacy:
        def sources(self, _website: str) -> list[StockSource]:
            return []

    listed: Any = Legacy()
    assert sources.counting(listed, here) is None
    assert here.sources == []
    product = Product(salable=Decimal(9), unlimited=False, sources=None)
    assert policy.quantity(_stock(product, single=True), 0).pieces == 9
