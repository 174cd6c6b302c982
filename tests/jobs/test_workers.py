"""Workers under the deaths that lose messages: the table still gets its work done (real Redis, real processes)."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from redis import Redis
from rq import Queue

from connector.jobs.queue import RedisQueue
from connector.plugins.api import actions
from connector.services import work
from connector.services.context import Context
from connector.store.database import disconnect, transaction
from connector.store.models import Listing, QueueItem
from tests.jobs import trial
from tests.jobs.starting import StartWorker, workers
from tests.runtime.processes import alive, eventually
from tests.services import world

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture
def ctx(database_url: str, redis_url: str, redis: Redis) -> Iterator[Context]:
    """Five listings, an emptied Redis, and an action that the worker knows too."""
    world.fill(database_url, products=5)
    actions.register(trial.Trial)
    yield trial.context(redis_url)
    actions.unregister("trial")
    disconnect()


@pytest.fixture
def start_worker(database_url: str, redis_url: str, redis: Redis) -> Iterator[StartWorker]:
    with workers("listings", database_url, redis, redis_url) as start:
        yield start


def ask_all(ctx: Context) -> list[int]:
    ids = [listing.id for listing in Listing.select().order_by(Listing.id)]
    work.ask(ctx, "trial", ids, actor="test")
    return ids


def confirmed() -> int:
    return QueueItem.select().where(QueueItem.state == "confirmed").count()


def time_passes() -> None:
    """Everything that waits for a lease or a message looks an hour older than it is."""
    ago = datetime.now(UTC) - timedelta(hours=1)
    with transaction():
        QueueItem.update(sent_at=ago).execute()
        QueueItem.update(lease_until=ago).where(QueueItem.state == "running").execute()


def done(redis: Redis) -> list[int]:
    return sorted(int(mark) for mark in redis.lrange("done", 0, -1))


def test_a_worker_does_each_row_of_a_batch_once(ctx, redis, start_worker):
    start_worker()
    ids = ask_all(ctx)

    eventually(lambda: confirmed() == 5, seconds=60)

    assert done(redis) == ids
    assert {(item.cause, item.attempts) for item in QueueItem.select()} == {("Tried.", 1)}


def test_a_message_that_comes_twice_does_nothing_twice(ctx, redis, start_worker):
    ids = ask_all(ctx)
    work.send(ctx, [item.id for item in QueueItem.select()])
    start_worker()

    eventually(lambda: Queue("listings", connection=redis).count == 0 and confirmed() == 5, seconds=60)

    assert done(redis) == ids


def test_work_survives_a_redis_that_lost_everything(ctx, redis, start_worker):
    """The messages are gone, the rows are not: the sweep says them again."""
    ids = ask_all(ctx)
    redis.flushall()
    start_worker()
    assert work.sweep(ctx) == 0, "nothing counts as lost before its time"
    time_passes()

    assert work.sweep(ctx) == 5
    eventually(lambda: confirmed() == 5, seconds=60)

    assert done(redis) == ids


def test_a_worker_killed_in_the_middle_of_a_batch_loses_nothing(ctx, redis, start_worker):
    """The second row was under way: it is started again. The first was finished: it is not."""
    ids = [listing.id for listing in Listing.select().order_by(Listing.id)]
    redis.set("hold", ids[1])
    first = start_worker()
    ask_all(ctx)
    eventually(lambda: redis.llen(f"started:{ids[1]}") == 1, seconds=60)
    os.killpg(first.pid, signal.SIGKILL)
    first.wait()
    horse = int(redis.lindex(f"started:{ids[1]}", 0))
    eventually(lambda: not alive(horse))
    assert confirmed() == 1
    redis.delete("hold")
    start_worker()
    time_passes()

    work.sweep(ctx)
    eventually(lambda: confirmed() == 5, seconds=60)

    assert done(redis) == ids
    assert [redis.llen(f"started:{i}") for i in ids] == [1, 2, 1, 1, 1]


def test_a_redis_that_cannot_be_reached_keeps_the_row_for_the_sweep(ctx, tmp_path):
    """Asking does not fail; the row waits in the table."""
    down = Context(ctx.remotes, ctx.clock, RedisQueue(f"unix://{tmp_path}/nobody.sock"))

    ask_all(down)

    assert {item.state for item in QueueItem.select()} == {"queued"}
    time_passes()
    assert work.sweep(down) == 0, "nothing is counted as sent while nobody can be told"
    assert work.sweep(ctx) == 5


def test_large_requests_travel_in_batches(redis, redis_url):
    queue = RedisQueue(redis_url)

    queue.send("listings", range(work.BATCH * 2 + 1))
    queue.send("listings", [])

    jobs = Queue("listings", connection=redis).get_jobs()
    assert [len(job.args[0]) for job in jobs] == [work.BATCH, work.BATCH, 1]
    assert queue.on_the_way("listings") == set(range(work.BATCH * 2 + 1))
    assert queue.on_the_way("orders") == set()
    queue.close()
