"""Whether rules make sense for a catalogue: names, types, cycles. Gives a resolved tree, or all problems at once."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from decimal import Decimal
from typing import TypeVar

from connector.rules import tree
from connector.rules.cycles import components
from connector.rules.expressions import ConditionChecker, Scope, segments_in
from connector.rules.functions import Library, library
from connector.rules.lexing import DEEPEST, MOST_LEAVES
from connector.rules.metadata import Catalogue, Type
from connector.rules.normal import version_of
from connector.rules.parser import ParsedCondition, ParsedFile, parse_condition, parse_file
from connector.rules.problems import Problem
from connector.rules.size import measure

D = TypeVar("D", tree.Segment, tree.Price, tree.Test)

MOST_PRICES = 2_000
"""So many prices one price may be computed from, each counted as often as it is named, on all levels together."""


class Checked:
    """What checking gives: the rule set when there is no error, and every problem in the order of the text."""

    __slots__ = ("files", "problems", "rules")

    def __init__(
        self, rules: tree.RuleSet | None, problems: Sequence[Problem], files: Sequence[ParsedFile] = ()
    ) -> None:
        self.rules = rules
        self.problems = tuple(problems)
        self.files = tuple(files)


def check(texts: Mapping[str, str], catalogue: Catalogue, functions: Library = library) -> Checked:
    """Parse and check the files of one set: file name → text. Files count in the order of their names."""
    return check_files([parse_file(texts[name], name) for name in sorted(texts)], catalogue, functions)


def check_files(parsed: Sequence[ParsedFile], catalogue: Catalogue, functions: Library = library) -> Checked:
    """Check parsed files as one set."""
    checker = _SetChecker(parsed, functions.extend(catalogue), functions)
    rules = checker.run()
    problems = [problem for each in parsed for problem in each.problems] + checker.scope.problems
    order = {each.source.file: index for index, each in enumerate(parsed)}
    problems.sort(key=lambda each: (order[each.file], each.line, each.column))
    return Checked(None if problems else rules, problems, parsed)


def check_condition(
    text: str,
    catalogue: Catalogue,
    segments: Mapping[str, tree.Segment] | None = None,
    functions: Library = library,
    name: str = "query",
) -> ParsedCondition:
    """Parse and check a condition alone, as in a template's query box. `segments` are checked ones it may call."""
    parsed = parse_condition(text, name)
    if parsed.condition is None:
        return parsed
    scope = Scope(functions.extend(catalogue), functions, {name: parsed.source})
    scope.conditions.update({each: segment.condition for each, segment in (segments or {}).items()})
    resolved = ConditionChecker(scope).top(parsed.condition)
    problems = tuple(sorted(scope.problems, key=lambda each: (each.line, each.column)))
    return replace(parsed, condition=None if problems else resolved, problems=problems)


