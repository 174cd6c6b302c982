"""The control API `/_sandbox/tiktok/…`: what buyers, carriers, reviewers and time do. For this machine only, unsigned JSON.

Refusals answer 400 (or 404) with `{"message": sentence}`.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Callable
from functools import wraps
from typing import Any

from flask import Blueprint, Response, abort, jsonify, request

from connector.sandbox.tiktok import timers, truth
from connector.sandbox.tiktok.aftersales import decisions, reasons
from connector.sandbox.tiktok.aftersales import rows as aftersales
from connector.sandbox.tiktok.aftersales.cancellations import buyer_requests
from connector.sandbox.tiktok.aftersales.returns import TABLE, move, open_return
from connector.sandbox.tiktok.database import Json, next_id, set_setting
from connector.sandbox.tiktok.errors import ApiError
from connector.sandbox.tiktok.fulfilment.labels import label_pdf
from connector.sandbox.tiktok.oauth import issue_code
from connector.sandbox.tiktok.orders import lifecycle
from connector.sandbox.tiktok.orders.place import BUYERS, address_of, place_order
from connector.sandbox.tiktok.orders.rows import Order, chosen_lines, find_order
from connector.sandbox.tiktok.products.audit import decide, failure, tell_status
from connector.sandbox.tiktok.products.rows import update_product
from connector.sandbox.tiktok.shops import BY_ID, SHOPS, Shop, shop_of_region
from connector.sandbox.tiktok.webhooks import emit
from connector.sandbox.tiktok.world import World

PREFIX = "/_sandbox/tiktok"
MOST_ORDERS = 1000
Work = Callable[..., Any]
STEPS = {"collect": "IN_TRANSIT", "deliver": "DELIVERED", "complete": "COMPLETED"}


def credentials(world: World, url: str) -> Json:
    """What a connector needs to reach this side."""
    with world.db.read() as tx:
        back = world.redirect_url(tx)
    return {
        "api_url": url,
        "auth_url": url,
        "authorize_url": f"{url}/open/authorize",
        "app_key": world.app.key,
        "app_secret": world.app.secret,
        "service_id": world.app.service_id,
        "redirect_url": back,
    }


def counts(world: World) -> Json:
    tables = {"Products": "product", "Orders": '"order"', "Packages": "package", "Cancellations": "cancellation"}
    tables |= {"Returns": "return_order"}
    with world.db.read() as tx:
        return {name: tx.execute(f"SELECT count(*) FROM {table}").fetchone()[0] for name, table in tables.items()}  # noqa: S608  # our own names


def add_control(blueprint: Blueprint, world: World) -> None:
    """Every route of this API."""
    _add_shell(blueprint, world)
    _add_orders(blueprint, world)
    _add_returns(blueprint, world)
    _add_products(blueprint, world)
    _add_tokens(blueprint, world)


def _changing(world: World, work: Work) -> Work:
    """`work(tx, …)` in one transaction, its refusals as sentences."""

    @wraps(work)
    def answer(**path: str) -> tuple[Response, int]:
        timers.run_due(world)
        try:
            with world.db.write() as tx:
                result = work(tx, **path)
        except ApiError as error:
            return jsonify(message=error.message, code=error.code), 400
        except KeyError as error:
            return jsonify(message=f"{error.args[0]} is missing."), 400
        except (ValueError, TypeError) as error:
            return jsonify(message=str(error)), 400
        return jsonify(result), 200

    return answer


def _given() -> Json:
    given = request.get_json(silent=True, force=True) if request.get_data(cache=True) else {}
    if not isinstance(given, dict):
        raise TypeError("The body must be a JSON object.")
    return given


def _add_shell(blueprint: Blueprint, world: World) -> None:
    def set_app(tx: sqlite3.Connection) -> Json:
        set_setting(tx, "redirect_url", str(_given()["redirect_url"]))
        return {"redirect_url": world.redirect_url(tx)}

    def clock() -> Response:
        return jsonify(now=world.clock.now(), offset=world.clock.offset)

    def advance() -> tuple[Response, int]:
        try:
            world.clock.advance(float(_given()["seconds"]))
        except (ValueError, KeyError, TypeError) as error:
            return jsonify(message=f"seconds must be a number of seconds, zero or more: {error}"), 400
        timers.run_due(world)
        world.wake.set()
        return jsonify(now=world.clock.now(), offset=world.clock.offset), 200

    def whole_truth() -> Response:
        timers.run_due(world)
        return Response(truth.everything(world), content_type="application/json")

    def part_of_truth(kind: str) -> Response:
        if kind not in truth.KINDS:
            abort(404)
        after, size = int(request.args.get("after", 0)), int(request.args.get("size", 500))
        entries = truth.page_of(world, kind, after, size)
        return jsonify({kind: [entry for _, entry in entries], "after": str(entries[-1][0]) if entries else None})

    def label(package_id: str) -> Response:
        row = world.db.connection().execute("SELECT id FROM package WHERE id = ?", (int(package_id),)).fetchone()
        if row is None:
            abort(404)
        return label_pdf(["Sandbox shipping label", f"Package {package_id}", "Not for a real parcel"])

    blueprint.add_url_rule(f"{PREFIX}/app", "control_app", _changing(world, set_app), methods=["PUT"])
    blueprint.add_url_rule(f"{PREFIX}/clock", "control_clock", clock)
    blueprint.add_url_rule(f"{PREFIX}/clock/advance", "control_advance", advance, methods=["POST"])
    blueprint.add_url_rule(f"{PREFIX}/truth", "control_truth", whole_truth)
    blueprint.add_url_rule(f"{PREFIX}/truth/<kind>", "control_truth_part", part_of_truth)
    blueprint.add_url_rule("/labels/<int:package_id>.pdf", "label", label)


def _shop(world: World, given: Json) -> Shop:
    shop = BY_ID.get(str(given.get("shop_id"))) or shop_of_region(str(given.get("region") or world.options.region))
    if shop is None:
        raise ValueError(f"There is no such shop; regions are {', '.join(shop.region for shop in SHOPS)}.")
    return shop


def _order(tx: sqlite3.Connection, order_id: str) -> Order:
    order = find_order(tx, order_id)
    if order is None:
        raise ValueError(f"There is no order {order_id}.")
    return order


def _add_orders(blueprint: Blueprint, world: World) -> None:
    def place(tx: sqlite3.Connection) -> Json:
        given = _given()
        count = int(given.get("count", 1))
        if not 1 <= count <= MOST_ORDERS:
            raise ValueError(f"count must be 1 to {MOST_ORDERS}.")
        return {"order_ids": [place_order(world, tx, _shop(world, given), given) for _ in range(count)]}

    def pay(tx: sqlite3.Connection, order_id: str) -> Json:
        order = _order(tx, order_id)
        lifecycle.pay(world, tx, order, hold=bool(_given().get("hold")))
        return {"status": order.status}

    def release_hold(tx: sqlite3.Connection, order_id: str) -> Json:
        order = _order(tx, order_id)
        lifecycle.release_hold(world, tx, order)
        return {"status": order.status}

    def cancel_request(tx: sqlite3.Connection, order_id: str) -> Json:
        return {"cancel_id": buyer_requests(world, tx, _order(tx, order_id), str(_given().get("reason") or ""))}

    def address(tx: sqlite3.Connection, order_id: str) -> Json:
        order = _order(tx, order_id)
        region = BY_ID[order.shop_id].region
        lifecycle.change_address(world, tx, order, address_of({**BUYERS[region], **_given()}))
        return {"recipient_address": order.private["address"]}

    def add(path: str, work: Work) -> None:
        rule = f"{PREFIX}/orders{path}"
        blueprint.add_url_rule(rule, f"control_order_{work.__name__}", _changing(world, work), methods=["POST"])

    add("", place)
    add("/<order_id>/pay", pay)
    add("/<order_id>/release_hold", release_hold)
    add("/<order_id>/buyer_cancel_request", cancel_request)
    add("/<order_id>/address", address)
    for name, status in STEPS.items():
        blueprint.add_url_rule(
            f"{PREFIX}/orders/<order_id>/{name}",
            f"control_order_{name}",
            _changing(world, _step(world, status)),
            methods=["POST"],
        )


def _step(world: World, status: str) -> Work:
    def step(tx: sqlite3.Connection, order_id: str) -> Json:
        order = _order(tx, order_id)
        lifecycle.advance(world, tx, order, status)
        return {"status": order.status}

    return step


def _add_returns(blueprint: Blueprint, world: World) -> None:
    def open_request(tx: sqlite3.Connection, order_id: str) -> Json:
        given, order = _given(), _order(tx, order_id)
        kind = str(given.get("return_type", "RETURN_AND_REFUND"))
        reason = str(given.get("reason") or next(iter(reasons.RETURN_REASONS.get(kind, {"": ""}))))
        lines = chosen_lines(order, given.get("line_item_ids") or [], aftersales.INVALID)
        return {"return_id": open_return(world, tx, order, lines, kind, reason, "BUYER")["return_id"]}

    def buyer_ship(tx: sqlite3.Connection, return_id: str) -> Json:
        shop_id, document = _return(tx, return_id, decisions.TO_SHIP)
        document["return_tracking_number"] = document["return_tracking_number"] or str(next_id(tx, "tracking"))
        move(world, tx, shop_id, document, decisions.BUYER_SHIPPED, "BUYER_SHIPPED", "BUYER")
        return {"return_status": document["return_status"]}

    def buyer_answer(tx: sqlite3.Connection, return_id: str) -> Json:
        shop_id, document = _return(tx, return_id, decisions.TO_ANSWER)
        accepted = bool(_given().get("accept"))
        document["buyer_rejected_partial_refund"] = not accepted
        if not accepted:
            document.pop("partial_refund", None)
        status = decisions.SUCCESS if accepted else decisions.PENDING
        move(world, tx, shop_id, document, status, "BUYER_ANSWERED", "BUYER")
        return {"return_status": status}

    def buyer_withdraw(tx: sqlite3.Connection, return_id: str) -> Json:
        shop_id, document = _return(tx, return_id, "")
        status = decisions.REPLACE_CANCELLED if document["return_type"] == "REPLACEMENT" else decisions.CANCELLED
        move(world, tx, shop_id, document, status, "BUYER_WITHDREW", "BUYER")
        return {"return_status": status}

    for path, work in (
        ("orders/<order_id>/returns", open_request),
        ("returns/<return_id>/buyer_ship", buyer_ship),
        ("returns/<return_id>/buyer_answer", buyer_answer),
        ("returns/<return_id>/buyer_withdraw", buyer_withdraw),
    ):
        blueprint.add_url_rule(f"{PREFIX}/{path}", f"control_{work.__name__}", _changing(world, work), methods=["POST"])


def _return(tx: sqlite3.Connection, return_id: str, status: str) -> tuple[str, Json]:
    row = aftersales.find(tx, TABLE, return_id)
    if row is None:
        raise ValueError(f"There is no return {return_id}.")
    if status and row["status"] != status:
        raise ValueError(f"The return is {row['status']}, not {status}.")
    return row["shop_id"], json.loads(row["document"])


def _add_products(blueprint: Blueprint, world: World) -> None:
    def review(tx: sqlite3.Connection, product_id: str) -> Json:
        """`result`: APPROVED, FAILED (with `reasons`), PLATFORM_DEACTIVATED or FREEZE."""
        given, row = _given(), tx.execute("SELECT * FROM product WHERE id = ?", (int(product_id),)).fetchone()
        if row is None:
            raise ValueError(f"There is no product {product_id}.")
        result, told = (
            str(given.get("result")),
            [str(text) for text in given.get("reasons") or ["Refused by a reviewer."]],
        )
        if result in {"APPROVED", "FAILED"}:
            found = [failure("TITLE", text, "Correct it and submit it again.") for text in told]
            decide(world, tx, row, found if result == "FAILED" else [])
        elif result in {"PLATFORM_DEACTIVATED", "FREEZE"}:
            timers.unschedule(tx, "audit", product_id)
            update_product(tx, row["id"], world.now(), status=result)
            tell_status(world, tx, row, "PRODUCT_STATUS_CHANGED", told[0])
        else:
            raise ValueError("result must be APPROVED, FAILED, PLATFORM_DEACTIVATED or FREEZE.")
        after = tx.execute("SELECT status, audit FROM product WHERE id = ?", (row["id"],)).fetchone()
        return {"status": after["status"], "audit": after["audit"]}

    rule = f"{PREFIX}/products/<product_id>/review"
    blueprint.add_url_rule(rule, "control_review", _changing(world, review), methods=["POST"])


def _add_tokens(blueprint: Blueprint, world: World) -> None:
    def expire(tx: sqlite3.Connection) -> Json:
        """Access tokens end now; refresh tokens stay."""
        return {"expired": tx.execute("UPDATE token SET access_expires = ?", (world.now(),)).rowcount}

    def revoke(tx: sqlite3.Connection) -> Json:
        """The seller takes the authorization back."""
        count = tx.execute("UPDATE token SET revoked = 1 WHERE revoked = 0").rowcount
        for shop in SHOPS:
            emit(world, tx, shop.id, "SELLER_DEAUTHORIZATION", {"message": "The seller took the authorization back."})
        return {"revoked": count}

    def code(tx: sqlite3.Connection) -> Json:
        """A code without the page, for tests that are about something else."""
        return {"code": issue_code(world, tx, _shop(world, _given()).seller_id)}

    for name, work in (("expire", expire), ("revoke", revoke), ("code", code)):
        blueprint.add_url_rule(
            f"{PREFIX}/tokens/{name}", f"control_token_{name}", _changing(world, work), methods=["POST"]
        )
