"""Reading and writing a catalogue folder."""

from __future__ import annotations

import json
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any

from connector.sandbox.catalog.model import ATTRIBUTES, CATEGORIES, PRODUCTS, SETS, Catalog
from connector.sandbox.options import SandboxError


def read_folder(folder: Path) -> Catalog:
    """The catalogue of a folder; products are read while they are used. Raises SandboxError naming file, line and what is wrong."""
    if not folder.is_dir():
        raise SandboxError(f"The catalogue folder {folder} does not exist.")
    for name in (PRODUCTS, ATTRIBUTES, CATEGORIES, SETS):
        if not (folder / name).is_file():
            raise SandboxError(
                f"The catalogue folder {folder} has no {name}; it needs {PRODUCTS}, {ATTRIBUTES}, {CATEGORIES} and {SETS}."
            )
    return Catalog(
        attributes=_list(folder / ATTRIBUTES),
        attribute_sets=_list(folder / SETS),
        categories=_object(folder / CATEGORIES),
        products=_products(folder / PRODUCTS),
    )


def write_folder(catalog: Catalog, folder: Path) -> int:
    """Writes the four files, made anew; returns the number of products."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, content in (
        (ATTRIBUTES, catalog.attributes),
        (SETS, catalog.attribute_sets),
        (CATEGORIES, catalog.categories),
    ):
        (folder / name).write_text(json.dumps(content, ensure_ascii=False, indent=1, default=_number) + "\n", "utf-8")
    count = 0
    with (folder / PRODUCTS).open("w", encoding="utf-8") as file:
        for _, product in catalog.products:
            file.write(json.dumps(product, ensure_ascii=False, default=_number) + "\n")
            count += 1
    return count


def _number(value: object) -> int | float:
    if isinstance(value, Decimal):
        return int(value) if value == value.to_integral_value() else float(value)
    raise TypeError(f"{value!r} has no form in JSON")


def _read(file: Path) -> Any:
    try:
        return json.loads(file.read_text("utf-8"), parse_float=Decimal)
    except json.JSONDecodeError as error:
        raise SandboxError(
            f"{file.name}, line {error.lineno}, column {error.colno}: this is not JSON ({error.msg})."
        ) from error
    except UnicodeDecodeError as error:
        raise SandboxError(f"{file.name} is not text in UTF-8 (byte {error.start}).") from error


def _list(file: Path) -> list[dict[str, Any]]:
    """A list, or an answer of the API that holds one in `items`."""
    content = _read(file)
    items = content.get("items") if isinstance(content, dict) else content
    if not isinstance(items, list) or not all(isinstance(item, dict) for item in items):
        raise SandboxError(f"{file.name} must hold a list of objects, or an object with such a list in “items”.")
    return items


def _object(file: Path) -> dict[str, Any]:
    content = _read(file)
    if not isinstance(content, dict):
        raise SandboxError(f"{file.name} must hold one object, the root of the category tree.")
    return content


def _products(file: Path) -> Iterator[tuple[str, dict[str, Any]]]:
    with file.open(encoding="utf-8") as lines:
        try:
            for number, line in enumerate(lines, start=1):
                if line.strip():
                    yield f"{file.name}, line {number}", _product(file.name, number, line)
        except UnicodeDecodeError as error:
            raise SandboxError(f"{file.name} is not text in UTF-8 (byte {error.start}).") from error


def _product(name: str, number: int, line: str) -> dict[str, Any]:
    try:
        product = json.loads(line, parse_float=Decimal)
    except json.JSONDecodeError as error:
        raise SandboxError(f"{name}, line {number}, column {error.colno}: this is not JSON ({error.msg}).") from error
    if not isinstance(product, dict):
        raise SandboxError(f"{name}, line {number}: a product is an object, not {type(product).__name__}.")
    return product
