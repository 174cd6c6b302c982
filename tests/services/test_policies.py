"""Policies as rows."""

from __future__ import annotations

from typing import Any

import pytest

from connector.errors import ConfigurationError
from connector.plugins.api import policies as registry
from connector.services import policies
from connector.store.models import HistoryEntry, Policy
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
