"""Facts that rules are matched on, how far matching is, and what an assignment was decided by.

For databases that were made before the first release was complete; others have all of it.
"""

from pathlib import Path
from typing import Any

from peewee import BooleanField, TextField

from connector.store.migrations.steps import add_missing, create_missing

FIRST = Path(__file__).with_name("0001_initial.sql")
TABLES = ("rule_column", "rule_table", "rule_number", "rule_progress")
COLUMNS = (("product", "facts_stale", BooleanField(default=True)), ("listing", "rule_inputs", TextField(default="{}")))


def up(migrator: Any, db: Any) -> None:
    """Make what is missing; an index needs its column first."""
    create_missing(FIRST, db, TABLES)
    add_missing(migrator, db, COLUMNS)
    create_missing(FIRST, db, ["product_store_id_facts_stale"])


def down(_migrator: Any, _db: Any) -> None:
    """Nothing: the first release has it too."""
