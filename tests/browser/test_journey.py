"""From an empty installation to an answered cancellation, as a merchant clicks it: one browser, real servers, real HTTP."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from connector.store.models import (
    Account,
    Listing,
    ListingTemplate,
    MagentoStore,
    Order,
    Policy,
    QueueItem,
    ReturnCase,
    RuleSetVersion,
)
from tests.browser.conftest import log_in, quiet_page
from tests.browser.journey import Installation, new_installation
from tests.browser.test_admin import write

expect = pytest.importorskip("playwright.sync_api", reason="playwright is not installed").expect
pytestmark = pytest.mark.browser

EMAIL = "me@shop.example"
RULES = 'assign "Bags"\nwhere category under "Gear/Bags"'


@pytest.fixture
def installation(tmp_path: Path, database_url: str, redis_url: str) -> Iterator[Installation]:
    with new_installation(tmp_path, database_url, redis_url, EMAIL) as made:
        yield made


@pytest.fixture
def browser_page(chrome: Any, installation: Installation) -> Iterator[Any]:
    """Logged in with the password that was made."""
    with quiet_page(chrome, 1440) as opened:
        opened.set_default_timeout(60_000)
        log_in(opened, installation.url, EMAIL, installation.password)
        yield opened


def test_a_merchant_sets_up_lists_sells_and_answers(browser_page, installation):
    """Wizard and consent, onboarding, policies, rules, template, mapping, upload, order, cancellations."""
    set_up(browser_page, installation)
    read_the_shop(browser_page, installation)
    write_rules(browser_page)
    make_a_template(browser_page, installation)
    map_attributes(browser_page, installation)
    upload(browser_page, installation)
    first, second = sell(browser_page, installation)
    answer(browser_page, installation, first, second)


def menu(page: Any, name: str) -> None:
    """A link of the side bar, its group opened first where it is closed."""
    link = page.get_by_role("navigation", name="Main").get_by_role("link", name=name, exact=True)
    if not link.is_visible():
        page.get_by_role("button", name="Configuration").click()
    link.click()
    expect(page.get_by_role("heading", level=1)).to_be_visible()


def bulk(page: Any, action: str) -> None:
    """An action on everything that is ticked."""
    page.locator("[data-menu=actions] summary").click()
    page.locator(f"[data-action={action}]").click()


def toast(page: Any, text: str) -> None:
    expect(page.locator(".toast", has_text=text).first).to_be_visible()


def set_up(page: Any, installation: Installation) -> None:
    """The four steps; the store is added on the way, the consent is given on the sandbox's own page."""
    given = installation.control.credentials()
    page.get_by_role("link", name="setup wizard").click()
    page.get_by_label("Email").fill(EMAIL)
    page.locator(".switch", has=page.locator("#terms")).click()
    page.get_by_role("button", name="Next: account").click()

    page.get_by_role("link", name="Add Magento store").click()
    page.get_by_label("Title").fill("Outfitters")
    page.get_by_label("Store address").fill(given["magento"]["base_url"])
    for label in ("Consumer key", "Consumer secret", "Access token", "Access token secret"):
        page.get_by_label(label, exact=True).fill(given["magento"][label.lower().replace(" ", "_")])
    page.get_by_role("button", name="Save", exact=True).click()

    page.get_by_label("Title").fill("US shop")
    expect(page.get_by_label("Sandbox address")).to_be_hidden()
    page.get_by_label("Environment Type").select_option("sandbox")
    page.get_by_label("Sandbox address").fill(installation.control.url)
    for label in ("App key", "App secret", "Service id"):
        page.get_by_label(label).fill(given["tiktok"][label.lower().replace(" ", "_")])
    page.get_by_role("button", name="Authorise on TikTok Shop").click()
    page.wait_for_url(f"{installation.control.url}/open/authorize*")
    page.get_by_role("button", name="Authorize").click()

    page.wait_for_url("**/wizard/policies/")
    page.get_by_role("button", name="Make default policies").click()
    page.get_by_role("row", name="Default Order").get_by_role("link", name="Edit").click()
    dialog = page.get_by_role("dialog")
    dialog.locator(".switch", has=page.locator("#accept_cancellations")).click()
    dialog.get_by_role("button", name="Save & Close").click()
    page.get_by_role("button", name="Next: summary").click()
    expect(page.get_by_text("Everything is set up")).to_be_visible()
    page.get_by_role("button", name="Finish").click()
    page.wait_for_url("**/templates/")

    assert Account.get().connected
    assert Policy.get(Policy.type == "order").settings["accept_cancellations"] is False


