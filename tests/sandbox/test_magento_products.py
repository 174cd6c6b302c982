"""Products over HTTP: scopes, lists that clear or keep, change times, variants, pictures, prices."""

from __future__ import annotations

import base64
from collections.abc import Iterator
from io import BytesIO
from pathlib import Path
from typing import Any

import pytest
import requests
from PIL import Image

from connector.sandbox.magento import install
from connector.sandbox.magento.database import transaction
from connector.sandbox.serve import SandboxServer
from tests.sandbox.magento_catalog_examples import picture
from tests.sandbox.magento_shop import Shop, add_product, running_shop


@pytest.fixture
def shop(tmp_path: Path) -> Iterator[Shop]:
    with running_shop(tmp_path) as running:
        with transaction(running.db) as db:
            install.add_store(db, "de", "German")
        add_product(running.db, "SHOE", "20", 5)
        yield running


def name_of(shop: Shop, store: str = "") -> str:
    return str(shop.ok("GET", "/products/SHOE?fields=name", store=store)["name"])


def test_a_write_without_all_hides_later_global_changes(shop: Shop) -> None:
    """The default path writes the default store view, which then overrides the value for all views."""
    shop.ok("PUT", "/products/SHOE", {"product": {"name": "Written without all"}})
    shop.ok("PUT", "/products/SHOE", {"product": {"name": "Global"}}, store="all")
    assert (name_of(shop), name_of(shop, "de"), name_of(shop, "all")) == ("Written without all", "Global", "Global")


def test_a_price_is_global_whatever_the_path(shop: Shop) -> None:
    shop.ok("PUT", "/products/SHOE", {"product": {"price": 31.5}}, store="de")
    assert shop.ok("GET", "/products/SHOE", store="all")["price"] == 31.5


def test_a_missing_list_keeps_and_an_empty_one_clears(shop: Shop) -> None:
    tier = {"customer_group_id": 32000, "qty": 10, "value": 15}
    shop.ok("PUT", "/products/SHOE", {"product": {"tier_prices": [tier]}}, store="all")
    assert shop.ok("PUT", "/products/SHOE", {"product": {"price": 21}}, store="all")["tier_prices"]
    assert shop.ok("PUT", "/products/SHOE", {"product": {"tier_prices": []}}, store="all")["tier_prices"] == []


def test_a_list_never_carries_the_stock_item_and_a_single_one_does(shop: Shop) -> None:
    (listed,) = shop.ok("GET", "/products?searchCriteria")["items"]
    assert "stock_item" not in listed["extension_attributes"]
    assert shop.ok("GET", "/products/SHOE")["extension_attributes"]["stock_item"]["qty"] == 5


def moment(shop: Shop) -> str:
    return str(shop.ok("GET", "/products/SHOE?fields=updated_at")["updated_at"])


@pytest.mark.parametrize(
    ("method", "path", "body", "moves"),
    [
        pytest.param("PUT", "/products/SHOE", {"product": {"name": "New"}}, True, id="product-save"),
        pytest.param("PUT", "/products/SHOE/stockItems/1", {"stockItem": {"qty": 9}}, False, id="stock-item"),
        pytest.param("POST", "/inventory/source-items", {"sourceItems": [{"sku": "SHOE", "source_code": "default", "quantity": 9, "status": 1}]}, False, id="source-item"),
        pytest.param("POST", "/products/base-prices", {"prices": [{"sku": "SHOE", "price": 9, "store_id": 0}]}, False, id="base-price"),
        pytest.param("POST", "/products/special-price", {"prices": [{"sku": "SHOE", "price": 9, "store_id": 0}]}, False, id="special-price"),
        pytest.param("POST", "/categories/2/products", {"productLink": {"sku": "SHOE", "position": 1}}, False, id="category"),
    ],
)  # fmt: skip
def test_what_moves_the_time_of_change(shop: Shop, method: str, path: str, body: Any, moves: bool) -> None:
    assert moment(shop) == "2026-01-01 00:00:00"
    shop.ok(method, path, body)
    assert (moment(shop) != "2026-01-01 00:00:00") is moves


def test_a_refused_product_leaves_nothing_behind(shop: Shop) -> None:
    body = {"product": {"sku": "NEW", "name": "Name", "price": 1, "attribute_set_id": 4}}
    shop.ok("POST", "/products", body)
    status, answer = shop.call("POST", "/products", {"product": body["product"] | {"sku": "OTHER"}})
    assert (status, answer["message"]) == (400, "URL key for specified store already exists.")
    assert shop.call("GET", "/products/OTHER")[0] == 404
    assert shop.db.execute("SELECT COUNT(*) FROM inventory_source_item WHERE sku = 'OTHER'").fetchone()[0] == 0


def test_a_deleted_product_is_gone(shop: Shop) -> None:
    assert shop.ok("DELETE", "/products/SHOE") is True
    assert shop.call("GET", "/products/SHOE")[0] == 404
    assert shop.ok("GET", "/products?searchCriteria")["total_count"] == 0
    assert shop.call("DELETE", "/products/SHOE")[0] == 404


@pytest.mark.parametrize("sku", ["A/B", "A B", "A+B", "A%B", "Ä-Ö", "A&B#?"])
def test_odd_skus_are_found_by_path_and_by_search(shop: Shop, sku: str) -> None:
    add_product(shop.db, sku, "1", 1)
    encoded = requests.utils.quote(sku, safe="")
    assert shop.ok("GET", f"/products/{encoded}")["sku"] == sku
    query = f"searchCriteria[filter_groups][0][filters][0][field]=sku&searchCriteria[filter_groups][0][filters][0][value]={encoded}"
    assert shop.ok("GET", f"/products?{query}")["items"][0]["sku"] == sku


