"""From an HTTP request to a declared route and back: store view, caller, body, errors, `fields`, content type."""

from __future__ import annotations

import json
import re
import sqlite3
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any
from urllib.parse import unquote
from xml.sax.saxutils import escape

from flask import Request, Response

from connector.sandbox.magento import bulk, config
from connector.sandbox.magento.database import Database
from connector.sandbox.magento.errors import InternalError, MagentoError
from connector.sandbox.magento.oauth import SignedRequest
from connector.sandbox.magento.query import apply_fields, parse_query
from connector.sandbox.magento.routing import Context, FatalError, Store, call, find, no_route
from connector.sandbox.magento.users import identify

JSON_TYPE = "application/json; charset=utf-8"
METHODS = frozenset({"GET", "POST", "PUT", "DELETE"})
LONGEST_TARGET = 8190  # nginx: one line must fit into large_client_header_buffers, 8k by default
_VERSION = re.compile(r"/V\d+(/|$)")
_ASYNC = re.compile(r"/async(/bulk)?(?=/V\d+/)")


@dataclass(frozen=True, slots=True)
class Target:
    """The path of a request: store code (None when it names none), path from `/V1` on, and the asynchronous prefix."""

    store_code: str | None
    path: str
    prefix: str


def answer(request: Request, database: Database, media: Path, now: datetime) -> Response:
    """The answer to one call below `/rest`."""
    target = str(request.environ.get("REQUEST_URI") or request.environ.get("RAW_URI") or request.full_path)
    if len(target) > LONGEST_TARGET:
        return _html(414, "414 Request-URI Too Large")
    db = database.connection()
    if config.flag(db, "sandbox/maintenance"):
        return _html(503, "Service Temporarily Unavailable")
    raw_path, _, query_string = target.partition("?")
    try:
        kind = _accepted(request)
        result, status = _run(request, db, media, now, raw_path, query_string)
    except MagentoError as error:
        result, status, kind = error.envelope(), error.status, "json"
    except FatalError:
        text = "An error has happened during application run. See exception log for details.\n"
        return Response(text, 500, content_type="text/plain;charset=UTF-8")
    except _NotAcceptableError:
        return _html(500, "There has been an error processing your request")
    if status == 200:
        result = _selected(request, query_string, result)
    if request.method == "HEAD":
        return Response(b"", status, content_type=JSON_TYPE)
    if kind == "xml":
        return Response(_xml(result), status, content_type="application/xml; charset=utf-8")
    return Response(to_json(result), status, content_type=JSON_TYPE)


def _run(
    request: Request, db: sqlite3.Connection, media: Path, now: datetime, raw_path: str, query_string: str
) -> tuple[Any, int]:
    target = _target(db, raw_path)
    if request.method not in METHODS:
        raise MagentoError(405, f"The {request.method} HTTP method is not supported.")
    store = _store(db, target.store_code)
    url = f"{request.scheme}://{request.host}{raw_path}"
    signed = SignedRequest(request.method, url, query_string, request.headers.get("Authorization", ""))
    ctx = Context(
        db=db,
        now=now,
        base_url=f"{request.scheme}://{request.host}",
        store=store,
        store_given=target.store_code is not None,
        query=parse_query(query_string),
        query_string=query_string,
        user=identify(db, signed, datetime.now(UTC)),
        media=media,
    )
    if target.prefix:
        ctx.body = _body(request)
        return bulk.accept(ctx, request.method, target.path, bulk_body=target.prefix == "/async/bulk"), 202
    if target.path.startswith("/V1/inventory/") and config.without_sources(db):
        raise no_route()
    route, variables = find(request.method, target.path)
    if ctx.user.may(route.acl):
        ctx.body = _body(request)
    try:
        return call(ctx, route, variables), 200
    except sqlite3.OperationalError as error:
        if "no such column" in str(error):
            raise InternalError(f"{abs(hash(query_string)):x}") from error
        raise


