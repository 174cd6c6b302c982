"""The gateway in front of every call: app, time, signature, token, shop, scope, rate. Source: "Common errors"."""

from __future__ import annotations

import hmac
import json
import sqlite3
import threading
import time
from dataclasses import dataclass
from urllib.parse import parse_qsl

from flask import Request

from connector.sandbox.options import SandboxOptions
from connector.sandbox.tiktok import errors
from connector.sandbox.tiktok.database import Json
from connector.sandbox.tiktok.errors import ApiError
from connector.sandbox.tiktok.routes import Route
from connector.sandbox.tiktok.shops import SHOPS, Shop
from connector.sandbox.tiktok.signing import request_signature
from connector.sandbox.tiktok.world import World

SIGN_HELP = "Detailed reference: Sign your API request in the Partner Center documentation"


@dataclass(frozen=True, slots=True)
class Caller:
    """Who passed the gateway."""

    seller_id: str
    shop: Shop | None
    query: dict[str, str]


def admit(world: World, tx: sqlite3.Connection, route: Route, request: Request) -> Caller:
    """Raises ApiError with the gateway's code when the call must not reach its handler."""
    pairs = parse_qsl(request.query_string.decode("utf-8", "replace"), keep_blank_values=True)
    query: dict[str, str] = {}
    for key, value in pairs:
        query.setdefault(key, value)
    if world.options.accept_repeated_keys:
        query = {key: ",".join(value for name, value in pairs if name == key) for key in query}
    if query.get("app_key") != world.app.key:
        raise ApiError(errors.BAD_REQUEST, "Invalid app_key. Check the app_key query parameter.")
    _check_timestamp(world.options, query.get("timestamp", ""))
    _check_signature(world, request, pairs)
    token = _token(world, tx, request.headers.get("x-tts-access-token", ""))
    shop = _shop(route, query, str(token["seller_id"]))
    if route.scope not in json.loads(token["scopes"]):
        raise ApiError(errors.SCOPE_MISSING, f"The app or the access token lacks the scope {route.scope}.")
    return Caller(str(token["seller_id"]), shop, query)


def _check_timestamp(options: SandboxOptions, given: str) -> None:
    if not given.lstrip("-").isdigit():
        raise ApiError(errors.BAD_REQUEST, "Invalid timestamp: a 10-digit Unix time in seconds is expected.")
    stamp, now = int(given), int(time.time())
    if stamp < 0:
        raise ApiError(errors.BAD_REQUEST, "Invalid timestamp: it is negative.")
    if now - stamp > options.timestamp_max_age:
        raise ApiError(errors.BAD_REQUEST, "Invalid timestamp: it is older than 5 minutes.")
    if stamp - now > options.timestamp_max_ahead:
        raise ApiError(errors.BAD_REQUEST, "Invalid timestamp: it is more than 30 seconds in the future.")


def _check_signature(world: World, request: Request, pairs: list[tuple[str, str]]) -> None:
    given = next((value for key, value in pairs if key == "sign"), "")
    if not given:
        raise ApiError(errors.BAD_REQUEST, "The sign query parameter is missing.")
    body, content_type = request.get_data(cache=True), request.headers.get("content-type", "")
    bodies = [body, b""] if body == b"{}" and world.options.accept_empty_object else [body]
    expected = [
        request_signature(
            request.path,
            pairs,
            text,
            content_type,
            world.app.secret,
            repeated=world.options.accept_repeated_keys,
        )
        for text in bodies
    ]
    if not any(hmac.compare_digest(given.encode(), known.encode()) for known in expected):
        raise ApiError(errors.SIGN_INVALID, f"The sign query parameter is invalid. {SIGN_HELP}")


def _token(world: World, tx: sqlite3.Connection, given: str) -> sqlite3.Row:
    if not given:
        raise ApiError(errors.BAD_REQUEST, "Invalid access token header: x-tts-access-token is missing.")
    row: sqlite3.Row | None = tx.execute("SELECT * FROM token WHERE access_token = ?", (given,)).fetchone()
    if row is None:
        raise ApiError(
            errors.BAD_REQUEST, "Invalid access token header: x-tts-access-token is not a token of this app."
        )
    if row["revoked"] or row["access_expires"] <= world.now():
        raise ApiError(
            errors.TOKEN_EXPIRED, "The access token is expired or was revoked. Refresh it or authorize again."
        )
    return row


def _shop(route: Route, query: dict[str, str], seller_id: str) -> Shop | None:
    cipher = query.get("shop_cipher")
    if not route.cipher:
        if cipher is not None:
            raise ApiError(errors.BAD_REQUEST, "Unexpected identifier: this API does not take shop_cipher.")
        return None
    if not cipher:
        raise ApiError(errors.CIPHER_MISSING, "The shop_cipher query parameter is missing.")
    for shop in SHOPS:
        if shop.cipher == cipher and shop.seller_id == seller_id:
            return shop
    raise ApiError(errors.NOT_THIS_SHOP, "The access token does not belong to this shop_cipher.")


def parse_body(route: Route, request: Request) -> Json:
    """The JSON object of the body; a multipart call and an empty body have none."""
    media_type = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if route.multipart:
        if media_type != "multipart/form-data":
            raise ApiError(36009023, "The body must be multipart/form-data.")
        return {}
    if route.method == "GET":
        return {}
    body = request.get_data(cache=True)
    if not body:
        return {}
    if media_type != "application/json":
        raise ApiError(36009022, "The body must be application/json or multipart/form-data.")
    try:
        parsed = json.loads(body)
    except ValueError as error:
        raise ApiError(errors.BAD_REQUEST, f"The body is not JSON: {error}") from error
    if not isinstance(parsed, dict):
        raise ApiError(errors.BAD_REQUEST, "The body must be a JSON object.")
    return parsed


class RateLimiter:
    """A bucket of tokens per shop, filled by real time. Holds one second's worth."""

    def __init__(self, per_second: float) -> None:
        self._rate = per_second
        self._lock = threading.Lock()
        self._buckets: dict[str, tuple[float, float]] = {}

    def check(self, subject: str) -> None:
        """Raises ApiError 36009002 when `subject` has used up its second."""
        if self._rate <= 0:
            return
        now = time.monotonic()
        with self._lock:
            level, then = self._buckets.get(subject, (max(self._rate, 1.0), now))
            level = min(max(self._rate, 1.0), level + (now - then) * self._rate)
            self._buckets[subject] = (level - 1 if level >= 1 else level, now)
        if level < 1:
            raise ApiError(errors.RATE_LIMITED, "Too many requests. Please slow down.")
