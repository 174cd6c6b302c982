"""The folder of a demonstration: a journey that was cut short goes on in it, another one begins with an empty one."""

from __future__ import annotations

import fcntl
import json
import shutil
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from connector.errors import ConfigurationError

STATE = "journey.json"


@contextmanager
def held(folder: Path, options: Mapping[str, Any], *, again: bool) -> Iterator[bool]:
    """Hold the folder for as long as the demonstration runs; true when it goes on with what is there.

    `options` say what is shown (catalogue, number of products, store) and where the sandbox is, whose address everything in
    the folder names. A folder of other options is emptied, and with `again`
    so is one whose journey has ended.

    Raises:
        ConfigurationError: another demonstration holds it.
    """
    folder.parent.mkdir(parents=True, exist_ok=True)
    with folder.with_suffix(".lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            raise ConfigurationError(
                f"Another demo runs in {folder}. Stop it, or set CONNECTOR_VAR_DIR to another folder."
            ) from None
        known = _read(folder)
        goes_on = known.get("options") == dict(options) and not (again and known.get("ended"))
        if not goes_on:
            shutil.rmtree(folder, ignore_errors=True)
            folder.mkdir(parents=True)
            _write(folder, {"options": dict(options)})
        yield goes_on


def end(folder: Path) -> None:
    """The journey of this folder has come to its end."""
    _write(folder, {**_read(folder), "ended": True})


def _read(folder: Path) -> dict[str, Any]:
    try:
        found: dict[str, Any] = json.loads((folder / STATE).read_text("utf-8"))
    except (OSError, ValueError):
        return {}
    return found


def _write(folder: Path, state: Mapping[str, Any]) -> None:
    new = folder / f"{STATE}.new"
    new.write_text(json.dumps(state, indent=2) + "\n", "utf-8")
    new.replace(folder / STATE)
