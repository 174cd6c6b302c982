"""What TikTok Shop tells by itself. Reference section 8.

A notification is checked, written down once and answered; the work it asks for is done by a worker. All of it is also
found by polling, so that a lost one only costs time.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from typing import Any

import structlog
from flask import Blueprint, request
from flask.typing import ResponseReturnValue

from connector.services import accounts, history, work
from connector.services.context import Context
from connector.store.database import transaction
from connector.store.models import Account, Listing, Notification

log = structlog.get_logger(__name__)

LARGEST = 256 * 1024
"""Bytes of a body; the marketplace's are below 10 KB."""

OLDEST = timedelta(hours=24)
"""The last repetition comes about 16 hours after the first try; what is older was recorded by somebody."""

ORDERS = frozenset({1, 2, 3, 4, 11, 12})
"""Orders, addresses, packages, cancellations and returns: all come with an import."""

PRODUCTS = frozenset({5, 15, 18, 37, 50})
DEAUTHORISED = 6
EXPIRING = 7
URGENT = 10
ACTOR = "webhook"


def routes(ctx: Context, verify: Callable[[Account, bytes, str], bool]) -> Blueprint:
    """`/webhooks/tiktok/<account id>`."""
    web = Blueprint("webhooks", __name__)

    @web.post("/webhooks/tiktok/<int:account_id>")
    def tiktok(account_id: int) -> ResponseReturnValue:
        if (request.content_length or 0) > LARGEST:
            return {"error": "too large"}, 413
        raw = request.get_data(cache=False)
        account: Account | None = Account.get_or_none(Account.id == account_id)
        if account is None or not verify(account, raw, request.headers.get("Authorization", "")):
            log.warning("webhook_refused", account=account_id)
            return {"error": "signature"}, 401
        body = _parse(raw)
        problem = _problem(account, body, ctx.clock.now())
        if problem:
            log.warning("webhook_refused", account=account_id, reason=problem)
            return {"error": problem}, 400
        _receive(ctx, account, body, raw)
        return {"code": 0}

    return web


def _parse(raw: bytes) -> dict[str, Any]:
    """The body, empty when it is not a JSON object."""
    try:
        body = json.loads(raw)
    except (ValueError, RecursionError):
        return {}
    return body if isinstance(body, dict) else {}


def _problem(account: Account, body: Mapping[str, Any], now: datetime) -> str:
    """Why a signed body is not taken; empty when it is."""
    kind, sent = body.get("type"), body.get("timestamp")
    if not isinstance(kind, int) or not isinstance(sent, int) or not isinstance(body.get("data", {}), dict):
        return "body"
    if not account.shop_id or str(body.get("shop_id", "")) != account.shop_id:
        return "shop"
    return "too old" if sent < (now - OLDEST).timestamp() else ""


def _receive(ctx: Context, account: Account, body: Mapping[str, Any], raw: bytes) -> None:
    """Write it down and ask for the work; one that was dealt with before changes nothing.

    One that was written down and not dealt with, because the process ended in between, is dealt with when it is repeated.
    """
    own = str(body.get("tts_notification_id") or "")
    key = f"{account.id}:{own or hashlib.sha256(raw).hexdigest()}"
    kind, data = int(body["type"]), dict(body.get("data") or {})
    with transaction():
        Notification.insert(
            key=key, account=account.id, type=kind, data=data, received_at=ctx.clock.now()
        ).on_conflict_ignore().execute()
        done = Notification.select().where(Notification.key == key, Notification.handled_at.is_null(False)).exists()
    if done:
        return
    if kind == DEAUTHORISED:
        _withdrawn(ctx, account, int(body["timestamp"]))
    else:
        _act(ctx, account, kind, data)
    with transaction():
        Notification.update(handled_at=ctx.clock.now()).where(Notification.key == key).execute()


def _act(ctx: Context, account: Account, kind: int, data: Mapping[str, Any]) -> None:
    why = f"TikTok Shop sent a notification of type {kind}"
    if kind in ORDERS:
        work.ask(ctx, "import_orders", [account.id], actor=ACTOR, why=why, priority=URGENT)
    elif kind in PRODUCTS:
        remote_id = str(data.get("product_id") or "")
        found = Listing.select(Listing.id).where(Listing.account == account.id, Listing.remote_id == remote_id)
        ids = [row.id for row in found] if remote_id else []
        work.ask(ctx, "marketplace_status_sync", ids, actor=ACTOR, why=why, priority=URGENT)
    elif kind == EXPIRING:
        text = "TikTok Shop says that the consent runs out soon: authorise the account again."
        history.note(ctx.clock.now(), ACTOR, "account.expiring", "account", account.id, text)


def _withdrawn(ctx: Context, account: Account, sent: int) -> None:
    """Forgets the tokens, unless the seller may have consented again since: a repetition comes up to half a day late.

    Then the marketplace is asked: an import meets what it says of the tokens, and notes it at the account.
    """
    if account.connected_at is None or sent > account.connected_at.timestamp():
        text = "The seller withdrew the consent on TikTok Shop: authorise the account again."
        accounts.disconnect(ctx, account, actor=ACTOR, reason=text)
    else:
        why = "TikTok Shop says that the seller withdrew a consent, which may be an earlier one"
        work.ask(ctx, "import_orders", [account.id], actor=ACTOR, why=why, priority=URGENT)
