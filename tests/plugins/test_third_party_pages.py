"""A policy type and an action of somebody else's package are in the forms and menus, and pressing the button asks for work."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.conftest import other_database, run_sql
from tests.plugins.test_third_party import ACME, BROKEN, _install

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(scope="module", params=["sqlite", pytest.param("postgres", marks=pytest.mark.postgres)])
def pages(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """What `tests.plugins.pages` saw where both packages are installed."""
    folder = tmp_path_factory.mktemp("acme")
    database_url = f"sqlite:///{folder / 'c.sqlite'}"
    if request.param == "postgres":
        server: str = request.getfixturevalue("postgres_url")
        run_sql(server, "CREATE DATABASE pages")
        database_url = other_database(server, "pages")
    _install(folder, "acme", ACME)
    _install(folder, "broken", BROKEN)
    answer = subprocess.run(
        [sys.executable, "-m", "tests.plugins.pages", str(folder), database_url],
        env={**os.environ, "PYTHONPATH": os.pathsep.join([str(folder), str(ROOT)])},
        cwd=ROOT, capture_output=True, text=True, timeout=120, check=True,
    )  # fmt: skip
    return dict(json.loads(answer.stdout.splitlines()[-1]))


def test_the_type_is_in_the_add_menu_and_its_form_has_its_settings(pages):
    assert 'type=acme_gift">Gift wrapping' in pages["types"]
    assert '<label class="f-label" for="paper">Paper' in pages["form"]
    assert 'value="red"' in pages["form"]


def test_the_form_saves_what_was_written(pages):
    assert pages["saved"] == {"paper": "gold"}


def test_the_action_is_in_the_menu_of_products_and_asks_for_work(pages):
    assert 'data-action="acme_wrap"' in pages["menu"]
    assert pages["asked"] == [["acme_wrap", "queued"]]
    assert "Wrap" in pages["queue"]


def test_a_row_of_a_type_that_is_not_there_says_so(pages):
    assert "broken_gift (plugin missing)" in pages["types"]
    assert "type=broken_gift" not in pages["types"]
