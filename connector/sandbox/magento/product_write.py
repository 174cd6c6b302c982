"""Saving and deleting products.

A new product's values go to the default scope. An update writes the values it was sent: global ones to the default scope, others to
the store view of the path (`all` writes the default scope), website ones to every view of that website. Source: recordings 46-99.
"""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from connector.sandbox.magento import product_media, product_parts
from connector.sandbox.magento.errors import MagentoError
from connector.sandbox.magento.product_routes import PRODUCTS, product_json
from connector.sandbox.magento.products import ProductRow, find_product, product_by_sku
from connector.sandbox.magento.routing import Context, FatalError, route
from connector.sandbox.magento.typed import as_decimal, as_int, as_object, attribute_pairs, known_keys
from connector.sandbox.magento.values import Attribute, attributes_by_code, decimal_text, stored, url_key

KEYS = [
    "id",
    "sku",
    "name",
    "attribute_set_id",
    "price",
    "status",
    "visibility",
    "type_id",
    "created_at",
    "updated_at",
    "weight",
    "extension_attributes",
    "product_links",
    "options",
    "media_gallery_entries",
    "tier_prices",
    "custom_attributes",
]
PLAIN_DEFAULTS = {
    "options_container": "container2",
    "msrp_display_actual_price_type": "0",
    "tax_class_id": "2",
    "status": "1",
    "visibility": "4",
}
PRICED_ONLY = frozenset({"msrp_display_actual_price_type", "tax_class_id"})
LONGEST_SKU = 64


@dataclass(frozen=True, slots=True)
class Draft:
    """A checked request: `values` by attribute code as text, None clears."""

    sku: str
    type_id: str
    attribute_set_id: int
    values: dict[str, str | None]
    given: dict[str, Any]


@route(
    "POST",
    "/V1/products",
    PRODUCTS,
    transaction=False,
    topic="magento.catalog.api.productrepositoryinterface.save",
    success="Magento\\Catalog\\Model\\ProductRepository\\Interceptor::save",
)
def create_product(ctx: Context) -> Any:
    given = as_object("product", ctx.needed("product"))
    if not given.get("sku"):
        known_keys(given, KEYS)
        raise FatalError("a product without sku")
    answer = save(ctx, str(given["sku"]), given)
    if str(given["sku"]) == answer["sku"]:
        # The object that was saved comes back, without the lists that were not sent.
        for name in ("product_links", "tier_prices"):
            if not given.get(name):
                answer.pop(name)
    return answer


@route(
    "PUT",
    "/V1/products/:sku",
    PRODUCTS,
    transaction=False,
    topic="magento.catalog.api.productrepositoryinterface.save",
    success="Magento\\Catalog\\Model\\ProductRepository\\Interceptor::save",
)
def update_product(ctx: Context, sku: str) -> Any:
    return save(ctx, sku, as_object("product", ctx.needed("product")))


@route("DELETE", "/V1/products/:sku", PRODUCTS)
def delete_product(ctx: Context, sku: str) -> Any:
    """The source items stay: Magento leaves them to a queue consumer."""
    product = product_by_sku(ctx.db, sku)
    product_parts.delete(ctx.db, product.entity_id)
    return True


def save(ctx: Context, sku: str, given: dict[str, Any]) -> dict[str, Any]:
    """Creates or updates; returns the product as a single GET shows it.

    Raises MagentoError 400. A product refused for its URL key has used up a number, as in Magento.
    """
    attributes = attributes_by_code(ctx.db)
    existing = find_product(ctx.db, sku)
    draft = _checked(ctx, sku.strip(), given, existing, attributes)
    if existing is None:
        entity_id, item_id = _take_numbers(ctx, draft)
        with ctx.transaction():
            _create(ctx, entity_id, item_id, draft, attributes)
    else:
        entity_id = existing.entity_id
        with ctx.transaction() as db:
            db.execute(
                "UPDATE catalog_product_entity SET sku = ?, attribute_set_id = ?, updated_at = ? WHERE entity_id = ?",
                (draft.sku if given.get("sku") else existing.sku, draft.attribute_set_id, ctx.stamp, entity_id),
            )
            for code, value in draft.values.items():
                write_value(ctx, entity_id, attributes[code], value)
            _write_parts(ctx, entity_id, draft)
    return product_json(ctx, entity_id)


