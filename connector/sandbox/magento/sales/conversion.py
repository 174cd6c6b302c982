"""From a cart to an order's rows."""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from decimal import Decimal
from typing import Any

from connector.sandbox.magento import config
from connector.sandbox.magento.routing import Context
from connector.sandbox.magento.sales import prices, quotes, rows
from connector.sandbox.magento.sales.cart_methods import payment_title
from connector.sandbox.magento.sales.cart_totals import CartLine, CartTotals, tax_by_rate
from connector.sandbox.magento.sales.currency import Currency, currency_of
from connector.sandbox.magento.sales.rows import Row, wire
from connector.sandbox.magento.sales.saves import store_name
from connector.sandbox.magento.sales.state import ZERO

ADDRESS_COLUMNS = tuple(
    name
    for name in rows.TABLES["sales_order_address"].kinds
    if name in rows.TABLES["quote_address"].kinds and name not in {"address_type", "customer_id", "customer_address_id"}
)


def insert_order(ctx: Context, quote: Row, items: list[Row], totals: CartTotals, method: str, increment_id: str) -> int:
    """Writes the order with items, addresses and payment; returns its id. State new, status pending."""
    virtual = quotes.is_virtual(items)
    billing = quotes.address_of(ctx.db, quote["entity_id"], "billing")
    amounts = _in_order_currency(currency_of(ctx.db, quote["store_id"]), _amounts(totals))
    values = _identity(ctx, quote, billing, increment_id) | amounts | _weights(ctx, items, totals)
    values |= {"is_virtual": int(virtual), "total_item_count": len(totals.lines)}
    if not virtual:
        values |= {"shipping_method": quote["shipping_method"], "shipping_description": _shipping_label(ctx, quote)}
    order_id = rows.insert(ctx.db, "sales_order", values)
    links = {}
    for kind in ("billing",) if virtual else ("shipping", "billing"):
        address = quotes.address_of(ctx.db, quote["entity_id"], kind)
        copied: Row = {name: address[name] for name in ADDRESS_COLUMNS}
        copied |= {"parent_id": order_id, "address_type": kind, "email": quote["customer_email"]}
        links[f"{kind}_address_id"] = rows.insert(ctx.db, "sales_order_address", copied)
    rows.update(ctx.db, "sales_order", order_id, links)
    item_ids = _insert_items(ctx, quote, items, totals, order_id)
    _insert_taxes(ctx, totals, order_id, item_ids)
    _insert_payment(ctx, quote, totals, method, order_id)
    return order_id


def _identity(ctx: Context, quote: Row, billing: Row, increment_id: str) -> Row:
    store_id = quote["store_id"]
    currency = currency_of(ctx.db, store_id)
    values = currency.codes("order_currency_code") | {"base_to_order_rate": currency.rate}
    values |= {"base_to_global_rate": 1, "store_to_base_rate": 0, "store_to_order_rate": 0}
    values |= {
        "increment_id": increment_id,
        "store_id": store_id,
        "store_name": store_name(ctx.db, store_id),
        "protect_code": secrets.token_hex(16),
        "state": "new",
        "status": "pending",
        "created_at": ctx.stamp,
        "updated_at": ctx.stamp,
        "quote_id": quote["entity_id"],
        "remote_ip": "127.0.0.1",
        "customer_email": quote["customer_email"],
        "customer_firstname": billing["firstname"],
        "customer_lastname": billing["lastname"],
        "customer_id": quote["customer_id"],
        "customer_is_guest": int(quote["customer_id"] is None),
        "customer_group_id": quotes.group_of(ctx.db, quote),
        "customer_note_notify": 1,
        "coupon_code": quote["coupon_code"],
    }
    return values


def _shipping_label(ctx: Context, quote: Row) -> str:
    carrier = str(quote["shipping_method"]).partition("_")[0]
    return " - ".join(
        config.read(ctx.db, f"carriers/{carrier}/{part}", quote["store_id"]) for part in ("title", "name")
    )


