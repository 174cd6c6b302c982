"""Policies, accounts, stores, attributes, templates, users and the wizard: what forms take and what they refuse."""

from __future__ import annotations

import io
import re
from datetime import UTC, datetime, timedelta

import pytest
from PIL import Image

from connector.admin import fields, rule_text
from connector.rules.problems import Problem
from connector.services import uploads
from connector.store.models import (
    Account,
    HistoryEntry,
    Listing,
    ListingTemplate,
    MagentoStore,
    PeriodicTask,
    Policy,
    RuleSetVersion,
    SavedView,
    Setting,
    TikTokAttribute,
    User,
)
from tests.admin.conftest import post


def test_a_policy_form_comes_from_its_plugin(client):
    """Labels, help, groups and choices of the dataclass; warehouses are those of the account."""
    page = client("admin").get("/admin/policies/new/?type=inventory").text

    assert "Threshold buffer" in page
    assert "Pieces kept for the Magento store" in page
    assert '<h2 class="card-title">Threshold</h2>' in page
    assert "Main · Luma US" in page


def test_sources_of_the_store_are_offered_to_the_inventory_policy(client):
    """Each by name and code, with what keeps it from counting; what is ticked is saved, and the stock is read at once."""
    rows = [
        {"code": "east", "name": "East", "enabled": True, "sells": True},
        {"code": "west", "name": "West", "enabled": False, "sells": True},
        {"code": "abroad", "name": "Abroad", "enabled": True, "sells": False},
    ]
    MagentoStore.update(sources=rows).execute()
    later = datetime.now(UTC) + timedelta(days=1)
    PeriodicTask.create(name=f"stock:{MagentoStore.get().id}", every_seconds=300, next_at=later)

    page = client("admin").get("/admin/policies/edit/?id=2").text
    assert "Use MSI" in page
    for label in ("East (east) · ", "West (west), disabled · ", "Abroad (abroad), not in the website&#39;s stock · "):
        assert label in page
    names = ("default_quantity", "buffer", "threshold", "below", "above", "hysteresis")
    given = {"title": "Stock", "sources": ["east", "west"], **dict.fromkeys(names, "0")}
    post(client("admin"), "/admin/policies/edit/?id=2", given)

    assert Policy.get_by_id(2).settings["sources"] == ["east", "west"]
    assert PeriodicTask.get(PeriodicTask.name.startswith("stock:")).next_at < later


def test_a_policy_is_saved_as_its_plugin_reads_it(client):
    """Numbers as numbers, money as text; its listings get new drafts."""
    Listing.update(stale=False).execute()

    post(
        client("admin"),
        "/admin/policies/edit/?id=3",
        {
            "title": "Prices",
            "price_attribute": "price",
            "currency_rate": "1.25",
            "change": "increase_percent",
            "amount": "12",
            "floor": "0",
            "ceiling": "0",
        },
    )

    saved = Policy.get_by_id(3)
    assert saved.title == "Prices"
    assert saved.settings["currency_rate"] == "1.25"
    assert not Listing.select().where(~Listing.stale).exists()
    assert HistoryEntry.get(HistoryEntry.action == "policy.save").after["amount"] == "12"


def test_a_policy_that_its_plugin_refuses_is_not_saved(client):
    """The reason stands beside the field."""
    data = {
        "title": "Stock",
        "default_quantity": "0",
        "buffer": "-1",
        "threshold": "0",
        "below": "0",
        "above": "0",
        "hysteresis": "0",
    }

    answer = post(client("admin"), "/admin/policies/edit/?id=2", data)

    assert "Write a number from 0 to 99,999." in answer.text
    assert Policy.get_by_id(2).settings == {}


def test_save_and_close_leads_to_the_list(client):
    """Not back to the form, from where the browser sends it; a page that asked to be returned to is."""
    data = {"title": "Pictures", "main_image": "image", "gallery_images": "8", "variant_images": "y"}
    page = "/admin/policies/edit/?id=1"

    for form, back in ((page, "/admin/policies/"), (f"{page}&url=/admin/wizard/policies/", "/admin/wizard/policies/")):
        answer = post(client("admin"), form, data, headers={"Referer": f"http://localhost{form}"})
        assert answer.location == back


