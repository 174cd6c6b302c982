"""Where SQLite and PostgreSQL differ: the few forms that the compiler of conditions needs in both."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from connector.rules.sql_numbers import NotExactError, Sql, joined

_SHORT = 12
"""Lists up to this length are written out; a longer one is one parameter (both take 10,000 items alike)."""

_GLOB_LIMIT = 20_000
"""SQLite refuses a pattern above 50,000 bytes."""


@dataclass(frozen=True, slots=True)
class Dialect:
    """One database's spelling. `max_params` and `max_depth` are what its smallest usual build takes in one statement."""

    name: Literal["sqlite", "postgres"]
    position: str
    """Function that finds a text in a text, 0 when it is not there."""
    scan: str
    """What follows a table that is to be read from end to end: an index on a fact would make SQLite several times slower."""
    max_params: int
    max_depth: int

    def finish(self, text: str) -> str:
        """The text with the placeholders of the driver."""
        return text if self.name == "sqlite" else text.replace("?", "%s")

    def one_of(self, column: Sql, values: Sequence[int] | Sequence[str]) -> Sql:
        """`column IN (values)`."""
        if len(values) <= _SHORT:
            marks = ", ".join("?" * len(values))
            return Sql(f"{column.text} IN ({marks})", (*column.params, *values), column.cost + 1, column.depth + 3)
        return Sql(
            f"{column.text} {self._any()}", (*column.params, self._list(values)), column.cost + 4, column.depth + 6
        )

    def among(self, column: str, ids: Sequence[int]) -> Sql:
        """Whether an id is one of `ids`, however many, as one parameter; a `range` becomes a comparison."""
        if isinstance(ids, range):
            return Sql(f"{column} >= ? AND {column} < ?", (ids.start, ids.stop))
        return Sql(f"{column} {self._any()}", (self._list(ids),))

    def _any(self) -> str:
        return "IN (SELECT value FROM json_each(?))" if self.name == "sqlite" else "= ANY(?)"

    def _list(self, values: Sequence[int] | Sequence[str]) -> object:
        return json.dumps(list(values), ensure_ascii=False) if self.name == "sqlite" else list(values)

    def holds_part(self, column: Sql, part: Sql) -> Sql:
        """Whether the text `part` occurs in the column; nothing in it needs escaping."""
        return joined(f"{self.position}({{}}, {{}}) > 0", column, part, cost=4, depth=3)

    def holds_some(self, column: Sql, parts: Sequence[str], *, every: bool) -> Sql:
        """Whether any (or every) one of many texts occurs in a column that is not empty."""
        values = "json_each(?)" if self.name == "sqlite" else "unnest(CAST(? AS text[])) AS each(value)"
        test = f"{self.position}({column.text}, value) {'= 0' if every else '> 0'}"
        exists = f"{'NOT ' if every else ''}EXISTS (SELECT 1 FROM {values} WHERE {test})"  # noqa: S608  # names of ours
        text = f"({column.text} IS NOT NULL AND {exists})"
        return Sql(text, (self._list(parts),), column.cost + len(parts) * 4, column.depth + 8)

    def ends_with(self, column: Sql, part: Sql) -> Sql:
        """Whether the column ends with `part`, which is not empty."""
        if self.name == "sqlite":
            tail = joined("substr({}, -length({}))", column, part, cost=3, depth=4)
        else:
            tail = joined("right({}, length({}))", column, part, cost=3, depth=4)
        return joined("{} = {}", tail, part)

    def like(self, column: Sql, pattern: str) -> Sql:
        """Whole-value match; `pattern` has `*` for any run and `?` for one character, nothing else is special."""
        if len(pattern) > _GLOB_LIMIT:
            raise NotExactError
        if self.name == "sqlite":
            return joined("{} GLOB {}", column, Sql("?", (pattern.replace("[", "[[]"),)), cost=6)
        for special in "\\%_":
            pattern = pattern.replace(special, "\\" + special)
        pattern = pattern.replace("*", "%").replace("?", "_")
        return joined("{} LIKE {}", column, Sql("?", (pattern,)), cost=6)

    def smallest(self, parts: Sequence[Sql], *, largest: bool) -> Sql:
        """The least (or greatest) of integers, NULL where one is NULL."""
        slots = ", ".join(["{}"] * len(parts))
        if self.name == "sqlite":
            return joined(f"{'max' if largest else 'min'}({slots})", *parts, depth=5)
        name = "GREATEST" if largest else "LEAST"
        empty = " OR ".join(["{} IS NULL"] * len(parts))
        return joined(f"CASE WHEN {empty} THEN NULL ELSE {name}({slots}) END", *parts, *parts, depth=5)

    def document_value(self, document: str, key: str, *, number: bool) -> str:
        """A fact out of a JSON document, typed."""
        if self.name == "sqlite":
            return f"json_extract({document}, '$.{key}')"
        return f"CAST({document} ->> '{key}' AS bigint)" if number else f"({document} ->> '{key}') COLLATE \"C\""

    def gathered(self, query: str) -> str:
        """One row with all ids of a query that yields `id`: a JSON text in SQLite, an array in PostgreSQL."""
        return f"SELECT {'json_group_array' if self.name == 'sqlite' else 'array_agg'}(id) FROM ({query}) AS found"  # noqa: S608  # names of ours


SQLITE = Dialect("sqlite", "instr", " NOT INDEXED", max_params=30_000, max_depth=82)
POSTGRES = Dialect("postgres", "strpos", "", max_params=60_000, max_depth=1_000)


def upper_bound(prefix: str) -> str | None:
    """The first text, in code point order, behind every text that starts with `prefix`; None when there is none."""
    while prefix:
        last = ord(prefix[-1])
        if last < 0x10FFFF:
            following = 0xE000 if last == 0xD7FF else last + 1
            return prefix[:-1] + chr(following)
        prefix = prefix[:-1]
    return None
