"""What others call: the return from a consent, webhooks, health and metrics. Nothing here calls a remote system itself."""

from __future__ import annotations

from collections.abc import Callable

import flask

from connector.services.context import Context
from connector.store.models import Account
from connector.web import health, metrics, oauth, webhooks

Verify = Callable[[Account, bytes, str], bool]
"""Account, raw body and the `Authorization` header; true when the marketplace wrote it."""


def init_web(
    app: flask.Flask,
    ctx: Context,
    *,
    verify: Verify,
    ping_redis: Callable[[], object] | None = None,
    metrics_token: str = "",
    installation: str = "",
) -> None:
    """Add the routes. `ping_redis` raises when Redis does not answer; without it health leaves Redis out.

    `metrics_token`: see `metrics.routes`; `installation`: see `health.routes`.
    """
    app.register_blueprint(oauth.routes(ctx))
    app.register_blueprint(webhooks.routes(ctx, verify))
    app.register_blueprint(health.routes(ping_redis, installation))
    app.register_blueprint(metrics.routes(metrics_token))
