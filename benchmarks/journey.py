"""How long a newcomer waits: `connector demo --once`, with everything that it starts, on this machine as it is."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
import tempfile
from pathlib import Path

from .measure import Figure, below

PRODUCTS = 300
LIMIT = 90.0
"""Seconds, the downloads not counted."""


def once() -> list[Figure]:
    """The demo's own seconds, from its first process to its report. An exit status other than 0 ends the run."""
    with tempfile.TemporaryDirectory(prefix="bench-demo-") as folder:
        report = Path(folder) / "report.json"
        own = {name: value for name, value in os.environ.items() if not name.startswith("CONNECTOR_")}
        own |= {"CONNECTOR_VAR_DIR": str(Path(folder) / "var"), "CONNECTOR_PORT": _free_port()}
        command = [sys.executable, "-m", "connector.cli", "demo", "--once", "--products", str(PRODUCTS)]
        command += ["--sandbox-port", _free_port(), "--json", str(report)]
        subprocess.run(command, env=own, stdout=subprocess.DEVNULL, check=True)
        told = json.loads(report.read_text("utf-8"))
    live = told["listings"]["live"]
    return [below(f"demo: {PRODUCTS} products", told["seconds"], LIMIT, "s", note=f"{live} listings live")]


def _free_port() -> str:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return str(probe.getsockname()[1])
