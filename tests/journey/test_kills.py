"""A demonstration of which anything is killed at any moment goes on, and ends without a doubled or a lost order."""

from __future__ import annotations

import json
import os
import random
import signal
import sqlite3
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import closing, nullcontext
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from redis import Redis
from redis.exceptions import RedisError

from connector.runtime import embedded
from tests.conftest import BOTH, ROOT, new_database
from tests.runtime.processes import free_port

STAGES = {
    "": 1,
    "Connected ": 2,
    "products read": 2,
    "drafts built": 4,
    "listings live": 2,
    "have reached the marketplace": 2,
    "orders bought": 0,
    "orders placed": 3,
}
"""What the journey says → how many of the random kills come after it said so; before the first it starts."""
STRUCK = {"orders bought": ("worker-orders-1", "sandbox", "demo", "worker-orders-1")}
"""What the journey says → what is killed after it in any case, each while a store order is being made."""
MAKING = ("cart", "placing", "placed", "corrected")
"""States of an order between the first call that makes its store order and the last."""
SEED = os.environ.get("KILL_SEED") or (str(random.randrange(10**6)) if os.environ.get("NIGHTLY") == "1" else "20")
"""Of the random kills; another one each night. A failure names it, and KILL_SEED repeats it."""
REDIS = "emptied Redis"
PROGRAMS = (
    "demo", "redis", "sandbox", "scheduler", "web", "worker-accounts-1", "worker-listings-1", "worker-orders-1", REDIS,
)  # fmt: skip
PATIENCE = 900
"""Seconds for the whole test, on a machine that does other things too."""
QUICK = {"WORKERS": "1", "WEB_PROCESSES": "1", "CONNECT_TIMEOUT": "5", "READ_TIMEOUT": "5", "SERVER_TIMEOUT": "5"}
"""A call to the sandbox is over after seconds: so much sooner is what a killed process was calling asked for again."""


@dataclass
class Demo:
    """`connector demo --once` as a program, started again as often as it is killed."""

    var_dir: Path
    database_url: str
    ports: tuple[str, str]
    process: subprocess.Popen[bytes] | None = None
    reports: list[dict[str, Any]] = field(default_factory=list)

    @property
    def report_file(self) -> Path:
        return self.var_dir / "report.json"

    @property
    def log(self) -> str:
        return (self.var_dir / "demo.log").read_text()

    def start(self) -> None:
        environment = {name: value for name, value in os.environ.items() if not name.startswith("CONNECTOR_")}
        settings = {**QUICK, "VAR_DIR": str(self.var_dir), "PORT": self.ports[0], "DATABASE_URL": self.database_url}
        environment |= {f"CONNECTOR_{name}": value for name, value in settings.items() if value}
        command = [sys.executable, "-m", "connector.cli", "demo", "--once", "--products", "40"]
        command += ["--sandbox-port", self.ports[1], "--json", str(self.report_file)]
        with (self.var_dir / "demo.log").open("ab") as log:
            self.process = subprocess.Popen(command, env=environment, cwd=ROOT, stdout=log, stderr=log)

    def pids(self) -> dict[str, int]:
        """Every program of the demonstration by its name, the demonstration itself included."""
        try:
            told = json.loads((self.var_dir / "demo/run/processes.json").read_text())
        except (OSError, ValueError):
            return {}
        found = {name: one["pid"] for name, one in told["processes"].items() if one["pid"]}
        return found | ({"demo": self.process.pid} if self.process and self.process.poll() is None else {})

    def kill(self, name: str) -> bool:
        """As the kernel does when memory runs out; false when that program does not run now.

        The demonstration itself is started again, as a person would.
        """
        pid = self.pids().get(name)
        if pid is None or self.process is None:
            return False
        try:
            os.kill(pid, signal.SIGKILL)
        except ProcessLookupError:
            return False
        if name == "demo":
            self.process.wait()
            self.start()
        return True

    def making(self) -> set[int]:
        """Our ids of the orders whose store order is being made."""
        states = ", ".join(f"'{state}'" for state in MAKING)
        query = f'SELECT id FROM "order" WHERE state IN ({states})'
        with closing(self._database()) as connection:
            return {int(row[0]) for row in connection.execute(query).fetchall()}

    def _database(self) -> Any:
        if self.database_url:
            import psycopg

            return psycopg.connect(self.database_url)
        return sqlite3.connect(self.var_dir / "demo/connector.sqlite", timeout=30)

    def empty_redis(self) -> bool:
        """False while it does not answer."""
        with Redis(unix_socket_path=str(embedded.socket_path(self.var_dir / "demo")), socket_timeout=2) as redis:
            try:
                return bool(redis.flushall())
            except RedisError:
                return False

    def ended(self) -> bool:
        """True once it has ended by itself; then its report is kept."""
        if self.process is None or self.process.poll() is None:
            return False
        assert self.process.returncode == 0, self.log[-4000:]
        self.reports.append(json.loads(self.report_file.read_text()))
        return True


