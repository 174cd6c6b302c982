"""Browsers without a window: one client per role over one small installation."""

from __future__ import annotations

import re
import secrets
import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import flask
import pytest
from flask.testing import FlaskClient

from connector.admin.login import SignedIn
from connector.store.database import database
from connector.store.models import User
from tests.admin import world


def token(client: FlaskClient) -> str:
    """The forged-form token of the client's session."""
    with client.session_transaction() as session:
        return str(session.get("csrf", ""))


def log_in(client: FlaskClient, role: str) -> None:
    """The session that the log-in page makes, without its slow hash (`test_login` goes through the page)."""
    user = User.get(User.email == f"{role}@example.com")
    with client.session_transaction() as session:
        session["_user_id"], session["_fresh"] = SignedIn(user).get_id(), True
        session["csrf"] = secrets.token_urlsafe(32)


def post(client: FlaskClient, url: str, data: dict[str, object] | None = None, **options: object) -> object:
    """A form as the pages send it."""
    return client.post(url, data={"csrf_token": token(client), **(data or {})}, **options)


def ids_in(page: str) -> list[int]:
    """Ids of the rows that a list shows."""
    return [int(i) for i in re.findall(r'data-check value="(\d+)"', page)]


@dataclass(frozen=True)
class Seeded:
    """The pages, made once, and a database with users and a row of everything to copy."""

    app: flask.Flask
    file: Path

    def fresh(self, folder: Path) -> flask.Flask:
        """The pages over a copy of the database in `folder`."""
        shutil.copy(self.file, folder / "c.sqlite")
        world.renew(self.app, f"sqlite:///{folder / 'c.sqlite'}", folder / "pictures")
        return self.app


@pytest.fixture(scope="session")
def seeded(tmp_path_factory: pytest.TempPathFactory) -> Seeded:
    folder = tmp_path_factory.mktemp("seeded")
    made = world.make_app(f"sqlite:///{folder / 'c.sqlite'}", folder)
    with database.connection_context():
        world.add_users()
        world.seed()
        database.execute_sql("PRAGMA wal_checkpoint(TRUNCATE)")
    return Seeded(made, folder / "c.sqlite")


@pytest.fixture
def app(tmp_path: Path, seeded: Seeded) -> Iterator[flask.Flask]:
    made = seeded.fresh(tmp_path)
    with database.connection_context():
        yield made


@pytest.fixture
def client(app: flask.Flask) -> Callable[[str], FlaskClient]:
    def make(role: str) -> FlaskClient:
        made = app.test_client()
        log_in(made, role)
        return made

    return make
