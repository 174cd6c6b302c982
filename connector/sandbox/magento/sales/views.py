"""Orders as the REST API shows them."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from connector.sandbox.magento.sales.rows import TABLES, Row, by_parents, present, wire
from connector.sandbox.magento.sales.state import ZERO, amount

# Columns that the shop keeps but its order interface does not have: neither shown nor accepted.
HIDDEN = frozenset(
    [
        "shipping_method",
        "coupon_rule_name",
        "send_email",
        "shipping_address_id",
        "applied_taxes",
        "item_applied_taxes",
        "taxes",
        "product_options",
        "itemized_taxes",
    ]
)
ORDER_FIELDS = tuple(name for name in TABLES["sales_order"].kinds if name not in HIDDEN)
ITEM_FIELDS = tuple(name for name in TABLES["sales_order_item"].kinds if name not in HIDDEN)
ADDRESS_FIELDS = tuple(TABLES["sales_order_address"].kinds)
PAYMENT_FIELDS = tuple(TABLES["sales_order_payment"].kinds)
HISTORY_FIELDS = tuple(TABLES["sales_order_status_history"].kinds)
ORDER_ALWAYS = ("base_grand_total", "customer_email", "grand_total", "total_due", "base_total_due")
ADDRESS_ALWAYS = ("address_type", "city", "country_id", "firstname", "lastname", "postcode", "telephone")
SHIPPING_TOTALS = tuple(name for name in ORDER_FIELDS if name.startswith(("shipping_", "base_shipping_")))
SHIPPING_TOTALS = tuple(name for name in SHIPPING_TOTALS if name != "shipping_description")


def orders_in_full(db: sqlite3.Connection, orders: Sequence[Row]) -> list[Row]:
    """Orders with everything that belongs to them, as GET and the search show them."""
    keys = [order["entity_id"] for order in orders]
    parts = {
        table: by_parents(db, table, column, keys)
        for table, column in (
            ("sales_order_item", "order_id"),
            ("sales_order_address", "parent_id"),
            ("sales_order_payment", "parent_id"),
            ("sales_order_status_history", "parent_id"),
        )
    }
    return [_in_full(order, {name: found[order["entity_id"]] for name, found in parts.items()}) for order in orders]


def _in_full(order: Row, parts: Mapping[str, list[Row]]) -> Row:
    items = items_view(parts["sales_order_item"], with_taxes=True)
    answer = order_view(order) | {"items": items}
    answer |= parts_view(order, parts)
    answer["extension_attributes"] = {
        "shipping_assignments": [{"shipping": _shipping(order, parts["sales_order_address"]), "items": items}],
        "payment_additional_info": payment_info(first(parts["sales_order_payment"])),
        "applied_taxes": order["applied_taxes"] or [],
        "item_applied_taxes": order["item_applied_taxes"] or [],
        "converting_from_quote": False,
        "taxes": order["taxes"] or [],
        "additional_itemized_taxes": [],
    }
    return answer


def order_view(values: Mapping[str, Any]) -> Row:
    """The order's own fields; `values` may be a part of a row. What is due is always computed."""
    due = {
        f"{prefix}total_due": max(amount(values, f"{prefix}grand_total") - amount(values, f"{prefix}total_paid"), ZERO)
        for prefix in ("", "base_")
    }
    return present({**values, **due}, ORDER_FIELDS, ORDER_ALWAYS)


def parts_view(order: Mapping[str, Any], parts: Mapping[str, list[Row]]) -> Row:
    """Billing address, payment and comments, as an answer carries them beside the order's own fields."""
    answer: Row = {}
    billing = next((a for a in parts["sales_order_address"] if a["entity_id"] == order.get("billing_address_id")), None)
    if billing is not None:
        answer["billing_address"] = address_view(billing)
    payment = first(parts["sales_order_payment"])
    if payment is not None:
        answer["payment"] = payment_view(payment)
    answer["status_histories"] = [history_view(one) for one in reversed(parts["sales_order_status_history"])]
    return answer


def first(rows: Sequence[Row]) -> Row | None:
    return rows[0] if rows else None


def items_view(items: Sequence[Row], *, with_taxes: bool = False) -> list[Row]:
    views = {item["item_id"]: item_view(item) for item in items}
    for item in items:
        if with_taxes:
            views[item["item_id"]]["extension_attributes"] = {"itemized_taxes": item["itemized_taxes"] or []}
    for item in items:
        if item["parent_item_id"] in views:
            views[item["item_id"]]["parent_item"] = views[item["parent_item_id"]]
    return list(views.values())


def item_view(values: Mapping[str, Any]) -> Row:
    """An order item. Row totals are net of discount in answers, whatever is stored; `values` may be a part of a row."""
    shown = dict(values)
    if shown.get("original_price") is None:
        shown["original_price"] = shown.get("price")
    for prefix in ("", "base_"):
        net = amount(values, f"{prefix}row_total") - amount(values, f"{prefix}discount_amount")
        tax = amount(values, f"{prefix}tax_amount") + amount(values, f"{prefix}discount_tax_compensation_amount")
        shown[f"{prefix}row_total"], shown[f"{prefix}row_total_incl_tax"] = net, net + tax
    answer = present(shown, ITEM_FIELDS, ("sku",))
    options = (values.get("product_options") or {}) if isinstance(values.get("product_options"), dict) else {}
    if options.get("configurable_item_options"):
        chosen = {"configurable_item_options": options["configurable_item_options"]}
        answer["product_option"] = {"extension_attributes": chosen}
    return answer


def address_view(values: Mapping[str, Any]) -> Row:
    shown = dict(values)
    if not shown.get("region_id"):
        shown["region_id"] = None
        shown["region_code"] = shown.get("region")
    return present(shown, ADDRESS_FIELDS, ADDRESS_ALWAYS)


def payment_view(values: Mapping[str, Any]) -> Row:
    answer = present(values, PAYMENT_FIELDS, ("account_status", "cc_last4", "method"))
    answer["additional_information"] = [value for _, value in _information(values)]
    return answer


def payment_info(payment: Mapping[str, Any] | None) -> list[Row]:
    return [{"key": key, "value": value} for key, value in _information(payment or {})]


def _information(payment: Mapping[str, Any]) -> Iterable[tuple[str, Any]]:
    stored = payment.get("additional_information") or []
    pairs = stored.items() if isinstance(stored, Mapping) else enumerate(stored)
    return [(str(key), wire(value)) for key, value in pairs]


def history_view(values: Mapping[str, Any]) -> Row:
    return present(values, HISTORY_FIELDS, ("comment", "is_customer_notified", "is_visible_on_front", "parent_id"))


def _shipping(order: Row, addresses: Sequence[Row]) -> Row:
    shipping: Row = {}
    address = next((one for one in addresses if one["address_type"] == "shipping"), None)
    if address is not None:
        shipping["address"] = address_view(address)
    if order["shipping_method"] is not None:
        shipping["method"] = order["shipping_method"]
    return shipping | {"total": present(order, SHIPPING_TOTALS)}
