"""Every way a row can end: what the action did, what the remote side answered, what the row says afterwards."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

import pytest

from connector.domain.issue import Issue
from connector.domain.listing import ConfirmedSku, Status
from connector.domain.listing import Listing as Confirmed
from connector.errors import (
    AuthorizationError,
    ConfigurationError,
    NotFoundError,
    RejectedError,
    RetryableError,
    UnknownOutcomeError,
)
from connector.plugins.api import AccountSubject, Action, ListingSubject, Outcome, actions
from connector.services import publishing, runner, work
from connector.store.models import Account, Listing, QueueItem


@dataclass
class Script:
    """What the action meets this time, and what it saw."""

    raises: Exception | None = None
    refuses: list[Issue] = field(default_factory=list)
    outcome: Outcome = field(default_factory=lambda: Outcome("Done."))
    seen: list[Any] = field(default_factory=list)


@pytest.fixture
def script() -> Iterator[Script]:
    """Two actions, for listings and for accounts, that follow the script."""
    lines = Script()

    class OnListing(Action):
        identifier = "scripted"
        label = "Scripted"

        def check(self, _subject, _arguments):
            return lines.refuses

        def run(self, subject, context):
            lines.seen.append((subject, context))
            if lines.raises:
                raise lines.raises
            return lines.outcome

    class OnAccount(OnListing):
        identifier = "scripted_account"
        subject = "account"

    actions.register(OnListing)
    actions.register(OnAccount)
    yield lines
    actions.unregister("scripted")
    actions.unregister("scripted_account")


@pytest.fixture
def item(ctx, script) -> QueueItem:
    listing = Listing.select().order_by(Listing.id).first()
    work.ask(ctx, "scripted", [listing.id], actor="test", arguments={"status": "active"})
    return QueueItem.get()


def again(item: QueueItem) -> QueueItem:
    return QueueItem.get_by_id(item.id)


def seconds_until(item: QueueItem, ctx) -> float:
    return (again(item).next_try_at - ctx.clock.now()).total_seconds()


def test_what_an_action_confirmed_is_kept_with_before_and_after(ctx, script, item):
    listing = Confirmed(
        remote_id="1729", status=Status.ACTIVATE, skus={"MH01": ConfirmedSku("9", Decimal("58.99"), {"W1": 7})}
    )
    script.outcome = Outcome("Sent.", listing=listing, before={"price": "52.00"}, after={"price": "58.99"})

    assert runner.run_item(ctx, item.id, "worker") == "confirmed"

    row = again(item)
    assert (row.cause, row.before, row.after) == ("Sent.", {"price": "52.00"}, {"price": "58.99"})
    assert (row.open_key, row.lease_owner, row.finished_at) == (None, "", ctx.clock.now())
    saved = Listing.get_by_id(item.subject_id)
    assert (saved.remote_id, saved.status, saved.marketplace_price_minor, saved.marketplace_quantity) == (
        "1729", "ACTIVATE", 5899, 7,
    )  # fmt: skip
    assert publishing.confirmed(saved).skus["MH01"].quantities == {"W1": 7}


def test_an_action_sees_the_listing_as_it_is_now_and_what_it_was_asked_with(ctx, script, item):
    Listing.update(issues=[{"code": "draft.no_brand", "field": "brand", "message": "Brand is missing."}]).execute()

    runner.run_item(ctx, item.id, "worker")

    subject, context = script.seen[0]
    assert isinstance(subject, ListingSubject)
    assert (subject.id, subject.sku, subject.draft) == (item.subject_id, "MH01", None)
    assert subject.issues[0].message == "Brand is missing."
    assert subject.listing.idempotency_key != ""
    assert context.arguments == {"status": "active"}


def test_an_account_is_a_subject_too(ctx, script, account):
    work.ask(ctx, "scripted_account", [account.id], actor="test")

    assert runner.run_item(ctx, QueueItem.get().id, "worker") == "confirmed"
    assert script.seen[0][0] == AccountSubject(account.id, "Luma US", connected=True)


def test_a_row_is_run_once(ctx, script, item):
    runner.run_item(ctx, item.id, "one")

    assert runner.run_item(ctx, item.id, "two") == ""
    assert len(script.seen) == 1


def test_what_does_not_apply_is_refused_with_all_reasons_and_nothing_is_called(ctx, script, item):
    script.refuses = [Issue("a", "brand", "Brand is missing."), Issue("b", "image", "It has no picture.")]

    assert runner.run_item(ctx, item.id, "worker") == "rejected"
    assert again(item).cause == "Brand is missing.\nIt has no picture."
    assert script.seen == []


def test_a_refusal_of_the_marketplace_keeps_its_code_and_request(ctx, script, item):
    script.raises = RejectedError("Title too long.", system="tiktok", code="12052104", request_id="R7")

    assert runner.run_item(ctx, item.id, "worker") == "rejected"
    assert (again(item).cause, again(item).request_id) == ("12052104: Title too long.", "R7")


def test_what_is_not_there_is_a_refusal(ctx, script, item):
    script.raises = NotFoundError("No such product.", system="tiktok")

    assert runner.run_item(ctx, item.id, "worker") == "rejected"


def test_a_part_that_the_marketplace_refused_is_not_called_confirmed(ctx, script, item):
    script.outcome = Outcome("Refused.", issues=(Issue("tiktok.inventory", "MH01", "MH01: frozen", request_id="R8"),))

    assert runner.run_item(ctx, item.id, "worker") == "rejected"
    assert (again(item).cause, again(item).request_id) == ("Refused.\nMH01: frozen", "R8")


def test_a_warning_does_not_keep_work_from_being_confirmed(ctx, script, item):
    script.outcome = Outcome("Created.", issues=(Issue("tiktok.warning", "x", "Field dropped.", severity="warning"),))

    assert runner.run_item(ctx, item.id, "worker") == "confirmed"
    assert again(item).cause == "Created.\nField dropped."


def test_a_busy_remote_side_is_tried_again_when_it_said(ctx, script, item):
    script.raises = RetryableError("Busy.", system="tiktok", status=503, retry_after=17)

    assert runner.run_item(ctx, item.id, "worker") == "waiting"
    assert seconds_until(item, ctx) == 17
    assert runner.run_item(ctx, item.id, "worker") == ""
    ctx.clock.turn(17)
    script.raises = None
    assert runner.run_item(ctx, item.id, "worker") == "confirmed"
    assert (again(item).attempts, again(item).waits) == (1, 1)


def test_an_outage_of_hours_ends_nothing_and_is_asked_less_and_less_often(ctx, script, item):
    script.raises = RetryableError("Nobody answers.", system="magento")
    waits = []
    for _ in range(work.MAX_ATTEMPTS * 3):
        assert runner.run_item(ctx, item.id, "worker") == "waiting"
        waits.append(seconds_until(item, ctx))
        ctx.clock.turn(waits[-1])

    assert waits[:9] == [2, 4, 8, 16, 32, 64, 128, 256, 512]
    assert set(waits[9:]) == {work.LONGEST_WAIT}
    assert (again(item).attempts, again(item).cause) == (0, "Nobody answers.")
    script.raises = None
    assert runner.run_item(ctx, item.id, "worker") == "confirmed"


@pytest.mark.parametrize("status", [429, 500, 502, 503, None])
def test_what_the_remote_side_cannot_do_now_never_kills_work(ctx, script, item, status):
    script.raises = RetryableError("Not now.", system="tiktok", status=status, retry_after=0)
    for _ in range(work.MAX_ATTEMPTS * 2):
        assert runner.run_item(ctx, item.id, "worker") == "waiting"
        assert seconds_until(item, ctx) == runner.SHORTEST_WAIT
        ctx.clock.turn(runner.SHORTEST_WAIT)

    assert again(item).attempts == 0


def test_another_workers_order_is_waited_for_and_not_counted(ctx, script, item):
    """As a place call that may still run: both are named by seconds, and neither is the order's fault."""
    script.raises = RetryableError("Another worker has this order.", system="magento", retry_after=30)
    for _ in range(work.MAX_ATTEMPTS * 2):
        assert runner.run_item(ctx, item.id, "worker") == "waiting"
        assert (again(item).cause, seconds_until(item, ctx)) == ("Another worker has this order.", 30)
        ctx.clock.turn(30)

    script.raises = UnknownOutcomeError("No answer.", system="magento", retry_after=90)
    for _ in range(work.MAX_ATTEMPTS * 2):
        assert runner.run_item(ctx, item.id, "worker") == "unknown"
        ctx.clock.turn(90)
    assert again(item).attempts == 0


