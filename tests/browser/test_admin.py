"""What people do in the admin, in a real browser, at a desk and on a telephone, without one refusal of the policy."""

from __future__ import annotations

import re

import pytest

from connector.store.models import Listing, QueueItem, SavedView, Setting, TikTokAttribute
from tests.browser.conftest import DESK, TELEPHONE, places

expect = pytest.importorskip("playwright.sync_api", reason="playwright is not installed").expect
pytestmark = pytest.mark.browser

PAGES = [
    "", "products/", "products/details/?id=1", "products/ask/?action=pin&rowid=1", "unplaced/", "unplaced/details/?id=1", "orders/", "orders/details/?id=1", "returns/", "returns/details/?id=1", "queue/",
    "policies/", "policies/edit/?id=4", "accounts/", "accounts/edit/?id=1", "stores/edit/?id=1", "attributes/", "templates/",
    "templates/edit/?id=1", "rules/", "rules/versions/", "wizard/account/", "wizard/policies/", "users/", "history/", "login/password/",
]  # fmt: skip

LOOK = """() => {
  const root = document.documentElement, seen = {themes: [], over: [], title: document.title};
  for (const theme of ['dark', 'light']) {
    document.querySelector(`[data-theme-set=${theme}]`).click();
    seen.themes.push(root.dataset.theme);
    seen.over.push(root.scrollWidth - innerWidth);
  }
  return {...seen, headings: document.querySelectorAll('h1').length};
}"""
"""Each theme in turn, what is wider than the screen in it, title and headings: one question a page, because asking takes time."""

NAMELESS = """() => {
  const seen = element => element.checkVisibility() && element.type !== 'hidden';
  const named = element => element.getAttribute('aria-label') || element.getAttribute('aria-labelledby')
    || [...element.labels ?? []].some(label => label.textContent.trim()) || element.textContent.trim() || element.title;
  const nameless = [...document.querySelectorAll('input, textarea, button, a, summary')].filter(element => seen(element) && !named(element));
  const choices = [...document.querySelectorAll('select')].filter(element =>
    seen(element) && !element.labels.length && !element.getAttribute('aria-label'));
  const pictures = [...document.querySelectorAll('img:not([alt])')];
  const twice = [...document.querySelectorAll('[id]')].filter((element, _, all) => all.filter(other => other.id === element.id).length > 1);
  return [...nameless, ...choices, ...pictures, ...twice].map(element => element.outerHTML.slice(0, 120));
}"""
"""Controls and links without a name, pictures without an alternative, ids that stand twice."""


def write(page, editor, text: str) -> None:
    """Type over everything that stands in an editor."""
    editor.click()
    expect(editor).to_be_focused()
    page.keyboard.press("Control+A")
    page.keyboard.press("Delete")
    expect(editor.locator(".cm-line")).to_have_count(1)  # a key that came too early for a busy browser is told here
    page.keyboard.type(text)


def test_every_page_is_quiet_and_fits(page, site, width):
    """No error in the console, no violation, nothing wider than the screen, one heading, a title, a name for everything."""
    for path in PAGES:
        page.goto(f"{site}/admin/{path}")
        seen = page.evaluate(LOOK)
        assert seen["themes"] == ["dark", "light"], path
        assert max(seen["over"]) <= 0, path
        assert seen["headings"] == 1, path
        assert seen["title"].endswith("· Connector"), path
        assert page.evaluate(NAMELESS) == [], path


STEPS = """() => {
  const found = document.activeElement, box = found.getBoundingClientRect();
  if (found === document.body) return null;
  const x = Math.min(Math.max(box.left + box.width / 2, 0), innerWidth - 1), y = Math.min(Math.max(box.top + box.height / 2, 0), innerHeight - 1);
  const top = document.elementFromPoint(x, y), name = found.getAttribute('aria-label') || found.innerText || found.name;
  const seen = box.width > 1 && box.height > 1 && (found.contains(top) || top?.contains(found) || found.closest('label')?.contains(top));
  return [name.slice(0, 40), Boolean(seen)];
}"""
"""What has the focus, and whether it can be seen in its middle."""


def test_what_has_the_focus_is_never_hidden(page, site, width):
    """By keyboard through a list wider than its frame and a form longer than the screen."""
    for path in ("orders/", "templates/edit/?id=1"):
        page.goto(f"{site}/admin/{path}")
        hidden, steps = [], 0
        while steps < 120:
            page.keyboard.press("Tab")
            step = page.evaluate(STEPS)
            if step is None:
                break
            steps += 1
            if not step[1]:  # what has just begun to move is looked at again
                page.wait_for_timeout(300)
                step = page.evaluate(STEPS) or step
            hidden += [] if step[1] else [step[0]]
        assert (hidden, steps > 10) == ([], True), path


