"""Connecting an account to its shop, and disconnecting it. Reference section 1.

The consent's `state` is random, works once, for half an hour, and only in the browser session that asked for it.
"""

from __future__ import annotations

import hashlib
import hmac
import secrets
from collections.abc import Sequence
from datetime import timedelta
from typing import Any

from connector.domain.shop import Shop
from connector.errors import ConfigurationError, ConnectorError, RemoteError
from connector.services import history
from connector.services.context import Context
from connector.store.database import transaction
from connector.store.models import Account, OAuthState
from connector.store.vault import save_tokens

STATE_LIFE = timedelta(minutes=30)
"""As long as the marketplace's own code lives (reference section 1.1)."""

REGIONS = {
    "US": ("United States", "USD"), "GB": ("United Kingdom", "GBP"), "DE": ("Germany", "EUR"), "FR": ("France", "EUR"),
    "ES": ("Spain", "EUR"), "IT": ("Italy", "EUR"), "IE": ("Ireland", "EUR"), "AT": ("Austria", "EUR"),
    "BE": ("Belgium", "EUR"), "GR": ("Greece", "EUR"), "NL": ("Netherlands", "EUR"), "PT": ("Portugal", "EUR"),
    "CZ": ("Czechia", "CZK"), "HU": ("Hungary", "HUF"), "PL": ("Poland", "PLN"), "MX": ("Mexico", "MXN"),
    "BR": ("Brazil", "BRL"), "ID": ("Indonesia", "IDR"), "MY": ("Malaysia", "MYR"), "PH": ("Philippines", "PHP"),
    "SG": ("Singapore", "SGD"), "TH": ("Thailand", "THB"), "VN": ("Vietnam", "VND"), "JP": ("Japan", "JPY"),
}  # fmt: skip
"""Where shops are: a region's name, and the ISO 4217 code of what its shops sell in (reference section 4.3)."""

EVENTS = (
    "ORDER_STATUS_CHANGE",
    "RECIPIENT_ADDRESS_UPDATE",
    "PACKAGE_UPDATE",
    "CANCELLATION_STATUS_CHANGE",
    "RETURN_STATUS_CHANGE",
    "PRODUCT_STATUS_CHANGE",
    "PRODUCT_AUDIT_STATUS_CHANGE",
    "PRODUCT_INFORMATION_CHANGE",
    "SELLER_DEAUTHORIZATION",
    "UPCOMING_AUTHORIZATION_EXPIRATION",
)
"""Webhooks that make something quicker than polling; nothing depends on their arrival."""

TOKEN_COLUMNS = ("access_token", "access_expires_at", "refresh_token", "refresh_expires_at", "seller_name")


class ConsentError(ConnectorError):
    """A consent that cannot be used: unknown, used, too old, or of another browser. Start it again."""


def start_authorization(ctx: Context, account: Account, session_token: str) -> str:
    """Where the seller's browser is sent; `session_token` is a secret of that browser's session.

    Raises:
        ConfigurationError: the app's key, secret or service id is missing.
    """
    now, state = ctx.clock.now(), secrets.token_urlsafe(32)
    url = ctx.remotes.authorizer(account).authorize_url(state)
    with transaction():
        OAuthState.delete().where(OAuthState.created_at < now - STATE_LIFE).execute()  # type: ignore[misc]  # peewee's stubs know delete() of rows only
        OAuthState.create(
            digest=_digest(state), account=account.id, session_digest=_digest(session_token), created_at=now
        )
    return url


def finish_authorization(
    ctx: Context, state: str, code: str, session_token: str, *, actor: str = "authorisation"
) -> Account:
    """Exchanges the code, finds the shop and saves both; the account as it is then.

    Raises:
        ConsentError: `state` is unknown, used, too old or of another browser session.
        ConfigurationError: none of the seller's shops is the account's, or nobody knows what it sells in. What was
            saved before is kept.
        RemoteError: the marketplace did not answer as it should; as above.
    """
    account, asked_at = _account_of(ctx, state, session_token), ctx.clock.now()
    tokens = ctx.remotes.authorizer(account).exchange(code)
    before = {name: getattr(account, name) for name in (*TOKEN_COLUMNS, "granted_scopes", "problem")}
    save_tokens(account.id, tokens)
    try:
        account = Account.get_by_id(account.id)
        shop = choose_shop(account, ctx.remotes.shop(account).shops())
        columns = _shop_columns(account, shop)
    except Exception:
        _save(account.id, before)
        raise
    _save(account.id, {**columns, "connected_at": asked_at})
    account = Account.get_by_id(account.id)
    note = f"connected to {shop.name} ({shop.region}){_register_webhooks(ctx, account)}"
    history.note(ctx.clock.now(), actor, "account.connect", "account", account.id, note)
    return account


