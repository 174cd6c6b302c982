"""A demonstration of which anything is killed at any moment goes on, and ends without a doubled or a lost order."""

from __future__ import annotations

import json
import os
import random
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from redis import Redis
from redis.exceptions import RedisError

from connector.runtime import embedded
from tests.conftest import ROOT
from tests.runtime.processes import free_port

MOMENTS = 20
PATIENCE = 420
"""Seconds for the whole test, on a machine that does other things too."""


@dataclass
class Demo:
    """`connector demo --once` as a program, started again as often as it is killed."""

    var_dir: Path
    ports: tuple[str, str]
    process: subprocess.Popen[bytes] | None = None
    starts: int = 0
    reports: list[dict[str, Any]] = field(default_factory=list)

    @property
    def report_file(self) -> Path:
        return self.var_dir / "report.json"

    def start(self) -> None:
        environment = {name: value for name, value in os.environ.items() if not name.startswith("CONNECTOR_")}
        environment |= {"CONNECTOR_VAR_DIR": str(self.var_dir), "CONNECTOR_PORT": self.ports[0]}
        environment |= {"CONNECTOR_WORKERS": "1", "CONNECTOR_WEB_PROCESSES": "1"}
        command = [sys.executable, "-m", "connector.cli", "demo", "--once", "--products", "40"]
        command += ["--sandbox-port", self.ports[1], "--json", str(self.report_file)]
        with (self.var_dir / "demo.log").open("ab") as log:
            self.process = subprocess.Popen(command, env=environment, cwd=ROOT, stdout=log, stderr=log)
        self.starts += 1

    def pids(self) -> dict[str, int]:
        """Every program of the demonstration by its name, the demonstration itself included."""
        try:
            told = json.loads((self.var_dir / "demo/run/processes.json").read_text())
        except (OSError, ValueError):
            return {}
        found = {name: one["pid"] for name, one in told["processes"].items() if one["pid"]}
        return found | ({"demo": self.process.pid} if self.process and self.process.poll() is None else {})

    def kill(self, name: str) -> None:
        """As the kernel does when memory runs out. The demonstration itself is started again, as a person would."""
        pid = self.pids().get(name)
        if pid is None or self.process is None:
            return
        try:
            os.kill(pid, signal.SIGKILL)
        except ProcessLookupError:
            return
        if name == "demo":
            self.process.wait()
            self.start()

    def empty_redis(self) -> None:
        with Redis(unix_socket_path=str(embedded.socket_path(self.var_dir / "demo")), socket_timeout=2) as redis:
            try:
                redis.flushall()
            except RedisError:
                return

    def ended(self) -> bool:
        """True once it has ended by itself; then its report is kept."""
        if self.process is None or self.process.poll() is None:
            return False
        log = (self.var_dir / "demo.log").read_text()
        assert self.process.returncode == 0, log[-4000:]
        self.reports.append(json.loads(self.report_file.read_text()))
        return True


@pytest.fixture
def demo(short_dir: Path) -> Iterator[Demo]:
    demo = Demo(short_dir, (free_port(), free_port()))
    yield demo
    if demo.process and demo.process.poll() is None:
        demo.process.send_signal(signal.SIGINT)
        try:
            demo.process.wait(60)
        except subprocess.TimeoutExpired:
            demo.process.kill()
            demo.process.wait()


def test_whatever_is_killed_the_journey_ends_with_nothing_doubled_or_lost(demo: Demo) -> None:
    chance = random.Random(os.environ.get("KILL_SEED", "20"))
    end = time.monotonic() + PATIENCE
    killed: list[str] = []
    demo.start()
    while len(killed) < MOMENTS and time.monotonic() < end:
        time.sleep(chance.uniform(0.5, 5))
        if demo.ended():
            demo.start()
            continue
        names = sorted(demo.pids())
        if not names:
            continue
        name = chance.choice([*names, "emptied Redis"])
        killed.append(name)
        if name == "emptied Redis":
            demo.empty_redis()
        else:
            demo.kill(name)
    while not demo.ended():
        assert time.monotonic() < end, f"not ended after {killed}: {(demo.var_dir / 'demo.log').read_text()[-4000:]}"
        time.sleep(0.5)

    assert len(killed) == MOMENTS
    for report in demo.reports:
        assert (report["duplicates"], report["differences"]) == (0, []), killed
        assert report["orders"]["created"] == report["orders"]["placed"] >= 9
