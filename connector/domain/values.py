"""Domain values as JSON text and back, and digests of them.

Decimals travel as text, times as ISO 8601 with an offset: nothing is lost on the way through a database column.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterator, Sequence
from typing import Any, TypeVar

from pydantic import TypeAdapter

T = TypeVar("T")
Json = Any
"""A value that `json.dumps` takes: None, bool, int, float, str, list, dict."""


_adapters: dict[Any, TypeAdapter[Any]] = {}


def _adapter(cls: Any) -> TypeAdapter[Any]:
    if cls not in _adapters:
        _adapters[cls] = TypeAdapter(cls)
    return _adapters[cls]


def chunks(items: Sequence[T], size: int) -> Iterator[Sequence[T]]:
    """`items` in pieces of at most `size`."""
    return (items[start : start + size] for start in range(0, len(items), size))


def to_json(value: Any) -> Json:
    """A dataclass (or a list or mapping of them) as plain JSON values."""
    return _adapter(type(value)).dump_python(value, mode="json")


def from_json(cls: Callable[..., T], data: Json) -> T:
    """The dataclass that `to_json` made `data` from; raises pydantic's ValidationError when it does not fit."""
    result: T = _adapter(cls).validate_python(data)
    return result


def canonical(data: Json) -> str:
    """JSON text that is the same for equal data: keys sorted, no blanks, no escapes beyond what JSON needs."""
    return json.dumps(data, sort_keys=True, separators=(",", ":"), ensure_ascii=False, default=str)


def digest(data: Json) -> str:
    """SHA-256 of the canonical JSON, 64 hexadecimal digits."""
    return hashlib.sha256(canonical(data).encode("utf-8", "surrogatepass")).hexdigest()
