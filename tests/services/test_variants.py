"""A product that several configurables list belongs to one of them, whichever was read last."""

from __future__ import annotations

from itertools import permutations

import pytest

from connector.domain.product import ProductSnapshot
from connector.services import snapshots
from connector.services.context import Context
from connector.services.drafter import _shared
from connector.store import migrations
from connector.store.database import database
from connector.store.models import Account, Listing, MagentoStore, Product, VariantLink
from tests.services import world


@pytest.fixture
def store(account: Account) -> MagentoStore:
    """Products 1 to 3, which are simple, and the configurables 7, 8 and 9."""
    for number in (7, 8, 9):
        row = Product.get_by_id(world.add_listing(account, number).product_id)
        Product.update(type_id="configurable").where(Product.id == row.id).execute()
    Listing.update(stale=False).execute()
    found: MagentoStore = account.store
    return found


def configurable(number: int, *children: int) -> ProductSnapshot:
    """As the store lists it."""
    links = {"configurable_product_links": list(children)}
    return ProductSnapshot(
        {"id": number, "sku": f"MH{number:02}", "type_id": "configurable", "extension_attributes": links}
    )


def owner(number: int) -> int | None:
    """Entity id of the configurable that a product belongs to."""
    row = Product.get(Product.entity_id == number)
    return row.parent.entity_id if row.parent_id else None


def stale() -> set[int]:
    """Entity ids of the products whose listings are to be drafted anew; forgotten by asking."""
    found = {row.product.entity_id for row in Listing.select().where(Listing.stale)}
    Listing.update(stale=False).execute()
    return found


def reasons(number: int) -> list[str]:
    lead = Product.get(Product.entity_id == number)
    return [issue.message for issue in _shared([lead, *Product.select().where(Product.parent == lead.id)])]


def test_the_oldest_configurable_has_it_in_whatever_order_they_are_read(store: MagentoStore) -> None:
    every = [configurable(9, 1), configurable(8, 1, 2), configurable(7, 3)]
    for order in permutations(every):
        snapshots.link_variants(store, order)
        assert [owner(number) for number in (1, 2, 3)] == [8, 8, 7]
    snapshots.link_variants(store, [configurable(9, 1)])
    assert owner(1) == 8, "reading one of them alone moves nothing"


def test_it_goes_to_the_next_when_the_first_lets_it_go_or_is_deleted(store: MagentoStore) -> None:
    snapshots.link_variants(store, [configurable(7, 1), configurable(8, 1), configurable(9, 1)])
    stale()

    snapshots.link_variants(store, [configurable(7)])
    assert (owner(1), stale()) == (8, {1, 7, 8})

    snapshots._mark_deleted(store, [Product.get(Product.entity_id == 8).id])
    assert (owner(1), stale()) == (9, {1, 8, 9})

    snapshots.link_variants(store, [ProductSnapshot({**configurable(9).data, "type_id": "simple"})])
    assert (owner(1), VariantLink.select().where(VariantLink.configurable_id == 9).count()) == (None, 0)


def test_both_say_that_they_share_it(store: MagentoStore) -> None:
    snapshots.link_variants(store, [configurable(7, 1, 2), configurable(8, 1, 2, 3)])
    assert reasons(7) == ["Variants also listed by MH08 in Magento, and sold here, by the older product: MH01, MH02."]
    assert reasons(8) == ["Variants also listed by MH07 in Magento, which is older, and sold there: MH01, MH02."]
    assert reasons(9) == []
    stale()

    snapshots.link_variants(store, [configurable(8, 3)])
    assert (7 in stale(), reasons(7)) == (True, []), "the other one says so no longer"


def test_a_variant_that_is_read_after_its_configurable_finds_it(
    store: MagentoStore, ctx: Context, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The configurable was read when the store already listed a product that we had not seen."""
    snapshots.link_variants(store, [configurable(7, 1, 30)])
    stale()
    new = ProductSnapshot({"id": 30, "sku": "MH30", "name": "Late", "type_id": "simple", "status": 1})

    class Later:
        def products(self, *, updated_from: str) -> list[list[ProductSnapshot]]:
            assert updated_from
            return [[new]]

    monkeypatch.setattr(type(ctx.remotes), "catalog", lambda *_: Later())
    store.high_water, store.swept_at = "2026-11-23 11:00:00", ctx.clock.now()
    snapshots.sync(ctx, store)

    assert (owner(30), stale()) == (7, {7})


def test_the_look_at_all_ids_puts_right_what_older_versions_left(
    store: MagentoStore, ctx: Context, monkeypatch: pytest.MonkeyPatch
) -> None:
    """They tied a variant to the configurable that they had read last."""
    snapshots.link_variants(store, [configurable(7, 1), configurable(8, 1)])
    Product.update(parent=Product.get(Product.entity_id == 8)).where(Product.entity_id == 1).execute()

    class Unchanged:
        def products(self, **_window: str) -> list[list[ProductSnapshot]]:
            return []

        def product_ids(self) -> list[list[tuple[int, str]]]:
            return [[(row.entity_id, row.sku) for row in Product.select()]]

        def products_by_id(self, ids: list[int]) -> list[ProductSnapshot]:
            assert ids == []
            return []

    monkeypatch.setattr(type(ctx.remotes), "catalog", lambda *_: Unchanged())
    store.high_water, store.swept_at = "2026-11-23 11:00:00", None
    snapshots.sync(ctx, store)

    assert owner(1) == 7


def test_what_was_read_before_links_were_kept_is_taken_over(store: MagentoStore) -> None:
    """An older database has no such table: the upgrade makes it from what the configurables said."""
    for number, children in ((7, (1, 2)), (8, (2,))):
        data = dict(configurable(number, *children).data)
        Product.update(data=data).where(Product.entity_id == number).execute()
    database.execute_sql("DROP TABLE variant_link")
    database.execute_sql("DELETE FROM schema_migration WHERE name = '0004_sources'")

    assert migrations.upgrade() == ["0004_sources"]

    found = {(row.store_id, row.configurable_id, row.variant_id) for row in VariantLink.select()}
    assert found == {(store.id, 7, 1), (store.id, 7, 2), (store.id, 8, 2)}
