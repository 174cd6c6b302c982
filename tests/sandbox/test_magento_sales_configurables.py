"""Configurable products in carts: by the variant's SKU everything works, by the parent a correction breaks the line."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from tests.sandbox.magento_shop import CALIFORNIA, CHECKMO, Shop, add_configurable, running_shop


@pytest.fixture
def shop(tmp_path: Path) -> Iterator[Shop]:
    with running_shop(tmp_path) as running:
        running.options(place_prepare_ms=0, place_save_ms=0, place_mail_ms=0)
        yield running


def placed_by_parent(shop: Shop) -> dict[str, Any]:
    option = add_configurable(shop.db, "CONF", {"CONF-1": "60", "CONF-2": "65"})
    cart = shop.ok("POST", "/carts/")
    shop.ok("POST", f"/carts/{cart}/items", {"cartItem": {"sku": "CONF", "qty": 2, "quote_id": cart} | option})
    information = {"shipping_address": CALIFORNIA, "billing_address": CALIFORNIA}
    information |= {"shipping_carrier_code": "flatrate", "shipping_method_code": "flatrate"}
    shop.ok("POST", f"/carts/{cart}/shipping-information", {"addressInformation": information})
    return shop.order(shop.ok("PUT", f"/carts/{cart}/order", CHECKMO))


def corrected(shop: Shop, order: dict[str, Any]) -> None:
    item = {
        "item_id": order["items"][0]["item_id"],
        "price": 30,
        "base_price": 30,
        "row_total": 60,
        "base_row_total": 60,
    }
    shop.ok("POST", "/orders", {"entity": {"entity_id": order["entity_id"], "items": [item]}})


def test_the_parent_makes_two_rows_and_reserves_the_variant(shop: Shop) -> None:
    order = placed_by_parent(shop)
    rows = [(item["product_type"], item["sku"], item["name"], item["price"]) for item in order["items"]]
    assert rows == [("configurable", "CONF-1", "Name of CONF", 60), ("simple", "CONF-1", "Name of CONF-1", 0)]
    assert order["items"][1]["parent_item"]["item_id"] == order["items"][0]["item_id"]
    assert shop.salable("CONF-1") == Decimal(18)


def test_an_uncorrected_parent_line_ships_and_refunds(shop: Shop) -> None:
    key = placed_by_parent(shop)["entity_id"]
    for path in ("invoice", "ship", "refund"):
        shop.ok("POST", f"/order/{key}/{path}", {})
    assert (shop.salable("CONF-1"), shop.at_source("CONF-1")) == (Decimal(18), Decimal(18))
    assert shop.order(key)["state"] == "closed"


def test_a_corrected_parent_line_can_be_invoiced_but_neither_shipped_nor_refunded(shop: Shop) -> None:
    order = placed_by_parent(shop)
    corrected(shop, order)
    key = order["entity_id"]
    shop.ok("POST", f"/order/{key}/invoice", {})
    ship, refund = shop.call("POST", f"/order/{key}/ship", {}), shop.call("POST", f"/order/{key}/refund", {})
    assert ship == (400, {"message": "Could not save a shipment, see error log for details"})
    assert refund == (400, {"message": "Could not save a Creditmemo, see error log for details"})


def test_cancelling_a_corrected_parent_line_is_an_internal_error(shop: Shop) -> None:
    order = placed_by_parent(shop)
    corrected(shop, order)
    assert shop.call("POST", f"/orders/{order['entity_id']}/cancel")[0] == 500
    assert shop.order(order["entity_id"])["state"] == "new"


def test_a_save_of_the_order_alone_leaves_the_line_whole(shop: Shop) -> None:
    order = placed_by_parent(shop)
    shop.ok("POST", "/orders", {"entity": {"entity_id": order["entity_id"], "ext_order_id": "X"}})
    shop.ok("POST", f"/order/{order['entity_id']}/ship", {})
    assert shop.at_source("CONF-1") == Decimal(18)


def test_the_variant_by_its_own_sku_survives_the_correction(shop: Shop) -> None:
    add_configurable(shop.db, "CONF", {"CONF-1": "60", "CONF-2": "65"})
    order = shop.placed(("CONF-2", 2))
    corrected(shop, order)
    for path in ("invoice", "ship", "refund"):
        shop.ok("POST", f"/order/{order['entity_id']}/{path}", {})
    item = shop.order(order["entity_id"])["items"][0]
    assert (item["qty_invoiced"], item["qty_shipped"], item["qty_refunded"]) == (2, 2, 2)
