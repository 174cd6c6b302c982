"""Whether a store order still has an address that the buyer has corrected.

For databases that were made before the first release was complete; others have all of it.
"""

from typing import Any

from peewee import BooleanField

from connector.store.migrations.steps import add_missing

COLUMNS = (("order", "address_due", BooleanField(default=False)),)


def up(migrator: Any, db: Any) -> None:
    """Add the column if it is missing."""
    add_missing(migrator, db, COLUMNS)


def down(_migrator: Any, _db: Any) -> None:
    """Nothing: the first release has it too."""
