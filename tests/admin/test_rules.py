"""Rules in the admin: warnings while somebody types, a preview before anything is applied, versions compared."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from connector.services import assignment, rule_counts, rule_preview, rulesets
from connector.store.models import (
    ALL,
    Account,
    ListingTemplate,
    MagentoStore,
    Policy,
    Product,
    RuleProgress,
    RuleSetVersion,
    User,
)
from tests.admin import world
from tests.admin.conftest import post, token

FILE = "apparel.rules"


@pytest.fixture(autouse=True)
def products(app: object) -> None:
    """Two simple products that rules can tell apart, and nothing else."""
    Product.update(deleted=True).execute()
    for number, price in ((901, "5"), (902, "50")):
        data = {"id": number, "sku": f"R{number}", "name": "n", "type_id": "simple", "status": 1, "price": price}
        Product.create(
            store=MagentoStore.get(), entity_id=number, sku=f"R{number}", name="n", data=data, digest="d",
            seen_at=datetime.now(UTC),
        )  # fmt: skip


def checked(client, text: str) -> list[str]:
    answer = post(client("viewer"), "/admin/rules/check", {"file": FILE, "text": text}).json
    return [each["message"] for each in answer["problems"]]


def test_the_editor_warns_of_what_cannot_hold_and_of_prices_that_no_template_uses(client):
    text = 'assign "Men\'s tops" where price > 5 and price < 4\nprice "List" otherwise price'
    assert checked(client, text) == ["this condition can never hold", "no template uses the price “List”"]

    Policy.update(settings={"change": "rule", "rule": "List"}).where(Policy.type == "pricing").execute()
    assert checked(client, text) == ["this condition can never hold"]


def test_a_preview_shows_what_would_change_and_applies_nothing(client):
    page = post(
        client("viewer"),
        "/admin/rules/preview",
        {"file": FILE, "text": 'assign "Men\'s tops" where price < 20\nprice "List" otherwise price + 1'},
    )
    assert page.status_code == 200
    for shown in (
        "<code>R901</code>",
        "Price “List”: 2 differ",
        "51.00",
        "Added: assign",
        "no template uses the price",
    ):
        assert shown in page.text
    assert "<code>R902</code></td>" not in page.text
    assert "Save and activate" not in page.text, "a viewer may look"
    assert RuleSetVersion.select().count() == 1
    assert "Save and activate" in post(client("admin"), "/admin/rules/preview", {"file": FILE, "text": "# none"}).text


def test_a_preview_of_a_broken_text_says_what_is_wrong(client):
    page = post(client("viewer"), "/admin/rules/preview", {"file": FILE, "text": 'assign "T" where prise < 20'})
    assert page.status_code == 200
    assert "apparel.rules, line 1" in page.text
    assert "did you mean `price`?" in page.text
    assert "where prise &lt; 20</pre>" in page.text, "what was typed is not lost"


def test_two_versions_are_compared(client):
    browser = client("admin")
    post(browser, "/admin/rules/save", {"file": FILE, "text": 'assign "Men\'s tops" where price < 20'})
    post(browser, "/admin/rules/save", {"file": FILE, "text": 'assign "Men\'s tops" where price < 30'})

    page = browser.get("/admin/rules/versions/compare?old=2&new=3").text
    assert "- where price &lt; 20\n+ where price &lt; 30" in page
    assert "The rules say the same." in browser.get("/admin/rules/versions/compare?old=3&new=3").text
    assert browser.get("/admin/rules/versions/compare?old=3&new=99").status_code == 404
    assert "compare?old=3&amp;new=2" in browser.get("/admin/rules/versions/").text


def test_a_count_is_the_same_from_the_facts_and_from_the_products(client):
    """Before anything was assigned every product is looked at, afterwards the database counts."""
    store = MagentoStore.get()
    one_by_one = rulesets.match_condition(store, "price < 20")
    ctx = world.Context(world.NoRemotes(), world.Clock(), world.Messages())  # type: ignore[arg-type]
    assignment.run(ctx, Account.get())

    assert rulesets.match_condition(store, "price < 20") == one_by_one
    assert (one_by_one.count, one_by_one.samples) == (1, (("R901", "n"),))
    Product.update(
        data={"id": 902, "sku": "R902", "type_id": "simple", "status": 1, "price": "6"}, facts_stale=True
    ).where(Product.sku == "R902").execute()
    assert rulesets.match_condition(store, "price < 20").count == 2, "a change that has no facts yet counts too"


def test_the_page_says_how_far_assigning_is(client):
    RuleProgress.create(store=MagentoStore.get(), doing="applying the rules", done=4000, total=10000)
    assert "applying the rules: 4,000 of 10,000 products" in client("viewer").get("/admin/rules/").text
    RuleProgress.update(doing="up to date").execute()
    assert "applying the rules" not in client("viewer").get("/admin/rules/").text


def test_a_template_without_a_policy_uses_the_default_ones_price(client):
    text = 'price "List" otherwise price'
    ListingTemplate.update(pricing_policy=None).execute()
    Policy.update(settings={"change": "rule", "rule": "List"}).where(Policy.type == "pricing").execute()
    assert checked(client, text) == []


def test_a_condition_may_call_the_segments_of_the_set(client):
    """As they stand in the editor, saved or not; while the set has problems nothing is counted."""
    browser = client("viewer")
    condition = '@dear and sku starts with "R"'
    dear, wrong = "segment dear = price > 60", "segment dear = colour > 60"

    answers = [
        post(browser, "/admin/rules/match", {"condition": condition, "file": FILE, "text": text}).json
        for text in (dear, dear.replace("60", "40"), wrong)
    ]

    assert [answer["count"] for answer in answers] == [0, 1, 0]
    assert [bool(answer["problems"]) for answer in answers] == [False, False, True]


def test_a_preview_of_a_large_store_counts_all_its_products(client, monkeypatch):
    """SKUs and prices are of the first products, the numbers of all; one rule wins where two match."""
    now, then = (
        'assign "Men\'s tops" where price < 100',
        'assign "Men\'s tops" where price < 20\nassign "Dear" where price < 100',
    )
    RuleSetVersion.update(files={FILE: now}).execute()
    ctx = world.Context(world.NoRemotes(), world.Clock(), world.Messages())  # type: ignore[arg-type]
    assignment.run(ctx, Account.get())
    monkeypatch.setattr(rule_preview, "LOOKED_AT", 1)

    (found,) = rule_preview.of_stores({FILE: then}, datetime.now(UTC))
    page = post(client("viewer"), "/admin/rules/preview", {"file": FILE, "text": then}).text

    assert not found.complete
    assert found.preview.products == 1
    assert found.counts == {"Men's tops": rule_counts.Counts(2, 1, 0, 1), "Dear": rule_counts.Counts(0, 1, 1, 0)}
    assert "Counted over all products of the store." in page


def test_a_preview_without_facts_says_how_far_it_looked(client, monkeypatch):
    """Nothing was assigned yet: the database has nothing to count."""
    monkeypatch.setattr(rule_preview, "LOOKED_AT", 1)

    page = post(client("viewer"), "/admin/rules/preview", {"file": FILE, "text": 'assign "Dear" where price > 1'}).text

    assert "Only the first 1 products were looked at" in page


def test_without_a_store_the_editor_says_why_nothing_is_counted(client):
    """On a new installation; not as a fault that the browser reports."""
    browser = client("viewer")
    for model in reversed(ALL):
        if model is not User:
            model.delete().execute()
    data = {"condition": "price > 5", "file": FILE, "text": "", "csrf_token": token(browser)}

    answer = browser.post("/admin/rules/match", data=data, headers={"X-Fragment": "1"})

    assert (answer.status_code, answer.json) == (
        200,
        {"error": "Products are counted once a Magento store is connected."},
    )
