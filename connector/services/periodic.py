"""Recurring work as rows of a table: what is due, who runs it, when it runs next.

A row's name is `kind` or `kind:id`, the id being an account's or a store's. However many schedulers look, a row is run
by the one that took its lease. A run that was missed, or several, is made up for by one run.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from datetime import datetime, timedelta
from typing import Any

import structlog
from peewee import PeeweeException

from connector.errors import AuthorizationError, ConfigurationError, ConnectorError
from connector.plugins.policies.synchronization import SynchronizationPolicy
from connector.services import policies
from connector.services.context import Context
from connector.store.database import connection, transaction
from connector.store.models import Account, PeriodicTask

log = structlog.get_logger(__name__)

Handler = Callable[[Context, int], object]
"""Does one kind of recurring work for an account or a store; what it returns is shown beside the row."""

LEASE = timedelta(seconds=60)
RENEW_EVERY = 15.0
"""Seconds. A run may take as long as it needs; the lease of one that was killed ends within a minute."""
SWEEP, TOKENS, PLAN, TIDY, NOTICES = 15, 600, 10, 3_600, 60
"""Seconds between two runs of what no policy speaks of."""
FAILED = "failed: "


def ensure(ctx: Context) -> None:
    """Make the rows match the accounts that are connected and active, and their synchronization policies.

    New work is due at once; a rhythm that became shorter counts from now; rows of what is gone are deleted. Nothing is due
    later than one rhythm from now, also after a clock that ran ahead was put right.
    """
    now = ctx.clock.now()
    wanted = rhythms()
    with transaction():
        known = {task.name: task for task in PeriodicTask.select()}
        gone = [name for name in known if name not in wanted]
        PeriodicTask.delete().where(PeriodicTask.name.in_(gone)).execute()  # type: ignore[misc]  # peewee types the key by a variable
        for name, seconds in wanted.items():
            if name not in known:
                PeriodicTask.create(name=name, every_seconds=seconds, next_at=now)
            elif known[name].every_seconds != seconds or known[name].next_at > now + timedelta(seconds=seconds):
                soon = min(known[name].next_at, now + timedelta(seconds=seconds))
                PeriodicTask.update(every_seconds=seconds, next_at=soon).where(PeriodicTask.name == name).execute()


def rhythms() -> dict[str, int]:
    """Name of every recurring work that there should be → seconds between two runs. A store keeps its quickest account's."""
    found = {"sweep": SWEEP, "tidy": TIDY}
    for account in Account.select().where(Account.active):
        if not account.connected:
            continue
        policy = _policy(account)
        for kind, seconds in _of_account(policy).items():
            found[f"{kind}:{account.id}"] = seconds
        for kind, seconds in _of_store(policy).items():
            name = f"{kind}:{account.store_id}"
            found[name] = min(seconds, found.get(name, seconds))
    return found


def _of_account(policy: SynchronizationPolicy) -> dict[str, int]:
    orders = policy.orders_every
    return {
        "tokens": TOKENS,
        "notices": NOTICES,
        "orders": orders,
        "returns": orders,
        "shipments": orders,
        "status": policy.status_every,
        "assign": policy.products_every,
        "plan": PLAN,
    }


def _of_store(policy: SynchronizationPolicy) -> dict[str, int]:
    return {
        "products": policy.products_every,
        "stock": policy.stock_every,
        "prices": policy.products_every,
        "store": policy.store_every,
    }


def _policy(account: Account) -> SynchronizationPolicy:
    try:
        policy = policies.effective("synchronization", account.synchronization_policy)
    except ConfigurationError as error:
        log.warning("policy_unreadable", account=account.title, reason=str(error))
        return SynchronizationPolicy()
    return policy if isinstance(policy, SynchronizationPolicy) else SynchronizationPolicy()


