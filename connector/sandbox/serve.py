"""The sandbox as a server: threads of one process, HTTP/1.1 with keep-alive (cheroot), stopped by SIGTERM or Ctrl-C.

One process, so that `kill -9` leaves nothing behind that would still hold the port or the data.
"""

from __future__ import annotations

import errno
import logging
import signal
import sys
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

from cheroot import wsgi
from flask import Flask

from connector.sandbox.app import BOTH, create_sandbox, stop_background
from connector.sandbox.options import SandboxError, SandboxOptions

THREADS = 32

log = logging.getLogger(__name__)


class _Gateway(wsgi.Gateway_10):
    """Shows the application its socket, which the fault `drop_connection` closes."""

    def get_environ(self) -> dict[str, Any]:  # type: ignore[override]  # cheroot annotates its abstract form with None
        environ: dict[str, Any] = super().get_environ()  # type: ignore[no-untyped-call]  # cheroot leaves it untyped
        environ["sandbox.socket"] = self.req.conn.socket
        return environ


class _Server(wsgi.Server):
    """Keeps quiet: a caller that hangs up is nobody's error."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.gateway = _Gateway

    def error_log(self, msg: str = "", level: int = 20, traceback: bool = False) -> None:
        log.log(min(level, logging.DEBUG), "%s", msg, exc_info=traceback)


class SandboxServer:
    """A listening server around `app`. `start` serves in a thread of its own, `run` in the caller's; port 0 takes any."""

    def __init__(self, app: Flask, host: str = "127.0.0.1", port: int = 0) -> None:
        self.app = app
        self._server = _Server((host, port), app, numthreads=THREADS, request_queue_size=128, shutdown_timeout=2)
        try:
            _in_daemon(self._server.prepare)
        except OSError as error:
            raise SandboxError(_why_not(host, port, error)) from error
        self.host, self.port = host, int(self._server.bind_addr[1])
        self.url = f"http://{self.host}:{self.port}"
        app.extensions["sandbox_url"] = self.url
        self._thread: threading.Thread | None = None

    def start(self) -> SandboxServer:
        self._thread = threading.Thread(target=self._server.serve, name="sandbox", daemon=True)
        self._thread.start()
        return self

    def run(self) -> None:
        self._server.serve()

    def stop(self) -> None:
        """Take no further calls, finish the running ones, stop the background work."""
        self._server.stop()
        if self._thread is not None:
            self._thread.join(10)
        stop_background(self.app)


def serve(
    host: str,
    port: int,
    data_dir: Path,
    catalog: Path | None = None,
    products: int = 300,
    seed: int = 1,
    options: SandboxOptions | None = None,
    side: str = BOTH,
) -> None:
    """Serve until SIGTERM or Ctrl-C; prints one line when ready. Raises SandboxError when it cannot start."""
    app = create_sandbox(data_dir, catalog=catalog, products=products, seed=seed, options=options, side=side)
    server = SandboxServer(app, host, port)
    done = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: done.set())
    server.start()
    sys.stdout.write(f"Sandbox ready at {server.url}\n")
    sys.stdout.flush()
    done.wait()
    server.stop()


def _in_daemon(work: Callable[[], None]) -> None:
    """Threads that `work` starts are daemons when it runs in one: they never keep a process alive whose main thread ended."""
    failures: list[OSError] = []

    def attempt() -> None:
        try:
            work()
        except OSError as error:
            failures.append(error)

    thread = threading.Thread(target=attempt, daemon=True)
    thread.start()
    thread.join()
    for error in failures:
        raise error


def _why_not(host: str, port: int, error: OSError) -> str:
    if error.errno == errno.EADDRINUSE or "in use" in str(error):
        return f"Port {port} on {host} is in use by another program: stop it, or choose another port with --port."
    return f"The sandbox cannot listen on {host}:{port}: {error}"
