"""Cancellations and returns: filed, answered, and followed in the store."""

from __future__ import annotations

import uuid
from collections import Counter
from datetime import datetime
from decimal import Decimal
from typing import Any

from connector.domain.money import from_minor, round_money, to_minor
from connector.domain.order import AWAITING_SELLER, Cancellation, ReturnRequest, StoreOrder
from connector.errors import RejectedError, UnknownOutcomeError
from connector.ports import Sales
from connector.services import history, placement
from connector.services.context import Context
from connector.store.database import transaction
from connector.store.models import Account, Order, OrderLine, ReturnCase

OVERLAP = 600
FIRST_WINDOW = 7 * 86_400
_NAMESPACE = uuid.UUID("6f1c1a52-37b5-4a53-9f0e-0d5c7d6a1b11")
_CANCELLED = "CANCELLATION_REQUEST_SUCCESS"
_RETURNED = "RETURN_OR_REFUND_REQUEST_COMPLETE"
_SUCCESS = (_CANCELLED, "CANCELLATION_REQUEST_COMPLETE", "RETURN_OR_REFUND_REQUEST_SUCCESS", _RETURNED)
_WORDS = {
    "out_of_stock": ("stock",),
    "wrong_price": ("pric",),
    "address_not_deliver": ("deliver", "address"),
}


def import_window(ctx: Context, account: Account, *, since: int | None = None, until: int | None = None) -> str:
    """Reads cancellations and returns that changed; answers and follows what the policy lets it. A sentence of counts."""
    shop = ctx.remotes.shop(account)
    now = int(ctx.clock.now().timestamp())
    feeds: dict[str, Any] = {"cancellations": shop.cancellations_updated, "returns": shop.returns_updated}
    counted = 0
    for feed, read in feeds.items():
        mark = int((account.high_water or {}).get(feed) or 0)
        start = since if since is not None else (mark - OVERLAP if mark else now - FIRST_WINDOW)
        for found in read(start, until if until is not None else now + 60):
            counted += save(ctx, account, found) is not None
        if since is None and until is None:
            _advance(account, feed, now)
    _accept_by_policy(ctx, account)
    settle(ctx, account)
    return f"{counted} cancellations and returns"


def save(ctx: Context, account: Account, found: Cancellation | ReturnRequest) -> ReturnCase | None:
    """Files a case under its id; None when we know newer news already."""
    kind = "cancellation" if isinstance(found, Cancellation) else "return"
    now = ctx.clock.now()
    key = (ReturnCase.account == account.id, ReturnCase.kind == kind, ReturnCase.request_id == found.id)
    with transaction():
        case: ReturnCase | None = ReturnCase.get_or_none(*key)
        if case is not None and case.update_time > found.update_time:
            return None
        order = Order.get_or_none(Order.account == account.id, Order.tiktok_order_id == found.order_id)
        values = _columns(found) | {"order": order.id if order else None, "changed_at": now}
        if found.status in _SUCCESS and (case is None or not case.store_state):
            values["store_state"] = "due"
        if case is None:
            row: ReturnCase = ReturnCase.create(
                account=account.id, kind=kind, request_id=found.id, imported_at=now, **values
            )
            return row
        ReturnCase.update(values).where(ReturnCase.id == case.id).execute()
    fresh: ReturnCase = ReturnCase.get_by_id(case.id)
    return fresh


def accept(ctx: Context, case_id: int, actor: str) -> str:
    """Approves a request; the store follows once the marketplace has carried it out.

    Raises:
        RejectedError: the marketplace does not wait for an answer, or refused this one.
    """
    case = _awaiting(case_id)
    shop, key = ctx.remotes.shop(case.account), _key(case, "approve")
    _decide(ctx, case, "approve", "", actor)
    try:
        if case.kind == "cancellation":
            shop.approve_cancellation(case.request_id, key)
        else:
            shop.approve_return(case.request_id, _approval(case), key)
    except UnknownOutcomeError:
        raise
    except RejectedError as error:
        _decided(ctx, case, "refused", str(error))
        raise
    _decided(ctx, case, "sent", "")
    return f"{case.kind.capitalize()} {case.request_id} accepted."


def reject(ctx: Context, case_id: int, reason: str, actor: str) -> str:
    """Refuses a request; an empty `reason` takes the first that the marketplace accepts.

    Raises: as `accept`.
    """
    case = _awaiting(case_id)
    shop, key = ctx.remotes.shop(case.account), _key(case, "reject")
    offered = [one.name for one in shop.reject_reasons(case.request_id)]
    chosen = reason or (offered[0] if offered else "")
    if not chosen or (offered and chosen not in offered):
        raise RejectedError(f"TikTok Shop accepts: {', '.join(offered) or 'no reason now'}.", system="tiktok")
    _decide(ctx, case, "reject", chosen, actor)
    try:
        if case.kind == "cancellation":
            shop.reject_cancellation(case.request_id, chosen, key)
        else:
            shop.reject_return(case.request_id, _rejection(case), chosen, key)
    except UnknownOutcomeError:
        raise
    except RejectedError as error:
        _decided(ctx, case, "refused", str(error))
        raise
    _decided(ctx, case, "sent", "")
    return f"{case.kind.capitalize()} {case.request_id} rejected: {chosen}."


