"""What was done between two recordings and was not recorded, worked out from the answers around it.

`STEPS` maps the number of a recording to what has to happen before it.
"""

from __future__ import annotations

import json
import threading
from collections.abc import Callable
from copy import deepcopy
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

from connector.sandbox.magento import config, stock
from connector.sandbox.magento.database import transaction
from connector.sandbox.magento.users import admin_token
from tests.sandbox.magento_replay import Recording, Replay
from tests.sandbox.magento_shop import CALIFORNIA, CHECKMO, Shop

Step = Callable[[Replay, dict[int, Recording]], None]
STEPS: dict[int, list[Step]] = {}

COLOGNE = {
    "firstname": "Erika",
    "lastname": "Mustermann",
    "street": ["Heidestraße 17"],
    "city": "Köln",
    "postcode": "51147",
    "country_id": "DE",
    "telephone": "0123456",
    "email": "erika@example.test",
}


def before(*numbers: int) -> Callable[[Step], Step]:
    def keep(step: Step) -> Step:
        for number in numbers:
            STEPS.setdefault(number, []).append(step)
        return step

    return keep


def setting(shop: Shop, path: str, value: str) -> None:
    with transaction(shop.db):
        config.write(shop.db, path, value)


def numbers_were_taken(shop: Shop, **last: int) -> None:
    """Calls that were not recorded took numbers: the last one of a table, `increment` of the orders."""
    with transaction(shop.db) as db:
        for table, value in last.items():
            if table == "increment":
                db.execute("UPDATE sales_sequence SET value = ? WHERE entity_type = 'order' AND store_id = 1", (value,))
            else:
                db.execute("UPDATE sqlite_sequence SET seq = ? WHERE name = ?", (value, table))


def saved_order(
    shop: Shop, recordings: dict[int, Recording], ext_id: str, lines: list[tuple[int, int]], **more: Any
) -> int:
    """An order saved directly, made of recording 257: lines of (its item, quantity)."""
    entity = deepcopy(recordings[257].request["body"]["entity"])
    templates = entity["items"]
    entity["items"] = []
    for index, qty in lines:
        item = dict(templates[index]) | {"qty_ordered": qty}
        for name in ("row_total", "base_row_total", "row_total_incl_tax", "base_row_total_incl_tax"):
            item[name] = round(item["price"] * qty, 2)
        entity["items"].append(item)
    subtotal = round(sum(item["row_total"] for item in entity["items"]), 2)
    for prefix in ("", "base_"):
        entity[f"{prefix}subtotal"] = subtotal
        entity[f"{prefix}grand_total"] = entity[f"{prefix}total_due"] = round(subtotal + 5, 2)
    entity |= {"ext_order_id": ext_id} | more
    return int(shop.ok("POST", "/orders", {"entity": entity})["entity_id"])


@before(58)
def three_more_fillers(replay: Replay, recordings: dict[int, Recording]) -> None:
    for number, price in ((13, 23), (14, 24), (15, 25)):
        body = deepcopy(recordings[57].request["body"])
        body["product"] |= {"sku": f"SHOE-0{number}", "name": f"Filler {number}", "price": price}
        replay.shop.ok("POST", "/products", body)


@before(70)
def a_refused_product_took_a_number(replay: Replay, recordings: dict[int, Recording]) -> None:
    numbers_were_taken(replay.shop, catalog_product_entity=18)


@before(136)
def products_were_saved_one_after_the_other(replay: Replay, recordings: dict[int, Recording]) -> None:
    with transaction(replay.shop.db) as db:
        db.execute(
            "UPDATE catalog_product_entity SET updated_at = '2026-01-01 00:00:' || printf('%02d', entity_id)"
            " WHERE entity_id BETWEEN 2 AND 6"
        )


@before(464)
def the_consumer_ran(replay: Replay, recordings: dict[int, Recording]) -> None:
    assert replay.shop.send("POST", "/_sandbox/magento/consumer", b"", {})[0] == 200


