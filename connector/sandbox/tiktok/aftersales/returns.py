"""Returns and refunds: create, search, decide, records. The matrix of decisions is in `decisions`."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Mapping
from typing import Any

from connector.sandbox.tiktok import errors
from connector.sandbox.tiktok.aftersales import decisions, reasons, rows
from connector.sandbox.tiktok.aftersales.refunds import order_refund, shown_line
from connector.sandbox.tiktok.database import Json, dumps, next_id
from connector.sandbox.tiktok.errors import ApiError
from connector.sandbox.tiktok.orders.money import cents, text
from connector.sandbox.tiktok.orders.place import place_order
from connector.sandbox.tiktok.orders.rows import Order, load_order
from connector.sandbox.tiktok.routes import route
from connector.sandbox.tiktok.shops import BY_ID
from connector.sandbox.tiktok.timers import schedule, timer, unschedule
from connector.sandbox.tiktok.webhooks import emit
from connector.sandbox.tiktok.world import Call, World

SCOPE = "seller.return_refund.basic"
TABLE = "return_order"
WRONG_STATUS, UNFIT, DECIDED, UNKNOWN_REASON, NOT_RETURNABLE = 25011013, 25020004, 25020010, 25001014, 25001051
# From which status of a line on a request of this type is possible.
OPEN_FOR = {
    "REFUND": frozenset({"AWAITING_COLLECTION", "IN_TRANSIT", "DELIVERED"}),
    "RETURN_AND_REFUND": frozenset({"DELIVERED"}),
    "REPLACEMENT": frozenset({"DELIVERED"}),
}


@route(
    "POST", "/return_refund/202602/returns/search", "/return_refund/202309/returns/search", scope=SCOPE, writes=False
)
def search_returns(call: Call) -> Json:
    lists = {
        "buyer_user_ids": "json_extract(document, '$._buyer')",
        "return_types": "json_extract(document, '$.return_type')",
        "return_status": "status",
        "arbitration_status": "json_extract(document, '$.arbitration_status')",
        "seller_proposed_return_type": "json_extract(document, '$.seller_proposed_return_type')",
    }
    found, rest = rows.search(call, TABLE, "return_id", lists, least=10)
    return {"return_orders": found, **rest}


@route("POST", "/return_refund/202602/returns", "/return_refund/202309/returns", scope=SCOPE)
def create_return(call: Call) -> Json:
    """The seller opens a return for the buyer: it needs no approval."""
    order = rows.order_named(call)
    key = f"return/{call.query.get('idempotency_key', '')}"
    known = call.tx.execute(
        "SELECT answer FROM idempotency WHERE shop_id = ? AND key = ?", (call.shop.id, key)
    ).fetchone()
    if known and call.query.get("idempotency_key"):
        answer: Json = json.loads(known["answer"])
        return answer
    return_type = call.text("return_type")
    if return_type not in {"REFUND", "RETURN_AND_REFUND"}:
        raise errors.invalid("body", "return_type", "REFUND or RETURN_AND_REFUND is expected")
    lines = rows.named_lines(call, order, rows.INVALID)
    document = open_return(call.world, call.tx, order, lines, return_type, call.text("return_reason"), "SELLER")
    if call.body.get("refund_total"):
        if call.body.get("currency") != call.shop.currency:
            raise errors.invalid("body", "currency", f"{call.shop.currency} is expected")
        limit_refund(document, call.text("refund_total"), call.shop.currency)
    decide(call.world, call.tx, call.shop.id, document, decisions.BY_SILENCE[return_type, decisions.PENDING], "SELLER")
    answer = {"return_id": document["return_id"], "return_status": document["return_status"]}
    if call.query.get("idempotency_key"):
        call.tx.execute("INSERT INTO idempotency VALUES (?, ?, ?)", (call.shop.id, key, dumps(answer)))
    return answer


def limit_refund(document: Json, amount: str, currency: str) -> None:
    """A partial refund: more than nothing, at most what was paid."""
    try:
        wanted = cents(amount)
    except ValueError as error:
        raise errors.invalid("body", "partial_refund", str(error)) from error
    if not 0 < wanted <= cents(document["refund_amount"]["refund_total"]):
        raise ApiError(UNFIT, "A partial refund must be above zero and at most the full refund.")
    document["partial_refund"] = {"currency": currency, "amount": text(wanted)}


def open_return(
    world: World, tx: sqlite3.Connection, order: Order, lines: list[Json], return_type: str, reason: str, role: str
) -> Json:
    """A new request in its first status. Raises ApiError when order, lines or reason do not allow it."""
    known = reasons.RETURN_REASONS.get(return_type, {})
    if reason not in known:
        raise ApiError(UNKNOWN_REASON, f"The reason {reason!r} is unknown; one of {', '.join(known)} is expected.")
    taken = requested_lines(tx, order)
    for line in lines:
        if line["display_status"] not in OPEN_FOR[return_type] or line["id"] in taken:
            raise ApiError(
                NOT_RETURNABLE, f"The line {line['id']} is {line['display_status']}, or in another request already."
            )
    pending = decisions.REPLACE_PENDING if return_type == "REPLACEMENT" else decisions.PENDING
    shop = BY_ID[order.shop_id]
    depot = next(place for place in shop.warehouses if place.type == "RETURN_WAREHOUSE")
    document: Json = {
        "return_id": str(next_id(tx, "return")),
        "order_id": order.id,
        "return_type": return_type,
        "return_status": pending,
        "role": role,
        "return_reason": reason,
        "return_reason_text": known[reason],
        "shipment_type": "PLATFORM",
        "handover_method": "DROP_OFF",
        "return_method": "BUYER_SHIPPED",
        "return_tracking_number": "",
        "return_provider_name": "",
        "return_provider_id": "",
        "can_buyer_keep_item": False,
        "is_quick_refund": False,
        "is_combined_return": False,
        "create_time": world.now(),
        "refund_amount": order_refund(order, lines, before_shipping=False),
        "return_line_items": [
            {"return_line_item_id": str(next_id(tx, "after_sale_line")), **shown_line(order, line)} for line in lines
        ],
        "return_warehouse_address": {"full_address": depot.address["full_address"]},
        "_buyer": order.document["user_id"],
    }
    save(world, tx, order.shop_id, document, f"{role}_CREATED", role)
    return document


def requested_lines(tx: sqlite3.Connection, order: Order) -> set[str]:
    """Lines of requests that are open or were refunded."""
    over = {decisions.CANCELLED, decisions.REPLACE_CANCELLED, decisions.REJECTED, decisions.REPLACE_REJECTED}
    found = tx.execute("SELECT status, document FROM return_order WHERE order_id = ?", (int(order.id),)).fetchall()
    return {
        entry["order_line_item_id"]
        for row in found
        if row["status"] not in over
        for entry in json.loads(row["document"])["return_line_items"]
    }


def save(
    world: World, tx: sqlite3.Connection, shop_id: str, document: Json, event: str, role: str, note: str = ""
) -> None:
    """Write a step: the request, its record, its deadline, its webhook."""
    unschedule(tx, "return_answer", document["return_id"])
    action = decisions.NEXT_ACTIONS.get((document["return_type"], document["return_status"]))
    document.pop("seller_next_action_response", None)
    if action:
        wait = world.options.return_answer_seconds / (2 if document["return_type"] == "REPLACEMENT" else 1)
        document["seller_next_action_response"] = [{"action": action, "deadline": int(world.now() + wait)}]
        schedule(tx, "return_answer", document["return_id"], world.clock.now() + wait)
    rows.save(world, tx, TABLE, shop_id, document, "return_id")
    record = {"event": event, "role": role, "description": document["return_status"], "create_time": world.now()}
    record |= {"reason_text": document["return_reason_text"], "note": note, "images": [], "videos": []}
    kept = tx.execute("SELECT records FROM return_order WHERE id = ?", (int(document["return_id"]),)).fetchone()
    records = [*json.loads(kept["records"]), record]
    tx.execute("UPDATE return_order SET records = ? WHERE id = ?", (dumps(records), int(document["return_id"])))
    data = {
        name: document[name]
        for name in ("order_id", "return_id", "return_type", "return_status", "create_time", "update_time")
    }
    emit(world, tx, shop_id, "RETURN_STATUS_CHANGE", {**data, "return_role": document["role"]})


def decide(
    world: World, tx: sqlite3.Connection, shop_id: str, document: Json, decision: str, role: str, note: str = ""
) -> None:
    """Take a decision of the matrix. Raises ApiError when it does not fit type or status."""
    table = {**decisions.APPROVALS, **decisions.REJECTIONS}
    following = table.get((document["return_type"], document["return_status"], decision))
    if following is None:
        if not decisions.fits_type(document["return_type"], decision):
            raise ApiError(UNFIT, f"The decision {decision} does not fit the type {document['return_type']}.")
        approved = document["return_status"] in {decisions.SUCCESS, decisions.COMPLETE, decisions.TO_SHIP}
        raise ApiError(DECIDED if approved else WRONG_STATUS, f"The request is {document['return_status']}.")
    move(world, tx, shop_id, document, following, decision, role, note)
    if decision == "APPROVE_REPLACEMENT":
        _send_replacement(world, tx, shop_id, document)


def move(
    world: World,
    tx: sqlite3.Connection,
    shop_id: str,
    document: Json,
    status: str,
    event: str,
    role: str,
    note: str = "",
) -> None:
    """Bring the request to a status and start what follows from it."""
    document["return_status"] = status
    save(world, tx, shop_id, document, event, role, note)
    unschedule(tx, "return_close", document["return_id"])
    if status == decisions.SUCCESS:
        schedule(tx, "refund_done", document["return_id"], world.clock.now() + world.options.refund_seconds)
    if status in decisions.REFUNDED:
        _note_refund(world, tx, shop_id, document)
    if status in decisions.AFTER_REJECTION:
        schedule(tx, "return_close", document["return_id"], world.clock.now() + world.options.return_answer_seconds)


def _note_refund(world: World, tx: sqlite3.Connection, shop_id: str, document: Json) -> None:
    """An order whose every line was refunded in full is COMPLETED."""
    if document.get("partial_refund"):
        return
    order = load_order(tx, shop_id, document["order_id"])
    refunded = set(order.private.get("refunded", [])) | {
        entry["order_line_item_id"] for entry in document["return_line_items"]
    }
    order.private["refunded"] = sorted(refunded)
    if all(line["id"] in refunded for line in order.alive()):
        for line in order.alive():
            line["display_status"] = "COMPLETED"
        order.derive_status()
    order.save(world, tx)


def _send_replacement(world: World, tx: sqlite3.Connection, shop_id: str, document: Json) -> None:
    """The same goods once more, at no charge, whatever the stock."""
    order = load_order(tx, shop_id, document["order_id"])
    lines: list[Json] = [
        {"sku_id": entry["sku_id"], "quantity": 1, "tax": "0"} for entry in document["return_line_items"]
    ]
    named = {entry["order_line_item_id"] for entry in document["return_line_items"]}
    skus = [line["sku_id"] for line in order.lines if line["id"] in named]
    marks = [tx.execute("SELECT amount FROM sku WHERE id = ?", (int(number),)).fetchone()["amount"] for number in skus]
    wanted = {
        "lines": lines,
        "force": True,
        "shipping_type": order.document["shipping_type"],
        "seller_discount": text(sum(cents(amount) for amount in marks)),
        "tax_rate": "0",
        "replaced_order_id": order.id,
    }
    place_order(world, tx, BY_ID[shop_id], wanted)


@timer("return_answer")
def silence_decides(world: World, tx: sqlite3.Connection, subject: str) -> None:
    row = rows.find(tx, TABLE, subject)
    document = json.loads(row["document"]) if row is not None else {}
    decision = decisions.BY_SILENCE.get((document.get("return_type", ""), document.get("return_status", "")))
    if row is not None and decision:
        decide(world, tx, row["shop_id"], document, decision, "SYSTEM")


@timer("refund_done")
def complete_refund(world: World, tx: sqlite3.Connection, subject: str) -> None:
    _close(world, tx, subject, {decisions.SUCCESS: decisions.COMPLETE}, "REFUND_COMPLETE")


@timer("return_close")
def close_rejected(world: World, tx: sqlite3.Connection, subject: str) -> None:
    _close(world, tx, subject, decisions.AFTER_REJECTION, "REQUEST_CLOSED")


def _close(world: World, tx: sqlite3.Connection, subject: str, following: Mapping[str, str], event: str) -> None:
    row = rows.find(tx, TABLE, subject)
    if row is not None and row["status"] in following:
        move(world, tx, row["shop_id"], json.loads(row["document"]), following[row["status"]], event, "SYSTEM")


@route("POST", "/return_refund/202309/returns/{return_id}/approve", scope=SCOPE)
def approve_return(call: Call, return_id: str) -> Json:
    document, decision = rows.load(call, TABLE, return_id), call.text("decision")
    if rows.repeated(call, f"approve/{return_id}"):
        return {}
    keep, partial = bool(call.body.get("buyer_keep_item")), call.body.get("partial_refund")
    if decision not in {name for _, _, name in decisions.APPROVALS}:
        raise errors.invalid("body", "decision", f"{decision} is not a decision")
    if keep and decision != "APPROVE_RETURN":
        raise ApiError(UNFIT, "buyer_keep_item fits the decision APPROVE_RETURN only.")
    if bool(partial) != (decision == "OFFER_PARTIAL_REFUND"):
        raise ApiError(UNFIT, "partial_refund and the decision OFFER_PARTIAL_REFUND belong together.")
    if partial:
        _offer(call, document, partial)
    decide(call.world, call.tx, call.shop.id, document, decision, "SELLER")
    if keep:
        document["can_buyer_keep_item"] = True
        move(call.world, call.tx, call.shop.id, document, decisions.SUCCESS, "BUYER_KEEPS_ITEM", "SELLER")
    return {}


def _offer(call: Call, document: Json, partial: Mapping[str, Any]) -> None:
    if partial.get("currency") != call.shop.currency:
        raise errors.invalid("body", "partial_refund.currency", f"{call.shop.currency} is expected")
    limit_refund(document, str(partial.get("amount") or partial.get("partial_refund_total") or ""), call.shop.currency)
    document["seller_proposed_return_type"] = "PARTIAL_REFUND"


@route(
    "POST",
    "/return_refund/202606/returns/{return_id}/reject",
    "/return_refund/202309/returns/{return_id}/reject",
    scope=SCOPE,
)
def reject_return(call: Call, return_id: str) -> Json:
    document, decision, reason = rows.load(call, TABLE, return_id), call.text("decision"), call.text("reject_reason")
    if rows.repeated(call, f"reject/{return_id}"):
        return {}
    if decision not in {name for _, _, name in decisions.REJECTIONS}:
        raise errors.invalid("body", "decision", f"{decision} is not a decision")
    if reason not in reasons.REJECT_RETURN:
        raise ApiError(UNKNOWN_REASON, f"The reason {reason!r} is unknown.")
    if decision == "OFFER_PARTIAL_REFUND_AFTER_RECEIVING_PKG":
        _offer(call, document, call.body.get("partial_refund_amount") or {})
    decide(call.world, call.tx, call.shop.id, document, decision, "SELLER", call.text("comment", required=False))
    return {}


@route("GET", "/return_refund/202309/returns/{return_id}/records", scope=SCOPE)
def return_records(call: Call, return_id: str) -> Json:
    rows.load(call, TABLE, return_id)
    row = rows.find(call.tx, TABLE, return_id)
    return {"records": json.loads(row["records"]) if row is not None else []}


@route("POST", "/return_refund/202405/returns/shipping_documents", scope=SCOPE, multipart=True)
def upload_return_label(call: Call) -> Json:
    """The seller's own label for the way back."""
    for name in ("tracking_number", "return_provider_id"):
        if not call.form.get(name):
            raise errors.missing("body", name)
    for return_id in call.listed("return_ids", 50):
        document = rows.load(call, TABLE, return_id)
        if document["return_status"] != decisions.TO_SHIP:
            raise ApiError(WRONG_STATUS, f"The return {return_id} is {document['return_status']}.")
        document |= {
            "return_tracking_number": call.form["tracking_number"],
            "return_provider_id": call.form["return_provider_id"],
            "return_method": "SELLER_SHIPPED",
            "return_shipping_document_type": "SHIPPING_LABEL",
        }
        save(call.world, call.tx, call.shop.id, document, "LABEL_UPLOADED", "SELLER")
    return {}