def test_a_configurable_names_its_variants_and_their_values(shop: Shop) -> None:
    options = [{"label": "Red"}, {"label": "Blue"}]
    attribute = {
        "attribute_code": "shade",
        "frontend_input": "select",
        "default_frontend_label": "Shade",
        "scope": "global",
    }
    shade = shop.ok("POST", "/products/attributes", {"attribute": attribute | {"options": options}})
    values = [option["value"] for option in shade["options"] if option["value"]]
    children = []
    for value in values:
        custom = [{"attribute_code": "shade", "value": value}]
        product = {"sku": f"C-{value}", "name": f"C {value}", "price": 5, "attribute_set_id": 4, "visibility": 1}
        children.append(
            shop.ok("POST", "/products", {"product": product | {"custom_attributes": custom}}, store="all")["id"]
        )
    extension = {
        "configurable_product_options": [{"attribute_id": str(shade["attribute_id"]), "label": "Shade", "position": 0}],
        "configurable_product_links": children,
    }
    parent = {
        "sku": "C",
        "name": "C",
        "attribute_set_id": 4,
        "type_id": "configurable",
        "extension_attributes": extension,
    }
    shop.ok("POST", "/products", {"product": parent}, store="all")
    shown = shop.ok("GET", "/products/C")["extension_attributes"]
    assert shown["configurable_product_links"] == children
    assert shown["configurable_product_options"][0]["values"] == [{"value_index": int(value)} for value in values]
    assert [child["id"] for child in shop.ok("GET", "/configurable-products/C/children")] == children


def test_uploaded_pictures_are_served_byte_by_byte(sandbox: SandboxServer) -> None:
    keys = requests.get(f"{sandbox.url}/_sandbox/credentials", timeout=10).json()["magento"]
    headers = {"Authorization": f"Bearer {keys['access_token']}"}
    product = requests.get(
        f"{sandbox.url}/rest/V1/products?searchCriteria[pageSize]=1", headers=headers, timeout=10
    ).json()["items"][0]
    path = f"{sandbox.url}/rest/V1/products/{requests.utils.quote(product['sku'], safe='')}/media"
    content = {"base64_encoded_data": picture("JPEG"), "type": "image/jpeg", "name": "my photo.JPG"}
    entry = {"media_type": "image", "label": "mine", "position": 9, "disabled": False, "types": [], "content": content}
    number = requests.post(path, json={"entry": entry}, headers=headers, timeout=10).json()
    file = requests.get(f"{path}/{number}", headers=headers, timeout=10).json()["file"]
    assert file == "/m/y/my_photo.jpg"
    served = requests.get(f"{sandbox.url}/media/catalog/product{file}", timeout=10)
    assert served.headers["Content-Type"] == "image/jpeg"
    assert served.content == base64.b64decode(content["base64_encoded_data"])


def test_every_image_path_of_a_product_is_a_real_picture(sandbox: SandboxServer) -> None:
    keys = requests.get(f"{sandbox.url}/_sandbox/credentials", timeout=10).json()["magento"]
    headers = {"Authorization": f"Bearer {keys['access_token']}"}
    base = requests.get(f"{sandbox.url}/rest/V1/store/storeConfigs", headers=headers, timeout=10).json()[0][
        "base_media_url"
    ]
    items = requests.get(f"{sandbox.url}/rest/V1/products?searchCriteria", headers=headers, timeout=10).json()["items"]
    files = [entry["file"] for item in items for entry in item["media_gallery_entries"]]
    assert files
    for file in files:
        served = requests.get(f"{base}catalog/product{file}", timeout=10)
        image = Image.open(BytesIO(served.content))
        assert (image.format, image.size) == ("JPEG", (800, 800))
        assert 3_000 < len(served.content) < 60_000


@pytest.mark.parametrize(
    "path", ["/n/o/none.jpg", "/..%2f..%2f..%2fmagento.sqlite3", "/%2e%2e/%2e%2e/%2e%2e/magento.sqlite3"]
)
def test_no_other_file_is_served(sandbox: SandboxServer, path: str) -> None:
    assert requests.get(f"{sandbox.url}/media/catalog/product{path}", timeout=10).status_code == 404


def test_special_prices_count_on_their_days_in_the_render_list(shop: Shop) -> None:
    def final() -> float:
        item = shop.ok("GET", "/products-render-info?searchCriteria&storeId=1&currencyCode=EUR")["items"][0]
        return float(item["price_info"]["final_price"])

    row = {"sku": "SHOE", "store_id": 0, "price": 12}
    shop.ok("POST", "/products/special-price", {"prices": [row | {"price_from": "2020-01-01 00:00:00"}]})
    assert final() == 12
    shop.ok(
        "POST", "/products/special-price", {"prices": [row | {"price_from": "2020-01-01", "price_to": "2020-02-01"}]}
    )
    assert final() == 20


def test_bad_rows_of_a_price_call_are_told_and_the_others_written(shop: Shop) -> None:
    prices = [
        {"sku": "SHOE", "price": 7, "store_id": 0},
        {"sku": "NOPE", "price": 7, "store_id": 0},
        {"sku": "SHOE", "price": 8, "store_id": 1},
    ]
    problems = shop.ok("POST", "/products/base-prices", {"prices": prices})
    assert [one["parameters"] for one in problems] == [["SKU", "NOPE"], ["Store ID", "1"]]
    assert shop.ok("GET", "/products/SHOE")["price"] == 7


def test_unknown_keys_are_refused_by_name(shop: Shop) -> None:
    status, body = shop.call("PUT", "/products/SHOE", {"product": {"no_such_field": 1}})
    assert (status, body["parameters"]) == (400, {"fieldName": "NoSuchField"})
