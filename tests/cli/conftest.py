"""An installation that the commands of these tests open: a folder, a database, a sandbox over HTTP."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from connector.cli import connector
from connector.cli.edge import run
from connector.sandbox.app import create_sandbox
from connector.sandbox.options import SandboxOptions
from connector.sandbox.serve import SandboxServer
from connector.services import accounts, onboarding, policies
from connector.store.models import Account
from tests.clients.rehearsal import Control
from tests.conftest import BOTH, new_database
from tests.runtime.processes import free_port
from tests.services import live

Command = Callable[..., subprocess.CompletedProcess[str]]


@dataclass
class Installation:
    """`settings` are what a command needs to work on it; `stop` takes store and marketplace away."""

    settings: dict[str, str]
    control: Control
    account: int
    stop: Callable[[], None] = field(repr=False)
    command: Command = field(repr=False)

    def run(self, *arguments: str, **more: str) -> subprocess.CompletedProcess[str]:
        """A command that ended."""
        return self.command(*arguments, **{**self.settings, **more})


@pytest.fixture
def installation(
    short_dir: Path, database_url: str, redis_url: str, in_process: Command, capsys: pytest.CaptureFixture[str]
) -> Iterator[Installation]:
    """A connected shop and a store of ten products, of which none was read yet."""
    options = SandboxOptions(audit_seconds=0.1)
    server = SandboxServer(create_sandbox(short_dir / "sandbox", products=10, options=options)).start()
    control = Control(server.url)
    settings = {
        "VAR_DIR": str(short_dir),
        "DATABASE_URL": database_url,
        "REDIS_URL": redis_url,
        "SECRET_KEY": live.KEY,
        "PORT": free_port(),
        "CONNECT_TIMEOUT": "2",
    }
    with live.installed(database_url):
        ctx = live.context()
        policies.create_defaults(ctx.clock.now())
        account = live.add_account(control, order_email="orders@shop.example")
        state, code = live.consent(accounts.start_authorization(ctx, account, "browser"))
        account = accounts.finish_authorization(ctx, state, code, "browser")
        onboarding.fetch(ctx, account.id)
        assert Account.get_by_id(account.id).connected
    capsys.readouterr()  # what was logged while it was made is none of a command's
    yield Installation(settings, control, account.id, server.stop, in_process)
    server.stop()


@pytest.fixture(params=BOTH)
def untouched(request: pytest.FixtureRequest, short_dir: Path) -> Iterator[dict[str, str]]:
    """Settings before the first command: a folder and a port alone, which means SQLite, or a PostgreSQL beside them."""
    settings = {"VAR_DIR": str(short_dir), "PORT": free_port()}
    if request.param == "sqlite":
        yield settings
        return
    with new_database(request.getfixturevalue("postgres_url")) as url:
        yield {**settings, "DATABASE_URL": url}


@pytest.fixture
def migrated(untouched: dict[str, str], in_process: Command) -> dict[str, str]:
    """The same once `connector migrate` was run."""
    assert in_process("migrate", **untouched).returncode == 0
    return untouched


@pytest.fixture
def in_process(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Command:
    """As `command` of test_edge, with these settings and no others, but quicker: in this process."""

    def call(*arguments: str, **settings: str) -> subprocess.CompletedProcess[str]:
        for name in [name for name in os.environ if name.startswith("CONNECTOR_")]:
            monkeypatch.delenv(name)
        for name, value in settings.items():
            monkeypatch.setenv(f"CONNECTOR_{name}", value)
        capsys.readouterr()
        status = run(connector, arguments)
        output, errors = capsys.readouterr()
        return subprocess.CompletedProcess(arguments, status, output, errors)

    return call


@pytest.fixture
def here(installation: Installation, monkeypatch: pytest.MonkeyPatch) -> Installation:
    """The same, for commands that run in this process."""
    for name in [name for name in os.environ if name.startswith("CONNECTOR_")]:
        monkeypatch.delenv(name)
    for name, value in installation.settings.items():
        monkeypatch.setenv(f"CONNECTOR_{name}", value)
    return installation
