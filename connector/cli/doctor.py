"""`connector doctor`: is everything that the connector needs there, and if not, what to do."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Iterator
from dataclasses import asdict
from datetime import UTC, datetime

import click

from connector.cli import common
from connector.cli.finding import Finding
from connector.errors import ConfigurationError, ConnectorError
from connector.settings import Settings, new_encryption_key

LEAST_FREE = 500_000_000
"""Bytes of disk below which a database and its log are in danger."""
LONGEST_SILENCE = 900
"""Seconds. The sweep runs every minute at most; after fifteen nobody runs it."""
LEAST_REDIS = (6, 2)
"""RQ takes jobs safely (BLMOVE) from this version on."""


@click.command()
@common.json_option
@click.option("--new-key", is_flag=True, help="Only print a fresh key for CONNECTOR_SECRET_KEY.")
@click.pass_context
def doctor(ctx: click.Context, *, as_json: bool, new_key: bool) -> None:
    """Check settings, database, Redis and both remote systems, and say what to do.

    Exit status 1 when something must be done.
    """
    if new_key:
        click.echo(new_encryption_key())
        return
    findings = list(examine())
    common.report([asdict(finding) for finding in findings], as_json=as_json, text=lambda: _text(findings))
    ctx.exit(0 if all(finding.ok for finding in findings) else 1)


def examine() -> Iterator[Finding]:
    """Everything in the order in which it should be put right."""
    try:
        settings = common.start()
    except ConfigurationError as error:
        yield from (Finding("settings", False, line) for line in str(error).splitlines())
        return
    changed = len(settings.model_fields_set)
    yield Finding("settings", True, f"{changed} set, the others have their defaults")
    for check, look in CHECKS.items():
        try:
            yield from look(settings)
        except ConnectorError as error:
            yield Finding(check, False, str(error))


def folder(settings: Settings) -> Iterator[Finding]:
    """The var folder: ours to write, with room left."""
    path = settings.var_dir
    try:
        path.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        yield Finding("folder", False, f"{path}: {error.strerror}", "Set CONNECTOR_VAR_DIR to a folder of yours.")
        return
    free = shutil.disk_usage(path).free
    if not os.access(path, os.W_OK | os.X_OK):
        yield Finding("folder", False, f"{path} cannot be written", f"Run: chown {os.getuid()} {path}")
    else:
        advice = "" if free >= LEAST_FREE else "Make room, or set CONNECTOR_VAR_DIR to another disk."
        yield Finding("folder", not advice, f"{path}, {free / 1e9:,.1f} GB free", advice)


def keys(settings: Settings) -> Iterator[Finding]:
    """The keys that encrypt stored tokens and sign sessions."""
    from connector.store import secrets

    secrets.use(settings.encryption_keys())
    settings.session_key()
    where = "CONNECTOR_SECRET_KEY" if settings.secret_key.get_secret_value() else settings.var_dir / "secret.key"
    yield Finding("keys", True, f"{where}; keep a copy: without it stored tokens cannot be read")


def database(settings: Settings) -> Iterator[Finding]:
    """It answers, and has the tables of this version."""
    from connector.store import database as store
    from connector.store.migrations import pending

    settings.make_folder()
    handle = store.connect(settings.database_url)
    with store.connection():
        query = "SELECT sqlite_version()" if store.is_sqlite() else "SHOW server_version"
        version = handle.execute_sql(query).fetchone()[0]  # type: ignore[no-untyped-call]  # peewee's stubs leave it out
        missing = pending()
    kind = "SQLite" if store.is_sqlite() else "PostgreSQL"
    found = f"{kind} {version}, {'up to date' if not missing else f'{len(missing)} migrations are missing'}"
    yield Finding("database", not missing, found, "Run: connector migrate" if missing else "")


def redis(settings: Settings) -> Iterator[Finding]:
    """It answers, is new enough, and never throws work away."""
    from redis import Redis
    from redis.exceptions import RedisError

    with (
        common.redis(settings),
        Redis.from_url(settings.redis_address, socket_timeout=settings.connect_timeout) as connection,
    ):
        try:
            version = str(connection.info("server")["redis_version"])
            policy = connection.config_get("maxmemory-policy").get("maxmemory-policy", "noeviction")
        except RedisError as error:
            yield Finding("redis", False, f"no answer: {error}", "Start it, or check CONNECTOR_REDIS_URL.")
            return
    whose = "our own" if settings.embedded_redis else "yours"
    found = f"version {version} ({whose}), maxmemory-policy {policy}"
    if tuple(int(part) for part in version.split(".")[:2]) < LEAST_REDIS:
        yield Finding("redis", False, found, "Install Redis 6.2 or newer, or Valkey.")
    elif policy != "noeviction":
        yield Finding("redis", False, found, "Set maxmemory-policy to noeviction: otherwise Redis drops queued work.")
    else:
        yield Finding("redis", True, found)


def plugins(_settings: Settings) -> Iterator[Finding]:
    """Policies and actions that other packages bring; without one that failed, rows that name it do nothing."""
    from connector.plugins import loader

    failed = loader.load()
    for plugin in failed:
        advice = f"Correct or remove the package that brings {plugin.name}."
        yield Finding("plugins", False, f"{plugin.name} cannot be used: {plugin.reason}", advice)
    if not failed:
        yield Finding("plugins", True, "all that are installed can be used")


def web(settings: Settings) -> Iterator[Finding]:
    """The web process answers, or its port is free for it."""
    import requests

    url = f"{settings.base_url}/health"
    try:
        answer = requests.get(url, timeout=(2, 5))
    except requests.RequestException:
        common.require_free_port(settings.host, settings.port, "CONNECTOR_PORT")
        yield Finding("web", True, f"does not run; port {settings.port} is free for it")
        return
    ok = answer.ok and "connector" in answer.headers.get("content-type", "") + answer.text
    advice = (
        ""
        if ok
        else f"Another program answers there (HTTP {answer.status_code}): set CONNECTOR_PORT or CONNECTOR_BASE_URL."
    )
    yield Finding("web", ok, f"{url} answers HTTP {answer.status_code}", advice)


def scheduler(settings: Settings) -> Iterator[Finding]:
    """When recurring work last ended, and what is long overdue."""
    from connector.store.database import connection
    from connector.store.models import PeriodicTask

    if not _tables_are_there(settings):
        return
    with connection():
        tasks = list(PeriodicTask.select())
    ended = [task.finished_at for task in tasks if task.finished_at]
    if not ended:
        yield Finding("scheduler", True, "recurring work has not run yet; connector up and connector scheduler run it")
        return
    ago = (datetime.now(UTC) - max(ended)).total_seconds()
    advice = "Start it: connector up, or connector scheduler" if ago > LONGEST_SILENCE else ""
    yield Finding("scheduler", not advice, f"recurring work ran {ago:,.0f} seconds ago", advice)


def remotes(settings: Settings) -> Iterator[Finding]:
    """Every store and account: reachable, authorised, clocks that agree, webhooks."""
    from connector.cli.remotes import look

    if _tables_are_there(settings):
        with common.redis(settings):  # the clients share their throttle there
            yield from look(settings)


def _tables_are_there(settings: Settings) -> bool:
    """False where `database` has already said what is missing."""
    from connector.store import database as store
    from connector.store.migrations import pending

    try:
        store.connect(settings.database_url)
    except ConfigurationError:
        return False
    return not pending()


CHECKS: dict[str, Callable[[Settings], Iterator[Finding]]] = {
    "folder": folder,
    "keys": keys,
    "database": database,
    "redis": redis,
    "plugins": plugins,
    "web": web,
    "scheduler": scheduler,
    "remotes": remotes,
}


def _text(findings: list[Finding]) -> str:
    lines = []
    for finding in findings:
        lines.append(f"{'ok  ' if finding.ok else 'FAIL'}  {finding.check.ljust(10)}  {finding.found}")
        if finding.advice:
            lines.append(f"      {' ' * 10}  → {finding.advice}")
    return "\n".join(lines)
