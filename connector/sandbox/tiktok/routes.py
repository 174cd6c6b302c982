"""The table of the marketplace's calls. A module adds its own with the decorator `route`."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Concatenate

from connector.sandbox.tiktok.database import Json
from connector.sandbox.tiktok.world import Call

Handler = Callable[Concatenate[Call, ...], Json]

# Paths of the OpenAPI that this sandbox does not serve, by their beginning, with the reason. They answer 36009009.
NOT_SERVED: dict[str, str] = {
    "/authorization/202405/category_assets": "for category agencies, who connect no store",
    "/finance/": "statements and payouts: outside what the connector moves",
    "/promotion/": "promotions are made in Seller Center",
    "/fulfillment/202309/files/upload": "proofs of delivery by the seller's own drivers",
    "/fulfillment/202309/images/upload": "proofs of delivery by the seller's own drivers",
    "/fulfillment/202309/packages/deliver": "proofs of delivery by the seller's own drivers",
    "/fulfillment/202407/": "first-mile bundles of cross-border sellers",
    "/fulfillment/202502/": "invoices of Brazil",
    "/fulfillment/202508/": "tracking checks of one carrier programme",
    "/fulfillment/202510/": "first-mile bundles of cross-border sellers",
    "/fulfillment/202601/": "vouchers that are redeemed",
    "/fulfillment/202606/": "print on demand",
    "/fulfillment/202607/": "customs papers",
    "/fulfillment/202609/": "fleets that report their own tracking",
    "/logistics/202309/global_warehouses": "global products of cross-border sellers",
    "/logistics/202510/": "shipping templates are made in Seller Center",
    "/logistics/202604/": "a second tracking call; /fulfillment/202309/orders/{order_id}/tracking is served",
    "/logistics/202606/": "shipping templates are made in Seller Center",
    "/order/202605/": "blind boxes",
    "/order/202606/": "print on demand",
    "/product/202309/categories/{category_id}/global_attributes": "global products of cross-border sellers",
    "/product/202309/categories/{category_id}/global_rules": "global products of cross-border sellers",
    "/product/202309/global_": "global products of cross-border sellers",
    "/product/202312/global_": "global products of cross-border sellers",
    "/product/202404/": "image enhancement by the marketplace",
    "/product/202407/products/category_upgrade_task": "a migration that ended; the sandbox has version 2 categories only",
    "/product/202409/compliance/": "manufacturers and responsible persons of the European Union, where the sandbox has no shop",
    "/product/202411/": "advice on a payload; listing_check and diagnoses are served",
    "/product/202501/": "manufacturers and responsible persons of the European Union, where the sandbox has no shop",
    "/product/202505/": "translation of pictures",
    "/product/202506/": "translation of pictures",
    "/product/202507/": "replication of products to other markets",
    "/product/202509/global_products/": "global products of cross-border sellers",
    "/product/202601/": "for category agencies, who connect no store",
    "/product/202602/": "advice of the marketplace",
    "/product/202604/": "appeals and opportunities are handled in Seller Center",
    "/product/202606/": "co-owned product pages",
    "/product/202608/": "pauses of stock alerts",
    "/product/202609/": "advice of the marketplace",
    "/product/202610/": "size charts are made in Seller Center",
    "/return_refund/202603/": "the newer return model; the documented older one is served whole",
    "/return_refund/202604/": "the newer return model; the documented older one is served whole",
    "/return_refund/202606/review_decision": "the newer return model; the documented older one is served whole",
    "/return_refund/202609/": "the newer return model; the documented older one is served whole",
    "/seller/202601/": "groups of shops of one company",
}


@dataclass(frozen=True, slots=True)
class Route:
    """`paths`: newest version first; older ones answer alike. `cipher`: whether `shop_cipher` must be there (else it must not)."""

    method: str
    paths: tuple[str, ...]
    handler: Handler
    scope: str
    cipher: bool
    writes: bool
    multipart: bool


ROUTES: list[Route] = []


def route(
    method: str, *paths: str, scope: str, cipher: bool = True, writes: bool | None = None, multipart: bool = False
) -> Callable[[Handler], Handler]:
    """File a handler under its paths. A path parameter `{order_id}` becomes an argument of the handler."""

    def file(handler: Handler) -> Handler:
        changes = method != "GET" if writes is None else writes
        ROUTES.append(Route(method, paths, handler, scope, cipher, changes, multipart))
        return handler

    return file


def methods_of(path: str) -> set[str]:
    """The methods that are served for a concrete path."""
    return {
        known.method
        for known in ROUTES
        for template in known.paths
        if re.fullmatch(re.sub(r"\{\w+\}", "[^/]+", template), path)
    }
