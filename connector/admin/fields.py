"""Form fields for rows, JSON lists and maps, with native controls."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Any
from urllib.parse import urlsplit

from flask_admin.form import BaseForm
from markupsafe import Markup
from wtforms import (
    Field,
    PasswordField,
    SelectField,
    SelectMultipleField,
    StringField,
    TextAreaField,
    URLField,
    ValidationError,
)
from wtforms.utils import unset_value
from wtforms.widgets import TextArea, TextInput

from connector.errors import ConnectorError

Choices = Sequence[tuple[str, str]]


def pairs_of(choices: Any) -> list[tuple[str, str]]:
    """A field's choices as (value, label) pairs."""
    return [(str(choice[0]), str(choice[1])) for choice in choices or ()]


FEW = 12
"""Most boxes that are shown without scrolling."""

SPARE_ROWS = 3
"""Empty rows below the filled ones of a map."""


class Form(BaseForm):  # type: ignore[misc]  # flask-admin has no types
    """Base of our forms. The forged-form check is made for every request before any form is read."""


def is_web_address(text: str | None) -> bool:
    """An address with a host and nothing behind its path; no name or password in it."""
    try:
        parts = urlsplit(text or "")
    except ValueError:
        return False
    return parts.scheme in {"http", "https"} and bool(parts.hostname) and not (parts.query or parts.username)


class SecretField(PasswordField):
    """What was written now; never what is stored, also where a request leaves it out."""

    def process_data(self, value: Any) -> None:
        """Forgets it."""
        del value
        self.data = ""


class ShownField(StringField):
    """A line to copy. What a request sends for it is not read."""

    def process_formdata(self, valuelist: list[Any]) -> None:
        """Keeps what is shown."""
        del valuelist


class SandboxField(URLField):
    """Where the sandbox answers; shown while that environment is chosen."""

    shown_when = "environment=sandbox"


class RowField(SelectField):
    """Chooses a row of another table; `rows` is asked when the form is made. Gives the row's id or None.

    `blank` is the choice of no row; a callable is asked when the form is made, too.
    """

    def __init__(
        self,
        label: str,
        rows: Callable[[], Iterable[tuple[int, str]]],
        *,
        blank: str | Callable[[], str] | None = None,
        **options: Any,
    ) -> None:
        super().__init__(label, coerce=_id_or_none, validate_choice=True, **options)
        none = [] if blank is None else [("", blank() if callable(blank) else blank)]
        self.choices = [*none, *((str(i), text) for i, text in rows())]

    def process_data(self, value: Any) -> None:
        """Takes a row or its id."""
        self.data = getattr(value, "id", value)

    def pre_validate(self, form: Any) -> None:
        """One of the rows that were offered."""
        del form
        if str(self.data if self.data is not None else "") not in {value for value, _ in pairs_of(self.choices)}:
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
        if value and str(value) not in {key for key, _ in pairs_of(self.choices)}:
            self.choices = [*pairs_of(self.choices), (str(value), f"{value} (not offered now)")]


class TickList:
    """A box per choice; many of them scroll, the ticked ones first."""

    def __call__(self, field: Several, **options: Any) -> Markup:
        """Named boxes inside one group."""
        rows, chosen = Markup(), set(field.data or ())
        choices = pairs_of(field.choices)
        if len(choices) > FEW:
            choices.sort(key=lambda pair: pair[0] not in chosen)
        described = options.get("aria-describedby", "")
        for index, (value, label) in enumerate(choices):
            first = Markup(' id="{}"').format(field.id) if not index else ""
            rows += Markup('<label><input type="checkbox" name="{}" value="{}"{}{}> {}</label>').format(
                field.name, value, first, Markup(" checked") if value in chosen else "", label
            )
        return Markup('<div class="ticks{}" role="group" aria-label="{}" aria-describedby="{}">{}</div>').format(
            " ticks-long" if len(choices) > FEW else "", field.label.text, described, rows
        )


class Several(SelectMultipleField):
    """Some of the choices, as a list of texts."""

    widget = TickList()

    def __init__(self, label: str, options: Choices, **more: Any) -> None:
        super().__init__(label, validate_choice=False, choices=list(options), **more)

    def process_data(self, value: Any) -> None:
        """Keeps what is stored among the choices."""
        super().process_data(value)
        known = {key for key, _ in pairs_of(self.choices)}
        self.choices = [
            *pairs_of(self.choices),
            *((v, f"{v} (not offered now)") for v in value or () if v not in known),
        ]


class LinesField(TextAreaField):
    """A list of texts, one a line."""

    widget = TextArea()

    def _value(self) -> str:
        return "\n".join(self.data or ()) if not isinstance(self.data, str) else self.data

    def process_formdata(self, valuelist: list[Any]) -> None:
        """Lines without blanks around them, empty ones left out."""
        self.data: Any = [line.strip() for line in (valuelist[0] if valuelist else "").splitlines() if line.strip()]


