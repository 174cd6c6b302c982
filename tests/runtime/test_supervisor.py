"""The supervisor: order, restarts, and nothing left behind, with real processes."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from connector.errors import ConfigurationError
from connector.runtime import sessions
from connector.runtime.supervisor import ProcessSpec, Supervisor
from tests.runtime.processes import alive, eventually

# Writes its name when it starts and when it is asked to stop; optionally starts a child in a process group of its own.
PROGRAM = """
import os, signal, subprocess, sys, time
name, journal, children = sys.argv[1], sys.argv[2], int(sys.argv[3])
def write(word):
    with open(journal, "a") as file:
        file.write(f"{word} {name}\\n")
def stop(*_):
    write("stop")
    sys.exit(0)
signal.signal(signal.SIGTERM, stop)
for _ in range(children):
    child = subprocess.Popen(["sleep", "61"], process_group=0)
    write(f"child {child.pid}")
write("start")
while True:
    time.sleep(60)
"""


def spec(tmp_path: Path, name: str, stage: int = 0, children: int = 0, **options) -> ProcessSpec:
    command = [sys.executable, "-c", PROGRAM, name, str(tmp_path / "journal"), str(children)]
    options.setdefault("ready", lambda: f"start {name}" in journal(tmp_path))
    return ProcessSpec(name, command, stage=stage, **options)


def journal(tmp_path: Path) -> list[str]:
    file = tmp_path / "journal"
    return file.read_text().splitlines() if file.exists() else []


def supervisor(tmp_path: Path, *specs: ProcessSpec) -> Supervisor:
    return Supervisor(specs, tmp_path / "run", tmp_path / "log")


def children_of(tmp_path: Path) -> list[int]:
    return [int(line.split()[1]) for line in journal(tmp_path) if line.startswith("child")]


def test_starts_by_stage_and_stops_in_reverse(tmp_path):
    specs = [spec(tmp_path, "web", 3), spec(tmp_path, "redis", 0), spec(tmp_path, "worker", 1)]

    with supervisor(tmp_path, *specs) as running:
        assert set(running.pids()) == {"redis", "worker", "web"}

    words = [
        *(f"start {name}" for name in ("redis", "worker", "web")),
        *(f"stop {name}" for name in ("web", "worker", "redis")),
    ]
    assert journal(tmp_path) == words
    assert running.pids() == {}


def test_programs_of_one_stage_are_asked_to_stop_together(tmp_path):
    slow = "import signal, time\nsignal.signal(signal.SIGTERM, lambda *_: (time.sleep(2), exit()))\nprint('up', flush=True)\ntime.sleep(60)"
    log = tmp_path / "log"
    specs = [
        ProcessSpec(f"w{n}", [sys.executable, "-c", slow], ready=lambda n=n: (log / f"w{n}.log").read_text() == "up\n")
        for n in range(3)
    ]
    running = supervisor(tmp_path, *specs).start()
    began = time.monotonic()

    running.stop()

    assert time.monotonic() - began < 5.5, "one after the other would take six seconds"


@pytest.mark.parametrize("signal_number", [signal.SIGKILL, signal.SIGTERM])
def test_what_ends_is_started_again(tmp_path, signal_number):
    with supervisor(tmp_path, spec(tmp_path, "worker")) as running:
        first = running.pids()["worker"]
        os.kill(first, signal_number)

        eventually(lambda: journal(tmp_path).count("start worker") == 2)

        assert running.pids()["worker"] != first
        assert running.restarts("worker") == 1


def test_what_a_killed_program_left_ends_before_its_replacement_starts(tmp_path):
    with supervisor(tmp_path, spec(tmp_path, "worker", children=2)) as running:
        before = children_of(tmp_path)
        os.kill(running.pids()["worker"], signal.SIGKILL)

        eventually(lambda: running.restarts("worker") == 1)

        assert len(before) == 2
        assert not any(alive(pid) for pid in before)


def test_stopping_leaves_no_descendant(tmp_path):
    with supervisor(tmp_path, spec(tmp_path, "worker", children=2)) as running:
        session = running.pids()["worker"]
        assert len(sessions.members(session)) == 3

    assert sessions.members(session) == []


def test_what_does_not_stop_in_time_is_killed(tmp_path):
    stubborn = (
        "import signal, time\nsignal.signal(signal.SIGTERM, signal.SIG_IGN)\nprint('up', flush=True)\ntime.sleep(60)"
    )
    ready = tmp_path / "log" / "stubborn.log"
    running = supervisor(
        tmp_path,
        ProcessSpec(
            "stubborn", [sys.executable, "-c", stubborn], stop_patience=0.2, ready=lambda: "up" in ready.read_text()
        ),
    ).start()
    pid = running.pids()["stubborn"]

    running.stop()

    assert not alive(pid)


def test_a_program_that_keeps_ending_is_reported_with_its_last_words(tmp_path):
    broken = ProcessSpec("web", [sys.executable, "-c", "raise SystemExit('Port 8080 is in use.')"], ready=lambda: False)

    with pytest.raises(
        ConfigurationError, match=r"web ends again and again: Port 8080 is in use\. \(log: .*web\.log\)"
    ):
        supervisor(tmp_path, spec(tmp_path, "redis", -1), broken).start()

    assert journal(tmp_path) == ["start redis", "stop redis"], "what had started was stopped"


def test_a_program_that_is_killed_while_it_gets_ready_is_started_until_it_is(tmp_path):
    starts = tmp_path / "starts"
    killed_thrice = (
        "import os, pathlib, signal, time\n"
        f"path = pathlib.Path({str(starts)!r})\n"
        "path.write_text((path.read_text() if path.exists() else '') + '.')\n"
        "len(path.read_text()) > 3 or os.kill(os.getpid(), signal.SIGKILL)\n"
        "time.sleep(60)"
    )
    web = ProcessSpec("web", [sys.executable, "-c", killed_thrice], ready=lambda: len(starts.read_text()) > 3)
    starts.write_text("")

    with supervisor(tmp_path, web) as running:
        assert running.restarts("web") == 3


def test_a_program_that_is_not_there_is_reported(tmp_path):
    missing = ProcessSpec("web", ["/nowhere/program"], ready=lambda: False)

    with pytest.raises(ConfigurationError, match="/nowhere/program cannot be started: No such file"):
        supervisor(tmp_path, missing).start()


def test_a_program_that_is_not_ready_in_time_is_reported(tmp_path):
    slow = spec(tmp_path, "web", ready=lambda: False, ready_patience=0.3)

    with pytest.raises(ConfigurationError, match=r"web is not ready after 0\.3 seconds: it wrote nothing"):
        supervisor(tmp_path, slow).start()


def test_the_pause_before_a_restart_grows(tmp_path):
    ends = ProcessSpec("ends", [sys.executable, "-S", "-c", "print('once')"])
    log = tmp_path / "log" / "ends.log"

    began = time.monotonic()
    with supervisor(tmp_path, ends):
        eventually(lambda: log.read_text().count("once") >= 4)

    assert time.monotonic() - began >= 1.75, "0.25, 0.5 and 1 second, not a busy loop"


def test_programs_can_be_added_restarted_and_taken_away(tmp_path):
    with supervisor(tmp_path, spec(tmp_path, "redis")) as running:
        running.add(spec(tmp_path, "worker"))
        first = running.pids()["worker"]

        running.restart("worker")
        assert running.pids()["worker"] != first
        running.stop_process("worker")

        assert set(running.pids()) == {"redis"}
        assert not alive(first)


def test_a_second_supervisor_of_a_folder_is_refused(tmp_path):
    with supervisor(tmp_path, spec(tmp_path, "redis")) as running:
        with pytest.raises(ConfigurationError, match=rf"already runs in {tmp_path} \(process {os.getpid()}\)"):
            supervisor(tmp_path, spec(tmp_path, "other")).start()
        assert set(running.pids()) == {"redis"}


def test_the_state_file_names_every_process_and_goes_with_the_supervisor(tmp_path):
    file = tmp_path / "run" / "processes.json"
    with supervisor(tmp_path, spec(tmp_path, "redis")) as running:
        state = json.loads(file.read_text())

        assert state["supervisor"] == os.getpid()
        assert state["processes"] == {"redis": {"pid": running.pids()["redis"], "restarts": 0}}
    assert not file.exists()


FOREGROUND = """
import sys
from pathlib import Path
sys.path.insert(0, sys.argv[1])
from tests.runtime.test_supervisor import spec, supervisor
folder = Path(sys.argv[2])
supervisor(folder, spec(folder, "redis", 0), spec(folder, "worker", 1, children=1)).run(lambda: print("up", flush=True))
print("down", flush=True)
"""


@pytest.fixture
def foreground(tmp_path):
    """A supervisor in the foreground of another process."""
    root = Path(__file__).resolve().parents[2]
    process = subprocess.Popen(
        [sys.executable, "-c", FOREGROUND, str(root), str(tmp_path)],
        stdout=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    assert process.stdout
    assert process.stdout.readline() == "up\n"
    yield process
    process.kill()
    process.wait()
    process.stdout.close()


def pids_in(tmp_path: Path) -> list[int]:
    state = json.loads((tmp_path / "run" / "processes.json").read_text())
    return [*(process["pid"] for process in state["processes"].values()), *children_of(tmp_path)]


@pytest.mark.parametrize("signal_number", [signal.SIGINT, signal.SIGTERM])
def test_ctrl_c_stops_everything_in_order(tmp_path, foreground, signal_number):
    pids = pids_in(tmp_path)

    foreground.send_signal(signal_number)

    assert foreground.stdout.read() == "down\n"
    assert foreground.wait(60) == 0
    assert journal(tmp_path)[-2:] == ["stop worker", "stop redis"]
    assert not any(alive(pid) for pid in pids)


def test_nothing_that_it_started_outlives_a_killed_supervisor(tmp_path, foreground):
    programs = list(json.loads((tmp_path / "run" / "processes.json").read_text())["processes"].values())

    foreground.kill()

    eventually(lambda: not any(alive(program["pid"]) for program in programs))


def test_the_next_start_ends_what_a_killed_supervisor_left(tmp_path, foreground):
    grandchildren = children_of(tmp_path)
    foreground.kill()
    foreground.wait()
    assert all(alive(pid) for pid in grandchildren), "the kernel ends children, not grandchildren"

    with supervisor(tmp_path, spec(tmp_path, "web")):
        assert not any(alive(pid) for pid in grandchildren)
