"""Screens explain themselves: what variants cost, why a button is off, what a change was, what is still missing."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal

import pytest

from connector.admin import formats
from connector.domain.order import MarketplaceOrder, Reason
from connector.domain.values import from_json, to_json
from connector.errors import RetryableError
from connector.services.context import Context
from connector.store.database import database
from connector.store.models import (
    Account,
    HistoryEntry,
    Listing,
    ListingTemplate,
    Order,
    Policy,
    Product,
    ReturnCase,
    TikTokAttribute,
)
from tests.admin import world
from tests.admin.conftest import log_in, post


def test_a_configurable_shows_its_variants(client):
    """The lowest price of its enabled variants and their pieces together; its own price of 0 says nothing."""
    lead = Listing.get_by_id(1).product
    now = world.Clock().now()
    Product.update(type_id="configurable", price=Decimal(0), salable=None).where(Product.id == lead.id).execute()
    for number, price, enabled in ((1, "12.50", True), (2, "14.00", True), (3, "1.00", False)):
        Product.create(
            store=lead.store_id, entity_id=900 + number, sku=f"V{number}", name="Variant", price=Decimal(price), salable=Decimal(4),
            enabled=enabled, parent=lead.id, data={}, digest="d", seen_at=now,
        )  # fmt: skip

    page = client("viewer").get(f"/admin/products/?search={lead.sku}").text
    export = client("viewer").get(f"/admin/products/export/csv/?search={lead.sku}").text

    assert "from $12.50" in page
    assert 'data-label="Quantity">8<' in page
    assert ",12.5" in export


def test_an_action_that_cannot_start_says_why(client):
    """The button is off, with the action's own reason; the others are on."""
    page = client("operator").get("/admin/orders/details/?id=1").text

    assert 'disabled title="Create the Magento order first."' in page
    assert '<button class="btn btn-primary">' in page  # Create Sales Order


def test_a_shipped_order_is_not_rejected(client):
    """TikTok Shop's state decides."""
    row = Order.get()
    data = replace(from_json(MarketplaceOrder, row.data), status="IN_TRANSIT")
    Order.update(status=data.status, data=to_json(data), state="confirmed", magento_order_id=7).execute()

    page = client("operator").get("/admin/orders/details/?id=1").text

    assert "lets nobody cancel while it says IN_TRANSIT" in page
    assert "The Magento order exists already." in page


class Shop:
    """A marketplace that knows two reasons, or does not answer."""

    def __init__(self, answers: bool) -> None:
        self.answers = answers

    def shop(self, _account: Account) -> Shop:
        return self

    def reject_reasons(self, request_id: str) -> list[Reason]:
        if not self.answers:
            raise RetryableError("TikTok Shop does not answer.", system="tiktok")
        return [
            Reason("seller_reject_a", f"Packed already ({request_id})"),
            Reason("seller_reject_b", "Agreed to keep it"),
        ]


@pytest.mark.parametrize(("answers", "control"), [(True, "<select"), (False, 'type="text"')])
def test_reject_reasons_are_those_of_the_request(app, client, answers, control):
    """Asked while the dialog opens; where TikTok Shop does not answer, a key may be written."""
    ctx = app.extensions["connector.admin"]
    app.extensions["connector.admin"] = Context(Shop(answers), ctx.clock, ctx.queue)  # type: ignore[arg-type]  # one call

    page = client("operator").get("/admin/returns/ask/?action=reject_return&rowid=1").text

    assert ("Packed already (R-1)" in page) is answers
    assert f'{control} class="control" id="ask-reason"' in page or f'id="ask-reason" name="reason" {control}' in page


def test_a_decided_return_says_who_decided(client):
    """In words, not in codes."""
    ReturnCase.update(decision="approve", decided_by="demo", decision_state="sent").execute()

    assert "Accepted by demo" in client("viewer").get("/admin/returns/details/?id=1").text


@pytest.mark.parametrize("decision", ["approve", "reject"])
def test_a_request_that_is_over_offers_no_answer(client, decision):
    """Neither the other one nor the same again; what was answered with a code is told in words."""
    over = {"status": "RETURN_OR_REFUND_REQUEST_COMPLETE", "decision_reason": "seller_reject_item_missing"}
    ReturnCase.update(decision=decision, decision_state="sent", **over).execute()

    page = client("admin").get("/admin/returns/details/?id=1").text

    assert page.count('disabled title="TikTok Shop does not wait for an answer') == 2
    assert "Seller reject item missing" in page


def test_a_change_shows_what_changed(client):
    """Of settings only those that differ; a single old value as “was”."""
    HistoryEntry.create(
        at=world.Clock().now(), actor="import_orders", action="order.status", subject_type="order", subject_id="1",
        message="AWAITING_COLLECTION", before="AWAITING_SHIPMENT",
    )  # fmt: skip
    HistoryEntry.create(
        at=world.Clock().now(), actor="admin@example.com", action="policy.save", subject_type="policy", subject_id="2",
        message="Mine", before={"buffer": 0, "threshold": 3}, after={"buffer": 5, "threshold": 3},
    )  # fmt: skip

    page = client("viewer").get("/admin/history/").text

    assert "was Awaiting shipment" in page
    assert "Import Orders (by itself)" in page
    assert "<span>buffer: 0 → 5</span>" in page
    assert "<span>threshold" not in page


