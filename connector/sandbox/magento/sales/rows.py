"""Rows of the sales tables as dictionaries: decimals as `Decimal`, JSON columns as lists and objects.

The tables' own declarations say what a column holds, so that the schema stays the only list of fields.
"""

from __future__ import annotations

import json
import re
import sqlite3
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from decimal import ROUND_HALF_UP, Decimal
from importlib import resources
from typing import Any

Row = dict[str, Any]

UNITS = Decimal(10_000)
CENT = Decimal("0.01")
# Magento's tables are utf8 with three bytes a character at most; MySQL writes one question mark for each byte it cannot hold.
_BEYOND_BASIC_PLANE = re.compile("[\U00010000-\U0010ffff]")


@dataclass(frozen=True, slots=True)
class Table:
    """`kinds` maps a column to its declared type: INTEGER, DECIMAL, TEXT, VARCHAR(n) or JSON; `key` is the primary key."""

    name: str
    key: str
    kinds: Mapping[str, str]


def _read_schema() -> dict[str, Table]:
    db = sqlite3.connect(":memory:")
    db.executescript(resources.files(__package__).joinpath("schema.sql").read_text("utf-8"))
    tables = {}
    names = [
        row[0] for row in db.execute("SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite%'")
    ]
    for name in names:
        columns = db.execute(f"PRAGMA table_info({name})").fetchall()
        tables[name] = Table(name, next(c[1] for c in columns if c[5]), {c[1]: c[2] for c in columns})
    db.close()
    return tables


TABLES = _read_schema()


def cents(amount: Decimal) -> Decimal:
    """Rounded as the shop rounds prices: two decimals, halves away from zero."""
    return amount.quantize(CENT, ROUND_HALF_UP)


def storable(text: str) -> str:
    """The text as the shop's database keeps it: `????` for every character outside the basic plane."""
    return _BEYOND_BASIC_PLANE.sub("????", text)


def insert(db: sqlite3.Connection, table: str, values: Mapping[str, Any]) -> int:
    """Adds a row and returns its key. Keys of `values` that are no columns are a KeyError."""
    kinds = TABLES[table].kinds
    stored = {name: _stored(kinds[name], value) for name, value in values.items()}
    names, marks = ", ".join(stored), ", ".join(f":{name}" for name in stored)
    cursor = db.execute(f"INSERT INTO {table} ({names}) VALUES ({marks})", stored)  # noqa: S608  # names come from the schema
    return int(cursor.lastrowid or 0)


def update(db: sqlite3.Connection, table: str, key: int, values: Mapping[str, Any]) -> None:
    """Writes the given columns of one row, the others stay."""
    if not values:
        return
    kinds = TABLES[table].kinds
    stored = {name: _stored(kinds[name], value) for name, value in values.items()}
    assignments = ", ".join(f"{name} = :{name}" for name in stored)
    db.execute(f"UPDATE {table} SET {assignments} WHERE {TABLES[table].key} = :row_key", stored | {"row_key": key})  # noqa: S608  # as above


def one(db: sqlite3.Connection, table: str, key: int) -> Row | None:
    row = db.execute(f"SELECT * FROM {table} WHERE {TABLES[table].key} = ?", (key,)).fetchone()  # noqa: S608  # as above
    return None if row is None else read(table, row)


def many(db: sqlite3.Connection, table: str, column: str, value: Any, *, newest_first: bool = False) -> list[Row]:
    """The rows with this value in the column, by key."""
    order = "DESC" if newest_first else "ASC"
    sql = f"SELECT * FROM {table} WHERE {column} = ? ORDER BY {TABLES[table].key} {order}"  # noqa: S608  # as above
    return [read(table, row) for row in db.execute(sql, (value,))]


def by_parents(db: sqlite3.Connection, table: str, column: str, parents: Iterable[int]) -> dict[int, list[Row]]:
    """Rows of many parents with one statement a few hundred: parent key to its rows, by key."""
    keys = list(parents)
    found: dict[int, list[Row]] = {key: [] for key in keys}
    for start in range(0, len(keys), 500):
        part = keys[start : start + 500]
        marks = ", ".join("?" * len(part))
        sql = f"SELECT * FROM {table} WHERE {column} IN ({marks}) ORDER BY {TABLES[table].key}"  # noqa: S608  # as above
        for row in db.execute(sql, part):
            found[row[column]].append(read(table, row))
    return found


def read(table: str, row: sqlite3.Row) -> Row:
    """A row of `table` (all its columns) with Python values."""
    kinds = TABLES[table].kinds
    return {name: _loaded(kinds[name], row[name]) for name in row.keys()}  # noqa: SIM118  # a Row iterates over its values


def wire(value: Any) -> Any:
    """The value as PHP prints it in JSON: whole decimals without a point, others as a number."""
    if isinstance(value, Decimal):
        return int(value) if value == value.to_integral_value() else float(value)
    if isinstance(value, Mapping):
        return {key: wire(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [wire(item) for item in value]
    return value


def present(values: Mapping[str, Any], fields: Iterable[str], always: Iterable[str] = ()) -> Row:
    """The fields that have a value, as the REST answer shows them; those of `always` also when they have none."""
    needed = set(always)
    return {name: wire(values.get(name)) for name in fields if values.get(name) is not None or name in needed}


def _stored(kind: str, value: Any) -> Any:
    if value is None:
        return None
    match kind:
        case "DECIMAL":
            return int((Decimal(value) * UNITS).quantize(Decimal(1), ROUND_HALF_UP))
        case "JSON":
            return storable(json.dumps(wire(value), ensure_ascii=False))
        case "INTEGER":
            return int(value)
        case _:
            length = int(kind[8:-1]) if kind.startswith("VARCHAR(") else None
            return storable(str(value))[:length] or None  # the shop stores empty text as NULL


def _loaded(kind: str, value: Any) -> Any:
    if value is None:
        return None
    if kind == "DECIMAL":
        return Decimal(value) / UNITS
    return json.loads(value) if kind == "JSON" else value
