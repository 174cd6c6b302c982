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

The **document** of a product holds its own facts; its **row** in the fact table holds what rules read: a variant's
effective facts (its own, else its configurable's), and a configurable's quantity and price, computed from its enabled
variants. Columns and document keys are called ``f17``: a table joins a field to its number, so that no name from
outside ever reaches SQL text.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
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


# Families: what is derived from several products --------------------------------------------------

SUMMED = ("price", "qty")
"""Facts of a configurable that are computed from its enabled variants, never its own."""


@dataclass(frozen=True, slots=True)
class Own:
    """What one product says by itself: facts by field name, without empty ones.

    `parent` is the id of the configurable it is a variant of. `held_back` is the field and the reason of a product
    with a value that rules cannot compute with: it takes part in nothing.
    """

    id: int
    sku: str
    parent: int | None
    facts: Mapping[str, Fact]
    held_back: tuple[str, str] | None = None

    @property
    def configurable(self) -> bool:
        """Whether it is sold by its variants."""
        return self.facts.get("type") == "configurable"

    @property
    def enabled(self) -> bool:
        """Whether it counts among the variants of its configurable."""
        return self.facts.get("status") == "enabled" and self.held_back is None


@dataclass(frozen=True, slots=True)
class Row:
    """One row of the fact table.

    `group` is the product on whose behalf `any variant` reads this row: its configurable for an enabled variant, itself
    for a simple that stands alone, else None. `assigned` and `priced` say which rules look at it.
    """

    id: int
    parent: int | None
    group: int | None
    assigned: bool
    priced: bool
    facts: Mapping[str, Fact]


def rows(lead: Own, variants: Iterable[Own], inherited: frozenset[str]) -> list[Row]:
    """The rows of one family: a configurable with its variants, or a product without any.

    `inherited` are the fields that a variant takes from its configurable where its own are empty.
    """
    if not lead.configurable:
        stands_alone = lead.facts.get("type") == "simple" and lead.parent is None and lead.held_back is None
        return [Row(lead.id, None, lead.id if stands_alone else None, stands_alone, stands_alone, lead.facts)]
    members = list(variants)
    usable = lead.held_back is None
    facts = summed(lead, members)
    given = {name: fact for name, fact in facts.items() if name in inherited}
    family = [Row(lead.id, None, None, usable, False, facts)]
    for member in members:
        counts = usable and member.held_back is None
        group = lead.id if counts and member.enabled else None
        family.append(Row(member.id, lead.id, group, False, counts, {**given, **member.facts}))
    return family


def summed(lead: Own, variants: Iterable[Own]) -> dict[str, Fact]:
    """A configurable's facts with the quantity and the lowest price of its enabled variants."""
    sold = [variant.facts for variant in variants if variant.enabled]
    facts = {name: fact for name, fact in lead.facts.items() if name not in SUMMED}
    facts["qty"] = sum(int(each.get("qty", 0)) for each in sold)
    prices = [int(each["price"]) for each in sold if "price" in each]
    if prices:
        facts["price"] = min(prices)
    return facts
