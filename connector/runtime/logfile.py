"""Logs of the programs that we start: one file each, appended to, put aside when long."""

from __future__ import annotations

from pathlib import Path
from typing import BinaryIO

LIMIT = 10_000_000
"""Bytes; a longer log becomes `NAME.log.1` when its program starts."""


def open_log(path: Path) -> BinaryIO:
    """The log, opened to append."""
    if path.exists() and path.stat().st_size > LIMIT:
        path.replace(path.with_name(path.name + ".1"))
    return path.open("ab")


def last_line(path: Path) -> str:
    """The last line that is not empty, or "" when there is none."""
    try:
        lines = path.read_bytes()[-4096:].decode(errors="replace").splitlines()
    except OSError:
        return ""
    return next((line.strip() for line in reversed(lines) if line.strip()), "")
