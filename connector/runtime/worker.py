"""RQ's worker, set up so that no work is lost without a word.

A process a job, not RQ's `SimpleWorker`: forking costs 8 ms more, which a batch of a hundred items does not notice, and buys
a parent that reports at once a job whose process was killed, and memory that is given back after each batch. What is known of
RQ 3.0 and met here:

- Its maintenance runs only between two looks at the queue, and an idle look lasts `worker_ttl - 15` seconds: with the
  defaults a job of a dead worker stays “started” for many minutes. `WORKER_TTL` and the two intervals bring that to about one.
- A worker with several queues takes a job off the list before it writes down that it has it. One queue each, always.
- A child that outlives its worker keeps the worker's connection open, and Redis hands the next job to the dead. There is no
  RQ scheduler here, and the work-horse dies with its worker.
- Only a worker that waits for jobs reconnects; one that loses Redis while it starts or tidies up exits, and the supervisor
  starts another. The waits between its tries double up to a minute: too long for a server that is back after a second.
- Work that was under way when everything died is found by the sweep over the queue table, not by RQ.
"""

from __future__ import annotations

import os
import signal
from collections.abc import Callable
from typing import TYPE_CHECKING

from redis import Redis
from rq import Worker

from connector.runtime.launch import die_with_parent

if TYPE_CHECKING:
    from rq.job import Job
    from rq.queue import Queue

WORKER_TTL = 30
MAINTENANCE_INTERVAL = 10
JOB_MONITORING_INTERVAL = 5
LONGEST_WAIT_FOR_REDIS = 4
"""Seconds, all four."""


class DurableWorker(Worker):
    """A worker of one queue whose work-horse dies with it. `prepare` runs in the work-horse before each job."""

    max_connection_wait_time = LONGEST_WAIT_FOR_REDIS

    def __init__(self, queue: str, connection: Redis, *, prepare: Callable[[], None], name: str | None = None) -> None:
        super().__init__(
            [queue],
            name=name,
            connection=connection,
            worker_ttl=WORKER_TTL,
            maintenance_interval=MAINTENANCE_INTERVAL,
            job_monitoring_interval=JOB_MONITORING_INTERVAL,
        )
        self._prepare = prepare

    def main_work_horse(self, job: Job, queue: Queue) -> None:
        """As RQ's, after the work-horse has been tied to its worker and prepared. Never returns."""
        try:
            die_with_parent(self.pid or 0, signal.SIGKILL)
            self._prepare()
        except BaseException:  # past here the fork would go on as a second worker
            self.log.exception("The job %s could not be prepared", job.id)
            os._exit(1)
        super().main_work_horse(job, queue)


def run_worker(queue: str, redis_url: str, *, prepare: Callable[[], None], name: str | None = None) -> None:
    """Work on one queue until SIGTERM; a job that runs is finished first, a second SIGTERM kills it.

    `prepare` is called in the process of each job before it, for what a fork must not inherit: database connections, HTTP
    sessions, random state. What it imports is best imported here before: the fork then starts with it. For the main thread.
    """
    connection = Redis.from_url(redis_url)
    try:
        DurableWorker(queue, connection, prepare=prepare, name=name).work()
    finally:
        connection.close()
