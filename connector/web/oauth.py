"""Where TikTok Shop sends the seller's browser back to after the consent."""

from __future__ import annotations

from typing import Any

import structlog
from flask import Blueprint, current_app, make_response, redirect, request, session, url_for
from flask.typing import ResponseReturnValue
from flask_login import current_user
from markupsafe import escape

from connector.domain.shop import CONSENT_RETURN
from connector.errors import ConnectorError
from connector.services import accounts
from connector.services.context import Context
from connector.store.models import Setting

log = structlog.get_logger(__name__)

PAGE = """<!doctype html>
<html lang="en"><head><meta charset="utf-8"><title>Not connected</title></head>
<body><main><h1>Not connected</h1><p>{reason}</p><p><a href="/admin/">Back to the connector</a></p></main></body></html>
"""


def routes(ctx: Context) -> Blueprint:
    """`/oauth/tiktok/return`."""
    web = Blueprint("oauth", __name__)

    @web.get(CONSENT_RETURN)
    def tiktok_return() -> ResponseReturnValue:
        state, code = request.args.get("state", ""), request.args.get("code", "")
        own = str(session.get("sid", ""))
        if not code:
            return _refused(
                "TikTok Shop sent no authorisation: the request was declined. Start again when you are ready."
            )
        if not state or not own:
            return _refused("This consent was not started in this browser session. Log in and start it again.")
        try:
            account = accounts.finish_authorization(ctx, state, code, own, actor=_actor())
        except ConnectorError as error:
            log.warning("authorisation_failed", reason=str(error))
            return _refused(str(error))
        return redirect(_next(account.id))

    return web


def _refused(reason: str) -> ResponseReturnValue:
    answer = make_response(PAGE.format(reason=escape(reason)), 400)
    answer.headers["Cache-Control"] = "no-store"
    answer.headers["Referrer-Policy"] = "no-referrer"
    return answer


def _next(account_id: int) -> str:
    """The wizard while it sets this account up, else the account's page."""
    row = Setting.get_or_none(Setting.key == "wizard")
    progress: dict[str, Any] = dict(row.value or {}) if row else {}
    if progress.get("account") == account_id and not progress.get("finished"):
        return url_for("wizard.index")
    return url_for("accounts.connected_view")


def _actor() -> str:
    if hasattr(current_app, "login_manager") and current_user.is_authenticated:
        return str(current_user.email)
    return "authorisation"
