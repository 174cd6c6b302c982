"""Control of the store side, below `/_sandbox/magento`: settings, tokens, queue, and what a connector needs to know to reach it."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from flask import Blueprint, Response, jsonify, request

from connector.sandbox.magento import config, install
from connector.sandbox.magento.bulk import run_open
from connector.sandbox.magento.database import Database, transaction
from connector.sandbox.magento.routing import Context, Store
from connector.sandbox.magento.users import INTEGRATION, User

CREDENTIALS = ("consumer_key", "consumer_secret", "access_token", "access_token_secret")


def register(blueprint: Blueprint, database: Database) -> None:
    """Adds the routes.

    `GET|PUT /_sandbox/magento/config`: settings by path (see `config`), values are text. `POST /_sandbox/magento/token/revoke` and
    `/restore`: the connector's integration. `POST /_sandbox/magento/integrations` `{name, resources}`: one more, with only those
    ACL resources. `POST /_sandbox/magento/consumer`: runs open asynchronous operations.
    """
    rule = blueprint.add_url_rule
    rule("/_sandbox/magento/config", "config", lambda: _config(database), methods=["GET", "PUT"])
    rule("/_sandbox/magento/token/<action>", "token", lambda action: _token(database, action), methods=["POST"])
    rule("/_sandbox/magento/integrations", "integrations", lambda: _integration(database), methods=["POST"])
    rule("/_sandbox/magento/consumer", "consumer", lambda: _consumer(database), methods=["POST"])


def credentials(database: Database, base_url: str) -> dict[str, Any]:
    """Address and the four secrets of the connector's integration."""
    row = database.connection().execute("SELECT * FROM integration WHERE integration_id = 1").fetchone()
    return {"base_url": base_url, **{name: row[name] for name in CREDENTIALS}, "store_code": "default"}


def counts(database: Database) -> dict[str, Any]:
    """What the start page tells."""
    db = database.connection()
    wanted = {"products": "catalog_product_entity", "categories": "catalog_category_entity", "orders": "sales_order"}
    return {name: db.execute(f"SELECT COUNT(*) FROM {table}").fetchone()[0] for name, table in wanted.items()}  # noqa: S608  # our own names


def _config(database: Database) -> tuple[Response, int]:
    db = database.connection()
    given = request.get_json(silent=True) if request.method == "PUT" else {}
    if not isinstance(given, dict):
        return jsonify(error="Send a JSON object of setting paths and values."), 400
    try:
        with transaction(db):
            for path, value in given.items():
                config.write(db, path, str(value))
    except config.UnknownSettingError as error:
        return jsonify(error=str(error)), 400
    return jsonify({path: config.read(db, path) for path in sorted(config.DEFAULTS)}), 200


def _token(database: Database, action: str) -> tuple[Response, int]:
    if action not in {"revoke", "restore"}:
        return jsonify(error="Use /token/revoke or /token/restore."), 404
    with transaction(database.connection()) as db:
        db.execute("UPDATE integration SET revoked = ? WHERE integration_id = 1", (int(action == "revoke"),))
    return jsonify(revoked=action == "revoke"), 200


def _integration(database: Database) -> tuple[Response, int]:
    given = request.get_json(silent=True)
    if not isinstance(given, dict) or not isinstance(given.get("resources", []), list):
        return jsonify(error="Send {name, resources}, resources being a list of ACL ids."), 400
    with transaction(database.connection()) as db:
        id_ = install.add_integration(db, str(given.get("name", "integration")), given.get("resources"))
        row = db.execute("SELECT * FROM integration WHERE integration_id = ?", (id_,)).fetchone()
    return jsonify({"integration_id": id_} | {name: row[name] for name in CREDENTIALS}), 201


def _consumer(database: Database) -> Response:
    user = User(INTEGRATION, 1, None)
    store = Store(1, "default", 1, 1)
    ctx = Context(database.connection(), datetime.now(UTC), request.host_url.rstrip("/"), store, user=user)
    return jsonify(ran=run_open(ctx))
