"""What a killed process held is free again once its last call cannot be running any more, on both databases."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from datetime import timedelta

import pytest

from connector.services import leases, work
from connector.services.context import Context
from connector.store.models import Account, Listing, PeriodicTask, QueueItem
from tests.services import world

PROGRAM = "from connector.services import leases; print(leases.owner(), flush=True); input()"


@pytest.fixture
def other() -> Iterator[subprocess.Popen[str]]:
    """Another process of this machine, whose first line is its name."""
    started = subprocess.Popen(
        [sys.executable, "-c", PROGRAM], text=True, stdin=subprocess.PIPE, stdout=subprocess.PIPE
    )
    with started:
        yield started
        started.kill()


def name_of(process: subprocess.Popen[str]) -> str:
    assert process.stdout is not None
    return process.stdout.readline().strip()


def test_a_process_is_known_to_be_gone_when_it_was_killed(other: subprocess.Popen[str]) -> None:
    name = name_of(other)
    living = leases.gone(name)
    other.kill()
    zombie = os.waitid(os.P_PID, other.pid, os.WEXITED | os.WNOWAIT) is not None and leases.gone(name)
    other.wait()

    assert (living, zombie, leases.gone(name)) == (False, True, True)


def test_the_next_process_of_the_same_number_is_another_one() -> None:
    host, pid, began, machine, rest = leases.owner().rsplit(":", 4)

    assert not leases.gone(f"{host}:{pid}:{began}:{machine}:{rest}")
    assert leases.gone(f"{host}:{pid}:{int(began) - 1}:{machine}:{rest}")


@pytest.mark.parametrize("name", ["", "worker-1", "host:1:2:3:4", "host:x:1:2:3", "host:1:cd34"])
def test_of_a_process_elsewhere_nobody_says_that_it_is_gone(name: str) -> None:
    """Another machine's, another container's, or a name of another form."""
    assert not leases.gone(name)


def test_what_the_dead_held_waits_for_their_last_call_only(
    ctx: Context, account: Account, other: subprocess.Popen[str]
) -> None:
    dead, living = name_of(other), leases.owner()
    work.ask(ctx, "validate", [row.id for row in Listing.select()], actor="test")
    first, second = list(QueueItem.select().order_by(QueueItem.id).limit(2))
    end = ctx.clock.now() + timedelta(seconds=2 * ctx.place_timeout)
    for item, owner in ((first, dead), (second, living)):
        work.take(item.id, owner, ctx.clock.now())
        QueueItem.update(lease_until=end).where(QueueItem.id == item.id).execute()
    for name, owner in (("orders:1", dead), ("orders:2", living)):
        PeriodicTask.create(name=name, every_seconds=2, next_at=world.START, lease_owner=owner, lease_until=end)
    nothing = leases.shorten(ctx)
    other.kill()
    other.wait()

    assert (nothing, leases.shorten(ctx), leases.shorten(ctx)) == (0, 2, 0)
    until = {item.id: item.lease_until for item in QueueItem.select()}
    assert until[first.id] == ctx.clock.now() + timedelta(seconds=ctx.place_timeout)
    assert until[second.id] == end
    assert PeriodicTask.get_by_id("orders:1").lease_until == ctx.clock.now()
    assert PeriodicTask.get_by_id("orders:2").lease_until == end
