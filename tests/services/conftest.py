"""Both databases, filled a little."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from connector.services.context import Context
from connector.store.database import database
from connector.store.models import Account
from tests.services import world


@pytest.fixture
def account(database_url: str) -> Iterator[Account]:
    made = world.fill(database_url)
    yield made
    if not database.is_closed():
        database.close()
    if hasattr(database.obj, "close_all"):
        database.obj.close_all()


@pytest.fixture
def ctx(account: Account) -> Context:
    return world.context()
