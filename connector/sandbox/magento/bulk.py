"""Asynchronous calls: `/async/V1/…` takes one body, `/async/bulk/V1/…` a list of them; each becomes an operation of a bulk.

Operations run right after the answer, or stay open when the setting `sandbox/consumer` is `off`, as in a shop without a queue consumer.
"""

from __future__ import annotations

import hashlib
import json
import re
import sqlite3
import uuid
from collections.abc import Mapping
from dataclasses import replace
from typing import Any
from urllib.parse import quote

from connector.sandbox.magento.errors import MagentoError, not_authorized
from connector.sandbox.magento.routing import Context, Route, Store, call, find, route

COMPLETE, FAILED, OPEN = 1, 3, 4
ACL = "Magento_Logging::system_magento_logging_bulk_operations"


def accept(ctx: Context, method: str, path: str, *, bulk_body: bool) -> dict[str, Any]:
    """Keeps the operations and says which were accepted. Raises MagentoError 400 for GET, 404 for no route, 401 without the right."""
    if method == "GET":
        raise MagentoError(400, "Specified request cannot be processed.")
    one, variables = find(method, path)
    if not ctx.user.may(one.acl):
        raise not_authorized(one.acl)
    bodies = ctx.body if bulk_body and isinstance(ctx.body, list) else [ctx.body]
    bulk_id = str(uuid.uuid4())
    with ctx.transaction() as db:
        topic = _topic(one)
        db.execute(
            "INSERT INTO magento_bulk VALUES (?, ?, ?, ?, ?)",
            (bulk_id, f"Topic {topic}", ctx.stamp, ctx.user.kind, ctx.user.user_id),
        )
        for key, body in enumerate(bodies):
            values = (
                {name: _from_body(name, value, body) for name, value in variables.items()} if bulk_body else variables
            )
            request = {"method": method, "template": one.template, "variables": values, "body": body}
            request["store_id"] = ctx.store.store_id
            db.execute(
                "INSERT INTO magento_operation (bulk_uuid, operation_key, topic_name, request) VALUES (?, ?, ?, ?)",
                (bulk_id, key, topic, json.dumps(request, ensure_ascii=False)),
            )
    items = [{"id": key, "data_hash": _hash(body), "status": "accepted"} for key, body in enumerate(bodies)]
    if ctx.setting("sandbox/consumer") == "auto":
        run_open(ctx)
    return {"bulk_uuid": bulk_id, "request_items": items, "errors": False}


def run_open(ctx: Context) -> int:
    """Runs every open operation, each in its own transaction; returns how many."""
    rows = ctx.db.execute(
        "SELECT o.* FROM magento_operation o JOIN magento_bulk b ON b.uuid = o.bulk_uuid WHERE o.status = ?"
        " ORDER BY b.rowid, o.operation_key",
        (OPEN,),
    ).fetchall()
    for row in rows:
        status, message, code = _run(ctx, row)
        with ctx.transaction() as db:
            db.execute(
                "UPDATE magento_operation SET status = ?, result_message = ?, error_code = ? WHERE bulk_uuid = ? AND operation_key = ?",
                (status, message, code, row["bulk_uuid"], row["operation_key"]),
            )
    return len(rows)


def _run(ctx: Context, row: sqlite3.Row) -> tuple[int, str, int | None]:
    request = json.loads(row["request"])
    path = "/".join(
        quote(request["variables"][part[1:]], safe="") if part.startswith(":") else part
        for part in request["template"].strip("/").split("/")
    )
    one, variables = find(request["method"], path)
    store = ctx.store if ctx.store.store_id == request["store_id"] else _store(ctx.db, request["store_id"])
    try:
        call(replace(ctx, body=request["body"], store=store), one, variables)
    except MagentoError as error:
        return FAILED, error.message, error.code or 0
    return COMPLETE, f"Service execution success {one.success}", None


def _store(db: sqlite3.Connection, store_id: int) -> Store:
    row = db.execute(
        "SELECT store_id, code, website_id, group_id FROM store WHERE store_id = ?", (store_id,)
    ).fetchone()
    return Store(*row)


def _topic(one: Route) -> str:
    return f"async.{one.topic or re.sub(r'[^a-z]+', '.', one.template.lower()).strip('.')}.{one.method.lower()}"


def _from_body(name: str, part: str, body: Any) -> str:
    """The value of a path variable of a bulk call: `bySku` in the path takes `sku` of the body."""
    if part != f"by{name[:1].upper()}{name[1:]}":
        return part
    snake = re.sub(r"(?<!^)(?=[A-Z])", "_", name).lower()
    for place in [body, *(body.values() if isinstance(body, Mapping) else ())]:
        for key in (name, snake):
            if isinstance(place, Mapping) and place.get(key) is not None:
                return str(place[key])
    raise MagentoError(400, '"%fieldName" is required. Enter and try again.', {"fieldName": name})


def _hash(body: Any) -> str:
    return hashlib.sha256(json.dumps(body, sort_keys=True).encode()).hexdigest()


@route("GET", "/V1/bulk/:bulkUuid/status", ACL)
def status(ctx: Context, bulkUuid: str) -> Any:  # noqa: N803  # name of the path variable
    return _summary(ctx, bulkUuid, _short)


@route("GET", "/V1/bulk/:bulkUuid/detailed-status", ACL)
def detailed_status(ctx: Context, bulkUuid: str) -> Any:  # noqa: N803  # as above
    return _summary(ctx, bulkUuid, _long)


@route("GET", "/V1/bulk/:bulkUuid/operation-status/:status", ACL)
def operation_count(ctx: Context, bulkUuid: str, status: str) -> Any:  # noqa: N803  # as above
    return ctx.db.execute(
        "SELECT COUNT(*) FROM magento_operation WHERE bulk_uuid = ? AND status = ?", (bulkUuid, status)
    ).fetchone()[0]


def _summary(ctx: Context, bulk_id: str, shape: Any) -> dict[str, Any]:
    bulk = ctx.db.execute("SELECT * FROM magento_bulk WHERE uuid = ?", (bulk_id,)).fetchone()
    if bulk is None:
        raise MagentoError(404, "Bulk uuid %bulkUuid not exist", {"bulkUuid": bulk_id})
    rows = ctx.db.execute(
        "SELECT * FROM magento_operation WHERE bulk_uuid = ? ORDER BY operation_key", (bulk_id,)
    ).fetchall()
    return {
        "operations_list": [shape(row) for row in rows],
        "user_type": bulk["user_type"],
        "bulk_id": bulk_id,
        "description": bulk["description"],
        "start_time": bulk["start_time"],
        "user_id": bulk["user_id"],
        "operation_count": len(rows),
    }


def _short(row: sqlite3.Row) -> dict[str, Any]:
    return {
        "id": row["operation_key"],
        "status": row["status"],
        "result_message": row["result_message"],
        "error_code": row["error_code"],
    }


def _long(row: sqlite3.Row) -> dict[str, Any]:
    request = json.loads(row["request"])
    meta = json.dumps(request["body"], separators=(",", ":"), ensure_ascii=False)
    data = {"entity_id": None, "entity_link": "", "meta_information": meta, "store_id": str(request["store_id"])}
    serialized = None if row["status"] == COMPLETE else json.dumps(data, separators=(",", ":"), ensure_ascii=False)
    return {
        "id": row["operation_key"],
        "bulk_uuid": row["bulk_uuid"],
        "topic_name": row["topic_name"],
        "serialized_data": serialized,
        "result_serialized_data": None,
        "status": row["status"],
        "result_message": row["result_message"],
        "error_code": row["error_code"],
    }
