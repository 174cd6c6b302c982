"""Cancellations and returns case by case, in both markets."""

from __future__ import annotations

from typing import Any

import pytest

from connector.sandbox import SandboxServer
from connector.sandbox.tiktok.aftersales import decisions
from tests.sandbox.tiktok_seller import RefusedError, Seller

APPROVE = "/return_refund/202309/returns/{return_id}/approve"
REJECT = "/return_refund/202606/returns/{return_id}/reject"
USED = "seller_reject_return_reason_item_used"


@pytest.fixture
def seller(sandbox: SandboxServer) -> Seller:
    return Seller(sandbox.url)


@pytest.fixture
def delivered(seller: Seller) -> str:
    """An order of two units that the buyer has."""
    order_id = seller.place(lines=[{"sku_id": seller.listed()["skus"][0]["id"], "quantity": 2}])
    seller.ship(order_id)
    for step in ("collect", "deliver"):
        seller.control(f"orders/{order_id}/{step}")
    return order_id


def asked(seller: Seller, order_id: str, kind: str, *lines: str) -> str:
    return str(
        seller.control(f"orders/{order_id}/returns", {"return_type": kind, "line_item_ids": list(lines)})["return_id"]
    )


def found(seller: Seller, return_id: str) -> dict[str, Any]:
    return seller.post("/return_refund/202602/returns/search", {"return_ids": [return_id]})["return_orders"][0]


def test_a_partial_refund_is_offered_and_accepted(seller: Seller, delivered: str) -> None:
    number = asked(seller, delivered, "REFUND")
    offer = {"decision": "OFFER_PARTIAL_REFUND", "partial_refund": {"currency": "USD", "amount": "5.00"}}
    with pytest.raises(RefusedError, match="25020004"):
        seller.post(APPROVE, {"decision": "OFFER_PARTIAL_REFUND"}, return_id=number)
    seller.post(APPROVE, offer, return_id=number)
    assert found(seller, number)["return_status"] == "AWAITING_BUYER_RESPONSE"
    seller.control(f"returns/{number}/buyer_answer", {"accept": True})
    after = found(seller, number)
    assert (after["return_status"], after["partial_refund"]["amount"]) == ("RETURN_OR_REFUND_REQUEST_SUCCESS", "5.00")
    assert seller.order(delivered)["status"] == "DELIVERED"


def test_a_refused_partial_refund_waits_for_the_seller_again(seller: Seller, delivered: str) -> None:
    number = asked(seller, delivered, "REFUND")
    offer = {"decision": "OFFER_PARTIAL_REFUND", "partial_refund": {"currency": "USD", "amount": "5.00"}}
    seller.post(APPROVE, offer, return_id=number)
    seller.control(f"returns/{number}/buyer_answer", {"accept": False})
    after = found(seller, number)
    assert (after["return_status"], after["buyer_rejected_partial_refund"]) == (
        "RETURN_OR_REFUND_REQUEST_PENDING",
        True,
    )


def test_a_replacement_is_a_new_order_at_no_charge(seller: Seller, delivered: str) -> None:
    number = asked(seller, delivered, "REPLACEMENT", seller.order(delivered)["line_items"][0]["id"])
    seller.post(APPROVE, {"decision": "APPROVE_REPLACEMENT"}, return_id=number)
    fresh = next(order for order in seller.truth()["orders"] if order["is_replacement_order"])
    assert (fresh["replaced_order_id"], fresh["payment"]["total_amount"], len(fresh["line_items"])) == (
        delivered,
        "0.00",
        1,
    )


def test_a_rejected_return_closes_and_may_be_asked_for_again(seller: Seller, delivered: str) -> None:
    number = asked(seller, delivered, "RETURN_AND_REFUND")
    body = {"decision": "REJECT_RETURN", "reject_reason": USED, "comment": "Worn."}
    with pytest.raises(RefusedError, match="25001014"):
        seller.post(REJECT, {**body, "reject_reason": "no_such"}, return_id=number)
    seller.post(REJECT, body, return_id=number)
    assert found(seller, number)["return_status"] == "REFUND_OR_RETURN_REQUEST_REJECT"
    records = seller.get("/return_refund/202309/returns/{return_id}/records", return_id=number)["records"]
    assert [(record["event"], record["note"]) for record in records] == [
        ("BUYER_CREATED", ""),
        ("REJECT_RETURN", "Worn."),
    ]
    seller.control("clock/advance", {"seconds": 172_800})
    assert found(seller, number)["return_status"] == "RETURN_OR_REFUND_REQUEST_CANCEL"
    assert asked(seller, delivered, "RETURN_AND_REFUND") != number


def test_silence_approves_a_return(seller: Seller, delivered: str) -> None:
    number = asked(seller, delivered, "RETURN_AND_REFUND")
    deadline = found(seller, number)["seller_next_action_response"][0]
    assert deadline["action"] == "SELLER_RESPOND_RETURN"
    seller.control("clock/advance", {"seconds": 172_800})
    assert found(seller, number)["return_status"] == "AWAITING_BUYER_SHIP"


