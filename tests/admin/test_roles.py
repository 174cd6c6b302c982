"""A viewer looks, an operator works on products, orders and the queue, an administrator also sets up; nobody else enters."""

from __future__ import annotations

import pytest

from connector.store.models import Account, Policy, QueueItem, User
from tests.admin.conftest import ids_in, post, token

ADMIN_ONLY = ("/admin/users/", "/admin/users/new/", "/admin/users/edit/?id=2")
SETTINGS = {
    "/admin/policies/new/?type=inventory": {"title": "Mine"},
    "/admin/accounts/new/": {"title": "Mine"},
    "/admin/stores/new/": {"title": "Mine"},
    "/admin/policies/delete/": {"id": "1"},
    "/admin/accounts/delete/": {"id": "1"},
    "/admin/accounts/connect/start/": {"id": "1"},
    "/admin/stores/action/": {"action": "test", "rowid": "1"},
    "/admin/policies/action/": {"action": "delete", "rowid": "1"},
    "/admin/rules/save": {"file": "a.rules", "text": ""},
    "/admin/wizard/registration/": {"email": "a@b.example", "terms": "y"},
    "/admin/wizard/policies/make/": {},
}
WORK = {
    "/admin/products/action/": {"action": "validate", "rowid": "1"},
    "/admin/unplaced/action/": {"action": "keep_out", "rowid": "1"},
    "/admin/orders/action/": {"action": "ship", "rowid": "1"},
    "/admin/returns/action/": {"action": "accept_return", "rowid": "1"},
    "/admin/templates/edit/?id=1": {"name": "Changed"},
    "/admin/templates/action/": {"action": "delete", "rowid": "1"},
    "/admin/attributes/edit/?id=1": {"magento_attribute": "color"},
    "/admin/attributes/assign/": {},
    "/admin/queue/action/": {"action": "retry", "rowid": "1"},
}


@pytest.mark.parametrize("page", ["/admin/", "/admin/products/", "/admin/users/", "/admin/orders/details/?id=1"])
def test_who_is_not_logged_in_is_sent_to_the_login_and_back(app, page):
    """The way back stays on this site."""
    answer = app.test_client().get(page)

    assert answer.status_code == 302
    assert answer.location.startswith("/admin/login/?next=/admin")


def test_running_work_is_not_for_everybody(app):
    """The polling endpoint asks for a log-in too."""
    assert app.test_client().get("/admin/live").status_code == 302


def test_pictures_are_not_for_everybody(app):
    """Nor are thumbnails."""
    assert app.test_client().get("/admin/pictures/1.jpg").status_code == 403


@pytest.mark.parametrize("role", ["viewer", "operator"])
@pytest.mark.parametrize("page", ADMIN_ONLY)
def test_users_are_for_administrators(client, role, page):
    """Neither seen in the menu nor opened."""
    browser = client(role)

    assert browser.get(page).status_code == 403
    assert 'href="/admin/users/"' not in browser.get("/admin/").text


@pytest.mark.parametrize("url", [*SETTINGS, *WORK])
def test_a_viewer_changes_nothing(client, url):
    """Every change is refused with 403, whatever the form says."""
    browser = client("viewer")

    answer = post(browser, url, {**SETTINGS, **WORK}[url])

    assert answer.status_code == 403
    assert QueueItem.select().count() == 0


@pytest.mark.parametrize("url", SETTINGS)
def test_an_operator_does_not_change_settings(client, url):
    """Accounts, stores, policies, rules and the wizard belong to administrators."""
    policies, accounts = Policy.select().count(), Account.select().count()

    answer = post(client("operator"), url, SETTINGS[url])

    assert answer.status_code == 403
    assert (Policy.select().count(), Account.select().count()) == (policies, accounts)


@pytest.mark.parametrize("url", WORK)
def test_an_operator_works(client, url):
    """Products, orders, returns, templates, attributes and the queue."""
    assert post(client("operator"), url, WORK[url]).status_code in {200, 302}


def test_a_viewer_is_offered_no_actions(client):
    """No ticks, no menu, no buttons that would be refused."""
    page = client("viewer").get("/admin/products/").text

    assert ids_in(page) == []
    assert "data-bulkbar" not in page


def test_a_viewer_sees_no_buyer(client):
    """Name, e-mail, street and telephone are masked; state and country are not."""
    page = client("viewer").get("/admin/orders/details/?id=1").text

    for secret in ("Lovelace", "ada@buyers.example", "12 Main Street", "555 0100", "78701"):
        assert secret not in page
    assert "A•• L•••••••" in page
    assert "Texas" in page


def test_an_operator_sees_the_buyer(client):
    """Who packs the parcel needs the address."""
    page = client("operator").get("/admin/orders/details/?id=1").text

    assert "Ada Lovelace" in page
    assert "12 Main Street" in page


def test_who_is_switched_off_is_out_at_once(client):
    """The next request of a session checks the user again."""
    browser = client("operator")
    User.update(active=False).where(User.email == "operator@example.com").execute()

    assert browser.get("/admin/products/").status_code == 302


def test_the_last_administrator_stays_one(client):
    """The form refuses and says why."""
    browser = client("admin")

    answer = post(browser, "/admin/users/edit/?id=1", {"name": "Alex", "role": "viewer", "active": "y"})

    assert "only active administrator" in answer.text
    assert User.get_by_id(1).role == "admin"


@pytest.mark.parametrize("url", [*SETTINGS, *WORK, "/admin/login/", "/admin/login/out/", "/admin/account"])
@pytest.mark.parametrize("forged", ["", "x" * 43])
def test_a_form_without_the_sessions_token_is_refused(client, url, forged):
    """Also for administrators, also with somebody else's token."""
    browser = client("admin")

    answer = browser.post(url, data={**SETTINGS, **WORK}.get(url, {}) | {"csrf_token": forged})

    assert answer.status_code == 400
    assert QueueItem.select().count() == 0
    assert token(browser) not in answer.text
