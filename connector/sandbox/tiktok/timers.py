"""What happens by itself when its time comes: audits end, holds end, silence approves. Timers are rows, so they survive."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable

from connector.sandbox.tiktok.world import World

Action = Callable[[World, sqlite3.Connection, str], None]
_ACTIONS: dict[str, Action] = {}


def timer(kind: str) -> Callable[[Action], Action]:
    """File what a timer of `kind` does; it gets the id that it was set for."""

    def file(action: Action) -> Action:
        _ACTIONS[kind] = action
        return action

    return file


def schedule(tx: sqlite3.Connection, kind: str, subject: object, due: float) -> None:
    tx.execute("INSERT INTO timer (due, kind, subject) VALUES (?, ?, ?)", (due, kind, str(subject)))


def unschedule(tx: sqlite3.Connection, kind: str, subject: object) -> None:
    tx.execute("DELETE FROM timer WHERE kind = ? AND subject = ?", (kind, str(subject)))


def run_due(world: World) -> None:
    """Do everything that is due. Called before each call and by the background thread."""
    now = world.clock.now()
    if world.db.connection().execute("SELECT 1 FROM timer WHERE due <= ? LIMIT 1", (now,)).fetchone() is None:
        return
    with world.db.write() as tx:
        due = tx.execute(
            "SELECT id, kind, subject FROM timer WHERE due <= ? ORDER BY due, id LIMIT 500", (now,)
        ).fetchall()
        for row in due:
            deleted = tx.execute("DELETE FROM timer WHERE id = ?", (row["id"],)).rowcount
            if deleted:  # an earlier one of this round may have called it off
                _ACTIONS[row["kind"]](world, tx, row["subject"])
    if len(due) == 500:
        run_due(world)
