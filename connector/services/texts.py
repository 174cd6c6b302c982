"""Store texts as the marketplace accepts them: titles plain, descriptions in its few tags.

Source: TikTok Shop 202309 Create Product (description tags, error 12052931 and 12052932 on formatting).
"""

from __future__ import annotations

import html as entities
import re
import unicodedata

import nh3

TAGS = frozenset({"p", "ul", "ol", "li", "br", "strong", "b", "i", "em", "u"})
LONGEST = 10_000
_DIRECTIVE = re.compile(r"\{\{.*?\}\}", re.DOTALL)
_STYLE = re.compile(r"<(style|script)\b.*?</\1>", re.DOTALL | re.IGNORECASE)
_TAG = re.compile(r"</?[A-Za-z!][^>]*>")
_LIKE_ENTITY = re.compile(r"&(#?\w+);")
"""What only looks like an entity is refused in a title as one: `AT&T;` loses its semicolon."""

_REPEATED = re.compile(r"(\S)\1{9,}")
"""Ten of a sign in a row are refused: a line drawn with hyphens gets shorter."""

_SYMBOLS_FROM = 0x2190
"""Arrows, shapes and emoji begin here; signs below, such as ® and °, are text."""

_NESTED = re.compile(r"<p>\s*(?=<(?:ul|ol)>)|(?<=</ul>)\s*</p>|(?<=</ol>)\s*</p>")


def plain(text: str) -> str:
    """One line of text: no mark-up, entities, emoji or control characters."""
    words = _characters(_unescaped(_TAG.sub(" ", text))).split()
    return _LIKE_ENTITY.sub(r"&\1", " ".join(words))


def html(text: str) -> str:
    """Mark-up in the marketplace's tags only; store directives and page builder's styles are dropped."""
    cleaned = _STYLE.sub("", _DIRECTIVE.sub("", text))
    cleaned = _characters(_unescaped(nh3.clean(cleaned, tags=set(TAGS), attributes={})))
    cleaned = _REPEATED.sub(r"\1" * 9, cleaned)
    cleaned = nh3.clean(cleaned, tags=set(TAGS), attributes={})
    cleaned = _NESTED.sub("", cleaned.replace("\u00a0", " ")).replace("&nbsp;", " ").strip()
    if "<" not in cleaned:
        cleaned = f"<p>{cleaned}</p>"
    return (
        cleaned
        if len(cleaned) <= LONGEST
        else f"<p>{entities.escape(plain(cleaned)[: LONGEST - 100], quote=False)}</p>"
    )


def _unescaped(text: str) -> str:
    """Entities as characters, also those that were escaped twice: `&amp;eacute;` is an “é” that somebody pasted."""
    for _ in range(3):
        plainer = entities.unescape(text)
        if plainer == text:
            break
        text = plainer
    return text


def _characters(text: str) -> str:
    """NFC without control characters, emoji and other symbols that the marketplace refuses."""
    kept = (c if c in "\n\t " or not _refused(c) else " " for c in unicodedata.normalize("NFC", text))
    return "".join(kept)


def _refused(character: str) -> bool:
    kind = unicodedata.category(character)
    symbol = kind == "So" and ord(character) >= _SYMBOLS_FROM
    return ord(character) > 0xFFFF or symbol or kind in {"Cc", "Cf", "Cs", "Co", "Cn"} or character == "\ufe0f"
