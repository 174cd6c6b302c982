"""An installation that nobody has set up yet: web server, Redis, database and a sandbox, all on loopback."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import requests
from click.testing import CliRunner
from werkzeug.exceptions import NotFound
from werkzeug.middleware.dispatcher import DispatcherMiddleware
from werkzeug.serving import make_server

from connector.app import create_app
from connector.cli import connector as command_line
from connector.jobs.recurring import HANDLERS
from connector.ports import Sales
from connector.sandbox.app import create_sandbox
from connector.sandbox.options import SandboxOptions
from connector.sandbox.serve import SandboxServer
from connector.services import periodic
from connector.services.context import Context
from connector.services.runner import run_item
from connector.settings import Settings
from connector.store import database, migrations
from connector.store.models import MagentoStore, PeriodicTask, QueueItem
from tests.clients.rehearsal import Control, wait_for
from tests.services.shopkeeper import Shopkeeper

OPEN = ("queued", "waiting", "unknown")
ORDERS = ("orders", "returns", "shipments")
"""Recurring work on orders and what becomes of them."""


@dataclass
class Installation:
    """Address of the admin, and hands that do what the worker and the scheduler do."""

    url: str
    ctx: Context
    control: Control
    password: str

    @property
    def keeper(self) -> Shopkeeper:
        """Who works in the store, through its REST API."""
        return Shopkeeper(self.control, self.control.credentials()["magento"]["access_token"])

    @property
    def sales(self) -> Sales:
        """Orders of the store that was added."""
        return self.ctx.remotes.sales(MagentoStore.get())

    def recur(self, kinds: Iterable[str]) -> None:
        """Recurring work of these kinds once, now."""
        periodic.ensure(self.ctx)
        PeriodicTask.update(next_at=self.ctx.clock.now()).execute()
        periodic.tick(self.ctx, "scheduler-1", {kind: HANDLERS[kind] for kind in kinds})

    def work(self) -> None:
        """Every open queue item, as a worker does it."""
        for item in list(
            QueueItem.select().where(QueueItem.state.in_(OPEN)).order_by(QueueItem.priority, QueueItem.id)
        ):
            QueueItem.update(next_try_at=None).where(QueueItem.id == item.id).execute()
            run_item(self.ctx, item.id, "worker-1")

    def until(self, look: Any, kinds: Iterable[str] = HANDLERS) -> None:
        """Scheduler and worker go on until `look` says so; the scheduler with `kinds` alone where the rest only takes time."""

        def step() -> Any:
            self.recur(kinds)
            self.work()
            return look()

        wait_for(step, 30)


@contextmanager
def new_installation(folder: Path, database_url: str, redis_url: str, email: str) -> Iterator[Installation]:
    """Sandbox and admin on free ports, and one administrator whose password was made for them."""
    sandbox = SandboxServer(
        create_sandbox(folder / "sandbox", products=30, seed=7, options=SandboxOptions(audit_seconds=0.1))
    ).start()
    front = DispatcherMiddleware(NotFound())  # the application needs to know its address, which needs a server
    server = make_server("127.0.0.1", 0, front, threaded=True)
    url = f"http://127.0.0.1:{server.server_port}"
    settings = Settings(var_dir=folder / "var", database_url=database_url, redis_url=redis_url, base_url=url)
    front.app = app = create_app(settings)
    migrations.upgrade()
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    control = Control(sandbox.url)
    answer = requests.put(
        f"{sandbox.url}/_sandbox/tiktok/app", json={"redirect_url": f"{url}/oauth/tiktok/return"}, timeout=10
    )
    assert answer.ok, answer.text
    with database.connection():
        yield Installation(url, app.extensions["connector.admin"], control, _add_user(settings, email))
    server.shutdown()
    thread.join()
    server.server_close()
    sandbox.stop()
    database.disconnect()


def _add_user(settings: Settings, email: str) -> str:
    """By the command line, which makes a password and prints it once."""
    environment = {"CONNECTOR_VAR_DIR": str(settings.var_dir), "CONNECTOR_DATABASE_URL": settings.database_url}
    answer = CliRunner().invoke(command_line, ["users", "add", email, "--role", "admin", "--json"], env=environment)
    assert answer.exit_code == 0, answer.output
    return str(json.loads(answer.stdout)["password"])
