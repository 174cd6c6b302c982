"""The web server: its processes do not outlive it, and it stops in order."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import urllib.request
from pathlib import Path

import psutil
import pytest

from tests.runtime.processes import alive, eventually, free_port

ROOT = Path(__file__).resolve().parents[2]
PROGRAM = """
import logging, os, sys, time
logging.basicConfig(level="INFO", format="%(name)s %(message)s")
from connector.runtime.web import serve
def load():
    made_in = os.getpid()
    def app(environ, start_response):
        if environ["PATH_INFO"] == "/slow":
            print("slow began", file=sys.stderr, flush=True)
            time.sleep(1)
        start_response("200 OK", [("Content-Type", "text/plain")])
        return [b"%d %d" % (made_in, os.getpid())]
    return app
serve(load, "127.0.0.1", int(sys.argv[1]), processes=2, threads=2, stop_timeout=30)
"""


@pytest.fixture
def server(tmp_path):
    """The server's process, its address, and its log."""
    port, log = free_port(), tmp_path / "log"
    with log.open("wb") as output:
        process = subprocess.Popen(
            [sys.executable, "-c", PROGRAM, port], cwd=ROOT, stderr=output, start_new_session=True
        )
    address = f"http://127.0.0.1:{port}"
    eventually(lambda: answers(address) and len(psutil.Process(process.pid).children()) == 2)
    yield process, address, log
    process.kill()
    process.wait()


def answers(address: str) -> bool:
    try:
        return get(address) != ""
    except OSError:
        return False


def get(address: str) -> str:
    with urllib.request.urlopen(address, timeout=60) as answer:
        return answer.read().decode()


def test_the_application_is_made_in_the_process_that_serves_it(server):
    process, address, _ = server

    made_in, served_by = get(address).split()

    assert made_in == served_by != str(process.pid)


def test_its_processes_die_with_it(server):
    process, _, _ = server
    children = [child.pid for child in psutil.Process(process.pid).children()]

    process.kill()
    process.wait()

    eventually(lambda: not any(alive(pid) for pid in children))


def test_a_process_that_is_killed_is_replaced(server):
    process, address, _ = server
    victim = psutil.Process(process.pid).children()[0].pid

    os.kill(victim, signal.SIGKILL)

    eventually(lambda: not alive(victim) and len(psutil.Process(process.pid).children()) == 2)
    assert get(address)


def test_a_request_that_runs_is_finished_when_it_stops(server):
    process, address, log = server
    slow = subprocess.Popen(
        [sys.executable, "-c", f"import urllib.request as u; print(u.urlopen('{address}/slow').status)"],
        stdout=subprocess.PIPE,
        text=True,
    )
    eventually(lambda: "slow began" in log.read_text())

    process.terminate()

    assert slow.communicate(timeout=60)[0] == "200\n"
    assert process.wait(60) == 0


def test_its_lines_go_to_the_program_s_log_and_requests_are_not_logged(server):
    _, address, log = server
    get(f"{address}/?code=secret")

    text = log.read_text()
    assert "gunicorn.error Listening at: " in text
    assert "secret" not in text
