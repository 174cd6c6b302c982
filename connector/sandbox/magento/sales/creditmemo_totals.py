"""Amounts of a credit memo, computed from what the order's rows say was invoiced.

Source: Magento_Sales 2.4.7, Model/Order/Creditmemo/Total (Subtotal, Shipping, Tax, Discount, Grand) and
Creditmemo/Item::calcRowTotal. A part takes its rounded share; the last piece of a line takes what is left.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal

from connector.sandbox.magento.errors import MagentoError
from connector.sandbox.magento.sales.invoice_totals import PREFIXES, Line, Rounding, kind_of, shipping_compensation
from connector.sandbox.magento.sales.rows import Row, cents
from connector.sandbox.magento.sales.state import NOTHING, ZERO, amount, is_child, qty_to_refund


@dataclass(frozen=True, slots=True)
class Arguments:
    """What the request asks for besides pieces, in the base currency; None where it says nothing.

    `with_tax` tells that a shipping amount is meant gross, as it is in shops that show shipping with tax in sales documents.
    """

    shipping: Decimal | None = None
    positive: Decimal | None = None
    negative: Decimal | None = None
    with_tax: bool = False


def lines_to_refund(items: Sequence[Row], wanted: dict[int, Decimal]) -> list[Line]:
    """Lines of a new credit memo: the wanted pieces by item id, everything invoiced and not refunded when `wanted` is empty."""
    lines = []
    for item in items:
        if is_child(item):
            continue
        qty = wanted.get(item["item_id"], ZERO) if wanted else qty_to_refund(item)
        if qty > 0:
            lines.append(Line(item, qty, qty == qty_to_refund(item)))
    return lines


def creditmemo_values(order: Row, items: Sequence[Row], lines: Sequence[Line], wanted: Arguments) -> Row:
    """Amounts of the credit memo; fills `values` of the lines.

    Raises MagentoError 400 for more shipping than is left.
    """
    taken = {line.item["item_id"] for line in lines if line.last}
    last = all(qty_to_refund(item) == 0 or item["item_id"] in taken for item in items)
    values: Row = {}
    rounding = Rounding()
    ratio = _shipping(order, wanted, values)
    for prefix in PREFIXES:
        total = _subtotal(prefix, lines, rounding, values) + values[f"{prefix}shipping_amount"]
        total -= _discount(prefix, order, lines, rounding, values)
        total += _tax(prefix, order, lines, last, ratio, rounding, values)
        values[f"{prefix}grand_total"] = total + _adjustment(prefix, order, wanted, values)
    return values


def _adjustment(prefix: str, order: Row, wanted: Arguments, values: Row) -> Decimal:
    """Fills the adjustments; the order's currency has them at the order's rate (Creditmemo::setAdjustmentPositive)."""
    rate = Decimal(1) if prefix else (order["base_to_order_rate"] or Decimal(1))
    positive, negative = (None if one is None else cents(one * rate) for one in (wanted.positive, wanted.negative))
    values[f"{prefix}adjustment_positive"], values[f"{prefix}adjustment_negative"] = positive, negative
    values[f"{prefix}adjustment"] = (positive or ZERO) - (negative or ZERO)
    return Decimal(values[f"{prefix}adjustment"])


def _subtotal(prefix: str, lines: Sequence[Line], rounding: Rounding, values: Row) -> Decimal:
    subtotal, with_tax = ZERO, ZERO
    for line in lines:
        item = line.item
        row = amount(item, f"{prefix}row_invoiced") - amount(item, f"{prefix}amount_refunded")
        if not line.last:
            open_qty = item["qty_invoiced"] - item["qty_refunded"]
            row = rounding(row / open_qty * line.qty, kind_of(prefix))
        line.values[f"{prefix}row_total"] = row
        gross = item[f"{prefix}row_total_incl_tax"]
        if gross is not None:
            gross = rounding(gross / item["qty_ordered"] * line.qty, "including" + prefix)
            line.values[f"{prefix}row_total_incl_tax"] = gross
            with_tax += gross
        subtotal += row
    values[f"{prefix}subtotal"], values[f"{prefix}subtotal_incl_tax"] = subtotal, with_tax
    return subtotal


def _shipping(order: Row, wanted: Arguments, values: Row) -> Decimal | None:
    """Fills the shipping amounts; returns the part of the order's shipping when it is not all that is left."""
    left = {prefix: _left(order, prefix, "shipping_amount", "shipping_refunded") for prefix in PREFIXES}
    left_tax = {prefix: _left(order, prefix, "shipping_tax_amount", "shipping_tax_refunded") for prefix in PREFIXES}
    if wanted.shipping is None:
        for prefix in PREFIXES:
            values[f"{prefix}shipping_amount"] = left[prefix]
            values[f"{prefix}shipping_incl_tax"] = cents(left[prefix] + left_tax[prefix])
        return None
    whole = amount(order, "base_shipping_incl_tax" if wanted.with_tax else "base_shipping_amount")
    largest = left["base_"] + (left_tax["base_"] if wanted.with_tax else ZERO)
    asked = cents(wanted.shipping)
    if asked and not amount(order, "base_shipping_amount"):
        raise MagentoError(400, "You can not refund shipping if there is no shipping amount.")
    if asked >= cents(largest) + NOTHING:
        raise MagentoError(400, "Maximum shipping amount allowed to refund is: %1", [f"{cents(largest):f}"])
    ratio = asked / whole if whole > 0 else ZERO
    everything = asked > largest - NOTHING
    for prefix in PREFIXES:
        share = cents(amount(order, f"{prefix}shipping_amount") * ratio)
        values[f"{prefix}shipping_amount"] = left[prefix] if everything else share
        values[f"{prefix}shipping_incl_tax"] = cents(amount(order, f"{prefix}shipping_incl_tax") * ratio)
    return None if everything else ratio