def _target(db: sqlite3.Connection, raw_path: str) -> Target:
    """Raises MagentoError 400 for a path that is no REST path at all."""
    path = raw_path.removeprefix("/index.php").removeprefix("/rest").rstrip("/")
    first, _, rest = path.removeprefix("/").partition("/")
    code = None
    if (
        first == "all"
        or db.execute("SELECT 1 FROM store WHERE code = ? AND store_id > 0", (unquote(first),)).fetchone()
    ):
        code, path = unquote(first), f"/{rest}"
    prefix = _ASYNC.match(path)
    if prefix:
        return Target(code, path[prefix.end() :], prefix[0])
    if not _VERSION.match(path):
        raise MagentoError(400, "Specified request cannot be processed.")
    return Target(code, path, "")


def _store(db: sqlite3.Connection, code: str | None) -> Store:
    if code == "all":
        return Store(0, "admin", 0, 0)
    if code is None:
        clause, params = (
            "store_id = (SELECT default_store_id FROM store_group g JOIN store_website w ON w.default_group_id = g.group_id WHERE w.website_id > 0 ORDER BY w.website_id LIMIT 1)",
            (),
        )
    else:
        clause, params = "code = ?", (code,)  # type: ignore[assignment]  # one or no parameter
    row = db.execute(f"SELECT store_id, code, website_id, group_id FROM store WHERE {clause}", params).fetchone()  # noqa: S608  # one of two fixed clauses
    return Store(*row)


def _body(request: Request) -> Any:
    data = request.get_data()
    if request.method not in {"POST", "PUT"} or not data:
        if request.method in {"POST", "PUT"} and request.content_type:
            _check_content_type(request.content_type)
        return {}
    if not request.content_type:
        raise MagentoError(400, "Content-Type header is empty.")
    _check_content_type(request.content_type)
    try:
        body = json.loads(data)
    except ValueError:
        raise MagentoError(400, "Decoding error.") from None
    return {} if body is None else body


def _check_content_type(text: str) -> None:
    media_type, _, options = text.partition(";")
    charset = options.strip().lower().removeprefix("charset=").strip('"')
    if media_type.strip().lower() not in {"application/json", "application/xml"}:
        raise MagentoError(400, f"Server cannot understand Content-Type HTTP header media type {media_type.strip()}")
    if charset not in {"", "utf-8"}:
        raise MagentoError(400, "UTF-8 is the only supported charset.")


class _NotAcceptableError(Exception):
    """The caller accepts nothing that Magento can write."""


def _accepted(request: Request) -> str:
    wanted = request.headers.get("Accept", "*/*")
    for piece in wanted.split(","):
        media_type = piece.partition(";")[0].strip().lower()
        if media_type in {"*/*", "application/json", "application/*", ""}:
            return "json"
        if media_type in {"application/xml", "text/xml"}:
            return "xml"
    raise _NotAcceptableError


def _selected(request: Request, query_string: str, result: Any) -> Any:
    if request.method == "DELETE" or not isinstance(result, dict | list):
        return result
    wanted = parse_query(query_string).get("fields")
    return apply_fields(result, wanted) if isinstance(wanted, str) and wanted else result


def to_json(value: Any) -> str:
    """JSON as PHP writes it: 59.0 is 59, a Decimal is a number."""
    return json.dumps(_plain(value), ensure_ascii=False)


def _plain(value: Any) -> Any:
    match value:
        case Decimal():
            return int(value) if value == value.to_integral_value() else float(value)
        case float():
            return int(value) if value.is_integer() else value
        case Mapping():
            return {key: _plain(item) for key, item in value.items()}
        case list() | tuple():
            return [_plain(item) for item in value]
        case _:
            return value


def _xml(value: Any) -> str:
    return f'<?xml version="1.0"?>\n<response>{_element(value)}</response>\n'


def _element(value: Any) -> str:
    match value:
        case Mapping():
            return "".join(f"<{key}>{_element(item)}</{key}>" for key, item in value.items())
        case list() | tuple():
            return "".join(f"<item>{_element(item)}</item>" for item in value)
        case None:
            return ""
        case bool():
            return "true" if value else "false"
        case _:
            return escape(str(_plain(value)))


def _html(status: int, title: str) -> Response:
    page = f"<!doctype html>\n<html><head><title>{title}</title></head><body><h1>{title}</h1></body></html>\n"
    return Response(page, status, content_type="text/html; charset=UTF-8")
