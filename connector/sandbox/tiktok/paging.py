"""Page tokens: opaque, with `+`, `/` and `=` in them, and keyset cursors inside, so that inserts do not move a page."""

from __future__ import annotations

import base64
import binascii
import hashlib
import json
import sqlite3
from collections.abc import Sequence
from dataclasses import dataclass

from connector.sandbox.tiktok.database import Json, dumps
from connector.sandbox.tiktok.errors import invalid
from connector.sandbox.tiktok.world import Call

# These three bytes read "+/A/" in base64: whoever forgets to encode a token for a URL finds out at once.
_MARK = b"\xfb\xf0\x3f"


def page_size(call: Call, *, most: int, least: int = 1, default: int | None = None) -> int:
    """The query's `page_size`; required unless there is a default."""
    given = call.query.get("page_size", "")
    if not given and default is not None:
        return default
    if not call.asked("page_size").isdigit() or not least <= int(given) <= most:
        raise invalid("query", "page_size", f"{least} to {most} is expected")
    return int(given)


class Page:
    """Where a scan stands: `after` are the sort values of the last row seen, `seen` how many rows came before.

    `filters` is everything that must stay the same while paging; a token of another scan is refused.
    """

    def __init__(self, call: Call, filters: object) -> None:
        self._mode = call.options.last_page_token
        self._digest = hashlib.sha256(dumps([call.body, filters]).encode()).hexdigest()[:12]
        self.after: list[int | str] = []
        self.seen = 0
        token = call.query.get("page_token", "")
        if token:
            self._read(token)

    def _read(self, token: str) -> None:
        try:
            digest, self.seen, self.after = json.loads(base64.b64decode(token, validate=True)[len(_MARK) :])
        except (binascii.Error, ValueError, TypeError) as error:
            raise invalid("query", "page_token", "it is not a token of this API") from error
        if digest != self._digest:
            raise invalid("query", "page_token", "filters and sort order must stay the same while paging")

    def following(self, more: bool, last: Sequence[int | str], count: int = 0) -> Json:
        """`{"next_page_token": …}` for an answer whose last row has the sort values `last`."""
        if not more:
            return {"next_page_token": ""} if self._mode == "empty" else {}
        plain = _MARK + dumps([self._digest, self.seen + count, list(last)]).encode()
        plain += b" " * (1 if len(plain) % 3 == 0 else 0)
        return {"next_page_token": base64.b64encode(plain).decode()}


@dataclass(frozen=True, slots=True)
class Scan:
    """A paged query over one table that has an `id`. `where` and `values` select; `sort` is a column or `id`."""

    table: str
    where: tuple[str, ...]
    values: tuple[object, ...]
    sort: str = "id"
    descending: bool = False

    def run(self, call: Call, size: int, page: Page) -> tuple[list[sqlite3.Row], int, Json]:
        """Rows of this page, the count of all, and the token of the next page."""
        columns = [self.sort] if self.sort == "id" else [self.sort, "id"]
        where, values = " AND ".join(self.where), list(self.values)
        total = call.tx.execute(f"SELECT count(*) FROM {self.table} WHERE {where}", values).fetchone()[0]  # noqa: S608  # our own words
        sign, order = ("<", "DESC") if self.descending else (">", "ASC")
        if page.after:
            where += f" AND ({', '.join(columns)}) {sign} ({', '.join('?' * len(columns))})"
            values += page.after
        ordering = ", ".join(f"{column} {order}" for column in columns)
        statement = f"SELECT * FROM {self.table} WHERE {where} ORDER BY {ordering} LIMIT ?"  # noqa: S608  # our own words
        rows = call.tx.execute(statement, [*values, size + 1]).fetchall()
        last = [rows[:size][-1][column] for column in columns] if rows else []
        return rows[:size], total, page.following(len(rows) > size, last, len(rows[:size]))
