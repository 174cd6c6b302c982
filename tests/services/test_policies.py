"""Policies as rows."""

from __future__ import annotations

from typing import Any

import pytest

from connector.errors import ConfigurationError
from connector.plugins.api import policies as registry
from connector.services import policies
from connector.store.models import Account, HistoryEntry, Listing, ListingTemplate, MagentoStore, Policy, Product
from tests.services.live import Clock

pytestmark = pytest.mark.usefixtures("installation")


def add(kind: str, title: str = "Mine", **settings: Any) -> Policy:
    now = Clock().now()
    row: Policy = Policy.create(title=title, type=kind, settings=settings, created_at=now, updated_at=now)
    return row


def test_defaults_are_valid_and_made_once() -> None:
    made = policies.create_defaults(Clock().now())
    assert sorted(row.type for row in made) == sorted(plugin.identifier for plugin in registry)
    assert [policies.validity(row) for row in Policy.select()] == [[]] * len(made)
    assert policies.create_defaults(Clock().now()) == []
    assert HistoryEntry.select().where(HistoryEntry.action == "policy.create").count() == len(made)


def test_a_taken_title_is_avoided() -> None:
    add("order", "Default Image")
    assert "Default Image 2" in {row.title for row in policies.create_defaults(Clock().now())}


def test_a_problem_of_the_policy_is_an_issue() -> None:
    (issue,) = policies.validity(add("image", gallery_images=20))
    assert issue.field == "gallery_images"


def test_a_required_setting_that_is_empty_is_an_issue() -> None:
    assert "price_attribute" in {issue.field for issue in policies.validity(add("pricing", price_attribute=""))}


def test_a_wrong_type_is_an_issue_that_names_the_setting() -> None:
    (issue,) = policies.validity(add("image", gallery_images="many"))
    assert issue.message.startswith("Gallery images:")


def test_a_missing_plugin_is_an_issue() -> None:
    (issue,) = policies.validity(add("gone"))
    assert (issue.code, "“gone”" in issue.message) == ("policy.plugin_missing", True)


def test_one_default_per_type() -> None:
    policies.create_defaults(Clock().now())
    mine = add("image")
    policies.set_default(mine)
    defaults = Policy.select().where(Policy.is_default)
    assert [row.id for row in defaults if row.type == "image"] == [mine.id]
    assert defaults.count() == len(registry)


def test_what_applies_is_the_row_then_the_default_then_the_types_own() -> None:
    assert policies.effective("image", None).gallery_images == 8  # type: ignore[attr-defined]  # of the image policy
    policies.set_default(add("image", gallery_images=5))
    assert policies.effective("image", None).gallery_images == 5  # type: ignore[attr-defined]  # of the image policy
    other = add("image", "Other", gallery_images=2)
    assert policies.effective("image", other).gallery_images == 2  # type: ignore[attr-defined]  # of the image policy


def test_a_policy_of_another_type_or_unreadable_is_refused() -> None:
    with pytest.raises(ConfigurationError, match="is of type order"):
        policies.effective("image", add("order"))
    with pytest.raises(ConfigurationError, match="Gallery images"):
        policies.effective("image", add("image", "Bad", gallery_images="many"))


@pytest.mark.parametrize("kind", ["image", "pricing", "inventory", "synchronization"])
def test_a_changed_policy_makes_new_drafts_of_what_it_decides_over(kind: str) -> None:
    """By name, or as the default of those that name none; not of what another policy decides over."""
    now = Clock().now()
    mine, other = add(kind, "Mine"), add(kind, "Other")
    policies.set_default(mine)
    store = MagentoStore.create(title="S", base_url="https://s.example")
    numbers = {}
    for name, chosen in (("by default", None), ("by name", mine), ("another", other)):
        sync = {"synchronization_policy": chosen} if kind == "synchronization" else {}
        account = Account.create(title=name, store=store, created_at=now, **sync)
        of_template = {} if sync or kind == "synchronization" else {f"{kind}_policy": chosen}
        template = ListingTemplate.create(account=account, name="T", created_at=now, updated_at=now, **of_template)
        product = Product.create(store=store, entity_id=account.id, sku=name, data={}, digest="", seen_at=now)
        listing = Listing.create(account=account, product=product, template=template, stale=False, changed_at=now)
        numbers[name] = listing.id

    assert policies.mark_stale(Policy.get_by_id(mine.id)) == 2

    stale = {name for name, number in numbers.items() if Listing.get_by_id(number).stale}
    assert stale == {"by default", "by name"}
    Listing.update(stale=False).execute()
    policies.set_default(other)
    assert {n for n, number in numbers.items() if Listing.get_by_id(number).stale} == {"by default", "another"}
