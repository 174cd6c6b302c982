"""The embedded Redis: one server to a folder, nothing lost, nothing left behind."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from redis import Redis

from connector.errors import ConfigurationError
from connector.runtime import embedded
from connector.runtime.embedded import EmbeddedRedis
from tests.runtime.processes import alive, eventually

OWNER = """
import sys, time
from pathlib import Path
from connector.runtime.embedded import EmbeddedRedis
with EmbeddedRedis(Path(sys.argv[1])) as server:
    print(server.pid, flush=True)
    time.sleep(60)
"""


def owner(folder: Path) -> tuple[subprocess.Popen[str], int]:
    """Another process that runs the server of `folder`; and the server's pid."""
    process = subprocess.Popen([sys.executable, "-c", OWNER, str(folder)], stdout=subprocess.PIPE, text=True)
    assert process.stdout
    return process, int(process.stdout.readline())


def reap(process: subprocess.Popen[str]) -> None:
    process.kill()
    process.wait()
    assert process.stdout
    process.stdout.close()


def server_pid(server: EmbeddedRedis) -> int:
    with Redis.from_url(server.url) as connection:
        return int(connection.info("server")["process_id"])


def test_answers_with_append_only_persistence_and_refuses_to_evict(short_dir):
    with EmbeddedRedis(short_dir) as server, Redis.from_url(server.url) as connection:
        assert connection.config_get("appendonly")["appendonly"] == "yes"
        assert connection.config_get("maxmemory-policy")["maxmemory-policy"] == "noeviction"
        assert server_pid(server) == server.pid


def test_only_its_owner_may_connect(short_dir):
    with EmbeddedRedis(short_dir) as server:
        assert server.socket.stat().st_mode & 0o777 == 0o600


def test_what_was_written_survives_a_kill_of_the_server(short_dir):
    server = EmbeddedRedis(short_dir).start()
    with Redis.from_url(server.url) as connection:
        connection.rpush("queue", *range(100))
    os.kill(server.pid, signal.SIGKILL)
    server.stop()

    with EmbeddedRedis(short_dir) as again, Redis.from_url(again.url) as connection:
        assert connection.llen("queue") == 100


def test_a_second_server_of_a_folder_stands_by_and_takes_over_with_the_data(short_dir):
    first = EmbeddedRedis(short_dir).start()
    with EmbeddedRedis(short_dir) as second, Redis.from_url(second.url) as connection:
        assert server_pid(second) == first.pid, "the one that runs is used, its socket is not stolen"
        connection.set("kept", "yes")

        first.stop()

        eventually(lambda: embedded.answers(second.socket))
        assert server_pid(second) == second.pid
        assert connection.get("kept") == b"yes"


def test_it_dies_with_the_process_that_started_it(short_dir):
    process, server = owner(short_dir)

    reap(process)

    eventually(lambda: not alive(server))


def test_the_server_of_a_killed_process_does_not_block_the_next(short_dir):
    process, server = owner(short_dir)
    os.kill(server, signal.SIGSTOP)  # as if it took long to end
    reap(process)
    os.kill(server, signal.SIGCONT)

    with EmbeddedRedis(short_dir) as again:
        eventually(lambda: embedded.answers(again.socket) and not alive(server))
        eventually(lambda: server_pid(again) == again.pid)


def test_a_folder_with_a_long_path_gets_a_short_private_socket(tmp_path):
    folder = tmp_path / ("long" * 30)
    with EmbeddedRedis(folder) as server:
        assert len(str(server.socket)) < 108
        assert server.socket.parent.stat().st_mode & 0o777 == 0o700
        with Redis.from_url(server.url) as connection:
            assert connection.ping()
    assert embedded.socket_path(folder) == embedded.socket_path(folder), "every process finds the same one"
    assert embedded.socket_path(folder) != embedded.socket_path(tmp_path / ("long" * 31))


def test_a_socket_folder_that_others_can_write_to_is_refused(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(tmp_path))
    folder = tmp_path / ("long" * 30)
    embedded.socket_path(folder).parent.chmod(0o777)

    with pytest.raises(ConfigurationError, match="belongs to somebody else"):
        embedded.socket_path(folder)


def test_a_server_that_cannot_start_says_why_and_leaves_nothing(short_dir):
    (short_dir / "redis" / "appendonlydir").mkdir(parents=True)
    (short_dir / "redis" / "appendonlydir" / "appendonly.aof.manifest").write_text("not a manifest\n")
    server = EmbeddedRedis(short_dir)

    with pytest.raises(ConfigurationError, match=r"ended at once: .*CONNECTOR_REDIS_URL"):
        server.start()

    assert server.pid is None


def test_a_machine_without_a_server_gets_a_sentence(monkeypatch):
    """A wheel that holds no server, as on a platform that it does not know."""
    monkeypatch.setattr(embedded.metadata, "files", lambda _name: [])

    with pytest.raises(ConfigurationError, match="set CONNECTOR_REDIS_URL"):
        embedded.server_program()
