"""What a shopkeeper does in the store, through the store's REST API: prices, stock, shipments."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from decimal import Decimal
from functools import cached_property
from typing import Any

from connector.clients.magento import MagentoCatalog, MagentoConnection, MagentoSales
from connector.clients.magento.connection import criteria, items_of
from connector.clients.magento.oauth import escape
from connector.domain.order import StoreOrder, Track
from connector.errors import NotFoundError

ENABLED = 1
VARIANT_FIELDS = "items[id,sku,type_id,status,extension_attributes[website_ids,configurable_product_links]],total_count"


class Shopkeeper:
    """One store's. What is set is absolute, so that doing it twice changes nothing."""

    def __init__(self, connection: MagentoConnection, website_code: str) -> None:
        self._store = connection
        self._website = website_code
        self.catalog = MagentoCatalog(connection)
        self.sales = MagentoSales(connection)

    def price(self, sku: str) -> Decimal:
        """The product's own price."""
        return Decimal(str(self.catalog.product(sku).data["price"]))

    def set_price(self, sku: str, price: Decimal) -> None:
        """As saving the product in the store's admin does."""
        self._put(f"/products/{escape(sku)}", {"product": {"price": price}}, scope="all")

    def salable(self, sku: str) -> Decimal:
        """Pieces that the store would still sell."""
        return self.salable_of([sku]).get(sku, Decimal(0))

    def salable_of(self, skus: Sequence[str]) -> dict[str, Decimal]:
        """The same of several at once; those without limit are absent."""
        found = self.catalog.salable(self._website, skus)
        return {sku: one.quantity for sku, one in found.items() if not one.unlimited}

    def there(self, skus: Sequence[str]) -> dict[str, Decimal]:
        """Pieces that the store would sell and that its sources hold; those without limit are absent.

        Salable alone is too high for good after an order that was saved directly (reference section 4.3).
        """
        salable = self.salable_of(skus)
        codes = self._sources
        if not codes:
            return salable
        held = self.catalog.source_quantities(list(salable), codes)
        return {sku: min(pieces, sum(held.get(sku, {}).values(), Decimal(0))) for sku, pieces in salable.items()}

    @cached_property
    def _sources(self) -> list[str]:
        """Codes of the sources that the website sells from; none in a store without inventory management."""
        return [one.code for one in self.catalog.sources(self._website) if one.enabled and one.sells]

    def variants(self) -> dict[str, set[str]]:
        """SKU of each configurable → SKUs of its variants that are enabled and in the website."""
        website = next(view.website_id for view in self.catalog.store_views() if view.website_code == self._website)
        pages = self._store.keyset("/products", page_size=300, key="id", fields=VARIANT_FIELDS)
        rows = [(row, row.get("extension_attributes") or {}) for page in pages for row in page]
        sold = {
            int(row["id"]): str(row["sku"])
            for row, more in rows
            if int(row["status"]) == ENABLED and website in {int(one) for one in more.get("website_ids") or ()}
        }
        return {
            str(row["sku"]): {
                sold[link] for link in map(int, more.get("configurable_product_links") or ()) if link in sold
            }
            for row, more in rows
            if row["type_id"] == "configurable"
        }

    def set_stock(self, sku: str, pieces: int) -> None:
        """The quantity of the source that has most; the product's stock item where the store knows no sources."""
        try:
            rows = items_of(self._store.get("/inventory/source-items", criteria([("sku", sku, "eq")], size=50)))
        except NotFoundError:
            rows = []
        if not rows:
            item: dict[str, Any] = self._store.get(f"/stockItems/{escape(sku)}")
            body = {"stockItem": {"qty": pieces, "is_in_stock": pieces > 0}}
            self._put(f"/products/{escape(sku)}/stockItems/{item['item_id']}", body)
            return
        most = max(rows, key=lambda row: Decimal(str(row["quantity"])))
        changed = {"sku": sku, "source_code": most["source_code"], "quantity": pieces, "status": int(pieces > 0)}
        self._store.post("/inventory/source-items", {"sourceItems": [changed]}, repeatable=True)

    def order(self, entity_id: int) -> StoreOrder:
        """The store order as it is now."""
        return self.sales.order(entity_id)

    def left_to_ship(self, entity_id: int) -> dict[int, int]:
        """Order item id → pieces that no shipment has yet."""
        left = {
            item.item_id: int(item.qty_ordered - item.qty_shipped - item.qty_canceled - item.qty_refunded)
            for item in self.order(entity_id).items
        }
        return {item: pieces for item, pieces in left.items() if pieces > 0}

    def ship(self, entity_id: int, items: Mapping[int, int], number: str) -> None:
        """One parcel with a tracking number."""
        self.sales.ship(entity_id, items, tracks=[Track(number, "United Parcel Service", "ups")])

    def parcels(self, entity_id: int) -> int:
        """Shipments that the order has."""
        return len(self.sales.shipments([entity_id]))

    def _put(self, path: str, body: dict[str, Any], *, scope: str | None = None) -> None:
        self._store.request("PUT", path, body=body, scope=scope, repeatable=True)
