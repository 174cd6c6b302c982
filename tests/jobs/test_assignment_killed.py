"""An assignment whose worker is killed in the middle of it goes on, and ends like one that nobody disturbed."""

from __future__ import annotations

import os
import signal
import uuid
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from redis import Redis

from connector.services import assignment, work
from connector.services.assigning import FACTS_BATCH
from connector.store.database import disconnect, transaction
from connector.store.models import Account, Listing, ListingTemplate, MagentoStore, Product, QueueItem, RuleProgress
from tests.conftest import other_database, run_sql
from tests.jobs import trial
from tests.jobs.starting import StartWorker, workers
from tests.runtime.processes import alive, eventually
from tests.services import rule_shop, world

ROOT = Path(__file__).resolve().parents[2]
SIMPLE, FAMILIES = 2_400, 200
TOTAL = SIMPLE + 3 * FAMILIES


def fill(database_url: str, redis_url: str) -> Account:
    """Products without a template, of which rules and a variant's attributes decide."""
    account = rule_shop.open_shop(world.fill(database_url, products=0))
    store = MagentoStore.get()
    simple = [_values(number, price=str(number % 60), color=str(1 + number % 2)) for number in range(1, SIMPLE + 1)]
    leads = [_values(number, "configurable") for number in range(SIMPLE + 1, SIMPLE + FAMILIES + 1)]
    _insert([*simple, *leads])
    ids = dict(Product.select(Product.entity_id, Product.id).where(Product.type_id == "configurable").tuples())
    first = SIMPLE + FAMILIES + 1
    variants = [
        _values(first + place, price="30", color=str(1 + place % 2), qty=place % 7)
        | {"parent": ids[SIMPLE + 1 + place // 2]}
        for place in range(2 * FAMILIES)
    ]
    _insert(variants)
    assert Product.select().where(Product.store == store, Product.facts_stale).count() == TOTAL
    rule_shop.activate(trial.context(redis_url))
    return account


def _values(number: int, type_id: str = "simple", **values: Any) -> dict[str, Any]:
    data = rule_shop.values_of(number, type_id, values)
    return {
        "store": MagentoStore.get().id, "entity_id": number, "sku": data["sku"], "name": data["name"], "type_id": type_id,
        "data": data, "digest": "d", "seen_at": world.START, "salable": Decimal(values.get("qty", 5)), "parent": None,
    }  # fmt: skip


def _insert(rows: list[dict[str, Any]]) -> None:
    with transaction():
        for start in range(0, len(rows), 500):
            Product.insert_many(rows[start : start + 500]).execute()


def decided() -> list[tuple[Any, ...]]:
    """Everything that the rules wrote into listings."""
    rows = (
        Listing.select(Listing, Product, ListingTemplate).join(Product).switch(Listing).left_outer_join(ListingTemplate)
    )
    return sorted(
        (
            row.product.sku, row.template.name if row.template else "", row.rule, row.rule_line, row.rule_version,
            str(row.overlaps), str(row.rule_inputs), row.stale,
        )
        for row in rows
    )  # fmt: skip


@pytest.fixture
def second_url(database_url: str, tmp_path: Path, request: pytest.FixtureRequest) -> str:
    """Another empty database of the same kind."""
    if database_url.startswith("sqlite"):
        return f"sqlite:///{tmp_path / 'undisturbed.sqlite'}"
    server: str = request.getfixturevalue("postgres_url")
    name = f"t_{uuid.uuid4().hex}"
    run_sql(server, f"CREATE DATABASE {name}")
    return other_database(server, name)


@pytest.fixture
def undisturbed(second_url: str, redis_url: str, redis: Redis) -> list[tuple[Any, ...]]:
    """What the rules decide when nothing happens meanwhile."""
    account = fill(second_url, redis_url)
    assignment.run(trial.context(redis_url), account)
    found = decided()
    disconnect()
    return found


@pytest.fixture
def start_worker(
    undisturbed: list[tuple[Any, ...]], database_url: str, redis_url: str, redis: Redis
) -> Iterator[StartWorker]:
    """Slow to take its turn, so that the test sees what it does in time."""
    with workers("accounts", database_url, redis, redis_url, "nice", "-n", "5") as start:
        yield start
    disconnect()


def read() -> int:
    """Products whose facts are written."""
    return TOTAL - int(Product.select().where(Product.facts_stale).count())


def test_a_killed_assignment_goes_on_and_ends_like_an_undisturbed_one(
    undisturbed: list[tuple[Any, ...]],
    database_url: str,
    redis_url: str,
    redis: Redis,
    start_worker: StartWorker,
) -> None:
    account = fill(database_url, redis_url)
    ctx = trial.context(redis_url)
    worker = start_worker()
    work.ask(ctx, "assign_products", [account.id], actor="test")
    eventually(lambda: read() >= FACTS_BATCH, seconds=60)
    (horse,) = [int(item.lease_owner.rsplit(":", 4)[1]) for item in QueueItem.select()]
    os.killpg(worker.pid, signal.SIGKILL)
    worker.wait()
    eventually(lambda: not alive(horse), seconds=60)
    done, item = read(), QueueItem.get()

    assert FACTS_BATCH <= done < TOTAL, "it was killed in the middle"
    assert item.state == "running"
    assert 0 < len(decided()) < len(undisturbed)
    assert RuleProgress.get().done == done, "what was decided and how far it is agree"

    with transaction():
        QueueItem.update(lease_until=datetime.now(UTC) - timedelta(seconds=1)).execute()
    start_worker()
    assert work.sweep(ctx) == 1
    eventually(lambda: QueueItem.get().state == "confirmed", seconds=120)

    assert read() == TOTAL
    assert decided() == undisturbed
    assert not assignment.due(ctx, account.store)
