"""The fact tables of one store: documents, rows for the columns that rules read, and what changes in them.

Every store has tables of its own, so that rebuilding one never touches another: `product_fact_S` (the documents),
`rule_fact_S_G` (the rows) and `rule_match_S` (see `connector.store.matches`), where S is the store's id and G counts the
times the table was built anew. Three tables are common: `rule_column` joins fields to column numbers, `rule_table` says
which generation is in use and which is being built, `rule_number` numbers the assignments.

A rule that reads a field without a column works at once, from the documents; `build_columns` then makes a table that
has it, in batches that can be interrupted, while writers keep both tables right.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from peewee import Database

from connector.rules.fact_rows import DERIVED, Own, Row, rows
from connector.rules.facts import Fact
from connector.rules.metadata import Catalogue, FieldInfo, Type
from connector.rules.sql_conditions import Layout
from connector.store.fact_sql import Column, Runner

_NUMERIC = frozenset({Type.NUMBER, Type.DATE, Type.BOOLEAN})
_KEYS = tuple(Column(name, "bigint") for name in ("id", "parent", "grp", "assigned", "priced"))
_DOCUMENT = (
    Column("id", "bigint"),
    Column("sku", "text"),
    Column("parent", "bigint"),
    Column("document", "jsonb"),
    Column("held_field", "text"),
    Column("held_reason", "text"),
)

EVERY_FIELD = "*"
"""Stands among changed fields when a product came, went, or changed its place in a family."""


def create_tables(db: Database) -> None:
    """Make the common tables where they are missing. The tables of a store are made by `FactStore.prepare`."""
    runner = Runner(db)
    big = "INTEGER" if runner.dialect.name == "sqlite" else "bigint"
    runner.run(
        f"CREATE TABLE IF NOT EXISTS rule_column (store_id {big} NOT NULL, field text NOT NULL, type text NOT NULL,"
        f" number {big} NOT NULL, PRIMARY KEY (store_id, field, type))"
    )
    runner.run(
        f"CREATE TABLE IF NOT EXISTS rule_table (store_id {big} PRIMARY KEY, generation {big} NOT NULL,"
        f" columns text NOT NULL, next_columns text, copied {big} NOT NULL)"
    )
    runner.run(
        f"CREATE TABLE IF NOT EXISTS rule_number (store_id {big} NOT NULL, digest text NOT NULL, number {big} NOT NULL,"
        f" ready {big} NOT NULL, PRIMARY KEY (store_id, digest))"
    )


def drop_tables(db: Database) -> None:
    """Remove every store's tables, and the common ones."""
    runner = Runner(db)
    for (store_id,) in runner.rows("SELECT store_id FROM rule_table"):
        FactStore(db, store_id, Catalogue()).drop()
    for table in ("rule_column", "rule_table", "rule_number"):
        runner.run(f"DROP TABLE {table}")


@dataclass(frozen=True, slots=True)
class Delta:
    """What one write changed.

    `rows` are the changed rows as they are now, None for a product that is gone. `fields` says what changed in each
    (`EVERY_FIELD` for all), `leads` what changed for a product that assignments look at, in itself or in its variants.
    """

    rows: Mapping[int, Row | None]
    skus: Mapping[int, str]
    fields: Mapping[int, frozenset[str]]
    leads: Mapping[int, frozenset[str]]

    @property
    def changed(self) -> frozenset[str]:
        """Every field that changed anywhere."""
        return frozenset().union(*self.fields.values()) if self.fields else frozenset()


@dataclass(frozen=True, slots=True)
class Progress:
    """How far a job in batches is. Calling again with `cursor` goes on; `done` of `total` products are through."""

    cursor: int
    done: int
    total: int
    finished: bool


@dataclass(frozen=True, slots=True)
class _Table:
    """`rule_table`'s row: the generation in use with its fields, and the one being built, if any."""

    generation: int
    fields: tuple[str, ...]
    building: tuple[str, ...] | None
    copied: int


