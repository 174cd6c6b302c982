"""A package that we did not write adds a policy type and an action; a broken one stops nothing."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

ACME = '''
from dataclasses import dataclass
from connector.plugins.api import Action, Outcome, Policy, actions, policies, setting

@policies.register
@dataclass(frozen=True, slots=True)
class Gift(Policy):
    """Gift wrapping."""
    identifier = "acme_gift"
    label = "Gift wrapping"
    paper: str = setting("red", "Paper")

@actions.register
class Wrap(Action):
    """Wraps."""
    identifier = "acme_wrap"
    label = "Wrap"
    def run(self, subject, context):
        return Outcome("Wrapped.")
'''
BROKEN = ACME.replace("acme_", "broken_") + "\nraise RuntimeError('half-way')\n"
SHOW = """
import json
from connector.plugins.loader import load
from connector.plugins.api import actions, policies
failed = load()
print(json.dumps({
    "policies": [c.identifier for c in policies], "actions": [c.identifier for c in actions],
    "failed": [[f.name, f.reason] for f in failed], "paper": policies.get("acme_gift").from_settings({}).paper,
}))
"""


def _install(folder: Path, name: str, code: str) -> None:
    """What pip would leave behind: a module and its metadata with an entry point."""
    (folder / f"{name}.py").write_text(code)
    info = folder / f"{name}-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text(f"[connector.plugins]\n{name} = {name}\n")


@pytest.fixture
def loaded(tmp_path: Path) -> dict[str, list[str]]:
    _install(tmp_path, "acme", ACME)
    _install(tmp_path, "broken", BROKEN)
    environment = {**os.environ, "PYTHONPATH": str(tmp_path)}
    answer = subprocess.run(
        [sys.executable, "-c", SHOW], env=environment, capture_output=True, text=True, timeout=60, check=True
    )
    return json.loads(answer.stdout.splitlines()[-1])


def test_its_policy_and_action_stand_beside_ours(loaded):
    assert "acme_gift" in loaded["policies"]
    assert "inventory" in loaded["policies"]
    assert "acme_wrap" in loaded["actions"]
    assert loaded["paper"] == "red"


def test_a_broken_one_is_reported_and_leaves_nothing_half_registered(loaded):
    assert loaded["failed"] == [["broken", "RuntimeError: half-way"]]
    assert not [name for name in loaded["policies"] + loaded["actions"] if name.startswith("broken_")]
