"""The figures of the issue's section on speed, each beside its rivals."""

from __future__ import annotations

import json
import random
import time
from collections.abc import Callable, Sequence
from decimal import Decimal
from functools import partial
from statistics import median
from typing import Any

from connector.errors import PriceError
from connector.rules.fact_rows import Own, own
from connector.rules.products import Facts
from connector.rules.sql import masks
from connector.store.fact_sql import Runner
from connector.store.facts import Delta, FactStore
from connector.store.matches import Matches, Priced, matching_ids

from .catalogue import STORED, TODAY, changed, products, values
from .databases import settle
from .measure import Figure, at_most, below, faster, medians, peak_memory
from .rules import CASES, FIELDS, TWO_CASES, UNREAD, Case, assignments, compiled, fifty, plain, price_by_hand

NOW = TODAY.toordinal()
FIRST = int(time.time())
"""Seed of a run's first changes: a database that was kept must meet other ones than the last time."""
_SAMPLE, _ENGINE_SAMPLE, _CEL_SAMPLE = 20_000, 5_000, 400


# Sets ---------------------------------------------------------------------------------------------


def matching_sets(name: str, store: FactStore) -> list[Figure]:
    """Every case as a set: against SQL by hand, and the other engines' time for as many products."""
    found = []
    for case in CASES:
        assign, holds = compiled(f'assign "T" where {case.rule}').conditions[0]
        sql = _by_hand(case, store)
        ours = matching_ids(store, assign.condition, holds, NOW)
        hands = [partial(_gathered, store.runner, sql), partial(_fetched, store.runner, sql)]
        for hand in hands:
            if sorted(hand()) != sorted(ours):
                raise AssertionError(f"{case.name}: the query by hand finds other products")
        times = medians(lambda: matching_ids(store, assign.condition, holds, NOW), *hands, runs=15)  # noqa: B023  # used at once
        share = f"{len(ours):,} found, {len(ours) / _assigned(store):.1%}"
        label = f"{name}: match {case.name}"
        found.append(at_most(label, times[0], "SQL by hand", min(times[1:]), 1.25, "ms", 1000, share))
        if case.engine:
            found += _other_engines(label, case, store, partial(matching_ids, store, assign.condition, holds, NOW))
    return found


def _assigned(store: FactStore) -> int:
    return int(store.runner.rows(f"SELECT COUNT(*) FROM {store.layout().table} WHERE assigned = 1")[0][0])


def _by_hand(case: Case, store: FactStore) -> str:
    layout = store.layout()
    columns = {field: f"f{layout.numbers[field]}" for field in FIELDS}
    dialect = layout.dialect
    return case.sql.format(table=layout.table, scan=dialect.scan, instr=dialect.position, **columns)


def _gathered(runner: Runner, sql: str) -> list[int]:
    """All ids as one value: JSON text in SQLite, a binary array in PostgreSQL."""
    if runner.dialect.name == "sqlite":
        found: list[int] = json.loads(runner.db.execute_sql(f"SELECT json_group_array(id) FROM ({sql})").fetchone()[0])
        return found
    with runner.db.connection().cursor(binary=True) as cursor:
        cursor.execute(f"SELECT array_agg(id) FROM ({sql}) AS found")
        return cursor.fetchone()[0] or []


def _fetched(runner: Runner, sql: str) -> list[int]:
    """All ids row by row."""
    if runner.dialect.name == "sqlite":
        return [row[0] for row in runner.db.execute_sql(sql)]
    with runner.db.connection().cursor(binary=True) as cursor:
        cursor.execute(sql)
        return [row[0] for row in cursor.fetchall()]


def _other_engines(label: str, case: Case, store: FactStore, match: Callable[[], object]) -> list[Figure]:
    """rule-engine and CEL on a sample, in turns with ours; their time scaled to all products that assignments look at."""
    sample = _facts(_ENGINE_SAMPLE)
    wanted = [bool(case.python and case.python(each, NOW)) for each in sample]
    total = _assigned(store)
    found = []
    for rival, limit, prepare, size in (
        ("rule-engine 5.1", 100.0, _rule_engine, _ENGINE_SAMPLE),
        ("cel-python 0.5", 1000.0, _cel, _CEL_SAMPLE),
    ):
        run = prepare(case, [plain(each) for each in sample[:size]])
        if run() != wanted[:size]:
            raise AssertionError(f"{case.name}: {rival} finds other products")
        ours, seconds = medians(match, run)
        found.append(faster(f"{label}, against {rival}", ours, rival, seconds / size * total, limit, "ms", 1000))
    return found


