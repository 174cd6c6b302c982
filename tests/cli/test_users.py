"""People who may log in are added on the command line."""

from __future__ import annotations

import json
import os
import subprocess
import sys

import pytest
from argon2 import PasswordHasher

from connector.store import database, migrations
from connector.store.models import HistoryEntry, User
from tests.cli.test_edge import ROOT, command


@pytest.fixture
def settings(database_url, short_dir):
    """Settings of an installation whose database is migrated; the models of this process look at it too."""
    settings = {"VAR_DIR": str(short_dir), "DATABASE_URL": database_url}
    database.connect(database_url)
    migrations.upgrade()
    with database.connection():
        yield settings
    database.disconnect()


def test_a_user_is_added_with_a_password_that_is_shown_once(settings, in_process):
    result = in_process("users", "add", "Jane@Example.com", "--role", "operator", "--json", **settings)

    shown = json.loads(result.stdout)
    user = User.get()
    assert (user.email, user.role, user.active) == ("jane@example.com", "operator", True)
    assert PasswordHasher().verify(user.password_hash, shown["password"])
    assert [(entry.action, entry.message) for entry in HistoryEntry] == [
        ("user.create", "jane@example.com as operator")
    ]


def test_who_exists_is_changed_only_on_request(settings, in_process):
    first = json.loads(in_process("users", "add", "j@x.org", "--json", **settings).stdout)

    refused = in_process("users", "add", "j@x.org", **settings)
    reset = json.loads(in_process("users", "add", "j@x.org", "--reset", "--role", "admin", "--json", **settings).stdout)

    assert refused.returncode == 1
    assert "connector users add j@x.org --reset" in refused.stderr
    assert reset["password"] != first["password"]
    assert User.get().role == "admin"
    listed = json.loads(in_process("users", "list", "--json", **settings).stdout)
    assert [(row["email"], row["role"]) for row in listed] == [("j@x.org", "admin")]
    assert "password" not in json.dumps(listed)


def test_a_password_can_be_given_and_is_then_not_shown(settings):
    environment = {name: value for name, value in os.environ.items() if not name.startswith("CONNECTOR_")}
    arguments = [sys.executable, "-m", "connector.cli", "users", "add", "j@x.org", "--password-stdin"]

    def add(password: str) -> subprocess.CompletedProcess[str]:
        env = environment | {f"CONNECTOR_{name}": value for name, value in settings.items()}
        return subprocess.run(arguments, cwd=ROOT, env=env, input=password, capture_output=True, text=True, check=False)

    assert add("short\n").returncode == 1
    result = add("a long password\n")

    assert result.returncode == 0
    assert "a long password" not in result.stdout
    assert PasswordHasher().verify(User.get().password_hash, "a long password")


def test_what_is_no_address_is_refused(settings):
    result = command("users", "add", "jane", **settings)

    assert result.returncode == 1
    assert "“jane” is not an e-mail address." in result.stderr
    assert User.select().count() == 0


def test_a_database_without_tables_is_named_with_what_to_do(untouched, in_process):
    assert "Run: connector migrate" in in_process("users", "list", **untouched).stderr
