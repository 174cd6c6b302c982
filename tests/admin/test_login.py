"""The log-in: slow to guess, safe against fixed sessions, and never a way to other sites."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from connector.services import people
from connector.services.people import LoginRefusedError, PersonError
from connector.store.models import HistoryEntry, User
from tests.admin.conftest import post, token
from tests.admin.world import PASSWORD

NOW = datetime(2026, 11, 23, 12, tzinfo=UTC)


def test_a_password_is_kept_as_argon2(app):
    """Nobody can read it back."""
    assert User.get().password_hash.startswith("$argon2id$")


def test_after_five_wrong_tries_even_the_right_password_waits(app):
    """Half a minute, then twice as long each time; the same text for known and unknown e-mails."""
    for _ in range(5):
        with pytest.raises(LoginRefusedError, match="E-mail or password is wrong"):
            people.authenticate("admin@example.com", "guess", "10.0.0.1", NOW)

    with pytest.raises(LoginRefusedError, match="Wait 30 seconds"):
        people.authenticate("admin@example.com", PASSWORD, "10.0.0.1", NOW)

    later = NOW + timedelta(seconds=31)
    assert people.authenticate("admin@example.com", PASSWORD, "10.0.0.1", later).role == "admin"


def test_tries_from_elsewhere_do_not_lock_a_user_out(app):
    """Counted per e-mail and address, so that nobody can lock somebody else out."""
    for _ in range(6):
        with pytest.raises(LoginRefusedError):
            people.authenticate("admin@example.com", "guess", "10.0.0.1", NOW)

    assert people.authenticate("admin@example.com", PASSWORD, "10.0.0.2", NOW).email == "admin@example.com"


def test_one_address_cannot_try_many_names(app):
    """Twenty wrong names from one place, then that place waits."""
    for number in range(20):
        with pytest.raises(LoginRefusedError):
            people.authenticate(f"nobody{number}@example.com", "guess", "10.0.0.1", NOW)

    with pytest.raises(LoginRefusedError, match="Wait"):
        people.authenticate("admin@example.com", PASSWORD, "10.0.0.1", NOW)


def test_the_page_tells_what_to_do(app):
    """401 with the sentence, the e-mail kept, the password not."""
    browser = app.test_client()
    browser.get("/admin/login/")

    answer = post(browser, "/admin/login/", {"email": "admin@example.com", "password": "guess-guess"})

    assert answer.status_code == 401
    assert "E-mail or password is wrong." in answer.text
    assert "guess-guess" not in answer.text


@pytest.mark.parametrize(
    ("asked", "given"),
    [
        ("/admin/orders/", "/admin/orders/"),
        ("https://evil.example/admin/", "/admin/"),
        ("//evil.example/admin/", "/admin/"),
        ("/\\evil.example", "/admin/"),
        ("javascript:alert(1)", "/admin/"),
        ("/elsewhere", "/admin/"),
        ("/admin/\r\nSet-Cookie: a=b", "/admin/"),
    ],
)
def test_a_login_leads_only_into_this_site(app, asked, given):
    """`next` is followed when it stays below /admin."""
    browser = app.test_client()
    browser.get("/admin/login/")

    answer = post(browser, "/admin/login/", {"email": "admin@example.com", "password": PASSWORD, "next": asked})

    assert answer.location == given


def test_a_login_starts_a_new_session(app):
    """A token planted before the log-in is worth nothing after it."""
    browser = app.test_client()
    browser.get("/admin/login/")
    planted = token(browser)
    with browser.session_transaction() as session:
        session["sid"] = "planted"

    post(browser, "/admin/login/", {"email": "admin@example.com", "password": PASSWORD})

    with browser.session_transaction() as session:
        assert session.get("sid") != "planted"
        assert session.get("csrf") != planted


def test_the_cookie_is_out_of_reach(app):
    """Not for scripts, not sent along by other sites' forms."""
    browser = app.test_client()

    cookie = browser.get("/admin/login/").headers["Set-Cookie"]

    assert "HttpOnly" in cookie
    assert "SameSite=Lax" in cookie


def test_a_new_password_ends_the_other_sessions(client):
    """This one goes on."""
    mine, other = client("operator"), client("operator")

    post(mine, "/admin/login/password/", {"old": PASSWORD, "new": "another long one 7"})

    assert mine.get("/admin/").status_code == 200
    assert other.get("/admin/").status_code == 302


@pytest.mark.parametrize("weak", ["short", "aaaaaaaaaaaa", ""])
def test_a_weak_password_is_refused(app, weak):
    """Ten characters, not all alike."""
    with pytest.raises(PersonError, match="at least 10"):
        people.create("new@example.com", weak, "viewer", NOW)


def test_log_ins_are_in_the_history(app):
    """Who and when."""
    browser = app.test_client()
    browser.get("/admin/login/")
    post(browser, "/admin/login/", {"email": "viewer@example.com", "password": PASSWORD})

    entry = HistoryEntry.get(HistoryEntry.action == "user.login")

    assert entry.actor == "viewer@example.com"


def test_logging_out_ends_the_session(client):
    """Only by a form, never by a link."""
    browser = client("viewer")

    assert browser.get("/admin/login/out/").status_code == 405
    post(browser, "/admin/login/out/")

    assert browser.get("/admin/").status_code == 302
