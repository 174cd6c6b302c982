"""A first set of templates: what `rules suggest` proposes on a connected account, and makes."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from connector.services import assignment, rulesets, starting
from connector.services.rule_source import StoreProducts
from connector.store.models import Account, ListingTemplate, MarketplaceCategory
from tests.flow.conftest import Installation


def leaf(account: Account, category_id: str) -> bool:
    """The marketplace lists goods there."""
    row = MarketplaceCategory.get(
        MarketplaceCategory.account == account, MarketplaceCategory.category_id == category_id
    )
    return bool(row.is_leaf)


def test_templates_are_proposed_with_a_category_that_takes_goods_and_made_once(installation: Installation) -> None:
    ctx, account = installation.ctx, installation.account
    proposals = starting.propose(ctx, account, StoreProducts.of(installation.store))

    assert len(proposals) >= 3
    assert all(leaf(account, one.category_id) and one.category_path for one in proposals)
    assert not [one for one in proposals if "Miscellaneous" in one.category_path], (
        "what the marketplace says when it knows none"
    )
    assert starting.create(ctx, account, proposals, actor="test") == len(proposals)
    assert starting.create(ctx, account, proposals, actor="test") == 0
    assert {row.name for row in ListingTemplate.select()} == {one.suggestion.template for one in proposals}


def test_a_template_without_a_category_takes_the_one_of_its_first_products(installation: Installation) -> None:
    ctx, account = installation.ctx, installation.account
    rulesets.save_and_activate(ctx, {"a.rules": 'assign "Hoodies" where name contains "hoodie"'}, "test")
    starting.make_template(ctx, account, "Hoodies", actor="test")
    assignment.run(ctx, account)

    assert starting.choose_categories(ctx, account) == 1
    assert starting.choose_categories(ctx, account) == 0, "a category that is there is kept"
    assert "Hoodies" in ListingTemplate.get().category_path


@pytest.fixture
def run(installation: Installation, tmp_path: Path, database_url: str, redis_url: str) -> Any:
    """`connector …` on this installation."""
    settings = {"VAR_DIR": str(tmp_path / "var"), "DATABASE_URL": database_url, "REDIS_URL": redis_url}
    environment = os.environ | {f"CONNECTOR_{name}": value for name, value in settings.items()}

    def command(*arguments: str) -> subprocess.CompletedProcess[str]:
        program = [sys.executable, "-m", "connector.cli", *arguments]
        return subprocess.run(program, env=environment, capture_output=True, text=True, timeout=120, check=False)

    return command


def test_the_command_proposes_and_makes_templates(run: Any, installation: Installation) -> None:
    title = installation.account.title
    answered = run("rules", "suggest", "--account", title, "--json")
    assert answered.returncode == 0, answered.stderr
    told = json.loads(answered.stdout)
    assert 'price "List price"' in told["rules"]
    assert all(one["category_id"] and one["query"].startswith("category under") for one in told["templates"])
    assert not ListingTemplate.select().exists()

    assert run("rules", "suggest", "--account", title, "--create").returncode == 0
    assert ListingTemplate.select().count() == len(told["templates"])


def test_an_account_that_is_not_there_is_named(run: Any) -> None:
    answered = run("rules", "suggest", "--account", "Nobody's")
    assert answered.returncode != 0
    assert "There is no connected account called “Nobody's”. There is “US shop”." in answered.stderr
