"""Ship: the seller reports a carrier and a tracking number. Source: "Mark Package As Shipped", "Ship Package"."""

from __future__ import annotations

import re

from connector.sandbox.tiktok import errors
from connector.sandbox.tiktok.database import Json, next_id
from connector.sandbox.tiktok.errors import ApiError
from connector.sandbox.tiktok.fulfilment.rows import create_package, load_package, save_package
from connector.sandbox.tiktok.logistics import provider_name
from connector.sandbox.tiktok.orders.rows import Order, chosen_lines, load_order
from connector.sandbox.tiktok.orders.stock import settle_units
from connector.sandbox.tiktok.routes import route
from connector.sandbox.tiktok.world import Call

SCOPE = "seller.fulfillment.basic"
INVALID, NOT_SELLER, SHIPPED, BAD_TRACKING, NOT_SHIPPED, SEVERAL = (
    21001001,
    21011004,
    21011006,
    21011022,
    21011043,
    21011048,
)
TOO_OFTEN, TOO_LATE = 21011050, 21011051
TRACKING = re.compile(r"[A-Za-z0-9\-_./]{4,50}")


@route("POST", "/fulfillment/202610/orders/{order_id}/packages", scope=SCOPE)
def mark_as_shipped(call: Call, order_id: str) -> Json:
    """Body of 202610: `order_line_list`, `shipping_info_list` with one entry. Without lines, everything that has not shipped."""
    infos = call.items("shipping_info_list", most=1)
    return _mark(call, order_id, _line_ids(call), infos[0])


@route("POST", "/fulfillment/202309/orders/{order_id}/packages", scope=SCOPE)
def mark_as_shipped_202309(call: Call, order_id: str) -> Json:
    """The flat body of 202309."""
    return _mark(call, order_id, call.texts("order_line_item_ids", most=1000) or _line_ids(call), call.body)


def _line_ids(call: Call) -> list[str]:
    return [str(entry.get("order_line_id")) for entry in call.items("order_line_list", required=False)]


def _mark(call: Call, order_id: str, line_ids: list[str], info: Json) -> Json:
    order = load_order(call.tx, call.shop.id, order_id)
    _check_shippable(order)
    tracking, provider = tracking_of(call, info)
    if (
        not line_ids
        and len({line.get("package_id") for line in order.alive() if line["display_status"] == "AWAITING_SHIPMENT"}) > 1
    ):
        raise ApiError(SEVERAL, "The order has several packages: say which lines are shipped.")
    lines = chosen_lines(order, line_ids, INVALID)
    if not line_ids:
        lines = [line for line in lines if line["display_status"] == "AWAITING_SHIPMENT"]
    for line in lines:
        if line["display_status"] != "AWAITING_SHIPMENT":
            raise ApiError(SHIPPED, f"The line {line['id']} is {line['display_status']}.")
    package = _package_for(call, order, lines)
    _dispatch(call, order, package, lines, tracking, provider)
    return {
        "order_id": order.id,
        "order_line_item_ids": [line["id"] for line in lines],
        "package_id": package["package_id"],
    }


def _check_shippable(order: Order) -> None:
    if order.document["shipping_type"] != "SELLER":
        raise ApiError(NOT_SELLER, "The order is not shipped by the seller.")
    if order.status in {"AWAITING_COLLECTION", "IN_TRANSIT", "DELIVERED", "COMPLETED"}:
        raise ApiError(SHIPPED, f"The order is {order.status}: it has been shipped.")
    if order.status not in {"AWAITING_SHIPMENT", "PARTIALLY_SHIPPING"}:
        raise ApiError(INVALID, f"The order is {order.status} and must not be shipped.")


def _package_for(call: Call, order: Order, lines: list[Json]) -> Json:
    """The package that holds exactly these lines, or a new one for them."""
    ids = {line["package_id"] for line in lines if line.get("package_id")}
    if len(ids) == 1:
        package = load_package(call.tx, call.shop.id, next(iter(ids)))
        if set(package["order_line_item_ids"]) == {line["id"] for line in lines}:
            return package
    return create_package(call.world, call.tx, order, lines, "SPLIT")


def tracking_of(call: Call, info: Json) -> tuple[str, str]:
    """Tracking number and provider id, both checked."""
    tracking, provider = str(info.get("tracking_number") or ""), str(info.get("shipping_provider_id") or "")
    if not tracking:
        raise errors.missing("body", "tracking_number")
    if not provider:
        raise errors.missing("body", "shipping_provider_id")
    if not TRACKING.fullmatch(tracking):
        raise ApiError(BAD_TRACKING, "A tracking number has 4 to 50 letters, digits, or characters of - _ . /")
    if provider_name(call.shop, provider) is None:
        raise ApiError(BAD_TRACKING, f"The shipping provider {provider} is unknown for this delivery option.")
    return tracking, provider


def _dispatch(call: Call, order: Order, package: Json, lines: list[Json], tracking: str, provider: str) -> None:
    """The parcel is handed over: lines wait for the carrier, their units leave the committed stock."""
    set_tracking(call, order, package, tracking, provider, lines)
    package |= {"package_status": "PROCESSING", "shipped_time": call.now}
    settle_units(call.tx, lines, order.document["warehouse_id"], replenish=False)
    for line in lines:
        line |= {"display_status": "AWAITING_COLLECTION", "package_status": "PROCESSING", "rts_time": call.now}
    order.document["rts_time"] = call.now
    order.derive_status()
    save_package(call.world, call.tx, call.shop.id, package)
    order.save(call.world, call.tx)


