"""Lines of a cart: adding, changing, removing, and what the shop refuses."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from connector.sandbox.magento import stock
from connector.sandbox.magento.errors import MagentoError, not_supported
from connector.sandbox.magento.products import (
    ProductRow,
    attribute_value,
    find_product,
    product_by_id,
    product_missing,
    website_ids,
)
from connector.sandbox.magento.routing import Context, route
from connector.sandbox.magento.sales import quotes, rows
from connector.sandbox.magento.sales.cart_totals import CartLine, collect
from connector.sandbox.magento.sales.inputs import decimal, path_id
from connector.sandbox.magento.sales.quotes import MANAGE, cart_route, quote_by_path
from connector.sandbox.magento.sales.rows import Row, wire

ITEM_KEYS = frozenset(
    {"item_id", "sku", "qty", "name", "price", "product_type", "quote_id", "product_option", "extension_attributes"}
)
NOT_AVAILABLE = "Product that you are trying to add is not available."
NEEDS_OPTIONS = "You need to choose options for your item."


def read_item(ctx: Context) -> Row:
    """`cartItem` of the body. Price, name and type are taken and ignored. Raises MagentoError 400 for other keys."""
    given = ctx.needed("cartItem", "cart_item")
    if not isinstance(given, Mapping):
        raise MagentoError(400, "The value's type is invalid. Verify and try again.")
    for key in given:
        if key not in ITEM_KEYS:
            raise not_supported(str(key))
    return dict(given)


def add_item(ctx: Context, quote: Row, given: Row) -> Row:
    """Adds pieces of a product; a line that is there already grows. Returns the line.

    Raises MagentoError 404 for an unknown SKU, 400 for everything else that the shop refuses.
    """
    db = ctx.db
    sku = str(given.get("sku") or "")
    product = find_product(db, sku)
    if product is None or sku != sku.strip():
        raise product_missing()
    qty = asked_quantity(given.get("qty"))
    choice = chosen_options(given) if product.type_id == "configurable" else []
    sold = variant_of(db, product, choice) if product.type_id == "configurable" else product
    check_product(db, quote, product, sold)
    line = _same_line(quotes.items_of(db, quote["entity_id"]), product, sold)
    total = qty + (line["qty"] if line else 0)
    check_quantity(db, quote, sold, total)
    if line is not None:
        rows.update(db, "quote_item", line["item_id"], {"qty": total})
        return line | {"qty": total}
    return _insert_line(ctx, quote, product, sold, qty, choice)


def asked_quantity(value: Any) -> Decimal:
    """Nothing and less count as one."""
    qty = decimal("qty", 1 if value is None else value)
    return qty if qty > 0 else Decimal(1)


def chosen_options(given: Row) -> list[Row]:
    option = given.get("product_option")
    extension = option.get("extension_attributes") if isinstance(option, Mapping) else None
    chosen = extension.get("configurable_item_options") if isinstance(extension, Mapping) else None
    return [
        {"option_id": str(one["option_id"]), "option_value": int(one["option_value"])}
        for one in chosen or []
        if "option_id" in one and "option_value" in one
    ]


def variant_of(db: sqlite3.Connection, product: ProductRow, choice: list[Row]) -> ProductRow:
    """The variant of a configurable that has the chosen values. Raises MagentoError 400 when none does."""
    asked = db.execute(
        "SELECT attribute_id FROM catalog_product_super_attribute WHERE product_id = ?", (product.entity_id,)
    ).fetchall()
    wanted = {int(one["option_id"]): str(one["option_value"]) for one in choice}
    if not asked or {int(row["attribute_id"]) for row in asked} - wanted.keys():
        raise MagentoError(400, NEEDS_OPTIONS)
    children = db.execute("SELECT product_id FROM catalog_product_super_link WHERE parent_id = ?", (product.entity_id,))
    for child in children.fetchall():
        values = {
            row["attribute_id"]: row["value"]
            for row in db.execute(
                "SELECT attribute_id, value FROM catalog_product_value WHERE entity_id = ? AND store_id = 0",
                (child[0],),
            )
        }
        if all(values.get(key) == value for key, value in wanted.items()):
            return product_by_id(db, child[0])
    raise MagentoError(400, NEEDS_OPTIONS)


def check_product(db: sqlite3.Connection, quote: Row, *products: ProductRow) -> None:
    """Raises MagentoError 400 for a product that is disabled, sold out or not on the cart's website."""
    website = quotes.website_of(db, quote["store_id"])
    stock_id = stock.stock_for_website(db, website)
    for product in products:
        enabled = attribute_value(db, product.entity_id, "status", quote["store_id"]) != "2"
        on_website = website in website_ids(db, product.entity_id)
        if not enabled or not on_website or not stock.is_salable(db, product.sku, stock_id):
            raise MagentoError(400, NOT_AVAILABLE)


def check_quantity(db: sqlite3.Connection, quote: Row, product: ProductRow, qty: Decimal) -> None:
    """Raises MagentoError 400 with the shop's reason."""
    if not product.has_sources:
        return
    stock_id = stock.stock_for_website(db, quotes.website_of(db, quote["store_id"]))
    refusals = stock.is_salable_for(db, product.sku, stock_id, qty)
    if refusals:
        raise MagentoError(400, refusals[-1].message)


def _same_line(items: list[Row], product: ProductRow, sold: ProductRow) -> Row | None:
    for item in quotes.visible_items(items):
        if item["product_id"] == product.entity_id and item["sku"] == sold.sku:
            return item
    return None


