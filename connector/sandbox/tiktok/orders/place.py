"""A buyer places an order (through the control API)."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Mapping
from typing import Any

from connector.sandbox.tiktok.database import Json, next_id
from connector.sandbox.tiktok.orders import money
from connector.sandbox.tiktok.orders.lifecycle import pay
from connector.sandbox.tiktok.orders.rows import Order
from connector.sandbox.tiktok.orders.stock import commit_unit
from connector.sandbox.tiktok.products import rows as products
from connector.sandbox.tiktok.shops import Shop
from connector.sandbox.tiktok.timers import schedule
from connector.sandbox.tiktok.world import World

DAY = 86_400
BUYERS: dict[str, Json] = {
    "US": {
        "name": "Jordan Ellery",
        "first_name": "Jordan",
        "last_name": "Ellery",
        "phone_number": "(+1)5035550142",
        "address_line1": "1840 Alder Street",
        "address_line2": "Apt 6",
        "postal_code": "97205",
        "region_code": "US",
        "districts": [
            ("Country", "United States", "US"),
            ("State", "Oregon", "OR"),
            ("County", "Multnomah", ""),
            ("City", "Portland", ""),
        ],
    },
    "GB": {
        "name": "Morgan Ashby",
        "first_name": "Morgan",
        "last_name": "Ashby",
        "phone_number": "(+44)7700900142",
        "address_line1": "14 Chapel Walk",
        "address_line2": "",
        "postal_code": "BS1 6TH",
        "region_code": "GB",
        "post_town": "Bristol",
        "districts": [
            ("Country", "United Kingdom", "GB"),
            ("Nation", "England", ""),
            ("County", "Bristol", ""),
            ("City", "Bristol", ""),
        ],
    },
    "IE": {
        "name": "Robin Farrell",
        "first_name": "Robin",
        "last_name": "Farrell",
        "phone_number": "(+353)851234567",
        "address_line1": "21 Harbour View",
        "address_line2": "",
        "postal_code": "H91 YP0D",
        "region_code": "IE",
        "districts": [
            ("Country", "Ireland", "IE"),
            ("County", "County Galway", ""),
            ("City", "Galway", ""),
        ],
    },
}


def place_order(world: World, tx: sqlite3.Connection, shop: Shop, wanted: Mapping[str, Any]) -> str:
    """Answers the order id. Raises ValueError with a sentence when a real buyer could not place it, or `wanted` is wrong.

    `wanted`: `lines [{sku_id | seller_sku, quantity, tax}]` (`tax` per unit), `hold`, `unpaid`, `force`, `seller_discount`,
    `platform_discount`, `shipping_fee`, `shipping_fee_seller_discount`, `shipping_fee_platform_discount`, `shipping_fee_tax`,
    `retail_delivery_fee`, `tax_rate`, `shipping_type`, `buyer`, `buyer_message`, `warehouse_id`.
    """
    shipping_type = str(wanted.get("shipping_type", "SELLER"))
    if shipping_type not in {"SELLER", "TIKTOK"}:
        raise ValueError("shipping_type must be SELLER or TIKTOK.")
    skus: list[tuple[sqlite3.Row, int | None]] = []
    for line in wanted.get("lines") or []:
        sku = _find_sku(tx, shop, line, force=bool(wanted.get("force")))
        tax = money.cents(line["tax"]) if "tax" in line else None
        skus += [(sku, tax)] * int(line.get("quantity", 1))
    if not skus:
        raise ValueError("lines must name at least one unit of a SKU.")
    warehouse_id = str(wanted.get("warehouse_id") or _warehouse(tx, shop, skus, force=bool(wanted.get("force"))))
    order = Order(shop.id, _document(world, tx, shop, wanted, shipping_type, warehouse_id))
    units = money.price_units(
        [money.cents(sku["amount"]) for sku, _ in skus], [tax for _, tax in skus], wanted, shop.region
    )
    order.document["payment"] = money.payment(units, wanted, shop.currency)
    order.document["line_items"] = [
        _line(tx, sku, unit, shop.currency) for (sku, _), unit in zip(skus, units, strict=True)
    ]
    for sku, _ in skus:
        commit_unit(tx, sku["id"], warehouse_id)
    order.save(world, tx)
    if wanted.get("unpaid"):
        schedule(tx, "unpaid", order.id, world.clock.now() + world.options.unpaid_seconds)
    else:
        pay(world, tx, order, hold=bool(wanted.get("hold")))
    return order.id


def _find_sku(tx: sqlite3.Connection, shop: Shop, line: Mapping[str, Any], *, force: bool) -> sqlite3.Row:
    if line.get("sku_id"):
        found = tx.execute(
            "SELECT * FROM sku WHERE id = ? AND shop_id = ? AND state = 'live'", (int(line["sku_id"]), shop.id)
        )
    else:
        found = tx.execute(
            "SELECT sku.* FROM sku JOIN product ON product.id = product_id WHERE sku.shop_id = ? AND seller_sku = ?"
            " AND state = 'live' ORDER BY status = 'ACTIVATE' DESC, sku.id DESC",
            (shop.id, str(line.get("seller_sku"))),
        )
    sku: sqlite3.Row | None = found.fetchone()
    if sku is None:
        raise ValueError(f"There is no SKU {line.get('sku_id') or line.get('seller_sku')!r} in this shop.")
    status = tx.execute("SELECT status FROM product WHERE id = ?", (sku["product_id"],)).fetchone()["status"]
    if status != "ACTIVATE" and not force:
        raise ValueError(f"The product of the SKU {sku['seller_sku']!r} is {status}, so no buyer can order it.")
    return sku


def _warehouse(tx: sqlite3.Connection, shop: Shop, skus: list[tuple[sqlite3.Row, int | None]], *, force: bool) -> str:
    """The first warehouse that has every unit."""
    needed: dict[int, int] = {}
    for sku, _ in skus:
        needed[sku["id"]] = needed.get(sku["id"], 0) + 1
    stock = {
        number: {row["warehouse_id"]: row["available"] for row in products.stock_of(tx, number)} for number in needed
    }
    for place in sorted(shop.sales_warehouses, key=lambda place: not place.is_default):
        if all(stock[number].get(place.id, 0) >= count for number, count in needed.items()):
            return place.id
    if force:
        return shop.default_warehouse.id
    raise ValueError("There is not enough sellable stock in one warehouse for this order.")


def _document(
    world: World, tx: sqlite3.Connection, shop: Shop, wanted: Mapping[str, Any], shipping_type: str, place: str
) -> Json:
    now, user = world.now(), next_id(tx, "user")
    option = shop.delivery_option(shipping_type)
    buyer = {**BUYERS[shop.region], **(wanted.get("buyer") or {})}
    return {
        "id": str(next_id(tx, "order")),
        "status": "UNPAID",
        "create_time": now,
        "update_time": now,
        "user_id": str(user),
        "buyer_email": f"v4b{user % 10**12}@scs.tiktokw.us",
        "buyer_nickname": str(buyer.get("nickname", f"buyer_{user % 10**5}")),
        "buyer_message": str(wanted.get("buyer_message", "")),
        "seller_note": "",
        "order_type": "NORMAL",
        "commerce_platform": "TIKTOK_SHOP",
        "is_cod": False,
        "is_sample_order": False,
        "is_replacement_order": bool(wanted.get("replaced_order_id")),
        "is_exchange_order": False,
        "is_on_hold_order": False,
        "is_subscription_order": False,
        "is_buyer_request_cancel": False,
        "has_updated_recipient_address": False,
        "fulfillment_type": "FULFILLMENT_BY_SELLER",
        "shipping_type": shipping_type,
        "delivery_type": "HOME_DELIVERY",
        "delivery_option_id": option.id,
        "delivery_option_name": option.name,
        "warehouse_id": place,
        "payment_method_name": "Card",
        "packages": [],
        "rts_sla_time": now + 3 * DAY,
        "tts_sla_time": now + 4 * DAY,
        "cancel_order_sla_time": now + 6 * DAY,
        "shipping_due_time": now + 6 * DAY,
        **({"replaced_order_id": wanted["replaced_order_id"]} if wanted.get("replaced_order_id") else {}),
        "_private": {"address": address_of(buyer)},
    }


def address_of(buyer: Mapping[str, Any]) -> Json:
    """The object `recipient_address` of a buyer, in clear."""
    address = {
        key: str(buyer.get(key, ""))
        for key in ("name", "first_name", "last_name", "phone_number", "address_line1", "address_line2")
    }
    address |= {"address_line3": "", "address_line4": "", "postal_code": str(buyer["postal_code"])}
    address["region_code"] = str(buyer["region_code"])
    if buyer.get("post_town"):
        address["post_town"] = str(buyer["post_town"])
    lines = [address["address_line1"], address["address_line2"]]
    address["address_detail"] = " ".join(line for line in lines if line)
    names = [name for _, name, _ in buyer["districts"]]
    address["full_address"] = ", ".join([*names, address["address_detail"], address["postal_code"]])
    shown: Json = dict(address)
    shown["district_info"] = [
        {
            "address_level": f"L{level}",
            "address_level_name": kind,
            "address_name": name,
            **({"iso_code": code} if code else {}),
        }
        for level, (kind, name, code) in enumerate(buyer["districts"])
    ]
    return shown


def _line(tx: sqlite3.Connection, sku: sqlite3.Row, unit: money.Unit, currency: str) -> Json:
    product = tx.execute("SELECT title, content FROM product WHERE id = ?", (sku["product_id"],)).fetchone()
    detail = json.loads(sku["detail"])
    attributes = detail.get("sales_attributes", [])
    own = next((entry["sku_img"]["uri"] for entry in attributes if entry.get("sku_img")), "")
    images = json.loads(product["content"]).get("main_images", [])
    return {
        "id": str(next_id(tx, "line")),
        "sku_id": str(sku["id"]),
        "product_id": str(sku["product_id"]),
        "product_name": product["title"],
        "sku_name": ", ".join(entry["value_name"] for entry in attributes) or "Default",
        "seller_sku": sku["seller_sku"],
        "sku_image": own or (images[0]["uri"] if images else ""),
        **unit.on_the_wire(currency),
        "display_status": "UNPAID",
        "sku_type": "NORMAL",
        "is_gift": False,
    }