def test_an_unknown_outcome_is_a_state_of_its_own(ctx, script, item):
    script.raises = UnknownOutcomeError("No answer to the order.", system="magento")

    assert runner.run_item(ctx, item.id, "worker") == "unknown"
    assert again(item).open_key is not None
    script.raises = None
    ctx.clock.turn(2)
    assert runner.run_item(ctx, item.id, "worker") == "confirmed"


def test_refused_credentials_wait_for_a_person_and_are_forgotten_when_they_work_again(ctx, script, item, account):
    script.raises = AuthorizationError("The seller took the access away.", system="tiktok")
    for _ in range(work.MAX_ATTEMPTS + 1):
        assert runner.run_item(ctx, item.id, "worker") == "waiting"
        ctx.clock.turn(runner.AUTHORIZATION_WAIT)
    assert Account.get_by_id(account.id).problem == "The seller took the access away."

    script.raises = None
    assert runner.run_item(ctx, item.id, "worker") == "confirmed"
    assert Account.get_by_id(account.id).problem == ""


def test_an_action_that_asks_for_another_look_waits_without_counting(ctx, script, item):
    script.outcome = Outcome("In review.", wait=30)

    assert runner.run_item(ctx, item.id, "worker") == "waiting"
    assert (seconds_until(item, ctx), again(item).attempts, again(item).cause) == (30, 0, "In review.")


def test_a_broken_action_is_tried_again_and_then_dead_and_the_next_row_runs(ctx, script, item):
    script.raises = KeyError("colour")
    for _ in range(work.MAX_ATTEMPTS):
        last = runner.run_item(ctx, item.id, "worker")
        ctx.clock.turn(300)

    assert (last, again(item).cause) == ("dead", "KeyError: 'colour'")
    script.raises = None
    other = Listing.select().order_by(Listing.id.desc()).first()
    work.ask(ctx, "scripted", [other.id], actor="test")
    assert runner.run_item(ctx, QueueItem.get(QueueItem.subject_id == other.id).id, "worker") == "confirmed"


def test_a_missing_plugin_is_said_by_name(ctx, script, item):
    QueueItem.update(kind="of_another_package").execute()

    assert runner.run_item(ctx, item.id, "worker") == "rejected"
    assert "of_another_package" in again(item).cause


def test_what_a_person_must_change_first_is_not_tried_again(ctx, script, item):
    script.raises = ConfigurationError("The account has no mailbox: write one there.")

    assert runner.run_item(ctx, item.id, "worker") == "rejected"
    assert again(item).cause == "The account has no mailbox: write one there."


def test_work_for_what_is_gone_is_cancelled(ctx, script, item):
    Listing.delete().where(Listing.id == item.subject_id).execute()

    assert runner.run_item(ctx, item.id, "worker") == "cancelled"
    assert again(item).cause == "The listing does not exist any more."
