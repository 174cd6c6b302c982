"""Both databases, filled a little."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from connector.sandbox.app import create_sandbox
from connector.sandbox.serve import SandboxServer
from connector.services.context import Context
from connector.store.database import disconnect
from connector.store.models import Account
from tests.clients.rehearsal import Control
from tests.services import live, world


@pytest.fixture
def account(database_url: str) -> Iterator[Account]:
    made = world.fill(database_url)
    yield made
    disconnect()


@pytest.fixture
def ctx(account: Account) -> Context:
    return world.context()


@pytest.fixture
def installation(database_url: str) -> Iterator[None]:
    """An empty installation."""
    with live.installed(database_url):
        yield


@pytest.fixture(scope="module")
def control(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Control]:
    """A sandbox of both systems, over HTTP."""
    server = SandboxServer(create_sandbox(tmp_path_factory.mktemp("sandbox"), products=3)).start()
    yield Control(server.url)
    server.stop()
