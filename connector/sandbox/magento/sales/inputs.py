"""Typed objects of request bodies: which keys they may have, and values of the declared type."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from decimal import Decimal, InvalidOperation
from typing import Any

from connector.sandbox.magento.errors import MagentoError, not_supported, wrong_type
from connector.sandbox.magento.routing import Context
from connector.sandbox.magento.sales.rows import TABLES, Row
from connector.sandbox.magento.sales.views import HIDDEN


def accepted(given: Any, table: str, nested: Collection[str] = (), hidden: Collection[str] = HIDDEN) -> Row:
    """The columns of `table` that a body names, with Python values; keys of `nested` are left to the caller.

    Raises MagentoError 400 for a key that the object does not have and for a value of the wrong type.
    """
    if not isinstance(given, Mapping):
        raise MagentoError(400, "The value's type is invalid. Verify and try again.")
    kinds = TABLES[table].kinds
    values: Row = {}
    for key, value in given.items():
        if key in nested:
            continue
        if key not in kinds or key in hidden:
            raise not_supported(str(key))
        values[key] = None if value is None else typed(key, value, kinds[key])
    return values


def typed(name: str, value: Any, kind: str) -> Any:
    """One value as its column wants it. Raises MagentoError 400 when PHP could not cast it."""
    if kind == "JSON":
        return value if isinstance(value, list | dict) else [value]
    if isinstance(value, list | dict):
        raise wrong_type(name, "Array", {"DECIMAL": "float", "INTEGER": "int"}.get(kind, "string"))
    if kind == "DECIMAL":
        return decimal(name, value)
    if kind == "INTEGER":
        return whole(name, value)
    if isinstance(value, bool):
        return "1" if value else ""
    return str(value)


def decimal(name: str, value: Any) -> Decimal:
    """A number, or text that is one. Raises MagentoError 400."""
    try:
        number = Decimal(int(value) if isinstance(value, bool) else str(value).strip())
    except InvalidOperation:
        raise wrong_type(name, value, "float") from None
    if not number.is_finite():
        raise wrong_type(name, value, "float")
    return number


def whole(name: str, value: Any) -> int:
    """A whole number, or text that is one. Raises MagentoError 400."""
    try:
        return int(value) if isinstance(value, bool | int) else int(Decimal(str(value).strip()))
    except (InvalidOperation, ValueError, OverflowError):
        raise wrong_type(name, value, "int") from None


def path_id(value: str) -> int:
    """An id of the path; zeros before it do not matter. Raises MagentoError 400 for text."""
    try:
        return int(value)
    except ValueError:
        text = f'The "{value}" value\'s type is invalid. The "int" type was expected. Verify and try again.'
        raise MagentoError(400, text) from None


def quantities(ctx: Context, document: str) -> dict[int, Decimal]:
    """`items` of an invoice, shipment or refund request as pieces by order item id; of a repeated id the last counts.

    `document` is Magento's name of it. Raises MagentoError 400 for more items than the input limit.
    """
    items = ctx.optional("items")
    ctx.check_array(items, f"\\Magento\\Sales\\Api\\Data\\{document}ItemCreationInterface")
    wanted: dict[int, Decimal] = {}
    for item in items if isinstance(items, list) else []:
        if not isinstance(item, Mapping):
            raise MagentoError(400, "The value's type is invalid. Verify and try again.")
        wanted[whole("order_item_id", item.get("order_item_id", 0))] = decimal("qty", item.get("qty", 0))
    return wanted


def flag(value: Any) -> bool:
    """A boolean parameter in any of the spellings that PHP takes for one."""
    return value in {True, "1", "true"}
