"""Recorded answers of a real store, and clients for servers of a test's own."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from connector.clients.http import HttpClient
from connector.clients.magento import MagentoConnection, MagentoStore
from tests.clients.server import Reply

Recorded = Callable[[str], Reply]
Connect = Callable[..., MagentoConnection]


@pytest.fixture
def recorded(shared: Path) -> Recorded:
    """The answer of a recording by its number or name ("609", "cart-then-correct-place")."""
    folder = shared / "data/magento/recordings"

    def reply(name: str) -> Reply:
        (path,) = folder.glob(f"{name}-*.json" if name.isdigit() else f"*-{name}.json")
        answer = json.loads(path.read_text(encoding="utf-8"))["response"]
        body = answer["body"]
        return Reply(answer["status"], b"<html>error</html>" if body is None else body, answer["headers"])

    return reply


@pytest.fixture
def store() -> Connect:
    """A connection that waits for nothing, by bearer token unless told otherwise."""

    def connect(url: str, **settings: Any) -> MagentoConnection:
        settings = {"auth": "bearer", "access_token": "token", **settings}
        return MagentoConnection(
            MagentoStore(url, **settings), HttpClient("magento", read_timeout=2, sleep=lambda _: None)
        )

    return connect