@before(472)
def stock_set_to_29(replay: Replay, recordings: dict[int, Recording]) -> None:
    with transaction(replay.shop.db) as db:
        stock.set_source_item(db, "SHOE-014", "default", Decimal(29), True)


@before(550)
def attributes_assigned(replay: Replay, recordings: dict[int, Recording]) -> None:
    for code in ("x_multi", "x_bool", "x_date", "x_area", "x_req"):
        body = {"attributeSetId": 4, "attributeGroupId": 7, "attributeCode": code, "sortOrder": 100}
        replay.shop.ok("POST", "/products/attribute-sets/attributes", body)


@before(554)
def stock_items_were_made(replay: Replay, recordings: dict[int, Recording]) -> None:
    numbers_were_taken(replay.shop, cataloginventory_stock_item=31)


@before(556)
def one_more_stock_item_was_made(replay: Replay, recordings: dict[int, Recording]) -> None:
    numbers_were_taken(replay.shop, cataloginventory_stock_item=33)


@before(297)
def three_orders_and_two_shipments(replay: Replay, recordings: dict[int, Recording]) -> None:
    shop = replay.shop
    saved_order(shop, recordings, "MP-2001", [(0, 2), (1, 1)])
    saved_order(shop, recordings, "MP-2002", [(0, 2)])
    saved_order(shop, recordings, "MP-2003", [(0, 4)])
    shop.ok("POST", "/order/1/ship", {"items": [{"order_item_id": 1, "qty": 2}]})
    track = {"track_number": "1", "title": "DHL", "carrier_code": "custom"}
    shop.ok("POST", "/order/1/ship", {"items": [{"order_item_id": 2, "qty": 1}], "tracks": [track]})


@before(414, 420)
def three_pieces_placed(replay: Replay, recordings: dict[int, Recording]) -> None:
    replay.shop.placed(("SHOE-015", 3), address=COLOGNE)


@before(427)
def one_piece_placed_and_invoiced(replay: Replay, recordings: dict[int, Recording]) -> None:
    replay.shop.placed(("SHOE-015", 1), address=COLOGNE)
    replay.shop.ok("POST", "/order/19/invoice", {"capture": True})


@before(447)
def bearer_tokens_off(replay: Replay, recordings: dict[int, Recording]) -> None:
    setting(replay.shop, "oauth/consumer/enable_integration_as_bearer", "0")


@before(448)
def bearer_tokens_on(replay: Replay, recordings: dict[int, Recording]) -> None:
    setting(replay.shop, "oauth/consumer/enable_integration_as_bearer", "1")


@before(478)
def maintenance_begins(replay: Replay, recordings: dict[int, Recording]) -> None:
    setting(replay.shop, "sandbox/maintenance", "1")


@before(479)
def maintenance_ends(replay: Replay, recordings: dict[int, Recording]) -> None:
    setting(replay.shop, "sandbox/maintenance", "0")


@before(480)
def input_limits_on(replay: Replay, recordings: dict[int, Recording]) -> None:
    limits = {
        "input_limit_enabled": "1",
        "maximum_page_size": "50",
        "default_page_size": "4",
        "complex_array_limit": "3",
    }
    for name, value in limits.items():
        setting(replay.shop, f"webapi/validation/{name}", value)


@before(485)
def input_limits_off(replay: Replay, recordings: dict[int, Recording]) -> None:
    setting(replay.shop, "webapi/validation/input_limit_enabled", "0")


@before(492)
def five_pieces_at_the_default_source(replay: Replay, recordings: dict[int, Recording]) -> None:
    with transaction(replay.shop.db) as db:
        stock.set_source_item(db, "SHOE-011", "default", Decimal(5), True)


def sign_in(replay: Replay, minutes_ago: int) -> None:
    """A token of the admin user that is good for one minute."""
    moment = datetime.now(UTC) - timedelta(minutes=minutes_ago)
    setting(replay.shop, "webapi/jwtauth/admin_expiration", "1")
    with transaction(replay.shop.db) as db:
        token = admin_token(db, "admin", replay.secrets["ADMIN_PASSWORD"], moment)
    replay.secrets["ADMIN_OR_CUSTOMER_JWT"] = token


