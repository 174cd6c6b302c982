"""The amounts of a marketplace order as the body that corrects a placed store order (store reference, section 12.2).

The store keeps its own value for every field that is left out, and recomputes invoices from the items. So every field is
sent, and every total is the sum of its parts.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from decimal import ROUND_HALF_UP, Decimal
from typing import Any

from connector.domain import reading
from connector.domain.money import minor_units, round_money
from connector.domain.order import ZERO, MarketplaceOrder, OrderLine, StoreOrder
from connector.errors import ConnectorError

_PRICE = Decimal("0.0001")

_DISCOUNTED = {
    "row_total": "discount_amount",
    "base_row_total": "base_discount_amount",
    "row_total_incl_tax": "discount_amount",
    "base_row_total_incl_tax": "base_discount_amount",
}
"""Item fields that the store answers less the item's discount (reference section 5.2), with that discount's field."""

_FIXED_TAX = (
    "weee_tax_applied_amount",
    "weee_tax_applied_row_amount",
    "weee_tax_disposition",
    "weee_tax_row_disposition",
    "base_weee_tax_applied_amount",
    "base_weee_tax_applied_row_amnt",  # the store's own spelling
    "base_weee_tax_disposition",
    "base_weee_tax_row_disposition",
)

_NOT_MONEY = frozenset({"tax_percent", "base_to_order_rate"})


class AmountsError(ConnectorError):
    """The marketplace's amounts or lines do not fit together; the text says which."""


@dataclass(frozen=True, slots=True)
class Row:
    """All units of one store SKU; money of the whole row, `discount` positive, `net` without tax and before discount."""

    sku: str
    qty: int
    net: Decimal
    tax: Decimal
    discount: Decimal

    @property
    def price(self) -> Decimal:
        """The mean piece price, at the four decimals that the store keeps."""
        return (self.net / self.qty).quantize(_PRICE, rounding=ROUND_HALF_UP)

    @property
    def gross_price(self) -> Decimal:
        """The mean piece price with tax."""
        return ((self.net + self.tax) / self.qty).quantize(_PRICE, rounding=ROUND_HALF_UP)


@dataclass(frozen=True, slots=True)
class Amounts:
    """What the store order must say, in the order's currency; `shipping` is without its tax."""

    rows: tuple[Row, ...]
    shipping: Decimal
    shipping_tax: Decimal

    @property
    def subtotal(self) -> Decimal:
        return sum((row.net for row in self.rows), ZERO)

    @property
    def discount(self) -> Decimal:
        return sum((row.discount for row in self.rows), ZERO)

    @property
    def item_tax(self) -> Decimal:
        return sum((row.tax for row in self.rows), ZERO)

    @property
    def tax(self) -> Decimal:
        """With the shipping's."""
        return self.item_tax + self.shipping_tax

    @property
    def total(self) -> Decimal:
        return self.subtotal - self.discount + self.shipping + self.tax


def amounts(
    order: MarketplaceOrder,
    booking: str,
    skus: Mapping[str, str] | None = None,
    also: Collection[str] = (),
) -> Amounts:
    """The open units' money, grouped by store SKU in the order of the lines.

    `booking` is "payout" (the platform's discounts are paid to the seller, so they are none here) or "buyer" (they are
    discounts). `skus` maps line id → store SKU; a line that is not in it goes by its seller SKU. `also` are ids of units
    that count although they were cancelled.

    Raises:
        AmountsError: no unit is open, or the total differs from its parts by more than a cent per line.
    """
    if not order.open_lines:
        raise AmountsError(f"Order {order.id} has no unit left to deliver.")
    lines = [line for line in order.lines if not line.cancelled or line.id in also]
    held = reading.read(order)
    taxes, provider = _taxes(order), reading.payment_discounts(order)
    grouped: dict[str, list[OrderLine]] = {}
    for line in lines:
        grouped.setdefault((skus or {}).get(line.id) or line.seller_sku, []).append(line)
    given = provider if booking == "buyer" else {}
    rows = tuple(_row(sku, units, taxes, given, booking, held) for sku, units in grouped.items())
    pay = order.payment
    fee = pay.shipping_fee + pay.retail_delivery_fee
    fee += (pay.other_fees if held.fees else ZERO) + (pay.payment_discount_service_fee if held.charge else ZERO)
    if booking == "payout":
        fee += pay.shipping_fee_platform_discount
    shipping = fee - pay.shipping_fee_tax if held.taxed else fee
    return _balanced(order, booking, Amounts(rows, shipping, pay.shipping_fee_tax))


