"""Workers as processes of their own, which know the action of these tests."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from redis import Redis
from rq import Worker

from tests.conftest import ROOT
from tests.runtime.processes import eventually

StartWorker = Callable[[], "subprocess.Popen[bytes]"]


@contextmanager
def workers(queue: str, database_url: str, redis: Redis, redis_url: str, *before: str) -> Iterator[StartWorker]:
    """Starts one worker of the queue with each call, by way of the command `before`; all are killed afterwards."""
    started: list[subprocess.Popen[bytes]] = []

    def start() -> subprocess.Popen[bytes]:
        known = Worker.count(redis)
        process = subprocess.Popen(
            [*before, sys.executable, "-c", f"from tests.jobs import trial; trial.main({queue!r})"],
            cwd=ROOT,
            env={**os.environ, "TRIAL_REDIS": redis_url, "TRIAL_DATABASE": database_url},
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )
        started.append(process)
        eventually(lambda: Worker.count(redis) > known)
        return process

    yield start
    for process in started:
        process.kill()
        process.wait()
