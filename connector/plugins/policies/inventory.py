"""How many pieces the marketplace may sell: never more than the store really has."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import ROUND_FLOOR, Decimal
from typing import ClassVar

from connector.domain.issue import Issue
from connector.domain.product import Salable
from connector.plugins.api import Policy, policies, setting

CAP = 99_999
"""TikTok Shop 202309 Create Product: `inventory.quantity` is at most 99,999."""


@dataclass(frozen=True, slots=True)
class Quantity:
    """Pieces to offer, and how they came about, for people."""

    pieces: int
    steps: tuple[str, ...]


@policies.register
@dataclass(frozen=True, slots=True)
class InventoryPolicy(Policy):
    """`min(band(salable − held − buffer), salable − held − buffer)`, from 0 to 99,999.

    28 salable with a buffer of 5 gives 23. Where sources are chosen, salable is what they hold less all that the store's
    stock has promised or keeps back: nobody knows before shipping from which source an open order will be served.
    """

    identifier: ClassVar[str] = "inventory"
    label: ClassVar[str] = "Inventory"

    default_quantity: int = setting(
        0, "Default quantity", "Offered for products whose stock Magento does not manage.", required=True
    )
    buffer: int = setting(
        0, "Threshold buffer", "Pieces kept for the Magento store: 28 in stock, buffer 5, 23 offered."
    )
    sources: list[str] = setting(
        [],
        "Use MSI",
        "Sources (warehouses) of the Magento store whose pieces are offered; choose none to offer all that the website "
        "sells. A source that is disabled, or not in the website's stock, counts nothing.",
        choices="store_sources",
    )
    use_threshold: bool = setting(
        False, "Set inventory on basis of threshold", "Controls overselling on the marketplace.", group="Threshold"
    )
    threshold: int = setting(
        0, "Threshold value", "What is left after the buffer is compared with this.", group="Threshold"
    )
    below: int = setting(
        0, "Inventory for lesser than threshold", "Offered while less than the threshold is left.", group="Threshold"
    )
    above: int = setting(
        0, "Inventory for greater than threshold", "Offered otherwise; 0 offers what there is.", group="Threshold"
    )
    hysteresis: int = setting(
        0,
        "Hysteresis",
        "Once below the threshold, this many pieces more are needed to leave it again.",
        group="Threshold",
    )
    warehouse: str = setting(
        "", "Warehouse", "TikTok Shop warehouse that sells; empty is the shop's default.", choices="warehouses"
    )

    def problems(self) -> list[Issue]:
        """Counts of pieces are whole numbers from 0 to 99,999; the band must make sense."""
        names = ("default_quantity", "buffer", "threshold", "below", "above", "hysteresis")
        found = [
            Issue(f"inventory.{name}", name, f"Write a number from 0 to {CAP:,}.")
            for name in names
            if not 0 <= getattr(self, name) <= CAP
        ]
        if self.use_threshold and self.threshold == 0:
            found.append(
                Issue(
                    "inventory.threshold", "threshold", "Threshold value: write 1 or more, or switch the threshold off."
                )
            )
        return found

    def quantity(self, stock: Salable | None, held: int, last: int | None = None) -> Quantity:
        """Pieces to offer of one SKU.

        `stock` is what the store can promise (None: it does not stock the SKU), `held` the pieces of marketplace orders
        that it does not lack yet, `last` what is offered now.
        """
        if stock is None or not stock.salable:
            return Quantity(0, ("The store cannot sell it now.",))
        if stock.unlimited:
            pieces = min(self.default_quantity, CAP)
            return Quantity(pieces, (f"Stock is not managed: default quantity {pieces}.",))
        salable, steps = self._salable(stock, last)
        if held:
            steps.append(f"− {held} in orders that the store does not have yet")
        if self.buffer:
            steps.append(f"− {self.buffer} buffer")
        available = salable - held - self.buffer
        wanted = self._band(available, last, steps)
        pieces = max(0, min(wanted, available, CAP))
        return Quantity(pieces, (*steps, f"= {pieces}"))

    def _salable(self, stock: Salable, last: int | None) -> tuple[int, list[str]]:
        """Whole pieces that may be promised before anything is kept back here, and which limit they come from."""
        salable, steps = _whole(stock.true_quantity), [f"{_whole(stock.quantity)} salable"]
        if stock.unreserved:
            steps.append(f"− {stock.unreserved} of orders saved directly, which the store never reserved")
        if not self.sources:
            return salable, steps
        if stock.single:
            return salable, [*steps, "the store has one stock and no sources"]
        if stock.sources is None:
            known = max(0, min(salable, last or 0))
            return known, [*steps, f"{known}: no more than now until the chosen sources are read"]
        held_there = {code: stock.sources.get(code, Decimal(0)) for code in dict.fromkeys(self.sources)}
        chosen = sum(held_there.values(), Decimal(0))
        promised = max(sum(stock.sources.values(), Decimal(0)) - stock.true_quantity, Decimal(0))
        pieces = max(0, min(_whole(chosen - promised), salable))
        listed = ", ".join(f"{code} {_shown(quantity)}" for code, quantity in held_there.items())
        steps[0] += " in the website's stock"
        steps.append(f"{_shown(chosen)} in the chosen sources ({listed})")
        if promised:
            steps.append(f"− {_shown(promised)} that open orders and the store's own threshold take")
        steps.append(f"limit: {'the chosen sources' if pieces < salable else 'what is salable'}, {pieces}")
        return pieces, steps

    def _band(self, available: int, last: int | None, steps: list[str]) -> int:
        if not self.use_threshold:
            return available
        was_below = last is not None and last <= self.below
        limit = self.threshold + (self.hysteresis if was_below else 0)
        if available < limit:
            steps.append(f"below the threshold of {limit}: {self.below}")
            return self.below
        if self.above:
            steps.append(f"from the threshold of {limit}: {self.above}")
            return self.above
        return available


def _whole(quantity: Decimal) -> int:
    return int(Decimal(quantity).to_integral_value(ROUND_FLOOR))


def _shown(quantity: Decimal) -> str:
    return f"{quantity.normalize():f}"
