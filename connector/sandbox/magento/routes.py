"""Importing this module declares every route of the store side."""

from __future__ import annotations

from connector.sandbox.magento import (
    attribute_sets,
    attributes,
    bulk,
    categories,
    customers,
    inventory_routes,
    price_routes,
    product_media,
    product_routes,
    product_write,
    render_info,
    salable_routes,
    stock_routes,
    store_routes,
)
from connector.sandbox.magento.sales import routes as sales_routes

MODULES = (
    attribute_sets,
    attributes,
    bulk,
    categories,
    customers,
    inventory_routes,
    price_routes,
    product_media,
    product_routes,
    product_write,
    render_info,
    salable_routes,
    sales_routes,
    stock_routes,
    store_routes,
)
