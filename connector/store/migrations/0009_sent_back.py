"""Whether a return's goods were sent back, and since when an account is connected.

For databases that were made before the first release was complete; others have both.
"""

from typing import Any

from peewee import BigIntegerField, BooleanField

from connector.store.migrations.steps import add_missing

COLUMNS = (
    ("return_case", "sent_back", BooleanField(default=False)),
    ("account", "connected_at", BigIntegerField(null=True)),
)


def up(migrator: Any, db: Any) -> None:
    """Add the columns that are missing; the marketplace tells again of every return that is still open."""
    add_missing(migrator, db, COLUMNS)


def down(_migrator: Any, _db: Any) -> None:
    """Nothing: the first release has them too."""