def _amounts(totals: CartTotals) -> Row:
    values: Row = {"applied_rule_ids": totals.applied_rule_ids}
    for prefix in ("", "base_"):
        values |= {
            f"{prefix}subtotal": totals.subtotal,
            f"{prefix}subtotal_incl_tax": totals.subtotal_incl_tax,
            f"{prefix}discount_amount": -totals.discount,
            f"{prefix}tax_amount": totals.tax,
            f"{prefix}shipping_amount": totals.shipping,
            f"{prefix}shipping_incl_tax": totals.shipping,
            f"{prefix}shipping_tax_amount": ZERO,
            f"{prefix}shipping_discount_amount": totals.shipping_discount,
            f"{prefix}discount_tax_compensation_amount": ZERO,
            f"{prefix}grand_total": totals.grand_total,
            f"{prefix}total_due": totals.grand_total,
        }
    values["shipping_discount_tax_compensation_amount"] = ZERO
    values["base_shipping_discount_tax_compensation_amnt"] = ZERO
    return values


def _in_order_currency(currency: Currency, amounts: Row) -> Row:
    """The totals are the sums of their parts in each currency."""
    found = currency.beside_base(amounts)
    parts = ("subtotal", "discount_amount", "tax_amount", "shipping_amount")
    found["grand_total"] = found["total_due"] = sum((found[name] for name in parts), ZERO)
    return found


def _weights(ctx: Context, items: list[Row], totals: CartTotals) -> Row:
    weight = ZERO
    for line in totals.lines:
        weight += (_weight(ctx, line.item, items) or ZERO) * line.item["qty"]
    return {"weight": weight, "total_qty_ordered": sum((line.item["qty"] for line in totals.lines), ZERO)}


def _weight(ctx: Context, item: Row, items: Sequence[Row]) -> Decimal | None:
    variant = next((one for one in items if one["parent_item_id"] == item["item_id"]), item)
    return prices.weight_of(ctx.db, variant["product_id"])


def _insert_items(ctx: Context, quote: Row, items: list[Row], totals: CartTotals, order_id: int) -> dict[int, int]:
    """Order item ids by cart item id."""
    keys: dict[int, int] = {}
    for line in totals.lines:
        values = _item_values(ctx, quote, line, items) | {"order_id": order_id}
        keys[line.item["item_id"]] = key = rows.insert(ctx.db, "sales_order_item", values)
        for variant in (one for one in items if one["parent_item_id"] == line.item["item_id"]):
            child = _common_values(ctx, quote, variant) | {"order_id": order_id, "parent_item_id": key}
            child |= {"qty_ordered": line.item["qty"], "original_price": ZERO, "row_weight": ZERO}
            child |= {"weight": prices.weight_of(ctx.db, variant["product_id"]), "product_options": {}}
            rows.insert(ctx.db, "sales_order_item", child)
    return keys


def _common_values(ctx: Context, quote: Row, item: Row) -> Row:
    return {
        "created_at": ctx.stamp,
        "updated_at": ctx.stamp,
        "store_id": quote["store_id"],
        "quote_item_id": item["item_id"],
        "product_id": item["product_id"],
        "product_type": item["product_type"],
        "sku": item["sku"],
        "name": item["name"],
        "is_virtual": int(item["product_type"] in {"virtual", "downloadable"}),
        "is_qty_decimal": 0,
        "base_cost": None,
        "qty_backordered": None,
    }


