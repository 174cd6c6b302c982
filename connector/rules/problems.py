"""What is wrong with a rule text: where, what, and how to mend it."""

from __future__ import annotations

import difflib
import enum
import unicodedata
from collections.abc import Iterable
from dataclasses import dataclass

from connector.rules.tree import Span


class Severity(enum.Enum):
    """An error keeps a rule set from becoming active; a warning does not."""

    ERROR = "error"
    WARNING = "warning"


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing that is wrong, with its place.

    `line` and `column` count from 1, `end_column` is the first column behind the place (on the same line).
    `source_line` is the line as written. `code` is stable and meant for programs: `unknown-field`, `syntax`, ….
    """

    file: str
    line: int
    column: int
    end_column: int
    source_line: str
    message: str
    hint: str = ""
    severity: Severity = Severity.ERROR
    code: str = "error"

    def __str__(self) -> str:
        """Three lines: `file:line:column: message`, the source line, a caret under the place."""
        head = f"{self.file}:{self.line}:{self.column}: {self.severity.value}: {self.message}"
        if self.hint:
            head += f" — {self.hint}"
        if not self.source_line:
            return head
        shown, caret = _excerpt(self.source_line, self.column, self.end_column)
        return f"{head}\n    {shown}\n    {caret}"

    def as_json(self) -> dict[str, str | int]:
        """The same as plain values, for `--json` and the editor."""
        return {
            "file": self.file,
            "line": self.line,
            "column": self.column,
            "end_column": self.end_column,
            "source_line": self.source_line,
            "message": self.message,
            "hint": self.hint,
            "severity": self.severity.value,
            "code": self.code,
        }


def problem(
    span: Span, text: str, message: str, *, hint: str = "", code: str = "error", severity: Severity = Severity.ERROR
) -> Problem:
    """A problem at a place of a file whose whole source is `text`."""
    return at_line(span, source_line(text, span.line), message, hint=hint, code=code, severity=severity)


def at_line(
    span: Span, line: str, message: str, *, hint: str = "", code: str = "error", severity: Severity = Severity.ERROR
) -> Problem:
    """A problem at a place whose source line is known. A place over several lines is shown to the end of its first."""
    end = span.end_column if span.end_line == span.line else len(line) + 1
    return Problem(span.file, span.line, span.column, max(end, span.column + 1), line, message, hint, severity, code)


def source_line(text: str, line: int) -> str:
    """Line number `line` of a text, counted from 1; empty behind the end."""
    start = 0
    for _ in range(line - 1):
        start = text.find("\n", start) + 1
        if start == 0:
            return ""
    end = text.find("\n", start)
    return text[start : None if end < 0 else end].rstrip("\r")


def nearest(wanted: str, known: Iterable[str]) -> str | None:
    """The known name most like `wanted`, compared without case; None when none is near."""
    folded = {name.casefold(): name for name in sorted(known, reverse=True)}
    close = difflib.get_close_matches(wanted.casefold(), folded, n=1, cutoff=0.6)
    return folded[close[0]] if close else None


def did_you_mean(wanted: str, known: Iterable[str], quote: str = "`") -> str:
    """A hint that names the nearest known name, or nothing."""
    name = nearest(wanted, known)
    return f"did you mean {quote}{name}{quote}?" if name else ""


_WINDOW = 100


def _excerpt(line: str, column: int, end_column: int) -> tuple[str, str]:
    """The line, cut around the place when it is long, and the carets; wide and odd characters keep their columns."""
    start = max(0, column - 1 - _WINDOW // 2) if len(line) > _WINDOW else 0
    shown = line[start : start + _WINDOW]
    stop = min(end_column - 1, start + _WINDOW)
    before = sum(_width(char) for char in line[start : column - 1])
    marked = sum(_width(char) for char in line[column - 1 : stop])
    return "".join(map(_printable, shown)), " " * before + "^" * max(1, marked)


def _width(char: str) -> int:
    if unicodedata.combining(char):
        return 0
    return 2 if unicodedata.east_asian_width(char) in "WF" else 1


def _printable(char: str) -> str:
    """A tab becomes a space, so that the caret stands right; what cannot be shown becomes a replacement character."""
    if char == "\t":
        return " "
    return char if char.isprintable() else "\N{REPLACEMENT CHARACTER}"
