"""`connector demo`: a store of the user's own on PostgreSQL, and what it says when it cannot run."""

from __future__ import annotations

import fcntl
import json
import os
import re
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import psutil
import pytest
import requests

from connector.cli import demo as demo_command
from connector.errors import ConfigurationError
from connector.journey import folder, listed, prepare
from connector.journey.buyers import Sandbox
from connector.sandbox.app import create_sandbox
from connector.sandbox.serve import SandboxServer
from connector.settings import Settings
from connector.store import database
from connector.store.database import disconnect
from connector.store.models import Account, Listing, Product
from tests.conftest import ROOT, other_database, run_sql
from tests.runtime.processes import alive, eventually, free_port
from tests.services import world

COMMAND = (sys.executable, "-m", "connector.cli", "demo")


def demo(var_dir: Path, *arguments: str, timeout: float = 500, **settings: str) -> subprocess.CompletedProcess[str]:
    """The command as a person runs it."""
    return subprocess.run(
        [*COMMAND, "--once", *arguments], env=surroundings(var_dir, **settings), cwd=ROOT, capture_output=True,
        text=True, timeout=timeout, check=False,
    )  # fmt: skip


def surroundings(var_dir: Path, **settings: str) -> dict[str, str]:
    environment = {name: value for name, value in os.environ.items() if not name.startswith("CONNECTOR_")}
    environment |= {"CONNECTOR_VAR_DIR": str(var_dir), "CONNECTOR_PORT": free_port(), "CONNECTOR_WORKERS": "1"}
    return environment | {f"CONNECTOR_{name.upper()}": value for name, value in settings.items()}


@dataclass
class Staying:
    """A demonstration without `--once`: after its journey it goes on until somebody stops it."""

    process: subprocess.Popen[bytes]
    log: Path

    def until(self, text: str) -> re.Match[str]:
        """The last place where it says so, once it does."""
        eventually(lambda: re.search(text, self.log.read_text()) or self.process.poll() is not None, 500)
        found = list(re.finditer(text, self.log.read_text()))
        assert found, self.log.read_text()[-3000:]
        return found[-1]


@contextmanager
def staying(var_dir: Path, *arguments: str, **settings: str) -> Iterator[Staying]:
    """It is stopped whatever the test leaves."""
    log = var_dir / "demo.log"
    with log.open("wb") as output:
        process = subprocess.Popen(
            [*COMMAND, *arguments], env=surroundings(var_dir, **settings), cwd=ROOT, stdout=output, stderr=output
        )
    try:
        yield Staying(process, log)
    finally:
        if process.poll() is None:
            process.kill()
            process.wait()


@pytest.fixture
def own_store(tmp_path: Path) -> Iterator[SandboxServer]:
    """A Magento that the demo did not start, without any marketplace."""
    server = SandboxServer(create_sandbox(tmp_path / "store", products=40, seed=3, side="store")).start()
    yield server
    server.stop()


