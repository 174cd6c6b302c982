"""Browsers without a window: one client per role over one small installation."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from pathlib import Path

import flask
import pytest
from flask.testing import FlaskClient

from connector.store.database import database
from tests.admin import world


def token(client: FlaskClient) -> str:
    """The forged-form token of the client's session."""
    with client.session_transaction() as session:
        return str(session.get("csrf", ""))


def log_in(client: FlaskClient, role: str) -> None:
    client.get("/admin/login/")
    answer = client.post(
        "/admin/login/",
        data={"email": f"{role}@example.com", "password": world.PASSWORD, "csrf_token": token(client)},
    )
    assert answer.status_code == 302, answer.text[:500]
    client.get("/admin/login/password/")


def post(client: FlaskClient, url: str, data: dict[str, object] | None = None, **options: object) -> object:
    """A form as the pages send it."""
    return client.post(url, data={"csrf_token": token(client), **(data or {})}, **options)


def ids_in(page: str) -> list[int]:
    """Ids of the rows that a list shows."""
    return [int(i) for i in re.findall(r'data-check value="(\d+)"', page)]


@pytest.fixture
def app(tmp_path: Path) -> Iterator[flask.Flask]:
    made = world.make_app(f"sqlite:///{tmp_path / 'c.sqlite'}", tmp_path / "pictures")
    with database.connection_context():
        world.add_users()
        world.seed()
    with database.connection_context():
        yield made


@pytest.fixture
def client(app: flask.Flask) -> Callable[[str], FlaskClient]:
    def make(role: str) -> FlaskClient:
        made = app.test_client()
        log_in(made, role)
        return made

    return make
