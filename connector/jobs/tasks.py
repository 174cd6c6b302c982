"""What a worker runs: a batch of rows of the queue table."""

from __future__ import annotations

import time
from collections.abc import Sequence

import structlog
from rq import get_current_job

from connector.services import leases, runner, work
from connector.services.context import Context
from connector.store.database import connection

log = structlog.get_logger(__name__)

DEFAULT_TIMEOUT = 900.0
"""Seconds, where RQ set no limit."""

_context: list[Context] = []


def use(ctx: Context) -> None:
    """Give this process its context; called before each job, in the process of the job."""
    _context[:] = [ctx]


def work_on(ids: Sequence[int]) -> None:
    """Work on these rows one after another; rows that are done, or somebody else's, are passed over.

    A batch that takes long hands its rest to another job, well before RQ would break it off in the middle of a row.

    Raises:
        RuntimeError: the worker was started without `use`.
    """
    if not _context:
        raise RuntimeError("This process has no context: start workers with “connector worker”.")
    ctx = _context[0]
    owner = leases.owner()
    end = time.monotonic() + _limit() * 2 / 3
    with connection(), work.kept(ctx, owner, ids):
        for index, item_id in enumerate(ids):
            if time.monotonic() > end:
                work.send(ctx, ids[index:])
                return
            state = runner.run_item(ctx, item_id, owner)
            log.debug("item", id=item_id, state=state or "not mine")


def _limit() -> float:
    job = get_current_job()
    return float(job.timeout or DEFAULT_TIMEOUT) if job else DEFAULT_TIMEOUT