def tick(ctx: Context, owner: str, handlers: Mapping[str, Handler]) -> list[str]:
    """Run what is due among the kinds in `handlers`, longest due first; the names that ran.

    A handler's exception is logged and written into the row's `message`; the next run is scheduled all the same.
    """
    ran = []
    for name in _due(ctx.clock.now()):
        kind, _, subject = name.partition(":")
        if kind in handlers and _take(name, owner, ctx.clock.now()):
            message = _run(ctx, name, owner, handlers[kind], int(subject or 0))
            _finish(name, owner, message, ctx.clock.now())
            ran.append(name)
    return ran


def hasten(names: list[str], now: datetime) -> int:
    """Make recurring work due now; the number of rows there are."""
    with transaction():
        found: int = PeriodicTask.update(next_at=now).where(PeriodicTask.name.in_(names)).execute()
    return found


def _due(now: datetime) -> list[str]:
    free = PeriodicTask.lease_until.is_null() | (PeriodicTask.lease_until < now)
    query = PeriodicTask.select(PeriodicTask.name).where(PeriodicTask.next_at <= now, free)
    return [task.name for task in query.order_by(PeriodicTask.next_at, PeriodicTask.name)]


def _take(name: str, owner: str, now: datetime) -> bool:
    with transaction():
        taken = (
            PeriodicTask.update(lease_owner=owner, lease_until=now + LEASE, started_at=now)
            .where(
                PeriodicTask.name == name,
                PeriodicTask.next_at <= now,
                PeriodicTask.lease_until.is_null() | (PeriodicTask.lease_until < now),
            )
            .execute()
        )
    return bool(taken)


def _run(ctx: Context, name: str, owner: str, handler: Handler, subject: int) -> str:
    try:
        with _lease_kept(ctx, name, owner):
            result = handler(ctx, subject)
    except AuthorizationError as error:
        _tell_account(name, subject, str(error))
        return FAILED + str(error)
    except ConnectorError as error:
        log.warning("periodic_failed", task=name, reason=str(error))
        return FAILED + str(error)
    except Exception as error:
        log.exception("periodic_failed", task=name)
        return f"{FAILED}{type(error).__name__}: {error}"
    return "" if result is None else str(result)


def _tell_account(name: str, subject: int, problem: str) -> None:
    """An account's own feed says whose credentials were refused; a store's does not belong to one account."""
    log.warning("periodic_unauthorized", task=name, reason=problem)
    if name.partition(":")[0] in _of_account(SynchronizationPolicy()):
        with transaction():
            Account.update(problem=problem).where(Account.id == subject).execute()


def _finish(name: str, owner: str, message: str, now: datetime) -> None:
    with transaction():
        task = PeriodicTask.get_or_none(PeriodicTask.name == name, PeriodicTask.lease_owner == owner)
        if task is None:  # deleted while it ran, or another's by now
            return
        due = max(now, (task.started_at or now) + timedelta(seconds=task.every_seconds))
        PeriodicTask.update(
            finished_at=now, next_at=due, lease_owner="", lease_until=None, message=message[:2_000]
        ).where(PeriodicTask.name == name, PeriodicTask.lease_owner == owner).execute()


@contextmanager
def _lease_kept(ctx: Context, name: str, owner: str) -> Iterator[None]:
    """Renew the lease from a thread of its own until the block is left."""
    done = threading.Event()
    thread = threading.Thread(target=_renew, args=(ctx, name, owner, done), name=f"lease {name}", daemon=True)
    thread.start()
    try:
        yield
    finally:
        done.set()
        thread.join()


def _renew(ctx: Context, name: str, owner: str, done: threading.Event) -> None:
    while not done.wait(RENEW_EVERY):
        changes: dict[str, Any] = {"lease_until": ctx.clock.now() + LEASE}
        try:
            with connection(), transaction():
                PeriodicTask.update(changes).where(
                    PeriodicTask.name == name, PeriodicTask.lease_owner == owner
                ).execute()
        except PeeweeException as error:
            log.warning("lease_not_renewed", task=name, reason=str(error))