def expected_total(order: MarketplaceOrder, booking: str) -> Decimal:
    """The store order's grand total; raises AmountsError."""
    return amounts(order, booking).total


def body(
    order: MarketplaceOrder,
    store: StoreOrder,
    booking: str,
    *,
    skus: Mapping[str, str] | None = None,
    rate: Decimal = Decimal(1),
    units: Collection[str] = (),
) -> dict[str, Any]:
    """The entity of the correction. `rate` is what one unit of the order's currency is in the store's base currency.

    `units` are what the store order was placed with (`placed_units`): those that were cancelled since then are in it still.

    Raises:
        AmountsError: the store order's items are not the marketplace order's, or `amounts` raised it.
    """
    wanted = amounts(order, booking, skus, units)
    placed = {int(item["item_id"]): item for item in store.raw.get("items") or ()}
    items = [
        _item(row, item_id, rate) | _no_product_tax(placed.get(item_id, {}))
        for row, item_id in _matched(wanted.rows, store)
    ]
    entity: dict[str, Any] = {
        "entity_id": store.entity_id,
        "increment_id": store.increment_id,
        "items": items,
        **totals(wanted, items, rate),
        "applied_rule_ids": "",
        "discount_description": "",
        "shipping_description": clean(f"TikTok Shop - {order.delivery_option_name or order.shipping_type}"),
        "customer_note_notify": 0,
    }
    if store.raw.get("email_sent") is None:
        entity["email_sent"] = 0  # a mail that waits for cron would go to the buyer's address (section 12.7)
    if rate != 1 or store.currency != order.payment.currency:
        entity |= {
            "order_currency_code": order.payment.currency,
            "base_to_order_rate": (1 / rate).quantize(_PRICE),
            "store_to_order_rate": 0,
        }
    if store.payment_entity_id is not None:
        entity["payment"] = _payment(order, store, entity)
    return entity


def placed_units(
    order: MarketplaceOrder, store: StoreOrder, skus: Mapping[str, str], sent: Collection[str] = ()
) -> frozenset[str]:
    """The ids of the units that a store order has pieces for: those it was `sent` with, then the open ones, then others.

    A unit that is cancelled while its order is being placed is in the store order, and leaves it by a document afterwards.
    """
    room = {item.sku.casefold(): int(item.qty_ordered) for item in store.items if item.parent_item_id is None}
    chosen = set()
    for line in sorted(order.lines, key=lambda line: (line.id not in sent, line.cancelled)):
        sku = (skus.get(line.id) or line.seller_sku).casefold()
        if room.get(sku, 0) > 0:
            room[sku] -= 1
            chosen.add(line.id)
    return frozenset(chosen)


def totals(wanted: Amounts, items: Sequence[Mapping[str, Any]], rate: Decimal = Decimal(1)) -> dict[str, Decimal]:
    """The order's own money fields. Base totals are sums of rounded base parts, never converted as a whole."""
    parts = {
        "subtotal": wanted.subtotal,
        "discount_amount": -wanted.discount,
        "shipping_amount": wanted.shipping,
        "shipping_tax_amount": wanted.shipping_tax,
        "tax_amount": wanted.tax,
    }
    base_shipping, base_shipping_tax = _base(wanted.shipping, rate), _base(wanted.shipping_tax, rate)
    base = {
        "subtotal": _sum(items, "base_row_total"),
        "discount_amount": -_sum(items, "base_discount_amount"),
        "shipping_amount": base_shipping,
        "shipping_tax_amount": base_shipping_tax,
        "tax_amount": _sum(items, "base_tax_amount") + base_shipping_tax,
    }
    found: dict[str, Decimal] = {}
    for prefix, amount in (("", parts), ("base_", base)):
        total = amount["subtotal"] + amount["discount_amount"] + amount["shipping_amount"] + amount["tax_amount"]
        derived = {
            "grand_total": total,
            "total_due": total,
            "subtotal_incl_tax": amount["subtotal"] + amount["tax_amount"] - amount["shipping_tax_amount"],
            "shipping_incl_tax": amount["shipping_amount"] + amount["shipping_tax_amount"],
            "shipping_discount_amount": ZERO,
            "discount_tax_compensation_amount": ZERO,
        }
        found |= {prefix + name: value for name, value in (amount | derived).items()}
    found["shipping_discount_tax_compensation_amount"] = ZERO
    found["base_shipping_discount_tax_compensation_amnt"] = ZERO  # the store's own spelling
    return found


