"""What orders and their documents do to salable quantity and sources."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from connector.sandbox.magento import config
from connector.sandbox.magento.database import transaction
from tests.sandbox.magento_shop import CALIFORNIA, CHECKMO, Shop, add_product, running_shop


@pytest.fixture
def shop(tmp_path: Path) -> Iterator[Shop]:
    with running_shop(tmp_path) as running:
        add_product(running.db, "SHOE", "10.00", 10)
        running.options(place_prepare_ms=0, place_save_ms=0, place_mail_ms=0)
        yield running


def stock_of(shop: Shop) -> tuple[int, int]:
    """(salable, at the default source)."""
    return int(shop.salable("SHOE")), int(shop.at_source("SHOE"))


def saved_directly(shop: Shop, qty: int) -> int:
    item = {
        "sku": "SHOE",
        "name": "Shoe",
        "product_id": 1,
        "product_type": "simple",
        "qty_ordered": qty,
        "price": 10,
        "is_virtual": 0,
    }
    address = CALIFORNIA | {"address_type": "billing"}
    entity = {
        "store_id": 1,
        "state": "new",
        "status": "pending",
        "is_virtual": 0,
        "customer_email": "a@b.example",
        "items": [item],
        "billing_address": address,
        "payment": {"method": "checkmo"},
    }
    return int(shop.ok("POST", "/orders", {"entity": entity})["entity_id"])


def test_an_order_from_a_cart_reserves_and_its_shipment_takes(shop: Shop) -> None:
    order = shop.placed(("SHOE", 3))
    assert stock_of(shop) == (7, 10)
    shop.ok("POST", f"/order/{order['entity_id']}/ship", {})
    assert stock_of(shop) == (7, 7)


def test_an_order_saved_directly_reserves_nothing_and_raises_the_salable_quantity_when_shipped(shop: Shop) -> None:
    key = saved_directly(shop, 2)
    assert stock_of(shop) == (10, 10)
    shop.ok("POST", f"/order/{key}/ship", {})
    assert stock_of(shop) == (10, 8), "two pieces left, but the salable quantity does not know"


def test_cancelling_gives_back_even_what_was_never_reserved(shop: Shop) -> None:
    assert shop.ok("POST", f"/orders/{saved_directly(shop, 2)}/cancel") is True
    assert stock_of(shop) == (12, 10)


def test_cancelling_gives_back_the_pieces_that_did_not_ship(shop: Shop) -> None:
    order = shop.placed(("SHOE", 3))
    item = order["items"][0]["item_id"]
    shop.ok("POST", f"/order/{order['entity_id']}/ship", {"items": [{"order_item_id": item, "qty": 1}]})
    assert shop.ok("POST", f"/orders/{order['entity_id']}/cancel") is True
    assert stock_of(shop) == (9, 9)


@pytest.mark.parametrize("state", ["invoiced", "held", "canceled"])
def test_an_order_that_cannot_be_cancelled_answers_false(shop: Shop, state: str) -> None:
    key = shop.placed(("SHOE", 1))["entity_id"]
    path = {"invoiced": f"/order/{key}/invoice", "held": f"/orders/{key}/hold", "canceled": f"/orders/{key}/cancel"}[
        state
    ]
    shop.ok("POST", path, {})
    assert shop.call("POST", f"/orders/{key}/cancel") == (200, False)


@pytest.mark.parametrize(
    ("shipped", "returned", "expected"),
    [
        pytest.param(False, True, (10, 10), id="kept-and-returned"),
        pytest.param(False, False, (8, 8), id="kept-and-written-off"),
        pytest.param(True, True, (10, 10), id="shipped-and-returned"),
        pytest.param(True, False, (8, 8), id="shipped-and-lost"),
    ],
)
def test_a_refund_moves_stock_as_the_pieces_went(
    shop: Shop, shipped: bool, returned: bool, expected: tuple[int, int]
) -> None:
    order = shop.placed(("SHOE", 2))
    key, item = order["entity_id"], order["items"][0]["item_id"]
    shop.ok("POST", f"/order/{key}/invoice", {})
    if shipped:
        shop.ok("POST", f"/order/{key}/ship", {})
    arguments = {"extension_attributes": {"return_to_stock_items": [item] if returned else []}}
    shop.ok("POST", f"/order/{key}/refund", {"arguments": arguments})
    assert stock_of(shop) == expected


def test_a_source_that_lacks_pieces_fails_the_shipment_behind_a_general_text(shop: Shop) -> None:
    order = shop.placed(("SHOE", 3))
    with transaction(shop.db) as db:
        db.execute("UPDATE inventory_source_item SET quantity = 10000 WHERE sku = 'SHOE'")
    answer = shop.call("POST", f"/order/{order['entity_id']}/ship", {})
    assert answer == (400, {"message": "Could not save a shipment, see error log for details"})
    assert shop.order(order["entity_id"])["items"][0]["qty_shipped"] == 0
    assert int(shop.at_source("SHOE")) == 1


def test_stock_that_fell_after_filling_the_cart_refuses_the_placing_and_keeps_the_cart(shop: Shop) -> None:
    cart = shop.cart(("SHOE", 6))
    shop.placed(("SHOE", 6))
    answer = shop.call("PUT", f"/carts/{cart}/order", CHECKMO)
    assert answer == (400, {"message": "The requested qty is not available"})
    assert shop.ok("GET", f"/carts/{cart}")["is_active"] is True
    with transaction(shop.db) as db:
        db.execute("UPDATE cataloginventory_stock_item SET qty = 1000000")
    shop.ok("PUT", f"/carts/{cart}/order", CHECKMO)


@pytest.mark.parametrize(
    ("item", "status", "message"),
    [
        pytest.param({"sku": "SHOE", "qty": 11}, 400, "The requested qty is not available", id="too-many"),
        pytest.param(
            {"sku": "SHOE", "qty": 10001},
            400,
            "The requested qty exceeds the maximum qty allowed in shopping cart",
            id="above-max",
        ),
        pytest.param(
            {"sku": "SHOE", "qty": 1.5}, 400, "You cannot use decimal quantity for this product.", id="fraction"
        ),
        pytest.param(
            {"sku": "OFF", "qty": 1}, 400, "Product that you are trying to add is not available.", id="disabled"
        ),
        pytest.param(
            {"sku": "GONE", "qty": 1}, 400, "Product that you are trying to add is not available.", id="sold-out"
        ),
        pytest.param(
            {"sku": "SHOE ", "qty": 1},
            404,
            "The product that was requested doesn't exist. Verify the product and try again.",
            id="blank-behind",
        ),
        pytest.param(
            {"sku": "CONF", "qty": 1},
            400,
            "You need to choose options for your item.",
            id="configurable-without-options",
        ),
    ],
)
def test_what_a_cart_refuses(shop: Shop, item: dict[str, Any], status: int, message: str) -> None:
    add_product(shop.db, "OFF", "1", 5, status="2")
    add_product(shop.db, "GONE", "1", 0)
    add_product(shop.db, "CONF", "0", 1, type_id="configurable")
    cart = shop.ok("POST", "/carts/")
    answer = shop.call("POST", f"/carts/{cart}/items", {"cartItem": item | {"quote_id": cart}})
    assert answer == (status, {"message": message})


def test_a_repeated_item_call_doubles_the_quantity_and_a_put_sets_it(shop: Shop) -> None:
    cart = shop.ok("POST", "/carts/")
    body = {"cartItem": {"sku": "shoe", "qty": 2, "quote_id": cart}}
    first = shop.ok("POST", f"/carts/{cart}/items", body)
    assert (first["sku"], first["qty"]) == ("SHOE", 2)
    assert shop.ok("POST", f"/carts/{cart}/items", body)["qty"] == 4
    change = {"cartItem": {"qty": 2, "quote_id": cart}}
    assert shop.ok("PUT", f"/carts/{cart}/items/{first['item_id']}", change)["qty"] == 2
    assert [item["qty"] for item in shop.ok("GET", f"/carts/{cart}/items")] == [2]
    assert shop.ok("DELETE", f"/carts/{cart}/items/{first['item_id']}") is True
    assert shop.ok("GET", f"/carts/{cart}/items") == []


def test_nothing_and_less_count_as_one_piece(shop: Shop) -> None:
    cart = shop.ok("POST", "/carts/")
    for qty in (0, -3):
        shop.ok("POST", f"/carts/{cart}/items", {"cartItem": {"sku": "SHOE", "qty": qty, "quote_id": cart}})
    assert [item["qty"] for item in shop.ok("GET", f"/carts/{cart}/items")] == [2]


def test_backorders_let_the_salable_quantity_fall_below_zero_but_the_source_does_not_follow(shop: Shop) -> None:
    with transaction(shop.db) as db:
        db.execute("UPDATE cataloginventory_stock_item SET use_config_backorders = 0, backorders = 1")
    order = shop.placed(("SHOE", 12))
    assert shop.salable("SHOE") == Decimal(-2)
    assert shop.call("POST", f"/order/{order['entity_id']}/ship", {})[0] == 400


def test_characters_beyond_the_basic_plane_are_stored_as_question_marks(shop: Shop) -> None:
    order = shop.placed(
        ("SHOE", 1), address=CALIFORNIA | {"firstname": "Ann 🎁", "street": ["1 Main St\nRear 🏠", "B"]}
    )
    assert order["billing_address"]["firstname"] == "Ann ????"
    assert order["billing_address"]["street"] == ["1 Main St", "Rear ????", "B"]


@pytest.mark.parametrize(
    ("changes", "parameter"),
    [
        pytest.param({"region_id": None}, '"regionId" is required. Enter and try again.', id="region-as-text"),
        pytest.param({"telephone": ""}, '"telephone" is required. Enter and try again.', id="no-telephone"),
        pytest.param({"lastname": ""}, '"lastname" is required. Enter and try again.', id="no-lastname"),
        pytest.param({"street": []}, '"street" is required. Enter and try again.', id="no-street"),
    ],
)
def test_what_placing_demands_of_an_address(shop: Shop, changes: dict[str, Any], parameter: str) -> None:
    cart = shop.cart(("SHOE", 1), address=CALIFORNIA | changes)
    status, body = shop.call("PUT", f"/carts/{cart}/order", CHECKMO)
    assert (status, body["parameters"]) == (400, [parameter])


def test_a_right_region_id_replaces_a_wrong_text(shop: Shop) -> None:
    order = shop.placed(("SHOE", 1), address=CALIFORNIA | {"region": "Nowhere", "region_code": "NW"})
    assert (order["billing_address"]["region"], order["billing_address"]["region_code"]) == ("California", "CA")


def test_a_shop_without_inventory_modules_counts_stock_items(shop: Shop) -> None:
    """Placing takes, shipping does nothing, cancelling and returning give back; a direct save takes nothing (section 4.3)."""
    with transaction(shop.db) as db:
        config.write(db, "sandbox/inventory", "legacy")

    def pieces() -> int:
        return int(shop.ok("GET", "/stockItems/SHOE")["qty"])

    status, answer = shop.call("GET", "/inventory/get-product-salable-quantity/SHOE/1")
    assert (status, answer["message"]) == (404, "Request does not match any route.")
    assert not [name for name in shop.ok("GET", "/modules") if name.startswith("Magento_Inventory")]
    first, second = shop.placed(("SHOE", 3)), shop.placed(("SHOE", 2))
    assert pieces() == 5
    assert (
        shop.call("POST", f"/carts/{shop.cart(('SHOE', 5))}/items", {"cartItem": {"sku": "SHOE", "qty": 1}})[0] == 400
    )
    shop.ok("POST", f"/orders/{second['entity_id']}/cancel", {})
    shop.ok("POST", f"/order/{first['entity_id']}/ship", {})
    assert pieces() == 7
    shop.ok("POST", f"/order/{first['entity_id']}/invoice", {"capture": True})
    item = first["items"][0]["item_id"]
    back = {"shipping_amount": 0, "extension_attributes": {"return_to_stock_items": [item]}}
    shop.ok(
        "POST", f"/order/{first['entity_id']}/refund", {"items": [{"order_item_id": item, "qty": 1}], "arguments": back}
    )
    shop.ok("POST", f"/order/{first['entity_id']}/refund", {"items": [{"order_item_id": item, "qty": 1}]})
    assert pieces() == 8
    saved_directly(shop, 2)
    assert pieces() == 8
