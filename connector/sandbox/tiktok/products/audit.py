"""The audit: takes `audit_seconds`, refuses by the published table below and never at random, applies waiting versions.

Reasons (position → what is looked for):

- title: a word of `PROHIBITED_WORDS`; an address, e-mail or telephone number; more than five letters and all of them capitals
- description: a word of `PROHIBITED_WORDS`; a web address, e-mail or telephone number
- main images: none that is at least 300 pixels a side
- price: a SKU that costs a thousand times as much as another one of the product
"""

from __future__ import annotations

import json
import re
import sqlite3
from collections.abc import Iterator
from decimal import Decimal

from connector.sandbox.tiktok import timers
from connector.sandbox.tiktok.database import Columns, Json
from connector.sandbox.tiktok.images import find_picture
from connector.sandbox.tiktok.products import rows
from connector.sandbox.tiktok.products.versions import apply_version
from connector.sandbox.tiktok.webhooks import emit
from connector.sandbox.tiktok.world import World

PROHIBITED_WORDS = ("replica", "counterfeit", "fake", "knockoff", "miracle cure", "guaranteed cure", "100% cure")
CONTACT = re.compile(
    r"https?://|\bwww\.|[\w.+-]+@[\w-]+\.[a-z]{2,}|\b(?:call|phone|tel|whatsapp)\b\W{0,3}\+?\d[\d ()-]{6,}\d",
    re.IGNORECASE,
)


def start_audit(world: World, tx: sqlite3.Connection, row: sqlite3.Row) -> None:
    """Begin (or begin again) the audit of the newest version. A product that is not live waits as PENDING."""
    timers.unschedule(tx, "audit", row["id"])
    timers.schedule(tx, "audit", row["id"], world.clock.now() + world.options.audit_seconds)
    status = "ACTIVATE" if row["status"] == "ACTIVATE" else "PENDING"
    rows.update_product(tx, row["id"], world.now(), status=status, audit="AUDITING", failures=[])
    _tell(world, tx, row, "AUDITING")
    if status != row["status"]:
        tell_status(world, tx, row, "PRODUCT_STATUS_CHANGED")


@timers.timer("audit")
def end_audit(world: World, tx: sqlite3.Connection, subject: str) -> None:
    row = tx.execute("SELECT * FROM product WHERE id = ?", (int(subject),)).fetchone()
    decide(world, tx, row, list(failures(tx, row)))


def failures(tx: sqlite3.Connection, row: sqlite3.Row) -> Iterator[Json]:
    """What the table finds in the newest version, in the shape of `audit_failed_reasons`."""
    version = rows.version_of(row, "review")
    content = version["content"] if version else json.loads(row["content"])
    prices = [Decimal(sku["amount"]) for sku in rows.skus_of(tx, row["id"], "live", "waiting")]
    yield from _text_failures("TITLE", content["title"])
    if len(letters := [sign for sign in content["title"] if sign.isalpha()]) > 5 and all(
        sign.isupper() for sign in letters
    ):
        yield failure("TITLE", "The product name is all capitals.", "Write it with small letters.")
    yield from _text_failures("DESCRIPTION", re.sub(r"<[^>]*>", " ", content.get("description", "")))
    pictures = [find_picture(tx, image["uri"]) for image in content.get("main_images", [])]
    if not any(picture and min(picture.width, picture.height) >= 300 for picture in pictures):
        yield failure("MAIN_IMAGE", "No main image is large enough.", "Add one of at least 300 × 300 pixels.")
    if prices and min(prices) > 0 and max(prices) / min(prices) >= 1000:
        yield failure("PRICE", "The prices of the SKUs are too far apart.", "List the SKUs as products of their own.")


def _text_failures(position: str, text: str) -> Iterator[Json]:
    for word in PROHIBITED_WORDS:
        if re.search(rf"(?<!\w){re.escape(word)}(?!\w)", text, re.IGNORECASE):
            yield failure(position, f"The word “{word}” is prohibited.", "Remove it.")
    if CONTACT.search(text):
        yield failure(
            position, "It leads buyers outside the marketplace.", "Remove web addresses, e-mail addresses and numbers."
        )


def failure(position: str, reason: str, suggestion: str) -> Json:
    return {"position": position, "reasons": [reason], "suggestions": [suggestion], "listing_platform": "TIKTOK_SHOP"}


def decide(world: World, tx: sqlite3.Connection, row: sqlite3.Row, reasons: list[Json]) -> None:
    """End the audit of a product: with reasons it failed, without it is live in its newest version."""
    timers.unschedule(tx, "audit", row["id"])
    version = rows.version_of(row, "review")
    was_live = row["status"] == "ACTIVATE"
    if reasons:
        status = "ACTIVATE" if was_live else "FAILED"
        rows.update_product(tx, row["id"], world.now(), status=status, audit="FAILED", failures=reasons, review=None)
        tx.execute("UPDATE sku SET state = 'removed' WHERE product_id = ? AND state = 'waiting'", (row["id"],))
        _tell(world, tx, row, "FAILED")
        tell_status(world, tx, row, "PRODUCT_AUDIT_FAILURE", "; ".join(reasons[0]["reasons"]))
        return
    if version:
        apply_version(tx, row, version, world.now())
        _tell_information(world, tx, row)
    rows.update_product(tx, row["id"], world.now(), status="ACTIVATE", audit="APPROVED", failures=[], published=1)
    _tell(world, tx, row, "APPROVED")
    if not was_live:
        tell_status(world, tx, row, "PRODUCT_STATUS_CHANGED" if row["published"] else "PRODUCT_FIRST_PASS_REVIEW")


def _tell(world: World, tx: sqlite3.Connection, row: Columns, status: str) -> None:
    audit = {"status": status, "pre_approved_reasons": []}
    data = {"product_id": row["id"], "audit": audit, "update_time": world.now()}
    emit(world, tx, row["shop_id"], "PRODUCT_AUDIT_STATUS_CHANGE", data)


def tell_status(world: World, tx: sqlite3.Connection, row: Columns, status: str, reason: str = "") -> None:
    data = {"product_id": row["id"], "status": status, "suspended_reason": reason, "update_time": world.now()}
    emit(world, tx, row["shop_id"], "PRODUCT_STATUS_CHANGE", data)


def _tell_information(world: World, tx: sqlite3.Connection, row: Columns) -> None:
    data = {
        "product_id": row["id"],
        "change_source": "OPEN_API",
        "changed_fields": ["content"],
        "update_time": world.now(),
    }
    emit(world, tx, row["shop_id"], "PRODUCT_INFORMATION_CHANGE", data)
