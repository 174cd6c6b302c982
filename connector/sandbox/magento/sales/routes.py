"""Importing this module declares every route of the sales side."""

from __future__ import annotations

from connector.sandbox.magento.sales import cart_items, carts, creditmemos, invoices, orders, rules, shipments

MODULES = (cart_items, carts, creditmemos, invoices, orders, rules, shipments)
