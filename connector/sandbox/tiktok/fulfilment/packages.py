"""Read packages, combine and uncombine them. Source: "Get Package Detail", "Search Package", "Combine Package"."""

from __future__ import annotations

import json
import sqlite3
from typing import Any

from connector.sandbox.tiktok import errors
from connector.sandbox.tiktok.database import Json
from connector.sandbox.tiktok.errors import ApiError
from connector.sandbox.tiktok.fulfilment.rows import (
    SUB_STATUS,
    create_package,
    load_package,
    move_lines,
    save_package,
    tell_packages,
)
from connector.sandbox.tiktok.images import picture_url
from connector.sandbox.tiktok.orders.read import shown_address, sorting, time_windows
from connector.sandbox.tiktok.orders.rows import Order, load_order
from connector.sandbox.tiktok.paging import Page, Scan, page_size
from connector.sandbox.tiktok.routes import route
from connector.sandbox.tiktok.world import Call

SCOPE = "seller.fulfillment.basic"
STATUSES = frozenset({"TO_FULFILL", "PROCESSING", "FULFILLING", "COMPLETED", "CANCELLED"})
CANNOT_COMBINE = 21001001
PLACE = (
    "full_address",
    "phone_number",
    "postal_code",
    "region_code",
    "address_line1",
    "address_line2",
    "address_line3",
    "address_line4",
)


@route("GET", "/fulfillment/202309/packages/{package_id}", scope=SCOPE)
def get_package(call: Call, package_id: str) -> Json:
    package = load_package(call.tx, call.shop.id, package_id)
    orders = [load_order(call.tx, call.shop.id, number) for number in package["order_ids"]]
    hidden = {"order_ids", "paid_time", "shipped_time", "updates", "ship_type"}
    shown = {key: value for key, value in package.items() if key not in hidden and value != {}}
    sender = next(place for place in call.shop.warehouses if place.id == package["warehouse_id"]).address
    return shown | {
        "orders": _orders(call, package, orders),
        "package_sub_status": SUB_STATUS[package["package_status"]],
        "has_multi_skus": len({line["sku_id"] for order in orders for line in _lines(package, order)}) > 1,
        "recipient_address": _short_address(shown_address(orders[0])),
        "sender_address": {**{name: sender[name] for name in PLACE}, "name": sender["contact_person"]},
    }


def _short_address(address: Json) -> Json:
    return {name: address.get(name, "") for name in (*PLACE, "name", "address_detail")}


def _lines(package: Json, order: Order) -> list[Json]:
    return [line for line in order.lines if line["id"] in package["order_line_item_ids"]]


def _orders(call: Call, package: Json, orders: list[Order]) -> list[Json]:
    shown = []
    for order in orders:
        skus: dict[str, Json] = {}
        for line in _lines(package, order):
            image = picture_url(call.base_url, line["sku_image"]) if line["sku_image"] else ""
            fresh = {"id": line["sku_id"], "name": line["product_name"], "image_url": image, "quantity": 0}
            skus.setdefault(line["sku_id"], fresh)["quantity"] += 1
        shown.append({"id": order.id, "skus": list(skus.values())})
    return shown


@route("POST", "/fulfillment/202309/packages/search", scope=SCOPE, writes=False)
def search_packages(call: Call) -> Json:
    size = page_size(call, most=50)
    sort, descending = sorting(call, "DESC", ("create_time", "update_time", "order_pay_time"))
    where, values = ["shop_id = ?"], [call.shop.id]
    if status := call.text("package_status", required=False):
        if status not in STATUSES:
            raise errors.invalid("body", "package_status", f"{status} is not a package status")
        where, values = [*where, "status = ?"], [*values, status]
    windows, moments = time_windows(call)
    scan = Scan("package", (*where, *windows), (*values, *moments), sort=sort, descending=descending)
    found, total, token = scan.run(call, size, Page(call, filters=[sort, descending]))
    return {"packages": [_found(call, row) for row in found], "total_count": total, **token}


def _found(call: Call, row: sqlite3.Row) -> Json:
    package = json.loads(row["document"])
    orders = [load_order(call.tx, call.shop.id, number) for number in package["order_ids"]]
    names = (
        "tracking_number",
        "shipping_provider_name",
        "shipping_provider_id",
        "order_line_item_ids",
        "create_time",
        "update_time",
    )
    return {
        "id": package["package_id"],
        "orders": _orders(call, package, orders),
        "status": package["package_status"],
        **{name: package[name] for name in names},
    }


