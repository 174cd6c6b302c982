"""The back end for sets: a checked condition as one parameterised query over the fact table.

No text of a rule reaches the SQL: fields are looked up and become numbered columns, values are parameters.

- **Negation** is pushed down to the leaves, where it becomes `(leaf) IS NOT TRUE`: an empty value makes the leaf NULL,
  so that it is false and its negation true, as the language has it. Positive leaves stay bare.
- **What SQL cannot say exactly** (a division by a field, a sum that could pass 64 bits, a function of a plugin) becomes
  true where that lets more rows through, and the query is marked as not `exact`: Python decides on those rows.
- **Depth**: SQLite's parser has a stack of 100 places, and its expressions a depth of 1,000. The deeper operand comes
  first, which costs one place a level, and long chains are bracketed as balanced trees.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, TypeAlias

from connector.rules import tree
from connector.rules.sql_conditions import MAX_LENGTH, Compiler, Layout, rows_of
from connector.rules.sql_numbers import Sql

Role: TypeAlias = Literal["assigned", "priced"]
"""Which rows a query is about: configurables and simples that stand alone, or variants and simples that stand alone."""

BITS = 62
"""Conditions per mask column; one sign bit stays free, and one to spare."""


@dataclass(frozen=True, slots=True)
class Query:
    """A finished statement. Where `exact` is false, Python has to decide on the rows it yields."""

    text: str
    params: tuple[object, ...]
    exact: bool


@dataclass(frozen=True, slots=True)
class Masks:
    """One pass for many conditions: rows of `id` and one integer per 62 conditions, whose bits say which hold.

    `exact` has one entry per condition.
    """

    text: str
    params: tuple[object, ...]
    exact: tuple[bool, ...]


def matching(
    condition: tree.Condition,
    layout: Layout,
    today: int,
    *,
    role: Role = "assigned",
    only: Sequence[int] | None = None,
) -> Query:
    """A query for the ids for which a checked condition holds, at least those; `today` is a day number.

    `only` restricts it to some ids, or to a `range` of them, found by key instead of a scan.
    """
    if only is None and role == "assigned" and isinstance(condition, tree.OfVariants) and condition.how == "any":
        return _of_any_variant(condition, layout, today)
    part = _compile(condition, layout, today, only, alone=role == "priced")
    where = [f"p.{role} = 1"]
    params: tuple[object, ...] = ()
    if only is not None:
        restriction = layout.dialect.among("p.id", only)
        where, params = [restriction.text, *where], restriction.params
    where.append(part.sql.text)
    text = f"SELECT p.id AS id FROM {part.rows} WHERE {' AND '.join(where)}"  # noqa: S608  # names of ours; values are parameters
    return Query(layout.dialect.finish(text), params + part.sql.params, part.exact)


def masks(
    conditions: Sequence[tree.Condition],
    layout: Layout,
    today: int,
    *,
    role: Role = "assigned",
    only: Sequence[int] | None = None,
) -> Masks:
    """All conditions in one pass over the table; rows for which none holds are left out."""
    compilers = [Compiler(layout, today, "p", only, alone=role == "priced") for _ in conditions]
    parts = _fitting([each.finished(node) for each, node in zip(compilers, conditions, strict=True)], compilers)
    columns: list[str] = []
    params: list[object] = []
    for start in range(0, len(parts), BITS):
        chunk = parts[start : start + BITS]
        columns.append(
            " + ".join(f"CASE WHEN {part.text} THEN {1 << bit} ELSE 0 END" for bit, part in enumerate(chunk))
        )
        params += [param for part in chunk for param in part.params]
    named = ", ".join(f"{column} AS m{index}" for index, column in enumerate(columns))
    where = f"p.{role} = 1"
    if only is not None:
        restriction = layout.dialect.among("p.id", only)
        where, params = f"{restriction.text} AND {where}", [*params, *restriction.params]
    rows = rows_of(layout, "p", only is not None, any(compiler.reads_documents for compiler in compilers))
    names = ", ".join(f"m{index}" for index in range(len(columns)))
    some = " OR ".join(f"m{index} <> 0" for index in range(len(columns)))
    text = (
        f"WITH found AS MATERIALIZED (SELECT p.id AS id, {named} FROM {rows} WHERE {where})"  # noqa: S608  # names of ours
        f" SELECT id, {names} FROM found WHERE {some}"
    )
    return Masks(layout.dialect.finish(text), tuple(params), tuple(compiler.exact for compiler in compilers))


def _fitting(parts: list[Sql], compilers: Sequence[Compiler]) -> list[Sql]:
    """The conditions of one statement, the largest left to Python while there are too many parameters or too long a text."""
    limits = compilers[0].layout.dialect
    by_size = sorted(range(len(parts)), key=lambda index: len(parts[index].text))
    while by_size and (
        sum(len(part.params) for part in parts) > limits.max_params
        or sum(len(part.text) for part in parts) > MAX_LENGTH
    ):
        largest = by_size.pop()
        parts[largest], compilers[largest].exact = Sql("1 = 1"), False
    return parts


@dataclass(frozen=True, slots=True)
class _Part:
    sql: Sql
    rows: str
    exact: bool


def _compile(
    condition: tree.Condition,
    layout: Layout,
    today: int,
    only: Sequence[int] | None,
    alias: str = "p",
    *,
    alone: bool = False,
) -> _Part:
    compiler = Compiler(layout, today, alias, only, alone=alone)
    sql = compiler.finished(condition)
    return _Part(sql, rows_of(layout, alias, only is not None, compiler.reads_documents), compiler.exact)


def _of_any_variant(condition: tree.OfVariants, layout: Layout, today: int) -> Query:
    part = _compile(condition.condition, layout, today, None, "v")
    text = f"SELECT DISTINCT v.grp AS id FROM {part.rows} WHERE {part.sql.text} AND v.grp IS NOT NULL"  # noqa: S608  # names of ours; values are parameters
    return Query(layout.dialect.finish(text), part.sql.params, part.exact)
