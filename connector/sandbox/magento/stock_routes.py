"""Legacy stock: one stock item a product, the view of the default source."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from connector.sandbox.magento import product_parts, stock
from connector.sandbox.magento.database import to_units
from connector.sandbox.magento.errors import MagentoError
from connector.sandbox.magento.product_read import stock_item_json
from connector.sandbox.magento.products import ProductRow, find_product
from connector.sandbox.magento.routing import Context, route
from connector.sandbox.magento.typed import as_decimal, as_int, as_object

ACL = "Magento_Catalog::catalog_inventory"
MAPPER = "Magento\\CatalogInventory\\Model\\ResourceModel\\Stock\\Item\\StockItemCriteriaMapper"
LOW_PAGE_SIZE = 100


def _product(ctx: Context, sku: str) -> ProductRow:
    product = find_product(ctx.db, sku)
    if product is None:
        raise MagentoError(404, 'The Product with the "%1" SKU doesn\'t exist.', [sku])
    return product


@route("GET", "/V1/stockItems/:productSku", ACL)
def get_stock_item(ctx: Context, productSku: str) -> Any:  # noqa: N803  # name of the path variable
    product = _product(ctx, productSku)
    row = ctx.db.execute(
        "SELECT * FROM cataloginventory_stock_item WHERE product_id = ?", (product.entity_id,)
    ).fetchone()
    return stock_item_json(row)


@route("PUT", "/V1/products/:productSku/stockItems/:itemId", ACL)
def put_stock_item(ctx: Context, productSku: str, itemId: str) -> Any:  # noqa: N803  # as above
    """The item of the SKU is changed whatever id the path names."""
    as_int("itemId", itemId)
    product = _product(ctx, productSku)
    return product_parts.set_stock_item(
        ctx.db, product.entity_id, as_object("stockItem", ctx.needed("stockItem", "stock_item"))
    )


@route("GET", "/V1/stockStatuses/:productSku", ACL)
def get_stock_status(ctx: Context, productSku: str) -> Any:  # noqa: N803  # as above
    """Quantity and status of the stock that the path's website sells from."""
    product = _product(ctx, productSku)
    item = get_stock_item(ctx, productSku)
    stock_id = stock.stock_for_website(ctx.db, ctx.store.website_id) if ctx.store.website_id else stock.DEFAULT_STOCK
    index = stock.index_row(ctx.db, product.sku, stock_id)
    return {
        "product_id": product.entity_id,
        "stock_id": stock.DEFAULT_STOCK,
        "qty": index.quantity if index else Decimal(0),
        "stock_status": int(bool(index and index.is_salable)),
        "stock_item": item,
    }


@route("GET", "/V1/stockItems/lowStock/", ACL)
def low_stock(ctx: Context) -> Any:
    """Items with at most the asked quantity; `total_count` is the number of all of them."""
    limit = to_units(as_decimal("qty", ctx.query.get("qty") or 0))
    page = max(as_int("currentPage", ctx.query.get("currentPage") or 1), 1)
    size = max(as_int("pageSize", ctx.query.get("pageSize") or LOW_PAGE_SIZE), 1)
    where = "FROM cataloginventory_stock_item WHERE qty <= ?"
    rows = ctx.db.execute(
        f"SELECT * {where} ORDER BY item_id LIMIT ? OFFSET ?", (limit, size, size * (page - 1))
    )  # fixed text
    total = ctx.db.execute(f"SELECT COUNT(*) {where}", (limit,)).fetchone()[0]  # fixed text
    criteria = {
        "mapper_interface_name": MAPPER,
        "criteria_list": [],
        "filters": [],
        "orders": [],
        "limit": [str(page), str(size)],
    }
    return {"items": [stock_item_json(row) for row in rows], "search_criteria": criteria, "total_count": total}
