"""Replaces itself by a program that cannot outlive the process that started it.

    python launch.py PARENT_PID SIGNAL LOCK_FILE PROGRAM [ARGUMENT …]

Run by path with `python -I -S`: it needs the standard library only and starts in milliseconds. A program between, and not
`Popen(preexec_fn=…)`, because a function between fork and exec may dead-lock a process with threads.

With a lock file it first waits until nobody else holds the lock. The lock is inherited by the program and so lasts exactly
as long as it: a second launch stands by and takes over when the first program ends.
"""

from __future__ import annotations

import ctypes
import fcntl
import os
import sys
from collections.abc import Sequence

PR_SET_PDEATHSIG = 1  # linux/prctl.h
SIGKILL = 9


def launcher(program: Sequence[str], *, death_signal: int = SIGKILL, lock_file: str = "") -> list[str]:
    """The command that runs `program` as a child which gets `death_signal` when this process ends."""
    return [sys.executable, "-I", "-S", __file__, str(os.getpid()), str(int(death_signal)), lock_file, *program]


def die_with_parent(parent: int, signal_number: int) -> None:
    """Have the kernel send us `signal_number` when `parent` ends; exit at once when it already did.

    Linux only. Elsewhere a supervisor that is killed leaves its children to the clean-up of its next start.
    The kernel means the parent's *thread*: a thread that starts programs must live as long as they.
    """
    if sys.platform == "linux":
        ctypes.CDLL(None, use_errno=True).prctl(PR_SET_PDEATHSIG, signal_number)
    if os.getppid() != parent:
        sys.exit(f"The process {parent} that started this one is gone.")


def hold(lock_file: str) -> None:
    """Wait for the lock, and leave it to the program that replaces this one."""
    lock = os.open(lock_file, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    fcntl.flock(lock, fcntl.LOCK_EX)
    os.set_inheritable(lock, True)


def main(arguments: list[str]) -> None:
    """Become the program named by `arguments`."""
    parent, signal_number, lock_file, *program = arguments
    die_with_parent(int(parent), int(signal_number))
    if lock_file:
        hold(lock_file)
    try:
        os.execvp(program[0], program)  # noqa: S606  # becoming that program is the purpose
    except OSError as error:
        sys.exit(f"{program[0]} cannot be started: {error.strerror}.")


if __name__ == "__main__":
    main(sys.argv[1:])
