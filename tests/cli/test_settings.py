"""What may be set, and what is said when it is wrong."""

from __future__ import annotations

import base64
import os
import threading
from pathlib import Path

import pytest
from cryptography.fernet import Fernet

from connector import settings as settings_module
from connector.app import create_context
from connector.cli import demo
from connector.errors import ConfigurationError
from connector.settings import Settings, kept_secret
from connector.store import database

EARLIER, PRESENT = (base64.urlsafe_b64encode(letter * 32).decode() for letter in (b"e", b"p"))


@pytest.fixture(autouse=True)
def alone(monkeypatch, tmp_path):
    """No setting of the machine, and a folder of the test's own."""
    for name in os.environ:
        if name.upper().startswith("CONNECTOR_"):
            monkeypatch.delenv(name)
    monkeypatch.chdir(tmp_path)


def test_nothing_has_to_be_set(tmp_path):
    settings = Settings.load()

    assert settings.var_dir == tmp_path / "var"
    assert settings.database_url == f"sqlite:///{tmp_path}/var/connector.sqlite"
    assert settings.embedded_redis
    assert settings.redis_address == f"unix://{tmp_path}/var/run/redis.sock?db=0"
    assert settings.base_url == "http://127.0.0.1:8080"
    assert not settings.secure_cookies


def test_an_empty_variable_counts_as_unset(monkeypatch):
    monkeypatch.setenv("CONNECTOR_PORT", "")

    assert Settings.load().port == 8080


def test_servers_of_the_operator_replace_our_own(monkeypatch):
    monkeypatch.setenv("CONNECTOR_DATABASE_URL", "postgresql://me:pass@db/connector")
    monkeypatch.setenv("CONNECTOR_REDIS_URL", "redis://cache:6379/2")
    monkeypatch.setenv("CONNECTOR_BASE_URL", "https://connector.example.com/")

    settings = Settings.load()

    assert settings.database_url == "postgresql://me:pass@db/connector"
    assert settings.redis_address == "redis://cache:6379/2"
    assert not settings.embedded_redis
    assert settings.base_url == "https://connector.example.com"
    assert settings.secure_cookies
    assert "pass" not in repr(settings)


@pytest.mark.parametrize(
    ("variable", "value", "sentence"),
    [
        ("PORT", "abc", "CONNECTOR_PORT is “abc”, but it should be a valid integer"),
        ("PORT", "70000", "CONNECTOR_PORT is “70000”, but it should be less than or equal to 65535"),
        ("LOG_LEVEL", "loud", "CONNECTOR_LOG_LEVEL is “loud”, but it should be 'debug', 'info', 'warning' or 'error'."),
        ("LOG_JSON", "maybe", "CONNECTOR_LOG_JSON is “maybe”, but it should be a valid boolean"),
        ("READ_TIMEOUT", "0", "CONNECTOR_READ_TIMEOUT is “0”, but it should be greater than 0."),
        ("DATABASE_URL", "mysql://me:pass@db/x", "CONNECTOR_DATABASE_URL is “mysql://…@db/x”, but it must start with sqlite://"),
        ("REDIS_URL", "localhost:6379", "CONNECTOR_REDIS_URL is “localhost:6379”, but it must start with redis://"),
        ("STORE_URL", "magento.local", "CONNECTOR_STORE_URL is “magento.local”, but it must start with http://"),
        ("SECRET_KEY", "tooshort", "CONNECTOR_SECRET_KEY is wrong: it is not a key of 32 bytes"),
        ("SECRET_KEYS", f"{EARLIER},no", "CONNECTOR_SECRET_KEYS is wrong: it is not a key of 32 bytes"),
        ("SESSION_SECRET", "tooshort", "CONNECTOR_SESSION_SECRET is wrong: it is shorter than 32 characters."),
    ],
)  # fmt: skip
def test_a_wrong_value_is_named_and_says_what_to_write(monkeypatch, variable, value, sentence):
    monkeypatch.setenv(f"CONNECTOR_{variable}", value)

    with pytest.raises(ConfigurationError) as caught:
        Settings.load()

    text = str(caught.value)
    assert text.startswith(sentence)
    assert "Write for example: " in text
    assert "\n" not in text
    assert not any(secret in text for secret in ("pass@", "tooshort", EARLIER))


