"""Magento's searchCriteria: read from a query string, echoed in the answer, run as parameterised SQL.

Used for every list: a `Source` says which table is searched and what a field name means there. The odd answers are the
ones that a live Magento 2.4.7 gave: an unknown condition compares with the word "Array", a page size of 0 means all rows, a
negative one means one row, a date that is none counts as the zero date.
"""

from __future__ import annotations

import re
import sqlite3
import zlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from connector.sandbox.magento.errors import MagentoError, not_supported, required, wrong_type

TEXT, NUMBER, DATE = "text", "number", "date"
ZERO_DATE = "0000-00-00 00:00:00"
_LEADING_NUMBER = re.compile(r"\s*([+-]?\d+(?:\.\d*)?|[+-]?\.\d+)")
_DATE = re.compile(r"\s*(\d{4}-\d{1,2}-\d{1,2})(?:[T ](\d{1,2}:\d{2}(?::\d{2})?))?")
_COMPARISONS = {"eq": "=", "neq": "<>", "gt": ">", "gteq": ">=", "lt": "<", "lteq": "<=", "from": ">=", "to": "<="}


@dataclass(frozen=True, slots=True)
class Filter:
    """One condition; `name` is None when the query gave none, `value` None when it gave none."""

    name: str | None
    value: Any = None
    condition: str = "eq"


@dataclass(frozen=True, slots=True)
class SortOrder:
    name: str
    direction: str = "DESC"


@dataclass(frozen=True, slots=True)
class Criteria:
    """Groups are joined by AND, the filters of a group by OR. Paging fields are None when the query has none."""

    groups: tuple[tuple[Filter, ...], ...] = ()
    sort_orders: tuple[SortOrder, ...] = ()
    page_size: int | None = None
    current_page: int | None = None
    seed: int = 0

    def echo(self) -> dict[str, Any]:
        """`search_criteria` of the answer."""
        answer: dict[str, Any] = {
            "filter_groups": [
                {"filters": [{"field": f.name, "value": f.value, "condition_type": f.condition} for f in group]}
                for group in self.groups
            ]
        }
        if self.sort_orders:
            answer["sort_orders"] = [{"field": s.name, "direction": s.direction} for s in self.sort_orders]
        if self.page_size is not None:
            answer["page_size"] = self.page_size
        if self.current_page is not None:
            answer["current_page"] = self.current_page
        return answer


@dataclass(frozen=True, slots=True)
class Column:
    """What a field name means: an SQL expression, its kind, and a join that the expression needs."""

    sql: str
    kind: str = TEXT
    join: str = ""


class Binder:
    """Collects bound values: call it with a value, put the name it returns into the SQL."""

    def __init__(self, params: Mapping[str, Any]) -> None:
        self.values: dict[str, Any] = dict(params)

    def __call__(self, value: Any) -> str:
        name = f"p{len(self.values)}"
        self.values[name] = value
        return f":{name}"

    def list(self, values: Sequence[Any]) -> str:
        return ", ".join(self(value) for value in values)


@dataclass(frozen=True, slots=True)
class Source:
    """What is searched.

    `table` stands after FROM; `select` is the column list; `key` a unique expression, whole numbers unless `shuffle_key` names
    such a one. `where` (with named `params`) always holds. `columns` maps field names; `resolve` is asked for names that are not in it. `unknown` makes the error for a
    name that neither knows, and `ignore_unknown_sort` drops such sort orders. `subset(filter, bind)` may return SQL of its
    own for a field that is not a column, such as `category_id` of a product.
    """

    table: str
    select: str
    key: str
    columns: Mapping[str, Column]
    shuffle_key: str = ""
    where: str = ""
    params: Mapping[str, Any] = field(default_factory=dict)
    resolve: Callable[[str], Column | None] | None = None
    subset: Callable[[Filter, Binder], str | None] | None = None
    unknown: Callable[[str | None], MagentoError] = field(default=lambda name: not_supported(name or ""))
    ignore_unknown_sort: bool = False


@dataclass(frozen=True, slots=True)
class Paging:
    """How this store pages: `past_the_end` is `empty` or `last_page` (Magento 2.3 and older), `shuffle` mixes rows whose
    order the caller left open. `limits` is (default page size, largest page size) when input limits are on."""

    past_the_end: str = "empty"
    shuffle: bool = True
    limits: tuple[int, int] | None = None