class FactStore:
    """The facts of one store.

    `catalogue` says which fields there are and of which type; a field whose type changed gets a new column. Every
    method that writes takes part in the caller's transaction, or makes one.
    """

    def __init__(self, db: Database, store_id: int, catalogue: Catalogue) -> None:
        self.runner = Runner(db)
        self.store_id = int(store_id)
        self.documents = f"product_fact_{self.store_id}"
        self.matches = f"rule_match_{self.store_id}"
        self.stored: dict[str, FieldInfo] = catalogue.stored()
        self.inherited = frozenset(name for name, info in self.stored.items() if not info.own)
        self._numbers: dict[str, int] = {}

    # Tables ---------------------------------------------------------------------------------------

    def prepare(self, fields: Iterable[str] = ()) -> None:
        """Make this store's tables where they are missing, with columns for `fields` in a table made now."""
        with self.runner.transaction():
            self._number_fields()
            if self.exists:
                return
            declared = ", ".join(column.declared(self.runner.dialect) for column in _DOCUMENT[1:])
            self.runner.run(f"CREATE TABLE {self.documents} ({self._key()}, {declared})")
            self.runner.run(f"CREATE INDEX {self.documents}_parent ON {self.documents} (parent)")
            self.runner.run(
                f"CREATE TABLE {self.matches} ({self._key()}, matched text NOT NULL, winners text NOT NULL)"
            )
            names = self._columns_for(fields)
            self._create(1, names)
            self.runner.run(
                "INSERT INTO rule_table (store_id, generation, columns, next_columns, copied) VALUES (?, 1, ?, NULL, 0)",
                (self.store_id, self._columns_text(names)),
            )

    def drop(self) -> None:
        """Remove everything that is kept of this store."""
        with self.runner.transaction():
            table = self._table()
            for generation in (table.generation, table.generation + 1):
                self.runner.run(f"DROP TABLE IF EXISTS {self._rows_table(generation)}")
            for own_table in (self.documents, self.matches):
                self.runner.run(f"DROP TABLE {own_table}")
            for common in ("rule_table", "rule_column", "rule_number"):
                self.runner.run(f"DELETE FROM {common} WHERE store_id = ?", (self.store_id,))  # noqa: S608  # our names

    def layout(self) -> Layout:
        """Where the facts stand at this moment, for the compiler. Good for the current transaction."""
        table = self._table()
        return Layout(
            dialect=self.runner.dialect,
            table=self._rows_table(table.generation),
            documents=self.documents,
            numbers=self._numbered(),
            built=frozenset(table.fields),
            inherited=self.inherited,
        )

    def _key(self) -> str:
        return "id INTEGER PRIMARY KEY" if self.runner.dialect.name == "sqlite" else "id bigint PRIMARY KEY"

    def _rows_table(self, generation: int) -> str:
        return f"rule_fact_{self.store_id}_{generation}"

    def _columns_for(self, fields: Iterable[str]) -> list[str]:
        return sorted((set(fields) & set(self.stored)) | DERIVED)

    def _create(self, generation: int, names: Sequence[str]) -> None:
        table = self._rows_table(generation)
        self.runner.run(f"DROP TABLE IF EXISTS {table}")
        declared = ", ".join(
            column.declared(self.runner.dialect) for column in (*_KEYS[1:], *self._fact_columns(names))
        )
        self.runner.run(f"CREATE TABLE {table} ({self._key()}, {declared})")
        self.runner.run(f"CREATE INDEX {table}_grp ON {table} (grp)")

    def _fact_columns(self, names: Sequence[str]) -> list[Column]:
        numbers = self._numbered()
        return [
            Column(f"f{numbers[name]}", "bigint" if self.stored[name].type in _NUMERIC else "text") for name in names
        ]

    def _table(self, *, lock: str = "") -> _Table:
        text = "SELECT generation, columns, next_columns, copied FROM rule_table WHERE store_id = ?"
        if lock and self.runner.dialect.name == "postgres":
            text += f" FOR {lock}"
        generation, columns, building, copied = self.runner.rows(text, (self.store_id,))[0]
        return _Table(generation, self._usable(columns), self._usable(building) if building else None, copied)

    def _columns_text(self, names: Sequence[str]) -> str:
        """Field → number of its column, as `rule_table` keeps them."""
        return json.dumps({name: self._numbered()[name] for name in names})

    def _usable(self, columns: str) -> tuple[str, ...]:
        """The fields whose columns can be used: not those that are gone, or of another type by now."""
        numbers = self._numbered()
        return tuple(name for name, number in json.loads(columns).items() if numbers.get(name) == number)

    def _number_fields(self) -> None:
        known = self._numbered(fresh=True)
        missing = sorted(set(self.stored) - set(known))
        following = self.runner.rows(
            "SELECT COALESCE(MAX(number), 0) FROM rule_column WHERE store_id = ?", (self.store_id,)
        )
        for number, name in enumerate(missing, int(following[0][0]) + 1):
            self.runner.run(
                "INSERT INTO rule_column (store_id, field, type, number) VALUES (?, ?, ?, ?)",
                (self.store_id, name, self.stored[name].type.value, number),
            )
        self._numbered(fresh=True)

    def _numbered(self, *, fresh: bool = False) -> dict[str, int]:
        if fresh or not self._numbers:
            found = self.runner.rows("SELECT field, type, number FROM rule_column WHERE store_id = ?", (self.store_id,))
            self._numbers = {
                field: number
                for field, type_, number in found
                if field in self.stored and self.stored[field].type.value == type_
            }
        return self._numbers

    # Products -------------------------------------------------------------------------------------

    def write(self, products: Iterable[Own]) -> Delta:
        """Store products as they are now, with every row that depends on them; says what changed."""
        return self.update({product.id: product for product in products})

    def remove(self, ids: Iterable[int]) -> Delta:
        """Take products out; a variant that loses its configurable takes part in nothing until it gets another."""
        return self.update(dict.fromkeys(ids))

    def update(self, wanted: Mapping[int, Own | None]) -> Delta:
        """Both at once: None takes a product out."""
        with self.runner.transaction():
            table = self._table(lock="SHARE")
            known = self._read("id", wanted)
            changed = {id_: new for id_, new in wanted.items() if known.get(id_) != new}
            families = {id_: own for id_, own in known.items() if id_ in changed}
            leads = {own.parent or own.id for own in (*changed.values(), *families.values()) if own is not None}
            families |= self._read("id", leads) | self._read("parent", leads)
            before = _derive(families.values(), self.inherited)
            for id_, new in changed.items():
                if new is None:
                    families.pop(id_, None)
                else:
                    families[id_] = new
            after = _derive(families.values(), self.inherited)
            self._save(
                changed, table, {id_: after.get(id_) for id_ in {*before, *after} if before.get(id_) != after.get(id_)}
            )
            return _delta(before, after, {id_: own.sku for id_, own in families.items()})

    def _read(self, column: str, ids: Iterable[int]) -> dict[int, Own]:
        restriction = self.runner.dialect.among(column, list(ids))
        text = (
            f"SELECT id, sku, parent, document, held_field, held_reason FROM {self.documents} WHERE {restriction.text}"  # noqa: S608  # our names
        )
        names = {f"f{number}": name for name, number in self._numbered().items()}
        return {row[0]: _own(row, names) for row in self.runner.rows(text, restriction.params)}

    def _save(self, changed: Mapping[int, Own | None], table: _Table, derived: Mapping[int, Row | None]) -> None:
        keys = {name: f"f{number}" for name, number in self._numbered().items()}
        self.runner.upsert(
            self.documents, _DOCUMENT, [_stored(own, keys) for own in changed.values() if own is not None]
        )
        self._delete(self.documents, [id_ for id_, own in changed.items() if own is None])
        gone = [id_ for id_, row in derived.items() if row is None]
        tables = [(table.generation, table.fields)]
        if table.building is not None:
            tables.append((table.generation + 1, table.building))
        for generation, names in tables:
            columns = (*_KEYS, *self._fact_columns(names))
            lines = [_line(row, names) for row in derived.values() if row is not None]
            self.runner.upsert(self._rows_table(generation), columns, lines)
            self._delete(self._rows_table(generation), gone)

    def _delete(self, table: str, ids: Sequence[int]) -> None:
        if ids:
            restriction = self.runner.dialect.among("id", ids)
            self.runner.run(f"DELETE FROM {table} WHERE {restriction.text}", restriction.params)  # noqa: S608  # our names

    def read(self, ids: Iterable[int]) -> dict[int, tuple[Row, Own]]:
        """Rows and products of these ids and of their whole families, from the documents."""
        wanted = list(ids)
        own = self._read("id", wanted)
        leads = {each.parent or each.id for each in own.values()}
        own |= self._read("id", leads) | self._read("parent", leads)
        derived = _derive(own.values(), self.inherited)
        return {id_: (row, own[id_]) for id_, row in derived.items()}

    def held_back(self) -> int:
        """How many products have a value that rules cannot work with."""
        return int(self.runner.rows(f"SELECT COUNT(*) FROM {self.documents} WHERE held_field IS NOT NULL")[0][0])  # noqa: S608  # our names

    @property
    def exists(self) -> bool:
        """Whether this store's tables were made."""
        return bool(self.runner.rows("SELECT 1 FROM rule_table WHERE store_id = ?", (self.store_id,)))

    def count(self) -> int:
        """How many products have facts."""
        return int(self.runner.rows(f"SELECT COUNT(*) FROM {self.documents}")[0][0])  # noqa: S608  # our names

    # Columns --------------------------------------------------------------------------------------

    def missing_columns(self, fields: Iterable[str]) -> list[str]:
        """Those of the fields that are still read from the documents."""
        built = set(self._table().fields)
        return [name for name in self._columns_for(fields) if name not in built]

    def build_columns(self, fields: Iterable[str], *, batch: int = 50_000) -> Progress:
        """One batch of building a table with exactly these columns; call again until `finished`.

        The last batch puts the new table in use and removes the old one. Calling with other fields starts again.
        """
        wanted = tuple(self._columns_for(fields))
        with self.runner.transaction():
            table = self._table(lock="UPDATE")
            if table.building is None and set(table.fields) == set(wanted):
                return Progress(0, self.count(), self.count(), finished=True)
            if table.building != wanted:
                self._create(table.generation + 1, wanted)
                table = _Table(table.generation, table.fields, wanted, -1)
            last = self._copy(table, wanted, batch)
            if last is None:
                return self._switch(table, wanted)
            self.runner.run(
                "UPDATE rule_table SET next_columns = ?, copied = ? WHERE store_id = ?",
                (self._columns_text(wanted), last, self.store_id),
            )
            done = self.runner.rows(f"SELECT COUNT(*) FROM {self.documents} WHERE id <= ?", (last,))  # noqa: S608  # our names
            return Progress(last, int(done[0][0]), self.count(), finished=False)

    def _copy(self, table: _Table, wanted: Sequence[str], batch: int) -> int | None:
        """Copy the next rows; returns the last id, None when none was left."""
        old, new = self._rows_table(table.generation), self._rows_table(table.generation + 1)
        end = self.runner.rows(
            f"SELECT MAX(id) FROM (SELECT id FROM {old} WHERE id > ? ORDER BY id LIMIT ?) AS part",  # noqa: S608  # our names
            (table.copied, batch),
        )[0][0]
        if end is None:
            return None
        names = [column.name for column in (*_KEYS, *self._fact_columns(wanted))]
        values = [f"r.{column.name}" for column in _KEYS] + [self._source(name, table) for name in wanted]
        self.runner.run(
            f"INSERT INTO {new} ({', '.join(names)}) SELECT {', '.join(values)} FROM {old} AS r"  # noqa: S608  # our names
            f" JOIN {self.documents} AS d ON d.id = r.id LEFT JOIN {self.documents} AS c ON c.id = r.parent"
            f" WHERE r.id > ? AND r.id <= ? ON CONFLICT (id) DO NOTHING",
            (table.copied, end),
        )
        return int(end)

    def _source(self, name: str, table: _Table) -> str:
        key = f"f{self._numbered()[name]}"
        if name in table.fields:
            return f"r.{key}"
        number = self.stored[name].type in _NUMERIC
        own = self.runner.dialect.document_value("d.document", key, number=number)
        given = self.runner.dialect.document_value("c.document", key, number=number)
        return f"COALESCE({own}, {given})" if name in self.inherited else own

    def _switch(self, table: _Table, wanted: Sequence[str]) -> Progress:
        self.runner.run(
            "UPDATE rule_table SET generation = ?, columns = ?, next_columns = NULL, copied = 0 WHERE store_id = ?",
            (table.generation + 1, self._columns_text(wanted), self.store_id),
        )
        self.runner.run(f"DROP TABLE {self._rows_table(table.generation)}")
        return Progress(0, self.count(), self.count(), finished=True)


