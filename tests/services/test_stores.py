"""A Magento store tells about itself."""

from __future__ import annotations

from datetime import timedelta

import pytest

from connector.errors import AuthorizationError, ConfigurationError
from connector.jobs import recurring
from connector.services import mapping, rulesets, stores
from connector.services.drafter import Drafter
from connector.store.models import (
    Account,
    HistoryEntry,
    Listing,
    ListingTemplate,
    MagentoStore,
    PeriodicTask,
    Product,
    TikTokAttribute,
)
from tests.clients.rehearsal import Control
from tests.services import live
from tests.services.shopkeeper import Shopkeeper

pytestmark = pytest.mark.usefixtures("installation")


def test_what_a_store_tells_is_saved(control: Control) -> None:
    store = live.add_account(control).store
    stores.refresh_metadata(live.context(), store)
    saved = MagentoStore.get_by_id(store.id)
    assert (saved.website_code, saved.base_currency, saved.weight_unit) == ("base", "USD", "lbs")
    assert saved.root_category_id == 2
    assert saved.base_media_url.endswith("/media/")
    assert "color" in {attribute["attribute_code"] for attribute in saved.attributes}
    assert saved.categories["id"] == 1
    assert saved.attribute_sets
    assert saved.metadata_at is not None
    assert [(source["code"], source["enabled"], source["sells"]) for source in saved.sources] == [
        ("default", True, True)
    ]


def test_a_connection_is_tested_in_words(control: Control) -> None:
    assert "prices in USD" in stores.test_connection(live.context(), live.add_account(control).store)


def test_an_unknown_store_view_is_named(control: Control) -> None:
    store = live.add_account(control).store
    store.store_code = "klingon"
    with pytest.raises(ConfigurationError, match=r"no store view “klingon”. It has: .*default"):
        stores.test_connection(live.context(), store)


def test_a_wrong_token_is_refused_and_nothing_changes(control: Control) -> None:
    store = live.add_account(control).store
    store.access_token = "wrong"
    with pytest.raises(AuthorizationError):
        stores.refresh_metadata(live.context(), store)
    assert MagentoStore.get_by_id(store.id).metadata_at is None


@pytest.fixture
def account(control: Control) -> Account:
    """A store that was read, with one listing that is up to date, and a template whose colour is mapped."""
    made = live.add_account(control, region="US", currency="USD", warehouse_id="w1")
    now = live.Clock().now()
    stores.refresh_metadata(live.context(), made.store)
    template = ListingTemplate.create(account=made, name="Tops", category_id="600", created_at=now, updated_at=now)
    product = Product.create(store=made.store, entity_id=1, sku="A", data={"id": 1, "sku": "A"}, digest="", seen_at=now)
    Listing.create(account=made, product=product, template=template, stale=False, changed_at=now)
    TikTokAttribute.create(
        account=made, category_id="600", attribute_id="100000", name="Color", magento_attribute="color",
        values=[["1", "Peacock"], ["2", "Rust"]], value_map={"Mine": "2"},
    )  # fmt: skip
    PeriodicTask.create(name=f"assign:{made.id}", every_seconds=300, next_at=now + timedelta(days=1))
    return made


@pytest.fixture
def keeper(control: Control) -> Shopkeeper:
    return Shopkeeper(control, control.credentials()["magento"]["access_token"])


def add_option(keeper: Shopkeeper, label: str) -> str:
    return str(keeper.call("POST", "products/attributes/color/options", {"option": {"label": label}}))


def drop_option(keeper: Shopkeeper, label: str) -> None:
    listed = keeper.call("GET", "products/attributes/color/options")
    (value,) = [option["value"] for option in listed if option["label"] == label]
    keeper.call("DELETE", f"products/attributes/color/options/{value}")


def notes(action: str) -> list[HistoryEntry]:
    return list(HistoryEntry.select().where(HistoryEntry.action == action).order_by(HistoryEntry.id))


def test_a_new_option_reaches_rules_mapping_and_drafts_by_itself(account: Account, keeper: Shopkeeper) -> None:
    """As the daily look finds it: nobody presses anything. What a person mapped stays."""
    ctx = live.context()
    add_option(keeper, "Peacock")
    add_option(keeper, "Rust")
    try:
        told = recurring.HANDLERS["store"](ctx, account.store_id)
    finally:
        drop_option(keeper, "Peacock")
        drop_option(keeper, "Rust")

    assert told == "Options of color: new Peacock, Rust"
    (entry,) = notes("store.changed")
    assert (entry.actor, entry.after, entry.before) == ("schedule", {"Options of color": ["Peacock", "Rust"]}, {})
    labels = rulesets.catalogue(MagentoStore.get()).fields["color"].labels
    assert labels is not None
    assert {"Peacock", "Rust"} <= set(labels)
    assert TikTokAttribute.get().value_map == {"Mine": "2", "Peacock": "1"}, "“Rust” would share a value"
    assert [entry.after for entry in notes("attribute.mapped")] == [{"Peacock": "1"}]
    assert Listing.get().stale
    assert PeriodicTask.get().next_at <= ctx.clock.now(), "rules are looked at at once"


def test_a_look_that_finds_nothing_new_leaves_everything_alone(account: Account) -> None:
    assert recurring.HANDLERS["store"](live.context(), account.store_id) == ""
    assert (notes("store.changed"), Listing.get().stale) == ([], False)


def test_a_mapping_to_what_vanished_becomes_the_template_s_reason(account: Account, keeper: Shopkeeper) -> None:
    """An option by its name, an attribute by its code; both say what to do, and the history keeps it."""
    TikTokAttribute.update(value_map={"Teal": "1"}).execute()
    TikTokAttribute.create(
        account=account, category_id="600", attribute_id="7", name="Material", magento_attribute="fabric_of_old"
    )
    add_option(keeper, "Teal")
    stores.refresh_metadata(live.context(), account.store)
    drop_option(keeper, "Teal")

    changes = stores.refresh_metadata(live.context(), account.store)

    assert str(changes) == "Options of color: gone Teal"
    template = ListingTemplate.get()
    lost, old = mapping.of_templates([template.id])[template.id]
    assert (lost.code, "“fabric_of_old”" in lost.message) == ("mapping.attribute", True)
    assert (old.code, "“Teal”" in old.message) == ("mapping.option", True)
    assert all("under TikTok Attributes" in issue.message for issue in (lost, old))
    assert "“Teal”" in notes("template.mapping")[-1].message
    drafter = Drafter(live.context(), Account.get_by_id(account.id))
    issues = mapping.lost_attributes(drafter._template(template).mapping, drafter.fields)
    assert [issue.field for issue in issues] == ["Material"]


def test_settings_of_the_store_are_compared_too(account: Account, control: Control) -> None:
    """Days and weights go by them."""
    MagentoStore.update(timezone="Asia/Tokyo", weight_unit="kgs").execute()
    changes = stores.refresh_metadata(live.context(), MagentoStore.get())
    assert str(changes) == "Time zone: new UTC; gone Asia/Tokyo. Weight unit: new lbs; gone kgs"
