"""Which assignments hold for which products, kept up to date in batches; and prices of what changed.

`rule_match_S` has a row for every product of store S that some assignment matches: the numbers of those assignments and
the template that wins per account. An assignment's number stands for its meaning (template, account, condition with
segments written out), so a new rule-set version evaluates only what it really changed, and every batch can be repeated.

A change of products: `reassign(facts.write(products))`. A new version: `activate` until finished. A new day: `refresh`
until finished, for what reads the day. Each batch runs in one transaction, the caller's where there is one.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from typing import TypeAlias

from connector.errors import PriceError
from connector.rules import tree
from connector.rules.evaluation import CompiledRules, applies
from connector.rules.fact_rows import Own, Row, as_facts
from connector.rules.meaning import assign_meaning
from connector.rules.products import Facts
from connector.rules.python import Holds
from connector.rules.reads import TODAY, fields_priced, fields_read
from connector.rules.sql import BITS, Masks, masks, matching
from connector.store.fact_sql import Column
from connector.store.facts import EVERY_FIELD, Delta, FactStore, Progress

_BATCH = 100_000
_COLUMNS = (Column("id", "bigint"), Column("matched", "text"), Column("winners", "text"))
_OTHERS = ""
"""Key of the accounts that no assignment names."""


@dataclass(frozen=True, slots=True)
class Change:
    """A product's template for one account changed, or the rule that gives it, or what overlaps; None is no template.

    `account` None stands for the accounts that no assignment names. `rule` is the assignment that won, `overlaps` are
    the other templates that its conditions would allow, in the order of their rank.
    """

    product_id: int
    account: str | None
    before: str | None
    after: str | None
    rule: tree.Assign | None
    overlaps: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Step:
    """One batch: what changed, and how to go on."""

    changes: tuple[Change, ...]
    progress: Progress


@dataclass(frozen=True, slots=True)
class Priced:
    """One product's amount by one price rule, or why it has none."""

    product_id: int
    sku: str
    rule: str
    amount: Decimal | None
    error: PriceError | None


@dataclass(frozen=True, slots=True)
class _Rule:
    """An assignment with its number. `ready` is false until every product was looked at once."""

    number: int
    assign: tree.Assign
    holds: Holds
    fields: frozenset[str]
    ready: bool


@dataclass(frozen=True, slots=True)
class Won:
    """A product's place on one account: its template, the assignment that won, the templates it would join without it."""

    template: str
    rule: tree.Assign
    number: int
    overlaps: tuple[str, ...]


_Result: TypeAlias = Mapping[str, Won | None]
"""By the key of an account."""


def matching_ids(facts: FactStore, condition: tree.Condition, holds: Holds, today: int) -> list[int]:
    """The products for which a checked condition holds, exactly; for a count while somebody types it.

    `holds` is the same condition, compiled by the Python back end.
    """
    query = matching(condition, facts.layout(), today)
    found = facts.runner.ids(query)
    if query.exact:
        return found
    return [
        id_ for start in range(0, len(found), 2000) for id_ in decided(facts, holds, found[start : start + 2000], today)
    ]


