"""An action of a package that we did not write is done by the connector's own worker."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from redis import Redis
from rq import Worker

from connector.store.database import disconnect
from connector.store.models import Account, Listing, MagentoStore, QueueItem
from tests.plugins.test_third_party import ACME, _install
from tests.runtime.processes import eventually
from tests.services import world

ROOT = Path(__file__).resolve().parents[2]
ASK = """
from connector.cli import common
from connector.services import work
ctx = common.context()
print(work.ask(ctx, "acme_wrap", [1, 2, 3], actor="test", arguments={"paper": "blue"}))
"""


@pytest.fixture
def surroundings(tmp_path: Path, database_url: str, redis_url: str, redis: Redis) -> Iterator[dict[str, str]]:
    """The environment of an installation with three listings where the package is installed."""
    del redis  # emptied
    _install(tmp_path, "acme", ACME.replace('Outcome("Wrapped.")', 'Outcome(f"{subject.sku} wrapped in {context.arguments[\'paper\']}.")'))  # fmt: skip
    account = world.fill(database_url)
    MagentoStore.update(auth="bearer", access_token="never used").where(MagentoStore.id == account.store_id).execute()
    Account.update(app_key="never", app_secret="used").execute()
    yield {
        **os.environ,
        "PYTHONPATH": f"{tmp_path}:{ROOT}",
        "CONNECTOR_VAR_DIR": str(tmp_path),
        "CONNECTOR_DATABASE_URL": database_url,
        "CONNECTOR_REDIS_URL": redis_url,
        "CONNECTOR_SECRET_KEY": world.KEY,
    }
    disconnect()


@pytest.fixture
def worker(surroundings: dict[str, str], redis: Redis) -> Iterator[subprocess.Popen[bytes]]:
    """`connector worker --queue listings`."""
    command = [sys.executable, "-m", "connector.cli", "worker", "--queue", "listings"]
    process = subprocess.Popen(command, env=surroundings, stderr=subprocess.DEVNULL, start_new_session=True)
    eventually(lambda: Worker.count(redis) == 1, seconds=60)
    yield process
    os.killpg(process.pid, signal.SIGTERM)
    process.wait(timeout=30)


def test_its_action_is_asked_for_queued_and_done_by_our_worker(
    surroundings: dict[str, str], worker: subprocess.Popen[bytes]
) -> None:
    asked: Any = subprocess.run(
        [sys.executable, "-c", ASK], env=surroundings, capture_output=True, text=True, timeout=60, check=True
    )
    assert asked.stdout.strip() == "3 queued."
    eventually(lambda: not QueueItem.select().where(QueueItem.state.in_(("queued", "running"))).exists(), seconds=60)

    causes = [item.cause for item in QueueItem.select().order_by(QueueItem.subject_id)]
    assert causes == [f"{row.product.sku} wrapped in blue." for row in Listing.select().order_by(Listing.id)]
    assert {(item.kind, item.attempts, item.actor) for item in QueueItem.select()} == {("acme_wrap", 1, "test")}
    assert worker.poll() is None
