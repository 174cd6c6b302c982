"""Products in no template: the store's own that nothing lists, each with the reason and a way out."""

from __future__ import annotations

import re

import pytest

from connector.services import unplaced
from connector.store.models import (
    Account,
    HistoryEntry,
    Listing,
    ListingTemplate,
    MagentoStore,
    Product,
    RuleSetVersion,
)
from tests.admin.conftest import ids_in, post

RULES = """
assign "Men's tops" where price > 60 and sku starts with "MH"
assign "Hats" where name contains "hat" and price > 60 and price < 70
"""


@pytest.fixture
def left(app) -> list[int]:
    """Ids of three products: one without a listing, one whose listing left its template, one kept out by a person."""
    RuleSetVersion.update(files={"a.rules": RULES}).execute()
    ListingTemplate.update(query="").execute()
    attributes = [{"attribute_code": "color", "frontend_input": "text"}]
    MagentoStore.update(attributes=attributes, categories={"id": 1, "level": 0}).execute()
    Listing.delete().where(Listing.id == 1).execute()
    Listing.update(template=None).where(Listing.id == 2).execute()
    return [1, 2]


def test_the_list_holds_what_no_template_takes(client, left):
    """Without a listing, or with one that is in no template; found from the list of products."""
    browser = client("operator")

    page = browser.get("/admin/unplaced/").text

    assert sorted(ids_in(page)) == left
    assert 'href="/admin/unplaced/"' in browser.get("/admin/products/").text
    assert re.search(r'href="/admin/products/" aria-current="page"', page)


def test_the_reason_names_the_nearest_template_and_what_failed(client, left):
    """With the value that was looked at; the page has every template's word."""
    browser = client("viewer")

    page = browser.get("/admin/unplaced/").text
    whole = browser.get("/admin/unplaced/details/?id=1").text

    assert "Nearest is “Men&#39;s tops”: price &gt; 60 does not hold (price is 52)." in page
    assert "name contains &#34;hat&#34; does not hold (name is Chaz Kangeroo Hoodie · XS)" in whole
    assert "rule in a.rules, line 3" in whole
    assert "No template of that name" in whole


def test_a_rule_without_a_template_is_named(client, left):
    """The commonest mistake: rules were written before the template."""
    RuleSetVersion.update(files={"a.rules": 'assign "Hoodies" where price > 10\n'}).execute()

    page = client("viewer").get("/admin/unplaced/").text

    assert "The rules want it in “Hoodies”, but there is no template of that name." in page


def test_what_matches_is_said_to_join_soon(client, left):
    """Its facts were not looked at since."""
    RuleSetVersion.update(files={"a.rules": 'assign "Men\'s tops" where price > 10\n'}).execute()

    assert "takes it: it joins when the rules have run." in client("viewer").get("/admin/unplaced/").text


def test_without_rules_and_queries_that_is_the_reason(client, left):
    """Nothing can take it."""
    RuleSetVersion.update(files={}).execute()

    assert "There are no rules, and no template has a query." in client("viewer").get("/admin/unplaced/").text


def test_a_store_that_was_never_read_says_so(client, left):
    """In the place of the reason, and the page stands."""
    MagentoStore.update(attributes=[]).execute()

    answer = client("viewer").get("/admin/unplaced/")

    assert answer.status_code == 200
    assert "Nothing is known of Luma yet." in answer.text


def test_a_product_is_pinned_from_here(client, left):
    """It gets a listing in that template, and leaves the list."""
    browser = client("operator")
    template = ListingTemplate.get()

    post(browser, "/admin/unplaced/action/", {"action": "pin", "rowid": ["1"], "template": template.id})

    row = Listing.get(Listing.product == 1)
    assert (row.template_id, row.pinned) == (template.id, True)
    assert ids_in(browser.get("/admin/unplaced/").text) == [2]
    assert HistoryEntry.select().where(HistoryEntry.subject_id == str(row.id)).count() == 1


def test_all_that_match_are_pinned_from_here(client, left):
    """`scope=all` means the list's own search and filters; its dialog carries them."""
    browser = client("operator")
    data = {"action": "pin", "scope": "all", "template": "1"}

    dialog = browser.get("/admin/unplaced/ask/?action=pin&query=search=MH0001").text
    post(browser, "/admin/unplaced/action/?search=MH0001", data)

    assert 'action="/admin/unplaced/action/?search=MH0001"' in dialog
    assert [row.product_id for row in Listing.select().where(Listing.pinned)] == [2]


def test_what_a_person_keeps_out_says_who_and_is_given_back(client, left):
    """A filter finds it; the reason by the rules stands on its page still."""
    browser = client("operator")
    post(browser, "/admin/unplaced/action/", {"action": "keep_out", "rowid": ["1"]})

    page = browser.get("/admin/unplaced/?flt0_kept_out_by_hand_is=1").text
    post(browser, "/admin/unplaced/action/", {"action": "follow_rules", "rowid": ["1"]})

    assert ids_in(page) == [1]
    assert "Kept out by operator@example.com" in page
    assert not Listing.get(Listing.product == 1).pinned
    assert ids_in(browser.get("/admin/unplaced/?flt0_kept_out_by_hand_is=1").text) == []


def test_the_account_in_the_top_bar_narrows_it(client, left):
    """In a template of another account is in none of this one."""
    account = Account.get()
    other = Account.create(title="Luma UK", store=account.store, currency="GBP", created_at=account.created_at)
    browser = client("operator")
    assert len(ids_in(browser.get("/admin/unplaced/?page_size=100").text)) == 2

    post(browser, "/admin/account", {"account": other.id})

    assert len(ids_in(browser.get("/admin/unplaced/?page_size=100").text)) == 45


def test_a_viewer_places_nothing(client, left):
    """Refused, whatever the form says."""
    data = {"action": "pin", "rowid": ["1"], "template": "1"}

    assert post(client("viewer"), "/admin/unplaced/action/", data).status_code == 403
    assert not Listing.select().where(Listing.product == 1).exists()


def test_variants_and_deleted_products_are_not_missing(client, left):
    """A variant is sold by its configurable."""
    Product.update(parent=3).where(Product.id == 1).execute()
    Product.update(deleted=True).where(Product.id == 2).execute()

    assert ids_in(client("operator").get("/admin/unplaced/").text) == []


def test_a_product_with_a_value_that_rules_cannot_work_with_is_named(app, left):
    """Held back: no rule looks at it."""
    data = {**Product.get_by_id(1).data, "price": "cheap"}
    Product.update(data=data).where(Product.id == 1).execute()
    ctx = app.extensions["connector.admin"]

    why = unplaced.reasons(ctx, None, [1])[1]

    assert why.text.startswith("Rules cannot work with it: price: ")
    assert why.verdicts == ()


def test_the_reasons_are_exported(client, left):
    """For those who sort things out in a spreadsheet."""
    text = client("viewer").get("/admin/unplaced/export/csv/").get_data(as_text=True)

    assert len(text.splitlines()) == 3
    assert "price > 60 does not hold" in text
