"""What a supervisor writes down about its run: for a person who looks, and for the next start."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from pathlib import Path

from connector.runtime import sessions


class RunState:
    """The file `processes.json`: `{"supervisor": pid, "run": id, "processes": {name: {"pid": …, "restarts": …}}}`."""

    def __init__(self, path: Path, run: str) -> None:
        self.path, self.run = path, run

    def save(self, processes: Mapping[str, tuple[int | None, int]]) -> None:
        """Replace the file in one step, so that a reader never sees half of it."""
        text = json.dumps(
            {
                "supervisor": os.getpid(),
                "run": self.run,
                "processes": {name: {"pid": pid, "restarts": restarts} for name, (pid, restarts) in processes.items()},
            },
            indent=2,
        )
        new = self.path.with_suffix(".new")
        new.write_text(text + "\n")
        new.replace(self.path)

    def remove(self) -> None:
        """A stopped supervisor leaves no state."""
        self.path.unlink(missing_ok=True)

    def end_leftovers(self) -> None:
        """End what a killed supervisor of this folder left running. The caller holds the folder's lock."""
        try:
            run = json.loads(self.path.read_text())["run"]
        except (OSError, ValueError, KeyError, TypeError):
            return  # there was none, or the machine went down while it was written: nothing to know it by
        sessions.end(lambda: sessions.run_members(run), patience=5.0)
