"""A database of the first release gets the columns that were thought of later, and keeps its rows."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from playhouse.migrate import SchemaMigrator, migrate

from connector.store import migrations
from connector.store.database import database, disconnect
from connector.store.models import Listing, QueueItem
from tests.services import world

LATER = [
    "0003_patience",
    "0005_store_orders",
    "0008_address_due",
    "0009_sent_back",
    "0010_sent_carts",
    "0011_case_failures",
    "0012_compensated_at",
    "0013_follow_up",
]
ADDED = {
    "queue_item": ("actor", "waits", "follow_up"),
    "order": ("retry_at", "ended", "address_due", "sent_carts", "look_again_at", "compensated_at"),
    "shipment": ("other_numbers",),
    "return_case": ("shipping_minor", "partial", "replenish", "lease_owner", "lease_until", "sent_back", "failures"),
    "account": ("connected_at",),
}


@pytest.fixture
def first_release(database_url: str) -> Iterator[None]:
    """Rows of today in tables of then."""
    account = world.fill(database_url, products=1)
    listing = Listing.get()
    QueueItem.create(
        kind="upload", subject_type="listing", subject_id=listing.id, account=account, created_at=world.START
    )
    migrator = SchemaMigrator.from_database(database.obj)
    with database.atomic():
        database.execute_sql('DROP INDEX "order_look_again_at"')
        migrate(*(migrator.drop_column(table, name) for table, names in ADDED.items() for name in names))
        applied = ", ".join(f"'{name}'" for name in LATER)
        database.execute_sql(f"DELETE FROM {_history()} WHERE name IN ({applied})")
    yield
    disconnect()


def _history() -> str:
    """The table in which the runner notes what it has done."""
    (name,) = [table for table in database.get_tables() if "migration" in table]
    return f'"{name}"'


def _columns(table: str) -> set[str]:
    return {column.name for column in database.get_columns(table)}


@pytest.mark.usefixtures("first_release")
def test_missing_columns_are_added_and_filled_with_their_defaults() -> None:
    assert "waits" not in _columns("queue_item")

    applied: Any = migrations.upgrade()

    assert applied == LATER
    assert all(set(names) <= _columns(table) for table, names in ADDED.items())
    item = QueueItem.get()
    assert (item.actor, item.waits, item.state) == ("", 0, "queued")
    assert migrations.upgrade() == []
