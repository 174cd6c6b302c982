"""The sandbox's truth against the connector's database and the store: product by product, order by order, cent by cent."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from connector.domain.correction import expected_total
from connector.domain.order import MarketplaceOrder
from connector.domain.values import from_json
from connector.journey.buyers import Sandbox
from connector.services.context import Context
from connector.services.placement import order_email, order_policy
from connector.store.models import Account, Listing, Order


def listings(account: Account, sandbox: Sandbox) -> list[str]:
    """Where our confirmed listings and the marketplace's products differ."""
    found: list[str] = []
    rows = {row.remote_id: row for row in Listing.select().where(Listing.account == account, Listing.remote_id != "")}
    for product in sandbox.truth("products"):
        row = rows.pop(product["id"], None)
        if row is None:
            found.append(f"product {product['id']} ({product['title']}) is on the marketplace, but no listing of ours")
        else:
            found += _product(row, product)
    return found + [f"listing {row.product.sku}: {remote} is not on the marketplace" for remote, row in rows.items()]


def _product(row: Listing, truth: dict[str, Any]) -> list[str]:
    name = row.product.sku
    found = (
        []
        if row.status == truth["status"]
        else [f"{name}: status {row.status}, the marketplace says {truth['status']}"]
    )
    ours = row.confirmed["skus"]
    for sku in truth["skus"]:
        known = ours.get(sku["seller_sku"])
        if known is None:
            found.append(f"{name}: variant {sku['seller_sku']} is not known here")
            continue
        if Decimal(known["price"]) != Decimal(sku["price"]):
            found.append(f"{sku['seller_sku']}: price {known['price']}, the marketplace says {sku['price']}")
        if known["quantities"] != sku["inventory"]:
            found.append(f"{sku['seller_sku']}: {known['quantities']} pieces, the marketplace says {sku['inventory']}")
    return found


def orders(ctx: Context, account: Account, sandbox: Sandbox) -> tuple[list[str], int]:
    """Where marketplace orders, our rows and store orders differ; and how many store orders are one too many."""
    found: list[str] = []
    duplicates = 0
    sales = ctx.remotes.sales(account.store)
    policy = order_policy(account)
    rows = {row.tiktok_order_id: row for row in Order.select().where(Order.account == account)}
    for truth in sandbox.truth("orders"):
        row = rows.get(truth["id"])
        if row is None:
            found.append(f"order {truth['id']} was never imported")
            continue
        if row.status != truth["status"]:
            found.append(f"order {truth['id']}: status {row.status}, the marketplace says {truth['status']}")
        by_reference = sales.find_orders("ext_order_id", truth["id"])
        by_mail = sales.find_orders("customer_email", order_email(account, truth["id"]))
        made = {
            o.entity_id: o
            for o in (*by_reference, *by_mail)
            if o.state != "canceled" or o.entity_id == row.magento_order_id
        }
        duplicates += max(len(made) - 1, 0)
        if row.magento_order_id is None:
            continue
        store_order = made.get(row.magento_order_id)
        order = from_json(MarketplaceOrder, row.data)
        wanted = expected_total(order, policy.platform_discount)
        if store_order is None:
            found.append(f"order {truth['id']}: store order {row.magento_increment_id} is not found by its number")
        elif store_order.grand_total != wanted and store_order.state != "canceled":
            found.append(f"order {truth['id']}: store total {store_order.grand_total}, expected {wanted}")
    return found, duplicates
