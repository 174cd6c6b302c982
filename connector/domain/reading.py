"""Which of its parts the marketplace's total of an order holds.

`total_amount` is what the buyer paid, documented as `sub_total` + `shipping_fee` + taxes + `retail_delivery_fee` (order
detail 202309 and 202507, `payment`). Regions differ: prices may hold the tax, and of small fees, deposits on bottles and the
discount of a payment provider it is said who pays them, not whether the total holds them. So the sum decides. A co-funded
shipping discount (`shipping_fee_cofunded_discount`) is the seller's and off `shipping_fee` already; what TikTok gives back of
it comes with its statements, not with the order.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields
from decimal import ROUND_FLOOR, Decimal
from itertools import product

from connector.domain.money import minor_units
from connector.domain.order import ZERO, MarketplaceOrder


@dataclass(frozen=True, slots=True)
class Reading:
    """`taxed`: prices hold the tax. The others: the total holds small fees (order, service, handling, insurance), the units'
    deposits, the payment provider's discount (taken off), the buyer's fee for that discount.
    """

    taxed: bool = False
    fees: bool = True
    deposits: bool = False
    discount: bool = False
    charge: bool = False

    def total(self, order: MarketplaceOrder) -> Decimal:
        """What the buyer paid, read in this way."""
        pay = order.payment
        parts = (
            (not self.taxed, pay.tax),
            (self.fees, pay.other_fees),
            (self.deposits, sum((line.pfand_fee for line in order.lines), ZERO)),
            (self.discount, -pay.payment_platform_discount),
            (self.charge, pay.payment_discount_service_fee),
        )
        held = sum((amount for holds, amount in parts if holds), ZERO)
        return pay.sub_total + pay.shipping_fee + pay.retail_delivery_fee + held


def read(order: MarketplaceOrder) -> Reading:
    """The reading that comes nearest to the total; of equals the one that is nearest to what is documented."""
    no_first, yes_first = (False, True), (True, False)
    choices = product(no_first, no_first, no_first, yes_first, no_first)
    readings = [Reading(taxed, fees, deposits, discount, charge) for charge, discount, deposits, fees, taxed in choices]
    return min(readings, key=lambda one: abs(one.total(order) - order.payment.total_amount))


def payment_discounts(order: MarketplaceOrder) -> dict[str, Decimal]:
    """The payment provider's discount by line id, spread by what each unit costs; nothing where the total does not hold it."""
    amount = order.payment.payment_platform_discount if read(order).discount else ZERO
    weights = [ZERO if line.is_gift else line.sale_price for line in order.lines]
    shares = spread(amount, weights, order.payment.currency)
    return {line.id: share for line, share in zip(order.lines, shares, strict=True)}


def spread(amount: Decimal, weights: Sequence[Decimal], currency: str) -> list[Decimal]:
    """`amount` by weight in whole cents; the cents left over go to the largest remainders."""
    whole = sum(weights, ZERO)
    if not whole:
        return [amount, *[ZERO] * (len(weights) - 1)] if weights else []
    cent = Decimal(1).scaleb(-minor_units(currency))
    exact = [amount * weight / whole for weight in weights]
    shares = [one.quantize(cent, rounding=ROUND_FLOOR) for one in exact]
    left = int((amount - sum(shares, ZERO)) / cent)
    for index in sorted(range(len(shares)), key=lambda i: shares[i] - exact[i])[:left]:
        shares[index] += cent
    return shares


def parts(order: MarketplaceOrder) -> str:
    """The amounts that the marketplace names and that are not zero, under its own names."""
    pay = order.payment
    named = {one.name: getattr(pay, one.name) for one in fields(pay) if one.name not in {"currency", "total_amount"}}
    named["pfand_fee of the lines"] = sum((line.pfand_fee for line in order.lines), ZERO)
    return ", ".join(f"{name} {amount}" for name, amount in named.items() if amount)
