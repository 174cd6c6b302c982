"""Carts, orders, invoices, shipments and credit memos of the sandbox store."""
