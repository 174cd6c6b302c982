"""Types of conditions and values: resolves every field, refuses what does not fit, says why in plain words."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import replace
from typing import assert_never

from connector.rules import tree
from connector.rules.facts import fold
from connector.rules.functions import Library
from connector.rules.lexing import DEEPEST, LONGEST_LIST, MOST_LEAVES, Source
from connector.rules.metadata import Catalogue, FieldInfo, Type
from connector.rules.problems import Problem, did_you_mean, nearest
from connector.rules.size import Size, measure
from connector.rules.wording import any_of, instead, named

_TEXTS = frozenset({Type.TEXT, Type.CHOICE})
_SUGGESTED = 200
"""So many names of a set are compared with all known ones; each comparison takes long."""

_ONLY_PERCENT = "a percentage has a meaning only in `… + 12%`, `… - 12%` and `… * 12%`"


class Scope:
    """What names mean, and the problems found. One for all definitions of a set.

    `conditions` are the resolved segments, None for one with problems of its own: calling it is no further problem.
    """

    def __init__(self, catalogue: Catalogue, functions: Library, sources: Mapping[str, Source]) -> None:
        self.catalogue, self.functions, self.sources = catalogue, functions, sources
        self.problems: list[Problem] = []
        self.conditions: dict[str, tree.Condition | None] = {}
        self.prices: frozenset[str] = frozenset()
        self.sizes: dict[int, Size] = {}
        self._suggestions: dict[tuple[str, int], str] = {}
        self._folded: dict[str, frozenset[str]] = {}
        self.paths = (
            None
            if catalogue.categories is None
            else {fold(each[: end or None]) for each in catalogue.categories for end in _ends(each)}
        )

    def problem(self, span: tree.Span, message: str, hint: str = "", code: str = "type") -> None:
        self.problems.append(self.sources[span.file].at(span, message, hint=hint, code=code))

    def unknown(
        self, span: tree.Span, message: str, name: str, known: Collection[str], *, quote: str = "`", hint: str = ""
    ) -> None:
        """A problem with a name, and the nearest known one."""
        if not hint:
            key = (name, id(known) if len(known) > 1000 else hash(frozenset(known)))
            if key not in self._suggestions and len(self._suggestions) < _SUGGESTED and len(name) < 200:
                self._suggestions[key] = did_you_mean(name, known, quote)
            hint = self._suggestions.get(key, "")
        self.problem(span, message, hint, "unknown-name")

    def labels(self, info: FieldInfo) -> frozenset[str] | None:
        """The folded labels of a field; None when any is accepted."""
        if info.labels is None:
            return None
        if info.name not in self._folded:
            self._folded[info.name] = frozenset(map(fold, info.labels))
        return self._folded[info.name]


def _ends(path: str) -> Iterator[int]:
    """Where a path may be cut: `Men/Tops/Tees` is also below `Men` and `Men/Tops`. 0 is the whole."""
    yield 0
    yield from (i for i, char in enumerate(path) if char == "/" and path[i - 1] != "\\")


class ConditionChecker:
    """Resolves one condition or amount. A part with a problem stays as it was, and is no further problem."""

    def __init__(self, scope: Scope) -> None:
        self.scope = scope
        self._in_variants = False

    # Conditions

    def top(self, condition: tree.Condition) -> tree.Condition:
        """A whole condition, with its size limited."""
        before = len(self.scope.problems)
        resolved = self._condition(condition)
        size = measure(resolved, self.scope.sizes)
        if size.levels > DEEPEST:
            self.scope.problem(
                condition.span, "this is nested deeper than 64 levels, segments included", "split it", "too-deep"
            )
        if size.leaves > MOST_LEAVES:
            self.scope.problem(
                condition.span, "this has more than 20,000 comparisons, segments included", "split it", "too-large"
            )
        if len(self.scope.problems) > before and size.levels > DEEPEST:
            return condition
        return resolved

    def _condition(self, node: tree.Condition) -> tree.Condition:  # noqa: PLR0912  # one branch a form of the language
        match node:
            case tree.And() | tree.Or():
                return replace(node, parts=tuple(self._condition(part) for part in node.parts))
            case tree.Not():
                return replace(node, operand=self._condition(node.operand))
            case tree.OfVariants():
                return self._of_variants(node)
            case tree.SegmentCall():
                return self._segment(node)
            case tree.Compare():
                return self._compare(node)
            case tree.Between():
                return self._between(node)
            case tree.In():
                return self._in(node)
            case tree.Match():
                return self._match(node)
            case tree.Like():
                return replace(node, field=self._field_of(node.field, {Type.TEXT}, "like"))
            case tree.Has():
                return self._has(node)
            case tree.InCategory():
                return self._in_category(node)
            case tree.IsEmpty():
                return replace(node, field=self.field(node.field))
            case tree.Holds():
                return self._holds(node)
            case _:
                assert_never(node)

    def _of_variants(self, node: tree.OfVariants) -> tree.Condition:
        if self._in_variants:
            self.scope.problem(node.span, f"`{node.how} variant` may not stand inside another one")
        outside, self._in_variants = self._in_variants, True
        inner = self._condition(node.condition)
        self._in_variants = outside
        return replace(node, condition=inner)

    def _segment(self, node: tree.SegmentCall) -> tree.Condition:
        known = self.scope.conditions
        if node.name not in known:
            hint = f"`{node.name}` is a field: write it without `@`" if node.name in self.scope.catalogue.fields else ""
            self.scope.unknown(node.span, f"unknown segment `@{node.name}`", node.name, known, hint=hint)
            return node
        found = known[node.name]
        if found is not None and self._in_variants and measure(found, self.scope.sizes).of_variants:
            self.scope.problem(node.span, f"`@{node.name}` asks about variants itself, and may not stand in here")
        return replace(node, condition=found)

    def _compare(self, node: tree.Compare) -> tree.Condition:
        left, one = self.value(node.left)
        if one in _TEXTS and isinstance(node.right, tree.Field) and self._unquoted(node.right):
            return replace(node, left=left)
        right, two = self.value(node.right)
        if one is not None and two is not None and self._comparable(node, one, two) and node.operator in ("=", "!="):
            self._label(left, right)
            self._label(right, left)
        return replace(node, left=left, right=right)

    def _unquoted(self, word: tree.Field) -> bool:
        """Whether a text is compared with a name of nothing: its quotes are missing."""
        known = self.scope.catalogue.fields.keys() | self.scope.conditions.keys()
        if word.name in known or nearest(word.name, known):
            return False
        hint = f'a text stands in double quotes: "{word.name}"'
        self.scope.unknown(word.span, f"unknown field `{word.name}`", word.name, known, hint=hint)
        return True

    def _comparable(self, node: tree.Compare | tree.Between, one: Type, two: Type) -> bool:
        for kind in (one, two):
            if kind is Type.CHOICES:
                self.scope.problem(
                    node.span, "a set of choices cannot be compared", "ask `has`, `has any of`, `has all of`"
                )
                return False
            if kind is Type.CATEGORIES:
                self.scope.problem(
                    node.span, "categories cannot be compared", 'ask `category is "…"` or `category under "…"`'
                )
                return False
            if kind is Type.DURATION:
                self.scope.problem(node.span, "a duration is no value of its own", "write `today - 30 days`")
                return False
        if one is two or {one, two} <= _TEXTS:
            return True
        hint = (
            "texts stand in double quotes, numbers do not" if {Type.NUMBER} < {one, two} and {one, two} & _TEXTS else ""
        )
        if {one, two} == {Type.NUMBER, Type.DATE}:
            hint = "a date is one word with two digits for month and day: `2026-01-09`"
        if Type.BOOLEAN in (one, two):
            hint = "compare it with `yes` or `no`, or write the field alone"
        self.scope.problem(node.span, f"{named(one)} cannot be compared with {named(two)}", hint)
        return False

    def _label(self, field: tree.Expression, text: tree.Expression) -> None:
        """A choice is compared with one of its labels."""
        if isinstance(field, tree.Field) and isinstance(text, tree.Text):
            info = self.scope.catalogue.fields[field.name]
            self._known_label(info, text)

    def _known_label(self, info: FieldInfo, text: tree.Text) -> None:
        known = self.scope.labels(info) if info.type in (Type.CHOICE, Type.CHOICES) else None
        if known is not None and fold(text.value) not in known:
            message = f"`{info.name}` has no label “{text.value}”"
            hint = "" if text.value else f"an empty value is asked by `{info.name} is empty`"
            self.scope.unknown(text.span, message, text.value, info.labels or (), quote='"', hint=hint)

    def _between(self, node: tree.Between) -> tree.Condition:
        operand, kind = self.value(node.operand)
        low, one = self.value(node.low)
        high, two = self.value(node.high)
        if kind is not None and kind not in (Type.NUMBER, Type.DATE):
            self.scope.problem(node.operand.span, f"`between` asks about numbers and dates, and this is {named(kind)}")
        else:
            for bound in (one, two):
                if kind is not None and bound is not None and not self._comparable(node, kind, bound):
                    break
        return replace(node, operand=operand, low=low, high=high)

    def _in(self, node: tree.In) -> tree.Condition:
        wanted = {Type.NUMBER, Type.TEXT, Type.CHOICE, Type.DATE}
        field = self._field_of(node.field, wanted, "in")
        self._length(node.items)
        if field.type in wanted:
            for item in node.items:
                self.literal(field, item)
        return replace(node, field=field)

    def _length(self, items: tuple[tree.Literal_, ...]) -> None:
        if len(items) > LONGEST_LIST:
            self.scope.problem(items[LONGEST_LIST].span, "a list has at most 10,000 items", "", "too-long")

    def literal(self, field: tree.Field, value: tree.Literal_) -> None:
        """Whether a literal can be a value of a field; one of a set's values for a set."""
        info = self.scope.catalogue.fields[field.name]
        kinds: Mapping[type, tuple[Type, ...]] = {
            tree.Number: (Type.NUMBER,),
            tree.Text: (Type.TEXT, Type.CHOICE, Type.CHOICES, Type.CATEGORIES),
            tree.Day: (Type.DATE,),
            tree.YesNo: (Type.BOOLEAN,),
        }
        if info.type not in kinds[type(value)]:
            self.scope.problem(value.span, f"`{field.name}` is {named(info.type)}, and this is not")
        elif isinstance(value, tree.Text):
            if info.type is Type.CATEGORIES:
                self._known_path(value)
            else:
                self._known_label(info, value)

    def _match(self, node: tree.Match) -> tree.Condition:
        field = self._field_of(node.field, {Type.TEXT}, node.how)
        argument = node.argument
        if isinstance(argument, tree.Field):
            argument = self._field_of(argument, {Type.TEXT}, node.how)
        return replace(node, field=field, argument=argument)

    def _has(self, node: tree.Has) -> tree.Condition:
        field = self._field_of(node.field, {Type.CHOICES}, "has")
        self._length(node.items)
        if field.type is Type.CHOICES:
            for item in node.items:
                self._known_label(self.scope.catalogue.fields[field.name], item)
        return replace(node, field=field)

    def _in_category(self, node: tree.InCategory) -> tree.Condition:
        field = self._field_of(node.field, {Type.CATEGORIES}, node.how)
        if field.type is Type.CATEGORIES:
            self._known_path(node.path)
        return replace(node, field=field)

    def _known_path(self, path: tree.Text) -> None:
        categories, folded = self.scope.catalogue.categories, fold(path.value)
        if not path.value.strip():
            self.scope.problem(path.span, "the category path is empty")
        elif categories is not None and self.scope.paths is not None and folded not in self.scope.paths:
            hint = "paths start below the root category, without a slash" if path.value.startswith("/") else ""
            hint = hint or ("leave the last slash out" if path.value.endswith("/") else "")
            message = f"unknown category “{path.value}”"
            self.scope.unknown(path.span, message, path.value, categories, quote='"', hint=hint)

    def _holds(self, node: tree.Holds) -> tree.Condition:
        operand, kind = self.value(node.operand)
        if kind is not None and not (kind is Type.BOOLEAN and isinstance(operand, tree.Field)):
            shown = f"`{operand.name}`" if isinstance(operand, tree.Field) else "this"
            self.scope.problem(
                node.span, f"{shown} is {named(kind)}, not a condition", "compare it with something, as in `price > 20`"
            )
        return replace(node, operand=operand)

    # Fields

    def field(self, node: tree.Field) -> tree.Field:
        """The field with its type; without one when it is unknown."""
        info = self.scope.catalogue.fields.get(node.name)
        if info is None:
            hint = f"`{node.name}` is a segment: write `@{node.name}`" if node.name in self.scope.conditions else ""
            fields = self.scope.catalogue.fields
            self.scope.unknown(node.span, f"unknown field `{node.name}`", node.name, fields, hint=hint)
            return node
        return replace(node, type=info.type)

    def _field_of(self, node: tree.Field, wanted: Collection[Type], word: str) -> tree.Field:
        field = self.field(node)
        if field.type is not None and field.type not in wanted:
            hint = instead(field, word)
            self.scope.problem(
                node.span, f"`{word}` asks about {any_of(wanted)}, and `{field.name}` is {named(field.type)}", hint
            )
        return field

    # Values

    def amount(self, node: tree.Expression) -> tree.Expression:
        """The amount of a price: a number, which may be taken from another price."""
        resolved, kind = self.value(node, amounts=True)
        if kind not in (Type.NUMBER, None):
            self.scope.problem(node.span, f"an amount is a number, and this is {named(kind)}")
        return resolved

    def value(self, node: tree.Expression, *, amounts: bool = False) -> tuple[tree.Expression, Type | None]:  # noqa: PLR0912  # one branch a form of the language
        """The resolved value and its type, None when there is a problem in it."""
        match node:
            case tree.Number():
                return node, Type.NUMBER
            case tree.Text():
                return node, Type.TEXT
            case tree.Day() | tree.Today():
                return node, Type.DATE
            case tree.YesNo():
                return node, Type.BOOLEAN
            case tree.Percent():
                self.scope.problem(node.span, _ONLY_PERCENT, code="percent")
                return node, None
            case tree.Duration():
                return self._duration(node)
            case tree.Field():
                field = self.field(node)
                return field, field.type
            case tree.Negative():
                operand, kind = self.value(node.operand, amounts=amounts)
                kind = self._number(node.operand, kind)
                return replace(node, operand=operand), kind
            case tree.Binary():
                return self._binary(node, amounts)
            case tree.Call():
                return self._call(node, amounts)
            case tree.PriceOf():
                return self._price_of(node, amounts)
            case tree.Grouped():
                self._condition(node.condition)
                self.scope.problem(node.span, "this is a condition, and a value belongs here")
                return node, None
            case _:
                assert_never(node)

    def _number(self, node: tree.Expression, kind: Type | None) -> Type | None:
        if kind not in (Type.NUMBER, None):
            self.scope.problem(node.span, f"a number belongs here, and this is {named(kind)}")
            return None
        return kind

    def _duration(self, node: tree.Duration) -> tuple[tree.Expression, Type | None]:
        if node.days != node.days.to_integral_value() or node.days > 10**6:
            self.scope.problem(node.span, "a duration is a whole number of days, up to 1,000,000")
            return node, None
        return node, Type.DURATION

    def _binary(self, node: tree.Binary, amounts: bool) -> tuple[tree.Expression, Type | None]:
        left, one = self.value(node.left, amounts=amounts)
        if isinstance(node.right, tree.Percent):
            if node.operator == "/":
                self.scope.problem(node.right.span, _ONLY_PERCENT, code="percent")
                return replace(node, left=left), None
            return replace(node, left=left), self._number(node.left, one)
        right, two = self.value(node.right, amounts=amounts)
        resolved = replace(node, left=left, right=right)
        if one is None or two is None:
            return resolved, None
        if one is Type.DATE and two is Type.DURATION and node.operator in ("+", "-"):
            return resolved, Type.DATE
        if one is Type.DATE and two is Type.DATE and node.operator == "-":
            self.scope.problem(node.span, "two dates cannot be subtracted", "ask `days since(created_at)`")
            return resolved, None
        if Type.DURATION in (one, two):
            self.scope.problem(node.span, "days are added to or taken from a date", "write `today - 30 days`")
            return resolved, None
        fits = self._number(node.left, one) and self._number(node.right, two)
        return resolved, fits or None

    def _call(self, node: tree.Call, amounts: bool) -> tuple[tree.Expression, Type | None]:
        function = self.scope.functions.functions.get(node.name)
        found = [self.value(argument, amounts=amounts) for argument in node.arguments]
        resolved = replace(node, arguments=tuple(each for each, _ in found))
        if function is None:
            self.scope.unknown(node.span, f"unknown function `{node.name}`", node.name, self.scope.functions.functions)
            return resolved, None
        wanted = list(function.parameters)
        if function.variadic:
            wanted += [wanted[-1]] * (len(found) - len(wanted))
        if len(wanted) != len(found):
            self.scope.problem(node.span, f"`{function.signature}` does not take {len(found)} values")
            return resolved, None
        good = True
        for (argument, kind), type_ in zip(found, wanted, strict=True):
            if kind is not None and kind is not type_ and not {kind, type_} <= _TEXTS:
                self.scope.problem(
                    argument.span, f"`{node.name}` asks for a {type_.value} here, and this is {named(kind)}"
                )
                good = False
            good = good and kind is not None
        return resolved, function.result if good else None

    def _price_of(self, node: tree.PriceOf, amounts: bool) -> tuple[tree.Expression, Type | None]:
        if not amounts:
            self.scope.problem(node.span, "`price of` stands in the amounts of a price only, not in conditions")
            return node, None
        if node.name not in self.scope.prices:
            self.scope.unknown(node.span, f"unknown price “{node.name}”", node.name, self.scope.prices, quote='"')
            return node, None
        return node, Type.NUMBER


def segments_in(condition: tree.Condition) -> Iterable[tree.SegmentCall]:
    """Every `@name` of a condition."""
    match condition:
        case tree.SegmentCall():
            yield condition
        case tree.And() | tree.Or():
            for part in condition.parts:
                yield from segments_in(part)
        case tree.Not(operand=inner) | tree.OfVariants(condition=inner):
            yield from segments_in(inner)
        case _:
            return
