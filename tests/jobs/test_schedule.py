"""The scheduler: every kind of recurring work has somebody who does it, and a lane."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from datetime import timedelta

import pytest
from redis import Redis

from connector.jobs import recurring, schedule
from connector.services import periodic
from connector.services.context import Context
from connector.store.database import connection, disconnect
from connector.store.models import Account, PeriodicTask, QueueItem
from tests.jobs import trial
from tests.runtime.processes import eventually
from tests.services import world


@pytest.fixture
def ctx(database_url: str, redis_url: str, redis: Redis) -> Iterator[Context]:
    del redis  # emptied: what other tests sent is not on its way here
    world.fill(database_url, products=1)
    yield trial.context(redis_url)
    disconnect()


def test_every_kind_has_one_handler_and_one_lane(ctx):
    kinds = {name.partition(":")[0] for name in periodic.rhythms()}
    lanes = [kind for lane in schedule.LANES for kind in lane]

    assert set(recurring.HANDLERS) == kinds
    assert sorted(lanes) == sorted(kinds)


def test_the_sweep_is_a_handler_that_tells_what_it_sent(ctx):
    assert recurring.sweep(ctx, 0) == ""
    QueueItem.create(kind="validate", subject_type="listing", subject_id=1, state="queued", created_at=ctx.clock.now())
    assert recurring.sweep(ctx, 0) == "1 sent again"


@pytest.mark.parametrize(("changed", "hastened"), [(1, True), (0, False)])
def test_changed_stock_waits_for_nobody_s_turn(ctx, monkeypatch, changed, hastened):
    """Rules and drafts are looked at in the same second, and not for nothing."""
    account, later = Account.get(), ctx.clock.now() + timedelta(hours=1)
    for kind in ("assign", "plan"):
        PeriodicTask.create(name=f"{kind}:{account.id}", every_seconds=10, next_at=later)
    monkeypatch.setattr(recurring.snapshots, "sync_stock", lambda *_given: changed)

    recurring.read_stock(ctx, account.store_id)

    assert [task.next_at <= ctx.clock.now() for task in PeriodicTask.select()] == [hastened] * 2


def test_a_slow_lane_does_not_hold_up_another_and_stopping_waits_for_what_runs(ctx, monkeypatch):
    monkeypatch.setattr(schedule, "PAUSE", 0.02)
    stop, began, leave, finished = threading.Event(), threading.Event(), threading.Event(), threading.Event()
    orders = []

    def slow(_ctx: Context, _subject: int) -> None:
        began.set()
        assert leave.wait(30)
        finished.set()

    handlers = {"products": slow, "orders": lambda _ctx, subject: orders.append(subject)}
    thread = threading.Thread(target=schedule.run, args=(ctx, handlers, stop))
    thread.start()
    assert began.wait(30)
    eventually(lambda: orders)
    assert not finished.is_set()

    stop.set()
    leave.set()
    thread.join(30)

    assert finished.is_set()
    with connection():
        assert PeriodicTask.get_by_id("products:1").finished_at is not None
