"""What the README and the pages for operators tell people to type exists and works."""

from __future__ import annotations

import os
import re
import shlex
import subprocess
from pathlib import Path

import pytest

from connector.cli import COMMANDS
from tests.cli.test_edge import command

ROOT = Path(__file__).resolve().parents[2]
PAGES = ("README.md", "ARCHITECTURE.md", "docs/install.md", "docs/operations.md", "docs/usage.md")


def commands(page: str) -> list[str]:
    """The lines of a page's `sh` blocks."""
    blocks = re.findall(r"```sh\n(.*?)```", (ROOT / page).read_text(), re.DOTALL)
    return [line for block in blocks for line in block.splitlines()]


README = commands("README.md")


@pytest.mark.parametrize("line", [line for page in PAGES for line in commands(page) if line.startswith("make ")])
def test_make_knows_the_command(line):
    """Asked what it would do: the demo and the tests themselves run elsewhere."""
    result = subprocess.run([*shlex.split(line), "--dry-run"], cwd=ROOT, capture_output=True, text=True, check=False)

    assert result.returncode == 0, result.stderr


@pytest.mark.parametrize("line", [line for line in README if line.startswith(".venv/bin/connector")])
def test_the_command_of_the_readme_runs(line, migrated):
    result = command(*shlex.split(line)[1:], **migrated)

    assert result.returncode == 0, result.stdout + result.stderr


@pytest.mark.parametrize("forbidden", ["", "1"])
def test_bytecode_is_kept_even_where_the_sources_must_stay_clean(forbidden):
    """Every process would compile all its modules anew. Folders that are forbidden in the sources go into `.venv`."""
    show = 'show: ; @$(BIN)/python -c "import sys; print(sys.dont_write_bytecode, sys.pycache_prefix)"'
    unset = ("PYTHONPYCACHEPREFIX", "MAKEFLAGS", "MAKELEVEL")  # of the `make test` that may run this
    environment = {name: value for name, value in os.environ.items() if name not in unset}
    environment |= {"PYTHONDONTWRITEBYTECODE": forbidden}

    told = subprocess.check_output(["make", f"--eval={show}", "show"], cwd=ROOT, env=environment, text=True)

    assert told.split() == ["False", str(ROOT / ".venv/bytecode") if forbidden else "None"]


def test_every_line_of_the_readme_is_run_by_one_of_these_tests():
    assert README
    assert all(line.startswith(("make ", ".venv/bin/connector ")) for line in README)


@pytest.mark.parametrize("page", PAGES)
def test_links_lead_somewhere(page):
    for target in re.findall(r"\]\(([^)#]+)\)", (ROOT / page).read_text()):
        assert target.startswith("https://") or ((ROOT / page).parent / target).exists(), target


def test_the_map_names_every_package():
    text = (ROOT / "ARCHITECTURE.md").read_text()

    for path in (ROOT / "connector").iterdir():
        if (path.is_dir() and (path / "__init__.py").exists()) or path.suffix == ".py":
            name = f"{path.name}/" if path.is_dir() else path.name
            assert name == "__init__.py" or f"  {name} " in text, name


@pytest.mark.parametrize("page", PAGES)
def test_commands_named_on_a_page_exist(page):
    named = set(re.findall(r"`(?:\.venv/bin/)?connector ([a-z]+)[^`]*`", (ROOT / page).read_text()))

    assert named <= set(COMMANDS), named - set(COMMANDS)
