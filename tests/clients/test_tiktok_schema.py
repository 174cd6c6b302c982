"""Whatever the marketplace client sends fits the published schema: every port method, path, query and body."""

from __future__ import annotations

import json
import re
from decimal import Decimal
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from tests.clients.server import Asked, serving
from tests.clients.test_tiktok_payloads import IMAGES, draft
from tests.clients.test_tiktok_transport import ok, pair, shop_at
from tests.clients.vault import SqliteVault

SYSTEM_QUERY = {"app_key", "timestamp", "sign", "shop_cipher"}
NOT_IN_SCHEMA = {"listing_check": {"category_version"}}
"""The page says that the check takes the create payload; its schema forgot the tree's version."""


@pytest.fixture(scope="module")
def openapi(shared: Path) -> dict[str, Any]:
    return json.loads((shared / "reference/tiktok-shop-openapi.json").read_text(encoding="utf-8"))


def operation(openapi: dict[str, Any], asked: Asked) -> dict[str, Any]:
    for template, methods in openapi["paths"].items():
        if re.fullmatch(re.sub(r"\{\w+\}", "[^/]+", template), asked.raw_path) and asked.method.lower() in methods:
            return {"template": template, **methods[asked.method.lower()]}
    raise AssertionError(f"{asked.method} {asked.raw_path} is not a route")


def strict(schema: Any) -> Any:
    """The schema without unknown properties."""
    if isinstance(schema, dict):
        changed = {key: strict(value) for key, value in schema.items()}
        return changed | ({"additionalProperties": False} if schema.get("properties") else {})
    return [strict(one) for one in schema] if isinstance(schema, list) else schema


def check(openapi: dict[str, Any], asked: Asked) -> None:
    found = operation(openapi, asked)
    assert ("shop_cipher" in asked.query) == found["x-shop-cipher"], asked.raw_path
    allowed = {parameter["name"] for parameter in found.get("parameters", ()) if parameter["in"] == "query"}
    needed = {p["name"] for p in found.get("parameters", ()) if p["in"] == "query" and p.get("required")}
    given = set(asked.query) - SYSTEM_QUERY
    assert given <= allowed, (asked.raw_path, given - allowed)
    assert needed <= given, (asked.raw_path, needed - given)
    content = found.get("requestBody", {}).get("content", {})
    if "application/json" in content and asked.body:
        ignored = next((names for part, names in NOT_IN_SCHEMA.items() if part in asked.raw_path), set())
        body = {key: value for key, value in asked.json.items() if key not in ignored}
        schema = {**strict(content["application/json"]["schema"]), "components": strict(openapi["components"])}
        jsonschema.validate(body, schema, cls=jsonschema.Draft202012Validator)


def test_every_call_fits_the_schema(openapi: dict[str, Any], tmp_path: Path) -> None:
    product = {"id": "1", "status": "ACTIVATE", "skus": [{"id": "2", "seller_sku": "M"}]}
    everything = {
        "delivery_options": [{"id": "7"}],
        "products": [product],
        "uri": "tos/1",
        "product_id": "1",
        **product,
    }
    with serving(ok(everything)) as server:
        shop = shop_at(server.url, SqliteVault(tmp_path / "v.db", pair()), locale="en-US")
        calls: list[Any] = [
            shop.shops(),
            shop.warehouses(),
            shop.shipping_providers("70"),
            shop.categories(),
            shop.recommend_category("Mug", "blue"),
            shop.category_attributes("6"),
            shop.category_rules("6"),
            shop.brands("A", "6"),
            shop.upload_image(b"\x89PNG", "DESCRIPTION_IMAGE"),
            shop.check_listing(draft(), IMAGES),
            shop.create_product(draft(brand_id="7"), IMAGES, "key"),
            shop.edit_product("1", draft(), IMAGES, {"M-Red-S": "17"}, {"M-Red-S": {"W1": 0, "W3": 5}}),
            shop.product("1"),
            shop.find_product("M"),
            list(shop.products_updated(1, 9)),
            shop.update_prices("1", {"17": Decimal(5)}, "USD"),
            shop.update_inventory("1", {"17": {"70": 5}}),
            shop.activate(["1"]),
            shop.deactivate(["1"]),
            shop.delete(["1"]),
            list(shop.orders_updated(1, 9)),
            shop.orders(["5"]),
            shop.write_external_order("5", "000000012", {"11": "41"}),
            shop.ship_lines("5", ["11"], "1Z999", "700"),
            shop.cancel_order("5", "seller_cancel_reason_out_of_stock", ["11"]),
            shop.cancel_reasons("5"),
            list(shop.cancellations_updated(1, 9)),
            shop.approve_cancellation("8", "key"),
            shop.reject_cancellation("8", "packed", "key"),
            list(shop.returns_updated(1, 9)),
            shop.approve_return("9", "APPROVE_REFUND", "key"),
            shop.reject_return("9", "REJECT_REFUND", "worn", "key"),
            shop.reject_reasons("9"),
            shop.set_webhook("ORDER_STATUS_CHANGE", "https://shop.test/hook"),
            shop.webhooks(),
        ]
    assert len(calls) == 35
    assert len(server.asked) >= 35
    for asked in server.asked:
        check(openapi, asked)
