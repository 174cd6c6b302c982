"""When somebody put the store's stock right about an order that never reserved its pieces.

For databases that were made before the first release was complete; others have it.
"""

from typing import Any

from peewee import BigIntegerField

from connector.store.migrations.steps import add_missing

COLUMNS = (("order", "compensated_at", BigIntegerField(null=True)),)


def up(migrator: Any, db: Any) -> None:
    """Add the column where it is missing: nobody did yet."""
    add_missing(migrator, db, COLUMNS)


def down(_migrator: Any, _db: Any) -> None:
    """Nothing: the first release has it too."""
