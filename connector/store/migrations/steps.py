"""What migrations share. It changes as little as they do: files of years ago still call it."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from peewee import Field, SqliteDatabase

TYPES = {"serial": "SERIAL", "bigserial": "BIGSERIAL", "bigint": "BIGINT", "boolean": "BOOLEAN"}
"""What the placeholders of a `.sql` file stand for on PostgreSQL; on SQLite all of it is INTEGER."""

_MADE = re.compile(r'CREATE (?:UNIQUE )?(?:TABLE|INDEX) "?(?P<name>\w+)"?')


def statements(file: Path, db: Any) -> Iterator[str]:
    """The statements of a `.sql` file, in the words of this database."""
    types = dict.fromkeys(TYPES, "INTEGER") if isinstance(db, SqliteDatabase) else TYPES
    for statement in file.read_text("utf-8").format(**types).split(";\n"):
        if statement.strip():
            yield statement


def create_missing(file: Path, db: Any, names: Iterable[str]) -> None:
    """Make the tables and indexes of these names that a `.sql` file has and the database has not."""
    wanted = set(names)
    for statement in statements(file, db):
        made = _MADE.match(statement)
        if made and made["name"] in wanted:
            head, kind, rest = re.split(r"(TABLE|INDEX)", statement, maxsplit=1)
            db.execute_sql(f"{head}{kind} IF NOT EXISTS{rest}")


def add_missing(migrator: Any, db: Any, columns: Iterable[tuple[str, str, Field]]) -> bool:
    """Add the columns that a table lacks: (table, column, what it is and what rows get). True when there was one."""
    added = False
    for table, name, field in columns:
        if name not in {column.name for column in db.get_columns(table)}:
            migrator.migrate(migrator.add_column(table, name, field))
            added = True
    return added