def test_every_problem_is_reported_at_once(monkeypatch):
    monkeypatch.setenv("CONNECTOR_PORT", "abc")
    monkeypatch.setenv("CONNECTOR_DATABSE_URL", "sqlite:///x")
    monkeypatch.setenv("CONNECTOR_LOG_LEVEL", "loud")

    with pytest.raises(ConfigurationError) as caught:
        Settings.load()

    lines = str(caught.value).splitlines()
    assert len(lines) == 3
    assert lines[0] == "CONNECTOR_DATABSE_URL is not a setting; did you mean CONNECTOR_DATABASE_URL?"


def test_keys_are_made_once_and_only_for_us(tmp_path):
    first = Settings.load()

    assert first.encryption_keys() == Settings.load().encryption_keys()
    assert first.session_key() == Settings.load().session_key()
    Fernet(first.encryption_keys()[0])
    for name in ("secret.key", "session.key"):
        assert (tmp_path / "var" / name).stat().st_mode & 0o777 == 0o600


def test_keys_that_are_set_leave_no_file(monkeypatch, tmp_path):
    monkeypatch.setenv("CONNECTOR_SECRET_KEY", PRESENT)
    monkeypatch.setenv("CONNECTOR_SECRET_KEYS", f"{EARLIER}, {EARLIER}")
    monkeypatch.setenv("CONNECTOR_SESSION_SECRET", "x" * 40)

    settings = Settings.load()

    assert settings.encryption_keys() == [PRESENT, EARLIER, EARLIER]
    assert settings.session_key() == "x" * 40
    assert not (tmp_path / "var").exists()


def test_a_key_file_that_others_can_read_is_refused(tmp_path):
    path = tmp_path / "secret.key"
    kept_secret(path, "x")
    path.chmod(0o644)

    with pytest.raises(ConfigurationError, match=f"Run: chmod 600 {path}"):
        kept_secret(path, "y")


def test_a_folder_that_cannot_be_used_is_reported(tmp_path):
    (tmp_path / "file").write_text("")

    with pytest.raises(ConfigurationError, match="CONNECTOR_VAR_DIR"):
        kept_secret(tmp_path / "file" / "secret.key", "x")


def test_processes_that_start_together_share_one_secret(tmp_path):
    found: list[str] = []
    barrier = threading.Barrier(8)

    def start(number: int) -> None:
        barrier.wait()
        found.append(kept_secret(tmp_path / "secret.key", f"secret {number}"))

    threads = [threading.Thread(target=start, args=(number,)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert len(found) == 8
    assert len(set(found)) == 1
    assert [path.name for path in tmp_path.iterdir()] == ["secret.key"]


def test_every_setting_is_described_with_an_example():
    for name, field in Settings.model_fields.items():
        assert field.description, name
        assert field.examples, name


def test_the_table_for_operators_is_in_the_documentation():
    root = Path(__file__).resolve().parents[2]

    assert settings_module.table() in (root / "docs" / "operations.md").read_text(), (
        "put in what `python -m connector.settings` prints"
    )


def test_a_call_to_the_store_may_run_for_as_long_as_we_wait_and_its_server_allows(monkeypatch):
    monkeypatch.setenv("CONNECTOR_READ_TIMEOUT", "3")
    monkeypatch.setenv("CONNECTOR_SERVER_TIMEOUT", "12")
    try:
        assert create_context(Settings.load()).place_timeout == 15
    finally:
        database.disconnect()


@pytest.mark.parametrize(
    ("store", "given", "limit"), [("", "", demo.SANDBOX_LIMIT), ("", "7", 7), ("https://shop.example", "", 300)]
)
def test_the_demo_s_own_store_needs_no_long_limit(monkeypatch, store, given, limit):
    monkeypatch.setenv("CONNECTOR_SERVER_TIMEOUT", given)
    assert demo._settings(Settings.load(), store).server_timeout == limit
