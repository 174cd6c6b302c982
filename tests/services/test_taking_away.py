"""Pieces that are gone are taken away whatever else cannot be done now (HTTP, in the sandbox)."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest

from connector.errors import RetryableError
from connector.services import publishing
from tests.services.offering import Offered, Rehearsal, listing, rehearsal

__all__ = ["listing"]

SEARCH = r"POST .*/orders/search"


@pytest.fixture(scope="module")
def at(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Rehearsal]:
    with rehearsal(tmp_path_factory.mktemp("away")) as made:
        yield made


class Shop:
    """The marketplace; its calls that matter here are counted, and `ill` ones fail."""

    def __init__(self, listing: Offered, ill: str = "", meanwhile: Callable[[], None] | None = None) -> None:
        """`meanwhile` happens while orders are read."""
        self.market, self.ill, self.calls = listing.at.market, ill, list[str]()
        self.meanwhile, self.sent = meanwhile, list[dict[str, int]]()
        self.sizes = {sku.id: key.rsplit("-", 1)[1] for key, sku in listing.confirmed.skus.items()}
        at: Any = replace(listing.at, market=self)
        listing.ctx = replace(listing.ctx, remotes=at)

    def __getattr__(self, name: str) -> Any:
        if name == self.ill:
            raise RetryableError("TikTok Shop is away.", system="tiktok", retry_after=40)
        if name in {"orders_updated", "update_prices"}:
            self.calls.append(name)
        if name == "orders_updated" and self.meanwhile:
            self.meanwhile()
        return getattr(self.market, name)

    def update_inventory(self, remote_id: str, pieces: Mapping[str, Mapping[str, int]]) -> dict[str, str]:
        self.calls.append("update_inventory")
        self.sent.append({self.sizes[key]: sum(places.values()) for key, places in pieces.items()})
        return self.market.update_inventory(remote_id, pieces)


@pytest.mark.parametrize(
    ("fault", "ended"),
    [
        pytest.param({"kind": "error_code", "code": 21001001}, "rejected", id="refused"),
        pytest.param({"kind": "error_code", "code": 105005}, "waiting", id="no-permission"),
    ],
)
def test_what_is_gone_is_taken_away_though_orders_cannot_be_read(
    listing: Offered, fault: dict[str, Any], ended: str
) -> None:
    """Only what comes on top has to know of new orders; prices do not wait for it either."""
    listing.at.control.fault("tiktok", SEARCH, times=50, **fault)
    skus = tuple(replace(sku, price=Decimal("17.25")) for sku in listing.draft.skus)
    listing.draft = replace(listing.draft, skus=skus)
    listing.wants(S=0, M=14)

    done = listing.push()

    assert (done.state, listing.buyers()) == (ended, {"S": 0, "M": 10})
    assert {sku.price for sku in listing.confirmed.skus.values()} == {Decimal("17.25")}
    assert listing.row.offers_due
    listing.at.control.clear_faults()
    listing.wants(S=0, M=14)
    assert listing.run(done.id).state in {"rejected", "confirmed"}
    listing.plan()
    assert (listing.buyers(), listing.row.offers_due) == ({"S": 0, "M": 14}, False)


def test_a_number_that_we_doubt_is_still_lowered(listing: Offered) -> None:
    """An order made it doubtful. It waits for a look at orders, which may fail, but not longer than that."""
    known = listing.confirmed
    skus = {**known.skus, listing.key("S"): replace(known.skus[listing.key("S")], unsure=True)}
    publishing.save_confirmed(listing.row, replace(known, skus=skus), listing.ctx.clock.now())
    listing.at.control.fault("tiktok", SEARCH, "error_code", code=21001001, times=50)
    listing.wants(S=4)
    assert (listing.push().state, listing.buyers()) == ("rejected", {"S": 4, "M": 10})


def test_nothing_is_added_before_orders_are_read(listing: Offered) -> None:
    listing.at.control.fault("tiktok", SEARCH, "error_code", code=21001001, times=50)
    listing.wants(S=12)
    assert (listing.push().state, listing.buyers()) == ("rejected", {"S": 10, "M": 10})


def test_pieces_are_taken_away_before_orders_are_asked_for(listing: Offered) -> None:
    """In that order, and each in one call."""
    shop = Shop(listing)
    listing.wants(S=1, M=14)
    assert (listing.push().state, listing.buyers()) == ("confirmed", {"S": 1, "M": 14})
    assert shop.calls == ["update_inventory", "orders_updated", "update_inventory"]
    assert shop.sent == [{"S": 1}, {"M": 14}]


def test_what_orders_took_meanwhile_is_taken_away_before_the_rest_is_added(listing: Offered) -> None:
    shop = Shop(listing, meanwhile=lambda: listing.wants(S=4, M=14))
    listing.wants(S=10, M=14)
    assert (listing.push().state, listing.buyers()) == ("confirmed", {"S": 4, "M": 14})
    assert shop.sent == [{"S": 4}, {"M": 14}]


def test_an_outage_of_the_order_search_is_waited_for_with_what_went_through(listing: Offered) -> None:
    """As long as the marketplace asks for; what is to be added stays due."""
    Shop(listing, ill="orders_updated")
    listing.wants(S=1, M=14)
    done = listing.push()
    assert (done.state, listing.buyers(), listing.row.offers_due) == ("waiting", {"S": 1, "M": 10}, True)
    assert (done.cause, done.waits) == ("Prices sent: 0, quantities: 1. TikTok Shop is away.", 1)
    assert done.next_try_at - listing.ctx.clock.now() > timedelta(seconds=30)
