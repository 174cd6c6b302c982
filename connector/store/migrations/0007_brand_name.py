"""The name of a template's brand, which was a number alone.

For databases that were made before the first release was complete; others have it.
"""

from typing import Any

from peewee import CharField

from connector.store.migrations.steps import add_missing


def up(migrator: Any, db: Any) -> None:
    """Add the column where it is missing; a name that nobody knows stays empty."""
    add_missing(migrator, db, [("listing_template", "brand_name", CharField(default=""))])


def down(_migrator: Any, _db: Any) -> None:
    """Nothing: the first release has it too."""
