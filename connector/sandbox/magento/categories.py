"""Categories: tree, list, one, save, delete, move, and the products of a category."""

from __future__ import annotations

import sqlite3
from collections import defaultdict
from typing import Any

from connector.sandbox.magento.errors import MagentoError, no_such_entity
from connector.sandbox.magento.products import find_product
from connector.sandbox.magento.routing import Context, route
from connector.sandbox.magento.search import DATE, NUMBER, TEXT, Column, Source
from connector.sandbox.magento.typed import as_int, as_object, attribute_pairs
from connector.sandbox.magento.values import url_key

CATEGORIES = "Magento_Catalog::categories"
TOP_LEVEL = ("name", "is_active", "include_in_menu")
STATIC = {
    "entity_id": Column("c.entity_id", NUMBER),
    "parent_id": Column("c.parent_id", NUMBER),
    "path": Column("c.path", TEXT),
    "position": Column("c.position", NUMBER),
    "level": Column("c.level", NUMBER),
    "created_at": Column("c.created_at", DATE),
    "updated_at": Column("c.updated_at", DATE),
}


def _values(ctx: Context, entity_id: int) -> dict[str, str]:
    rows = ctx.db.execute(
        "SELECT attribute_code, value FROM catalog_category_value WHERE entity_id = ? AND store_id IN (0, ?) ORDER BY store_id",
        (entity_id, ctx.store.store_id),
    )
    return {row["attribute_code"]: row["value"] for row in rows}


def category_json(ctx: Context, row: sqlite3.Row) -> dict[str, Any]:
    """One category as GET shows it."""
    values = _values(ctx, row["entity_id"])
    children = ctx.db.execute(
        "SELECT entity_id FROM catalog_category_entity WHERE parent_id = ? ORDER BY position, entity_id",
        (row["entity_id"],),
    ).fetchall()
    below = ctx.db.execute(
        "SELECT COUNT(*) FROM catalog_category_entity WHERE path LIKE ? || '/%'", (row["path"],)
    ).fetchone()[0]
    custom = {code: value for code, value in values.items() if code not in TOP_LEVEL}
    custom |= {"is_anchor": values.get("is_anchor", "1"), "path": row["path"], "children_count": str(below)}
    answer = {"id": row["entity_id"], "parent_id": row["parent_id"], "name": values.get("name")}
    return answer | {
        "is_active": values.get("is_active") == "1",
        "position": row["position"],
        "level": row["level"],
        "children": ",".join(str(child["entity_id"]) for child in children),
        "created_at": row["created_at"],
        "updated_at": row["updated_at"],
        "path": row["path"],
        "include_in_menu": values.get("include_in_menu", "1") == "1",
        "custom_attributes": [{"attribute_code": code, "value": value} for code, value in custom.items()],
    }


def _row(ctx: Context, category_id: str | int) -> sqlite3.Row:
    number = as_int("categoryId", category_id)
    row: sqlite3.Row | None = ctx.db.execute(
        "SELECT * FROM catalog_category_entity WHERE entity_id = ?", (number,)
    ).fetchone()
    if row is None:
        raise no_such_entity("id", number)
    return row


@route("GET", "/V1/categories", CATEGORIES)
def category_tree(ctx: Context) -> Any:
    root = as_int("rootCategoryId", ctx.query.get("rootCategoryId") or 2)
    depth = ctx.query.get("depth")
    _row(ctx, root)
    rows = ctx.db.execute(
        "SELECT c.*, COALESCE(s.value, n.value) AS name, a.value AS is_active,"
        " (SELECT COUNT(*) FROM catalog_category_product p WHERE p.category_id = c.entity_id) AS product_count"
        " FROM catalog_category_entity c"
        " LEFT JOIN catalog_category_value n ON n.entity_id = c.entity_id AND n.attribute_code = 'name' AND n.store_id = 0"
        " LEFT JOIN catalog_category_value s ON s.entity_id = c.entity_id AND s.attribute_code = 'name' AND s.store_id = ?"
        " LEFT JOIN catalog_category_value a ON a.entity_id = c.entity_id AND a.attribute_code = 'is_active' AND a.store_id = 0"
        " ORDER BY c.position, c.entity_id",
        (ctx.store.store_id,),
    ).fetchall()
    children: dict[int, list[sqlite3.Row]] = defaultdict(list)
    for row in rows:
        children[row["parent_id"]].append(row)
    (top,) = (row for row in rows if row["entity_id"] == root)
    return _branch(top, children, None if depth is None else as_int("depth", depth))


