"""The money of an order, in whole cents. Source: TikTok Shop, "Order API overview", `payment`.

sub_total = original_total_product_price − seller_discount − platform_discount
shipping_fee = original_shipping_fee − shipping_fee_seller_discount − shipping_fee_platform_discount
total_amount = sub_total + shipping_fee + tax + retail_delivery_fee, which is what the buyer paid. So the discount of a payment
provider is taken off it and the buyer's fee for that is in it, and so are deposits on bottles: the page leaves that open.
A unit's sale_price = original_price − seller_discount − platform_discount. In the United States the marketplace collects the tax.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import ROUND_HALF_UP, Decimal, InvalidOperation
from typing import Any

from connector.sandbox.tiktok.database import Json

US_TAX_RATE = "0.08"


def cents(amount: object) -> int:
    """Raises ValueError for what is not an amount of whole cents."""
    try:
        value = Decimal(str(amount)) * 100
    except InvalidOperation as error:
        raise ValueError(f"{amount!r} is not an amount.") from error
    if value != value.to_integral_value() or value < 0:
        raise ValueError(f"{amount!r} is not an amount of whole cents.")
    return int(value)


def text(amount: int) -> str:
    return f"{amount // 100}.{amount % 100:02d}"


def spread(total: int, weights: Sequence[int]) -> list[int]:
    """Shares of `total` in proportion to `weights`, none above its weight while the total allows it; the rest cent by cent."""
    whole = sum(weights)
    if whole == 0:
        return [0] * len(weights)
    shares = [total * weight // whole for weight in weights]
    left = total - sum(shares)
    order = sorted(range(len(weights)), key=lambda place: (-(total * weights[place] % whole), place))
    for place in order[:left]:
        shares[place] += 1
    return shares


@dataclass(frozen=True, slots=True)
class Unit:
    """One unit of a SKU, in cents."""

    original: int
    seller_discount: int
    platform_discount: int
    tax: int
    tax_rate: str
    deposit: int = 0

    @property
    def sale(self) -> int:
        return self.original - self.seller_discount - self.platform_discount

    def on_the_wire(self, currency: str) -> Json:
        shown: Json = {
            "original_price": text(self.original),
            "sale_price": text(self.sale),
            "seller_discount": text(self.seller_discount),
            "platform_discount": text(self.platform_discount),
            "currency": currency,
        }
        if self.deposit:
            shown["pfand_fee"] = text(self.deposit)
        if self.tax or self.tax_rate != "0":
            shown["item_tax"] = [{"tax_type": "SALES_TAX", "tax_amount": text(self.tax), "tax_rate": self.tax_rate}]
        return shown


def price_units(
    prices: Sequence[int], taxes: Sequence[int | None], wanted: Mapping[str, Any], region: str
) -> list[Unit]:
    """Units with their shares of the discounts. `taxes`: what a line states for a unit, None for the rate.

    Raises ValueError when the discounts exceed the goods.
    """
    seller, platform = cents(wanted.get("seller_discount", "0")), cents(wanted.get("platform_discount", "0"))
    if seller + platform > sum(prices):
        raise ValueError("The discounts are larger than the price of the goods.")
    by_seller = spread(seller, prices)
    by_platform = spread(platform, [price - share for price, share in zip(prices, by_seller, strict=True)])
    deposit = cents(wanted.get("pfand_fee", "0"))
    rate = str(wanted.get("tax_rate", US_TAX_RATE if region == "US" else "0"))
    units = []
    for price, own, theirs, stated in zip(prices, by_seller, by_platform, taxes, strict=True):
        tax = stated if stated is not None else taxed(price - own - theirs, rate)
        units.append(Unit(price, own, theirs, tax, rate, deposit))
    return units


def taxed(amount: int, rate: str) -> int:
    return int((amount * Decimal(rate)).quantize(Decimal(1), ROUND_HALF_UP))


def payment(units: Sequence[Unit], wanted: Mapping[str, Any], currency: str) -> Json:
    """The object `payment`. Raises ValueError when shipping discounts exceed the shipping fee."""
    original = sum(unit.original for unit in units)
    seller, platform = sum(unit.seller_discount for unit in units), sum(unit.platform_discount for unit in units)
    shipping = cents(wanted.get("shipping_fee", "0"))
    ship_seller = cents(wanted.get("shipping_fee_seller_discount", "0"))
    ship_platform = cents(wanted.get("shipping_fee_platform_discount", "0"))
    if ship_seller + ship_platform > shipping:
        raise ValueError("The shipping discounts are larger than the shipping fee.")
    paid_shipping = shipping - ship_seller - ship_platform
    product_tax = sum(unit.tax for unit in units)
    shipping_tax = cents(wanted.get("shipping_fee_tax", "0"))
    delivery_fee = cents(wanted.get("retail_delivery_fee", "0"))
    sub_total = original - seller - platform
    provider = cents(wanted.get("payment_platform_discount", "0"))
    provider_fee = cents(wanted.get("payment_discount_service_fee", "0"))
    deposits = sum(unit.deposit for unit in units)
    total = sub_total + paid_shipping + product_tax + shipping_tax + delivery_fee + deposits + provider_fee - provider
    if total < 0:
        raise ValueError("The payment provider's discount is larger than the order.")
    amounts = {
        "sub_total": sub_total,
        "shipping_fee": paid_shipping,
        "seller_discount": seller,
        "platform_discount": platform,
        "total_amount": total,
        "original_total_product_price": original,
        "original_shipping_fee": shipping,
        "shipping_fee_seller_discount": ship_seller,
        "shipping_fee_platform_discount": ship_platform,
        "tax": product_tax + shipping_tax,
        "product_tax": product_tax,
        "shipping_fee_tax": shipping_tax,
        "retail_delivery_fee": delivery_fee,
        "payment_platform_discount": provider,
        "payment_discount_service_fee": provider_fee,
    }
    return {"currency": currency, **{name: text(amount) for name, amount in amounts.items()}}
