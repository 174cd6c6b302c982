"""Scalars of a request body as PHP's service layer takes them: "5" is an int, "abc" is not."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from decimal import Decimal, InvalidOperation
from typing import Any

from connector.sandbox.magento.errors import MagentoError, not_supported, wrong_type


def as_decimal(field: str, value: Any) -> Decimal:
    """Raises MagentoError 400 for anything that is no number."""
    try:
        number = Decimal(str(value))
    except InvalidOperation:
        raise wrong_type(field, value, "float") from None
    if isinstance(value, bool) or not number.is_finite():
        raise wrong_type(field, value, "float")
    return number


def as_int(field: str, value: Any) -> int:
    number = value if isinstance(value, int) else str(value)
    try:
        return int(number)
    except ValueError:
        raise wrong_type(field, value, "int") from None


def as_bool(field: str, value: Any) -> bool:
    if isinstance(value, bool):
        return value
    if str(value).lower() in {"1", "true"}:
        return True
    if str(value).lower() in {"0", "false", ""}:
        return False
    raise wrong_type(field, value, "boolean")


def known_keys(given: Mapping[str, Any], known: Iterable[str]) -> None:
    """Raises MagentoError 400 for the first key that the typed object does not have."""
    allowed = set(known)
    for key in given:
        if key not in allowed:
            raise not_supported(key)


def as_object(field: str, value: Any) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise MagentoError(400, '"%fieldName" is required. Enter and try again.', {"fieldName": field})
    return value


def as_list(value: Any) -> list[Any]:
    """A list, or the values of an object; anything else is an empty list."""
    if isinstance(value, Mapping):
        return list(value.values())
    return value if isinstance(value, list) else []


def attribute_pairs(given: Any) -> dict[str, Any]:
    """`custom_attributes` in both of its shapes: a list of pairs, or an object."""
    if isinstance(given, Mapping):
        return dict(given)
    return {
        str(one["attribute_code"]): one.get("value")
        for one in as_list(given)
        if isinstance(one, Mapping) and "attribute_code" in one
    }
