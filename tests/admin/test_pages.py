"""Every page renders, under one policy for scripts, without a query per row, and looking changes nothing."""

from __future__ import annotations

import hashlib
from datetime import UTC, datetime

import pytest

from connector.admin import formats
from connector.store.database import database
from connector.store.models import ALL, Account, HistoryEntry, Listing, ListingTemplate, Policy, Product, QueueItem
from tests.admin import world
from tests.admin.conftest import ids_in

PAGES = [
    "/admin/",
    "/admin/live",
    "/admin/login/password/",
    "/admin/products/",
    "/admin/products/?search=hoodie&flt0_validation_status_is=invalid&sort=1&desc=1&page_size=50",
    "/admin/products/details/?id=1",
    "/admin/products/details/?id=2",
    "/admin/products/ask/?action=change_status",
    "/admin/products/ask/?action=pin&rowid=1",
    "/admin/unplaced/",
    "/admin/unplaced/?search=hoodie&flt0_kept_out_by_hand_is=0&sort=1&page_size=50",
    "/admin/unplaced/details/?id=1",
    "/admin/orders/",
    "/admin/orders/?flt0_placed_date_since=2026-01-01&flt1_grand_total_base_at_least=12.5",
    "/admin/orders/details/?id=1",
    "/admin/orders/items/?id=1",
    "/admin/orders/ask/?action=reject",
    "/admin/orders/ask/?action=import_orders",
    "/admin/returns/",
    "/admin/returns/details/?id=1",
    "/admin/returns/ask/?action=reject_return",
    "/admin/queue/",
    "/admin/history/",
    "/admin/users/",
    "/admin/users/new/",
    "/admin/users/edit/?id=2",
    "/admin/accounts/",
    "/admin/accounts/new/",
    "/admin/accounts/edit/?id=1",
    "/admin/accounts/connect/?id=1",
    "/admin/stores/",
    "/admin/stores/new/",
    "/admin/stores/edit/?id=1",
    "/admin/policies/choose/",
    *(f"/admin/policies/new/?type={kind}" for kind in ("image", "inventory", "pricing", "order", "synchronization")),
    *(f"/admin/policies/edit/?id={number}" for number in range(1, 6)),
    "/admin/attributes/",
    "/admin/attributes/edit/?id=1",
    "/admin/attributes/ask/?action=refetch_attributes",
    "/admin/templates/",
    "/admin/templates/new/",
    "/admin/templates/edit/?id=1",
    "/admin/templates/ask/?action=status",
    "/admin/templates/ask/?action=edit",
    "/admin/templates/categories/?account=1&q=tops+hood",
    "/admin/rules/versions/",
    "/admin/rules/versions/?number=1",
    "/admin/rules/complete?q=pri",
    "/admin/wizard/registration/",
    "/admin/wizard/account/",
    "/admin/wizard/summary/",
    "/admin/policies/",
    "/admin/wizard/policies/",
    "/admin/rules/",
]


def contents() -> str:
    """A digest of every row of every table, log-ins and sessions' own settings left out."""
    found = hashlib.sha256()
    for model in ALL:
        found.update(repr(sorted(map(repr, model.select().tuples()))).encode())
    return found.hexdigest()


@pytest.mark.parametrize("page", PAGES)
def test_a_page_renders_under_the_policy_and_changes_nothing(client, page):
    """Answer 200, one Content-Security-Policy without unsafe parts, no inline script or style, the database as before."""
    browser = client("admin")
    before = contents()

    answer = browser.get(page)

    assert answer.status_code == 200, answer.text[:2000]
    policy = answer.headers["Content-Security-Policy"]
    assert "unsafe" not in policy
    assert "script-src 'self';" in policy
    if answer.mimetype == "text/html":
        assert " style=" not in answer.text
        assert "<script>" not in answer.text
        assert " onclick=" not in answer.text
        assert "javascript:" not in answer.text
        assert answer.headers["Cache-Control"] == "no-store"
    assert contents() == before


def test_a_dialog_is_the_same_page_without_its_frame(client):
    """Scripts ask for a fragment; a browser without scripts gets the whole page."""
    browser = client("admin")

    fragment = browser.get("/admin/orders/items/?id=1", headers={"X-Fragment": "1"}).text
    page = browser.get("/admin/orders/items/?id=1").text

    assert "<html" not in fragment
    assert "Chaz Kangeroo Hoodie" in fragment
    assert "<html" in page
    assert "Chaz Kangeroo Hoodie" in page


