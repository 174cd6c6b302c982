"""What the whole application does around every request."""

from __future__ import annotations

from pathlib import Path

import pytest

from connector.app import create_app
from connector.settings import Settings
from connector.store import database


@pytest.mark.parametrize(("path", "opened"), [("/admin/assets/app.css", 0), ("/admin/login/", 1)])
def test_a_file_of_the_pages_needs_no_database(
    tmp_path: Path, database_url: str, monkeypatch: pytest.MonkeyPatch, path: str, opened: int
) -> None:
    browser = create_app(
        Settings(var_dir=tmp_path, database_url=database_url, redis_url="redis://127.0.0.1:1/0")
    ).test_client()
    handle = database.database.obj
    connect, calls = handle.connect, []
    monkeypatch.setattr(handle, "connect", lambda **options: calls.append(options) or connect(**options))

    browser.get(path).close()

    assert len(calls) == opened
    assert handle.is_closed()
    database.disconnect()
