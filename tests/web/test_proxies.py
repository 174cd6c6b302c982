"""Whose wrong passwords are counted when a proxy of ours stands in front, and when none does."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from connector.app import create_app
from connector.services import people
from connector.settings import Settings
from connector.store import database

GUESS = {"email": "nobody@example.com", "password": "a guess"}

Guess = Callable[[str], str]


@pytest.fixture
def guess(
    tmp_path: Path, database_url: str, monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest
) -> Iterator[Guess]:
    """Guesses a password with this `X-Forwarded-For`, and gives the page; one wrong guess makes its address wait."""
    monkeypatch.setattr(people, "FREE_TRIES", 1)
    redis = "redis://127.0.0.1:1/0"  # the pages of the log-in need none
    settings = Settings(var_dir=tmp_path, database_url=database_url, redis_url=redis, trusted_proxies=request.param)
    browser = create_app(settings).test_client()
    browser.get("/admin/login/")
    with browser.session_transaction() as session:
        form = {**GUESS, "csrf_token": session["csrf"]}
    yield lambda header: browser.post("/admin/login/", data=form, headers={"X-Forwarded-For": header}).text
    database.disconnect()


@pytest.mark.parametrize("guess", [1], indirect=True)
def test_callers_behind_a_trusted_proxy_are_told_apart(guess: Guess) -> None:
    """By the entry that the proxy added; what a caller wrote before it changes nothing."""
    assert "password is wrong" in guess("192.0.2.1")
    assert "Too many tries" in guess("198.51.100.7, 192.0.2.1")
    assert "password is wrong" in guess("192.0.2.2")


@pytest.mark.parametrize("guess", [0], indirect=True)
def test_without_a_trusted_proxy_the_header_means_nothing(guess: Guess) -> None:
    """Nobody gets another try by writing another address."""
    assert "password is wrong" in guess("192.0.2.1")
    assert "Too many tries" in guess("192.0.2.2")
