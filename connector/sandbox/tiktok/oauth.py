"""Authorization: the page a seller clicks through, codes, tokens, shops. Source: TikTok Shop, "Authorization overview"."""

from __future__ import annotations

import hmac
import json
import secrets
import sqlite3
from collections.abc import Mapping
from urllib.parse import parse_qsl, urlencode, urlsplit, urlunsplit

from flask import Blueprint, Response, make_response, redirect, render_template, request
from werkzeug.wrappers import Response as BaseResponse

from connector.sandbox.tiktok.database import Json
from connector.sandbox.tiktok.errors import BAD_REQUEST, ApiError
from connector.sandbox.tiktok.routes import route
from connector.sandbox.tiktok.shops import SHOPS, shops_of
from connector.sandbox.tiktok.world import Call, World

BAD_CODE = 36004004
BAD_REFRESH_TOKEN = 98001006
APP_NAME = "connector"


def add_pages(blueprint: Blueprint, world: World) -> None:
    """The two authorize pages; the older one names the app by its key."""

    @blueprint.route("/open/authorize", methods=["GET", "POST"])
    def authorize() -> BaseResponse:
        return _authorize(world, request.args.get("service_id", ""), world.app.service_id, "service_id")

    @blueprint.route("/oauth/authorize", methods=["GET", "POST"])
    def authorize_by_key() -> BaseResponse:
        return _authorize(world, request.args.get("app_key", ""), world.app.key, "app_key")


def _authorize(world: World, given: str, expected: str, name: str) -> BaseResponse:
    if given != expected:
        title = "This link names no app"
        text = (
            f"The {name} in the address is not the one of the app that is registered here. See /_sandbox/credentials."
        )
        return make_response(render_template("problem.html", title=title, text=text), 400)
    with world.db.read() as tx:
        back = world.redirect_url(tx)
    if request.method == "GET":
        return _page(world, back)
    if request.form.get("decision") != "authorize":
        return redirect(_with_query(back, {"error": "access_denied", "state": request.args.get("state", "")}))
    seller_id = request.form.get("seller") or _default_seller(world)
    if not shops_of(seller_id):
        return make_response(
            render_template("problem.html", title="Unknown seller", text="Choose one of the sellers."), 400
        )
    with world.db.write() as tx:
        code = issue_code(world, tx, seller_id)
    state = request.args.get("state", "")
    region = shops_of(seller_id)[0].region
    extra = {"app_key": world.app.key, "code": code, "locale": "en", "shop_region": region, "state": state}
    return redirect(_with_query(back, extra))


def _page(world: World, back: str) -> Response:
    sellers = [
        {"id": shop.seller_id, "name": shop.name, "region": shop.region, "currency": shop.currency} for shop in SHOPS
    ]
    page = make_response(
        render_template(
            "authorize.html",
            app_name=APP_NAME,
            sellers=sellers,
            region=world.options.region,
            scopes=world.options.granted_scopes,
            redirect_url=back,
        )
    )
    parts = urlsplit(back)
    page.headers["Content-Security-Policy"] = (
        f"default-src 'none'; style-src 'self'; form-action 'self' {parts.scheme}://{parts.netloc}; frame-ancestors 'none'"
    )
    return page


def _default_seller(world: World) -> str:
    return next((shop.seller_id for shop in SHOPS if shop.region == world.options.region), SHOPS[0].seller_id)


def _with_query(url: str, extra: Mapping[str, str]) -> str:
    parts = urlsplit(url)
    query = [*parse_qsl(parts.query, keep_blank_values=True), *extra.items()]
    return urlunsplit(parts._replace(query=urlencode(query)))


def issue_code(world: World, tx: sqlite3.Connection, seller_id: str) -> str:
    """A code for one exchange within half an hour."""
    code = "GCP_" + secrets.token_urlsafe(40)
    tx.execute("INSERT INTO auth_code VALUES (?, ?, ?, 0)", (code, seller_id, world.now() + world.options.code_seconds))
    return code


