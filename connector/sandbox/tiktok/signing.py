"""Request and webhook signatures, computed from the bytes that arrived. Source: "Sign your API request"."""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Iterable

NEVER_SIGNED = frozenset({"sign", "access_token"})


def request_signature(
    path: str,
    query: Iterable[tuple[str, str]],
    body: bytes,
    content_type: str,
    app_secret: str,
    *,
    repeated: bool = False,
) -> str:
    """Lowercase hex. `query`: decoded pairs in the order received; of a repeated key only the first value counts, unless
    `repeated`. A multipart body is not signed.
    """
    pairs: list[tuple[str, str]] = []
    seen: set[str] = set()
    for key, value in query:
        if key in NEVER_SIGNED or (key in seen and not repeated):
            continue
        seen.add(key)
        pairs.append((key, value))
    text = path + "".join(key + value for key, value in sorted(pairs, key=lambda pair: pair[0]))
    media_type = content_type.partition(";")[0].strip().lower()
    signed = text.encode() + (b"" if media_type == "multipart/form-data" else body)
    secret = app_secret.encode()
    return hmac.new(secret, secret + signed + secret, hashlib.sha256).hexdigest()


def webhook_signature(app_key: str, body: bytes, app_secret: str) -> str:
    """Lowercase hex for the header `Authorization` of a webhook."""
    return hmac.new(app_secret.encode(), app_key.encode() + body, hashlib.sha256).hexdigest()
