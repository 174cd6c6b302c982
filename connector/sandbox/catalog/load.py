"""Puts a catalogue into the tables of a fresh installation, thousands of products a second.

Ids of products, attributes, options, categories and sets are kept as given. Attributes that Magento has by itself keep their own
properties; one whose number the catalogue uses for another attribute gets a new number.
"""

from __future__ import annotations

import json
import sqlite3
from collections import defaultdict
from collections.abc import Iterator
from decimal import Decimal, InvalidOperation
from pathlib import Path
from typing import Any

from connector.sandbox.catalog import rows
from connector.sandbox.catalog.files import read_folder
from connector.sandbox.catalog.model import ATTRIBUTES, CATEGORIES, SETS, Catalog
from connector.sandbox.options import SandboxError

BATCH = 2000
DEFAULT_SET = 4
CREATED = "2026-01-01 00:00:00"


def load_folder(db: sqlite3.Connection, folder: Path) -> int:
    """Loads a catalogue folder; returns the number of products. Raises SandboxError naming file, line and what is wrong."""
    return load_catalog(db, read_folder(folder))


def load_catalog(db: sqlite3.Connection, catalog: Catalog) -> int:
    """Loads into the open transaction of a fresh installation; returns the number of products. Raises SandboxError."""
    _attributes(db, catalog.attributes)
    _sets(db, catalog)
    _categories(db, catalog.categories)
    count = _products(db, catalog)
    _check_children(db)
    return count


def _attributes(db: sqlite3.Connection, attributes: list[dict[str, Any]]) -> None:
    given: dict[str, dict[str, Any]] = {}
    for place, attribute in enumerate(attributes, start=1):
        code, number = attribute.get("attribute_code"), attribute.get("attribute_id")
        if not isinstance(code, str) or not isinstance(number, int):
            raise SandboxError(
                f"{ATTRIBUTES}, entry {place}: an attribute needs attribute_code (text) and attribute_id (number)."
            )
        if code in given:
            raise SandboxError(f"{ATTRIBUTES}, entry {place}: attribute {code} is there twice.")
        given[code] = attribute
    core = {
        row["attribute_code"]: row["attribute_id"]
        for row in db.execute("SELECT attribute_code, attribute_id FROM eav_attribute")
    }
    numbers = [attribute["attribute_id"] for attribute in given.values()]
    if len(set(numbers)) != len(numbers):
        raise SandboxError(f"{ATTRIBUTES}: two attributes have the same attribute_id.")
    _renumber(db, core, {code: attribute["attribute_id"] for code, attribute in given.items()})
    for code, attribute in given.items():
        if code in core:
            _label(db, attribute)
        else:
            rows.insert_attribute(db, attribute)
        rows.insert_options(db, attribute)


def _renumber(db: sqlite3.Connection, core: dict[str, int], wanted: dict[str, int]) -> None:
    """Gives Magento's own attributes the catalogue's numbers, and new ones to those that are in the way."""
    taken = set(wanted.values())
    free = max([*taken, *core.values()], default=0)
    changes: dict[int, int] = {}
    for code, number in core.items():
        if code in wanted:
            changes[number] = wanted[code]
        elif number in taken:
            free += 1
            changes[number] = free
    for sign in (-1, 1):  # first out of each other's way, then to the new numbers
        for old, new in changes.items():
            here, there = (old, -new) if sign < 0 else (-new, new)
            for table in ("eav_attribute", "eav_attribute_option", "eav_entity_attribute"):
                db.execute(f"UPDATE {table} SET attribute_id = ? WHERE attribute_id = ?", (there, here))  # noqa: S608  # our own names


def _label(db: sqlite3.Connection, attribute: dict[str, Any]) -> None:
    label = attribute.get("default_frontend_label")
    if label:
        db.execute(
            "UPDATE eav_attribute SET data = json_set(data, '$.default_frontend_label', ?) WHERE attribute_id = ?",
            (label, attribute["attribute_id"]),
        )


def _sets(db: sqlite3.Connection, catalog: Catalog) -> None:
    own = [row[0] for row in db.execute("SELECT attribute_id FROM eav_attribute WHERE is_user_defined")]
    for place, one in enumerate(catalog.attribute_sets, start=1):
        number, name = one.get("attribute_set_id"), one.get("attribute_set_name")
        if not isinstance(number, int) or not isinstance(name, str):
            raise SandboxError(
                f"{SETS}, entry {place}: a set needs attribute_set_id (number) and attribute_set_name (text)."
            )
        if number == DEFAULT_SET:
            db.execute("UPDATE eav_attribute_set SET attribute_set_name = ? WHERE attribute_set_id = ?", (name, number))
        else:
            rows.insert_set(db, number, name, one.get("sort_order") or 0, DEFAULT_SET)
    for (set_id,) in db.execute("SELECT attribute_set_id FROM eav_attribute_set").fetchall():
        rows.assign_all(db, set_id, own)


def _categories(db: sqlite3.Connection, root: dict[str, Any]) -> None:
    for row in _branch(root, "1", 1, set()):
        rows.insert_category(db, row, CREATED)