def test_a_dialog_stays_open_under_a_selection_and_over_what_was_written(page, site, width):
    """A press inside that ends beside the box is no click beside it."""
    page.goto(f"{site}/admin/orders/")
    page.get_by_role("link", name="Import Orders").click()
    box = page.locator("#dialog")
    expect(box).to_be_visible()
    edge, field = box.bounding_box(), box.locator("input:not([type=hidden])").first
    start = field.bounding_box()
    page.mouse.move(start["x"] + 5, start["y"] + 5)
    page.mouse.down()
    page.mouse.move(edge["x"] - 4, start["y"] + 5)
    page.mouse.up()
    expect(box).to_be_visible()
    page.mouse.click(2, 2)
    expect(box).to_be_hidden()


def test_the_theme_is_kept(page, site, width):
    """Chosen once, there before the first paint of the next page."""
    page.goto(f"{site}/admin/login/password/")
    page.get_by_role("button", name="Dark").click()
    assert page.evaluate("getComputedStyle(document.body).backgroundColor") == "rgb(15, 20, 22)"

    page.goto(f"{site}/admin/products/")

    assert page.evaluate("document.documentElement.dataset.theme") == "dark"
    assert page.get_by_role("button", name="Dark").get_attribute("aria-pressed") == "true"


def test_a_selection_goes_over_pages_and_becomes_work(page, site, width):
    """Ticks survive the next page; the action asks, queues, and says so."""
    page.goto(f"{site}/admin/products/")
    page.locator("[data-check]").nth(0).check()
    page.get_by_role("link", name="Next page").click()
    page.locator("[data-check]").nth(1).check()
    assert page.locator("[data-bulk-count]").inner_text() == "2 selected"

    page.locator("[data-menu=actions] summary").click()
    page.locator("[data-action=upload]").click()
    page.get_by_role("dialog").get_by_role("button", name="Upload").click()
    page.locator(".toast", has_text="Upload: 2 queued.").wait_for()

    assert QueueItem.select().where(QueueItem.kind == "upload").count() == 2


def test_all_that_match_and_a_dialog_with_a_question(page, site, width):
    """Change Status of everything rejected."""
    page.goto(f"{site}/admin/products/?flt0_marketplace_status_is=ACTIVATE&page_size=20")
    Listing.update(status="ACTIVATE").execute()
    page.reload()
    if width > 820:
        page.get_by_role("checkbox", name="Select all on this page").check()
    else:
        for box in page.locator("[data-check]").all():
            box.check()
    page.locator("[data-bulk-all]").click()
    assert page.locator("[data-bulk-count]").inner_text() == "45 selected"
    page.locator("[data-menu=actions] summary").click()
    page.locator("[data-action=change_status]").click()

    dialog = page.get_by_role("dialog")
    dialog.get_by_label("Status").select_option(label="Inactive")
    dialog.get_by_role("button", name="Change Status").click()
    page.locator(".toast", has_text="Change Status: 45 queued.").wait_for()

    assert QueueItem.select().where(QueueItem.kind == "change_status").count() == 45


def test_filters_and_views(page, site, width):
    """A filter added, applied, kept under a name, removed."""
    page.goto(f"{site}/admin/products/")
    page.locator("[data-menu=filters] summary").click()
    page.locator("[data-add-filter='Validation Status']").click()
    page.get_by_label("Validation Status value").select_option(label="Invalid")
    page.get_by_role("button", name="Apply").click()
    page.wait_for_url(re.compile("flt1_validation_status_is=invalid"))
    assert page.locator("[data-check]").count() == 8

    page.get_by_role("button", name="Save this view").click()
    page.get_by_role("dialog").get_by_label("Name").fill("Held back")
    page.get_by_role("dialog").get_by_role("button", name="Save").click()
    page.get_by_role("link", name="Held back").wait_for()
    assert SavedView.get().name == "Held back"

    page.get_by_role("button", name="Remove filter Validation Status").click()
    expect(page.locator("[data-check]")).to_have_count(20)


@pytest.mark.parametrize("place", places(DESK, DESK._replace(database="postgres")), indirect=True)
def test_columns_are_chosen(page, site, width):
    """Hidden at once, and still hidden on the next visit. Only on a desk: cards have no column chooser."""
    page.goto(f"{site}/admin/products/")
    page.locator("[data-menu=columns] summary").click()
    with page.expect_response("**/columns/"):
        page.locator("[data-columns]").get_by_label("SKU").uncheck()
    assert not page.locator("th.col-sku").is_visible()

    page.reload()

    assert not page.locator("th.col-sku").is_visible()
    assert "sku" in Setting.get(Setting.key.startswith("columns.")).value


