"""TikTok Shop's answers as data or typed errors (reference section 3). The code decides, the HTTP status seldom does."""

from __future__ import annotations

import re
from typing import Any

from connector.clients.http import Answer
from connector.errors import (
    AuthorizationError,
    NotFoundError,
    RejectedError,
    RemoteError,
    RetryableError,
    UnknownOutcomeError,
)

SYSTEM = "tiktok"

TOKEN_EXPIRED = 105002
RATE_LIMITED = 36009002
_MIXED = 36009004

_BROKEN = frozenset({36009003, 36009007, 12001000, 33001002, 12052881})
"""Internal errors and gateway time-outs: a change may have happened."""
_LATER = frozenset({10002014, 10002015, 10037002, 10037003, 10037004, 10006402, 25001028})
"""Transient refusals: nothing happened."""
_WAITS = {12052093: 3600.0, 12052109: 60.0}
"""Quotas: seconds to wait (listing limit of the day; too many requests of the merchant)."""
_ACCOUNT = {
    TOKEN_EXPIRED: "The access token is not valid any more: connect the shop again.",
    106001: "The signature is refused: check the app's key and secret, and this machine's clock.",
    105005: "The app or the seller's consent lacks a permission: enable it in Partner Center, then connect the shop again.",
    101000: "The token does not belong to this shop: connect the shop again.",
    106013: "The shop's cipher is missing: connect the shop again.",
    12000000: "The shop's cipher is refused: connect the shop again.",
    36009033: "This machine's IP address is not on the app's allow-list in Partner Center.",
    36009043: "The marketplace has disabled the shop.",
    36009044: "The marketplace has disabled the seller's account.",
    36004004: "The authorization code is wrong, used or too old: connect the shop again.",
    98001005: "The authorization code or refresh token is refused: connect the shop again.",
    98001006: "The refresh token is refused: connect the shop again.",
}
_GATEWAY_ACCOUNT = re.compile(r"\b(access[ _-]token|app[ _]key|timestamp|sign|signature|shop_cipher)\b", re.IGNORECASE)
"""Words of the gateway's code 36009004 that mean the account and not this call; the number has many meanings."""
_MISSING = frozenset({12052031, 12052032, 12052260, 12019150, 21008111, 21011001})


class ExpiredError(AuthorizationError):
    """The access token has expired: refresh it and send the call again, once."""


def data_of(answer: Answer, *, change: bool) -> dict[str, Any]:
    """`data` of a successful answer; else raises the typed error. `change`: a broken answer means an unknown outcome."""
    body = _envelope(answer)
    if body is not None and body.get("code") == 0 and 200 <= answer.status < 300:
        return body.get("data") or {}
    raise error_of(answer, body, change=change)


def error_of(answer: Answer, body: dict[str, Any] | None, *, change: bool) -> RemoteError:
    """The typed error of an answer that is not a success."""
    what = f"{answer.call.method} {answer.call.path}"
    about: dict[str, Any] = {"system": SYSTEM, "status": answer.status, "request_id": request_id_of(answer, body)}
    code = _code(body)
    text = str((body or {}).get("message") or "").strip()
    if answer.status == 429 or code == RATE_LIMITED:
        about["code"] = str(code or RATE_LIMITED)
        return RetryableError(f"TikTok Shop asks us to slow down ({what}).", retry_after=answer.retry_after, **about)
    if not code:
        return _unreadable(answer, what, about, change=change)
    about["code"] = str(code)
    if code in _BROKEN:
        return _broken(f"TikTok Shop could not finish {what}: {text}", about, change=change)
    if code in _LATER or code in _WAITS:
        return RetryableError(f"TikTok Shop refuses {what} for now: {text}", retry_after=_WAITS.get(code), **about)
    if code == TOKEN_EXPIRED:
        return ExpiredError(_ACCOUNT[code], **about)
    if code in _ACCOUNT:
        return AuthorizationError(f"{_ACCOUNT[code]} TikTok Shop says: {text}", **about)
    if code == _MIXED and (answer.status == 401 or _GATEWAY_ACCOUNT.search(text)):
        advice = " Set this machine's clock." if "timestamp" in text.casefold() else ""
        return AuthorizationError(f"TikTok Shop refuses the app or shop: {text}{advice}", **about)
    if code in _MISSING:
        return NotFoundError(f"TikTok Shop does not know it ({what}): {text}", **about)
    return RejectedError(text or f"TikTok Shop refuses {what} with code {code}.", **about)


def request_id_of(answer: Answer, body: dict[str, Any] | None = None) -> str:
    """What the marketplace's support asks for."""
    envelope = body if body is not None else _envelope(answer)
    return str((envelope or {}).get("request_id") or answer.headers.get("X-Tt-Logid") or "")


def partial_errors(data: dict[str, Any], key: str) -> dict[str, str]:
    """Failures inside a success: `detail.<key>` of each → its reasons, with codes, as one text."""
    found: dict[str, str] = {}
    for error in data.get("errors") or ():
        detail = error.get("detail") or {}
        parts = [error, *(detail.get("extra_errors") or ())]
        reasons = [f"{part.get('message') or 'refused'} ({part.get('code')})" for part in parts]
        name = str(detail.get(key) or "")
        found[name] = "; ".join([found[name], *reasons] if name in found else dict.fromkeys(reasons))
    return found


def warnings_of(data: dict[str, Any]) -> tuple[str, ...]:
    """`warnings` as texts; some calls send one object instead of a list."""
    warnings = data.get("warnings") or ()
    listed = [warnings] if isinstance(warnings, dict) else warnings
    return tuple(str(warning.get("message") or "") for warning in listed if warning.get("message"))


def _envelope(answer: Answer) -> dict[str, Any] | None:
    try:
        body = answer.json()
    except ValueError:  # a proxy answered with a page
        return None
    return body if isinstance(body, dict) else None


def _code(body: dict[str, Any] | None) -> int:
    code = str((body or {}).get("code") or 0)
    return int(code) if code.isdigit() else 0


def _unreadable(answer: Answer, what: str, about: dict[str, Any], *, change: bool) -> RemoteError:
    if answer.status in {401, 403}:
        return AuthorizationError(f"{what} is refused with HTTP {answer.status}: check the API address.", **about)
    if 300 <= answer.status < 500 and answer.status != 408:
        return RejectedError(f"{what} is answered with HTTP {answer.status}: check the API address.", **about)
    return _broken(f"{what} is answered with HTTP {answer.status} and no data", about, change=change)


def _broken(text: str, about: dict[str, Any], *, change: bool) -> RetryableError:
    if change:
        return UnknownOutcomeError(f"{text}. It may have happened; look it up before sending it again.", **about)
    return RetryableError(f"{text}.", **about)
