"""The tables of the first release, as they were on that day: `0001_initial.sql`, statement by statement.

Times are microseconds since 1970, money is in minor units, JSON and secrets are text.
"""

import re
from pathlib import Path
from typing import Any

from peewee import SqliteDatabase

STATEMENTS = Path(__file__).with_suffix(".sql").read_text("utf-8")
TYPES = {"serial": "SERIAL", "bigserial": "BIGSERIAL", "bigint": "BIGINT", "boolean": "BOOLEAN"}


def up(_migrator: Any, db: Any) -> None:
    """Create them."""
    types = dict.fromkeys(TYPES, "INTEGER") if isinstance(db, SqliteDatabase) else TYPES
    for statement in STATEMENTS.format(**types).split(";\n"):
        if statement.strip():
            db.execute_sql(statement)


def down(_migrator: Any, db: Any) -> None:
    """Drop them, the last one first: it may refer to the others."""
    for table in reversed(re.findall(r'^CREATE TABLE "?(\w+)"?', STATEMENTS, re.MULTILINE)):
        db.execute_sql(f'DROP TABLE "{table}"')
