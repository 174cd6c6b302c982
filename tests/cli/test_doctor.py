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
from tests.runtime.processes import free_port


@pytest.fixture
def findings(in_process):
    """What doctor finds, by what it looked at."""

    def examine(*, status: int, **settings: str) -> dict[str, dict[str, object]]:
        result = in_process("doctor", "--json", **settings)
        assert result.returncode == status, result.stderr
        return {finding["check"]: finding for finding in json.loads(result.stdout)}

    return examine


@pytest.fixture
def port() -> str:
    return free_port()


@pytest.fixture
def folder(short_dir, port, in_process):
    """Settings of a migrated database in a folder of its own."""
    settings = {"VAR_DIR": str(short_dir), "PORT": port}
    assert in_process("migrate", **settings).returncode == 0
    return settings


def test_all_is_well(folder, findings):
    found = findings(status=0, **folder)

    assert all(finding["ok"] for finding in found.values())
    assert found["database"]["found"].startswith("SQLite 3.")
    assert "our own" in found["redis"]["found"]
    assert found["web"]["found"] == f"does not run; port {folder['PORT']} is free for it"


def test_missing_tables(short_dir, port, findings):
    found = findings(status=1, VAR_DIR=str(short_dir), PORT=port)

    assert found["database"]["advice"] == "Run: connector migrate"


def test_servers_of_the_operator(folder, redis_url, postgres_url):
    settings = {**folder, "REDIS_URL": redis_url, "DATABASE_URL": postgres_url}
    assert command("migrate", **settings).returncode == 0

    result = command("doctor", "--json", **settings)

    found = {finding["check"]: finding for finding in json.loads(result.stdout)}
    assert result.returncode == 0
    assert found["database"]["found"].startswith("PostgreSQL ")
    assert "(yours)" in found["redis"]["found"]


def test_a_redis_that_drops_work_is_refused(folder, redis, redis_url, findings):
    redis.config_set("maxmemory-policy", "allkeys-lru")
    try:
        found = findings(status=1, **folder, REDIS_URL=redis_url)
    finally:
        redis.config_set("maxmemory-policy", "noeviction")

    assert found["redis"]["advice"].startswith("Set maxmemory-policy to noeviction")


def test_servers_that_do_not_answer(folder, findings):
    settings = {"REDIS_URL": "redis://127.0.0.1:1", "DATABASE_URL": "postgresql://127.0.0.1:1/x"}

    found = findings(status=1, **folder, **settings)

    assert "CONNECTOR_DATABASE_URL" in found["database"]["found"]
    assert "CONNECTOR_REDIS_URL" in found["redis"]["advice"]


def test_a_port_in_use(folder, findings):
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        found = findings(status=1, **{**folder, "PORT": str(other.getsockname()[1])})

    assert "CONNECTOR_PORT" in found["web"]["found"]


def test_wrong_settings_are_findings_too(folder, findings):
    found = findings(status=1, **folder, LOG_LEVEL="loud")

    assert found["settings"]["found"].startswith("CONNECTOR_LOG_LEVEL is “loud”")


def test_a_plugin_that_cannot_be_used_is_named_with_its_reason(monkeypatch):
    monkeypatch.setattr(loader, "load", lambda: [loader.FailedPlugin("extra", "ImportError: no module named x")])

    (finding,) = doctor.plugins(Settings())

    assert (finding.ok, finding.found) == (False, "extra cannot be used: ImportError: no module named x")
    assert finding.advice == "Correct or remove the package that brings extra."


def test_a_new_key_can_be_used():
    fernet = Fernet(command("doctor", "--new-key").stdout.strip())

    assert fernet.decrypt(fernet.encrypt(b"secret")) == b"secret"


def test_people_read_it_without_json(folder):
    lines = command("doctor", **folder).stdout.splitlines()

    assert lines[0].startswith("ok    settings")
    assert len(lines) >= 6
