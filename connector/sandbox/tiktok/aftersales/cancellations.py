"""Cancellations: the seller's own, and the buyer's requests, which silence approves. Source: "Return, refund, and cancel"."""

from __future__ import annotations

import json
import sqlite3

from connector.sandbox.tiktok.aftersales import reasons, rows
from connector.sandbox.tiktok.aftersales.refunds import order_refund, shown_line
from connector.sandbox.tiktok.database import Json, next_id
from connector.sandbox.tiktok.errors import ApiError
from connector.sandbox.tiktok.orders.lifecycle import cancel_lines
from connector.sandbox.tiktok.orders.rows import BEFORE_SHIPPING, Order, find_order, load_order
from connector.sandbox.tiktok.routes import route
from connector.sandbox.tiktok.shops import BY_ID
from connector.sandbox.tiktok.timers import schedule, timer, unschedule
from connector.sandbox.tiktok.webhooks import emit
from connector.sandbox.tiktok.world import Call, World

SCOPE = "seller.return_refund.basic"
TABLE = "cancellation"
PENDING = "CANCELLATION_REQUEST_PENDING"
SUCCESS = "CANCELLATION_REQUEST_SUCCESS"
CANCEL = "CANCELLATION_REQUEST_CANCEL"
BAD_STATUS, RUNNING, UNKNOWN_REASON, WRONG_REASON, SHIPPED, ENDED, LINES = (
    25001003,
    25001011,
    25001014,
    25001021,
    25001045,
    25001051,
    25005010,
)
CANNOT_APPROVE = 25011012


@route(
    "POST",
    "/return_refund/202602/cancellations/search",
    "/return_refund/202309/cancellations/search",
    scope=SCOPE,
    writes=False,
)
def search_cancellations(call: Call) -> Json:
    lists = {
        "buyer_user_ids": "json_extract(document, '$._buyer')",
        "cancel_types": "json_extract(document, '$.cancel_type')",
        "cancel_status": "status",
    }
    found, rest = rows.search(call, TABLE, "cancel_id", lists)
    return {"cancellations": found, **rest}


@route("POST", "/return_refund/202602/cancellations", "/return_refund/202309/cancellations", scope=SCOPE)
def cancel_order(call: Call) -> Json:
    """The seller cancels a whole order, or units of it that are out of stock. Done at once."""
    order, reason = rows.order_named(call), call.text("cancel_reason")
    _check_open(call.tx, order)
    fitting = reasons.seller_cancel_reasons(call.shop.region, phase(order))
    if not reasons.known_seller_cancel_reason(call.shop.region, reason):
        raise ApiError(UNKNOWN_REASON, f"The reason {reason!r} is unknown.")
    if reason not in fitting:
        raise ApiError(WRONG_REASON, f"The reason {reason!r} does not fit an order that is {order.status}.")
    lines = rows.named_lines(call, order, LINES)
    if any(line["display_status"] not in {"UNPAID", "AWAITING_SHIPMENT"} for line in lines):
        raise ApiError(LINES, "A line has been shipped.")
    if len(lines) < len(order.alive()) and not reasons.is_out_of_stock(reason):
        raise ApiError(LINES, "Only what is out of stock can be cancelled in part.")
    document = _document(call.world, call.tx, order, lines, "SELLER", reason, fitting[reason])
    document |= {"cancel_status": SUCCESS, "should_replenish_stock": not reasons.is_out_of_stock(reason)}
    _save(call.world, call.tx, order, document)
    replenish = document["should_replenish_stock"]
    cancel_lines(call.world, call.tx, order, lines, "SELLER", fitting[reason], replenish=replenish)
    return {"cancel_id": document["cancel_id"], "cancel_status": SUCCESS}


def phase(order: Order) -> str:
    return "AWAITING_SHIPMENT" if order.status == "PARTIALLY_SHIPPING" else order.status


def _check_open(tx: sqlite3.Connection, order: Order) -> None:
    if order.status in {"COMPLETED", "CANCELLED"}:
        raise ApiError(ENDED, f"The order is {order.status}.")
    if order.status not in BEFORE_SHIPPING | {"UNPAID", "ON_HOLD"}:
        raise ApiError(SHIPPED, f"The order is {order.status}: it has been shipped.")
    if pending_of(tx, order) is not None:
        raise ApiError(RUNNING, "A cancellation of this order is waiting for an answer.")


def pending_of(tx: sqlite3.Connection, order: Order) -> Json | None:
    """The buyer's request that waits for an answer."""
    row = tx.execute(
        "SELECT document FROM cancellation WHERE order_id = ? AND status = ?", (int(order.id), PENDING)
    ).fetchone()
    return None if row is None else json.loads(row["document"])


def _document(
    world: World, tx: sqlite3.Connection, order: Order, lines: list[Json], role: str, reason: str, text: str
) -> Json:
    return {
        "cancel_id": str(next_id(tx, "cancel")),
        "order_id": order.id,
        "cancel_type": "BUYER_CANCEL" if role == "BUYER" else "CANCEL",
        "cancel_status": PENDING,
        "role": role,
        "cancel_reason": reason,
        "cancel_reason_text": text,
        "create_time": world.now(),
        "refund_amount": order_refund(order, lines, before_shipping=True),
        "cancel_line_items": [
            {"cancel_line_item_id": str(next_id(tx, "after_sale_line")), **shown_line(order, line)} for line in lines
        ],
        "should_replenish_stock": True,
        "_buyer": order.document["user_id"],
    }


