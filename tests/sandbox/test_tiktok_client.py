"""PyPI `tiktok-shop-api`, which knows nothing of the sandbox, works against it."""

from __future__ import annotations

from collections.abc import Iterator
from types import ModuleType
from typing import TYPE_CHECKING

import pytest

from connector.sandbox import SandboxOptions, SandboxServer
from tests.sandbox.tiktok_seller import Seller

if TYPE_CHECKING:
    from tiktok_shop_api import TikTokShop


@pytest.fixture(scope="module")
def models() -> ModuleType:
    """Two thousand classes, which take seconds to make: not where tests are only listed."""
    from tiktok_shop_api.generated import models

    return models


@pytest.fixture
def client(sandbox: SandboxServer) -> Iterator[TikTokShop]:
    from tiktok_shop_api import TikTokShop
    from tiktok_shop_api.auth import TikTokShopAuth

    seller = Seller(sandbox.url)
    auth = TikTokShopAuth(seller.keys["app_key"], seller.keys["app_secret"], base_url=sandbox.url)
    tokens = auth.refresh(auth.exchange_code(seller.control("tokens/code")["code"]).refresh_token)
    with TikTokShop(
        seller.keys["app_key"], seller.keys["app_secret"], tokens.access_token, base_url=sandbox.url
    ) as plain:
        shop = plain.authorization.get_authorized_shops().data.shops[0]
        with plain.with_shop(shop_cipher=shop.cipher) as client:
            yield client


def test_it_pages_through_products_and_changes_price_and_stock(
    sandbox: SandboxServer, client: TikTokShop, models: ModuleType
) -> None:
    seller = Seller(sandbox.url)
    made = [seller.listed(title=f"Hoodie number {place}") for place in range(5)]
    seen, token = [], ""
    while True:
        data = client.products.search_products(page_size=2, **({"page_token": token} if token else {})).data
        seen += [product.id for product in data.products]
        token = data.next_page_token
        if not token:
            break
        assert {"+", "/", "="} <= set(token)
    assert seen == [product["product_id"] for product in made]
    product = client.products.get_product(product_id=seen[0]).data
    sku = product.skus[0]
    price = {"skus": [{"id": sku.id, "price": {"amount": "41.25", "currency": "USD"}}]}
    client.products.update_price(product_id=seen[0], body=models.UpdatePriceRequest.from_dict(price))
    stock = {"skus": [{"id": sku.id, "inventory": [{"warehouse_id": sku.inventory[0].warehouse_id, "quantity": 7}]}]}
    client.products.update_inventory(product_id=seen[0], body=models.UpdateInventoryRequest.from_dict(stock))
    changed = client.products.get_product(product_id=seen[0]).data.skus[0]
    assert (changed.price.sale_price, changed.inventory[0].quantity) == ("41.25", 7)


def test_it_pages_through_orders_and_reads_them_whole(
    sandbox: SandboxServer, client: TikTokShop, models: ModuleType
) -> None:
    seller = Seller(sandbox.url)
    sku = seller.listed()["skus"][0]["id"]
    placed = seller.control("orders", {"lines": [{"sku_id": sku, "quantity": 1}], "count": 5})["order_ids"]
    seen, token = [], ""
    while True:
        more = {"page_token": token} if token else {}
        sort = {
            "sort_field": models.GetOrderListSortField("create_time"),
            "sort_order": models.GetOrderListSortOrder("ASC"),
        }
        data = client.orders.get_order_list(page_size=2, **sort, **more).data
        seen += [order.id for order in data.orders]
        token = data.next_page_token
        if not token:
            break
    assert seen == placed
    order = client.orders.get_order_detail(ids=[placed[0]]).data.orders[0]
    assert order.status == "AWAITING_SHIPMENT"
    assert order.line_items[0].sku_id == sku


class TestRepeatedKeys:
    @pytest.fixture
    def options(self) -> SandboxOptions:
        return SandboxOptions(audit_seconds=3600, requests_per_second=0, accept_repeated_keys=True)

    def test_its_repeated_keys_are_accepted_when_the_option_says_so(
        self, sandbox: SandboxServer, client: TikTokShop
    ) -> None:
        seller = Seller(sandbox.url)
        sku = seller.listed()["skus"][0]["id"]
        placed = seller.control("orders", {"lines": [{"sku_id": sku, "quantity": 1}], "count": 3})["order_ids"]
        assert [order.id for order in client.orders.get_order_detail(ids=placed).data.orders] == placed
