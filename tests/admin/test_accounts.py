"""Accounts, in the setup and in their own form: what is asked for, where it leads, and what saving leaves alone."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import pytest

from connector.services.context import Context
from connector.store.models import Account, RuleSetVersion
from tests.admin.conftest import post
from tests.admin.world import Clock

SANDBOX = "http://127.0.0.1:8787"
REAL = ("https://open-api.tiktokglobalshop.com", "https://auth.tiktok-shops.com", "")
RETURN = "http://localhost/oauth/tiktok/return"
EDIT = "/admin/accounts/edit/?id=1"
WIZARD = "/admin/wizard/account/"

FORM = {
    "title": "Luma US",
    "environment": "production",
    "store": "1",
    "active": "y",
    "app_key": "k",
    "app_secret": "s",
    "service_id": "7",
    "synchronization_policy": "",
    "order_policy": "",
}


def reached(account: Account) -> tuple[str, str, str]:
    return account.api_url, account.auth_url, account.authorize_url


@pytest.mark.parametrize("page", [WIZARD, EDIT, "/admin/accounts/new/"])
def test_the_redirect_url_is_there_to_copy(client, page):
    """Partner Center keeps it; it is never sent, so a merchant has to know it before the first consent."""
    text = client("admin").get(page).text

    assert f'readonly type="text" value="{RETURN}"' in text
    assert RETURN in client("admin").get("/admin/accounts/connect/?id=1").text


def test_a_new_sandbox_account_is_at_its_sandbox(client):
    """One address for everything; addresses that a request brings along are not read."""
    form = {**FORM, "title": "Rehearsal", "country": "GB", "environment": "sandbox", "sandbox": f"{SANDBOX}/"}
    foreign = {"api_url": "http://x.example", "auth_url": "nonsense", "authorize_url": "javascript:alert(1)"}

    post(client("admin"), "/admin/accounts/new/", {**form, **foreign, "redirect_url": "http://x.example"})

    made = Account.get(Account.title == "Rehearsal")
    assert reached(made) == (SANDBOX, SANDBOX, "")
    assert (made.country, made.app_key, made.app_secret, made.service_id) == ("GB", "k", "s", "7")


def test_saving_leads_to_the_list(client):
    """Not back to the form, from where the browser sends it."""
    answer = post(client("admin"), EDIT, FORM, headers={"Referer": f"http://localhost{EDIT}"})

    assert answer.location == "/admin/accounts/"


@pytest.mark.parametrize("address", ["", "nonsense", "javascript:alert(1)", "ftp://127.0.0.1", "http://[", "http://"])
def test_a_sandbox_is_somewhere(client, address):
    """At an address of the web."""
    form = {**FORM, "title": "Rehearsal", "country": "US", "environment": "sandbox", "sandbox": address}

    answer = post(client("admin"), "/admin/accounts/new/", form)

    assert "Write where the sandbox answers" in answer.text
    assert Account.select().count() == 1


@pytest.mark.parametrize(
    ("name", "reason"), [("app_key", "Write the key"), ("app_secret", "Write the secret"), ("service_id", "Write the service id")]
)  # fmt: skip
def test_an_account_without_its_app_is_not_saved(client, name, reason):
    """Without them no seller can consent, and notifications cannot be told from forged ones."""
    form = {**FORM, "title": "Half", "country": "US", name: ""}

    assert reason in post(client("admin"), "/admin/accounts/new/", form).text
    assert Account.select().count() == 1


@pytest.mark.parametrize("left_out", [{"app_secret": ""}, {}])
def test_another_environment_has_its_own_addresses_and_asks_for_the_secret(client, left_out):
    """A sandbox's address does not stay; a secret that the request leaves out is not the stored one written again."""
    Account.update(
        shop_id="", environment="sandbox", api_url=SANDBOX, auth_url=SANDBOX, authorize_url=SANDBOX, app_secret="s"
    ).execute()
    browser, without = client("admin"), {k: v for k, v in FORM.items() if k != "app_secret"}
    assert f'value="{SANDBOX}"' in browser.get(EDIT).text

    assert "write the secret again" in post(browser, EDIT, {**without, **left_out}).text
    assert reached(Account.get()) == (SANDBOX, SANDBOX, SANDBOX)
    post(browser, EDIT, FORM)

    assert (Account.get().environment, reached(Account.get())) == ("production", REAL)


@pytest.mark.parametrize("page", [EDIT, WIZARD])
def test_an_account_stays_in_the_environment_of_its_shop(client, page):
    """Its listings and orders have that shop's numbers, which mean nothing elsewhere."""
    answer = post(client("admin"), page, {**FORM, "environment": "sandbox", "sandbox": SANDBOX})

    assert "The account belongs to Luma: add another account for another environment." in answer.text
    assert reached(Account.get()) == REAL


def test_an_account_that_rules_name_keeps_its_title(client):
    """They would assign to nobody, and what is listed would be taken off TikTok Shop."""
    RuleSetVersion.update(files={"a.rules": 'assign "Men\'s tops" on account "Luma US"\n  where price > 1\n'}).execute()

    answer = post(client("admin"), EDIT, {**FORM, "title": "Luma USA"})

    assert "(a.rules, line 1)" in answer.text
    assert Account.get().title == "Luma US"


class Renewing(Clock):
    """Renews the tokens when it is first asked for the time, which is when the form's row has been read."""

    asked = False

    def now(self) -> datetime:
        if not self.asked:
            self.asked = True
            Account.update(access_token="renewed", refresh_token="renewed too").execute()
        return super().now()


class Consent:
    """Names a consent page."""

    def authorizer(self, _account: Account) -> Any:
        return self

    def authorize_url(self, state: str) -> str:
        return f"{SANDBOX}/open/authorize?state={state}"


@pytest.mark.parametrize("page", [EDIT, WIZARD])
def test_tokens_that_were_renewed_while_a_form_is_saved_stay(app, client, page):
    """The form writes what it shows, and nothing else of the row that it read before."""
    ctx = app.extensions["connector.admin"]
    app.extensions["connector.admin"] = Context(Consent(), Renewing(), ctx.queue)  # type: ignore[arg-type]  # what is called

    answer = post(client("admin"), page, {**FORM, "title": "Luma USA"})

    saved = Account.get()
    assert answer.status_code in {200, 302}
    assert (saved.title, saved.access_token, saved.refresh_token) == ("Luma USA", "renewed", "renewed too")
