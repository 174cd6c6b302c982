"""The commands of the daily work, in the order of a first day: a real database, store and marketplace over HTTP."""

from __future__ import annotations

import json
import os
import pty
import subprocess
import sys
import threading
from collections.abc import Callable
from typing import Any

import pytest

from connector.cli import connector
from connector.cli.edge import run
from connector.services import work
from connector.store import database
from connector.store.models import Listing, MagentoStore, Order, Product, QueueItem
from tests.cli.conftest import Installation
from tests.cli.test_edge import ROOT
from tests.services import live


@pytest.fixture
def told(here: Installation, capsys: pytest.CaptureFixture[str]) -> Callable[..., Any]:
    """Run a command with `--json` in this process; what it reported."""

    def call(*arguments: str, status: int = 0) -> Any:
        found = run(connector, [*arguments, "--json"])
        output, errors = capsys.readouterr()
        assert (found, errors) == (status, "")
        return json.loads(output)

    return call


def test_the_catalogue_is_read_and_read_again_only_where_it_changed(told: Any) -> None:
    first = told("catalog", "sync", "--full")["Shop"]
    again = told("catalog", "sync", "--store", "Shop")["Shop"]

    with database.connection():
        assert Product.select().count() == first["read"] == first["changed"] == 10
        assert MagentoStore.get().metadata_at, "attributes and categories were read too"
    assert again["changed"] == 0


def test_a_store_that_is_not_there_is_named(here: Installation, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(connector, ["catalog", "sync", "--store", "Elsewhere"]) == 1
    assert capsys.readouterr().err.startswith("Error: There is no such store.")


def test_listings_are_planned_published_and_counted(told: Any, here: Installation) -> None:
    told("catalog", "sync", "--full")
    planned = told("listings", "plan")["US shop"]
    assert planned["listed"] == 0, "no rule is active, so nothing is assigned"

    with database.connection():
        listed = Listing.create(
            account=here.account, product=Product.get(), draft={"title": "x"}, changed_at=live.Clock().now()
        )
        sku = listed.product.sku
    assert told("listings", "publish", sku) == {"queued": 1, "already": 0}
    assert told("listings", "publish", "--all") == {"queued": 0, "already": 1}
    assert sum(told("listings", "status")["US shop"].values()) >= 1


def test_an_order_is_imported_and_the_queue_shows_what_follows(told: Any, here: Installation) -> None:
    (imported,) = told("orders", "import")

    assert imported["account"] == "US shop"
    assert imported["state"] == "confirmed"
    with database.connection():
        assert Order.select().count() == 0
        assert QueueItem.get(QueueItem.kind == "import_orders").state == "confirmed"
    listed = told("queue", "list", "--state", "confirmed")
    assert [item["kind"] for item in listed["items"]] == ["import_orders"]


def test_an_import_with_dates_waits_for_one_that_runs_and_is_then_done_itself(told: Any, here: Installation) -> None:
    """Nothing that was asked for is dropped, and what is reported has ended."""
    with live.installed(here.settings["DATABASE_URL"]):
        ctx = live.context()
        work.ask(ctx, "import_orders", [here.account], actor="webhook")
        held = work.take(QueueItem.get().id, "a worker", ctx.clock.now())
        assert held is not None
        worker = threading.Timer(1, lambda: work.finish(held, "confirmed", ctx.clock.now(), cause="by the worker"))
        worker.start()
        (imported,) = told("orders", "import", "--from", "2026-01-01")
        worker.join()
        database.disconnect()
        ended = {item.state: item.arguments for item in QueueItem.select().order_by(QueueItem.id)}

    assert imported["message"] != "by the worker"
    assert (imported["state"], ended) == ("confirmed", {"confirmed": {"from": "2026-01-01"}})


def test_an_import_that_a_worker_had_to_put_off_is_told_and_not_waited_for(told: Any, here: Installation) -> None:
    with live.installed(here.settings["DATABASE_URL"]):
        ctx = live.context()
        work.ask(ctx, "import_orders", [here.account], actor="webhook")
        held = work.take(QueueItem.get().id, "a worker", ctx.clock.now())
        assert held is not None
        away = {"cause": "TikTok Shop is away.", "failed": False}
        worker = threading.Timer(1, lambda: work.postpone(held, ctx.clock.now(), 900, **away))
        worker.start()
        (imported,) = told("orders", "import", status=1)
        worker.join()
        database.disconnect()

    assert (imported["state"], imported["message"]) == ("waiting", "TikTok Shop is away.")


@pytest.mark.parametrize(
    "arguments",
    [
        ("catalog", "sync"),
        ("listings", "plan"),
        ("listings", "status"),
        ("orders", "import"),
        ("queue", "list"),
        ("users", "list"),
        ("migrate",),
    ],
)
def test_what_is_reported_can_be_read_by_people_too(
    here: Installation, capsys: pytest.CaptureFixture[str], arguments: tuple[str, ...]
) -> None:
    if arguments == ("listings", "plan"):
        assert run(connector, ["catalog", "sync", "--json"]) == 0
        capsys.readouterr()

    assert run(connector, list(arguments)) == 0

    output, errors = capsys.readouterr()
    assert output.strip()
    assert not output.startswith(("{", "["))
    assert errors == ""


def test_every_command_that_reports_has_json() -> None:
    reporting = {
        "migrate": [()],
        "doctor": [()],
        "catalog": [("sync",)],
        "listings": [("plan",), ("publish",), ("status",)],
        "orders": [("import",)],
        "queue": [("list",), ("retry",), ("cancel",)],
        "users": [("add",), ("list",)],
    }
    with __import__("click").Context(connector) as ctx:
        for name, paths in reporting.items():
            for path in paths:
                found = connector.get_command(ctx, name)
                for part in path:
                    found = found.get_command(ctx, part)
                assert any("--json" in option.opts for option in found.params), (name, path)


def test_a_terminal_sees_how_far_it_is_and_a_pipe_gets_clean_json(installation: Installation) -> None:
    reader, writer = pty.openpty()
    environment = {name: value for name, value in os.environ.items() if not name.startswith("CONNECTOR_")}
    settings = {f"CONNECTOR_{name}": value for name, value in installation.settings.items()}
    command = [sys.executable, "-m", "connector.cli", "catalog", "sync", "--full"]
    process = subprocess.Popen(
        command,
        cwd=ROOT,
        env=environment | settings | {"TERM": "xterm"},
        stdout=subprocess.PIPE,
        stderr=writer,
        text=True,
    )
    os.close(writer)
    output, _ = process.communicate(timeout=120)
    shown = b""
    while chunk := _read(reader):
        shown += chunk
    os.close(reader)

    assert process.returncode == 0, shown
    assert "Shop: prices" in shown.decode()
    assert output.startswith("Shop\n")
    assert "\x1b" not in output


def _read(terminal: int) -> bytes:
    """Some bytes of a terminal's other side; none when everybody has closed it, which Linux reports as an error."""
    try:
        return os.read(terminal, 65_536)
    except OSError:
        return b""