def differences(entity: Mapping[str, Any], store: StoreOrder) -> list[str]:
    """How the order that was read back differs from what was sent, every amount to the cent; empty when it does not."""
    raw = store.raw
    found = [text for name, sent in _money_of(entity) for text in _difference(name, sent, raw.get(name))]
    if store.currency != entity.get("order_currency_code", store.currency):
        found.append(f"order_currency_code is {store.currency} instead of {entity['order_currency_code']}")
    items = {int(item["item_id"]): item for item in raw.get("items") or ()}
    for sent in entity["items"]:
        item = items.get(sent["item_id"])
        if item is None:
            found.append(f"item {sent['item_id']} is missing")
            continue
        for name, value in _money_of(sent):
            net = value - sent[_DISCOUNTED[name]] if name in _DISCOUNTED else value
            found += _difference(f"{item.get('sku')} {name}", net, item.get(name))
    return found


def clean(text: str) -> str:
    """Characters that the store's database cannot hold (beyond the basic plane) replaced, blanks joined."""
    kept = "".join(char if ord(char) <= 0xFFFF and char.isprintable() else " " for char in text)
    return " ".join(kept.split())


def _row(
    sku: str,
    units: list[OrderLine],
    taxes: Mapping[str, Decimal],
    provider: Mapping[str, Decimal],
    booking: str,
    held: reading.Reading,
) -> Row:
    """`taxes` and `provider`, the payment provider's discounts, are by line id."""
    paid = [unit for unit in units if not unit.is_gift]
    gross = sum((unit.original_price for unit in paid), ZERO)
    if held.deposits:
        gross += sum((unit.pfand_fee for unit in paid), ZERO)
    discount = sum((unit.seller_discount + provider.get(unit.id, ZERO) for unit in paid), ZERO)
    if booking == "buyer":
        discount += sum((unit.platform_discount for unit in paid), ZERO)
    tax = sum((taxes[unit.id] for unit in paid), ZERO)
    return Row(sku, len(units), gross - tax if held.taxed else gross, tax, discount)


def _taxes(order: MarketplaceOrder) -> dict[str, Decimal]:
    """Tax by line id: the units' own where they make up the order's, else the order's spread by what each unit costs."""
    pay = order.payment
    own = sum((line.tax for line in order.lines), ZERO)
    product_tax = pay.product_tax or max(pay.tax - pay.shipping_fee_tax, ZERO)
    if own == product_tax or (not product_tax and own):
        return {line.id: line.tax for line in order.lines}
    weights = [ZERO if line.is_gift else line.sale_price for line in order.lines]
    shares = reading.spread(product_tax, weights, pay.currency)
    return {line.id: share for line, share in zip(order.lines, shares, strict=True)}


def _balanced(order: MarketplaceOrder, booking: str, found: Amounts) -> Amounts:
    """With the rounding cent, by which the marketplace's total may miss its parts, put into the largest row."""
    pay = order.payment
    if len(order.open_lines) < len(order.lines):
        return found  # the payment still counts units that were cancelled
    told = pay.total_amount
    if booking == "payout":
        told += pay.platform_discount + pay.shipping_fee_platform_discount
        told += sum(reading.payment_discounts(order).values(), ZERO)
    gap = told - found.total
    if not gap:
        return found
    allowed = len(order.lines) * Decimal(1).scaleb(-minor_units(pay.currency))
    if abs(gap) > allowed:
        raise AmountsError(
            f"Order {order.id}: the lines make {found.total} {pay.currency}, TikTok Shop says {told}. "
            f"No store order is corrected to amounts that do not fit: total_amount {pay.total_amount}, but "
            f"{reading.parts(order)}."
        )
    largest = max(range(len(found.rows)), key=lambda i: found.rows[i].net)
    rows = list(found.rows)
    row = rows[largest]
    rows[largest] = Row(row.sku, row.qty, row.net + gap, row.tax, row.discount)
    return Amounts(tuple(rows), found.shipping, found.shipping_tax)


