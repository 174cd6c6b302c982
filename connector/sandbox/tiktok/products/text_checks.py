"""What the marketplace demands of titles and descriptions. Source: "Create Product", error table."""

from __future__ import annotations

import re
import sqlite3
import unicodedata
from collections.abc import Iterator
from html.parser import HTMLParser
from urllib.parse import urlsplit

from connector.sandbox.tiktok.images import find_picture
from connector.sandbox.tiktok.shops import Shop

Problem = tuple[int, str]

TITLE_EMPTY, TITLE_LONG, TITLE_CHINESE, TITLE_FORMAT = 12052261, 12052051, 12052262, 12052931
TEXT_MISSING, TEXT_LONG, TEXT_INVALID, TEXT_PICTURES, TEXT_FORMAT = 12052015, 12052013, 12019006, 12052056, 12052932
TEXT_SYNTAX, TEXT_TAG, TEXT_ATTRIBUTE, TEXT_NESTING, TEXT_IMAGE = 12052344, 12052345, 12052346, 12052347, 12052348
LONGEST_TEXT, MOST_PICTURES = 10_000, 30
CHINESE = re.compile(r"[\u3400-\u4dbf\u4e00-\u9fff]")
ENTITY = re.compile(r"&(#\d+|#x[0-9a-fA-F]+|\w+);")
PLAIN_ENTITIES = frozenset({"amp", "lt", "gt", "quot", "apos", "#39"})
OLDER_TAGS = frozenset({"p", "img", "ul", "ol", "li", "br", "strong", "b", "i", "em", "u"})
VOID_TAGS = frozenset({"img", "br", "hr", "input", "wbr", "col", "meta", "link", "source"})


def title_problems(title: object, shop: Shop) -> Iterator[Problem]:
    if not isinstance(title, str) or not title.strip():
        yield TITLE_EMPTY, "The product name is empty."
        return
    lowest, highest = shop.title_length
    if not lowest <= len(title) <= highest:
        yield TITLE_LONG, f"The product name has {len(title)} characters; {lowest} to {highest} are allowed."
    if CHINESE.search(title):
        yield TITLE_CHINESE, "The product name has Chinese characters."
    if why := _badly_formed(title):
        yield TITLE_FORMAT, f"The product name {why}."
    elif ENTITY.search(title):
        yield TITLE_FORMAT, "The product name has HTML entities."


def _badly_formed(text: str) -> str:
    """Why a text breaks the formatting rule, or nothing."""
    if any(unicodedata.category(sign) in {"Cc", "Cf"} and sign not in "\n\r\t" for sign in text):
        return "has control characters"
    if any(_is_emoji(sign) for sign in text):
        return "has emoji"
    if not any(sign.isalnum() for sign in text):
        return "has only symbols"
    if re.search(r"(\S)\1{9,}", text):
        return "repeats one character ten times or more"
    return ""


def _is_emoji(sign: str) -> bool:
    number = ord(sign)
    return 0x1F000 <= number <= 0x1FAFF or 0x2600 <= number <= 0x27BF or number in {0xFE0F, 0x20E3}


def description_problems(tx: sqlite3.Connection, text: object, tags: str) -> Iterator[Problem]:
    """`tags`: `older` or `any`, see SandboxOptions."""
    if not isinstance(text, str) or not text.strip():
        yield TEXT_MISSING, "The product description is missing."
        return
    if len(text) > LONGEST_TEXT:
        yield TEXT_LONG, f"The product description has {len(text)} characters; {LONGEST_TEXT} are allowed."
    unusual = {name for name in ENTITY.findall(text) if name not in PLAIN_ENTITIES}
    if unusual:
        yield TEXT_FORMAT, f"The product description has the HTML entity &{min(unusual)};."
    plain = re.sub(r"<[^>]*>", " ", text)
    why = _badly_formed(plain)
    if why and not (why == "has only symbols" and "<img" in text):
        yield TEXT_FORMAT, f"The product description {why}."
    page = _Page(tags)
    page.feed(text)
    page.close()
    yield from page.problems
    if page.open:
        yield TEXT_SYNTAX, f"The product description does not close <{page.open[-1]}>."
    if len(page.pictures) > MOST_PICTURES:
        yield TEXT_PICTURES, f"The product description has {len(page.pictures)} pictures; {MOST_PICTURES} are allowed."
    for attributes in page.pictures:
        yield from _picture_problems(tx, attributes)


def _picture_problems(tx: sqlite3.Connection, attributes: dict[str, str]) -> Iterator[Problem]:
    path = urlsplit(attributes.get("src", "")).path
    if not path.startswith("/obj/") or find_picture(tx, path.removeprefix("/obj/")) is None:
        yield TEXT_IMAGE, "A picture of the product description was not uploaded to the marketplace."
    for side in ("width", "height"):
        if not attributes.get(side, "").isdigit() or not 0 < int(attributes[side]) < 4000:
            yield TEXT_IMAGE, f"A picture of the product description has no {side} below 4000."


class _Page(HTMLParser):
    """Walks through a description and notes what is not allowed."""

    def __init__(self, tags: str) -> None:
        super().__init__(convert_charrefs=True)
        self._only_older = tags == "older"
        self.open: list[str] = []
        self.pictures: list[dict[str, str]] = []
        self.problems: list[Problem] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if self._only_older and tag not in OLDER_TAGS:
            self.problems.append((TEXT_TAG, f"The product description has the tag <{tag}>, which is not allowed."))
        if tag == "p" and "p" in self.open:
            self.problems.append((TEXT_NESTING, "The product description has a paragraph inside a paragraph."))
        if tag == "img":
            self.pictures.append({key: value or "" for key, value in attrs})
        elif any(key.startswith("on") for key, _ in attrs) or (self._only_older and attrs):
            self.problems.append((TEXT_ATTRIBUTE, f"The product description has attributes on <{tag}>."))
        if tag not in VOID_TAGS:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        if self.open and self.open[-1] == tag:
            self.open.pop()
        elif tag not in VOID_TAGS:
            self.problems.append((TEXT_SYNTAX, f"The product description closes </{tag}>, which is not open there."))
