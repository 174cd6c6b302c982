"""Actions of the screens are queue items: the table is the truth, workers are told, the history knows who."""

from __future__ import annotations

import pytest
from flask import current_app

from connector.admin.base import safe_cell
from connector.services import work
from connector.store.models import HistoryEntry, Listing, QueueItem
from tests.admin.conftest import post


def items() -> list[tuple[str, int, str]]:
    return [(i.kind, i.subject_id, i.state) for i in QueueItem.select().order_by(QueueItem.id)]


def test_a_bulk_action_queues_what_was_ticked(app, client):
    """One item each, said in one sentence."""
    browser = client("operator")

    answer = post(
        browser, "/admin/products/action/", {"action": "validate", "rowid": ["1", "3"]}, follow_redirects=True
    )

    assert items() == [("validate", 1, "queued"), ("validate", 3, "queued")]
    assert "Validate: 2 queued." in answer.text
    assert QueueItem.get().why == "operator@example.com chose Validate"
    with app.app_context():
        assert current_app.extensions["connector.admin"].queue.sent == [("listings", [1, 2])]


def test_all_that_match_means_the_filters_of_the_list(client):
    """`scope=all` reads the list's own query again."""
    wanted = {row.id for row in Listing.select().where(Listing.status == "FAILED")}

    post(
        client("operator"),
        "/admin/products/action/?flt0_marketplace_status_is=FAILED",
        {"action": "upload", "scope": "all"},
    )

    assert {subject for _, subject, _ in items()} == wanted
    assert len(wanted) > 5


def test_asking_twice_queues_once(client):
    """The second answer says that it already waits."""
    browser = client("operator")
    post(browser, "/admin/products/action/", {"action": "validate", "rowid": "1"})

    answer = post(browser, "/admin/products/action/", {"action": "validate", "rowid": "1"}, follow_redirects=True)

    assert len(items()) == 1
    assert "0 queued; 1 already waited." in answer.text


def test_answers_of_a_dialog_are_the_actions_arguments(client):
    """Change Status asks for Active or Inactive."""
    post(client("operator"), "/admin/products/action/", {"action": "change_status", "rowid": "1", "status": "inactive"})

    assert QueueItem.get().arguments["status"]


@pytest.mark.parametrize("status", ["", "sideways"])
def test_a_missing_or_unknown_answer_queues_nothing(client, status):
    """The page says what to choose."""
    data = {"action": "change_status", "rowid": "1", "status": status}

    answer = post(client("operator"), "/admin/products/action/", data, follow_redirects=True)

    assert items() == []
    assert "Change Status: " in answer.text


def test_orders_are_imported_for_an_account(client):
    """The form of the orders page asks for the account, state, period and number."""
    data = {
        "action": "import_orders",
        "rowid": "1",
        "status": "AWAITING_SHIPMENT",
        "from": "2026-11-01",
        "order_id": " 576 ",
    }

    post(client("operator"), "/admin/orders/action/", data)

    item = QueueItem.get()
    assert (item.kind, item.subject_type) == ("import_orders", "account")
    assert item.arguments == {"status": "AWAITING_SHIPMENT", "from": "2026-11-01", "order_id": "576"}


@pytest.mark.parametrize(
    ("page", "action"),
    [("products", "ship"), ("orders", "upload"), ("returns", "nothing"), ("products", "import_orders")],
)
def test_a_page_runs_only_its_own_actions(client, page, action):
    """An action of another subject is refused."""
    assert post(client("admin"), f"/admin/{page}/action/", {"action": action, "rowid": "1"}).status_code == 400
    assert items() == []


@pytest.mark.parametrize(
    ("page", "action"),
    [
        ("orders", "create_sales_order"),
        ("orders", "ship"),
        ("orders", "sync_status"),
        ("returns", "accept_return"),
        ("accounts", "fetch_onboarding_data"),
    ],
)
def test_every_section_queues_its_actions(client, page, action):
    """Under the action's own identifier."""
    post(client("admin"), f"/admin/{page}/action/", {"action": action, "rowid": "1"})

    assert items() == [(action, 1, "queued")]


