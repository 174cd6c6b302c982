"""The queue table: one open item per subject, leases, postponement, death, and what a person may do to it."""

from __future__ import annotations

import threading
from datetime import timedelta

import pytest

from connector.errors import UnknownPluginError
from connector.services import work
from connector.store.database import connection
from connector.store.models import HistoryEntry, Listing, QueueItem
from tests.runtime.processes import eventually


def ask(ctx, number=1, **more) -> QueueItem:
    """One item for one listing."""
    listing = Listing.select().order_by(Listing.id)[number - 1]
    work.ask(ctx, "upload", [listing.id], actor="alex@example.com", **more)
    return QueueItem.select().order_by(QueueItem.id.desc()).get()


def again(item: QueueItem) -> QueueItem:
    return QueueItem.get_by_id(item.id)


def test_one_item_per_subject_is_made_and_a_worker_is_told(ctx):
    ids = [listing.id for listing in Listing.select()]

    asked = work.ask(ctx, "upload", [*ids, 9_999], actor="alex@example.com")

    assert (asked.queued, asked.already) == (3, 0)
    assert [item.state for item in QueueItem.select()] == ["queued"] * 3
    assert ctx.queue.sent == [("listings", [item.id for item in QueueItem.select().order_by(QueueItem.id)])]


def test_orders_and_accounts_have_queues_of_their_own(ctx, account):
    work.ask(ctx, "import_orders", [account.id], actor="alex@example.com")

    assert ctx.queue.sent[0][0] == "accounts"


def test_asking_again_while_it_waits_only_moves_it_forward(ctx):
    item = ask(ctx)

    asked = work.ask(ctx, "upload", [item.subject_id], actor="sam@example.com", priority=10, arguments={"a": 1})

    assert (asked.queued, asked.already) == (0, 1)
    assert QueueItem.select().count() == 1
    assert (again(item).priority, again(item).arguments) == (10, {"a": 1})


def test_a_person_who_asks_need_not_wait_for_the_next_try(ctx):
    """During an outage tries are minutes apart; a job that asks again changes nothing about that."""
    item = ask(ctx)
    work.postpone(work.take(item.id, "one", ctx.clock.now()), ctx.clock.now(), 900, cause="away", failed=False)
    ctx.queue.sent.clear()

    work.ask(ctx, "upload", [item.subject_id], actor="plan")
    assert (again(item).state, ctx.queue.sent) == ("waiting", [])
    asked = work.ask(ctx, "upload", [item.subject_id], actor="alex@example.com")

    assert (asked.queued, asked.already, again(item).state) == (0, 1, "queued")
    assert ctx.queue.sent == [("listings", [item.id])]
    assert work.take(item.id, "two", ctx.clock.now()) is not None


