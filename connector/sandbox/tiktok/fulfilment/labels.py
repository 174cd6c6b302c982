"""Shipping with the marketplace's labels: services, packages, documents, slots. Source: "Create Packages" and its neighbours."""

from __future__ import annotations

from flask import Response

from connector.sandbox.tiktok import errors
from connector.sandbox.tiktok.database import Json, next_id
from connector.sandbox.tiktok.errors import ApiError
from connector.sandbox.tiktok.fulfilment.rows import create_package, load_package, move_lines, save_package
from connector.sandbox.tiktok.orders.rows import Order, chosen_lines, load_order
from connector.sandbox.tiktok.routes import route
from connector.sandbox.tiktok.world import Call

SCOPE = "seller.fulfillment.basic"
INVALID, NOT_MARKETPLACE, NO_SERVICE, NOT_SHIPPED = 21001001, 21011004, 21011037, 21011043
SHIP_WHOLE, SHIP_PART, SHIP_SEVERAL = "1", "2", "3"
DOCUMENT_TYPES = frozenset(
    {
        "SHIPPING_LABEL",
        "PACKING_SLIP",
        "SHIPPING_LABEL_AND_PACKING_SLIP",
        "SHIPPING_LABEL_PICTURE",
        "HAZMAT_LABEL",
        "INVOICE_LABEL",
    }
)
SERVICES = (
    ("7208502187360519001", "Ground", "5.10", 3, 6),
    ("7208502187360519002", "Two days", "11.40", 1, 2),
)
CARRIERS = {
    "US": ("7117858858072000001", "USPS"),
    "GB": ("7117858858072000013", "Evri"),
    "IE": ("7117858858072000021", "An Post"),
}
HOUR = 3600


def _services(call: Call) -> list[Json]:
    provider_id, provider = CARRIERS[call.shop.region]
    return [
        {
            "id": number,
            "name": f"{provider} {name}",
            "price": price,
            "currency": call.shop.currency,
            "earliest_delivery_days": early,
            "latest_delivery_days": late,
            "is_default": number == SERVICES[0][0],
            "shipping_provider_name": provider,
            "shipping_provider_id": provider_id,
        }
        for number, name, price, early, late in SERVICES
    ]


@route("POST", "/fulfillment/202309/orders/{order_id}/shipping_services/query", scope=SCOPE, writes=False)
def query_services(call: Call, order_id: str) -> Json:
    order = _order(call, order_id)
    wanted = call.texts("order_line_item_ids", most=1000)
    wanted = wanted or [str(entry.get("order_line_id")) for entry in call.items("order_line_list", required=False)]
    lines = chosen_lines(order, wanted, INVALID)
    shown: Json = {
        "order_id": order.id,
        "order_line_id": [line["id"] for line in lines],
        "shipping_services": _services(call),
    }
    return shown | {name: call.body[name] for name in ("weight", "dimension") if name in call.body}


def _order(call: Call, order_id: object) -> Order:
    order = load_order(call.tx, call.shop.id, order_id)
    if order.document["shipping_type"] != "TIKTOK":
        raise ApiError(NOT_MARKETPLACE, "The order is shipped by the seller: there is no label of the marketplace.")
    return order


@route("POST", "/fulfillment/202512/packages", "/fulfillment/202309/packages", scope=SCOPE)
def create_packages(call: Call) -> Json:
    """Buys a label: for a whole order (`ship_type` 1), a part of one (2) or several orders (3)."""
    kind = call.text("ship_type")
    orders, lines = _chosen(call, kind)
    services = {service["id"]: service for service in _services(call)}
    service = services.get(call.text("shipping_service_id", required=False) or SERVICES[0][0])
    if service is None:
        raise ApiError(NO_SERVICE, "No such shipping service was found.")
    for order, own in zip(orders, lines, strict=True):
        if order.status not in {"AWAITING_SHIPMENT", "PARTIALLY_SHIPPING"} or not own:
            raise ApiError(INVALID, f"The order {order.id} is {order.status}, or has no line left to ship.")
    package = create_package(
        call.world, call.tx, orders[0], lines[0], {"2": "SPLIT", "3": "COMBINE"}.get(kind, "DEFAULT")
    )
    package["order_ids"] = [order.id for order in orders]
    for order, own in zip(orders[1:], lines[1:], strict=True):
        move_lines(call.world, call.tx, order, own, package)
    size: Json = {name: call.body[name] for name in ("dimension", "weight") if name in call.body}
    package |= size | {
        "tracking_number": str(next_id(call.tx, "tracking")),
        "shipping_provider_id": service["shipping_provider_id"],
        "shipping_provider_name": service["shipping_provider_name"],
    }
    save_package(call.world, call.tx, call.shop.id, package)
    for order in orders:
        order.save(call.world, call.tx)
    shown = {key: value for key, value in service.items() if key != "is_default"}
    return {
        "package_id": package["package_id"],
        "create_time": package["create_time"],
        "shipping_service_info": shown,
        **size,
    }