def _own(row: Sequence[Any], names: Mapping[str, str]) -> Own:
    id_, sku, parent, document, field, reason = row
    values = json.loads(document) if isinstance(document, str) else document
    facts: dict[str, Fact] = {names[key]: fact for key, fact in values.items() if key in names}
    return Own(id_, sku, parent, facts, (field, reason) if field else None)


def _stored(own: Own, keys: Mapping[str, str]) -> tuple[object, ...]:
    document = json.dumps({keys[name]: fact for name, fact in own.facts.items() if name in keys}, ensure_ascii=False)
    return (own.id, own.sku, own.parent, document, *(own.held_back or (None, None)))


def _line(row: Row, names: Sequence[str]) -> tuple[object, ...]:
    keys = (row.id, row.parent, row.group, int(row.assigned), int(row.priced))
    return (*keys, *(row.facts.get(name) for name in names))


def _derive(products: Iterable[Own], inherited: frozenset[str]) -> dict[int, Row]:
    """The rows of whole families."""
    all_ = {own.id: own for own in products}
    variants: dict[int, list[Own]] = {}
    leads = []
    for own in all_.values():
        lead = all_.get(own.parent) if own.parent is not None else None
        if lead is not None and lead.configurable:
            variants.setdefault(lead.id, []).append(own)
        else:
            leads.append(own)
    return {row.id: row for lead in leads for row in rows(lead, variants.get(lead.id, ()), inherited)}


def _delta(before: Mapping[int, Row], after: Mapping[int, Row], skus: Mapping[int, str]) -> Delta:
    fields: dict[int, frozenset[str]] = {}
    leads: dict[int, frozenset[str]] = {}
    for id_ in {*before, *after}:
        old, new = before.get(id_), after.get(id_)
        if old == new:
            continue
        changed = _changed(old, new)
        fields[id_] = changed
        for lead in {id_, *(row.parent for row in (old, new) if row is not None and row.parent is not None)}:
            leads[lead] = leads.get(lead, frozenset()) | changed
    return Delta({id_: after.get(id_) for id_ in fields}, skus, fields, leads)


def _changed(old: Row | None, new: Row | None) -> frozenset[str]:
    if old is None or new is None:
        return frozenset({EVERY_FIELD})
    places = [(row.parent, row.group, row.assigned, row.priced) for row in (old, new)]
    if places[0] != places[1]:
        return frozenset({EVERY_FIELD})
    return frozenset(name for name in {*old.facts, *new.facts} if old.facts.get(name) != new.facts.get(name))
