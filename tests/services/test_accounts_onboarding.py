"""What the sandbox's shop offers, read into the database."""

from __future__ import annotations

from typing import Any

import pytest

from connector.errors import AuthorizationError, ConfigurationError
from connector.services import accounts, onboarding, stores
from connector.store.models import Account, HistoryEntry, ListingTemplate, MarketplaceCategory, TikTokAttribute
from tests.clients.rehearsal import Control
from tests.services import live


@pytest.fixture
def account(installation: None, control: Control) -> Account:
    ctx, made = live.context(), live.add_account(control)
    state, code = live.consent(accounts.start_authorization(ctx, made, "b"))
    stores.refresh_metadata(ctx, made.store)
    return accounts.finish_authorization(ctx, state, code, "b")


@pytest.fixture
def leaf(account: Account) -> str:
    """The category of a template for shirts."""
    number = live.context().remotes.shop(account).recommend_category("Blue cotton t-shirt for men")
    now = live.Clock().now()
    ListingTemplate.create(account=account, name="Shirts", category_id=number, created_at=now, updated_at=now)
    return number


def attribute(leaf: str, name: str) -> TikTokAttribute:
    row: TikTokAttribute = TikTokAttribute.get(TikTokAttribute.category_id == leaf, TikTokAttribute.name == name)
    return row


def test_onboarding_data_is_read_and_replaced(account: Account) -> None:
    told = onboarding.fetch(live.context(), account.id)
    count = MarketplaceCategory.select().count()
    assert told.startswith(f"{count} categories, ")
    assert onboarding.fetch(live.context(), account.id) == told
    assert MarketplaceCategory.select().count() == count
    saved = Account.get_by_id(account.id)
    assert saved.onboarded_at is not None
    assert [w["is_default"] for w in saved.warehouses if w["type"] == "SALES_WAREHOUSE"].count(True) == 1
    assert {"id", "name"} <= set(saved.carriers[0])


def test_paths_go_from_the_root_to_the_leaf(account: Account) -> None:
    onboarding.fetch(live.context(), account.id)
    leaf = MarketplaceCategory.select().where(MarketplaceCategory.is_leaf).first()
    parent = MarketplaceCategory.get(MarketplaceCategory.category_id == leaf.parent_id)
    assert leaf.path == f"{parent.path} / {leaf.name}"
    refused = MarketplaceCategory.select().where(MarketplaceCategory.available == False)  # noqa: E712 – SQL, not Python
    assert refused.exists()


def test_attributes_of_templates_are_read_with_the_categorys_rules(account: Account, leaf: str) -> None:
    told = onboarding.refetch_attributes(live.context(), account.id)
    rows = TikTokAttribute.select().where(TikTokAttribute.category_id == leaf)
    assert told.startswith(f"{rows.count()} attributes of 1 categories read")
    assert "size_chart_required" in ListingTemplate.get().category_rules


def test_equal_names_are_matched_with_their_values(account: Account, leaf: str) -> None:
    onboarding.refetch_attributes(live.context(), account.id)
    color = attribute(leaf, "Color")
    assert color.magento_attribute == "color"
    names = dict(color.values)
    assert color.value_map
    assert all(names[value].casefold() == label.casefold() for label, value in color.value_map.items())


def test_what_people_mapped_stays_and_what_is_gone_goes(account: Account, leaf: str) -> None:
    onboarding.refetch_attributes(live.context(), account.id)
    TikTokAttribute.update(magento_attribute="my_color", value_map={"Azure": "1"}).where(
        TikTokAttribute.id == attribute(leaf, "Color").id
    ).execute()
    TikTokAttribute.update(magento_attribute="").where(TikTokAttribute.id == attribute(leaf, "Size").id).execute()
    TikTokAttribute.create(account=account, category_id=leaf, attribute_id="1", name="Gone")
    assert "0 new ones matched" in onboarding.refetch_attributes(live.context(), account.id, [leaf])
    assert (attribute(leaf, "Color").magento_attribute, attribute(leaf, "Color").value_map) == (
        "my_color",
        {"Azure": "1"},
    )
    assert attribute(leaf, "Size").magento_attribute == "", "what a person emptied is not filled again"
    assert not TikTokAttribute.select().where(TikTokAttribute.name == "Gone").exists()


