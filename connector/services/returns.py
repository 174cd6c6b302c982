"""Cancellations and returns: filed, answered, and followed in the store."""

from __future__ import annotations

import uuid
from datetime import datetime, timedelta
from typing import Any

from peewee import IntegrityError

from connector.domain.money import round_money, to_minor
from connector.domain.order import AWAITING_SELLER, Cancellation, Reason, ReturnRequest
from connector.errors import RejectedError, RetryableError
from connector.plugins.policies.order import OrderPolicy
from connector.services import cancelling, history, leases, marks, placement, refunds, rounds
from connector.services.context import Context
from connector.store.database import locked, transaction
from connector.store.models import Account, Order, ReturnCase

OVERLAP = 600
FIRST_WINDOW = 7 * 86_400
LEASE = timedelta(minutes=5)
"""How long following one case in the store may take between two changes."""

POLICY = "order policy"
UNANSWERED = ("", "refused")
"""States of our answer in which another may be given."""

_NAMESPACE = uuid.UUID("6f1c1a52-37b5-4a53-9f0e-0d5c7d6a1b11")
_SUCCESS = frozenset(
    {
        "CANCELLATION_REQUEST_SUCCESS",
        "CANCELLATION_REQUEST_COMPLETE",
        "RETURN_OR_REFUND_REQUEST_SUCCESS",
        "RETURN_OR_REFUND_REQUEST_COMPLETE",
        "REPLACEMENT_REQUEST_REFUND_SUCCESS",
        "EXCHANGE_REQUEST_REFUND_SUCCESS",
    }
)
"""States in which the buyer's money goes back; a replacement that was sent is none of them."""
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
        mark = marks.of(account, feed)
        start = since if since is not None else (mark - OVERLAP if mark else now - FIRST_WINDOW)
        for found in read(start, until if until is not None else now + 60):
            counted += save(ctx, account, found) is not None
        if since is None and until is None:
            marks.advance(account, feed, now)
    _answer_by_policy(ctx, account)
    return f"{counted} cancellations and returns"


def waits(case: ReturnCase) -> bool:
    """Whether a person can answer it: the marketplace waits, and took none of our answers yet."""
    return case.status in AWAITING_SELLER and case.decision_state in UNANSWERED


def save(ctx: Context, account: Account, found: Cancellation | ReturnRequest) -> ReturnCase | None:
    """Files a case under its id; None when we know newer news already."""
    try:
        return _file(ctx.clock.now(), account, found)
    except IntegrityError:  # another import filed it for the first time in the same moment: now it is known
        return _file(ctx.clock.now(), account, found)


def _file(now: datetime, account: Account, found: Cancellation | ReturnRequest) -> ReturnCase | None:
    kind = "cancellation" if isinstance(found, Cancellation) else "return"
    mine = (ReturnCase.account == account.id) & (ReturnCase.kind == kind) & (ReturnCase.request_id == found.id)
    with transaction():
        case: ReturnCase | None = locked(ReturnCase.select().where(mine)).first()  # two who file one case take turns
        if case is not None and case.update_time > found.update_time:
            return None
        order = Order.get_or_none(Order.account == account.id, Order.tiktok_order_id == found.order_id)
        values = _columns(found) | {"order": order.id if order else None, "changed_at": now}
        if found.status in _SUCCESS and not values.get("next_id") and (case is None or not case.store_state):
            values["store_state"] = "due"
        if case is not None and case.status != found.status:
            values |= _decision_after(case, found.status)
        if case is None:
            row: ReturnCase = ReturnCase.create(
                account=account.id, kind=kind, request_id=found.id, imported_at=now, **values
            )
            return row
        ReturnCase.update(values).where(ReturnCase.id == case.id).execute()
    fresh: ReturnCase = ReturnCase.get_by_id(case.id)
    return fresh


def _decision_after(case: ReturnCase, status: str) -> dict[str, Any]:
    """What becomes of our answer when the case moves on: taken, or asked for anew in the next step of a return."""
    if status in AWAITING_SELLER:
        return {"decision": "", "decision_reason": "", "decision_state": "", "decided_by": "", "message": ""}
    return {"decision_state": "sent"} if case.decision_state == "wanted" else {}


def accept(ctx: Context, case_id: int, actor: str) -> str:
    """Approves a request; the store follows once the marketplace has carried it out.

    Raises:
        RejectedError: the marketplace does not wait for an answer, or refused this one.
    """
    if told := _answered(case_id, "approve"):
        return f"{told} was accepted already."
    case = _awaiting(case_id)
    shop, key = ctx.remotes.shop(case.account), _key(case, "approve")
    _decide(ctx, case, "approve", "", actor)
    try:
        if case.kind == "cancellation":
            shop.approve_cancellation(case.request_id, key)
        else:
            shop.approve_return(case.request_id, _approval(case), key)
    except RejectedError as error:
        _decided(ctx, case, "refused", str(error))
        raise
    _decided(ctx, case, "sent", "")
    return f"{case.kind.capitalize()} {case.request_id} accepted."


