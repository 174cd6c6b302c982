"""What a direct save of a store order must say of the store view and the products, gathered from both sides."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from peewee import fn

from connector.domain import direct
from connector.domain.order import MarketplaceOrder
from connector.domain.shop import StoreView
from connector.errors import ConfigurationError, RejectedError
from connector.plugins.policies.order import OrderPolicy
from connector.services import carts
from connector.services.context import Context
from connector.services.stores import exchange_rate
from connector.store.models import Account, MagentoStore, Product


def entity(
    ctx: Context,
    account: Account,
    order: MarketplaceOrder,
    policy: OrderPolicy,
    skus: Mapping[str, str],
    *,
    number: str,
    email: str,
) -> dict[str, Any]:
    """The body of the save, under our own `number`; `skus` maps line id → store SKU.

    Raises:
        ConfigurationError: the store view is gone, or the store has no rate to the order's currency.
        RejectedError: the store does not have one of the products.
    """
    store: MagentoStore = account.store
    sales, view = ctx.remotes.sales(store), _view(ctx, store)
    address, currency = carts.shippable(order.address, account.region), order.payment.currency
    how = direct.Direct(
        number=number,
        email=email,
        store_id=view.id,
        payment_method=policy.payment_method,
        shipping_method=f"{policy.carrier}_{policy.method}",
        region_id=sales.region_id(address.country, address.region) if address.region else None,
        products=_sold(store, {skus[line.id] for line in order.open_lines}),
        base_currency=view.base_currency,
        rate=Decimal(1) if view.base_currency == currency else 1 / exchange_rate(sales, store, currency),
    )
    return direct.entity(order, address, how, policy.platform_discount, skus)


def _view(ctx: Context, store: MagentoStore) -> StoreView:
    for view in ctx.remotes.catalog(store).store_views():
        if view.code == store.store_code:
            return view
    raise ConfigurationError(f"The store has no view called “{store.store_code}”.")


def spelling(store: MagentoStore, skus: set[str]) -> dict[str, str]:
    """SKUs as the store writes them, by their lower case: so it compares them. One that it does not have stays as it is."""
    mine = Product.store == store.id
    found = {sku.casefold(): sku for sku in sorted(skus, reverse=True)}
    exact = [row.sku for row in Product.select(Product.sku).where(mine, Product.sku.in_(sorted(skus)))]
    folded = {sku.casefold() for sku in exact}
    if rest := sorted(found.keys() - folded):
        exact += [row.sku for row in Product.select(Product.sku).where(mine, fn.LOWER(Product.sku).in_(rest))]
    return found | {sku.casefold(): sku for sku in exact}


def _sold(store: MagentoStore, skus: set[str]) -> dict[str, direct.Sold]:
    rows = Product.select().where(Product.store == store.id, Product.sku.in_(sorted(skus)))
    sold = {
        row.sku: direct.Sold(row.entity_id, row.name or row.sku, row.type_id, Decimal(str(row.data.get("weight") or 0)))
        for row in rows
    }
    if unknown := sorted(skus - set(sold)):
        raise RejectedError(f"The store has no product {', '.join(unknown)}.", system="magento")
    return sold
