"""A whole installation against a sandbox: real HTTP, a real Redis, a real database."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from connector.app import create_context
from connector.sandbox.app import create_sandbox
from connector.sandbox.options import SandboxOptions
from connector.sandbox.serve import SandboxServer
from connector.services import accounts, onboarding, policies, snapshots, stores
from connector.services.context import Context
from connector.services.runner import run_item
from connector.settings import Settings
from connector.store import database, migrations
from connector.store.models import Account, MagentoStore, QueueItem
from tests.clients.rehearsal import Control
from tests.services.live import consent


@dataclass
class Installation:
    """A connected account with its catalogue read."""

    ctx: Context
    account: Account
    control: Control

    @property
    def store(self) -> MagentoStore:
        return MagentoStore.get_by_id(self.account.store_id)

    def work(self) -> dict[str, int]:
        """Run every due queue item here, as a worker does; items by state afterwards."""
        due = QueueItem.select().where(QueueItem.state.in_(("queued", "waiting", "unknown")))
        for item in due.order_by(QueueItem.priority, QueueItem.id):
            QueueItem.update(next_try_at=None).where(QueueItem.id == item.id).execute()
            run_item(self.ctx, item.id, "worker-1")
        states: dict[str, int] = {}
        for item in QueueItem.select():
            states[item.state] = states.get(item.state, 0) + 1
        return states


@pytest.fixture
def installation(database_url: str, redis_url: str, tmp_path: Path) -> Iterator[Installation]:
    """Connected, onboarded, 40 generated products read."""
    with installed(tmp_path, database_url, redis_url, products=40) as made:
        yield made


@contextmanager
def installed(
    folder: Path, database_url: str, redis_url: str, *, products: int, **options: Any
) -> Iterator[Installation]:
    """The same of any size, with options of the sandbox."""
    wanted = SandboxOptions(**{"audit_seconds": 0.1, **options})
    app = create_sandbox(folder / "sandbox", products=products, seed=7, options=wanted)
    server = SandboxServer(app).start()
    settings = Settings(var_dir=folder / "var", database_url=database_url, redis_url=redis_url)
    ctx = create_context(settings)
    migrations.upgrade()
    with database.connection():
        yield _connect(ctx, Control(server.url))
    database.disconnect()
    server.stop()


def _connect(ctx: Context, control: Control) -> Installation:
    given = control.credentials()
    magento, app = given["magento"], given["tiktok"]
    store = MagentoStore.create(
        title="Shop", base_url=control.url, auth="oauth", consumer_key=magento["consumer_key"],
        consumer_secret=magento["consumer_secret"], access_token=magento["access_token"],
        access_token_secret=magento["access_token_secret"], store_code="default",
    )  # fmt: skip
    policies.create_defaults(ctx.clock.now())
    account = Account.create(
        title="US shop", store=store, app_key=app["app_key"], app_secret=app["app_secret"], service_id=app["service_id"],
        api_url=app["api_url"], auth_url=app["auth_url"], order_email="orders@shop.example", created_at=ctx.clock.now(),
    )  # fmt: skip
    state, code = consent(accounts.start_authorization(ctx, account, "session"))
    account = accounts.finish_authorization(ctx, state, code, "session")
    stores.refresh_metadata(ctx, store)
    onboarding.fetch(ctx, account.id)
    store = MagentoStore.get_by_id(store.id)
    snapshots.sync(ctx, store, full=True)
    snapshots.sync_stock(ctx, store)
    return Installation(ctx, Account.get_by_id(account.id), control)