def set_tracking(call: Call, order: Order, package: Json, tracking: str, provider: str, lines: list[Json]) -> None:
    name = provider_name(call.shop, provider) or ""
    package |= {"tracking_number": tracking, "shipping_provider_id": provider, "shipping_provider_name": name}
    for line in lines:
        line |= {"tracking_number": tracking, "shipping_provider_id": provider, "shipping_provider_name": name}
    order.document |= {"tracking_number": tracking, "shipping_provider_id": provider, "shipping_provider": name}


@route("POST", "/fulfillment/202309/packages/{package_id}/ship", scope=SCOPE)
def ship_package(call: Call, package_id: str) -> Json:
    _ship(call, package_id, call.body)
    return {}


@route("POST", "/fulfillment/202309/packages/ship", scope=SCOPE)
def ship_packages(call: Call) -> Json:
    """Packages are refused one by one."""
    refused = []
    for entry in call.items("packages", most=100):
        try:
            _ship(call, str(entry.get("id")), entry)
        except ApiError as error:
            refused.append(
                {"code": error.code, "message": error.message, "detail": {"package_id": str(entry.get("id"))}}
            )
    return {"errors": refused} if refused else {}


def _ship(call: Call, package_id: str, body: Json) -> None:
    package = load_package(call.tx, call.shop.id, package_id)
    if package["package_status"] != "TO_FULFILL":
        raise ApiError(SHIPPED, f"The package is {package['package_status']}.")
    orders = [load_order(call.tx, call.shop.id, number) for number in package["order_ids"]]
    if package["shipping_type"] == "SELLER":
        if not body.get("self_shipment"):
            raise errors.missing("body", "self_shipment")
        tracking, provider = tracking_of(call, body["self_shipment"])
    else:
        if body.get("handover_method", "DROP_OFF") not in {"PICKUP", "DROP_OFF"}:
            raise errors.invalid("body", "handover_method", "PICKUP or DROP_OFF is expected")
        package |= {
            "handover_method": body.get("handover_method", "DROP_OFF"),
            "pickup_slot": body.get("pickup_slot") or {},
        }
        tracking, provider = package["tracking_number"] or str(next_id(call.tx, "tracking")), ""
    for order in orders:
        if order.status not in {"AWAITING_SHIPMENT", "PARTIALLY_SHIPPING"}:
            raise ApiError(INVALID, f"The order {order.id} is {order.status} and must not be shipped.")
    for order in orders:
        lines = [line for line in order.alive() if line["id"] in package["order_line_item_ids"]]
        _dispatch(call, order, package, lines, tracking, provider)


@route("POST", "/fulfillment/202309/orders/{order_id}/shipping_info/update", scope=SCOPE)
def update_order_shipping(call: Call, order_id: str) -> Json:
    """For orders in one package, within three days after shipping."""
    order = load_order(call.tx, call.shop.id, order_id)
    ids = {line["package_id"] for line in order.alive() if line.get("package_id")}
    if len(ids) != 1:
        raise ApiError(SEVERAL, "The order has several packages: update each package.")
    return _update(call, load_package(call.tx, call.shop.id, next(iter(ids))), call.body)


@route("POST", "/fulfillment/202610/packages/{package_id}/shipping_info/update", scope=SCOPE)
def update_package_shipping(call: Call, package_id: str) -> Json:
    info = call.items("shipping_info_list", most=1)[0]
    return _update(call, load_package(call.tx, call.shop.id, package_id), info)


@route("POST", "/fulfillment/202309/packages/{package_id}/shipping_info/update", scope=SCOPE)
def update_package_shipping_202309(call: Call, package_id: str) -> Json:
    return _update(call, load_package(call.tx, call.shop.id, package_id), call.body)


def _update(call: Call, package: Json, info: Json) -> Json:
    if package["shipping_type"] != "SELLER":
        raise ApiError(NOT_SELLER, "The package is not shipped by the seller.")
    if package["package_status"] == "TO_FULFILL":
        raise ApiError(NOT_SHIPPED, "The package has not been shipped yet.")
    if package["package_status"] in {"COMPLETED", "CANCELLED"}:
        raise ApiError(21011030, f"The package is {package['package_status']}.")
    if package["updates"] >= call.options.shipping_update_count:
        raise ApiError(TOO_OFTEN, f"Shipping information can be updated {call.options.shipping_update_count} times.")
    if call.now - package["shipped_time"] > call.options.shipping_update_seconds:
        raise ApiError(TOO_LATE, "Shipping information can be updated within 72 hours after shipping.")
    tracking, provider = tracking_of(call, info)
    package["updates"] += 1
    for number in package["order_ids"]:
        order = load_order(call.tx, call.shop.id, number)
        lines = [line for line in order.lines if line["id"] in package["order_line_item_ids"]]
        set_tracking(call, order, package, tracking, provider, lines)
        order.save(call.world, call.tx)
    save_package(call.world, call.tx, call.shop.id, package)
    return {}
