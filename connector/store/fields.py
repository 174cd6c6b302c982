"""Column types that both databases keep exactly: aware times, minor units, JSON text, encrypted text."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from decimal import ROUND_HALF_UP, Decimal
from typing import Any

from peewee import BigIntegerField, TextField

from connector.domain.values import canonical
from connector.store import secrets


class UtcField(BigIntegerField):
    """An aware UTC time, kept as microseconds since 1970: sorts and compares alike everywhere."""

    def db_value(self, value: datetime | int | None) -> int | None:
        """Aware datetimes only: a naive one has no meaning here."""
        if value is None or isinstance(value, int):
            return value
        if value.tzinfo is None:
            raise ValueError(f"{value!r} has no time zone.")
        return round(value.timestamp() * 1_000_000)

    def python_value(self, value: int | None) -> datetime | None:
        """Aware UTC."""
        return None if value is None else datetime.fromtimestamp(value / 1_000_000, UTC)


class JsonField(TextField):
    """Any JSON value as canonical text: equal data gives equal text, and neither database reads meaning into it."""

    def db_value(self, value: Any) -> str | None:
        """Canonical JSON text."""
        return None if value is None else canonical(value)

    def python_value(self, value: str | None) -> Any:
        """The value again; numbers with a fraction never occur, money is text."""
        return None if value is None else json.loads(value)


class SecretField(TextField):
    """Text encrypted at rest; empty text stays empty."""

    def db_value(self, value: str | None) -> str | None:
        """Cipher text."""
        return value if not value else secrets.box().encrypt(value)

    def python_value(self, value: str | None) -> str | None:
        """Plain text; raises ConfigurationError when the key that wrote it is gone."""
        return value if not value else secrets.box().decrypt(value)


class QuantityField(BigIntegerField):
    """A decimal with up to six places, kept as a whole number of millionths: exact and sortable in both databases."""

    SCALE = 6

    def db_value(self, value: Decimal | int | None) -> int | None:
        """Millionths, rounded half up beyond the sixth place (the store keeps no more than six)."""
        if value is None:
            return None
        scaled = Decimal(value).scaleb(self.SCALE)
        return int(scaled.to_integral_value(ROUND_HALF_UP))

    def python_value(self, value: int | None) -> Decimal | None:
        """The decimal, without trailing zeros beyond the point's need."""
        if value is None:
            return None
        whole, part = divmod(value, 10**self.SCALE)
        return Decimal(whole) if not part else Decimal(value).scaleb(-self.SCALE).normalize()
