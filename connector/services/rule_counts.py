"""How many products of a whole store would change their template with other rules, counted by the database."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from connector.rules import tree
from connector.rules.evaluation import accounts_of, applies, ranked
from connector.rules.metadata import Catalogue
from connector.services import rulesets
from connector.store.matches import patterns
from connector.store.models import MagentoStore


@dataclass(slots=True)
class Counts:
    """One template's products with the rules of now and with the others; `join` and `leave` are those that move."""

    now: int = 0
    then: int = 0
    join: int = 0
    leave: int = 0


def of_store(
    store: MagentoStore, known: Catalogue, old: tree.RuleSet, new: tree.RuleSet, today: int
) -> dict[str, Counts] | None:
    """Template → its counts, by rules alone: pins and templates' own queries stay as they are.

    None where the store has no facts yet, or where a condition needs more than the database. Columns are not built:
    what has none is read from the documents.
    """
    before, after = ranked(old.assigns), ranked(new.assigns)
    facts = rulesets.facts_of(store, known)
    if facts is None or not (before or after):
        return None
    found = patterns(facts, [each.condition for each in (*before, *after)], today)
    if found is None:
        return None
    accounts = accounts_of([*before, *after])
    counts = {each.template.value: Counts() for each in (*before, *after)}
    for places, products in found.items():
        was = [before[place] for place in places if place < len(before)]
        now = [after[place - len(before)] for place in places if place >= len(before)]
        _count(counts, [(_winner(was, account), _winner(now, account)) for account in accounts], products)
    return counts


def _winner(matching: Sequence[tree.Assign], account: str | None) -> str | None:
    return next((each.template.value for each in matching if applies(each, account)), None)


def _count(counts: dict[str, Counts], places: Sequence[tuple[str | None, str | None]], products: int) -> None:
    """Products that all fit the same conditions; `places` are their templates before and after, by account."""
    moves = [(was, now) for was, now in places if was != now]
    for name, each in counts.items():
        each.now += products * any(was == name for was, _ in places)
        each.then += products * any(now == name for _, now in places)
        each.join += products * any(now == name for _, now in moves)
        each.leave += products * any(was == name for was, _ in moves)
