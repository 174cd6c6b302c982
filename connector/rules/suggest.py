"""A first set of rules for any catalogue: a template a branch of its categories, one price, and tests that pass."""

from __future__ import annotations

import itertools
import re
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from decimal import Decimal

from connector.domain.money import minor_units
from connector.rules.evaluation import Family, family_facts, inherited_fields
from connector.rules.facts import fold
from connector.rules.metadata import Catalogue
from connector.rules.normal import format_file, quoted
from connector.rules.parser import parse_file
from connector.rules.products import Values
from connector.rules.tools import Source

MOST = 12
"""So many templates are suggested at most, those with the most products."""

NAMED = 9
"""So many product names stand for a template's goods."""

SEGMENT = "sellable"
"""The name of the segment of goods that can be sold, where no field has it."""

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


def suggestions(families: Iterable[Family], inherited: frozenset[str], segment: str = SEGMENT) -> list[Suggestion]:
    """Templates for the branches of a catalogue, the largest first; equal catalogues give equal suggestions.

    `families` need their plain values. A branch is two levels deep, or one where there is no second; what hangs directly
    in a category that has branches comes last. `segment` is what the conditions call for goods that can be sold.
    """
    members = _members(families, inherited)
    inner = {_CUT.split(key)[0] for key in members if _CUT.search(key)}
    chosen: list[Suggestion] = []
    seen: set[object] = set()
    for key, found in sorted(members.items(), key=lambda item: (item[0] in inner, -len(item[1]), item[0])):
        fresh = [member for member in found if member[1].get("sku") not in seen]
        if fresh and len(chosen) < MOST:
            seen.update(values.get("sku") for _, values in fresh)
            how = "is" if key in inner else "under"
            chosen.append(_suggestion(found, fresh, f"category {how} {quoted(fresh[0][0])} and @{segment}"))
    return chosen


_Member = tuple[str, Values]
"""A branch as it is written, and a product in it."""


def _members(families: Iterable[Family], inherited: frozenset[str]) -> dict[str, list[_Member]]:
    """What can be sold, by branch; branches whose names differ in case only are one, as they are for rules."""
    members: dict[str, list[_Member]] = {}
    for family in families:
        facts = family_facts(family, inherited).assigned
        if facts is None or facts["status"] != "enabled" or not isinstance(price := facts["price"], int) or price <= 0:
            continue
        values = family.plain.get(family.lead.id, {})
        branches = {fold(branch): branch for branch in sorted(map(_branch, _paths(values)), reverse=True)}
        for key, branch in sorted(branches.items()):
            members.setdefault(key, []).append((branch, values))
    return members


def _paths(values: Values) -> frozenset[str]:
    categories = values.get("category")
    return categories if isinstance(categories, frozenset) else frozenset()


def _branch(path: str) -> str:
    cuts = [match.start() for match in _CUT.finditer(path)]
    return path[: cuts[1]] if len(cuts) > 1 else path


def _suggestion(found: list[_Member], fresh: list[_Member], query: str) -> Suggestion:
    spread = fresh[:: -(-len(fresh) // NAMED)]
    path, sample = fresh[0]
    return Suggestion(
        _plain(" ".join(part.replace("\\/", "/") for part in _CUT.split(path))),
        path,
        query,
        _words(path, [values for _, values in found]),
        len(fresh),
        str(sample.get("sku")),
        tuple(str(values.get("name", "")) for _, values in spread),
    )


def _words(path: str, found: list[Values]) -> tuple[str, ...]:
    """The names of the categories below, then the words that product names end with: what goods are called."""
    below: Counter[str] = Counter()
    ends: Counter[str] = Counter()
    for values in found:
        for each in _paths(values):
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
    segment = segment_name(catalogue)
    found = suggestions(folder.families(with_values=True), inherited_fields(catalogue), segment)
    parts = [_HEAD + f'segment {segment} = status = "enabled" and price > 0\n']
    parts += [_assign(each, (place + 1) * 10) for place, each in enumerate(found)]
    parts.append(_price(currency, known_cost=_any_cost(folder.families(with_values=True))))
    parts += [_test(each) for each in found[:1]]
    return format_file(parse_file("\n".join(parts), "suggested.rules").tree)


def segment_name(catalogue: Catalogue) -> str:
    """What the segment of goods that can be sold is called: a segment may not bear the name of a field."""
    others = (f"{SEGMENT}_{number}" for number in itertools.count(2))
    return next(name for name in itertools.chain([SEGMENT], others) if name not in catalogue.fields)


def _any_cost(families: Iterable[Family]) -> bool:
    """Whether any product says what it costs."""
    return any("cost" in values for family in families for values in family.plain.values())


_HEAD = """# A first set of rules, suggested from the catalogue. Change it as you like.

# What is offered at all. Stock is not asked for: what sells out stays listed, without pieces.
"""


def _assign(each: Suggestion, priority: int) -> str:
    words = ", ".join(each.words).replace("\n", " ")
    return (
        f"# {each.products:,} {'product' if each.products == 1 else 'products'}, such as {_plain(each.sample)}. Look for a marketplace category with: {_plain(words)}\n"
        f"assign {quoted(each.template)} priority {priority} where {each.query}\n"
    )


def _plain(text: str) -> str:
    """Fit for a comment."""
    return " ".join(text.split())


def _price(currency: str, *, known_cost: bool) -> str:
    """The store's price with a little more, rounded as the currency is usually written."""
    digits = minor_units(currency)
    ending = "round up to ending 0.99" if digits else "round up to 10"
    amount = Decimal(25) * 112 / 100
    expected = amount.to_integral_value() - (Decimal("0.01") if digits else 0)
    expected = expected if expected >= amount else expected + 1
    shown = f"{expected:f}" if digits else "30"
    case = "  when cost is not empty and cost * 1.6 > final_price then cost * 1.6\n" if known_cost else ""
    return (
        f'price "List price"\n{case}'
        f"  otherwise final_price + 12%\n  {ending}\n"
        f'test "the list price is the store price and 12 %"\n'
        f'  given sku = "A-1", price = 25 expect price "List price" = {shown}\n'
        'test "without a price nothing is guessed"\n'
        '  given sku = "A-2" expect price "List price" fails\n'
    )


def _test(each: Suggestion) -> str:
    given = f"category = {quoted(each.path)}, price = 25, qty = 0"
    return (
        f"test {quoted(f'goods join {each.template}, in stock or not')}\n"
        f'  given sku = "A-3", {given}, status = "enabled" expect assign {quoted(each.template)}\n'
        f"test {quoted(f'what is disabled does not join {each.template}')}\n"
        f'  given sku = "A-4", {given}, status = "disabled" expect not assign {quoted(each.template)}\n'
    )