@pytest.mark.postgres
def test_the_journey_runs_on_a_store_of_the_user_s_own_and_life_goes_on(
    own_store: SandboxServer, postgres_url: str, short_dir: Path
) -> None:
    """Everything on the store's side goes through its REST API: this server has no control API of the demo's.

    Without `--once` a newcomer can log in with what is printed, sees orders come in, and ends it all with Ctrl-C.
    """
    run_sql(postgres_url, "CREATE DATABASE own_store")
    keys = own_store.app.test_client().get("/_sandbox/credentials").get_json()["magento"]
    settings = {
        f"store_{name}": keys[name]
        for name in ("consumer_key", "consumer_secret", "access_token", "access_token_secret")
    }
    report = short_dir / "report.json"

    with staying(
        short_dir, "--store", own_store.url, "--sandbox-port", free_port(), "--json", str(report),
        database_url=other_database(postgres_url, "own_store"), **settings,
    ) as started:  # fmt: skip
        started.until("Ctrl-C stops it")
        address, user, password = started.until(r"admin is at (\S+) – user (\S+), password (\S+)\n").groups()
        shown = _log_in(address, user, password)
        started.until(r"A buyer orders \d+ × \S.* \(order \d+\)")
        children = psutil.Process(started.process.pid).children(recursive=True)
        started.process.send_signal(signal.SIGINT)
        status = started.process.wait(60)
        said = started.log.read_text()

    assert status == 0, said[-3000:]
    assert "Orders" in shown
    assert len(children) > 5
    assert [child for child in children if alive(child.pid)] == []
    assert "Traceback" not in said
    told = json.loads(report.read_text())
    assert (told["duplicates"], told["differences"], told["notes"]) == (0, [], [])
    assert told["products"] == 40
    assert told["orders"]["created"] == told["orders"]["placed"] == 9
    assert (told["orders"]["cancelled"], told["orders"]["returned"]) == (1, 1)
    assert told["listings"]["live"] > 0
    assert told["held_back_reasons"]
    assert told["seconds"] > 0


def _log_in(address: str, user: str, password: str) -> str:
    """The first page of the admin, as somebody sees it who types in what was printed."""
    with requests.Session() as browser:
        asked = browser.get(address, timeout=30)
        token = re.search(r'name="csrf_token"[^>]*value="([^"]+)"', asked.text)
        assert token is not None
        form = {"csrf_token": token[1], "email": user, "password": password}
        shown = browser.post(asked.url, data=form, timeout=30)
    assert shown.status_code == 200
    assert "login" not in shown.url
    return shown.text


@pytest.mark.nightly
def test_the_real_catalogue_is_listed_with_all_its_variants(shared: Path, short_dir: Path) -> None:
    """982 products: each of the 72 configurables is on the marketplace with every variant, or held back with a reason."""
    report, port = short_dir / "report.json", free_port()
    ended = demo(
        short_dir, "--catalog", str(shared / "data/luma"), "--sandbox-port", port, "--json", str(report), timeout=900
    )
    assert ended.returncode == 0, ended.stderr[-3000:]
    told = json.loads(report.read_text())
    assert (told["products"], told["duplicates"], told["differences"], told["notes"]) == (982, 0, [], [])

    server = SandboxServer(create_sandbox(short_dir / "demo/sandbox", side="marketplace")).start()
    products = {one["id"]: one for one in Sandbox(server.url).truth("products")}
    server.stop()
    database.connect(f"sqlite:///{short_dir / 'demo/connector.sqlite'}")
    with database.connection():
        rows = list(Listing.select().join(Product).where(Product.type_id == "configurable"))
        lost = [
            row.product.sku
            for row in rows
            if len(products.get(row.remote_id, {}).get("skus", ())) != _variants(row) and not listed.reasons(row)
        ]
    database.disconnect()
    assert (len(rows), lost) == (72, [])


def _variants(row: Listing) -> int:
    return len(row.product.data["extension_attributes"]["configurable_product_links"])


def test_the_settings_of_the_page_are_those_that_the_demo_asks_for(short_dir: Path) -> None:
    page = (ROOT / "docs/install.md").read_text()
    ended = demo(short_dir, "--store", "http://127.0.0.1:9")
    named = set(re.findall(r"CONNECTOR_STORE_[A-Z_]+(?==)", page))
    assert len(named) == 4
    assert all(name in ended.stderr for name in named)


def test_a_store_without_credentials_is_refused_with_what_to_set(short_dir: Path) -> None:
    ended = demo(short_dir, "--store", "http://127.0.0.1:9")
    assert ended.returncode != 0
    assert "CONNECTOR_STORE_ACCESS_TOKEN" in ended.stderr
    assert "Traceback" not in ended.stderr


