"""`connector rules match --engine sql`: the same answer by the back end for sets, on a database of its own."""

from __future__ import annotations

import datetime as dt
import tempfile
from collections.abc import Iterable, Iterator
from itertools import islice
from pathlib import Path

from peewee import SqliteDatabase

from connector.rules import tree
from connector.rules.evaluation import CompiledRules, Evaluation, HeldBack, decide
from connector.rules.fact_rows import Own, Row, as_facts
from connector.rules.products import Facts, day_fact
from connector.rules.reads import TODAY, fields_read
from connector.rules.ruleset import load
from connector.rules.sql import masks
from connector.rules.tools import Source
from connector.store.facts import FactStore, create_tables

_BATCH = 2_000
_BITS = 62


def match_sql(paths: Iterable[Path], folder: Source, currency: str, today: dt.date) -> Evaluation:
    """Assignments by SQL, in a temporary database; prices by Python from the rows that are kept there.

    Raises:
        RuleError: the set does not check.
        ConfigurationError: the folder is no catalogue folder.
    """
    rules = load(paths, folder.metadata.catalogue, folder.functions)
    compiled = CompiledRules(rules, currency, folder.functions)
    catalogue = folder.functions.extend(folder.metadata.catalogue)
    with tempfile.TemporaryDirectory() as place:
        db = SqliteDatabase(str(Path(place) / "facts.sqlite"))
        try:
            create_tables(db)
            store = FactStore(db, 1, catalogue)
            fields = {name for each in rules.assigns for name in fields_read(each.condition)} - {TODAY}
            store.prepare(sorted(fields & store.stored.keys()))
            ids = [own.id for batch in _batches(_owns(folder)) for own in _written(store, batch)]
            return _evaluate(store, compiled, ids, day_fact(today))
        finally:
            db.close()


def _owns(folder: Source) -> Iterator[Own]:
    for family in folder.families():
        yield family.lead
        yield from family.members


def _batches(products: Iterable[Own]) -> Iterator[list[Own]]:
    waiting = iter(products)
    while batch := list(islice(waiting, _BATCH)):
        yield batch


def _written(store: FactStore, batch: list[Own]) -> list[Own]:
    store.write(batch)
    return batch


def _evaluate(store: FactStore, compiled: CompiledRules, ids: list[int], day: int) -> Evaluation:
    matched = _matched(store, compiled, day)
    result = compiled.empty()
    for start in range(0, len(ids), _BATCH):
        wanted = ids[start : start + _BATCH]
        family = store.read(wanted)
        for id_ in wanted:
            row, own = family[id_]
            if row.held_back is not None:
                result.held_back.append(HeldBack(own.sku, None, None, *row.held_back))
            if row.assigned and matched.get(id_):
                found = _decided(compiled, matched[id_], _facts(row, own, family), day)
                decide(result, own.sku, found, compiled.accounts)
            if row.priced:
                compiled.price(result, Facts(own.sku, row.facts), day)
    return result


_Candidates = list[tuple[int, bool]]
"""Positions of assignments that may match, the winning one first, and whether SQL was exact about each."""


def _matched(store: FactStore, compiled: CompiledRules, day: int) -> dict[int, _Candidates]:
    """Product id → its candidates, from one pass over the table."""
    if not compiled.conditions:
        return {}
    query = masks([assign.condition for assign, _ in compiled.conditions], store.layout(), day)
    found: dict[int, _Candidates] = {}
    for id_, *bits in store.runner.stream(query.text, query.params):
        found[id_] = [
            (position, exact)
            for position, exact in enumerate(query.exact)
            if bits[position // _BITS] >> (position % _BITS) & 1
        ]
    return found


def _decided(compiled: CompiledRules, candidates: _Candidates, facts: Facts, day: int) -> list[tree.Assign]:
    """The assignments that do match: where SQL was not exact, Python decides."""
    conditions = compiled.conditions
    return [conditions[position][0] for position, exact in candidates if exact or conditions[position][1](facts, day)]


def _facts(row: Row, own: Own, family: dict[int, tuple[Row, Own]]) -> Facts:
    variants = [(each, product.sku) for each, product in family.values() if each.group == row.id and each.id != row.id]
    return as_facts(row, own.sku, variants)
