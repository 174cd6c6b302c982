"""Magento's orders, shipments and cart lines as domain values. Ids may be text, money a number of any kind."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from connector.domain.order import CartItem, Customer, StoreOrder, StoreOrderItem, StoreShipment, Track


def amount(row: Mapping[str, Any], key: str) -> Decimal:
    """A number of the answer, exactly; absent and null are nothing."""
    value = row.get(key)
    return Decimal(0) if value is None or value == "" else Decimal(str(value))


def order(row: Mapping[str, Any]) -> StoreOrder:
    """One order object of `GET /V1/orders`."""
    payment = row.get("payment") or {}
    return StoreOrder(
        entity_id=int(row["entity_id"]),
        increment_id=str(row.get("increment_id") or ""),
        state=str(row.get("state") or ""),
        status=str(row.get("status") or ""),
        quote_id=_number(row.get("quote_id")),
        ext_order_id=str(row.get("ext_order_id") or ""),
        customer_email=str(row.get("customer_email") or ""),
        currency=str(row.get("order_currency_code") or ""),
        items=tuple(order_item(item) for item in row.get("items") or ()),
        grand_total=amount(row, "grand_total"),
        subtotal=amount(row, "subtotal"),
        shipping_amount=amount(row, "shipping_amount"),
        tax_amount=amount(row, "tax_amount"),
        discount_amount=amount(row, "discount_amount"),
        total_invoiced=amount(row, "total_invoiced"),
        total_refunded=amount(row, "total_refunded"),
        payment_entity_id=_number(payment.get("entity_id")),
        raw=row,
    )


def customer(row: Mapping[str, Any]) -> Customer:
    """One customer object of `GET /V1/customers/search` (section 6)."""
    return Customer(
        id=int(row["id"]),
        email=str(row["email"]),
        first_name=str(row.get("firstname") or ""),
        last_name=str(row.get("lastname") or ""),
        group_id=int(row.get("group_id") or 0),
        website_id=int(row.get("website_id") or 0),
    )


def order_item(row: Mapping[str, Any]) -> StoreOrderItem:
    """One line of an order; the child row of a configurable carries `parent_item_id`."""
    return StoreOrderItem(
        item_id=int(row["item_id"]),
        sku=str(row.get("sku") or ""),
        qty_ordered=amount(row, "qty_ordered"),
        qty_invoiced=amount(row, "qty_invoiced"),
        qty_shipped=amount(row, "qty_shipped"),
        qty_refunded=amount(row, "qty_refunded"),
        qty_canceled=amount(row, "qty_canceled"),
        price=amount(row, "price"),
        row_total=amount(row, "row_total"),
        tax_amount=amount(row, "tax_amount"),
        discount_amount=amount(row, "discount_amount"),
        parent_item_id=_number(row.get("parent_item_id")),
    )


def shipment(row: Mapping[str, Any]) -> StoreShipment:
    """One shipment object of `GET /V1/shipments`; its tracks oldest first."""
    pieces: defaultdict[int, Decimal] = defaultdict(Decimal)
    for item in row.get("items") or ():
        pieces[int(item["order_item_id"])] += amount(item, "qty")
    tracks = tuple(
        Track(
            number=str(track.get("track_number") or ""),
            title=str(track.get("title") or ""),
            carrier_code=str(track.get("carrier_code") or ""),
        )
        for track in sorted(row.get("tracks") or (), key=lambda track: int(track.get("entity_id") or 0))
    )
    return StoreShipment(
        entity_id=int(row["entity_id"]),
        increment_id=str(row.get("increment_id") or ""),
        order_id=int(row["order_id"]),
        items=dict(pieces),
        tracks=tracks,
        created_at=str(row.get("created_at") or ""),
    )


def cart_item(row: Mapping[str, Any]) -> CartItem:
    """One line of a cart."""
    kind = str(row.get("product_type") or "simple")
    return CartItem(int(row["item_id"]), str(row["sku"]), amount(row, "qty"), kind)


def _number(value: object) -> int | None:
    return None if value is None or value == "" else int(str(value))
