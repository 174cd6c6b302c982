"""Helpers for tests with real processes."""

from __future__ import annotations

import socket
import time
from collections.abc import Callable

import psutil


def eventually(condition: Callable[[], object], seconds: float = 60.0) -> None:
    """Wait until `condition` is true; the seconds only bound a test that fails."""
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "it never became true"
        time.sleep(0.02)


def alive(pid: int) -> bool:
    """True for a process that runs; a zombie does not."""
    try:
        return psutil.Process(pid).status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


def free_port() -> str:
    """A port that nobody uses at this moment."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return str(probe.getsockname()[1])
