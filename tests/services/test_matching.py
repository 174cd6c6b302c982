"""Which product a unit is, when its listing has changed since it was sold."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from decimal import Decimal

import pytest

from connector.domain.order import MarketplaceOrder, Payment
from connector.domain.order import OrderLine as Unit
from connector.services import holding, matching, orders
from connector.services.drafting import seller_sku
from connector.store import database
from connector.store.models import Account, Listing, OrderLine, Product
from tests.services import world

RED = "WS 12 Red"
SOLD = seller_sku(RED, "US")
PAID = Payment("USD", Decimal(40), Decimal(40), Decimal(0))
UNIT = Unit("l1", "sku-1", "r1", SOLD, "Shirt", "Red", "USD", Decimal(40), Decimal(40))
HELD = MarketplaceOrder("o1", "ON_HOLD", world.START, 1, PAID, (UNIT,))


@pytest.fixture
def account(database_url: str) -> Iterator[Account]:
    """A shirt that is listed, with one variant whose SKU the marketplace does not take as it is."""
    made = world.fill(database_url, products=1)
    listing = Listing.get()
    Product.create(
        store=made.store_id, entity_id=501, sku=RED, name="Red", data={}, digest="d", seen_at=world.START, parent=listing.product, salable=3
    )  # fmt: skip
    Listing.update(remote_id="r1", draft={"skus": [{"sku": RED, "seller_sku": SOLD}]}).execute()
    yield made
    database.disconnect()


def test_a_variant_that_left_the_draft_is_found_among_the_products_of_its_listing(account: Account) -> None:
    for draft in ({"skus": []}, None):
        Listing.update(draft=draft).execute()
        assert matching.store_skus(account, HELD) == {"l1": RED}
    Product.update(deleted=True).where(Product.sku == RED).execute()
    assert matching.store_skus(account, HELD) == {"l1": RED}


def test_an_order_on_hold_keeps_its_product_when_it_is_released_after_the_variant_was_disabled(
    account: Account,
) -> None:
    ctx = world.context()
    orders.save(ctx, account, HELD)
    Listing.update(draft={"skus": []}).execute()
    orders.save(ctx, account, replace(HELD, status="AWAITING_SHIPMENT", update_time=2))
    assert OrderLine.get().sku == RED
    assert holding.held([RED]) == {RED: 1}


def test_a_product_that_was_known_is_not_given_up_for_a_name_that_nobody_knows(account: Account) -> None:
    """The listing went over to another product on the marketplace: nothing says any more what it sold as."""
    ctx = world.context()
    orders.save(ctx, account, HELD)
    Listing.update(remote_id="r2", stale=False).execute()
    assert matching.store_skus(account, HELD) == {"l1": SOLD}
    row = orders.save(ctx, account, replace(HELD, status="AWAITING_SHIPMENT", update_time=2))
    assert row is not None
    assert (OrderLine.get().sku, Listing.get().stale) == (RED, True)
    orders._match_again(row)
    assert OrderLine.get().sku == RED


def test_a_better_match_replaces_one_and_the_marketplaces_own_parcels_lose_theirs(account: Account) -> None:
    assert matching.settled(account, {"a": SOLD, "b": RED}, {"a": RED, "b": "MH01"}) == {"a": RED, "b": "MH01"}
    assert matching.settled(account, {"a": RED}, {"a": ""}) == {"a": ""}
    Product.update(deleted=True).where(Product.sku == RED).execute()
    assert matching.settled(account, {"a": RED, "b": "MH01"}, {"a": "MH01", "b": RED}) == {"a": "MH01", "b": "MH01"}