@pytest.mark.parametrize("page", ["products", "orders", "queue", "returns", "templates", "accounts", "attributes"])
def test_a_list_asks_a_fixed_number_of_queries(client, page, monkeypatch):
    """Twice the rows, the same number of queries."""
    browser = client("admin")
    counted: list[str] = []
    real = database.obj.execute_sql
    monkeypatch.setattr(database.obj, "execute_sql", lambda sql, *a, **k: (counted.append(sql), real(sql, *a, **k))[1])
    browser.get(f"/admin/{page}/")
    first = len(counted)
    _double()
    counted.clear()

    browser.get(f"/admin/{page}/?page_size=100")

    assert len(counted) == first
    assert first <= 14


def _double() -> None:
    account, template = Account.get(), ListingTemplate.get()
    now = world.Clock().now()
    for index in range(2, 6):
        world.add_order(account, now, index)
        ListingTemplate.create(account=account, name=f"Template {index}", created_at=now, updated_at=now)
        Account.create(title=f"Shop {index}", store=account.store_id, created_at=now, order_policy=Policy.get())
        QueueItem.create(
            kind="upload", subject_type="listing", subject_id=index, account=account, template=template, created_at=now
        )


def test_a_list_says_why(client):
    """The reason, the rule with its line and the marketplace's request id stand at the badge."""
    page = client("viewer").get("/admin/products/?flt0_validation_status_is=invalid").text

    assert "Brand is missing: choose one in the listing template." in page
    assert "rule “tops”, line 4" in page
    assert "request 20261123" in page


def test_pages_of_sixteen_columns(client):
    """The guide's columns of TikTok Products, in its words."""
    page = client("viewer").get("/admin/products/").text

    for name in (
        "Product ID", "Thumbnail", "Name", "SKU", "Type", "Price", "Visibility", "Quantity", "Product Status",
        "Listing Template", "Marketplace Price", "Marketplace Quantity", "Marketplace Item Id", "Marketplace Status",
        "Validation Status",
    ):  # fmt: skip
        assert f'data-label="{name}"' in page


def test_the_account_of_the_top_bar_narrows_lists(client):
    """Choosing another account leaves its rows only; the choice is the session's."""
    from tests.admin.conftest import post

    browser = client("viewer")
    other = Account.create(title="Luma UK", store=Account.get().store_id, created_at=world.Clock().now())

    post(browser, "/admin/account", {"account": other.id})

    assert ids_in(browser.get("/admin/orders/").text) == []
    assert "No orders yet" in browser.get("/admin/orders/").text


def test_a_wrong_address_gets_our_page(client):
    """404 with a sentence and the way back."""
    answer = client("viewer").get("/admin/nothing/")

    assert answer.status_code == 404
    assert "There is nothing here" in answer.text


def test_running_work_answers_304_while_nothing_changes(client):
    """The entity tag of the polling endpoint."""
    browser = client("viewer")
    first = browser.get("/admin/live")

    second = browser.get("/admin/live", headers={"If-None-Match": first.headers["ETag"]})

    assert first.json == {"work": [], "finished": []}
    assert second.status_code == 304


def test_the_history_leads_to_what_it_is_about(client):
    """To a page that the user may open; a form only for administrators, and nowhere from a list of ids."""
    now = datetime.now(UTC)
    for kind, number in (("listing", "7"), ("policy", "1"), ("template", "1,2")):
        HistoryEntry.create(at=now, actor="a", action="x", subject_type=kind, subject_id=number)

    admin, viewer = (client(role).get("/admin/history/").text for role in ("admin", "viewer"))

    assert 'href="/admin/products/details/?id=7">listing 7</a>' in viewer
    assert 'href="/admin/policies/edit/?id=1">policy 1</a>' in admin
    assert "/admin/policies/edit/" not in viewer
    assert "template 1,2" in viewer


def test_reasons_of_the_marketplace_are_words():
    """Its codes alone; sentences and names stay."""
    given = ["AWAITING_COLLECTION", "seller_reject_return_reason_item_used", "Ada said so", "men_tops"]

    assert [formats.plain(text) for text in given] == [
        "Awaiting collection",
        "Seller reject return reason item used",
        "Ada said so",
        "men_tops",
    ]


def test_nothing_unplaced_and_nothing_read_are_told_apart(client):
    """An empty store has no products in templates either."""
    browser = client("viewer")
    assert "Every product is in a template" in browser.get("/admin/unplaced/").text

    Listing.delete().execute()
    Product.delete().execute()

    assert "No products yet" in browser.get("/admin/unplaced/").text