def _branch(node: dict[str, Any], path: str, level: int, seen: set[int]) -> Iterator[dict[str, Any]]:
    number, name = node.get("id"), node.get("name")
    if not isinstance(number, int) or not isinstance(name, str):
        raise SandboxError(
            f"{CATEGORIES}: a category below {path} needs id (number) and name (text): {json.dumps(node)[:80]}"
        )
    if number in seen:
        raise SandboxError(f"{CATEGORIES}: category {number} ({name}) is there twice.")
    parent = int(path.rpartition("/")[2])
    if node.get("parent_id") not in (None, parent):
        raise SandboxError(
            f"{CATEGORIES}: category {number} ({name}) says parent {node['parent_id']} but stands below {parent}."
        )
    seen.add(number)
    here = f"{path}/{number}"
    yield node | {"path": here, "level": level, "parent_id": parent}
    for child in node.get("children_data") or []:
        yield from _branch(child, here, level + 1, seen)


def _products(db: sqlite3.Connection, catalog: Catalog) -> int:
    known = _Known(db)
    tables: dict[str, list[tuple[Any, ...]]] = defaultdict(list)
    count = 0
    for place, product in catalog.products:
        _checked(place, product, known)
        for table, row in rows.of_product(product, known.attributes):
            tables[table].append(row)
        count += 1
        if count % BATCH == 0:
            _flush(db, tables)
    _flush(db, tables)
    return count


def _flush(db: sqlite3.Connection, tables: dict[str, list[tuple[Any, ...]]]) -> None:
    for table, collected in tables.items():
        db.executemany(rows.INSERTS[table], collected)
    tables.clear()


class _Known:
    """What products may name, and the names that are taken."""

    def __init__(self, db: sqlite3.Connection) -> None:
        found = db.execute("SELECT attribute_code, attribute_id, backend_type FROM eav_attribute")
        self.attributes = {row[0]: (int(row[1]), str(row[2])) for row in found}
        self.attribute_ids = {number for number, _ in self.attributes.values()}
        self.sets = {row[0] for row in db.execute("SELECT attribute_set_id FROM eav_attribute_set")}
        self.categories = {row[0] for row in db.execute("SELECT entity_id FROM catalog_category_entity")}
        self.websites = {row[0] for row in db.execute("SELECT website_id FROM store_website WHERE website_id > 0")}
        self.ids: set[int] = set()
        self.skus: set[str] = set()


def _checked(place: str, product: dict[str, Any], known: _Known) -> None:
    """Raises SandboxError for a product that the tables could not hold or that points to nothing."""
    sku, number = product.get("sku"), product.get("id")
    if not isinstance(sku, str) or not sku.strip():
        raise SandboxError(f"{place}: the product has no sku.")
    if not isinstance(number, int) or isinstance(number, bool) or number < 1:
        raise SandboxError(f"{place}: product {sku} needs an id, a number above 0.")
    if number in known.ids or sku.strip().lower() in known.skus:
        raise SandboxError(f"{place}: product {sku} (id {number}) is there twice; letter case does not count.")
    known.ids.add(number)
    known.skus.add(sku.strip().lower())
    for field in ("price", "weight"):
        _check_number(place, sku, field, product.get(field))
    _check_names(place, sku, product, known)


def _check_names(place: str, sku: str, product: dict[str, Any], known: _Known) -> None:
    """What the product points to has to be there."""
    if product.get("attribute_set_id", DEFAULT_SET) not in known.sets:
        raise SandboxError(
            f"{place}: product {sku} names attribute set {product['attribute_set_id']}, which is not in {SETS}."
        )
    extension = product.get("extension_attributes") or {}
    for link in extension.get("category_links") or []:
        if int(link.get("category_id", 0)) not in known.categories:
            raise SandboxError(
                f"{place}: product {sku} names category {link.get('category_id')}, which is not in {CATEGORIES}."
            )
    for website in extension.get("website_ids") or []:
        if website not in known.websites:
            raise SandboxError(
                f"{place}: product {sku} names website {website}; this store has {sorted(known.websites)}."
            )
    for pair in product.get("custom_attributes") or []:
        if pair.get("attribute_code") not in known.attributes:
            raise SandboxError(
                f"{place}: product {sku} has a value of “{pair.get('attribute_code')}”, which is not in {ATTRIBUTES}."
            )
    for option in extension.get("configurable_product_options") or []:
        if int(option.get("attribute_id", 0)) not in known.attribute_ids:
            raise SandboxError(
                f"{place}: product {sku} varies by attribute {option.get('attribute_id')}, which is not in {ATTRIBUTES}."
            )


def _check_number(place: str, sku: str, field: str, value: Any) -> None:
    try:
        number = Decimal(str(value if value is not None else 0))
    except InvalidOperation:
        raise SandboxError(f"{place}: {field} of product {sku} is “{value}”, not a number.") from None
    if not number.is_finite() or number < 0:
        raise SandboxError(f"{place}: {field} of product {sku} is {value}; it must be 0 or more.")


def _check_children(db: sqlite3.Connection) -> None:
    row = db.execute(
        "SELECT p.sku, l.product_id FROM catalog_product_super_link l JOIN catalog_product_entity p ON p.entity_id = l.parent_id"
        " LEFT JOIN catalog_product_entity c ON c.entity_id = l.product_id WHERE c.entity_id IS NULL LIMIT 1"
    ).fetchone()
    if row is not None:
        raise SandboxError(
            f"products.jsonl: configurable {row['sku']} has the variant id {row['product_id']}, which no product has."
        )
