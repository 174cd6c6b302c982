"""A Magento store: whether it can be reached, and what it tells about itself."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal
from typing import Any

from connector.domain.shop import StoreView
from connector.errors import ConfigurationError, RejectedError, RuleError
from connector.ports import Sales
from connector.services import history, mapping, rulesets, sources
from connector.services.context import Context
from connector.services.store_changes import StoreChanges, compare, settings, values
from connector.store.database import transaction
from connector.store.models import Account, Listing, MagentoStore


def test_connection(ctx: Context, store: MagentoStore) -> str:
    """Asks for the store views; what was found, as a sentence.

    Raises:
        ConfigurationError: credentials are missing, or there is no such store view.
        RemoteError: no answer, or the store refuses.
    """
    view = _view(ctx, store)
    return f"connected. Store view “{view.name}” of website “{view.website_code}”, prices in {view.base_currency}."


def refresh_metadata(ctx: Context, store: MagentoStore, *, actor: str = "schedule") -> StoreChanges:
    """Reads the store view, product attributes, attribute sets, categories and sources; all are saved together or none.

    What changed since the last time is in the history, reaches rules and drafts, and is what it returns.

    Raises: as `test_connection`.
    """
    catalog, now = ctx.remotes.catalog(store), ctx.clock.now()
    view = _view(ctx, store)
    columns = {
        **_columns(view),
        "attributes": catalog.attributes(),
        "attribute_sets": catalog.attribute_sets(),
        "categories": catalog.categories(),
        "metadata_at": now,
    }
    found = sources.ask(catalog, view.website_code)
    before = (rulesets.metadata(store), settings(store)) if store.attributes else None
    for name, value in columns.items():
        setattr(store, name, value)
    with transaction():
        MagentoStore.update(columns).where(MagentoStore.id == store.id).execute()
        sources.save(store, found)
        changes = compare(before[0], rulesets.metadata(store), before[1], settings(store)) if before else StoreChanges()
        if changes:
            _spread(store, changes, now, actor)
    return changes


def _spread(store: MagentoStore, changes: StoreChanges, now: datetime, actor: str) -> None:
    """Note what changed, map new options, and ask for new drafts; rules see by themselves that attributes changed."""
    gone, new = values(changes, "gone"), values(changes, "new")
    history.note(now, actor, "store.changed", "store", store.id, str(changes), before=gone, after=new)
    mapping.follow(store, changes.options, now, actor)
    mapping.note_reasons(store, now, actor)
    try:
        rulesets.active(store, store.base_currency or "USD")
    except RuleError as error:
        text = f"The active rules do not fit the store any more: {error.problems[0]}"
        history.note(now, actor, "rules.unfit", "store", store.id, text)
    accounts = Account.select(Account.id).where(Account.store == store.id)
    Listing.update(stale=True).where(Listing.account.in_(accounts)).execute()


def exchange_rate(sales: Sales, store: MagentoStore, currency: str) -> Decimal:
    """What one unit of the store's base currency is in `currency`.

    Raises:
        ConfigurationError: the store has no rate for it.
    """
    rate = sales.exchange_rate(currency)
    if rate is None:
        raise ConfigurationError(
            f"The store keeps its books in {store.base_currency or 'another currency'} and has no rate to {currency}: "
            f"allow {currency} and set a rate in Magento under Stores > Currency, or use a store view that sells in it."
        )
    return rate


def _view(ctx: Context, store: MagentoStore) -> StoreView:
    """The row's store view. The store refuses every call in a view that it does not have, so its own view is asked then."""
    try:
        views = ctx.remotes.catalog(store).store_views()
    except RejectedError:
        plain = MagentoStore(**{**store.__data__, "store_code": ""})
        views = ctx.remotes.catalog(plain).store_views()
        if any(view.code == store.store_code for view in views):
            raise
    for view in views:
        if view.code == store.store_code:
            return view
    codes = ", ".join(view.code for view in views) or "none"
    raise ConfigurationError(f"The store has no store view “{store.store_code}”. It has: {codes}.")


def _columns(view: StoreView) -> dict[str, Any]:
    return {
        "website_code": view.website_code,
        "website_id": view.website_id,
        "root_category_id": view.root_category_id,
        "base_currency": view.base_currency,
        "timezone": view.timezone,
        "weight_unit": view.weight_unit,
        "base_media_url": view.base_media_url,
    }