def test_no_choice_of_a_policy_names_what_applies(client):
    """The default of the type, by its title, in forms; “default” in the list."""
    ListingTemplate.update(image_policy=None).execute()
    Policy.update(title="House pictures").where(Policy.type == "image").execute()
    browser = client("admin")

    assert "The default: House pictures" in browser.get("/admin/templates/edit/?id=1").text
    assert '<span class="muted">default</span>' in browser.get("/admin/templates/").text


def test_a_template_shows_where_its_attributes_come_from(client):
    """Every attribute of its category with its source; a required one without any is marked."""
    page = client("operator").get("/admin/templates/edit/?id=1").text
    assert "Attributes of the category" in page
    assert "Missing" in page

    TikTokAttribute.update(magento_attribute="fabric").execute()

    assert "<code>fabric</code>" in client("operator").get("/admin/templates/edit/?id=1").text


def test_the_wizard_says_what_is_missing(client):
    """An account that was connected elsewhere counts; the summary names the other steps and does not finish without them."""
    browser = client("admin")
    page = browser.get("/admin/wizard/summary/").text
    assert '<a href="/admin/wizard/registration/">Registration</a>' in page
    assert '<a href="/admin/wizard/account/">Account Onboarding</a>' not in page

    answer = post(browser, "/admin/wizard/summary/", follow_redirects=True)

    assert "Not done yet: Registration, Default Policies." in answer.text


class Consent:
    """Names a consent page."""

    def authorizer(self, _account: Account) -> Consent:
        return self

    def authorize_url(self, state: str) -> str:
        return f"http://127.0.0.1:8787/open/authorize?state={state}"


def test_a_sandbox_account_knows_where_the_sandbox_is(app, client):
    """One address for everything; going back to production goes back to TikTok Shop's own, with the secret written again."""
    ctx = app.extensions["connector.admin"]
    app.extensions["connector.admin"] = Context(Consent(), ctx.clock, ctx.queue)  # type: ignore[arg-type]  # one call
    Account.update(shop_id="").execute()
    browser = client("admin")
    form = {
        "title": "Luma US",
        "environment": "sandbox",
        "store": "1",
        "app_key": "k",
        "app_secret": "s",
        "service_id": "7",
    }

    assert "Write where the sandbox answers" in post(browser, "/admin/wizard/account/", form).text
    answer = post(browser, "/admin/wizard/account/", {**form, "sandbox": "http://127.0.0.1:8787/"})
    assert 'href="http://127.0.0.1:8787/open/authorize?state=' in answer.text
    row = Account.get()
    assert (row.api_url, row.auth_url, row.service_id) == ("http://127.0.0.1:8787", "http://127.0.0.1:8787", "7")

    back = {**form, "environment": "production", "app_secret": ""}
    assert "write the secret again" in post(browser, "/admin/wizard/account/", back).text
    assert Account.get().api_url == "http://127.0.0.1:8787"


@pytest.mark.parametrize(
    ("amount", "text"), [("25.5", "25.50"), ("16.987", "16.987"), ("1234", "1,234.00"), ("1E+2", "100.00")]
)
def test_a_step_of_a_price_shows_every_digit(amount, text):
    """And at least those of the currency."""
    assert formats.exact(Decimal(amount), "USD") == text


def test_the_dashboard_tells_what_is_held_back(client):
    """Beside the orders and returns that wait."""
    page = client("viewer").get("/admin/").text

    assert "products are held back" in page
    assert "TikTok Shop refused" in page


def test_a_refused_answer_may_be_followed_by_another(client):
    """The deadline and both answers stay in the list."""
    ReturnCase.update(decision="reject", decision_state="refused", message="Not this reason.").execute()
    page = client("operator").get("/admin/returns/").text

    assert "Reject: Return R-1" in page
    assert "in 4 h" in page or "in 5 h" in page


def test_an_empty_installation_says_what_comes_next(tmp_path, database_url):
    """No empty axes on the dashboard, and no form that cannot be saved."""
    app = world.make_app(database_url, tmp_path)
    with database.connection_context():
        world.add_users()
        browser = app.test_client()
        log_in(browser, "admin")
        dashboard, new = browser.get("/admin/").text, browser.get("/admin/templates/new/")

    assert "No TikTok Shop is connected yet." in dashboard
    assert "<canvas" not in dashboard
    assert new.location == "/admin/wizard/"


def test_a_scripted_question_that_cannot_be_answered_gets_the_sentence(tmp_path, database_url):
    """The rule editor asks by script: it gets the reason as JSON, not a page to go to."""
    app = world.make_app(database_url, tmp_path)
    with database.connection_context():
        world.add_users()
        browser = app.test_client()
        log_in(browser, "admin")
        form = {"file": "a.rules", "text": 'assign "A" where price > 1'}
        answer = post(browser, "/admin/rules/check", form, headers={"X-Fragment": "1"})

    assert answer.json["error"].endswith(".")