def _rule_engine(case: Case, rows: list[dict[str, object]]) -> Callable[[], list[bool]]:
    import rule_engine

    rule = rule_engine.Rule(case.engine, context=rule_engine.Context(resolver=rule_engine.resolve_item))
    return lambda: [rule.matches(row) for row in rows]


def _cel(case: Case, rows: list[dict[str, object]]) -> Callable[[], list[bool]]:
    import celpy

    environment = celpy.Environment()
    program = environment.program(environment.compile(case.cel))
    ready = [{"p": celpy.json_to_cel({name: each for name, each in row.items() if each is not None})} for row in rows]
    return lambda: [bool(program.evaluate(row)) for row in ready]


def many_at_once(name: str, store: FactStore) -> list[Figure]:
    """Twenty assignments in one pass against one of them alone, fetched the same way."""
    conditions = [assign.condition for assign, _ in compiled("\n".join(assignments(20))).conditions]

    def one_pass(some: Sequence[Any]) -> int:
        query = masks(some, store.layout(), NOW)
        return sum(1 for _ in store.runner.stream(query.text, query.params))

    singles = [median(medians(lambda c=condition: one_pass([c]), runs=1)) for condition in conditions]
    typical = conditions[sorted(range(20), key=singles.__getitem__)[10]]
    twenty, one = medians(lambda: one_pass(conditions), lambda: one_pass([typical]))
    return [at_most(f"{name}: twenty assignments in one pass", twenty, "one assignment", one, 8, "ms", 1000)]


def new_attribute(name: str, store: FactStore) -> list[Figure]:
    """A rule reads `n3`, which no rule read before: matched from the documents, then built in the background."""
    assign, holds = compiled(UNREAD).conditions[0]
    if "n3" not in store.missing_columns(["n3"]):
        raise AssertionError("n3 has a column already")
    (at_once,) = medians(lambda: matching_ids(store, assign.condition, holds, NOW))
    before = len(matching_ids(store, assign.condition, holds, NOW))
    start = time.perf_counter()
    while not store.build_columns([*FIELDS, "n2", "n3", "material", "cost"]).finished:
        pass
    built = time.perf_counter() - start
    if len(matching_ids(store, assign.condition, holds, NOW)) != before:
        raise AssertionError("the column says something else than the documents")
    while not store.build_columns([*FIELDS, "n2", "material", "cost"]).finished:
        pass
    settle(store)
    return [
        below(f"{name}: a rule on an attribute without column", at_once, 5, "s", "usable at once, from the documents"),
        below(f"{name}: its column built in the background", built, 60, "s"),
    ]


# Changes ------------------------------------------------------------------------------------------


def thousand_changes(name: str, stores: Sequence[FactStore], sizes: Sequence[int]) -> list[Figure]:
    """1,000 products change: facts, matches of 40 assignments and 10 prices up to date, committed."""
    found, seconds = [], []
    for store, size in zip(stores, sizes, strict=True):
        matches = Matches(store, compiled(fifty()), NOW)
        cursor = 0
        while not (step := matches.activate(cursor)).progress.finished:
            cursor = step.progress.cursor
        settle(store)
        times = []
        for turn in range(10):
            batch = changed_values(store, size, FIRST + turn)
            start = time.perf_counter()
            delta, prices = apply(store, matches, batch)
            times.append(time.perf_counter() - start)
            _complete(delta, len(prices))
        seconds.append(median(times[1:]))
        label = f"{name}: 1,000 changes of {size:,} products, 50 rules"
        found.append(below(label, seconds[-1], 1, "s", f"{len(delta.rows):,} rows changed, {len(prices):,} prices"))
    label = f"{name}: the same at {sizes[-1]:,} against {sizes[0]:,} products"
    return [*found, at_most(label, seconds[-1], f"{sizes[0]:,} products", seconds[0], 2, "ms", 1000)]


Batch = list[tuple[int, dict[str, Any], int | None]]
"""Product id, its values, its configurable."""


def apply(store: FactStore, matches: Matches, batch: Batch) -> tuple[Delta, list[Priced]]:
    """Everything that follows from changed products, committed."""
    with store.runner.transaction():
        delta = store.write(own(id_, value, STORED, parent) for id_, value, parent in batch)
        matches.reassign(delta)
        prices = list(matches.reprice(delta))
    return delta, prices


