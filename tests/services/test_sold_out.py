"""Where the marketplace takes no zero: nothing is on sale that is not there, and nobody is taken for a person (HTTP, in the sandbox)."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from connector.domain.listing import Status
from connector.services import planning, publishing
from connector.services.runner import run_item
from connector.services.work import LEASE
from connector.store.models import Account, QueueItem
from tests.services import live
from tests.services.offering import PUSH, Offered, Rehearsal, listing, rehearsal

__all__ = ["listing"]

OFF = ("SELLER_DEACTIVATED", False, True)
"""Status, stopped, paused of what we took off."""


@pytest.fixture(scope="module")
def at(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Rehearsal]:
    with rehearsal(tmp_path_factory.mktemp("zero"), zero_quantity=False) as made:
        yield made


def state(listing: Offered) -> tuple[str, bool, bool]:
    row = listing.row
    return row.status, row.stopped, row.paused


def test_one_sold_out_variant_takes_the_product_off_until_there_is_stock(listing: Offered) -> None:
    """Buyers could order it as long as the product is on; it comes back by itself, with the right pieces."""
    listing.wants(S=0, M=4)

    done = listing.push()

    assert (done.state, listing.buyers(), state(listing)) == ("confirmed", {}, OFF)
    assert f"TikTok Shop refused the zero of {listing.key('S')}: deactivated until there is stock" in done.cause
    assert listing.plan() == [PUSH], "the zero is tried once more, and the product is not put back"
    assert listing.plan() == []
    listing.wants(S=3, M=4)
    assert listing.plan() == [PUSH, "change_status"]
    listing.until(Status.ACTIVATE)
    assert (listing.buyers(), listing.row.paused) == ({"S": 3, "M": 4}, False)


def test_a_zero_that_the_whole_call_is_refused_for_does_not_keep_the_others_from_being_lowered(
    listing: Offered,
) -> None:
    listing.at.control.fault("tiktok", r"POST .*/inventory/update", "error_code", code=12052055, times=1)
    listing.wants(S=0, M=4)

    done = listing.push()

    assert (done.state, listing.buyers(), state(listing)) == ("confirmed", {}, OFF)
    assert "(12052055)" in done.cause
    assert sum(listing.confirmed.skus[listing.key("M")].quantities.values()) == 4


def test_all_sold_out_and_refused_with_one_code_is_taken_off(listing: Offered) -> None:
    listing.at.control.fault("tiktok", r"POST .*/inventory/update", "error_code", code=98001004, times=1)
    listing.wants(S=0, M=0)
    assert (listing.push().state, listing.buyers(), state(listing)) == ("confirmed", {}, OFF)


def test_another_refusal_of_the_whole_call_is_told_and_takes_nothing_off(listing: Offered) -> None:
    listing.at.control.fault("tiktok", r"POST .*/inventory/update", "error_code", code=12052990, times=1)
    listing.wants(S=0, M=4)
    assert (listing.push().state, listing.buyers()) == ("rejected", {"S": 10, "M": 10})


def test_what_was_refused_while_it_was_reviewed_is_sent_as_soon_as_it_is_live(listing: Offered) -> None:
    """Only a live product can be taken off; the refusal does not rest for an hour then."""
    pending = replace(listing.confirmed, status=Status.PENDING)
    publishing.save_confirmed(listing.row, pending, listing.ctx.clock.now())
    listing.wants(S=0)
    assert (listing.push().state, listing.plan()) == ("rejected", [])

    assert listing.news(), "a new draft is asked for"

    listing.wants(S=0)
    assert (listing.plan(), listing.buyers(), state(listing)) == ([PUSH], {}, OFF)


class Shop:
    """The marketplace, with something that happens around the call that takes a product off."""

    def __init__(self, listing: Offered, before: Callable[[], Any], after: Callable[[], Any]) -> None:
        self._market, self._before, self._after = listing.at.market, before, after

    def __getattr__(self, name: str) -> Any:
        return getattr(self._market, name)

    def deactivate(self, remote_ids: Any) -> dict[str, str]:
        self._before()
        refused = self._market.deactivate(remote_ids)
        self._after()
        return refused


def around(listing: Offered, before: Callable[[], Any] = list, after: Callable[[], Any] = list) -> None:
    at: Any = replace(listing.at, market=Shop(listing, before, after))
    listing.ctx = replace(listing.ctx, remotes=at)


def planned(listing: Offered) -> None:
    planning.ask_due(listing.ctx, Account.get_by_id(listing.account.id), 0, actor="plan")


def test_news_of_our_own_stop_are_no_persons_wish(listing: Offered) -> None:
    """Another worker may plan before the call, and read the news of it before we have written anything down."""
    around(listing, before=lambda: planned(listing), after=listing.news)
    listing.wants(S=0)
    assert (listing.push().state, state(listing)) == ("confirmed", OFF)


def die_after_the_call(listing: Offered) -> None:
    """What is sold out is taken off by a worker that never hears of it."""

    def die() -> None:
        raise KeyboardInterrupt

    around(listing, after=die)
    listing.wants(S=0)
    with pytest.raises(KeyboardInterrupt):
        listing.push()


def taken_up_again(listing: Offered) -> str:
    """How the work ends with another worker, when the lease of the first has run out."""
    (item,) = QueueItem.select().where(QueueItem.kind == PUSH)
    listing.ctx = replace(listing.ctx, remotes=listing.at, clock=live.Clock(LEASE + timedelta(seconds=1)))
    return run_item(listing.ctx, item.id, "worker-2")


def test_a_death_after_the_call_leaves_a_stop_of_ours(listing: Offered) -> None:
    """Its news and plans come before the work is taken up again; it is put back when there is stock."""
    die_after_the_call(listing)
    planned(listing)
    listing.news()
    assert state(listing) == OFF

    assert (taken_up_again(listing), state(listing)) == ("rejected", OFF)
    listing.wants(S=5)
    assert listing.plan() == [PUSH, "change_status"]
    listing.until(Status.ACTIVATE)
    assert listing.buyers() == {"S": 5, "M": 10}


def test_a_death_without_news_is_made_good_by_the_next_try(listing: Offered) -> None:
    """The product is off already, and the call that takes it off would be refused."""
    die_after_the_call(listing)
    assert state(listing) == ("ACTIVATE", False, True)
    assert (taken_up_again(listing), state(listing)) == ("confirmed", OFF)


def test_a_stop_whose_answer_was_lost_is_ours_though_the_second_try_is_refused(listing: Offered) -> None:
    """The client repeats a call that was not answered; the marketplace refuses it for what is off already."""
    around(listing, before=lambda: listing.at.market.deactivate([listing.confirmed.remote_id]))
    listing.wants(S=0)
    assert (listing.push().state, state(listing)) == ("confirmed", OFF)


def test_a_stop_that_is_refused_is_taken_back_and_told(listing: Offered) -> None:
    """Whoever takes it off later is a person then."""
    listing.at.control.fault("tiktok", r"POST .*/products/deactivate", "error_code", code=12052990, times=1)
    listing.wants(S=0)

    done = listing.push()

    assert (done.state, state(listing)) == ("rejected", ("ACTIVATE", False, False))
    assert "It cannot be taken off" in done.cause
    listing.at.market.deactivate([listing.confirmed.remote_id])
    listing.news()
    assert state(listing) == ("SELLER_DEACTIVATED", True, False)


def test_a_person_who_took_it_off_first_is_respected(listing: Offered) -> None:
    """Nobody had told of it yet when the zero was refused."""
    listing.at.market.deactivate([listing.confirmed.remote_id])
    listing.wants(S=0)
    assert (listing.push().state, state(listing)) == ("rejected", ("SELLER_DEACTIVATED", True, False))
