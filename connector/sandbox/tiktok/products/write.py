"""Create and edit products. Source: "Create Product", "Edit Product", "Partial Edit Product", "Check Product Listing".

A content edit of a live product is a second version that waits for its audit; price and stock change at once.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Mapping
from typing import Any

from connector.sandbox.tiktok import errors
from connector.sandbox.tiktok.brands import find_brand
from connector.sandbox.tiktok.database import Columns, Json, dumps, next_id
from connector.sandbox.tiktok.errors import ApiError
from connector.sandbox.tiktok.products import rows
from connector.sandbox.tiktok.products.audit import start_audit
from connector.sandbox.tiktok.products.checks import Context, category_or_problem, product_problems
from connector.sandbox.tiktok.products.sku_checks import sku_problems
from connector.sandbox.tiktok.products.text_checks import Problem
from connector.sandbox.tiktok.products.versions import forget_waiting, place_sku, remove_others
from connector.sandbox.tiktok.routes import route
from connector.sandbox.tiktok.taxonomy import Category, check_version
from connector.sandbox.tiktok.webhooks import emit
from connector.sandbox.tiktok.world import Call

SCOPE = "seller.product.write"
REQUIRED = ("title", "description", "category_id", "main_images", "skus")
GENERIC, PARAMETER = 12052990, 98001004
CLOSED = frozenset({"FREEZE", "DELETED"})


@route("POST", "/product/202309/products", scope=SCOPE)
def create_product(call: Call) -> Json:
    """A repeated `idempotency_key` answers what it answered first and makes nothing."""
    key = call.text("idempotency_key", required=False)
    if len(key) > 128:
        raise errors.invalid("body", "idempotency_key", "at most 128 characters are allowed")
    known = call.tx.execute(
        "SELECT answer FROM idempotency WHERE shop_id = ? AND key = ?", (call.shop.id, key)
    ).fetchone()
    if known:
        answer: Json = json.loads(known["answer"])
        return answer
    _check_fields(call, REQUIRED)
    as_draft = _as_draft(call)
    _refuse(_problems(call, call.body, frozenset(), as_draft=as_draft))
    content, warnings = _content(call, call.body)
    product = {"id": next_id(call.tx, "product"), "shop_id": call.shop.id}
    call.tx.execute(
        "INSERT INTO product (id, shop_id, status, audit, create_time, update_time, category_id, title, content)"
        " VALUES (?, ?, 'DRAFT', 'NONE', ?, ?, ?, ?, ?)",
        (product["id"], call.shop.id, call.now, call.now, content["category_id"], content["title"], dumps(content)),
    )
    skus = _write_skus(call, product, content, state="live", as_draft=as_draft)
    row = rows.load_product(call.tx, call.shop.id, product["id"])
    emit(
        call.world,
        call.tx,
        call.shop.id,
        "PRODUCT_CREATION",
        {"product_id": product["id"], "product_types": ["NORMAL"], "update_time": call.now},
    )
    if not as_draft:
        start_audit(call.world, call.tx, row)
    answer = _answer(row, skus, warnings)
    if key:
        call.tx.execute("INSERT INTO idempotency VALUES (?, ?, ?)", (call.shop.id, key, dumps(answer)))
    return answer


@route("POST", "/product/202309/products/listing_check", scope=SCOPE, writes=False)
def check_listing(call: Call) -> Json:
    """All problems of a create payload at once, with the codes that creating it would answer."""
    problems = list(_problems(call, call.body, frozenset(), as_draft=False))
    _, warnings = _content(call, call.body)
    answer: Json = {
        "check_result": "FAILED" if problems else "PASS",
        "fail_reasons": [{"code": code, "message": message} for code, message in problems],
    }
    if warnings:
        answer["warnings"] = {"message": " ".join(warnings)}
    if call.shop.region == "US":
        answer["listing_quality"] = {
            "current_tier": "POOR" if problems else "GOOD",
            "remaining_recommendations": len(problems),
        }
    return answer


@route("PUT", "/product/202509/products/{product_id}", "/product/202309/products/{product_id}", scope=SCOPE)
def edit_product(call: Call, product_id: str) -> Json:
    """Full edit: what is left out is blanked, except price and stock of SKUs that are named by id."""
    row = _editable(call, product_id)
    _check_fields(call, REQUIRED)
    warnings, skus, audit = _edit(call, row, call.body)
    return _answer(row, skus, warnings) | {
        "warnings": [{"message": text} for text in warnings],
        "audit": {"status": audit},
    }


@route(
    "POST",
    "/product/202509/products/{product_id}/partial_edit",
    "/product/202309/products/{product_id}/partial_edit",
    scope=SCOPE,
)
def partial_edit_product(call: Call, product_id: str) -> Json:
    """Replaces whole top-level properties; a list or object that is given must be complete. The category stays."""
    row = _editable(call, product_id)
    version = rows.version_of(row, "review") or {"content": json.loads(row["content"]), "skus": None}
    given = {name: value for name, value in call.body.items() if name in rows.CONTENT_FIELDS and name != "category_id"}
    body = {**version["content"], **given}
    if "skus" in call.body:
        body["skus"] = call.body["skus"]
    else:
        body["skus"] = version["skus"] or [_as_written(sku) for sku in rows.skus_of(call.tx, row["id"])]
        body["skus"] = [{"id": str(sku["id"]), **sku.get("detail", sku)} for sku in body["skus"]]
    _, skus, audit = _edit(call, row, body, checked_version=False)
    return _answer(row, skus, ()) | {"audit": {"status": audit}}


def _as_written(sku: sqlite3.Row) -> Json:
    return {"id": str(sku["id"]), "detail": json.loads(sku["detail"])}


def _edit(
    call: Call, row: sqlite3.Row, body: Mapping[str, Any], *, checked_version: bool = True
) -> tuple[list[str], list[Json], str]:
    """Warnings, the SKUs of the answer, and the audit status that the edit led to."""
    as_draft = _as_draft(call)
    kept = {str(sku["id"]): sku for sku in rows.skus_of(call.tx, row["id"], "live", "waiting")}
    for sku in body["skus"]:
        if sku.get("id") and str(sku["id"]) not in kept:
            raise ApiError(PARAMETER, f"Parameter invalid: the SKU {sku['id']} is not one of this product.")
    _refuse(_problems(call, body, frozenset(kept), as_draft=as_draft, checked_version=checked_version))
    content, warnings = _content(call, body)
    live = row["status"] == "ACTIVATE"
    if live and not as_draft and not _content_changes(call, row, content, body["skus"]):
        skus = _write_skus(call, row, content, state="live", body=body, as_draft=False)
        rows.update_product(call.tx, row["id"], call.now)
        return warnings, skus, "NONE"
    skus = _write_skus(call, row, content, state="waiting" if live else "live", body=body, as_draft=as_draft)
    if live:
        version = {"content": content, "skus": [{"id": sku["id"], "detail": sku["detail"]} for sku in skus]}
        rows.update_product(call.tx, row["id"], call.now, **{"draft" if as_draft else "review": version})
        forget_waiting(call.tx, rows.load_product(call.tx, call.shop.id, row["id"]))
    else:
        if row["category_id"] != content["category_id"]:
            _tell_category(call, row, content)
        rows.update_product(
            call.tx, row["id"], call.now, content=content, title=content["title"], category_id=content["category_id"]
        )
    return warnings, skus, _after_edit(call, row, as_draft=as_draft)


def _after_edit(call: Call, row: sqlite3.Row, *, as_draft: bool) -> str:
    """A seller's own stop stays: that product is audited when it is activated."""
    if as_draft or row["status"] == "SELLER_DEACTIVATED":
        return "NONE"
    start_audit(call.world, call.tx, rows.load_product(call.tx, call.shop.id, row["id"]))
    return "AUDITING"


