"""What can still be read of a definition with a syntax error, so that its other mistakes are told at once too."""

from __future__ import annotations

from collections.abc import Iterator

from lark import Token, Tree
from lark.exceptions import UnexpectedToken

from connector.rules.builder import Builder, condition
from connector.rules.lexing import grammar, is_stray
from connector.rules.tree import Condition

MOST_PARTS = 500
"""So many parts of a text are tried; each takes a parser of its own."""

_BETWEEN_PARTS = frozenset({"WHERE", "WHEN", "THEN", "OTHERWISE", "AND", "OR", "NOT", "ROUND", "LEAST", "MOST"})


_FIRST = {"SEGMENT": {"EQUAL"}, "ASSIGN": {"WHERE"}, "PRICE": {"WHEN", "OTHERWISE"}}
"""The word that ends the head of a definition."""


def readable_parts(piece: list[Token], file: str) -> Iterator[Condition]:
    """The comparisons and values of an unreadable definition that can be read by themselves.

    Names in them mean what they mean in the whole; types need not, since `between 1 and 2` is cut in two.
    """
    for part in _parts(piece):
        words = _balanced(part)
        if words and not any(map(is_stray, words)) and (found := _read(words, file)) is not None:
            yield found


def _parts(piece: list[Token]) -> Iterator[list[Token]]:
    kind = piece[0].type
    if kind not in _FIRST:
        return  # what a test gives and expects are no conditions
    kinds = [token.type for token in piece]
    start = next((index + 1 for index, each in enumerate(kinds) if each in _FIRST[kind]), len(piece))
    part: list[Token] = []
    for token in piece[start:]:
        if token.type in _BETWEEN_PARTS:
            yield part
            part = []
        else:
            part.append(token)
    yield part


def _balanced(part: list[Token]) -> list[Token]:
    """Without the brackets that were opened before the part, or are closed behind it."""
    kinds = [token.type for token in part]
    start, stop = 0, len(part)
    surplus = kinds.count("LPAR") - kinds.count("RPAR")
    while surplus > 0 and start < stop and kinds[start] == "LPAR":
        start, surplus = start + 1, surplus - 1
    while surplus < 0 and start < stop and kinds[stop - 1] == "RPAR":
        stop, surplus = stop - 1, surplus + 1
    return part[start:stop]


def _read(words: list[Token], file: str) -> Condition | None:
    parser = grammar().parse_interactive(start="condition")
    try:
        for token in words:
            parser.feed_token(token)
        parsed: Tree[Token] | Token = parser.feed_eof(words[-1])  # type: ignore[no-untyped-call]  # Lark's own lack
    except UnexpectedToken:
        return None
    return condition(Builder(file).transform(parsed) if isinstance(parsed, Tree) else parsed)
