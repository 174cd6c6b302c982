"""Whatever the store's clients send has a route and no field that the store does not know: such a field is a 400 or 500."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from connector.clients.magento import MagentoCatalog, MagentoSales, documents
from connector.domain.order import ZERO, Address, Customer, MarketplaceOrder, Payment, Track
from connector.services import customers
from tests.clients.conftest import Connect
from tests.clients.server import Asked, Reply, serving

KURT = Customer(1, "kunde@example.test", "Kurt", "Kunde", group_id=1, website_id=1)
NOBODY = MarketplaceOrder("5", "AWAITING_SHIPMENT", datetime.now(UTC), 1, Payment("USD", ZERO, ZERO, ZERO), ())
PLACE = {"entity_id": 81, "parent_id": 5, "address_type": "shipping", "email": "orders@shop.test"}
ORDER = {
    "entity_id": 5,
    "billing_address": PLACE | {"entity_id": 82, "address_type": "billing"},
    "extension_attributes": {"shipping_assignments": [{"shipping": {"address": PLACE}}]},
}
ANN = Address("Ann", "Lee", ("1 Main St",), "Los Angeles", "CA", "90001", "US", "5551234")


@pytest.fixture(scope="module")
def openapi(shared: Path) -> dict[str, Any]:
    return json.loads((shared / "reference/magento-rest-openapi.json").read_text(encoding="utf-8"))


def strict(schema: Any) -> Any:
    """Without unknown properties, and without `required`: input is not checked against it (reference 1.6)."""
    if isinstance(schema, list):
        return [strict(one) for one in schema]
    if not isinstance(schema, dict):
        return schema
    changed = {key: strict(value) for key, value in schema.items() if key not in {"required", "xml"}}
    return changed | ({"additionalProperties": False} if isinstance(schema.get("properties"), dict) else {})


def check(openapi: dict[str, Any], asked: Asked) -> None:
    path = re.sub(r"^/rest(/all)?", "", asked.raw_path)
    routes = [
        methods[asked.method.lower()]
        for template, methods in openapi["paths"].items()
        if re.fullmatch(re.sub(r"\{\w+\}", "[^/]+", template), path) and asked.method.lower() in methods
    ]
    assert routes, f"{asked.method} {path} is not a route"
    if asked.body:
        content = routes[0]["requestBody"]["content"]["application/json"]
        schema = {**strict(content["schema"]), "components": strict(openapi["components"])}
        jsonschema.validate(asked.json, schema, cls=jsonschema.Draft202012Validator)


def test_every_call_fits_the_schema(openapi: dict[str, Any], store: Connect) -> None:
    row = {"item_id": 1, "sku": "A/1", "qty": 1, "entity_id": 5, "id": 5, "order_id": 5}
    row |= {"attribute_code": "size", "attribute_set_id": 4, "source_code": "default", "stock_id": 1}
    row |= {"email": KURT.email, "state": "closed"}
    answers = {
        "region": {"available_regions": [{"id": "12", "code": "CA", "name": "California"}]},
        "list": {"items": [row], "total_count": 1},
    }

    def answer(asked: Asked) -> Reply:
        if asked.path.endswith("/shipping-information"):
            return Reply(200, {"payment_methods": [{"code": "checkmo"}]})
        if "/directory/" in asked.path:
            return Reply(200, answers["region"])
        listed = ("/items", "-methods", "/store", "-information")
        if any(asked.path.endswith(end) for end in listed) and asked.method == "GET":
            return Reply(200, [])
        if "searchCriteria" in asked.raw_query:
            return Reply(200, answers["list"])
        if asked.path.endswith(
            ("estimate-shipping-methods", "prices-information", "websites", "Groups", "Configs", "Views")
        ):
            return Reply(200, [])
        return Reply(200, row if asked.method == "GET" or asked.path.endswith("/items") else "15")

    with serving(answer) as server:
        catalog, sales = MagentoCatalog(store(server.url)), MagentoSales(store(server.url))
        catalog.store_views()
        catalog.attributes()
        catalog.attribute_sets()
        catalog.categories()
        list(catalog.products(updated_from="2026-01-01 00:00:00", updated_to="2026-01-02 00:00:00"))
        list(catalog.product_ids())
        catalog.product("A/1")
        catalog.products_by_id([1, 2])
        catalog.salable("base", ["A/1", "a,b"])
        catalog.sources("base")
        catalog.source_quantities(["A/1", "a,b"], ["default"])
        catalog.prices(["A/1"])
        cart = sales.create_cart()
        sales.cart_items(cart)
        sales.add_to_cart(cart, "A/1", 2)
        sales.set_cart_address(cart, ANN, "orders+1@shop.test", carrier="flatrate", method="flatrate")
        sales.shipping_methods(cart, ANN)
        sales.payment_methods(cart)
        sales.place(cart, "checkmo")
        sales.find_orders("quote_id", cart)
        sales.order(5)
        sales.orders([5, 6])
        sales.save_order({"entity_id": 5, "increment_id": "000000005", "grand_total": Decimal("1.50")})
        sales.save_order({"entity_id": 5, "increment_id": "000000005", **customers.fields(KURT, NOBODY, "")})
        sales.customers(KURT.email)
        sales.ended_orders([5, 6])
        for address in (ANN, replace(ANN, country="GB", region="")):
            sales.set_order_address(documents.order(ORDER), address)
        sales.hold(5)
        sales.unhold(5)
        sales.cancel(5)
        sales.comment(5, "note", "pending")
        sales.invoice(5, {1: 1}, comment="paid")
        sales.ship(5, {1: 1}, tracks=[Track("T1", "UPS", "ups")], source="default")
        sales.shipments([5])
        sales.refund(5, {1: 1}, shipping_amount=Decimal("2.50"), return_to_stock=[1], comment="return 1")
        sales.credit_memos(5)
        sales.invoices(5)
        sales.region_id("US", "CA")
        sales.exchange_rate("GBP")
    for asked in server.asked:
        check(openapi, asked)
    assert len({asked.raw_path for asked in server.asked}) >= 28
