"""A person may pin a product to a template, keep it out of all, and give it back to the rules, from list and page."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from connector.services import periodic
from connector.store.models import Account, HistoryEntry, Listing, ListingTemplate, PeriodicTask
from tests.admin.conftest import post, token


@pytest.fixture
def jackets(app) -> ListingTemplate:
    """A second template."""
    now = datetime.now(UTC)
    made: ListingTemplate = ListingTemplate.create(
        account=Account.get(), name="Jackets", created_at=now, updated_at=now
    )
    return made


def act(browser, action: str, *ids: int, **data: object):
    fields = {"action": action, "rowid": list(map(str, ids)), **data}
    return post(browser, "/admin/products/action/", fields, follow_redirects=True)


def test_products_are_pinned_in_bulk(app, client, jackets):
    """The list says by whom; the drafts are made anew at once; what was there already is said."""
    with app.app_context():
        periodic.ensure(app.extensions["connector.admin"])
    browser = client("operator")

    first = act(browser, "pin", 1, 2, template=jackets.id)
    second = act(browser, "pin", 2, 3, template=jackets.id)

    rows = Listing.select().where(Listing.template == jackets.id)
    assert {(row.id, row.pinned, row.stale) for row in rows} == {(1, True, True), (2, True, True), (3, True, True)}
    assert "2 products pinned to “Jackets”." in first.text
    assert "1 product pinned to “Jackets”. 1 already was." in second.text
    assert "Pinned by operator@example.com" in browser.get("/admin/products/?flt0_placed_by_hand_is=1").text
    due = PeriodicTask.get(PeriodicTask.name == f"plan:{jackets.account_id}").next_at
    assert due <= datetime.now(UTC)


def test_a_product_is_kept_out_and_given_back(client):
    """The page says who did it, and offers what can be done next."""
    browser = client("operator")

    act(browser, "keep_out", 1)
    page = browser.get("/admin/products/details/?id=1").text

    assert (Listing.get_by_id(1).template_id, Listing.get_by_id(1).pinned) == (None, True)
    assert "Kept out by operator@example.com" in page
    assert "Keep out of templates" not in page
    assert "1 product left to the rules again." in act(browser, "follow_rules", 1).text
    assert not Listing.get_by_id(1).pinned
    assert "Follow the rules again" not in browser.get("/admin/products/details/?id=1").text
    assert [e.action for e in HistoryEntry.select().where(HistoryEntry.subject_type == "listing")] == [
        "listing.keep_out",
        "listing.follow_rules",
    ]


def test_all_that_match_are_pinned(client, jackets):
    """`scope=all` reads the list's own filters again."""
    wanted = {row.id for row in Listing.select().where(Listing.status == "FAILED")}
    data = {"action": "pin", "scope": "all", "template": jackets.id}

    post(client("operator"), "/admin/products/action/?flt0_marketplace_status_is=FAILED", data)

    assert {row.id for row in Listing.select().where(Listing.pinned)} == wanted


def test_the_dialog_offers_the_templates(client, jackets):
    """Those of the account in the top bar, or of all with the account's name."""
    page = client("operator").get("/admin/products/ask/?action=pin&rowid=1").text

    assert f'<option value="{jackets.id}">Jackets</option>' in page
    assert 'name="rowid" value="1"' in page


def test_another_accounts_products_are_left_alone(client, jackets):
    """A template belongs to one account."""
    account = Account.get()
    other = Account.create(title="Luma UK", store=account.store, currency="GBP", created_at=datetime.now(UTC))
    Listing.update(account=other.id).where(Listing.id == 2).execute()

    said = act(client("operator"), "pin", 1, 2, template=jackets.id).text

    assert "1 product pinned to “Jackets”. 1 of another account was left alone." in said
    assert not Listing.get_by_id(2).pinned


@pytest.mark.parametrize("template", ["", "999999"])
def test_a_template_has_to_be_chosen(client, template):
    """One that is not there is refused in a sentence."""
    assert "Choose a listing template" in act(client("operator"), "pin", 1, template=template).text
    assert not Listing.get_by_id(1).pinned


@pytest.mark.parametrize("action", ["pin", "keep_out", "follow_rules"])
def test_only_who_may_work_places_products(client, jackets, action):
    """A viewer is refused, and so is a form from elsewhere."""
    Listing.update(pinned=action == "follow_rules").where(Listing.id == 1).execute()
    before = list(Listing.select(Listing.template, Listing.pinned).where(Listing.id == 1).tuples())
    viewer, operator = client("viewer"), client("operator")
    data = {"action": action, "rowid": "1", "template": jackets.id}

    assert post(viewer, "/admin/products/action/", data).status_code == 403
    assert operator.post("/admin/products/action/", data={**data, "csrf_token": "x" * 43}).status_code == 400
    assert list(Listing.select(Listing.template, Listing.pinned).where(Listing.id == 1).tuples()) == before
    assert token(operator)


def test_what_was_pinned_to_a_deleted_template_follows_the_rules(client, jackets):
    """Nobody kept it out: its template went."""
    act(client("operator"), "pin", 2, template=jackets.id)

    post(client("operator"), "/admin/templates/action/", {"action": "delete", "rowid": str(jackets.id)})

    row = Listing.get_by_id(2)
    assert (row.template_id, row.pinned, row.stale) == (None, False, True)
