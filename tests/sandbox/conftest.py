"""A sandbox on a free port of this machine, with its state in a folder of the test."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from connector.sandbox import SandboxOptions, SandboxServer, create_sandbox


@pytest.fixture
def options() -> SandboxOptions:
    """What the sandbox is started with; a module or a test overrides it."""
    return SandboxOptions(audit_seconds=3600, requests_per_second=0)


@pytest.fixture
def side(request: pytest.FixtureRequest) -> str:
    """Tests of the marketplace need no store, which takes longer to set up than they run."""
    name = str(request.module.__name__).rpartition(".")[2]
    return "marketplace" if name.startswith("test_tiktok") else "both"


@pytest.fixture
def sandbox(tmp_path: Path, options: SandboxOptions, side: str) -> Iterator[SandboxServer]:
    server = SandboxServer(create_sandbox(tmp_path / "sandbox", products=4, options=options, side=side)).start()
    yield server
    server.stop()
