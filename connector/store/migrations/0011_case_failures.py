"""How often following a cancellation or a return in the store has failed.

For databases that were made before the first release was complete; others have it.
"""

from typing import Any

from peewee import IntegerField

from connector.store.migrations.steps import add_missing

COLUMNS = (("return_case", "failures", IntegerField(default=0)),)


def up(migrator: Any, db: Any) -> None:
    """Add the column where it is missing."""
    add_missing(migrator, db, COLUMNS)


def down(_migrator: Any, _db: Any) -> None:
    """Nothing: the first release has it too."""
