"""What is due for a listing and who took it off, what stock was read when, and numbers among the marketplace's attributes.

For databases that were made before the first release was complete; others have all of it.
"""

import uuid
from pathlib import Path
from typing import Any

from peewee import BigIntegerField, BooleanField, CharField

from connector.store.migrations.steps import add_missing, create_missing

FIRST = Path(__file__).with_name("0001_initial.sql")
COLUMNS = (
    ("listing", "paused", BooleanField(default=False)),
    ("listing", "withdrawn", CharField(default="")),
    ("listing", "content_due", BooleanField(default=False)),
    ("listing", "offers_due", BooleanField(default=False)),
    ("listing", "create_key", CharField(default="")),
    ("listing", "refused_digest", CharField(default="")),
    ("listing", "watched", CharField(default="")),
    ("listing", "watched_sent", CharField(default="")),
    ("product", "stock_at", BigIntegerField(null=True)),
    ("order", "stored_at", BigIntegerField(null=True)),
    ("magento_store", "swept_at", BigIntegerField(null=True)),
    ("tik_tok_attribute", "is_number", BooleanField(default=False)),
)
INDEXES = [f"listing_{name}_open" for name in ("stale", "content_due", "offers_due", "paused", "stopped", "withdrawn")]


def up(migrator: Any, db: Any) -> None:
    """Add what is missing. Listings that were there get a key each, and a new draft finds out what is due."""
    added = add_missing(migrator, db, COLUMNS)
    create_missing(FIRST, db, INDEXES)
    if added:
        change = f"UPDATE listing SET create_key = {db.param}, stale = {db.param} WHERE id = {db.param}"  # noqa: S608  # its placeholders
        for (number,) in db.execute_sql("SELECT id FROM listing").fetchall():
            db.execute_sql(change, (str(uuid.uuid4()), True, number))


def down(_migrator: Any, _db: Any) -> None:
    """Nothing: the first release has it too."""