class _SetChecker:
    """Checks all definitions of a set; problems collect in `scope`."""

    def __init__(self, parsed: Sequence[ParsedFile], catalogue: Catalogue, functions: Library) -> None:
        self.catalogue = catalogue
        self.files = tuple(each.tree for each in parsed)
        self.parts = [part for each in parsed for part in each.parts]
        self.scope = Scope(catalogue, functions, {each.source.file: each.source for each in parsed})
        definitions = [each for file in self.files for each in file.definitions]
        self.segments = self._unique("segment", (d for d in definitions if isinstance(d, tree.Segment)))
        self.prices = self._unique("price", (d for d in definitions if isinstance(d, tree.Price)))
        self.tests = self._unique("test", (d for d in definitions if isinstance(d, tree.Test)))
        self.assigns = [d for d in definitions if isinstance(d, tree.Assign)]
        self.unread = frozenset(each for file in parsed for each in file.unread)
        self.scope.prices = frozenset(self.prices) | self._unread("price")
        self.scope.conditions.update(dict.fromkeys(self._unread("segment") - self.segments.keys()))

    def _unread(self, kind: str) -> frozenset[str]:
        """The names of definitions that could not be read; calling them is no further problem."""
        return frozenset(name for each, name in self.unread if each == kind)

    def _unique(self, kind: str, definitions: Iterable[D]) -> dict[str, D]:
        found: dict[str, D] = {}
        for each in definitions:
            first = found.setdefault(each.name.value, each)
            if first is not each:
                place = f"{first.name.span.file}, line {first.name.span.line}"
                self.scope.problem(
                    each.name.span,
                    f"there are two {kind}s called “{each.name.value}”",
                    f"the first is in {place}",
                    "twice",
                )
        return found

    def run(self) -> tree.RuleSet:
        segments = self._segments()
        assigns = tuple(self._assign(each) for each in self.assigns)
        prices = {name: self._price(each) for name, each in self.prices.items()}
        self._price_cycles()
        tests = tuple(self._test(each) for each in self.tests.values())
        self._unknown_in_parts()
        return tree.RuleSet(self.files, segments, assigns, prices, tests, version_of(self.files))

    # Segments

    def _segments(self) -> dict[str, tree.Segment]:
        """Every segment with its condition resolved, those called before those that call."""
        for name, segment in self.segments.items():
            if name in self.catalogue.fields:
                self.scope.problem(
                    segment.name.span, f"a segment may not be called `{name}`, which is a field", "choose another name"
                )
        calls = {name: list(segments_in(each.condition)) for name, each in self.segments.items()}
        for group in components({name: [call.name for call in found] for name, found in calls.items()}):
            cycle = [call for name in group for call in calls.get(name, ()) if call.name in group]
            for call in cycle:
                message = f"the segment `{call.name}` leads back to itself"
                self.scope.problem(
                    call.span, message, "a segment may not call itself, also not through others", "cycle"
                )
            for name in group:
                if name in self.segments:
                    self.scope.conditions[name] = None if cycle else self._segment(self.segments[name])
        conditions = self.scope.conditions
        return {
            name: replace(each, condition=conditions[name] or each.condition) for name, each in self.segments.items()
        }

    def _segment(self, segment: tree.Segment) -> tree.Condition | None:
        """The resolved condition; None when it is too large, so that what calls it is not blamed too."""
        resolved = ConditionChecker(self.scope).top(segment.condition)
        size = measure(resolved, self.scope.sizes)
        return resolved if size.levels <= DEEPEST and size.leaves <= MOST_LEAVES else None

    # Assignments and prices

    def _assign(self, each: tree.Assign) -> tree.Assign:
        self._known_name("template", each.template, self.catalogue.templates)
        if each.account is not None:
            self._known_name("account", each.account, self.catalogue.accounts)
        rank = each.priority
        if rank is not None and (rank.value != rank.value.to_integral_value() or rank.value > 10**9):
            self.scope.problem(rank.span, "a priority is a whole number up to 1,000,000,000")
        return replace(each, condition=ConditionChecker(self.scope).top(each.condition))

    def _known_name(self, kind: str, name: tree.Name, known: frozenset[str] | None) -> None:
        if not name.value.strip():
            self.scope.problem(name.span, f"the name of the {kind} is empty")
        elif known is not None and name.value not in known:
            self.scope.unknown(name.span, f"unknown {kind} “{name.value}”", name.value, known, quote='"')

    def _price(self, each: tree.Price) -> tree.Price:
        checker = ConditionChecker(self.scope)
        cases = tuple(
            replace(case, condition=checker.top(case.condition), amount=checker.amount(case.amount))
            for case in each.cases
        )
        otherwise = each.otherwise
        if otherwise is None:
            self.scope.problem(
                each.name.span,
                f"the price “{each.name.value}” has no `otherwise`",
                "add `otherwise AMOUNT` behind its cases",
                "no-otherwise",
            )
        else:
            otherwise = checker.amount(otherwise)
        limits = tuple(self._limit(limit, checker) for limit in each.limits)
        return replace(each, cases=cases, otherwise=otherwise, limits=limits)

    def _limit(self, limit: tree.Limit, checker: ConditionChecker) -> tree.Limit:
        match limit:
            case tree.RoundTo(step=step):
                if step <= 0:
                    self.scope.problem(limit.span, "the step of a rounding is above zero")
                return limit
            case tree.RoundEnding(ending=ending):
                if ending >= 1:
                    self.scope.problem(limit.span, "an ending is a fraction: at least 0 and below 1, like 0.99")
                return limit
            case tree.AtLeast() | tree.AtMost():
                return replace(limit, amount=checker.amount(limit.amount))

    def _price_cycles(self) -> None:
        """A problem at every `price of` that leads back to its own price, at a chain of more than 64, and at a price that
        takes too much work: two mentions on each of twenty levels are a million prices.
        """
        calls = {name: [c for c in _prices_of(each) if c.name in self.prices] for name, each in self.prices.items()}
        depths: dict[str, int] = {}
        computed: dict[str, int] = {}
        for group in components({name: [call.name for call in found] for name, found in calls.items()}):
            for name in group:
                depths[name] = 1 + max((depths.get(call.name, 0) for call in calls[name]), default=0)
                computed[name] = sum(1 + computed.get(call.name, 0) for call in calls[name])
                if computed[name] > MOST_PRICES:
                    message = f"the price “{name}” is computed from more than {MOST_PRICES:,} others, the same ones counted again"
                    self.scope.problem(self.prices[name].name.span, message, "name fewer prices in it", "too-large")
                    computed[name] = 0
                for call in calls[name]:
                    if call.name in group:
                        message = f"the price “{name}” is computed from itself"
                        self.scope.problem(call.span, message, "a price may not lead back to itself", "cycle")
                    elif depths[name] > DEEPEST:
                        self.scope.problem(call.span, "this chain of prices is longer than 64", code="too-deep")
                        depths[name] = 0

    def _unknown_in_parts(self) -> None:
        """Of what can be read of an unreadable definition only unknown names are told: its types may be cut in two."""
        before = len(self.scope.problems)
        for part in self.parts:
            ConditionChecker(self.scope).top(part)
        self.scope.problems[before:] = [each for each in self.scope.problems[before:] if each.code == "unknown-name"]

    # Tests

    def _test(self, test: tree.Test) -> tree.Test:
        given = tuple(self._given(each) for each in test.given)
        variants = tuple(tuple(self._given_value(each) for each in variant) for variant in test.variants)
        for names in (test.given, *test.variants):
            self._given_once(names)
        assigned = frozenset(each.template.value for each in self.assigns) | self._unread("assign")
        for outcome in test.outcomes:
            match outcome:
                case tree.ExpectAssign(template=name) if name.value not in assigned:
                    self.scope.unknown(name.span, f"no rule assigns “{name.value}”", name.value, assigned, quote='"')
                case tree.ExpectPrice(price=name) if name.value not in self.scope.prices:
                    known = self.scope.prices
                    self.scope.unknown(name.span, f"unknown price “{name.value}”", name.value, known, quote='"')
                case _:
                    pass
        return replace(test, given=given, variants=variants)

    def _given_once(self, given: Iterable[tree.Given]) -> None:
        seen: set[str] = set()
        for each in given:
            name = each.field.name if isinstance(each, tree.GivenValue) else "today"
            if name in seen:
                self.scope.problem(each.span, f"`{name}` is given twice")
            seen.add(name)

    def _given(self, each: tree.Given) -> tree.Given:
        return each if isinstance(each, tree.GivenToday) else self._given_value(each)

    def _given_value(self, each: tree.GivenValue) -> tree.GivenValue:
        if each.field.name == "final_price":
            self.scope.problem(
                each.span, "`final_price` is computed, it cannot be given", "give `price`, or `special_price`"
            )
            return each
        checker = ConditionChecker(self.scope)
        field = checker.field(each.field)
        if field.type is None or each.values is None:
            return replace(each, field=field)
        several = field.type in (Type.CHOICES, Type.CATEGORIES)
        if each.listed and not several:
            self.scope.problem(each.span, f"`{field.name}` holds one {field.type.value}, not a list")
        for value in each.values:
            checker.literal(field, value)
            if isinstance(value, tree.Number) and not _fits(value.value):
                self.scope.problem(value.span, "a product's numbers have at most six decimals and a size up to 10^9")
        return replace(each, field=field)


def _fits(value: Decimal) -> bool:
    return abs(value) <= 10**9 and value == round(value, 6)


def _prices_of(price: tree.Price) -> Iterable[tree.PriceOf]:
    amounts = [case.amount for case in price.cases]
    amounts += [price.otherwise] if price.otherwise is not None else []
    amounts += [limit.amount for limit in price.limits if isinstance(limit, tree.AtLeast | tree.AtMost)]
    for amount in amounts:
        yield from prices_in(amount)


def prices_in(expression: tree.Expression) -> Iterable[tree.PriceOf]:
    """Every `price of` in an expression."""
    match expression:
        case tree.PriceOf():
            yield expression
        case tree.Binary():
            yield from prices_in(expression.left)
            yield from prices_in(expression.right)
        case tree.Negative():
            yield from prices_in(expression.operand)
        case tree.Call():
            for argument in expression.arguments:
                yield from prices_in(argument)
        case _:
            return
