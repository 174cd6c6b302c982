"""What a store can promise and what it asks for it, by SKU (reference sections 3.9 and 4)."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from decimal import Decimal
from typing import Any

import structlog

from connector.clients.magento.connection import MagentoConnection, criteria, items_of
from connector.clients.magento.oauth import escape
from connector.clients.magento.refusals import RefusedError
from connector.domain.product import Salable
from connector.domain.shop import StoreView
from connector.errors import AuthorizationError, NotFoundError, RejectedError, RemoteError

log = structlog.get_logger(__name__)

MSI = "Magento_InventorySalesApi"
_SKUS_PER_SEARCH = 100
_SEARCH_BYTES = 4000
"""Length of an encoded SKU list: web servers take 8 KB of URL by default (section 8)."""
_SKUS_PER_PRICE_CALL = 200
_LOW_PAGE = 100
_ANY_QUANTITY = "99999999"
"""More than a stock item's column holds (12 digits, 4 of them behind the point)."""


class Stock:
    """Salable quantities, from inventory management (MSI) where the store has it, else from its stock items."""

    def __init__(self, connection: MagentoConnection) -> None:
        self._store = connection
        self._items = StockItems(connection)
        self._legacy = False

    def salable(self, website_code: str, skus: Sequence[str]) -> dict[str, Salable]:
        """By the SKUs asked for; absent where the website's stock does not have one."""
        found: dict[str, Salable] = {}
        for batch in batches(skus):
            if not self._legacy:
                try:
                    found.update(self._exported(website_code, batch))
                    continue
                except NotFoundError:
                    if MSI in self._store.get("/modules"):
                        raise
                    self._legacy = True
            found.update((sku, _legacy(item)) for sku, item in self._items.of(batch).items())
        return found

    def _exported(self, website_code: str, batch: Sequence[str]) -> dict[str, Salable]:
        """One page of the export route, which subtracts reservations. Its total counts only the page it gave.

        Where the store's limit for a page is smaller, several pages.
        """
        condition = "in" if len(batch) > 1 else "eq"
        query = criteria([("sku", ",".join(batch), condition)], sort="entity_id", size=len(batch))
        try:
            answer = self._store.get(f"/inventory/export-stock-salable-qty/website/{escape(website_code)}", query)
        except RefusedError as error:
            if not error.limit or error.limit >= len(batch):
                raise
            parts = batches(batch, error.limit)
            return {sku: one for part in parts for sku, one in self._exported(website_code, part).items()}
        rows = _by_sku(items_of(answer), batch)
        found = {sku: Salable(_decimal(row.get("qty")), bool(row.get("is_salable"))) for sku, row in rows.items()}
        doubtful = [sku for sku, stock in found.items() if stock.salable and stock.quantity <= 0]
        return found | {sku: replace(found[sku], unlimited=True) for sku in self._unmanaged(doubtful)}

    def _unmanaged(self, skus: Sequence[str]) -> list[str]:
        """Nothing left and yet salable: either the store does not manage a product's stock, or it takes back orders.

        Only the first is without limit, so the stock item decides; nobody may be promised pieces that are not there.
        """
        try:
            return [sku for sku, item in self._items.of(skus).items() if not item.get("manage_stock")]
        except AuthorizationError as error:
            log.warning("stock_items_not_permitted", skus=len(skus), right=error.code)
            return []


class StockItems:
    """The legacy stock items. Their quantity is the default source's."""

    def __init__(self, connection: MagentoConnection) -> None:
        self._store = connection

    def of(self, skus: Sequence[str]) -> dict[str, dict[str, Any]]:
        """By the SKUs asked for; unknown ones are absent.

        A SKU that has to be encoded may not get through: web servers refuse a slash (Apache's default), and some releases
        cannot check the signature of such a path (section 1.2). Those are looked for in the list of low stock.
        """
        found: dict[str, dict[str, Any]] = {}
        refused = []
        for sku in skus:
            try:
                found[sku] = self._store.get(f"/stockItems/{escape(sku)}")
            except (AuthorizationError, RejectedError) as error:
                if isinstance(error, AuthorizationError) and error.code:
                    raise
                if escape(sku) != sku:
                    refused.append(sku)
                elif not isinstance(error, NotFoundError):
                    raise
        return found | self._listed(refused) if refused else found

    def _listed(self, skus: Sequence[str]) -> dict[str, dict[str, Any]]:
        """Walk the list of low stock with a limit that no quantity reaches, until all of these were seen (section 4.1): lists
        of products do not carry the stock item, and this list has no SKUs."""
        wanted = self._ids(skus)
        found: dict[str, dict[str, Any]] = {}
        page, seen = 1, 0
        while wanted:
            query = [("scopeId", "0"), ("qty", _ANY_QUANTITY), ("currentPage", str(page)), ("pageSize", str(_LOW_PAGE))]
            answer = self._store.get("/stockItems/lowStock/", query)
            rows = items_of(answer)
            for row in rows:
                sku = wanted.pop(int(row["product_id"]), None)
                if sku is not None:
                    found[sku] = row
            page, seen = page + 1, seen + len(rows)
            if not rows or seen >= int(answer.get("total_count") or 0):
                break
        return found

    def _ids(self, skus: Sequence[str]) -> dict[int, str]:
        """Entity id → SKU, by the products' search."""
        found: dict[int, str] = {}
        for batch in batches(skus):
            condition = "in" if len(batch) > 1 else "eq"
            query = criteria([("sku", ",".join(batch), condition)], sort="entity_id", size=len(batch))
            rows = items_of(self._store.get("/products", [*query, ("fields", "items[id,sku],total_count")]))
            found.update((int(row["id"]), sku) for sku, row in _by_sku(rows, batch).items())
        return found


