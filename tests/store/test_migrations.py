"""The migrations make what the models say, on both databases, whatever happens while they run."""

from __future__ import annotations

import re
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from playhouse.migrate import SchemaMigrator, migrate
from playhouse.migrations import Runner

from connector.errors import ConfigurationError
from connector.store import facts, migrations
from connector.store.database import connect, connection, database, disconnect, is_sqlite
from connector.store.models import ALL, Listing, User
from tests.services import world

UPGRADE = """
import sys
from pathlib import Path
from connector.store import database, migrations
database.connect(sys.argv[1])
print(*migrations.upgrade(Path(sys.argv[2])))
"""

MORE = """
import os, signal
from peewee import IntegerField

def up(migrator, db):
    db.execute_sql("CREATE TABLE more (id INTEGER)")
    migrator.migrate(migrator.add_column("more", "pieces", IntegerField(default=1)))
    {end}
"""


@pytest.fixture
def empty(empty_database_url: str) -> Iterator[str]:
    """The address of a database without tables, which the models are bound to."""
    connect(empty_database_url)
    yield empty_database_url
    disconnect()


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """The migrations, in a folder of the test's own."""
    copied = tmp_path / "migrations"
    shutil.copytree(migrations.HERE, copied, ignore=shutil.ignore_patterns("__*__*"))
    return copied


def add(folder: Path, end: str = "") -> Path:
    """One more migration, which ends as `end` says."""
    file = folder / "9999_more.py"
    file.write_text(MORE.format(end=end))
    return file


def schema() -> list[tuple[str, ...]]:
    """All that the database keeps of its tables, columns, keys and indexes; the migrations' own table left out."""
    if is_sqlite():
        found = database.execute_sql("SELECT tbl_name, name, sql FROM sqlite_master WHERE sql IS NOT NULL").fetchall()
    else:
        found = [row for query in POSTGRES for row in database.execute_sql(query).fetchall()]
    plain = [tuple(re.sub(r"\s*([(),])\s*|\s+", r"\1 ", str(part)).strip() for part in row) for row in found]
    return sorted(row for row in plain if row[0] != "schema_migration")


POSTGRES = (
    """SELECT table_name, column_name, data_type, character_maximum_length, is_nullable, column_default
       FROM information_schema.columns WHERE table_schema = 'public'""",
    """SELECT conrelid::regclass::text, conname, pg_get_constraintdef(oid)
       FROM pg_constraint WHERE connamespace = 'public'::regnamespace AND contype <> 'n'""",
    "SELECT tablename, indexname, indexdef FROM pg_indexes WHERE schemaname = 'public'",
)


def test_a_new_database_is_what_the_models_say(empty: str) -> None:
    """A model was changed? Add the next file beside connector/store/migrations/0001_initial.py."""
    assert migrations.upgrade()
    with connection():
        migrated = schema()
        database.drop_tables(ALL)
        facts.drop_tables(database.obj)
        assert schema() == []

        database.create_tables(ALL)
        facts.create_tables(database.obj)

        assert migrated == schema()


def test_a_second_upgrade_finds_nothing_to_do(empty: str) -> None:
    names = migrations.pending()

    assert migrations.upgrade() == names != []
    assert (migrations.upgrade(), migrations.pending()) == ([], [])


def test_one_that_fails_leaves_nothing_of_itself_and_can_be_repeated(empty: str, folder: Path) -> None:
    file = add(folder, "raise RuntimeError('in the middle')")

    with pytest.raises(RuntimeError, match="in the middle"):
        migrations.upgrade(folder)

    assert migrations.pending(folder) == [file.stem]
    with connection():
        assert not database.table_exists("more")
    add(folder)
    assert migrations.upgrade(folder) == [file.stem]