def test_two_who_ask_at_once_make_one_item(ctx):
    """Both threads pass the look for an open item before either writes; the unique key decides."""
    listing = Listing.select().first()
    start = threading.Barrier(4)
    results = []

    def run():
        with connection():
            start.wait()
            results.append(work.ask(ctx, "upload", [listing.id], actor="x"))

    threads = [threading.Thread(target=run) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert sum(result.queued for result in results) == 1
    assert QueueItem.select().count() == 1


def test_an_unknown_action_is_refused_by_name(ctx):
    with pytest.raises(UnknownPluginError, match="fly"):
        work.ask(ctx, "fly", [1], actor="x")


def test_only_one_worker_takes_an_item(ctx):
    item = ask(ctx)
    start = threading.Barrier(6)
    taken = []

    def run(name):
        with connection():
            start.wait()
            if work.take(item.id, name, ctx.clock.now()):
                taken.append(name)

    threads = [threading.Thread(target=run, args=(f"w{n}",)) for n in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert len(taken) == 1
    assert (again(item).state, again(item).lease_owner, again(item).attempts) == ("running", taken[0], 1)


def test_a_lease_that_ran_out_goes_to_the_next_worker_and_the_first_cannot_close_it(ctx):
    item = ask(ctx)
    first = work.take(item.id, "one", ctx.clock.now())
    assert work.take(item.id, "two", ctx.clock.now()) is None
    ctx.clock.turn(work.LEASE.total_seconds() + 1)

    second = work.take(item.id, "two", ctx.clock.now())
    work.finish(first, "confirmed", ctx.clock.now())

    assert again(item).state == "running"
    work.finish(second, "rejected", ctx.clock.now(), cause="no brand")
    assert (again(item).state, again(item).cause, again(item).open_key) == ("rejected", "no brand", None)


def test_a_postponed_item_is_not_taken_before_its_time(ctx):
    item = work.take(ask(ctx).id, "one", ctx.clock.now())
    work.postpone(item, ctx.clock.now(), 60, cause="busy")

    assert work.take(item.id, "one", ctx.clock.now()) is None
    ctx.clock.turn(60)
    assert work.take(item.id, "one", ctx.clock.now()).attempts == 2


def test_work_that_failed_too_often_is_dead(ctx):
    item = ask(ctx)
    for _ in range(work.MAX_ATTEMPTS):
        assert again(item).state != "dead"
        held = work.take(item.id, "one", ctx.clock.now())
        work.postpone(held, ctx.clock.now(), 1, cause="boom")
        ctx.clock.turn(2)

    assert (again(item).state, again(item).cause) == ("dead", "boom")


def test_waiting_for_a_quota_never_kills_work(ctx):
    item = ask(ctx)
    for _ in range(work.MAX_ATTEMPTS * 3):
        held = work.take(item.id, "one", ctx.clock.now())
        work.postpone(held, ctx.clock.now(), 1, cause="quota", failed=False)
        ctx.clock.turn(2)

    assert (again(item).state, again(item).attempts, again(item).waits) == ("waiting", 0, work.MAX_ATTEMPTS * 3)


def test_the_sweep_sends_what_lost_its_message_its_worker_or_its_time_came(ctx):
    lost, due, dead_worker = ask(ctx, 1), ask(ctx, 2), ask(ctx, 3)
    held = work.take(due.id, "one", ctx.clock.now())
    work.postpone(held, ctx.clock.now(), 5, cause="busy")
    work.take(dead_worker.id, "killed", ctx.clock.now())
    ctx.queue.sent.clear()

    assert work.sweep(ctx) == 0
    ctx.clock.turn(work.LEASE.total_seconds() + 1)
    assert work.sweep(ctx) == 3
    assert sorted(i for _, ids in ctx.queue.sent for i in ids) == [lost.id, due.id, dead_worker.id]
    assert {row.state for row in QueueItem.select()} == {"queued"}
    assert work.sweep(ctx) == 0


def test_a_backlog_on_its_way_to_busy_workers_is_not_sent_again(ctx, monkeypatch):
    first, second, third = ask(ctx, 1), ask(ctx, 2), ask(ctx, 3)
    ctx.clock.turn(work.LOST_AFTER.total_seconds() + 1)
    ctx.queue.sent.clear()
    monkeypatch.setattr(ctx.queue, "on_the_way", lambda _name: {first.id, third.id})

    assert work.sweep(ctx) == 1
    assert ctx.queue.sent == [("listings", [second.id])]
    monkeypatch.setattr(ctx.queue, "on_the_way", lambda _name: None)
    ctx.clock.turn(work.LOST_AFTER.total_seconds() + 1)
    assert work.sweep(ctx) == 0, "nobody can tell, so nothing is said twice"


def test_the_sweep_takes_nothing_away_from_whoever_finished_meanwhile(ctx, monkeypatch):
    """Between the sweep's look and its change a worker takes one row and closes another."""
    taken, closed = ask(ctx, 1), ask(ctx, 2)
    ctx.clock.turn(work.LOST_AFTER.total_seconds() + 1)

    def meanwhile(_name):
        work.take(taken.id, "quick", ctx.clock.now())
        work.finish(work.take(closed.id, "quick", ctx.clock.now()), "confirmed", ctx.clock.now())
        return set()

    monkeypatch.setattr(ctx.queue, "on_the_way", meanwhile)
    work.sweep(ctx)

    assert (again(taken).state, again(taken).lease_owner) == ("running", "quick")
    assert (again(closed).state, again(closed).open_key) == ("confirmed", None)


def test_a_long_item_keeps_its_lease_and_its_batch_is_not_sent_again(ctx, monkeypatch):
    """Signs of life come from beside the work: here every hundredth of a second."""
    monkeypatch.setattr(work, "RENEW_EVERY", 0.01)
    running, next_one, foreign = ask(ctx, 1), ask(ctx, 2), ask(ctx, 3)
    work.take(running.id, "worker", ctx.clock.now())
    with work.kept(ctx, "worker", [running.id, next_one.id]):
        ctx.clock.turn(work.LEASE.total_seconds() * 4)
        eventually(lambda: again(running).lease_until > ctx.clock.now() and again(next_one).sent_at == ctx.clock.now())
        ctx.queue.sent.clear()
        assert work.take(running.id, "thief", ctx.clock.now()) is None
        assert work.sweep(ctx) == 1
    assert ctx.queue.sent == [("listings", [foreign.id])]
    ctx.clock.turn(work.LEASE.total_seconds() + 1)
    assert work.take(running.id, "heir", ctx.clock.now()).lease_owner == "heir"


def test_a_dead_item_is_brought_back_to_life_by_a_person(ctx):
    item = ask(ctx)
    for _ in range(work.MAX_ATTEMPTS):
        work.postpone(work.take(item.id, "one", ctx.clock.now()), ctx.clock.now(), 1, cause="KeyError: 'colour'")
        ctx.clock.turn(2)
    assert again(item).state == "dead"

    assert work.retry(ctx, [item.id], actor="alex@example.com") == 1

    back = work.take(item.id, "two", ctx.clock.now())
    assert (back.attempts, back.waits, back.open_key) == (1, 0, f"upload:listing:{item.subject_id}")
    assert work.retry(ctx, [item.id], actor="alex@example.com") == 0, "it runs"


def test_work_held_back_is_sent_when_its_time_comes(ctx):
    item = ask(ctx, delay=timedelta(seconds=30))
    assert (item.state, ctx.queue.sent) == ("waiting", [])

    ctx.clock.turn(30)
    assert work.sweep(ctx) == 1
    assert ctx.queue.sent == [("listings", [item.id])]


def test_urgent_work_is_sent_first(ctx):
    late, soon = ask(ctx, 1, priority=100), ask(ctx, 2, priority=100)
    work.prioritise(ctx, [soon.id], 1, actor="alex@example.com")
    ctx.queue.sent.clear()
    ctx.clock.turn(work.LOST_AFTER.total_seconds() + 1)

    work.sweep(ctx)

    assert ctx.queue.sent == [("listings", [soon.id, late.id])]


def test_a_person_cancels_what_does_not_run(ctx):
    waiting, running = ask(ctx, 1), ask(ctx, 2)
    work.take(running.id, "one", ctx.clock.now())

    assert work.cancel(ctx, [waiting.id, running.id], actor="alex@example.com") == 1
    assert (again(waiting).state, again(running).state) == ("cancelled", "running")
    assert work.take(waiting.id, "two", ctx.clock.now()) is None
    assert HistoryEntry.get(HistoryEntry.action == "queue.cancel").actor == "alex@example.com"


def test_a_person_retries_what_ended_but_not_beside_an_open_one(ctx):
    item = work.take(ask(ctx, 1).id, "one", ctx.clock.now())
    work.finish(item, "rejected", ctx.clock.now(), cause="no brand")
    newer = ask(ctx, 1)

    assert work.retry(ctx, [item.id], actor="alex@example.com") == 0
    work.cancel(ctx, [newer.id], actor="alex@example.com")
    ctx.queue.sent.clear()
    assert work.retry(ctx, [item.id], actor="alex@example.com") == 1
    assert (again(item).state, again(item).attempts, again(item).cause) == ("queued", 0, "")
    assert ctx.queue.sent == [("listings", [item.id])]


def test_counts_tell_open_from_closed(ctx):
    ask(ctx, 1)
    work.cancel(ctx, [ask(ctx, 2).id], actor="x")

    assert work.counts() == {"queued": 1, "cancelled": 1}
    assert work.open_count() == 1


def test_what_a_person_asks_for_while_it_runs_follows_when_it_ends(ctx):
    """A stop, while the connector itself starts the product: neither is lost, and the later one counts."""
    item = ask(ctx, arguments={"status": "active"})
    held = work.take(item.id, "one", ctx.clock.now())

    asked = work.ask(ctx, "upload", [item.subject_id], actor="sam@example.com", arguments={"status": "inactive"})
    work.ask(ctx, "upload", [item.subject_id], actor="plan", arguments={"status": "active"})
    assert (asked.queued, asked.already, again(item).arguments) == (0, 1, {"status": "active"})
    work.finish(held, "confirmed", ctx.clock.now())

    follows = QueueItem.get(QueueItem.open_key.is_null(False))
    assert (follows.state, follows.arguments, follows.actor) == ("queued", {"status": "inactive"}, "sam@example.com")
    assert again(item).state == "confirmed"
    assert work.sweep(ctx) == 1


def test_what_a_person_asks_for_takes_the_place_of_what_would_be_tried_again(ctx):
    item = ask(ctx, arguments={"status": "active"})
    held = work.take(item.id, "one", ctx.clock.now())
    work.ask(ctx, "upload", [item.subject_id], actor="sam@example.com", arguments={"status": "inactive"})

    work.postpone(held, ctx.clock.now(), 60, cause="away", failed=False)

    assert again(item).state == "cancelled"
    assert QueueItem.get(QueueItem.open_key.is_null(False)).arguments == {"status": "inactive"}


def test_asking_for_the_same_while_it_runs_leaves_nothing_to_follow(ctx):
    item = ask(ctx, arguments={"status": "active"})
    held = work.take(item.id, "one", ctx.clock.now())
    work.ask(ctx, "upload", [item.subject_id], actor="sam@example.com", arguments={"status": "active"})

    work.finish(held, "confirmed", ctx.clock.now())

    assert QueueItem.select().count() == 1


def test_what_kills_its_process_every_time_is_given_up(ctx):
    item = ask(ctx)
    for _ in range(work.MAX_ATTEMPTS):
        assert work.take(item.id, "one", ctx.clock.now()) is not None
        ctx.clock.turn(work.LEASE.total_seconds() + 1)
        if again(item).attempts < work.MAX_ATTEMPTS:
            assert work.sweep(ctx) == 1

    assert work.take(item.id, "two", ctx.clock.now()) is None
    assert work.sweep(ctx) == 0
    assert again(item).state == "dead"
    assert "ended 8 times in the middle" in again(item).cause
    assert work.retry(ctx, [item.id], actor="alex@example.com") == 1