def _item_values(ctx: Context, quote: Row, line: CartLine, items: list[Row]) -> Row:
    item, weight = line.item, _weight(ctx, line.item, items)
    values = _common_values(ctx, quote, item)
    values |= {
        "qty_ordered": item["qty"],
        "weight": weight,
        "row_weight": (weight or ZERO) * item["qty"],
        "discount_percent": line.discount_percent,
        "tax_percent": line.tax_percent,
        "applied_rule_ids": ",".join(str(rule.rule_id) for rule, _ in line.rule_discounts) or None,
        "product_options": _options(item, items),
    }
    for prefix in ("", "base_"):
        values |= {
            f"{prefix}price": line.price,
            f"{prefix}original_price": line.regular_price,
            f"{prefix}price_incl_tax": line.price_incl_tax,
            f"{prefix}row_total": line.row_total,
            f"{prefix}row_total_incl_tax": line.row_total_incl_tax,
            f"{prefix}discount_amount": line.discount,
            f"{prefix}tax_amount": line.tax,
            f"{prefix}discount_tax_compensation_amount": ZERO,
        }
    return currency_of(ctx.db, quote["store_id"]).beside_base(values)


def _options(item: Row, items: list[Row]) -> Row:
    variant = next((one for one in items if one["parent_item_id"] == item["item_id"]), None)
    if variant is None:
        return {}
    chosen = item["configurable_item_options"]
    return {"configurable_item_options": chosen, "simple_sku": variant["sku"], "simple_name": variant["name"]}


def _insert_taxes(ctx: Context, totals: CartTotals, order_id: int, item_ids: dict[int, int]) -> None:
    """The shop's record of taxes: per order and per line. A later correction of the order does not touch it."""
    tax_ids = {}
    applied, per_item, details = [], [], []
    for rate, total in tax_by_rate(totals.lines):
        tax_ids[rate.code] = tax_id = _next(ctx, "tax")
        entry = {"code": rate.code, "title": rate.code, "percent": wire(rate.percent)} | _twice("amount", total)
        applied.append(entry)
        more = {"base_real_amount": wire(total), "priority": 0, "position": 0, "process": 0}
        details.append({"tax_id": tax_id, "order_id": order_id} | entry | more)
    for line in totals.lines:
        parts = tax_by_rate([line])
        if not parts:
            continue
        key = item_ids[line.item["item_id"]]
        named = [
            {"code": rate.code, "title": rate.code, "percent": wire(rate.percent)} | _twice("amount", part)
            for rate, part in parts
        ]
        per_item.append({"type": "product", "item_id": key, "applied_taxes": named})
        itemized = [_itemized(ctx, key, tax_ids[rate.code], rate, part) for rate, part in parts]
        rows.update(ctx.db, "sales_order_item", key, {"itemized_taxes": itemized})
    if applied:
        changes = {"applied_taxes": applied, "item_applied_taxes": per_item, "taxes": details}
        rows.update(ctx.db, "sales_order", order_id, changes)


def _itemized(ctx: Context, item_id: int, tax_id: int, rate: Any, part: Decimal) -> Row:
    entry: Row = {"tax_item_id": _next(ctx, "tax_item"), "tax_id": tax_id, "item_id": item_id, "tax_code": rate.code}
    entry |= {"tax_percent": wire(rate.percent)} | _twice("amount", part)
    return entry | {"real_amount": wire(part), "real_base_amount": wire(part), "taxable_item_type": "product"}


def _twice(name: str, value: Decimal) -> Row:
    return {name: wire(value), f"base_{name}": wire(value)}


def _next(ctx: Context, kind: str) -> int:
    row = ctx.db.execute(
        "INSERT INTO sales_sequence (entity_type, store_id, value) VALUES (?, 0, 1)"
        " ON CONFLICT (entity_type, store_id) DO UPDATE SET value = value + 1 RETURNING value",
        (kind,),
    ).fetchone()
    return int(row[0])


def _insert_payment(ctx: Context, quote: Row, totals: CartTotals, method: str, order_id: int) -> None:
    title = payment_title(ctx.db, method, quote["store_id"])
    values = {"parent_id": order_id, "method": method, "additional_information": {"method_title": title}}
    for prefix in ("", "base_"):
        values[f"{prefix}amount_ordered"] = totals.grand_total
        values[f"{prefix}shipping_amount"] = totals.shipping
    values = currency_of(ctx.db, quote["store_id"]).beside_base(values)
    rows.insert(ctx.db, "sales_order_payment", values)
