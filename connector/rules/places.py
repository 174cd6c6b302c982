"""Places in rule files, and the literals, which are all that a place and a value make."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass, field
from decimal import Decimal
from typing import TypeAlias


@dataclass(frozen=True, slots=True)
class Span:
    """A stretch of a file. Lines and columns count from 1; the end column is the first one behind it.

    All spans compare equal, so that two trees are equal when they say the same, wherever it stands. Compare `start` to
    compare places.
    """

    file: str = field(compare=False)
    line: int = field(compare=False)
    column: int = field(compare=False)
    end_line: int = field(compare=False)
    end_column: int = field(compare=False)

    @property
    def start(self) -> tuple[str, int, int]:
        return self.file, self.line, self.column

    def to(self, other: Span) -> Span:
        """From the start of this one to the end of the other."""
        return Span(self.file, self.line, self.column, other.end_line, other.end_column)


# Literals -----------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Number:
    span: Span
    value: Decimal


@dataclass(frozen=True, slots=True)
class Text:
    """`value` is NFC text with its escapes resolved; `\\/` stays as it is, for category paths."""

    span: Span
    value: str


@dataclass(frozen=True, slots=True)
class Day:
    """A date literal."""

    span: Span
    value: dt.date


@dataclass(frozen=True, slots=True)
class YesNo:
    span: Span
    value: bool


Literal_: TypeAlias = Number | Text | Day | YesNo
