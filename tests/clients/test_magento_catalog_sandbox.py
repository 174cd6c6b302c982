"""Every method of the catalogue port against the sandbox's generated store, over HTTP, signed both ways."""

from __future__ import annotations

import io
import time
from collections.abc import Iterator
from decimal import Decimal
from typing import Any

import pytest
import requests
from PIL import Image

from connector.clients.http import HttpClient
from connector.clients.magento import MagentoCatalog, MagentoConnection, MagentoStore
from connector.domain.product import ProductSnapshot
from connector.errors import AuthorizationError, NotFoundError, RejectedError, RetryableError
from connector.sandbox.app import create_sandbox
from connector.sandbox.serve import SandboxServer
from tests.clients.rehearsal import Control

PRODUCTS = 1000


@pytest.fixture(scope="module")
def control(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Control]:
    server = SandboxServer(create_sandbox(tmp_path_factory.mktemp("sandbox"), products=PRODUCTS, seed=7)).start()
    yield Control(server.url)
    server.stop()


@pytest.fixture(autouse=True)
def _as_installed(control: Control) -> Iterator[None]:
    yield
    control.clear_faults()


def configure(control: Control, **values: str) -> None:
    answer = requests.put(f"{control.url}/_sandbox/magento/config", json=values, timeout=10)
    assert answer.status_code == 200, answer.text


@pytest.fixture(scope="module")
def given(control: Control) -> dict[str, Any]:
    """What the sandbox says a connector needs to reach the store."""
    return dict(control.credentials()["magento"])


def connect(control: Control, given: dict[str, Any], auth: str = "oauth", **more: Any) -> MagentoConnection:
    keys = ("consumer_key", "consumer_secret", "access_token", "access_token_secret")
    settings = MagentoStore(control.url, auth=auth, **{key: given[key] for key in keys}, **more)
    return MagentoConnection(settings, HttpClient("magento", read_timeout=30, sleep=lambda _: None))


@pytest.fixture(params=["oauth", "bearer"], scope="module")
def catalog(control: Control, given: dict[str, Any], request: pytest.FixtureRequest) -> MagentoCatalog:
    return MagentoCatalog(connect(control, given, request.param))


@pytest.fixture(scope="module")
def products(control: Control, given: dict[str, Any]) -> list[ProductSnapshot]:
    catalog = MagentoCatalog(connect(control, given))
    return [product for page in catalog.products() for product in page]


def test_a_thousand_products_are_imported_in_seconds(control: Control, given: dict[str, Any]) -> None:
    catalog = MagentoCatalog(connect(control, given))
    started = time.monotonic()
    pages = list(catalog.products(page_size=100))
    assert time.monotonic() - started < 20
    ids = [product.entity_id for page in pages for product in page]
    assert len(ids) >= PRODUCTS
    assert ids == sorted(set(ids))


def test_every_product_is_seen_by_id_and_sku(catalog: MagentoCatalog, products: list[ProductSnapshot]) -> None:
    found = dict(pair for page in catalog.product_ids() for pair in page)
    assert found == {product.entity_id: product.sku for product in products}


def test_a_product_alone_is_the_one_of_the_list(catalog: MagentoCatalog, products: list[ProductSnapshot]) -> None:
    for product in (products[0], products[-1]):
        alone = catalog.product(product.sku)
        assert alone.entity_id == product.entity_id
        assert alone.digest() == product.digest()
    with pytest.raises(NotFoundError):
        catalog.product("NO SUCH/SKU")