def test_one_that_is_killed_leaves_nothing_of_itself_and_can_be_repeated(empty: str, folder: Path) -> None:
    file = add(folder, "os.kill(os.getpid(), signal.SIGKILL)")
    command = [sys.executable, "-c", UPGRADE, empty, str(folder)]

    killed = subprocess.run(command, capture_output=True, text=True, check=False)

    assert killed.returncode == -signal.SIGKILL, killed.stderr
    assert migrations.pending(folder) == [file.stem]
    add(folder)
    assert migrations.upgrade(folder) == [file.stem]
    with connection():
        assert database.table_exists("more")


def test_two_at_once_take_turns(empty: str, folder: Path) -> None:
    add(folder, "import time; time.sleep(0.2)")

    with ThreadPoolExecutor() as pool:
        first, second = (pool.submit(migrations.upgrade, folder) for _ in range(2))
        applied = [first.result(), second.result()]

    assert sorted(map(len, applied)) == [0, len(list(folder.glob("[0-9]*.py")))]


def test_a_database_in_use_is_one_sentence(tmp_path: Path, folder: Path) -> None:
    handle = connect(f"sqlite:///{tmp_path / 'c.sqlite'}")
    migrations.upgrade(folder)
    add(folder)
    other = connect(f"sqlite:///{tmp_path / 'c.sqlite'}")
    other.connect()
    database.initialize(handle)
    handle.connect()
    handle.pragma("busy_timeout", 50)

    with other.atomic("IMMEDIATE"), pytest.raises(ConfigurationError, match=r"database is locked.*connector migrate"):
        migrations.upgrade(folder)

    other.close()
    assert migrations.upgrade(folder) == ["9999_more"]
    handle.close()


def test_the_first_release_can_be_taken_back(empty: str) -> None:
    migrations.upgrade()

    with connection():
        Runner(database.obj, directory=str(migrations.HERE)).down("0001_initial")

        assert schema() == []
    assert migrations.upgrade()


LATER = {
    "product": ("facts_stale", "stock_at"),
    "listing": ("rule_inputs", "paused", "withdrawn", "content_due", "offers_due", "create_key", "watched"),
    "order": ("stored_at", "retry_at"),
    "return_case": ("shipping_minor", "partial", "lease_until"),
}


def test_a_database_from_before_the_release_gets_what_it_lacks(empty: str) -> None:
    """And every listing that was there a key of its own, because two may not share one."""
    _, *added = migrations.pending()
    world.fill(empty, products=2)
    with connection():
        made = named()
        for index in [name for kind, name in made if kind == "index" and name.endswith(("_open", "_stale"))]:
            database.execute_sql(f'DROP INDEX "{index}"')
        for table in ("rule_column", "rule_table", "rule_number", "rule_progress"):
            database.execute_sql(f"DROP TABLE {table}")
        migrator = SchemaMigrator.from_database(database.obj)
        for table, names in LATER.items():
            migrate(*(migrator.drop_column(table, name) for name in names))
        database.execute_sql("DELETE FROM schema_migration WHERE name <> '0001_initial'")
        assert named() < made

    assert migrations.upgrade() == added

    with connection():
        assert named() == made
        assert len({row.create_key for row in Listing.select().where(Listing.stale)}) == 2


def named() -> set[tuple[str, str]]:
    """Every table, column and index by its name."""
    tables = database.get_tables()
    columns = {(table, column.name) for table in tables for column in database.get_columns(table)}
    indexes = {("index", index.name) for table in tables for index in database.get_indexes(table)}
    return columns | {(kind, name) for kind, name in indexes if not name.startswith("sqlite_")}


def test_what_was_there_stays(empty: str, folder: Path) -> None:
    migrations.upgrade(folder)
    with connection():
        User.create(email="a@b.example", name="A", password_hash="x", role="admin", created_at=0)
    add(folder)

    migrations.upgrade(folder)

    with connection():
        assert User.get().email == "a@b.example"


def test_a_column_that_no_model_has_is_noticed(empty: str) -> None:
    """What the comparison above is worth."""
    migrations.upgrade()
    with connection():
        before = schema()
        database.execute_sql("ALTER TABLE listing ADD COLUMN colour VARCHAR(9)")

        assert schema() != before
