"""References to orders of other systems. Source: "Add External Order References"."""

from __future__ import annotations

import json

from connector.sandbox.tiktok import errors
from connector.sandbox.tiktok.database import Json, dumps
from connector.sandbox.tiktok.errors import ApiError
from connector.sandbox.tiktok.orders.rows import load_order
from connector.sandbox.tiktok.routes import route
from connector.sandbox.tiktok.world import Call

SCOPE = "seller.order.info"
PLATFORMS = frozenset(
    {
        "SHOPIFY",
        "WOOCOMMERCE",
        "BIGCOMMERCE",
        "MAGENTO",
        "SALESFORCE_COMMERCE_CLOUD",
        "CHANNEL_ADVISOR",
        "AMAZON",
        "ORDER_MANAGEMENT_SYSTEM",
        "WAREHOUSE_MANAGEMENT_SYSTEM",
        "ERP_SYSTEM",
    }
)
UNKNOWN_LINE = 21001001


@route("POST", "/order/202406/orders/external_orders", scope=SCOPE)
def add_external_orders(call: Call) -> Json:
    """At most 100; a second post replaces the first. Refused one by one, with codes as text."""
    refused = []
    for entry in call.items("orders", most=100):
        external = entry.get("external_order") or {}
        try:
            _write(call, str(entry.get("id")), external)
        except ApiError as error:
            detail = {
                "order_id": str(entry.get("id")),
                "external_order": {"id": str(external.get("id", "")), "platform": str(external.get("platform", ""))},
            }
            refused.append({"code": str(error.code), "message": error.message, "detail": detail})
    return {"errors": refused} if refused else {}


def _write(call: Call, order_id: str, external: Json) -> None:
    order = load_order(call.tx, call.shop.id, order_id)
    if not external.get("id") or external.get("platform") not in PLATFORMS:
        raise errors.invalid("body", "external_order", "an id and a known platform are expected")
    lines = external.get("line_items") or []
    for line in lines:
        if order.line(str(line.get("origin_id"))) is None:
            raise ApiError(UNKNOWN_LINE, f"The order {order_id} has no line {line.get('origin_id')}.")
    call.tx.execute(
        "INSERT INTO external_order VALUES (?, ?, ?, ?, ?) ON CONFLICT (order_id, platform) DO UPDATE SET"
        " external_id = excluded.external_id, document = excluded.document",
        (int(order_id), external["platform"], str(external["id"]), call.shop.id, dumps(external)),
    )


@route("GET", "/order/202406/orders/{order_id}/external_orders", scope=SCOPE)
def external_orders(call: Call, order_id: str) -> Json:
    load_order(call.tx, call.shop.id, order_id)
    found = call.tx.execute(
        "SELECT document FROM external_order WHERE order_id = ? AND platform = ?", (int(order_id), _platform(call))
    ).fetchall()
    return {"external_orders": [json.loads(row["document"]) for row in found]}


@route("POST", "/order/202406/orders/external_order_search", scope=SCOPE, writes=False)
def search_external_order(call: Call) -> Json:
    found = call.tx.execute(
        "SELECT order_id, document FROM external_order WHERE shop_id = ? AND platform = ? AND external_id = ?",
        (call.shop.id, _platform(call), call.asked("external_order_id")),
    ).fetchall()
    return {"orders": [{"id": str(row["order_id"]), "external_order": json.loads(row["document"])} for row in found]}


def _platform(call: Call) -> str:
    platform = call.asked("platform")
    if platform not in PLATFORMS:
        raise errors.invalid("query", "platform", f"{platform} is not a platform")
    return platform
