"""Our own processes under the supervisor: real Redis, real sandbox."""

from __future__ import annotations

import json
import os
import signal
import socket
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer
from threading import Thread

import pytest
from redis import Redis

from connector.cli import stack
from connector.errors import ConfigurationError
from connector.sandbox.app import create_sandbox
from connector.sandbox.serve import SandboxServer
from connector.settings import Settings
from tests.runtime.processes import alive, eventually, free_port


@pytest.fixture
def settings(short_dir, monkeypatch):
    for name in [name for name in os.environ if name.startswith("CONNECTOR_")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("CONNECTOR_VAR_DIR", str(short_dir))
    return Settings.load()


def test_redis_and_sandbox_start_answer_and_leave_nothing(settings):
    port = int(free_port())
    specs = [*stack.redis_spec(settings), stack.sandbox_spec(settings, port, "--products", "5")]

    with stack.supervisor(settings, specs) as running, Redis.from_url(settings.redis_address) as redis:
        assert redis.ping()
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/_sandbox/health", timeout=10) as answer:
            assert json.load(answer) == {"status": "ok", "data": str(settings.var_dir / "sandbox")}
        pids = list(running.pids().values())
        assert len(pids) == 2

    assert not any(alive(pid) for pid in pids)


def test_a_killed_sandbox_comes_back_on_its_port(settings):
    port = int(free_port())
    with stack.supervisor(settings, [stack.sandbox_spec(settings, port, "--products", "5")]) as running:
        os.kill(running.pids()["sandbox"], signal.SIGKILL)

        eventually(lambda: running.restarts("sandbox") == 1)
        eventually(stack.http_ready(f"http://127.0.0.1:{port}/_sandbox/health"), seconds=60)
        assert running.restarts("sandbox") == 1


def test_the_sandbox_of_somebody_else_is_not_taken_for_ours(settings, tmp_path):
    other = SandboxServer(create_sandbox(tmp_path, products=2)).start()
    specs = [stack.sandbox_spec(settings, other.port, "--products", "5")]
    try:
        with pytest.raises(ConfigurationError, match="in use"):
            stack.supervisor(settings, specs).start()
    finally:
        other.stop()


@contextmanager
def answering(text: str) -> Iterator[int]:
    """A program that answers every question with this text; its port."""

    class Answer(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200)
            self.end_headers()
            self.wfile.write(text.encode())

        def log_message(self, *_arguments: object) -> None:
            """Nothing: the test's output is for its failures."""

    with HTTPServer(("127.0.0.1", 0), Answer) as server:
        thread = Thread(target=server.serve_forever, args=(0.02,))
        thread.start()
        yield server.server_address[1]
        server.shutdown()
        thread.join()


@pytest.mark.parametrize(
    "text",
    [
        pytest.param("well", id="another-program"),
        pytest.param('{"status": "ok"}', id="another-program-in-json"),
        pytest.param('{"name": "connector", "status": "ok", "installation": "0"}', id="a-connector-of-another-folder"),
    ],
)
def test_the_web_server_of_somebody_else_is_not_taken_for_ours(settings, text):
    with answering(text) as port:
        ready = stack.web_spec(settings.model_copy(update={"port": port})).ready

        assert not ready()
        assert stack.http_ready(f"http://127.0.0.1:{port}/health")(), "though it answers"


def test_our_web_server_is_known_by_its_folder(settings, tmp_path):
    other = settings.model_copy(update={"var_dir": tmp_path})
    with answering(json.dumps({"installation": settings.installation})) as port:
        assert stack.web_spec(settings.model_copy(update={"port": port})).ready()
        assert not stack.web_spec(other.model_copy(update={"port": port})).ready()


def test_a_port_in_use_is_what_the_supervisor_reports(settings):
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        port = other.getsockname()[1]
        specs = [stack.sandbox_spec(settings, port, "--products", "5")]

        with pytest.raises(ConfigurationError, match=rf"sandbox ends again and again: .*{port}.* in use"):
            stack.supervisor(settings, specs).start()


def test_no_redis_of_our_own_beside_the_operator_s(settings, monkeypatch):
    monkeypatch.setenv("CONNECTOR_REDIS_URL", "redis://cache:6379/0")

    assert stack.redis_spec(Settings.load()) == []
