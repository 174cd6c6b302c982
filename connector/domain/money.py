"""Exact money: decimals in people's units, integers in minor units for the database.

Source: ISO 4217, list of currencies in force (exponents).
"""

from __future__ import annotations

from decimal import ROUND_HALF_UP, Decimal

_EXPONENTS = {
    **dict.fromkeys(
        (
            "BIF",
            "CLP",
            "DJF",
            "GNF",
            "ISK",
            "JPY",
            "KMF",
            "KRW",
            "PYG",
            "RWF",
            "UGX",
            "UYI",
            "VND",
            "VUV",
            "XAF",
            "XOF",
            "XPF",
        ),
        0,
    ),
    **dict.fromkeys(("BHD", "IQD", "JOD", "KWD", "LYD", "OMR", "TND"), 3),
    **dict.fromkeys(("CLF", "UYW"), 4),
}


def minor_units(currency: str) -> int:
    """Decimals that a currency has: 2 for USD, 0 for JPY, 3 for KWD."""
    return _EXPONENTS.get(currency, 2)


def round_money(amount: Decimal, currency: str) -> Decimal:
    """`amount` rounded half up to the currency's minor unit."""
    return amount.quantize(Decimal(1).scaleb(-minor_units(currency)), rounding=ROUND_HALF_UP)


def to_minor(amount: Decimal, currency: str) -> int:
    """Whole minor units, exactly: 16.99 USD gives 1699.

    Raises:
        ValueError: the amount is finer than the currency's minor unit; money is never rounded in passing.
    """
    scaled = amount.scaleb(minor_units(currency))
    whole = int(scaled)
    if whole != scaled:
        raise ValueError(f"{amount} {currency} is finer than the currency's smallest unit.")
    return whole


def from_minor(minor: int, currency: str) -> Decimal:
    """The decimal amount of whole minor units: 1699 USD gives 16.99."""
    return Decimal(minor).scaleb(-minor_units(currency))
