"""Orders from the buyer's click to the refund: money, stock, status, packages, webhooks."""

from __future__ import annotations

import http.server
import json
import threading
from collections.abc import Iterator
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connector.sandbox import SandboxServer
from connector.sandbox.tiktok.orders.money import spread
from connector.sandbox.tiktok.signing import webhook_signature
from tests.sandbox.tiktok_seller import RefusedError, Seller, webhook_validator


@pytest.fixture
def seller(sandbox: SandboxServer) -> Seller:
    return Seller(sandbox.url)


@pytest.fixture
def sku(seller: Seller) -> str:
    return str(seller.listed()["skus"][0]["id"])


def stock(seller: Seller, sku: str) -> tuple[int, int]:
    found = seller.post("/product/202309/inventory/search", {"sku_ids": [sku]})["inventory"][0]["skus"][0]
    return found["total_available_quantity"], found["total_committed_quantity"]


@given(st.integers(0, 10_000), st.lists(st.integers(1, 5000), min_size=1, max_size=9))
def test_shares_of_a_discount_add_up_and_stay_below_their_weights(total: int, weights: list[int]) -> None:
    total = min(total, sum(weights))
    shares = spread(total, weights)
    assert sum(shares) == total
    assert all(0 <= share <= weight for share, weight in zip(shares, weights, strict=True))


def test_the_money_of_an_order_adds_up_to_the_cent(seller: Seller, sku: str) -> None:
    number = seller.place(
        lines=[{"sku_id": sku, "quantity": 3}],
        seller_discount="10.00",
        platform_discount="7.01",
        shipping_fee="5.99",
        shipping_fee_platform_discount="2.00",
        shipping_fee_tax="0.33",
        tax_rate="0.0725",
    )
    order = seller.order(number)
    paid = {name: Decimal(value) for name, value in order["payment"].items() if name != "currency"}
    lines = order["line_items"]
    assert len(lines) == 3
    assert (
        paid["sub_total"] == paid["original_total_product_price"] - paid["seller_discount"] - paid["platform_discount"]
    )
    assert paid["shipping_fee"] == Decimal("3.99")
    assert paid["total_amount"] == paid["sub_total"] + paid["shipping_fee"] + paid["tax"]
    assert sum(Decimal(line["sale_price"]) for line in lines) == paid["sub_total"]
    assert sum(Decimal(line["platform_discount"]) for line in lines) == Decimal("7.01")
    assert sum(Decimal(line["item_tax"][0]["tax_amount"]) for line in lines) == paid["product_tax"]


def test_an_order_holds_stock_and_what_is_not_there_cannot_be_ordered(seller: Seller, sku: str) -> None:
    seller.place(lines=[{"sku_id": sku, "quantity": 4}], unpaid=True)
    assert stock(seller, sku) == (6, 4)
    answer = seller.session.post(
        f"{seller.url}/_sandbox/tiktok/orders", json={"lines": [{"sku_id": sku, "quantity": 7}]}
    )
    assert answer.status_code == 400
    assert "stock" in answer.json()["message"]
    assert stock(seller, sku) == (6, 4)
    seller.control("clock/advance", {"seconds": 86_400})
    assert stock(seller, sku) == (10, 0)


def test_a_hold_hides_the_address_and_forbids_shipping_until_it_ends(seller: Seller, sku: str) -> None:
    number = seller.place(lines=[{"sku_id": sku, "quantity": 1}], hold=True)
    held = seller.order(number)
    assert (held["status"], held["is_on_hold_order"]) == ("ON_HOLD", True)
    assert set(held["recipient_address"].values()) == {""}
    with pytest.raises(RefusedError, match="21001001"):
        seller.ship(number)
    seller.control("clock/advance", {"seconds": 3600})
    free = seller.order(number)
    assert free["status"] == "AWAITING_SHIPMENT"
    assert free["recipient_address"]["postal_code"] == "97205"
    assert free["packages"]


def test_an_address_is_masked_when_the_marketplace_ships(seller: Seller, sku: str) -> None:
    address = seller.order(seller.place(lines=[{"sku_id": sku}], shipping_type="TIKTOK"))["recipient_address"]
    assert address["name"] == "J***** E*****"
    assert address["region_code"] == "US"


