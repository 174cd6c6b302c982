"""Sources, stocks, their links, source items."""

from __future__ import annotations

import json
import sqlite3
from typing import Any

from connector.sandbox.magento import stock
from connector.sandbox.magento.database import from_units
from connector.sandbox.magento.errors import MagentoError
from connector.sandbox.magento.routing import Context, route
from connector.sandbox.magento.search import NUMBER, TEXT, Column, Source
from connector.sandbox.magento.typed import as_decimal, as_int, as_list, as_object

SOURCE, SOURCE_EDIT = "Magento_InventoryApi::source", "Magento_InventoryApi::source_edit"
STOCK, STOCK_EDIT = "Magento_InventoryApi::stock", "Magento_InventoryApi::stock_edit"
LINK, ITEM_EDIT = "Magento_InventoryApi::stock_source_link", "Magento_InventoryApi::stock_source_item_assign"
ITEM_TYPE = "\\Magento\\InventoryApi\\Api\\Data\\SourceItemInterface"
DEFAULT_LINK = "Can not save link related to Default Source or Default Stock"
ITEM_TOPIC = "magento.inventoryapi.api.sourceitemssaveinterface.execute"
ITEM_SUCCESS = "Magento\\Inventory\\Model\\SourceItem\\Command\\SourceItemsSave\\Interceptor::execute"
# Fields that a source shows whenever it has them, with their defaults.
SOURCE_FIELDS = [
    "contact_name",
    "email",
    "description",
    "latitude",
    "longitude",
    "country_id",
    "region_id",
    "region",
    "city",
    "street",
    "postcode",
    "phone",
    "fax",
    "use_default_carrier_config",
]
ITEM_COLUMNS = {
    "sku": Column("i.sku", TEXT),
    "source_code": Column("i.source_code", TEXT),
    "quantity": Column("(i.quantity / 10000.0)", NUMBER),
    "status": Column("i.status", NUMBER),
    "source_item_id": Column("i.source_item_id", NUMBER),
}


@route("GET", "/V1/inventory/sources", SOURCE)
def list_sources(ctx: Context) -> Any:
    columns = {name: Column(f"s.{name}", TEXT) for name in ("source_code", "name")} | {
        "enabled": Column("s.enabled", NUMBER)
    }
    columns |= {name: Column(f"json_extract(s.data, '$.{name}')", TEXT) for name in ("country_id", "postcode")}
    source = Source("inventory_source s", "s.*", "s.source_code", columns, shuffle_key="s.rowid")
    rows, total, criteria = ctx.search(source, ctx.criteria(needed=False))
    return {"items": [_source(row) for row in rows], "search_criteria": criteria.echo(), "total_count": total}


@route("GET", "/V1/inventory/sources/:sourceCode", SOURCE)
def get_source(ctx: Context, sourceCode: str) -> Any:  # noqa: N803  # name of the path variable
    row = ctx.db.execute("SELECT * FROM inventory_source WHERE source_code = ?", (sourceCode,)).fetchone()
    if row is None:
        raise MagentoError(404, 'Source with code "%value" does not exist.', {"value": sourceCode})
    return _source(row)


def _source(row: sqlite3.Row) -> dict[str, Any]:
    data = json.loads(row["data"])
    answer = {"source_code": row["source_code"], "name": row["name"], "enabled": bool(row["enabled"])}
    answer |= {name: data[name] for name in SOURCE_FIELDS if data.get(name) is not None}
    extension = {"is_pickup_location_active": False, "frontend_name": data.get("frontend_name") or ""}
    return answer | {"carrier_links": data.get("carrier_links", []), "extension_attributes": extension}


@route("POST", "/V1/inventory/sources", SOURCE_EDIT)
def create_source(ctx: Context) -> Any:
    return _save_source(ctx, as_object("source", ctx.needed("source")))


@route("PUT", "/V1/inventory/sources/:sourceCode", SOURCE_EDIT)
def update_source(ctx: Context, sourceCode: str) -> Any:  # noqa: N803  # as above
    return _save_source(ctx, as_object("source", ctx.needed("source")) | {"source_code": sourceCode})


def _save_source(ctx: Context, given: dict[str, Any]) -> list[Any]:
    """Inserts or overwrites. Raises MagentoError 400 for a source without code, name, country or postcode."""
    code = str(given.get("source_code") or "")
    row = ctx.db.execute("SELECT * FROM inventory_source WHERE source_code = ?", (code,)).fetchone()
    data = (json.loads(row["data"]) | {"name": row["name"]} if row else {}) | given
    missing = [
        name for name in ("source_code", "name", "country_id", "postcode") if not str(data.get(name) or "").strip()
    ]
    if missing:
        errors = [{"message": '"%field" can not be empty.', "parameters": {"field": name}} for name in missing]
        raise MagentoError(400, "Validation Failed", errors=errors)
    enabled = int(bool(given.get("enabled", row["enabled"] if row else True)))
    kept = {
        key: value
        for key, value in data.items()
        if key not in {"source_code", "name", "enabled", "extension_attributes"}
    }
    kept.setdefault("use_default_carrier_config", True)
    ctx.db.execute(
        "INSERT INTO inventory_source VALUES (?, ?, ?, ?) ON CONFLICT (source_code) DO UPDATE SET enabled = excluded.enabled,"
        " name = excluded.name, data = excluded.data",
        (code, enabled, data["name"], json.dumps(kept, ensure_ascii=False)),
    )
    return []


