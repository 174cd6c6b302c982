"""Runs the tests that rule files bring along."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from connector.errors import PriceError
from connector.rules import tree
from connector.rules.evaluation import CompiledRules, Family, FamilyFacts, family_facts, inherited_fields
from connector.rules.fact_rows import SUMMED, own
from connector.rules.functions import Library, library
from connector.rules.metadata import SPECIAL_DATES, Catalogue, Type
from connector.rules.products import Value, day_fact, fact

FIXED_DAY = dt.date(2026, 1, 1)
"""What `today` means in a test that gives none."""


@dataclass(frozen=True, slots=True)
class TestResult:
    """How one test went. `failures` has a sentence for each outcome that is not as expected, with its line."""

    __test__ = False  # pytest would take the class for a test

    name: str
    file: str
    line: int
    failures: tuple[tuple[int, str], ...]

    @property
    def passed(self) -> bool:
        return not self.failures

    def as_json(self) -> dict[str, Any]:
        """Plain values for programs."""
        failures = [{"line": line, "message": message} for line, message in self.failures]
        return {
            "name": self.name,
            "file": self.file,
            "line": self.line,
            "passed": self.passed,
            "failures": failures,
        }


def run_tests(
    rules: tree.RuleSet, catalogue: Catalogue, currency: str = "USD", functions: Library = library
) -> list[TestResult]:
    """Run every test of a checked set, in the order written. `currency` decides to what amounts are rounded."""
    catalogue = functions.extend(catalogue)
    compiled = CompiledRules(rules, currency, functions)
    return [_run(test, compiled, catalogue, functions) for test in rules.tests]


def _run(test: tree.Test, compiled: CompiledRules, catalogue: Catalogue, functions: Library) -> TestResult:
    days = [each.day.value for each in test.given if isinstance(each, tree.GivenToday)]
    today = day_fact(days[0] if days else FIXED_DAY)
    facts = _facts(test, catalogue, functions)
    result = compiled.empty()
    compiled.add(result, facts, today)
    failures = []
    for outcome in test.outcomes:
        match outcome:
            case tree.ExpectAssign(template=template, negated=negated):
                wrong = _assigned(template.value, result.assign, negated)
            case tree.ExpectPrice(price=price, amount=amount):
                wrong = _priced(compiled, price.value, amount, facts, today)
        if wrong:
            failures.append((outcome.span.line, wrong))
    return TestResult(test.name.value, test.span.file, test.span.line, tuple(failures))


def _facts(test: tree.Test, catalogue: Catalogue, functions: Library) -> FamilyFacts:
    """The given product. Its price and quantity stay as given; where they are not, its variants decide."""
    stored = catalogue.stored()
    given = _values(test.given)
    given.setdefault("type", "configurable" if test.variants else "simple")
    values = functions.complete(given)
    lead = own(0, values, stored)
    members = [
        own(number, functions.complete({"status": "enabled", "type": "simple", **_values(variant)}), stored, 0)
        for number, variant in enumerate(test.variants, 1)
    ]
    plain = {0: values}
    facts = family_facts(Family(lead, tuple(members), plain), inherited_fields(catalogue))
    if facts.assigned is not None and lead.configurable:
        for name in SUMMED:
            if name in given:
                facts.assigned[name] = fact(stored[name], given[name])
    return facts


def _values(given: Iterable[tree.Given]) -> dict[str, Value]:
    values: dict[str, Value] = {}
    for each in given:
        if not isinstance(each, tree.GivenValue) or not each.values:
            continue
        if each.field.type in (Type.CHOICES, Type.CATEGORIES):
            values[each.field.name] = frozenset(str(item.value) for item in each.values)
        else:
            values[each.field.name] = each.values[0].value
    return values | {part: values[code] for code, part in SPECIAL_DATES.items() if code in values}


def _assigned(template: str, assign: dict[str, list[str]], negated: bool) -> str:
    joined = sorted(name for name, skus in assign.items() if skus)
    if (template in joined) is not negated:
        return ""
    instead = f"it joins {', '.join(f'“{name}”' for name in joined)}" if joined else "it joins no template"
    return f"expected {'not ' if negated else ''}assign “{template}”, and {instead}"


def _priced(compiled: CompiledRules, name: str, amount: Decimal | None, facts: FamilyFacts, today: int) -> str:
    """What is wrong with a price; a product with variants is as expected when each of them is."""
    wanted = "fails" if amount is None else f"= {amount:f}"
    if not facts.priced:
        return f"expected price “{name}” {wanted}, and this product is not priced"
    for each in facts.priced:
        try:
            found = compiled.prices[name].of(each, today)
        except PriceError as error:
            if amount is not None:
                return f"expected price “{name}” {wanted}, and it fails: {error.reason} (line {error.line})"
            continue
        if amount is None or found != amount:
            return f"expected price “{name}” {wanted}, and it is {found:f}"
    return ""
