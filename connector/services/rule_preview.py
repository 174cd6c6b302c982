"""What a change of the rules would do to an installation's own products: for the pages of the admin."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date, datetime

from connector.errors import RuleError
from connector.rules import tree
from connector.rules.checker import check
from connector.rules.evaluation import Family
from connector.rules.lint import lint, lint_text
from connector.rules.preview import NO_RULES, Preview, preview
from connector.rules.problems import Problem
from connector.rules.products import day_fact
from connector.services import days, rule_counts
from connector.services.price_use import template_names, used_prices
from connector.services.rule_source import StoreProducts
from connector.store.models import Account, MagentoStore, RuleSetVersion

LOOKED_AT = 20_000
"""Products that a page looks at; the command line looks at all."""


@dataclass(frozen=True, slots=True)
class Previewed:
    """One store's differences and warnings. `complete` False: only the first products were looked at; then `counts` says how
    many products of all change their template, None where the database cannot."""

    store: str
    preview: Preview
    warnings: tuple[Problem, ...]
    complete: bool
    counts: Mapping[str, rule_counts.Counts] | None = None


def of_stores(files: Mapping[str, str], now: datetime) -> list[Previewed]:
    """What activating the files would do in every store on its present day, against the active version.

    Raises:
        RuleError: the files do not check.
        ConfigurationError: a store's attributes were never read.
    """
    active = RuleSetVersion.get_or_none(RuleSetVersion.active)
    before = dict(active.files) if active else {}
    return [
        _of_store(store, before, files, days.today(store, now))
        for store in MagentoStore.select().order_by(MagentoStore.id)
    ]


def _of_store(store: MagentoStore, before: Mapping[str, str], files: Mapping[str, str], today: date) -> Previewed:
    source = StoreProducts.of(store)
    new = _checked(files, source)
    old = check(before, source.metadata.catalogue, source.functions).rules if before else NO_RULES
    account = Account.select().where(Account.store == store, Account.currency != "").order_by(Account.id).first()
    currency = account.currency if account else store.base_currency or "USD"
    found, complete = _first(source)
    day, catalogue = day_fact(today), source.metadata.catalogue
    differences = preview(old or NO_RULES, new, found, catalogue, currency, day, source.functions)
    warnings = lint(
        new, catalogue, found, day, used_prices=used_prices(), templates=template_names(), functions=source.functions
    )
    known = source.functions.extend(catalogue)
    counts = None if complete else rule_counts.of_store(store, known, old or NO_RULES, new, day)
    return Previewed(store.title, differences, tuple(warnings), complete, counts)


def _first(source: StoreProducts) -> tuple[list[Family], bool]:
    """The first families, and whether these are all."""
    families: Iterator[Family] = source.families()
    found: list[Family] = []
    count = 0
    for family in families:
        if count >= LOOKED_AT:
            return found, False
        found.append(family)
        count += 1 + len(family.members)
    return found, True


def _checked(files: Mapping[str, str], source: StoreProducts) -> tree.RuleSet:
    checked = check(files, source.metadata.catalogue, source.functions)
    if checked.rules is None:
        raise RuleError(checked.problems)
    return checked.rules


def text_warnings(rules: tree.RuleSet) -> list[Problem]:
    """Warnings that need no products, for the editor while somebody types."""
    return lint_text(rules, used_prices(), template_names())
