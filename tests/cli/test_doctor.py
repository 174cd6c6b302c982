"""`connector doctor` finds what is wrong and says what to do."""

from __future__ import annotations

import json
import socket

import pytest
from cryptography.fernet import Fernet

from connector.cli import doctor
from connector.plugins import loader
from connector.settings import Settings
from tests.cli.test_edge import command


@pytest.fixture
def findings(in_process):
    """What doctor finds, by what it looked at."""

    def examine(*, status: int, **settings: str) -> dict[str, dict[str, object]]:
        result = in_process("doctor", "--json", **settings)
        assert result.returncode == status, result.stderr
        return {finding["check"]: finding for finding in json.loads(result.stdout)}

    return examine


def test_all_is_well(migrated, findings):
    found = findings(status=0, **migrated)

    assert all(finding["ok"] for finding in found.values())
    assert found["database"]["found"].startswith("PostgreSQL " if "DATABASE_URL" in migrated else "SQLite 3.")
    assert "our own" in found["redis"]["found"]
    assert found["web"]["found"] == f"does not run; port {migrated['PORT']} is free for it"


def test_missing_tables(untouched, findings):
    found = findings(status=1, **untouched)

    assert found["database"]["advice"] == "Run: connector migrate"


def test_the_redis_of_the_operator(migrated, redis_url):
    """Asked as a person does, in a process of its own."""
    result = command("doctor", "--json", **migrated, REDIS_URL=redis_url)

    found = {finding["check"]: finding for finding in json.loads(result.stdout)}
    assert result.returncode == 0
    assert "(yours)" in found["redis"]["found"]


def test_a_redis_that_drops_work_is_refused(migrated, redis, redis_url, findings):
    redis.config_set("maxmemory-policy", "allkeys-lru")
    try:
        found = findings(status=1, **migrated, REDIS_URL=redis_url)
    finally:
        redis.config_set("maxmemory-policy", "noeviction")

    assert found["redis"]["advice"].startswith("Set maxmemory-policy to noeviction")


def test_servers_that_do_not_answer(short_dir, findings):
    settings = {
        "VAR_DIR": str(short_dir),
        "REDIS_URL": "redis://127.0.0.1:1",
        "DATABASE_URL": "postgresql://127.0.0.1:1/x",
    }

    found = findings(status=1, **settings)

    assert "CONNECTOR_DATABASE_URL" in found["database"]["found"]
    assert "CONNECTOR_REDIS_URL" in found["redis"]["advice"]


def test_a_port_in_use(migrated, findings):
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        found = findings(status=1, **{**migrated, "PORT": str(other.getsockname()[1])})

    assert "CONNECTOR_PORT" in found["web"]["found"]


def test_wrong_settings_are_findings_too(short_dir, findings):
    found = findings(status=1, VAR_DIR=str(short_dir), LOG_LEVEL="loud")

    assert found["settings"]["found"].startswith("CONNECTOR_LOG_LEVEL is “loud”")


def test_a_plugin_that_cannot_be_used_is_named_with_its_reason(monkeypatch):
    monkeypatch.setattr(loader, "load", lambda: [loader.FailedPlugin("extra", "ImportError: no module named x")])

    (finding,) = doctor.plugins(Settings())

    assert (finding.ok, finding.found) == (False, "extra cannot be used: ImportError: no module named x")
    assert finding.advice == "Correct or remove the package that brings extra."


def test_a_new_key_can_be_used():
    fernet = Fernet(command("doctor", "--new-key").stdout.strip())

    assert fernet.decrypt(fernet.encrypt(b"secret")) == b"secret"


def test_people_read_it_without_json(migrated):
    lines = command("doctor", **migrated).stdout.splitlines()

    assert lines[0].startswith("ok    settings")
    assert len(lines) >= 6
