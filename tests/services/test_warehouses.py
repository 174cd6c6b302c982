"""Pieces at several warehouses: what buyers see in all of them is what the store has (HTTP, in the sandbox)."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from connector.domain.listing import ConfirmedSku
from tests.services.offering import PUSH, Offered, Rehearsal, listing, rehearsal

__all__ = ["listing"]


@pytest.fixture(scope="module")
def at(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Rehearsal]:
    with rehearsal(tmp_path_factory.mktemp("warehouses")) as made:
        yield made


def test_a_warehouse_that_the_seller_added_is_emptied(listing: Offered) -> None:
    """The marketplace takes only all warehouses of a SKU together, and what it offers in them is one number to buyers."""
    listing.seller_places("S", {listing.warehouse: 9, listing.other_warehouse: 4})
    listing.news()
    listing.wants(S=1)

    assert (listing.push().state, listing.buyers()) == ("confirmed", {"S": 1, "M": 10})
    places = {listing.warehouse: 1, listing.other_warehouse: 0}
    assert listing.confirmed.skus[listing.key("S")].quantities == places
    assert (listing.row.offers_due, listing.row.content_due) == (False, False)


def test_an_addition_that_nobody_told_of_yet_is_made_good_as_soon_as_it_is(listing: Offered) -> None:
    """The refusal of the list that we knew does not hold back the list that we know now."""
    listing.seller_places("S", {listing.warehouse: 9, listing.other_warehouse: 4})
    listing.wants(S=1)
    assert (listing.push().state, listing.plan()) == ("rejected", [])

    assert listing.news(), "a new draft ends the rest after a refusal"
    listing.wants(S=1)
    assert listing.plan() == [PUSH]
    assert listing.buyers() == {"S": 1, "M": 10}


def test_another_warehouse_is_taken_by_an_edit_and_no_more_is_offered_until_then(listing: Offered) -> None:
    """Stock stays true in between: taken away at once where it is offered now, and moved with the next edit."""
    old = listing.warehouse
    listing.wants(listing.other_warehouse, S=1, M=12)
    assert (listing.push().state, listing.buyers()) == ("confirmed", {"S": 1, "M": 10})
    assert (listing.row.offers_due, listing.row.content_due) == (False, True)

    assert listing.plan() == ["upload"]

    assert listing.buyers() == {"S": 1, "M": 12}
    assert listing.confirmed.skus[listing.key("M")].quantities == {old: 0, listing.warehouse: 12}
    assert (listing.row.offers_due, listing.row.content_due, listing.row.status) == (False, False, "ACTIVATE")
    listing.wants(S=0, M=3)
    assert (listing.push().state, listing.buyers()) == ("confirmed", {"S": 0, "M": 3})


def test_content_that_is_held_back_does_not_hold_back_stock_of_another_warehouse(listing: Offered) -> None:
    listing.wants(listing.other_warehouse, S=0, M=2)
    assert (listing.push().state, listing.buyers()) == ("confirmed", {"S": 0, "M": 2})


@pytest.mark.parametrize(
    ("known", "wanted", "placed"),
    [
        pytest.param({"a": 9}, {"a": 1}, {"a": 1}, id="the-same"),
        pytest.param({"a": 9, "b": 4}, {"a": 12}, {"a": 12, "b": 0}, id="one-of-two"),
        pytest.param({"a": 9, "b": 4}, {}, {"a": 0, "b": 0}, id="none-wanted"),
        pytest.param({"a": 9}, {"b": 12}, {"a": 9}, id="unassigned-and-more"),
        pytest.param({"a": 9, "b": 4}, {"c": 11}, {"a": 9, "b": 2}, id="unassigned-and-less"),
        pytest.param({"a": 9}, {"b": 0}, {"a": 0}, id="none-at-an-unassigned-one"),
        pytest.param({}, {"a": 3}, {"a": 3}, id="nothing-known"),
    ],
)
def test_what_an_inventory_update_sends_for_a_sku(
    known: dict[str, int], wanted: dict[str, int], placed: dict[str, int]
) -> None:
    assert ConfirmedSku("1", None, known).placed(wanted) == placed


@pytest.mark.parametrize(
    ("pieces", "left"),
    [(20, {"a": 9, "b": 4}), (11, {"a": 9, "b": 2}), (3, {"a": 3, "b": 0}), (-2, {"a": 0, "b": 0})],
)
def test_what_is_left_of_an_offer_counts_all_warehouses_together(pieces: int, left: dict[str, int]) -> None:
    assert ConfirmedSku("1", None, {"a": 9, "b": 4}).no_more_than(pieces) == left