def read_the_shop(page: Any, installation: Installation) -> None:
    """Fetch Onboarding Data is queued by the row's button; the scheduler reads the store meanwhile."""
    menu(page, "TikTok Accounts")
    page.get_by_role("button", name="Fetch Onboarding Data: US shop").click()
    toast(page, "Fetch Onboarding Data")
    assert QueueItem.get(QueueItem.kind == "fetch_onboarding_data").state == "queued"

    menu(page, "Magento Store")
    page.get_by_role("checkbox", name="Select Outfitters").check()
    bulk(page, "refresh")
    toast(page, "up to date")
    installation.until(lambda: Account.get().onboarded_at and MagentoStore.get().synced_at)

    menu(page, "TikTok Accounts")
    expect(page.get_by_role("cell", name="Connected until")).to_be_visible()


def write_rules(page: Any) -> None:
    """A wrong name is said at its place and cannot be saved; the right text counts and becomes active."""
    menu(page, "Rules")
    editor = page.get_by_role("textbox", name="Rule text")
    write(page, editor, RULES.replace("category", "categorie"))
    expect(page.locator("[data-check-status]")).to_contain_text("line 2")
    page.locator(".cm-lintRange-error").first.wait_for()
    expect(page.get_by_role("button", name="Save and activate")).to_be_disabled()

    write(page, editor, RULES)
    expect(page.locator("[data-check-status]")).not_to_contain_text("categorie")
    expect(page.locator("[data-match-count]")).to_have_text(re.compile(r"[1-9]"))
    page.get_by_role("button", name="Save and activate").click()
    page.get_by_role("dialog").get_by_role("textbox").fill("bags first")
    page.get_by_role("dialog").get_by_role("button", name="Save and activate").click()
    page.get_by_text("Version 1 · active").wait_for()

    assert RuleSetVersion.get(RuleSetVersion.active).note == "bags first"


def make_a_template(page: Any, installation: Installation) -> None:
    """The category is chosen from what the shop has; the rules fill the template."""
    menu(page, "Listing Templates")
    page.get_by_role("link", name="Add Template").click()
    page.get_by_label("Template Name").fill("Bags")
    write(page, page.get_by_role("textbox", name="Query"), 'type = "bundle"')
    page.get_by_role("button", name="Apply Query").click()
    expect(page.get_by_text("0 products would join.")).to_be_visible()
    page.get_by_label("Category").press_sequentially("tote")
    option = page.locator("#categories option").first
    option.wait_for(state="attached")
    page.get_by_label("Category").fill(option.get_attribute("value"))
    page.get_by_label("Brand").press_sequentially("lum")
    page.locator("#brands option[value^='Luma [']").wait_for(state="attached")
    page.get_by_label("Brand").fill(page.locator("#brands option").first.get_attribute("value"))
    page.get_by_role("button", name="Save", exact=True).click()
    page.wait_for_url(re.compile(r"/templates/(\?|$)"))
    assert ListingTemplate.get().brand_name == "Luma"
    installation.until(lambda: Listing.select().count())

    page.reload()
    assert page.get_by_role("row", name="Bags").locator(".col-total").inner_text() == str(Listing.select().count())


def map_attributes(page: Any, installation: Installation) -> None:
    """Refetch, map one in its dialog, and give every required one without a source its first recommended value."""
    menu(page, "TikTok Attributes")
    page.get_by_role("link", name="Refetch Attributes").click()
    page.get_by_role("dialog").get_by_role("button", name="Refetch Attributes").click()
    toast(page, "Refetch Attributes")
    installation.work()

    page.goto(f"{installation.url}/admin/attributes/?page_size=100")
    page.get_by_role("link", name="Material", exact=True).click()
    page.get_by_role("dialog").get_by_label("Magento Attribute").select_option("material")
    page.get_by_role("dialog").get_by_role("button", name="Save").click()
    expect(page.get_by_role("row", name="Material").get_by_text("material", exact=True)).to_be_visible()
    while (missing := page.get_by_role("row").filter(has_text="Missing")).count():
        before = missing.count()
        missing.first.get_by_role("link").first.click()
        page.get_by_label("Default Recommended Value").select_option(index=1)
        page.get_by_role("dialog").get_by_role("button", name="Save").click()
        expect(missing).to_have_count(before - 1)
    page.get_by_role("button", name="Assign Attributes").click()
    page.get_by_role("dialog").get_by_role("button", name="Assign Attributes").click()
    toast(page, "Assigned to 1 listing templates")


