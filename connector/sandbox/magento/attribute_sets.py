"""Attribute sets and their groups."""

from __future__ import annotations

import sqlite3
from typing import Any

from connector.sandbox.magento.attributes import SETS, attribute_json
from connector.sandbox.magento.errors import MagentoError, no_such_entity
from connector.sandbox.magento.install import DEFAULT_SET
from connector.sandbox.magento.routing import Context, route
from connector.sandbox.magento.search import NUMBER, TEXT, Column, Source
from connector.sandbox.magento.typed import as_int, as_object

SET_COLUMNS = {
    "attribute_set_id": Column("s.attribute_set_id", NUMBER),
    "attribute_set_name": Column("s.attribute_set_name", TEXT),
    "sort_order": Column("s.sort_order", NUMBER),
    "entity_type_id": Column("s.entity_type_id", NUMBER),
    "entity_type_code": Column("'catalog_product'", TEXT),
}
GROUP_COLUMNS = {
    "attribute_group_id": Column("g.attribute_group_id", NUMBER),
    "attribute_group_name": Column("g.attribute_group_name", TEXT),
    "attribute_set_id": Column("g.attribute_set_id", NUMBER),
    "sort_order": Column("g.sort_order", NUMBER),
}


def _sets(ctx: Context) -> Any:
    source = Source("eav_attribute_set s", "s.*", "s.attribute_set_id", SET_COLUMNS)
    rows, total, criteria = ctx.search(source)
    return {"items": [dict(row) for row in rows], "search_criteria": criteria.echo(), "total_count": total}


@route("GET", "/V1/products/attribute-sets/sets/list", SETS)
def list_sets(ctx: Context) -> Any:
    return _sets(ctx)


@route("GET", "/V1/eav/attribute-sets/list", SETS)
def list_eav_sets(ctx: Context) -> Any:
    return _sets(ctx)


@route("GET", "/V1/products/attribute-sets/:attributeSetId", SETS)
def get_set(ctx: Context, attributeSetId: str) -> Any:  # noqa: N803  # name of the path variable
    return dict(_set(ctx, attributeSetId))


@route("GET", "/V1/eav/attribute-sets/:attributeSetId", SETS)
def get_eav_set(ctx: Context, attributeSetId: str) -> Any:  # noqa: N803  # as above
    return dict(_set(ctx, attributeSetId))


@route("POST", "/V1/products/attribute-sets", SETS)
def create_set(ctx: Context) -> Any:
    """A copy of the set `skeletonId`, under a new name."""
    given = as_object("attributeSet", ctx.needed("attributeSet", "attribute_set"))
    skeleton = _set(ctx, str(ctx.optional("skeletonId", "skeleton_id") or DEFAULT_SET))["attribute_set_id"]
    name = str(given.get("attribute_set_name") or "")
    if ctx.db.execute("SELECT 1 FROM eav_attribute_set WHERE attribute_set_name = ?", (name,)).fetchone():
        raise MagentoError(400, 'A "%1" attribute set name already exists. Create a new name and try again.', [name])
    cursor = ctx.db.execute(
        "INSERT INTO eav_attribute_set (attribute_set_name, sort_order) VALUES (?, ?)",
        (name, given.get("sort_order") or 0),
    )
    set_id = int(cursor.lastrowid or 0)
    copy_set(ctx.db, int(skeleton), set_id)
    return dict(_set(ctx, str(set_id)))


def copy_set(db: sqlite3.Connection, from_id: int, to_id: int) -> None:
    """Groups and attributes of one set for another, which has none yet."""
    for group in db.execute("SELECT * FROM eav_attribute_group WHERE attribute_set_id = ?", (from_id,)).fetchall():
        cursor = db.execute(
            "INSERT INTO eav_attribute_group (attribute_group_name, attribute_set_id, sort_order) VALUES (?, ?, ?)",
            (group["attribute_group_name"], to_id, group["sort_order"]),
        )
        db.execute(
            "INSERT INTO eav_entity_attribute (attribute_set_id, attribute_id, attribute_group_id, sort_order)"
            " SELECT ?, attribute_id, ?, sort_order FROM eav_entity_attribute WHERE attribute_set_id = ? AND attribute_group_id = ?",
            (to_id, cursor.lastrowid, from_id, group["attribute_group_id"]),
        )