def test_waiting_work_is_cancelled_retried_and_moved(client):
    """Through the service, with the user in the history."""
    browser = client("operator")
    post(browser, "/admin/products/action/", {"action": "validate", "rowid": ["1", "2"]})

    post(browser, "/admin/queue/action/", {"action": "cancel", "rowid": "1"})
    post(browser, "/admin/queue/action/", {"action": "first", "rowid": "2"})
    assert [(i.state, i.priority) for i in QueueItem.select().order_by(QueueItem.id)] == [
        ("cancelled", 100),
        ("queued", 10),
    ]
    post(browser, "/admin/queue/action/", {"action": "retry", "rowid": "1"})

    assert QueueItem.get_by_id(1).state == "queued"
    actors = {entry.actor for entry in HistoryEntry.select().where(HistoryEntry.action.startswith("queue."))}
    assert actors == {"operator@example.com"}


def test_running_work_is_counted_and_announced_when_it_ends(client):
    """A batch is what was asked for since its oldest open piece; once over, who saw it running is told."""
    browser = client("operator")
    post(browser, "/admin/products/action/", {"action": "validate", "rowid": ["1", "2", "3"]})
    QueueItem.update(state="rejected", open_key=None).where(QueueItem.id == 3).execute()

    (running,) = browser.get("/admin/live").json["work"]
    QueueItem.update(state="confirmed", open_key=None).where(QueueItem.id < 3).execute()
    told = browser.get(f"/admin/live?seen={running['id']}").json

    assert (running["label"], running["total"], running["done"], running["failed"]) == ("Validate", 3, 1, 1)
    assert told["work"] == []
    assert [(job["done"], job["failed"]) for job in told["finished"]] == [(3, 1)]


def test_an_export_runs_nothing_in_a_spreadsheet(client):
    """Text that starts like a formula gets an apostrophe; numbers stay numbers."""
    from connector.store.models import Product

    Product.update(name='=HYPERLINK("http://evil.example")').where(Product.id == 1).execute()

    text = client("viewer").get("/admin/products/export/csv/").get_data(as_text=True)

    assert "'=HYPERLINK" in text
    assert ',"=HYPERLINK' not in text
    assert len(text.splitlines()) == 46
    assert "<" not in text


@pytest.mark.parametrize(
    ("value", "cell"),
    [
        ("=1+1", "'=1+1"),
        ("+cmd", "'+cmd"),
        ("@sum", "'@sum"),
        ("-5", "-5"),
        ("-5+cmd", "'-5+cmd"),
        (None, ""),
        ("\t=1", "'\t=1"),
        (52, "52"),
    ],
)
def test_a_cell_is_harmless(value, cell):
    """Every start that spreadsheets read as a formula."""
    assert safe_cell(value) == cell


def test_a_selection_is_of_what_was_seen(client):
    """Another account in the top bar, in another tab, or rows that came meanwhile: nothing is done, and it says why."""
    browser, form = client("operator"), {"action": "validate", "scope": "all"}
    total = str(Listing.select().count())

    other = post(browser, "/admin/products/action/", {**form, "account": "7", "expected": total}, follow_redirects=True)
    more = post(browser, "/admin/products/action/", {**form, "account": "", "expected": "2"}, follow_redirects=True)
    assert "Another account was chosen" in other.text
    assert f"{total} rows match by now, not 2." in more.text
    assert items() == []

    post(browser, "/admin/products/action/", {**form, "account": "", "expected": total})
    assert len(items()) == int(total)


def test_a_selection_may_be_of_any_length(client, monkeypatch):
    monkeypatch.setattr(work, "AT_ONCE", 2)
    wanted = [row.id for row in Listing.select().order_by(Listing.id)]

    post(client("operator"), "/admin/products/action/", {"action": "validate", "scope": "all"})
    post(client("operator"), "/admin/queue/action/", {"action": "last", "scope": "all"})

    assert [subject for _, subject, _ in items()] == wanted
    assert len(wanted) > 4
    assert len({row.priority for row in QueueItem.select()}) == 1


@pytest.mark.parametrize("page", ["products/details/?id=", "templates/edit/?id=", "orders/details/?id="])
def test_a_number_that_no_row_can_have_is_not_found(client, page):
    assert client("operator").get(f"/admin/{page}{9:099}").status_code == 404


def test_a_piece_of_work_leads_to_what_it_is_about(client):
    browser = client("operator")
    post(browser, "/admin/products/action/", {"action": "validate", "rowid": ["1"]})

    assert '<a href="/admin/products/details/?id=1" class="strong">' in browser.get("/admin/queue/").text