def test_shipping_in_parts_makes_packages_and_ends_in_collection(seller: Seller, sku: str) -> None:
    number = seller.place(lines=[{"sku_id": sku, "quantity": 3}])
    first, *rest = [line["id"] for line in seller.order(number)["line_items"]]
    package = seller.ship(number, first)["package_id"]
    assert seller.order(number)["status"] == "PARTIALLY_SHIPPING"
    with pytest.raises(RefusedError, match="21011006"):
        seller.ship(number, first)
    assert seller.ship(number)["order_line_item_ids"] == rest
    order = seller.order(number)
    assert order["status"] == "AWAITING_COLLECTION"
    assert len({line["package_id"] for line in order["line_items"]} | {package}) == 2
    assert stock(seller, sku) == (7, 0)
    for step, status in (("collect", "IN_TRANSIT"), ("deliver", "DELIVERED"), ("complete", "COMPLETED")):
        assert seller.control(f"orders/{number}/{step}")["status"] == status


@pytest.mark.parametrize(("tracking", "provider"), [("1", None), ("bad number", None), ("GOOD-1234", "1")])
def test_a_bad_tracking_number_or_provider_is_refused(
    seller: Seller, sku: str, tracking: str, provider: str | None
) -> None:
    number = seller.place(lines=[{"sku_id": sku}])
    body = {"tracking_number": tracking, "shipping_provider_id": provider or seller.provider(number)}
    with pytest.raises(RefusedError, match="21011022"):
        seller.post("/fulfillment/202309/orders/{order_id}/packages", body, order_id=number)


def test_silence_approves_a_buyers_cancellation_and_stock_comes_back(seller: Seller, sku: str) -> None:
    number = seller.place(lines=[{"sku_id": sku, "quantity": 2}])
    cancel = seller.control(f"orders/{number}/buyer_cancel_request")["cancel_id"]
    assert seller.order(number)["is_buyer_request_cancel"] is True
    assert stock(seller, sku) == (8, 2)
    seller.control("clock/advance", {"seconds": 86_400})
    order = seller.order(number)
    assert (order["status"], order["cancellation_initiator"]) == ("CANCELLED", "BUYER")
    assert set(order["recipient_address"].values()) == {""}, "a cancelled order goes to nobody any more"
    assert stock(seller, sku) == (10, 0)
    found = seller.post("/return_refund/202602/cancellations/search", {"cancel_ids": [cancel]})["cancellations"][0]
    assert found["cancel_status"] == "CANCELLATION_REQUEST_SUCCESS"
    assert found["refund_amount"]["refund_total"] == order["payment"]["total_amount"]


def test_a_reason_must_exist_and_fit_the_status(seller: Seller, sku: str) -> None:
    number = seller.place(lines=[{"sku_id": sku}])
    for reason, code in (("no_such", "25001014"), ("seller_cancel_unpaid_reason_out_of_stock", "25001021")):
        with pytest.raises(RefusedError, match=code):
            seller.post("/return_refund/202602/cancellations", {"order_id": number, "cancel_reason": reason})


def test_a_return_goes_its_way_from_request_to_refund(seller: Seller, sku: str) -> None:
    number = seller.place(lines=[{"sku_id": sku, "quantity": 1}])
    seller.ship(number)
    for step in ("collect", "deliver"):
        seller.control(f"orders/{number}/{step}")
    back = seller.control(f"orders/{number}/returns", {"return_type": "RETURN_AND_REFUND"})["return_id"]
    path = "/return_refund/202309/returns/{return_id}/approve"
    with pytest.raises(RefusedError, match="25020004"):
        seller.post(path, {"decision": "APPROVE_REFUND"}, return_id=back)
    seller.post(path, {"decision": "APPROVE_RETURN"}, return_id=back)
    seller.control(f"returns/{back}/buyer_ship")
    key = {"idempotency_key": "once"}
    for _ in range(2):
        seller.post(path, {"decision": "APPROVE_RECEIVED_PACKAGE"}, key, return_id=back)
    seller.control("clock/advance", {"seconds": 3})
    found = seller.post("/return_refund/202602/returns/search", {"return_ids": [back]})["return_orders"][0]
    assert found["return_status"] == "RETURN_OR_REFUND_REQUEST_COMPLETE"
    assert seller.order(number)["status"] == "COMPLETED"


class Hooks:
    """A receiver of webhooks. `status` is what it answers."""

    def __init__(self) -> None:
        self.got: list[tuple[str, bytes]] = []
        self.status, self.more = 200, threading.Condition()
        outer = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["content-length"]))
                with outer.more:
                    outer.got.append((self.headers["authorization"], body))
                    outer.more.notify_all()
                self.send_response(outer.status)
                self.end_headers()

            def log_message(self, *args: Any) -> None:
                """Quiet."""

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_address[1]}/hooks"
        threading.Thread(target=self.server.serve_forever, args=(0.05,), daemon=True).start()

    def wait(self, count: int) -> list[dict[str, Any]]:
        with self.more:
            assert self.more.wait_for(lambda: len(self.got) >= count, 20), self.got
            return [json.loads(body) for _, body in self.got]