def _content_changes(call: Call, row: sqlite3.Row, content: Json, skus: list[Json]) -> bool:
    """Whether more than price and stock differs from the newest version."""
    newest = rows.version_of(row, "review") or {
        "content": json.loads(row["content"]),
        "skus": [_as_written(sku) for sku in rows.skus_of(call.tx, row["id"])],
    }
    wanted = [(str(sku.get("id", "")), rows.normal_sku(content["category_id"], sku)) for sku in skus]
    return bool(content != newest["content"] or wanted != [(str(sku["id"]), sku["detail"]) for sku in newest["skus"]])


def _write_skus(
    call: Call,
    product: Columns,
    content: Json,
    *,
    state: str,
    body: Mapping[str, Any] | None = None,
    as_draft: bool,
) -> list[Json]:
    """Insert new SKUs in `state`, update price and stock of known ones; in state `live` the list replaces the one before."""
    skus: list[Json] = []
    for position, sku in enumerate((body or call.body)["skus"]):
        detail = rows.normal_sku(content["category_id"], sku)
        if sku.get("id"):
            number = int(sku["id"])
            _update_sku(call, number, sku)
            if state == "live":
                place_sku(call.tx, number, position, detail)
        else:
            written = _with_defaults(call, sku) if as_draft else sku
            number = rows.insert_sku(call.tx, product, position, state, written, detail)
        skus.append({"id": str(number), "detail": detail})
    if state == "live":
        remove_others(call.tx, int(product["id"]), skus)
    return skus


