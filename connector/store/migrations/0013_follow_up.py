"""What a person asks for while the same kind of work runs.

For databases that were made before the first release was complete; others have all of it.
"""

from typing import Any

from connector.store.fields import JsonField
from connector.store.migrations.steps import add_missing

COLUMNS = (("queue_item", "follow_up", JsonField(null=True)),)


def up(migrator: Any, db: Any) -> None:
    """Add the column if it is missing."""
    add_missing(migrator, db, COLUMNS)


def down(_migrator: Any, _db: Any) -> None:
    """Nothing: the first release has it too."""
