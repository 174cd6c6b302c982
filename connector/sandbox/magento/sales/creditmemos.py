"""Routes of credit memos: refunds of an order and of an invoice, reading."""

from __future__ import annotations

import sqlite3
from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any

from connector.sandbox.magento import config
from connector.sandbox.magento.errors import MagentoError
from connector.sandbox.magento.routing import Context, route
from connector.sandbox.magento.sales import mail, rows, state, stock_moves
from connector.sandbox.magento.sales.creditmemo_totals import Arguments, creditmemo_values, lines_to_refund
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
from connector.sandbox.magento.sales.inputs import decimal, flag, path_id, quantities, whole
from connector.sandbox.magento.sales.invoice_totals import PREFIXES, Line
from connector.sandbox.magento.sales.orders import children_of, items_of, order_by_id, set_state
from connector.sandbox.magento.sales.rows import TABLES, Row, by_parents, cents, present
from connector.sandbox.magento.sales.sequences import CREDITMEMO, next_increment_id, next_key
from connector.sandbox.magento.sales.state import ZERO, qty_to_refund

READ, REFUND = "Magento_Sales::sales_creditmemo", "Magento_Sales::creditmemo"
REFUNDED = 2
FAILED = "Could not save a Creditmemo, see error log for details"
TOO_MANY = "The quantity to refund must not be greater than the unrefunded quantity."
FIELDS = tuple(TABLES["sales_creditmemo"].kinds)
ITEM_FIELDS = tuple(TABLES["sales_creditmemo_item"].kinds)
WEEE = {
    "weee_tax_applied": "[]",
    "weee_tax_applied_row_amount": ZERO,
    "weee_tax_row_disposition": ZERO,
    "base_weee_tax_row_disposition": ZERO,
}


@route("POST", "/V1/order/:orderId/refund", acl=REFUND, transaction=False)
def refund_order(ctx: Context, orderId: str) -> Any:  # noqa: N803  # the route's own name for it
    """Id of the new credit memo, refunded offline."""
    key, wanted = path_id(orderId), quantities(ctx, "Creditmemo")
    with ORDER_MUTEX:
        order = order_by_id(ctx.db, key)
        arguments, returned = _arguments(ctx, order)
        lines, values = _checked(order, items_of(ctx.db, key), wanted, arguments)
        numbers = {
            "entity_id": next_key(ctx.db, "sales_creditmemo"),
            "increment_id": next_increment_id(ctx.db, CREDITMEMO, order["store_id"]),
        }
        with ctx.transaction():
            memo_id = _write(ctx, order, lines, values | numbers, returned)
            comment_of_body(ctx, "creditmemo", memo_id)
            if flag(ctx.optional("notify")):
                mail.send(ctx.db, "creditmemo", order, ctx.stamp)
    return str(memo_id)


@route("POST", "/V1/invoice/:invoiceId/refund", acl=REFUND)
def refund_invoice(ctx: Context, invoiceId: str) -> Any:  # noqa: N803  # as above
    """Always refused here: an invoice can only be refunded with a payment method that refunds online, and all are offline."""
    invoice = document_by_id(ctx.db, "sales_invoice", path_id(invoiceId))
    wanted = quantities(ctx, "Creditmemo")
    items = items_of(ctx.db, invoice["order_id"])
    problems = ["We can't create creditmemo for the invoice."]
    if any(wanted.get(item["item_id"], ZERO) > qty_to_refund(item) for item in items):
        problems.append(TOO_MANY)
    refuse("Creditmemo", problems)


def _arguments(ctx: Context, order: Row) -> tuple[Arguments, frozenset[int]]:
    """Amounts that the request asks for, and the order items that go back to stock."""
    given = ctx.optional("arguments")
    given = given if isinstance(given, Mapping) else {}
    amounts = {
        name: None if given.get(name) is None else decimal(name, given[name])
        for name in ("shipping_amount", "adjustment_positive", "adjustment_negative")
    }
    extension = given.get("extension_attributes")
    listed = extension.get("return_to_stock_items") if isinstance(extension, Mapping) else None
    with_tax = config.read(ctx.db, "tax/sales_display/shipping", order["store_id"] or 0) != "1"
    arguments = Arguments(
        amounts["shipping_amount"], amounts["adjustment_positive"], amounts["adjustment_negative"], with_tax
    )
    return arguments, frozenset(whole("return_to_stock_items", one) for one in listed or [])


