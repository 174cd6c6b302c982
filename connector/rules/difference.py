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
        """added, removed, changed, or moved: an assignment that says the same, but counts before or after others."""
        if self.before == self.after:
            return "moved"
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
    """Definitions that were added, removed or changed, as the new files have them; layout and comments do not count.

    Order counts among assignments of one priority, where the one written first wins.

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
    for key in _moved(before, after):
        span, text = after[key][0].span, after[key][1]
        found.append(Changed(key[0], key[1], span.file, span.line, text, text))
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


def _moved(before: _Found, after: _Found) -> list[Key]:
    """The assignments, of those that say the same, which rank differently among each other."""
    was, now = (_ranking(side, before, after) for side in (before, after))
    blocks = difflib.SequenceMatcher(None, was, now, autojunk=False).get_opcodes()
    return [key for tag, _, _, start, stop in blocks if tag in ("insert", "replace") for key in now[start:stop]]


def _ranking(side: _Found, before: _Found, after: _Found) -> list[Key]:
    """Those on both sides with one text, in the order in which they win."""
    same = {key for key in before.keys() & after.keys() if before[key][1] == after[key][1]}
    ranks = [(each.rank, key) for key, (each, _) in side.items() if isinstance(each, tree.Assign) and key in same]
    return [key for _, key in sorted(ranks, key=lambda pair: pair[0])]


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
