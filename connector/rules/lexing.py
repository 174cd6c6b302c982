"""Words of a rule text: refuses what cannot be one, sets comments aside, cuts the text into its definitions."""

from __future__ import annotations

import datetime as dt
import re
import unicodedata
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Literal

from lark import Lark, Token

from connector.rules.problems import Problem, at_line
from connector.rules.tree import Comment, Span

LARGEST_FILE = 256 * 1024
"""Bytes of UTF-8 in one file."""

DEEPEST = 64
"""Levels of brackets, of `not`s or of operations inside one another."""

LONGEST_LIST = 10_000
MOST_LEAVES = 20_000
LONGEST_NUMBER = 100
"""Digits of a number."""

_REFUSED = re.compile(
    "[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f"  # control characters
    "\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069"  # marks that turn the direction of writing
    "\ufeff\ufff9-\ufffb\ud800-\udfff]"  # byte order marks inside the text, annotations, halves of surrogate pairs
)
_BAD_ESCAPE = re.compile(r'\\(?:["\\n/]|(.))')
_HEADS = frozenset({"SEGMENT", "ASSIGN", "PRICE", "TEST"})
_STRAY = ("COMMENT", "ODD_NUMBER", "OPEN_TEXT", "OPEN_NAME", "ODD")


class _KeepStray:
    """Makes the lexer give also the words that no rule of the grammar uses."""

    always_accept = _STRAY

    def process(self, stream: Iterator[Token]) -> Iterator[Token]:
        return stream


def _lark(parser: Literal["lalr"] | None, *, strict: bool = False) -> Lark:
    return Lark(
        files("connector.rules").joinpath("grammar.lark").read_text("utf-8"),
        parser=parser,
        lexer="basic",
        start=["file", "condition"],
        keep_all_tokens=True,
        maybe_placeholders=True,
        postlex=_KeepStray(),
        strict=strict,
    )


@cache
def grammar(*, strict: bool = False) -> Lark:
    """The parser. `strict` also refuses ambiguities that Lark settles silently; it needs `interegular`."""
    return _lark("lalr", strict=strict)


@cache
def _lexer() -> Lark:
    """The lexer alone: `Lark.lex` of a parser would build it anew for every text."""
    return _lark(None)


@cache
def keywords() -> frozenset[str]:
    """Every reserved word, as the grammar has it."""
    patterns = (terminal.pattern for terminal in grammar().terminals)
    return frozenset(p.value for p in patterns if p.type == "str" and p.value.isalpha())


@dataclass(frozen=True, slots=True)
class Source:
    """One text with its lines, for places and problems."""

    file: str
    text: str
    lines: tuple[str, ...]

    @classmethod
    def of(cls, text: str, file: str) -> Source:
        return cls(file, text, tuple(line.rstrip("\r") for line in text.split("\n")))

    def span(self, token: Token) -> Span:
        line, column = token.line or 1, token.column or 1
        return Span(self.file, line, column, token.end_line or line, token.end_column or column + len(token))

    def end(self) -> Span:
        """The place behind the last word."""
        for number in range(len(self.lines), 0, -1):
            if line := self.lines[number - 1].rstrip():
                return Span(self.file, number, len(line) + 1, number, len(line) + 2)
        return Span(self.file, 1, 1, 1, 2)

    def at(self, span: Span, message: str, *, hint: str = "", code: str = "syntax") -> Problem:
        line = self.lines[span.line - 1] if span.line <= len(self.lines) else ""
        return at_line(span, line, message, hint=hint, code=code)

    def refusal(self) -> Problem | None:
        """Why the text is not read at all, if so."""
        start = Span(self.file, 1, 1, 1, 2)
        if len(self.text) > LARGEST_FILE or len(self.text.encode("utf-8", "replace")) > LARGEST_FILE:
            return at_line(
                start, "", "the text is larger than 256 KiB", hint="split it into several files", code="too-large"
            )
        if found := _REFUSED.search(self.text):
            name = unicodedata.name(found[0], f"U+{ord(found[0]):04X}")
            place = self._offset(found.start())
            return self.at(place, f"the character {name} may not stand in a rule", hint="delete it", code="character")
        return None

    def _offset(self, offset: int) -> Span:
        line = self.text.count("\n", 0, offset) + 1
        column = offset - (self.text.rfind("\n", 0, offset) + 1) + 1
        return Span(self.file, line, column, line, column + 1)


@dataclass(frozen=True, slots=True)
class Words:
    """The words of a text, its comments, and what is wrong with single words."""

    words: tuple[Token, ...]
    comments: tuple[Comment, ...]
    problems: tuple[Problem, ...]


def lex(source: Source) -> Words:
    """Every word. What is none gets a problem, and stays in the stream for the parser to stop at."""
    words: list[Token] = []
    comments: list[Comment] = []
    problems: list[Problem] = []
    for token in _lexer().lex(source.text):
        if token.type == "COMMENT":
            own_line = not source.lines[(token.line or 1) - 1][: (token.column or 1) - 1].strip()
            comments.append(Comment(source.span(token), token.rstrip(), own_line))
            continue
        words.append(token)
        if wrong := _wrong_word(token):
            message, hint = wrong
            problems.append(source.at(source.span(token), message, hint=hint))
    return Words(tuple(words), tuple(comments), tuple(problems))


