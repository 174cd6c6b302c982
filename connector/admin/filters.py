"""Filters of lists: native controls, choices read when the page is made, one exact meaning each."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from decimal import Decimal, InvalidOperation
from typing import Any

from flask_admin.contrib.peewee.filters import BasePeeweeFilter
from flask_admin.contrib.peewee.tools import parse_like_term

Options = Sequence[tuple[str, str]]


class Filter(BasePeeweeFilter):  # type: ignore[misc]  # flask-admin has no types
    """`label` is what it does ("contains"); `control` the input that the page shows."""

    label = "is"
    control = "text"

    def __init__(self, column: Any, name: str, choices: Options | Callable[[], Options] | None = None) -> None:
        super().__init__(column, name)
        self.choices = choices

    def operation(self) -> str:
        """The word between name and value."""
        return self.label

    def current_choices(self) -> Options | None:
        """Choices as they are now; None where anything may be written."""
        return self.choices() if callable(self.choices) else self.choices


class Contains(Filter):
    """Text anywhere, without case."""

    label = "contains"

    def apply(self, query: Any, value: str) -> Any:
        """Keep rows whose text contains the value."""
        return query.where(self.column ** parse_like_term(value))


class Mentions(Contains):
    """Text anywhere in a JSON column, as it is stored."""

    def apply(self, query: Any, value: str) -> Any:
        """Keep rows whose JSON text contains the value."""
        return query.where(self.column.cast("TEXT") ** parse_like_term(value))


class Is(Filter):
    """Equal; the way of choices. The choice “(none)” is the empty text."""

    label = "is"

    def clean(self, value: str) -> str:
        """The value without the mark that stands for the empty text."""
        return "" if value == "(none)" else value

    def apply(self, query: Any, value: str) -> Any:
        """Keep rows with exactly this value."""
        return query.where(self.column == value)


class IsNot(Is):
    """Different."""

    label = "is not"

    def apply(self, query: Any, value: str) -> Any:
        """Keep rows with another value."""
        return query.where(self.column != value)


class YesNo(Filter):
    """A flag."""

    def __init__(self, column: Any, name: str) -> None:
        super().__init__(column, name, (("1", "Yes"), ("0", "No")))

    def clean(self, value: str) -> bool:
        """True for “1”."""
        return value == "1"

    def apply(self, query: Any, value: bool) -> Any:
        """Keep rows whose flag is the value."""
        return query.where(self.column == value)


class Holds(YesNo):
    """Whether a condition holds."""

    def __init__(self, column: Any, name: str, condition: Any) -> None:
        super().__init__(column, name)
        self.condition = condition

    def apply(self, query: Any, value: bool) -> Any:
        """Keep rows that fulfil the condition, or those that do not."""
        return query.where(self.condition if value else ~self.condition)


class Filled(YesNo):
    """Whether a text is there at all."""

    def apply(self, query: Any, value: bool) -> Any:
        """Keep rows that have a text, or those that have none."""
        return query.where(self.column != "" if value else self.column == "")


class AtLeast(Filter):
    """A number, both ends included. `places` shifts money into minor units."""

    label = "at least"
    control = "number"

    def __init__(self, column: Any, name: str, places: int = 0) -> None:
        super().__init__(column, name)
        self.places = places

    def clean(self, value: str) -> Decimal:
        """A decimal in the column's unit; ValueError for anything else."""
        try:
            number = Decimal(value)
        except InvalidOperation as error:
            raise ValueError(value) from error
        if not number.is_finite() or abs(number) > 10**12:
            raise ValueError(value)
        return number.scaleb(self.places)

    def apply(self, query: Any, value: Decimal) -> Any:
        """Keep rows from the value on."""
        return query.where(self.column >= value)


class AtMost(AtLeast):
    """A number, up to it."""

    label = "at most"

    def apply(self, query: Any, value: Decimal) -> Any:
        """Keep rows up to the value."""
        return query.where(self.column <= value)


class Since(Filter):
    """A day in UTC, included."""

    label = "since"
    control = "date"

    def clean(self, value: str) -> datetime:
        """The day's first moment."""
        return datetime.strptime(value, "%Y-%m-%d").replace(tzinfo=UTC)

    def apply(self, query: Any, value: datetime) -> Any:
        """Keep rows from that day on."""
        return query.where(self.column >= value)


class Until(Since):
    """A day in UTC, included."""

    label = "until"

    def apply(self, query: Any, value: datetime) -> Any:
        """Keep rows up to the end of that day."""
        return query.where(self.column < value + timedelta(days=1))


def number(column: Any, name: str, places: int = 0) -> list[Filter]:
    """Both ends of a range."""
    return [AtLeast(column, name, places), AtMost(column, name, places)]


def day(column: Any, name: str) -> list[Filter]:
    """Both ends of a period."""
    return [Since(column, name), Until(column, name)]
