"""The pinned files: every dependency, exact, hashed, and no package index named."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
EXTRAS = PROJECT["optional-dependencies"]
FILES = {
    "requirements.txt": PROJECT["dependencies"],
    "requirements-test.txt": [*PROJECT["dependencies"], *EXTRAS["test"]],
    "requirements-bench.txt": [*PROJECT["dependencies"], *EXTRAS["test"], *EXTRAS["bench"]],
}


def pins(file: str) -> dict[str, str]:
    """Version by normalised name."""
    found = re.findall(r"^([\w.-]+)(?:\[[^\]]*\])?==([^ ;\\]+)", (ROOT / file).read_text(), re.MULTILINE)
    return {normalised(name): version for name, version in found}


def normalised(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


@pytest.mark.parametrize("file", FILES)
def test_every_dependency_is_pinned(file):
    wanted = {normalised(re.match(r"[\w.-]+", text)[0]) for text in FILES[file]}

    assert wanted - set(pins(file)) == set(), "run: make lock"


@pytest.mark.parametrize("file", FILES)
def test_every_pin_has_a_hash_and_no_index_is_named(file):
    text = (ROOT / file).read_text()

    assert len(re.findall(r"==[^\n]*\\\n +--hash=sha256:", text)) == len(pins(file))
    assert "://" not in text
    assert not re.search(r"^-", text, re.MULTILINE)


def test_the_files_agree_about_versions():
    everything = pins("requirements-bench.txt")

    for file in FILES:
        for name, version in pins(file).items():
            assert everything[name] == version, name
