"""Amounts of a cart: prices from the catalogue, cart rules, shipping, tax.

Tax is counted per row on the price after discount, rows and taxes are rounded to cents. With prices that include tax the net row
is what is left of the gross row.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

from connector.sandbox.magento import config
from connector.sandbox.magento.routing import Context
from connector.sandbox.magento.sales import prices, quotes
from connector.sandbox.magento.sales.cart_methods import shipping_price
from connector.sandbox.magento.sales.currency import currency_of
from connector.sandbox.magento.sales.invoice_totals import Rounding
from connector.sandbox.magento.sales.rows import Row, cents, wire
from connector.sandbox.magento.sales.rules import CartRule, TaxRate, cart_rules, percent_sum, tax_rates
from connector.sandbox.magento.sales.state import ZERO


@dataclass(slots=True)
class CartLine:
    """One visible line; amounts without tax unless they say so."""

    item: Row
    price: Decimal
    regular_price: Decimal
    price_incl_tax: Decimal
    row_total: Decimal
    row_total_incl_tax: Decimal
    rates: list[TaxRate]
    discount: Decimal = ZERO
    discount_percent: Decimal = ZERO
    tax: Decimal = ZERO
    rule_discounts: list[tuple[CartRule, Decimal]] = field(default_factory=list)

    @property
    def tax_percent(self) -> Decimal:
        return percent_sum(self.rates)


@dataclass(slots=True)
class CartTotals:
    lines: list[CartLine]
    rules: list[CartRule]
    shipping: Decimal = ZERO
    shipping_discount: Decimal = ZERO

    @property
    def subtotal(self) -> Decimal:
        return sum((line.row_total for line in self.lines), ZERO)

    @property
    def subtotal_incl_tax(self) -> Decimal:
        return sum((line.row_total_incl_tax for line in self.lines), ZERO)

    @property
    def discount(self) -> Decimal:
        """Of all lines and the shipping; positive."""
        return sum((line.discount for line in self.lines), ZERO) + self.shipping_discount

    @property
    def tax(self) -> Decimal:
        return sum((line.tax for line in self.lines), ZERO)

    @property
    def grand_total(self) -> Decimal:
        return self.subtotal - self.discount + self.tax + self.shipping

    @property
    def applied_rule_ids(self) -> str | None:
        return ",".join(str(rule.rule_id) for rule in self.rules) or None


def collect(ctx: Context, quote: Row) -> CartTotals:
    """The amounts as of now; nothing is stored, the catalogue may change until the order is placed."""
    db, store_id = ctx.db, quote["store_id"]
    items = quotes.items_of(db, quote["entity_id"])
    group = quotes.group_of(db, quote)
    rules = cart_rules(db, quotes.website_of(db, store_id), group, quote["coupon_code"])
    kind = "billing" if quotes.is_virtual(items) else "shipping"
    address = quotes.address_of(db, quote["entity_id"], kind)
    country = address["country_id"] or config.read(db, "general/country/default", store_id)
    rounding = Rounding()
    lines = []
    for item in quotes.visible_items(items):
        line = _line(ctx, quote, item, items, group, (country, address["region_id"]))
        _discount(line, rules, rounding)
        lines.append(line)
    totals = CartTotals(lines, rules if lines else [])
    totals.shipping = shipping_price(db, quote, items, quote["shipping_method"]) or ZERO
    to_shipping = sum((rule.percent for rule in rules if rule.to_shipping), ZERO)
    totals.shipping_discount = prices.percent_of(totals.shipping, min(to_shipping, Decimal(100)))
    return totals


def priced_product(item: Row, items: list[Row]) -> int:
    """A configurable costs what its variant costs."""
    variant = next((one for one in items if one["parent_item_id"] == item["item_id"]), item)
    return int(variant["product_id"])


def _line(
    ctx: Context, quote: Row, item: Row, items: list[Row], group: int, place: tuple[str | None, int | None]
) -> CartLine:
    db, store_id, qty = ctx.db, quote["store_id"], item["qty"]
    product_id = priced_product(item, items)
    price = prices.final_price(db, product_id, store_id, qty, group, ctx.now)
    regular = prices.regular_price(db, product_id, store_id)
    rates = tax_rates(db, prices.tax_class_of(db, product_id, store_id), *place)
    percent = percent_sum(rates)
    if not config.flag(db, "tax/calculation/price_includes_tax", store_id):
        row = cents(price * qty)
        gross = price + prices.percent_of(price, percent)
        return CartLine(item, price, regular, gross, row, row + prices.percent_of(row, percent), rates)
    row_gross = cents(price * qty)
    net = cents(price * 100 / (100 + percent))
    row_net = row_gross - cents(row_gross * percent / (100 + percent))
    return CartLine(item, net, cents(regular * 100 / (100 + percent)), price, row_net, row_gross, rates)


def _discount(line: CartLine, rules: list[CartRule], rounding: Rounding) -> None:
    left = line.row_total
    for rule in rules:
        part = min(rounding(left * rule.percent / 100, str(rule.rule_id)), left)
        line.rule_discounts.append((rule, part))
        line.discount += part
        line.discount_percent += rule.percent
        left -= part
    line.tax = prices.percent_of(line.row_total - line.discount, line.tax_percent)
    if not line.discount:
        line.tax = line.row_total_incl_tax - line.row_total


def totals_view(ctx: Context, quote: Row, totals: CartTotals, options: dict[int, str]) -> Row:
    """Totals as GET /V1/carts/:id/totals shows them; `options` is the JSON text of each line's options."""
    currency = currency_of(ctx.db, quote["store_id"])
    lines = [currency.beside_base(_line_view(line, options.get(line.item["item_id"], "[]"))) for line in totals.lines]
    answer = _both("grand_total", totals.grand_total) | _both("subtotal", totals.subtotal)
    answer |= _both("discount_amount", -totals.discount)
    answer |= _both("subtotal_with_discount", totals.subtotal - totals.discount)
    answer |= _both("shipping_amount", totals.shipping) | _both("shipping_discount_amount", totals.shipping_discount)
    answer |= _both("tax_amount", totals.tax) | {"weee_tax_applied_amount": None} | _both("shipping_tax_amount", ZERO)
    with_tax = cents(totals.subtotal_incl_tax * currency.rate)
    answer |= {"subtotal_incl_tax": wire(with_tax)} | _both("shipping_incl_tax", totals.shipping)
    answer = currency.beside_base(answer)
    answer |= {"base_currency_code": currency.base, "quote_currency_code": currency.code}
    if quote["coupon_code"]:
        answer["coupon_code"] = quote["coupon_code"]
    answer["items_qty"] = wire(sum((line.item["qty"] for line in totals.lines), ZERO))
    return answer | {"items": lines, "total_segments": _segments(ctx, quote, totals, currency.rate)}