def _checked(
    order: Row, items: Sequence[Row], wanted: dict[int, Decimal], arguments: Arguments
) -> tuple[list[Line], Row]:
    """Raises MagentoError 400 with the shop's reasons."""
    if order["state"] in {state.HOLDED, state.PAYMENT_REVIEW, state.CANCELED, state.CLOSED}:
        refuse("Creditmemo", [f"A creditmemo can not be created when an order has a status of {order['status']}"])
    if not state.can_creditmemo(order, items):
        refuse("Creditmemo", ["The order does not allow a creditmemo to be created."])
    known = {item["item_id"] for item in items}
    if wanted.keys() - known:
        refuse("Creditmemo", ["The creditmemo contains product item that is not part of the original order."])
    if any(wanted.get(item["item_id"], ZERO) > qty_to_refund(item) for item in items):
        refuse("Creditmemo", [TOO_MANY])
    lines = lines_to_refund(items, wanted)
    if not lines and not arguments.positive and not arguments.shipping:
        refuse("Creditmemo", ["You can't create a creditmemo without products."])
    values = creditmemo_values(order, items, lines, arguments)
    left = cents(state.amount(order, "base_total_paid")) - state.amount(order, "base_total_refunded")
    if values["base_grand_total"] > left + state.NOTHING:
        raise MagentoError(400, "The most money available to refund is %1.", [f"{left:.2f}"])
    if values["base_grand_total"] < 0 or values["base_shipping_amount"] < 0:
        refuse("Creditmemo", ["The credit memo's total must be positive."])
    return lines, values


def _write(ctx: Context, order: Row, lines: list[Line], values: Row, returned: frozenset[int]) -> int:
    db = ctx.db
    document = from_order(order, "sales_creditmemo", ctx.stamp) | {"state": REFUNDED} | values
    memo_id = rows.insert(db, "sales_creditmemo", document)
    for line in lines:
        line.values |= WEEE
    insert_items(db, "sales_creditmemo_item", memo_id, lines)
    try:
        for line in lines:
            stock_moves.refund(db, order, line.item, line.qty, returned=line.item["item_id"] in returned)
    except MagentoError as error:
        raise MagentoError(400, FAILED) from error
    for line in lines:
        _register_item(db, line)
    _register_order(db, order, values)
    _register_payment(db, order, values)
    items = items_of(db, order["entity_id"])
    after = state.after_document(order, items, in_progress=False)
    order |= {"state": after}
    final = state.checked(order, items)
    set_state(db, order | {"state": None}, final, ctx.stamp)
    _note(ctx, order, values, str(state.DEFAULT_STATUS.get(str(final), order["status"])))
    return memo_id


def _register_item(db: sqlite3.Connection, line: Line) -> None:
    amounts: dict[str, Decimal | None] = {"qty_refunded": line.qty}
    for prefix in PREFIXES:
        amounts[f"{prefix}amount_refunded"] = line.values[f"{prefix}row_total"]
        amounts[f"{prefix}tax_refunded"] = line.values[f"{prefix}tax_amount"]
        amounts[f"{prefix}discount_refunded"] = line.values.get(f"{prefix}discount_amount")
        name = f"{prefix}discount_tax_compensation"
        amounts[f"{name}_refunded"] = line.values[f"{name}_amount"]
    raise_by(db, "sales_order_item", line.item, amounts)


def _register_order(db: sqlite3.Connection, order: Row, values: Row) -> None:
    amounts: dict[str, Decimal | None] = {}
    for prefix in PREFIXES:
        amounts[f"{prefix}total_refunded"] = amounts[f"{prefix}total_offline_refunded"] = values[f"{prefix}grand_total"]
        amounts[f"{prefix}subtotal_refunded"] = values[f"{prefix}subtotal"]
        amounts[f"{prefix}adjustment_positive"] = values[f"{prefix}adjustment_positive"]
        amounts[f"{prefix}adjustment_negative"] = values[f"{prefix}adjustment_negative"]
        for name in ("shipping", "tax", "discount", "discount_tax_compensation", "shipping_tax"):
            amounts[f"{prefix}{name}_refunded"] = values[f"{prefix}{name}_amount"]
    raise_by(db, "sales_order", order, amounts)


