"""The database's history, applied in order by `upgrade`.

A file is what it was on its day: it knows its tables by itself and imports no models, which go on changing. Whoever changes
a model adds the next file; a test compares what all files make with what the models say.
"""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from peewee import OperationalError
from playhouse.migrations import Runner

from connector.errors import ConfigurationError
from connector.store.database import connection, database, is_postgres

HERE = Path(__file__).parent
POSTGRES_LOCK = 0x636F6E6E
"""Number of an advisory lock: “conn” in ASCII."""


def upgrade(folder: Path = HERE) -> list[str]:
    """Apply what is missing, each migration in one transaction; the names applied, in order.

    One that is killed leaves whole migrations behind and the next call goes on; two at once take turns.

    Raises:
        ConfigurationError: the database refuses for a reason of its own: it is in use, full, or went away.
    """
    try:
        with connection(), _one_at_a_time():
            applied: list[str] = Runner(database.obj, directory=str(folder)).up()
    except OperationalError as error:
        raise ConfigurationError(
            f"The database could not be brought up to date ({str(error).strip()}). What was under way was taken back. "
            "Stop what uses the database, then run: connector migrate"
        ) from error
    return applied


def pending(folder: Path = HERE) -> list[str]:
    """Names of migrations that this database has not seen."""
    with connection():
        rows = Runner(database.obj, directory=str(folder)).status()
    return [row.name for row in rows if row.path and not row.applied]


@contextmanager
def _one_at_a_time() -> Iterator[None]:
    """Wait for another upgrade of this database. On SQLite by a lock on the folder of its file, which leaves nothing there."""
    if is_postgres():
        database.execute_sql("SELECT pg_advisory_lock(%s)", (POSTGRES_LOCK,))
        try:
            yield
        finally:
            database.execute_sql("SELECT pg_advisory_unlock(%s)", (POSTGRES_LOCK,))
        return
    lock = os.open(Path(database.obj.database).absolute().parent, os.O_RDONLY)
    try:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield
    finally:
        os.close(lock)
