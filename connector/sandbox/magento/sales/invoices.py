"""Routes of invoices: making, capturing in one step, reading."""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from decimal import Decimal
from typing import Any

from connector.sandbox.magento import stock
from connector.sandbox.magento.errors import MagentoError
from connector.sandbox.magento.routing import Context, route
from connector.sandbox.magento.sales import mail, rows, state, stock_moves
from connector.sandbox.magento.sales.documents import (
    ORDER_MUTEX,
    add_comment,
    comment_of_body,
    comment_view,
    comments_of,
    document_by_id,
    find_documents,
    from_order,
    insert_items,
    raise_by,
    refuse,
)
from connector.sandbox.magento.sales.inputs import flag, path_id, quantities
from connector.sandbox.magento.sales.invoice_totals import PREFIXES, Line, invoice_values, lines_to_invoice
from connector.sandbox.magento.sales.orders import children_of, items_of, order_by_id, set_state
from connector.sandbox.magento.sales.rows import TABLES, Row, by_parents, present
from connector.sandbox.magento.sales.sequences import INVOICE, next_increment_id
from connector.sandbox.magento.sales.state import is_child, qty_to_invoice

READ = "Magento_Sales::sales_invoice"
PAID = 2
FIELDS = tuple(TABLES["sales_invoice"].kinds)
ITEM_FIELDS = tuple(TABLES["sales_invoice_item"].kinds)


@route("POST", "/V1/order/:orderId/invoice", acl="Magento_Sales::invoice", transaction=False)
def create_invoice(ctx: Context, orderId: str) -> Any:  # noqa: N803  # the route's own name for it
    """Id of the new invoice, which is paid at once: every payment method of this shop is an offline one."""
    key, wanted = path_id(orderId), quantities(ctx, "Invoice")
    with ORDER_MUTEX:
        order, items = order_by_id(ctx.db, key), items_of(ctx.db, key)
        lines = _checked_lines(order, items, wanted)
        increment_id = next_increment_id(ctx.db, INVOICE, order["store_id"])
        with ctx.transaction():
            invoice_id = _write(ctx, order, items, lines, increment_id)
            comment_of_body(ctx, "invoice", invoice_id)
            if flag(ctx.optional("notify")):
                mail.send(ctx.db, "invoice", order, ctx.stamp)
    return str(invoice_id)


def _checked_lines(order: Row, items: Sequence[Row], wanted: dict[int, Decimal]) -> list[Line]:
    for item in items:
        if not is_child(item) and wanted.get(item["item_id"], Decimal(0)) > qty_to_invoice(item):
            raise MagentoError(400, 'We found an invalid quantity to invoice item "%1".', [item["name"]])
    lines = lines_to_invoice(items, wanted)
    problems = []
    if not lines:
        problems.append("The invoice can't be created without products. Add products and try again.")
    if order["state"] in {state.HOLDED, state.PAYMENT_REVIEW, state.CANCELED, state.COMPLETE, state.CLOSED}:
        problems.append(f"An invoice cannot be created when an order has a status of {order['status']}")
    elif not state.can_invoice(order, items):
        problems.append("The order does not allow an invoice to be created.")
    refuse("Invoice", problems)
    return lines


def _write(ctx: Context, order: Row, items: list[Row], lines: list[Line], increment_id: str) -> int:
    db = ctx.db
    earlier = rows.many(db, "sales_invoice", "order_id", order["entity_id"])
    values = invoice_values(order, items, lines, earlier)
    document = from_order(order, "sales_invoice", ctx.stamp) | values
    document |= {"increment_id": increment_id, "state": PAID, "can_void_flag": 0}
    document["total_qty"] = sum((line.qty for line in lines if not is_child(line.item)), Decimal(0))
    invoice_id = rows.insert(db, "sales_invoice", document)
    insert_items(db, "sales_invoice_item", invoice_id, lines)
    for line in lines:
        _register_item(db, line)
    _register_order(db, order, values)
    _register_payment(db, order, values)
    _deliver_virtual(db, order, lines)
    items = items_of(db, order["entity_id"])
    order["state"] = in_work = state.after_document(order, items, in_progress=True)
    rows.update(db, "sales_order", order["entity_id"], {"state": in_work, "status": state.DEFAULT_STATUS[str(in_work)]})
    set_state(db, order, state.checked(order, items), ctx.stamp)
    return invoice_id