def reject_order(ctx: Context, order_id: int, reason_word: str) -> str:
    """Cancels an order as its seller for the marketplace's reason whose words fit; one already cancelled is left alone."""
    row: Order = Order.get_by_id(order_id)
    shop = ctx.remotes.shop(row.account)
    current = shop.orders([row.tiktok_order_id])
    if current and current[0].status == "CANCELLED":
        return "The order is cancelled already."
    words = _WORDS.get(reason_word, (reason_word.replace("_", " "),))
    reasons = shop.cancel_reasons(row.tiktok_order_id)
    fitting = [one for one in reasons if any(word in f"{one.name} {one.text}".lower() for word in words)]
    if not fitting:
        known = ", ".join(one.text or one.name for one in reasons)
        raise RejectedError(f"TikTok Shop accepts for this order: {known or 'no reason now'}.", system="tiktok")
    shop.cancel_order(row.tiktok_order_id, fitting[0].name)
    history.note(ctx.clock.now(), "reject", "order.rejected", "order", row.id, fitting[0].text or fitting[0].name)
    return f"Cancelled on TikTok Shop: {fitting[0].text or fitting[0].name}."


def cancel_store_order(ctx: Context, row: Order) -> str:
    """Cancels a store order of which nothing is invoiced or shipped; a sentence, empty when its case must refund it."""
    if row.magento_order_id is None:
        return ""
    sales = ctx.remotes.sales(row.account.store)
    store = sales.order(row.magento_order_id)
    if store.state != "canceled":
        if store.total_invoiced or any(item.qty_invoiced or item.qty_shipped for item in store.items):
            return ""
        if store.state == "holded":
            sales.unhold(store.entity_id)
        if not sales.cancel(store.entity_id):
            return ""
    now = ctx.clock.now()
    with transaction():
        Order.update(state="cancelled", magento_status="canceled", changed_at=now).where(Order.id == row.id).execute()
        history.note(now, "returns", "order.cancelled", "order", row.id, f"Store order {store.increment_id} cancelled.")
    return f"Store order {store.increment_id} cancelled."


def settle(ctx: Context, account: Account) -> int:
    """Follows carried-out cancellations and returns in the store; how many were done. What is refused waits for a person."""
    done = 0
    for case in ReturnCase.select().where(ReturnCase.account == account.id, ReturnCase.store_state == "due"):
        order: Order | None = case.order
        if order is None:
            order = Order.get_or_none(Order.account == account.id, Order.tiktok_order_id == case.tiktok_order_id)
        if order is None or order.state in {"claimed", "cart", "placing", "placed", "corrected"}:
            continue
        try:
            document = _follow(ctx, case, order)
        except RejectedError as error:
            _store_state(ctx, case, "due", "", str(error))
            continue
        _store_state(ctx, case, "done" if document else "none", document, "")
        done += 1
    return done


def _follow(ctx: Context, case: ReturnCase, order: Order) -> str:
    """The store's document: a credit memo's id, "cancelled", or nothing where there is no store order."""
    if order.magento_order_id is None:
        return ""
    sales = ctx.remotes.sales(order.account.store)
    lines = _case_lines(case, order)
    whole = len(lines) == OrderLine.select().where(OrderLine.order == order.id).count()
    if case.kind == "cancellation" and whole and cancel_store_order(ctx, order):
        return "cancelled"
    known = _memo_of(sales, order.magento_order_id, case.request_id)
    if known:
        return known
    store = sales.order(order.magento_order_id)
    if not sales.invoices(store.entity_id):
        sales.invoice(store.entity_id)
        store = sales.order(store.entity_id)
    return str(_refund(sales, store, case, lines, whole=whole))


def _refund(sales: Sales, store: StoreOrder, case: ReturnCase, lines: list[OrderLine], *, whole: bool) -> int:
    """One credit memo of exactly these units. Shipping goes back with a whole order only; a cancellation's pieces to stock."""
    wanted = Counter(int(line.store_item_id) for line in lines if line.store_item_id is not None)
    left = {item.item_id: int(item.qty_invoiced - item.qty_refunded) for item in store.items}
    items = {number: min(pieces, left.get(number, 0)) for number, pieces in wanted.items()}
    items = {number: pieces for number, pieces in items.items() if pieces}
    if not items:
        raise RejectedError(f"Store order {store.increment_id} has nothing left to refund.", system="magento")
    back = list(items) if case.kind == "cancellation" or case.type == "RETURN_AND_REFUND" else []
    return sales.refund(
        store.entity_id,
        items,
        shipping_amount=None if whole else Decimal(0),
        return_to_stock=back,
        comment=f"TikTok Shop {case.kind} {case.request_id}, refunded there: "
        f"{from_minor(case.refund_minor, case.currency)} {case.currency}",
    )