def is_stray(token: Token) -> bool:
    """Whether no rule can hold this word; `lex` has reported it."""
    return token.type in _STRAY


def _wrong_word(token: Token) -> tuple[str, str] | None:
    match token.type:
        case "ODD_NUMBER":
            return f"`{token[:40]}` is no number", _number_hint(token)
        case "OPEN_TEXT":
            return (
                "the text does not end on this line",
                'close it with `"`; a line break inside a text is written `\\n`',
            )
        case "OPEN_NAME":
            return "the name does not end on this line", "close it with a backquote"
        case "ODD":
            return f"{_character(token)} has no meaning here", _odd_hint(token)
        case "TEXT":
            bad = next((found[1] for found in _BAD_ESCAPE.finditer(token) if found[1]), None)
            return (f"`\\{bad}` is no escape", r"known are `\"`, `\\`, `\n` and, in categories, `\/`") if bad else None
        case "DATE":
            return _wrong_day(token)
        case "NUMBER" | "PERCENT" if len(token) > LONGEST_NUMBER:
            return f"a number has at most {LONGEST_NUMBER} digits", ""
    return None


def _wrong_day(token: Token) -> tuple[str, str] | None:
    try:
        dt.date.fromisoformat(token)
    except ValueError:
        return f"`{token}` is no day of the calendar", "dates are written year-month-day, `2026-11-01`"
    return None


def _number_hint(text: str) -> str:
    if re.fullmatch(r"0\d+(\.\d+)?%?", text):
        return "numbers and the parts of a date have no leading zeros, except in `2026-11-01`"
    if re.fullmatch(r"[\d.]+[eE]\d*", text):
        return "numbers have no exponent"
    return (
        "put a space behind the number" if re.fullmatch(r"[\d.]*\d[A-Za-z_]+", text) else "write it like `12` or `0.99`"
    )


def _character(char: str) -> str:
    return f"`{char}`" if char.isprintable() else unicodedata.name(char, f"U+{ord(char):04X}")


def _odd_hint(char: str) -> str:
    if char == "%":
        return "the percent sign stands directly behind a number: `12%`"
    if char in "&|":
        return "write `and`, `or`"
    if char == "!":
        return "write `not`; different from is `!=`"
    if char == ".":
        return "a number begins with a digit: `0.5`"
    if char in "'‘’“”„«»":
        return 'texts stand between double quotes: "…"'
    if char.isspace():
        return "write a plain space"
    if char.isalpha():
        return "a name with other letters than a to z stands between backquotes"
    return "other signs belong inside a text, between double quotes"


def cut(words: Iterable[Token]) -> list[list[Token]]:
    """The words of each definition; what stands before the first one is a piece of its own."""
    pieces: list[list[Token]] = []
    listed = list(words)
    expecting = False
    for index, token in enumerate(listed):
        if not pieces or _begins(listed, index, expecting):
            pieces.append([])
            expecting = False
        pieces[-1].append(token)
        expecting = expecting or token.type == "EXPECT"
    return pieces


def _begins(words: list[Token], index: int, expecting: bool) -> bool:
    """Whether a definition starts at this word: not at an outcome that a test expects, nor at the field `price`."""
    kind = words[index].type
    if kind not in _HEADS:
        return False
    before = words[index - 1].type if index else ""
    if expecting and before in ("EXPECT", "COMMA", "NOT") and kind in ("ASSIGN", "PRICE"):
        return False
    after = words[index + 1].type if index + 1 < len(words) else ""
    return kind != "PRICE" or after in ("TEXT", "OPEN_TEXT")


_VALUES = frozenset(
    {"NAME", "QUOTED", "NUMBER", "PERCENT", "TEXT", "DATE", "TODAY", "YES", "NO", "PRICE", "DAYS", "DAY"}
)


@dataclass(slots=True)
class _Level:
    """Inside one pair of brackets: signs in a row, operations in a row, and how deep the operands already are."""

    prefixes: int = 0
    chain: int = 0
    child: int = 0
    peak: int = 0

    @property
    def depth(self) -> int:
        return max(self.chain + self.child, self.prefixes)

    def restart(self) -> None:
        self.peak = max(self.peak, self.depth)
        self.prefixes = self.chain = self.child = 0


def too_deep(piece: list[Token]) -> Token | None:
    """The first word that goes deeper than 64 levels: of brackets, of `not`s and minus signs, of operations."""
    levels = [_Level()]
    operand_before = False
    for token in piece:
        kind, level = token.type, levels[-1]
        if kind == "LPAR":
            levels.append(_Level())
        elif kind == "RPAR" and len(levels) > 1:
            inner = levels.pop()
            inner.restart()
            levels[-1].child = max(levels[-1].child, inner.peak)
        elif kind in ("PLUS", "STAR", "SLASH") or (kind == "MINUS" and operand_before):
            level.chain += 1
        elif kind in ("NOT", "MINUS"):
            level.prefixes += 1
        elif kind not in _VALUES:
            level.restart()
        operand_before = kind in _VALUES or kind == "RPAR"
        if len(levels) - 1 > DEEPEST or levels[-1].depth > DEEPEST:
            return token
    return None
