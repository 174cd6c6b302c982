"""A whole store order in one save: the way for orders that a cart refuses (store reference, section 5.2).

It reserves no stock. The number is our own, and the store refuses it a second time.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from connector.domain.correction import Row, amounts, body, clean
from connector.domain.order import ZERO, Address, MarketplaceOrder, StoreOrder, StoreOrderItem


@dataclass(frozen=True, slots=True)
class Sold:
    """What a direct save has to say of a product itself; `weight` of one piece, in the store's unit."""

    product_id: int
    name: str
    type_id: str = "simple"
    weight: Decimal = ZERO

    @property
    def virtual(self) -> bool:
        """True when there is nothing to send."""
        return self.type_id in {"virtual", "downloadable"}


@dataclass(frozen=True, slots=True)
class Direct:
    """Where and how it is saved. `number` is the increment id, `region_id` the address's, `products` by store SKU.

    `base_currency` is what the store keeps its books in, `rate` what one unit of the order's currency is in it.
    """

    number: str
    email: str
    store_id: int
    payment_method: str
    shipping_method: str
    region_id: int | None
    products: Mapping[str, Sold]
    base_currency: str
    rate: Decimal = Decimal(1)

    def weight(self, rows: Iterable[Row]) -> Decimal:
        """Of all pieces together."""
        return sum((self.products[row.sku].weight * row.qty for row in rows), ZERO)


def entity(
    order: MarketplaceOrder, address: Address, how: Direct, booking: str, skus: Mapping[str, str]
) -> dict[str, Any]:
    """The body of the save; raises AmountsError."""
    found = amounts(order, booking, skus)
    rows = tuple(StoreOrderItem(i, row.sku, Decimal(row.qty)) for i, row in enumerate(found.rows))
    base = how.base_currency
    unsaved = StoreOrder(0, how.number, "new", "pending", None, "", how.email, base, rows, payment_entity_id=0)
    made = body(order, unsaved, booking, skus=skus, rate=how.rate)
    del made["entity_id"], made["payment"]["entity_id"]
    made["payment"]["method"] = how.payment_method
    for item, row in zip(made["items"], found.rows, strict=True):
        del item["item_id"]
        sold = how.products[row.sku]
        item |= {"sku": row.sku, "product_id": sold.product_id, "product_type": sold.type_id, "name": clean(sold.name)}
        item |= {"store_id": how.store_id, "is_virtual": int(sold.virtual)}
        item |= {"weight": sold.weight, "row_weight": sold.weight * row.qty}
    virtual = all(how.products[row.sku].virtual for row in found.rows)
    return made | _head(order, address, how) | {"is_virtual": int(virtual), "weight": how.weight(found.rows)}


def _head(order: MarketplaceOrder, address: Address, how: Direct) -> dict[str, Any]:
    codes = ("base_currency_code", "global_currency_code", "store_currency_code")
    to_order = (1 / how.rate).quantize(Decimal("0.0001"))
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
        **dict.fromkeys(codes, how.base_currency),
        "order_currency_code": order.payment.currency,
        "base_to_order_rate": to_order,
        "store_to_order_rate": to_order,
        "base_to_global_rate": 1,
        "store_to_base_rate": 1,
        "store_id": how.store_id,
        "state": "new",
        "status": "pending",
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