@before(518)
def a_fresh_token(replay: Replay, recordings: dict[int, Recording]) -> None:
    sign_in(replay, minutes_ago=0)


@before(564)
def an_expired_token(replay: Replay, recordings: dict[int, Recording]) -> None:
    sign_in(replay, minutes_ago=2)


def sells_from(shop: Shop, website: str, stock_id: int) -> None:
    with transaction(shop.db) as db:
        db.execute("UPDATE inventory_stock_sales_channel SET stock_id = ? WHERE code = ?", (stock_id, website))


@before(488)
def a_stock_of_two_sources(replay: Replay, recordings: dict[int, Recording]) -> None:
    with transaction(replay.shop.db) as db:
        db.execute("INSERT INTO inventory_stock (stock_id, name) VALUES (3, 'Main two-source')")
        source = db.execute("SELECT data FROM inventory_source WHERE source_code = 'wh2'").fetchone()
        data = source["data"] if source else json.dumps({"country_id": "DE", "postcode": "10115"})
        db.execute("INSERT OR IGNORE INTO inventory_source VALUES ('wh1', 1, 'Warehouse 1', ?)", (data,))
    sells_from(replay.shop, "base", 3)


@before(499)
def six_pieces_of_two_sources_placed(replay: Replay, recordings: dict[int, Recording]) -> None:
    replay.shop.ok("POST", "/carts/")
    replay.shop.placed(("SHOE-011", 6), address=COLOGNE)


@before(508)
def back_to_the_default_stock(replay: Replay, recordings: dict[int, Recording]) -> None:
    sells_from(replay.shop, "base", 1)


@before(511)
def placed_with_tax_and_discount(replay: Replay, recordings: dict[int, Recording]) -> None:
    replay.shop.placed(("SHOE/002", 1), ("SHOE 003 RED", 3), address=COLOGNE)


@before(512)
def placed_on_the_second_website(replay: Replay, recordings: dict[int, Recording]) -> None:
    replay.shop.placed(("SHOE-011", 1), address=COLOGNE, store="b2b_en")


@before(514)
def an_order_in_three_shipments(replay: Replay, recordings: dict[int, Recording]) -> None:
    order_id = saved_order(replay.shop, recordings, "MP-4000", [(0, 3)])
    item = replay.shop.order(order_id)["items"][0]["item_id"]
    for _ in range(3):
        replay.shop.ok("POST", f"/order/{order_id}/ship", {"items": [{"order_item_id": item, "qty": 1}]})


@before(527)
def order_25(replay: Replay, recordings: dict[int, Recording]) -> None:
    saved_order(replay.shop, recordings, "MP-4001", [(0, 2)])
    replay.same["2026-11-23 08:06:43"] = replay.shop.order(25)["created_at"]
    with transaction(replay.shop.db) as db:
        db.execute("UPDATE sales_order SET created_at = '2026-01-01 00:00:00' WHERE entity_id < 25")


@before(528)
def commented(replay: Replay, recordings: dict[int, Recording]) -> None:
    history = {"comment": "note", "status": "pending", "is_customer_notified": 0, "is_visible_on_front": 0}
    replay.shop.ok("POST", "/orders/25/comments", {"statusHistory": history})


@before(529)
def shipped(replay: Replay, recordings: dict[int, Recording]) -> None:
    item = replay.shop.order(25)["items"][0]["item_id"]
    replay.shop.ok("POST", "/order/25/ship", {"items": [{"order_item_id": item, "qty": 1}]})


@before(530)
def tracked(replay: Replay, recordings: dict[int, Recording]) -> None:
    track = {"order_id": 25, "parent_id": 23, "track_number": "Z", "title": "DHL", "carrier_code": "custom"}
    replay.shop.ok("POST", "/shipment/track", {"entity": track})


