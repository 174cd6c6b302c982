"""From an empty installation to a return with its credit memo, as a merchant clicks it: one browser, real servers, real HTTP."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from connector.admin.formats import words
from connector.domain.order import Track
from connector.store.models import (
    Account,
    Listing,
    ListingTemplate,
    MagentoStore,
    Order,
    OrderLine,
    Policy,
    QueueItem,
    ReturnCase,
    RuleSetVersion,
)
from tests.browser.conftest import log_in, quiet_page
from tests.browser.journey import ORDERS, Installation, new_installation
from tests.browser.test_admin import write

expect = pytest.importorskip("playwright.sync_api", reason="playwright is not installed").expect
pytestmark = pytest.mark.browser

EMAIL = "me@shop.example"
PRICELESS, SHOUTED = "BPK-00003", "BPK-00006"
"""Two of the four bags: one that costs nothing is held back, one whose name is all capitals is refused."""

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
    """Wizard and consent, onboarding, policies, rules, template, mapping, upload, reasons, stock and price, orders,
    cancellations, parcels, returns."""
    set_up(browser_page, installation)
    read_the_shop(browser_page, installation)
    choose_a_carrier(browser_page)
    write_rules(browser_page)
    make_a_template(browser_page, installation)
    map_attributes(browser_page, installation)
    upload(browser_page, installation)
    read_the_reasons(browser_page, installation)
    change_the_store(browser_page, installation)
    first, second = sell(browser_page, installation)
    answer(browser_page, installation, first, second)
    ship(browser_page, installation, second)
    take_back(browser_page, installation, second)


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
    installation.keeper.edit(PRICELESS, price=0)
    installation.keeper.edit(SHOUTED, name="THE BACKPACK")
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


def choose_a_carrier(page: Any) -> None:
    """Now that the shop's carriers are known, the order policy gets one for what is shipped in the store."""
    menu(page, "TikTok Policies")
    page.get_by_role("row", name="Default Order").get_by_role("link", name="Default Order", exact=True).click()
    (chosen,) = page.get_by_label("Default shipping provider").select_option(index=1)
    page.get_by_role("button", name="Save & Close").click()
    page.wait_for_url(re.compile(r"/policies/(\?|$)"))
    assert chosen
    assert Policy.get(Policy.type == "order").settings["default_provider"] == chosen


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

    installation.until(lambda: {"ACTIVATE", "FAILED"} <= {listing.status for listing in Listing.select()})
    page.reload()
    expect(page.locator("tbody .col-state", has_text="Done").first).to_be_visible()
    page.goto(f"{installation.url}/admin/products/?flt0_marketplace_status_is=ACTIVATE")
    expect(page.locator("tbody .col-status").first).to_have_text("Live")
    page.locator("tbody .col-name a").first.click()
    expect(page.get_by_text("How price and quantity came about")).to_be_visible()


def read_the_reasons(page: Any, installation: Installation) -> None:
    """A product that is held back here and one that the marketplace refused each say why."""
    page.goto(f"{installation.url}/admin/products/?flt0_validation_status_is=invalid")
    held = page.get_by_role("row").filter(has_text=PRICELESS)
    expect(held.locator(".col-validation")).to_contain_text("The price comes to 0.00 USD")
    held.locator(".col-name a").click()
    expect(page.locator("section", has_text="Why it is held back")).to_contain_text("The price comes to 0.00 USD")

    page.goto(f"{installation.url}/admin/products/?flt0_marketplace_status_is=FAILED")
    page.get_by_role("row").filter(has_text=SHOUTED).locator(".col-name a").click()
    expect(page.locator("section", has_text="What TikTok Shop said")).to_contain_text("all capitals")


