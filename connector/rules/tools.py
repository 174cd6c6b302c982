"""What the command line and the admin do with rule files, without any of their words: plain values in, plain values out."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

from connector.errors import ConfigurationError, PriceError, RuleError
from connector.rules import tree
from connector.rules.catalogue_folder import read_families, read_metadata
from connector.rules.evaluation import CompiledRules, Evaluation, Family, applies, family_facts, inherited_fields
from connector.rules.explain import Explanation, explain
from connector.rules.functions import Library, library
from connector.rules.ladder import Ladder, price_ladder
from connector.rules.lint import lint
from connector.rules.magento import Metadata
from connector.rules.normal import format_file
from connector.rules.parser import parse_file
from connector.rules.problems import Problem
from connector.rules.products import Facts, day_fact
from connector.rules.rule_tests import TestResult, run_tests
from connector.rules.ruleset import check_paths, load, read_text, rule_files


class Source(Protocol):
    """Where products and what is known of their fields come from: a folder, or the products of a store."""

    @property
    def metadata(self) -> Metadata: ...

    @property
    def functions(self) -> Library: ...

    def families(self, *, with_values: bool = False) -> Iterable[Family]:
        """Every product; `with_values` with what people know them by, for explanations."""
        ...

    def find(self, sku: str) -> Family:
        """The family that a SKU belongs to, with values. Raises `ConfigurationError` when there is none."""
        ...


@dataclass(frozen=True, slots=True)
class Folder:
    """A catalogue folder with its metadata."""

    path: Path
    metadata: Metadata
    functions: Library = library

    @classmethod
    def open(cls, path: Path, functions: Library = library) -> Folder:
        """Raises `ConfigurationError` for a folder that is none."""
        return cls(path, read_metadata(path), functions)

    def families(self, *, with_values: bool = False) -> Iterable[Family]:
        return read_families(self.path, self.metadata, self.functions, with_values=with_values)

    def find(self, sku: str) -> Family:
        """Raises `ConfigurationError` when no product has this SKU."""
        for family in self.families(with_values=True):
            if sku in {each.sku for each in (family.lead, *family.members)}:
                return family
        raise ConfigurationError(f"There is no product with the SKU “{sku}” in {self.path}.")


def check(
    paths: Iterable[Path],
    folder: Source,
    today: dt.date,
    *,
    with_lint: bool = True,
    used_prices: frozenset[str] | None = None,
    templates: frozenset[str] | None = None,
) -> list[Problem]:
    """Every error, or where there is none every warning, in the order of the files. The last two as `lint` takes them."""
    checked = check_paths(paths, folder.metadata.catalogue, folder.functions)
    if checked.rules is None or not with_lint:
        return list(checked.problems)
    catalogue = folder.metadata.catalogue
    return lint(
        checked.rules,
        catalogue,
        folder.families(),
        day_fact(today),
        used_prices=used_prices,
        templates=templates,
        functions=folder.functions,
    )


def formatted(path: Path) -> tuple[str, str]:
    """A file's text and its normal form. Raises `RuleError` when it cannot be read as rules."""
    text = read_text(path, str(path))
    parsed = parse_file(text, str(path))
    if parsed.problems:
        raise RuleError(parsed.problems)
    return text, format_file(parsed.tree)


def format_files(paths: Iterable[Path], *, write: bool) -> list[Path]:
    """The files that are not in normal form; with `write` they are rewritten."""
    changed = []
    for path in rule_files(list(paths)):
        text, normal = formatted(path)
        if text != normal:
            changed.append(path)
            if write:
                path.write_text(normal, encoding="utf-8", newline="\n")
    return changed


def test(paths: Iterable[Path], folder: Source, currency: str) -> list[TestResult]:
    """Run the tests of a set. Raises `RuleError` when it does not check."""
    rules = load(paths, folder.metadata.catalogue, folder.functions)
    return run_tests(rules, folder.metadata.catalogue, currency, folder.functions)


def match(paths: Iterable[Path], folder: Source, currency: str, today: dt.date) -> Evaluation:
    """Assignments and prices of every product of a folder, by the Python back end. Raises as `load` does."""
    rules = load(paths, folder.metadata.catalogue, folder.functions)
    catalogue = folder.functions.extend(folder.metadata.catalogue)
    return CompiledRules(rules, currency, folder.functions).evaluate(folder.families(), catalogue, today)


