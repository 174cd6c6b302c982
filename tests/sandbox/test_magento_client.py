"""A client that none of us wrote, PyPI's pymagento, works against the store over HTTP."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from magento import Magento
from magento.exceptions import MagentoException

from connector.sandbox.serve import SandboxServer
from tests.sandbox.magento_shop import CALIFORNIA, CHECKMO


@pytest.fixture
def client(sandbox: SandboxServer) -> Iterator[Magento]:
    keys = sandbox.app.test_client().get("/_sandbox/credentials").get_json()["magento"]
    with Magento(token=keys["access_token"], base_url=sandbox.url) as session:
        yield session


def sellable(client: Magento) -> str:
    """The SKU of a sound product with stock."""
    products = [one for one in client.get_products() if one["type_id"] == "simple" and one["status"] == 1]
    return str(next(one["sku"] for one in products if client.get_product_stock_item(one["sku"])["qty"] > 2))


def test_it_pages_through_products_both_ways(client: Magento) -> None:
    by_page = [
        one["sku"]
        for one in client.get_paginated(
            "/V1/products",
            page_size=2,
            query={
                "searchCriteria[sortOrders][0][field]": "entity_id",
                "searchCriteria[sortOrders][0][direction]": "ASC",
            },
        )
    ]
    by_id = [one["sku"] for one in client.get_products(page_size=3, id_pagination=True)]
    assert by_page == by_id
    assert len(by_page) == 4


def test_it_changes_a_price(client: Magento) -> None:
    sku = sellable(client)
    assert client.save_base_prices([{"sku": sku, "price": 12.34, "store_id": 0}]) == []
    assert client.get_base_prices([sku])[0]["price"] == 12.34
    client.update_product(sku, {"price": 43.21})
    product = client.get_product(sku)
    assert product is not None
    assert product["price"] == 43.21


def test_it_changes_a_stock(client: Magento) -> None:
    sku = sellable(client)
    client.save_source_items([{"sku": sku, "source_code": "default", "quantity": 41, "status": 1}])
    assert [one["quantity"] for one in client.get_source_items(sku=sku)] == [41]
    item = client.get_product_stock_item(sku)
    client.update_product_stock_item_quantity(sku, item["item_id"], 17)
    assert client.get_product_stock_item(sku)["qty"] == 17


def test_it_pages_through_orders(client: Magento) -> None:
    sku = sellable(client)
    for _ in range(3):
        cart = client.post_json_api("/V1/carts/")
        client.post_json_api(f"/V1/carts/{cart}/items", json={"cartItem": {"sku": sku, "qty": 1, "quote_id": cart}})
        address = {"shipping_address": CALIFORNIA, "billing_address": CALIFORNIA}
        method = {"shipping_carrier_code": "flatrate", "shipping_method_code": "flatrate"}
        client.post_json_api(f"/V1/carts/{cart}/shipping-information", json={"addressInformation": address | method})
        client.put_json_api(f"/V1/carts/{cart}/order", json=CHECKMO)
    assert client.get_total_orders_count() == 3
    assert sorted(order["entity_id"] for order in client.get_orders()) == [1, 2, 3]
    (newest,) = client.get_last_orders(1)
    assert client.get_order_by_increment_id(newest["increment_id"]) == client.get_order(newest["entity_id"])


def test_it_reads_what_describes_the_catalogue(client: Magento) -> None:
    root = client.get_category(2)
    assert root is not None
    assert root["name"] == "Default Category"
    assert [source["source_code"] for source in client.get_sources()] == ["default"]
    assert any(option["label"] == "Northbridge" for option in client.get_products_attribute_options("manufacturer"))
    assert {one["attribute_set_name"] for one in client.get_attribute_sets()} >= {"Default", "Apparel"}


def test_it_understands_a_refusal(client: Magento) -> None:
    with pytest.raises(MagentoException, match="attribute value is empty"):
        client.save_product({"sku": "NEW", "attribute_set_id": 4, "price": 1})