def _with_defaults(call: Call, sku: Json) -> Json:
    """A draft may lack price and stock."""
    price = sku.get("price") or {"amount": "0", "currency": call.shop.currency}
    inventory = sku.get("inventory") or [{"warehouse_id": call.shop.default_warehouse.id, "quantity": 0}]
    return {**sku, "price": price, "inventory": inventory}


def _update_sku(call: Call, number: int, sku: Json) -> None:
    if sku.get("price"):
        call.tx.execute(
            "UPDATE sku SET amount = ?, currency = ?, list_amount = ? WHERE id = ?",
            (rows.amount_of(sku["price"]), sku["price"]["currency"], rows.list_amount(sku), number),
        )
    if sku.get("inventory"):
        rows.set_inventory(call.tx, number, sku["inventory"])


def _tell_category(call: Call, row: sqlite3.Row, content: Json) -> None:
    data = {
        "product_id": row["id"],
        "previous_category_id": row["category_id"],
        "current_category_id": content["category_id"],
        "update_time": call.now,
    }
    emit(call.world, call.tx, call.shop.id, "PRODUCT_CATEGORY_CHANGE", data)


def _editable(call: Call, product_id: str) -> sqlite3.Row:
    row = rows.load_product(call.tx, call.shop.id, product_id)
    if row["status"] in CLOSED:
        raise ApiError(GENERIC, f"A product with the status {row['status']} cannot be edited.")
    return row


def _check_fields(call: Call, names: tuple[str, ...]) -> None:
    for name in names:
        if name not in call.body:
            raise errors.missing("body", name)
    call.items("skus")
    if not isinstance(call.body["category_id"], str):
        raise errors.invalid("body", "category_id", "it must be a string")


def _as_draft(call: Call) -> bool:
    mode = call.text("save_mode", required=False) or "LISTING"
    if mode not in {"LISTING", "AS_DRAFT"}:
        raise errors.invalid("body", "save_mode", "LISTING or AS_DRAFT is expected")
    return mode == "AS_DRAFT"


def _problems(
    call: Call, body: Mapping[str, Any], kept: frozenset[str], *, as_draft: bool, checked_version: bool = True
) -> list[Problem]:
    """A draft needs no more than a category; everything else is asked for when it is listed."""
    if checked_version:
        check_version(call, str(body.get("category_version", "")))
    category = category_or_problem(body.get("category_id"))
    if not isinstance(category, Category):
        return [category]
    if as_draft:
        return []
    context = Context.of(call)
    return [*product_problems(context, body), *sku_problems(context, category, body.get("skus"), kept)]


def _refuse(problems: list[Problem]) -> None:
    if problems:
        raise ApiError(*problems[0])


def _content(call: Call, body: Mapping[str, Any]) -> tuple[Json, list[str]]:
    """The version's content and the warnings about what was dropped from it."""
    warnings = []
    content = rows.normal_content(body)
    content.setdefault("title", "")
    if content.get("brand_id") and find_brand(call.tx, str(content["brand_id"])) is None:
        warnings.append(f"The brand_id {content.pop('brand_id')} is unknown and was cleared.")
    if any(sku.get("list_price") and sku.get("price") and not rows.list_amount(sku) for sku in body.get("skus") or []):
        warnings.append("A list_price below the price was discarded.")
    return content, warnings


def _answer(row: Columns, skus: list[Json], warnings: list[str] | tuple[str, ...]) -> Json:
    answer: Json = {"product_id": str(row["id"]), "skus": [_sku_answer(sku) for sku in skus]}
    if warnings:
        answer["warnings"] = [{"message": text} for text in warnings]
    return answer


def _sku_answer(sku: Json) -> Json:
    detail = sku["detail"]
    shown: Json = {"id": sku["id"], "seller_sku": detail.get("seller_sku", "")}
    if detail.get("external_sku_id"):
        shown["external_sku_id"] = detail["external_sku_id"]
    attributes = [{"id": entry["id"], "value_id": entry["value_id"]} for entry in detail.get("sales_attributes", [])]
    return shown | {"sales_attributes": attributes}
