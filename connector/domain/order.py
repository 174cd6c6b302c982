"""Marketplace orders by unit, store orders, and what passes between them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from typing import Any

ZERO = Decimal(0)

MASK = "**"
"""What the marketplace puts in place of what it hides of a buyer (reference section 5.4)."""

RESERVING = frozenset({"UNPAID", "ON_HOLD"})
"""States in which a buyer may still pay: pieces are kept back, and no store order is made."""

PLACEABLE = frozenset(
    {"AWAITING_SHIPMENT", "PARTIALLY_SHIPPING", "AWAITING_COLLECTION", "IN_TRANSIT", "DELIVERED", "COMPLETED"}
)
"""States in which the store must have the order."""


TO_SHIP = frozenset({"AWAITING_SHIPMENT", "PARTIALLY_SHIPPING"})
"""States in which the marketplace waits for parcels."""

SENT = PLACEABLE - TO_SHIP
"""States in which every parcel is on its way, or has arrived."""


AWAITING_SELLER = frozenset(
    {
        "CANCELLATION_REQUEST_PENDING",
        "RETURN_OR_REFUND_REQUEST_PENDING",
        "BUYER_SHIPPED_ITEM",
        "REPLACEMENT_REQUEST_PENDING",
    }
)
"""States of cancellations and returns in which the marketplace waits for the seller (reference sections 7.1, 7.2)."""


@dataclass(frozen=True, slots=True)
class OrderLine:
    """One unit of one SKU: TikTok sends a line per piece, and we keep it that way. `pfand_fee` is a deposit on it (Germany)."""

    id: str
    sku_id: str
    product_id: str
    seller_sku: str
    product_name: str
    sku_name: str
    currency: str
    original_price: Decimal
    sale_price: Decimal
    seller_discount: Decimal = ZERO
    platform_discount: Decimal = ZERO
    tax: Decimal = ZERO
    tax_rate: Decimal = ZERO
    status: str = ""
    package_id: str = ""
    tracking_number: str = ""
    is_gift: bool = False
    cancel_reason: str = ""
    pfand_fee: Decimal = ZERO

    @property
    def cancelled(self) -> bool:
        """True once this unit is off the order."""
        return self.status == "CANCELLED"


@dataclass(frozen=True, slots=True)
class Payment:
    """The order's money, `payment` of the 202309/202507 order object; all in `currency`.

    `payment_platform_discount` is what a payment provider gives, `payment_discount_service_fee` what the buyer pays for it.
    """

    currency: str
    total_amount: Decimal
    sub_total: Decimal
    shipping_fee: Decimal
    original_total_product_price: Decimal = ZERO
    original_shipping_fee: Decimal = ZERO
    seller_discount: Decimal = ZERO
    platform_discount: Decimal = ZERO
    shipping_fee_seller_discount: Decimal = ZERO
    shipping_fee_platform_discount: Decimal = ZERO
    tax: Decimal = ZERO
    product_tax: Decimal = ZERO
    shipping_fee_tax: Decimal = ZERO
    retail_delivery_fee: Decimal = ZERO
    other_fees: Decimal = ZERO
    payment_platform_discount: Decimal = ZERO
    payment_discount_service_fee: Decimal = ZERO


@dataclass(frozen=True, slots=True)
class Address:
    """Where an order goes. `region` is the state's name or code as the marketplace writes it; `country` is ISO 3166 alpha-2."""

    first_name: str = ""
    last_name: str = ""
    street: tuple[str, ...] = ()
    city: str = ""
    region: str = ""
    postcode: str = ""
    country: str = ""
    telephone: str = ""

    @property
    def complete(self) -> bool:
        """False while the marketplace still hides it (UNPAID, ON_HOLD)."""
        return bool(self.country and (self.city or self.postcode or self.street))

    @property
    def told(self) -> int:
        """How much of it the marketplace tells: 2 is a name and a place in clear, 1 a part or masked text, 0 nothing.

        Orders that the marketplace ships are masked (`A**`); old and cancelled ones come empty (reference section 5.4).
        """
        place = self.city or self.postcode
        parts = (self.first_name, self.last_name, *self.street, self.city, self.region, self.postcode, self.telephone)
        if any(MASK in part for part in parts) or not (self.first_name and self.street and place):
            return int(any(parts))
        return 2

    def same_place(self, other: Address) -> bool:
        """True when both name the same street in the same place."""
        return (self.street, self.city, self.postcode) == (other.street, other.city, other.postcode)

    def filled(self, other: Address) -> Address:
        """With what the other has where this has nothing."""
        return Address(**{name: getattr(self, name) or getattr(other, name) for name in self.__slots__})


