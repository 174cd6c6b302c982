"""Text → syntax tree, or every problem of the text at once. Never raises; takes time linear in the text."""

from __future__ import annotations

import itertools
import unicodedata
from collections.abc import Iterable
from dataclasses import dataclass

from lark import Token, Tree
from lark.exceptions import UnexpectedToken
from lark.parsers.lalr_interactive_parser import InteractiveParser

from connector.rules.builder import Builder, condition, decode
from connector.rules.lexing import Source, cut, grammar, is_stray, keywords, lex, too_deep
from connector.rules.problems import Problem
from connector.rules.salvage import MOST_PARTS, readable_parts
from connector.rules.tree import Condition, Definition, RuleFile

_EXPLAINED = 100
"""So many syntax errors of a text say what was expected; finding that out takes long."""


@dataclass(frozen=True, slots=True)
class ParsedFile:
    """A file's definitions that could be read, and what is wrong with the others.

    `unread` has the kind and name of those that could not, so that who calls them is not blamed for it, and `parts` what
    can be read of them all the same.
    """

    source: Source
    tree: RuleFile
    problems: tuple[Problem, ...]
    unread: frozenset[tuple[str, str]] = frozenset()
    parts: tuple[Condition, ...] = ()


@dataclass(frozen=True, slots=True)
class ParsedCondition:
    """A condition, None when there are problems."""

    source: Source
    condition: Condition | None
    problems: tuple[Problem, ...]


def parse_file(text: str, name: str) -> ParsedFile:
    """Read a rule file. `name` is what problems call it, and what orders the files of a set."""
    source = Source.of(text.removeprefix("\ufeff"), name)
    if refused := source.refusal():
        return ParsedFile(source, RuleFile(name, source.text, ()), (refused,))
    words = lex(source)
    pieces = _Pieces(source)
    definitions: list[Definition] = []
    unread: set[tuple[str, str]] = set()
    parts: list[Condition] = []
    for piece in cut(words.words):
        parsed = pieces.parse(piece, "file")
        if isinstance(parsed, Tree):
            definitions.extend(Builder(name).transform(parsed))
        elif len(piece) > 1:
            unread.add((piece[0].value, decode(piece[1]) if piece[1].type == "TEXT" else piece[1].value))
            if not too_deep(piece):
                parts += itertools.islice(readable_parts(piece, name), MOST_PARTS - len(parts))
    tree = RuleFile(name, source.text, tuple(definitions), words.comments)
    return ParsedFile(source, tree, _sorted([*words.problems, *pieces.problems]), frozenset(unread), tuple(parts))


def parse_condition(text: str, name: str = "query") -> ParsedCondition:
    """Read a condition alone, as in a template's query box."""
    source = Source.of(text.removeprefix("\ufeff"), name)
    if refused := source.refusal():
        return ParsedCondition(source, None, (refused,))
    words = lex(source)
    pieces = _Pieces(source)
    parsed = pieces.parse(list(words.words), "condition")
    problems = _sorted([*words.problems, *pieces.problems])
    if problems or parsed is None:
        return ParsedCondition(source, None, problems)
    result = Builder(name).transform(parsed) if isinstance(parsed, Tree) else parsed
    return ParsedCondition(source, condition(result), ())


def _sorted(problems: Iterable[Problem]) -> tuple[Problem, ...]:
    return tuple(sorted(problems, key=lambda each: (each.line, each.column)))


class _Pieces:
    """Parses the definitions of one text, each for itself, and collects what is wrong."""

    def __init__(self, source: Source) -> None:
        self.source = source
        self.problems: list[Problem] = []

    def parse(self, piece: list[Token], start: str) -> Tree[Token] | Token | None:
        if any(is_stray(token) for token in piece):
            return None
        if token := too_deep(piece):
            self._add(token, "this goes deeper than 64 levels", hint="name a part with `segment`", code="too-deep")
            return None
        parser = grammar().parse_interactive(start=start)
        for index, token in enumerate(piece):
            try:
                parser.feed_token(token)
            except UnexpectedToken:
                self._unexpected(parser, token, piece[index - 1] if index else None)
                return None
        try:
            parsed: Tree[Token] | Token = parser.feed_eof(piece[-1] if piece else None)  # type: ignore[no-untyped-call]  # Lark's own lack
        except UnexpectedToken:
            self._incomplete(parser, piece[-1] if piece else None)
            return None
        return parsed

    def _add(self, token: Token, message: str, *, hint: str = "", code: str = "syntax") -> None:
        self.problems.append(self.source.at(self.source.span(token), message, hint=hint, code=code))

    def _unexpected(self, parser: InteractiveParser, token: Token, before: Token | None) -> None:
        accepted = self._accepted(parser)
        message = f"`{_short(token)}` does not fit here"
        self._add(token, message + _expected(accepted), hint=_hint(token, before, accepted))

    def _incomplete(self, parser: InteractiveParser, last: Token | None) -> None:
        expected = _expected(self._accepted(parser))
        if last is None:
            self.problems.append(self.source.at(self.source.end(), f"there is nothing here{expected}"))
            return
        span = self.source.span(last)
        self.problems.append(self.source.at(span, f"something is missing behind `{_short(last)}`{expected}"))

    def _accepted(self, parser: InteractiveParser) -> frozenset[str]:
        if len(self.problems) >= _EXPLAINED:
            return frozenset()
        return frozenset(parser.accepts())  # type: ignore[no-untyped-call]  # Lark's own lack


