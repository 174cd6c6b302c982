"""The commands over a real database: what they print, what they change, what they refuse."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from connector.cli import connector, queue
from connector.cli.edge import run
from connector.services import work
from connector.store.database import disconnect
from connector.store.models import Listing, QueueItem
from connector.store.models.work import CLOSED_STATES, OPEN_STATES
from tests.services import world


@pytest.fixture
def items(tmp_path: Path, database_url: str, redis_url: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[list[int]]:
    """Three uploads that wait, in the installation that the commands open."""
    monkeypatch.setenv("CONNECTOR_VAR_DIR", str(tmp_path))
    monkeypatch.setenv("CONNECTOR_REDIS_URL", redis_url)
    monkeypatch.setenv("CONNECTOR_SECRET_KEY", world.KEY)
    monkeypatch.setenv("CONNECTOR_DATABASE_URL", database_url)
    world.fill(database_url)
    work.ask(world.context(), "upload", [row.id for row in Listing.select()], actor="test")
    yield [item.id for item in QueueItem.select().order_by(QueueItem.id)]
    disconnect()


@pytest.fixture
def told(capsys: pytest.CaptureFixture[str]) -> Callable[..., Any]:
    """Run a command with `--json`; what it reported."""

    def call(*arguments: str) -> Any:
        assert run(connector, [*arguments, "--json"]) == 0
        return json.loads(capsys.readouterr().out)

    return call


def test_every_state_can_be_asked_for():
    """Written down in the command, which must not load the models to say what it takes."""
    assert (*OPEN_STATES, *CLOSED_STATES) == queue.STATES


def test_the_queue_is_listed_with_its_counts(items, told):
    report = told("queue", "list")

    assert report["counts"] == {"queued": 3}
    assert [row["id"] for row in report["items"]] == items[::-1]
    assert told("queue", "list", "--state", "dead")["items"] == []


def test_items_are_cancelled_and_retried(items, told):
    assert told("queue", "cancel", str(items[0])) == {"cancelled": 1}
    assert QueueItem.get_by_id(items[0]).state == "cancelled"
    assert told("queue", "retry", str(items[0])) == {"queued": 1}
    assert QueueItem.get_by_id(items[0]).state == "queued"


def test_everything_that_gave_up_is_retried_at_once(items, told):
    QueueItem.update(state="dead", open_key=None).where(QueueItem.id.in_(items[:2])).execute()

    assert told("queue", "retry", "--dead") == {"queued": 2}


def test_retrying_nothing_says_what_to_write(items, capsys):
    assert run(connector, ["queue", "retry"]) == 1
    assert "connector queue retry 12 13" in capsys.readouterr().err


def test_listings_are_counted_and_published_by_sku(items, told):
    QueueItem.delete().execute()
    Listing.update(draft={"title": "Hoodie"}).execute()

    assert told("listings", "status") == {"Luma US": {"Not uploaded": 3, "Held back": 0}}
    assert told("listings", "publish", "MH02", "NONE") == {"queued": 1, "already": 0}
    assert told("listings", "publish", "--all") == {"queued": 2, "already": 1}


def test_an_account_that_is_not_there_is_one_sentence(items, capsys):
    assert run(connector, ["orders", "import", "--account", "Nobody"]) == 1
    assert capsys.readouterr().err.startswith("Error: There is no such connected account.")