def get_token(world: World, tx: sqlite3.Connection, query: Mapping[str, str]) -> Json:
    """`GET /api/v2/token/get`: a code for a pair of tokens."""
    _check_app(world, query, "authorized_code")
    code = query.get("auth_code", "")
    row = tx.execute("SELECT * FROM auth_code WHERE code = ?", (code,)).fetchone()
    if row is None or row["used"] or row["expires"] <= world.now():
        raise ApiError(BAD_CODE, "The authorization code is invalid, was used before, or is older than 30 minutes.")
    tx.execute("UPDATE auth_code SET used = 1 WHERE code = ?", (code,))
    expires = world.now() + world.options.refresh_token_seconds
    return _issue_tokens(world, tx, str(row["seller_id"]), expires)


def refresh_token(world: World, tx: sqlite3.Connection, query: Mapping[str, str]) -> Json:
    """`GET /api/v2/token/refresh`: the next pair; the pair before ends soon."""
    _check_app(world, query, "refresh_token")
    now = world.now()
    row = tx.execute("SELECT * FROM token WHERE refresh_token = ?", (query.get("refresh_token", ""),)).fetchone()
    if row is None or row["revoked"] or row["refresh_expires"] <= now:
        raise ApiError(
            BAD_REFRESH_TOKEN, "The refresh token is invalid, expired or revoked. The seller must authorize again."
        )
    answer = _issue_tokens(world, tx, str(row["seller_id"]), now + world.options.refresh_token_seconds)
    ends = now + world.options.old_refresh_token_seconds
    tx.execute(
        "UPDATE token SET refresh_expires = min(refresh_expires, ?) WHERE access_token = ?", (ends, row["access_token"])
    )
    return answer


def _check_app(world: World, query: Mapping[str, str], grant_type: str) -> None:
    if query.get("app_key") != world.app.key:
        raise ApiError(BAD_REQUEST, "Invalid app_key. Check the app_key query parameter.")
    if not hmac.compare_digest(query.get("app_secret", "").encode(), world.app.secret.encode()):
        raise ApiError(BAD_REQUEST, "Invalid app_secret. Check the app_secret query parameter.")
    if query.get("grant_type") != grant_type:
        raise ApiError(BAD_REQUEST, f"Invalid grant_type: {grant_type} is expected.")


def _issue_tokens(world: World, tx: sqlite3.Connection, seller_id: str, refresh_expires: int) -> Json:
    shop = shops_of(seller_id)[0]
    scopes = list(world.options.granted_scopes)
    access, refresh = "GCP_" + secrets.token_urlsafe(48), "GCP_" + secrets.token_urlsafe(32)
    expires = world.now() + world.options.access_token_seconds
    tx.execute(
        "INSERT INTO token (access_token, refresh_token, seller_id, scopes, access_expires, refresh_expires) VALUES (?, ?, ?, ?, ?, ?)",
        (access, refresh, seller_id, json.dumps(scopes), expires, refresh_expires),
    )
    return {
        "access_token": access,
        "access_token_expire_in": expires,
        "refresh_token": refresh,
        "refresh_token_expire_in": refresh_expires,
        "open_id": f"sandbox-{seller_id[-4:]}",
        "seller_name": shop.name,
        "seller_base_region": shop.region,
        "user_type": 0,
        "granted_scopes": scopes,
    }


@route("GET", "/authorization/202309/shops", scope="seller.authorization.info", cipher=False)
def authorized_shops(call: Call) -> Json:
    return {
        "shops": [
            {
                "id": shop.id,
                "name": shop.name,
                "region": shop.region,
                "seller_type": "LOCAL",
                "cipher": shop.cipher,
                "code": shop.code,
            }
            for shop in shops_of(call.seller_id)
        ]
    }


@route("GET", "/seller/202309/shops", scope="seller.authorization.info", cipher=False)
def active_shops(call: Call) -> Json:
    return {"shops": [{"id": shop.id, "region": shop.region} for shop in shops_of(call.seller_id)]}


@route("GET", "/seller/202309/permissions", scope="seller.authorization.info", cipher=False)
def seller_permissions(call: Call) -> Json:
    """Local sellers have none: `MANAGE_GLOBAL_PRODUCT` is for cross-border ones."""
    del call
    return {"permissions": []}
