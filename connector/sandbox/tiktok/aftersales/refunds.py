"""What a buyer gets back: price paid, tax, and the shipping fee when nothing is left of the order.

The price paid is the sale price with the unit's deposit, less its share of a payment provider's discount.
"""

from __future__ import annotations

from collections.abc import Sequence

from connector.sandbox.tiktok.database import Json
from connector.sandbox.tiktok.orders.money import cents, spread, text
from connector.sandbox.tiktok.orders.rows import Order


def line_refund(order: Order, line: Json) -> Json:
    """The object `refund_amount` of one line, without shipping."""
    tax = sum(cents(entry["tax_amount"]) for entry in line.get("item_tax", []))
    return _amount(order, _paid(order)[line["id"]], tax, 0, 0)


def order_refund(order: Order, lines: Sequence[Json], *, before_shipping: bool) -> Json:
    """The object `refund_amount` of a request. Shipping comes back when every line is cancelled before anything shipped."""
    each = _paid(order)
    subtotal = sum(each[line["id"]] for line in lines)
    tax = sum(cents(entry["tax_amount"]) for line in lines for entry in line.get("item_tax", []))
    paid, shipping, delivery = order.document["payment"], 0, 0
    named = {line["id"] for line in lines}
    if before_shipping and all(line["id"] in named or line["display_status"] == "CANCELLED" for line in order.lines):
        shipping, delivery = cents(paid["shipping_fee"]), cents(paid["retail_delivery_fee"])
        tax += cents(paid["shipping_fee_tax"])
    return _amount(order, subtotal, tax, shipping, delivery)


def _paid(order: Order) -> dict[str, int]:
    """What the buyer paid for each unit without tax, by line id."""
    prices = [cents(line["sale_price"]) for line in order.lines]
    shares = spread(cents(order.document["payment"].get("payment_platform_discount", "0")), prices)
    deposits = [cents(line.get("pfand_fee", "0")) for line in order.lines]
    return {
        line["id"]: price + deposit - share
        for line, price, deposit, share in zip(order.lines, prices, deposits, shares, strict=True)
    }


def _amount(order: Order, subtotal: int, tax: int, shipping: int, delivery: int) -> Json:
    return {
        "currency": order.document["payment"]["currency"],
        "refund_total": text(subtotal + tax + shipping + delivery),
        "refund_subtotal": text(subtotal),
        "refund_shipping_fee": text(shipping),
        "refund_tax": text(tax),
        "retail_delivery_fee": text(delivery),
    }


def shown_line(order: Order, line: Json) -> Json:
    """What cancellations and returns tell of a line."""
    names = ("sku_id", "sku_name", "product_name", "seller_sku")
    return {
        "order_line_item_id": line["id"],
        **{name: line[name] for name in names},
        "refund_amount": line_refund(order, line),
    }