@route("GET", "/V1/inventory/stocks", STOCK)
def list_stocks(ctx: Context) -> Any:
    columns = {"stock_id": Column("s.stock_id", NUMBER), "name": Column("s.name", TEXT)}
    source = Source("inventory_stock s", "s.*", "s.stock_id", columns)
    rows, total, criteria = ctx.search(source, ctx.criteria(needed=False))
    return {"items": [_stock(ctx, row) for row in rows], "search_criteria": criteria.echo(), "total_count": total}


@route("GET", "/V1/inventory/stocks/:stockId", STOCK)
def get_stock(ctx: Context, stockId: str) -> Any:  # noqa: N803  # as above
    return _stock(ctx, _stock_row(ctx, as_int("stockId", stockId)))


def _stock_row(ctx: Context, stock_id: int) -> sqlite3.Row:
    row: sqlite3.Row | None = ctx.db.execute("SELECT * FROM inventory_stock WHERE stock_id = ?", (stock_id,)).fetchone()
    if row is None:
        raise MagentoError(404, 'Stock with id "%value" does not exist.', {"value": stock_id})
    return row


def _stock(ctx: Context, row: sqlite3.Row) -> dict[str, Any]:
    channels = ctx.db.execute(
        "SELECT type, code FROM inventory_stock_sales_channel WHERE stock_id = ? ORDER BY type, code",
        (row["stock_id"],),
    )
    sales_channels = [{"type": type_, "code": code} for type_, code in channels]
    return {
        "stock_id": row["stock_id"],
        "name": row["name"],
        "extension_attributes": {"sales_channels": sales_channels},
    }


@route("POST", "/V1/inventory/stocks", STOCK_EDIT)
def create_stock(ctx: Context) -> Any:
    given = as_object("stock", ctx.needed("stock"))
    if not str(given.get("name") or "").strip():
        raise MagentoError(
            400,
            "Validation Failed",
            errors=[{"message": '"%field" can not be empty.', "parameters": {"field": "name"}}],
        )
    cursor = ctx.db.execute("INSERT INTO inventory_stock (name) VALUES (?)", (given["name"],))
    _set_channels(ctx, int(cursor.lastrowid or 0), given)
    return cursor.lastrowid


@route("PUT", "/V1/inventory/stocks/:stockId", STOCK_EDIT)
def update_stock(ctx: Context, stockId: str) -> Any:  # noqa: N803  # as above
    row = _stock_row(ctx, as_int("stockId", stockId))
    given = as_object("stock", ctx.needed("stock"))
    ctx.db.execute(
        "UPDATE inventory_stock SET name = ? WHERE stock_id = ?", (given.get("name") or row["name"], row["stock_id"])
    )
    _set_channels(ctx, row["stock_id"], given)
    return row["stock_id"]


@route("DELETE", "/V1/inventory/stocks/:stockId", "Magento_InventoryApi::stock_delete")
def delete_stock(ctx: Context, stockId: str) -> Any:  # noqa: N803  # as above
    row = _stock_row(ctx, as_int("stockId", stockId))
    if row["stock_id"] == stock.DEFAULT_STOCK:
        raise MagentoError(400, "Default Stock could not be deleted.")
    for table in ("inventory_source_stock_link", "inventory_stock_sales_channel", "inventory_stock"):
        ctx.db.execute(f"DELETE FROM {table} WHERE stock_id = ?", (row["stock_id"],))  # noqa: S608  # our own names
    return []


def _set_channels(ctx: Context, stock_id: int, given: dict[str, Any]) -> None:
    channels = (given.get("extension_attributes") or {}).get("sales_channels")
    if channels is None:
        return
    ctx.db.execute("UPDATE inventory_stock_sales_channel SET stock_id = 1 WHERE stock_id = ?", (stock_id,))
    for channel in as_list(channels):
        known = ctx.db.execute("SELECT 1 FROM store_website WHERE code = ?", (channel.get("code"),)).fetchone()
        if known is None:
            error = {
                "message": 'The website with code "%code" does not exist.',
                "parameters": {"code": channel.get("code")},
            }
            raise MagentoError(400, "Validation Failed", errors=[error])
        ctx.db.execute(
            "INSERT OR REPLACE INTO inventory_stock_sales_channel VALUES ('website', ?, ?)", (channel["code"], stock_id)
        )