def test_view_items_opens_beside_the_list(page, site, width):
    """Names, price, quantity, discount; Escape closes it."""
    page.goto(f"{site}/admin/orders/")
    page.get_by_role("link", name="View Items").click()

    dialog = page.get_by_role("dialog")
    dialog.get_by_text("$13.98").wait_for()
    assert dialog.get_by_text("Chaz Kangeroo Hoodie").is_visible()
    page.keyboard.press("Escape")

    assert not dialog.is_visible()


def test_an_attribute_is_mapped_in_its_row(page, site, width):
    """The dialog saves, and the list shows it."""
    page.goto(f"{site}/admin/attributes/")
    page.get_by_role("link", name="Material", exact=True).click()
    dialog = page.get_by_role("dialog")
    dialog.get_by_label("Default Recommended Value").select_option(label="Wool")
    dialog.get_by_role("button", name="Save").click()
    page.get_by_role("cell", name="Wool").wait_for()

    assert TikTokAttribute.get().default_value_id == "2"


def test_the_query_box_counts_while_it_is_written(page, site, width):
    """Wrong text is underlined and named; right text counts products."""
    page.goto(f"{site}/admin/templates/edit/?id=1")
    page.get_by_text("products match now").wait_for()
    editor = page.get_by_role("textbox", name="Query")
    write(page, editor, "colour = 1")
    page.locator(".cm-lintRange-error").wait_for()

    write(page, editor, 'sku = "MH0001"')
    expect(page.locator("[data-match-count]")).to_have_text("1")

    assert page.locator("textarea[name=query]").input_value() == 'sku = "MH0001"'


def test_rules_are_written_checked_and_made_active(page, site, width):
    """The verdict stands under the text; the button waits for a right one."""
    page.goto(f"{site}/admin/rules/")
    editor = page.get_by_role("textbox", name="Rule text")
    button = page.get_by_role("button", name="Save and activate")
    write(page, editor, 'assign "Men\'s tops" where colour = 1')
    page.locator("[data-check-status].bad").wait_for()
    assert "colour" in page.locator("[data-check-status]").inner_text()
    assert button.is_disabled()

    write(page, editor, 'assign "Men\'s tops" where price > 20')
    page.locator("[data-check-status].ok").wait_for()
    button.click()
    page.get_by_role("dialog").get_by_label("Name").fill("dearer only")
    page.get_by_role("dialog").get_by_role("button", name="Save and activate").click()
    page.locator(".toast", has_text="The new version is active.").wait_for()
    page.goto(f"{site}/admin/rules/versions/")

    assert page.get_by_text("dearer only").is_visible()


def test_the_wizard_starts(page, site, width):
    """Registration leads to the account."""
    page.goto(f"{site}/admin/wizard/registration/")
    page.get_by_label("Email").fill("me@shop.example")
    page.locator(".switch", has=page.locator("#terms")).click()
    page.get_by_role("button", name="Next: account").click()

    page.wait_for_url("**/wizard/account/")
    assert page.get_by_role("button", name="Authorise on TikTok Shop").is_visible()


def test_a_policy_form_leads_to_its_errors(page, site, width):
    """A summary on top that takes the focus, the reason at the field, nothing saved."""
    page.goto(f"{site}/admin/policies/edit/?id=2")
    page.get_by_label("Threshold buffer").fill("-4")
    page.get_by_role("button", name="Save & Close").click()

    page.get_by_role("alert").get_by_text("1 field needs your attention").wait_for()
    page.get_by_role("alert").get_by_role("link").click()

    assert page.evaluate("document.activeElement.id") == "buffer"
    assert page.get_by_label("Threshold buffer").get_attribute("aria-invalid") == "true"


@pytest.mark.parametrize("place", places(TELEPHONE._replace(database="sqlite"), TELEPHONE), indirect=True)
def test_the_telephone_has_a_drawer(page, site, width):
    """Opened by the menu button, closed by Escape, focus back on the button. The desk has a side bar instead."""
    page.goto(f"{site}/admin/")
    button = page.get_by_role("button", name="Menu")
    button.click()
    expect(page.get_by_role("link", name="Orders", exact=True)).to_be_visible()

    page.keyboard.press("Escape")
    expect(page.get_by_role("link", name="Orders", exact=True)).to_be_hidden()

    assert page.evaluate("document.activeElement.getAttribute('aria-label')") == "Menu"


def test_running_work_is_seen_everywhere(page, site, width):
    """The top bar fills, the queue page counts, and a toast tells the end once."""
    page.goto(f"{site}/admin/products/")
    page.locator("[data-check]").nth(0).check()
    page.locator("[data-menu=actions] summary").click()
    page.locator("[data-action=validate]").click()
    page.locator(".live-chip progress").wait_for()
    page.goto(f"{site}/admin/queue/")
    page.locator("[data-live-board]").get_by_text("Validate").wait_for()

    QueueItem.update(state="confirmed", open_key=None).execute()

    page.locator(".toast", has_text="Validate: 1 done, 0 failed.").wait_for()
