"""Finding and ending a program together with everything it started.

Every supervised program leads a session of its own, and its children stay in it: RQ's work-horse leaves the process *group*
(a `killpg` misses it) and is re-parented when its worker is killed (a walk of children misses it), but keeps the session.
"""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Callable, Iterable

import psutil

RUN_VARIABLE = "SUPERVISOR_RUN"
"""Environment variable by which the processes of one supervisor's run are known, also after it is gone."""


def members(session: int) -> list[psutil.Process]:
    """Every living process of a session, the leader included. Zombies are not living."""
    return [process for process in psutil.process_iter() if _session(process) == session]


def run_members(run: str) -> list[psutil.Process]:
    """Every living process that was started under the run `run`, this one excepted."""
    return [process for process in psutil.process_iter() if process.pid != os.getpid() and _run(process) == run]


def end(find: Callable[[], Iterable[psutil.Process]], *, patience: float = 0.0) -> None:
    """End what `find` finds: asked first when there are `patience` seconds for it, then killed, until nothing is found."""
    deadline = time.monotonic() + patience
    if patience:
        _send(find(), signal.SIGTERM)
    while found := list(find()):
        if time.monotonic() >= deadline:
            _send(found, signal.SIGKILL)
        time.sleep(0.01)


def _send(processes: Iterable[psutil.Process], signal_number: signal.Signals) -> None:
    for process in processes:
        try:
            process.send_signal(signal_number)
        except psutil.NoSuchProcess:
            continue  # it ended between the two calls, which is what was wanted


def _session(process: psutil.Process) -> int | None:
    try:
        session = os.getsid(process.pid)
        return None if process.status() == psutil.STATUS_ZOMBIE else session
    except (OSError, psutil.Error):
        return None


def _run(process: psutil.Process) -> str | None:
    try:
        return None if process.status() == psutil.STATUS_ZOMBIE else process.environ().get(RUN_VARIABLE)
    except (OSError, psutil.Error):
        return None
