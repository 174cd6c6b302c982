"""A checked condition as a fragment of SQL over one row of the fact table; see `connector.rules.sql`."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from fractions import Fraction
from typing import Literal, TypeAlias, assert_never

from connector.rules import tree
from connector.rules.facts import MAX_UNITS, SCALE, SEPARATOR, fold, path_fact
from connector.rules.metadata import FINAL_PRICE_PARTS, Type
from connector.rules.sql_dialect import Dialect, upper_bound
from connector.rules.sql_numbers import (
    NotExactError,
    Number,
    Operand,
    Sql,
    add,
    aligned,
    compare,
    divide,
    joined,
    multiply,
)

_TEXTS = frozenset({Type.TEXT, Type.CHOICE})
_LAST_DAY = dt.date.max.toordinal()
_CHAIN = 40
_SHALLOW = 12
"""Levels up to which a part may stand behind cheaper ones; the parser's stack grows by a few levels for each such part."""
MAX_LENGTH = 900_000
"""SQLite takes statements of a million bytes."""

_KNOWN_CALLS = frozenset({"min", "max", "abs", "first", "days since"})


@dataclass(frozen=True, slots=True)
class Layout:
    """Where one store's facts stand.

    `numbers` gives every stored field its column number, `built` the fields that have a column in the fact table (the
    others are read from the documents), `inherited` the fields that a variant takes from its configurable.
    """

    dialect: Dialect
    table: str
    documents: str
    numbers: Mapping[str, int]
    built: frozenset[str]
    inherited: frozenset[str]


def rows_of(layout: Layout, alias: str, by_key: bool, with_documents: bool) -> str:
    """The FROM clause: the fact table under an alias, with the documents of the row and of its configurable."""
    scan = "" if by_key else layout.dialect.scan
    rows = f"{layout.table} AS {alias}{scan}"
    if with_documents:
        rows += (
            f" LEFT JOIN {layout.documents} AS {alias}d ON {alias}d.id = {alias}.id"
            f" LEFT JOIN {layout.documents} AS {alias}c ON {alias}c.id = {alias}.parent"
        )
    return rows


Truth: TypeAlias = Sql | bool