def _left(order: Row, prefix: str, whole: str, gone: str) -> Decimal:
    return amount(order, prefix + whole) - amount(order, prefix + gone)


def _tax(
    prefix: str, order: Row, lines: Sequence[Line], last: bool, ratio: Decimal | None, rounding: Rounding, values: Row
) -> Decimal:
    """Tax and discount tax compensation together; `ratio` is the part of the shipping, None for all that is left."""
    tax, compensation = ZERO, ZERO
    for line in lines:
        for name in ("tax", "discount_tax_compensation"):
            part = amount(line.item, f"{prefix}{name}_invoiced") - amount(line.item, f"{prefix}{name}_refunded")
            if not line.last:
                open_qty = line.item["qty_invoiced"] - line.item["qty_refunded"]
                part = rounding(part / open_qty * line.qty, kind_of(prefix))
            line.values[f"{prefix}{name}_amount"] = part
        tax += line.values[f"{prefix}tax_amount"]
        compensation += line.values[f"{prefix}discount_tax_compensation_amount"]
    values[f"{prefix}discount_tax_compensation_amount"] = compensation
    column = shipping_compensation(prefix)
    if ratio is None:
        shipping_tax = _left(order, prefix, "shipping_tax_amount", "shipping_tax_refunded")
        shipping_part = amount(order, column) if not amount(order, f"{prefix}shipping_refunded") else ZERO
    else:
        shipping_tax = cents(amount(order, f"{prefix}shipping_tax_amount") * ratio)
        shipping_part = cents(amount(order, column) * ratio)
    values[f"{prefix}shipping_tax_amount"] = shipping_tax
    open_tax = amount(order, f"{prefix}tax_invoiced") - amount(order, f"{prefix}tax_refunded")
    tax = open_tax if last and ratio is None else min(open_tax, tax + shipping_tax)
    values[f"{prefix}tax_amount"] = tax
    return tax + compensation + shipping_part


def _discount(prefix: str, order: Row, lines: Sequence[Line], rounding: Rounding, values: Row) -> Decimal:
    """Discount of the lines, and of the shipping in the proportion in which shipping is refunded."""
    total = ZERO
    whole = amount(order, f"{prefix}shipping_amount")
    if whole:
        total = values[f"{prefix}shipping_amount"] * amount(order, f"{prefix}shipping_discount_amount") / whole
    for line in lines:
        item = line.item
        if not amount(item, f"{prefix}discount_invoiced") or not item["qty_invoiced"]:
            continue
        discount = amount(item, f"{prefix}discount_invoiced") - amount(item, f"{prefix}discount_refunded")
        if not line.last:
            open_qty = item["qty_invoiced"] - item["qty_refunded"]
            discount = rounding(discount / open_qty * line.qty, kind_of(prefix), back=True)
        line.values[f"{prefix}discount_amount"] = discount
        total += discount
    values[f"{prefix}discount_amount"] = -total
    return total
