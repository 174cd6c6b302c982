"""The page that leads from an empty folder to the first order: its commands run in its order, its words are ours."""

from __future__ import annotations

import os
import re
import shlex
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import requests

from connector.admin.views import SECTIONS
from connector.app import create_app
from connector.cli import connector
from connector.cli.edge import run
from connector.sandbox import SandboxServer, create_sandbox
from connector.services import accounts
from connector.settings import Settings
from connector.store import database, migrations
from connector.store.models import Account
from tests.cli.conftest import Command, Installation
from tests.cli.test_edge import ROOT
from tests.cli.test_readme import commands
from tests.clients.rehearsal import Control
from tests.runtime.processes import eventually, free_port
from tests.services import live

PAGE = (ROOT / "docs/usage.md").read_text()
STAY = {"up": "Running at ", "sandbox": "http://"}
"""Commands that run until they are stopped, and what they say when they are ready."""


def rows(heading: str) -> list[str]:
    """First cells of the table below a heading."""
    table = PAGE.partition(f"## {heading}\n")[2].partition("\n## ")[0]
    return [line.split("|")[1].strip() for line in table.splitlines() if line.startswith("| ")][2:]


def test_every_command_works_in_the_order_of_the_page(
    here: Installation, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    lines = [line for line in commands("docs/usage.md") if line.startswith(".venv/bin/connector ")]
    assert len(lines) > 15

    for line in lines:
        arguments = [word.replace("var/", f"{tmp_path}/") for word in shlex.split(line)[1:]]
        if arguments[0] in STAY:
            continue
        status = run(connector, arguments)
        output, errors = capsys.readouterr()
        assert (status, errors) == (0, ""), (line, output)
        assert output, line


@pytest.mark.parametrize("name", STAY)
def test_what_stays_is_ready_soon_and_stops_in_order(name: str, installation: Installation, tmp_path: Path) -> None:
    (line,) = (line for line in commands("docs/usage.md") if line.startswith(f".venv/bin/connector {name}"))
    more = ["--port", free_port(), "--data", str(tmp_path / "sandbox")] if name == "sandbox" else []
    environment = {key: value for key, value in os.environ.items() if not key.startswith("CONNECTOR_")}
    settings = {f"CONNECTOR_{key}": value for key, value in installation.settings.items()} | {"CONNECTOR_WORKERS": "1"}
    log = tmp_path / "log"
    with log.open("w") as output:
        process = subprocess.Popen(
            [sys.executable, "-m", "connector.cli", *shlex.split(line)[1:], *more],
            cwd=ROOT,
            env=environment | settings,
            stdout=output,
            stderr=output,
            start_new_session=True,
        )
    try:
        eventually(lambda: STAY[name] in log.read_text() or process.poll() is not None, seconds=90)
        process.send_signal(signal.SIGINT)
        assert process.wait(60) == 0, log.read_text()
        assert ("Nobody may log in yet" in log.read_text()) == (name == "up")
    finally:
        process.kill()
        process.wait()


def test_the_consent_of_the_sandbox_on_the_page_leads_back_to_the_connector(
    untouched: dict[str, str], redis_url: str, in_process: Command, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The line as it stands there, and a connector with the same settings: neither is told of the other."""
    servers: list[SandboxServer] = []

    def serve(_host: str, _port: int, _folder: Path, *rest: Any) -> None:
        servers.append(SandboxServer(create_sandbox(tmp_path, products=1, options=rest[3])).start())

    monkeypatch.setattr(sys.modules["connector.sandbox.serve"], "serve", serve)
    (line,) = (line for line in commands("docs/usage.md") if line.startswith(".venv/bin/connector sandbox"))
    assert in_process(*shlex.split(line)[1:], **untouched, REDIS_URL=redis_url).returncode == 0
    settings = Settings.load()
    app = create_app(settings)
    migrations.upgrade()
    with database.connection():
        account, browser = live.add_account(Control(servers[0].url)), app.test_client()
        with browser.session_transaction() as session:
            session["sid"] = "browser"
        page = accounts.start_authorization(app.extensions["connector.admin"], account, "browser")
        back = requests.post(page, data={"decision": "authorize"}, allow_redirects=False, timeout=5).headers["Location"]
        assert back.startswith(f"{settings.base_url}/")
        answer = browser.get(back.removeprefix(settings.base_url))
        connected = Account.get_by_id(account.id).connected
    database.disconnect()
    servers[0].stop()

    assert (answer.status_code, answer.location, connected) == (302, "/admin/accounts/connected/", True)


def test_every_screen_is_explained_by_its_name() -> None:
    assert {"Dashboard", *(view.name for view, _ in SECTIONS())} == set(rows("What each screen does"))


def test_every_message_of_the_page_is_one_of_ours() -> None:
    ours = "".join(path.read_text() for path in (ROOT / "connector").rglob("*.py") if "sandbox" not in path.parts)
    theirs = "".join(path.read_text() for path in (ROOT / "connector/sandbox").rglob("*.py"))
    for message in rows("When a message appears"):
        for part in re.split(r" … | …|… |; | / ", message):
            words = part.strip().removeprefix("Not connected").strip()
            assert words.lower() in (ours + theirs).lower(), message
