"""Form fields for rows, JSON lists and maps, with native controls."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Any

from flask_admin.form import BaseForm
from wtforms import Field, SelectField, SelectMultipleField, TextAreaField, ValidationError
from wtforms.widgets import TextArea

Choices = Sequence[tuple[str, str]]


class Form(BaseForm):
    """Base of our forms. The forged-form check is made for every request before any form is read."""


class RowField(SelectField):
    """Chooses a row of another table; `rows` is asked when the form is made. Gives the row's id or None."""

    def __init__(
        self, label: str, rows: Callable[[], Iterable[tuple[int, str]]], *, blank: str | None = None, **options: Any
    ) -> None:
        super().__init__(label, coerce=_id_or_none, validate_choice=True, **options)
        self.choices = [*([("", blank)] if blank is not None else []), *((str(i), text) for i, text in rows())]

    def process_data(self, value: Any) -> None:
        """Takes a row or its id."""
        self.data = getattr(value, "id", value)

    def iter_choices(self) -> Any:
        """Native options, the present one selected."""
        for value, label in self.choices:
            yield value, label, str(self.data if self.data is not None else "") == value, {}

    def pre_validate(self, form: Any) -> None:
        """One of the rows that were offered."""
        del form
        if str(self.data if self.data is not None else "") not in {value for value, _ in self.choices}:
            raise ValidationError("Choose one of the list.")


def _id_or_none(value: Any) -> int | None:
    return int(value) if value not in (None, "", "None") else None


class OneOf(SelectField):
    """A choice of texts. A stored value that is offered no longer is kept and shown as such."""

    def __init__(self, label: str, options: Choices, *, blank: str | None = None, **more: Any) -> None:
        super().__init__(label, validate_choice=False, **more)
        self.choices = [*([("", blank)] if blank is not None else []), *options]

    def process_data(self, value: Any) -> None:
        """Keeps what is stored among the choices."""
        super().process_data(value)
        if value and str(value) not in {key for key, _ in self.choices}:
            self.choices = [*self.choices, (str(value), f"{value} (not offered now)")]


class Several(SelectMultipleField):
    """Some of the choices, as a list of texts."""

    def __init__(self, label: str, options: Choices, **more: Any) -> None:
        super().__init__(label, validate_choice=False, choices=list(options), **more)

    def process_data(self, value: Any) -> None:
        """Keeps what is stored among the choices."""
        super().process_data(value)
        known = {key for key, _ in self.choices}
        self.choices = [*self.choices, *((v, f"{v} (not offered now)") for v in value or () if v not in known)]


class LinesField(TextAreaField):
    """A list of texts, one a line."""

    widget = TextArea()

    def _value(self) -> str:
        return "\n".join(self.data or ()) if not isinstance(self.data, str) else self.data

    def process_formdata(self, valuelist: list[Any]) -> None:
        """Lines without blanks around them, empty ones left out."""
        self.data = [line.strip() for line in (valuelist[0] if valuelist else "").splitlines() if line.strip()]


class PairsField(Field):
    """A map of texts, one `key = value` a line."""

    widget = TextArea()

    def _value(self) -> str:
        if isinstance(self.data, dict):
            return "\n".join(f"{key} = {value}" for key, value in self.data.items())
        return str(self.data or "")

    def process_formdata(self, valuelist: list[Any]) -> None:
        """ValueError for a line without “=”."""
        pairs = {}
        for line in (valuelist[0] if valuelist else "").splitlines():
            if not line.strip():
                continue
            key, equals, value = line.partition("=")
            if not equals or not key.strip() or not value.strip():
                self.data = valuelist[0]
                raise ValueError(f"“{line.strip()}” is not of the form: key = value")
            pairs[key.strip()] = value.strip()
        self.data = pairs
