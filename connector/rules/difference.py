"""What differs between two sets of rule files, definition by definition, in their normal form."""

from __future__ import annotations

import difflib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from connector.errors import RuleError
from connector.rules import tree
from connector.rules.normal import definition_text
from connector.rules.parser import parse_file

Key = tuple[str, str, int]
"""Kind, name, and which of several of that name."""


@dataclass(frozen=True, slots=True)
class Changed:
    """One definition. `before` and `after` are its normal form, None where it is not there; `file` and `line` say where it
    stands now, or stood."""

    kind: str
    name: str
    file: str
    line: int
    before: str | None
    after: str | None

    @property
    def what(self) -> str:
        """added, removed or changed"""
        return "added" if self.before is None else "removed" if self.after is None else "changed"

    def lines(self) -> list[str]:
        """Both forms, lines that went marked `-`, those that came `+`."""
        before, after = ((text or "").splitlines() for text in (self.before, self.after))
        return [line for line in difflib.ndiff(before, after) if not line.startswith("?")]

    def as_json(self) -> dict[str, Any]:
        """Plain values for programs and screens."""
        return {
            "what": self.what,
            "kind": self.kind,
            "name": self.name,
            "file": self.file,
            "line": self.line,
            "before": self.before,
            "after": self.after,
        }


def differences(old: Mapping[str, str], new: Mapping[str, str]) -> list[Changed]:
    """Definitions that were added, removed or changed, as the new files have them; layout, comments and order do not count.

    Raises:
        RuleError: a file cannot be read as rules.
    """
    before, after = _definitions(old), _definitions(new)
    found = []
    for key in {**before, **after}:
        was, now = before.get(key), after.get(key)
        if (was and was[1]) != (now and now[1]):
            span = (now or before[key])[0].span
            found.append(Changed(key[0], key[1], span.file, span.line, was and was[1], now and now[1]))
    return sorted(found, key=lambda each: (each.file, each.line, each.what))


_Found = dict[Key, tuple[tree.Definition, str]]


def _definitions(files: Mapping[str, str]) -> _Found:
    parsed = [parse_file(files[name], name) for name in sorted(files)]
    problems = [problem for each in parsed for problem in each.problems]
    if problems:
        raise RuleError(problems)
    found: _Found = {}
    for file in parsed:
        for each in file.tree.definitions:
            kind, name = _named(each)
            number = sum(1 for key in found if key[:2] == (kind, name))
            found[kind, name, number] = (each, definition_text(each))
    return found


def _named(each: tree.Definition) -> tuple[str, str]:
    match each:
        case tree.Segment(name=name):
            return "segment", name.value
        case tree.Assign(template=template, account=account):
            return "assign", template.value + (f" on account {account.value}" if account else "")
        case tree.Price(name=name):
            return "price", name.value
        case tree.Test(name=name):
            return "test", name.value
