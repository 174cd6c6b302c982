"""Nobody does what their role does not allow, on any address of the admin; no page shows a secret; nothing ends in a traceback."""

from __future__ import annotations

import flask
import pytest
from flask_admin import Admin
from peewee import PostgresqlDatabase

from connector.admin.base import Guarded
from connector.jobs.queue import RedisQueue
from connector.plugins import loader
from connector.plugins.api import actions
from connector.services.context import Context
from connector.store import database
from connector.store.models import Account, MagentoStore, QueueItem
from connector.store.models.people import ROLES
from tests.admin.conftest import log_in, post
from tests.admin.test_pages import PAGES

SECRETS = {
    Account: ("app_secret", "access_token", "refresh_token", "shop_cipher"),
    MagentoStore: ("consumer_secret", "access_token", "access_token_secret"),
}
loader.load()
LISTS = {"listing": "products", "order": "orders", "return": "returns", "account": "accounts"}


def changes(app: flask.Flask) -> list[tuple[str, str]]:
    """(address, role that it needs) of everything in the admin that takes a POST."""
    admin: Admin = app.extensions["admin"][0]
    views = {view.endpoint: view for view in admin._views if isinstance(view, Guarded)}
    found = []
    for rule in app.url_map.iter_rules():
        endpoint, _, function = rule.endpoint.partition(".")
        if "POST" in (rule.methods or ()) and endpoint in views and not rule.arguments:
            view = views[endpoint]
            found.append((rule.rule, view.view_role if function in view.open_changes else view.change_role))
    return found


@pytest.mark.parametrize("role", ["viewer", "operator"])
def test_every_address_that_changes_something_knows_the_role(app, client, role):
    """403 where the role is too low, whatever is sent; over fifty addresses, none forgotten."""
    browser, answers = client(role), {}
    found = changes(app)
    for address, wanted in found:
        refused = post(browser, address, {"id": "1", "rowid": "1", "action": "delete", "name": "x"}).status_code == 403
        expected = ROLES.index(role) > ROLES.index(wanted)
        if refused != expected:
            answers[address] = f"refused: {refused}, expected: {expected}"

    assert len(found) > 50
    assert answers == {}


@pytest.mark.parametrize("name", [cls.identifier for cls in actions])
def test_every_registered_action_is_for_operators(app, client, name):
    """A viewer is refused by the list, the dialog and the row; what acts on accounts as a setting is an administrator's."""
    cls = actions.get(name)
    page = f"/admin/{LISTS[cls.subject]}"
    answer = {a.name: a.choices[0][0] for a in cls.arguments if a.choices and not isinstance(a.choices, str)}
    form = {"action": name, "rowid": "1", **answer}

    assert post(client("viewer"), f"{page}/action/", form).status_code == 403
    if cls.arguments:
        assert client("viewer").get(f"{page}/ask/?action={name}").status_code == 403
    assert QueueItem.select().count() == 0

    doer = client("admin" if cls.subject == "account" else "operator")
    assert post(doer, f"{page}/action/", form).status_code == 302
    assert QueueItem.get().kind == name


def test_no_page_and_no_export_shows_a_secret(client):
    """Keys and tokens are written, never shown: not to administrators, not in forms, not in exports."""
    marks = []
    for model, columns in SECRETS.items():
        row = model.get()
        for column in columns:
            marks.append(f"mark-{model.__name__}-{column}".lower())
            setattr(row, column, marks[-1])
        row.save()
    browser = client("admin")
    exports = [
        f"/admin/{page}/export/csv/" for page in ("products", "orders", "returns", "queue", "history", "templates")
    ]

    for page in [*(p if isinstance(p, str) else p.values[0] for p in PAGES), *exports]:
        answer = browser.get(page)
        assert answer.status_code == 200, page
        assert [mark for mark in marks if mark in answer.text.lower()] == [], page


def test_lists_show_no_buyer(client):
    """Neither page nor export of the orders names who bought."""
    browser = client("admin")

    for page in ("/admin/orders/", "/admin/orders/export/csv/", "/admin/returns/", "/admin/queue/", "/admin/history/"):
        text = browser.get(page).text
        for secret in ("Lovelace", "ada@buyers.example", "12 Main Street", "555 0100"):
            assert secret not in text, page


@pytest.mark.parametrize(
    "page",
    [
        "accounts/edit/?id=999", "accounts/connect/?id=999", "stores/edit/?id=999", "policies/edit/?id=999", "templates/edit/?id=999",
        "attributes/edit/?id=999", "users/edit/?id=999", "products/details/?id=999", "orders/details/?id=999", "orders/items/?id=999",
        "returns/details/?id=999", "orders/details/?id=", "products/details/?id=x", "policies/new/?type=none", "products/ask/?action=none",
    ],
)  # fmt: skip
def test_an_unknown_number_gets_our_page(client, page):
    """404 with a sentence, or back to the list with one."""
    answer = client("admin").get(f"/admin/{page}", follow_redirects=True)

    assert answer.status_code in {200, 404}
    assert "Traceback" not in answer.text
    told = ("There is nothing here", "not here any more", "not listed any more", "does not exist", "No version")
    assert any(text in answer.text for text in told), answer.text[:3000]


def test_a_database_that_does_not_answer_is_said_in_a_sentence(app):
    """503 on every page, logged in or not, without asking the database who asks."""
    browser = app.test_client()
    log_in(browser, "admin")
    real = database.database.obj
    database.database.initialize(PostgresqlDatabase("none", host="127.0.0.1", port=1))
    try:
        answers = [browser.get(page) for page in ("/admin/", "/admin/products/", "/admin/login/")]
    finally:
        database.database.initialize(real)

    for answer in answers:
        assert answer.status_code == 503
        assert "The database does not answer" in answer.text
        assert "Traceback" not in answer.text


def test_work_is_asked_for_without_redis(app, client):
    """The row is the truth: it waits in the table, and the message is sent by the next sweep."""
    ctx = app.extensions["connector.admin"]
    app.extensions["connector.admin"] = Context(ctx.remotes, ctx.clock, RedisQueue("redis://127.0.0.1:1/0"))

    answer = post(
        client("operator"), "/admin/products/action/", {"action": "upload", "rowid": "1"}, follow_redirects=True
    )

    assert answer.status_code == 200
    assert "Upload:" in answer.text
    assert QueueItem.get().state == "queued"
