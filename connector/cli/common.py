"""What commands share: settings, reports as text or JSON, progress bars."""

from __future__ import annotations

import json
import socket
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext
from typing import TYPE_CHECKING, Any, Protocol

import click

from connector.errors import ConfigurationError
from connector.settings import Settings

if TYPE_CHECKING:
    from rich.progress import Progress as RichProgress

    from connector.services.context import Context

Advance = Callable[[int], None]


class Show(Protocol):
    """What is done now, how far it is, of how many."""

    def __call__(self, text: str, done: int = 0, total: int = 0, /) -> None: ...


def start(*, service: bool = False) -> Settings:
    """Read the settings and begin to log: a service as it is set; a command that only reports says the rest itself, and
    logs no more than errors unless it was called with `--verbose`."""
    from connector import logs

    settings = Settings.load()
    ctx = click.get_current_context(silent=True)
    talkative = service or (ctx is not None and ctx.meta.get("connector.verbose", False))
    logs.configure(settings.log_level if talkative else "error", as_json=settings.log_json)
    return settings


def open_database(settings: Settings) -> None:
    """Load the keys and point the models at the database. Leaves no connection open: a process may fork after it.

    Raises:
        ConfigurationError: it does not answer, or lacks tables of this version.
    """
    from connector.store import database, secrets
    from connector.store.migrations import pending

    settings.make_folder()
    secrets.use(settings.encryption_keys())
    database.connect(settings.database_url)
    missing = pending()
    database.disconnect()
    if missing:
        raise ConfigurationError("The database lacks tables of this version. Run: connector migrate")


def context() -> Context:
    """What services work with, for a command that calls them: settings read, database checked, plugins loaded.

    Raises:
        ConfigurationError: as `start` and `open_database` do.
    """
    from connector.app import create_context

    settings = start()
    open_database(settings)
    return create_context(settings)


def redis(settings: Settings) -> AbstractContextManager[object]:
    """A Redis for as long as the command runs: ours, or the one of another command in the same folder, to be taken over
    when that ends. Nothing to do where the operator has one."""
    from connector.runtime.embedded import EmbeddedRedis

    return EmbeddedRedis(settings.var_dir) if settings.embedded_redis else nullcontext()


def require_redis(settings: Settings) -> None:
    """Refuse early, with a sentence, what a worker would stumble over.

    Raises:
        ConfigurationError: the operator's Redis does not answer.
    """
    from redis import Redis
    from redis.exceptions import RedisError

    try:
        with Redis.from_url(settings.redis_address, socket_connect_timeout=settings.connect_timeout) as connection:
            connection.ping()
    except RedisError as error:
        raise ConfigurationError(f"Redis does not answer ({error}). Start it, or check CONNECTOR_REDIS_URL.") from error


json_option = click.option("--json", "as_json", is_flag=True, help="Report as JSON on standard output.")


def report(data: Any, *, as_json: bool, text: Callable[[], str] | None = None) -> None:
    """Print a result: JSON for programs, or what `text` makes of it for people."""
    if as_json or text is None:
        click.echo(json.dumps(data, indent=2, ensure_ascii=False, default=str))
    else:
        click.echo(text())


def table(columns: Sequence[str], rows: Sequence[Sequence[object]], *, empty: str = "Nothing.") -> str:
    """A plain text table, or the sentence `empty`. As wide as it needs: it is often read by `grep` or in a log."""
    if not rows:
        return empty
    cells = [list(columns), *([str(cell) for cell in row] for row in rows)]
    widths = [max(len(row[column]) for row in cells) for column in range(len(columns))]
    lines = ["  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in cells]
    return "\n".join(lines)


def pairs(data: Mapping[str, object]) -> str:
    """One `name  value` a line."""
    width = max((len(name) for name in data), default=0)
    return "\n".join(f"{name.ljust(width)}  {value}" for name, value in data.items())


@contextmanager
def progress(description: str, total: int | None = None, *, quiet: bool = False) -> Iterator[Advance]:
    """A progress bar on standard error; silent when that is no terminal, and in `quiet` commands such as `--json`."""
    with _bar(quiet=quiet) as bar:
        if bar is None:
            yield lambda _steps: None
            return
        task = bar.add_task(description, total=total)
        yield lambda steps: bar.advance(task, steps)


@contextmanager
def stages(title: str, *, quiet: bool = False) -> Iterator[Show]:
    """As `progress`, for work of several parts: call what it gives with what is done now, how far it is, and of how many
    (0 where nobody knows)."""
    with _bar(quiet=quiet) as bar:
        if bar is None:
            yield lambda _text, _done=0, _total=0: None
            return
        task = bar.add_task(title, total=None)
        yield lambda text, done=0, total=0: bar.update(
            task, description=f"{title}: {text}", completed=done, total=total or None
        )


@contextmanager
def _bar(*, quiet: bool) -> Iterator[RichProgress | None]:
    if quiet or not sys.stderr.isatty():
        yield None
        return
    from rich.console import Console
    from rich.progress import Progress

    with Progress(console=Console(stderr=True), transient=True) as bar:
        yield bar


def require_free_port(host: str, port: int, variable: str) -> None:
    """Refuse early, with a sentence, what a server would report late.

    Raises:
        ConfigurationError: something listens there, or this machine has no such address.
    """
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family, socket.SOCK_STREAM) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except (OSError, OverflowError) as error:
            reason = getattr(error, "strerror", None) or error
            raise ConfigurationError(
                f"Port {port} on {host} cannot be used: {reason}. Stop the program that uses it, or set {variable}."
            ) from None
