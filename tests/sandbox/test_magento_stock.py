"""Multi-source stock: what the sources hold, what is reserved, what may be sold."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from connector.sandbox.magento import stock
from connector.sandbox.magento.database import transaction
from connector.sandbox.magento.errors import MagentoError
from tests.sandbox.magento_shop import Shop, add_product, running_shop


@pytest.fixture
def shop(tmp_path: Path) -> Iterator[Shop]:
    with running_shop(tmp_path) as running:
        add_product(running.db, "MUG", "9", 10)
        yield running


def stock_item(shop: Shop, **values: Any) -> None:
    shop.ok("PUT", "/products/MUG/stockItems/1", {"stockItem": values})


def second_stock(shop: Shop, **quantities: int) -> int:
    """A stock of its own for the website, with one source for each quantity, in that order of priority."""
    stock_id = shop.ok(
        "POST",
        "/inventory/stocks",
        {"stock": {"name": "Two", "extension_attributes": {"sales_channels": [{"type": "website", "code": "base"}]}}},
    )
    for priority, (code, quantity) in enumerate(quantities.items(), start=1):
        shop.ok(
            "POST",
            "/inventory/sources",
            {"source": {"source_code": code, "name": code, "country_id": "US", "postcode": "1"}},
        )
        shop.ok(
            "POST",
            "/inventory/stock-source-links",
            {"links": [{"stock_id": stock_id, "source_code": code, "priority": priority}]},
        )
        shop.ok(
            "POST",
            "/inventory/source-items",
            {"sourceItems": [{"sku": "MUG", "source_code": code, "quantity": quantity, "status": 1}]},
        )
    return int(stock_id)


def test_salable_is_what_lies_there_less_what_is_reserved_less_the_threshold(shop: Shop) -> None:
    with transaction(shop.db) as db:
        stock.reserve(db, "MUG", 1, Decimal(-3), "order_placed", "000000001")
    stock_item(shop, use_config_min_qty=False, min_qty=2)
    assert shop.ok("GET", "/inventory/get-product-salable-quantity/MUG/1") == 5


def test_reservations_do_not_touch_the_source(shop: Shop) -> None:
    with transaction(shop.db) as db:
        stock.reserve(db, "MUG", 1, Decimal(-10), "order_placed", "000000001")
    assert shop.at_source("MUG") == 10
    assert shop.ok("GET", "/inventory/is-product-salable/MUG/1") is False


def test_an_out_of_stock_flag_makes_nothing_salable(shop: Shop) -> None:
    stock_item(shop, is_in_stock=False)
    assert shop.ok("GET", "/inventory/get-product-salable-quantity/MUG/1") == 0
    assert shop.at_source("MUG") == 10


def test_backorders_may_go_below_zero(shop: Shop) -> None:
    stock_item(shop, use_config_backorders=False, backorders=1)
    with transaction(shop.db) as db:
        stock.reserve(db, "MUG", 1, Decimal(-12), "order_placed", "000000001")
    assert shop.ok("GET", "/inventory/get-product-salable-quantity/MUG/1") == -2
    assert shop.ok("GET", "/inventory/is-product-salable-for-requested-qty/MUG/1/50")["salable"] is True


def test_unmanaged_stock_is_exported_as_zero_but_salable(shop: Shop) -> None:
    stock_item(shop, use_config_manage_stock=False, manage_stock=False)
    (line,) = shop.ok("GET", "/inventory/export-stock-salable-qty/website/base?searchCriteria")["items"]
    assert line == {"sku": "MUG", "qty": 0, "is_salable": True}


def test_the_export_subtracts_reservations_and_the_dump_does_not(shop: Shop) -> None:
    with transaction(shop.db) as db:
        stock.reserve(db, "MUG", 1, Decimal(-4), "order_placed", "000000001")
    (line,) = shop.ok("GET", "/inventory/export-stock-salable-qty/website/base?searchCriteria")["items"]
    assert line["qty"] == 6
    assert shop.ok("GET", "/inventory/dump-stock-index-data/website/base") == [
        {"sku": "MUG", "qty": 10, "is_salable": True}
    ]


def test_a_stock_sums_its_enabled_sources(shop: Shop) -> None:
    stock_id = second_stock(shop, north=4, south=6)
    assert stock.stock_for_website(shop.db, 1) == stock_id
    assert stock.sources_of_stock(shop.db, stock_id) == ["north", "south"]
    assert shop.ok("GET", f"/inventory/get-product-salable-quantity/MUG/{stock_id}") == 10
    shop.ok(
        "PUT",
        "/inventory/sources/south",
        {"source": {"name": "south", "country_id": "US", "postcode": "1", "enabled": False}},
    )
    assert shop.ok("GET", f"/inventory/get-product-salable-quantity/MUG/{stock_id}") == 4


def test_sources_are_proposed_by_priority(shop: Shop) -> None:
    stock_id = second_stock(shop, north=4, south=6)
    request = {
        "inventoryRequest": {"stockId": stock_id, "items": [{"sku": "MUG", "qty": 7}]},
        "algorithmCode": "priority",
    }
    answer = shop.ok("POST", "/inventory/source-selection-algorithm-result", request)
    assert [(one["source_code"], one["qty_to_deduct"]) for one in answer["source_selection_items"]] == [
        ("north", 4),
        ("south", 3),
    ]
    assert answer["shippable"] is True


def test_a_source_is_never_taken_below_zero(shop: Shop) -> None:
    with pytest.raises(MagentoError, match="Not all of your products are available"), transaction(shop.db) as db:
        stock.deduct(db, "MUG", "default", Decimal(11))
    assert shop.at_source("MUG") == 10


def test_what_is_taken_shows_in_the_stock_item_of_the_product(shop: Shop) -> None:
    with transaction(shop.db) as db:
        stock.deduct(db, "MUG", "default", Decimal("9.5"))
        stock.deduct(db, "MUG", "default", Decimal("0.5"))
    item = shop.ok("GET", "/stockItems/MUG")
    assert (item["qty"], item["is_in_stock"]) == (0, False)
    with transaction(shop.db) as db:
        stock.add(db, "MUG", "default", Decimal(2))
    assert shop.ok("GET", "/inventory/get-product-salable-quantity/MUG/1") == 2


@pytest.mark.parametrize(
    ("rules", "qty", "code"),
    [
        ({}, "0.5", "is_correct_qty-is_qty_decimal"),
        ({"use_config_min_sale_qty": False, "min_sale_qty": 3}, "2", "is_correct_qty-min_sale_qty"),
        ({"use_config_max_sale_qty": False, "max_sale_qty": 3}, "4", "is_correct_qty-max_sale_qty"),
        ({"use_config_enable_qty_inc": False, "enable_qty_increments": True, "use_config_qty_increments": False, "qty_increments": 4}, "6", "is_correct_qty-qty_increment"),
        ({}, "11", "back_order-disabled"),
    ],
)  # fmt: skip
def test_why_a_quantity_cannot_be_sold(shop: Shop, rules: dict[str, Any], qty: str, code: str) -> None:
    stock_item(shop, **(rules or {"qty": 10}))
    answer = shop.ok("GET", f"/inventory/is-product-salable-for-requested-qty/MUG/1/{qty}")
    assert answer["salable"] is False
    assert answer["errors"][0]["code"] == code


def test_source_items_are_set_all_or_none(shop: Shop) -> None:
    items = [
        {"sku": "MUG", "source_code": "default", "quantity": 3, "status": 1},
        {"sku": "MUG", "source_code": "gone", "quantity": 3, "status": 1},
    ]
    assert shop.call("POST", "/inventory/source-items", {"sourceItems": items})[0] == 400
    assert shop.at_source("MUG") == 10


def test_the_default_source_stays_with_the_default_stock(shop: Shop) -> None:
    links = {"links": [{"stock_id": 1, "source_code": "default", "priority": 1}]}
    status, body = shop.call("POST", "/inventory/stock-source-links", links)
    assert (status, body["errors"][0]["message"]) == (
        400,
        "Can not save link related to Default Source or Default Stock",
    )


def test_an_open_queue_runs_when_it_is_told_to(shop: Shop) -> None:
    shop.send("PUT", "/_sandbox/magento/config", b'{"sandbox/consumer": "off"}', {"Content-Type": "application/json"})
    headers = {"Authorization": f"Bearer {shop.tokens['connector']}", "Content-Type": "application/json"}
    body = b'[{"sourceItems": [{"sku": "MUG", "source_code": "default", "quantity": 77, "status": 1}]}]'
    status, accepted = shop.send("POST", "/rest/async/bulk/V1/inventory/source-items", body, headers)
    assert (status, shop.at_source("MUG")) == (202, 10)
    assert shop.send("POST", "/_sandbox/magento/consumer", b"", {}) == (200, {"ran": 1})
    (operation,) = shop.ok("GET", f"/bulk/{accepted['bulk_uuid']}/status")["operations_list"]
    assert (operation["status"], shop.at_source("MUG")) == (1, 77)
