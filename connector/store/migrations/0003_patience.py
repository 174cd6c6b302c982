"""What orders, returns and the queue need to wait for an outage, and to be followed by one worker at a time."""

from typing import Any

from connector.store.models import Order, QueueItem, ReturnCase

COLUMNS = (
    (QueueItem, ("actor", "waits")),
    (Order, ("retry_at",)),
    (ReturnCase, ("shipping_minor", "partial", "replenish", "lease_owner", "lease_until")),
)


def up(migrator: Any, db: Any) -> None:
    """Add the columns where the first migration was run before they were thought of."""
    for model, names in COLUMNS:
        table = model._meta.table_name
        known = {column.name for column in db.get_columns(table)}
        for name in names:
            if name not in known:
                migrator.migrate(migrator.add_column(table, name, model._meta.fields[name]))


def down(_migrator: Any, _db: Any) -> None:
    """Nothing: the columns stay, which the release before does not mind."""
