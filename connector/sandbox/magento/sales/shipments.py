"""Routes of shipments and their tracks."""

from __future__ import annotations

import sqlite3
from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any

from connector.sandbox.magento import stock
from connector.sandbox.magento.errors import MagentoError
from connector.sandbox.magento.routing import Context, route
from connector.sandbox.magento.sales import mail, rows, state, stock_moves
from connector.sandbox.magento.sales.documents import (
    ORDER_MUTEX,
    add_comment,
    comment_of_body,
    comment_view,
    comments_of,
    document_by_id,
    find_documents,
    from_order,
    insert_items,
    raise_by,
    refuse,
)
from connector.sandbox.magento.sales.inputs import accepted, flag, path_id, quantities
from connector.sandbox.magento.sales.invoice_totals import Line
from connector.sandbox.magento.sales.orders import children_of, items_of, order_by_id, set_state
from connector.sandbox.magento.sales.rows import TABLES, Row, by_parents, present
from connector.sandbox.magento.sales.sequences import SHIPMENT, next_increment_id, next_key
from connector.sandbox.magento.sales.state import is_child, qty_to_ship

READ, SHIP = "Magento_Sales::shipment", "Magento_Sales::ship"
FAILED = "Could not save a shipment, see error log for details"
WITHOUT_PRODUCTS = "You can't create a shipment without products."
FIELDS = tuple(name for name in TABLES["sales_shipment"].kinds if name != "source_code")
ITEM_FIELDS = tuple(TABLES["sales_shipment_item"].kinds)
TRACK_FIELDS = tuple(TABLES["sales_shipment_track"].kinds)
TRACK_ALWAYS = ("order_id", "parent_id", "weight", "qty", "description", "track_number", "title", "carrier_code")


@route("POST", "/V1/order/:orderId/ship", acl=SHIP, transaction=False)
def create_shipment(ctx: Context, orderId: str) -> Any:  # noqa: N803  # the route's own name for it
    """Id of the new shipment.

    Without `source_code` the pieces leave the default source, whatever sources the website's stock has. A source that cannot give
    them fails the save with a text that hides the cause.
    """
    key, wanted = path_id(orderId), quantities(ctx, "Shipment")
    tracks = [accepted(one, "sales_shipment_track", ("extension_attributes",)) for one in ctx.optional("tracks") or []]
    with ORDER_MUTEX:
        order = order_by_id(ctx.db, key)
        lines = _checked_lines(order, items_of(ctx.db, key), wanted, tracks)
        numbers = {
            "entity_id": next_key(ctx.db, "sales_shipment"),
            "increment_id": next_increment_id(ctx.db, SHIPMENT, order["store_id"]),
        }
        with ctx.transaction():
            shipment_id = _write(ctx, order, lines, numbers)
            for track in tracks:
                _insert_track(ctx, track | {"order_id": key, "parent_id": shipment_id})
            comment_of_body(ctx, "shipment", shipment_id)
            if flag(ctx.optional("notify")):
                mail.send(ctx.db, "shipment", order, ctx.stamp)
    return str(shipment_id)


def _checked_lines(order: Row, items: Sequence[Row], wanted: dict[int, Decimal], tracks: Sequence[Row]) -> list[Line]:
    """More pieces than are open are cut to the open ones, as in the shop."""
    lines = []
    for item in items:
        asked = wanted.get(item["item_id"], Decimal(0)) if wanted else qty_to_ship(item)
        qty = min(asked, qty_to_ship(item))
        if qty > 0 and not is_child(item) and not item["is_virtual"]:
            lines.append(Line(item, qty, qty == qty_to_ship(item)))
    problems = []
    if order["state"] in {state.HOLDED, state.PAYMENT_REVIEW, state.CANCELED}:
        problems.append(f"A shipment cannot be created when an order has a status of {order['status']}")
    elif not state.can_ship(order, items):
        problems.append("The order does not allow a shipment to be created.")
    if not lines:
        problems.append(WITHOUT_PRODUCTS)
    if any(not track.get("track_number") for track in tracks):
        problems.append("Please enter a tracking number.")
    refuse("Shipment", problems)
    return lines


def _write(ctx: Context, order: Row, lines: list[Line], numbers: Row) -> int:
    db = ctx.db
    source_code = _source_code(ctx)
    document = from_order(order, "sales_shipment", ctx.stamp)
    document |= numbers | {"source_code": source_code, "customer_id": order["customer_id"]}
    document["total_qty"] = sum((line.qty for line in lines), Decimal(0))
    shipment_id = rows.insert(db, "sales_shipment", document)
    insert_items(db, "sales_shipment_item", shipment_id, lines)
    try:
        for line in lines:
            sku = stock_moves.stocked_sku(db, line.item)
            if sku is not None:
                stock_moves.take(db, order, sku, source_code, line.qty, stock_moves.SHIPPED)
    except MagentoError as error:
        raise MagentoError(400, FAILED) from error
    for line in lines:
        raise_by(db, "sales_order_item", line.item, {"qty_shipped": line.qty})
    items = items_of(db, order["entity_id"])
    after = state.after_document(order, items, in_progress=True)
    set_state(db, order, state.checked(order | {"state": after}, items), ctx.stamp)
    return shipment_id


