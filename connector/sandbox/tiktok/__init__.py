"""The TikTok Shop side of the sandbox: tokens, products, orders, fulfilment, after-sales, webhooks."""

from __future__ import annotations

from connector.sandbox.tiktok.blueprint import create_blueprint

__all__ = ["create_blueprint"]
