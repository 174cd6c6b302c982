"""What staff did with a store order that the marketplace does not know of: ended it, or packed several parcels as one.

For databases that were made before the first release was complete; others have all of it.
"""

from typing import Any

from peewee import CharField, TextField

from connector.store.migrations.steps import add_missing

COLUMNS = (
    ("order", "ended", CharField(default="")),
    ("shipment", "other_numbers", TextField(default="[]")),
)


def up(migrator: Any, db: Any) -> None:
    """Add the columns that are missing."""
    add_missing(migrator, db, COLUMNS)


def down(_migrator: Any, _db: Any) -> None:
    """Nothing: the first release has it too."""
