"""What may be asked for and decided, with the reasons that fit. Source: "Get Aftersale Eligibility", "Get Reject Reasons"."""

from __future__ import annotations

from connector.sandbox.tiktok import errors
from connector.sandbox.tiktok.aftersales import cancellations, decisions, reasons, returns, rows
from connector.sandbox.tiktok.aftersales.refunds import order_refund
from connector.sandbox.tiktok.database import Json
from connector.sandbox.tiktok.errors import ApiError
from connector.sandbox.tiktok.orders.rows import Order, load_order
from connector.sandbox.tiktok.routes import route
from connector.sandbox.tiktok.world import Call

SCOPE = "seller.return_refund.basic"
REQUEST_TYPES = ("CANCEL", "REFUND", "RETURN_AND_REFUND")
ON_CANCEL = ("APPROVE_REQUEST_CANCEL", "REJECT_REQUEST_CANCEL")
NOT_ELIGIBLE = 25001003


@route(
    "GET",
    "/return_refund/202602/orders/{order_id}/aftersale_eligibility",
    "/return_refund/202512/orders/{order_id}/aftersale_eligibility",
    "/return_refund/202309/orders/{order_id}/aftersale_eligibility",
    scope=SCOPE,
)
def aftersale_eligibility(call: Call, order_id: str) -> Json:
    order = load_order(call.tx, call.shop.id, order_id)
    user = call.query.get("initiate_aftersale_user") or "SELLER"
    if user not in {"SELLER", "BUYER"}:
        raise errors.invalid("query", "initiate_aftersale_user", "SELLER or BUYER is expected")
    types = call.listed("request_types", 3) if call.query.get("request_types") else list(REQUEST_TYPES)
    if not set(types) <= set(REQUEST_TYPES):
        raise errors.invalid("query", "request_types", f"{', '.join(REQUEST_TYPES)} are expected")
    taken = returns.requested_lines(call.tx, order)
    skus: dict[str, list[Json]] = {}
    for line in order.lines:
        skus.setdefault(line["sku_id"], []).append(line)
    return {
        "sku_eligibility": [
            {
                "sku_id": sku_id,
                "line_item_eligibility": [_eligibility(call, order, lines, kind, user, taken) for kind in types],
            }
            for sku_id, lines in skus.items()
        ]
    }


def _eligibility(call: Call, order: Order, lines: list[Json], kind: str, user: str, taken: set[str]) -> Json:
    if kind == "CANCEL":
        open_lines = [line for line in lines if line["display_status"] in {"UNPAID", "AWAITING_SHIPMENT"}]
        known = (
            reasons.seller_cancel_reasons(call.shop.region, cancellations.phase(order))
            if user == "SELLER"
            else reasons.buyer_cancel_reasons(order.status)
        )
        eligible = bool(open_lines) and cancellations.pending_of(call.tx, order) is None
    else:
        open_lines = [
            line for line in lines if line["display_status"] in returns.OPEN_FOR[kind] and line["id"] not in taken
        ]
        known, eligible = reasons.RETURN_REASONS[kind], bool(open_lines)
    ids = [line["id"] for line in (open_lines if eligible else lines)]
    shown: Json = {
        "request_type": kind,
        "eligible": eligible,
        "order_line_items_ids": ids,
        "order_line_list": [{"order_line_item_id": number} for number in ids],
        "available_reason_names": list(known) if eligible else [],
    }
    if not eligible:
        shown |= {"ineligible_code": NOT_ELIGIBLE, "ineligible_reason": f"The order is {order.status}."}
    return shown


@route("GET", "/return_refund/202309/reject_reasons", scope=SCOPE)
def reject_reasons(call: Call) -> Json:
    table, _ = _request(call)
    return {
        "reasons": _named(reasons.REJECT_CANCEL[call.shop.region] if table == "cancellation" else reasons.REJECT_RETURN)
    }


def _named(known: dict[str, str]) -> list[Json]:
    return [{"name": name, "text": text} for name, text in known.items()]


def _request(call: Call) -> tuple[str, Json]:
    """The table and the document of `return_or_cancel_id`."""
    number = call.asked("return_or_cancel_id")
    for table in ("cancellation", "return_order"):
        row = rows.find(call.tx, table, number)
        if row is not None:
            return table, rows.load(call, table, number)
    raise ApiError(rows.INVALID, f"There is no request {number}.")


@route("GET", "/return_refund/202601/decision_eligibility", scope=SCOPE)
def decision_eligibility(call: Call) -> Json:
    table, document = _request(call)
    if table == "cancellation":
        allowed = set(ON_CANCEL) if document["cancel_status"] == cancellations.PENDING else set()
        every: tuple[str, ...] = ON_CANCEL
    else:
        matrix = (*decisions.APPROVALS, *decisions.REJECTIONS)
        state = (document["return_type"], document["return_status"])
        allowed = {name for kind, status, name in matrix if (kind, status) == state}
        every = tuple(dict.fromkeys(name for _, _, name in matrix))
    asked = call.listed("check_decisions", 50) if call.query.get("check_decisions") else list(every)
    known = reasons.REJECT_CANCEL[call.shop.region] if table == "cancellation" else reasons.REJECT_RETURN
    return {"decisions": [_decision(name, name in allowed, known) for name in asked]}


def _decision(name: str, eligible: bool, known: dict[str, str]) -> Json:
    shown: Json = {"decision": name, "eligible": eligible}
    if not eligible:
        return shown | {"ineligible_code": returns.WRONG_STATUS, "ineligible_reason": "Type or status do not allow it."}
    return shown | ({"available_reject_reasons": _named(known)} if name.startswith("REJECT") else {})


@route(
    "POST",
    "/return_refund/202602/refunds/calculate",
    "/return_refund/202309/refunds/calculate",
    scope=SCOPE,
    writes=False,
)
def calculate_refund(call: Call) -> Json:
    order, kind = rows.order_named(call), call.text("request_type")
    call.text("reason_name")
    if kind not in REQUEST_TYPES:
        raise errors.invalid("body", "request_type", f"one of {', '.join(REQUEST_TYPES)} is expected")
    lines = rows.named_lines(call, order, rows.INVALID)
    return {"order_refund_amount": order_refund(order, lines, before_shipping=kind == "CANCEL")}
