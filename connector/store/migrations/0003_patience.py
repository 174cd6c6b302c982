"""What orders, returns and the queue need to wait for an outage, and to be followed by one worker at a time.

For databases that were made before the first release was complete; others have all of it.
"""

from typing import Any

from peewee import BigIntegerField, BooleanField, CharField, IntegerField

from connector.store.migrations.steps import add_missing

COLUMNS = (
    ("queue_item", "actor", CharField(default="")),
    ("queue_item", "waits", IntegerField(default=0)),
    ("order", "retry_at", BigIntegerField(null=True)),
    ("return_case", "shipping_minor", BigIntegerField(default=0)),
    ("return_case", "partial", BooleanField(default=False)),
    ("return_case", "replenish", BooleanField(default=True)),
    ("return_case", "lease_owner", CharField(default="")),
    ("return_case", "lease_until", BigIntegerField(null=True)),
)


def up(migrator: Any, db: Any) -> None:
    """Add the columns that are missing."""
    add_missing(migrator, db, COLUMNS)


def down(_migrator: Any, _db: Any) -> None:
    """Nothing: the first release has it too."""
