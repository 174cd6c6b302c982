"""An index of the products that can be listed, for the list of those that no template takes."""

from typing import Any

INDEX = """CREATE INDEX IF NOT EXISTS "product_lead" ON "product" ("store_id") WHERE (("parent_id" IS NULL) AND NOT "deleted")"""


def up(_migrator: Any, db: Any) -> None:
    """Make it; without it the database reads every product of a large store, documents and all."""
    db.execute_sql(INDEX)


def down(_migrator: Any, db: Any) -> None:
    """Take it away."""
    db.execute_sql('DROP INDEX "product_lead"')
