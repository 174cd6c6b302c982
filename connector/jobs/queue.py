"""The messenger: tells workers which rows of the queue table to look at. What it loses, the sweep says again."""

from __future__ import annotations

from collections.abc import Collection, Iterable

import structlog
from redis import Redis
from redis.exceptions import RedisError
from rq import Queue

from connector.services.work import BATCH

log = structlog.get_logger(__name__)

JOB = "connector.jobs.tasks.work_on"
FAILURE_TTL = 3_600
"""Seconds that RQ keeps a job that failed, for a person to look at. Its rows are the queue table's own affair."""

COUNTED = 400
"""Messages that are looked into. A longer queue is read when it has become shorter."""


class RedisQueue:
    """`ports.Queue` on RQ. A job carries ids only, so that a lost, late or repeated one changes nothing.

    `job_timeout` is in seconds, for one batch of at most `BATCH` ids.
    """

    def __init__(self, redis_url: str, *, job_timeout: float = 900) -> None:
        self._connection = Redis.from_url(redis_url, socket_connect_timeout=2, socket_timeout=5)
        self._job_timeout = int(job_timeout)

    def send(self, name: str, ids: Iterable[int]) -> None:
        """Ask the workers of the queue `name` to look at these rows.

        A Redis that cannot be reached is logged and not raised, on purpose: the rows are committed, and the sweep sends
        them again as soon as they were picked up by nobody for a while.
        """
        waiting = list(ids)
        queue = Queue(name, connection=self._connection)
        batches = [waiting[start : start + BATCH] for start in range(0, len(waiting), BATCH)]
        jobs = [
            Queue.prepare_data(
                JOB, args=[batch], timeout=self._job_timeout, result_ttl=0, failure_ttl=FAILURE_TTL, description=name
            )
            for batch in batches
        ]
        try:
            if jobs:
                queue.enqueue_many(jobs)
        except RedisError as error:
            log.warning("redis_unreachable", queue=name, items=len(waiting), reason=str(error))

    def on_the_way(self, name: str) -> Collection[int] | None:
        """Rows of which a message waits to be picked up; None for more than `COUNTED` messages, and without a Redis."""
        queue = Queue(name, connection=self._connection)
        try:
            if queue.count > COUNTED:
                return None
            return {item_id for job in queue.get_jobs() for item_id in job.args[0]}
        except RedisError as error:
            log.warning("redis_unreachable", queue=name, reason=str(error))
            return None

    def close(self) -> None:
        """Give the connections back."""
        self._connection.close()
