"""Webhooks: who wants which event where, and the queue of what is still to be sent. Source: "tts-webhooks-overview"."""

from __future__ import annotations

import sqlite3
from urllib.parse import urlsplit

from connector.sandbox.faults import WEBHOOK_KINDS
from connector.sandbox.tiktok import errors
from connector.sandbox.tiktok.database import Json, dumps, next_id
from connector.sandbox.tiktok.routes import route
from connector.sandbox.tiktok.world import Call, World

# event type → numeric type of the body
TYPES = {
    "ORDER_STATUS_CHANGE": 1,
    "REVERSE_STATUS_UPDATE": 2,
    "RECIPIENT_ADDRESS_UPDATE": 3,
    "PACKAGE_UPDATE": 4,
    "PRODUCT_STATUS_CHANGE": 5,
    "SELLER_DEAUTHORIZATION": 6,
    "UPCOMING_AUTHORIZATION_EXPIRATION": 7,
    "CANCELLATION_STATUS_CHANGE": 11,
    "RETURN_STATUS_CHANGE": 12,
    "NEW_CONVERSATION": 13,
    "NEW_MESSAGE": 14,
    "PRODUCT_INFORMATION_CHANGE": 15,
    "PRODUCT_CREATION": 16,
    "PRODUCT_CATEGORY_CHANGE": 18,
    "NEW_MESSAGE_LISTENER": 33,
    "INVOICE_STATUS_CHANGE": 36,
    "PRODUCT_AUDIT_STATUS_CHANGE": 37,
}
WITHOUT_NOTIFICATION_ID = frozenset({3})
REORDER_SECONDS = 1.0


def emit(world: World, tx: sqlite3.Connection, shop_id: str, event_type: str, data: Json) -> None:
    """Queue a webhook for whoever registered for it, within the transaction that made it true."""
    row = tx.execute(
        "SELECT address FROM webhook WHERE shop_id = ? AND event_type = ?", (shop_id, event_type)
    ).fetchone()
    if row is None:
        return
    number = TYPES[event_type]
    body: Json = {"type": number}
    if number not in WITHOUT_NOTIFICATION_ID:
        body["tts_notification_id"] = str(next_id(tx, "notification"))
    body |= {"shop_id": shop_id, "timestamp": world.now(), "data": data}
    copies, due = 1, world.clock.now()
    fault = world.faults.take("tiktok", event_type, WEBHOOK_KINDS)
    match fault.kind if fault else "":
        case "webhook_lose":
            return
        case "webhook_duplicate":
            copies = 2
        case "webhook_delay":
            due += fault.delay if fault else 0
        case "webhook_reorder":
            due += (fault.delay if fault else 0) or REORDER_SECONDS
    text = dumps(body).encode()
    tx.executemany("INSERT INTO delivery (due, address, body) VALUES (?, ?, ?)", [(due, row["address"], text)] * copies)
    world.wake.set()


def _event_type(call: Call) -> str:
    event_type = call.text("event_type")
    if event_type not in TYPES:
        raise errors.invalid("body", "event_type", f"{event_type} is not an event type")
    return event_type


@route("PUT", "/event/202309/webhooks", scope="seller.authorization.info")
def update_webhook(call: Call) -> Json:
    """One address per event type and shop. Plain HTTP and ports are accepted here, because this is one machine."""
    event_type, address = _event_type(call), call.text("address")
    parts = urlsplit(address)
    if len(address) > 255 or parts.scheme not in {"http", "https"} or not parts.hostname:
        raise errors.invalid("body", "address", "a URL of at most 255 characters is expected")
    moment = int(call.world.clock.now() * 1000)
    call.tx.execute(
        "INSERT INTO webhook VALUES (?, ?, ?, ?, ?) ON CONFLICT (shop_id, event_type)"
        " DO UPDATE SET address = excluded.address, update_time = excluded.update_time",
        (call.shop.id, event_type, address, moment, moment),
    )
    return {}


@route("GET", "/event/202309/webhooks", scope="seller.authorization.info")
def list_webhooks(call: Call) -> Json:
    rows = call.tx.execute(
        "SELECT event_type, address, create_time, update_time FROM webhook WHERE shop_id = ? ORDER BY event_type",
        (call.shop.id,),
    ).fetchall()
    return {"webhooks": [dict(row) for row in rows], "total_count": len(rows)}


@route("DELETE", "/event/202309/webhooks", scope="seller.authorization.info")
def delete_webhook(call: Call) -> Json:
    """Succeeds even when nothing was registered."""
    call.tx.execute("DELETE FROM webhook WHERE shop_id = ? AND event_type = ?", (call.shop.id, _event_type(call)))
    return {}
