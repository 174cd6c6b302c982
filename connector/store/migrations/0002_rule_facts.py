"""Facts that rules are matched on, how far matching is, and what an assignment was decided by."""

from typing import Any

from connector.store.facts import create_tables, drop_tables
from connector.store.models import Listing, Product, RuleProgress

COLUMNS = ((Product, "facts_stale"), (Listing, "rule_inputs"))


def up(migrator: Any, db: Any) -> None:
    """Create the tables; add the columns where the first migration was run before they were thought of."""
    create_tables(db)
    db.create_tables([RuleProgress])
    for model, name in COLUMNS:
        table = model._meta.table_name
        if name not in {column.name for column in db.get_columns(table)}:
            migrator.migrate(migrator.add_column(table, name, model._meta.fields[name]))
    Product._schema.create_indexes(safe=True)  # type: ignore[attr-defined]  # peewee's metaclass adds it


def down(_migrator: Any, db: Any) -> None:
    """Remove the tables; the columns stay, which the first release does not mind."""
    drop_tables(db)
    db.drop_tables([RuleProgress])
