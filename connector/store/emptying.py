"""Taking the connector's tables out of a database that other programs may use too."""

from __future__ import annotations

import re

from connector.store.database import connection, database, transaction
from connector.store.models import ALL

HISTORY = "schema_migration"
"""Where `playhouse.migrations` notes what it applied."""
_OF_RULES = re.compile(r"(product_fact|rule_match)_\d+|rule_fact_\d+_\d+|rule_(column|table|number)")
"""Tables that `connector.store.facts` makes as they are needed."""


def drop_tables() -> int:
    """Drop every table of ours, all or none; how many there were."""
    with connection():
        there = set(database.get_tables())
        own = [model._meta.table_name for model in reversed(ALL)]
        names = [*sorted(filter(_OF_RULES.fullmatch, there)), *own, HISTORY]
        with transaction():
            for name in (name for name in names if name in there):
                database.execute_sql(f'DROP TABLE "{name}"')
    return len(there.intersection(names))
