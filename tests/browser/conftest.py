"""A real Chromium over a real server on loopback."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

import flask
import pytest
from werkzeug.serving import make_server

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


class Place(NamedTuple):
    """How wide the screen is, and the database under the pages."""

    width: int
    database: str


DESK, TELEPHONE = Place(1440, "sqlite"), Place(390, "postgres")
"""Each test runs at both, and so on both databases."""


def places(*chosen: Place) -> list[Any]:
    """Parameters of the fixture `place`."""
    postgres = pytest.mark.postgres
    return [
        pytest.param(one, id=f"{one.width}-{one.database}", marks=[postgres] if one.database == "postgres" else [])
        for one in chosen
    ]


@pytest.fixture(params=places(DESK, TELEPHONE))
def place(request: pytest.FixtureRequest) -> Place:
    return Place(*request.param)


@pytest.fixture
def width(place: Place) -> int:
    return place.width


@dataclass
class Site:
    """Pages that are served for the whole run, and the administrator's cookie once somebody logged in."""

    seeded: admin_pages.Seeded
    url: str
    session: Any = None


@pytest.fixture(scope="session")
def sites(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callable[[str], Site]]:
    """A served installation with a row of everything for each kind of database, made when it is first asked for."""
    with ExitStack() as stack:

        @cache
        def made(kind: str) -> Site:
            seeded = admin_pages.seeded_on(kind, request, tmp_path_factory.mktemp("seeded"))
            return Site(seeded, stack.enter_context(served(seeded.app)))

        yield made


@contextmanager
def served(app: flask.Flask) -> Iterator[str]:
    """Address of a server on loopback."""
    server = make_server("127.0.0.1", 0, app, threaded=True)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.fixture
def installed(tmp_path: Path, place: Place, sites: Callable[[str], Site]) -> Iterator[Site]:
    """The place's site over a fresh copy of its database."""
    found = sites(place.database)
    with found.seeded.fresh(tmp_path):
        yield found


@pytest.fixture
def site(installed: Site) -> str:
    return installed.url


@pytest.fixture(scope="session")
def chrome(chromium: str) -> Iterator[Any]:
    """One browser for the whole run."""
    sync_api = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")
    with sync_api.sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, args=FLAGS)
        yield browser
        browser.close()


@pytest.fixture
def page(chrome: Any, installed: Site, width: int) -> Iterator[Any]:
    """A page that is logged in as administrator; errors and refusals of the policy fail the test."""
    with quiet_page(chrome, width, installed.session) as opened:
        if installed.session is None:  # the cookie fits every copy of the seeded database
            log_in(opened, installed.url, "admin@example.com", world.PASSWORD)
            installed.session = opened.context.storage_state()
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
