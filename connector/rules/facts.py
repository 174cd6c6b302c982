"""Facts: what the database keeps of a product so that rules can be matched there.

A fact is one value in one column, an integer or a text that both databases and Python compare alike:

========== =========================================================================================
number     whole millionths: 12.5 is 12500000
text       NFC and case-folded, control characters but tab and line break removed; never empty
choice     the label, as text
yes/no     1 and 0
date       day number, 1 January of year 1 is 1 (`date.toordinal`)
choices    ``␟l␟m␟``: sorted labels between U+001F
categories ``␟men/tops/tees/␟``: sorted paths, each with a closing slash, between U+001F
========== =========================================================================================

No value is None. U+001F cannot occur in a value, because it is a control character.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable
from decimal import Decimal
from typing import TypeAlias

SCALE = 10**6
"""Decimals of a number are at most six (Magento's decimal(20,6))."""

MAX_UNITS = 10**9
"""Largest size of a number of the catalogue; a product beyond it is held back."""

SEPARATOR = "\x1f"

Fact: TypeAlias = int | str
"""What a column holds; None where the product has no value."""

_REMOVED = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\ud800-\udfff]")


class FactError(ValueError):
    """A value of the catalogue that rules cannot compute with. `field` names it, the text says why."""

    def __init__(self, field: str, reason: str) -> None:
        self.field, self.reason = field, reason
        super().__init__(reason)


def fold(text: str) -> str:
    """The form in which text is compared: case folding of its NFC form, without control characters."""
    if text.isascii() and text.isprintable():
        return text.lower()
    return unicodedata.normalize("NFC", _REMOVED.sub("", text)).casefold()


def millionths(field: str, value: Decimal | int | str) -> int:
    """A number of the catalogue as a whole number of millionths.

    Raises:
        FactError: no number, more than six decimals, or a size above 10⁹.
    """
    number = value if isinstance(value, Decimal) else _decimal(field, value)
    if not number.is_finite() or abs(number) > MAX_UNITS:
        raise FactError(field, f"`{field}` is {number}, beyond the largest number that rules compute with (10^9)")
    numerator, denominator = number.as_integer_ratio()
    whole, rest = divmod(numerator * SCALE, denominator)
    if rest:
        raise FactError(field, f"`{field}` is {number}; rules compute with at most six decimals")
    return whole


def _decimal(field: str, value: int | str) -> Decimal:
    try:
        return Decimal(value)
    except ArithmeticError as error:
        raise FactError(field, f"`{field}` is “{value}”, which is no number") from error


def label_set(labels: Iterable[str]) -> str | None:
    """Labels of a multi-select as one delimited text."""
    return _delimited(fold(label) for label in labels)


def path_set(paths: Iterable[str]) -> str | None:
    """Category paths as one delimited text; every path ends in a slash."""
    return _delimited(path_fact(path) for path in paths if path)


def path_fact(path: str) -> str:
    """One category path, folded, with a closing slash."""
    return fold(path) + "/"


def _delimited(values: Iterable[str]) -> str | None:
    kept = sorted({value for value in values if value})
    return f"{SEPARATOR}{SEPARATOR.join(kept)}{SEPARATOR}" if kept else None


def items(fact: str | None) -> tuple[str, ...]:
    """The values of a delimited text, sorted."""
    return tuple(fact[1:-1].split(SEPARATOR)) if fact else ()
