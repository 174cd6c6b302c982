"""The scheduler process: runs recurring work in a few lanes, so that a long catalogue never holds up an order."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping

import structlog
from peewee import PeeweeException

from connector.services import leases, periodic
from connector.services.context import Context
from connector.services.periodic import Handler
from connector.store.database import connection

log = structlog.get_logger(__name__)

LANES = (
    ("sweep", "tokens"),
    ("tidy", "notices", "store"),
    ("orders", "returns", "shipments"),
    ("stock", "prices", "products"),
    ("assign", "plan", "status"),
)
"""Kinds of recurring work that take turns; lanes run side by side."""
PAUSE = 1.0
"""Seconds between two looks at what is due."""
LOOK_AFTER_EVERY = 10
"""Looks after which the rows are made to match accounts and policies again, and leases of the dead are shortened."""


def run(ctx: Context, handlers: Mapping[str, Handler], stop: threading.Event) -> None:
    """Run what is due until `stop` is set; what runs then is finished first.

    Several schedulers may run at once: leases keep them apart.
    """
    owner = leases.owner()
    _safely(lambda: _look_after(ctx))
    lanes = [
        threading.Thread(target=_lane, args=(ctx, owner, mine, stop), name=f"lane {kinds[0]}")
        for kinds in LANES
        if (mine := {kind: handlers[kind] for kind in kinds if kind in handlers})
    ]
    for lane in lanes:
        lane.start()
    looks = 0
    while not stop.wait(PAUSE):
        looks += 1
        if looks % LOOK_AFTER_EVERY == 0:
            _safely(lambda: _look_after(ctx))
    for lane in lanes:
        lane.join()


def _look_after(ctx: Context) -> None:
    periodic.ensure(ctx)
    if shortened := leases.shorten(ctx):
        log.info("leases_shortened", count=shortened)


def _lane(ctx: Context, owner: str, handlers: Mapping[str, Handler], stop: threading.Event) -> None:
    while not stop.is_set():
        _safely(lambda: periodic.tick(ctx, owner, handlers))
        stop.wait(PAUSE)


def _safely(call: Callable[[], object]) -> None:
    """A database that does not answer for a while must not end the scheduler: it is logged and asked again."""
    try:
        with connection():
            call()
    except PeeweeException as error:
        log.warning("database_failed", reason=str(error))