def _save(world: World, tx: sqlite3.Connection, order: Order, document: Json) -> None:
    """Write it and tell who listens; the webhook has a spelling of its own for CANCEL."""
    rows.save(world, tx, TABLE, order.shop_id, document, "cancel_id")
    told = {CANCEL: "CANCELLATION_REQUEST_CANCELLED"}.get(document["cancel_status"], document["cancel_status"])
    data = {
        "order_id": order.id,
        "cancel_id": document["cancel_id"],
        "cancellations_role": document["role"],
        "cancel_status": told,
        "create_time": document["create_time"],
    }
    emit(world, tx, order.shop_id, "CANCELLATION_STATUS_CHANGE", data)


def buyer_requests(world: World, tx: sqlite3.Connection, order: Order, reason: str) -> str:
    """The buyer wants out: at once before the order is to be shipped, with the seller's answer afterwards.

    Answers the cancel id. Raises ApiError when the order's status does not allow it.
    """
    _check_open(tx, order)
    known = reasons.buyer_cancel_reasons(order.status)
    reason = reason or next(iter(known))
    if reason not in known:
        raise ApiError(WRONG_REASON, f"The reason {reason!r} does not fit; one of {', '.join(known)} does.")
    document = _document(world, tx, order, order.alive(), "BUYER", reason, known[reason])
    if order.status in {"UNPAID", "ON_HOLD"}:
        document["cancel_status"] = SUCCESS
        _save(world, tx, order, document)
        cancel_lines(world, tx, order, order.alive(), "BUYER", known[reason], replenish=True)
        return str(document["cancel_id"])
    wait = world.options.cancel_answer_seconds[BY_ID[order.shop_id].region]
    deadline = world.now() + wait
    document["seller_next_action_response"] = [{"action": "SELLER_RESPOND_BUYER_CANCEL", "deadline": deadline}]
    schedule(tx, "cancel_answer", document["cancel_id"], world.clock.now() + wait)
    _save(world, tx, order, document)
    order.document |= {"is_buyer_request_cancel": True, "request_cancel_time": world.now()}
    order.save(world, tx)
    return str(document["cancel_id"])


@timer("cancel_answer")
def silence_approves(world: World, tx: sqlite3.Connection, subject: str) -> None:
    row = rows.find(tx, TABLE, subject)
    if row is not None and row["status"] == PENDING:
        approve(world, tx, row["shop_id"], json.loads(row["document"]))


def approve(world: World, tx: sqlite3.Connection, shop_id: str, document: Json) -> None:
    """The order is cancelled, even what was shipped without answering the request."""
    unschedule(tx, "cancel_answer", document["cancel_id"])
    order = load_order(tx, shop_id, document["order_id"])
    document["cancel_status"] = SUCCESS
    document.pop("seller_next_action_response", None)
    _save(world, tx, order, document)
    named = {entry["order_line_item_id"] for entry in document["cancel_line_items"]}
    lines = [line for line in order.alive() if line["id"] in named]
    order.document["is_buyer_request_cancel"] = False
    cancel_lines(world, tx, order, lines, "BUYER", document["cancel_reason_text"], replenish=True)


@route("POST", "/return_refund/202309/cancellations/{cancel_id}/approve", scope=SCOPE)
def approve_cancellation(call: Call, cancel_id: str) -> Json:
    document = rows.load(call, TABLE, cancel_id)
    if not rows.repeated(call, f"approve/{cancel_id}"):
        _check_pending(document)
        approve(call.world, call.tx, call.shop.id, document)
    return {}


@route("POST", "/return_refund/202309/cancellations/{cancel_id}/reject", scope=SCOPE)
def reject_cancellation(call: Call, cancel_id: str) -> Json:
    document, reason = rows.load(call, TABLE, cancel_id), call.text("reject_reason")
    if rows.repeated(call, f"reject/{cancel_id}"):
        return {}
    _check_pending(document)
    if reason not in reasons.REJECT_CANCEL[call.shop.region]:
        raise ApiError(UNKNOWN_REASON, f"The reason {reason!r} is unknown.")
    order = find_order(call.tx, document["order_id"])
    if order is None:
        raise ApiError(rows.INVALID, "The order of the request does not exist.")
    unschedule(call.tx, "cancel_answer", cancel_id)
    document["cancel_status"] = CANCEL
    document.pop("seller_next_action_response", None)
    _save(call.world, call.tx, order, document)
    order.document["is_buyer_request_cancel"] = False
    order.save(call.world, call.tx)
    return {}


def _check_pending(document: Json) -> None:
    if document["cancel_status"] != PENDING:
        raise ApiError(CANNOT_APPROVE, f"The request is {document['cancel_status']}: it waits for no answer.")