def reject(ctx: Context, case_id: int, reason: str, actor: str) -> str:
    """Refuses a request; an empty `reason` takes the first that the marketplace accepts.

    Raises: as `accept`.
    """
    if told := _answered(case_id, "reject"):
        return f"{told} was rejected already."
    case = _awaiting(case_id)
    shop, key = ctx.remotes.shop(case.account), _key(case, "reject")
    chosen = _reason(shop.reject_reasons(case.request_id), reason)
    _decide(ctx, case, "reject", chosen, actor)
    try:
        if case.kind == "cancellation":
            shop.reject_cancellation(case.request_id, chosen, key)
        else:
            shop.reject_return(case.request_id, _rejection(case), chosen, key)
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


def settle(ctx: Context, account: Account) -> int:
    """Follows cancelled orders, and carried-out cancellations and returns, in the store; how many were done.

    However many do this at once, a case is followed by the one that took its lease. What fails says why in its message,
    is tried again later, and does not hold up the others.

    Raises:
        RetryableError: the store does not answer; orders and cases wait.
        AuthorizationError: the store refuses our credentials.
    """
    around = rounds.Round()
    cancelling.follow_all(ctx, account, around)
    owner = leases.owner()
    due = ReturnCase.select(ReturnCase.id).where(ReturnCase.account == account.id, ReturnCase.store_state == "due")
    ids = [case.id for case in due.order_by(ReturnCase.failures, ReturnCase.id)]
    around.each(
        ids,
        lambda case_id: _settle(ctx, case_id, owner),
        lambda case_id, error: _put_off(ctx, case_id, owner, error),
    )
    return around.end()


def _settle(ctx: Context, case_id: int, owner: str) -> str | None:
    """The store's document; None when the case is not at its end. A process that dies here leaves its lease to run out."""
    now = ctx.clock.now()
    if not _lease(case_id, owner, now, now + LEASE):
        return None
    case: ReturnCase = ReturnCase.get_by_id(case_id)
    order = _order_of(case)
    document = refunds.follow(ctx, case, order, lambda: _renew(ctx, case_id, owner)) if order is not None else None
    if document is not None:
        _store_state(ctx, case, "done" if document else "none", document)
    now = ctx.clock.now()
    _lease(case_id, owner, now, now, held=True)
    return document


def _put_off(ctx: Context, case_id: int, owner: str, error: Exception) -> None:
    """Says on the case why it failed; until it is tried again it stays leased."""
    now = ctx.clock.now()
    case: ReturnCase = ReturnCase.get_by_id(case_id)
    until = now + rounds.wait(ctx, error, case.failures)
    with transaction():
        ReturnCase.update(
            message=rounds.told(error), failures=case.failures + 1, lease_until=until, changed_at=now
        ).where(ReturnCase.id == case_id, ReturnCase.lease_owner == owner).execute()


def _lease(case_id: int, owner: str, now: datetime, until: datetime, *, held: bool = False) -> bool:
    """Takes a case that nobody holds, or changes the end of the lease that `owner` holds; True when it could."""
    free = ReturnCase.lease_until.is_null() | (ReturnCase.lease_until <= now)
    allowed = (ReturnCase.lease_owner == owner) if held else (free & (ReturnCase.store_state == "due"))
    with transaction():
        taken = (
            ReturnCase.update(lease_owner=owner, lease_until=until).where(ReturnCase.id == case_id, allowed).execute()
        )
    return bool(taken)


def _renew(ctx: Context, case_id: int, owner: str) -> None:
    now = ctx.clock.now()
    if not _lease(case_id, owner, now, now + LEASE, held=True):
        raise RetryableError("Somebody else follows this case by now.", system="magento")


def _answer_by_policy(ctx: Context, account: Account) -> None:
    """Answers buyers' cancellations: yes while nothing is shipped, no afterwards, as far as the policy says so.

    One that cannot be answered now says why, and is tried again with the next import.
    """
    policy = placement.order_policy(account)
    waiting = ReturnCase.select().where(
        ReturnCase.account == account.id,
        ReturnCase.kind == "cancellation",
        ReturnCase.status == "CANCELLATION_REQUEST_PENDING",
        ReturnCase.decision_state.in_(("", "wanted")),
        ReturnCase.decided_by.in_(("", POLICY)),
    )
    rounds.Round().each(
        list(waiting.order_by(ReturnCase.failures, ReturnCase.id)),
        lambda case: _answer(ctx, case, policy),
        lambda case, error: _unanswered(case, rounds.told(error)),
    )


def _answer(ctx: Context, case: ReturnCase, policy: OrderPolicy) -> str | None:
    """What was answered; None when the order is not known yet, or the policy leaves it to people."""
    order = _order_of(case)
    if order is None:
        return None
    shipped = _shipped(ctx, order)
    if shipped and policy.refuse_shipped:
        return reject(ctx, case.id, "", POLICY)
    if not shipped and policy.accept_cancellations:
        return accept(ctx, case.id, POLICY)
    return None


def _order_of(case: ReturnCase) -> Order | None:
    """The case's order, which may have been imported after it."""
    row: Order | None = case.order or Order.get_or_none(
        Order.account == case.account_id, Order.tiktok_order_id == case.tiktok_order_id
    )
    return row


