"""Every route of the TikTok Shop side is called, and every answer fits the published schema."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from connector.sandbox import SandboxServer
from connector.sandbox.tiktok.routes import NOT_SERVED, ROUTES
from tests.sandbox.tiktok_seller import RefusedError, Seller

PDF = b"%PDF-1.4\n%%EOF\n"


def reference_calls(seller: Seller) -> None:
    seller.get("/seller/202309/shops", cipher=False)
    seller.get("/seller/202309/permissions", cipher=False)
    hook = {"event_type": "ORDER_STATUS_CHANGE", "address": "http://127.0.0.1:9/hooks"}
    seller.call("PUT", "/event/202309/webhooks", body=hook)
    assert seller.get("/event/202309/webhooks")["total_count"] == 1
    seller.call("DELETE", "/event/202309/webhooks", body={"event_type": "ORDER_STATUS_CHANGE"})
    category, version = seller.category("Chaz Kangeroo Hoodie"), {"category_version": "v2"}
    seller.get("/product/202309/categories", version)
    seller.get("/product/202309/categories/{category_id}/rules", version, category_id=category)
    seller.get("/product/202309/categories/{category_id}/attributes", version, category_id=category)
    seller.get("/product/202309/brands", {"page_size": 5, "category_id": category})
    seller.call("POST", "/product/202309/brands", body={"name": "Fenwick Mill"}, cipher=False)
    files: dict[str, Any] = {"data": ("paper.pdf", PDF)}
    seller.call("POST", "/product/202309/files/upload", cipher=False, files=files, form={"name": "paper.pdf"})
    seller.call("POST", "/product/202407/sizecharts/search", {"page_size": 10}, {"keyword": "x"}, cipher=False)
    seller.get("/product/202312/prerequisites")
    place = seller.warehouse()
    seller.get(
        "/logistics/202309/warehouses/{warehouse_id}/delivery_options", {"scope": "WAREHOUSE"}, warehouse_id=place
    )


def product_calls(seller: Seller) -> dict[str, Any]:
    assert seller.post("/product/202309/products/listing_check", seller.payload())["check_result"] == "PASS"
    made = seller.listed()
    number = made["product_id"]
    whole = {**seller.payload(), "title": "Chaz Kangeroo Hoodie II"}
    whole["skus"] = [{"id": sku["id"], **old} for sku, old in zip(made["skus"], whole["skus"], strict=True)]
    for version in ("202509", "202309"):
        seller.call("PUT", f"/product/{version}/products/{{product_id}}", body=whole, product_id=number)
        part = {"description": f"<p>Version {version}.</p>"}
        seller.post(f"/product/{version}/products/{{product_id}}/partial_edit", part, product_id=number)
        seller.control(f"products/{number}/review", {"result": "APPROVED"})
    for version in ("202502", "202312", "202309"):
        seller.post(f"/product/{version}/products/search", {"status": "ALL"}, {"page_size": 10})
    seller.get("/product/202309/products/{product_id}", {"return_under_review_version": "true"}, product_id=number)
    sku = made["skus"][0]["id"]
    price = {"skus": [{"id": sku, "price": {"amount": "49.50", "currency": "USD"}}]}
    seller.post("/product/202309/products/{product_id}/prices/update", price, product_id=number)
    stock = {"skus": [{"id": sku, "inventory": [{"quantity": 40}]}]}
    seller.post("/product/202309/products/{product_id}/inventory/update", stock, product_id=number)
    seller.post("/product/202309/inventory/search", {"sku_ids": [sku]})
    for name in ("diagnoses", "seo_words", "suggestions"):
        seller.get(f"/product/202405/products/{name}", {"product_ids": number})
    gone = seller.listed(title="Old Duffel Bag")["product_id"]
    seller.post("/product/202309/products/deactivate", {"product_ids": [gone]})
    seller.call("DELETE", "/product/202309/products", body={"product_ids": [gone]})
    seller.post("/product/202309/products/recover", {"product_ids": [gone]})
    seller.post("/product/202309/products/activate", {"product_ids": [gone]})
    return made


def order_calls(seller: Seller, sku: str) -> None:
    order_id = seller.place(lines=[{"sku_id": sku, "quantity": 1}], seller_discount="1.00", shipping_fee="4.00")
    seller.post("/order/202309/orders/search", {"order_status": "AWAITING_SHIPMENT"}, {"page_size": 10})
    seller.get("/order/202309/orders", {"ids": order_id})
    seller.get("/order/202407/orders/{order_id}/price_detail", order_id=order_id)
    external = {"id": "100000001", "platform": "MAGENTO", "line_items": []}
    seller.post("/order/202406/orders/external_orders", {"orders": [{"id": order_id, "external_order": external}]})
    seller.get("/order/202406/orders/{order_id}/external_orders", {"platform": "MAGENTO"}, order_id=order_id)
    query = {"platform": "MAGENTO", "external_order_id": "100000001"}
    assert seller.post("/order/202406/orders/external_order_search", None, query)["orders"][0]["id"] == order_id


def fulfilment_calls(seller: Seller, sku: str) -> str:
    one, two = (seller.place(lines=[{"sku_id": sku, "quantity": 2}]) for _ in range(2))
    group = seller.get("/fulfillment/202309/combinable_packages/search", {"page_size": 10})["combinable_packages"][0]
    body = {"combinable_packages": [{"id": group["id"], "order_ids": [one, two]}]}
    combined = seller.post("/fulfillment/202309/packages/combine", body)["packages"][0]
    seller.post("/fulfillment/202309/packages/{package_id}/uncombine", None, package_id=combined["id"])
    seller.get("/fulfillment/202309/orders/split_attributes", {"order_ids": f"{one},{two}"})
    lines = [line["id"] for line in seller.order(one)["line_items"]]
    groups = {
        "splittable_groups": [{"id": str(place), "order_line_item_ids": [line]} for place, line in enumerate(lines)]
    }
    parts = seller.post("/fulfillment/202309/orders/{order_id}/split", groups, order_id=one)["packages"]
    own = {"self_shipment": {"tracking_number": "TRACK0001", "shipping_provider_id": seller.provider(one)}}
    seller.post("/fulfillment/202309/packages/{package_id}/ship", own, package_id=parts[0]["id"])
    seller.post("/fulfillment/202309/packages/ship", {"packages": [{"id": parts[1]["id"], **own}]})
    flat = own["self_shipment"]
    shipped = seller.post("/fulfillment/202309/orders/{order_id}/packages", flat, order_id=two)["package_id"]
    seller.post("/fulfillment/202309/orders/{order_id}/shipping_info/update", flat, order_id=two)
    newer = {"shipping_info_list": [{**flat, "tracking_number": "TRACK0002"}]}
    seller.post("/fulfillment/202610/packages/{package_id}/shipping_info/update", newer, package_id=shipped)
    seller.post("/fulfillment/202309/packages/{package_id}/shipping_info/update", flat, package_id=shipped)
    seller.get("/fulfillment/202309/packages/{package_id}", package_id=shipped)
    seller.post("/fulfillment/202309/packages/search", {"package_status": "PROCESSING"}, {"page_size": 10})
    seller.get("/fulfillment/202309/orders/{order_id}/tracking", order_id=two)
    third = seller.place(lines=[{"sku_id": sku, "quantity": 1}])
    seller.ship(third)
    return two


def label_calls(seller: Seller, sku: str) -> None:
    size = {
        "dimension": {"length": "10", "width": "8", "height": "4", "unit": "INCH"},
        "weight": {"value": "1", "unit": "POUND"},
    }
    for version in ("202512", "202309"):
        order_id = seller.place(lines=[{"sku_id": sku, "quantity": 1}], shipping_type="TIKTOK")
        seller.post("/fulfillment/202309/orders/{order_id}/shipping_services/query", size, order_id=order_id)
        body = {"ship_type": "1", "order_id": order_id, **size}
        package = seller.post(f"/fulfillment/{version}/packages", body)["package_id"]
    seller.get("/fulfillment/202309/packages/{package_id}/handover_time_slots", package_id=package)
    kind = {"document_type": "SHIPPING_LABEL"}
    document = seller.get("/fulfillment/202309/packages/{package_id}/shipping_documents", kind, package_id=package)
    assert seller.session.get(document["doc_url"]).content.startswith(b"%PDF")
    seller.post("/fulfillment/202309/packages/{package_id}/ship", {"handover_method": "DROP_OFF"}, package_id=package)


def cancel_calls(seller: Seller, sku: str) -> None:
    base = "/return_refund/202309/cancellations/{cancel_id}"
    for version, decision in (("202602", "approve"), ("202309", "reject")):
        order_id = seller.place(lines=[{"sku_id": sku, "quantity": 1}])
        for eligibility in ("202602", "202512", "202309"):
            seller.get(f"/return_refund/{eligibility}/orders/{{order_id}}/aftersale_eligibility", order_id=order_id)
        refund = {"order_id": order_id, "request_type": "CANCEL", "reason_name": "seller_cancel_reason_out_of_stock"}
        seller.post(f"/return_refund/{version}/refunds/calculate", refund)
        number = seller.control(f"orders/{order_id}/buyer_cancel_request")["cancel_id"]
        asked = {"return_or_cancel_id": number}
        reason = seller.get("/return_refund/202309/reject_reasons", asked)["reasons"][0]["name"]
        seller.get("/return_refund/202601/decision_eligibility", asked)
        body = {"reject_reason": reason} if decision == "reject" else None
        seller.post(f"{base}/{decision}", body, cancel_id=number)
        other = seller.place(lines=[{"sku_id": sku, "quantity": 1}])
        own = {"order_id": other, "cancel_reason": "seller_cancel_reason_wrong_price"}
        seller.post(f"/return_refund/{version}/cancellations", own)
        seller.post(f"/return_refund/{version}/cancellations/search", {"cancel_ids": [number]})


def return_calls(seller: Seller, sku: str) -> None:
    for version, newest in (("202602", "202606"), ("202309", "202309")):
        order_id = seller.place(lines=[{"sku_id": sku, "quantity": 3}])
        seller.ship(order_id)
        for step in ("collect", "deliver"):
            seller.control(f"orders/{order_id}/{step}")
        lines = [line["id"] for line in seller.order(order_id)["line_items"]]
        wanted = {"return_type": "RETURN_AND_REFUND", "line_item_ids": lines[:1]}
        first = seller.control(f"orders/{order_id}/returns", wanted)["return_id"]
        decision = {"decision": "APPROVE_RETURN"}
        seller.post(
            "/return_refund/202309/returns/{return_id}/approve", decision, {"idempotency_key": "a"}, return_id=first
        )
        label: dict[str, Any] = {"return_qr_code": ("code.png", b"x")}
        form = {"tracking_number": "BACK0001", "return_provider_id": "7117858858072000001"}
        path = "/return_refund/202405/returns/shipping_documents"
        seller.call("POST", path, {"return_ids": first}, files=label, form=form)
        second = seller.control(f"orders/{order_id}/returns", {**wanted, "line_item_ids": lines[1:2]})["return_id"]
        reject = {
            "decision": "REJECT_RETURN",
            "reject_reason": "seller_reject_return_reason_item_used",
            "comment": "Worn.",
        }
        seller.post(f"/return_refund/{newest}/returns/{{return_id}}/reject", reject, return_id=second)
        own = {"order_id": order_id, "return_type": "REFUND", "order_line_item_ids": lines[2:]}
        own["return_reason"] = "ecom_order_shipped_refund_reason_missing_items"
        seller.post(f"/return_refund/{version}/returns", own, {"idempotency_key": version})
        found = seller.post(f"/return_refund/{version}/returns/search", {"order_ids": [order_id]}, {"page_size": 10})
        assert len(found["return_orders"]) == 3
        seller.get("/return_refund/202309/returns/{return_id}/records", return_id=first)


def test_every_route_is_called_and_every_answer_fits_the_schema(sandbox: SandboxServer, shared: Path) -> None:
    seller = Seller(sandbox.url)

    reference_calls(seller)
    sku = product_calls(seller)["skus"][0]["id"]
    order_calls(seller, sku)
    fulfilment_calls(seller, sku)
    label_calls(seller, sku)
    cancel_calls(seller, sku)
    return_calls(seller, sku)

    served = {(known.method, path) for known in ROUTES for path in known.paths}
    assert seller.exercised == served


def test_the_table_of_routes_is_what_the_server_routes(sandbox: SandboxServer) -> None:
    rules = [rule for rule in sandbox.app.url_map.iter_rules() if rule.endpoint.startswith("tiktok.")]
    own = ("/_sandbox", "/open/", "/oauth/", "/obj/", "/files/", "/labels/", "/api/")
    routed = {
        (method, rule.rule.replace("<", "{").replace(">", "}"))
        for rule in rules
        for method in rule.methods or ()
        if not rule.rule.startswith(own) and "<path:rest>" not in rule.rule and method not in {"HEAD", "OPTIONS"}
    }
    assert routed == {(known.method, path) for known in ROUTES for path in known.paths}


def test_every_path_of_the_api_is_served_or_named_with_a_reason(shared: Path) -> None:
    described = json.loads((shared / "reference/tiktok-shop-openapi.json").read_text("utf-8"))["paths"]
    served = {path for known in ROUTES for path in known.paths}
    unnamed = {path for path in described if path not in served and not path.startswith(tuple(NOT_SERVED))}
    assert unnamed == set()
    assert all(any(path.startswith(start) for path in described) for start in NOT_SERVED)
    assert not any(path.startswith(tuple(NOT_SERVED)) for path in served)


@pytest.mark.parametrize(
    ("method", "path", "status", "code"),
    [
        ("POST", "/promotion/202309/activities", 404, 36009009),
        ("GET", "/product/209912/products", 404, 36009009),
        ("PATCH", "/product/202309/products", 405, 36009010),
    ],
)
def test_what_is_not_served_is_refused_in_the_envelope(
    sandbox: SandboxServer, method: str, path: str, status: int, code: int
) -> None:
    seller = Seller(sandbox.url)
    with pytest.raises(RefusedError) as refused:
        seller.call(method, path)
    assert (refused.value.status, refused.value.code) == (status, code)