def _chosen(call: Call, kind: str) -> tuple[list[Order], list[list[Json]]]:
    """The orders of the package and the lines of each that are still to ship."""
    if kind == SHIP_SEVERAL:
        orders = [_order(call, number) for number in call.texts("order_list_ids", most=50, required=True)]
    elif kind in {SHIP_WHOLE, SHIP_PART}:
        orders = [_order(call, call.text("order_id"))]
    else:
        raise errors.invalid("body", "ship_type", "1, 2 or 3 is expected")
    wanted = [str(entry.get("order_line_id")) for entry in call.items("order_line_item", required=kind == SHIP_PART)]
    lines = [chosen_lines(order, wanted if kind == SHIP_PART else [], INVALID) for order in orders]
    return orders, [[line for line in own if line["display_status"] == "AWAITING_SHIPMENT"] for own in lines]


@route("GET", "/fulfillment/202309/packages/{package_id}/handover_time_slots", scope=SCOPE)
def handover_slots(call: Call, package_id: str) -> Json:
    """`avaliable` is the wire's own spelling."""
    package = load_package(call.tx, call.shop.id, package_id)
    if package["shipping_type"] != "TIKTOK":
        raise ApiError(NOT_MARKETPLACE, "The package is shipped by the seller.")
    first = (call.now // HOUR + 24) * HOUR
    slots = [
        {"start_time": first + step, "end_time": first + step + 4 * HOUR, "avaliable": True} for step in (0, 24 * HOUR)
    ]
    return {
        "can_pickup": True,
        "can_drop_off": True,
        "can_van_collection": False,
        "drop_off_point_url": f"{call.base_url}/",
        "pickup_slots": slots,
    }


@route("GET", "/fulfillment/202309/packages/{package_id}/shipping_documents", scope=SCOPE)
def shipping_documents(call: Call, package_id: str) -> Json:
    """For labels of the marketplace, once they are bought."""
    package = load_package(call.tx, call.shop.id, package_id)
    kind = call.asked("document_type")
    if kind not in DOCUMENT_TYPES:
        raise errors.invalid("query", "document_type", f"{kind} is not a document type")
    if package["shipping_type"] != "TIKTOK":
        raise ApiError(NOT_MARKETPLACE, "The package is shipped by the seller: there is no label of the marketplace.")
    if not package["tracking_number"]:
        raise ApiError(NOT_SHIPPED, "The package has no label yet.")
    return {"doc_url": f"{call.base_url}/labels/{package_id}.pdf", "tracking_number": package["tracking_number"]}


def label_pdf(lines: list[str]) -> Response:
    """A label as a PDF of one A6 page with these lines of text."""
    shown = " ".join(f"({line.translate(str.maketrans('()' + chr(92), '   '))}) Tj 0 -22 Td" for line in lines)
    stream = f"BT /F1 14 Tf 20 380 Td {shown} ET".encode("latin-1", "replace")
    objects = [
        b"<</Type/Catalog/Pages 2 0 R>>",
        b"<</Type/Pages/Kids[3 0 R]/Count 1>>",
        b"<</Type/Page/Parent 2 0 R/MediaBox[0 0 298 420]/Contents 4 0 R/Resources<</Font<</F1 5 0 R>>>>>>",
        b"<</Length %d>>stream\n%s\nendstream" % (len(stream), stream),
        b"<</Type/Font/Subtype/Type1/BaseFont/Helvetica>>",
    ]
    body, places = b"%PDF-1.4\n", []
    for number, text in enumerate(objects, start=1):
        places.append(len(body))
        body += b"%d 0 obj%s endobj\n" % (number, text)
    table = b"".join(b"%010d 00000 n \n" % place for place in places)
    body += (
        b"xref\n0 6\n0000000000 65535 f \n"
        + table
        + b"trailer<</Size 6/Root 1 0 R>>\nstartxref\n%d\n%%%%EOF\n" % (len(body))
    )
    return Response(body, content_type="application/pdf")