def _branch(row: sqlite3.Row, children: dict[int, list[sqlite3.Row]], depth: int | None) -> dict[str, Any]:
    below = [] if depth == 0 else children[row["entity_id"]]
    return {
        "id": row["entity_id"],
        "parent_id": row["parent_id"],
        "name": row["name"],
        "is_active": row["is_active"] == "1",
        "position": row["position"],
        "level": row["level"],
        "product_count": row["product_count"],
        "children_data": [_branch(child, children, None if depth is None else depth - 1) for child in below],
    }


@route("GET", "/V1/categories/list", CATEGORIES)
def list_categories(ctx: Context) -> Any:
    def attribute(name: str) -> Column:
        code = "".join(letter for letter in name if letter.isalnum() or letter == "_")
        join = (
            f"LEFT JOIN catalog_category_value v_{code} ON v_{code}.entity_id = c.entity_id"
            f" AND v_{code}.attribute_code = '{code}' AND v_{code}.store_id = 0"
        )
        return Column(f"v_{code}.value COLLATE NOCASE", TEXT, join)

    rows, total, criteria = ctx.search(
        Source("catalog_category_entity c", "c.*", "c.entity_id", STATIC, resolve=attribute)
    )
    return {
        "items": [category_json(ctx, row) for row in rows],
        "search_criteria": criteria.echo(),
        "total_count": total,
    }


@route("GET", "/V1/categories/:categoryId", CATEGORIES)
def get_category(ctx: Context, categoryId: str) -> Any:  # noqa: N803  # name of the path variable
    return category_json(ctx, _row(ctx, categoryId))


@route("POST", "/V1/categories", CATEGORIES)
def create_category(ctx: Context) -> Any:
    given = as_object("category", ctx.needed("category"))
    parent = _row(ctx, given.get("parent_id") or 2)
    name = str(given.get("name") or "")
    if not name:
        raise MagentoError(
            400,
            "Could not save category: %1",
            ['The "Name" attribute value is empty. Set the attribute and try again.'],
        )
    custom = attribute_pairs(given.get("custom_attributes"))
    key = str(custom.get("url_key") or url_key(name))
    _check_key(ctx, parent["entity_id"], key)
    last = ctx.db.execute(
        "SELECT COALESCE(MAX(position), 0) FROM catalog_category_entity WHERE parent_id = ?", (parent["entity_id"],)
    )
    position = as_int("position", given.get("position") or last.fetchone()[0] + 1)
    cursor = ctx.db.execute(
        "INSERT INTO catalog_category_entity (parent_id, path, position, level, created_at, updated_at) VALUES (?, '', ?, ?, ?, ?)",
        (parent["entity_id"], position, parent["level"] + 1, ctx.stamp, ctx.stamp),
    )
    entity_id = int(cursor.lastrowid or 0)
    ctx.db.execute(
        "UPDATE catalog_category_entity SET path = ? WHERE entity_id = ?", (f"{parent['path']}/{entity_id}", entity_id)
    )
    above = _values(ctx, parent["entity_id"]).get("url_path")
    values = {
        "name": name,
        "is_active": str(int(bool(given.get("is_active", False)))),
        "include_in_menu": str(int(bool(given.get("include_in_menu", True)))),
        **{code: value for code, value in custom.items() if value is not None},
        "url_key": key,
        "url_path": f"{above}/{key}" if above else key,
    }
    set_values(ctx.db, entity_id, values)
    return get_category(ctx, str(entity_id))


def set_values(db: sqlite3.Connection, entity_id: int, values: dict[str, Any], store_id: int = 0) -> None:
    rows = [(entity_id, code, store_id, str(value)) for code, value in values.items()]
    db.executemany("INSERT OR REPLACE INTO catalog_category_value VALUES (?, ?, ?, ?)", rows)


def _check_key(ctx: Context, parent_id: int, key: str) -> None:
    taken = ctx.db.execute(
        "SELECT 1 FROM catalog_category_value v JOIN catalog_category_entity c USING (entity_id)"
        " WHERE c.parent_id = ? AND v.attribute_code = 'url_key' AND v.value = ?",
        (parent_id, key),
    ).fetchone()
    if taken:
        raise MagentoError(400, "Could not save category: %1", ["URL key for specified store already exists."])


