"""The store's products, read only: `connector.ports.Catalog` (reference sections 2–4)."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from decimal import Decimal
from typing import Any
from urllib.parse import urlsplit

from connector.clients.magento.connection import Filter, MagentoConnection, criteria, items_of
from connector.clients.magento.media import Media
from connector.clients.magento.oauth import escape
from connector.clients.magento.sources import Sources
from connector.clients.magento.stock import Prices, Stock
from connector.domain.product import ProductSnapshot, Salable, StockSource
from connector.domain.shop import StoreView
from connector.errors import AuthorizationError, NotFoundError, RejectedError

ADMIN = "all"
"""The scope of admin labels and default values (section 2)."""

_ROOT_CATEGORY = "1"
_ID_BATCH = 100


class MagentoCatalog:
    """Reads products, categories, attributes, stock and prices. Names and values are those of the settings' store view."""

    def __init__(self, connection: MagentoConnection) -> None:
        self._store = connection
        self._stock = Stock(connection)
        self._sources = Sources(connection)
        self._prices = Prices(connection, self.store_views)
        self._media = Media(connection, self.store_views)

    def store_views(self) -> list[StoreView]:
        """All store views but the admin one, with their website, root category and configuration."""
        websites = {int(site["id"]): site for site in self._store.get("/store/websites")}
        groups = {int(group["id"]): group for group in self._store.get("/store/storeGroups")}
        configs = {int(config["id"]): config for config in self._store.get("/store/storeConfigs")}
        views = []
        for view in self._store.get("/store/storeViews"):
            number = int(view["id"])
            if number and number in configs:
                group = groups.get(int(view.get("store_group_id") or 0), {})
                views.append(self._view(view, configs[number], websites[int(view["website_id"])], group))
        return sorted(views, key=lambda view: view.id)

    def _view(
        self, view: dict[str, Any], config: dict[str, Any], website: dict[str, Any], group: dict[str, Any]
    ) -> StoreView:
        secure = urlsplit(self._store.settings.base_url).scheme == "https"
        media = (config.get("secure_base_media_url") if secure else None) or config.get("base_media_url") or ""
        return StoreView(
            id=int(view["id"]),
            code=str(view["code"]),
            name=str(view.get("name") or view["code"]),
            website_id=int(view["website_id"]),
            website_code=str(website["code"]),
            root_category_id=int(group.get("root_category_id") or 0),
            base_currency=str(config.get("base_currency_code") or ""),
            locale=str(config.get("locale") or ""),
            timezone=str(config.get("timezone") or "UTC"),
            weight_unit=str(config.get("weight_unit") or "lbs"),
            base_media_url=str(media),
        )

    def attributes(self) -> list[dict[str, Any]]:
        """Every product attribute, unchanged, with options and admin labels."""
        return self._store.pages("/products/attributes", sort="attribute_code", key="attribute_code", scope=ADMIN)

    def attribute_sets(self) -> list[dict[str, Any]]:
        """Product attribute sets, unchanged."""
        return self._store.pages(
            "/products/attribute-sets/sets/list", sort="attribute_set_id", key="attribute_set_id", scope=ADMIN
        )

    def categories(self) -> dict[str, Any]:
        """The tree from the invisible root (id 1) down; names of the store view. Without the argument the store would
        begin at its own root category."""
        tree: dict[str, Any] = self._store.get("/categories", [("rootCategoryId", _ROOT_CATEGORY)])
        return tree

    def products(
        self, *, after: int = 0, updated_from: str = "", updated_to: str = "", page_size: int = 100
    ) -> Iterator[list[ProductSnapshot]]:
        """Pages in ascending id; both ends of the window are included."""
        filters: list[Filter] = []
        if updated_from:
            filters.append(("updated_at", updated_from, "gteq"))
        if updated_to:
            filters.append(("updated_at", updated_to, "lteq"))
        pages = self._store.keyset("/products", after=after, filters=filters, page_size=page_size, key="id")
        for rows in pages:
            yield [ProductSnapshot(row) for row in rows]

    def product_ids(self) -> Iterator[list[tuple[int, str]]]:
        """Pages of (entity id, SKU) of every product."""
        for rows in self._store.keyset("/products", page_size=300, key="id", fields="items[id,sku],total_count"):
            yield [(int(row["id"]), str(row["sku"])) for row in rows]

    def product(self, sku: str) -> ProductSnapshot:
        """One product. SKUs are compared as the store does: without regard to case.

        Where the web server does not let an encoded slash through (Apache's default), or the store cannot check the
        signature of such a path, the product is searched instead (section 1.2).
        """
        try:
            return ProductSnapshot(self._store.get(f"/products/{escape(sku)}"))
        except (AuthorizationError, RejectedError) as error:
            if escape(sku) == sku or (isinstance(error, AuthorizationError) and error.code):
                raise
            found = items_of(self._store.get("/products", criteria([("sku", sku, "eq")], sort="entity_id", size=2)))
            if not found:
                raise NotFoundError(f"The store has no product {sku}.", system="magento", status=404) from error
            return ProductSnapshot(found[0])

    def products_by_id(self, ids: Sequence[int]) -> list[ProductSnapshot]:
        """The products with these ids that exist, each once."""
        wanted = sorted(set(ids))
        found: list[ProductSnapshot] = []
        for start in range(0, len(wanted), _ID_BATCH):
            batch = wanted[start : start + _ID_BATCH]
            chosen: Filter = ("entity_id", ",".join(map(str, batch)), "in")
            for rows in self._store.keyset("/products", filters=[chosen], page_size=len(batch), key="id"):
                found += [ProductSnapshot(row) for row in rows]
        return found

    def salable(self, website_code: str, skus: Sequence[str]) -> dict[str, Salable]:
        """Salable quantity by the SKUs asked for; those that the website's stock does not have are absent."""
        return self._stock.salable(website_code, skus)

    def sources(self, website_code: str) -> list[StockSource]:
        """Every source by code; empty for a store without inventory management (MSI)."""
        return self._sources.known(website_code)

    def source_quantities(self, skus: Sequence[str], codes: Sequence[str]) -> dict[str, dict[str, Decimal]]:
        """Pieces by the SKUs and sources asked for; what is not in stock is absent."""
        return self._sources.quantities(skus, codes)

    def prices(self, skus: Sequence[str]) -> dict[str, Decimal]:
        """Regular price by the SKUs asked for, as the store view has it."""
        return self._prices.regular(skus)

    def image(self, file: str) -> bytes:
        """The picture's bytes, at most 10 MB; whether they are a picture is the caller's to find out."""
        return self._media.read(file)