def _insert_line(
    ctx: Context, quote: Row, product: ProductRow, sold: ProductRow, qty: Decimal, choice: list[Row]
) -> Row:
    """The line of the product, under the variant's SKU, and a row of its own for the variant."""
    key = None
    for one in dict.fromkeys((product, sold)):
        values = {
            "quote_id": quote["entity_id"],
            "parent_item_id": key,
            "product_id": one.entity_id,
            "sku": sold.sku,
            "name": attribute_value(ctx.db, one.entity_id, "name", quote["store_id"]) or one.sku,
            "product_type": one.type_id,
            "qty": qty if key is None else Decimal(1),
            "configurable_item_options": choice if key is None and choice else None,
        }
        inserted = rows.insert(ctx.db, "quote_item", values)
        key = key or inserted
    line = rows.one(ctx.db, "quote_item", key or 0)
    return line or {}


def line_view(line: CartLine, quote_key: str, *, with_options: bool = True) -> Row:
    """A cart item with the discounts that the shop's rules give it."""
    item = line.item
    view = {
        "item_id": item["item_id"],
        "sku": item["sku"],
        "qty": wire(item["qty"]),
        "name": item["name"],
        "price": wire(line.price),
        "product_type": item["product_type"],
        "quote_id": quote_key,
    }
    if with_options and item["configurable_item_options"]:
        chosen = {"configurable_item_options": item["configurable_item_options"]}
        view["product_option"] = {"extension_attributes": chosen}
    if line.rule_discounts:
        view["extension_attributes"] = {"discounts": [_discount_view(rule, part) for rule, part in line.rule_discounts]}
    return view


def _discount_view(rule: Any, part: Decimal) -> Row:
    amounts = dict.fromkeys(("amount", "base_amount", "original_amount", "base_original_amount"), wire(part))
    return {"discount_data": amounts, "rule_label": rule.label, "rule_i_d": rule.rule_id}


def options_of(db: sqlite3.Connection, items: list[Row]) -> dict[int, str]:
    """The chosen options of configurable lines as the totals show them: a JSON text of labels."""
    texts = {}
    for item in items:
        shown = [
            {
                "value": _text(db, "label", "eav_attribute_option", "option_id", one["option_value"]),
                "label": _axis(db, item, one),
            }
            for one in item["configurable_item_options"] or []
        ]
        texts[item["item_id"]] = json.dumps(shown, separators=(",", ":"), ensure_ascii=False)
    return texts


def _axis(db: sqlite3.Connection, item: Row, option: Row) -> str:
    row = db.execute(
        "SELECT label FROM catalog_product_super_attribute WHERE product_id = ? AND attribute_id = ?",
        (item["product_id"], int(option["option_id"])),
    ).fetchone()
    return str(row["label"]) if row else ""


def _text(db: sqlite3.Connection, column: str, table: str, key: str, value: Any) -> str:
    row = db.execute(f"SELECT {column} FROM {table} WHERE {key} = ?", (value,)).fetchone()  # noqa: S608  # names are the callers' constants
    return str(row[0]) if row else ""


@cart_route("GET", "/items")
def list_items(ctx: Context, quote: Row) -> Any:
    return [line_view(line, str(quote["entity_id"])) for line in collect(ctx, quote).lines]


def _add(ctx: Context, quote: Row, given: Row) -> Row:
    line = add_item(ctx, quote, given)
    rows.update(ctx.db, "quote", quote["entity_id"], {"updated_at": ctx.stamp})
    return _shown(ctx, quote, line["item_id"])


def _shown(ctx: Context, quote: Row, item_id: int) -> Row:
    lines = {line.item["item_id"]: line for line in collect(ctx, quote).lines}
    return line_view(lines[item_id], str(quote["entity_id"]))


@route("POST", "/V1/carts/:quoteId/items", acl=MANAGE)
def add_to_cart(ctx: Context, quoteId: str) -> Any:  # noqa: N803  # the route's own name for it
    """The cart is that of the body, as in the shop; a body without one is refused by the typed object."""
    given = read_item(ctx)
    return _add(ctx, quote_by_path(ctx.db, str(given.get("quote_id") or quoteId), guest=False), given)


@route("POST", "/V1/guest-carts/:cartId/items", acl="anonymous")
def add_to_guest_cart(ctx: Context, cartId: str) -> Any:  # noqa: N803  # as above
    given = read_item(ctx)
    return _add(ctx, quote_by_path(ctx.db, cartId, guest=True), given)


@cart_route("PUT", "/items/:itemId")
def change_item(ctx: Context, quote: Row, itemId: str) -> Any:  # noqa: N803  # as above
    given = read_item(ctx)
    item = _item(ctx, quote, itemId)
    qty = asked_quantity(given.get("qty"))
    sold = find_product(ctx.db, item["sku"])
    if sold is None:
        raise product_missing()
    check_product(ctx.db, quote, sold)
    check_quantity(ctx.db, quote, sold, qty)
    rows.update(ctx.db, "quote_item", item["item_id"], {"qty": qty})
    return _shown(ctx, quote, item["item_id"])


@cart_route("DELETE", "/items/:itemId")
def delete_item(ctx: Context, quote: Row, itemId: str) -> Any:  # noqa: N803  # as above
    key = _item(ctx, quote, itemId)["item_id"]
    ctx.db.execute("DELETE FROM quote_item WHERE ? IN (item_id, parent_item_id)", (key,))
    return True


def _item(ctx: Context, quote: Row, text: str) -> Row:
    item = rows.one(ctx.db, "quote_item", path_id(text))
    if item is None or item["quote_id"] != quote["entity_id"] or item["parent_item_id"] is not None:
        message = "The %1 Cart doesn't contain the %2 item."
        raise MagentoError(404, message, [quote["entity_id"], path_id(text)])
    return item
