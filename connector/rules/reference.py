"""The tables of the authors' page that are made from the registry: functions and fields."""

from __future__ import annotations

import re

from connector.rules.functions import Library, library
from connector.rules.metadata import Catalogue, FieldInfo

_MARKED = re.compile(r"(<!-- table: (\w+) -->\n).*?(<!-- end -->)", re.DOTALL)


def functions_table(functions: Library = library) -> str:
    """Every function with its types and what it gives, as Markdown."""
    rows = [f"| `{each.signature}` | {each.summary} |" for each in functions.functions.values()]
    return "\n".join(["| function | gives |", "| --- | --- |", *rows])


def fields_table(catalogue: Catalogue | None = None) -> str:
    """Every field with its type and meaning, as Markdown; without a catalogue those that every product has."""
    rows = [_row(each) for each in (catalogue or Catalogue()).fields.values()]
    return "\n".join(["| field | type | meaning |", "| --- | --- | --- |", *rows])


def _row(info: FieldInfo) -> str:
    listed = ", ".join(f'`"{label}"`' for label in info.labels or ())
    inherited = "" if info.own else " Variants inherit it."
    meaning = f"{info.label}{f': {listed}' if listed else ''}.{inherited}"
    return f"| `{info.name}` | {info.type.value} | {meaning} |"


def with_tables(page: str, functions: Library = library) -> str:
    """A page with its marked tables made anew."""
    tables = {"functions": functions_table(functions), "fields": fields_table()}
    return _MARKED.sub(lambda found: f"{found[1]}{tables[found[2]]}\n{found[3]}", page)
