"""From Magento's REST answers to what rules see: metadata from its four lists, values from a product's JSON."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from decimal import Decimal, InvalidOperation
from types import MappingProxyType
from typing import Any, TypeAlias

from connector.rules.facts import FactError, millionths
from connector.rules.metadata import (
    BUILT_IN,
    SPECIAL_DATES,
    STATUSES,
    VISIBILITIES,
    Catalogue,
    FieldInfo,
    Type,
)
from connector.rules.products import Value, clean

Json: TypeAlias = Mapping[str, Any]

_NUMBER_INPUTS = frozenset({"price", "weight"})
_BY_INPUT = {
    "select": Type.CHOICE,
    "swatch_visual": Type.CHOICE,
    "swatch_text": Type.CHOICE,
    "multiselect": Type.CHOICES,
    "boolean": Type.BOOLEAN,
    "date": Type.DATE,
    "datetime": Type.DATE,
}


@dataclass(frozen=True, slots=True)
class Metadata:
    """A catalogue with the ids that Magento's product JSON uses.

    `options` is attribute code → option id → admin label, `paths` category id → path below the root category,
    `sets` attribute set id → name, `websites` website id → code.
    """

    catalogue: Catalogue
    options: Mapping[str, Mapping[str, str]]
    paths: Mapping[str, str]
    sets: Mapping[str, str]
    websites: Mapping[str, str]


def from_magento(
    attributes: Iterable[Json],
    categories: Json,
    attribute_sets: Iterable[Json],
    websites: Iterable[Json] = (),
) -> Metadata:
    """Metadata from `/products/attributes` items, the `/categories` tree, the attribute sets and `/store/websites`.

    Option labels are those of the admin (default scope). Without websites a product's website is its id as text.
    """
    attributes = tuple(attributes)
    options = {each["attribute_code"]: _labels(each) for each in attributes if _has_options(each)}
    paths = dict(_paths(categories))
    sets = {str(each["attribute_set_id"]): clean(each["attribute_set_name"]) for each in attribute_sets}
    codes = {str(each["id"]): clean(each["code"]) for each in websites if str(each["id"]) != "0"}
    fields = dict(BUILT_IN)
    fields["attribute_set"] = replace(fields["attribute_set"], labels=_distinct(sets.values()))
    if codes:
        fields["website"] = replace(fields["website"], labels=_distinct(codes.values()))
    for attribute in attributes:
        if not isinstance(attribute["attribute_code"], str):
            raise TypeError(f"the attribute code {attribute['attribute_code']!r} is no text")
        info = _field(attribute, options.get(attribute["attribute_code"]))
        fields.setdefault(info.name, info)
    known = frozenset(path for path in paths.values() if path)
    catalogue = Catalogue(fields=MappingProxyType(fields), categories=known)
    return Metadata(catalogue, options, paths, sets, codes)


def _has_options(attribute: Json) -> bool:
    """Whether its values are option ids that the list itself explains; a source model's are not."""
    return _type(attribute) in (Type.CHOICE, Type.CHOICES) and bool(_labels(attribute))


def _labels(attribute: Json) -> dict[str, str]:
    options = attribute.get("options") or ()
    labels = {str(each["value"]): clean(str(each.get("label") or "")).strip() for each in options if each.get("value")}
    return {value: label for value, label in labels.items() if label}


def _field(attribute: Json, labels: Mapping[str, str] | None) -> FieldInfo:
    return FieldInfo(
        attribute["attribute_code"],
        _type(attribute),
        attribute.get("default_frontend_label") or "",
        None if labels is None else _distinct(labels.values()),
    )


def _type(attribute: Json) -> Type:
    entered = attribute.get("frontend_input") or ""
    if entered in _NUMBER_INPUTS or attribute.get("backend_type") == "decimal":
        return Type.NUMBER
    return _BY_INPUT.get(entered, Type.TEXT)


def _distinct(labels: Iterable[str]) -> tuple[str, ...]:
    return tuple(sorted(dict.fromkeys(labels)))


def _paths(root: Json) -> Iterator[tuple[str, str]]:
    """Category id and path. A store's root category itself has the empty path, its children start the paths."""
    roots = root.get("children_data") or () if root.get("level") == 0 else (root,)
    waiting = [(each, "") for each in roots]
    while waiting:
        category, path = waiting.pop()
        yield str(category["id"]), path
        for child in category.get("children_data") or ():
            name = clean(str(child["name"])).replace("/", "\\/")
            waiting.append((child, f"{path}/{name}" if path else name))


