"""What recurring work does: kind of a row of the periodic table → the service that does it."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta

from connector.services import snapshots, work
from connector.services.context import Context
from connector.services.periodic import Handler
from connector.store.models import Account, MagentoStore
from connector.store.vault import DatabaseVault

RENEW_BEFORE = timedelta(minutes=30)
"""An access token is renewed this long before it ends; calls renew it by themselves only at the last moment."""


def sweep(ctx: Context, _none: int) -> str:
    """Send again what lost its message or its worker."""
    sent = work.sweep(ctx)
    return f"{sent} sent again" if sent else ""


def renew_tokens(ctx: Context, account_id: int) -> str:
    """Renew an account's pair that ends soon."""
    account = Account.get_by_id(account_id)
    soon = ctx.clock.now() + RENEW_BEFORE
    if account.access_expires_at is not None and account.access_expires_at > soon:
        return ""
    tokens = DatabaseVault(account_id).renew(ctx.remotes.authorizer(account).refresh, unless_newer_than=soon)
    return f"valid until {tokens.access_expires:%Y-%m-%d %H:%M} UTC"


def read_products(ctx: Context, store_id: int) -> object:
    """Products that changed."""
    return snapshots.sync(ctx, MagentoStore.get_by_id(store_id))


def read_stock(ctx: Context, store_id: int) -> str:
    """What the store can promise now."""
    return f"{snapshots.sync_stock(ctx, MagentoStore.get_by_id(store_id))} changed"


def read_prices(ctx: Context, store_id: int) -> str:
    """Regular prices, which change without a trace in the product."""
    return f"{snapshots.sync_prices(ctx, MagentoStore.get_by_id(store_id))} changed"


HANDLERS: Mapping[str, Handler] = {
    "sweep": sweep,
    "tokens": renew_tokens,
    "products": read_products,
    "stock": read_stock,
    "prices": read_prices,
}
"""Every kind that `services.periodic.rhythms` names, but for those whose service is not installed."""