def _short(token: Token) -> str:
    return token if len(token) <= 40 else token[:37] + "…"


_GROUPS = (
    ("a condition", frozenset({"NOT", "ANY", "EVERY", "NUMBER", "NAME", "LPAR"})),
    ("a value", frozenset({"NUMBER", "NAME", "TEXT", "LPAR"})),
    ("a fixed value", frozenset({"NUMBER", "TEXT", "DATE", "YES"})),
    ("a field", frozenset({"NAME", "QUOTED", "PRICE"})),
    ("a comparison", frozenset({"COMPARISON", "EQUAL"})),
    ("an operator", frozenset({"PLUS", "STAR", "SLASH"})),
    ("a new definition", frozenset({"SEGMENT", "ASSIGN", "PRICE", "TEST"})),
)
_MEMBERS = {
    "a condition": frozenset(
        {"QUOTED", "PRICE", "TEXT", "DATE", "PERCENT", "TODAY", "YES", "NO", "MINUS", "DAYS", "__ANON_0"}
    ),
    "a value": frozenset({"QUOTED", "PRICE", "DATE", "PERCENT", "TODAY", "YES", "NO", "MINUS", "DAYS"}),
    "a fixed value": frozenset({"NO", "MINUS"}),
    "a comparison": frozenset({"IN", "CONTAINS", "LIKE", "HAS", "UNDER", "BETWEEN", "STARTS", "ENDS", "IS", "NOT"}),
    "an operator": frozenset({"MINUS"}),
    "a new definition": frozenset({"$END"}),
}
_KINDS = {
    "NAME": "a name",
    "QUOTED": "a name",
    "NUMBER": "a number",
    "TEXT": "a text in double quotes",
    "DATE": "a date",
    "COMPARISON": "a comparison",
    "$END": "the end",
}


def _expected(accepted: frozenset[str]) -> str:
    """What could stand there, in plain words: `: expected a comparison, `and` or `or``."""
    left = set(accepted)
    words = []
    for name, needed in _GROUPS:
        if needed <= left:
            words.append(name)
            left -= needed | _MEMBERS.get(name, frozenset())
    patterns = {terminal.name: terminal.pattern.value for terminal in grammar().terminals}
    words += sorted({_KINDS.get(name) or f"`{patterns[name]}`" for name in left})
    if not words:
        return ""
    listed = words[0] if len(words) == 1 else f"{', '.join(words[:-1])} or {words[-1]}"
    return f": expected {listed}"


_AFTER_FIELD = frozenset({"CONTAINS", "LIKE", "HAS", "BETWEEN", "STARTS", "ENDS"})


def _hint(token: Token, before: Token | None, accepted: frozenset[str]) -> str:
    kind, previous = token.type, before.type if before is not None else ""
    if kind == "NAME" and token.lower() in keywords():
        return f"keywords are lower case: `{token.lower()}`"
    if previous == "NAME" and before is not None and before.lower() in keywords() - {"price"}:
        return f"keywords are lower case: `{before.lower()}`"
    if kind == "EQUAL" and previous == "EQUAL":
        return "write one `=`"
    if previous == "COMPARISON" and kind in ("COMPARISON", "EQUAL"):
        return "different from is written `!=`"
    if kind == "COMMA" and previous == "NUMBER":
        return "numbers have no thousands separator"
    if previous == "NOT" and kind in _AFTER_FIELD:
        return f"`not` stands before the field: `not name {token} …`"
    if "QUOTED" in accepted and token in keywords():
        return f"`{token}` is a keyword; a field of this name is written between backquotes"
    if kind in _AFTER_FIELD | {"IN", "IS", "UNDER"} and "COMPARISON" in accepted:
        return f"`{token}` asks about a field, whose name stands directly before it"
    if kind == "NAME" and "TEXT" in accepted:
        return f'a text stands in double quotes: "{_plain(token)}"'
    return ""


def _plain(text: str) -> str:
    return unicodedata.normalize("NFC", text)[:40]
