"""One supervisor for Redis, web, workers and scheduler: starts them in order, restarts what ends, leaves nothing behind.

Three things hold the promise that nothing outlives it: each program leads a session that is emptied before a replacement
starts and after a stop; the kernel ends the program when the supervisor dies; and the next start ends what a killed
supervisor of the same folder may still have left (where the kernel cannot do it).
"""

from __future__ import annotations

import fcntl
import logging
import os
import queue
import signal
import subprocess
import threading
import time
import uuid
from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import Future
from dataclasses import dataclass, field
from pathlib import Path
from types import FrameType, TracebackType
from typing import IO, Self, TypeVar

from connector.errors import ConfigurationError
from connector.runtime import sessions
from connector.runtime.launch import launcher
from connector.runtime.logfile import last_line, open_log
from connector.runtime.state import RunState

logger = logging.getLogger(__name__)

T = TypeVar("T")

TICK = 0.1
"""Seconds between two looks at the programs."""
FIRST_DELAY, LONGEST_DELAY = 0.25, 30.0
"""Seconds before a program that ended is started again: the first time, and at most (it doubles)."""
STEADY = 10.0
"""Seconds after which a program counts as well, and its next delay is the first again."""


@dataclass(frozen=True, slots=True)
class ProcessSpec:
    """A program to keep running.

    Programs of a lower `stage` are ready before those of a higher one start, and stop after them. `ready` says when it can
    be used (at once, without one); `ready_patience` and `stop_patience` are seconds. `stop_signal` asks it to end, after
    `stop_patience` it is killed. `death_signal` is what the kernel sends when the supervisor dies. `lock_file`: see `launch`.
    """

    name: str
    command: Sequence[str]
    stage: int = 0
    environment: Mapping[str, str] = field(default_factory=dict)
    ready: Callable[[], bool] | None = None
    ready_patience: float = 30.0
    stop_patience: float = 20.0
    stop_signal: signal.Signals = signal.SIGTERM
    death_signal: signal.Signals = signal.SIGKILL
    lock_file: Path | None = None


class _Child:
    """A spec and what runs for it now."""

    def __init__(self, spec: ProcessSpec, log: Path, run: str) -> None:
        self.spec, self.log, self.run = spec, log, run
        self.process: subprocess.Popen[bytes] | None = None
        self.delay, self.started, self.due = FIRST_DELAY / 2, 0.0, 0.0
        self.restarts = self.failures = 0

    def start(self) -> None:
        with open_log(self.log) as output:
            self.process = subprocess.Popen(  # noqa: S603  # the commands are the caller's own
                launcher(
                    self.spec.command, death_signal=self.spec.death_signal, lock_file=str(self.spec.lock_file or "")
                ),
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                env={**os.environ, **self.spec.environment, sessions.RUN_VARIABLE: self.run},
                start_new_session=True,
            )
        self.started = time.monotonic()

    @property
    def pid(self) -> int | None:
        return self.process.pid if self.process else None

    def bury_if_ended(self, now: float) -> bool:
        """When the program has ended: end what it left, and fix when it may start again."""
        if self.process is None or not _has_ended(self.process):
            return False
        self._clear(self.process)
        self.failures += self.process.returncode >= 0  # a program that was killed did not fail by itself
        self.process = None
        self.delay = FIRST_DELAY if now - self.started > STEADY else min(self.delay * 2, LONGEST_DELAY)
        self.due = now + self.delay
        return True

    def ask_to_stop(self) -> None:
        if self.process is not None and not _has_ended(self.process):
            self.process.send_signal(self.spec.stop_signal)

    def stop(self, deadline: float) -> None:
        """Wait for the program, which was asked, until `deadline`; then end it and whatever it started."""
        process, self.process = self.process, None
        if process is None:
            return
        while not _has_ended(process) and time.monotonic() < deadline:
            time.sleep(0.01)
        self._clear(process)

    @staticmethod
    def _clear(process: subprocess.Popen[bytes]) -> None:
        """Empty the session before its leader is reaped: until then the kernel gives its number to nobody else."""
        sessions.end(lambda: sessions.members(process.pid))
        process.wait()


def _has_ended(process: subprocess.Popen[bytes]) -> bool:
    """True when the program ended; it is not reaped, except where the system cannot ask without."""
    if not hasattr(os, "waitid"):
        return process.poll() is not None
    return os.waitid(os.P_PID, process.pid, os.WEXITED | os.WNOHANG | os.WNOWAIT) is not None


