"""Brings in every module that declares routes of the store side."""

from __future__ import annotations

import importlib

MODULES = (
    "attribute_sets",
    "attributes",
    "bulk",
    "categories",
    "customers",
    "inventory_routes",
    "price_routes",
    "product_media",
    "product_routes",
    "product_write",
    "render_info",
    "salable_routes",
    "stock_routes",
    "store_routes",
    "sales.cart_items",
    "sales.carts",
    "sales.creditmemos",
    "sales.invoices",
    "sales.orders",
    "sales.rules",
    "sales.shipments",
)


def load_routes() -> None:
    """Importing a module is what declares its routes; a second time changes nothing."""
    for name in MODULES:
        importlib.import_module(f"connector.sandbox.magento.{name}")