def _source_code(ctx: Context) -> str:
    arguments = ctx.optional("arguments")
    extension = arguments.get("extension_attributes") if isinstance(arguments, Mapping) else None
    code = extension.get("source_code") if isinstance(extension, Mapping) else None
    return str(code or stock.DEFAULT_SOURCE)


def _insert_track(ctx: Context, values: Row) -> Row:
    track = values | {"created_at": ctx.stamp, "updated_at": ctx.stamp}
    track.pop("entity_id", None)
    return track | {"entity_id": rows.insert(ctx.db, "sales_shipment_track", track)}


def _track_view(track: Row) -> Row:
    return present(track, TRACK_FIELDS, TRACK_ALWAYS)


def shipments_view(db: sqlite3.Connection, shipments: Sequence[Row]) -> list[Row]:
    keys = [one["entity_id"] for one in shipments]
    items = by_parents(db, "sales_shipment_item", "parent_id", keys)
    tracks = by_parents(db, "sales_shipment_track", "parent_id", keys)
    views = []
    for shipment in shipments:
        key = shipment["entity_id"]
        view = present(shipment, FIELDS, ("order_id",)) | {"packages": shipment["packages"] or []}
        view["items"] = [present(item, ITEM_FIELDS, ("order_item_id", "qty")) for item in items[key]]
        view["tracks"] = [_track_view(track) for track in tracks[key]]
        view["comments"] = comments_of(db, "shipment", key)
        view["extension_attributes"] = {"source_code": shipment["source_code"]}
        views.append(view)
    return views


@route("GET", "/V1/shipments", acl=READ)
def list_shipments(ctx: Context) -> Any:
    shipments, rest = find_documents(ctx, "sales_shipment")
    return {"items": shipments_view(ctx.db, shipments)} | rest


@route("GET", "/V1/shipment/:id", acl=READ)
def get_shipment(ctx: Context, id: str) -> Any:  # noqa: A002  # the route's own name for it
    return shipments_view(ctx.db, [document_by_id(ctx.db, "sales_shipment", path_id(id))])[0]


@route("POST", "/V1/shipment/track", acl=SHIP)
def add_track(ctx: Context) -> Any:
    """Adds a track on its own; the shipment's and the order's `updated_at` stay as they are."""
    track = accepted(ctx.needed("entity"), "sales_shipment_track", ("extension_attributes",))
    shipment = rows.one(ctx.db, "sales_shipment", track.get("parent_id") or 0)
    if shipment is None or shipment["order_id"] != track.get("order_id"):
        raise MagentoError(400, "Could not save the shipment tracking.")
    if not track.get("track_number"):
        refuse("Shipment", ["Please enter a tracking number."])
    return _track_view(_insert_track(ctx, track))


@route("DELETE", "/V1/shipment/track/:id", acl=SHIP)
def delete_track(ctx: Context, id: str) -> Any:  # noqa: A002  # as above
    document_by_id(ctx.db, "sales_shipment_track", path_id(id))
    ctx.db.execute("DELETE FROM sales_shipment_track WHERE entity_id = ?", (path_id(id),))
    return True


@route("POST", "/V1/shipment/:id/comments", acl=READ)
def comment_on_shipment(ctx: Context, id: str) -> Any:  # noqa: A002  # as above
    """The answer has no time: the shop echoes the object that it saved."""
    shipment = document_by_id(ctx.db, "sales_shipment", path_id(id))
    comment = add_comment(ctx.db, "shipment", shipment["entity_id"], ctx.needed("entity"), ctx.stamp)
    return {key: value for key, value in comment_view(comment).items() if key != "created_at"}


@route("GET", "/V1/shipment/:id/comments", acl=READ)
def list_comments(ctx: Context, id: str) -> Any:  # noqa: A002  # as above
    return children_of(path_id(id), comments_of(ctx.db, "shipment", path_id(id)))


@route("POST", "/V1/shipment/:id/emails", acl=READ)
def mail_shipment(ctx: Context, id: str) -> Any:  # noqa: A002  # as above
    shipment = document_by_id(ctx.db, "sales_shipment", path_id(id))
    mail.send(ctx.db, "shipment", order_by_id(ctx.db, shipment["order_id"]), ctx.stamp)
    return True