@pytest.fixture(params=BOTH)
def demo(request: pytest.FixtureRequest, short_dir: Path) -> Iterator[Demo]:
    """With the database that it makes itself, and with one of the operator's."""
    own = request.param == "postgres"
    with new_database(request.getfixturevalue("postgres_url")) if own else nullcontext("") as url:
        yield from started(Demo(short_dir, url, (free_port(), free_port())))


@pytest.fixture
def stages(demo: Demo) -> dict[str, int]:
    """All random kills; with the operator's database half of them in each stage, but for the long settings."""
    half = demo.database_url and os.environ.get("NIGHTLY") != "1"
    return {stage: -(-kills // 2) if half else kills for stage, kills in STAGES.items()}


def started(demo: Demo) -> Iterator[Demo]:
    """Running, and ended whatever the test leaves."""
    demo.start()
    yield demo
    if demo.process and demo.process.poll() is None:
        demo.process.send_signal(signal.SIGINT)
        try:
            demo.process.wait(60)
        except subprocess.TimeoutExpired:
            demo.process.kill()
            demo.process.wait()


def test_whatever_is_killed_the_journey_ends_with_nothing_doubled_or_lost(demo: Demo, stages: dict[str, int]) -> None:
    """Random programs at random moments, some in each part of the journey, and those who place orders while they do."""
    print(f"KILL_SEED={SEED}")  # noqa: T201  # pytest shows it with a failure
    chance = random.Random(SEED)
    end = time.monotonic() + PATIENCE
    killed: list[str] = []
    caught: list[set[int]] = []
    for stage, kills in stages.items():
        for name in STRUCK.get(stage, ()):
            _wait(demo, stage, end)
            caught.append(_at_work(demo, set().union(*caught), end))
            _strike(demo, name, 0, end)
            killed.append(name)
        for _ in range(kills):
            _wait(demo, stage, end)
            name = chance.choice(PROGRAMS)
            _strike(demo, name, chance.uniform(0, 2.5), end)
            killed.append(name)
    while not demo.ended():
        assert time.monotonic() < end, f"not ended after {killed}: {demo.log[-4000:]}"
        time.sleep(0.2)

    assert len(killed) == sum(stages.values()) + sum(map(len, STRUCK.values())) >= 12
    assert caught[0], "no store order was being made when its worker was killed"
    for report in demo.reports:
        assert (report["duplicates"], report["differences"]) == (0, []), killed
        assert report["orders"]["created"] == report["orders"]["placed"] >= 9


def _wait(demo: Demo, stage: str, end: float) -> None:
    """Until the journey has come so far, in this run or in one before it was killed."""
    while stage not in demo.log:
        assert time.monotonic() < end, f"“{stage}” was never said: {demo.log[-4000:]}"
        if demo.ended():
            demo.start()
        time.sleep(0.05)


def _at_work(demo: Demo, known: set[int], end: float) -> set[int]:
    """The orders that are being made, others than those that earlier kills left so; none when all are made before."""
    while "orders placed" not in demo.log:
        if orders := demo.making() - known:
            return orders
        assert time.monotonic() < end, f"no further order is being made: {demo.log[-4000:]}"
        if demo.ended():
            demo.start()
        time.sleep(0.01)
    return set()


def _strike(demo: Demo, name: str, pause: float, end: float) -> None:
    """Kill a program some time after it was seen running; one that is away just now is waited for."""
    while time.monotonic() < end:
        if demo.ended():
            demo.start()
        if name == REDIS or name in demo.pids():
            time.sleep(pause)
            if demo.empty_redis() if name == REDIS else demo.kill(name):
                return
        time.sleep(0.05)
    raise AssertionError(f"{name} did not come back: {demo.log[-4000:]}")
