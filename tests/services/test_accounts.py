"""Connecting an account to the sandbox's shop, over HTTP."""

from __future__ import annotations

from datetime import timedelta

import pytest

from connector.domain.shop import Shop
from connector.errors import AuthorizationError, ConfigurationError, RemoteError
from connector.services import accounts
from connector.services.drafting import STRICT_SKU
from connector.store.database import database
from connector.store.models import Account, HistoryEntry, OAuthState
from connector.store.vault import DatabaseVault
from tests.clients.rehearsal import Control
from tests.services import live

pytestmark = pytest.mark.usefixtures("installation")


@pytest.fixture(autouse=True)
def _no_faults_left(control: Control) -> object:
    yield
    control.clear_faults()


def connect(account: Account, **more: str) -> Account:
    ctx = live.context(**more)
    state, code = live.consent(accounts.start_authorization(ctx, account, "browser"))
    return accounts.finish_authorization(ctx, state, code, "browser")


def test_a_consent_connects_the_account_to_its_shop(control: Control) -> None:
    account = connect(live.add_account(control))
    assert account.connected
    assert (account.region, account.currency) == ("US", "USD")
    assert account.shop_name
    assert account.shop_cipher
    assert account.granted_scopes
    assert DatabaseVault(account.id).load().refresh_token == account.refresh_token
    (entry,) = HistoryEntry.select()
    assert entry.action == "account.connect"
    assert "no webhooks" in entry.message


def test_tokens_are_not_readable_in_the_database(control: Control) -> None:
    account = connect(live.add_account(control))
    stored = database.execute_sql("SELECT access_token, refresh_token, shop_cipher FROM account").fetchone()
    assert not {account.access_token, account.refresh_token, account.shop_cipher} & set(stored)


def test_a_state_is_kept_as_a_digest_and_works_once(control: Control) -> None:
    ctx, account = live.context(), live.add_account(control)
    state, code = live.consent(accounts.start_authorization(ctx, account, "browser"))
    assert OAuthState.get().digest != state
    accounts.finish_authorization(ctx, state, code, "browser")
    with pytest.raises(accounts.ConsentError, match="used before"):
        accounts.finish_authorization(ctx, state, code, "browser")


def test_a_state_is_refused_in_another_browser_and_used_up(control: Control) -> None:
    ctx, account = live.context(), live.add_account(control)
    state, code = live.consent(accounts.start_authorization(ctx, account, "browser"))
    with pytest.raises(accounts.ConsentError, match="another browser"):
        accounts.finish_authorization(ctx, state, code, "someone else")
    assert not OAuthState.select().exists()
    assert not Account.get_by_id(account.id).refresh_token


def test_a_state_is_refused_after_half_an_hour(control: Control) -> None:
    account = live.add_account(control)
    state, code = live.consent(accounts.start_authorization(live.context(), account, "browser"))
    late = live.context(clock=live.Clock(timedelta(minutes=31)))
    with pytest.raises(accounts.ConsentError, match="half an hour"):
        accounts.finish_authorization(late, state, code, "browser")


def test_what_was_saved_stays_when_the_shops_cannot_be_read(control: Control) -> None:
    account = connect(live.add_account(control))
    ctx = live.context()
    state, code = live.consent(accounts.start_authorization(ctx, account, "browser"))
    Account.update(shop_id="7000000000000000001").where(Account.id == account.id).execute()
    with pytest.raises(ConfigurationError, match="another account"):
        accounts.finish_authorization(ctx, state, code, "browser")
    assert Account.get_by_id(account.id).refresh_token == account.refresh_token


def test_a_missing_service_id_leaves_no_state(control: Control) -> None:
    with pytest.raises(ConfigurationError, match="service id"):
        accounts.start_authorization(live.context(), live.add_account(control, service_id=""), "browser")
    assert not OAuthState.select().exists()


def test_webhooks_are_registered_at_an_https_address(control: Control) -> None:
    connect(live.add_account(control), base_url="https://connector.example.com/")
    assert f"{len(accounts.EVENTS)} webhooks registered" in HistoryEntry.get().message


def test_refused_webhooks_do_not_undo_the_connection(control: Control) -> None:
    control.fault("tiktok", "/event/202309/webhooks", "error_code", code=105005)
    account = connect(live.add_account(control), base_url="https://connector.example.com")
    assert account.connected
    assert "webhooks were refused at ORDER_STATUS_CHANGE" in HistoryEntry.get().message


def test_disconnecting_forgets_the_tokens_and_remembers_the_shop(control: Control) -> None:
    account = connect(live.add_account(control))
    gone = accounts.disconnect(live.context(), account, actor="admin@example.com")
    assert (gone.access_token, gone.refresh_token, gone.shop_cipher, gone.connected) == ("", "", "", False)
    assert gone.shop_id == account.shop_id
    with pytest.raises(AuthorizationError, match="US shop is not connected"):
        DatabaseVault(account.id).load()
    again = connect(gone)
    assert (again.connected, again.problem) == (True, "")


def test_a_code_that_the_marketplace_refuses_connects_nothing(control: Control) -> None:
    ctx, account = live.context(), live.add_account(control)
    state, _ = live.consent(accounts.start_authorization(ctx, account, "browser"))
    with pytest.raises(RemoteError):
        accounts.finish_authorization(ctx, state, "wrong", "browser")
    assert not Account.get_by_id(account.id).connected


def shop(number: str, region: str) -> Shop:
    return Shop(number, f"Shop {number}", region, "cipher")


def test_the_shop_of_the_country_is_chosen_or_the_only_one() -> None:
    german, british = shop("1", "DE"), shop("2", "GB")
    assert accounts.choose_shop(Account(title="a", country="GB"), [german, british]) == british
    assert accounts.choose_shop(Account(title="a", country="US"), [german]) == german
    assert accounts.choose_shop(Account(title="a", country="GB", shop_id="1"), [german, british]) == german


@pytest.mark.parametrize("region", sorted({*STRICT_SKU, *accounts.REGIONS, "UK"}))
def test_a_shop_of_every_region_sells_in_its_currency(region: str) -> None:
    columns = accounts._shop_columns(Account(title="a", country="US"), shop("1", region))
    other = {"GB": "GBP", "UK": "GBP", "US": "USD", "PL": "PLN", "CZ": "CZK", "HU": "HUF", "JP": "JPY", "BR": "BRL"}
    europe = dict.fromkeys(STRICT_SKU - set(other) | {"IE"}, "EUR")
    asia = {"ID": "IDR", "MY": "MYR", "PH": "PHP", "SG": "SGD", "TH": "THB", "VN": "VND", "MX": "MXN"}
    assert columns["currency"] == {**other, **europe, **asia}[region]


def test_a_shop_of_a_region_that_nobody_knows_is_refused_and_nothing_is_kept(
    control: Control, monkeypatch: pytest.MonkeyPatch
) -> None:
    account = live.add_account(control)
    monkeypatch.delitem(accounts.REGIONS, "US")
    with pytest.raises(ConfigurationError, match="a shop of the region US, whose currency is not known here"):
        connect(account)
    kept = Account.get_by_id(account.id)
    assert (kept.connected, kept.access_token, kept.connected_at) == (False, "", None)


def test_a_shop_is_never_guessed() -> None:
    account = Account(title="a", country="US")
    with pytest.raises(ConfigurationError, match="no shop"):
        accounts.choose_shop(account, [])
    with pytest.raises(ConfigurationError, match="Several shops"):
        accounts.choose_shop(account, [shop("1", "DE"), shop("2", "GB")])
