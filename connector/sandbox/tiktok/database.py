"""SQLite under the TikTok Shop side: one file, WAL, one connection per thread, writes one at a time."""

from __future__ import annotations

import json
import secrets
import sqlite3
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from importlib import resources
from pathlib import Path
from typing import Any, Protocol

Json = dict[str, Any]


class Columns(Protocol):
    """A row of the database, or a dict in its place."""

    def __getitem__(self, name: str, /) -> Any: ...


# Nineteen digits, as the marketplace's own: beyond what a double can hold, so that nobody may read them as one.
ID_BASES = {
    "product": 1_729_500_000_000_000_000,
    "sku": 1_730_500_000_000_000_000,
    "order": 576_500_000_000_000_000,
    "line": 577_500_000_000_000_000,
    "package": 1_152_900_000_000_000_000,
    "cancel": 4_035_200_000_000_000_000,
    "return": 4_036_200_000_000_000_000,
    "after_sale_line": 4_037_200_000_000_000_000,
    "brand": 7_082_400_000_000_000_000,
    "value": 7_300_400_000_000_000_000,
    "file": 7_400_400_000_000_000_000,
    "notification": 7_500_400_000_000_000_000,
    "user": 7_600_400_000_000_000_000,
    "tracking": 9_400_100_000_000_000_000,
}
ID_STEP = 65_537
MOST_FIRST_ORDER = 10**9


def dumps(value: object) -> str:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))


class Database:
    """The state file. `write` is a transaction that excludes every other writer; `read` never waits."""

    def __init__(self, file: Path) -> None:
        self._file = file
        self._local = threading.local()
        self._writer = threading.RLock()
        schema = resources.files("connector.sandbox.tiktok").joinpath("schema.sql").read_text("utf-8")
        self.connection().executescript(schema)

    def connection(self) -> sqlite3.Connection:
        """This thread's connection, outside any transaction."""
        connection: sqlite3.Connection | None = getattr(self._local, "connection", None)
        if connection is None:
            connection = sqlite3.connect(self._file, timeout=30, isolation_level=None)
            connection.row_factory = sqlite3.Row
            connection.execute("PRAGMA journal_mode = WAL")
            connection.execute("PRAGMA synchronous = NORMAL")
            connection.execute("PRAGMA cache_size = -16384")
            self._local.connection = connection
        return connection

    def close(self) -> None:
        """Close this thread's connection."""
        connection: sqlite3.Connection | None = getattr(self._local, "connection", None)
        if connection is not None:
            connection.close()
            del self._local.connection

    @contextmanager
    def write(self) -> Iterator[sqlite3.Connection]:
        """One IMMEDIATE transaction: committed at the end, undone when an exception leaves it."""
        with self._writer:
            connection = self.connection()
            if connection.in_transaction:
                yield connection
                return
            connection.execute("BEGIN IMMEDIATE")
            try:
                yield connection
            except BaseException:
                connection.rollback()
                raise
            connection.commit()

    @contextmanager
    def read(self) -> Iterator[sqlite3.Connection]:
        """One view of the state: what others write meanwhile is not seen."""
        connection = self.connection()
        if connection.in_transaction:
            yield connection
            return
        connection.execute("BEGIN")
        try:
            yield connection
        finally:
            connection.rollback()


def next_id(tx: sqlite3.Connection, kind: str) -> int:
    """The next id of `kind`: growing, never given twice, not even by a restarted sandbox.

    Orders begin anywhere, because one store may meet several sandboxes one after the other.
    """
    first = secrets.randbelow(MOST_FIRST_ORDER) if kind == "order" else 1
    row = tx.execute(
        "INSERT INTO sequence (kind, last) VALUES (?, ?) ON CONFLICT (kind) DO UPDATE SET last = last + 1 RETURNING last",
        (kind, first),
    ).fetchone()
    return ID_BASES[kind] + int(row[0]) * ID_STEP


def setting(tx: sqlite3.Connection, key: str) -> str | None:
    row = tx.execute("SELECT value FROM setting WHERE key = ?", (key,)).fetchone()
    return None if row is None else str(row[0])


def set_setting(tx: sqlite3.Connection, key: str, value: str) -> None:
    tx.execute("INSERT INTO setting VALUES (?, ?) ON CONFLICT (key) DO UPDATE SET value = excluded.value", (key, value))