def test_save_and_duplicate_goes_on_with_a_copy(client):
    """Under a free title."""
    data = {"title": "Pictures", "main_image": "image", "gallery_images": "8", "variant_images": "y", "_duplicate": "1"}

    answer = post(client("admin"), "/admin/policies/edit/?id=1", data)

    copy = Policy.get(Policy.title == "Pictures (copy)")
    assert answer.location == f"/admin/policies/edit/?id={copy.id}"
    assert not copy.is_default


def test_a_policy_in_use_is_kept(client):
    """The message names who uses it."""
    answer = post(client("admin"), "/admin/policies/delete/", {"id": "2"})
    page = client("admin").get("/admin/")

    assert answer.status_code == 302
    assert page.status_code == 200
    assert Policy.get_or_none(Policy.id == 2) is not None


@pytest.mark.parametrize(
    ("address", "form"), [("delete", {"id": "3"}), ("action", {"action": "delete", "rowid": ["3", "2"]})]
)
def test_a_default_that_nothing_names_is_kept(client, address, form):
    """What names no policy goes by it: without it, prices and stock would follow settings that nobody chose."""
    ListingTemplate.update(pricing_policy=None, inventory_policy=None).execute()
    browser = client("admin")

    post(browser, f"/admin/policies/{address}/", form)

    shown = browser.get("/admin/policies/").text
    assert "“Default pricing policy” is the default of its type: make another one the default first" in shown
    assert Policy.select().where(Policy.is_default).count() == 5


def test_an_unused_policy_is_deleted(client):
    """With its settings in the history."""
    spare = Policy.create(
        title="Spare",
        type="image",
        settings={"gallery_images": 3},
        created_at=datetime.now(UTC),
        updated_at=datetime.now(UTC),
    )

    post(client("admin"), "/admin/policies/delete/", {"id": str(spare.id)})

    assert Policy.get_or_none(Policy.id == spare.id) is None
    assert HistoryEntry.get(HistoryEntry.action == "policy.delete").before == {"gallery_images": 3}


def test_maps_are_rows_of_two_controls(client):
    """A half-filled row is refused, empty rows are nothing."""
    data = {
        "title": "Orders",
        "carriers-key": ["ups", ""],
        "carriers-value": ["C1", ""],
        "status_map-key": ["X"],
        "status_map-value": [""],
        "platform_discount": "payout",
    }
    browser = client("admin")

    refused = post(browser, "/admin/policies/edit/?id=4", data)
    post(browser, "/admin/policies/edit/?id=4", {**data, "status_map-value": ["processing"]})

    assert "has no partner" in refused.text
    assert Policy.get_by_id(4).settings["carriers"] == {"ups": "C1"}


def test_secrets_are_never_shown(client):
    """Neither an account's nor a store's; an empty field keeps what is stored."""
    Account.update(app_secret="app-secret-value").execute()
    MagentoStore.update(access_token="store-token-value").execute()
    browser = client("admin")

    pages = browser.get("/admin/accounts/edit/?id=1").text + browser.get("/admin/stores/edit/?id=1").text
    post(
        browser,
        "/admin/stores/edit/?id=1",
        {"title": "Luma", "base_url": "https://luma.example/", "auth": "bearer", "store_code": "default"},
    )

    assert "app-secret-value" not in pages
    assert "store-token-value" not in pages
    assert MagentoStore.get().access_token == "store-token-value"
    assert MagentoStore.get().auth == "bearer"


def test_a_new_address_asks_for_the_token_again(client):
    """So that a token never goes to a place that it was not meant for."""
    data = {"title": "Luma", "base_url": "https://elsewhere.example", "auth": "bearer", "store_code": "default"}

    answer = post(client("admin"), "/admin/stores/edit/?id=1", data)

    assert "write the access token again" in answer.text
    assert MagentoStore.get().base_url == "https://luma.example"