@route("PUT", "/V1/categories/:id", CATEGORIES)
def update_category(ctx: Context, id: str) -> Any:  # noqa: A002  # name of the path variable
    row = _row(ctx, id)
    given = as_object("category", ctx.needed("category"))
    values = {
        code: value for code, value in attribute_pairs(given.get("custom_attributes")).items() if value is not None
    }
    if given.get("name"):
        values["name"] = given["name"]
    values |= {name: int(bool(given[name])) for name in ("is_active", "include_in_menu") if given.get(name) is not None}
    set_values(ctx.db, row["entity_id"], values, ctx.store.store_id)
    position = as_int("position", given.get("position") or row["position"])
    ctx.db.execute(
        "UPDATE catalog_category_entity SET position = ?, updated_at = ? WHERE entity_id = ?",
        (position, ctx.stamp, row["entity_id"]),
    )
    return get_category(ctx, id)


@route("DELETE", "/V1/categories/:categoryId", CATEGORIES)
def delete_category(ctx: Context, categoryId: str) -> Any:  # noqa: N803  # as above
    row = _row(ctx, categoryId)
    if row["level"] <= 1:
        raise MagentoError(400, "Cannot delete category with id %1", [row["entity_id"]])
    below = "SELECT entity_id FROM catalog_category_entity WHERE path = :path OR path LIKE :path || '/%'"
    for table, column in (("catalog_category_value", "entity_id"), ("catalog_category_product", "category_id")):
        ctx.db.execute(f"DELETE FROM {table} WHERE {column} IN ({below})", {"path": row["path"]})  # noqa: S608  # our own names
    ctx.db.execute(
        "DELETE FROM catalog_category_entity WHERE path = :path OR path LIKE :path || '/%'", {"path": row["path"]}
    )
    return True


@route("PUT", "/V1/categories/:categoryId/move", CATEGORIES)
def move_category(ctx: Context, categoryId: str) -> Any:  # noqa: N803  # as above
    row, parent = _row(ctx, categoryId), _row(ctx, ctx.needed("parentId", "parent_id"))
    if f"{parent['path']}/".startswith(f"{row['path']}/"):
        raise MagentoError(400, "Operation do not allow to move a parent category to any of children category")
    path, deeper = f"{parent['path']}/{row['entity_id']}", parent["level"] + 1 - row["level"]
    ctx.db.execute(
        "UPDATE catalog_category_entity SET parent_id = ? WHERE entity_id = ?", (parent["entity_id"], row["entity_id"])
    )
    ctx.db.execute(
        "UPDATE catalog_category_entity SET path = :new || substr(path, length(:path) + 1), level = level + :deeper"
        " WHERE path = :path OR path LIKE :path || '/%'",
        {"path": row["path"], "new": path, "deeper": deeper},
    )
    return True


@route("GET", "/V1/categories/:categoryId/products", CATEGORIES)
def category_products(ctx: Context, categoryId: str) -> Any:  # noqa: N803  # as above
    row = _row(ctx, categoryId)
    found = ctx.db.execute(
        "SELECT e.sku, p.position FROM catalog_category_product p JOIN catalog_product_entity e ON e.entity_id = p.product_id"
        " WHERE p.category_id = ? ORDER BY p.position, e.entity_id",
        (row["entity_id"],),
    )
    return [{"sku": sku, "position": position, "category_id": str(row["entity_id"])} for sku, position in found]


@route("POST", "/V1/categories/:categoryId/products", CATEGORIES)
def assign_product(ctx: Context, categoryId: str) -> Any:  # noqa: N803  # as above
    link = as_object("productLink", ctx.needed("productLink", "product_link"))
    row = _row(ctx, categoryId)
    product = find_product(ctx.db, str(link.get("sku", "")))
    if product is None:
        raise MagentoError(404, "The product that was requested doesn't exist. Verify the product and try again.")
    position = as_int("position", link.get("position") or 0)
    ctx.db.execute(
        "INSERT OR REPLACE INTO catalog_category_product VALUES (?, ?, ?)",
        (row["entity_id"], product.entity_id, position),
    )
    return True


@route("PUT", "/V1/categories/:categoryId/products", CATEGORIES)
def reassign_product(ctx: Context, categoryId: str) -> Any:  # noqa: N803  # as above
    return assign_product(ctx, categoryId)


@route("DELETE", "/V1/categories/:categoryId/products/:sku", CATEGORIES)
def unassign_product(ctx: Context, categoryId: str, sku: str) -> Any:  # noqa: N803  # as above
    row, product = _row(ctx, categoryId), find_product(ctx.db, sku)
    gone = ctx.db.execute(
        "DELETE FROM catalog_category_product WHERE category_id = ? AND product_id = ?",
        (row["entity_id"], product.entity_id if product else 0),
    )
    if not gone.rowcount:
        raise MagentoError(400, "The category doesn't contain the specified product.")
    return True
