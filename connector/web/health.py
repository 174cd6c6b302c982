"""Whether this installation can work: for supervisors and load balancers."""

from __future__ import annotations

from collections.abc import Callable

import structlog
from flask import Blueprint
from flask.typing import ResponseReturnValue

import connector
from connector.store.database import connection, database

log = structlog.get_logger(__name__)


def routes(ping_redis: Callable[[], object] | None, installation: str) -> Blueprint:
    """`/health`: 200 when all that is asked answers, else 503 with what does not.

    `installation` is said too: by it a supervisor knows its own web server from another's on the same port.
    """
    who = {"name": "connector", "version": connector.__version__, "installation": installation}
    web = Blueprint("health", __name__)

    @web.get("/health")
    def health() -> ResponseReturnValue:
        parts = {"database": _state("database", _ask_database)}
        if ping_redis is not None:
            parts["redis"] = _state("redis", ping_redis)
        well = all(state == "ok" for state in parts.values())
        return (
            {**who, "status": "ok" if well else "failing", **parts},
            200 if well else 503,
            {"Cache-Control": "no-store"},
        )

    return web


def _ask_database() -> None:
    with connection():
        database.execute_sql("SELECT 1").fetchone()


def _state(name: str, ask: Callable[[], object]) -> str:
    """The reason goes to the log: it may hold an address."""
    try:
        ask()
    except Exception as error:  # noqa: BLE001  # whatever it is, it does not answer
        log.warning("health_failing", part=name, reason=str(error))
        return "failing"
    return "ok"
