"""The currency of a cart and its order: the one that the store view shows, at the store's rate."""

from __future__ import annotations

import sqlite3
from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from connector.sandbox.magento import config
from connector.sandbox.magento.sales.rows import Row, cents, wire


@dataclass(frozen=True, slots=True)
class Currency:
    """`rate` is what one unit of the base currency is in it."""

    base: str
    code: str
    rate: Decimal

    def codes(self, shown: str) -> Row:
        """Currency columns; `shown` is the column of the cart's or order's own currency."""
        return dict.fromkeys(("global_currency_code", "base_currency_code", "store_currency_code"), self.base) | {
            shown: self.code
        }

    def beside_base(self, values: Mapping[str, Any]) -> Row:
        """`values` with every amount that has a `base_` twin worked out from it."""
        if self.rate == 1:
            return dict(values)
        twins = {name.removeprefix("base_"): value for name, value in values.items() if name.startswith("base_")}
        amounts = {name: value for name, value in twins.items() if name in values and value is not None}
        found = {name: cents(Decimal(str(value)) * self.rate) for name, value in amounts.items()}
        shown = {name: value if isinstance(values[name], Decimal) else wire(value) for name, value in found.items()}
        return dict(values) | shown


def rates(db: sqlite3.Connection, store_id: int) -> dict[str, Decimal]:
    """What one unit of the base currency is in others, by code."""
    pairs = (pair.partition("=") for pair in config.read(db, "sandbox/exchange_rates", store_id).split(",") if pair)
    return {config.read(db, "currency/options/base", store_id): Decimal(1)} | {
        code.strip(): Decimal(rate) for code, _, rate in pairs
    }


def currency_of(db: sqlite3.Connection, store_id: int) -> Currency:
    """The store view's; its base currency when it shows one that is not allowed or has no rate."""
    base, shown = (config.read(db, f"currency/options/{name}", store_id) for name in ("base", "default"))
    known, allowed = rates(db, store_id), config.read(db, "currency/options/allow", store_id).split(",")
    return (
        Currency(base, shown, known[shown]) if shown in allowed and shown in known else Currency(base, base, Decimal(1))
    )
