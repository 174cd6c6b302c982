"""Leases of processes that are gone end sooner: what a killed worker held waits only as long as its last call may still run.

A lease is long, because the process that holds it may be slow. One that was killed is not slow: where its death can be
seen, on the same machine, nobody has to wait for the rest.
"""

from __future__ import annotations

import functools
import hashlib
import os
import socket
import uuid
from datetime import timedelta
from pathlib import Path
from typing import Any

from connector.services.context import Context
from connector.store.database import transaction
from connector.store.models import Order, PeriodicTask, QueueItem, ReturnCase

ON_THE_WAY = ("", "reserved", "claimed", "cart", "placing", "placed", "corrected", "failed")
"""States in which an order can be somebody's."""


def owner() -> str:
    """A name for what this process takes: host, process, when that began, the machine it lives on, and a random part."""
    pid = os.getpid()
    return f"{socket.gethostname()}:{pid}:{_began(pid)}:{_machine()}:{uuid.uuid4().hex[:8]}"


def gone(name: str) -> bool:
    """True when the process of this name certainly ended; false also for one that lives where we cannot look."""
    parts = name.rsplit(":", 4)
    if len(parts) != 5 or not parts[1].isdigit():
        return False
    _, pid, began, machine, _ = parts
    return bool(began and machine) and machine == _machine() and _began(int(pid)) != began


def shorten(ctx: Context) -> int:
    """End what processes hold that are gone; the number of leases.

    Work may begin again when a call that the process had sent cannot be running any more. Recurring work, which may be
    done twice, begins at once.
    """
    now = ctx.clock.now()
    later = now + timedelta(seconds=ctx.place_timeout)
    held: tuple[tuple[Any, Any, Any], ...] = (
        (PeriodicTask, True, now),
        (QueueItem, QueueItem.state == "running", later),
        (Order, Order.state.in_(ON_THE_WAY), later),
        (ReturnCase, ReturnCase.store_state == "due", later),
    )
    return sum(_shorten(model, (model.lease_until > end) & which, end) for model, which, end in held)


def _shorten(model: Any, which: Any, end: Any) -> int:
    owners = [name for (name,) in list(model.select(model.lease_owner).where(which).distinct().tuples())]
    ended = [name for name in owners if gone(name)]
    if not ended:
        return 0
    with transaction():
        return int(model.update(lease_until=end).where(which, model.lease_owner.in_(ended)).execute())


@functools.cache
def _machine() -> str:
    """Which process numbers ours are among: this boot of this machine, this container. Empty where nobody says (not Linux)."""
    try:
        boot = Path("/proc/sys/kernel/random/boot_id").read_text("ascii")
        room = Path("/proc/self/ns/pid").readlink()
    except OSError:
        return ""
    return hashlib.sha256(f"{boot}{room}".encode()).hexdigest()[:12]


def _began(pid: int) -> str:
    """When a process began, in ticks since boot (proc(5), stat, field 22); empty when it does not run."""
    try:
        state, *fields = Path(f"/proc/{pid}/stat").read_text("utf-8", "replace").rpartition(")")[2].split()
    except OSError:
        return ""
    return "" if state in "ZX" else fields[18]