def change_the_store(page: Any, installation: Installation) -> None:
    """Another price and another quantity in the store are on the marketplace without anybody's doing."""
    live = Listing.select().where(Listing.status == "ACTIVATE").order_by(Listing.id).get()
    sku, price = live.product.sku, "61.25"
    page.goto(f"{installation.url}/admin/products/details/?id={live.id}")
    shown = page.get_by_role("region", name="Comparison").get_by_role("row")
    expect(shown.filter(has_text="Quantity")).not_to_contain_text("17")
    installation.keeper.source(sku, 17)
    installation.keeper.edit(sku, price=price)

    installation.until(lambda: Listing.get_by_id(live.id).marketplace_quantity == 17)
    page.reload()
    expect(shown.filter(has_text="Quantity").locator("td")).to_have_text(["17", "17", "17"])
    expect(shown.filter(has_text="Price").locator("td")).to_have_text([f"${price}"] * 3)


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
    installation.until(lambda: Order.select().where(Order.state == "confirmed").count() == 2, ORDERS)

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
    installation.until(lambda: ReturnCase.select().count() == 2, ORDERS)
    cases = {case.tiktok_order_id: case for case in ReturnCase.select()}

    accept(page, installation, cases[first.tiktok_order_id])
    page.goto(f"{installation.url}/admin/returns/details/?id={cases[second.tiktok_order_id].id}")
    page.get_by_role("link", name="Reject", exact=True).click()
    page.get_by_label("Reason").select_option(index=0)
    page.get_by_role("dialog").get_by_role("button", name="Reject").click()
    toast(page, "Reject")
    installation.until(lambda: ReturnCase.select().where(ReturnCase.decision_state == "sent").count() == 2, ORDERS)

    menu(page, "Returns")
    expect(page.locator("tbody .col-decision_state", has_text="Answered")).to_have_count(2)
    decisions = {case.tiktok_order_id: case.decision for case in ReturnCase.select()}
    assert decisions[first.tiktok_order_id] != decisions[second.tiktok_order_id]
    installation.until(lambda: Order.get_by_id(first.id).status == "CANCELLED", ORDERS)
    assert Order.get_by_id(second.id).status == "AWAITING_SHIPMENT"


def ship(page: Any, installation: Installation, order: Order) -> None:
    """One of two pieces is shipped in the store, then the other; the marketplace hears of both, with their numbers."""
    store_order = installation.sales.order(Order.get_by_id(order.id).magento_order_id)
    item = store_order.items[0].item_id
    page.goto(f"{installation.url}/admin/orders/details/?id={order.id}")
    shipments = page.get_by_role("region", name="Shipments").get_by_role("row")
    for number, status in (("1Z999AA10123456784", "PARTIALLY_SHIPPING"), ("1Z999AA10123456785", "AWAITING_COLLECTION")):
        installation.sales.ship(store_order.entity_id, {item: 1}, tracks=[Track(number, "UPS", "ups")])
        installation.until(lambda wanted=status: Order.get_by_id(order.id).status == wanted, ORDERS)
        page.reload()
        expect(page.locator("main .status", has_text=status.replace("_", " ").capitalize()).first).to_be_visible()
        expect(shipments.filter(has_text=number)).to_contain_text("Sent")


def take_back(page: Any, installation: Installation, order: Order) -> None:
    """Both pieces are to go back: one may and is refunded by a credit memo, the other gets a reason from the list."""
    for step in ("collect", "deliver"):
        installation.control.post(f"tiktok/orders/{order.tiktok_order_id}/{step}")
    for unit in OrderLine.select().where(OrderLine.order == order.id):
        installation.control.post(f"tiktok/orders/{order.tiktok_order_id}/returns", line_item_ids=[unit.line_id])
    mine = (ReturnCase.kind == "return") & (ReturnCase.order == order.id)
    installation.until(lambda: ReturnCase.select().where(mine).count() == 2, ORDERS)
    accepted, rejected = ReturnCase.select().where(mine).order_by(ReturnCase.id)

    page.goto(f"{installation.url}/admin/returns/details/?id={rejected.id}")
    page.get_by_role("link", name="Reject", exact=True).click()
    reason = page.get_by_role("dialog").get_by_label("Reason")
    reason.select_option(index=2)
    chosen = reason.input_value()
    page.get_by_role("dialog").get_by_role("button", name="Reject").click()
    toast(page, "Reject")
    accept(page, installation, accepted)
    installation.work()
    installation.control.post(f"tiktok/returns/{accepted.request_id}/buyer_ship")
    installation.until(lambda: ReturnCase.get_by_id(accepted.id).status == "BUYER_SHIPPED_ITEM", ORDERS)
    accept(page, installation, accepted)
    installation.until(lambda: ReturnCase.get_by_id(accepted.id).store_state == "done", ORDERS)

    page.reload()
    (memo,) = installation.sales.credit_memos(Order.get_by_id(order.id).magento_order_id)
    expect(page.locator("section", has_text="Credit memo")).to_contain_text(str(memo["entity_id"]))
    expect(page.get_by_role("button", name="Accept")).to_be_disabled()
    page.goto(f"{installation.url}/admin/returns/details/?id={rejected.id}")
    expect(page.locator("section", has_text="Reason given")).to_contain_text(words(chosen))
    assert ReturnCase.get_by_id(rejected.id).store_state != "done"


def accept(page: Any, installation: Installation, case: ReturnCase) -> None:
    """On the case's own page."""
    page.goto(f"{installation.url}/admin/returns/details/?id={case.id}")
    page.get_by_role("button", name="Accept").click()
    page.get_by_role("dialog").get_by_role("button", name="Accept").click()
    toast(page, "Accept")