def test_one_line_is_in_one_request(seller: Seller, delivered: str) -> None:
    line = seller.order(delivered)["line_items"][0]["id"]
    asked(seller, delivered, "RETURN_AND_REFUND", line)
    body = {"return_type": "REFUND", "line_item_ids": [line]}
    answer = seller.session.post(f"{seller.url}/_sandbox/tiktok/orders/{delivered}/returns", json=body)
    assert (answer.status_code, answer.json()["code"]) == (400, 25001051)


@pytest.mark.parametrize("kind", ["REFUND", "RETURN_AND_REFUND", "REPLACEMENT"])
def test_eligible_decisions_are_those_of_the_matrix(seller: Seller, delivered: str, kind: str) -> None:
    number = asked(seller, delivered, kind)
    told = seller.get("/return_refund/202601/decision_eligibility", {"return_or_cancel_id": number})["decisions"]
    status = found(seller, number)["return_status"]
    table = [*decisions.APPROVALS, *decisions.REJECTIONS]
    assert {entry["decision"] for entry in told if entry["eligible"]} == {
        name for of_type, of_status, name in table if (of_type, of_status) == (kind, status)
    }


def test_nothing_can_be_asked_for_after_completion(seller: Seller, delivered: str) -> None:
    seller.control(f"orders/{delivered}/complete")
    query = {"request_types": "CANCEL,REFUND,RETURN_AND_REFUND", "initiate_aftersale_user": "BUYER"}
    path = "/return_refund/202602/orders/{order_id}/aftersale_eligibility"
    told = seller.get(path, query, order_id=delivered)["sku_eligibility"][0]["line_item_eligibility"]
    assert [entry["eligible"] for entry in told] == [False, False, False]


def test_only_what_is_out_of_stock_is_cancelled_in_part(seller: Seller) -> None:
    sku = seller.listed()["skus"][0]["id"]
    order_id = seller.place(lines=[{"sku_id": sku, "quantity": 2}])
    body: dict[str, Any] = {"order_id": order_id, "skus": [{"sku_id": sku, "quantity": 1}]}
    with pytest.raises(RefusedError, match="25005010"):
        seller.post("/return_refund/202602/cancellations", body | {"cancel_reason": "seller_cancel_reason_wrong_price"})
    seller.post("/return_refund/202602/cancellations", body | {"cancel_reason": "seller_cancel_reason_out_of_stock"})
    order = seller.order(order_id)
    assert order["status"] == "AWAITING_SHIPMENT"
    assert sorted(line["display_status"] for line in order["line_items"]) == ["AWAITING_SHIPMENT", "CANCELLED"]


def test_a_rejected_cancellation_leaves_the_order_to_be_shipped(seller: Seller) -> None:
    order_id = seller.place(lines=[{"sku_id": seller.listed()["skus"][0]["id"]}])
    number = seller.control(f"orders/{order_id}/buyer_cancel_request")["cancel_id"]
    path = "/return_refund/202309/cancellations/{cancel_id}/reject"
    seller.post(path, {"reject_reason": "ecom_reverse_reject_cancel_reason_product_packed"}, cancel_id=number)
    assert seller.order(order_id)["is_buyer_request_cancel"] is False
    seller.control("clock/advance", {"seconds": 86_400})
    assert seller.ship(order_id)["order_id"] == order_id


def test_shipping_does_not_stop_an_unanswered_cancellation(seller: Seller) -> None:
    order_id = seller.place(lines=[{"sku_id": seller.listed()["skus"][0]["id"]}])
    seller.control(f"orders/{order_id}/buyer_cancel_request")
    seller.ship(order_id)
    seller.control("clock/advance", {"seconds": 86_400})
    assert seller.order(order_id)["status"] == "CANCELLED"


def test_the_uk_shop_has_its_own_currency_keys_and_no_sales_tax(sandbox: SandboxServer) -> None:
    seller = Seller(sandbox.url, region="GB")
    order_id = seller.place(lines=[{"sku_id": seller.listed()["skus"][0]["id"]}])
    order = seller.order(order_id)
    assert (order["payment"]["currency"], order["payment"]["tax"]) == ("GBP", "0.00")
    assert order["recipient_address"]["post_town"] == "Bristol"
    path = "/return_refund/202602/orders/{order_id}/aftersale_eligibility"
    told = seller.get(path, {"request_types": "CANCEL"}, order_id=order_id)["sku_eligibility"][0][
        "line_item_eligibility"
    ]
    assert all(name.endswith("_uk") for name in told[0]["available_reason_names"])
    other = Seller(sandbox.url)
    with pytest.raises(RefusedError, match="21008111"):
        other.order(order_id)
