"""What a product costs on the marketplace: source, currency, change, rounding, limits; each step kept for people."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import ROUND_CEILING, ROUND_FLOOR, Decimal
from typing import ClassVar

from connector.domain.issue import Issue
from connector.domain.listing import PriceStep
from connector.domain.money import round_money
from connector.plugins.api import Policy, policies, setting

CHANGES = (
    ("none", "No change"),
    ("increase", "Increase by amount"),
    ("decrease", "Decrease by amount"),
    ("increase_percent", "Increase by percent"),
    ("decrease_percent", "Decrease by percent"),
    ("rule", "Price rule"),
)

REGION_LIMITS = {
    "US": (Decimal("0.01"), Decimal(7600)),
    "GB": (Decimal("0.01"), Decimal(5600)),
    "MX": (Decimal("0.1"), Decimal(50000)),
    "BR": (Decimal("0.05"), Decimal(10000)),
    **dict.fromkeys(("AT", "BE", "DE", "ES", "FR", "GR", "IE", "IT", "NL", "PT"), (Decimal("0.01"), Decimal(6300))),
}
"""Lowest and highest price per region, in its currency; from the limits that other connectors keep (2026)."""


@dataclass(frozen=True, slots=True)
class Priced:
    """A price with its ladder, or the reason why there is none."""

    amount: Decimal | None
    ladder: tuple[PriceStep, ...]
    issue: Issue | None = None


@policies.register
@dataclass(frozen=True, slots=True)
class PricingPolicy(Policy):
    """The first source attribute that has a value, converted, changed, rounded and kept inside its limits."""

    identifier: ClassVar[str] = "pricing"
    label: ClassVar[str] = "Pricing"

    price_attribute: str = setting(
        "price", "Price attribute", "Where the price comes from.", choices="price_attributes", required=True
    )
    fallback_attribute: str = setting(
        "", "Fallback attribute", "Used where the first is empty.", choices="price_attributes"
    )
    currency_rate: Decimal = setting(
        Decimal(1), "Currency conversion rate", "Marketplace currency for one unit of the store's base currency."
    )
    change: str = setting("none", "Price change by", "How the marketplace price differs.", choices=CHANGES)
    amount: Decimal = setting(Decimal(0), "Amount or percent", "Used by the change above.")
    rule: str = setting(
        "",
        "Price rule",
        "A price rule of the active rule set; used when the change is “Price rule”.",
        choices="price_rules",
    )
    ending: str = setting("", "Price ending", "Such as 0.99: prices go up to the next amount that ends so.")
    floor: Decimal = setting(Decimal(0), "Never below", "In marketplace currency; 0 is no limit.", group="Limits")
    ceiling: Decimal = setting(Decimal(0), "Never above", "In marketplace currency; 0 is no limit.", group="Limits")

    def problems(self) -> list[Issue]:
        """A rate above zero, a named rule where one is used, an ending below one, limits in order."""
        found = []
        if self.currency_rate <= 0:
            found.append(
                Issue("pricing.currency_rate", "currency_rate", "Currency conversion rate: write a number above 0.")
            )
        if self.amount < 0:
            found.append(Issue("pricing.amount", "amount", "Amount: write 0 or more; choose a decrease to go down."))
        if self.change == "rule" and not self.rule:
            found.append(Issue("pricing.rule", "rule", "Price rule: choose one, or choose another change."))
        if self.change not in dict(CHANGES):
            found.append(Issue("pricing.change", "change", "Price change by: choose one of the list."))
        if self.ending and self._ending() is None:
            found.append(Issue("pricing.ending", "ending", "Price ending: write a fraction such as 0.99, below 1."))
        if self.floor < 0 or self.ceiling < 0 or (self.ceiling and self.floor > self.ceiling):
            found.append(Issue("pricing.floor", "floor", "Limits: the lowest price must not exceed the highest."))
        return found

    def price(
        self, values: Mapping[str, Decimal | None], currency: str, region: str, ruled: Decimal | None = None
    ) -> Priced:
        """The price of one SKU.

        `values` are the product's price attributes in the store's base currency, `ruled` the price rule's result when the
        change is "rule". A product without a usable price is held back; nothing is guessed.
        """
        source, start = self._start(values)
        if self.change != "rule" and start is None:
            wanted = self.price_attribute + (f" and {self.fallback_attribute}" if self.fallback_attribute else "")
            return Priced(None, (), Issue("price.empty", wanted, f"{wanted} is empty: give the product a price."))
        if self.change == "rule":
            if ruled is None:
                return Priced(
                    None,
                    (),
                    Issue("price.rule", "rule", f"The price rule “{self.rule}” gave no price.", rule=self.rule),
                )
            amount, ladder = ruled, [PriceStep(f"price rule “{self.rule}”", ruled)]
        else:
            amount = start or Decimal(0)
            ladder = [PriceStep(source, amount)]
        for label, value in self._steps(amount):
            amount = value
            ladder.append(PriceStep(label, amount))
        amount = round_money(amount, currency)
        ladder.append(PriceStep(f"in {currency}", amount))
        return Priced(amount, tuple(ladder), self._limit(amount, currency, region))

    def _start(self, values: Mapping[str, Decimal | None]) -> tuple[str, Decimal | None]:
        for code in (self.price_attribute, self.fallback_attribute):
            if code and values.get(code) is not None:
                return code, values[code]
        return self.price_attribute, None

    def _steps(self, amount: Decimal) -> list[tuple[str, Decimal]]:
        steps: list[tuple[str, Decimal]] = []

        def add(label: str, value: Decimal) -> None:
            nonlocal amount
            amount = value
            steps.append((label, value))

        if self.currency_rate != 1:
            add(f"× {self.currency_rate}", amount * self.currency_rate)
        match self.change:
            case "increase":
                add(f"+ {self.amount}", amount + self.amount)
            case "decrease":
                add(f"− {self.amount}", amount - self.amount)
            case "increase_percent":
                add(f"+ {self.amount}%", amount * (1 + self.amount / 100))
            case "decrease_percent":
                add(f"− {self.amount}%", amount * (1 - self.amount / 100))
        ending = self._ending()
        if ending is not None:
            add(f"up to ending {ending}", (amount - ending).to_integral_value(ROUND_CEILING) + ending)
        if self.floor and amount < self.floor:
            add(f"at least {self.floor}", self.floor)
        if self.ceiling and amount > self.ceiling:
            add(f"at most {self.ceiling}", self.ceiling)
        return steps

    def _ending(self) -> Decimal | None:
        try:
            ending = Decimal(self.ending)
        except ArithmeticError:
            return None
        return ending if 0 <= ending < 1 and ending == ending.quantize(Decimal("0.0001"), ROUND_FLOOR) else None

    @staticmethod
    def _limit(amount: Decimal, currency: str, region: str) -> Issue | None:
        if amount <= 0:
            return Issue("price.not_positive", "price", f"The price comes to {amount} {currency}: it must be above 0.")
        low, high = REGION_LIMITS.get(region, (Decimal("0.01"), Decimal(10**9)))
        if not low <= amount <= high:
            return Issue(
                "price.region_limit",
                "price",
                f"{amount} {currency} is outside what TikTok Shop allows here ({low} to {high}).",
            )
        return None