def _register_payment(db: sqlite3.Connection, order: Row, values: Row) -> None:
    payments = rows.many(db, "sales_order_payment", "parent_id", order["entity_id"])
    if not payments:
        return
    amounts: dict[str, Decimal | None] = {}
    for prefix in PREFIXES:
        amounts[f"{prefix}amount_refunded"] = values[f"{prefix}grand_total"]
        amounts[f"{prefix}shipping_refunded"] = values[f"{prefix}shipping_amount"]
    raise_by(db, "sales_order_payment", payments[0], amounts)


def _note(ctx: Context, order: Row, values: Row, status: str) -> None:
    """The comment that the shop writes on the order for an offline refund."""
    symbol = {"EUR": "€", "USD": "$", "GBP": "£"}.get(order["base_currency_code"] or "", "")
    history = {
        "parent_id": order["entity_id"],
        "comment": f"We refunded {symbol}{cents(values['base_grand_total']):,.2f} offline.",
        "entity_name": "creditmemo",
        "is_customer_notified": 0,
        "is_visible_on_front": 0,
        "status": status,
        "created_at": ctx.stamp,
    }
    rows.insert(ctx.db, "sales_order_status_history", history)


def creditmemos_view(db: sqlite3.Connection, memos: Sequence[Row]) -> list[Row]:
    items = by_parents(db, "sales_creditmemo_item", "parent_id", [one["entity_id"] for one in memos])
    always = ("base_cost", "base_price", "entity_id", "order_item_id", "qty")
    views = []
    for memo in memos:
        view = present(memo, FIELDS, ("order_id",))
        view["items"] = [present(item, ITEM_FIELDS, always) for item in items[memo["entity_id"]]]
        view["comments"] = comments_of(db, "creditmemo", memo["entity_id"])
        views.append(view)
    return views


@route("GET", "/V1/creditmemos", acl=READ)
def list_creditmemos(ctx: Context) -> Any:
    memos, rest = find_documents(ctx, "sales_creditmemo")
    return {"items": creditmemos_view(ctx.db, memos)} | rest


@route("GET", "/V1/creditmemo/:id", acl=READ)
def get_creditmemo(ctx: Context, id: str) -> Any:  # noqa: A002  # the route's own name for it
    return creditmemos_view(ctx.db, [document_by_id(ctx.db, "sales_creditmemo", path_id(id))])[0]


@route("GET", "/V1/creditmemo/:id/comments", acl=READ)
def list_comments(ctx: Context, id: str) -> Any:  # noqa: A002  # as above
    return children_of(path_id(id), comments_of(ctx.db, "creditmemo", path_id(id)))


@route("POST", "/V1/creditmemo/:id/comments", acl=READ)
def comment_on_creditmemo(ctx: Context, id: str) -> Any:  # noqa: A002  # as above
    memo = document_by_id(ctx.db, "sales_creditmemo", path_id(id))
    return comment_view(add_comment(ctx.db, "creditmemo", memo["entity_id"], ctx.needed("entity"), ctx.stamp))


@route("POST", "/V1/creditmemo/:id/emails", acl=READ)
def mail_creditmemo(ctx: Context, id: str) -> Any:  # noqa: A002  # as above
    memo = document_by_id(ctx.db, "sales_creditmemo", path_id(id))
    mail.send(ctx.db, "creditmemo", order_by_id(ctx.db, memo["order_id"]), ctx.stamp)
    return True


@route("GET", "/V1/transactions", acl="Magento_Sales::transactions_fetch")
def list_transactions(ctx: Context) -> Any:
    """Always empty: offline payments make no transactions."""
    return {"items": [], "search_criteria": ctx.criteria().echo(), "total_count": 0}
