"""Control of the sales side, below `/_sandbox/magento`: what a test or a demonstration may switch and look at."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

from flask import Blueprint, Response, jsonify, request

from connector.sandbox.magento import config
from connector.sandbox.magento.database import Database, transaction
from connector.sandbox.magento.routing import stamp
from connector.sandbox.magento.sales import mail, rows
from connector.sandbox.magento.sales.rules import add_cart_rule

OPTIONS = {
    "place_prepare_ms": "sandbox/place_prepare_ms",
    "place_save_ms": "sandbox/place_save_ms",
    "place_mail_ms": "sandbox/place_mail_ms",
    "order_mail": "sales_email/order/enabled",
    "asynchronous_mail": "sales_email/general/async_sending",
}
RULE_NAME = "Percent off every cart"


def register(blueprint: Blueprint, database: Database) -> None:
    """Adds the routes.

    `GET|PUT /_sandbox/magento/options`: `place_prepare_ms` (the window in which a repeated call makes a second order),
    `place_save_ms`, `place_mail_ms`, `order_mail` and `asynchronous_mail` (0 or 1), `cart_rule_percent` (a rule that takes this off
    every cart, 0 for none). `GET /_sandbox/magento/outbox`: the mails sent. `POST /_sandbox/magento/cron`: sends what waits.
    `POST /_sandbox/magento/carts/<id>/activate`: a cart as it is when the shop died before closing it.
    """
    blueprint.add_url_rule(
        "/_sandbox/magento/options", "sales_options", lambda: _options(database), methods=["GET", "PUT"]
    )
    blueprint.add_url_rule("/_sandbox/magento/outbox", "outbox", lambda: _outbox(database))
    blueprint.add_url_rule("/_sandbox/magento/cron", "cron", lambda: _cron(database), methods=["POST"])
    blueprint.add_url_rule(
        "/_sandbox/magento/carts/<int:cart_id>/activate",
        "activate_cart",
        lambda cart_id: _activate(database, cart_id),
        methods=["POST"],
    )


def _options(database: Database) -> tuple[Response, int]:
    db = database.connection()
    given = request.get_json(silent=True) if request.method == "PUT" else {}
    unknown = sorted(set(given or {}) - OPTIONS.keys() - {"cart_rule_percent"})
    if given is None or unknown:
        known = ", ".join([*OPTIONS, "cart_rule_percent"])
        return jsonify(
            error=f"Send a JSON object with some of: {known}. Not known: {', '.join(unknown) or 'the body'}."
        ), 400
    with transaction(db):
        for name, value in given.items():
            if name == "cart_rule_percent":
                _set_rule(database, value)
            else:
                config.write(db, OPTIONS[name], str(int(value)))
    values: dict[str, Any] = {name: int(config.read(db, path)) for name, path in OPTIONS.items()}
    rule = db.execute("SELECT data FROM salesrule WHERE is_active AND data LIKE ?", (f'%"{RULE_NAME}"%',)).fetchone()
    values["cart_rule_percent"] = json.loads(rule["data"])["discount_amount"] if rule else 0
    return jsonify(values), 200


def _set_rule(database: Database, percent: Any) -> None:
    db = database.connection()
    db.execute("DELETE FROM salesrule WHERE data LIKE ?", (f'%"{RULE_NAME}"%',))
    if percent:
        websites = [
            row["website_id"] for row in db.execute("SELECT website_id FROM store_website WHERE website_id > 0")
        ]
        groups = [row["id"] for row in db.execute("SELECT id FROM customer_group")]
        data = {"name": RULE_NAME, "website_ids": websites, "customer_group_ids": groups, "is_active": True}
        add_cart_rule(db, data | {"simple_action": "by_percent", "discount_amount": percent})


def _outbox(database: Database) -> Response:
    return jsonify(mail.outbox(database.connection()))


def _cron(database: Database) -> Response:
    """Mails of orders that wait for one; an order whose `email_sent` was set meanwhile gets none."""
    db, now = database.connection(), stamp(datetime.now(UTC))
    with transaction(db):
        waiting = db.execute("SELECT * FROM sales_order WHERE send_email = 1 AND email_sent IS NULL").fetchall()
        for row in waiting:
            order = rows.read("sales_order", row)
            mail.send(db, "order", order, now)
            rows.update(db, "sales_order", order["entity_id"], {"email_sent": 1})
    return jsonify(sent=len(waiting))


def _activate(database: Database, cart_id: int) -> tuple[Response, int]:
    db = database.connection()
    with transaction(db):
        changed = db.execute("UPDATE quote SET is_active = 1 WHERE entity_id = ?", (cart_id,)).rowcount
    return (jsonify(activated=cart_id), 200) if changed else (jsonify(error=f"There is no cart {cart_id}."), 404)