@dataclass(frozen=True, slots=True)
class MarketplaceOrder:
    """One TikTok Shop order. `update_time` is Unix seconds of the marketplace: older news never overwrite newer.

    `kinds` are what makes it special: SAMPLE, REPLACEMENT, or PLATFORM when TikTok Shop ships it from its own warehouse.
    `address_kept` says that the marketplace hides the recipient by now, and that who is told here is an earlier answer's.
    """

    id: str
    status: str
    create_time: datetime
    update_time: int
    payment: Payment
    lines: tuple[OrderLine, ...]
    address: Address = Address()
    buyer_email: str = ""
    buyer_message: str = ""
    shipping_type: str = "SELLER"
    delivery_option_id: str = ""
    delivery_option_name: str = ""
    warehouse_id: str = ""
    package_ids: tuple[str, ...] = ()
    cancel_requested: bool = False
    cancel_reason: str = ""
    ship_by: int = 0
    kinds: tuple[str, ...] = ()
    address_kept: bool = False

    @property
    def open_lines(self) -> tuple[OrderLine, ...]:
        """The units that are still wanted."""
        return tuple(line for line in self.lines if not line.cancelled)


@dataclass(frozen=True, slots=True)
class StoreOrderItem:
    """One line of a store order; quantities in pieces, money in the order's currency, discount positive."""

    item_id: int
    sku: str
    qty_ordered: Decimal
    qty_invoiced: Decimal = ZERO
    qty_shipped: Decimal = ZERO
    qty_refunded: Decimal = ZERO
    qty_canceled: Decimal = ZERO
    price: Decimal = ZERO
    row_total: Decimal = ZERO
    tax_amount: Decimal = ZERO
    discount_amount: Decimal = ZERO
    parent_item_id: int | None = None


@dataclass(frozen=True, slots=True)
class StoreOrder:
    """A Magento order as read back. `raw` is the whole answer."""

    entity_id: int
    increment_id: str
    state: str
    status: str
    quote_id: int | None
    ext_order_id: str
    customer_email: str
    currency: str
    items: tuple[StoreOrderItem, ...]
    grand_total: Decimal = ZERO
    subtotal: Decimal = ZERO
    shipping_amount: Decimal = ZERO
    tax_amount: Decimal = ZERO
    discount_amount: Decimal = ZERO
    total_invoiced: Decimal = ZERO
    total_refunded: Decimal = ZERO
    payment_entity_id: int | None = None
    raw: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Customer:
    """A customer account of the store; an e-mail may have one in each website."""

    id: int
    email: str
    first_name: str
    last_name: str
    group_id: int
    website_id: int


@dataclass(frozen=True, slots=True)
class Track:
    """One tracking number of a store shipment."""

    number: str
    title: str
    carrier_code: str


@dataclass(frozen=True, slots=True)
class StoreShipment:
    """A Magento shipment: order item id → pieces."""

    entity_id: int
    increment_id: str
    order_id: int
    items: Mapping[int, Decimal]
    tracks: tuple[Track, ...]
    created_at: str = ""


@dataclass(frozen=True, slots=True)
class CartItem:
    """One line of a store cart."""

    item_id: int
    sku: str
    qty: Decimal
    product_type: str = "simple"


@dataclass(frozen=True, slots=True)
class Cancellation:
    """A marketplace cancellation; a pending one of the buyer's needs the seller's answer before `deadline` (Unix seconds).

    `refund_shipping` is the part of the refund that is shipping and delivery; `replenish` is False for pieces that turned
    out not to exist.
    """

    id: str
    order_id: str
    type: str
    status: str
    role: str
    reason: str
    reason_text: str
    line_ids: tuple[str, ...]
    refund_total: Decimal
    currency: str
    update_time: int
    deadline: int = 0
    refund_shipping: Decimal = ZERO
    replenish: bool = True


@dataclass(frozen=True, slots=True)
class ReturnRequest:
    """A marketplace return or refund request. `next_id` names the request that replaced it.

    `partial` says that `refund_total` is a sum that was agreed on instead of the price of the units, `sent_back` that the
    buyer handed the goods to a carrier, `kept` that the buyer is paid back and keeps them.
    """

    id: str
    order_id: str
    type: str
    status: str
    reason: str
    reason_text: str
    line_ids: tuple[str, ...]
    refund_total: Decimal
    currency: str
    update_time: int
    next_actions: tuple[str, ...] = ()
    deadline: int = 0
    next_id: str = ""
    tracking_number: str = ""
    refund_shipping: Decimal = ZERO
    partial: bool = False
    sent_back: bool = False
    kept: bool = False


@dataclass(frozen=True, slots=True)
class Reason:
    """A reason that the marketplace accepts: `name` is its key, `text` what people read."""

    name: str
    text: str