def read_criteria(
    query: Mapping[str, Any], *, seed: int = 0, needed: bool = True, default: str = "searchCriteria"
) -> Criteria:
    """Criteria of a parsed query string (nested as PHP nests it).

    `seed` decides how rows without an order are mixed. Raises MagentoError 400 when the parameter is missing and `needed`, holds an
    unknown key, a page that is no number or a sort direction other than ASC and DESC.
    """
    given = query.get("searchCriteria", query.get("search_criteria"))
    if given is None:
        if needed:
            raise required(default)
        return Criteria(seed=seed)
    if not isinstance(given, Mapping):
        return Criteria(seed=seed)
    criteria = Criteria(seed=seed)
    for key, value in given.items():
        match _snake(key):
            case "filter_groups":
                criteria = replace(criteria, groups=tuple(_group(group) for group in _items(value)))
            case "sort_orders":
                criteria = replace(criteria, sort_orders=tuple(_sort_order(order) for order in _items(value)))
            case "page_size":
                criteria = replace(criteria, page_size=_whole("pageSize", value))
            case "current_page":
                criteria = replace(criteria, current_page=_whole("currentPage", value))
            case _:
                raise not_supported(str(key))
    return criteria


def run_search(
    db: sqlite3.Connection, criteria: Criteria, source: Source, paging: Paging | None = None
) -> tuple[list[sqlite3.Row], int]:
    """The rows of the asked page and the number of all rows that match.

    Raises MagentoError for a field that the source does not know.
    """
    paging = paging or Paging()
    bind = Binder(source.params)
    joins: dict[str, None] = {}
    where = _where(criteria, source, bind, joins)
    table = " ".join([source.table, *joins])
    total = int(db.execute(f"SELECT COUNT(*) FROM {table}{where}", bind.values).fetchone()[0])  # noqa: S608  # names come from the source, values are bound
    order = _order(criteria, source, paging, joins)
    table = " ".join([source.table, *joins])
    statement = f"SELECT {source.select} FROM {table}{where}{order}{_limit(criteria, total, paging, bind)}"  # noqa: S608  # as above
    return db.execute(statement, bind.values).fetchall(), total


def limited(criteria: Criteria, paging: Paging) -> Criteria:
    """Criteria under the store's input limits. Raises MagentoError 400 for a page above the largest size."""
    if paging.limits is None:
        return criteria
    default, largest = paging.limits
    if criteria.page_size is None:
        return replace(criteria, page_size=default)
    if criteria.page_size > largest:
        raise MagentoError(400, "Maximum SearchCriteria pageSize is %max", {"max": largest})
    return criteria


def _where(criteria: Criteria, source: Source, bind: Binder, joins: dict[str, None]) -> str:
    parts = [source.where] if source.where else []
    for group in criteria.groups:
        conditions = [_condition(one, source, bind, joins) for one in _merge_ranges(group)]
        if conditions:
            parts.append("(" + " OR ".join(conditions) + ")")
    return f" WHERE {' AND '.join(parts)}" if parts else ""


def _merge_ranges(group: tuple[Filter, ...]) -> list[tuple[Filter, ...]]:
    """`from` and `to` on one field of a group belong together; every other filter stands alone."""
    alone: list[tuple[Filter, ...]] = []
    ends: dict[str | None, list[Filter]] = {}
    for one in group:
        if one.condition not in {"from", "to"}:
            alone.append((one,))
        elif one.name in ends:
            ends[one.name].append(one)
        else:
            ends[one.name] = [one]
    return alone + [tuple(pair) for pair in ends.values()]


def _condition(filters: tuple[Filter, ...], source: Source, bind: Binder, joins: dict[str, None]) -> str:
    parts = []
    for one in filters:
        own = source.subset(one, bind) if source.subset else None
        parts.append(own if own is not None else _compare(one, _column(one.name, source, joins), bind))
    return "(" + " AND ".join(parts) + ")"


def _column(name: str | None, source: Source, joins: dict[str, None]) -> Column:
    column = source.columns.get(name or "")
    if column is None and source.resolve and name:
        column = source.resolve(name)
    if column is None:
        raise source.unknown(name)
    if column.join:
        joins[column.join] = None
    return column


