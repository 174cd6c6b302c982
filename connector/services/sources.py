"""Sources of a store (MSI): which there are, and which are to be read because an inventory policy chooses among them."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal

import structlog

from connector.domain.product import StockSource
from connector.domain.values import from_json, to_json
from connector.errors import AuthorizationError
from connector.ports import Catalog
from connector.store.database import transaction
from connector.store.models import Account, Listing, MagentoStore, Policy

log = structlog.get_logger(__name__)


def chosen() -> bool:
    """Whether any inventory policy says which sources count."""
    rows = Policy.select(Policy.settings).where(Policy.type == "inventory")
    return any((row.settings or {}).get("sources") for row in rows)


def known(store: MagentoStore) -> tuple[StockSource, ...] | None:
    """The sources that were read last; None before that, or where they may not be read."""
    return None if store.sources is None else tuple(from_json(StockSource, row) for row in store.sources)


def ask(catalog: Catalog, website_code: str) -> list[StockSource] | None:
    """The sources as they are now; None where the integration may not read them.

    Raises:
        AuthorizationError: the store does not know our credentials at all.
    """
    try:
        return catalog.sources(website_code)
    except AuthorizationError as error:
        if not error.code:
            raise
        log.warning("sources_not_permitted", right=error.code)
        return None


def counting(catalog: Catalog, store: MagentoStore) -> list[str] | None:
    """Codes of the sources whose pieces are to be read with the stock: enabled ones that the website sells from.

    None when nobody chooses among sources, or there is nothing to choose from. What changed about the sources is saved
    and asks for new drafts.
    """
    if not chosen():
        return None
    found = ask(catalog, store.website_code)
    save(store, found)
    return [source.code for source in found if source.enabled and source.sells] if found else None


def save(store: MagentoStore, found: list[StockSource] | None) -> None:
    """Keep the sources; listings say anew what counts when they changed."""
    rows = None if found is None else [to_json(source) for source in found]
    if rows == store.sources:
        return
    accounts = Account.select(Account.id).where(Account.store == store.id)
    with transaction():
        MagentoStore.update(sources=rows).where(MagentoStore.id == store.id).execute()
        Listing.update(stale=True).where(Listing.account.in_(accounts)).execute()
    store.sources = rows


def as_text(pieces: Mapping[str, Decimal], codes: list[str]) -> dict[str, str]:
    """Pieces by source as a row keeps them; a source that has none of a product holds 0."""
    return {code: f"{pieces.get(code, Decimal(0)).normalize():f}" for code in codes}
