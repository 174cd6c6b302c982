"""A whole store order in one save: the way for orders that a cart refuses (store reference, section 5.2).

It reserves no stock. The number is our own, and the store refuses it a second time.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from connector.domain.correction import amounts, body, clean
from connector.domain.order import Address, MarketplaceOrder, StoreOrder, StoreOrderItem


@dataclass(frozen=True, slots=True)
class Sold:
    """What a direct save has to say of a product itself."""

    product_id: int
    name: str


@dataclass(frozen=True, slots=True)
class Direct:
    """Where and how it is saved. `number` is the increment id, `region_id` the address's, `products` by store SKU."""

    number: str
    email: str
    store_id: int
    payment_method: str
    shipping_method: str
    region_id: int | None
    products: Mapping[str, Sold]


def entity(
    order: MarketplaceOrder, address: Address, how: Direct, booking: str, skus: Mapping[str, str]
) -> dict[str, Any]:
    """The body of the save; raises AmountsError."""
    found = amounts(order, booking, skus)
    rows = tuple(StoreOrderItem(i, row.sku, Decimal(row.qty)) for i, row in enumerate(found.rows))
    currency = order.payment.currency
    unsaved = StoreOrder(0, how.number, "new", "pending", None, "", how.email, currency, rows, payment_entity_id=0)
    made = body(order, unsaved, booking, skus=skus)
    del made["entity_id"], made["payment"]["entity_id"]
    made["payment"]["method"] = how.payment_method
    for item, row in zip(made["items"], found.rows, strict=True):
        del item["item_id"]
        sold = how.products[row.sku]
        item |= {"sku": row.sku, "product_id": sold.product_id, "product_type": "simple", "name": clean(sold.name)}
        item |= {"store_id": how.store_id, "is_virtual": 0}
    return made | _head(order, address, how)


def _head(order: MarketplaceOrder, address: Address, how: Direct) -> dict[str, Any]:
    currency = order.payment.currency
    codes = ("base_currency_code", "global_currency_code", "order_currency_code", "store_currency_code")
    rates = ("base_to_global_rate", "base_to_order_rate", "store_to_base_rate", "store_to_order_rate")
    place: dict[str, Any] = {
        "firstname": address.first_name,
        "lastname": address.last_name,
        "street": list(address.street),
        "city": address.city,
        "region": address.region,
        "postcode": address.postcode,
        "country_id": address.country,
        "telephone": address.telephone,
        "email": how.email,
    }
    if how.region_id is not None:
        place["region_id"] = how.region_id
    shipping = {"method": how.shipping_method, "address": place | {"address_type": "shipping"}}
    return {
        **dict.fromkeys(codes, currency),
        **dict.fromkeys(rates, 1),
        "store_id": how.store_id,
        "state": "new",
        "status": "pending",
        "is_virtual": 0,
        "customer_is_guest": 1,
        "customer_group_id": 0,
        "customer_email": how.email,
        "customer_firstname": address.first_name,
        "customer_lastname": address.last_name,
        "email_sent": 0,
        "total_qty_ordered": len(order.open_lines),
        "ext_order_id": order.id,
        "billing_address": place | {"address_type": "billing"},
        "extension_attributes": {"shipping_assignments": [{"shipping": shipping, "items": []}]},
    }
