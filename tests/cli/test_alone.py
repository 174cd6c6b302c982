"""`connector web`, `worker` and `scheduler` by themselves, with their own Redis: each brings it, and takes over that of another."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import psutil
import pytest
from redis import Redis
from rq import Queue, Worker

from connector.runtime import embedded
from connector.settings import Settings
from connector.store import database
from connector.store.models import PeriodicTask
from tests.cli.test_edge import ROOT, command
from tests.runtime.processes import alive, eventually

Start = Callable[..., subprocess.Popen[bytes]]


@pytest.fixture
def settings(migrated: dict[str, str]) -> dict[str, str]:
    return {**migrated, "WEB_PROCESSES": "1"}


@pytest.fixture
def start(settings: dict[str, str], short_dir: Path) -> Iterator[Start]:
    """Starts a command that stays; what still runs is killed after the test."""
    running: list[subprocess.Popen[bytes]] = []

    def begin(*arguments: str) -> subprocess.Popen[bytes]:
        environment = {name: value for name, value in os.environ.items() if not name.startswith("CONNECTOR_")}
        with (short_dir / f"{arguments[0]}.out").open("ab") as output:
            running.append(
                subprocess.Popen(
                    [sys.executable, "-m", "connector.cli", *arguments],
                    cwd=ROOT,
                    env=environment | {f"CONNECTOR_{name}": value for name, value in settings.items()},
                    stdout=output,
                    stderr=output,
                    start_new_session=True,
                )
            )
        return running[-1]

    yield begin
    for process in running:
        process.kill()
        process.wait()


def health(port: str) -> dict[str, Any]:
    """What `/health` says; empty while nobody answers."""
    try:
        with closing(urllib.request.urlopen(f"http://127.0.0.1:{port}/health", timeout=5)) as answer:
            return json.load(answer)
    except urllib.error.HTTPError as error:
        with closing(error):
            return json.load(error)
    except OSError:
        return {}


def end(process: subprocess.Popen[bytes]) -> int:
    """Its exit status after SIGTERM; whatever it had started is gone then."""
    started = psutil.Process(process.pid).children(recursive=True)
    process.terminate()
    status = process.wait(60)
    eventually(lambda: not any(alive(child.pid) for child in started))
    return status


def test_web_alone_has_a_redis_and_stops_with_it(start: Start, settings: dict[str, str], short_dir: Path) -> None:
    web = start("web")
    eventually(lambda: health(settings["PORT"]).get("status") == "ok", seconds=60)

    told = health(settings["PORT"])
    assert (told["redis"], told["installation"]) == ("ok", Settings(var_dir=short_dir).installation)
    assert end(web) == 0
    assert not embedded.answers(embedded.socket_path(short_dir))


def test_a_worker_alone_does_the_work_of_its_queue(start: Start, short_dir: Path) -> None:
    worker = start("worker", "--queue", "orders")
    with Redis.from_url(embedded.redis_url(short_dir)) as redis:
        eventually(lambda: embedded.answers(embedded.socket_path(short_dir)) and Worker.count(redis) == 1, seconds=60)
        job = Queue("orders", connection=redis).enqueue("connector.jobs.tasks.work_on", [1])
        eventually(lambda: job.get_status(refresh=True) == "finished", seconds=60)

    assert end(worker) == 0


def test_a_scheduler_alone_runs_what_is_due(start: Start, settings: dict[str, str], short_dir: Path) -> None:
    scheduler = start("scheduler")

    database.connect(settings.get("DATABASE_URL", f"sqlite:///{short_dir / 'connector.sqlite'}"))
    with database.connection():
        ended = PeriodicTask.select().where(PeriodicTask.name == "sweep", PeriodicTask.finished_at.is_null(False))
        eventually(ended.exists, seconds=60)
    database.disconnect()

    assert end(scheduler) == 0


def test_the_redis_of_a_killed_command_is_taken_over_by_the_others(
    start: Start, settings: dict[str, str], short_dir: Path
) -> None:
    path = embedded.socket_path(short_dir)
    first = start("scheduler")
    eventually(lambda: embedded.answers(path), seconds=60)
    start("web")
    eventually(lambda: health(settings["PORT"]).get("status") == "ok", seconds=60)

    with Redis.from_url(embedded.redis_url(short_dir)) as redis:
        server = int(redis.info("server")["process_id"])

    first.send_signal(signal.SIGKILL)
    first.wait()

    eventually(lambda: not alive(server))  # the kernel ends it; until then it would go on answering
    eventually(lambda: health(settings["PORT"]).get("redis") == "ok", seconds=60)
    with Redis.from_url(embedded.redis_url(short_dir)) as redis:
        assert redis.ping()


def test_web_says_what_is_wrong_before_it_starts_anything(untouched: dict[str, str], short_dir: Path) -> None:
    result = command("web", **untouched)

    assert (result.returncode, result.stderr) == (
        1,
        "Error: The database lacks tables of this version. Run: connector migrate\n",
    )
    assert not embedded.answers(embedded.socket_path(short_dir))