def _memo_of(sales: Sales, entity_id: int, request_id: str) -> str:
    """The credit memo whose comment names this request: ours, from an earlier call."""
    for memo in sales.credit_memos(entity_id):
        if any(request_id in str(one.get("comment") or "") for one in memo.get("comments") or ()):
            return str(memo["entity_id"])
    return ""


def _case_lines(case: ReturnCase, order: Order) -> list[OrderLine]:
    lines = OrderLine.select().where(OrderLine.order == order.id)
    return [line for line in lines if not case.line_ids or line.line_id in case.line_ids]


def _accept_by_policy(ctx: Context, account: Account) -> None:
    """Accepts buyers' cancellations of orders of which nothing is shipped."""
    if not placement.order_policy(account).accept_cancellations:
        return
    waiting = ReturnCase.select().where(
        ReturnCase.account == account.id,
        ReturnCase.kind == "cancellation",
        ReturnCase.status == "CANCELLATION_REQUEST_PENDING",
        ReturnCase.decision_state.in_(("", "wanted")),
    )
    for case in waiting:
        order: Order | None = case.order
        if order is None or _shipped(ctx, order):
            continue
        try:
            accept(ctx, case.id, "order policy")
        except RejectedError as error:
            _store_message(case, str(error))


def _shipped(ctx: Context, order: Order) -> bool:
    if order.magento_order_id is None:
        return False
    return bool(ctx.remotes.sales(order.account.store).shipments([order.magento_order_id]))


def _awaiting(case_id: int) -> ReturnCase:
    case: ReturnCase = ReturnCase.get_by_id(case_id)
    if case.status not in AWAITING_SELLER:
        raise RejectedError(f"TikTok Shop does not wait for an answer: {case.status}.", system="tiktok")
    return case


def _approval(case: ReturnCase) -> str:
    if case.status == "BUYER_SHIPPED_ITEM":
        return "APPROVE_RECEIVED_PACKAGE"
    return "APPROVE_REFUND" if case.type == "REFUND" else "APPROVE_RETURN"


def _rejection(case: ReturnCase) -> str:
    if case.status == "BUYER_SHIPPED_ITEM":
        return "REJECT_RECEIVED_PACKAGE"
    return "REJECT_REFUND" if case.type == "REFUND" else "REJECT_RETURN"


def _key(case: ReturnCase, decision: str) -> str:
    """The same key for the same answer, so that a repeated call changes nothing."""
    return str(uuid.uuid5(_NAMESPACE, f"{case.kind}:{case.request_id}:{case.status}:{decision}"))


def _decide(ctx: Context, case: ReturnCase, decision: str, reason: str, actor: str) -> None:
    now = ctx.clock.now()
    values = {"decision": decision, "decision_reason": reason, "decision_state": "wanted", "decided_by": actor}
    with transaction():
        ReturnCase.update(values, changed_at=now).where(ReturnCase.id == case.id).execute()
        history.note(now, actor, f"return.{decision}", "return", case.id, reason)


def _decided(ctx: Context, case: ReturnCase, state: str, message: str) -> None:
    with transaction():
        ReturnCase.update(decision_state=state, message=message, changed_at=ctx.clock.now()).where(
            ReturnCase.id == case.id
        ).execute()


def _store_state(ctx: Context, case: ReturnCase, state: str, document: str, message: str) -> None:
    now: datetime = ctx.clock.now()
    with transaction():
        ReturnCase.update(store_state=state, store_document=document, message=message, changed_at=now).where(
            ReturnCase.id == case.id
        ).execute()


def _store_message(case: ReturnCase, message: str) -> None:
    with transaction():
        ReturnCase.update(message=message).where(ReturnCase.id == case.id).execute()


def _columns(found: Cancellation | ReturnRequest) -> dict[str, Any]:
    values: dict[str, Any] = {
        "tiktok_order_id": found.order_id,
        "type": found.type,
        "status": found.status,
        "reason": found.reason,
        "reason_text": found.reason_text,
        "line_ids": list(found.line_ids),
        "refund_minor": to_minor(round_money(found.refund_total, found.currency), found.currency),
        "currency": found.currency,
        "update_time": found.update_time,
        "deadline": found.deadline,
    }
    if isinstance(found, Cancellation):
        return values | {"role": found.role}
    return values | {"next_actions": list(found.next_actions), "next_id": found.next_id}


def _advance(account: Account, feed: str, now: int) -> None:
    with transaction():
        fresh: Account = Account.get_by_id(account.id)
        marks = {**(fresh.high_water or {}), feed: now}
        Account.update(high_water=marks).where(Account.id == account.id).execute()
    account.high_water = marks
