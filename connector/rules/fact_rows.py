"""From what products say by themselves to the rows that rules read.

The **document** of a product holds its own facts; its **row** in the fact table holds what rules read: a variant's
effective facts (its own, else its configurable's), and a configurable's quantity and price, computed from its enabled
variants.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from connector.rules.facts import MAX_UNITS, SCALE, Fact, FactError, fold
from connector.rules.metadata import FieldInfo
from connector.rules.products import Facts, Values, fact

SUMMED = ("price", "qty")
"""Facts of a configurable that are computed from its enabled variants, never its own."""

DERIVED = frozenset({*SUMMED, "parent_sku"})
"""Facts that no document holds as they are: they always have a column in the fact table."""


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
    held_back: tuple[str, str] | None = None


def rows(lead: Own, variants: Iterable[Own], inherited: frozenset[str]) -> list[Row]:
    """The rows of one family: a configurable with its variants, or a product without any.

    `inherited` are the fields that a variant takes from its configurable where its own are empty. A configurable that
    is held back takes its variants out too, because nothing is known of what they inherit.
    """
    if not lead.configurable:
        alone = lead.facts.get("type") == "simple" and lead.parent is None and lead.held_back is None
        return [Row(lead.id, lead.parent, lead.id if alone else None, alone, alone, lead.facts, lead.held_back)]
    members = list(variants)
    facts = summed(lead, members)
    held_back = lead.held_back or _too_many(int(facts["qty"]))
    given = {name: fact for name, fact in facts.items() if name in inherited}
    family = [Row(lead.id, None, None, held_back is None, False, facts, held_back)]
    for member in members:
        reason = member.held_back or held_back
        group = lead.id if reason is None and member.enabled else None
        family.append(
            Row(
                member.id,
                lead.id,
                group,
                False,
                reason is None,
                {**given, **member.facts, "parent_sku": fold(lead.sku)},
                reason,
            )
        )
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


def _too_many(qty: int) -> tuple[str, str] | None:
    if abs(qty) <= MAX_UNITS * SCALE:
        return None
    return "qty", f"`qty` sums up to {qty // SCALE}, beyond the largest number that rules compute with (10^9)"


def own(identifier: int, values: Values, stored: Mapping[str, FieldInfo], parent: int | None = None) -> Own:
    """A product's own facts from its values; one with a value out of bounds is held back.

    `stored` is `Catalogue.stored()`; values of fields that it does not know are left out.
    """
    sku = str(values.get("sku", ""))
    facts: dict[str, Fact] = {}
    for name, value in values.items():
        info = stored.get(name)
        if info is None:
            continue
        try:
            found = fact(info, value)
        except FactError as error:
            return Own(identifier, sku, parent, _kind(values), (error.field, str(error)))
        if found is not None:
            facts[name] = found
    return Own(identifier, sku, parent, facts)


def _kind(values: Values) -> dict[str, Fact]:
    """The type alone, so that a configurable that is held back still has its variants."""
    kind = values.get("type")
    return {"type": fold(kind)} if isinstance(kind, str) else {}


def as_facts(row: Row, sku: str, variants: Iterable[tuple[Row, str]]) -> Facts:
    """A row as the Python back end reads it; `variants` are the enabled ones of a configurable, with their SKUs."""
    if row.facts.get("type") != "configurable":
        return Facts(sku, row.facts)
    return Facts(sku, row.facts, [Facts(name, variant.facts) for variant, name in variants])
