"""Marketplace actions as menus, questions and queue items: everything comes from the registry of actions."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from flask import current_app

from connector.admin.site import actor, context
from connector.errors import ConfigurationError, ConnectorError
from connector.plugins.api import Action, Argument, Subject, actions
from connector.services import work
from connector.store.models import ListingTemplate, ReturnCase

DANGEROUS = frozenset({"reject", "reject_return"})


@dataclass(frozen=True, slots=True)
class MenuEntry:
    """One line of an actions menu.

    `asks` is true when a dialog has to be filled in before it starts; `refusal` says why it cannot start now.
    """

    name: str
    label: str
    confirm: str = ""
    icon: str = "play"
    asks: bool = False
    danger: bool = False
    refusal: str = ""


@dataclass(frozen=True, slots=True)
class Question:
    """One argument as the dialog shows it."""

    name: str
    label: str
    help_text: str
    kind: str
    required: bool
    choices: tuple[tuple[str, str], ...]


def menu(subject: str) -> list[MenuEntry]:
    """Every registered action on a kind of subject, in the order of registration."""
    return [entry(cls) for cls in actions if cls.subject == subject]


def entry(cls: type[Action]) -> MenuEntry:
    """The menu line of one action."""
    return MenuEntry(cls.identifier, cls.label, cls.confirm, cls.icon, bool(cls.arguments), cls.identifier in DANGEROUS)


def possible(entries: Iterable[MenuEntry], subject: Subject) -> list[MenuEntry]:
    """The entries with what keeps each registered action from starting on this subject now, asked of the action itself."""
    return [replace(one, refusal=_refusal(one.name, subject)) for one in entries]


def _refusal(name: str, subject: Subject) -> str:
    """The action's first reason, its own questions taken as answered."""
    if name not in actions:
        return ""
    cls = actions.get(name)
    listed = {a.name: a.choices for a in cls.arguments if a.choices and not isinstance(a.choices, str)}
    found = cls().check(subject, {argument: choices[0][0] for argument, choices in listed.items()})
    return next((issue.message for issue in found if not issue.code.startswith("arguments.")), "")


def find(name: str, subjects: Iterable[str]) -> type[Action] | None:
    """The action of that name when it acts on one of the subjects; None otherwise."""
    if name not in actions:
        return None
    cls = actions.get(name)
    return cls if cls.subject in tuple(subjects) else None


def questions(cls: type[Action], rows: Sequence[int] = ()) -> list[Question]:
    """What has to be asked first, with choices as they are now; `rows` are those that it is about, where they are named."""
    return [_question(argument, rows) for argument in cls.arguments]


ASKED_AT_MOST = 10
"""Requests whose reasons the marketplace is asked for while a dialog opens: those that all accept are offered."""


def _question(argument: Argument, rows: Sequence[int]) -> Question:
    choices = _choices(argument.choices, rows) if isinstance(argument.choices, str) else tuple(argument.choices)
    kind = argument.kind
    if kind == "text" and choices:
        kind = "select"
    if kind in {"select", "multiselect"} and not choices:
        kind = "text"
    return Question(argument.name, argument.label, argument.help_text, kind, argument.required, choices)


def _choices(source: str, rows: Sequence[int]) -> tuple[tuple[str, str], ...]:
    """Choices of a named source; empty where nobody knows them now, then a text is written."""
    if source == "reject_reasons" and 0 < len(rows) <= ASKED_AT_MOST:
        first, *others = [_reject_reasons(row) for row in rows]
        return tuple(reason for reason in first if all(reason in other for other in others))
    if source == "template_categories":
        known = ListingTemplate.select(ListingTemplate.category_id, ListingTemplate.category_path).distinct()
        return tuple((r.category_id, r.category_path or r.category_id) for r in known if r.category_id)
    return ()


def _reject_reasons(case_id: int) -> tuple[tuple[str, str], ...]:
    """What the marketplace accepts for this request now, asked while the dialog opens; empty when it does not answer."""
    case = ReturnCase.get_or_none(ReturnCase.id == case_id)
    if case is None:
        return ()
    try:
        return tuple((r.name, r.text) for r in context().remotes.shop(case.account).reject_reasons(case.request_id))
    except ConnectorError as error:
        current_app.logger.info("no reject reasons of %s: %s", case.request_id, error)
        return ()


def answers(cls: type[Action], form: Mapping[str, Any], lists: Mapping[str, list[str]]) -> dict[str, Any]:
    """The arguments of a submitted dialog.

    Raises:
        ConfigurationError: a required one is empty, or a value is none of the choices.
    """
    given: dict[str, Any] = {}
    for question in questions(cls):
        value: Any = lists.get(question.name, []) if question.kind == "multiselect" else form.get(question.name, "")
        if isinstance(value, str):
            value = value.strip()
        if question.required and not value:
            raise ConfigurationError(f"{cls.label}: {question.label} is required.")
        known = {key for key, _ in question.choices}
        chosen = value if isinstance(value, list) else [value]
        if known and any(one and one not in known for one in chosen):
            raise ConfigurationError(f"{cls.label}: choose {question.label} from the list.")
        if value:
            given[question.name] = value
    return given


def ask(cls: type[Action], ids: Iterable[int], arguments: Mapping[str, Any]) -> str:
    """Put the work in the queue; a sentence about what happened."""
    asked = work.ask(
        context(), cls.identifier, list(ids), actor=actor(), arguments=arguments, why=f"{actor()} chose {cls.label}"
    )
    return f"{cls.label}: {asked}"