@route("DELETE", "/V1/products/attribute-sets/:attributeSetId", SETS)
def delete_set(ctx: Context, attributeSetId: str) -> Any:  # noqa: N803  # as above
    row = _set(ctx, attributeSetId)
    if row["attribute_set_id"] == DEFAULT_SET:
        raise MagentoError(400, "The default attribute set can't be deleted.")
    for table in ("eav_entity_attribute", "eav_attribute_group", "eav_attribute_set"):
        ctx.db.execute(f"DELETE FROM {table} WHERE attribute_set_id = ?", (row["attribute_set_id"],))  # noqa: S608  # our own names
    return True


@route("GET", "/V1/products/attribute-sets/:attributeSetId/attributes", SETS)
def attributes_of_set(ctx: Context, attributeSetId: str) -> Any:  # noqa: N803  # as above
    row = _set(ctx, attributeSetId)
    found = ctx.db.execute(
        "SELECT a.* FROM eav_entity_attribute s JOIN eav_attribute a USING (attribute_id) WHERE s.attribute_set_id = ?"
        " ORDER BY s.entity_attribute_id",
        (row["attribute_set_id"],),
    ).fetchall()
    return [attribute_json(ctx.db, one, ctx.store.store_id, single=False) for one in found]


@route("POST", "/V1/products/attribute-sets/attributes", SETS)
def assign_attribute(ctx: Context) -> Any:
    set_id = as_int("attributeSetId", ctx.needed("attributeSetId", "attribute_set_id"))
    group_id = as_int("attributeGroupId", ctx.needed("attributeGroupId", "attribute_group_id"))
    code = str(ctx.needed("attributeCode", "attribute_code"))
    order = as_int("sortOrder", ctx.optional("sortOrder", "sort_order") or 0)
    _set(ctx, str(set_id))
    group = ctx.db.execute(
        "SELECT 1 FROM eav_attribute_group WHERE attribute_group_id = ? AND attribute_set_id = ?", (group_id, set_id)
    ).fetchone()
    if group is None:
        raise MagentoError(400, "The attribute group doesn't belong to the attribute set.")
    row = ctx.db.execute("SELECT attribute_id FROM eav_attribute WHERE attribute_code = ?", (code,)).fetchone()
    if row is None:
        raise no_such_entity("attributeCode", code)
    ctx.db.execute(
        "INSERT INTO eav_entity_attribute (attribute_set_id, attribute_id, attribute_group_id, sort_order) VALUES (?, ?, ?, ?)"
        " ON CONFLICT (attribute_set_id, attribute_id) DO UPDATE SET attribute_group_id = excluded.attribute_group_id,"
        " sort_order = excluded.sort_order",
        (set_id, row["attribute_id"], group_id, order),
    )
    found = ctx.db.execute(
        "SELECT entity_attribute_id FROM eav_entity_attribute WHERE attribute_set_id = ? AND attribute_id = ?",
        (set_id, row["attribute_id"]),
    ).fetchone()
    return str(found["entity_attribute_id"])


@route("DELETE", "/V1/products/attribute-sets/:attributeSetId/attributes/:attributeCode", SETS)
def unassign_attribute(ctx: Context, attributeSetId: str, attributeCode: str) -> Any:  # noqa: N803  # as above
    row = _set(ctx, attributeSetId)
    gone = ctx.db.execute(
        "DELETE FROM eav_entity_attribute WHERE attribute_set_id = ?"
        " AND attribute_id = (SELECT attribute_id FROM eav_attribute WHERE attribute_code = ?)",
        (row["attribute_set_id"], attributeCode),
    )
    if not gone.rowcount:
        raise MagentoError(
            400,
            'The "%1" attribute wasn\'t found in the "%2" attribute set. Enter the attribute and try again.',
            [attributeCode, attributeSetId],
        )
    return True


@route("GET", "/V1/products/attribute-sets/groups/list", SETS)
def list_groups(ctx: Context) -> Any:
    source = Source(
        "eav_attribute_group g",
        "g.*",
        "g.sort_order, g.attribute_group_id",
        GROUP_COLUMNS,
        shuffle_key="g.attribute_group_id",
    )
    rows, total, criteria = ctx.search(source)
    items = [
        {
            "attribute_group_id": str(row["attribute_group_id"]),
            "attribute_group_name": row["attribute_group_name"],
            "attribute_set_id": row["attribute_set_id"],
        }
        for row in rows
    ]
    return {"items": items, "search_criteria": criteria.echo(), "total_count": total}


def _set(ctx: Context, set_id: str) -> sqlite3.Row:
    row: sqlite3.Row | None = ctx.db.execute(
        "SELECT * FROM eav_attribute_set WHERE attribute_set_id = ?", (set_id,)
    ).fetchone()
    if row is None:
        raise no_such_entity("id", as_int("attributeSetId", set_id))
    return row