@route("GET", "/fulfillment/202309/combinable_packages/search", scope=SCOPE)
def search_combinable(call: Call) -> Json:
    """Packages that wait to be shipped to one buyer's address from one warehouse."""
    size = page_size(call, most=50)
    groups = [group for group in _combinable(call).values() if len(group) > 1]
    page = Page(call, filters=[])
    start = int(page.after[0]) if page.after else 0
    shown = [
        {"id": group[0]["package_id"], "order_ids": [number for package in group for number in package["order_ids"]]}
        for group in groups
    ]
    following = page.following(len(shown) > start + size, [start + size])
    return {"combinable_packages": shown[start : start + size], "total_count": len(shown), **following}


def _combinable(call: Call) -> dict[tuple[str, ...], list[Json]]:
    found: dict[tuple[str, ...], list[Json]] = {}
    waiting = call.tx.execute(
        "SELECT document FROM package WHERE shop_id = ? AND status = 'TO_FULFILL' ORDER BY id DESC LIMIT 1000",
        (call.shop.id,),
    )
    for row in waiting:
        package = json.loads(row["document"])
        order = load_order(call.tx, call.shop.id, package["order_ids"][0])
        if order.status == "AWAITING_SHIPMENT":
            address = order.private["address"]
            key = (address["full_address"], address["name"], package["warehouse_id"], package["shipping_type"])
            found.setdefault(key, []).append(package)
    return found


@route("POST", "/fulfillment/202309/packages/combine", scope=SCOPE)
def combine_packages(call: Call) -> Json:
    """Each entry names a group (its first package's id) and, if not all, the orders to put together. New package ids appear."""
    done, refused = [], []
    for entry in call.items("combinable_packages", most=50):
        try:
            done.append(_combine(call, str(entry.get("id")), [str(number) for number in entry.get("order_ids") or []]))
        except ApiError as error:
            refused.append(
                {"code": error.code, "message": error.message, "detail": {"package_id": str(entry.get("id"))}}
            )
    tell_packages(call.world, call.tx, call.shop.id, "COMBINE", done)
    answer: Json = {"packages": [{"id": package["package_id"], "order_ids": package["order_ids"]} for package in done]}
    return answer | ({"errors": refused} if refused else {})


def _combine(call: Call, group_id: str, order_ids: list[str]) -> Json:
    load_package(call.tx, call.shop.id, group_id)
    group = next(
        (members for members in _combinable(call).values() if group_id in {p["package_id"] for p in members}), []
    )
    members = [package for package in group if not order_ids or set(package["order_ids"]) <= set(order_ids)]
    if len(members) < 2 or (order_ids and {number for p in members for number in p["order_ids"]} != set(order_ids)):
        raise ApiError(CANNOT_COMBINE, "These orders cannot be combined.")
    numbers = list(dict.fromkeys(number for package in members for number in package["order_ids"]))
    orders = [load_order(call.tx, call.shop.id, number) for number in numbers]
    taken = {number for package in members for number in package["order_line_item_ids"]}
    lines = [[line for line in order.alive() if line["id"] in taken] for order in orders]
    package = create_package(call.world, call.tx, orders[0], lines[0], "COMBINE")
    package["order_ids"] = numbers
    for order, own in zip(orders[1:], lines[1:], strict=True):
        move_lines(call.world, call.tx, order, own, package)
    _save(call, package, orders, "COMBINED")
    return package


@route("POST", "/fulfillment/202309/packages/{package_id}/uncombine", scope=SCOPE)
def uncombine_package(call: Call, package_id: str) -> Json:
    """Take orders (all without a list) out of a combined package; each gets a package of its own."""
    package = load_package(call.tx, call.shop.id, package_id)
    wanted = call.texts("order_ids", most=1000) or package["order_ids"]
    if (
        len(package["order_ids"]) < 2
        or not set(wanted) <= set(package["order_ids"])
        or package["package_status"] != "TO_FULFILL"
    ):
        raise ApiError(CANNOT_COMBINE, "The package does not combine these orders, or it has been shipped.")
    done = []
    for number in wanted:
        order = load_order(call.tx, call.shop.id, number)
        package = load_package(call.tx, call.shop.id, package_id)
        package["order_ids"] = [other for other in package["order_ids"] if other != number]
        save_package(call.world, call.tx, call.shop.id, package)
        fresh = create_package(call.world, call.tx, order, _lines(package, order))
        _save(call, fresh, [order], None)
        done.append(fresh)
    tell_packages(call.world, call.tx, call.shop.id, "CANCEL_COMBINE", done)
    return {"packages": [{"id": fresh["package_id"], "order_ids": fresh["order_ids"]} for fresh in done]}


def _save(call: Call, package: Json, orders: list[Order], tag: str | None) -> None:
    save_package(call.world, call.tx, call.shop.id, package)
    for order in orders:
        tagged: dict[str, Any] = {"split_or_combine_tag": tag} if tag else {}
        order.document.pop("split_or_combine_tag", None)
        order.document |= tagged
        order.save(call.world, call.tx)
