"""Amounts of an invoice, computed from the order's rows.

Source: Magento_Sales 2.4.7, Model/Order/Invoice/Total (Subtotal, Discount, Shipping, Tax) and Invoice/Item::calcRowTotal. The
shop never takes an invoice's amount from the order's grand total: it adds up the lines, and the last invoice takes what is left.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from decimal import Decimal

from connector.sandbox.magento.sales.rows import Row, cents
from connector.sandbox.magento.sales.state import ZERO, amount, is_child, qty_to_invoice

PREFIXES = ("", "base_")


class Rounding:
    """Rounds to cents and carries the lost part into the next amount of the same kind."""

    def __init__(self) -> None:
        self._left: dict[str, Decimal] = {}

    def __call__(self, value: Decimal, kind: str, *, back: bool = False) -> Decimal:
        """`back` takes the carried part away instead of adding it, as the shop does for discounts."""
        if not value:
            return value
        sign = -1 if back else 1
        value += sign * self._left.get(kind, ZERO)
        rounded = cents(value)
        self._left[kind] = sign * (value - rounded)
        return rounded


@dataclass(slots=True)
class Line:
    """One order item on a document: `qty` pieces of it; `values` become the document's item."""

    item: Row
    qty: Decimal
    last: bool
    values: Row = field(default_factory=dict)


def lines_to_invoice(items: Sequence[Row], wanted: dict[int, Decimal]) -> list[Line]:
    """Lines of a new invoice: the wanted pieces by item id, everything open when `wanted` is empty.

    The variant's row follows its configurable. Lines of nothing are kept out.
    """
    lines = []
    qty_of: dict[int, Decimal] = {}
    for item in items:
        parent = item["parent_item_id"]
        if parent is not None:
            qty = qty_of.get(parent, ZERO)
        else:
            qty = wanted.get(item["item_id"], ZERO) if wanted else qty_to_invoice(item)
        qty_of[item["item_id"]] = qty
        if qty > 0:
            lines.append(Line(item, qty, is_child(item) or qty == qty_to_invoice(item)))
    return lines


def invoice_values(order: Row, items: Sequence[Row], lines: Sequence[Line], earlier: Sequence[Row]) -> Row:
    """Amounts of the invoice; fills `values` of the lines. `earlier` are the order's invoices so far."""
    billed = {line.item["item_id"] for line in lines if line.last}
    last = all(qty_to_invoice(item) == 0 or item["item_id"] in billed for item in items)
    ships = not any(amount(one, "shipping_amount") for one in earlier)
    values: Row = {}
    rounding = Rounding()
    for prefix in PREFIXES:
        total = _subtotal(prefix, order, lines, last, rounding, values)
        total -= _discount(prefix, order, lines, earlier, rounding, values)
        total += _tax(prefix, order, lines, last, ships, rounding, values)
        if ships and amount(order, f"{prefix}shipping_amount"):
            values[f"{prefix}shipping_amount"] = order[f"{prefix}shipping_amount"]
            values[f"{prefix}shipping_incl_tax"] = order[f"{prefix}shipping_incl_tax"]
            total += amount(order, f"{prefix}shipping_amount")
        else:
            values[f"{prefix}shipping_amount"] = ZERO
        values[f"{prefix}grand_total"] = total
    return values


def shipping_compensation(prefix: str) -> str:
    """The column of the shipping's discount tax compensation, whose base name is cut to fit the database."""
    return f"{prefix}shipping_discount_tax_compensation_" + ("amnt" if prefix else "amount")


def kind_of(prefix: str) -> str:
    """Rows, taxes and discounts of one currency share what rounding carries over."""
    return prefix or "regular"


def _own(lines: Sequence[Line]) -> list[Line]:
    return [line for line in lines if not is_child(line.item)]


def _subtotal(prefix: str, order: Row, lines: Sequence[Line], last: bool, rounding: Rounding, values: Row) -> Decimal:
    subtotal, with_tax = ZERO, ZERO
    for line in _own(lines):
        item = line.item
        row = amount(item, f"{prefix}row_total") - amount(item, f"{prefix}row_invoiced")
        if not line.last:
            open_qty = item["qty_ordered"] - item["qty_invoiced"]
            row = rounding(row / open_qty * line.qty, kind_of(prefix))
        line.values[f"{prefix}row_total"] = row
        gross = item[f"{prefix}row_total_incl_tax"]
        if gross is not None:
            gross = rounding(gross / item["qty_ordered"] * line.qty, "including" + prefix)
            line.values[f"{prefix}row_total_incl_tax"] = gross
            with_tax += gross
        subtotal += row
    open_subtotal = amount(order, f"{prefix}subtotal") - amount(order, f"{prefix}subtotal_invoiced")
    subtotal = open_subtotal if last else min(open_subtotal, subtotal)
    values[f"{prefix}subtotal"] = subtotal
    values[f"{prefix}subtotal_incl_tax"] = with_tax
    return subtotal


def _discount(
    prefix: str, order: Row, lines: Sequence[Line], earlier: Sequence[Row], rounding: Rounding, values: Row
) -> Decimal:
    """The shipping's discount leaves with the first invoice that has one."""
    first = not any(amount(one, f"{prefix}discount_amount") for one in earlier)
    total = amount(order, f"{prefix}shipping_discount_amount") if first else ZERO
    for line in _own(lines):
        item = line.item
        whole = amount(item, f"{prefix}discount_amount")
        if not whole or not item["qty_ordered"]:
            continue
        discount = whole - amount(item, f"{prefix}discount_invoiced")
        if not line.last:
            open_qty = item["qty_ordered"] - item["qty_invoiced"]
            discount = rounding(discount / open_qty * line.qty, kind_of(prefix), back=True)
        line.values[f"{prefix}discount_amount"] = discount
        total += discount
    values[f"{prefix}discount_amount"] = -total
    return total


def _tax(
    prefix: str, order: Row, lines: Sequence[Line], last: bool, ships: bool, rounding: Rounding, values: Row
) -> Decimal:
    """Tax and discount tax compensation of the invoice together."""
    tax, compensation = ZERO, ZERO
    for line in _own(lines):
        for name in ("tax", "discount_tax_compensation"):
            part = amount(line.item, f"{prefix}{name}_amount") - amount(line.item, f"{prefix}{name}_invoiced")
            if not line.last:
                open_qty = line.item["qty_ordered"] - line.item["qty_invoiced"]
                part = rounding(part / open_qty * line.qty, kind_of(prefix))
            line.values[f"{prefix}{name}_amount"] = part
        tax += line.values[f"{prefix}tax_amount"]
        compensation += line.values[f"{prefix}discount_tax_compensation_amount"]
    values[f"{prefix}discount_tax_compensation_amount"] = compensation
    shipping_column = shipping_compensation(prefix)
    if ships:
        tax += amount(order, f"{prefix}shipping_tax_amount")
        compensation += amount(order, shipping_column)
        values[f"{prefix}shipping_tax_amount"] = order[f"{prefix}shipping_tax_amount"]
        values[shipping_column] = order[shipping_column]
    open_tax = amount(order, f"{prefix}tax_amount") - amount(order, f"{prefix}tax_invoiced")
    name = f"{prefix}discount_tax_compensation"
    open_compensation = (
        amount(order, f"{name}_amount") + amount(order, shipping_column) - amount(order, f"{name}_invoiced")
    )
    if last:
        tax, compensation = open_tax, open_compensation
    else:
        tax, compensation = min(open_tax, tax), min(open_compensation, compensation)
    values[f"{prefix}tax_amount"] = tax
    return tax + compensation