@dataclass(slots=True)
class Compiler:
    """Compiles one condition for the rows called `alias`.

    `alone` says that every row is its own only variant, as what is priced is. `widen` says which way a part that SQL cannot say is replaced: true lets more rows through, false fewer.
    """

    layout: Layout
    today: int
    alias: str
    only: Sequence[int] | None
    alone: bool = False
    widen: bool = True
    exact: bool = True
    reads_documents: bool = False
    _columns: dict[str, str] = field(default_factory=dict)

    def finished(self, condition: tree.Condition) -> Sql:
        """The whole condition as one bracketed fragment; what no database would parse becomes "perhaps"."""
        truth = self.truth(condition, negate=False)
        limits = self.layout.dialect
        if isinstance(truth, Sql) and (
            truth.depth > limits.max_depth or len(truth.params) > limits.max_params or len(truth.text) > MAX_LENGTH
        ):
            truth = self._perhaps()
        return Sql("1 = 1" if truth else "1 = 0") if isinstance(truth, bool) else joined("({})", truth)

    def _perhaps(self) -> bool:
        self.exact = False
        return self.widen

    # Logic ----------------------------------------------------------------------------------------

    def truth(self, node: tree.Condition, *, negate: bool) -> Truth:
        """The condition, or its negation, as a fragment that is true for the rows where it holds."""
        match node:
            case tree.Not(operand=operand):
                return self.truth(operand, negate=not negate)
            case tree.And(parts=parts) | tree.Or(parts=parts):
                truths = [self.truth(part, negate=negate) for part in parts]
                return _chain("AND" if isinstance(node, tree.And) != negate else "OR", truths)
            case tree.SegmentCall(condition=condition):
                if condition is None:
                    raise ValueError(f"@{node.name} is not resolved: check the tree before compiling it")
                return self.truth(condition, negate=negate)
            case tree.OfVariants():
                return self._of_variants(node, negate)
            case tree.InCategory(negated=negated) | tree.IsEmpty(negated=negated) | tree.In(negated=negated):
                return self._leaf(node, negate != negated)
            case tree.Compare(operator=operator):
                return self._leaf(node, negate != (operator == "!="))
            case _:
                return self._leaf(node, negate)

    def _leaf(self, node: tree.Condition, negate: bool) -> Truth:
        try:
            positive = self._positive(node)
        except NotExactError:
            return self._perhaps()
        if not negate:
            return positive
        if isinstance(positive, bool):
            return not positive
        if isinstance(node, tree.IsEmpty):
            return replace(positive, text=positive.text.removesuffix(" IS NULL") + " IS NOT NULL")
        return joined("({}) IS NOT TRUE", positive, cost=3)

    def _of_variants(self, node: tree.OfVariants, negate: bool) -> Truth:
        if self.alone:
            return self.truth(node.condition, negate=negate)
        inner = Compiler(self.layout, self.today, "v", self.only, widen=self.widen != negate)
        inside = inner.truth(node.condition, negate=False)
        self.exact = self.exact and inner.exact
        test = Sql("1 = 1" if inside else "1 = 0") if isinstance(inside, bool) else inside
        rows = rows_of(self.layout, "v", self.only is not None, inner.reads_documents)
        group = Sql("v.grp IS NOT NULL")
        if self.only is not None:
            group = joined("{} AND {}", group, self.layout.dialect.among("v.grp", self.only))
        if node.how == "any":
            found = joined(f"SELECT v.grp FROM {rows} WHERE {{}} AND ({{}})", group, test, depth=8)  # noqa: S608  # names of ours; values are parameters
        else:
            having = "HAVING MIN(CASE WHEN {} THEN 1 ELSE 0 END) = 1"
            found = joined(f"SELECT v.grp FROM {rows} WHERE {{}} GROUP BY v.grp {having}", group, test, depth=12)  # noqa: S608  # names of ours; values are parameters
        return joined(f"{self.alias}.id {'NOT ' if negate else ''}IN ({{}})", found, cost=50, depth=3)

    # Leaves ---------------------------------------------------------------------------------------

    def _positive(self, node: tree.Condition) -> Truth:
        match node:
            case tree.Compare():
                return self._compare("=" if node.operator == "!=" else node.operator, node.left, node.right)
            case tree.Between(operand=operand, low=low, high=high):
                return self._between(operand, low, high)
            case tree.In():
                return self._in(node)
            case tree.Match():
                return self._match(node)
            case tree.Like(pattern=pattern):
                folded = fold(pattern.value)
                return self.layout.dialect.like(self.column(node.field), folded) if folded else False
            case tree.Has():
                return self._has(node)
            case tree.InCategory(how=how, path=path):
                ending = SEPARATOR if how == "is" else ""
                part = Sql("?", (SEPARATOR + path_fact(path.value) + ending,), 0)
                return self.layout.dialect.holds_part(self.column(node.field), part)
            case tree.IsEmpty():
                return self._empty(node.field)
            case tree.Holds(operand=operand):
                return compare("=", self.number(operand), Fraction(1))
            case tree.OfVariants() | tree.SegmentCall() | tree.Not() | tree.And() | tree.Or():
                raise TypeError(f"{type(node).__name__} is no leaf")
        assert_never(node)

    def _compare(self, operator: str, left: tree.Expression, right: tree.Expression) -> Truth:
        if not (_is_text(left) or _is_text(right)):
            return compare(operator, self.number(left), self.number(right))
        one, two = self.text(left), self.text(right)
        if isinstance(one, str) and isinstance(two, str):
            return _texts_hold(operator, one, two)
        return joined(f"{{}} {operator} {{}}", _parameter(one), _parameter(two), cost=0 if operator == "=" else 2)

    def _between(self, operand: tree.Expression, low: tree.Expression, high: tree.Expression) -> Truth:
        number, ends = self.number(operand), [self.number(low), self.number(high)]
        both = [compare(operator, number, end) for operator, end in zip((">=", "<="), ends, strict=True)]
        if isinstance(number, Number) and all(isinstance(end, Fraction) for end in ends):
            marks = [each.params[-1] for each in both if isinstance(each, Sql) and each.text.endswith("?")]
            if len(marks) == 2:
                return joined("{} BETWEEN ? AND ?", replace(number.sql, params=(*number.sql.params, *marks)), cost=1)
        return _chain("AND", both)

    def _in(self, node: tree.In) -> Truth:
        if node.field.type in _TEXTS:
            texts = {fold(item.value) for item in node.items if isinstance(item, tree.Text)} - {""}
            return self.layout.dialect.one_of(self.column(node.field), sorted(texts)) if texts else False
        number = self.number(node.field)
        if isinstance(number, Fraction):
            raise TypeError("a field is no constant")
        limits = (Fraction(self.number(item)) * number.denominator for item in node.items)  # type: ignore[arg-type]  # literals
        whole = {int(limit) for limit in limits if limit.denominator == 1 and abs(limit) <= number.bound}
        return self.layout.dialect.one_of(number.sql, sorted(whole)) if whole else False

    def _match(self, node: tree.Match) -> Truth:
        column, argument = self.column(node.field), self.text(node.argument)
        if argument == "":
            return joined("{} IS NOT NULL", column)
        match node.how:
            case "contains":
                return self.layout.dialect.holds_part(column, _parameter(argument))
            case "ends with":
                return self.layout.dialect.ends_with(column, _parameter(argument))
            case "starts with":
                if isinstance(argument, Sql):
                    return joined("substr({}, 1, length({})) = {}", column, argument, argument, cost=3, depth=4)
                return _prefixed(column, argument)
        assert_never(node.how)

    def _has(self, node: tree.Has) -> Truth:
        column = self.column(node.field)
        labels = sorted({fold(item.value) for item in node.items})
        parts = [f"{SEPARATOR}{label}{SEPARATOR}" for label in labels]
        if len(parts) > _CHAIN:
            return self.layout.dialect.holds_some(column, parts, every=node.how == "all")
        tests: list[Truth] = [self.layout.dialect.holds_part(column, Sql("?", (part,), 0)) for part in parts]
        return _chain("AND" if node.how == "all" else "OR", tests)

    def _empty(self, node: tree.Field) -> Sql:
        if node.name == "final_price":
            return joined("{} IS NULL", self._final_price().sql)
        return joined("{} IS NULL", self.column(node))

    # Values ---------------------------------------------------------------------------------------

    def column(self, node: tree.Field) -> Sql:
        """The column of a field, or its place in the documents while it has no column yet."""
        return Sql(self._column(node.name, number=node.type not in _TEXTS | {Type.CHOICES, Type.CATEGORIES}))

    def _column(self, name: str, *, number: bool) -> str:
        if name not in self._columns:
            self._columns[name] = self._located(name, number)
        return self._columns[name]

    def _located(self, name: str, number: bool) -> str:
        layout = self.layout
        if name not in layout.numbers:
            raise NotExactError
        key = f"f{layout.numbers[name]}"
        if name in layout.built:
            return f"{self.alias}.{key}"
        self.reads_documents = True
        own = layout.dialect.document_value(f"{self.alias}d.document", key, number=number)
        if name not in layout.inherited:
            return own
        given = layout.dialect.document_value(f"{self.alias}c.document", key, number=number)
        return f"COALESCE({own}, {given})"

    def text(self, node: tree.Expression) -> Sql | str:
        """A text field's column, or a literal folded."""
        match node:
            case tree.Text(value=value):
                return fold(value)
            case tree.Field():
                return self.column(node)
            case _:
                raise NotExactError

    def number(self, node: tree.Expression) -> Operand:
        """A number, a day number, or 1 and 0 for yes and no, exactly."""
        match node:
            case tree.Number(value=value):
                return Fraction(value)
            case tree.Day(value=day):
                return Fraction(day.toordinal())
            case tree.Duration(days=days):
                return Fraction(days)
            case tree.YesNo(value=yes):
                return Fraction(int(yes))
            case tree.Today():
                return Fraction(self.today)
            case tree.Field():
                return self._number_field(node)
            case tree.Negative(operand=operand):
                return multiply(Fraction(-1), self.number(operand))
            case tree.Binary():
                return self._binary(node)
            case tree.Call():
                return self._call(node)
            case _:
                raise NotExactError

    def _number_field(self, node: tree.Field) -> Number:
        if node.name == "final_price":
            return self._final_price()
        match node.type:
            case Type.NUMBER:
                return Number(self.column(node), SCALE, MAX_UNITS * SCALE)
            case Type.DATE:
                return Number(self.column(node), 1, _LAST_DAY)
            case Type.BOOLEAN:
                return Number(self.column(node), 1, 1)
            case _:
                raise NotExactError

    def _final_price(self) -> Number:
        special, start, end, price = (self._column(name, number=True) for name in FINAL_PRICE_PARTS)
        inside = f"({start} IS NULL OR {start} <= ?) AND ({end} IS NULL OR {end} >= ?)"
        text = f"CASE WHEN {special} IS NOT NULL AND {inside} THEN {special} ELSE {price} END"
        return Number(Sql(text, (self.today, self.today), 5, 5), SCALE, MAX_UNITS * SCALE)

    def _binary(self, node: tree.Binary) -> Operand:
        left = self.number(node.left)
        if isinstance(node.right, tree.Percent):
            share = Fraction(node.right.value) / 100
            factor = {"+": 1 + share, "-": 1 - share, "*": share}[node.operator]
            return multiply(left, factor)
        right = self.number(node.right)
        match node.operator:
            case "+":
                return add(left, right)
            case "-":
                return add(left, multiply(Fraction(-1), right))
            case "*":
                return multiply(left, right)
            case "/":
                return divide(left, right)
        assert_never(node.operator)

    def _call(self, node: tree.Call) -> Operand:
        if node.name not in _KNOWN_CALLS:
            raise NotExactError
        values = [self.number(argument) for argument in node.arguments]
        if node.name == "days since":
            return add(Fraction(self.today), multiply(Fraction(-1), values[0]))
        constants = [value for value in values if isinstance(value, Fraction)]
        if len(constants) == len(values):
            return {"abs": abs(constants[0]), "first": constants[0], "min": min(constants)}.get(
                node.name, max(constants)
            )
        numbers = aligned(values)
        common, bound = numbers[0].denominator, max(number.bound for number in numbers)
        parts = [number.sql for number in numbers]
        if node.name == "abs":
            return Number(joined("abs({})", parts[0], depth=3), common, bound)
        if len(parts) == 1:
            return numbers[0]
        if node.name == "first":
            slots = ", ".join(["{}"] * len(parts))
            return Number(joined(f"COALESCE({slots})", *parts, depth=5), common, bound)
        return Number(self.layout.dialect.smallest(parts, largest=node.name == "max"), common, bound)


