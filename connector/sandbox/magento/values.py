"""Attribute values: checked against the attribute's type, kept as the text that REST answers."""

from __future__ import annotations

import json
import re
import sqlite3
import unicodedata
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from connector.sandbox.magento.errors import MagentoError
from connector.sandbox.magento.typed import as_decimal

MICRO = Decimal("0.000001")
_DATE = re.compile(r"(\d{4}-\d{2}-\d{2})(?:[T ](\d{2}:\d{2}:\d{2}))?")
_SPECIAL = str.maketrans(
    {"ß": "ss", "ø": "o", "Ø": "o", "æ": "ae", "Æ": "ae", "œ": "oe", "ł": "l", "đ": "d", "€": "euro"}
)


@dataclass(frozen=True, slots=True)
class Attribute:
    """A product attribute; `scope` is global, website or store."""

    attribute_id: int
    code: str
    backend_type: str
    frontend_input: str
    scope: str
    is_required: bool
    data: dict[str, Any]

    @property
    def label(self) -> str:
        return str(self.data.get("default_frontend_label") or self.code)

    def applies_to(self, type_id: str) -> bool:
        types = self.data.get("apply_to") or []
        return not types or type_id in types


def attributes_by_code(db: sqlite3.Connection) -> dict[str, Attribute]:
    rows = db.execute(
        "SELECT attribute_id, attribute_code, backend_type, frontend_input, scope, is_required, data FROM eav_attribute"
    )
    return {row[1]: Attribute(row[0], row[1], row[2], row[3], row[4], bool(row[5]), json.loads(row[6])) for row in rows}


def stored(attribute: Attribute, value: Any) -> str | None:
    """The text to keep; None clears. Raises MagentoError 400 for a value of the wrong type."""
    if value is None:
        return None
    expected = {"int": "int", "decimal": "float"}.get(attribute.backend_type, "string")
    if isinstance(value, list | dict):
        raise _invalid(attribute, "array", expected)
    if isinstance(value, bool):
        value = int(value)
    text = str(value)
    match attribute.backend_type:
        case "int":
            if not re.fullmatch(r"-?\d+", text):
                raise _invalid(attribute, text, expected)
            return text
        case "decimal":
            if text == "":
                return None
            try:
                return decimal_text(as_decimal(attribute.code, value))
            except MagentoError:
                raise _invalid(attribute, text, expected) from None
        case "datetime":
            return date_text(text)
        case _:
            return text or None


def decimal_text(value: Decimal) -> str:
    """Six places, as Magento's decimal(20,6) columns show them."""
    return f"{value.quantize(MICRO):f}"


def date_text(text: str) -> str | None:
    found = _DATE.match(text)
    return f"{found[1]} {found[2] or '00:00:00'}" if found else None


def url_key(name: str) -> str:
    """`Schuh größe "42" & mehr` becomes `schuh-grosse-42-mehr`."""
    plain = unicodedata.normalize("NFKD", name.translate(_SPECIAL))
    ascii_ = plain.encode("ascii", "ignore").decode()
    return re.sub(r"[^a-z0-9]+", "-", ascii_.lower()).strip("-")


def _invalid(attribute: Attribute, value: str, expected: str) -> MagentoError:
    return MagentoError(
        400,
        f'Error occurred during "custom_attributes" processing. Attribute "{attribute.code}" has invalid value.'
        f' The "{value}" value\'s type is invalid. The "{expected}" type was expected. Verify and try again.',
    )
