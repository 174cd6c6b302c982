"""What each source holds, and which configurables list a variant.

For databases that were made before the first release was complete; others have all of it.
"""

import json
from pathlib import Path
from typing import Any

from peewee import TextField

from connector.store.migrations.steps import add_missing, create_missing

FIRST = Path(__file__).with_name("0001_initial.sql")
COLUMNS = (
    ("magento_store", "sources", TextField(null=True)),
    ("product", "sources", TextField(null=True)),
)
LINKS = "variant_link"
INDEXES = (
    "variant_link_store_id",
    "variant_link_store_id_configurable_id_variant_id",
    "variant_link_store_id_variant_id",
)


def up(migrator: Any, db: Any) -> None:
    """Add what is missing. The links of products that were read before are taken from what was read."""
    add_missing(migrator, db, COLUMNS)
    if not db.table_exists(LINKS):
        create_missing(FIRST, db, (LINKS, *INDEXES))
        _fill(db)


def _fill(db: Any) -> None:
    query = "SELECT id, store_id, entity_id, data FROM product WHERE type_id = 'configurable' AND id > {0} ORDER BY id LIMIT 500"
    insert = (
        f"INSERT INTO variant_link (store_id, configurable_id, variant_id) VALUES ({db.param}, {db.param}, {db.param})"  # noqa: S608  # its placeholders
    )
    last = 0
    while rows := db.execute_sql(query.format(last)).fetchall():
        for number, store_id, entity_id, data in rows:
            last = number
            extension = json.loads(data).get("extension_attributes") or {}
            for child in dict.fromkeys(int(link) for link in extension.get("configurable_product_links") or ()):
                db.execute_sql(insert, (store_id, entity_id, child))


def down(_migrator: Any, _db: Any) -> None:
    """Nothing: the first release has it too."""
