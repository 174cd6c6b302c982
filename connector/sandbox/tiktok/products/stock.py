"""Prices and quantities, product by product. Source: "Update Price", "Update Inventory", "Inventory Search"."""

from __future__ import annotations

import sqlite3

from connector.sandbox.tiktok import errors
from connector.sandbox.tiktok.database import Json
from connector.sandbox.tiktok.errors import ApiError
from connector.sandbox.tiktok.products import rows
from connector.sandbox.tiktok.products.checks import Context
from connector.sandbox.tiktok.products.sku_checks import (
    list_price_problems,
    price_problems,
    quantity_problem,
    warehouse_problem,
)
from connector.sandbox.tiktok.products.write import GENERIC, PARAMETER
from connector.sandbox.tiktok.routes import route
from connector.sandbox.tiktok.world import Call

SCOPE = "seller.product.write"
STOCK_STATUSES = frozenset({"DRAFT", "PENDING", "FAILED", "ACTIVATE", "SELLER_DEACTIVATED"})
SEVERAL_WAREHOUSES, CANNOT_SET, INCOMPLETE = 12019028, 12052037, 12052516


@route("POST", "/product/202309/products/{product_id}/prices/update", scope=SCOPE)
def update_prices(call: Call, product_id: str) -> Json:
    """All or nothing, live products only."""
    row = rows.load_product(call.tx, call.shop.id, product_id)
    if row["status"] != "ACTIVATE":
        raise ApiError(GENERIC, f"Prices can be updated on live products only; this one is {row['status']}.")
    live = {str(sku["id"]): sku for sku in rows.skus_of(call.tx, row["id"])}
    for sku in call.items("skus"):
        if str(sku.get("id")) not in live:
            raise ApiError(PARAMETER, f"Parameter invalid: the SKU {sku.get('id')} is not one of this product.")
        for problem in [
            *price_problems(call.shop, sku.get("price")),
            *list_price_problems(call.shop, sku.get("list_price")),
        ]:
            raise ApiError(*problem)
        listed = rows.list_amount(sku) if "list_price" in sku else live[str(sku["id"])]["list_amount"]
        call.tx.execute(
            "UPDATE sku SET amount = ?, currency = ?, list_amount = ? WHERE id = ?",
            (rows.amount_of(sku["price"]), sku["price"]["currency"], listed, int(sku["id"])),
        )
    rows.update_product(call.tx, row["id"], call.now)
    return {}


@route("POST", "/product/202309/products/{product_id}/inventory/update", scope=SCOPE)
def update_inventory(call: Call, product_id: str) -> Json:
    """Sellable quantities. Every warehouse of a SKU must be named; SKUs are refused one by one."""
    row = rows.load_product(call.tx, call.shop.id, product_id)
    if row["status"] not in STOCK_STATUSES:
        raise ApiError(GENERIC, f"The status {row['status']} of the product does not allow a stock update.")
    known = {str(sku["id"]) for sku in rows.skus_of(call.tx, row["id"], "live", "waiting")}
    refused = []
    for sku in call.items("skus"):
        sku_id = str(sku.get("id"))
        if sku_id not in known:
            raise ApiError(PARAMETER, f"Parameter invalid: the SKU {sku_id} is not one of this product.")
        problem = _set_stock(call, int(sku_id), sku.get("inventory") or [])
        if problem:
            refused.append(problem)
    rows.update_product(call.tx, row["id"], call.now)
    return {"errors": refused} if refused else {}


def _set_stock(call: Call, sku_id: int, inventory: list[Json]) -> Json | None:
    """Write the stock of one SKU, or answer why not."""
    assigned = [stock["warehouse_id"] for stock in rows.stock_of(call.tx, sku_id)]
    if len(inventory) == 1 and not inventory[0].get("warehouse_id") and len(assigned) == 1:
        inventory = [{**inventory[0], "warehouse_id": assigned[0]}]
    extra: list[Json] = []
    for entry in inventory:
        place = str(entry.get("warehouse_id", ""))
        found = (
            warehouse_problem(call.shop, place)
            if place
            else (SEVERAL_WAREHOUSES, "The SKU has several warehouses: send them all.")
        )
        found = found or quantity_problem(Context.of(call), entry.get("quantity"))
        if found is None and place not in assigned:
            found = CANNOT_SET, f"The warehouse {place} is not assigned to the SKU: edit the SKU first."
        if found:
            extra.append({"warehouse_id": place, "code": found[0], "message": found[1]})
    if extra:
        return _refusal(sku_id, CANNOT_SET, "The stock cannot be set.", extra)
    if {str(entry["warehouse_id"]) for entry in inventory} != set(assigned):
        return _refusal(
            sku_id, INCOMPLETE, "The list of warehouses is incomplete: send every warehouse of the SKU.", []
        )
    rows.set_inventory(call.tx, sku_id, inventory)
    return None


def _refusal(sku_id: int, code: int, message: str, extra: list[Json]) -> Json:
    return {"code": code, "message": message, "detail": {"sku_id": str(sku_id), "extra_errors": extra}}


@route("POST", "/product/202309/inventory/search", scope="seller.product.basic", writes=False)
def search_inventory(call: Call) -> Json:
    """By at most 600 SKU ids, which win, or 100 product ids. Unknown ids are left out."""
    sku_ids, product_ids = call.texts("sku_ids", most=600), call.texts("product_ids", most=100)
    if not sku_ids and not product_ids:
        raise errors.missing("body", "product_ids")
    numbers = [int(text) for text in (sku_ids or product_ids) if text.isdigit()]
    column, marks = "id" if sku_ids else "product_id", ", ".join("?" * len(numbers))
    found = call.tx.execute(
        f"SELECT * FROM sku WHERE {column} IN ({marks}) AND shop_id = ? AND state = 'live' ORDER BY product_id, position",  # noqa: S608  # marks only
        (*numbers, call.shop.id),
    ).fetchall()
    products: dict[int, list[Json]] = {}
    for sku in found:
        products.setdefault(sku["product_id"], []).append(_inventory(call.tx, sku))
    return {"inventory": [{"product_id": str(number), "skus": skus} for number, skus in products.items()]}


def _inventory(tx: sqlite3.Connection, sku: sqlite3.Row) -> Json:
    places = rows.stock_of(tx, sku["id"])
    available = sum(place["available"] for place in places)
    return {
        "id": str(sku["id"]),
        "seller_sku": sku["seller_sku"],
        "total_available_quantity": available,
        "total_committed_quantity": sum(place["committed"] for place in places),
        "total_available_inventory_distribution": {"in_shop_inventory": {"quantity": available}},
        "warehouse_inventory": [
            {
                "warehouse_id": place["warehouse_id"],
                "available_quantity": place["available"],
                "committed_quantity": place["committed"],
            }
            for place in places
        ],
    }