def product_values(product: Json, metadata: Metadata) -> dict[str, Value]:
    """The values a Magento product has by itself, by field name; nothing is inherited or summed up here.

    `product` is the JSON of `GET /V1/products/:sku` with decimals read as `Decimal`.

    Raises:
        FactError: a value that rules cannot work with exactly; the product is to be held back.
    """
    extension = _object("extension_attributes", product.get("extension_attributes"))
    stock = _object("stock_item", extension.get("stock_item"))
    custom = {
        each["attribute_code"]: each.get("value") for each in _objects(product, "custom_attributes", "attribute_code")
    }
    values: dict[str, Value | None] = {
        "sku": clean(str(product["sku"])),
        "name": _text(product.get("name")),
        "type": _text(product.get("type_id")),
        "status": STATUSES.get(_integer(product.get("status"))),
        "visibility": VISIBILITIES.get(_integer(product.get("visibility"))),
        "attribute_set": _label(metadata.sets, product.get("attribute_set_id")),
        "category": _categories(extension, custom, metadata),
        "website": frozenset(_label(metadata.websites, each) for each in _list("website_ids", extension)),
        "in_stock": _yes_no(stock.get("is_in_stock")),
        "qty": _number("qty", stock.get("qty")),
        "price": _number("price", product.get("price")),
        "weight": _number("weight", product.get("weight")),
        "created_at": _day("created_at", product.get("created_at")),
        "updated_at": _day("updated_at", product.get("updated_at")),
        **{part: _day(code, custom.get(code)) for code, part in SPECIAL_DATES.items()},
    }
    for code, raw in custom.items():
        info = metadata.catalogue.fields.get(code)
        if info is not None and values.get(code) is None:
            values[code] = _value(info, raw, metadata.options.get(code))
    return {name: value for name, value in values.items() if value not in (None, "", frozenset())}


def _value(info: FieldInfo, raw: Any, options: Mapping[str, str] | None) -> Value | None:
    match info.type:
        case Type.NUMBER:
            return _number(info.name, raw)
        case Type.BOOLEAN:
            return _yes_no(raw)
        case Type.DATE:
            return _day(info.name, raw)
        case Type.CHOICE:
            return _text(raw) if options is None else options.get(str(raw))
        case Type.CHOICES:
            parts = raw if isinstance(raw, list) else str(raw or "").split(",")
            labels = (str(each) if options is None else options.get(str(each).strip()) for each in parts)
            return frozenset(label for label in labels if label)
        case Type.CATEGORIES | Type.DURATION:
            return None
        case Type.TEXT:
            return _text(raw)


def _categories(extension: Json, custom: Json, metadata: Metadata) -> frozenset[str]:
    if extension.get("category_links") is None:
        ids = _list("category_ids", custom)
    else:
        ids = [link["category_id"] for link in _objects(extension, "category_links", "category_id")]
    return frozenset(path for each in ids if (path := metadata.paths.get(str(each))))


def _object(name: str, raw: Any) -> Json:
    """A JSON object; what is missing, or PHP's empty array, is an empty one. Raises FactError for anything else."""
    if raw is None or raw == []:
        return {}
    if not isinstance(raw, dict):
        raise FactError(name, f"`{name}` is no object: {str(raw)[:40]!r}")
    return raw


def _objects(holder: Json, name: str, key: str) -> list[Json]:
    """A list of JSON objects that each have `key` with a text or a number. Raises FactError for anything else."""
    found = _list(name, holder)
    if not all(isinstance(each, dict) and isinstance(each.get(key), str | int) for each in found):
        raise FactError(name, f"`{name}` is no list of objects with `{key}`")
    return found


def _list(name: str, holder: Json) -> list[Any]:
    """A JSON list, empty where it is missing. Raises FactError for anything else."""
    raw = holder.get(name)
    if raw is None or raw == "":
        return []
    if not isinstance(raw, list):
        raise FactError(name, f"`{name}` is no list: {str(raw)[:40]!r}")
    return raw


def _label(names: Mapping[str, str], identifier: Any) -> str:
    return names.get(str(identifier), str(identifier)) if identifier is not None else ""


def _text(raw: Any) -> str | None:
    if raw is None:
        return None
    return clean(",".join(map(str, raw)) if isinstance(raw, list) else str(raw)) or None


def _yes_no(raw: Any) -> bool | None:
    if raw is None or raw == "":
        return None
    return str(raw).casefold() in ("1", "true", "yes")


def _integer(raw: Any) -> int:
    return int(raw) if str(raw).isdecimal() else 0


def _number(field: str, raw: Any) -> Decimal | None:
    if raw is None or raw == "":
        return None
    if isinstance(raw, float):
        raw = repr(raw)
    text = str(raw).strip()
    try:
        value = Decimal("" if "_" in text else text)  # `Decimal` reads 1_000, which no store writes
    except InvalidOperation:
        value = Decimal("NaN")
    if value.is_nan():
        raise FactError(field, f"`{field}` is not a number: {str(raw)[:40]!r}")
    millionths(field, value)
    return value


def _day(field: str, raw: Any) -> dt.date | None:
    text = str(raw or "").strip()[:10]
    if not text or text == "0000-00-00":
        return None
    try:
        return dt.date.fromisoformat(text)
    except ValueError:
        raise FactError(field, f"`{field}` is not a date: {text!r}") from None
