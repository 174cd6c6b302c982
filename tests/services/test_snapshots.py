"""The store's catalogue in: deltas that miss nothing, deletions, SKUs that move, and what stock is worth."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest

from connector.errors import ConfigurationError
from connector.plugins.policies.inventory import InventoryPolicy
from connector.services import snapshots
from connector.services.context import Context
from connector.services.drafter import _stock
from connector.store.models import Account, Listing, MagentoStore, Product
from tests.clients.rehearsal import Control
from tests.services import live
from tests.services.shopkeeper import Shopkeeper, row, store


@pytest.fixture
def account(installation: None, control: Control) -> Account:
    return live.add_account(control, region="US", currency="USD")


@pytest.fixture
def keeper(account: Account, control: Control) -> Iterator[Shopkeeper]:
    made = Shopkeeper(control, control.credentials()["magento"]["access_token"])
    yield made
    for sku in list(made.made):
        made.delete(sku)


@pytest.fixture
def ctx() -> Context:
    return live.context()


def test_a_delta_reads_what_changed_and_looks_back_far_enough(
    ctx: Context, account: Account, keeper: Shopkeeper
) -> None:
    """A change that the store filed minutes before our last look is read once more, and one that is not new changes nothing."""
    keeper.make("D-1")
    first = snapshots.sync(ctx, store(account), full=True)
    ctx.clock.ahead = timedelta(minutes=30)  # type: ignore[attr-defined]  # the test's own clock
    assert first.changed == first.read
    again = snapshots.sync(ctx, store(account))
    assert (again.changed, again.gone) == (0, 0)

    keeper.edit("D-1", sku="D-1", name="Another")
    MagentoStore.update(high_water=snapshots._text(live.Clock().now() + timedelta(minutes=5))).execute()
    late = snapshots.sync(ctx, store(account))
    assert (late.changed, row("D-1").name) == (1, "Another")


def test_deletions_are_found_by_comparing_ids_and_what_was_missed_is_read(
    ctx: Context, account: Account, keeper: Shopkeeper
) -> None:
    keeper.make("S-1")
    snapshots.sync(ctx, store(account), full=True)
    keeper.delete("S-1")
    keeper.make("S-2")
    high = snapshots._text(live.Clock().now() + timedelta(hours=1))
    MagentoStore.update(high_water=high).execute()
    assert snapshots.sync(ctx, store(account)).gone == 0, "not due yet"

    ctx.clock.ahead = snapshots.SWEEP_EVERY  # type: ignore[attr-defined]  # the test's own clock
    MagentoStore.update(high_water=snapshots._text(ctx.clock.now() + timedelta(hours=1))).execute()
    swept = snapshots.sync(ctx, store(account))

    assert (swept.changed, swept.gone) == (1, 1)
    assert (row("S-1").deleted, row("S-1").enabled, row("S-2").deleted) == (True, False, False)


def test_a_product_made_anew_under_its_old_sku_keeps_its_listing(
    ctx: Context, account: Account, keeper: Shopkeeper
) -> None:
    old = keeper.make("R-1")
    snapshots.sync(ctx, store(account), full=True)
    listing = Listing.create(account=account, product=row("R-1"), changed_at=ctx.clock.now(), stale=False)
    keeper.delete("R-1")
    snapshots.sync(ctx, store(account), full=True)
    assert row("R-1").deleted
    new = keeper.make("R-1")

    snapshots.sync(ctx, store(account), full=True)

    fresh = Listing.get_by_id(listing.id)
    assert (fresh.product.sku, fresh.product.entity_id, fresh.product.deleted, fresh.stale) == ("R-1", new, False, True)
    assert new != old


def test_skus_that_change_places_are_followed(ctx: Context, account: Account, keeper: Shopkeeper) -> None:
    """What was read before has the SKUs of the two products the other way round."""
    one, two = keeper.make("X-1"), keeper.make("X-2")
    snapshots.sync(ctx, store(account), full=True)
    for number, sku in ((one, "X-0"), (two, "X-1"), (one, "X-2")):
        Product.update(sku=sku, digest="old").where(Product.entity_id == number).execute()

    snapshots.sync(ctx, store(account))

    assert {sku: row(sku).entity_id for sku in ("X-1", "X-2")} == {"X-1": one, "X-2": two}


def test_a_store_that_lists_nothing_at_all_takes_nothing_off(ctx: Context, account: Account) -> None:
    snapshots.sync(ctx, store(account), full=True)
    Product.update(seen_at=1).execute()
    with pytest.raises(ConfigurationError, match="lists no products at all"):
        snapshots._mark_gone(store(account), live.Clock().now())
    assert not Product.select().where(Product.deleted).count()


@pytest.mark.parametrize(
    ("item", "source", "settings", "offered"),
    [
        pytest.param({"qty": 7}, (7, 1), {}, 7, id="what-is-there"),
        pytest.param({"qty": 7, "use_config_min_qty": False, "min_qty": 2}, (7, 1), {}, 5, id="less-the-store's-own-threshold"),
        pytest.param({"qty": 7}, (7, 0), {}, 0, id="out-of-stock-status"),
        pytest.param({"qty": 0}, (0, 1), {"default_quantity": 50}, 0, id="nothing-is-not-unmanaged"),
        pytest.param(
            {"qty": 0, "use_config_backorders": False, "backorders": 1}, (0, 1), {"default_quantity": 50}, 0,
            id="backorders-are-no-pieces",
        ),
        pytest.param(
            {"use_config_manage_stock": False, "manage_stock": False}, (0, 1), {"default_quantity": 50}, 50,
            id="unmanaged-offers-the-default",
        ),
        pytest.param({"qty": 28}, (28, 1), {"buffer": 5}, 23, id="buffer"),
        pytest.param({"qty": 4}, (4, 1), {"buffer": 5}, 0, id="buffer-above-all"),
        pytest.param({"qty": 250000}, (250000, 1), {}, 99_999, id="cap"),
    ],
)  # fmt: skip
def test_what_stock_is_worth(
    ctx: Context, account: Account, keeper: Shopkeeper, item: dict[str, Any], source: tuple[float, int],
    settings: dict[str, Any], offered: int,
) -> None:  # fmt: skip
    """From the store's stock item and source to the pieces that are offered, over the store's own API."""
    keeper.make("Q-1")
    snapshots.sync(ctx, store(account), full=True)
    keeper.stock("Q-1", **item)
    keeper.source("Q-1", *source)

    snapshots.sync_stock(ctx, store(account), ["Q-1"])

    read = row("Q-1")
    assert InventoryPolicy(**settings).quantity(_stock(read), 0).pieces == offered
    assert read.stock_at is not None
    assert snapshots.sync_stock(ctx, store(account), ["Q-1"]) == 0, "read again, nothing is new"


def test_a_price_that_was_changed_without_a_trace_is_found(ctx: Context, account: Account, keeper: Shopkeeper) -> None:
    keeper.make("P-1")
    snapshots.sync(ctx, store(account), full=True)
    keeper.call("POST", "products/base-prices", {"prices": [{"price": 12.5, "store_id": 0, "sku": "P-1"}]})
    assert snapshots.sync_prices(ctx, store(account)) == 1
    assert (row("P-1").price, row("P-1").data["price"]) == (Decimal("12.5"), "12.5")


def test_a_special_price_begins_and_ends_by_itself(ctx: Context, account: Account, keeper: Shopkeeper) -> None:
    """The store files no change on these days: once a day, products with such a price are looked at again."""
    dates = {"special_price": "8", "special_from_date": "2026-01-01 00:00:00", "special_to_date": "2026-01-31 00:00:00"}
    keeper.make("T-1", custom_attributes=[{"attribute_code": code, "value": value} for code, value in dates.items()])
    keeper.make("T-2")
    snapshots.sync(ctx, store(account), full=True)
    listings = {
        sku: Listing.create(account=account, product=row(sku), changed_at=ctx.clock.now(), stale=False).id
        for sku in ("T-1", "T-2")
    }
    assert snapshots.mark_dated(account.store_id) == 1
    assert {sku: Listing.get_by_id(number).stale for sku, number in listings.items()} == {"T-1": True, "T-2": False}