def patterns(facts: FactStore, conditions: Sequence[tree.Condition], today: int) -> dict[tuple[int, ...], int] | None:
    """How many products fit which conditions: positions of those that hold → products. Products that fit none are left out.

    None where the database alone cannot say so exactly. Reads only; one pass however many conditions there are.
    """
    query = masks(conditions, facts.layout(), today)
    if not all(query.exact):
        return None
    names = ", ".join(f"m{index}" for index in range(-(-len(conditions) // BITS)))
    text = f"SELECT {names}, COUNT(*) FROM ({query.text}) AS found GROUP BY {names}"  # noqa: S608  # our names
    rows = facts.runner.rows(text, query.params)
    places = range(len(conditions))
    return {tuple(each for each in places if _bit(bits, each)): int(count) for *bits, count in rows}


def decided(facts: FactStore, holds: Holds, ids: Sequence[int], today: int) -> list[int]:
    """Those of the assigned products for which Python says that the condition holds."""
    family = facts.read(ids)
    variants: dict[int, list[tuple[Row, str]]] = {}
    for row, own in family.values():
        if row.group is not None:
            variants.setdefault(row.group, []).append((row, own.sku))
    return [id_ for id_ in ids if id_ in family and holds(_as_facts(family[id_], variants.get(id_, [])), today)]


def _as_facts(found: tuple[Row, Own], variants: Sequence[tuple[Row, str]]) -> Facts:
    row, own = found
    return as_facts(row, own.sku, variants)


class Matches:
    """The assignments of one rule set on one store's facts, on one day (a day number).

    `queries` are conditions of their own beside the set; at equal priority the set's rules come first. `templates` are
    the names of each account's templates: given, only these accounts are looked at, and an assignment to a template that
    an account has not does not count there.
    """

    def __init__(
        self,
        facts: FactStore,
        rules: CompiledRules,
        today: int,
        *,
        queries: Sequence[tuple[tree.Assign, Holds]] = (),
        templates: Mapping[str, Collection[str]] | None = None,
    ) -> None:
        self.facts, self.compiled, self.today = facts, rules, today
        self.runner = facts.runner
        self.table = facts.matches
        self._templates = templates
        self._accounts: tuple[str | None, ...] = rules.accounts if templates is None else tuple(sorted(templates))
        ranked = sorted([*rules.conditions, *queries], key=lambda each: each[0].rank)
        with self.runner.transaction():
            self.rules = self._numbered(ranked)
        self._by_number = {rule.number: rule for rule in reversed(self.rules)}
        self._results: dict[str, _Result] = {}

    def _numbered(self, ranked: Sequence[tuple[tree.Assign, Holds]]) -> list[_Rule]:
        """The assignments in the order of their rank; those with an unknown meaning get new numbers."""
        store = self.facts.store_id
        text = "SELECT digest, number, ready FROM rule_number WHERE store_id = ?"
        known = {says: (number, bool(ready)) for says, number, ready in self.runner.rows(text, (store,))}
        following = max((number for number, _ in known.values()), default=0) + 1
        types = {name: info.type.value for name, info in self.facts.stored.items()}
        found = []
        for assign, holds in ranked:
            says = assign_meaning(assign, types)
            if says not in known:
                known[says] = (following, False)
                self.runner.run(
                    "INSERT INTO rule_number (store_id, digest, number, ready) VALUES (?, ?, ?, 0)",
                    (store, says, following),
                )
                following += 1
            number, ready = known[says]
            found.append(_Rule(number, assign, holds, fields_read(assign.condition), ready))
        return found

    @property
    def pending(self) -> bool:
        """Whether an assignment was never evaluated on all products."""
        return any(not rule.ready for rule in self.rules)

    @property
    def reads_day(self) -> bool:
        """Whether a new day can change anything."""
        return any(TODAY in rule.fields for rule in self.rules)

    @property
    def fields(self) -> frozenset[str]:
        """Every field that an assignment reads."""
        return frozenset().union(*(rule.fields for rule in self.rules)) - {TODAY}

    def won(self, ids: Sequence[int]) -> dict[int, Mapping[str, Won | None]]:
        """Product id → account → its place there, as the last batches left it; products that match nothing are left out."""
        restriction = self.runner.dialect.among("id", ids)
        text = f"SELECT id, matched FROM {self.table} WHERE {restriction.text}"  # noqa: S608  # our names
        return {id_: self._result(matched) for id_, matched in self.runner.rows(text, restriction.params)}

    # What changed ---------------------------------------------------------------------------------

    def reassign(self, delta: Delta) -> list[Change]:
        """Bring assignments up to date after a write: only rules that read a changed field, for what it touched."""
        changed = frozenset().union(*delta.leads.values()) if delta.leads else frozenset()
        everything = EVERY_FIELD in changed
        rules = [rule for rule in self.rules if everything or not rule.ready or rule.fields & changed]
        return self._evaluate(rules, sorted(delta.leads)) if rules and delta.leads else []

    def activate(self, cursor: int = 0, *, batch: int = _BATCH) -> Step:
        """One batch of putting this rule set in force: only assignments whose meaning is new are evaluated.

        Call again with `progress.cursor` until it is finished; interrupted, start again at 0 or at the last cursor.
        """
        return self._batch([rule for rule in self.rules if not rule.ready], cursor, batch)

    def refresh(self, cursor: int = 0, *, batch: int = _BATCH) -> Step:
        """One batch of a new day: only assignments that read the day are evaluated. Called like `activate`."""
        return self._batch([rule for rule in self.rules if TODAY in rule.fields or not rule.ready], cursor, batch)

    def _batch(self, rules: Sequence[_Rule], cursor: int, batch: int) -> Step:
        with self.runner.transaction():
            documents, total = self.facts.documents, self.facts.count()
            ends = self.runner.rows(
                f"SELECT MAX(id) FROM (SELECT id FROM {documents} WHERE id > ? ORDER BY id LIMIT ?) AS part",  # noqa: S608  # our names
                (cursor, batch),
            )
            end = ends[0][0]
            if end is None:
                self._finish()
                return Step((), Progress(cursor, total, total, finished=True))
            changes = self._evaluate(rules, range(cursor + 1, int(end) + 1))
            done = self.runner.rows(f"SELECT COUNT(*) FROM {documents} WHERE id <= ?", (end,))[0][0]  # noqa: S608  # our names
            return Step(tuple(changes), Progress(int(end), int(done), total, finished=False))

    def _finish(self) -> None:
        """Every product was looked at: the new assignments are ready, and numbers that nobody uses are forgotten."""
        restriction = self.runner.dialect.among("number", sorted(self._by_number))
        for text in ("UPDATE rule_number SET ready = 1", "DELETE FROM rule_number"):
            negation = "NOT " if text.startswith("DELETE") else ""
            self.runner.run(
                f"{text} WHERE store_id = ? AND {negation}({restriction.text})",
                (self.facts.store_id, *restriction.params),
            )
        self.rules = [replace(rule, ready=True) for rule in self.rules]

    def _evaluate(self, rules: Sequence[_Rule], ids: Sequence[int]) -> list[Change]:
        """Evaluate some rules for some products, keep what the others said, store and return what changed."""
        with self.runner.transaction():
            hits = self._hits(rules, ids)
            restriction = self.runner.dialect.among("id", ids)
            text = f"SELECT id, matched, winners FROM {self.table} WHERE {restriction.text}"  # noqa: S608  # our names
            stored = {id_: (matched, winners) for id_, matched, winners in self.runner.rows(text, restriction.params)}
            kept = frozenset(self._by_number) - {rule.number for rule in rules}
            changes, lines, gone = [], [], []
            for id_ in sorted({*hits, *stored}):
                matched, winners = stored.get(id_, ("", "{}"))
                now = self._merged(matched, kept, hits.get(id_, ()))
                result = self._result(now)
                after = _winners(result) if now else "{}"
                if winners != after:
                    changes += _changes(id_, winners, result)
                if not now:
                    gone.append(id_)
                elif (matched, winners) != (now, after):
                    lines.append((id_, now, after))
            self.runner.upsert(self.table, _COLUMNS, lines)
            if gone:
                restriction = self.runner.dialect.among("id", gone)
                self.runner.run(f"DELETE FROM {self.table} WHERE {restriction.text}", restriction.params)  # noqa: S608  # our names
            return changes

    @staticmethod
    def _merged(matched: str, kept: frozenset[int], hits: Iterable[int]) -> str:
        old = {int(number) for number in matched.split()}
        return " ".join(map(str, sorted((old & kept).union(hits))))

    def _hits(self, rules: Sequence[_Rule], ids: Sequence[int]) -> dict[int, tuple[int, ...]]:
        """Product id → the numbers of those rules that hold for it."""
        if not rules:
            return {}
        query = masks([rule.assign.condition for rule in rules], self.facts.layout(), self.today, only=ids)
        known: dict[tuple[int, ...], tuple[int, ...]] = {}
        found: dict[int, tuple[int, ...]] = {}
        for id_, *bits in self.runner.stream(query.text, query.params):
            key = tuple(bits)
            if key not in known:
                known[key] = tuple(rule.number for position, rule in enumerate(rules) if _bit(key, position))
            found[id_] = known[key]
        return found if all(query.exact) else self._checked(rules, query, found)

    def _checked(
        self, rules: Sequence[_Rule], query: Masks, found: dict[int, tuple[int, ...]]
    ) -> dict[int, tuple[int, ...]]:
        """The same with Python's word where SQL let too many rows through."""
        for rule, exact in zip(rules, query.exact, strict=True):
            if exact:
                continue
            candidates = [id_ for id_, numbers in found.items() if rule.number in numbers]
            for start in range(0, len(candidates), 2000):
                part = candidates[start : start + 2000]
                for id_ in set(part) - set(decided(self.facts, rule.holds, part, self.today)):
                    found[id_] = tuple(number for number in found[id_] if number != rule.number)
        return found

    def _result(self, matched: str) -> _Result:
        if matched not in self._results:
            numbers = {int(number) for number in matched.split()}
            found = [rule for rule in self.rules if rule.number in numbers]
            self._results[matched] = {
                _OTHERS if account is None else account: self._winner(found, account) for account in self._accounts
            }
        return self._results[matched]

    def _winner(self, ranked: Sequence[_Rule], account: str | None) -> Won | None:
        """The first of the ranked assignments that counts for the account."""
        found = [rule for rule in ranked if self._counts(rule.assign, account)]
        if not found:
            return None
        names = tuple(rule.assign.template.value for rule in found)
        return Won(names[0], found[0].assign, found[0].number, names[1:])

    def _counts(self, assign: tree.Assign, account: str | None) -> bool:
        known = self._templates is None or assign.template.value in self._templates[account or _OTHERS]
        return known and applies(assign, account)

    # Prices ---------------------------------------------------------------------------------------

    def reprice(self, delta: Delta, names: Iterable[str] | None = None) -> Iterator[Priced]:
        """Prices of what a write changed, by the rules that read a changed field. `names` limits the rules."""
        prices = self.compiled.rules.prices
        reads = {name: fields_priced(prices[name], prices) for name in (prices if names is None else names)}
        for id_, row in delta.rows.items():
            if row is None or not row.priced:
                continue
            changed = delta.fields[id_]
            due = [name for name, fields in reads.items() if EVERY_FIELD in changed or fields & changed]
            yield from self._priced(id_, Facts(delta.skus[id_], row.facts), due)

    def prices(self, ids: Iterable[int], names: Iterable[str] | None = None) -> Iterator[Priced]:
        """Prices of these products, variants and simples that stand alone; others are left out."""
        wanted = list(ids)
        rules = list(self.compiled.prices if names is None else names)
        found = self.facts.read(wanted)
        for id_ in wanted:
            row, own = found.get(id_, (None, None))
            if row is not None and own is not None and row.priced:
                yield from self._priced(id_, Facts(own.sku, row.facts), rules)

    def _priced(self, id_: int, facts: Facts, names: Iterable[str]) -> Iterator[Priced]:
        for name in names:
            try:
                yield Priced(id_, facts.sku, name, self.compiled.prices[name].of(facts, self.today), None)
            except PriceError as error:
                yield Priced(id_, facts.sku, name, None, error)


def _bit(columns: Sequence[int], position: int) -> bool:
    return bool(columns[position // BITS] >> (position % BITS) & 1)


def _winners(result: _Result) -> str:
    """What a match row keeps of its result: per account the template, the assignment's number, the other templates."""
    kept = {key: won and [won.template, won.number, *won.overlaps] for key, won in result.items()}
    return json.dumps(kept, ensure_ascii=False)


def _changes(id_: int, before: str, result: _Result) -> list[Change]:
    """What differs per account; an account that one side does not name is one of the others there."""
    old: Mapping[str, list[object] | None] = json.loads(before)
    found = []
    for key in sorted({*old, *result}):
        was, now = old.get(key, old.get(_OTHERS)), result.get(key, result.get(_OTHERS))
        if was != (now and [now.template, now.number, *now.overlaps]):
            template = str(was[0]) if was else None
            if now is None:
                found.append(Change(id_, key or None, template, None, None, ()))
            else:
                found.append(Change(id_, key or None, template, now.template, now.rule, now.overlaps))
    return found
