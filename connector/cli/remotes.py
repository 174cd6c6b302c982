"""The doctor's look at the remote systems: every store and every account that the database has."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import requests

from connector.cli.finding import Finding
from connector.domain.shop import CONSENT_RETURN
from connector.errors import AuthorizationError, ConnectorError
from connector.settings import Settings

if TYPE_CHECKING:
    from connector.services.context import Context
    from connector.store.models import Account, MagentoStore

LARGEST_SKEW = 60
"""Seconds between two clocks. TikTok Shop refuses signatures that are five minutes off; a minute leaves room to act."""


def look(settings: Settings) -> Iterator[Finding]:
    """One finding for each thing that a store or an account needs. Inactive accounts are left out."""
    from connector.app import create_context
    from connector.store.database import connection
    from connector.store.models import Account, MagentoStore

    ctx = create_context(settings)
    with connection():
        stores = list(MagentoStore.select().order_by(MagentoStore.id))
        accounts = list(Account.select().where(Account.active).order_by(Account.id))
        if not stores:
            yield Finding("remotes", True, "no store is connected yet; the wizard in the admin does it")
        for store in stores:
            yield from _store(ctx, settings, store)
        for account in accounts:
            yield from _account(ctx, settings, account)


def _store(ctx: Context, settings: Settings, store: MagentoStore) -> Iterator[Finding]:
    from connector.services import stores

    check = f"store “{store.title}”"
    reached = _reach(check, store.base_url, settings, "Is the shop up, and the address under Magento Store right?")
    yield reached
    if not reached.ok:
        return
    try:
        yield Finding(check, True, stores.test_connection(ctx, store))
    except AuthorizationError as error:
        advice = "Activate the integration in Magento again (System › Extensions › Integrations), and copy its keys to Magento Store."
        yield Finding(check, False, str(error), advice)
    except ConnectorError as error:
        yield Finding(check, False, str(error), "Correct the store's page in the admin, then run: connector doctor")


def _account(ctx: Context, settings: Settings, account: Account) -> Iterator[Finding]:
    check = f"account “{account.title}”"
    reached = _reach(check, account.api_url, settings, "Check this machine's way to the internet, and proxies.")
    yield reached
    if not reached.ok:
        return
    if not account.connected:
        returns = f" Its app in Partner Center needs the redirect URL {ctx.base_url}{CONSENT_RETURN}"
        yield Finding(check, False, account.problem or "no seller has authorised it yet", AUTHORISE + returns)
        return
    try:
        shops = ctx.remotes.shop(account).shops()
    except AuthorizationError as error:
        yield Finding(check, False, str(error), AUTHORISE)
        return
    except ConnectorError as error:
        yield Finding(check, False, str(error), "Try again in some minutes; then ask TikTok Shop with this text.")
        return
    known = any(shop.id == account.shop_id for shop in shops)
    advice = "" if known else f"The seller withdrew this shop. {AUTHORISE}"
    until = f", until {account.refresh_expires_at:%Y-%m-%d}" if account.refresh_expires_at else ""
    yield Finding(check, known, f"authorised for {account.shop_name or account.shop_id}{until}", advice)
    if known:
        yield _webhooks(ctx, account, check)


AUTHORISE = "In the admin, TikTok Accounts: Authorise again."


def _webhooks(ctx: Context, account: Account, check: str) -> Finding:
    """All that we listen to are registered, at the address of this installation."""
    from connector.services import accounts

    address = accounts.webhook_address(ctx, account)
    if not address:
        return Finding(check, True, "no webhooks, because CONNECTOR_BASE_URL is no https address; all is polled")
    try:
        found = ctx.remotes.shop(account).webhooks()
    except ConnectorError as error:
        return Finding(check, False, f"webhooks cannot be read: {error}", AUTHORISE)
    missing = [event for event in accounts.EVENTS if found.get(event) != address]
    if not missing:
        return Finding(check, True, f"{len(accounts.EVENTS)} webhooks come to {address}")
    text = f"webhooks do not come to {address}: {', '.join(missing)}"
    return Finding(check, False, text, f"{AUTHORISE} That registers them; until then all is polled.")


def _reach(check: str, url: str, settings: Settings, advice: str) -> Finding:
    """It answers whatever it may be, and its clock agrees with ours."""
    host = urlsplit(url).netloc.rpartition("@")[2]
    try:
        answer = requests.get(url, timeout=settings.timeouts, allow_redirects=False, stream=True)
    except requests.RequestException as error:
        return Finding(check, False, f"{host} does not answer ({type(error).__name__})", advice)
    with answer:
        skew = _skew(answer.headers.get("Date", ""))
    if skew is None:
        return Finding(check, True, f"{host} answers")
    if abs(skew) <= LARGEST_SKEW:
        return Finding(check, True, f"{host} answers; its clock agrees")
    side = "behind" if skew > 0 else "ahead"
    text = f"{host} answers; this machine's clock is {abs(skew):.0f} seconds {side}, and signatures are refused for it"
    return Finding(check, False, text, "Set the clock: timedatectl set-ntp true")


def _skew(date: str) -> float | None:
    """Seconds that the other clock is ahead of ours; None when it does not tell."""
    try:
        theirs = parsedate_to_datetime(date)
    except ValueError:
        return None
    return (theirs - datetime.now(UTC)).total_seconds() if theirs.tzinfo else None
