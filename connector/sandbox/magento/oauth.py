"""OAuth 1.0a as Magento checks it: HMAC-SHA256, its own sort order, its own reading of the query.

Differs from RFC 5849 in two ways that matter: parameters are sorted in natural order (`[2]` before `[10]`), and a piece
of the query is signed only when it splits at `=` into exactly two parts. Source: laminas-oauth, AbstractSignature.
"""

from __future__ import annotations

import hashlib
import hmac
import re
import sqlite3
from base64 import b64encode
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from urllib.parse import quote, unquote, urlsplit

from connector.sandbox.magento.errors import MagentoError, required

METHOD = "HMAC-SHA256"
TIMESTAMP_AHEAD = 600  # seconds a timestamp may be ahead; there is no lower limit
KEY_LENGTH = 32
NEEDED = (
    "oauth_consumer_key",
    "oauth_signature",
    "oauth_signature_method",
    "oauth_nonce",
    "oauth_timestamp",
    "oauth_token",
)
# What the library of Magento 2.4.6 and 2.4.7 decodes in a path before it signs: % and the codes of ! $ & ' ( ) * + , / : ; = @
_DECODED_IN_PATH = re.compile(r"%(?:2[146-9A-CF]|3[ABD]|40)", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class SignedRequest:
    """What the signature covers. `url` is scheme, host with port, and path, all as they were sent."""

    method: str
    url: str
    query: str
    header: str


def natural_key(text: str) -> list[tuple[int, int]]:
    """Sort key for PHP's strnatcmp: runs of digits compare as numbers."""
    return [(48, int(run)) if run.isdigit() else (ord(run), 0) for run in re.findall(r"[0-9]+|.", text, re.DOTALL)]


def signature(method: str, url: str, pairs: Iterable[tuple[str, str]], consumer_secret: str, token_secret: str) -> str:
    """Signature of decoded `pairs`: all `oauth_*` but the signature, and the query."""
    encoded = {_encode(name): _encode(value) for name, value in pairs}
    ordered = "&".join(f"{name}={encoded[name]}" for name in sorted(encoded, key=natural_key))
    base = "&".join([method.upper(), _encode(url), _encode(ordered)])
    key = f"{_encode(consumer_secret)}&{_encode(token_secret)}"
    return b64encode(hmac.new(key.encode(), base.encode(), hashlib.sha256).digest()).decode()


def authenticate(db: sqlite3.Connection, request: SignedRequest, now: float, port: str, path: str) -> sqlite3.Row:
    """The integration that signed the request; its nonce is used up afterwards.

    `port` is `kept`, `dropped` or `either`, `path` is `sent`, `decoded` or `either` (see config). Raises MagentoError 400 for a header
    that is incomplete, 401 for a key, token, nonce or signature that does not hold.
    """
    given = _header(request.header)
    _check_form(given)
    integration = _integration(db, given)
    _use_nonce(db, given, int(integration["integration_id"]), now)
    pairs = [(k, v) for k, v in given.items() if k != "oauth_signature" and k.startswith("oauth_")] + _query_pairs(
        request.query
    )
    secrets = integration["consumer_secret"], integration["access_token_secret"]
    expected = [signature(request.method, url, pairs, *secrets) for url in _urls(request.url, port, path)]
    if not any(hmac.compare_digest(one, given["oauth_signature"]) for one in expected):
        raise MagentoError(401, "The signature is invalid. Verify and try again.")
    return integration


def _header(text: str) -> dict[str, str]:
    pairs = (piece.strip().partition("=") for piece in text.removeprefix("OAuth ").split(","))
    return {unquote(name): unquote(value.strip('"')) for name, mark, value in pairs if mark}


def _check_form(given: dict[str, str]) -> None:
    missing = [name for name in NEEDED if not given.get(name)]
    if len(missing) == 1:
        raise required(missing[0])
    if missing:
        errors = [{"message": required(name).message, "parameters": {"fieldName": name}} for name in missing]
        raise MagentoError(400, "One or more input exceptions have occurred.", errors=errors)
    if given.get("oauth_version", "1.0") != "1.0":
        raise MagentoError(400, 'The "%1" Oauth version isn\'t supported.', [given["oauth_version"]])
    if given["oauth_signature_method"] != METHOD:
        raise MagentoError(400, "Signature method %1 is not supported", [given["oauth_signature_method"]])


def _integration(db: sqlite3.Connection, given: dict[str, str]) -> sqlite3.Row:
    if len(given["oauth_consumer_key"]) != KEY_LENGTH:
        raise MagentoError(401, "Consumer key is not the correct length")
    row: sqlite3.Row | None = db.execute(
        "SELECT * FROM integration WHERE consumer_key = ?", (given["oauth_consumer_key"],)
    ).fetchone()
    if row is None:
        raise MagentoError(401, "A consumer having the specified key does not exist")
    if row["access_token"] != given["oauth_token"]:
        raise MagentoError(401, "Specified token does not exist")
    if row["revoked"]:
        raise MagentoError(401, "Access token has been revoked")
    return row


def _use_nonce(db: sqlite3.Connection, given: dict[str, str], consumer_id: int, now: float) -> None:
    stamp = given["oauth_timestamp"]
    if not stamp.isdigit() or int(stamp) <= 0 or int(stamp) > now + TIMESTAMP_AHEAD:
        raise MagentoError(401, "The oauth_timestamp value in the oauth_timestamp parameter is invalid")
    try:
        db.execute(
            "INSERT INTO oauth_nonce (consumer_key, nonce, timestamp) VALUES (?, ?, ?)",
            (given["oauth_consumer_key"], given["oauth_nonce"], int(stamp)),
        )
    except sqlite3.IntegrityError:
        text = "The nonce is already being used by the consumer with ID %1"
        raise MagentoError(401, text, [str(consumer_id)]) from None


def _query_pairs(query: str) -> list[tuple[str, str]]:
    """Names and values with raw decoding: a plus sign stays a plus sign."""
    pieces = (piece.split("=") for piece in query.split("&"))
    return [(unquote(piece[0]), unquote(piece[1])) for piece in pieces if len(piece) == 2]


def _urls(url: str, port: str, path: str) -> Sequence[str]:
    parts = urlsplit(url)
    host = parts.hostname or ""
    standard = parts.port in (None, {"http": 80, "https": 443}.get(parts.scheme))
    with_port = host if standard else f"{host}:{parts.port}"
    hosts = {"kept": [with_port], "dropped": [host]}.get(port, [with_port, host])
    decoded = _DECODED_IN_PATH.sub(lambda found: unquote(found[0]), parts.path)
    paths = {"sent": [parts.path], "decoded": [decoded]}.get(path, [parts.path, decoded])
    return [f"{parts.scheme}://{one}{place}" for one in hosts for place in paths]


def _encode(text: str) -> str:
    return quote(text, safe="~")
