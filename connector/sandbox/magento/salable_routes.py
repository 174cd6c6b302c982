"""What can be sold: salable quantity, salability, export, stock of a website, proposal of sources."""

from __future__ import annotations

import sqlite3
from decimal import Decimal
from typing import Any

from connector.sandbox.magento import stock
from connector.sandbox.magento.database import from_units
from connector.sandbox.magento.errors import MagentoError
from connector.sandbox.magento.inventory_routes import STOCK, get_stock
from connector.sandbox.magento.product_search import product_source
from connector.sandbox.magento.products import find_product
from connector.sandbox.magento.routing import Context, route
from connector.sandbox.magento.typed import as_decimal, as_int, as_list, as_object

ACL = "Magento_InventorySalesApi::stock"


@route("GET", "/V1/inventory/get-product-salable-quantity/:sku/:stockId", ACL)
def salable_quantity(ctx: Context, sku: str, stockId: str) -> Any:  # noqa: N803  # name of the path variable
    return stock.salable_quantity(ctx.db, sku, as_int("stockId", stockId))


@route("GET", "/V1/inventory/is-product-salable/:sku/:stockId", ACL)
def is_salable(ctx: Context, sku: str, stockId: str) -> Any:  # noqa: N803  # as above
    return stock.is_salable(ctx.db, sku, as_int("stockId", stockId))


@route("GET", "/V1/inventory/are-products-salable", ACL)
def are_salable(ctx: Context) -> Any:
    skus = [str(sku) for sku in as_list(ctx.query.get("skus"))]
    stock_id = as_int("stockId", ctx.query.get("stockId"))
    return [{"sku": sku, "stock_id": stock_id, "salable": stock.is_salable(ctx.db, sku, stock_id)} for sku in skus]


@route("GET", "/V1/inventory/is-product-salable-for-requested-qty/:sku/:stockId/:requestedQty", ACL)
def is_salable_for(ctx: Context, sku: str, stockId: str, requestedQty: str) -> Any:  # noqa: N803  # as above
    return _salable_for(ctx, sku, as_int("stockId", stockId), as_decimal("requestedQty", requestedQty))


@route("GET", "/V1/inventory/are-product-salable-for-requested-qty/", ACL)
def are_salable_for(ctx: Context) -> Any:
    stock_id = as_int("stockId", ctx.query.get("stockId"))
    answers = []
    for request in as_list(ctx.query.get("skuRequests")):
        sku, qty = str(request.get("sku")), as_decimal("qty", request.get("qty"))
        answers.append({"sku": sku, "stock_id": stock_id} | _salable_for(ctx, sku, stock_id, qty))
    return answers


def _salable_for(ctx: Context, sku: str, stock_id: int, qty: Decimal) -> dict[str, Any]:
    refusals = stock.is_salable_for(ctx.db, sku, stock_id, qty)
    return {"salable": not refusals, "errors": [{"code": one.code, "message": one.message} for one in refusals]}


@route("GET", "/V1/inventory/stock-resolver/:type/:code", ACL)
def resolve_stock(ctx: Context, type: str, code: str) -> Any:  # noqa: A002  # name of the path variable
    return get_stock(ctx, str(_stock_of_channel(ctx, type, code)))


def _stock_of_channel(ctx: Context, type_: str, code: str) -> int:
    row = ctx.db.execute(
        "SELECT stock_id FROM inventory_stock_sales_channel WHERE type = ? AND code = ?", (type_, code)
    ).fetchone()
    if row is None:
        raise MagentoError(404, "No linked stock found")
    return int(row["stock_id"])


@route("GET", "/V1/inventory/export-stock-salable-qty/:salesChannelType/:salesChannelCode", STOCK)
def export_salable(ctx: Context, salesChannelType: str, salesChannelCode: str) -> Any:  # noqa: N803  # as above
    """Salable quantities of the products of a search; those that the stock does not hold are left out, and `total_count` counts
    what is in this answer."""
    stock_id = _stock_of_channel(ctx, salesChannelType, salesChannelCode)
    rows, _, criteria = ctx.search(product_source(ctx.db, ctx.store.store_id))
    indexed = stock.index_of_products(ctx.db, stock_id, [row["entity_id"] for row in rows])
    items = [_export(row, indexed[row["entity_id"]]) for row in rows if row["entity_id"] in indexed]
    return {"items": items, "search_criteria": criteria.echo(), "total_count": len(items)}


def _export(row: sqlite3.Row, line: stock.ExportLine) -> dict[str, Any]:
    counted = line.manage_stock and row["type_id"] not in {"configurable", "bundle", "grouped"}
    salable = line.is_salable and (not counted or line.backorders or line.salable > 0)
    return {
        "sku": row["sku"],
        "qty": line.salable if counted and line.is_salable else Decimal(0),
        "is_salable": salable,
    }


@route("GET", "/V1/inventory/dump-stock-index-data/:salesChannelType/:salesChannelCode", STOCK)
def dump_index(ctx: Context, salesChannelType: str, salesChannelCode: str) -> Any:  # noqa: N803  # as above
    """The index of the stock as it is: reservations are not subtracted."""
    stock_id = _stock_of_channel(ctx, salesChannelType, salesChannelCode)
    rows = ctx.db.execute("SELECT entity_id, sku FROM catalog_product_entity ORDER BY entity_id").fetchall()
    indexed = stock.index_of_products(ctx.db, stock_id, None)
    return [
        {
            "sku": row["sku"],
            "qty": indexed[row["entity_id"]].quantity,
            "is_salable": indexed[row["entity_id"]].is_salable,
        }
        for row in rows
        if row["entity_id"] in indexed
    ]


@route(
    "POST",
    "/V1/inventory/source-selection-algorithm-result",
    "Magento_InventorySourceSelectionApi::source_selection_algorithm_post",
)
def select_sources(ctx: Context) -> Any:
    """By priority: each source gives what it has until the quantity is reached."""
    request = as_object("inventoryRequest", ctx.needed("inventoryRequest", "inventory_request"))
    code = str(ctx.needed("algorithmCode", "algorithm_code"))
    if code != "priority":
        raise MagentoError(400, "Algorithm %1 is not supported. Known: priority.", [code])
    stock_id = as_int("stockId", request.get("stockId", request.get("stock_id")))
    proposals, shippable = [], True
    for item in as_list(request.get("items")):
        sku, left = str(item.get("sku")), as_decimal("qty", item.get("qty"))
        for source in stock.sources_of_stock(ctx.db, stock_id):
            have = _available(ctx, sku, source)
            if have is not None:
                take = min(max(have, Decimal(0)), left)
                left -= take
                proposals.append({"source_code": source, "sku": sku, "qty_to_deduct": take, "qty_available": have})
        shippable = shippable and left <= 0
    return {"source_selection_items": proposals, "shippable": shippable}


@route(
    "GET",
    "/V1/inventory/source-selection-algorithm-list",
    "Magento_InventorySourceSelectionApi::source_selection_algorithm",
)
def list_algorithms(ctx: Context) -> Any:  # noqa: ARG001  # every handler has a context
    return [
        {
            "code": "priority",
            "title": "Source Priority",
            "description": "Algorithm which provides Source Selections based on predefined priority of Sources",
        }
    ]


def _available(ctx: Context, sku: str, source: str) -> Decimal | None:
    row = ctx.db.execute(
        "SELECT quantity FROM inventory_source_item WHERE sku = ? AND source_code = ? AND status = 1", (sku, source)
    ).fetchone()
    return None if row is None or find_product(ctx.db, sku) is None else from_units(row["quantity"])
