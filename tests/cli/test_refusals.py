"""What a person sees when a setting, a port, a store or a consent is not as it should be: one sentence, no traceback."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.cli.conftest import Command, Installation
from tests.cli.test_edge import command


@pytest.fixture
def taken() -> Iterator[str]:
    """A port that another program listens on."""
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        yield str(other.getsockname()[1])


def sentence(result: object) -> str:
    """The only line of standard error; nothing was done and nothing else was said."""
    assert result.returncode == 1, (result.stdout, result.stderr)
    assert result.stdout == ""
    assert "Traceback" not in result.stderr
    (line,) = result.stderr.splitlines()
    assert line.startswith("Error: ")
    return line.removeprefix("Error: ")


@pytest.mark.parametrize("arguments", [("web",), ("queue", "list"), ("catalog", "sync"), ("migrate",)])
def test_a_wrong_setting(arguments: tuple[str, ...], tmp_path: Path, in_process: Command) -> None:
    said = sentence(in_process(*arguments, VAR_DIR=str(tmp_path), DATABASE_URL="mysql://shop"))

    assert said.startswith(
        "CONNECTOR_DATABASE_URL is “mysql://shop”, but it must start with sqlite:// or postgresql://"
    )


@pytest.mark.parametrize("arguments", [("queue", "list"), ("worker",), ("orders", "import"), ("migrate",)])
def test_a_database_that_does_not_answer(arguments: tuple[str, ...], tmp_path: Path, in_process: Command) -> None:
    url = "postgresql://connector:s3cret@127.0.0.1:1/x"

    said = sentence(in_process(*arguments, VAR_DIR=str(tmp_path), DATABASE_URL=url))

    assert said.startswith("The database does not answer (")
    assert said.endswith("Check CONNECTOR_DATABASE_URL.")
    assert "s3cret" not in said


def test_a_port_in_use(installation: Installation, taken: str) -> None:
    for arguments in (("web",), ("up",)):
        said = sentence(installation.run(*arguments, PORT=taken))
        assert said == (
            f"Port {taken} on 127.0.0.1 cannot be used: Address already in use. "
            "Stop the program that uses it, or set CONNECTOR_PORT."
        )


def test_a_sandbox_port_in_use(tmp_path: Path, taken: str) -> None:
    said = sentence(command("sandbox", "--port", taken, "--products", "2", "--data", str(tmp_path)))

    assert taken in said
    assert "in use" in said


def test_a_store_that_cannot_be_reached(installation: Installation) -> None:
    installation.stop()

    said = sentence(installation.run("catalog", "sync"))

    assert "127.0.0.1" in said


def test_a_store_that_revoked_the_integration(installation: Installation) -> None:
    installation.control.post("magento/token/revoke")

    said = sentence(installation.run("catalog", "sync"))

    assert "integration" in said


def test_a_seller_who_took_the_consent_back(installation: Installation) -> None:
    installation.control.post("tiktok/tokens/revoke")

    result = installation.run("orders", "import")

    assert result.returncode == 1
    assert result.stderr == ""
    (line,) = result.stdout.splitlines()
    assert line.startswith("US shop: ")
    assert "uthori" in line, "it says that the account must be authorised again"


def test_a_redis_that_does_not_answer(installation: Installation) -> None:
    said = sentence(installation.run("worker", "--queue", "orders", REDIS_URL="redis://127.0.0.1:1"))

    assert "CONNECTOR_REDIS_URL" in said


def test_a_folder_that_cannot_be_used(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")

    said = sentence(command("queue", "list", VAR_DIR=str(tmp_path / "file" / "var")))

    assert "CONNECTOR_VAR_DIR" in said
