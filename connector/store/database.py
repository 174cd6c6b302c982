"""One database handle for SQLite and PostgreSQL alike.

SQLite runs in WAL mode and every write transaction starts IMMEDIATE: a deferred one that turns into a write fails with
"database is locked" however long the busy time-out is.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from peewee import Database, DatabaseProxy, OperationalError, PostgresqlDatabase, SqliteDatabase
from playhouse.db_url import parse
from playhouse.pool import PooledDatabase, PooledPostgresqlDatabase

from connector.errors import ConfigurationError

database = DatabaseProxy()
"""What every model is bound to; `connect` points it at a real database."""

_PRAGMAS = {
    "journal_mode": "wal",
    "synchronous": 1,
    "busy_timeout": 15_000,
    "foreign_keys": 1,
    "cache_size": -32_000,
}


def connect(url: str) -> Database:
    """Point the models at `sqlite:///path` or `postgresql://user:password@host/name` and check that it answers.

    What they were pointed at before is closed. On PostgreSQL the connection that was tried waits for its first use.

    Raises:
        ConfigurationError: the URL has another scheme, or nothing answers there.
    """
    scheme = url.partition(":")[0]
    if scheme == "sqlite":
        handle: Database = SqliteDatabase(parse(url)["database"], pragmas=_PRAGMAS, thread_safe=True)
    elif scheme in {"postgresql", "postgres"}:
        settings = parse(url)
        handle = PooledPostgresqlDatabase(settings.pop("database"), max_connections=32, stale_timeout=300, **settings)
    else:
        raise ConfigurationError(
            f"CONNECTOR_DATABASE_URL starts with “{scheme}:”. Write sqlite:///path/to/file or postgresql://user:password@host/name."
        )
    disconnect()
    database.initialize(handle)
    try:
        handle.connect(reuse_if_open=True)
        handle.close()
    except (OperationalError, OSError) as error:
        reason = str(error).strip().splitlines()[0] if str(error).strip() else type(error).__name__
        raise ConfigurationError(f"The database does not answer ({reason}). Check CONNECTOR_DATABASE_URL.") from error
    return handle


def disconnect() -> None:
    """Close every connection of this process, of whichever thread. The next statement opens one again."""
    handle = database.obj
    if isinstance(handle, PooledDatabase):
        handle.close_all()
    elif handle is not None and not handle.is_closed():
        handle.close()


def is_sqlite() -> bool:
    """True on SQLite, False on PostgreSQL."""
    return isinstance(database.obj, SqliteDatabase)


def is_postgres() -> bool:
    """True on PostgreSQL, False on SQLite."""
    return isinstance(database.obj, PostgresqlDatabase)


@contextmanager
def transaction() -> Iterator[Any]:
    """A write transaction, or a savepoint inside one. All or nothing."""
    if is_sqlite() and not database.in_transaction():
        with database.atomic("IMMEDIATE") as txn:
            yield txn
    else:
        with database.atomic() as txn:
            yield txn


def locked(query: Any) -> Any:
    """The rows of a query, nobody else's until the transaction ends.

    PostgreSQL locks them one by one; on SQLite the transaction itself keeps every other writer away.
    """
    return query.for_update() if is_postgres() else query


@contextmanager
def connection() -> Iterator[None]:
    """Open a connection for this thread and close it afterwards; nests."""
    opened = database.connect(reuse_if_open=True)
    try:
        yield
    finally:
        if opened:
            database.close()
