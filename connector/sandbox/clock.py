"""The clock of the sandbox: real time plus an offset that can only grow and survives a restart."""

from __future__ import annotations

import threading
import time
from pathlib import Path


class SandboxClock:
    """Seconds since 1970, UTC. `advance` moves every deadline of the sandbox; signatures are judged by real time,
    because the caller's clock does not move with ours.
    """

    def __init__(self, data_dir: Path) -> None:
        self._file = data_dir / "clock.txt"
        self._lock = threading.Lock()
        self._offset = float(self._file.read_text()) if self._file.exists() else 0.0

    def now(self) -> float:
        return time.time() + self._offset

    @property
    def offset(self) -> float:
        """Seconds that this clock is ahead of real time."""
        return self._offset

    def advance(self, seconds: float) -> float:
        """Move ahead and return the new time. Raises ValueError for a step back."""
        if seconds < 0:
            raise ValueError("The sandbox clock only moves ahead.")
        with self._lock:
            self._offset += seconds
            fresh = self._file.with_suffix(".new")
            fresh.write_text(repr(self._offset))
            fresh.replace(self._file)
        return self.now()