@pytest.fixture
def hooks() -> Iterator[Hooks]:
    receiver = Hooks()
    yield receiver
    receiver.server.shutdown()
    receiver.server.server_close()


def subscribe(seller: Seller, hooks: Hooks, *events: str) -> None:
    for event in events:
        seller.call("PUT", "/event/202309/webhooks", body={"event_type": event, "address": hooks.url})


def test_webhooks_are_signed_and_say_cancel(seller: Seller, sku: str, hooks: Hooks) -> None:
    subscribe(seller, hooks, "ORDER_STATUS_CHANGE", "CANCELLATION_STATUS_CHANGE")
    number = seller.place(lines=[{"sku_id": sku}])
    reason = {"order_id": number, "cancel_reason": "seller_cancel_reason_wrong_price"}
    seller.post("/return_refund/202602/cancellations", reason)
    told = hooks.wait(4)
    assert [body["data"].get("order_status") for body in told] == ["UNPAID", "AWAITING_SHIPMENT", None, "CANCEL"]
    assert len({body["tts_notification_id"] for body in told}) == 4
    for signature, raw in hooks.got:
        assert signature == webhook_signature(seller.keys["app_key"], raw, seller.keys["app_secret"])
        if seller.check:
            webhook_validator(json.loads(raw)["type"]).validate(json.loads(raw))


def test_product_webhooks_carry_numbers_as_ids(seller: Seller, hooks: Hooks) -> None:
    subscribe(seller, hooks, "PRODUCT_CREATION", "PRODUCT_STATUS_CHANGE", "PRODUCT_AUDIT_STATUS_CHANGE")
    made = seller.listed()
    told = hooks.wait(5)
    assert {body["type"] for body in told} == {5, 16, 37}
    assert {body["data"]["product_id"] for body in told} == {int(made["product_id"])}


def test_a_webhook_that_is_not_taken_is_sent_again(seller: Seller, sku: str, hooks: Hooks) -> None:
    subscribe(seller, hooks, "ORDER_STATUS_CHANGE")
    hooks.status = 500
    seller.place(lines=[{"sku_id": sku}], unpaid=True)
    hooks.wait(1)
    hooks.status = 200
    for _ in range(100):
        if len(hooks.got) > 1:
            break
        seller.control("clock/advance", {"seconds": 121})
        threading.Event().wait(0.05)
    first, second = hooks.wait(2)[:2]
    assert first == second


def test_webhook_faults_lose_and_duplicate(seller: Seller, sku: str, hooks: Hooks) -> None:
    subscribe(seller, hooks, "ORDER_STATUS_CHANGE")
    for kind in ("webhook_lose", "webhook_duplicate"):
        seller.session.post(f"{seller.url}/_sandbox/faults", json={"side": "tiktok", "kind": kind, "match": "ORDER"})
    lost, twice = (seller.place(lines=[{"sku_id": sku}], unpaid=True) for _ in range(2))
    told = [body["data"]["order_id"] for body in hooks.wait(2)]
    assert told == [twice, twice]
    assert lost not in told


@pytest.mark.parametrize("kind", ["webhook_delay", "webhook_reorder"])
def test_webhook_faults_let_later_news_arrive_first(seller: Seller, sku: str, hooks: Hooks, kind: str) -> None:
    """UNPAID is told after AWAITING_SHIPMENT, though both carry the time at which they came true."""
    subscribe(seller, hooks, "ORDER_STATUS_CHANGE")
    late = {"side": "tiktok", "kind": kind, "match": "ORDER", "delay": 300}
    seller.session.post(f"{seller.url}/_sandbox/faults", json=late)
    number = seller.place(lines=[{"sku_id": sku}])
    assert [body["data"]["order_status"] for body in hooks.wait(1)] == ["AWAITING_SHIPMENT"]
    seller.control("clock/advance", {"seconds": 301})
    first, second = hooks.wait(2)
    assert (second["data"]["order_status"], second["data"]["order_id"]) == ("UNPAID", number)
    assert second["timestamp"] <= first["timestamp"]
    assert second["tts_notification_id"] < first["tts_notification_id"]
