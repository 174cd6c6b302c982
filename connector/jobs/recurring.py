"""What recurring work does: kind of a row of the periodic table → the service that does it."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta

from connector.plugins.policies.synchronization import SynchronizationPolicy
from connector.services import (
    assignment,
    endings,
    notices,
    orders,
    periodic,
    policies,
    publishing,
    retention,
    returns,
    shipments,
    snapshots,
    store_orders,
    stores,
    work,
)
from connector.services.context import Context
from connector.services.periodic import Handler
from connector.store.models import Account, MagentoStore
from connector.store.vault import DatabaseVault

RENEW_BEFORE = timedelta(minutes=30)
"""An access token is renewed this long before it ends; calls renew it by themselves only at the last moment."""


DRAFTING = 20.0
"""Seconds that one plan builds drafts for: what a change of policy makes stale by the thousand must not keep stock waiting."""


def sweep(ctx: Context, _none: int) -> str:
    """Send again what lost its message or its worker."""
    sent = work.sweep(ctx)
    return f"{sent} sent again" if sent else ""


def tidy(ctx: Context, _none: int) -> str:
    """Throw away what has been kept for long enough."""
    return retention.tidy(ctx)


def renew_tokens(ctx: Context, account_id: int) -> str:
    """Renew an account's pair that ends soon."""
    account = Account.get_by_id(account_id)
    soon = ctx.clock.now() + RENEW_BEFORE
    if account.access_expires_at is not None and account.access_expires_at > soon:
        return ""
    tokens = DatabaseVault(account_id).renew(ctx.remotes.authorizer(account).refresh, unless_newer_than=soon)
    return f"valid until {tokens.access_expires:%Y-%m-%d %H:%M} UTC"


def read_products(ctx: Context, store_id: int) -> str:
    """Products that changed; the accounts that sell them look at their rules at once."""
    waiting = orders.unserved(store_id)
    read = snapshots.sync(ctx, MagentoStore.get_by_id(store_id))
    orders.hasten(ctx, waiting - orders.unserved(store_id))
    if read.changed or read.gone:
        _look_at_rules(ctx, store_id)
    return str(read)


def read_stock(ctx: Context, store_id: int) -> str:
    """What the store can promise now; rules may read it."""
    waiting = orders.unserved(store_id)
    changed = snapshots.sync_stock(ctx, MagentoStore.get_by_id(store_id))
    orders.hasten(ctx, waiting - orders.unserved(store_id))
    if changed:
        _look_at_rules(ctx, store_id)
    return f"{changed} changed"


def read_prices(ctx: Context, store_id: int) -> str:
    """Regular prices, which change without a trace in the product; rules may read them."""
    changed = snapshots.sync_prices(ctx, MagentoStore.get_by_id(store_id))
    if changed:
        _look_at_rules(ctx, store_id)
    return f"{changed} changed"


def read_store(ctx: Context, store_id: int) -> str:
    """Attributes with their options, categories, sets, sources and settings; what changed reaches rules and drafts."""
    changes = stores.refresh_metadata(ctx, MagentoStore.get_by_id(store_id))
    if changes:
        _look_at_rules(ctx, store_id)
    return str(changes)


def _look_at_rules(ctx: Context, store_id: int) -> None:
    """At rules and drafts, without waiting for their turns: what changed is on its way to the marketplace at once."""
    accounts = Account.select(Account.id).where(Account.store == store_id)
    periodic.hasten([f"{kind}:{account.id}" for account in accounts for kind in ("assign", "plan")], ctx.clock.now())


def assign(ctx: Context, account_id: int) -> str:
    """Templates by the rules, where the account's policy leaves that to them."""
    account = Account.get_by_id(account_id)
    policy = policies.effective("synchronization", account.synchronization_policy)
    if isinstance(policy, SynchronizationPolicy) and not policy.product_assign:
        return "switched off by the synchronization policy"
    if not assignment.due(ctx, account.store):
        return ""
    return str(
        work.ask(ctx, "assign_products", [account_id], actor="schedule", why="products, rules or the day changed")
    )


def plan(ctx: Context, account_id: int) -> str:
    """Drafts of what changed, and the work that follows from them."""
    done = publishing.plan(ctx, Account.get_by_id(account_id), patience=DRAFTING)
    return f"{done.drafted} drafted, {done.upload} to upload, {done.offers} offers, {done.held_back} held back"


def read_status(ctx: Context, account_id: int) -> str:
    """What became of products on the marketplace."""
    return f"{publishing.sync_status(ctx, Account.get_by_id(account_id))} read"


def read_orders(ctx: Context, account_id: int) -> str:
    """Orders, cancellations and returns that changed on the marketplace."""
    return orders.import_window(ctx, Account.get_by_id(account_id))


def settle_returns(ctx: Context, account_id: int) -> str:
    """What cancellations and returns ask of the store, and orders that it made twice. They are read together with the orders."""
    account = Account.get_by_id(account_id)
    seconds = store_orders.look_again(ctx, account)
    told = f"{returns.settle(ctx, account)} settled"
    return f"{told}, {seconds} second store orders" if seconds else told


def look_for_shipments(ctx: Context, account_id: int) -> str:
    """Shipments that were made in the store, and orders that were ended there."""
    account = Account.get_by_id(account_id)
    told = f"{shipments.poll(ctx, account)} queued"
    ended = endings.watch(ctx, account)
    return f"{told}, {ended} store orders ended or open again" if ended else told


HANDLERS: Mapping[str, Handler] = {
    "sweep": sweep,
    "tidy": tidy,
    "notices": notices.send,
    "tokens": renew_tokens,
    "products": read_products,
    "stock": read_stock,
    "prices": read_prices,
    "store": read_store,
    "assign": assign,
    "plan": plan,
    "status": read_status,
    "orders": read_orders,
    "returns": settle_returns,
    "shipments": look_for_shipments,
}
"""Every kind that `services.periodic.rhythms` names."""
