"""Looking products up. Reading and writing whole products is in `product_read` and `product_write`."""

from __future__ import annotations

import sqlite3
from dataclasses import dataclass

from connector.sandbox.magento.errors import MagentoError

WITHOUT_SOURCES = frozenset({"configurable", "bundle", "grouped"})


@dataclass(frozen=True, slots=True)
class ProductRow:
    """The part of a product that does not depend on the store view."""

    entity_id: int
    sku: str
    type_id: str
    attribute_set_id: int
    created_at: str
    updated_at: str

    @property
    def has_sources(self) -> bool:
        """Whether stock is kept for it: not for configurable, bundle and grouped products."""
        return self.type_id not in WITHOUT_SOURCES


_COLUMNS = "entity_id, sku, type_id, attribute_set_id, created_at, updated_at"


def find_product(db: sqlite3.Connection, sku: str) -> ProductRow | None:
    """By SKU, ignoring letter case and blanks around it, as Magento does."""
    row = db.execute(f"SELECT {_COLUMNS} FROM catalog_product_entity WHERE sku = ?", (sku.strip(),)).fetchone()  # noqa: S608  # column list is ours
    return ProductRow(*row) if row else None


def product_by_sku(db: sqlite3.Connection, sku: str) -> ProductRow:
    """Raises MagentoError 404."""
    product = find_product(db, sku)
    if product is None:
        raise product_missing()
    return product


def product_by_id(db: sqlite3.Connection, entity_id: int) -> ProductRow:
    """Raises MagentoError 404."""
    row = db.execute(f"SELECT {_COLUMNS} FROM catalog_product_entity WHERE entity_id = ?", (entity_id,)).fetchone()  # noqa: S608  # column list is ours
    if row is None:
        raise product_missing()
    return ProductRow(*row)


def product_missing() -> MagentoError:
    return MagentoError(404, "The product that was requested doesn't exist. Verify the product and try again.")


def attribute_value(db: sqlite3.Connection, entity_id: int, code: str, store_id: int = 0) -> str | None:
    """One attribute as the store view sees it: its own value, else the default one."""
    row = db.execute(
        "SELECT v.value FROM catalog_product_value v JOIN eav_attribute a USING (attribute_id)"
        " WHERE v.entity_id = ? AND a.attribute_code = ? AND v.store_id IN (0, ?) ORDER BY v.store_id DESC LIMIT 1",
        (entity_id, code, store_id),
    ).fetchone()
    return row["value"] if row else None


def website_ids(db: sqlite3.Connection, entity_id: int) -> list[int]:
    rows = db.execute("SELECT website_id FROM catalog_product_website WHERE product_id = ? ORDER BY 1", (entity_id,))
    return [int(row[0]) for row in rows]
