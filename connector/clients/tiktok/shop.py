"""One TikTok Shop: `connector.ports.Marketplace`. What is read here; what is sold in `products`, orders in `orders`."""

from __future__ import annotations

from itertools import chain, islice
from typing import Any

from connector.clients.http import HttpClient
from connector.clients.tiktok import endpoints, parse_products
from connector.clients.tiktok.auth import TikTokAuthorizer
from connector.clients.tiktok.orders import OrderCalls
from connector.clients.tiktok.products import ProductCalls
from connector.clients.tiktok.settings import TikTokSettings
from connector.clients.tiktok.throttle import Scripts, Throttle
from connector.clients.tiktok.transport import TikTokTransport
from connector.domain.shop import Brand, Category, CategoryAttribute, CategoryRules, ShippingProvider, Shop, Warehouse
from connector.errors import RejectedError
from connector.ports import Clock, TokenRefresh, TokenVault


class TikTokShop(ProductCalls, OrderCalls):
    """Speaks to one shop in the name of one seller.

    Args:
        settings: app and shop; without a cipher only `shops` and `upload_image` can be called.
        vault: the seller's tokens.
        clock: the time that requests are signed with.
        redis: shares the throttle between processes when given.
        refresh: the token host's refresh, by default that of `settings`.
        http, throttle: the connections and the pace of the shop's calls, by default its own.
    """

    def __init__(
        self,
        settings: TikTokSettings,
        vault: TokenVault,
        clock: Clock,
        *,
        redis: Scripts | None = None,
        refresh: TokenRefresh | None = None,
        http: HttpClient | None = None,
        throttle: Throttle | None = None,
    ) -> None:
        super().__init__(
            TikTokTransport(
                settings,
                vault,
                refresh or TikTokAuthorizer(settings).refresh,
                clock,
                throttle or Throttle(settings.bucket, ceiling=settings.max_rate, redis=redis),
                http,
            )
        )

    def shops(self) -> list[Shop]:
        """Every shop that the seller has authorised."""
        return [parse_products.shop(row) for row in self._api.call(endpoints.SHOPS).get("shops") or ()]

    def warehouses(self) -> list[Warehouse]:
        """Warehouses of every kind and state."""
        return [parse_products.warehouse(row) for row in self._api.call(endpoints.WAREHOUSES).get("warehouses") or ()]

    def shipping_providers(self, warehouse_id: str) -> list[ShippingProvider]:
        """Carriers of the delivery options that the seller ships by; the marketplace refuses to list them for its own."""
        options = self._api.call(endpoints.DELIVERY_OPTIONS, ids={"warehouse_id": warehouse_id})
        found: list[ShippingProvider] = []
        for option in options.get("delivery_options") or ():
            number = str(option["id"])
            try:
                data = self._api.call(endpoints.SHIPPING_PROVIDERS, ids={"delivery_option_id": number})
            except RejectedError:  # the platform ships this option
                continue
            rows = data.get("shipping_providers") or ()
            found += [ShippingProvider(str(row["id"]), str(row.get("name") or ""), number) for row in rows]
        return found

    def categories(self) -> list[Category]:
        """The whole tree, flat."""
        data = self._api.call(endpoints.CATEGORIES, query=self._tree())
        return [parse_products.category(row) for row in data.get("categories") or ()]

    def recommend_category(self, title: str, description: str = "") -> str:
        """Leaf category id for a title; empty when the marketplace proposes none."""
        body: dict[str, Any] = {"product_title": title, **self._tree()}
        if description:
            body["description"] = description
        data = self._api.call(endpoints.RECOMMEND_CATEGORY, body=body)
        return str(data.get("leaf_category_id") or "")

    def category_attributes(self, category_id: str) -> list[CategoryAttribute]:
        """Properties and sales attributes of a leaf."""
        data = self._api.call(endpoints.CATEGORY_ATTRIBUTES, ids={"category_id": category_id}, query=self._tree())
        return [parse_products.category_attribute(row) for row in data.get("attributes") or ()]

    def category_rules(self, category_id: str) -> CategoryRules:
        """What a leaf asks for besides attributes."""
        data = self._api.call(endpoints.CATEGORY_RULES, ids={"category_id": category_id}, query=self._tree())
        return parse_products.category_rules(data)

    def brands(self, name: str, category_id: str = "", most: int = 1_000) -> list[Brand]:
        """The first brands whose name starts with `name`; `usable` also means in this category."""
        version = self._api.settings.category_version
        size = min(most, 100)  # the most that a page holds (section 4.1)
        query: dict[str, str | int] = {"page_size": size, "brand_name": name, "category_version": version}
        if category_id:
            query["category_id"] = category_id
        pages = self._api.pages(endpoints.BRANDS, "brands", query=query)
        return [parse_products.brand(row) for row in islice(chain.from_iterable(pages), most)]

    def webhooks(self) -> dict[str, str]:
        """Address by event type, of those that are registered for this shop."""
        rows = self._api.call(endpoints.LIST_WEBHOOKS).get("webhooks") or ()
        return {str(row["event_type"]): str(row.get("address") or "") for row in rows}

    def set_webhook(self, event_type: str, address: str) -> None:
        """Where events of a type are sent; one address a type and shop."""
        self._api.call(endpoints.WEBHOOKS, body={"event_type": event_type, "address": address})

    def _tree(self) -> dict[str, str]:
        settings = self._api.settings
        return {
            "category_version": settings.category_version,
            **({"locale": settings.locale} if settings.locale else {}),
        }
