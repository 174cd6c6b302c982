"""The day is the store's: special prices begin and end with it, as they do in Magento."""

from __future__ import annotations

from datetime import UTC, date, datetime

import pytest

from connector.services import days, publishing
from connector.services.assigning import Assigner
from connector.services.context import Context
from connector.services.drafter import Drafter
from connector.store.models import Account, Listing, MagentoStore, Product
from tests.services.rule_shop import ATTRIBUTES


@pytest.mark.parametrize(
    ("zone", "now", "expected"),
    [
        pytest.param("America/Los_Angeles", datetime(2026, 11, 23, 7, 59, tzinfo=UTC), date(2026, 11, 22), id="west"),
        pytest.param(
            "America/Los_Angeles", datetime(2026, 11, 23, 8, tzinfo=UTC), date(2026, 11, 23), id="its-midnight"
        ),
        pytest.param("America/Los_Angeles", datetime(2026, 7, 23, 7, tzinfo=UTC), date(2026, 7, 23), id="summer-time"),
        pytest.param("Asia/Tokyo", datetime(2026, 11, 22, 15, tzinfo=UTC), date(2026, 11, 23), id="east"),
        pytest.param("UTC", datetime(2026, 11, 22, 23, 59, tzinfo=UTC), date(2026, 11, 22), id="utc"),
        pytest.param("Mars/Olympus", datetime(2026, 11, 22, 23, tzinfo=UTC), date(2026, 11, 22), id="unknown-is-utc"),
        pytest.param("../etc/passwd", datetime(2026, 11, 22, 23, tzinfo=UTC), date(2026, 11, 22), id="no-zone-at-all"),
        pytest.param("", datetime(2026, 11, 22, 23, tzinfo=UTC), date(2026, 11, 22), id="empty"),
    ],
)
def test_the_day_of_a_store(zone: str, now: datetime, expected: date) -> None:
    assert days.today(MagentoStore(timezone=zone), now) == expected


def test_drafts_and_rules_go_by_the_store_s_day(account: Account, ctx: Context) -> None:
    """At four in the morning in London it is still yesterday in Los Angeles."""
    MagentoStore.update(
        timezone="America/Los_Angeles", attributes=ATTRIBUTES, categories=ROOT, attribute_sets=[]
    ).execute()
    ctx.clock.time = datetime(2026, 11, 23, 4, tzinfo=UTC)  # type: ignore[attr-defined]  # the test's own clock
    drafter = Drafter(ctx, Account.get_by_id(account.id))
    assigner = Assigner(MagentoStore.get(), ctx.clock.now())
    yesterday = date(2026, 11, 22)
    assert (drafter.market.today, drafter.today, assigner.matches.today) == (
        yesterday,
        yesterday.toordinal(),
        yesterday.toordinal(),
    )


ROOT = {"id": 1, "level": 0, "name": "Root", "children_data": []}


def test_special_prices_are_looked_at_when_the_store_s_day_begins(account: Account, ctx: Context) -> None:
    """Once at its midnight, whatever day it is elsewhere."""
    MagentoStore.update(timezone="America/Los_Angeles").execute()
    dated = {"id": 1, "custom_attributes": [{"attribute_code": "special_to_date", "value": "2026-11-22 00:00:00"}]}
    Product.update(data=dated).where(Product.entity_id == 1).execute()
    looked_at = []
    for moment in ("2026-11-22T23:00", "2026-11-23T01:00", "2026-11-23T07:59", "2026-11-23T08:00", "2026-11-23T23:00"):
        Listing.update(stale=False).execute()
        ctx.clock.time = datetime.fromisoformat(moment).replace(tzinfo=UTC)  # type: ignore[attr-defined]  # as above
        publishing._begin_day(ctx, Account.get_by_id(account.id))
        if Listing.select().where(Listing.stale).count() == 1:
            looked_at.append(moment)
    assert looked_at == ["2026-11-22T23:00", "2026-11-23T08:00"]
