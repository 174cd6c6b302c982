"""One SQLite file holds the whole Magento side; every thread has a connection of its own."""

from __future__ import annotations

import sqlite3
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from decimal import ROUND_HALF_UP, Decimal
from importlib import resources
from pathlib import Path

FILE_NAME = "magento.sqlite3"
SCHEMAS = (("connector.sandbox.magento", "schema.sql"), ("connector.sandbox.magento.sales", "schema.sql"))
CACHE_KIB = 8192
"""Pages that each of the server's threads keeps; the rest is the operating system's."""
FILLING_KIB = 65_536
"""The same while a catalogue is written, by one thread."""
QUANTITY_UNITS = Decimal(10_000)


class Database:
    """`magento.sqlite3` in the data folder: WAL, writes begin IMMEDIATE, one connection a thread.

    Call `connection()` in the thread that uses it, `close()` when the server stops.
    """

    def __init__(self, folder: Path) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self.path = folder / FILE_NAME
        self._local = threading.local()
        self._open: list[sqlite3.Connection] = []
        self._lock = threading.Lock()

    @property
    def is_new(self) -> bool:
        """True until an installation has been written; a file left over from one that broke off counts as new."""
        db = self.connection()
        if db.execute("SELECT 1 FROM sqlite_master WHERE name = 'store'").fetchone() is None:
            return True
        return db.execute("SELECT 1 FROM store LIMIT 1").fetchone() is None

    def connection(self) -> sqlite3.Connection:
        """This thread's connection, in autocommit mode: transactions are begun by name."""
        existing: sqlite3.Connection | None = getattr(self._local, "connection", None)
        if existing is not None:
            return existing
        db = sqlite3.connect(self.path, timeout=60, isolation_level=None, check_same_thread=False)
        db.row_factory = sqlite3.Row
        db.execute("PRAGMA journal_mode = WAL")
        db.execute("PRAGMA synchronous = NORMAL")
        db.execute(f"PRAGMA cache_size = -{CACHE_KIB}")
        self._local.connection = db
        with self._lock:
            self._open.append(db)
        return db

    def create_tables(self) -> None:
        """Creates the tables of the catalogue and of the sales side in an empty file."""
        db = self.connection()
        if db.execute("SELECT 1 FROM sqlite_master WHERE type = 'table'").fetchone():
            return
        for package, name in SCHEMAS:
            db.executescript(resources.files(package).joinpath(name).read_text("utf-8"))

    def close(self) -> None:
        with self._lock:
            for db in self._open:
                db.close()
            self._open.clear()
        self._local = threading.local()


@contextmanager
def transaction(db: sqlite3.Connection) -> Iterator[sqlite3.Connection]:
    """One write transaction; inside another one it joins that one. An exception rolls back."""
    if db.in_transaction:
        yield db
        return
    db.execute("BEGIN IMMEDIATE")
    try:
        yield db
    except BaseException:
        db.execute("ROLLBACK")
        raise
    db.execute("COMMIT")


def to_units(quantity: Decimal) -> int:
    """A quantity as the whole ten-thousandths that the database keeps: 5.5 becomes 55000."""
    return int((quantity * QUANTITY_UNITS).quantize(Decimal(1), ROUND_HALF_UP))


def from_units(units: int) -> Decimal:
    """The quantity that `to_units` stored."""
    return Decimal(units) / QUANTITY_UNITS
