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
_NESTED = re.compile(r"<p>\s*(?=<(?:ul|ol)>)|(?<=</ul>)\s*</p>|(?<=</ol>)\s*</p>")


def plain(text: str) -> str:
    """One line of text: no mark-up, entities, emoji or control characters."""
    return " ".join(_characters(entities.unescape(re.sub(r"<[^>]*>", " ", text))).split())


def html(text: str) -> str:
    """Mark-up in the marketplace's tags only; store directives and page builder's styles are dropped."""
    cleaned = _STYLE.sub("", _DIRECTIVE.sub("", text))
    cleaned = _characters(entities.unescape(nh3.clean(cleaned, tags=set(TAGS), attributes={})))
    cleaned = nh3.clean(cleaned, tags=set(TAGS), attributes={})
    cleaned = _NESTED.sub("", cleaned.replace("\u00a0", " ")).replace("&nbsp;", " ").strip()
    if "<" not in cleaned:
        cleaned = f"<p>{cleaned}</p>"
    return (
        cleaned
        if len(cleaned) <= LONGEST
        else f"<p>{entities.escape(plain(cleaned)[: LONGEST - 100], quote=False)}</p>"
    )


def _characters(text: str) -> str:
    """NFC without control characters, emoji and other symbols that the marketplace refuses."""
    kept = (c if c in "\n\t " or not _refused(c) else " " for c in unicodedata.normalize("NFC", text))
    return "".join(kept)


def _refused(character: str) -> bool:
    return ord(character) > 0xFFFF or unicodedata.category(character) in {"Cc", "Cf", "Cs", "Co", "Cn", "So"}