def changed_values(store: FactStore, size: int, turn: int) -> Batch:
    """New values for 1,000 products: price and quantity of all, everything else of every tenth."""
    rng = random.Random(turn)
    wanted = changed(size, 1000, turn)
    stored = {id_: product for id_, (_, product) in store.read([id_ for id_, _ in wanted]).items()}
    found = []
    for number, (id_, parent) in enumerate(wanted):
        kind = str(stored[id_].facts["type"])
        value: dict[str, Any] = _values_of(stored[id_])
        if number % 10 == 0:
            value = dict(values(rng, id_, kind))
        elif kind == "configurable":
            value["brand"] = rng.choice(("Acme", "Umbra"))
        else:
            value |= {"price": Decimal(rng.randrange(500, 20000)).scaleb(-2), "qty": Decimal(rng.randrange(60))}
        found.append((id_, value, parent))
    return found


def _values_of(product: Own) -> dict[str, Any]:
    """Values that give the same facts again."""
    import datetime as dt

    from connector.rules.facts import items
    from connector.rules.metadata import Type

    found: dict[str, Any] = {"sku": product.sku}
    for name, fact in product.facts.items():
        match STORED[name].type:
            case Type.NUMBER:
                found[name] = Decimal(fact).scaleb(-6)
            case Type.BOOLEAN:
                found[name] = bool(fact)
            case Type.DATE:
                found[name] = dt.date.fromordinal(int(fact))
            case Type.CHOICES:
                found[name] = frozenset(items(str(fact)))
            case Type.CATEGORIES:
                found[name] = frozenset(path.rstrip("/") for path in items(str(fact)))
            case _:
                found[name] = fact
    return found


def _complete(delta: Delta, prices: int) -> None:
    if len(delta.rows) < 900 or prices < 900:
        raise AssertionError(f"only {len(delta.rows)} rows and {prices} prices changed")


# One product --------------------------------------------------------------------------------------


def _facts(count: int) -> list[Facts]:
    return [Facts(each.sku, each.facts) for each in products(count * 2) if not each.configurable][:count]


def one_product() -> list[Figure]:
    """The compiled Python function against one written by hand, over the same facts."""
    sample = _facts(_SAMPLE)
    found = []
    for case in CASES:
        if case.python is None:
            continue
        _, holds = compiled(f'assign "T" where {case.rule}').conditions[0]
        hand = case.python
        if [holds(each, NOW) for each in sample] != [hand(each, NOW) for each in sample]:
            raise AssertionError(f"{case.name}: the function by hand says something else")
        ours, theirs = medians(
            lambda: [holds(each, NOW) for each in sample],  # noqa: B023  # used at once
            lambda: [hand(each, NOW) for each in sample],  # noqa: B023  # used at once
            runs=15,
        )
        label, scale = f"one product: {case.name}", 1e9 / len(sample)
        found.append(at_most(label, ours, "Python by hand", theirs, 1.3, "ns", scale))
    return [*found, *_one_price(sample)]


def _one_price(sample: list[Facts]) -> list[Figure]:
    minor = compiled(TWO_CASES).prices["P"].minor
    priced = [each for each in sample if _same_price(minor, each) is not None]
    ours, theirs = medians(
        lambda: [minor(each, NOW) for each in priced], lambda: [price_by_hand(each, NOW) for each in priced], runs=15
    )
    scale = 1e9 / len(priced)
    return [
        at_most(
            "one product: price", ours, "integers by hand", theirs, 1.3, "ns", scale, f"{len(priced):,} equal prices"
        ),
    ]


def _same_price(minor: Callable[[Facts, int], int], facts: Facts) -> int | None:
    """The price both give; None where both refuse."""
    try:
        one: int | None = minor(facts, NOW)
    except PriceError:
        one = None
    try:
        two: int | None = price_by_hand(facts, NOW)
    except ValueError:
        two = None
    if one != two:
        raise AssertionError(f"{facts.sku}: {one} and {two} cents")
    return one


# Memory -------------------------------------------------------------------------------------------


def memory(name: str, url: str, store_id: int) -> list[Figure]:
    """Peak memory of each operation in a process of its own."""
    found = []
    for what in (*(case.name for case in CASES), "twenty at once", "changes", "attribute", "activate", "build"):
        measured = peak_memory([url, str(store_id), what])
        label = f"{name}: peak memory, {what}"
        found.append(below(label, measured["megabytes"], 150, "MB", f"{measured['seconds']:.1f} s"))
    return found
