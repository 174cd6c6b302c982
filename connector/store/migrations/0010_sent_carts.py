"""What every store order was asked for with, and when a second one is looked for.

For databases that were made before the first release was complete; others have both.
"""

from typing import Any

from peewee import BigIntegerField, TextField

from connector.store.migrations.steps import add_missing

COLUMNS = (
    ("order", "sent_carts", TextField(default="{}")),
    ("order", "look_again_at", BigIntegerField(null=True, index=True)),
)


def up(migrator: Any, db: Any) -> None:
    """Add the columns that are missing; after a call that is still unanswered a second order is looked for."""
    if add_missing(migrator, db, COLUMNS):
        db.execute_sql('UPDATE "order" SET look_again_at = placing_since WHERE placing_since IS NOT NULL')


def down(_migrator: Any, _db: Any) -> None:
    """Nothing: the first release has them too."""
