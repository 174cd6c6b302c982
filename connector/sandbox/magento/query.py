"""Query strings as PHP reads them, and the `fields` filter of answers."""

from __future__ import annotations

import re
from typing import Any
from urllib.parse import unquote_plus

_FIELDS = re.compile(r"[A-Za-z0-9_\[\],]+")


def parse_query(text: str) -> dict[str, Any]:
    """`a[b][0]=c` becomes `{"a": {"b": {"0": "c"}}}`; `a[]` counts up; the last value of a repeated name stays."""
    answer: dict[str, Any] = {}
    for piece in text.split("&"):
        if not piece:
            continue
        name, _, value = piece.partition("=")
        _put(answer, unquote_plus(name), unquote_plus(value))
    return answer


def _put(answer: dict[str, Any], name: str, value: str) -> None:
    head, bracket, rest = name.partition("[")
    keys = [head] + ([part.partition("]")[0] for part in rest.split("[")] if bracket and "]" in rest else [])
    place = answer
    for name_part, following in zip(keys, [*keys[1:], None], strict=True):
        key = name_part or str(sum(1 for existing in place if existing.isdigit()))
        if following is None:
            place[key] = value
            return
        inner = place.get(key)
        if not isinstance(inner, dict):
            inner = place[key] = {}
        place = inner


def parse_fields(text: str) -> dict[str, Any] | None:
    """The tree of a `fields` filter; None for a text that Magento calls invalid, whose answer is an empty list."""
    if not _FIELDS.fullmatch(text):
        return None
    current: dict[str, Any] = {}
    stack: list[tuple[dict[str, Any], str]] = []
    name = ""
    for piece in re.findall(r"[A-Za-z0-9_]+|[\[\]]", text):
        if piece == "[":
            stack.append((current, name))
            current = {}
        elif piece == "]":
            if not stack:
                return None
            inner, (current, name) = current, stack.pop()
            current[name] = inner
        else:
            name = piece
            current[name] = True
    return None if stack else current


def apply_fields(answer: Any, text: str) -> Any:
    """The answer with the fields that were asked for. An empty list becomes None, as in Magento."""
    wanted = parse_fields(text)
    return [] if not wanted else _filtered(answer, wanted)


def _filtered(value: dict[str, Any] | list[Any], wanted: dict[str, Any]) -> Any:
    if not value:
        return None
    if isinstance(value, list):
        return [_object(item, wanted) if isinstance(item, dict) else item for item in value]
    return _object(value, wanted)


def _object(value: dict[str, Any], wanted: dict[str, Any]) -> dict[str, Any]:
    kept: dict[str, Any] = {}
    for key, item in value.items():
        if key not in wanted:
            continue
        deeper = wanted[key]
        if key == "custom_attributes" and isinstance(deeper, dict):
            kept[key] = _custom_attributes(item, deeper)
        elif isinstance(deeper, dict) and isinstance(item, dict | list):
            kept[key] = _filtered(item, deeper)
        else:
            kept[key] = item
    return kept


def _custom_attributes(items: list[dict[str, Any]], wanted: dict[str, Any]) -> list[dict[str, Any]]:
    """`custom_attributes[color,size]` picks attributes by code; `[attribute_code,value]` keeps them all."""
    if "attribute_code" in wanted or "value" in wanted:
        return [_object(item, wanted) for item in items]
    return [item for item in items if item["attribute_code"] in wanted]
