"""A real Chromium over a real server on loopback."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from werkzeug.serving import make_server

from connector.store.database import database
from tests.admin import world

FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--disable-dev-shm-usage",
]


@pytest.fixture
def site(tmp_path: Path) -> Iterator[str]:
    """Address of an installation with a row of everything."""
    app = world.make_app(f"sqlite:///{tmp_path / 'c.sqlite'}", tmp_path / "pictures")
    with database.connection_context():
        world.add_users()
        world.seed()
    server = make_server("127.0.0.1", 0, app, threaded=True)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.fixture(scope="session")
def chrome(chromium: str) -> Iterator[object]:
    """One browser for the whole run."""
    sync_api = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")
    with sync_api.sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, args=FLAGS)
        yield browser
        browser.close()


@pytest.fixture(params=[1440, 390])
def width(request: pytest.FixtureRequest) -> int:
    """A desk and a telephone."""
    return int(request.param)


@pytest.fixture
def page(chrome, site, width) -> Iterator[object]:
    """A page that is logged in as administrator; errors and refusals of the policy fail the test."""
    context = chrome.new_context(viewport={"width": width, "height": 844})
    context.add_init_script(
        "document.addEventListener('securitypolicyviolation', e => console.error('violation', e.violatedDirective, e.blockedURI))"
    )
    opened = context.new_page()
    wrong: list[str] = []
    opened.on("console", lambda message: wrong.append(message.text) if message.type == "error" else None)
    opened.on("pageerror", lambda error: wrong.append(str(error)))
    opened.goto(f"{site}/admin/login/")
    opened.fill("#email", "admin@example.com")
    opened.fill("#password", world.PASSWORD)
    opened.get_by_role("button", name="Log in").click()
    opened.wait_for_url("**/admin/")
    yield opened
    context.close()
    assert wrong == []