def _both(name: str, value: Decimal) -> dict[str, Any]:
    return {name: wire(value), f"base_{name}": wire(value)}


def _line_view(line: CartLine, options: str) -> Row:
    view = {"item_id": line.item["item_id"]} | _both("price", line.price) | {"qty": wire(line.item["qty"])}
    view |= _both("row_total", line.row_total) | {"row_total_with_discount": 0} | _both("tax_amount", line.tax)
    view |= {"tax_percent": wire(line.tax_percent)} | _both("discount_amount", line.discount)
    view |= {"discount_percent": wire(line.discount_percent)} | _both("price_incl_tax", line.price_incl_tax)
    view |= _both("row_total_incl_tax", line.row_total_incl_tax) | {"options": options}
    return view | {"weee_tax_applied_amount": None, "weee_tax_applied": None, "name": line.item["name"]}


def _segments(ctx: Context, quote: Row, totals: CartTotals, rate: Decimal) -> list[Row]:
    """The rows of the totals box, in the cart's currency."""

    def segment(code: str, title: str, value: Decimal) -> Row:
        return {"code": code, "title": title, "value": wire(cents(value * rate))}

    segments = [segment("subtotal", "Subtotal", totals.subtotal)]
    if totals.discount:
        segments.append(segment("discount", "Discount", -totals.discount))
    if quote["shipping_method"]:
        carrier = str(quote["shipping_method"]).partition("_")[0]
        names = [config.read(ctx.db, f"carriers/{carrier}/{part}", quote["store_id"]) for part in ("title", "name")]
        segments.append(segment("shipping", f"Shipping & Handling ({' - '.join(names)})", totals.shipping))
    details = {"tax_grandtotal_details": tax_details(totals)}
    segments.append(segment("tax", "Tax", totals.tax) | {"extension_attributes": details})
    return [*segments, segment("grand_total", "Grand Total", totals.grand_total) | {"area": "footer"}]


def tax_details(totals: CartTotals) -> list[Row]:
    return [
        {"amount": wire(total), "rates": [{"percent": str(wire(rate.percent)), "title": rate.code}], "group_id": number}
        for number, (rate, total) in enumerate(tax_by_rate(totals.lines), start=1)
    ]


def tax_by_rate(lines: list[CartLine]) -> list[tuple[TaxRate, Decimal]]:
    """Tax of the lines by rate; the last rate of a line takes what rounding left."""
    sums: dict[TaxRate, Decimal] = {}
    for line in lines:
        left = line.tax
        for rate in line.rates:
            part = left if rate is line.rates[-1] else cents(line.tax * rate.percent / line.tax_percent)
            sums[rate] = sums.get(rate, ZERO) + part
            left -= part
    return list(sums.items())
