"""Recurring work: what is due runs once, whoever looks, and goes on recurring."""

from __future__ import annotations

import threading

import pytest

from connector.errors import AuthorizationError
from connector.services import periodic
from connector.store.database import connection
from connector.store.models import Account, PeriodicTask, Policy


def task(name: str) -> PeriodicTask:
    return PeriodicTask.get_by_id(name)


@pytest.fixture
def ready(ctx):
    periodic.ensure(ctx)
    return ctx


def test_an_account_s_policy_sets_the_rhythm_of_its_feeds(ready, account):
    assert task("sweep").every_seconds == periodic.SWEEP
    assert task(f"orders:{account.id}").every_seconds == 120
    assert task(f"products:{account.store_id}").every_seconds == 300
    assert task(f"status:{account.id}").every_seconds == 600
    assert task(f"store:{account.store_id}").every_seconds == 86_400


def test_two_accounts_of_one_store_share_its_feeds_at_the_quicker_rhythm(ready, account):
    policy = Policy.create(
        title="Quick", type="synchronization", settings={"stock_every": 5},
        created_at=ready.clock.now(), updated_at=ready.clock.now(),
    )  # fmt: skip
    Account.create(
        title="Luma GB", store=account.store, shop_id="2", refresh_token="r", synchronization_policy=policy,
        created_at=ready.clock.now(),
    )  # fmt: skip
    periodic.ensure(ready)

    assert task(f"stock:{account.store_id}").every_seconds == 5
    assert task(f"products:{account.store_id}").every_seconds == 300


def test_work_of_an_account_that_was_switched_off_is_gone(ready, account):
    Account.update(active=False).execute()
    periodic.ensure(ready)

    assert {row.name for row in PeriodicTask.select()} == {"sweep", "tidy"}


def test_what_is_due_runs_once_and_then_waits_its_turn(ready):
    ran = []
    handlers = {"sweep": lambda _ctx, subject: ran.append(subject)}

    assert periodic.tick(ready, "one", handlers) == ["sweep"]
    assert periodic.tick(ready, "one", handlers) == []
    ready.clock.turn(periodic.SWEEP)
    assert periodic.tick(ready, "one", handlers) == ["sweep"]
    assert ran == [0, 0]


def test_runs_that_were_missed_are_made_up_for_by_one(ready):
    handlers = {"sweep": lambda _ctx, _subject: None}
    periodic.tick(ready, "one", handlers)
    ready.clock.turn(periodic.SWEEP * 100)

    assert periodic.tick(ready, "one", handlers) == ["sweep"]
    assert periodic.tick(ready, "one", handlers) == []


def test_a_handler_is_given_the_id_and_what_it_says_is_kept(ready, account):
    periodic.tick(ready, "one", {"orders": lambda _ctx, subject: f"account {subject}"})

    assert task(f"orders:{account.id}").message == f"account {account.id}"


def test_a_failure_is_kept_beside_the_row_and_the_next_run_comes(ready, account):
    def broken(_ctx, _subject):
        raise ValueError("no such column")

    name = f"orders:{account.id}"
    assert periodic.tick(ready, "one", {"orders": broken}) == [name]
    assert task(name).message == "failed: ValueError: no such column"
    assert (task(name).next_at - ready.clock.now()).total_seconds() == 120
    ready.clock.turn(120)
    assert periodic.tick(ready, "one", {"orders": lambda _ctx, _subject: 5}) == [name]
    assert task(name).message == "5"


def test_refused_credentials_become_the_account_s_problem(ready, account):
    def refused(_ctx, _subject):
        raise AuthorizationError("The seller took the access away.", system="tiktok")

    periodic.tick(ready, "one", {"orders": refused})

    assert Account.get_by_id(account.id).problem == "The seller took the access away."


def test_two_schedulers_never_run_the_same_work(ready):
    """The second looks while the first is in the middle of it."""
    inside, leave, ran = threading.Event(), threading.Event(), []

    def slow(_ctx, _subject):
        ran.append("one")
        inside.set()
        assert leave.wait(20)

    def first():
        with connection():
            periodic.tick(ready, "one", {"sweep": slow})

    thread = threading.Thread(target=first)
    thread.start()
    assert inside.wait(20)
    second = periodic.tick(ready, "two", {"sweep": lambda _ctx, _subject: ran.append("two")})
    leave.set()
    thread.join()

    assert second == []
    assert ran == ["one"]


def test_the_work_of_a_dead_scheduler_is_taken_over_when_its_lease_ends(ready):
    now = ready.clock.now()
    PeriodicTask.update(lease_owner="dead", lease_until=now + periodic.LEASE).where(
        PeriodicTask.name == "sweep"
    ).execute()
    handlers = {"sweep": lambda _ctx, _subject: None}

    assert periodic.tick(ready, "two", handlers) == []
    ready.clock.turn(periodic.LEASE.total_seconds() + 1)
    assert periodic.tick(ready, "two", handlers) == ["sweep"]


def test_a_long_run_keeps_its_lease(ready, monkeypatch):
    monkeypatch.setattr(periodic, "RENEW_EVERY", 0.02)
    renewed = threading.Event()
    before = ready.clock.now() + periodic.LEASE

    def slow(_ctx, _subject):
        ready.clock.turn(30)
        for _ in range(500):
            if task("sweep").lease_until > before:
                renewed.set()
                return
            threading.Event().wait(0.01)

    periodic.tick(ready, "one", {"sweep": slow})

    assert renewed.is_set()
    assert task("sweep").lease_until is None


def test_hastened_work_is_due_now(ready, account):
    handlers = {"orders": lambda _ctx, _subject: None}
    name = f"orders:{account.id}"
    periodic.tick(ready, "one", handlers)

    assert periodic.hasten([name, "orders:999"], ready.clock.now()) == 1
    assert periodic.tick(ready, "one", handlers) == [name]


def test_an_account_without_a_policy_of_its_own_keeps_the_default_s_rhythm(account: Account) -> None:
    Account.update(synchronization_policy=None).execute()
    Policy.update(is_default=True, settings={"stock_every": 7}).where(Policy.type == "synchronization").execute()
    assert periodic.rhythms()[f"stock:{account.store_id}"] == 7


def test_a_clock_that_ran_ahead_and_was_put_right_keeps_nothing_waiting(ready):
    names = {"sweep": lambda _ctx, _none: None}
    ready.clock.turn(86_400)
    assert periodic.tick(ready, "one", names) == ["sweep"]
    ready.clock.turn(-86_400)

    periodic.ensure(ready)
    assert periodic.tick(ready, "one", names) == []
    ready.clock.turn(periodic.SWEEP)

    assert periodic.tick(ready, "one", names) == ["sweep"]