def _shipped(ctx: Context, order: Order) -> bool:
    if order.status not in {"UNPAID", "ON_HOLD", "AWAITING_SHIPMENT"}:
        return True
    if order.magento_order_id is None:
        return False
    return bool(ctx.remotes.sales(order.account.store).shipments([order.magento_order_id]))


def _answered(case_id: int, decision: str) -> str:
    """The case's name when this very answer was given and taken; else empty."""
    case: ReturnCase = ReturnCase.get_by_id(case_id)
    given = (case.decision, case.decision_state) == (decision, "sent")
    return f"{case.kind.capitalize()} {case.request_id}" if given else ""


def _awaiting(case_id: int) -> ReturnCase:
    case: ReturnCase = ReturnCase.get_by_id(case_id)
    if case.status not in AWAITING_SELLER:
        raise RejectedError(f"TikTok Shop does not wait for an answer: {case.status}.", system="tiktok")
    return case


def _reason(offered: list[Reason], wanted: str) -> str:
    """The key to send: `wanted`, else one that speaks of packing, else the first that is offered.

    Raises:
        RejectedError: none is offered, or not this one; the text lists them.
    """
    names = [one.name for one in offered]
    packed = next((one.name for one in offered if "packed" in one.name), "")
    chosen = wanted or packed or next(iter(names), "")
    if not chosen or (names and chosen not in names):
        raise RejectedError(f"TikTok Shop accepts: {', '.join(names) or 'no reason now'}.", system="tiktok")
    return chosen


def _approval(case: ReturnCase) -> str:
    if case.status == "BUYER_SHIPPED_ITEM":
        return "APPROVE_RECEIVED_PACKAGE"
    return {"REFUND": "APPROVE_REFUND", "REPLACEMENT": "APPROVE_REPLACEMENT"}.get(case.type, "APPROVE_RETURN")


def _rejection(case: ReturnCase) -> str:
    if case.status == "BUYER_SHIPPED_ITEM":
        return "REJECT_RECEIVED_PACKAGE"
    return {"REFUND": "REJECT_REFUND", "REPLACEMENT": "REJECT_REPLACEMENT"}.get(case.type, "REJECT_RETURN")


def _key(case: ReturnCase, decision: str) -> str:
    """The same key for the same answer, so that a repeated call changes nothing."""
    return str(uuid.uuid5(_NAMESPACE, f"{case.kind}:{case.request_id}:{case.status}:{decision}"))


def _decide(ctx: Context, case: ReturnCase, decision: str, reason: str, actor: str) -> None:
    """Notes the answer before it is sent. The first answer counts; only one that was refused may be followed by another.

    Raises:
        RejectedError: somebody else has answered.
    """
    now = ctx.clock.now()
    values = {"decision": decision, "decision_reason": reason, "decision_state": "wanted", "decided_by": actor}
    same = (ReturnCase.decision_state == "wanted") & (ReturnCase.decision == decision)
    free = (ReturnCase.decision_state.in_(UNANSWERED) | same) & (ReturnCase.status == case.status)
    with transaction():
        taken = ReturnCase.update(values, changed_at=now).where(ReturnCase.id == case.id, free).execute()
        if taken:
            history.note(now, actor, f"return.{decision}", "return", case.id, reason)
    if not taken:
        told = ReturnCase.get_by_id(case.id)
        raise RejectedError(f"{told.decided_by} has answered already: {told.decision}.", system="tiktok")


def _decided(ctx: Context, case: ReturnCase, state: str, message: str) -> None:
    with transaction():
        ReturnCase.update(decision_state=state, message=message, changed_at=ctx.clock.now()).where(
            ReturnCase.id == case.id
        ).execute()


def _store_state(ctx: Context, case: ReturnCase, state: str, document: str) -> None:
    now: datetime = ctx.clock.now()
    with transaction():
        ReturnCase.update(store_state=state, store_document=document, message="", failures=0, changed_at=now).where(
            ReturnCase.id == case.id
        ).execute()


def _unanswered(case: ReturnCase, message: str) -> None:
    with transaction():
        ReturnCase.update(message=message, failures=ReturnCase.failures + 1).where(ReturnCase.id == case.id).execute()


def _columns(found: Cancellation | ReturnRequest) -> dict[str, Any]:
    values: dict[str, Any] = {
        "tiktok_order_id": found.order_id,
        "type": found.type,
        "status": found.status,
        "reason": found.reason,
        "reason_text": found.reason_text,
        "line_ids": list(found.line_ids),
        "refund_minor": to_minor(round_money(found.refund_total, found.currency), found.currency),
        "shipping_minor": to_minor(round_money(found.refund_shipping, found.currency), found.currency),
        "currency": found.currency,
        "update_time": found.update_time,
        "deadline": found.deadline,
    }
    if isinstance(found, Cancellation):
        return values | {"role": found.role, "replenish": found.replenish}
    if found.sent_back or found.kept:  # what was once sent back stays so: later news do not say it
        values["sent_back"] = not found.kept
    return values | {"partial": found.partial, "next_actions": list(found.next_actions), "next_id": found.next_id}
