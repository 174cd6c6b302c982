"""A Magento store: whether it can be reached, and what it tells about itself."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from connector.domain.shop import StoreView
from connector.errors import ConfigurationError, RejectedError
from connector.ports import Sales
from connector.services.context import Context
from connector.store.database import transaction
from connector.store.models import MagentoStore


def test_connection(ctx: Context, store: MagentoStore) -> str:
    """Asks for the store views; what was found, as a sentence.

    Raises:
        ConfigurationError: credentials are missing, or there is no such store view.
        RemoteError: no answer, or the store refuses.
    """
    view = _view(ctx, store)
    return f"connected. Store view “{view.name}” of website “{view.website_code}”, prices in {view.base_currency}."


def refresh_metadata(ctx: Context, store: MagentoStore) -> None:
    """Reads the store view, product attributes, attribute sets and categories; all are saved together or none.

    Raises: as `test_connection`.
    """
    catalog = ctx.remotes.catalog(store)
    changes = {
        **_columns(_view(ctx, store)),
        "attributes": catalog.attributes(),
        "attribute_sets": catalog.attribute_sets(),
        "categories": catalog.categories(),
        "metadata_at": ctx.clock.now(),
    }
    with transaction():
        MagentoStore.update(changes).where(MagentoStore.id == store.id).execute()
    for name, value in changes.items():
        setattr(store, name, value)


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