def choose_shop(account: Account, shops: Sequence[Shop]) -> Shop:
    """The shop that the account had, else the one of its country, else the only one.

    Raises:
        ConfigurationError: none fits, or several do.
    """
    if account.shop_id:
        known = [shop for shop in shops if shop.id == account.shop_id]
        if not known:
            raise ConfigurationError(
                f"{account.title} belongs to the shop {account.shop_name or account.shop_id}, which this seller has not "
                "authorised. Log in as its seller, or add another account for the other shop."
            )
        return known[0]
    local = [shop for shop in shops if _region(shop.region) == _region(account.country)]
    fitting = local or list(shops)
    if len(fitting) == 1:
        return fitting[0]
    if not shops:
        raise ConfigurationError("The seller has authorised no shop. Choose one on TikTok Shop's consent page.")
    names = ", ".join(f"{shop.name} ({shop.region})" for shop in shops)
    raise ConfigurationError(f"Several shops could be meant: {names}. Authorise only the one of {account.title}.")


def disconnect(ctx: Context, account: Account, *, actor: str, reason: str = "") -> Account:
    """Forgets the tokens; which shop it was stays known, so that only the same one is connected again."""
    text = reason or "Disconnected: authorise the account again to go on."
    empty = {"access_token": "", "access_expires_at": None, "refresh_token": "", "refresh_expires_at": None}
    with transaction():
        _save(account.id, {**empty, "shop_cipher": "", "granted_scopes": [], "problem": text})
        history.note(ctx.clock.now(), actor, "account.disconnect", "account", account.id, text)
    found: Account = Account.get_by_id(account.id)
    return found


def webhook_address(ctx: Context, account: Account) -> str:
    """Where the marketplace sends what happens; empty when this installation has no public https address."""
    if not ctx.base_url.startswith("https://"):
        return ""
    return f"{ctx.base_url.rstrip('/')}/webhooks/tiktok/{account.id}"


def _account_of(ctx: Context, state: str, session_token: str) -> Account:
    """The account of a state, which is used up by this."""
    again = "Start the authorisation again from the account's page."
    with transaction():
        row = OAuthState.get_or_none(OAuthState.digest == _digest(state))
        taken = OAuthState.delete().where(OAuthState.digest == _digest(state)).execute()  # type: ignore[misc]  # peewee's stubs know delete() of rows only
    if row is None or not taken:
        raise ConsentError(f"This consent is unknown or was used before. {again}")
    if not hmac.compare_digest(row.session_digest, _digest(session_token)):
        raise ConsentError(f"This consent was started in another browser session. {again}")
    if row.created_at < ctx.clock.now() - STATE_LIFE:
        raise ConsentError(f"This consent took longer than half an hour. {again}")
    account: Account = Account.get_by_id(row.account_id)
    return account


def _shop_columns(account: Account, shop: Shop) -> dict[str, Any]:
    """What is kept of a shop.

    Raises:
        ConfigurationError: the currency of its region is not known.
    """
    region = _region(shop.region or account.country)
    if region not in REGIONS:
        raise ConfigurationError(
            f"{shop.name} is a shop of the region {region}, whose currency is not known here, so its prices cannot be "
            f"right. Authorise a shop of one of these: {', '.join(sorted(REGIONS))}."
        )
    return {
        "shop_id": shop.id,
        "shop_name": shop.name,
        "shop_cipher": shop.cipher,
        "region": region,
        "currency": REGIONS[region][1],
    }


def _register_webhooks(ctx: Context, account: Account) -> str:
    """What the history says of it. A shop that refuses is still connected: everything is polled as well."""
    address = webhook_address(ctx, account)
    if not address:
        return "; no webhooks, because this installation has no https address"
    shop = ctx.remotes.shop(account)
    for event in EVENTS:
        try:
            shop.set_webhook(event, address)
        except RemoteError as error:
            return f"; webhooks were refused at {event}: {error}"
    return f"; {len(EVENTS)} webhooks registered"


def _region(code: str) -> str:
    return "GB" if code == "UK" else code


def _save(account_id: int, changes: dict[str, Any]) -> None:
    with transaction():
        Account.update(changes).where(Account.id == account_id).execute()


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()
