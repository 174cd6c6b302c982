"""A first set of rules for any catalogue: a template a branch of its categories, one price, and tests that pass."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from decimal import Decimal

from connector.domain.money import minor_units
from connector.rules.evaluation import Family, family_facts, inherited_fields
from connector.rules.normal import format_file, quoted
from connector.rules.parser import parse_file
from connector.rules.products import Values
from connector.rules.tools import Source

MOST = 12
"""So many templates are suggested at most, those with the most products."""

NAMED = 9
"""So many product names stand for a template's goods."""

_WORD = re.compile(r"[^\W\d_]{3,}")
_CUT = re.compile(r"(?<!\\)/")


@dataclass(frozen=True, slots=True)
class Suggestion:
    """A template to begin with.

    `query` is its condition, `words` what a person looks the marketplace's category up with, the likeliest first; `products`
    counts what it would hold, `sample` is one of them, `names` are those of some, from the first to the last.
    """

    template: str
    path: str
    query: str
    words: tuple[str, ...]
    products: int
    sample: str
    names: tuple[str, ...]


def suggestions(families: Iterable[Family], inherited: frozenset[str]) -> list[Suggestion]:
    """Templates for the branches of a catalogue, the largest first; equal catalogues give equal suggestions.

    `families` need their plain values. A branch is two levels deep, or one where there is no second.
    """
    members: dict[str, list[Values]] = {}
    for family in families:
        if family_facts(family, inherited).assigned is None:
            continue
        values = family.plain.get(family.lead.id, {})
        categories = values.get("category")
        for branch in sorted({_branch(path) for path in categories} if isinstance(categories, frozenset) else ()):
            members.setdefault(branch, []).append(values)
    inner = {path.rpartition("/")[0] for path in members}
    left = {path: found for path, found in members.items() if path not in inner}
    chosen: list[Suggestion] = []
    seen: set[object] = set()
    for path, found in sorted(left.items(), key=lambda item: (-len(item[1]), item[0])):
        fresh = [values for values in found if values.get("sku") not in seen]
        if fresh and len(chosen) < MOST:
            seen.update(values.get("sku") for values in fresh)
            chosen.append(_suggestion(path, found, fresh))
    return chosen


def _branch(path: str) -> str:
    cuts = [match.start() for match in _CUT.finditer(path)]
    return path[: cuts[1]] if len(cuts) > 1 else path


def _suggestion(path: str, found: list[Values], fresh: list[Values]) -> Suggestion:
    spread = fresh[:: -(-len(fresh) // NAMED)]
    names = [part.replace("\\/", "/") for part in _CUT.split(path)]
    return Suggestion(
        " ".join(names),
        path,
        f"category under {quoted(path)} and @sellable",
        _words(path, found),
        len(fresh),
        str(fresh[0].get("sku")),
        tuple(str(values.get("name", "")) for values in spread),
    )


def _words(path: str, found: list[Values]) -> tuple[str, ...]:
    """The names of the categories below, then the words that product names end with: what goods are called."""
    below: Counter[str] = Counter()
    ends: Counter[str] = Counter()
    for values in found:
        categories = values.get("category")
        for each in categories if isinstance(categories, frozenset) else ():
            if each.startswith(path):
                below[_CUT.split(each)[-1].replace("\\/", "/")] += 1
        words = _WORD.findall(str(values.get("name", "")))
        ends.update(word.casefold() for word in words[-1:])
    names = [name for name, _ in sorted(below.items(), key=lambda item: (-item[1], item[0]))[:4]]
    return tuple(dict.fromkeys([*names, *[word for word, _ in sorted(ends.items(), key=lambda i: (-i[1], i[0]))[:3]]]))


def suggest(folder: Source, currency: str) -> str:
    """The text of a rule file for a catalogue folder, in normal form; it checks and passes its tests.

    Raises:
        ConfigurationError: the folder is no catalogue folder.
    """
    catalogue = folder.functions.extend(folder.metadata.catalogue)
    found = suggestions(folder.families(with_values=True), inherited_fields(catalogue))
    parts = [_HEAD, *(_assign(each, (place + 1) * 10) for place, each in enumerate(found)), _price(currency)]
    parts += [_test(each) for each in found[:1]]
    return format_file(parse_file("\n".join(parts), "suggested.rules").tree)


_HEAD = """# A first set of rules, suggested from the catalogue. Change it as you like.

segment sellable = status = "enabled" and qty > 0 and price > 0
"""


def _assign(each: Suggestion, priority: int) -> str:
    words = ", ".join(each.words).replace("\n", " ")
    return (
        f"# {each.products} products, such as {_plain(each.sample)}. Look for a marketplace category with: {_plain(words)}\n"
        f"assign {quoted(each.template)} priority {priority} where {each.query}\n"
    )


def _plain(text: str) -> str:
    """Fit for a comment."""
    return " ".join(text.split())


def _price(currency: str) -> str:
    """The store's price with a little more, rounded as the currency is usually written."""
    digits = minor_units(currency)
    ending = "round up to ending 0.99" if digits else "round up to 10"
    amount = Decimal(25) * 112 / 100
    expected = amount.to_integral_value() - (Decimal("0.01") if digits else 0)
    expected = expected if expected >= amount else expected + 1
    shown = f"{expected:f}" if digits else "30"
    return (
        'price "List price"\n'
        "  when cost is not empty and cost * 1.6 > final_price then cost * 1.6\n"
        f"  otherwise final_price + 12%\n  {ending}\n"
        f'test "the list price is the store price and 12 %"\n'
        f'  given sku = "A-1", price = 25 expect price "List price" = {shown}\n'
        'test "without a price nothing is guessed"\n'
        '  given sku = "A-2" expect price "List price" fails\n'
    )


def _test(each: Suggestion) -> str:
    given = f'category = {quoted(each.path)}, status = "enabled", price = 25'
    return (
        f"test {quoted(f'goods in stock join {each.template}')}\n"
        f'  given sku = "A-3", {given}, qty = 4 expect assign {quoted(each.template)}\n'
        f"test {quoted(f'what is sold out does not join {each.template}')}\n"
        f'  given sku = "A-4", {given}, qty = 0 expect not assign {quoted(each.template)}\n'
    )