def _is_text(node: tree.Expression) -> bool:
    return isinstance(node, tree.Text) or (isinstance(node, tree.Field) and node.type in _TEXTS)


def _parameter(value: Sql | str) -> Sql:
    return Sql("?", (value,), 0) if isinstance(value, str) else value


def _texts_hold(operator: str, left: str, right: str) -> bool:
    return {"=": left == right, "<": left < right, "<=": left <= right, ">": left > right, ">=": left >= right}[
        operator
    ]


def _prefixed(column: Sql, prefix: str) -> Sql:
    end = upper_bound(prefix)
    start = joined("{} >= {}", column, Sql("?", (prefix,), 0))
    return start if end is None else joined("({} AND {} < {})", start, column, Sql("?", (end,), 0))


def _chain(operator: Literal["AND", "OR"], truths: Sequence[Truth]) -> Truth:
    """The parts joined: constants folded away, the cheap part first, unless one is deep: that one leads."""
    deciding = operator == "OR"
    if any(truth is deciding for truth in truths):
        return deciding
    parts = [truth for truth in truths if isinstance(truth, Sql)]
    if not parts:
        return not deciding
    parts.sort(key=lambda part: part.cost)
    parts.sort(key=lambda part: -part.depth if part.depth > _SHALLOW else 0)
    return parts[0] if len(parts) == 1 else _balanced(operator, parts)


def _balanced(operator: str, parts: Sequence[Sql]) -> Sql:
    if len(parts) <= _CHAIN:
        chain = joined("(" + f" {operator} ".join(["{}"] * len(parts)) + ")", *parts)
        return replace(chain, depth=max(parts[0].depth + 1, *(part.depth + 3 for part in parts[1:])))
    middle = len(parts) // 2
    return joined(f"({{}} {operator} {{}})", _balanced(operator, parts[:middle]), _balanced(operator, parts[middle:]))
