"""`wsgi:app`, as a WSGI server of the operator's own imports it."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
PROGRAM = """
import json, wsgi
answer = wsgi.app.test_client().get("/health")
print(json.dumps([answer.status_code, answer.json["database"], answer.json["redis"]]))
"""


def test_it_serves_with_the_settings_of_its_environment(
    tmp_path: Path, empty_database_url: str, redis_url: str
) -> None:
    environment = {name: value for name, value in os.environ.items() if not name.startswith("CONNECTOR_")}
    settings = {"CONNECTOR_VAR_DIR": str(tmp_path), "CONNECTOR_REDIS_URL": redis_url}
    settings |= {"CONNECTOR_DATABASE_URL": empty_database_url}
    command = [sys.executable, "-c", PROGRAM]

    result = subprocess.run(
        command, cwd=ROOT, env=environment | settings, capture_output=True, text=True, check=False, timeout=120
    )

    assert result.returncode == 0, result.stderr
    assert json.loads(result.stdout) == [200, "ok", "ok"]
