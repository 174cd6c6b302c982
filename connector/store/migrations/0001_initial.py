"""The tables of the first release."""

from typing import Any

from connector.store.models import ALL


def up(_migrator: Any, db: Any) -> None:
    """Create them."""
    db.create_tables(ALL)


def down(_migrator: Any, db: Any) -> None:
    """Drop them."""
    db.drop_tables(ALL)
