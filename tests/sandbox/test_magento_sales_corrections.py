"""Correcting a placed order by a save: exact amounts in invoices and credit memos, and what the shop accepts in silence."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from tests.sandbox.magento_shop import Shop, add_product, running_shop


@pytest.fixture
def shop(tmp_path: Path) -> Iterator[Shop]:
    with running_shop(tmp_path) as running:
        add_product(running.db, "SHOE", "51.90", 100)
        add_product(running.db, "SOCK", "7.00", 100)
        add_product(running.db, "VIRT", "5.00", 10, type_id="virtual")
        running.options(place_prepare_ms=0, place_save_ms=0, place_mail_ms=0, cart_rule_percent=10)
        yield running


@dataclass(frozen=True)
class Line:
    row_total: float
    tax: float = 0
    discount: float = 0


def correction(
    order: dict[str, Any], lines: list[Line], *, shipping: float = 0, shipping_tax: float = 0, **more: Any
) -> dict[str, Any]:
    """The whole correction: every item, every amount, base amounts equal to the others."""
    items = []
    for item, line in zip(order["items"], lines, strict=True):
        price = round(line.row_total / item["qty_ordered"], 4)
        amounts = {
            "price": price,
            "row_total": line.row_total,
            "tax_amount": line.tax,
            "discount_amount": line.discount,
        }
        amounts["discount_tax_compensation_amount"] = 0
        items.append(
            {"item_id": item["item_id"]} | amounts | {f"base_{name}": value for name, value in amounts.items()}
        )
    subtotal, discount = sum(line.row_total for line in lines), sum(line.discount for line in lines)
    tax = round(sum(line.tax for line in lines) + shipping_tax, 2)
    total = round(subtotal - discount + tax + shipping, 2)
    amounts = {
        "subtotal": round(subtotal, 2),
        "discount_amount": -discount,
        "shipping_amount": shipping,
        "shipping_incl_tax": shipping + shipping_tax,
        "shipping_tax_amount": shipping_tax,
        "shipping_discount_amount": 0,
        "discount_tax_compensation_amount": 0,
        "tax_amount": tax,
        "grand_total": total,
        "total_due": total,
    }
    entity = {"entity_id": order["entity_id"], "increment_id": order["increment_id"], "items": items}
    entity |= amounts | {f"base_{name}": value for name, value in amounts.items()}
    entity |= {"shipping_discount_tax_compensation_amount": 0, "base_shipping_discount_tax_compensation_amnt": 0}
    return {"entity": entity | more}


def memo_totals(shop: Shop, order_id: int) -> list[float]:
    query = f"searchCriteria[filter_groups][0][filters][0][field]=order_id&searchCriteria[filter_groups][0][filters][0][value]={order_id}"
    return [memo["grand_total"] for memo in shop.ok("GET", f"/creditmemos?{query}")["items"]]


def invoice_totals(shop: Shop, order_id: int) -> list[float]:
    query = f"searchCriteria[filter_groups][0][filters][0][field]=order_id&searchCriteria[filter_groups][0][filters][0][value]={order_id}"
    return [invoice["grand_total"] for invoice in shop.ok("GET", f"/invoices?{query}")["items"]]


@pytest.mark.parametrize(
    ("qty", "line", "shipping", "shipping_tax", "total", "one", "rest"),
    [
        pytest.param(2, Line(35.54, 2.5), 4, 0, 42.04, 19.02, 23.02, id="tax-on-top"),
        pytest.param(3, Line(59.97, 0, 10), 5, 0, 54.97, 16.66, 38.31, id="seller-discount"),
        pytest.param(3, Line(10), 0, 0, 10, 3.33, 6.67, id="row-not-divisible"),
        pytest.param(3, Line(49.98, 9.99), 0, 0, 59.97, 19.99, 39.98, id="price-with-vat"),
        pytest.param(2, Line(35.98, 2.7, 4), 4.99, 0.41, 40.08, 17.34, 22.74, id="shipping-with-tax"),
    ],
)
def test_invoice_and_refunds_are_exact_to_the_cent(
    shop: Shop, qty: int, line: Line, shipping: float, shipping_tax: float, total: float, one: float, rest: float
) -> None:
    order = shop.placed(("SHOE", qty))
    shop.ok("POST", "/orders", correction(order, [line], shipping=shipping, shipping_tax=shipping_tax))
    key, item = order["entity_id"], order["items"][0]["item_id"]
    shop.ok("POST", f"/order/{key}/invoice", {"capture": True})
    assert invoice_totals(shop, key) == [total]
    shop.ok("POST", f"/order/{key}/ship", {})
    assert shop.order(key)["status"] == "complete"
    shop.ok(
        "POST",
        f"/order/{key}/refund",
        {"items": [{"order_item_id": item, "qty": 1}], "arguments": {"shipping_amount": 0}},
    )
    shop.ok("POST", f"/order/{key}/refund", {})
    assert memo_totals(shop, key) == [pytest.approx(one), pytest.approx(rest)]
    final = shop.order(key)
    assert (final["status"], final["total_refunded"], final["total_due"]) == ("closed", total, 0)


def test_part_invoices_add_up(shop: Shop) -> None:
    order = shop.placed(("SHOE", 3), ("SOCK", 1))
    shop.ok("POST", "/orders", correction(order, [Line(59.97, 0, 10), Line(0)], shipping=4))
    item = order["items"][0]["item_id"]
    shop.ok("POST", f"/order/{order['entity_id']}/invoice", {"items": [{"order_item_id": item, "qty": 1}]})
    shop.ok("POST", f"/order/{order['entity_id']}/invoice", {})
    first, second = invoice_totals(shop, order["entity_id"])
    assert (first, second) == (pytest.approx(20.66), pytest.approx(33.31))


def test_an_order_that_is_free_altogether_is_invoiced_and_refunded_at_nothing(shop: Shop) -> None:
    order = shop.placed(("SHOE", 1))
    shop.ok("POST", "/orders", correction(order, [Line(20, 0, 20)]))
    key = order["entity_id"]
    shop.ok("POST", f"/order/{key}/invoice", {})
    assert (invoice_totals(shop, key), shop.order(key)["status"]) == ([0], "processing")
    shop.ok("POST", f"/order/{key}/refund", {})
    assert memo_totals(shop, key) == [0]


def test_a_gift_can_go_back_to_stock_only_in_the_memo_of_the_last_paid_piece(shop: Shop) -> None:
    order = shop.placed(("SHOE", 1), ("SOCK", 1))
    key, (shoe, sock) = order["entity_id"], [item["item_id"] for item in order["items"]]
    shop.ok("POST", "/orders", correction(order, [Line(30), Line(0)]))
    shop.ok("POST", f"/order/{key}/invoice", {})
    shop.ok("POST", f"/order/{key}/ship", {})
    shop.ok("POST", f"/order/{key}/refund", {"items": [{"order_item_id": shoe, "qty": 1}]})
    assert shop.order(key)["state"] == "closed"
    status, body = shop.call("POST", f"/order/{key}/refund", {"items": [{"order_item_id": sock, "qty": 1}]})
    assert (status, body["message"]) == (
        400,
        "Creditmemo Document Validation Error(s):\nA creditmemo can not be created when an order has a status of closed",
    )


def test_a_total_above_its_parts_stays_due_for_ever(shop: Shop) -> None:
    order = shop.placed(("SHOE", 1))
    body = correction(order, [Line(30)], shipping=3)
    body["entity"] |= {"grand_total": 33.01, "base_grand_total": 33.01}
    shop.ok("POST", "/orders", body)
    shop.ok("POST", f"/order/{order['entity_id']}/invoice", {})
    after = shop.order(order["entity_id"])
    assert (after["total_paid"], after["total_due"]) == (33, 0.01)


def test_a_field_left_out_keeps_the_shops_value(shop: Shop) -> None:
    """Without the item's discount the shop's own rule stays on the line, and the invoice is short by it."""
    order = shop.placed(("SHOE", 2))
    body = correction(order, [Line(35.54, 2.5)], shipping=4)
    for name in ("discount_amount", "base_discount_amount"):
        del body["entity"]["items"][0][name]
    shop.ok("POST", "/orders", body)
    shop.ok("POST", f"/order/{order['entity_id']}/invoice", {})
    assert invoice_totals(shop, order["entity_id"]) == [pytest.approx(42.04 - 10.38)]


def test_an_order_discount_without_items_is_not_invoiced(shop: Shop) -> None:
    order = shop.placed(("SHOE", 1))
    body = correction(order, [Line(45)])
    for prefix in ("", "base_"):
        body["entity"] |= {f"{prefix}discount_amount": -6, f"{prefix}grand_total": 39, f"{prefix}total_due": 39}
    shop.ok("POST", "/orders", body)
    shop.ok("POST", f"/order/{order['entity_id']}/invoice", {})
    assert invoice_totals(shop, order["entity_id"]) == [45]


def test_a_discount_on_the_shipping_leaves_with_it(shop: Shop) -> None:
    order = shop.placed(("SHOE", 2))
    body = correction(order, [Line(40)], shipping=5)
    for prefix in ("", "base_"):
        body["entity"] |= {f"{prefix}shipping_discount_amount": 6, f"{prefix}discount_amount": -6}
        body["entity"] |= {f"{prefix}grand_total": 39, f"{prefix}total_due": 39}
    shop.ok("POST", "/orders", body)
    key, item = order["entity_id"], order["items"][0]["item_id"]
    shop.ok("POST", f"/order/{key}/invoice", {})
    shop.ok(
        "POST",
        f"/order/{key}/refund",
        {"items": [{"order_item_id": item, "qty": 1}], "arguments": {"shipping_amount": 0}},
    )
    shop.ok("POST", f"/order/{key}/refund", {})
    assert (invoice_totals(shop, key), memo_totals(shop, key)) == ([39], [20, 19])


def test_the_answer_echoes_what_was_sent(shop: Shop) -> None:
    order = shop.placed(("SHOE", 1))
    answered = shop.ok("POST", "/orders", {"entity": {"entity_id": order["entity_id"], "ext_order_id": "5764"}})
    assert (answered["ext_order_id"], answered["customer_email"], answered["grand_total"]) == ("5764", None, None)
    again = shop.order(order["entity_id"])
    assert (again["grand_total"], again["increment_id"]) == (order["grand_total"], order["increment_id"])


@pytest.mark.parametrize(
    ("with_qty", "expected"),
    [pytest.param(False, "closed", id="without-qty"), pytest.param(True, "processing", id="with-qty")],
)
def test_state_processing_needs_the_ordered_quantities(shop: Shop, with_qty: bool, expected: str) -> None:
    order = shop.placed(("SHOE", 1))
    body = correction(order, [Line(30)], state="processing", status="processing")
    if with_qty:
        body["entity"]["items"][0]["qty_ordered"] = 1
    shop.ok("POST", "/orders", body)
    assert shop.order(order["entity_id"])["state"] == expected


def test_an_order_closed_by_mistake_is_repaired_by_state_and_status(shop: Shop) -> None:
    order = shop.placed(("SHOE", 1))
    shop.ok("POST", "/orders", correction(order, [Line(30)], state="processing", status="processing"))
    key = order["entity_id"]
    assert shop.call("POST", f"/order/{key}/invoice", {})[0] == 400
    shop.ok("POST", "/orders", {"entity": {"entity_id": key, "state": "new", "status": "pending"}})
    shop.ok("POST", f"/order/{key}/invoice", {})
    assert shop.order(key)["state"] == "processing"


def test_an_item_of_another_order_moves(shop: Shop) -> None:
    one, other = shop.placed(("SHOE", 1)), shop.placed(("SOCK", 1))
    entity = {"entity_id": one["entity_id"], "items": [{"item_id": other["items"][0]["item_id"], "price": 1}]}
    shop.ok("POST", "/orders", {"entity": entity})
    assert [item["sku"] for item in shop.order(one["entity_id"])["items"]] == ["SHOE", "SOCK"]
    assert shop.order(other["entity_id"])["items"] == []


def test_a_payment_without_its_id_is_a_second_one(shop: Shop) -> None:
    order = shop.placed(("SHOE", 1))
    entity = {"entity_id": order["entity_id"], "payment": {"method": "checkmo", "additional_information": ["x"]}}
    shop.ok("POST", "/orders", {"entity": entity})
    count = shop.db.execute(
        "SELECT COUNT(*) FROM sales_order_payment WHERE parent_id = ?", (order["entity_id"],)
    ).fetchone()
    assert count[0] == 2
    assert shop.order(order["entity_id"])["payment"]["entity_id"] == order["payment"]["entity_id"]


def test_an_address_in_the_correction_is_dropped_and_put_writes_it(shop: Shop) -> None:
    order = shop.placed(("SHOE", 1))
    address = order["billing_address"] | {"firstname": "Bea"}
    shop.ok("POST", "/orders", {"entity": {"entity_id": order["entity_id"], "billing_address": address}})
    assert shop.order(order["entity_id"])["billing_address"]["firstname"] == "Ann"
    shop.ok("PUT", f"/orders/{order['entity_id']}", {"entity": address})
    assert shop.order(order["entity_id"])["billing_address"]["firstname"] == "Bea"


@pytest.mark.parametrize("field", ["coupon_rule_name", "send_email", "shipping_method", "anything"])
def test_a_field_outside_the_interface_is_refused_and_nothing_saved(shop: Shop, field: str) -> None:
    order = shop.placed(("SHOE", 1))
    status, body = shop.call(
        "POST", "/orders", {"entity": {"entity_id": order["entity_id"], "ext_order_id": "X", field: "1"}}
    )
    camel = "".join(word.title() for word in field.split("_"))
    assert (status, body["parameters"]) == (400, {"fieldName": camel})
    assert "ext_order_id" not in shop.order(order["entity_id"])


def test_a_correction_works_while_the_order_is_held(shop: Shop) -> None:
    order = shop.placed(("SHOE", 1))
    key = order["entity_id"]
    shop.ok("POST", f"/orders/{key}/hold")
    assert shop.call("POST", f"/order/{key}/invoice", {})[0] == 400
    shop.ok("POST", "/orders", correction(order, [Line(30)]))
    assert (shop.order(key)["state"], shop.order(key)["grand_total"]) == ("holded", 30)
    shop.ok("POST", f"/orders/{key}/unhold")
    assert shop.order(key)["state"] == "new"


def test_virtual_pieces_leave_with_the_invoice_which_completes_the_order(shop: Shop) -> None:
    cart = shop.ok("POST", "/carts/")
    shop.ok("POST", f"/carts/{cart}/items", {"cartItem": {"sku": "VIRT", "qty": 2, "quote_id": cart}})
    address = shop.placed(("SHOE", 1))["billing_address"]
    kept = {name: value for name, value in address.items() if name not in {"entity_id", "parent_id", "address_type"}}
    shop.ok("POST", f"/carts/{cart}/billing-address", {"address": kept})
    key = shop.ok("PUT", f"/carts/{cart}/order", {"paymentMethod": {"method": "checkmo"}})
    assert (shop.salable("VIRT"), shop.at_source("VIRT")) == (Decimal(8), Decimal(10))
    shop.ok("POST", f"/order/{key}/invoice", {})
    assert (shop.salable("VIRT"), shop.at_source("VIRT")) == (Decimal(8), Decimal(8))
    assert shop.order(key)["state"] == "complete"
    assert shop.call("POST", f"/order/{key}/ship", {})[0] == 400
