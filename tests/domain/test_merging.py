"""What one action writes of a listing that others wrote to meanwhile."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest

from connector.domain.listing import ConfirmedSku, Listing, RemoteProduct, Status
from connector.domain.merging import merged

SKU = ConfirmedSku("1", Decimal("10.00"), {"w": 3})
BEGAN = Listing("r1", Status.ACTIVATE, {"a": SKU, "b": SKU}, "digest", 100, "APPROVED")


def sku(listing: Listing, key: str = "a", **changes: Any) -> Listing:
    """`listing` with one SKU changed."""
    return replace(listing, skus={**listing.skus, key: replace(listing.skus[key], **changes)})


def without(listing: Listing, key: str) -> Listing:
    return replace(listing, skus={other: known for other, known in listing.skus.items() if other != key})


SENDING = BEGAN.sending_quantities(["a"])
PRICING = BEGAN.sending_prices(["a"])
STOPPED = replace(BEGAN, status=Status.SELLER_DEACTIVATED, update_time=110, stopped=True)
PENDING = replace(BEGAN, status=Status.PENDING)
NEW = Listing("r2", Status.PENDING, {"a": SKU}, "other")


@pytest.mark.parametrize(
    ("kept", "began", "outcome", "expected"),
    [
        pytest.param(BEGAN, BEGAN, sku(BEGAN, price=None), sku(BEGAN, price=None), id="nobody-else"),
        pytest.param(STOPPED, BEGAN, BEGAN, STOPPED, id="an-action-that-changed-nothing"),
        pytest.param(
            sku(BEGAN, quantities={"w": 9}), BEGAN, replace(BEGAN, content_digest="new"),
            replace(sku(BEGAN, quantities={"w": 9}), content_digest="new"), id="an-edit-and-a-push",
        ),
        pytest.param(
            sku(BEGAN, price=Decimal(12)), BEGAN, sku(BEGAN, quantities={"w": 9}),
            sku(BEGAN, price=Decimal(12), quantities={"w": 9}), id="fields-of-one-sku",
        ),
        pytest.param(
            sku(BEGAN, "b", quantities={"w": 1}), BEGAN, sku(BEGAN, quantities={"w": 9}),
            sku(sku(BEGAN, quantities={"w": 9}), "b", quantities={"w": 1}), id="two-skus",
        ),
        pytest.param(
            STOPPED, BEGAN, sku(BEGAN, quantities={"w": 9}), sku(STOPPED, quantities={"w": 9}), id="news-during-a-push"
        ),
        pytest.param(
            sku(BEGAN, quantities={"w": 2}), BEGAN, sku(BEGAN, quantities={"w": 9}),
            sku(BEGAN, quantities={"w": 9}, unsure=True), id="other-pieces-in-the-news",
        ),
        pytest.param(
            sku(SENDING, quantities={"w": 2}), SENDING, sku(BEGAN, unsure=False),
            sku(BEGAN, unsure=True), id="other-pieces-in-the-news-of-the-same-sent-again",
        ),
        pytest.param(
            sku(BEGAN, quantities={"w": 9}), BEGAN, sku(BEGAN, quantities={"w": 9}), sku(BEGAN, quantities={"w": 9}),
            id="the-news-know-already",
        ),
        pytest.param(
            sku(BEGAN, price=Decimal(11)), BEGAN, sku(BEGAN, price=Decimal(12)),
            sku(BEGAN, price=Decimal(12), price_unanswered=True), id="another-price-in-the-news",
        ),
        pytest.param(SENDING, BEGAN, BEGAN, SENDING, id="somebody-elses-unanswered-call"),
        pytest.param(SENDING, SENDING, BEGAN, BEGAN, id="an-answer"),
        pytest.param(PRICING, PRICING, BEGAN, BEGAN, id="an-answer-to-a-price"),
        pytest.param(
            sku(SENDING, unsure=True), SENDING, sku(BEGAN, quantities={"w": 9}),
            sku(BEGAN, quantities={"w": 9}, unsure=True), id="an-order-during-a-push",
        ),
        pytest.param(
            without(BEGAN, "a"), BEGAN, sku(BEGAN, quantities={"w": 9}), without(BEGAN, "a"), id="sent-what-an-edit-removed"
        ),
        pytest.param(
            sku(BEGAN, quantities={"w": 9}), BEGAN, without(BEGAN, "a"), without(BEGAN, "a"), id="removed-what-was-sent"
        ),
        pytest.param(without(BEGAN, "a"), without(BEGAN, "a"), BEGAN, BEGAN, id="a-sku-added"),
        pytest.param(
            sku(BEGAN, quantities={"w": 2}), without(BEGAN, "a"), BEGAN, sku(BEGAN, quantities={"w": 2}),
            id="a-sku-added-that-the-news-know",
        ),
        pytest.param(BEGAN, BEGAN, PENDING, PENDING, id="another-status"),
        pytest.param(STOPPED, BEGAN, PENDING, STOPPED, id="two-statuses-the-later-news"),
        pytest.param(
            PENDING, BEGAN, STOPPED, STOPPED, id="two-statuses-our-own-later-news",
        ),
        pytest.param(
            replace(BEGAN, update_time=120), BEGAN, PENDING, replace(PENDING, update_time=120), id="news-of-nothing-new"
        ),
        pytest.param(
            replace(BEGAN, stopped=True), BEGAN, replace(BEGAN, paused=True), replace(BEGAN, stopped=True, paused=True),
            id="a-person-and-the-connector",
        ),
        pytest.param(
            replace(BEGAN, stopped=True), BEGAN, NEW, replace(NEW, stopped=True), id="made-anew-and-stopped-meanwhile"
        ),
        pytest.param(NEW, BEGAN, sku(BEGAN, quantities={"w": 9}), NEW, id="news-of-the-product-before"),
    ],
)  # fmt: skip
def test_only_what_an_action_changed_is_written(
    kept: Listing, began: Listing, outcome: Listing, expected: Listing
) -> None:
    assert merged(kept, began, outcome) == expected


def test_news_do_not_end_the_wait_for_an_answer() -> None:
    """They may have been read before the call that is not answered had its effect; a lost price stays lost as well."""
    remote = RemoteProduct("r1", "", Status.ACTIVATE, "APPROVED", 200, {"a": replace(SKU, price=None), "b": SKU})
    told = SENDING.sending_prices(["b"]).with_news(remote)
    assert (told.skus["a"].unanswered, told.skus["b"].price_unanswered) == (True, True)
    assert told.skus["a"].price == SKU.price
