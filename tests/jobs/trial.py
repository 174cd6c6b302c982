"""An action for the workers' tests, and the program of a worker that knows it."""

from __future__ import annotations

import os
import time
from datetime import UTC, datetime

from redis import Redis

from connector.jobs import tasks
from connector.jobs.queue import RedisQueue
from connector.plugins import loader
from connector.plugins.api import Action, ActionContext, ListingSubject, Outcome, actions
from connector.runtime.worker import run_worker
from connector.services.context import Context
from connector.store import database, secrets
from tests.services import world


class Trial(Action):
    """Leaves a mark in Redis; holds on while the key `hold` is there."""

    identifier = "trial"
    label = "Trial"

    def run(self, subject: ListingSubject, _context: ActionContext) -> Outcome:
        """Its process, for the test to kill."""
        with Redis.from_url(os.environ["TRIAL_REDIS"]) as redis:
            redis.rpush(f"started:{subject.id}", os.getpid())
            while redis.get("hold") == str(subject.id).encode():
                time.sleep(0.02)
            redis.rpush("done", subject.id)
        return Outcome("Tried.")


class RealClock:
    """The machine's time."""

    def now(self) -> datetime:
        return datetime.now(UTC)


def context(redis_url: str) -> Context:
    """Real messenger, real time."""
    return Context(world.Shops(), RealClock(), RedisQueue(redis_url))


def prepare() -> None:
    """What `connector worker` does before each job."""
    secrets.use([world.KEY])
    loader.load()
    actions.register(Trial)
    database.connect(os.environ["TRIAL_DATABASE"])
    tasks.use(context(os.environ["TRIAL_REDIS"]))


def main(queue: str = "listings") -> None:
    """A worker of one queue; never returns before it is told to stop."""
    run_worker(queue, os.environ["TRIAL_REDIS"], prepare=prepare)