@before(532)
def invoiced(replay: Replay, recordings: dict[int, Recording]) -> None:
    replay.shop.ok("POST", "/order/25/invoice", {"capture": True})


@before(533)
def shipped_four_times_at_once(replay: Replay, recordings: dict[int, Recording]) -> None:
    shop = replay.shop
    saved_order(shop, recordings, "MP-4002", [(0, 2)])
    body = {"tracks": [{"track_number": "RACE", "title": "DHL", "carrier_code": "custom"}]}
    statuses = at_once(4, lambda: shop.call("POST", "/order/26/ship", body)[0])
    assert statuses == [200, 400, 400, 400]


def at_once(count: int, call: Callable[[], int]) -> list[int]:
    statuses: list[int] = []
    threads = [threading.Thread(target=lambda: statuses.append(call())) for _ in range(count)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return sorted(statuses)


@before(535)
def saved_four_times_at_once(replay: Replay, recordings: dict[int, Recording]) -> None:
    at_once(4, lambda: saved_order(replay.shop, recordings, "MP-4003", [(0, 1)]))


@before(536)
def saved_four_times_with_one_number(replay: Replay, recordings: dict[int, Recording]) -> None:
    entity = deepcopy(recordings[257].request["body"]["entity"])
    entity |= {"items": entity["items"][:1], "ext_order_id": "MP-4004", "increment_id": "MP-4004"}
    # One goes ahead: of four at once any may win, and each has taken a number before it is known which.
    replay.shop.ok("POST", "/orders", {"entity": entity})
    assert at_once(3, lambda: replay.shop.call("POST", "/orders", {"entity": entity})[0]) == [400, 400, 400]
    numbers_were_taken(replay.shop, sales_order=34)


@before(562)
def order_35(replay: Replay, recordings: dict[int, Recording]) -> None:
    saved_order(replay.shop, recordings, "MP-4005", [(0, 1)])


@before(572)
def order_36_of_a_sku_outside_the_stock(replay: Replay, recordings: dict[int, Recording]) -> None:
    saved_order(replay.shop, recordings, "MP-4006", [(1, 1)])
    sells_from(replay.shop, "base", 3)


@before(573)
def stock_put_right(replay: Replay, recordings: dict[int, Recording]) -> None:
    sells_from(replay.shop, "base", 1)


@before(600)
def comments_that_were_not_recorded(replay: Replay, recordings: dict[int, Recording]) -> None:
    numbers_were_taken(replay.shop, sales_order_status_history=5)


@before(630, 633, 636, 641)
def two_pieces_placed(replay: Replay, recordings: dict[int, Recording]) -> None:
    replay.shop.placed(("SHOE-014", 2))


@before(646)
def an_empty_cart(replay: Replay, recordings: dict[int, Recording]) -> None:
    replay.shop.ok("POST", "/carts/")


@before(647)
def its_address(replay: Replay, recordings: dict[int, Recording]) -> None:
    ship_to(replay.shop, 15, CALIFORNIA)


@before(653, 654, 655, 656, 657, 658, 659)
def one_more_empty_cart(replay: Replay, recordings: dict[int, Recording]) -> None:
    replay.shop.ok("POST", "/carts/")


def ship_to(shop: Shop, cart: int, address: dict[str, Any]) -> None:
    information = {"shipping_address": address, "billing_address": address}
    information |= {"shipping_carrier_code": "flatrate", "shipping_method_code": "flatrate"}
    shop.ok("POST", f"/carts/{cart}/shipping-information", {"addressInformation": information})


@before(662)
def carts_with_broken_addresses(replay: Replay, recordings: dict[int, Recording]) -> None:
    without_region = {key: value for key, value in CALIFORNIA.items() if key != "region_id"}
    replay.shop.cart(("SHOE-020", 1), address=without_region)
    for missing in ("telephone", "email", "lastname"):
        replay.shop.cart(("SHOE-020", 1), address=CALIFORNIA | {missing: ""})
    replay.shop.cart(("SHOE-020", 1))
    cart = replay.shop.ok("POST", "/carts/")
    replay.shop.ok("POST", f"/carts/{cart}/items", {"cartItem": {"sku": "SHOE-020", "qty": 1, "quote_id": cart}})


@before(668)
def placed_for_london(replay: Replay, recordings: dict[int, Recording]) -> None:
    recorded = recordings[668].body["billing_address"]
    names = ("street", "city", "postcode", "country_id", "telephone", "lastname", "region", "email")
    replay.shop.placed(("SHOE-020", 1), address={name: recorded[name] for name in names} | {"firstname": "Ann 🎁"})


@before(669)
def order_46(replay: Replay, recordings: dict[int, Recording]) -> None:
    replay.shop.placed(("SHOE-020", 1))


@before(680)
def placed_twice_at_once(replay: Replay, recordings: dict[int, Recording]) -> None:
    """Timing is not repeated here, its outcome is: `test_magento_sales_place` provokes both cases."""
    shop = replay.shop
    shop.placed(("SHOE-020", 1))
    cart = shop.cart(("SHOE-020", 1))
    statuses = at_once(2, lambda: shop.call("PUT", f"/carts/{cart}/order", CHECKMO)[0])
    assert statuses == [200, 400]


def place_again(shop: Shop, cart: str) -> None:
    assert shop.send("POST", f"/_sandbox/magento/carts/{cart}/activate", b"", {})[0] == 200
    shop.ok("PUT", f"/carts/{cart}/order", CHECKMO)


@before(681)
def placed_near_the_end_of_the_first(replay: Replay, recordings: dict[int, Recording]) -> None:
    shop = replay.shop
    shop.placed(("SHOE-020", 1))
    numbers_were_taken(shop, increment=44)
    cart = shop.cart(("SHOE-020", 1))
    shop.ok("PUT", f"/carts/{cart}/order", CHECKMO)
    place_again(shop, cart)


@before(682)
def placed_twenty_times(replay: Replay, recordings: dict[int, Recording]) -> None:
    shop = replay.shop
    cart = shop.cart(("SHOE-020", 1))
    shop.ok("PUT", f"/carts/{cart}/order", CHECKMO)
    numbers_were_taken(shop, increment=64)
    place_again(shop, cart)


@before(683)
def the_mailbox_as_key(replay: Replay, recordings: dict[int, Recording]) -> None:
    """Six orders were placed meanwhile that no recording shows."""
    shop = replay.shop
    taken = {"sales_order": 59, "increment": 71, "quote": 42, "quote_item": 45, "sales_order_item": 67}
    numbers_were_taken(shop, **taken, sales_order_address=108, sales_order_payment=55)
    key = "orders+576461413038785799@merchant.example"
    shop.placed(("SHOE-020", 1), address=CALIFORNIA | {"email": key})


@before(684)
def a_second_cart_for_it(replay: Replay, recordings: dict[int, Recording]) -> None:
    key = "orders+576461413038785799@merchant.example"
    replay.shop.placed(("SHOE-020", 1), address=CALIFORNIA | {"email": key})


@before(690)
def order_62(replay: Replay, recordings: dict[int, Recording]) -> None:
    replay.shop.placed(("SHOE-020", 1))
    numbers_were_taken(replay.shop, sales_invoice=11)


@before(693)
def order_63(replay: Replay, recordings: dict[int, Recording]) -> None:
    replay.shop.placed(("SHOE-020", 1))


@before(696)
def orders_64_and_65(replay: Replay, recordings: dict[int, Recording]) -> None:
    replay.shop.placed(("SHOE-020", 1))
    replay.shop.placed(("SHOE-014", 1))


@before(700)
def a_cart_for_something_virtual(replay: Replay, recordings: dict[int, Recording]) -> None:
    numbers_were_taken(replay.shop, quote_address=98)
    replay.shop.ok("POST", "/carts/")
