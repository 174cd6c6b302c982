"""One successful call of every route of the sales side, in an order in which they work on one shop."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from tests.sandbox.magento_shop import CALIFORNIA, CHECKMO, Shop, add_product

ALL = "?searchCriteria"


@dataclass(frozen=True)
class Example:
    """`template` is the declared path, `path` the called one; both begin behind `/V1`."""

    method: str
    template: str
    path: str
    answer: Any


def examples(shop: Shop) -> Iterator[Example]:
    """Calls them one after the other; a call that does not succeed fails the test."""
    add_product(shop.db, "SHOE", "51.90", 1000)
    shop.options(place_prepare_ms=0, place_save_ms=0, place_mail_ms=0)

    def call(method: str, template: str, body: Any = None, query: str = "", **names: Any) -> Example:
        path = template
        for name, value in names.items():
            path = path.replace(f":{name}", str(value))
        return Example(method, template, path, shop.ok(method, path + query, body))

    yield from rule_examples(call)
    for kind, variable in (("/carts", "cartId"), ("/guest-carts", "cartId")):
        yield from cart_examples(call, kind, variable)
    yield from order_examples(call, shop)
    yield from document_examples(call, shop)


def rule_examples(call: Any) -> Iterator[Example]:
    rate = {"code": "DE19", "tax_country_id": "DE", "rate": 19, "tax_region_id": 0, "tax_postcode": "*"}
    made = call("POST", "/taxRates", {"tax_rate": rate})
    yield made
    rule = {
        "code": "DE",
        "customer_tax_class_ids": [3],
        "product_tax_class_ids": [2],
        "tax_rate_ids": [made.answer["id"]],
    }
    made = call("POST", "/taxRules", {"rule": rule | {"priority": 0, "position": 0}})
    yield made
    yield call("DELETE", "/taxRules/:ruleId", ruleId=made.answer["id"])
    rule = {"name": "Coupon", "website_ids": [1], "customer_group_ids": [0, 1], "is_active": True}
    rule |= {
        "simple_action": "by_percent",
        "discount_amount": 5,
        "coupon_code": "FIVE",
        "coupon_type": "SPECIFIC_COUPON",
    }
    yield call("POST", "/salesRules", {"rule": rule})
    other = call("POST", "/salesRules", {"rule": rule | {"coupon_code": "SIX"}})
    yield call("DELETE", "/salesRules/:ruleId", ruleId=other.answer["rule_id"])


def cart_examples(call: Any, kind: str, variable: str) -> Iterator[Example]:
    made = call("POST", "/carts/" if kind == "/carts" else kind)
    yield made
    cart = made.answer
    names = {variable: cart}
    line = {"cartItem": {"sku": "SHOE", "qty": 2, "quote_id": cart}}
    if kind == "/carts":
        item = call("POST", "/carts/:quoteId/items", line, quoteId=cart)
    else:
        item = call("POST", f"{kind}/:cartId/items", line, **names)
    yield item
    key = item.answer["item_id"]
    one = f"{kind}/:cartId"
    yield call("PUT", f"{one}/items/:itemId", {"cartItem": {"qty": 3, "quote_id": cart}}, itemId=key, **names)
    yield call("GET", f"{one}/items", **names)
    yield call("DELETE", f"{one}/items/:itemId", itemId=key, **names)
    call("POST", "/carts/:quoteId/items" if kind == "/carts" else f"{one}/items", line, quoteId=cart, cartId=cart)
    yield call("POST", f"{one}/estimate-shipping-methods", {"address": CALIFORNIA}, **names)
    yield call("POST", f"{one}/billing-address", {"address": CALIFORNIA}, **names)
    yield call("GET", f"{one}/billing-address", **names)
    information = {
        "shipping_address": CALIFORNIA,
        "shipping_carrier_code": "flatrate",
        "shipping_method_code": "flatrate",
    }
    yield call("POST", f"{one}/shipping-information", {"addressInformation": information}, **names)
    yield call("GET", f"{one}/shipping-methods", **names)
    yield call("GET", f"{one}/payment-methods", **names)
    yield call("PUT", f"{one}/coupons/:couponCode", couponCode="FIVE", **names)
    yield call("GET", f"{one}/coupons", **names)
    yield call("DELETE", f"{one}/coupons", **names)
    yield call("GET", f"{one}/totals", **names)
    yield call("GET", one, **names)
    yield call("PUT", f"{one}/order", CHECKMO, **names)
    if kind == "/carts":
        yield call("GET", "/carts/search", query=ALL)
    else:
        mask = call("POST", kind).answer
        call("POST", f"{one}/items", {"cartItem": {"sku": "SHOE", "qty": 1, "quote_id": mask}}, cartId=mask)
        call("POST", f"{one}/shipping-information", {"addressInformation": information}, cartId=mask)
        yield call("GET", "/guest-carts/:cartId/payment-information", cartId=mask)
        body = {"email": "a@b.example", "billingAddress": CALIFORNIA} | CHECKMO
        yield call("POST", "/guest-carts/:cartId/payment-information", body, cartId=mask)


def order_examples(call: Any, shop: Shop) -> Iterator[Example]:
    order = shop.placed(("SHOE", 1))
    key = order["entity_id"]
    yield call("GET", "/orders", query=ALL)
    yield call("GET", "/orders/items", query=ALL)
    yield call("GET", "/orders/items/:id", id=order["items"][0]["item_id"])
    yield call("GET", "/orders/:id", id=key)
    yield call("GET", "/orders/:id/statuses", id=key)
    yield call("POST", "/orders", {"entity": {"entity_id": key, "ext_order_id": "X"}})
    entity = {"store_id": 1, "state": "new", "status": "pending", "is_virtual": 0, "customer_email": "a@b.example"}
    entity |= {
        "items": [],
        "billing_address": CALIFORNIA | {"address_type": "billing"},
        "payment": {"method": "checkmo"},
    }
    yield call("PUT", "/orders/create", {"entity": entity})
    yield call("PUT", "/orders/:parent_id", {"entity": order["billing_address"]}, parent_id=key)
    yield call("POST", "/orders/:id/hold", id=key)
    yield call("POST", "/orders/:id/unhold", id=key)
    history = {"comment": "note", "status": "pending", "is_customer_notified": 0, "is_visible_on_front": 0}
    yield call("POST", "/orders/:id/comments", {"statusHistory": history}, id=key)
    yield call("GET", "/orders/:id/comments", id=key)
    yield call("POST", "/orders/:id/emails", id=key)
    yield call("POST", "/orders/:id/cancel", id=key)


def document_examples(call: Any, shop: Shop) -> Iterator[Example]:
    order = shop.placed(("SHOE", 2))
    key = order["entity_id"]
    comment = {"comment": "note", "is_customer_notified": 0, "is_visible_on_front": 0}
    invoice = call("POST", "/order/:orderId/invoice", {"capture": True, "notify": True}, orderId=key)
    yield invoice
    yield call("GET", "/invoices", query=ALL)
    yield call("GET", "/invoices/:id", id=invoice.answer)
    yield call("POST", "/invoices/comments", {"entity": comment | {"parent_id": invoice.answer}})
    yield call("GET", "/invoices/:id/comments", id=invoice.answer)
    yield call("POST", "/invoices/:id/emails", id=invoice.answer)
    body = {"notify": True, "appendComment": True, "comment": {"comment": "sent", "is_visible_on_front": 0}}
    body |= {"tracks": [{"track_number": "1Z", "title": "UPS", "carrier_code": "ups"}]}
    shipment = call("POST", "/order/:orderId/ship", body, orderId=key)
    yield shipment
    yield call("GET", "/shipments", query=ALL)
    yield call("GET", "/shipment/:id", id=shipment.answer)
    track = {"order_id": key, "parent_id": shipment.answer, "track_number": "2Z", "title": "UPS", "carrier_code": "ups"}
    added = call("POST", "/shipment/track", {"entity": track})
    yield added
    yield call("DELETE", "/shipment/track/:id", id=added.answer["entity_id"])
    yield call(
        "POST", "/shipment/:id/comments", {"entity": comment | {"parent_id": shipment.answer}}, id=shipment.answer
    )
    yield call("GET", "/shipment/:id/comments", id=shipment.answer)
    yield call("POST", "/shipment/:id/emails", id=shipment.answer)
    memo = call("POST", "/order/:orderId/refund", {"notify": True}, orderId=key)
    yield memo
    yield call("GET", "/creditmemos", query=ALL)
    yield call("GET", "/creditmemo/:id", id=memo.answer)
    yield call("POST", "/creditmemo/:id/comments", {"entity": comment | {"parent_id": memo.answer}}, id=memo.answer)
    yield call("GET", "/creditmemo/:id/comments", id=memo.answer)
    yield call("POST", "/creditmemo/:id/emails", id=memo.answer)
    yield call("GET", "/transactions", query=ALL)