def upload(page: Any, installation: Installation) -> None:
    """Chosen in the grid, seen in the queue, live after the marketplace's review."""
    QueueItem.delete().execute()  # what the policy asked for by itself meanwhile: here a person asks
    menu(page, "Products")
    page.get_by_role("checkbox", name="Select all on this page").check()
    bulk(page, "upload")
    page.get_by_role("dialog").get_by_role("button", name="Upload").click()
    toast(page, "Upload")
    menu(page, "Queue Process")
    expect(page.locator("tbody .col-kind").first).to_have_text("Upload")
    expect(page.locator("tbody .col-state").first).to_contain_text("Queued")

    installation.until(lambda: Listing.select().where(Listing.status == "ACTIVATE").exists())
    page.reload()
    expect(page.locator("tbody .col-state", has_text="Done").first).to_be_visible()
    page.goto(f"{installation.url}/admin/products/?flt0_marketplace_status_is=ACTIVATE")
    expect(page.locator("tbody .col-status").first).to_have_text("Live")
    page.locator("tbody .col-name a").first.click()
    expect(page.get_by_text("How price and quantity came about")).to_be_visible()


def sell(page: Any, installation: Installation) -> tuple[Order, Order]:
    """Two buyers order what is live; Import Orders brings both into the store."""
    live = Listing.select().where(Listing.status == "ACTIVATE", Listing.marketplace_quantity > 3).get()
    sku = next(iter(live.confirmed["skus"]))
    for pieces in (1, 2):
        installation.control.post("tiktok/orders", lines=[{"seller_sku": sku, "quantity": pieces}])
    menu(page, "Orders")
    page.get_by_role("link", name="Import Orders").click()
    page.get_by_role("dialog").get_by_role("button", name="Import Orders").click()
    toast(page, "Import Orders")
    installation.until(lambda: Order.select().where(Order.state == "confirmed").count() == 2)

    page.reload()
    expect(page.locator("tbody .col-state", has_text="Imported")).to_have_count(2)
    first, second = Order.select().order_by(Order.id)
    page.get_by_role("link", name=second.tiktok_order_id, exact=True).click()
    expect(page.get_by_text(second.magento_increment_id, exact=True)).to_be_visible()
    expect(page.get_by_role("button", name="Create Sales Order")).to_be_disabled()
    return first, second


def answer(page: Any, installation: Installation, first: Order, second: Order) -> None:
    """Both buyers want to cancel: one may, the other gets a reason from the marketplace's own list."""
    for order in (first, second):
        installation.control.post(f"tiktok/orders/{order.tiktok_order_id}/buyer_cancel_request")
    installation.until(lambda: ReturnCase.select().count() == 2)
    cases = {case.tiktok_order_id: case for case in ReturnCase.select()}

    page.goto(f"{installation.url}/admin/returns/details/?id={cases[first.tiktok_order_id].id}")
    page.get_by_role("button", name="Accept").click()
    confirm = page.get_by_role("dialog").get_by_role("button", name="Accept")
    confirm.click()
    toast(page, "Accept")
    page.goto(f"{installation.url}/admin/returns/details/?id={cases[second.tiktok_order_id].id}")
    page.get_by_role("link", name="Reject", exact=True).click()
    page.get_by_label("Reason").select_option(index=0)
    page.get_by_role("dialog").get_by_role("button", name="Reject").click()
    toast(page, "Reject")
    installation.until(lambda: ReturnCase.select().where(ReturnCase.decision_state == "sent").count() == 2)

    menu(page, "Returns")
    expect(page.locator("tbody .col-decision_state", has_text="Answered")).to_have_count(2)
    decisions = {case.tiktok_order_id: case.decision for case in ReturnCase.select()}
    assert decisions[first.tiktok_order_id] != decisions[second.tiktok_order_id]
    installation.until(lambda: Order.get_by_id(first.id).status == "CANCELLED")
    assert Order.get_by_id(second.id).status == "AWAITING_SHIPMENT"
