"""The syntax tree: what a rule file says, with the place of every part.

The parser makes it, the checker resolves it (every `Field` gets its `type`, every `SegmentCall` its `condition`), the
back ends read it.

What a checked tree promises to a back end:

- `Compare` and `Between` join operands of one type (text and choice count as one); `Binary` joins numbers, or a date
  and a duration (`+`, `-`); a `Percent` stands only right of `+`, `-` or `*`.
- The `field` of a condition has the type its form asks for; items and literals fit that type.
- No `Grouped` is left; `Today` stands only where a date may; `PriceOf` only in the amounts of a price.
- Variant conditions are not nested, also not through segments.
"""

from __future__ import annotations

import enum
from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Literal, TypeAlias

from connector.rules.metadata import Type
from connector.rules.places import Day, Literal_, Number, Span, Text, YesNo

__all__ = ["Day", "Literal_", "Number", "Span", "Text", "YesNo"]  # so that `tree` names every node


# Expressions --------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Percent:
    """`12%`, with value 12."""

    span: Span
    value: Decimal


@dataclass(frozen=True, slots=True)
class Duration:
    """`days` is whole in a checked tree."""

    span: Span
    days: Decimal


@dataclass(frozen=True, slots=True)
class Today:
    span: Span


@dataclass(frozen=True, slots=True)
class Field:
    """`type` is None until the tree is checked."""

    span: Span
    name: str
    type: Type | None = field(default=None, compare=False)


@dataclass(frozen=True, slots=True)
class Negative:
    span: Span
    operand: Expression


@dataclass(frozen=True, slots=True)
class Binary:
    span: Span
    operator: Literal["+", "-", "*", "/"]
    left: Expression
    right: Expression


@dataclass(frozen=True, slots=True)
class Call:
    """A function of the registry. `days since(…)` has the name "days since"."""

    span: Span
    name: str
    arguments: tuple[Expression, ...]


@dataclass(frozen=True, slots=True)
class PriceOf:
    span: Span
    name: str


@dataclass(frozen=True, slots=True)
class Grouped:
    """A condition in brackets where a value belongs, `(a and b) + 1`. The checker refuses it."""

    span: Span
    condition: Condition


Expression: TypeAlias = (
    Number | Text | Day | YesNo | Percent | Duration | Today | Field | Negative | Binary | Call | PriceOf | Grouped
)


# Conditions ---------------------------------------------------------------------------------------

Comparison: TypeAlias = Literal["=", "!=", "<", "<=", ">", ">="]


@dataclass(frozen=True, slots=True)
class Compare:
    span: Span
    operator: Comparison
    left: Expression
    right: Expression


@dataclass(frozen=True, slots=True)
class Between:
    span: Span
    operand: Expression
    low: Expression
    high: Expression


@dataclass(frozen=True, slots=True)
class In:
    span: Span
    field: Field
    items: tuple[Literal_, ...]
    negated: bool = False


@dataclass(frozen=True, slots=True)
class Match:
    """A test of text. `argument` is a text or a text field."""

    span: Span
    how: Literal["contains", "starts with", "ends with"]
    field: Field
    argument: Text | Field


@dataclass(frozen=True, slots=True)
class Like:
    span: Span
    field: Field
    pattern: Text


@dataclass(frozen=True, slots=True)
class Has:
    """`has x` is `any` with one item."""

    span: Span
    field: Field
    how: Literal["one", "any", "all"]
    items: tuple[Text, ...]


@dataclass(frozen=True, slots=True)
class InCategory:
    span: Span
    field: Field
    how: Literal["is", "under"]
    path: Text
    negated: bool = False


@dataclass(frozen=True, slots=True)
class IsEmpty:
    span: Span
    field: Field
    negated: bool = False


@dataclass(frozen=True, slots=True)
class Holds:
    """A value that stands alone. In a checked tree it is a yes/no field."""

    span: Span
    operand: Expression


@dataclass(frozen=True, slots=True)
class OfVariants:
    span: Span
    how: Literal["any", "every"]
    condition: Condition


@dataclass(frozen=True, slots=True)
class SegmentCall:
    """`@name`. `condition` is None until the tree is checked; then it is the segment's own, checked too."""

    span: Span
    name: str
    condition: Condition | None = field(default=None, compare=False, repr=False)


@dataclass(frozen=True, slots=True)
class Not:
    span: Span
    operand: Condition


