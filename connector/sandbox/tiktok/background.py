"""The thread behind the marketplace: ends what is due, sends webhooks, tries again, gives up after the last wait."""

from __future__ import annotations

import logging
import sqlite3
import threading

import requests

from connector.sandbox.tiktok import timers
from connector.sandbox.tiktok.signing import webhook_signature
from connector.sandbox.tiktok.world import World

PAUSE = 0.2
BATCH = 50

log = logging.getLogger(__name__)


class Background:
    """One thread. `stop` lets it finish the delivery that runs."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, name="tiktok-background", daemon=True)
        self._session = requests.Session()
        self._session.trust_env = False  # webhooks go to this machine; a proxy of the environment has no part in it

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        self._stopping.set()
        self._world.wake.set()
        self._thread.join(10)

    def _run(self) -> None:
        while not self._stopping.is_set():
            try:
                timers.run_due(self._world)
                while self._deliver_due() and not self._stopping.is_set():
                    pass
            except sqlite3.Error:
                log.exception("The sandbox could not use its state file; trying again.")
            self._world.wake.wait(PAUSE)
            self._world.wake.clear()
        self._world.db.close()

    def _deliver_due(self) -> bool:
        """One batch of webhooks, oldest first; whether there were any."""
        rows = (
            self._world.db.connection()
            .execute(
                "SELECT * FROM delivery WHERE state = 'waiting' AND due <= ? ORDER BY due, id LIMIT ?",
                (self._world.clock.now(), BATCH),
            )
            .fetchall()
        )
        for row in rows:
            if self._stopping.is_set():
                break
            self._settle(row, self._deliver(row["address"], row["body"]))
        return bool(rows)

    def _deliver(self, address: str, body: bytes) -> bool:
        app = self._world.app
        headers = {"content-type": "application/json", "Authorization": webhook_signature(app.key, body, app.secret)}
        try:
            answer = self._session.post(
                address, data=body, headers=headers, timeout=self._world.options.webhook_timeout, allow_redirects=False
            )
        except (requests.RequestException, ValueError):
            return False
        return answer.status_code == 200

    def _settle(self, row: sqlite3.Row, delivered: bool) -> None:
        waits = self._world.options.webhook_retries
        with self._world.db.write() as tx:
            if delivered:
                tx.execute("UPDATE delivery SET state = 'delivered', tries = tries + 1 WHERE id = ?", (row["id"],))
            elif row["tries"] >= len(waits):
                tx.execute("UPDATE delivery SET state = 'given up', tries = tries + 1 WHERE id = ?", (row["id"],))
            else:
                due = self._world.clock.now() + waits[row["tries"]]
                tx.execute("UPDATE delivery SET due = ?, tries = tries + 1 WHERE id = ?", (due, row["id"]))
