"""What every page stands on: the services' context, who is asking, forged forms refused, headers that browsers obey."""

from __future__ import annotations

import hmac
import secrets
from collections.abc import Iterable
from typing import cast
from urllib.parse import urlsplit

from flask import Flask, Response, abort, current_app, g, request, session
from flask_login import current_user

from connector.services.context import Context
from connector.store.models.people import ROLES

KEY = "connector.admin"
PREFIX = "/admin"
SAFE = frozenset({"GET", "HEAD", "OPTIONS"})

POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'{nonce}; img-src 'self' data:; font-src 'self'; "
    "connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
)
"""No inline script or style anywhere; only the rule editor's page names a nonce for the style that it makes itself."""


def context() -> Context:
    """The services' context that `init_admin` was given."""
    return cast("Context", current_app.extensions[KEY])


def actor() -> str:
    """The e-mail of whoever asks, for the history."""
    return str(current_user.email) if current_user.is_authenticated else "nobody"


def allowed(role: str) -> bool:
    """Whether the user has this role or a higher one."""
    return bool(current_user.is_authenticated and ROLES.index(current_user.role) <= ROLES.index(role))


def csrf_token() -> str:
    """The session's token; every form and every scripted change carries it."""
    if "csrf" not in session:
        session["csrf"] = secrets.token_urlsafe(32)
    return str(session["csrf"])


def session_token() -> str:
    """A secret of this browser session: what a consent on the marketplace is bound to."""
    if "sid" not in session:
        session["sid"] = secrets.token_urlsafe(32)
    return str(session["sid"])


def style_nonce() -> str:
    """Asks for the nonce of this page, and so puts it into its policy."""
    if "style_nonce" not in g:
        g.style_nonce = secrets.token_urlsafe(16)
    return str(g.style_nonce)


def wants_fragment() -> bool:
    """True when a script asks for the inside of a dialog instead of a page."""
    return request.headers.get("X-Fragment") == "1"


def local_url(url: str | None) -> str | None:
    """`url` when it stays on this site's admin pages, else None: nobody is sent elsewhere by a link."""
    if not url or "\\" in url or any(ord(char) < 33 for char in url):
        return None
    parts = urlsplit(url)
    if parts.scheme or parts.netloc or url.startswith("//"):
        return None
    return url if parts.path == PREFIX or parts.path.startswith(PREFIX + "/") else None


def numbers(texts: Iterable[str]) -> list[int]:
    """The ids among them; what no database could hold is none."""
    return [int(text) for text in texts if text.isdecimal() and len(text) < 19]


def guard(app: Flask) -> None:
    """Install the checks of what is asked for, and the headers."""
    app.before_request(_refuse_nonsense)
    app.before_request(_refuse_forgeries)
    app.after_request(_headers)


def _ours() -> bool:
    return request.path == PREFIX or request.path.startswith(PREFIX + "/")


def _refuse_nonsense() -> None:
    """A number that no database can hold names no row."""
    named = [value for name, value in request.args.items() if name in {"id", "rowid"} and value.isdecimal()]
    if len(numbers(named)) < len(named):
        abort(404)


def _refuse_forgeries() -> None:
    if request.method in SAFE or not _ours():
        return
    given = request.headers.get("X-CSRF-Token") or request.form.get("csrf_token") or ""
    if "csrf" not in session or not hmac.compare_digest(given.encode(), str(session["csrf"]).encode()):
        abort(400, "This page was open for too long, or the request came from another site. Reload it and try again.")


def _headers(response: Response) -> Response:
    nonce = f" 'nonce-{g.style_nonce}'" if "style_nonce" in g else ""
    headers = response.headers
    headers.setdefault("Content-Security-Policy", POLICY.format(nonce=nonce))
    headers.setdefault("X-Content-Type-Options", "nosniff")
    headers.setdefault("X-Frame-Options", "DENY")
    headers.setdefault("Referrer-Policy", "same-origin")
    headers.setdefault("Cross-Origin-Opener-Policy", "same-origin")
    headers.setdefault("Permissions-Policy", "camera=(), microphone=(), geolocation=()")
    if _ours() and response.mimetype == "text/html":
        headers.setdefault("Cache-Control", "no-store")
    return response
