"""The tables of the first release, as they were on that day: `0001_initial.sql`, statement by statement.

Times are microseconds since 1970, money is in minor units, JSON and secrets are text.
"""

import re
from pathlib import Path
from typing import Any

from connector.store.migrations.steps import statements

FILE = Path(__file__).with_suffix(".sql")


def up(_migrator: Any, db: Any) -> None:
    """Create them."""
    for statement in statements(FILE, db):
        db.execute_sql(statement)


def down(_migrator: Any, db: Any) -> None:
    """Drop them, the last one first: it may refer to the others."""
    for table in reversed(re.findall(r'^CREATE TABLE "?(\w+)"?', FILE.read_text("utf-8"), re.MULTILINE)):
        db.execute_sql(f'DROP TABLE "{table}"')