def _compare(one: Filter, column: Column, bind: Binder) -> str:
    value = one.value
    match one.condition:
        case "null":
            return f"{column.sql} IS NULL"
        case "notnull":
            return f"{column.sql} IS NOT NULL"
        case "in" | "nin":
            wanted = value if isinstance(value, list) else str(value if value is not None else "").split(",")
            names = bind.list([_typed(item, column.kind) for item in wanted])
            return f"{column.sql} {'IN' if one.condition == 'in' else 'NOT IN'} ({names})"
        case "like" | "nlike":
            word = "LIKE" if one.condition == "like" else "NOT LIKE"
            return f"{column.sql} {word} {bind(str(value if value is not None else ''))} ESCAPE '\\'"
        case "finset" | "nfinset":
            word = "LIKE" if one.condition == "finset" else "NOT LIKE"
            return f"',' || {column.sql} || ',' {word} '%,' || {bind(str(value))} || ',%'"
        case condition if condition in _COMPARISONS:
            return f"{column.sql} {_COMPARISONS[condition]} {bind(_typed(value, column.kind))}"
        case _:
            # Magento has no such condition and compares with the array it was given, printed: the word "Array".
            return f"{column.sql} = {bind(_typed('Array', column.kind))}"


def _typed(value: Any, kind: str) -> Any:
    """The value as MySQL reads it beside a column of this kind: "12abc" is 12 beside a number."""
    text = "" if value is None else str(value)
    if kind == NUMBER:
        number = _LEADING_NUMBER.match(text)
        if number is None:
            return 0
        return float(number[1]) if "." in number[1] else int(number[1])
    if kind == DATE:
        date = _DATE.match(text)
        if date is None:
            return ZERO_DATE
        clock = date[2] or "00:00:00"
        return f"{date[1]} {clock if clock.count(':') == 2 else clock + ':00'}"
    return text


def _order(criteria: Criteria, source: Source, paging: Paging, joins: dict[str, None]) -> str:
    parts: list[str] = []
    for order in criteria.sort_orders:
        if source.ignore_unknown_sort and not _known(order.name, source):
            continue
        column = _column(order.name, source, joins)
        parts.append(f"{column.sql} {order.direction}")
        if column.sql == source.key:
            return f" ORDER BY {', '.join(parts)}"
    if not paging.shuffle:
        return f" ORDER BY {', '.join([*parts, source.key])}"
    key = source.shuffle_key or source.key
    multiplier = 7919 + 2 * (criteria.seed % 1_000_003)
    return f" ORDER BY {', '.join([*parts, f'({key} * {multiplier}) % 1000003', key])}"


def _known(name: str, source: Source) -> bool:
    return name in source.columns or (source.resolve is not None and source.resolve(name) is not None)


def _limit(criteria: Criteria, total: int, paging: Paging, bind: Binder) -> str:
    size = criteria.page_size
    if not size:
        return ""
    size = max(size, 1)
    page = max(criteria.current_page or 1, 1)
    if paging.past_the_end == "last_page" and total:
        page = min(page, -(-total // size))
    return f" LIMIT {bind(size)} OFFSET {bind(size * (page - 1))}"


def seed_of(text: str) -> int:
    """A number that depends on the whole query, so that two pages of one unsorted list are mixed differently."""
    return zlib.crc32(text.encode())


def _items(value: Any) -> list[Any]:
    """The members of a PHP array in their order; anything else has none."""
    if isinstance(value, Mapping):
        return list(value.values())
    return list(value) if isinstance(value, list) else []


def _group(group: Any) -> tuple[Filter, ...]:
    filters = group.get("filters") if isinstance(group, Mapping) else None
    return tuple(_filter(one) for one in _items(filters) if isinstance(one, Mapping))


def _filter(given: Mapping[str, Any]) -> Filter:
    name, value, condition = None, None, "eq"
    for key, item in given.items():
        match _snake(key):
            case "field":
                name = str(item)
            case "value":
                value = list(item.values()) if isinstance(item, Mapping) else item
            case "condition_type":
                condition = str(item) or "eq"
            case _:
                raise not_supported(str(key))
    return Filter(name, value, condition)


def _sort_order(given: Any) -> SortOrder:
    name, direction = "", "DESC"
    for key, value in given.items() if isinstance(given, Mapping) else ():
        match _snake(key):
            case "field":
                name = str(value)
            case "direction":
                direction = str(value).upper()
            case _:
                raise not_supported(str(key))
    if direction not in {"ASC", "DESC"}:
        raise MagentoError(
            400,
            "The sort order has to be specified as %1 for ascending order or %2 for descending order.",
            ["ASC", "DESC"],
        )
    return SortOrder(name, direction)


def _whole(name: str, value: Any) -> int:
    try:
        return int(str(value))
    except ValueError:
        raise wrong_type(name, value, "int") from None


def _snake(key: Any) -> str:
    return re.sub(r"(?<!^)(?=[A-Z])", "_", str(key)).lower()