def test_an_account_with_orders_is_kept(client):
    """Switched off instead."""
    browser = client("admin")

    post(browser, "/admin/accounts/delete/", {"id": "1"})

    assert "switch it off instead" in browser.get("/admin/history/").text
    assert Account.select().count() == 1


def test_an_attribute_is_mapped(client):
    """Magento attribute, recommended value, values by name; its products get new drafts."""
    Listing.update(stale=False).execute()
    data = {
        "magento_attribute": "color",
        "default_value_id": "2",
        "default_custom": "",
        "value_map-key": ["Baumwolle"],
        "value_map-value": ["1"],
    }

    post(client("operator"), "/admin/attributes/edit/?id=1", data)

    row = TikTokAttribute.get()
    assert (row.magento_attribute, row.default_value_id, row.value_map) == ("color", "2", {"Baumwolle": "1"})
    assert not Listing.select().where(~Listing.stale).exists()


def test_an_attribute_is_mapped_in_every_category(client):
    """Where somebody says so; another category takes of the values those that it lists."""
    first = TikTokAttribute.get()
    now = datetime.now(UTC)
    same = {"account": first.account, "attribute_id": first.attribute_id, "name": first.name, "fetched_at": now}
    other = TikTokAttribute.create(**same, category_id="602", is_customizable=False, values=[["2", "Wool"]])
    form = {
        "magento_attribute": "color", "default_value_id": "1", "default_custom": "Other",
        "value_map-key": ["cotton", "wool"], "value_map-value": ["1", "2"],
    }  # fmt: skip
    browser = client("operator")
    url = f"/admin/attributes/edit/?id={first.id}"

    post(browser, url, form)
    assert "1 other category has this attribute" in browser.get(url).text
    assert TikTokAttribute.get_by_id(other.id).magento_attribute == ""

    post(browser, url, {**form, "everywhere": "y"})
    row = TikTokAttribute.get_by_id(other.id)
    assert (row.magento_attribute, row.default_value_id, row.default_custom) == ("color", "", "")
    assert row.value_map == {"wool": "2"}
    assert TikTokAttribute.get_by_id(first.id).value_map == {"cotton": "1", "wool": "2"}


def test_assigning_attributes_reaches_every_template(client):
    """Categories that were not read yet are read."""
    now = datetime.now(UTC)
    ListingTemplate.create(account=1, name="Bags", category_id="777", created_at=now, updated_at=now)

    answer = post(client("operator"), "/admin/attributes/assign/", follow_redirects=True)

    from connector.store.models import QueueItem

    assert "Assigned to 2 listing templates" in answer.text
    assert QueueItem.get().arguments == {"categories": ["777"]}


TEMPLATE = {
    "account": "1",
    "name": "Men's tops",
    "enabled": "y",
    "category": "Menswear / Tops / Hoodies [601]",
    "query": "",
    "query_priority": "100",
}


def test_a_template_takes_a_leaf_of_its_account(client):
    """By the id at the end of what was chosen; anything else is refused with the way out."""
    browser = client("operator")

    refused = post(browser, "/admin/templates/edit/?id=1", {**TEMPLATE, "category": "Hoodies"})
    post(browser, "/admin/templates/edit/?id=1", {**TEMPLATE, "length": "20", "package_weight": "0.5"})

    assert "Choose a category of the list" in refused.text
    row = ListingTemplate.get()
    assert (row.category_id, row.package_weight, row.dimensions) == ("601", "0.5", {"length": "20"})


RULES = """assign "Bags"
  where price > 1

assign "Men's tops"{account}
  where price > 1
"""


@pytest.mark.parametrize("account", ["", ' on account "Luma US"'])
def test_a_template_that_rules_name_keeps_its_name(client, account):
    """They would no longer find it, and its products would be taken off TikTok Shop; the reason says which rule, and what to do."""
    RuleSetVersion.update(files={"apparel.rules": RULES.format(account=account)}).execute()
    Listing.update(stale=False).execute()

    answer = post(client("operator"), "/admin/templates/edit/?id=1", {**TEMPLATE, "name": "Upper body"})

    assert "The rules assign to “Men&#39;s tops” (apparel.rules, line 4)" in answer.text
    assert "Add a template of the new name" in answer.text
    assert (ListingTemplate.get().name, Listing.select().where(Listing.stale).count()) == ("Men's tops", 0)
    assert post(client("operator"), "/admin/templates/edit/?id=1", TEMPLATE).status_code == 302