@dataclass(frozen=True, slots=True)
class AssignmentExplained:
    """One assignment on one product. `wins` says for which accounts; None stands for those that no rule names."""

    template: str
    account: str | None
    priority: int
    file: str
    line: int
    explanation: Explanation
    wins: tuple[str | None, ...]

    def as_json(self) -> dict[str, Any]:
        return {
            "template": self.template,
            "account": self.account,
            "priority": self.priority,
            "file": self.file,
            "line": self.line,
            "joins": bool(self.wins),
            "accounts": list(self.wins),
            "condition": self.explanation.as_json(),
        }


@dataclass(frozen=True, slots=True)
class ProductExplained:
    """Why a product is where it is and costs what it costs."""

    sku: str
    version: str
    assignments: tuple[AssignmentExplained, ...]
    prices: Mapping[str, Mapping[str, Ladder | PriceError]]
    """Price rule → SKU → its ladder, or why there is no price."""
    cases: Mapping[str, Mapping[str, tuple[Explanation, ...]]]
    """Price rule → SKU → the conditions of its cases, up to the one that held."""
    held_back: tuple[tuple[str, str, str], ...]

    def as_json(self) -> dict[str, Any]:
        return {
            "sku": self.sku,
            "version": self.version,
            "assignments": [each.as_json() for each in self.assignments],
            "prices": {
                rule: {
                    sku: {"cases": [c.as_json() for c in self.cases[rule][sku]], **_ladder_json(found)}
                    for sku, found in by_sku.items()
                }
                for rule, by_sku in self.prices.items()
            },
            "held_back": [{"sku": sku, "field": name, "reason": reason} for sku, name, reason in self.held_back],
        }


def _ladder_json(found: Ladder | PriceError) -> dict[str, Any]:
    if isinstance(found, PriceError):
        return {"error": found.reason, "line": found.line, "field": found.field}
    return {
        "amount": f"{found.amount:f}",
        "case": found.case,
        "line": found.line,
        "inputs": dict(found.inputs),
        "steps": [{"line": each.line, "text": each.text, "amount": f"{each.amount:f}"} for each in found.steps],
    }


def explain_sku(sku: str, rules: tree.RuleSet, source: Source, currency: str, today: dt.date) -> ProductExplained:
    """Explain one product: a configurable with all its variants, a variant with its own prices.

    Raises:
        ConfigurationError: there is no such SKU.
    """
    inherited = inherited_fields(source.functions.extend(source.metadata.catalogue))
    return explain_family(sku, rules, source.find(sku), inherited, currency, today, source.functions)


def explain_family(
    sku: str,
    rules: tree.RuleSet,
    family: Family,
    inherited: frozenset[str],
    currency: str,
    today: dt.date,
    functions: Library = library,
) -> ProductExplained:
    """Explain the product `sku` of a family."""
    facts, day = family_facts(family, inherited), day_fact(today)
    compiled = CompiledRules(rules, currency, functions)
    assignments = () if facts.assigned is None else _assignments(compiled, facts.assigned, day, functions)
    wanted = [each for each in facts.priced if sku in (each.sku, family.lead.sku)]
    prices: dict[str, dict[str, Ladder | PriceError]] = {}
    cases: dict[str, dict[str, tuple[Explanation, ...]]] = {}
    for name, price in rules.prices.items():
        prices[name], cases[name] = {}, {}
        for each in wanted:
            cases[name][each.sku] = _tried(price, each, day, functions)
            try:
                prices[name][each.sku] = price_ladder(price, each, day, currency, rules.prices, functions)
            except PriceError as error:
                prices[name][each.sku] = error
    return ProductExplained(sku, rules.version, assignments, prices, cases, facts.held_back)


def _assignments(
    compiled: CompiledRules, facts: Facts, day: int, functions: Library
) -> tuple[AssignmentExplained, ...]:
    matching = compiled.matching(facts, day)
    winners = {
        account: next((index for index, each in enumerate(matching) if applies(each, account)), None)
        for account in compiled.accounts
    }
    found = []
    for assign, _ in compiled.conditions:
        place = next((index for index, each in enumerate(matching) if each is assign), -1)
        wins = tuple(account for account, index in winners.items() if index == place)
        found.append(
            AssignmentExplained(
                assign.template.value,
                assign.account.value if assign.account else None,
                assign.rank,
                assign.span.file,
                assign.span.line,
                explain(assign.condition, facts, day, functions),
                wins,
            )
        )
    return tuple(found)


def _tried(price: tree.Price, facts: Facts, day: int, functions: Library) -> tuple[Explanation, ...]:
    """The conditions of the cases that were tried: up to the first that holds."""
    found: list[Explanation] = []
    for case in price.cases:
        found.append(explain(case.condition, facts, day, functions))
        if found[-1].holds:
            break
    return tuple(found)
