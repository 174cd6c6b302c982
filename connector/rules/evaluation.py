"""A whole rule set on products: who joins which template, what everything costs, who is held back and why."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

from connector.errors import PriceError
from connector.rules import tree
from connector.rules.fact_rows import SUMMED, Own, Row, rows
from connector.rules.functions import Library, library
from connector.rules.metadata import Catalogue
from connector.rules.pricing import CompiledPrice, compile_prices
from connector.rules.products import Facts, Values, day_fact
from connector.rules.python import Compiler, Holds


@dataclass(frozen=True, slots=True)
class Family:
    """A configurable with its variants, or a product without any, each as it is by itself.

    `plain` are the values of each by product id, for explanations; may be left out.
    """

    lead: Own
    members: tuple[Own, ...] = ()
    plain: Mapping[int, Values] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class FamilyFacts:
    """What rules look at in one family.

    `assigned` is what assignments look at (None for a product they leave alone), `priced` what prices look at.
    `held_back` are products with a value that rules cannot work with: SKU, field, reason.
    """

    assigned: Facts | None
    priced: tuple[Facts, ...]
    held_back: tuple[tuple[str, str, str], ...]


def family_facts(family: Family, inherited: frozenset[str]) -> FamilyFacts:
    """The facts of a family. `inherited` are the fields that a variant takes from its configurable."""
    skus = {each.id: each.sku for each in (family.lead, *family.members)}
    found = rows(family.lead, family.members, inherited)
    plain = {row.id: _plain(family, row, inherited) for row in found} if family.plain else {}
    held_back = [(skus[row.id], *row.held_back) for row in found if row.held_back is not None]
    head, *others = found
    priced = tuple(Facts(skus[row.id], row.facts, plain=plain.get(row.id)) for row in found if row.priced)
    if not head.assigned:
        return FamilyFacts(None, priced, tuple(held_back))
    if not family.lead.configurable:
        return FamilyFacts(priced[0], priced, tuple(held_back))
    sold = [Facts(skus[row.id], row.facts, plain=plain.get(row.id)) for row in others if row.group is not None]
    return FamilyFacts(Facts(skus[head.id], head.facts, sold, plain.get(head.id)), priced, tuple(held_back))


def _plain(family: Family, row: Row, inherited: frozenset[str]) -> Values:
    own = family.plain.get(row.id, {})
    if row.parent is None or not family.lead.configurable:
        return {name: value for name, value in own.items() if not (family.lead.configurable and name in SUMMED)}
    above = family.plain.get(family.lead.id, {})
    taken = {name: value for name, value in above.items() if name in inherited}
    return {**taken, **own, "parent_sku": family.lead.sku}


def inherited_fields(catalogue: Catalogue) -> frozenset[str]:
    """The fields that a variant takes from its configurable where its own are empty."""
    return frozenset(name for name, info in catalogue.stored().items() if not info.own)


@dataclass(frozen=True, slots=True)
class HeldBack:
    """A product that takes no part, or has no price. `rule` and `line` are None when no rule is to blame."""

    sku: str
    rule: str | None
    line: int | None
    field: str
    reason: str

    def as_json(self) -> dict[str, Any]:
        return {"sku": self.sku, "rule": self.rule, "line": self.line, "field": self.field, "reason": self.reason}


@dataclass(frozen=True, slots=True)
class Overlap:
    """A product that matches several assignments of one account; `templates` in the order of their rank.

    `account` is None for the accounts that no assignment names.
    """

    sku: str
    account: str | None
    templates: tuple[str, ...]

    def as_json(self) -> dict[str, Any]:
        return {"sku": self.sku, "account": self.account, "templates": list(self.templates)}


@dataclass(slots=True)
class Evaluation:
    """The result for a catalogue; `as_json` is the form that `connector rules match --json` prints."""

    version: str
    assign: dict[str, list[str]] = field(default_factory=dict)
    prices: dict[str, dict[str, Decimal]] = field(default_factory=dict)
    held_back: list[HeldBack] = field(default_factory=list)
    overlaps: list[Overlap] = field(default_factory=list)

    def as_json(self) -> dict[str, Any]:
        """Plain values in one order, so that equal results are equal text."""
        held_back = sorted(self.held_back, key=lambda each: (each.sku, each.rule or "", each.line or 0, each.field))
        overlaps = sorted(self.overlaps, key=lambda each: (each.sku, each.account or ""))
        return {
            "assign": {name: sorted(self.assign[name]) for name in sorted(self.assign)},
            "prices": {
                name: {sku: f"{amount:f}" for sku, amount in sorted(self.prices[name].items())}
                for name in sorted(self.prices)
            },
            "held_back": [each.as_json() for each in held_back],
            "overlaps": [each.as_json() for each in overlaps],
            "version": self.version,
        }


class CompiledRules:
    """A checked rule set, compiled for one currency."""

    def __init__(self, rules: tree.RuleSet, currency: str, functions: Library = library) -> None:
        self.compiler = Compiler(functions)
        self.rules, self.currency = rules, currency
        self.conditions: tuple[tuple[tree.Assign, Holds], ...] = tuple(
            (each, self.compiler.condition(each.condition)) for each in ranked(rules.assigns)
        )
        self.prices: Mapping[str, CompiledPrice] = compile_prices(rules.prices, currency, functions)
        self.accounts = accounts_of(rules.assigns)

    def matching(self, facts: Facts, today: int) -> list[tree.Assign]:
        """The assignments whose condition holds, the winning one first."""
        return [assign for assign, holds in self.conditions if holds(facts, today)]

    def empty(self) -> Evaluation:
        """A result without products, that names every template and price."""
        assign: dict[str, list[str]] = {each.template.value: [] for each in self.rules.assigns}
        return Evaluation(self.rules.version, assign, {name: {} for name in self.rules.prices})

    def evaluate(self, families: Iterable[Family], catalogue: Catalogue, today: dt.date) -> Evaluation:
        """Assignments and prices of every product."""
        result, day = self.empty(), day_fact(today)
        inherited = inherited_fields(catalogue)
        for family in families:
            self.add(result, family_facts(family, inherited), day)
        return result

    def add(self, result: Evaluation, family: FamilyFacts, today: int) -> None:
        """Evaluate one family into a result."""
        result.held_back += [HeldBack(sku, None, None, name, reason) for sku, name, reason in family.held_back]
        if family.assigned is not None:
            decide(result, family.assigned.sku, self.matching(family.assigned, today), self.accounts)
        for facts in family.priced:
            self.price(result, facts, today)

    def price(self, result: Evaluation, facts: Facts, today: int) -> None:
        """Every price of one product, or why it has none."""
        for name, price in self.prices.items():
            try:
                result.prices[name][facts.sku] = price.of(facts, today)
            except PriceError as error:
                result.held_back.append(HeldBack(error.sku, error.rule, error.line, error.field, error.reason))


def ranked(assigns: Sequence[tree.Assign]) -> list[tree.Assign]:
    """The assignments, the winning one first: the lowest priority number, then the one written first."""
    return sorted(assigns, key=lambda each: each.rank)


def accounts_of(assigns: Iterable[tree.Assign]) -> tuple[str | None, ...]:
    """The accounts that assignments name, and None for all others."""
    return (*sorted({each.account.value for each in assigns if each.account is not None}), None)


def applies(assign: tree.Assign, account: str | None) -> bool:
    """Whether an assignment is for an account; one that names none is for every account."""
    return assign.account is None or assign.account.value == account


def decide(result: Evaluation, sku: str, matching: Sequence[tree.Assign], accounts: Sequence[str | None]) -> None:
    """Let a product join at most one template per account. `matching` is ranked."""
    for account in accounts:
        found = [each.template.value for each in matching if applies(each, account)]
        if found and sku not in result.assign[found[0]][-1:]:
            result.assign[found[0]].append(sku)
        if len(found) > 1:
            result.overlaps.append(Overlap(sku, account, tuple(found)))
