"""Many rows at once give what single ones give, on both databases."""

from __future__ import annotations

import pytest

from connector.store.bulk import insert_rows, update_rows
from connector.store.database import disconnect
from connector.store.models import Account, Listing, Product
from tests.services import world


@pytest.fixture
def account(database_url: str):
    made = world.fill(database_url, products=4)
    Listing.delete().execute()
    yield made
    disconnect()


def test_rows_get_their_defaults_and_their_types(account: Account) -> None:
    one, two, three = (row.id for row in Product.select().order_by(Product.id).limit(3))
    single = Listing.create(account=account, product=one, rule="r", overlaps=["ü"], changed_at=world.START)
    values = {"account": account.id, "rule": "r", "overlaps": ["ü"], "changed_at": world.START}

    insert_rows(Listing, [{**values, "product": two}, {**values, "product": three}])

    rows = list(Listing.select().order_by(Listing.id))
    skipped = {"id", "product", "create_key"}
    assert [row.product_id for row in rows] == [one, two, three]
    for row in rows[1:]:
        assert {k: v for k, v in row.__data__.items() if k not in skipped} == {
            k: v for k, v in Listing.get_by_id(single.id).__data__.items() if k not in skipped
        }
    assert len({row.create_key for row in rows}) == 3, "a default that is computed is computed for each"


def test_only_the_named_fields_of_the_named_rows_change(account: Account) -> None:
    ids = [
        Listing.create(account=account, product=row, rule="old", changed_at=world.START).id
        for row in Product.select().order_by(Product.id).limit(3)
    ]

    update_rows(
        Listing, ("rule", "overlaps", "template"), [(ids[0], ("new", ["a"], None)), (ids[2], ("%s ?", [], None))]
    )

    assert [(row.rule, row.overlaps, row.stale) for row in Listing.select().order_by(Listing.id)] == [
        ("new", ["a"], True),
        ("old", [], True),
        ("%s ?", [], True),
    ]
    update_rows(Listing, ("rule",), [])
    insert_rows(Listing, [])