@route("GET", "/V1/inventory/stock-source-links", LINK)
def list_links(ctx: Context) -> Any:
    columns = {"stock_id": Column("l.stock_id", NUMBER), "source_code": Column("l.source_code", TEXT)}
    source = Source(
        "inventory_source_stock_link l", "l.*", "l.link_id", columns | {"priority": Column("l.priority", NUMBER)}
    )
    rows, total, criteria = ctx.search(source, ctx.criteria(needed=False))
    items = [
        {"stock_id": row["stock_id"], "source_code": row["source_code"], "priority": row["priority"]} for row in rows
    ]
    return {"items": items, "search_criteria": criteria.echo(), "total_count": total}


@route("POST", "/V1/inventory/stock-source-links", LINK)
def save_links(ctx: Context) -> Any:
    """The default source belongs to the default stock and to no other."""
    links = as_list(ctx.needed("links"))
    if not links:
        raise MagentoError(400, "Input data is empty")
    for link in links:
        stock_id, code = as_int("stock_id", link.get("stock_id")), str(link.get("source_code"))
        if stock_id == stock.DEFAULT_STOCK or code.lower() == stock.DEFAULT_SOURCE:
            raise MagentoError(400, "Validation Failed", errors=[{"message": DEFAULT_LINK, "parameters": []}])
        _stock_row(ctx, stock_id)
        get_source(ctx, code)
        ctx.db.execute(
            "INSERT INTO inventory_source_stock_link (stock_id, source_code, priority) VALUES (?, ?, ?)"
            " ON CONFLICT (stock_id, source_code) DO UPDATE SET priority = excluded.priority",
            (stock_id, code, as_int("priority", link.get("priority") or 0)),
        )
    return []


@route("POST", "/V1/inventory/stock-source-links-delete", LINK)
def delete_links(ctx: Context) -> Any:
    for link in as_list(ctx.needed("links")):
        ctx.db.execute(
            "DELETE FROM inventory_source_stock_link WHERE stock_id = ? AND source_code = ?",
            (link.get("stock_id"), link.get("source_code")),
        )
    return []


@route("GET", "/V1/inventory/source-items", SOURCE)
def list_source_items(ctx: Context) -> Any:
    source = Source(
        "inventory_source_item i",
        "i.*",
        "i.sku, i.source_code",
        ITEM_COLUMNS,
        shuffle_key="i.source_item_id",
        unknown=_unknown_column,
    )
    rows, total, criteria = ctx.search(source)
    return {"items": [_item(row) for row in rows], "search_criteria": criteria.echo(), "total_count": total}


def _unknown_column(name: str | None) -> MagentoError:
    return MagentoError(
        500, f"Internal Error. Details are available in Magento log file. Report ID: webapi-{abs(hash(name)):x}"
    )


def _item(row: sqlite3.Row) -> dict[str, Any]:
    return {
        "sku": row["sku"],
        "source_code": row["source_code"],
        "quantity": from_units(row["quantity"]),
        "status": row["status"],
    }


@route("POST", "/V1/inventory/source-items", ITEM_EDIT, topic=ITEM_TOPIC, success=ITEM_SUCCESS)
def save_source_items(ctx: Context) -> Any:
    """Sets quantities, all or none. SKUs need not exist; sources must."""
    given = ctx.needed("sourceItems", "source_items")
    ctx.check_array(given, ITEM_TYPE)
    items = as_list(given)
    if not items:
        raise MagentoError(400, "Input data is empty")
    for item in items:
        _check_item(item)
    for item in items:
        known = ctx.db.execute(
            "SELECT 1 FROM inventory_source WHERE source_code = ?", (item["source_code"],)
        ).fetchone()
        if known is None:
            raise MagentoError(400, "Could not save Source Item")
        quantity = as_decimal("quantity", item.get("quantity") or 0)
        stock.set_source_item(
            ctx.db, str(item["sku"]).strip(), str(item["source_code"]), quantity, bool(as_int("status", item["status"]))
        )
    return []


def _check_item(item: dict[str, Any]) -> None:
    if item.get("quantity") is not None:
        as_decimal("quantity", item["quantity"])
    if item.get("status") is None:
        error = {"message": '"%field" should be numeric.', "parameters": {"field": "status"}}
        raise MagentoError(400, 'Validation Failed: "status" should be numeric.', errors=[error])
    for field in ("sku", "source_code"):
        if not str(item.get(field) or "").strip():
            error = {"message": '"%field" can not be empty.', "parameters": {"field": field}}
            raise MagentoError(400, f'Validation Failed: "{field}" can not be empty.', errors=[error])


@route("POST", "/V1/inventory/source-items-delete", ITEM_EDIT)
def delete_source_items(ctx: Context) -> Any:
    items = as_list(ctx.needed("sourceItems", "source_items"))
    if not items:
        raise MagentoError(400, "Input data is empty")
    for item in items:
        ctx.db.execute(
            "DELETE FROM inventory_source_item WHERE sku = ? AND source_code = ?",
            (item.get("sku"), item.get("source_code")),
        )
    return []
