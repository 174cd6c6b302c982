"""Brings in every module that files routes or timers."""

from __future__ import annotations

import importlib

MODULES = (
    "oauth",
    "webhooks",
    "logistics",
    "taxonomy",
    "brands",
    "images",
    "products.write",
    "products.read",
    "products.status",
    "products.stock",
    "products.audit",
    "products.advice",
    "orders.read",
    "orders.lifecycle",
    "orders.external",
    "fulfilment.ship",
    "fulfilment.packages",
    "fulfilment.split",
    "fulfilment.labels",
    "aftersales.cancellations",
    "aftersales.returns",
    "aftersales.eligibility",
)


def load_handlers() -> None:
    """Importing a module is what files its routes; a second time changes nothing."""
    for name in MODULES:
        importlib.import_module(f"connector.sandbox.tiktok.{name}")