def _checked(
    ctx: Context, sku: str, given: dict[str, Any], existing: ProductRow | None, attributes: dict[str, Attribute]
) -> Draft:
    known_keys(given, KEYS)
    values = _values(given, attributes)
    set_id = as_int("attribute_set_id", given.get("attribute_set_id") or (existing.attribute_set_id if existing else 0))
    if ctx.db.execute("SELECT 1 FROM eav_attribute_set WHERE attribute_set_id = ?", (set_id,)).fetchone() is None:
        raise MagentoError(400, "Invalid product data: %1", ["Invalid attribute set entity type"])
    type_id = str(existing.type_id if existing else given.get("type_id") or "simple")
    draft = Draft(sku, type_id, set_id, values, given)
    _check_required(ctx, draft, existing, attributes)
    if len(sku) > LONGEST_SKU:
        raise MagentoError(400, "SKU length should be 64 characters maximum.")
    if Decimal(values.get("price") or 0) < 0:
        raise MagentoError(400, "Please enter a number 0 or greater in this field.")
    return draft


def _values(given: dict[str, Any], attributes: dict[str, Attribute]) -> dict[str, str | None]:
    values: dict[str, str | None] = {}
    for name in ("price", "weight"):
        if given.get(name) is not None:
            values[name] = decimal_text(as_decimal(name, given[name]))
    for name in ("status", "visibility"):
        if given.get(name) is not None:
            values[name] = str(as_int(name, given[name]))
    if given.get("name") is not None:
        values["name"] = str(given["name"])
    for code, value in attribute_pairs(given.get("custom_attributes")).items():
        attribute = attributes.get(code)
        if attribute is not None and attribute.backend_type != "static":
            values[code] = stored(attribute, value)
    return values


def _check_required(ctx: Context, draft: Draft, existing: ProductRow | None, attributes: dict[str, Attribute]) -> None:
    of_set = {
        row[0]
        for row in ctx.db.execute(
            "SELECT attribute_id FROM eav_entity_attribute WHERE attribute_set_id = ?", (draft.attribute_set_id,)
        )
    }
    kept: dict[str, str | None] = {}
    if existing is not None:
        kept = {
            row[0]: row[1]
            for row in ctx.db.execute(
                "SELECT a.attribute_code, v.value FROM catalog_product_value v JOIN eav_attribute a USING (attribute_id)"
                " WHERE v.entity_id = ? AND v.store_id IN (0, ?) ORDER BY v.store_id",
                (existing.entity_id, ctx.store.store_id),
            )
        }
    for attribute in sorted(attributes.values(), key=lambda one: one.attribute_id):
        if not attribute.is_required or attribute.attribute_id not in of_set or attribute.backend_type == "static":
            continue
        if attribute.code == "price" and draft.type_id not in {"simple", "virtual", "downloadable"}:
            continue
        if attribute.applies_to(draft.type_id) and not draft.values.get(attribute.code, kept.get(attribute.code)):
            raise MagentoError(
                400, f'The "{attribute.label}" attribute value is empty. Set the attribute and try again.'
            )


def _take_numbers(ctx: Context, draft: Draft) -> tuple[int, int]:
    """Numbers of a new product and its stock item. They stay used even when the save fails later."""
    with ctx.transaction() as db:
        entity = db.execute(
            "INSERT INTO catalog_product_entity (sku, type_id, attribute_set_id, created_at, updated_at) VALUES (?, ?, ?, ?, ?)",
            (draft.sku, draft.type_id, draft.attribute_set_id, ctx.stamp, ctx.stamp),
        ).lastrowid
        item = db.execute("INSERT INTO cataloginventory_stock_item (product_id) VALUES (?)", (entity,)).lastrowid
        db.execute("DELETE FROM catalog_product_entity WHERE entity_id = ?", (entity,))
        db.execute("DELETE FROM cataloginventory_stock_item WHERE item_id = ?", (item,))
        return int(entity or 0), int(item or 0)


