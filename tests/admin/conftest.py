"""Browsers without a window: one client per role over one small installation."""

from __future__ import annotations

import re
import secrets
import shutil
import uuid
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

import flask
import pytest
from flask.testing import FlaskClient

from connector.admin.login import SignedIn
from connector.store.database import database, disconnect
from connector.store.models import User
from tests.admin import world
from tests.conftest import new_database, other_database, run_sql


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
    url: str

    @contextmanager
    def fresh(self, folder: Path) -> Iterator[flask.Flask]:
        """The pages over a copy of the database: a file in `folder`, or a database of the same server."""
        with self._copy(folder) as url:
            world.renew(self.app, url, folder / "pictures")
            yield self.app
            disconnect()

    def _copy(self, folder: Path) -> AbstractContextManager[str]:
        if self.url.startswith("sqlite"):
            shutil.copy(self.url.removeprefix("sqlite:///"), folder / "c.sqlite")
            return nullcontext(f"sqlite:///{folder / 'c.sqlite'}")
        template = urlsplit(self.url).path.removeprefix("/")
        return new_database(other_database(self.url, "postgres"), f"TEMPLATE {template}")


def seed(url: str, folder: Path) -> Seeded:
    """Pages over a new database that holds what the tests look at."""
    made = world.make_app(url, folder)
    with database.connection_context():
        world.add_users()
        world.seed()
        if url.startswith("sqlite"):
            database.execute_sql("PRAGMA wal_checkpoint(TRUNCATE)")
    disconnect()
    return Seeded(made, url)


def seeded_on(kind: str, request: pytest.FixtureRequest, folder: Path) -> Seeded:
    """Pages over a seeded database of this kind, `sqlite` or `postgres`; skipped where there is no PostgreSQL."""
    if kind == "sqlite":
        return seed(f"sqlite:///{folder / 'c.sqlite'}", folder)
    server: str = request.getfixturevalue("postgres_url")
    name = f"seeded_{uuid.uuid4().hex}"
    run_sql(server, f"CREATE DATABASE {name}")
    return seed(other_database(server, name), folder)


@pytest.fixture(scope="session", params=["sqlite", pytest.param("postgres", marks=pytest.mark.postgres)])
def seeded(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Seeded:
    return seeded_on(request.param, request, tmp_path_factory.mktemp("seeded"))


@pytest.fixture
def app(tmp_path: Path, seeded: Seeded) -> Iterator[flask.Flask]:
    with seeded.fresh(tmp_path) as made, database.connection_context():
        yield made


@pytest.fixture
def client(app: flask.Flask) -> Callable[[str], FlaskClient]:
    def make(role: str) -> FlaskClient:
        made = app.test_client()
        log_in(made, role)
        return made

    return make
