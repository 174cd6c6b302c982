"""TikTok Shop's two signatures: of requests we send, and of webhooks we get (*Sign your API request*, reference section 2)."""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Iterable

_UNSIGNED = frozenset({"sign", "access_token"})


def sign(
    path: str, query: Iterable[tuple[str, str]], body: bytes | None, content_type: str | None, app_secret: str
) -> str:
    """The `sign` parameter, lowercase hexadecimal.

    Args:
        path: URL path only, as sent.
        query: decoded pairs, `app_key` and `timestamp` among them; `sign` and `access_token` are left out.
        body: the exact bytes sent, or None; not signed when the media type is multipart/form-data.
        content_type: the header's value with its parameters, or None.
        app_secret: signs, and encloses the text.
    """
    pairs = sorted((key, value) for key, value in query if key not in _UNSIGNED)
    media_type = (content_type or "").partition(";")[0].strip().lower()
    signed_body = b"" if body is None or media_type == "multipart/form-data" else body
    text = (path + "".join(key + value for key, value in pairs)).encode()
    secret = app_secret.encode()
    return hmac.new(secret, secret + text + signed_body + secret, hashlib.sha256).hexdigest()


def sign_webhook(app_key: str, body: bytes, app_secret: str) -> str:
    """What the `Authorization` header of a genuine webhook with this raw body holds."""
    return hmac.new(app_secret.encode(), app_key.encode() + body, hashlib.sha256).hexdigest()


def verify_webhook(app_key: str, body: bytes, app_secret: str, signature: str) -> bool:
    """True when `signature` (the bare header value) is right; compared in constant time. Without a secret none is:
    anybody can sign with the empty key."""
    expected = sign_webhook(app_key, body, app_secret)
    return bool(app_secret) and hmac.compare_digest(expected.encode(), signature.strip().encode("utf-8", "replace"))
