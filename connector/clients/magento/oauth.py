"""OAuth 1.0a as Magento checks it, which is not quite as RFC 5849 says (reference section 1.2, recordings 438–447).

The store signs again over the URL that *it* sees. Depending on release and web server that URL has lost its port, has
reserved characters of the path decoded, or begins with http behind a proxy that ends TLS. All of these are legal for us to
try: a wrong signature is refused before anything is done. `forms` lists them, likeliest first.
"""

from __future__ import annotations

import logging
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote, unquote, urlsplit, urlunsplit

from oauthlib.common import Request
from oauthlib.oauth1 import SIGNATURE_HMAC_SHA256, Client
from requests import PreparedRequest
from requests.auth import AuthBase

_DEFAULT_PORTS = {"http": 80, "https": 443}
_ESCAPE = re.compile(r"%[0-9A-Fa-f]{2}")
_DECODED = frozenset("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_.~:@&=+$,/;%")
"""What the library of releases 2.4.6 and 2.4.7 decodes in a path before it signs."""


@dataclass(frozen=True, slots=True)
class SignedForm:
    """How the store sees the URL it checks the signature of."""

    keeps_port: bool = False
    decodes_path: bool = True
    scheme: str = ""

    def url(self, sent: str) -> str:
        """The URL to sign for the one that is sent; the query stays."""
        parts = urlsplit(sent)
        scheme = self.scheme or parts.scheme
        host = (parts.hostname or "").lower()
        host = f"[{host}]" if ":" in host else host
        if self.keeps_port and parts.port and parts.port != _DEFAULT_PORTS.get(scheme):
            host = f"{host}:{parts.port}"
        path = decoded_path(parts.path) if self.decodes_path else parts.path
        return urlunsplit((scheme, host, path, parts.query, ""))


def decoded_path(path: str) -> str:
    """`path` with the escapes decoded that need none, and a stray `%` that comes out of it encoded again."""

    def decode(match: re.Match[str]) -> str:
        char = unquote(match[0], errors="replace")
        return char if char in _DECODED else match[0].upper()

    return re.sub(r"%(?![0-9A-Fa-f]{2})", "%25", _ESCAPE.sub(decode, path))


def forms(url: str, known: SignedForm) -> Iterator[SignedForm]:
    """The forms that sign `url` differently, the one that worked before first."""
    parts = urlsplit(url)
    has_port = parts.port is not None and parts.port != _DEFAULT_PORTS.get(parts.scheme)
    schemes = ["", "http"] if parts.scheme == "https" else [""]
    seen: set[str] = set()
    candidates = [known] + [
        SignedForm(keeps_port, decodes, scheme)
        for scheme in schemes
        for keeps_port in ((False, True) if has_port else (False,))
        for decodes in (True, False)
    ]
    for form in candidates:
        signed = form.url(url)
        if signed not in seen:
            seen.add(signed)
            yield form


logging.getLogger("oauthlib.oauth1.rfc5849").addFilter(lambda record: record.levelno > logging.DEBUG)
"""At debug level oauthlib writes down what it signs, the token and the buyers in a query among it."""


class _Signer(Client):
    """oauthlib's client, signing another form of the URL than the one that is sent."""

    form = SignedForm()

    def get_oauth_signature(self, request: Request) -> str:
        seen = Request(self.form.url(request.uri), request.http_method, request.body, {}, self.encoding)
        seen.oauth_params = request.oauth_params
        return str(super().get_oauth_signature(seen))  # type: ignore[no-untyped-call]  # the stubs leave it out


class MagentoOAuth(AuthBase):
    """Signs one request; a new nonce and timestamp each time.

    The query must be percent-encoded throughout, a blank as `%20`, and every index in it below 10: the store sorts
    parameter names by numbers in them, the RFC by bytes, and only then do both agree.
    """

    def __init__(
        self, consumer_key: str, consumer_secret: str, access_token: str, access_token_secret: str, form: SignedForm
    ) -> None:
        self._signer = _Signer(
            consumer_key,
            client_secret=consumer_secret,
            resource_owner_key=access_token,
            resource_owner_secret=access_token_secret,
            signature_method=SIGNATURE_HMAC_SHA256,
        )
        self._signer.form = form

    def __call__(self, request: PreparedRequest) -> PreparedRequest:
        method: Any = request.method
        _, headers, _ = self._signer.sign(str(request.url), method)
        request.headers["Authorization"] = headers["Authorization"]
        return request


class Bearer(AuthBase):
    """An integration's or admin's token as it is."""

    def __init__(self, token: str) -> None:
        self._token = token

    def __call__(self, request: PreparedRequest) -> PreparedRequest:
        request.headers["Authorization"] = f"Bearer {self._token}"
        return request


def escape(segment: str) -> str:
    """One path segment or query part, percent-encoded whole: slash, blank, plus, percent and umlauts too."""
    return quote(segment, safe="")
