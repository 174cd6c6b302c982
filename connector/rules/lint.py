"""Warnings about rules that check but may not mean what their author thinks."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal

from connector.rules import tree
from connector.rules.evaluation import CompiledRules, Family, family_facts, inherited_fields
from connector.rules.fact_rows import DERIVED
from connector.rules.functions import Library, library
from connector.rules.intervals import never_holds
from connector.rules.metadata import BUILT_IN, HIDDEN, Catalogue
from connector.rules.problems import Problem, Severity, at_line, did_you_mean
from connector.rules.products import Facts
from connector.rules.python import Holds
from connector.rules.reads import TODAY, amounts, fields_priced, fields_read, prices_named

MOSTLY = Decimal("0.5")
"""A field that more than this share of the products leave empty is mostly empty."""


@dataclass(slots=True)
class _Seen:
    """What one pass over the catalogue counts."""

    products: int = 0
    filled: dict[str, int] = field(default_factory=dict)
    matched: set[int] = field(default_factory=set)
    cases: set[int] = field(default_factory=set)
    overlaps: dict[tuple[int, int], str] = field(default_factory=dict)


def lint(
    rules: tree.RuleSet,
    catalogue: Catalogue,
    families: Iterable[Family],
    today: int,
    *,
    used_prices: frozenset[str] | None = None,
    templates: frozenset[str] | None = None,
    functions: Library = library,
) -> list[Problem]:
    """Everything that looks odd, as warnings in the order of the text. One pass over the catalogue.

    `used_prices` are the price rules that templates use, `templates` the names there are; without them nothing is said
    about prices that nothing uses and templates that are not there.
    """
    catalogue = functions.extend(catalogue)
    compiled = CompiledRules(rules, "USD", functions)
    cases = _cases(rules, compiled)
    seen = _pass(compiled, cases, catalogue, families, today)
    warnings = _Warnings(rules)
    _unmatched(compiled, seen, warnings)
    never = _never_reached(rules)
    for price, case, index, _ in cases:
        if index not in seen.cases and id(case) not in never:
            warnings.add(case.span, f"no product reaches this case of “{price.name.value}”", "no-match")
    _never(rules, never, warnings)
    _mostly_empty(rules, catalogue, seen, warnings)
    _overlaps(compiled, seen, warnings)
    _unused(rules, used_prices, warnings)
    _unknown(rules, templates, warnings)
    return warnings.sorted()


def lint_text(
    rules: tree.RuleSet, used_prices: frozenset[str] | None = None, templates: frozenset[str] | None = None
) -> list[Problem]:
    """The warnings that need no products: branches that can never hold, prices that nothing uses, unknown templates."""
    warnings = _Warnings(rules)
    _never(rules, _never_reached(rules), warnings)
    _unused(rules, used_prices, warnings)
    _unknown(rules, templates, warnings)
    return warnings.sorted()


class _Warnings:
    def __init__(self, rules: tree.RuleSet) -> None:
        self._lines = {file.name: file.text.split("\n") for file in rules.files}
        self._found: list[Problem] = []

    def add(self, span: tree.Span, message: str, code: str, hint: str = "") -> None:
        line = self._lines[span.file][span.line - 1].rstrip("\r")
        self._found.append(at_line(span, line, message, hint=hint, code=code, severity=Severity.WARNING))

    def sorted(self) -> list[Problem]:
        return sorted(self._found, key=lambda each: (each.file, each.line, each.column, each.code))


_Case = tuple[tree.Price, tree.Case, int, Holds]


def _cases(rules: tree.RuleSet, compiled: CompiledRules) -> list[_Case]:
    found = [(price, case) for price in rules.prices.values() for case in price.cases]
    return [
        (price, case, index, compiled.compiler.condition(case.condition)) for index, (price, case) in enumerate(found)
    ]


def _pass(
    compiled: CompiledRules,
    cases: Sequence[_Case],
    catalogue: Catalogue,
    families: Iterable[Family],
    today: int,
) -> _Seen:
    seen, inherited = _Seen(), inherited_fields(catalogue)
    by_price: dict[str, list[_Case]] = {}
    for case in cases:
        by_price.setdefault(case[0].name.value, []).append(case)
    for family in families:
        facts = family_facts(family, inherited)
        if facts.assigned is not None:
            _count(seen, facts.assigned)
            found = [index for index, (_, holds) in enumerate(compiled.conditions) if holds(facts.assigned, today)]
            seen.matched.update(found)
            for position, first in enumerate(found):
                for second in found[position + 1 :]:
                    seen.overlaps.setdefault((first, second), facts.assigned.sku)
        for each in facts.priced:
            for group in by_price.values():
                reached = next((index for _, _, index, holds in group if holds(each, today)), None)
                if reached is not None:
                    seen.cases.add(reached)
    return seen


def _count(seen: _Seen, facts: Facts) -> None:
    """A field counts as filled when the product or one of its enabled variants has a value."""
    seen.products += 1
    filled = {name for each in (facts, *facts.variants) for name, value in each.items() if value is not None}
    for name in filled:
        seen.filled[name] = seen.filled.get(name, 0) + 1


def _unmatched(compiled: CompiledRules, seen: _Seen, warnings: _Warnings) -> None:
    for index, (assign, _) in enumerate(compiled.conditions):
        if index not in seen.matched and not never_holds(assign.condition):
            warnings.add(assign.template.span, f"no product matches the rule for “{assign.template.value}”", "no-match")


def _never(rules: tree.RuleSet, cases: Mapping[int, _Never], warnings: _Warnings) -> None:
    for assign in rules.assigns:
        if never_holds(assign.condition):
            warnings.add(assign.template.span, "this condition can never hold", "never")
    for segment in rules.segments.values():
        if never_holds(segment.condition):
            warnings.add(segment.name.span, "this segment can never hold", "never")
    for span, reason in cases.values():
        warnings.add(span, reason, "never")


_Never = tuple[tree.Span, str]


def _never_reached(rules: tree.RuleSet) -> dict[int, _Never]:
    """The cases of prices that no product at all reaches, as far as can be seen: by identity, where and why."""
    found: dict[int, _Never] = {}
    for price in rules.prices.values():
        earlier: set[tree.Condition] = set()
        for case in price.cases:
            if never_holds(case.condition):
                found[id(case)] = case.span, "this case can never hold"
            elif case.condition in earlier:
                found[id(case)] = case.span, "an earlier case has the same condition, so this one is never reached"
            earlier.add(case.condition)
    return found


def _mostly_empty(rules: tree.RuleSet, catalogue: Catalogue, seen: _Seen, warnings: _Warnings) -> None:
    if not seen.products:
        return
    reading: list[tuple[tree.Name, frozenset[str]]] = [
        (each.template, fields_read(each.condition)) for each in rules.assigns
    ]
    reading += [(each.name, fields_priced(each, rules.prices)) for each in rules.prices.values()]
    told: set[str] = set()
    for name, fields in reading:
        for each in sorted(fields - told - {TODAY, "special_price"} - DERIVED - HIDDEN.keys()):
            share = Decimal(seen.filled.get(each, 0)) / seen.products
            if 1 - share > MOSTLY and (each in BUILT_IN or each in catalogue.fields):
                told.add(each)
                empty = f"{(1 - share) * 100:.0f} %"
                warnings.add(name.span, f"`{each}` is empty for {empty} of the products", "mostly-empty")


def _overlaps(compiled: CompiledRules, seen: _Seen, warnings: _Warnings) -> None:
    for (first, second), sku in sorted(seen.overlaps.items()):
        winner, loser = compiled.conditions[first][0], compiled.conditions[second][0]
        same_account = winner.account is None or loser.account is None or winner.account == loser.account
        if same_account and winner.template != loser.template:
            place = f"{winner.span.file}, line {winner.span.line}"
            message = f"overlaps with “{winner.template.value}” ({place}), which wins: {sku} matches both"
            warnings.add(loser.template.span, message, "overlap")


def _unused(rules: tree.RuleSet, used: frozenset[str] | None, warnings: _Warnings) -> None:
    if used is None:
        return
    needed = set(used)
    waiting: list[str] = [name for name in used if name in rules.prices]
    calls: Mapping[str, set[str]] = {name: _calls(price) for name, price in rules.prices.items()}
    while waiting:
        for name in calls[waiting.pop()] - needed:
            needed.add(name)
            waiting.append(name)
    for name, price in rules.prices.items():
        if name not in needed:
            warnings.add(price.name.span, f"no template uses the price “{name}”", "unused")


def _calls(price: tree.Price) -> set[str]:
    return {name for amount in amounts(price) for name in prices_named(amount)}


def _unknown(rules: tree.RuleSet, templates: frozenset[str] | None, warnings: _Warnings) -> None:
    if templates is None:
        return
    for assign in rules.assigns:
        name = assign.template.value
        if name not in templates:
            hint = did_you_mean(name, templates, '"')
            warnings.add(assign.template.span, f"no template is called “{name}” yet", "unknown-template", hint)
