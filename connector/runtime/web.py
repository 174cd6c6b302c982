"""The web server: gunicorn with threads, whose workers do not outlive it and whose lines go where ours go."""

from __future__ import annotations

import signal
from collections.abc import Callable
from typing import Any

from gunicorn.app.base import BaseApplication
from gunicorn.glogging import Logger

from connector.runtime.launch import die_with_parent


class _Logger(Logger):  # type: ignore[misc]  # gunicorn has no annotations
    """Leaves formatting, and the taking out of secrets, to the program's own logging."""

    def setup(self, cfg: Any) -> None:
        self.cfg = cfg
        for logger in (self.error_log, self.access_log):
            logger.handlers.clear()
            logger.propagate = True
        self.access_log.disabled = True  # query strings carry OAuth codes; the application logs what it needs


class _Server(BaseApplication):  # type: ignore[misc]  # gunicorn has no annotations
    def __init__(self, load: Callable[[], Any], options: dict[str, Any]) -> None:
        self._load, self._options = load, options
        super().__init__()

    def load_config(self) -> None:
        for name, value in self._options.items():
            self.cfg.set(name, value)

    def load(self) -> Any:
        return self._load()


def serve(load: Callable[[], Any], host: str, port: int, *, processes: int, threads: int, stop_timeout: float) -> None:
    """Serve the WSGI application that `load` makes, until SIGTERM; requests that run then get `stop_timeout` seconds.

    `load` is called in each process after the fork, so that none inherits a database connection.
    """
    address = f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
    _Server(
        load,
        {
            "bind": address,
            "workers": processes,
            "threads": threads,
            "worker_class": "gthread",
            "timeout": 120,
            "graceful_timeout": max(int(stop_timeout), 1),
            "logger_class": _Logger,
            "post_fork": _tie_to_server,
            "control_socket_disable": True,
        },
    ).run()


def _tie_to_server(_server: Any, worker: Any) -> None:
    die_with_parent(worker.ppid, signal.SIGKILL)
