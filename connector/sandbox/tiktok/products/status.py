"""Activate, deactivate, delete, recover: lists of at most 20 products, refused one by one. Source: "Products API overview"."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable

from connector.sandbox.tiktok.database import Json
from connector.sandbox.tiktok.errors import ApiError
from connector.sandbox.tiktok.products import rows
from connector.sandbox.tiktok.products.audit import start_audit, tell_status
from connector.sandbox.tiktok.products.write import GENERIC
from connector.sandbox.tiktok.routes import route
from connector.sandbox.tiktok.timers import unschedule
from connector.sandbox.tiktok.world import Call

SCOPE = "seller.product.write"
MOST = 20


@route("POST", "/product/202309/products/activate", scope=SCOPE)
def activate_products(call: Call) -> Json:
    """Audited again before it is live."""
    return _each(call, frozenset({"SELLER_DEACTIVATED", "PLATFORM_DEACTIVATED"}), _activate, with_extra=True)


@route("POST", "/product/202309/products/deactivate", scope=SCOPE)
def deactivate_products(call: Call) -> Json:
    return _each(call, frozenset({"ACTIVATE"}), _to("SELLER_DEACTIVATED"))


@route("DELETE", "/product/202309/products", scope=SCOPE)
def delete_products(call: Call) -> Json:
    open_ones = {"DRAFT", "PENDING", "FAILED", "ACTIVATE", "SELLER_DEACTIVATED", "PLATFORM_DEACTIVATED"}
    return _each(call, frozenset(open_ones), _to("DELETED"))


@route("POST", "/product/202309/products/recover", scope=SCOPE)
def recover_products(call: Call) -> Json:
    return _each(call, frozenset({"DELETED"}), _to("SELLER_DEACTIVATED"))


def _each(
    call: Call, from_statuses: frozenset[str], change: Callable[[Call, sqlite3.Row], None], *, with_extra: bool = False
) -> Json:
    """`{}`, or the products that were refused under `errors`; the others are done."""
    refused: list[Json] = []
    for product_id in call.texts("product_ids", most=MOST, required=True):
        try:
            change(call, _in_status(call, product_id, from_statuses))
        except ApiError as error:
            detail: Json = {"product_id": product_id}
            if with_extra:
                detail["extra_errors"] = [{"code": error.code, "message": error.message}]
            refused.append({"code": error.code, "message": error.message, "detail": detail})
    return {"errors": refused} if refused else {}


def _in_status(call: Call, product_id: str, statuses: frozenset[str]) -> sqlite3.Row:
    row = rows.load_product(call.tx, call.shop.id, product_id)
    if row["status"] not in statuses:
        raise ApiError(GENERIC, f"The status {row['status']} of the product does not allow this.")
    return row


def _activate(call: Call, row: sqlite3.Row) -> None:
    start_audit(call.world, call.tx, row)


def _to(status: str) -> Callable[[Call, sqlite3.Row], None]:
    def change(call: Call, row: sqlite3.Row) -> None:
        """A version that waited for its audit is given up with the audit; the live one stays what it was."""
        unschedule(call.tx, "audit", row["id"])
        rows.update_product(call.tx, row["id"], call.now, status=status, review=None, audit="NONE")
        call.tx.execute("UPDATE sku SET state = 'removed' WHERE product_id = ? AND state = 'waiting'", (row["id"],))
        tell_status(call.world, call.tx, row, "PRODUCT_STATUS_CHANGED")

    return change
