"""The worker under every death that RQ was seen to lose work by (real Redis, real processes)."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from redis import Redis
from rq import Queue, Worker
from rq.job import JobStatus
from rq.worker import WorkerStatus

from connector.runtime.embedded import EmbeddedRedis, answers, lock_path, redis_command, redis_url, socket_path
from connector.runtime.supervisor import ProcessSpec, Supervisor
from tests.runtime import jobs
from tests.runtime.processes import alive, eventually

ROOT = Path(__file__).resolve().parents[2]

PROGRAM = """
import sys
sys.path.insert(0, {root!r})
from redis import Redis
from connector.runtime.worker import run_worker
def prepare():
    with Redis.from_url({url!r}) as connection:
        if connection.get("broken"):
            raise OSError("no database")
        connection.incr("prepared")
run_worker("work", {url!r}, prepare=prepare)
"""


def command(url: str) -> list[str]:
    return [sys.executable, "-c", PROGRAM.format(root=str(ROOT), url=url)]


@pytest.fixture
def start_worker(redis, redis_url):
    """Starts workers, each in a session of its own, and waits until one waits for jobs or has one."""
    started = []

    def start() -> subprocess.Popen[bytes]:
        process = subprocess.Popen(command(redis_url), stderr=subprocess.DEVNULL, start_new_session=True)
        started.append(process)
        eventually(lambda: state_of(redis, process) in {WorkerStatus.IDLE, WorkerStatus.BUSY})
        return process

    yield start
    for process in started:
        process.kill()
        process.wait()


def state_of(redis: Redis, process: subprocess.Popen[bytes]) -> str:
    """As RQ knows it; empty before it is known."""
    return next((str(one.get_state()) for one in Worker.all(connection=redis) if one.pid == process.pid), "")


def ask_to_stop(redis: Redis, process: subprocess.Popen[bytes]) -> None:
    """SIGTERM, and no return before the worker took notice."""
    (worker,) = [one for one in Worker.all(connection=redis) if one.pid == process.pid]
    process.terminate()
    eventually(lambda: worker.shutdown_requested_date is not None)


def lines(redis: Redis, key: str) -> int:
    return redis.llen(key)


def test_a_job_runs_in_a_process_of_its_own_that_was_prepared(redis, start_worker):
    worker = start_worker()

    job = Queue("work", connection=redis).enqueue(jobs.pid_of, "")
    eventually(lambda: job.get_status() == JobStatus.FINISHED)

    assert job.return_value() not in {worker.pid, os.getpid()}
    assert redis.get("prepared") == b"1"


def test_what_cannot_be_prepared_fails_its_job_and_spares_the_worker(redis, redis_url, start_worker):
    worker = start_worker()
    queue = Queue("work", connection=redis)
    redis.set("broken", "1")
    job = queue.enqueue(jobs.mark, redis_url, "ran")
    eventually(lambda: job.get_status() == JobStatus.FAILED)
    redis.delete("broken")

    queue.enqueue(jobs.mark, redis_url, "next")

    eventually(lambda: lines(redis, "next") == 1)
    assert lines(redis, "ran") == 0
    assert worker.poll() is None
    assert Worker.count(redis) == 1, "no fork went on as a worker"


def test_an_idle_worker_that_is_killed_swallows_no_job(redis, redis_url, start_worker):
    worker = start_worker()
    worker.kill()
    worker.wait()

    Queue("work", connection=redis).enqueue(jobs.mark, redis_url, "ran")
    start_worker()

    eventually(lambda: lines(redis, "ran") == 1)


def test_a_worker_that_is_killed_takes_its_running_job_with_it(redis, redis_url, start_worker):
    worker = start_worker()
    Queue("work", connection=redis).enqueue(jobs.hold, redis_url, "running", 60)
    eventually(lambda: lines(redis, "running") == 1)
    horse = int(redis.lrange("running", 0, 0)[0])

    worker.kill()

    eventually(lambda: not alive(horse))


def test_a_job_whose_process_is_killed_fails_at_once_and_the_next_runs(redis, redis_url, start_worker):
    start_worker()
    queue = Queue("work", connection=redis)
    job = queue.enqueue(jobs.hold, redis_url, "running", 60)
    eventually(lambda: lines(redis, "running") == 1)

    os.kill(int(redis.lrange("running", 0, 0)[0]), signal.SIGKILL)
    queue.enqueue(jobs.mark, redis_url, "next")

    eventually(lambda: lines(redis, "next") == 1)
    assert job.get_status() == JobStatus.FAILED


def test_asked_to_stop_it_finishes_the_job_that_runs_and_takes_no_other(redis, redis_url, start_worker):
    worker = start_worker()
    queue = Queue("work", connection=redis)
    redis.set("held", "yes")
    job = queue.enqueue(jobs.hold_on, redis_url, "running", "held")
    waiting = queue.enqueue(jobs.mark, redis_url, "next")
    eventually(lambda: lines(redis, "running") == 1)

    ask_to_stop(redis, worker)
    redis.delete("held")

    assert worker.wait(60) == 0
    assert job.get_status() == JobStatus.FINISHED
    assert waiting.get_status() == JobStatus.QUEUED


def test_asked_twice_it_gives_up_the_job_that_runs(redis, redis_url, start_worker):
    """What the job was at is taken up again by the sweep over the queue table. RQ takes a second signal at once for the first."""
    worker = start_worker()
    Queue("work", connection=redis).enqueue(jobs.hold, redis_url, "running", 60)
    eventually(lambda: lines(redis, "running") == 1)
    horse = int(redis.lrange("running", 0, 0)[0])

    ask_to_stop(redis, worker)
    time.sleep(1.1)
    worker.terminate()

    worker.wait(60)
    eventually(lambda: not alive(horse))


def test_a_job_that_takes_too_long_is_broken_off_and_the_next_runs(redis, redis_url, start_worker):
    worker = start_worker()
    queue = Queue("work", connection=redis)
    job = queue.enqueue(jobs.hold, redis_url, "running", 60, job_timeout=1)
    queue.enqueue(jobs.mark, redis_url, "next")

    eventually(lambda: lines(redis, "next") == 1)

    assert job.get_status() == JobStatus.FAILED
    assert worker.poll() is None


def test_an_emptied_redis_leaves_the_worker_at_work(redis, redis_url, start_worker):
    worker = start_worker()
    redis.flushall()

    Queue("work", connection=redis).enqueue(jobs.mark, redis_url, "ran")

    eventually(lambda: lines(redis, "ran") == 1)
    assert worker.poll() is None


def test_supervised_redis_and_worker_are_back_after_a_kill_of_both(short_dir):
    url = redis_url(short_dir)
    specs = [
        ProcessSpec(
            "redis",
            redis_command(short_dir),
            ready=lambda: answers(socket_path(short_dir)),
            death_signal=signal.SIGTERM,
            lock_file=lock_path(short_dir),
        ),
        ProcessSpec("worker", command(url), stage=1),
    ]
    with Supervisor(specs, short_dir / "run", short_dir / "log") as running, Redis.from_url(url) as redis:
        queue = Queue("work", connection=redis)
        queue.enqueue(jobs.mark, url, "ran")
        eventually(lambda: lines(redis, "ran") == 1)

        for name in ("redis", "worker"):
            os.kill(running.pids()[name], signal.SIGKILL)
        eventually(lambda: running.restarts("redis") == 1 and answers(socket_path(short_dir)))
        assert lines(redis, "ran") == 1, "what was written is still there"
        queue.enqueue(jobs.mark, url, "ran")

        eventually(lambda: lines(redis, "ran") == 2)


@pytest.mark.nightly
def test_a_job_taken_by_a_killed_worker_is_reported_and_not_lost(redis, redis_url, start_worker):
    """The tuned options bound the wait: without them the job stays “started” for many minutes."""
    worker = start_worker()
    job = Queue("work", connection=redis).enqueue(jobs.hold, redis_url, "running", 60)
    eventually(lambda: lines(redis, "running") == 1)
    worker.kill()
    worker.wait()
    killed = time.monotonic()
    start_worker()

    eventually(lambda: job.get_status() == JobStatus.FAILED, seconds=120)

    assert time.monotonic() - killed < 110


def test_a_second_embedded_server_keeps_the_workers_of_the_first_going(short_dir):
    """A command that stood by takes over: RQ's worker, once it waits for jobs, reconnects by itself."""
    first = EmbeddedRedis(short_dir).start()
    with EmbeddedRedis(short_dir) as second, Redis.from_url(second.url) as redis:
        worker = subprocess.Popen(command(second.url), stderr=subprocess.DEVNULL, start_new_session=True)
        try:
            eventually(lambda: [waiting.get_state() for waiting in Worker.all(connection=redis)] == [WorkerStatus.IDLE])
            first.stop()
            eventually(lambda: answers(second.socket))

            Queue("work", connection=redis).enqueue(jobs.mark, second.url, "ran")

            eventually(lambda: lines(redis, "ran") == 1)
        finally:
            worker.kill()
            worker.wait()
