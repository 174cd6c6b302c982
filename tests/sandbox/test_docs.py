"""docs/sandbox.md tells of every control call, every fault and every option, and of none that does not exist."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from connector.cli.sandbox import sandbox as command
from connector.sandbox import create_sandbox
from connector.sandbox.app import stop_background
from connector.sandbox.faults import CALL_KINDS, WEBHOOK_KINDS
from connector.sandbox.tiktok.shops import SHOPS
from tests.conftest import ROOT

PAGE = (ROOT / "docs/sandbox.md").read_text("utf-8")
ELSEWHERE = {"/_sandbox/health", "/_sandbox/style.css", "/_sandbox/credentials"}


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> set[str]:
    app = create_sandbox(tmp_path_factory.mktemp("docs"), products=2)
    stop_background(app)
    paths = {re.sub(r"<\w+:", "<", str(rule)) for rule in app.url_map.iter_rules()}
    return {path for path in paths if path.startswith("/_sandbox")}


def test_every_control_call_is_told_and_exists(served: set[str]) -> None:
    told = set(re.findall(r"`(?:GET|POST|PUT|DELETE) (/_sandbox[^`]*)`", PAGE))
    assert told == served - ELSEWHERE
    assert "/_sandbox/credentials" in PAGE


def test_every_fault_is_told_and_exists() -> None:
    faults = PAGE.partition("## Faults")[2]
    assert set(re.findall(r"^\| `(\w+)` \|", faults, re.MULTILINE)) == {*CALL_KINDS, *WEBHOOK_KINDS}


def test_the_commands_of_the_page_have_options_that_exist() -> None:
    known = {name for parameter in command.params for name in parameter.opts}
    (block,) = re.findall(r"```sh\n(.*?)```", PAGE, re.DOTALL)
    assert set(re.findall(r"--[a-z][\w-]*", PAGE)) <= known
    assert all(line.startswith(".venv/bin/connector sandbox ") for line in block.splitlines())


def test_regions_are_told_with_their_currency() -> None:
    assert all(f"`{shop.region}` in {shop.currency}" in PAGE for shop in SHOPS)


def test_the_page_is_found_from_the_readme() -> None:
    assert "docs/sandbox.md" in Path(ROOT / "README.md").read_text("utf-8")
