"""Links a Magento 2 store with TikTok Shop: listings, price, stock, orders, shipments and returns."""

__version__ = "0.1.0"
