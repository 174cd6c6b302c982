"""The TikTok Shop side as a Flask blueprint: every route of the table, the token calls, the pages, the control API."""

from __future__ import annotations

import json
import secrets
import sqlite3
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from flask import Blueprint, Response, make_response, request
from flask.blueprints import BlueprintSetupState

from connector.sandbox.clock import SandboxClock
from connector.sandbox.faults import Faults
from connector.sandbox.options import SandboxOptions
from connector.sandbox.tiktok import control, errors, gateway, images, oauth, timers
from connector.sandbox.tiktok.background import Background
from connector.sandbox.tiktok.database import Json
from connector.sandbox.tiktok.errors import ApiError
from connector.sandbox.tiktok.handlers import load_handlers
from connector.sandbox.tiktok.routes import ROUTES, Route, methods_of
from connector.sandbox.tiktok.world import Call, Upload, World

DOMAINS = (
    "api",
    "authorization",
    "event",
    "finance",
    "fulfillment",
    "logistics",
    "order",
    "product",
    "promotion",
    "return_refund",
    "seller",
)
METHODS = ["GET", "POST", "PUT", "DELETE", "PATCH"]


def create_blueprint(data_dir: Path, *, clock: SandboxClock, faults: Faults, options: SandboxOptions) -> Blueprint:
    """The marketplace with its state in `data_dir/tiktok.sqlite3`. Its background thread starts with the application."""
    load_handlers()
    world = World(data_dir, clock, faults, options)
    blueprint = Blueprint("tiktok", __name__)
    oauth.add_pages(blueprint, world)
    images.add_pages(blueprint, world)
    control.add_control(blueprint, world)
    _add_token_calls(blueprint, world)
    limiter = gateway.RateLimiter(options.requests_per_second)
    for known in ROUTES:
        for path in known.paths:
            rule = path.replace("{", "<").replace("}", ">")
            name = f"{known.handler.__name__}_{path.split('/')[2]}"
            blueprint.add_url_rule(rule, name, _endpoint(world, limiter, known), methods=[known.method])
    for domain in DOMAINS:
        blueprint.add_url_rule(f"/{domain}/<path:rest>", f"unknown_{domain}", _unknown, methods=METHODS)
    blueprint.record_once(lambda state: _join(state, world))
    return blueprint


def _join(state: BlueprintSetupState, world: World) -> None:
    """Tell the shell who we are and start the background work."""
    app = state.app
    app.extensions.setdefault("sandbox_credentials", {})["tiktok"] = lambda url: control.credentials(world, url)
    app.extensions.setdefault("sandbox_counts", {})["tiktok"] = lambda _url: control.counts(world)
    background = Background(world)
    background.start()
    app.extensions.setdefault("sandbox_stops", []).append(background.stop)


def _endpoint(world: World, limiter: gateway.RateLimiter, known: Route) -> Callable[..., Response]:
    def answer(**path: str) -> Response:
        return enveloped(world, lambda: _serve(world, limiter, known, path))

    return answer


def _serve(world: World, limiter: gateway.RateLimiter, known: Route, path: dict[str, str]) -> Json:
    timers.run_due(world)
    with world.db.read() as tx:
        caller = gateway.admit(world, tx, known, request)
    limiter.check(caller.shop.id if caller.shop else caller.seller_id)
    body = gateway.parse_body(known, request)
    transaction = world.db.write() if known.writes else world.db.read()
    with transaction as tx:
        call = Call(
            world=world,
            tx=tx,
            now=world.now(),
            seller_id=caller.seller_id,
            known_shop=caller.shop,
            query=caller.query,
            body=body,
            base_url=request.host_url.rstrip("/"),
        )
        if known.multipart:
            call.form = {key: request.form[key] for key in request.form}
            call.files = {key: Upload(part.filename or "", part.read()) for key, part in request.files.items()}
        data = known.handler(call, **path)
    world.wake.set()
    return data


def enveloped(world: World, work: Callable[[], Json]) -> Response:
    """The marketplace's envelope around what `work` returns or refuses."""
    try:
        return _envelope(0, "Success", work(), 200)
    except ApiError as error:
        status = {**errors.HTTP_STATUS, **world.options.http_status}.get(error.code, 200)
        answer = _envelope(error.code, error.message, None, status)
        if status == 429 and world.options.rate_limit_retry_after:
            answer.headers["Retry-After"] = "1"
        return answer


def _envelope(code: int, message: str, data: Json | None, status: int) -> Response:
    request_id = time.strftime("%Y%m%d%H%M%S", time.gmtime()) + secrets.token_hex(9).upper()
    text = json.dumps(
        {"code": code, "message": message, "request_id": request_id, "data": data},
        ensure_ascii=False,
        separators=(",", ":"),
    )
    return Response(text, status, content_type="application/json; charset=utf-8")


def _unknown(rest: str) -> Response:
    del rest
    others = methods_of(request.path)
    if others:
        code, message = (
            errors.WRONG_METHOD,
            f"The method {request.method} is not allowed here, only {', '.join(sorted(others))}.",
        )
    else:
        code, message = errors.UNKNOWN_PATH, "The path is unknown. Check the path and the API version."
    return _envelope(code, message, None, errors.HTTP_STATUS[code])


def _add_token_calls(blueprint: Blueprint, world: World) -> None:
    def token_call(work: Callable[[World, sqlite3.Connection, Any], Json]) -> Callable[[], Response]:
        def exchange() -> Json:
            with world.db.write() as tx:
                return work(world, tx, request.args)

        def answer() -> Response:
            timers.run_due(world)
            return make_response(enveloped(world, exchange))

        return answer

    blueprint.add_url_rule("/api/v2/token/get", "token_get", token_call(oauth.get_token))
    blueprint.add_url_rule("/api/v2/token/refresh", "token_refresh", token_call(oauth.refresh_token))
