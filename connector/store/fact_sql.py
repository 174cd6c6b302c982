"""Running the statements of the fact tables on SQLite and PostgreSQL: reading, bulk writing, ids in one go."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Literal, TypeAlias

from peewee import Database, SqliteDatabase

from connector.rules.sql import Query
from connector.rules.sql_dialect import POSTGRES, SQLITE, Dialect

Kind: TypeAlias = Literal["bigint", "text", "jsonb"]


@dataclass(frozen=True, slots=True)
class Column:
    """A column of a fact table. SQLite keeps `jsonb` as text."""

    name: str
    kind: Kind

    def declared(self, dialect: Dialect) -> str:
        """Its declaration: text in code point order, whatever the database's locale."""
        if dialect.name == "sqlite":
            return f"{self.name} {'INTEGER' if self.kind == 'bigint' else 'TEXT'}"
        return f'{self.name} text COLLATE "C"' if self.kind == "text" else f"{self.name} {self.kind}"


class Runner:
    """Statements with `?` placeholders on one database."""

    def __init__(self, db: Database) -> None:
        self.db: Any = db
        self.dialect = SQLITE if isinstance(db, SqliteDatabase) else POSTGRES

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """All or nothing; IMMEDIATE on SQLite, a savepoint inside another one."""
        immediate = self.dialect is SQLITE and not self.db.in_transaction()
        with self.db.atomic("IMMEDIATE") if immediate else self.db.atomic():
            yield

    def run(self, text: str, params: Sequence[object] = ()) -> Any:
        """Run one statement; returns the cursor."""
        return self.db.execute_sql(self.dialect.finish(text), tuple(params))

    def rows(self, text: str, params: Sequence[object] = ()) -> list[tuple[Any, ...]]:
        """All rows of a query."""
        return list(self.run(text, params).fetchall())

    def ids(self, query: Query) -> list[int]:
        """The ids that a compiled query yields, in no order, fetched as one value."""
        text = self.dialect.gathered(query.text)
        if self.dialect is SQLITE:
            found: list[int] = json.loads(self.db.execute_sql(text, query.params).fetchone()[0])
            return found
        with self._set_query(), self.db.connection().cursor(binary=True) as cursor:
            cursor.execute(text, query.params)
            return cursor.fetchone()[0] or []

    def stream(self, text: str, params: Sequence[object]) -> Iterator[tuple[Any, ...]]:
        """Rows of a finished statement, one by one as far as the driver allows."""
        if self.dialect is SQLITE:
            yield from self.db.execute_sql(text, params)
            return
        with self._set_query(), self.db.connection().cursor(binary=True) as cursor:
            cursor.execute(text, params)
            yield from cursor

    @contextmanager
    def _set_query(self) -> Iterator[None]:
        """Memory for hashing the variants' products; a sub-query that does not fit is run once a row instead."""
        with self.db.atomic():
            self.db.execute_sql("SET LOCAL work_mem = '64MB'")
            yield

    def upsert(self, table: str, columns: Sequence[Column], rows: Sequence[tuple[object, ...]]) -> None:
        """Insert rows, or replace those with the same first column."""
        if not rows:
            return
        names = ", ".join(column.name for column in columns)
        key = columns[0].name
        sets = ", ".join(f"{column.name} = excluded.{column.name}" for column in columns[1:])
        ending = f"ON CONFLICT ({key}) DO UPDATE SET {sets}"
        if self.dialect is SQLITE:
            marks = ", ".join("?" * len(columns))
            cursor = self.db.cursor()
            cursor.executemany(f"INSERT INTO {table} ({names}) VALUES ({marks}) {ending}", rows)  # noqa: S608  # our names
            return
        arrays = ", ".join(f"%s::{'text' if column.kind == 'jsonb' else column.kind}[]" for column in columns)
        taken = ", ".join(f"u.{column.name}::{column.kind}" for column in columns)
        text = f"INSERT INTO {table} ({names}) SELECT {taken} FROM unnest({arrays}) AS u({names}) {ending}"  # noqa: S608  # our names
        self.db.execute_sql(text, tuple(list(values) for values in zip(*rows, strict=True)))