@dataclass(frozen=True, slots=True)
class And:
    """At least two parts, in the order written; no part is itself an `And`."""

    span: Span
    parts: tuple[Condition, ...]


@dataclass(frozen=True, slots=True)
class Or:
    """At least two parts, in the order written; no part is itself an `Or`."""

    span: Span
    parts: tuple[Condition, ...]


Condition: TypeAlias = (
    Compare
    | Between
    | In
    | Match
    | Like
    | Has
    | InCategory
    | IsEmpty
    | Holds
    | OfVariants
    | SegmentCall
    | Not
    | And
    | Or
)


# Definitions --------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Name:
    """The quoted or bare name that a definition bears or refers to."""

    span: Span
    value: str


@dataclass(frozen=True, slots=True)
class Segment:
    span: Span
    name: Name
    condition: Condition


@dataclass(frozen=True, slots=True)
class Assign:
    """`account` None means every account. The lowest `priority` wins."""

    span: Span
    template: Name
    account: Name | None
    priority: Number | None
    condition: Condition

    @property
    def rank(self) -> int:
        """The priority, 100 when none is written."""
        return 100 if self.priority is None else int(self.priority.value)


class Direction(enum.Enum):
    """Which way a price is rounded."""

    UP = "up"
    DOWN = "down"
    NEAREST = "nearest"


@dataclass(frozen=True, slots=True)
class RoundTo:
    """To a multiple of `step`, which is above zero."""

    span: Span
    direction: Direction
    step: Decimal


@dataclass(frozen=True, slots=True)
class RoundEnding:
    """To an amount whose fraction is `ending`, 0 ≤ ending < 1."""

    span: Span
    direction: Direction
    ending: Decimal


@dataclass(frozen=True, slots=True)
class AtLeast:
    span: Span
    amount: Expression


@dataclass(frozen=True, slots=True)
class AtMost:
    span: Span
    amount: Expression


Limit: TypeAlias = RoundTo | RoundEnding | AtLeast | AtMost


@dataclass(frozen=True, slots=True)
class Case:
    span: Span
    condition: Condition
    amount: Expression


@dataclass(frozen=True, slots=True)
class Price:
    """`otherwise` is None only in an unchecked tree."""

    span: Span
    name: Name
    cases: tuple[Case, ...]
    otherwise: Expression | None
    limits: tuple[Limit, ...]


@dataclass(frozen=True, slots=True)
class GivenValue:
    """`values` has one item unless a set was written; None means `is empty`."""

    span: Span
    field: Field
    values: tuple[Literal_, ...] | None
    listed: bool = False


@dataclass(frozen=True, slots=True)
class GivenToday:
    span: Span
    day: Day


Given: TypeAlias = GivenValue | GivenToday


@dataclass(frozen=True, slots=True)
class ExpectAssign:
    span: Span
    template: Name
    negated: bool


@dataclass(frozen=True, slots=True)
class ExpectPrice:
    """`amount` None means that the price fails."""

    span: Span
    price: Name
    amount: Decimal | None


Outcome: TypeAlias = ExpectAssign | ExpectPrice


@dataclass(frozen=True, slots=True)
class Test:
    span: Span
    name: Name
    given: tuple[Given, ...]
    variants: tuple[tuple[GivenValue, ...], ...]
    outcomes: tuple[Outcome, ...]


Definition: TypeAlias = Segment | Assign | Price | Test


@dataclass(frozen=True, slots=True)
class Comment:
    """`text` starts with `#`. `own_line` is false when something stands before it on its line."""

    span: Span
    text: str
    own_line: bool


@dataclass(frozen=True, slots=True)
class RuleFile:
    """One parsed file. `text` is the source as read, for the lines that problems show."""

    name: str
    text: str = field(repr=False)
    definitions: tuple[Definition, ...]
    comments: tuple[Comment, ...] = ()


@dataclass(frozen=True, slots=True)
class RuleSet:
    """Checked rule files as one whole. `assigns` stand in the order written: file name, then line.

    `version` is the SHA-256 of the normal form, in hexadecimal. `files` are sorted by name.
    """

    files: tuple[RuleFile, ...]
    segments: Mapping[str, Segment]
    assigns: tuple[Assign, ...]
    prices: Mapping[str, Price]
    tests: tuple[Test, ...]
    version: str