def test_required_values_are_filled_only_when_asked_and_history_says_so(account: Account, leaf: str) -> None:
    onboarding.refetch_attributes(live.context(), account.id)
    row = TikTokAttribute.create(
        account=account,
        category_id=leaf,
        attribute_id="2",
        name="Zeal",
        is_required=True,
        values=[["7", "Much"], ["8", "Some"]],
    )
    now = live.Clock().now()
    assert onboarding.suggest_mapping(account.store, account, leaf, now=now) == 0
    onboarding.suggest_mapping(account.store, account, leaf, now=now, fill_required=True)
    assert TikTokAttribute.get_by_id(row.id).default_value_id == "7"
    assert "Zeal" in " ".join(
        e.message for e in HistoryEntry.select().where(HistoryEntry.action == "attribute.default")
    )


def test_british_names_mean_the_same(account: Account) -> None:
    row = TikTokAttribute.create(
        account=account, category_id="9", attribute_id="1", name="Colour", values=[["5", "BLUE"], ["6", "Fog"]]
    )
    onboarding.suggest_mapping(account.store, account, "9", now=live.Clock().now())
    found = TikTokAttribute.get_by_id(row.id)
    assert (found.magento_attribute, found.value_map.get("Blue")) == ("color", "5")


def test_an_account_that_is_gone_or_not_connected_is_named(account: Account) -> None:
    with pytest.raises(ConfigurationError, match="does not exist"):
        onboarding.fetch(live.context(), account.id + 1)
    accounts.disconnect(live.context(), account, actor="a")
    with pytest.raises(AuthorizationError, match="not connected"):
        onboarding.fetch(live.context(), account.id)


def _asked(account: Account, name: str, number: str, **more: Any) -> TikTokAttribute:
    row: TikTokAttribute = TikTokAttribute.create(
        account=account, category_id="9", attribute_id=number, name=name, **more
    )
    return row


def test_what_another_value_asks_for_is_filled_after_it_and_free_text_is_never_made_up(account: Account) -> None:
    """“Yes or no” takes “No”; what only “Yes” would ask for stays empty then, and is filled where the store may say “Yes”."""
    battery = _asked(account, "Has battery", "1", is_required=True, values=[["1", "Yes"], ["2", "No"]])
    kind = _asked(account, "Battery kind", "2", values=[["5", "Alkaline"], ["6", "Other"]], required_when=[["1", "1"]])
    _asked(account, "Ingredients", "3", is_required=True, is_customizable=True)
    now = live.Clock().now()

    onboarding.suggest_mapping(account.store, account, "9", now=now, fill_required=True)

    filled = {
        row.name: row.default_value_id for row in TikTokAttribute.select().where(TikTokAttribute.category_id == "9")
    }
    assert filled == {"Has battery": "2", "Battery kind": "", "Ingredients": ""}
    TikTokAttribute.update(magento_attribute="has_battery").where(TikTokAttribute.id == battery.id).execute()
    onboarding.suggest_mapping(account.store, account, "9", now=now, fill_required=True)
    assert TikTokAttribute.get_by_id(kind.id).default_value_id == "6"


def test_a_mapped_attribute_gets_a_default_for_products_that_are_silent(account: Account) -> None:
    row = _asked(account, "Colour", "1", is_required=True, values=[["5", "Blue"], ["6", "Other"]])
    onboarding.suggest_mapping(account.store, account, "9", now=live.Clock().now(), fill_required=True)
    found = TikTokAttribute.get_by_id(row.id)
    assert (found.magento_attribute, found.value_map, found.default_value_id) == ("color", {"Blue": "5"}, "6")


@pytest.mark.parametrize(
    ("labels", "names", "expected"),
    [
        pytest.param(["Grey"], ["Gray"], {"Grey": "0"}, id="the-same-in-other-words"),
        pytest.param(["Grey", "Gray"], ["Gray"], {"Gray": "0"}, id="two-labels-never-become-one-variant"),
        pytest.param(["X-Large", "2XL"], ["XL", "XXL"], {"X-Large": "0", "2XL": "1"}, id="sizes"),
        pytest.param(["Crimson"], ["Red"], {}, id="nothing-is-guessed"),
    ],
)
def test_values_meet(account: Account, labels: list[str], names: list[str], expected: dict[str, str]) -> None:
    values = [[str(number), name] for number, name in enumerate(names)]
    row = _asked(account, "Colour", "1", values=values)
    store = account.store
    store.attributes = [
        {"attribute_code": "color", "attribute_id": 93, "options": [{"label": each, "value": "1"} for each in labels]}
    ]
    onboarding.suggest_mapping(store, account, "9", now=live.Clock().now())
    assert TikTokAttribute.get_by_id(row.id).value_map == expected
