"""Placing an order from a cart: once, twice, and while the shop is busy with it."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path

import pytest

from tests.sandbox.magento_shop import CALIFORNIA, CHECKMO, Shop, add_product, running_shop

LOCKED = "A server error stopped your order from being placed. Please try to place your order again."


@pytest.fixture
def shop(tmp_path: Path) -> Iterator[Shop]:
    with running_shop(tmp_path) as running:
        add_product(running.db, "SHOE", "51.90", 100)
        running.options(place_prepare_ms=0, place_save_ms=0, place_mail_ms=0)
        yield running


def orders_of(shop: Shop, cart: str) -> int:
    query = f"searchCriteria[filter_groups][0][filters][0][field]=quote_id&searchCriteria[filter_groups][0][filters][0][value]={cart}"
    return int(shop.ok("GET", f"/orders?{query}&fields=total_count")["total_count"])


def place_in_thread(shop: Shop, cart: str, answers: list[tuple[int, object]]) -> threading.Thread:
    thread = threading.Thread(target=lambda: answers.append(shop.call("PUT", f"/carts/{cart}/order", CHECKMO)))
    thread.start()
    return thread


def test_a_second_call_after_the_first_answer_finds_no_cart(shop: Shop) -> None:
    cart = shop.cart(("SHOE", 2))
    assert shop.ok("PUT", f"/carts/{cart}/order", CHECKMO) == 1
    status, body = shop.call("PUT", f"/carts/{cart}/order", CHECKMO)
    assert (status, body["parameters"]) == (404, {"fieldName": "cartId", "fieldValue": int(cart)})
    assert shop.salable("SHOE") == Decimal(98)


def test_a_call_while_the_lock_is_held_is_refused(shop: Shop) -> None:
    shop.options(place_mail_ms=600)
    cart, answers = shop.cart(("SHOE", 1)), list[tuple[int, object]]()
    first = place_in_thread(shop, cart, answers)
    _until(lambda: orders_of(shop, cart) == 1)
    second = shop.call("PUT", f"/carts/{cart}/order", CHECKMO)
    first.join()
    assert second == (400, {"message": LOCKED})
    assert answers == [(200, 1)]
    assert orders_of(shop, cart) == 1


def test_a_call_that_read_the_cart_before_it_was_closed_makes_a_second_order(shop: Shop) -> None:
    """The cart is read as active, then the lock is awaited outside of it, and nobody looks at the cart again."""
    shop.options(place_prepare_ms=300, place_mail_ms=200)
    cart, answers = shop.cart(("SHOE", 1)), list[tuple[int, object]]()
    first = place_in_thread(shop, cart, answers)
    _until(lambda: orders_of(shop, cart) == 1)
    second = place_in_thread(shop, cart, answers)
    first.join()
    second.join()
    assert sorted(answers) == [(200, 1), (200, 2)]
    assert orders_of(shop, cart) == 2
    assert shop.salable("SHOE") == Decimal(98), "both orders reserve"
    assert shop.order(1)["increment_id"] != shop.order(2)["increment_id"]


def test_an_order_whose_caller_hangs_up_is_made_all_the_same(shop: Shop) -> None:
    shop.options(place_save_ms=100)
    cart = shop.cart(("SHOE", 1))
    body = b'{"paymentMethod":{"method":"checkmo"}}'
    head = (
        f"PUT /rest/V1/carts/{cart}/order HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {shop.tokens['connector']}\r\n"
        f"Content-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n"
    )
    with socket.create_connection((shop.server.host, shop.server.port)) as connection:
        connection.sendall(head.encode() + body)
        time.sleep(0.02)  # the server has to have read the request before the line is cut
    _until(lambda: orders_of(shop, cart) == 1)


def test_the_cart_stays_active_until_the_mail_is_sent_and_other_calls_do_not_wait(shop: Shop) -> None:
    shop.options(place_mail_ms=500)
    cart, answers = shop.cart(("SHOE", 1)), list[tuple[int, object]]()
    first = place_in_thread(shop, cart, answers)
    _until(lambda: orders_of(shop, cart) == 1)
    started = time.monotonic()
    assert shop.ok("GET", f"/carts/{cart}")["is_active"] is True
    assert shop.outbox() == []
    shop.ok("POST", "/carts/")
    assert first.is_alive(), "reading and writing took less than the mail"
    assert time.monotonic() - started < 0.5
    first.join()
    assert shop.ok("GET", f"/carts/{cart}")["is_active"] is False
    assert [mail["recipient"] for mail in shop.outbox()] == [CALIFORNIA["email"]]
    assert shop.order(1)["email_sent"] == 1


def test_a_cart_left_active_by_a_crash_makes_a_second_order(shop: Shop) -> None:
    cart = shop.cart(("SHOE", 1))
    shop.ok("PUT", f"/carts/{cart}/order", CHECKMO)
    assert shop.send("POST", f"/_sandbox/magento/carts/{cart}/activate", b"", {})[0] == 200
    shop.ok("PUT", f"/carts/{cart}/order", CHECKMO)
    assert orders_of(shop, cart) == 2


def test_a_failed_attempt_leaves_a_gap_in_the_numbers(shop: Shop) -> None:
    broken = shop.cart(("SHOE", 1), address={key: value for key, value in CALIFORNIA.items() if key != "email"})
    status, body = shop.call("PUT", f"/carts/{broken}/order", CHECKMO)
    assert (status, body["message"]) == (400, "Failed address validation:\n%1")
    assert shop.placed(("SHOE", 1))["increment_id"] == "000000002"


def test_asynchronous_mail_is_sent_by_cron_unless_a_correction_says_it_was(shop: Shop) -> None:
    shop.options(asynchronous_mail=1)
    first, second = shop.placed(("SHOE", 1)), shop.placed(("SHOE", 1))
    assert "email_sent" not in first
    entity = {"entity_id": second["entity_id"], "increment_id": second["increment_id"], "email_sent": 0}
    shop.ok("POST", "/orders", {"entity": entity})
    assert shop.send("POST", "/_sandbox/magento/cron", b"", {}) == (200, {"sent": 1})
    assert [mail["order_id"] for mail in shop.outbox()] == [first["entity_id"]]


def _until(happened: object, seconds: float = 5) -> None:
    deadline = time.monotonic() + seconds
    while not happened():  # type: ignore[operator]  # a question without arguments
        assert time.monotonic() < deadline, "it did not happen in time"
        time.sleep(0.01)