def _create(ctx: Context, entity_id: int, item_id: int, draft: Draft, attributes: dict[str, Attribute]) -> None:
    ctx.db.execute(
        "INSERT INTO catalog_product_entity (entity_id, sku, type_id, attribute_set_id, created_at, updated_at) VALUES (?, ?, ?, ?, ?, ?)",
        (entity_id, draft.sku, draft.type_id, draft.attribute_set_id, ctx.stamp, ctx.stamp),
    )
    defaults = dict(PLAIN_DEFAULTS)
    if draft.type_id == "grouped":
        defaults = {code: value for code, value in defaults.items() if code not in PRICED_ONLY}
        draft.values.pop("price", None)
    if draft.type_id == "configurable":
        draft.values.setdefault("price", "0.000000")
    if draft.type_id == "bundle":
        defaults["shipment_type"] = "0"
        draft.values["price"] = "0.000000"
        draft.values.setdefault("weight", "0.000000")
    key = draft.values.get("url_key") or url_key(str(draft.values.get("name") or draft.sku))
    _check_url_key(ctx, key, entity_id)
    for code, value in (defaults | {"url_key": key} | draft.values).items():
        _put_value(ctx, entity_id, attributes[code].attribute_id, 0, value)
    given_websites = (draft.given.get("extension_attributes") or {}).get("website_ids")
    if given_websites is None:
        websites = [ctx.store.website_id] if ctx.store.store_id else _all_websites(ctx)
        product_parts.set_websites(ctx.db, entity_id, websites)
    ctx.db.execute("INSERT INTO cataloginventory_stock_item (item_id, product_id) VALUES (?, ?)", (item_id, entity_id))
    product_parts.first_stock(ctx.db, entity_id, draft.sku, draft.type_id)
    _write_parts(ctx, entity_id, draft)


def _all_websites(ctx: Context) -> list[int]:
    return [int(row[0]) for row in ctx.db.execute("SELECT website_id FROM store_website WHERE website_id > 0")]


def _check_url_key(ctx: Context, key: str, entity_id: int) -> None:
    taken = ctx.db.execute(
        "SELECT 1 FROM catalog_product_value v JOIN eav_attribute a USING (attribute_id)"
        " WHERE a.attribute_code = 'url_key' AND v.value = ? AND v.entity_id <> ?",
        (key, entity_id),
    ).fetchone()
    if taken:
        raise MagentoError(400, "URL key for specified store already exists.")


def write_value(ctx: Context, entity_id: int, attribute: Attribute, value: str | None) -> None:
    """Writes one value where its scope and the path's store view say."""
    for store_id in _stores(ctx, attribute):
        _put_value(ctx, entity_id, attribute.attribute_id, store_id, value)


def _stores(ctx: Context, attribute: Attribute) -> list[int]:
    if attribute.scope == "global" or ctx.store.store_id == 0:
        return [0]
    if attribute.scope == "website":
        rows = ctx.db.execute("SELECT store_id FROM store WHERE website_id = ?", (ctx.store.website_id,))
        return [int(row[0]) for row in rows]
    return [ctx.store.store_id]


def _put_value(ctx: Context, entity_id: int, attribute_id: int, store_id: int, value: str | None) -> None:
    if value is None:
        ctx.db.execute(
            "DELETE FROM catalog_product_value WHERE entity_id = ? AND attribute_id = ? AND store_id IN (0, ?)",
            (entity_id, attribute_id, store_id),
        )
        return
    ctx.db.execute(
        "INSERT OR REPLACE INTO catalog_product_value VALUES (?, ?, ?, ?)", (entity_id, attribute_id, store_id, value)
    )


def _write_parts(ctx: Context, entity_id: int, draft: Draft) -> None:
    """Lists that were sent replace what is there; an empty list clears, a missing one keeps."""
    given = draft.given
    extension = given.get("extension_attributes") or {}
    if extension.get("website_ids") is not None:
        product_parts.set_websites(ctx.db, entity_id, [as_int("website_ids", one) for one in extension["website_ids"]])
    if extension.get("category_links") is not None:
        product_parts.set_categories(ctx.db, entity_id, extension["category_links"])
    if extension.get("stock_item") is not None:
        product_parts.set_stock_item(ctx.db, entity_id, as_object("stock_item", extension["stock_item"]))
    if extension.get("configurable_product_options") is not None:
        product_parts.set_super_attributes(ctx.db, entity_id, extension["configurable_product_options"])
    if extension.get("configurable_product_links") is not None:
        product_parts.set_children(ctx.db, entity_id, extension["configurable_product_links"])
    if extension.get("bundle_product_options") is not None:
        product_parts.set_bundle_options(ctx.db, entity_id, draft.sku, extension["bundle_product_options"])
    if given.get("tier_prices") is not None:
        product_parts.set_tier_prices(ctx.db, entity_id, given["tier_prices"])
    if given.get("product_links") is not None:
        product_parts.set_links(ctx.db, entity_id, given["product_links"])
    if given.get("options") is not None:
        product_parts.set_custom_options(ctx.db, entity_id, draft.sku, given["options"])
    if given.get("media_gallery_entries") is not None:
        product_media.replace_entries(ctx, entity_id, given["media_gallery_entries"])