def test_a_store_that_does_not_answer_is_named(short_dir: Path) -> None:
    url = f"http://127.0.0.1:{free_port()}"
    ended = demo(short_dir, "--store", url, store_access_token="x" * 32)
    assert ended.returncode != 0
    assert url.removeprefix("http://") in ended.stderr
    assert "Traceback" not in ended.stderr


@pytest.mark.parametrize("anew", [True, False])
def test_a_demo_that_begins_anew_empties_the_database_of_the_last_one(
    database_url: str, tmp_path: Path, *, anew: bool
) -> None:
    """One that goes on finds what it had."""
    made = world.fill(database_url)
    Account.update(title=prepare.TITLE).where(Account.id == made.id).execute()
    settings = Settings(var_dir=tmp_path, database_url=database_url)

    demo_command.prepare_database(settings, anew=anew)

    left = [Account.select().count(), Product.select().count(), Listing.select().count()]
    disconnect()
    assert left == ([0, 0, 0] if anew else [1, 3, 3])


@pytest.mark.parametrize("anew", [True, False])
def test_a_database_that_somebody_works_with_is_refused_and_left_alone(
    database_url: str, tmp_path: Path, *, anew: bool
) -> None:
    world.fill(database_url)
    settings = Settings(var_dir=tmp_path, database_url=database_url)

    with pytest.raises(ConfigurationError, match="CONNECTOR_DATABASE_URL holds accounts of yours"):
        demo_command.prepare_database(settings, anew=anew)

    left = [Account.select().count(), Product.select().count(), Listing.select().count()]
    disconnect()
    assert left == [1, 3, 3]


def test_a_port_in_use_is_named(short_dir: Path) -> None:
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        port = str(other.getsockname()[1])
        ended = demo(short_dir, "--sandbox-port", port)
    assert ended.returncode != 0
    assert f"Port {port}" in ended.stderr
    assert "--sandbox-port" in ended.stderr


def test_a_second_demo_in_the_same_folder_is_refused(short_dir: Path) -> None:
    with (short_dir / "demo.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        ended = demo(short_dir)
    assert ended.returncode != 0
    assert "Another demo runs" in ended.stderr


def test_a_journey_that_was_cut_short_goes_on_and_an_ended_one_begins_anew(tmp_path: Path) -> None:
    own = tmp_path / "demo"
    with folder.held(own, {"products": 3}, again=True) as goes_on:
        assert not goes_on
        (own / "kept").touch()
    with folder.held(own, {"products": 3}, again=True) as goes_on:
        assert goes_on
        assert (own / "kept").exists()
        folder.end(own)
    with folder.held(own, {"products": 3}, again=False) as goes_on:
        assert goes_on, "a newcomer comes back to what was there"
    with folder.held(own, {"products": 3}, again=True) as goes_on:
        assert not goes_on
        assert not (own / "kept").exists()


def test_another_catalogue_begins_in_an_empty_folder(tmp_path: Path) -> None:
    own = tmp_path / "demo"
    with folder.held(own, {"products": 3}, again=False):
        (own / "kept").touch()
    with folder.held(own, {"products": 4}, again=False) as goes_on:
        assert not goes_on
        assert not (own / "kept").exists()


def test_another_port_of_the_sandbox_begins_in_an_empty_folder(short_dir: Path) -> None:
    """The database names the sandbox's address everywhere: going on would ask where nobody answers."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = str(taken.getsockname()[1])  # in use, so that both demos end before they start anything
        assert f"Port {port}" in demo(short_dir, "--sandbox-port", free_port(), port=port).stderr
        (short_dir / "demo/kept").touch()
        assert demo(short_dir, "--sandbox-port", free_port(), port=port).returncode == 1
    assert not (short_dir / "demo/kept").exists()


def test_two_at_once_are_refused_in_one_sentence(tmp_path: Path) -> None:
    with (
        folder.held(tmp_path / "demo", {}, again=False),
        pytest.raises(ConfigurationError, match="Another demo"),
        folder.held(tmp_path / "demo", {}, again=False),
    ):
        pass
