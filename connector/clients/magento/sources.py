"""Sources of a store with inventory management (MSI), and what they hold (reference section 4.1)."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal
from typing import Any

from connector.clients.magento.connection import MagentoConnection, criteria, items_of
from connector.clients.magento.oauth import escape
from connector.clients.magento.refusals import RefusedError
from connector.clients.magento.stock import MSI, batches
from connector.domain.product import StockSource
from connector.errors import NotFoundError

_ROWS = 300
"""Source items in one answer: the page size that every store allows (section 8)."""

_CODES = 50
"""Sources in one search, so that a page holds at least six SKUs of each."""

_IN_STOCK = 1


class Sources:
    """Reads the routes below `/inventory` that need the right `Magento_InventoryApi::source`."""

    def __init__(self, connection: MagentoConnection) -> None:
        self._store = connection

    def known(self, website_code: str) -> list[StockSource]:
        """All sources by code, with whether the website's stock takes from them; empty where the store has no MSI."""
        try:
            rows = self._store.pages("/inventory/sources", sort="source_code", key="source_code")
        except NotFoundError:
            if MSI in self._store.get("/modules"):
                raise
            return []
        linked = self._linked(website_code)
        found = [self._source(row, linked) for row in rows]
        return sorted(found, key=lambda source: source.code)

    @staticmethod
    def _source(row: dict[str, Any], linked: frozenset[str]) -> StockSource:
        code = str(row["source_code"])
        return StockSource(code, str(row.get("name") or code), bool(row.get("enabled")), code.casefold() in linked)

    def _linked(self, website_code: str) -> frozenset[str]:
        """Codes of the sources in the stock that the website sells from."""
        try:
            stock = self._store.get(f"/inventory/stock-resolver/website/{escape(website_code)}")
        except NotFoundError:
            return frozenset()  # no stock is linked to the website: it sells from nowhere
        ours = ("stock_id", str(stock["stock_id"]), "eq")
        rows = self._store.pages("/inventory/stock-source-links", sort="source_code", key="source_code", filters=[ours])
        return frozenset(str(row["source_code"]).casefold() for row in rows)

    def quantities(self, skus: Sequence[str], codes: Sequence[str]) -> dict[str, dict[str, Decimal]]:
        """What the source items of these sources hold, by the SKUs and codes asked for; only what is in stock."""
        found: dict[str, dict[str, Decimal]] = {}
        for start in range(0, len(codes), _CODES):
            chunk = codes[start : start + _CODES]
            for batch in batches(skus, most=_ROWS // len(chunk)):
                self._read(batch, chunk, found)
        return found

    def _read(self, skus: Sequence[str], codes: Sequence[str], found: dict[str, dict[str, Decimal]]) -> None:
        """One page, or several where the store's limit for one is smaller: a source has one row at most for a SKU."""
        filters = [("sku", ",".join(skus), _one_of(skus)), ("source_code", ",".join(codes), _one_of(codes))]
        try:
            answer = self._store.get("/inventory/source-items", criteria(filters, size=len(skus) * len(codes)))
        except RefusedError as error:
            most = (error.limit or 0) // len(codes)
            if not 0 < most < len(skus):
                raise
            for part in batches(skus, most):
                self._read(part, codes, found)
            return
        asked = {sku.strip().casefold(): sku for sku in skus}
        named = {code.casefold(): code for code in codes}
        for row in items_of(answer):
            sku = asked.get(str(row["sku"]).strip().casefold())
            code = named.get(str(row["source_code"]).casefold())
            if sku is not None and code is not None and int(row.get("status") or 0) == _IN_STOCK:
                found.setdefault(sku, {})[code] = Decimal(str(row.get("quantity") or 0))


def _one_of(values: Sequence[str]) -> str:
    return "in" if len(values) > 1 else "eq"
