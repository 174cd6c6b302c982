"""Search of the sales tables: every column can be filtered and sorted by; any other name is an SQL error, masked."""

from __future__ import annotations

from functools import cache

from connector.sandbox.magento.errors import InternalError
from connector.sandbox.magento.sales.rows import TABLES
from connector.sandbox.magento.search import DATE, NUMBER, TEXT, Column, Source

_DATES = ("created_at", "updated_at")


@cache
def search_of(table: str) -> Source:
    """What a list of this table's rows searches."""
    found = TABLES[table]
    columns = {name: _column(table, name, kind) for name, kind in found.kinds.items()}
    return Source(table, f"{table}.*", f"{table}.{found.key}", columns, unknown=lambda _: InternalError())


def _column(table: str, name: str, kind: str) -> Column:
    if kind == "DECIMAL":
        return Column(f"({table}.{name} / 10000.0)", NUMBER)
    if kind == "INTEGER":
        return Column(f"{table}.{name}", NUMBER)
    # MySQL compares text without regard to case.
    return Column(f"{table}.{name} COLLATE NOCASE", DATE if name in _DATES else TEXT)