def _legacy(item: Mapping[str, Any]) -> Salable:
    if not item.get("manage_stock"):
        return Salable(Decimal(0), salable=True, unlimited=True)
    quantity = _decimal(item.get("qty")) - _decimal(item.get("min_qty"))
    in_stock = bool(item.get("is_in_stock"))
    return Salable(quantity if in_stock else Decimal(0), salable=in_stock)


class Prices:
    """Regular prices by the bulk route, in the settings' store view."""

    def __init__(self, connection: MagentoConnection, store_views: Callable[[], Sequence[StoreView]]) -> None:
        self._store = connection
        self._store_views = store_views
        self._view: int | None = None
        self._size = _SKUS_PER_PRICE_CALL

    def regular(self, skus: Sequence[str]) -> dict[str, Decimal]:
        """By the SKUs asked for; types without a price of their own are absent.

        A price of the store view itself, which a store with prices by website has, goes before the global one.
        """
        wanted = list(dict.fromkeys(skus))
        found: dict[str, Decimal] = {}
        while wanted:
            batch = wanted[: self._size]
            try:
                rows = self._store.post("/products/base-prices-information", {"skus": batch}, repeatable=True)
            except RemoteError as error:
                if not self._shrink(error, len(batch)):
                    raise
                continue
            wanted = wanted[len(batch) :]
            ours = _by_sku(self._nearest(rows), batch)
            found.update({sku: Decimal(str(row["price"])) for sku, row in ours.items() if row.get("price") is not None})
        return found

    def _nearest(self, rows: Sequence[Mapping[str, Any]]) -> list[Mapping[str, Any]]:
        """Global prices first, then those of our store view, so that the later replace the former."""
        overall = [row for row in rows if not int(row.get("store_id") or 0)]
        if len(overall) == len(rows):
            return overall
        if self._view is None:
            code = self._store.settings.store_code
            views = self._store_views()
            self._view = next((view.id for view in views if view.code == code), 0)
        return overall + [row for row in rows if self._view and int(row.get("store_id") or 0) == self._view]

    def _shrink(self, error: RemoteError, size: int) -> bool:
        """Smaller batches from now on, where the store limits them or one of this size is too much for it."""
        limit = error.limit if isinstance(error, RefusedError) else None
        if limit and limit < size:
            self._size = limit
        elif error.status in {500, 502, 504} and size > 1:
            self._size = size // 2
        else:
            return False
        return True


def batches(skus: Sequence[str], most: int = _SKUS_PER_SEARCH) -> Iterator[list[str]]:
    """SKUs in lists of at most so many that fit into a URL. One with a comma goes alone, because a list is split at
    commas; an empty one is left out."""
    batch: list[str] = []
    length = 0
    for sku in dict.fromkeys(skus):
        size = len(escape(sku)) + 3
        if "," in sku:
            yield [sku]
        elif sku.strip():
            if batch and (len(batch) >= min(most, _SKUS_PER_SEARCH) or length + size > _SEARCH_BYTES):
                yield batch
                batch, length = [], 0
            batch.append(sku)
            length += size
    if batch:
        yield batch


def _decimal(value: object) -> Decimal:
    return Decimal(str(value or 0))


def _by_sku(rows: Sequence[Mapping[str, Any]], asked: Sequence[str]) -> dict[str, Mapping[str, Any]]:
    """Rows under the SKUs as they were asked for: the store compares them without regard to case and answers its own."""
    given = {str(row["sku"]).strip().casefold(): row for row in rows}
    return {sku: given[key] for sku in asked if (key := sku.strip().casefold()) in given}
