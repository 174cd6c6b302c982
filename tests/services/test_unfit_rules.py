"""Rules that name what the store no longer has."""

from __future__ import annotations

from decimal import Decimal

import pytest

from connector.domain.listing import Listing as DomainListing
from connector.services import assignment
from connector.services.context import Context
from connector.services.drafter import Drafter
from connector.store.models import Account, Listing, ListingTemplate, MagentoStore, Policy, Product
from tests.services.rule_shop import ATTRIBUTES, RULES, activate, open_shop, product


@pytest.fixture
def shop(account: Account) -> Account:
    """The account with three templates, and no products."""
    return open_shop(account)


def test_rules_that_fit_no_longer_hold_back_what_they_price_and_stock_goes_on(ctx: Context, shop: Account) -> None:
    """An attribute that a rule reads was deleted in the store: its products say so, and pieces stay true."""
    now = ctx.clock.now()
    pricing = Policy.create(
        title="Ruled", type="pricing", settings={"change": "rule", "rule": "Base"}, created_at=now, updated_at=now
    )
    ListingTemplate.update(pricing_policy=pricing).where(ListingTemplate.name == "Cheap").execute()
    row = product(1, price="5", qty=4)
    activate(ctx, RULES + 'price "Base" when margin > 3 then price otherwise price')
    assignment.run(ctx, shop)
    MagentoStore.update(attributes=[each for each in ATTRIBUTES if each["attribute_code"] != "margin"]).execute()
    Product.update(salable=Decimal(9)).where(Product.id == row.id).execute()

    drafter = Drafter(ctx, Account.get_by_id(shop.id))
    drafted = drafter.draft(Listing.get(), DomainListing())

    reasons = [issue.message for issue in drafted.issues if issue.code == "price.rule"]
    assert ["margin" in reasons[0], "do not fit the store any more" in reasons[0]] == [True, True]
    assert (drafted.draft, drafted.quantities) == (None, {"P0001": {"": 9}})
