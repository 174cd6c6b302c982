"""Reads a catalogue folder: `products.jsonl`, `attributes.json`, `categories.json`, `attribute_sets.json`.

The products are read as a stream: a variant waits only until its whole family was seen.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any

from connector.errors import ConfigurationError
from connector.rules.evaluation import Family
from connector.rules.fact_rows import Own, own
from connector.rules.facts import FactError
from connector.rules.functions import Library, library
from connector.rules.magento import Json, Metadata, from_magento, product_values
from connector.rules.metadata import FieldInfo
from connector.rules.products import Values

_LINKS = '"configurable_product_links"'


def read_metadata(folder: Path) -> Metadata:
    """The metadata of a folder; `websites.json` is read too where it is there.

    A list may also be a search answer as it came, with its `items`.

    Raises:
        ConfigurationError: a file is missing or is no JSON.
    """
    attributes, categories, sets = (
        _json(folder / f"{name}.json") for name in ("attributes", "categories", "attribute_sets")
    )
    websites = _json(folder / "websites.json") if (folder / "websites.json").exists() else ()
    try:
        return from_magento(_items(attributes), categories, _items(sets), websites)
    except (KeyError, TypeError, AttributeError) as error:
        raise ConfigurationError(
            f"{folder} is no catalogue folder: its attributes.json, categories.json or attribute_sets.json is not as"
            f" Magento's REST API gives it ({error!r})."
        ) from error


def _items(answer: Any) -> Any:
    """The list itself, also of a search answer."""
    return answer["items"] if isinstance(answer, dict) and "items" in answer else answer


def read_products(folder: Path) -> Iterator[Json]:
    """The products of a folder as Magento gives them, decimals exact.

    Raises:
        ConfigurationError: the file is missing, or a line is no product.
    """
    ids: set[int] = set()
    skus: set[str] = set()
    for number, line in _lines(folder):
        product = _product(folder, number, line)
        for name, value, seen in (("id", int(product["id"]), ids), ("SKU", str(product["sku"]), skus)):
            if value in seen:
                raise ConfigurationError(f"{_place(folder, number)} has the {name} “{value}” of a line before it.")
            seen.add(value)  # type: ignore[arg-type]  # each with its own kind
        yield product


def read_families(
    folder: Path, metadata: Metadata, functions: Library = library, *, with_values: bool = False
) -> Iterator[Family]:
    """Every family of a folder. Raises as `read_products` does."""
    stored = functions.extend(metadata.catalogue).stored()
    parent_of: dict[int, int] = {}
    waits_for: dict[int, int] = {}
    for number, line in _lines(folder):
        if _LINKS in line:
            product = _product(folder, number, line)
            children = [child for child in _links(product, _place(folder, number)) if child not in parent_of]
            parent_of.update(dict.fromkeys(children, int(product["id"])))
            waits_for[int(product["id"])] = 0
    seen: dict[int, list[tuple[Own, Values]]] = {}
    for parent in parent_of.values():
        waits_for[parent] += 1
    leads: dict[int, tuple[Own, Values]] = {}
    for product in read_products(folder):
        identifier = int(product["id"])
        parent = parent_of.get(identifier, identifier)
        each = _own(product, metadata, functions, stored, parent if parent != identifier else None)
        if parent == identifier and identifier not in waits_for:
            yield _family(each, [], with_values)
            continue
        if parent == identifier:
            leads[identifier] = each
        else:
            seen.setdefault(parent, []).append(each)
        if parent in leads and len(seen.get(parent, ())) == waits_for[parent]:
            yield _family(leads.pop(parent), seen.pop(parent, []), with_values)
    for parent, lead in leads.items():
        yield _family(lead, seen.pop(parent, []), with_values)


def _family(lead: tuple[Own, Values], members: list[tuple[Own, Values]], with_values: bool) -> Family:
    plain = {own.id: values for own, values in (lead, *members)} if with_values else {}
    return Family(lead[0], tuple(own for own, _ in members), plain)


def _own(
    product: Json, metadata: Metadata, functions: Library, stored: dict[str, FieldInfo], parent: int | None
) -> tuple[Own, Values]:
    identifier, sku = int(product["id"]), str(product["sku"])
    try:
        values = functions.complete(product_values(product, metadata))
    except FactError as error:
        facts = {"type": str(product.get("type_id"))}
        return Own(identifier, sku, parent, facts, (error.field, str(error))), {}
    return own(identifier, values, stored, parent), values


def _links(product: Json, place: str) -> list[int]:
    if product.get("type_id") != "configurable":
        return []
    extension = product.get("extension_attributes")
    links = extension.get("configurable_product_links") if isinstance(extension, dict) else None
    if not isinstance(links or [], list) or not all(_is_id(each) for each in links or []):
        raise ConfigurationError(f"{place}: `configurable_product_links` is no list of product ids.")
    return [int(each) for each in links or [] if int(each) != int(product["id"])]


def _is_id(value: Any) -> bool:
    """A whole number that databases can keep, or the text of one."""
    if isinstance(value, str):
        return value.isdecimal() and len(value) <= 18
    return isinstance(value, int) and not isinstance(value, bool) and 0 <= value < 2**63


def _lines(folder: Path) -> Iterator[tuple[int, str]]:
    try:
        with (folder / "products.jsonl").open(encoding="utf-8-sig") as file:
            yield from ((number, line) for number, line in enumerate(file, 1) if line.strip())
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigurationError(f"{folder / 'products.jsonl'} cannot be read: {error}") from error


def _product(folder: Path, number: int, line: str) -> Json:
    try:
        product = json.loads(line, parse_float=Decimal, parse_constant=Decimal)
    except (ValueError, RecursionError):
        product = None
    if not isinstance(product, dict) or not _is_id(product.get("id")) or not isinstance(product.get("sku"), str):
        raise ConfigurationError(f"{_place(folder, number)} is no product with an id and a sku.")
    return product


def _place(folder: Path, number: int) -> str:
    return f"{folder / 'products.jsonl'}, line {number}"


def _json(path: Path) -> Any:
    try:
        return json.loads(path.read_text("utf-8-sig"), parse_float=Decimal)
    except OSError as error:
        raise ConfigurationError(f"{path} cannot be read: {error.strerror}.") from error
    except (ValueError, RecursionError) as error:
        raise ConfigurationError(f"{path} is no JSON: {error}") from error