@pytest.mark.parametrize("text", ["# nothing\n", RULES.format(account=' on account "Luma UK"')])
def test_a_template_that_no_rule_names_may_be_renamed(client, text):
    """Its query and pins bring its products, under any name; so do rules for another account."""
    RuleSetVersion.update(files={"apparel.rules": text}).execute()

    post(client("operator"), "/admin/templates/edit/?id=1", {**TEMPLATE, "name": "Upper body"})

    assert ListingTemplate.get().name == "Upper body"


def test_a_template_stays_with_its_account(client):
    """Whatever a request says: its category, brand and listings are that account's."""
    other = Account.create(title="Luma UK", store=1, created_at=datetime.now(UTC))

    post(client("operator"), "/admin/templates/edit/?id=1", {**TEMPLATE, "account": str(other.id)})

    assert ListingTemplate.get().account_id == 1
    assert HistoryEntry.select().where(HistoryEntry.action == "template.save").count() == 1


def test_templates_change_policies_and_status_in_bulk(client):
    """“Keep” leaves a template's own; a policy of another type is not taken."""
    browser = client("operator")

    post(
        browser, "/admin/templates/action/", {"action": "edit", "rowid": "1", "image_policy": "2", "pricing_policy": ""}
    )
    post(browser, "/admin/templates/action/", {"action": "status", "rowid": "1", "status": "0"})

    row = ListingTemplate.get()
    assert row.image_policy.type == "image"
    assert not row.enabled


def test_a_template_with_live_products_is_kept(client):
    """Its products would stay on the marketplace without anybody in charge."""
    post(client("operator"), "/admin/templates/action/", {"action": "delete", "rowid": "1"})

    assert ListingTemplate.select().count() == 1


def test_a_query_that_does_not_check_is_not_saved(client):
    """Line and column of the problem stand at the field."""
    answer = post(client("operator"), "/admin/templates/edit/?id=1", {**TEMPLATE, "query": "price >"})

    assert "Line 1, column" in answer.text
    assert ListingTemplate.get().query == "price > 10"


def test_counts_stand_beside_a_template(client):
    """Total, active and inactive products."""
    page = client("viewer").get("/admin/templates/export/json/").json

    assert [(row["Total Products"], row["Active Products"], row["Inactive Products"]) for row in page] == [
        ("45", "15", "30")
    ]


def test_a_view_is_kept_per_user(client):
    """Saved under a name, shown as a pill to its owner only, and forgotten again."""
    mine, other = client("operator"), client("viewer")

    post(mine, "/admin/products/views/", {"name": "Reds", "query": "?search=red"})
    assert "Reds" in mine.get("/admin/products/").text
    assert "Reds" not in other.get("/admin/products/").text
    post(other, "/admin/products/views/drop/", {"id": str(SavedView.get().id)})
    assert SavedView.select().count() == 1
    post(mine, "/admin/products/views/drop/", {"id": str(SavedView.get().id)})

    assert SavedView.select().count() == 0


def test_hidden_columns_are_remembered_on_the_server(client):
    """Known columns only."""
    browser = client("viewer")

    answer = post(browser, "/admin/products/columns/", {"hidden": ["sku", "nonsense"]})

    assert answer.status_code == 204
    assert 'class="col-sku off"' in browser.get("/admin/products/").text
    assert Setting.get(Setting.key.startswith("columns.")).value == ["sku"]


def test_the_wizard_goes_on_where_it_was_left(client):
    """Terms first, then the account."""
    browser = client("admin")
    Account.update(shop_id="").execute()
    assert browser.get("/admin/wizard/").location == "/admin/wizard/registration/"

    refused = post(browser, "/admin/wizard/registration/", {"email": "me@shop.example"})
    post(browser, "/admin/wizard/registration/", {"email": "me@shop.example", "terms": "y"})

    assert "Accept the terms" in refused.text
    assert browser.get("/admin/wizard/").location == "/admin/wizard/account/"
    assert Setting.get(Setting.key == "wizard").value["email"] == "me@shop.example"


