"""A token vault in SQLite: what `renew` promises, kept across processes by a write lock."""

from __future__ import annotations

import json
import sqlite3
from datetime import datetime
from pathlib import Path

from connector.domain.shop import Tokens
from connector.domain.values import from_json, to_json
from connector.ports import TokenRefresh


class SqliteVault:
    """One account's pair in one row."""

    def __init__(self, path: Path, tokens: Tokens | None = None) -> None:
        self._path = path
        if tokens is not None:
            with self._connect() as db:
                db.execute("CREATE TABLE pair (tokens TEXT)")
                db.execute("INSERT INTO pair VALUES (?)", [json.dumps(to_json(tokens))])
                db.commit()

    def _connect(self) -> sqlite3.Connection:
        return sqlite3.connect(self._path, timeout=30, isolation_level=None)

    def _read(self, db: sqlite3.Connection) -> Tokens:
        (text,) = db.execute("SELECT tokens FROM pair").fetchone()
        return from_json(Tokens, json.loads(text))

    def load(self) -> Tokens:
        db = self._connect()
        try:
            return self._read(db)
        finally:
            db.close()

    def renew(self, refresh: TokenRefresh, *, unless_newer_than: datetime) -> Tokens:
        db = self._connect()
        try:
            db.execute("BEGIN IMMEDIATE")
            tokens = self._read(db)
            if tokens.access_expires <= unless_newer_than:
                tokens = refresh(tokens.refresh_token)
                db.execute("UPDATE pair SET tokens = ?", [json.dumps(to_json(tokens))])
            db.execute("COMMIT")
            return tokens
        finally:
            db.close()
