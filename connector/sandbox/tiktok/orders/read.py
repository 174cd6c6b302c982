"""Search, detail and price detail of orders. Source: "Get Order List", "Get Order Detail", "Get Price Detail"."""

from __future__ import annotations

from connector.sandbox.tiktok import errors
from connector.sandbox.tiktok.database import Json
from connector.sandbox.tiktok.images import picture_url
from connector.sandbox.tiktok.orders.money import cents, text
from connector.sandbox.tiktok.orders.rows import Order, load_order, order_of
from connector.sandbox.tiktok.paging import Page, Scan, page_size
from connector.sandbox.tiktok.routes import route
from connector.sandbox.tiktok.world import Call

SCOPE = "seller.order.info"
STATUSES = frozenset(
    {
        "UNPAID",
        "ON_HOLD",
        "AWAITING_SHIPMENT",
        "PARTIALLY_SHIPPING",
        "AWAITING_COLLECTION",
        "IN_TRANSIT",
        "DELIVERED",
        "COMPLETED",
        "CANCELLED",
    }
)
DETAIL_ONLY = {"payment_method_code": "CARD", "payment_card_type": "VISA", "payment_auth_code": ""}
# Shown in clear whoever ships.
PUBLIC_ADDRESS = frozenset({"district_info", "region_code"})


@route("POST", "/order/202309/orders/search", scope=SCOPE, writes=False)
def search_orders(call: Call) -> Json:
    size = page_size(call, most=100)
    sort, descending = sorting(call, call.options.order_sort_order)
    where, values = ["shop_id = ?"], [call.shop.id]
    status = call.text("order_status", required=False)
    if status:
        if status not in STATUSES:
            raise errors.invalid("body", "order_status", f"{status} is not an order status")
        where, values = [*where, "status = ?"], [*values, status]
    for name, column in (("shipping_type", "shipping_type"), ("buyer_user_id", "user_id")):
        if wanted := call.text(name, required=False):
            where, values = [*where, f"{column} = ?"], [*values, wanted]
    every: list[object] = [*values]
    if "is_buyer_request_cancel" in call.body:
        where, every = [*where, "wants_cancel = ?"], [*every, int(bool(call.body["is_buyer_request_cancel"]))]
    if places := call.texts("warehouse_ids", most=100):
        where, every = [*where, f"warehouse_id IN ({', '.join('?' * len(places))})"], [*every, *places]
    windows, moments = time_windows(call)
    scan = Scan('"order"', (*where, *windows), (*every, *moments), sort=sort, descending=descending)
    found, total, token = scan.run(call, size, Page(call, filters=[sort, descending]))
    return {"orders": [_listed(call, order_of(row)) for row in found], "total_count": total, **token}


def sorting(
    call: Call, default_order: str, fields: tuple[str, ...] = ("create_time", "update_time")
) -> tuple[str, bool]:
    """The column and whether the order is descending."""
    field, order = call.query.get("sort_field") or fields[0], call.query.get("sort_order") or default_order
    if field not in fields:
        raise errors.invalid("query", "sort_field", f"one of {', '.join(fields)} is expected")
    if order not in {"ASC", "DESC"}:
        raise errors.invalid("query", "sort_order", "ASC or DESC is expected")
    return field, order == "DESC"


def time_windows(call: Call) -> tuple[list[str], list[object]]:
    """`create_time_ge/lt`, `update_time_ge/lt` of the body as conditions."""
    where: list[str] = []
    values: list[object] = []
    for column in ("create_time", "update_time"):
        for suffix, sign in (("ge", ">="), ("lt", "<")):
            moment = call.moment(f"{column}_{suffix}")
            if moment is not None:
                where.append(f"{column} {sign} ?")
                values.append(moment)
    return where, values


@route("GET", "/order/202507/orders", "/order/202309/orders", scope=SCOPE)
def order_detail(call: Call) -> Json:
    ids = call.listed("ids", 50)
    return {"orders": [{**_listed(call, load_order(call.tx, call.shop.id, number)), **DETAIL_ONLY} for number in ids]}


def _listed(call: Call, order: Order) -> Json:
    """The order object of the wire."""
    shown = {key: value for key, value in order.document.items() if not key.startswith("_")}
    shown["line_items"] = [
        {**line, "sku_image": picture_url(call.base_url, line["sku_image"]) if line["sku_image"] else ""}
        for line in order.lines
    ]
    shown["recipient_address"] = shown_address(order)
    return shown


def shown_address(order: Order) -> Json:
    """In clear for seller shipping; masked when the marketplace ships; empty while nothing may ship, and once cancelled."""
    address: Json = order.private["address"]
    if order.status in {"UNPAID", "ON_HOLD", "CANCELLED"}:
        return {key: "" for key in address if key != "district_info"}
    if order.document["shipping_type"] == "SELLER":
        return address
    return {key: value if key in PUBLIC_ADDRESS else _masked(str(value)) for key, value in address.items()}


def _masked(value: str) -> str:
    return " ".join(word[:1] + "*" * (len(word) - 1) for word in value.split(" "))


@route("GET", "/order/202407/orders/{order_id}/price_detail", scope=SCOPE)
def price_detail(call: Call, order_id: str) -> Json:
    order = load_order(call.tx, call.shop.id, order_id)
    paid = order.document["payment"]
    shown = _prices(
        list_price=paid["original_total_product_price"],
        seller=paid["seller_discount"],
        platform=paid["platform_discount"],
        tax=paid["product_tax"],
    )
    return {
        "currency": paid["currency"],
        **shown,
        "total": paid["total_amount"],
        "payment": paid["total_amount"],
        "tax_amount": paid["tax"],
        "shipping_list_price": paid["original_shipping_fee"],
        "shipping_sale_price": paid["shipping_fee"],
        "shipping_fee_deduction_seller": paid["shipping_fee_seller_discount"],
        "shipping_fee_deduction_platform": paid["shipping_fee_platform_discount"],
        "line_items": [_line_prices(line) for line in order.lines],
    }


def _line_prices(line: Json) -> Json:
    tax = next(iter(line.get("item_tax", [])), {"tax_amount": "0.00", "tax_rate": "0"})
    shown = _prices(
        list_price=line["original_price"],
        seller=line["seller_discount"],
        platform=line["platform_discount"],
        tax=tax["tax_amount"],
    )
    total = text(cents(line["sale_price"]) + cents(tax["tax_amount"]))
    return {
        "id": line["id"],
        "currency": line["currency"],
        **shown,
        "total": total,
        "payment": total,
        "tax_rate": tax["tax_rate"],
    }


def _prices(*, list_price: str, seller: str, platform: str, tax: str) -> Json:
    subtotal = text(cents(list_price) - cents(seller) - cents(platform))
    return {
        "sku_list_price": list_price,
        "sku_sale_price": subtotal,
        "subtotal": subtotal,
        "subtotal_deduction_seller": seller,
        "subtotal_deduction_platform": platform,
        "subtotal_tax_amount": tax,
        "tax_amount": tax,
        "voucher_deduction_seller": "0.00",
        "voucher_deduction_platform": "0.00",
        "net_price_amount": subtotal,
    }
