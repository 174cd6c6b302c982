"""What is due for a listing and who took it off, what stock was read when, and numbers among the marketplace's attributes."""

from typing import Any

from connector.store.models import Listing, MagentoStore, Order, Product, TikTokAttribute
from connector.store.models.listings import new_key

COLUMNS = (
    (Listing, ("paused", "withdrawn", "content_due", "offers_due", "create_key", "refused_digest")),
    (Listing, ("watched", "watched_sent")),
    (Product, ("stock_at",)),
    (Order, ("stored_at",)),
    (MagentoStore, ("swept_at",)),
    (TikTokAttribute, ("is_number",)),
)


def up(migrator: Any, db: Any) -> None:
    """Add the columns where the first migration was run before they were thought of; new drafts find out what is due."""
    fresh = True
    for model, names in COLUMNS:
        table = model._meta.table_name
        there = {column.name for column in db.get_columns(table)}
        for name in names:
            if name not in there:
                fresh = False
                migrator.migrate(migrator.add_column(table, name, model._meta.fields[name]))
    Listing._schema.create_indexes(safe=True)
    if not fresh:
        for row in list(Listing.select(Listing.id)):
            Listing.update(create_key=new_key(), stale=True).where(Listing.id == row.id).execute()


def down(_migrator: Any, _db: Any) -> None:
    """The columns stay, which the first release does not mind."""