PICTURE_BYTES = 2 * 1024 * 1024
"""Largest upload, as the guide names it."""


class PictureWidget:
    """The address, what is there now, and a control to choose a file."""

    def __call__(self, field: PictureField, **options: Any) -> Markup:
        """`shown` is the address of the uploaded picture that the field names, if it names one."""
        text = TextInput()(field, **options)
        preview = (
            Markup('<img class="thumb thumb-l" src="{}" alt="The picture now">').format(field.shown)
            if field.shown
            else Markup()
        )
        return text + Markup(
            '<div class="picture">{}<input type="file" name="{}-file" accept="image/jpeg,image/png" aria-label="{}"></div>'
        ).format(preview, field.name, f"{field.label.text}: a file of yours, at most 2 MB")


class PictureField(StringField):
    """An address, or an uploaded file, which `keep` turns into a name; a file wins over what is written."""

    widget = PictureWidget()

    def __init__(self, label: str, keep: Callable[[bytes], str], show: Callable[[str], str], **more: Any) -> None:
        super().__init__(label, **more)
        self.keep, self.show = keep, show

    @property
    def shown(self) -> str:
        """Where a browser finds the upload that the field names; empty for anything else."""
        return self.show(self.data or "")

    def process(self, formdata: Any, data: Any = unset_value, extra_filters: Any = None) -> None:
        """Reads the text, then the file."""
        super().process(formdata, data, extra_filters)
        file = next(iter(formdata.getlist(f"{self.name}-file")), None) if formdata else None
        if not file or not getattr(file, "filename", ""):
            return
        body = file.read(PICTURE_BYTES + 1)
        if len(body) > PICTURE_BYTES:
            self.process_errors = [*self.process_errors, "The file is larger than 2 MB: choose a smaller one."]
            return
        try:
            self.data = self.keep(body)
        except ConnectorError as error:
            self.process_errors = [*self.process_errors, str(error)]


class PairsWidget:
    """Two controls a row, and spare rows to add more."""

    def __call__(self, field: PairsField, **options: Any) -> Markup:
        """Rows of key and value; `field.key_options` and `field.value_options` turn a control into a choice."""
        described = (
            Markup(' aria-describedby="{}"').format(options["aria-describedby"])
            if options.get("aria-describedby")
            else ""
        )
        pairs = list(field.data.items()) if isinstance(field.data, dict) else []
        rows = Markup()
        for index, (key, value) in enumerate([*pairs, *[("", "")] * SPARE_ROWS]):
            left = self._control(f"{field.name}-key", field.label.text, key, field.key_options, described)
            right = self._control(f"{field.name}-value", "becomes", value, field.value_options, described)
            first = Markup(' id="{}"').format(field.id) if not index else ""
            rows += Markup('<div class="pair"{}>{}<span aria-hidden="true">→</span>{}</div>').format(first, left, right)
        return Markup('<div class="pairs">{}</div>').format(rows)

    @staticmethod
    def _control(name: str, label: str, value: str, options: Choices, described: Markup | str) -> Markup:
        head = Markup('name="{}" aria-label="{}" class="control"{}').format(name, label, described)
        if not options:
            return Markup('<input {} value="{}" autocomplete="off">').format(head, value)
        known = [("", "–"), *options]
        if value and value not in {key for key, _ in options}:
            known.append((value, f"{value} (not offered now)"))
        chosen = Markup()
        for key, text in known:
            mark = Markup(" selected") if key == value else ""
            chosen += Markup('<option value="{}"{}>{}</option>').format(key, mark, text)
        return Markup("<select {}>{}</select>").format(head, chosen)


class PairsField(Field):
    """A map of texts, edited as rows."""

    widget = PairsWidget()

    def __init__(self, label: str, *, key_options: Choices = (), value_options: Choices = (), **more: Any) -> None:
        super().__init__(label, **more)
        self.key_options, self.value_options = key_options, value_options

    def process(self, formdata: Any, data: Any = unset_value, extra_filters: Any = None) -> None:
        """Reads the two lists of controls; ValueError where one half of a row is empty."""
        super().process(None, data, extra_filters)
        if formdata is None or f"{self.name}-key" not in formdata:
            return
        pairs = {}
        for key, value in zip(
            formdata.getlist(f"{self.name}-key"), formdata.getlist(f"{self.name}-value"), strict=False
        ):
            if key.strip() and value.strip():
                pairs[key.strip()] = value.strip()
            elif key.strip() or value.strip():
                self.process_errors = [
                    *self.process_errors,
                    f"“{key or value}” has no partner: fill both sides, or neither.",
                ]
        self.data = pairs