def _matched(rows: Sequence[Row], store: StoreOrder) -> list[tuple[Row, int]]:
    """Rows with their store item ids. SKUs are compared without case: the store answers in its own."""
    items = {item.sku.casefold(): item for item in store.items if item.parent_item_id is None}
    pairs = []
    for row in rows:
        item = items.pop(row.sku.casefold(), None)
        if item is None or item.qty_ordered != row.qty:
            has = "none" if item is None else item.qty_ordered.normalize()
            raise AmountsError(f"Store order {store.increment_id} has {has} of {row.sku}, the marketplace {row.qty}.")
        pairs.append((row, item.item_id))
    if items:
        raise AmountsError(f"Store order {store.increment_id} has other items: {', '.join(sorted(items))}.")
    return pairs


def _item(row: Row, item_id: int, rate: Decimal) -> dict[str, Any]:
    money = {
        "row_total": row.net,
        "tax_amount": row.tax,
        "discount_amount": row.discount,
        "discount_tax_compensation_amount": ZERO,
        "row_total_incl_tax": row.net + row.tax,
    }
    prices = {"price": row.price, "original_price": row.price, "price_incl_tax": row.gross_price}
    item: dict[str, Any] = {"item_id": item_id, "qty_ordered": row.qty, **money, **prices}
    item |= {f"base_{name}": _base(value, rate) for name, value in money.items()}
    item |= {f"base_{name}": (value * rate).quantize(_PRICE) for name, value in prices.items()}
    taxed = row.net - row.discount
    percent = (row.tax * 100 / taxed).quantize(_PRICE) if taxed > 0 else ZERO
    return item | {"tax_percent": percent, "discount_percent": 0, "applied_rule_ids": ""}


def _no_product_tax(placed: Mapping[str, Any]) -> dict[str, Any]:
    """Takes off what the shop put on an item as a fixed product tax: its invoices and refunds add that to the rest."""
    if not Decimal(str(placed.get("weee_tax_applied_row_amount") or 0)):
        return {}
    return dict.fromkeys(_FIXED_TAX, ZERO) | {"weee_tax_applied": "[]"}


def _payment(order: MarketplaceOrder, store: StoreOrder, entity: Mapping[str, Any]) -> dict[str, Any]:
    sent = store.raw.get("payment") or {}
    return {
        "entity_id": store.payment_entity_id,
        "method": str(sent.get("method") or "checkmo"),
        "account_status": None,
        "cc_last4": None,
        "amount_ordered": entity["grand_total"],
        "base_amount_ordered": entity["base_grand_total"],
        "shipping_amount": entity["shipping_amount"],
        "base_shipping_amount": entity["base_shipping_amount"],
        "additional_information": ["TikTok Shop", order.id],
    }


def _base(amount: Decimal, rate: Decimal) -> Decimal:
    return amount if rate == 1 else round_money(amount * rate, "USD")


def _sum(items: Sequence[Mapping[str, Any]], name: str) -> Decimal:
    return sum((item[name] for item in items), ZERO)


def _cents(amount: Decimal) -> Decimal:
    return amount.quantize(_PRICE)


def _money_of(sent: Mapping[str, Any]) -> list[tuple[str, Decimal]]:
    return [(name, value) for name, value in sent.items() if isinstance(value, Decimal) and name not in _NOT_MONEY]


def _difference(name: str, sent: Decimal, read: object) -> list[str]:
    """Nothing was read where the store leaves out what is null: that is as good as zero."""
    has = Decimal(str(read or 0))
    return [] if _cents(sent) == _cents(has) else [f"{name} is {has.normalize():f} instead of {sent.normalize():f}"]