def test_an_administrator_adds_and_changes_users(client):
    """The history keeps the old role."""
    browser = client("admin")

    post(
        browser,
        "/admin/users/new/",
        {"email": "New@Example.com", "name": "New", "role": "viewer", "password": "long enough 99"},
    )
    user = User.get(User.email == "new@example.com")
    post(
        browser, f"/admin/users/edit/?id={user.id}", {"name": "New", "role": "operator", "active": "y", "password": ""}
    )

    assert User.get_by_id(user.id).role == "operator"
    entry = HistoryEntry.get(HistoryEntry.action == "user.change")
    assert (entry.before["role"], entry.after["role"]) == ("viewer", "operator")


def test_editor_places_count_as_the_browser_counts():
    """An emoji is two units for JavaScript and one character for Python."""
    text = "# 🧢 caps\nname = 1"
    problem = Problem("a.rules", 2, 8, 9, "name = 1", "Compared with a number.", "")

    (found,) = rule_text.diagnostics(text, [problem])

    assert found["from"] == len("# ") + 2 + len(" caps\n") + 7
    assert found["to"] == found["from"] + 1


@pytest.mark.parametrize(("word", "offered"), [("pri", "price"), ('"Men', '"Men\'s tops"'), ("col", "color")])
def test_completion_knows_fields_words_and_templates(client, word, offered):
    """What begins like the word, at most forty."""
    found = client("viewer").get("/admin/rules/complete", query_string={"q": word}).json

    assert offered in [option["label"] for option in found]


def picture(size: tuple[int, int] = (600, 600), kind: str = "PNG") -> bytes:
    out = io.BytesIO()
    Image.new("RGB", size, "teal").save(out, kind)
    return out.getvalue()


def save_image_policy(browser, body: bytes, address: str = ""):
    row = Policy.get(Policy.type == "image")
    form = {"title": "Pictures", "main_image": "image", "gallery_images": "8", "default_image": address}
    form["default_image-file"] = (io.BytesIO(body), "default.png")
    return post(browser, f"/admin/policies/edit/?id={row.id}", form, content_type="multipart/form-data")


def test_a_default_image_is_uploaded(client):
    """Decoded and encoded anew, kept under its digest, shown in the form, and found by the address that a draft makes of it."""
    browser = client("admin")

    answer = save_image_policy(browser, picture(), "/old.jpg")

    assert answer.status_code == 302, answer.text
    name = Policy.get(Policy.type == "image").settings["default_image"]
    assert re.fullmatch(r"upload:[0-9a-f]{64}\.jpg", name)
    shown = browser.get(f"/admin/pictures/uploads/{name}")
    assert Image.open(io.BytesIO(shown.data)).size == (600, 600)
    assert f"/admin/pictures/uploads/{name}" in browser.get("/admin/policies/edit/?id=1").text
    assert uploads.picture(f"https://luma.example/media/catalog/product/{name}") == shown.data
    assert uploads.picture("https://luma.example/media/catalog/product/a.jpg") is None


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        (b"GIF89a<script>", "at least 300 × 300"),
        (picture((20, 20)), "at least 300 × 300"),
        (b"x" * 2000, "larger than 2 MB"),
    ],
)
def test_an_upload_that_is_no_picture_for_a_shop_is_refused(client, monkeypatch, body, reason):
    """Said at the field, nothing kept."""
    monkeypatch.setattr(fields, "PICTURE_BYTES", 1000)  # 2 MB in a form go through a file of their own

    answer = save_image_policy(client("admin"), body)

    assert reason in answer.text
    assert not Setting.select().where(Setting.key.startswith("picture.")).exists()


def test_an_upload_is_not_for_everybody(app, client):
    """Pictures of the admin need its log-in."""
    save_image_policy(client("admin"), picture())
    name = Policy.get(Policy.type == "image").settings["default_image"]

    assert app.test_client().get(f"/admin/pictures/uploads/{name}").status_code == 404
