"""The processes of one machine, as a supervisor takes them: Redis, the sandbox, and commands of our own."""

from __future__ import annotations

import json
import signal
import sys
import urllib.request
from collections.abc import Callable, Mapping
from http import HTTPStatus
from types import MappingProxyType

from connector.runtime import embedded
from connector.runtime.supervisor import ProcessSpec, Supervisor
from connector.settings import Settings

REDIS, SANDBOX, WORKERS, SCHEDULER, WEB = range(5)
"""Stages: started in this order, stopped in the reverse."""


def supervisor(settings: Settings, specs: list[ProcessSpec]) -> Supervisor:
    """One that keeps its state in `run` and its logs in `log` of the var folder."""
    return Supervisor(specs, settings.var_dir / "run", settings.var_dir / "log")


def redis_spec(settings: Settings) -> list[ProcessSpec]:
    """Our own Redis; nothing where the operator has one."""
    if not settings.embedded_redis:
        return []
    path = embedded.socket_path(settings.var_dir)
    return [
        ProcessSpec(
            "redis",
            embedded.redis_command(settings.var_dir),
            REDIS,
            ready=lambda: embedded.answers(path),
            death_signal=signal.SIGTERM,
            lock_file=embedded.lock_path(settings.var_dir),
        )
    ]


def sandbox_spec(settings: Settings, port: int, *arguments: str) -> ProcessSpec:
    """The sandbox on `port` of this machine; `arguments` as `connector sandbox` takes them."""
    command = ("sandbox", "--port", str(port), *arguments)
    ready = http_ready(f"http://127.0.0.1:{port}/_sandbox/health", {"data": str(settings.var_dir / "sandbox")})
    return command_spec(settings, "sandbox", *command, stage=SANDBOX, ready=ready, ready_patience=120)


QUEUES = ("orders", "listings", "accounts")
"""Job queues; each has workers of its own, because a worker of several can lose a job (see `runtime.worker`)."""


def worker_specs(settings: Settings) -> list[ProcessSpec]:
    """`settings.workers` workers for each queue; one for accounts, whose work is rare."""
    return [
        command_spec(settings, f"worker-{queue}-{number}", "worker", "--queue", queue, stage=WORKERS)
        for queue in QUEUES
        for number in range(1, 2 if queue == "accounts" else settings.workers + 1)
    ]


def scheduler_spec(settings: Settings) -> ProcessSpec:
    """The one scheduler."""
    return command_spec(settings, "scheduler", "scheduler", stage=SCHEDULER)


def web_spec(settings: Settings) -> ProcessSpec:
    """The web server, ready when the health page that answers on this machine is its own."""
    host = "127.0.0.1" if settings.host in {"0.0.0.0", "::"} else settings.host  # noqa: S104  # recognised, not bound
    shown = f"[{host}]" if ":" in host else host
    ready = http_ready(f"http://{shown}:{settings.port}/health", {"installation": settings.installation})
    return command_spec(settings, "web", "web", stage=WEB, ready=ready, ready_patience=60)


def workers_supervisor(settings: Settings) -> Supervisor:
    """Workers of every queue and nothing else, beside whatever else runs in the folder."""
    return Supervisor(worker_specs(settings), settings.var_dir / "run" / "workers", settings.var_dir / "log")


def command_spec(
    settings: Settings,
    name: str,
    *arguments: str,
    stage: int,
    ready: Callable[[], bool] | None = None,
    ready_patience: float = 30,
) -> ProcessSpec:
    """A `connector` command, with this process's settings and the Redis of this stack."""
    return ProcessSpec(
        name,
        [sys.executable, "-m", "connector.cli", *arguments],
        stage,
        environment={
            "CONNECTOR_VAR_DIR": str(settings.var_dir),
            "CONNECTOR_REDIS_URL": settings.redis_address,
            "CONNECTOR_SERVER_TIMEOUT": str(settings.server_timeout),
        },
        ready=ready,
        ready_patience=ready_patience,
        stop_patience=settings.stop_timeout,
    )


def http_ready(url: str, says: Mapping[str, str] = MappingProxyType({})) -> Callable[[], bool]:
    """A readiness check: the address answers with success, and its JSON says this: another's server is not ours."""

    def ready() -> bool:
        try:
            with urllib.request.urlopen(url, timeout=2) as answer:  # noqa: S310  # an address of our own on loopback
                told = json.load(answer) if says else {}
                return bool(answer.status == HTTPStatus.OK) and all(told.get(name) == says[name] for name in says)
        except (OSError, ValueError):
            return False

    return ready
