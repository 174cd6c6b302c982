"""A policy type as a form: every field of its dataclass becomes a control, and back."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import MISSING, fields
from decimal import Decimal
from typing import Any, get_args, get_origin, get_type_hints

from wtforms import BooleanField, DecimalField, IntegerField, StringField
from wtforms.validators import InputRequired, Length, Optional

from connector.admin import choices
from connector.admin.fields import Form, LinesField, OneOf, PairsField, PictureField, Several
from connector.admin.views import pictures
from connector.domain.values import to_json
from connector.errors import ConfigurationError, RejectedError
from connector.plugins.api import Policy
from connector.services import images, uploads


def form_class(plugin: type[Policy]) -> type[Form]:
    """A form with a title and one control per setting; choices are read now."""
    hints = get_type_hints(plugin)
    body: dict[str, Any] = {
        "title": StringField(
            "Title",
            [InputRequired("Write a title."), Length(max=120)],
            description="Used here to tell policies apart; buyers never see it.",
        )
    }
    for item in fields(plugin):  # type: ignore[arg-type]  # subclasses are dataclasses, the base is not
        body[item.name] = _control(item.metadata, hints[item.name])
    return type(f"{plugin.__name__}Form", (Form,), body)


def _control(shown: Mapping[str, Any], hint: Any) -> Any:
    source = shown["choices"]
    options = choices.of(source) if isinstance(source, str) and source else list(source or ())
    label, help_text, required = shown["label"], shown["help"], shown["required"]
    more: dict[str, Any] = {"description": help_text}
    kind = get_origin(hint) or hint
    if kind is bool:
        return BooleanField(label, **more)
    if kind is dict:
        return PairsField(label, value_options=options if get_args(hint)[1] is str else (), **more)
    if kind is list:
        return Several(label, options, **more) if options else LinesField(label, **more)
    if source == "pictures":
        return PictureField(label, keep=_keep, show=pictures.address_of, **more)
    validators = [InputRequired(f"{label} is required.")] if required else [Optional()]
    if kind is int:
        return IntegerField(label, validators, **more)
    if kind is Decimal:
        return DecimalField(label, validators, places=None, render_kw={"step": "any"}, **more)
    if options:
        fixed = required or any(key == "" for key, _ in options) or not isinstance(source, str)
        blank = None if fixed else "–"
        return OneOf(label, options, blank=blank, **more)
    return StringField(label, validators, **more)


def _keep(body: bytes) -> str:
    try:
        return uploads.keep(images.jpeg(body, "The file"))
    except RejectedError as error:
        raise ConfigurationError("Choose a JPG or PNG of at least 300 × 300 pixels.") from error


def groups(plugin: type[Policy]) -> list[tuple[str, list[str]]]:
    """Field names by heading, the ones without a heading first, with the title."""
    found: dict[str, list[str]] = {"": ["title"]}
    for item in fields(plugin):  # type: ignore[arg-type]  # as above
        found.setdefault(item.metadata["group"], []).append(item.name)
    return list(found.items())


def initial(plugin: type[Policy], settings: Mapping[str, Any]) -> dict[str, Any]:
    """What the form shows: stored values, defaults where a row has none. Money is text in a row and a decimal in a form."""
    hints, values = get_type_hints(plugin), {}
    for item in fields(plugin):  # type: ignore[arg-type]  # as above
        default = item.default
        if item.default_factory is not MISSING:
            default = item.default_factory()
        value = settings.get(item.name, default)
        values[item.name] = Decimal(str(value)) if hints[item.name] is Decimal and value not in (None, "") else value
    return values


def read(plugin: type[Policy], form: Form) -> dict[str, Any] | None:
    """Settings to store, or None after putting every problem beside its field."""
    given = {item.name: form[item.name].data for item in fields(plugin)}  # type: ignore[arg-type]  # as above
    given = {name: value for name, value in given.items() if value is not None}
    try:
        policy = plugin.from_settings(given)
    except ValueError as error:
        form.form_errors.append(str(error))
        return None
    problems = [*plugin.missing(given), *policy.problems()]
    for issue in problems:
        if issue.field in form:
            form[issue.field].errors = [*form[issue.field].errors, issue.message]
        else:
            form.form_errors.append(issue.message)
    settings: dict[str, Any] = to_json(policy)
    return None if problems else settings
