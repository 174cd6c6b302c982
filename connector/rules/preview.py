"""What activating other rules would do: who joins, leaves and moves, what costs something else, who is held back.

Both sets look at each product once; prices are computed only by rules that say something else, because the others cannot
give anything else.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

from connector.errors import PriceError
from connector.rules import tree
from connector.rules.evaluation import (
    CompiledRules,
    Family,
    FamilyFacts,
    HeldBack,
    Overlap,
    applies,
    family_facts,
    inherited_fields,
)
from connector.rules.functions import Library, library
from connector.rules.meaning import assign_meaning, price_meaning
from connector.rules.metadata import Catalogue
from connector.rules.products import Facts

NO_RULES = tree.RuleSet((), {}, (), {}, (), "")
"""What is active before anything was activated."""


@dataclass(frozen=True, slots=True)
class Moved:
    """A product whose template differs on an account; None is no template, account None those that no rule names."""

    sku: str
    account: str | None
    before: str | None
    after: str | None

    def as_json(self) -> dict[str, Any]:
        return {"sku": self.sku, "account": self.account, "from": self.before, "to": self.after}


@dataclass(frozen=True, slots=True)
class Repriced:
    """A price that differs; None is no price by that rule."""

    before: Decimal | None
    after: Decimal | None

    @property
    def difference(self) -> Decimal | None:
        """None where one side has no price."""
        return None if self.before is None or self.after is None else self.after - self.before

    def __str__(self) -> str:
        change = "" if self.difference is None else f"  ({self.difference:+f})"
        return f"{_text(self.before)} → {_text(self.after)}{change}"

    def as_json(self) -> dict[str, str | None]:
        names = {"old": self.before, "new": self.after, "difference": self.difference}
        return {name: None if amount is None else f"{amount:f}" for name, amount in names.items()}


@dataclass(slots=True)
class Preview:
    """The differences; `counts` is template → products before and after, `held_back`, `released` and `overlaps` only what
    is new with the other rules."""

    old_version: str
    new_version: str
    products: int = 0
    counts: dict[str, list[int]] = field(default_factory=dict)
    moved: list[Moved] = field(default_factory=list)
    prices: dict[str, dict[str, Repriced]] = field(default_factory=dict)
    held_back: list[HeldBack] = field(default_factory=list)
    released: list[HeldBack] = field(default_factory=list)
    overlaps: list[Overlap] = field(default_factory=list)

    @property
    def empty(self) -> bool:
        """Nothing would change."""
        return not (self.moved or any(self.prices.values()) or self.held_back or self.released or self.overlaps)

    def gained(self, template: str) -> list[str]:
        """SKUs that would join, from nowhere or from another template; sorted, each once."""
        return sorted({each.sku for each in self.moved if each.after == template})

    def lost(self, template: str) -> list[str]:
        """SKUs that would leave; sorted, each once."""
        return sorted({each.sku for each in self.moved if each.before == template})

    def as_json(self) -> dict[str, Any]:
        """Plain values in one order."""
        return {
            "old": self.old_version,
            "new": self.new_version,
            "products": self.products,
            "assign": {
                name: {"before": before, "after": after, "gained": self.gained(name), "lost": self.lost(name)}
                for name, (before, after) in sorted(self.counts.items())
            },
            "moved": [each.as_json() for each in sorted(self.moved, key=lambda each: (each.sku, each.account or ""))],
            "prices": {
                rule: {sku: found.as_json() for sku, found in sorted(by_sku.items())}
                for rule, by_sku in sorted(self.prices.items())
                if by_sku
            },
            "held_back": [each.as_json() for each in sorted(self.held_back, key=_by_sku)],
            "released": [each.as_json() for each in sorted(self.released, key=_by_sku)],
            "overlaps": [
                each.as_json() for each in sorted(self.overlaps, key=lambda each: (each.sku, each.account or ""))
            ],
        }


def _text(amount: Decimal | None) -> str:
    return "none" if amount is None else f"{amount:f}"


def _by_sku(each: HeldBack) -> tuple[str, str]:
    return each.sku, each.rule or ""


def preview(
    old: tree.RuleSet,
    new: tree.RuleSet,
    families: Iterable[Family],
    catalogue: Catalogue,
    currency: str,
    today: int,
    functions: Library = library,
) -> Preview:
    """Both sets on every product. One pass; only what differs is kept."""
    catalogue = functions.extend(catalogue)
    comparison = _Comparison(old, new, catalogue, currency, today, functions)
    inherited = inherited_fields(catalogue)
    for family in families:
        comparison.look(family_facts(family, inherited))
    return comparison.found


class _Comparison:
    """Two compiled sets, and what differed so far."""

    def __init__(
        self, old: tree.RuleSet, new: tree.RuleSet, catalogue: Catalogue, currency: str, today: int, functions: Library
    ) -> None:
        self.old, self.new = CompiledRules(old, currency, functions), CompiledRules(new, currency, functions)
        self.today = today
        self.accounts = tuple(dict.fromkeys((*self.old.accounts, *self.new.accounts)))
        types = {name: info.type.value for name, info in catalogue.stored().items()}
        self.assigns_differ = _ranked(self.old, types) != _ranked(self.new, types)
        meanings = [_priced(rules, types) for rules in (old, new)]
        names = {**old.prices, **new.prices}
        self.names = [name for name in names if meanings[0].get(name) != meanings[1].get(name)]
        self.found = Preview(old.version, new.version, prices={name: {} for name in self.names})
        for assign in (*old.assigns, *new.assigns):
            self.found.counts.setdefault(assign.template.value, [0, 0])

    def look(self, facts: FamilyFacts) -> None:
        """One family."""
        self.found.products += len(facts.priced)
        if facts.assigned is not None:
            self._templates(facts.assigned)
        for each in facts.priced:
            for name in self.names:
                self._price(name, each)

    def _templates(self, facts: Facts) -> None:
        now = self.new.matching(facts, self.today)
        was = self.old.matching(facts, self.today) if self.assigns_differ else now
        joined: tuple[set[str], set[str]] = (set(), set())
        for account in self.accounts:
            before, after = _names(was, account), _names(now, account)
            for names, side in zip((before, after), joined, strict=True):
                side.update(names[:1])
            if before[:1] != after[:1]:
                self.found.moved.append(Moved(facts.sku, account, _first(before), _first(after)))
            if len(after) > 1 and after != before:
                self.found.overlaps.append(Overlap(facts.sku, account, after))
        for position, side in enumerate(joined):
            for name in side:
                self.found.counts[name][position] += 1

    def _price(self, name: str, facts: Facts) -> None:
        before, refused = self._amount(self.old, name, facts)
        after, refuses = self._amount(self.new, name, facts)
        if before != after:
            self.found.prices[name][facts.sku] = Repriced(before, after)
        if refuses is not None and refused is None:
            self.found.held_back.append(refuses)
        if refused is not None and refuses is None:
            self.found.released.append(refused)

    def _amount(self, rules: CompiledRules, name: str, facts: Facts) -> tuple[Decimal | None, HeldBack | None]:
        price = rules.prices.get(name)
        if price is None:
            return None, None
        try:
            return price.of(facts, self.today), None
        except PriceError as error:
            return None, HeldBack(facts.sku, error.rule, error.line, error.field, error.reason)


def _ranked(rules: CompiledRules, types: Mapping[str, str]) -> list[str]:
    return [assign_meaning(assign, types) for assign, _ in rules.conditions]


def _priced(rules: tree.RuleSet, types: Mapping[str, str]) -> dict[str, str]:
    return {name: price_meaning(price, rules.prices, types) for name, price in rules.prices.items()}


def _names(matching: Sequence[tree.Assign], account: str | None) -> tuple[str, ...]:
    return tuple(each.template.value for each in matching if applies(each, account))


def _first(names: tuple[str, ...]) -> str | None:
    return names[0] if names else None