def _register_item(db: sqlite3.Connection, line: Line) -> None:
    amounts: dict[str, Decimal | None] = {"qty_invoiced": line.qty}
    if not is_child(line.item):
        for prefix in PREFIXES:
            amounts[f"{prefix}row_invoiced"] = line.values[f"{prefix}row_total"]
            amounts[f"{prefix}tax_invoiced"] = line.values[f"{prefix}tax_amount"]
            amounts[f"{prefix}discount_invoiced"] = line.values.get(f"{prefix}discount_amount")
            name = f"{prefix}discount_tax_compensation"
            amounts[f"{name}_invoiced"] = line.values[f"{name}_amount"]
        rows.update(db, "sales_order_item", line.item["item_id"], {"weee_tax_applied": "[]"})
    raise_by(db, "sales_order_item", line.item, amounts)


def _register_order(db: sqlite3.Connection, order: Row, values: Row) -> None:
    amounts: dict[str, Decimal | None] = {"base_total_invoiced_cost": Decimal(0)}
    for prefix in PREFIXES:
        amounts[f"{prefix}total_invoiced"] = amounts[f"{prefix}total_paid"] = values[f"{prefix}grand_total"]
        for name in ("subtotal", "shipping"):
            amounts[f"{prefix}{name}_invoiced"] = values[prefix + name + ("_amount" if name == "shipping" else "")]
        for name in ("tax", "discount", "discount_tax_compensation"):
            amounts[f"{prefix}{name}_invoiced"] = values[f"{prefix}{name}_amount"]
    raise_by(db, "sales_order", order, amounts)


def _register_payment(db: sqlite3.Connection, order: Row, values: Row) -> None:
    payments = rows.many(db, "sales_order_payment", "parent_id", order["entity_id"])
    if not payments:
        return
    amounts: dict[str, Decimal | None] = {}
    for prefix in PREFIXES:
        amounts[f"{prefix}amount_paid"] = values[f"{prefix}grand_total"]
        amounts[f"{prefix}shipping_captured"] = values[f"{prefix}shipping_amount"]
    raise_by(db, "sales_order_payment", payments[0], amounts)


def _deliver_virtual(db: sqlite3.Connection, order: Row, lines: Sequence[Line]) -> None:
    """Virtual pieces leave the stock with their invoice; a source without them does not keep the invoice from being made."""
    for line in lines:
        sku = stock_moves.stocked_sku(db, line.item) if line.item["is_virtual"] else None
        if sku is not None:
            stock_moves.take(db, order, sku, stock.DEFAULT_SOURCE, line.qty, stock_moves.INVOICED)


def invoices_view(db: sqlite3.Connection, invoices: Sequence[Row]) -> list[Row]:
    items = by_parents(db, "sales_invoice_item", "parent_id", [one["entity_id"] for one in invoices])
    views = []
    for invoice in invoices:
        view = present(invoice, FIELDS, ("order_id", "total_qty"))
        always = ("sku", "order_item_id", "qty")
        view["items"] = [present(item, ITEM_FIELDS, always) for item in items[invoice["entity_id"]]]
        view["comments"] = comments_of(db, "invoice", invoice["entity_id"])
        views.append(view)
    return views


@route("GET", "/V1/invoices", acl=READ)
def list_invoices(ctx: Context) -> Any:
    invoices, rest = find_documents(ctx, "sales_invoice")
    return {"items": invoices_view(ctx.db, invoices)} | rest


@route("GET", "/V1/invoices/:id", acl=READ)
def get_invoice(ctx: Context, id: str) -> Any:  # noqa: A002  # as above
    return invoices_view(ctx.db, [document_by_id(ctx.db, "sales_invoice", path_id(id))])[0]


@route("GET", "/V1/invoices/:id/comments", acl=READ)
def list_comments(ctx: Context, id: str) -> Any:  # noqa: A002  # as above
    return children_of(path_id(id), comments_of(ctx.db, "invoice", path_id(id)))


@route("POST", "/V1/invoices/comments", acl="Magento_Sales::sales_invoice")
def comment_on_invoice(ctx: Context) -> Any:
    given = ctx.needed("entity")
    invoice = document_by_id(ctx.db, "sales_invoice", path_id(str(given.get("parent_id"))))
    return comment_view(add_comment(ctx.db, "invoice", invoice["entity_id"], given, ctx.stamp))


@route("POST", "/V1/invoices/:id/emails", acl="Magento_Sales::sales_invoice")
def mail_invoice(ctx: Context, id: str) -> Any:  # noqa: A002  # as above
    invoice = document_by_id(ctx.db, "sales_invoice", path_id(id))
    mail.send(ctx.db, "invoice", order_by_id(ctx.db, invoice["order_id"]), ctx.stamp)
    return True
