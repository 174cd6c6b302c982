"""What a field of a product search means: a column of the entity, an attribute, or a link to a category or website."""

from __future__ import annotations

import sqlite3

from connector.sandbox.magento.errors import MagentoError
from connector.sandbox.magento.search import DATE, NUMBER, TEXT, Binder, Column, Filter, Source

STATIC = {
    "entity_id": Column("e.entity_id", NUMBER),
    "sku": Column("e.sku", TEXT),
    "type_id": Column("e.type_id", TEXT),
    "attribute_set_id": Column("e.attribute_set_id", NUMBER),
    "created_at": Column("e.created_at", DATE),
    "updated_at": Column("e.updated_at", DATE),
}
KINDS = {"int": NUMBER, "decimal": NUMBER, "datetime": DATE}


def product_source(db: sqlite3.Connection, store_id: int) -> Source:
    """Products whose attributes are read as the store view sees them. Selects `entity_id` and `sku`."""

    def attribute(name: str) -> Column | None:
        row = db.execute(
            "SELECT attribute_id, backend_type FROM eav_attribute WHERE attribute_code = ?", (name,)
        ).fetchone()
        if row is None or row["backend_type"] == "static":
            return None
        return _attribute_column(row, store_id if _differs(db, row["attribute_id"], store_id) else 0)

    return Source(
        table="catalog_product_entity e",
        select="e.entity_id, e.sku, e.type_id",
        key="e.entity_id",
        columns=STATIC,
        resolve=attribute,
        subset=_subset,
        unknown=_unknown,
        ignore_unknown_sort=True,
    )


def _unknown(name: str | None) -> MagentoError:
    return MagentoError(400, 'The "%1" attribute name is invalid. Reset the name and try again.', [name])


def _differs(db: sqlite3.Connection, attribute_id: int, store_id: int) -> bool:
    """True when some product has a value of its own in the store view: only then is a second join worth its time."""
    found = db.execute(
        "SELECT 1 FROM catalog_product_value WHERE attribute_id = ? AND store_id = ? AND store_id > 0 LIMIT 1",
        (attribute_id, store_id),
    )
    return found.fetchone() is not None


def _attribute_column(row: sqlite3.Row, store_id: int) -> Column:
    """The value of the store view, else the default one, by one or two left joins."""
    id_, kind = int(row["attribute_id"]), KINDS.get(row["backend_type"], TEXT)
    join = _join(f"d{id_}", id_, 0)
    value = f"d{id_}.value"
    if store_id:
        join = f"{join} {_join(f's{id_}', id_, store_id)}"
        value = f"COALESCE(s{id_}.value, d{id_}.value)"
    if kind == NUMBER:
        return Column(f"CAST({value} AS NUMERIC)", kind, join)
    return Column(f"{value} COLLATE NOCASE" if kind == TEXT else value, kind, join)


def _join(alias: str, attribute_id: int, store_id: int) -> str:
    return (
        f"LEFT JOIN catalog_product_value {alias} ON {alias}.entity_id = e.entity_id"
        f" AND {alias}.attribute_id = {attribute_id} AND {alias}.store_id = {store_id}"
    )


_IN_CATEGORIES = (
    "SELECT p.product_id FROM catalog_category_product p JOIN catalog_category_entity c ON c.entity_id = p.category_id"
    " WHERE EXISTS (SELECT 1 FROM catalog_category_entity a WHERE a.entity_id IN ({names})"
    " AND (c.entity_id = a.entity_id OR c.path LIKE a.path || '/%'))"
)
_ON_WEBSITES = "SELECT product_id FROM catalog_product_website WHERE website_id IN ({names})"
_IN_STORES = "SELECT w.product_id FROM catalog_product_website w JOIN store s ON s.website_id = w.website_id WHERE s.store_id IN ({names})"


def _subset(one: Filter, bind: Binder) -> str | None:
    if one.name not in {"category_id", "category_ids", "website_id", "store", "store_id"}:
        return None
    names = bind.list([int(part) for part in str(one.value or "").split(",") if part.strip().isdigit()])
    if one.name in {"category_id", "category_ids"}:
        # A category of the storefront shows the products of those below it, too.
        found = _IN_CATEGORIES.format(names=names)
    elif one.name == "website_id":
        found = _ON_WEBSITES.format(names=names)
    else:
        found = _IN_STORES.format(names=names)
    word = "NOT IN" if one.condition in {"neq", "nin"} else "IN"
    return f"e.entity_id {word} ({found})"
