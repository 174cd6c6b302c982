"""Routes of products: list, one, save, delete, types, configurable children and options."""

from __future__ import annotations

from typing import Any

from connector.sandbox.magento.errors import MagentoError
from connector.sandbox.magento.product_read import read_products, reduced_child
from connector.sandbox.magento.product_search import product_source
from connector.sandbox.magento.products import attribute_value, product_by_sku
from connector.sandbox.magento.routing import Context, route

PRODUCTS = "Magento_Catalog::products"
STOCK_ITEM_ACL = "Magento_CatalogInventory::cataloginventory"
TYPES = (
    ("simple", "Simple Product"),
    ("virtual", "Virtual Product"),
    ("downloadable", "Downloadable Product"),
    ("bundle", "Bundle Product"),
    ("grouped", "Grouped Product"),
    ("configurable", "Configurable Product"),
)
LINK_TYPES = ((1, "related"), (5, "crosssell"), (4, "upsell"), (3, "associated"))


@route("GET", "/V1/products", PRODUCTS)
def list_products(ctx: Context) -> Any:
    rows, total, criteria = ctx.search(product_source(ctx.db, ctx.store.store_id))
    items = read_products(ctx.db, [row["entity_id"] for row in rows], ctx.store.store_id)
    return {"items": items, "search_criteria": criteria.echo(), "total_count": total}


@route("GET", "/V1/products/:sku", PRODUCTS)
def get_product(ctx: Context, sku: str) -> Any:
    return product_json(ctx, product_by_sku(ctx.db, sku).entity_id)


def product_json(ctx: Context, entity_id: int) -> dict[str, Any]:
    """One product with its stock item, when the caller may see that."""
    found = read_products(ctx.db, [entity_id], ctx.store.store_id, stock_item=ctx.user.may(STOCK_ITEM_ACL))
    return found[0]


@route("GET", "/V1/products/types", PRODUCTS)
def product_types(ctx: Context) -> Any:  # noqa: ARG001  # every handler has a context
    return [{"name": name, "label": label} for name, label in TYPES]


@route("GET", "/V1/products/links/types", "Magento_Catalog::catalog")
def link_types(ctx: Context) -> Any:  # noqa: ARG001  # as above
    return [{"code": code, "name": name} for code, name in LINK_TYPES]


@route("GET", "/V1/configurable-products/:sku/children", PRODUCTS)
def configurable_children(ctx: Context, sku: str) -> Any:
    product = product_by_sku(ctx.db, sku)
    if product.type_id != "configurable":
        return []
    (parent,) = read_products(ctx.db, [product.entity_id], ctx.store.store_id)
    extension = parent["extension_attributes"]
    children = read_products(ctx.db, extension["configurable_product_links"], ctx.store.store_id)
    codes = [
        str(row["attribute_code"])
        for option in extension["configurable_product_options"]
        for row in ctx.db.execute(
            "SELECT attribute_code FROM eav_attribute WHERE attribute_id = ?", (option["attribute_id"],)
        )
    ]
    return [reduced_child(child, codes) for child in children if not child["options"]]


@route("GET", "/V1/configurable-products/:sku/options/all", PRODUCTS)
def configurable_options(ctx: Context, sku: str) -> Any:
    product = product_by_sku(ctx.db, sku)
    if product.type_id != "configurable":
        raise MagentoError(400, 'This is implemented for the "%1" configurable product only.', [product.sku])
    (read,) = read_products(ctx.db, [product.entity_id], ctx.store.store_id)
    return read["extension_attributes"]["configurable_product_options"]


@route("GET", "/V1/configurable-products/:sku/options/:id", PRODUCTS)
def configurable_option(ctx: Context, sku: str, id: str) -> Any:  # noqa: A002  # name of the path variable
    for option in configurable_options(ctx, sku):
        if str(option["id"]) == id:
            return option
    raise MagentoError(404, 'The "%1" entity that was requested doesn\'t exist. Verify the entity and try again.', [id])


@route("POST", "/V1/configurable-products/:sku/child", PRODUCTS)
def add_child(ctx: Context, sku: str) -> Any:
    parent = product_by_sku(ctx.db, sku)
    child = product_by_sku(ctx.db, str(ctx.needed("childSku", "child_sku")))
    (read,) = read_products(ctx.db, [parent.entity_id], 0)
    extension = read["extension_attributes"]
    if child.entity_id in extension.get("configurable_product_links", []):
        raise MagentoError(400, "The product is already attached.")
    for option in extension.get("configurable_product_options", []):
        row = ctx.db.execute(
            "SELECT attribute_code FROM eav_attribute WHERE attribute_id = ?", (option["attribute_id"],)
        ).fetchone()
        if attribute_value(ctx.db, child.entity_id, row["attribute_code"]) is None:
            text = 'The child product doesn\'t have the "%1" attribute value. Verify the value and try again.'
            raise MagentoError(400, text, [row["attribute_code"]])
    ctx.db.execute(
        "INSERT INTO catalog_product_super_link (parent_id, product_id) VALUES (?, ?)",
        (parent.entity_id, child.entity_id),
    )
    _saved(ctx, parent.entity_id)
    return True


@route("DELETE", "/V1/configurable-products/:sku/children/:childSku", PRODUCTS)
def remove_child(ctx: Context, sku: str, childSku: str) -> Any:  # noqa: N803  # name of the path variable
    parent, child = product_by_sku(ctx.db, sku), product_by_sku(ctx.db, childSku)
    gone = ctx.db.execute(
        "DELETE FROM catalog_product_super_link WHERE parent_id = ? AND product_id = ?",
        (parent.entity_id, child.entity_id),
    )
    if not gone.rowcount:
        raise MagentoError(404, "The option that was requested doesn't exist. Verify the entity and try again.")
    _saved(ctx, parent.entity_id)
    return True


def _saved(ctx: Context, entity_id: int) -> None:
    """The parent is saved as a whole, which gives a product without pictures the roles "no_selection"."""
    ctx.db.execute("UPDATE catalog_product_entity SET updated_at = ? WHERE entity_id = ?", (ctx.stamp, entity_id))
    ctx.db.execute(
        "INSERT OR IGNORE INTO catalog_product_value SELECT ?, attribute_id, 0, 'no_selection' FROM eav_attribute"
        " WHERE attribute_code IN ('image', 'small_image', 'thumbnail')",
        (entity_id,),
    )
