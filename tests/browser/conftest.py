"""A real Chromium over a real server on loopback."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from werkzeug.serving import make_server

from connector.store.database import disconnect
from tests.admin import conftest as admin_pages
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


@pytest.fixture(scope="session")
def seeded(tmp_path_factory: pytest.TempPathFactory) -> admin_pages.Seeded:
    """On SQLite: what pages ask of PostgreSQL is asked in tests/admin, and what stands here is what a browser makes of them."""
    folder = tmp_path_factory.mktemp("seeded")
    return admin_pages.seed(f"sqlite:///{folder / 'c.sqlite'}", folder)


@pytest.fixture
def site(tmp_path: Path, seeded: admin_pages.Seeded) -> Iterator[str]:
    """Address of an installation with a row of everything."""
    server = make_server("127.0.0.1", 0, seeded.fresh(tmp_path), threaded=True)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    thread.join()
    server.server_close()
    disconnect()


@pytest.fixture(scope="session")
def chrome(chromium: str) -> Iterator[Any]:
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


@pytest.fixture(scope="session")
def sessions() -> dict[str, Any]:
    """The administrator's cookie, once somebody logged in; it fits every copy of the seeded database."""
    return {}


@pytest.fixture
def page(chrome, site, width, sessions) -> Iterator[Any]:
    """A page that is logged in as administrator; errors and refusals of the policy fail the test."""
    with quiet_page(chrome, width, sessions.get("admin")) as opened:
        if not sessions:
            log_in(opened, site, "admin@example.com", world.PASSWORD)
            sessions["admin"] = opened.context.storage_state()
        opened.goto(f"{site}/admin/login/password/")
        yield opened


def log_in(page: Any, site: str, email: str, password: str) -> None:
    """As a person does."""
    page.goto(f"{site}/admin/login/")
    page.get_by_label("E-mail").fill(email)
    page.get_by_label("Password").fill(password)
    page.get_by_role("button", name="Log in").click()
    page.wait_for_url("**/admin/")


@contextmanager
def quiet_page(chrome: Any, width: int, state: Any = None) -> Iterator[Any]:
    """A page whose console has to stay without errors and without refusals of the content security policy."""
    context = chrome.new_context(viewport={"width": width, "height": 844}, storage_state=state)
    context.add_init_script(
        "document.addEventListener('securitypolicyviolation', e => console.error('violation', e.violatedDirective, e.blockedURI))"
    )
    opened = context.new_page()
    wrong: list[str] = []
    opened.on("console", lambda message: wrong.append(message.text) if message.type == "error" else None)
    opened.on("pageerror", lambda error: wrong.append(str(error)))
    yield opened
    context.close()
    assert wrong == []