def test_products_are_read_by_id_and_after_an_id(catalog: MagentoCatalog, products: list[ProductSnapshot]) -> None:
    wanted = [product.entity_id for product in products[5:160:3]]
    assert {one.entity_id for one in catalog.products_by_id([*wanted, 10**9])} == set(wanted)
    middle = products[len(products) // 2].entity_id
    rest = [one.entity_id for page in catalog.products(after=middle, page_size=70) for one in page]
    assert rest == [one.entity_id for one in products if one.entity_id > middle]


def test_a_window_of_changes_includes_both_ends(catalog: MagentoCatalog, products: list[ProductSnapshot]) -> None:
    moment = products[10].updated_at
    same = {one.entity_id for one in products if one.updated_at == moment}
    found = {one.entity_id for page in catalog.products(updated_from=moment, updated_to=moment) for one in page}
    assert found == same
    assert list(catalog.products(updated_from="2999-01-01 00:00:00")) == []


@pytest.mark.parametrize("mode", ["empty", "last_page"])
def test_both_past_the_end_modes_give_every_row_once(
    control: Control, catalog: MagentoCatalog, products: list[ProductSnapshot], mode: str
) -> None:
    configure(control, **{"sandbox/past_the_end": mode})
    try:
        found = [one.entity_id for page in catalog.products(page_size=90) for one in page]
        codes = [row["attribute_code"] for row in catalog.attributes()]
    finally:
        configure(control, **{"sandbox/past_the_end": "empty"})
    assert found == [one.entity_id for one in products]
    assert len(codes) == len(set(codes)) > 20


@pytest.mark.parametrize("port", ["kept", "dropped"])
@pytest.mark.parametrize("path", ["sent", "decoded"])
def test_every_way_that_a_store_checks_signatures_is_met(
    control: Control, given: dict[str, Any], products: list[ProductSnapshot], port: str, path: str
) -> None:
    configure(control, **{"sandbox/oauth_port": port, "sandbox/oauth_path": path})
    try:
        catalog = MagentoCatalog(connect(control, given))
        assert catalog.product(products[0].sku).sku == products[0].sku
        assert next(catalog.products(page_size=2))[0].entity_id == products[0].entity_id
        with pytest.raises(NotFoundError):
            catalog.product("A/B & Ü+%20#")
    finally:
        configure(control, **{"sandbox/oauth_port": "either", "sandbox/oauth_path": "either"})


def test_input_limits_are_kept(control: Control, catalog: MagentoCatalog, products: list[ProductSnapshot]) -> None:
    configure(control, **{"webapi/validation/input_limit_enabled": "1", "webapi/validation/maximum_page_size": "50"})
    try:
        assert sum(len(page) for page in catalog.products(page_size=300)) == len(products)
    finally:
        configure(control, **{"webapi/validation/input_limit_enabled": "0"})


def test_store_views_name_their_configuration(catalog: MagentoCatalog) -> None:
    view = catalog.store_views()[0]
    assert (view.website_code, view.base_currency, view.weight_unit) == ("base", "USD", "lbs")
    assert view.root_category_id == 2
    assert view.base_media_url.startswith("http://")


def test_attributes_sets_and_categories_are_whole(catalog: MagentoCatalog, products: list[ProductSnapshot]) -> None:
    attributes = {row["attribute_code"]: row for row in catalog.attributes()}
    assert {"color", "price", "status"} <= set(attributes)
    assert any(option["value"] for option in attributes["color"]["options"])
    sets = {row["attribute_set_id"] for row in catalog.attribute_sets()}
    assert {product.data["attribute_set_id"] for product in products} <= sets
    tree = catalog.categories()
    assert (tree["id"], tree["parent_id"]) == (1, 0)
    known: set[str] = set()
    queue = [tree]
    while queue:
        node = queue.pop()
        known.add(str(node["id"]))
        queue += node["children_data"]
    assert {number for product in products for number in product.category_ids} <= known


def test_stock_and_prices_come_in_bulk(catalog: MagentoCatalog, products: list[ProductSnapshot]) -> None:
    simple = [product for product in products if product.type_id == "simple" and product.enabled][:250]
    skus = [product.sku for product in simple]
    salable = catalog.salable("base", [*skus, "NO SUCH"])
    assert set(salable) == set(skus), "the store exports what is enabled"
    assert any(one.quantity > 0 for one in salable.values())
    prices = catalog.prices([*skus, "NO SUCH"])
    assert prices == {product.sku: product.price for product in simple}
    assert all(isinstance(price, Decimal) for price in prices.values())
    with pytest.raises(NotFoundError):
        catalog.salable("no_such_website", skus[:2])


def test_a_store_without_inventory_modules_tells_its_stock_items(
    control: Control, given: dict[str, Any], catalog: MagentoCatalog, products: list[ProductSnapshot]
) -> None:
    skus = [product.sku for product in products if product.type_id == "simple" and product.enabled][:20]
    exported = catalog.salable("base", skus)
    configure(control, **{"sandbox/inventory": "legacy"})
    try:
        alone = MagentoCatalog(connect(control, given))
        assert alone.salable("base", skus) == exported
        assert alone.sources("base") == []
    finally:
        configure(control, **{"sandbox/inventory": "msi"})


def test_pictures_are_fetched_from_the_media_address(catalog: MagentoCatalog, products: list[ProductSnapshot]) -> None:
    product = next(one for one in products if one.images)
    picture = Image.open(io.BytesIO(catalog.image(product.images[0].file)))
    assert picture.format == "JPEG"
    with pytest.raises(RejectedError):
        catalog.image("http://169.254.169.254/latest/meta-data")


def test_faults_are_survived_or_told(
    control: Control, catalog: MagentoCatalog, products: list[ProductSnapshot]
) -> None:
    for kind in ("http_500", "http_502_html", "drop_connection", "http_429"):
        control.fault("magento", "GET /rest/V1/products", kind)
        assert len(next(catalog.products(page_size=10))) <= 10
    configure(control, **{"sandbox/maintenance": "1"})
    try:
        with pytest.raises(RetryableError, match="503"):
            catalog.product(products[0].sku)
    finally:
        configure(control, **{"sandbox/maintenance": "0"})


def test_a_switched_off_bearer_token_says_what_to_do(control: Control, given: dict[str, Any]) -> None:
    configure(control, **{"oauth/consumer/enable_integration_as_bearer": "0"})
    try:
        with pytest.raises(AuthorizationError, match="bearer"):
            MagentoCatalog(connect(control, given, "bearer")).product("X")
        assert MagentoCatalog(connect(control, given, "oauth")).store_views()
    finally:
        configure(control, **{"oauth/consumer/enable_integration_as_bearer": "1"})
