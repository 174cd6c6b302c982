"""The database's history, applied in order by `upgrade`."""

from __future__ import annotations

from pathlib import Path

from playhouse.migrations import Runner

from connector.store.database import connection, database


def upgrade() -> list[str]:
    """Apply what is missing, each migration in one transaction; the names applied, in order."""
    with connection():
        applied: list[str] = Runner(database.obj, directory=str(Path(__file__).parent)).up()
    return applied


def pending() -> list[str]:
    """Names of migrations that this database has not seen."""
    with connection():
        rows = Runner(database.obj, directory=str(Path(__file__).parent)).status()
    return [row.name for row in rows if row.path and not row.applied]
