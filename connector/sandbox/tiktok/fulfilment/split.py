"""Split orders into packages; tracking events. Source: "Split Orders", "Get Order Split Attributes", "Get Tracking"."""

from __future__ import annotations

from connector.sandbox.tiktok.database import Json
from connector.sandbox.tiktok.errors import ApiError
from connector.sandbox.tiktok.fulfilment.rows import create_package, tell_packages
from connector.sandbox.tiktok.orders.rows import Order, chosen_lines, load_order
from connector.sandbox.tiktok.routes import route
from connector.sandbox.tiktok.world import Call

SCOPE = "seller.fulfillment.basic"
CANNOT_SPLIT = 21001001


@route("GET", "/fulfillment/202309/orders/split_attributes", scope=SCOPE)
def split_attributes(call: Call) -> Json:
    shown = []
    for number in call.listed("order_ids", 50):
        order = load_order(call.tx, call.shop.id, number)
        why = _why_not(order)
        shown.append(
            {"order_id": order.id, "can_split": not why, "must_split": False, "must_split_reasons": []}
            | ({"reason": why} if why else {})
        )
    return {"split_attributes": shown}


def _why_not(order: Order) -> str:
    if order.status != "AWAITING_SHIPMENT":
        return f"The order is {order.status}."
    if len(order.alive()) < 2:
        return "The order has one line."
    return ""


@route("POST", "/fulfillment/202309/orders/{order_id}/split", scope=SCOPE)
def split_order(call: Call, order_id: str) -> Json:
    """Every line goes into exactly one group; each group becomes a package with a new id."""
    order = load_order(call.tx, call.shop.id, order_id)
    if why := _why_not(order):
        raise ApiError(CANNOT_SPLIT, f"The order cannot be split. {why}")
    groups = _groups(call)
    named = [number for _, numbers in groups for number in numbers]
    if len(groups) < 2 or len(named) != len(set(named)) or set(named) != {line["id"] for line in order.alive()}:
        raise ApiError(CANNOT_SPLIT, "Every line must be in exactly one of at least two groups.")
    packages = []
    for _, numbers in groups:
        lines = chosen_lines(order, numbers, CANNOT_SPLIT)
        packages.append(create_package(call.world, call.tx, order, lines, "SPLIT"))
    order.document["split_or_combine_tag"] = "SPLIT"
    order.save(call.world, call.tx)
    tell_packages(call.world, call.tx, call.shop.id, "SPLIT", packages)
    return {
        "packages": [
            {"splittable_group_id": group_id, "id": package["package_id"]}
            for (group_id, _), package in zip(groups, packages, strict=True)
        ]
    }


def _groups(call: Call) -> list[tuple[str, list[str]]]:
    newer = call.items("splittable_groups_v2", required=False)
    if newer:
        return [
            (str(group.get("id")), [str(line.get("order_line_id")) for line in group.get("order_line_list") or []])
            for group in newer
        ]
    return [
        (str(group.get("id")), [str(number) for number in group.get("order_line_item_ids") or []])
        for group in call.items("splittable_groups")
    ]


@route("GET", "/fulfillment/202309/orders/{order_id}/tracking", scope=SCOPE)
def order_tracking(call: Call, order_id: str) -> Json:
    """Newest first. Times in milliseconds."""
    document = load_order(call.tx, call.shop.id, order_id).document
    steps = (
        ("delivery_time", "Delivered.", 4),
        ("collection_time", "The carrier has the parcel.", 3),
        ("rts_time", "The seller has handed the parcel over.", 2),
        ("paid_time", "The order was paid.", 1),
    )
    return {
        "tracking": [
            {"description": words, "update_time_millis": document[name] * 1000, "action_code": code}
            for name, words, code in steps
            if document.get(name)
        ]
    }