class Supervisor:
    """Keeps programs running until it is stopped. `run_dir` holds its lock and its state, `log_dir` a log for each program.

    A thread of its own starts every program and lives as long as they (see `launch.die_with_parent`); the methods may be
    called from any thread. `with Supervisor(…)` starts and stops; `run()` stays in the foreground until a signal comes.
    """

    def __init__(self, specs: Iterable[ProcessSpec], run_dir: Path, log_dir: Path) -> None:
        self._specs = sorted(specs, key=lambda spec: spec.stage)
        self.run_dir, self.log_dir = run_dir.resolve(), log_dir.resolve()
        self._children: dict[str, _Child] = {}
        self._calls: queue.SimpleQueue[Callable[[], None]] = queue.SimpleQueue()
        self._thread: threading.Thread | None = None
        self._ending = False
        self._lock: IO[str] | None = None
        self._state = RunState(self.run_dir / "processes.json", uuid.uuid4().hex)

    # what a caller may do

    def start(self) -> Self:
        """Start everything, stage by stage, and return when all of it is ready.

        Raises:
            ConfigurationError: another supervisor runs in this folder, or a program does not get ready; then nothing
                is left running.
        """
        self.run_dir.mkdir(parents=True, exist_ok=True)
        self.log_dir.mkdir(parents=True, exist_ok=True)
        self._take_lock()
        self._thread = threading.Thread(target=self._loop, name="supervisor", daemon=True)
        self._thread.start()
        try:
            for stage in sorted({spec.stage for spec in self._specs}):
                for spec in (spec for spec in self._specs if spec.stage == stage):
                    self.add(spec, wait=False)
                for spec in (spec for spec in self._specs if spec.stage == stage):
                    self._await_ready(spec)
        except BaseException:
            self.stop()
            raise
        return self

    def add(self, spec: ProcessSpec, *, wait: bool = True) -> None:
        """Start one more program, and wait until it is ready unless told not to."""
        self._do(lambda: self._launch(spec))
        if wait:
            self._await_ready(spec)

    def restart(self, name: str) -> None:
        """Stop one program, start it again, and return when it is ready."""
        spec = self._do(lambda: self._stop_children([self._children[name]])[0].spec)
        self.add(spec)

    def stop_process(self, name: str) -> None:
        """Stop one program and forget it."""
        self._do(lambda: self._forget(name))

    def pids(self) -> dict[str, int]:
        """The programs that run now, by name."""
        return {name: child.pid for name, child in list(self._children.items()) if child.pid is not None}

    def restarts(self, name: str) -> int:
        """How often a program ended by itself and was started again."""
        return self._children[name].restarts

    def stop(self) -> None:
        """Stop everything, the highest stage first. Harmless when nothing runs."""
        thread, self._thread = self._thread, None
        if thread is None:
            return
        self._calls.put(self._end)
        thread.join()
        self._state.remove()
        if self._lock is not None:
            self._lock.close()
            self._lock = None

    def run(self, started: Callable[[], None] = lambda: None) -> None:
        """Start, call `started`, stay until SIGINT or SIGTERM, stop. For the main thread only."""
        asked = threading.Event()

        def ask(_signal: int, _frame: FrameType | None) -> None:
            asked.set()

        before = {number: signal.signal(number, ask) for number in (signal.SIGINT, signal.SIGTERM)}
        try:
            with self:
                started()
                while not asked.wait(1.0):
                    pass
        finally:
            for number, handler in before.items():
                signal.signal(number, handler)

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    # what happens in the supervisor's thread

    def _loop(self) -> None:
        while not self._ending:
            try:
                self._calls.get(timeout=TICK)()
            except queue.Empty:
                self._revive()

    def _revive(self) -> None:
        now = time.monotonic()
        for child in self._children.values():
            try:
                if child.bury_if_ended(now):
                    self._save()
                elif child.process is None and now >= child.due:
                    child.restarts += 1
                    child.start()
                    self._save()
            except OSError:  # a full disk, no free process: the thread must live, because its children die with it
                logger.exception("%s cannot be looked after now", child.spec.name)
                child.due = now + LONGEST_DELAY

    def _launch(self, spec: ProcessSpec) -> None:
        child = _Child(spec, self.log_dir / f"{spec.name}.log", self._state.run)
        child.start()
        self._children[spec.name] = child
        self._save()

    def _forget(self, name: str) -> None:
        self._stop_children([self._children[name]])
        self._save()

    def _stop_children(self, children: Sequence[_Child]) -> Sequence[_Child]:
        """Ask all of them first, so that they end side by side."""
        asked = time.monotonic()
        for child in children:
            child.ask_to_stop()
        for child in children:
            child.stop(asked + child.spec.stop_patience)
            self._children.pop(child.spec.name, None)
        return children

    def _end(self) -> None:
        self._ending = True
        for stage in sorted({child.spec.stage for child in self._children.values()}, reverse=True):
            self._stop_children([child for child in self._children.values() if child.spec.stage == stage])

    def _save(self) -> None:
        self._state.save({name: (child.pid, child.restarts) for name, child in self._children.items()})

    # helpers of the callers' side

    def _do(self, call: Callable[[], T]) -> T:
        if self._thread is None:
            raise RuntimeError("The supervisor does not run.")
        future: Future[T] = Future()

        def perform() -> None:
            try:
                future.set_result(call())
            except BaseException as error:  # noqa: BLE001  # raised again in the thread that asked
                future.set_exception(error)

        self._calls.put(perform)
        return future.result()

    def _take_lock(self) -> None:
        lock = (self.run_dir / "supervisor.lock").open("a+")
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            lock.seek(0)
            owner = lock.read().strip() or "unknown"
            lock.close()
            raise ConfigurationError(
                f"A connector already runs in {self.run_dir.parent} (process {owner}). Stop it first, "
                "or set CONNECTOR_VAR_DIR to another folder."
            ) from None
        lock.truncate(0)
        lock.write(str(os.getpid()))
        lock.flush()
        self._lock = lock
        self._state.end_leftovers()

    def _await_ready(self, spec: ProcessSpec) -> None:
        child = self._children[spec.name]
        deadline = time.monotonic() + spec.ready_patience
        while spec.ready is not None and not spec.ready():
            if time.monotonic() > deadline or child.failures >= 2:
                what = (
                    "ends again and again" if child.failures else f"is not ready after {spec.ready_patience:g} seconds"
                )
                said = last_line(child.log) or "it wrote nothing"
                raise ConfigurationError(f"{spec.name} {what}: {said} (log: {child.log})")
            time.sleep(0.02)
