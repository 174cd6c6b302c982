"""The one normal form of rule files: how `format` writes them, and what the version of a set is computed from."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from itertools import zip_longest
from typing import assert_never

from connector.rules import tree
from connector.rules.lexing import keywords

_WIDTH = 100
_NAME = re.compile("[A-Za-z_][A-Za-z0-9_]*")


def format_file(file: tree.RuleFile) -> str:
    """The normal form of a file, with its comments. Formatting it again changes nothing."""
    lines = [line for each in file.definitions for line in (*_definition(each), _BLANK)]
    return _text(_with_comments(lines[:-1], file.comments))


def format_condition(condition: tree.Condition) -> str:
    """The normal form of a condition alone."""
    return "\n".join(" " * line.indent + line.text for line in _laid(condition, 0, ""))


def version_of(files: Sequence[tree.RuleFile]) -> str:
    """SHA-256, in hexadecimal, of the normal form of files without their comments, in the order given."""
    normal = "\n".join(format_file(replace(file, comments=())) for file in files)
    return hashlib.sha256(normal.encode()).hexdigest()


@dataclass(frozen=True, slots=True)
class _Line:
    """`start` is where in the source it comes from, so that comments find their line again; blank lines have none."""

    indent: int
    text: str
    start: tuple[int, int] | None
    above: tuple[str, ...] = ()
    behind: str = ""


_BLANK = _Line(0, "", None)


def _line(indent: int, text: str, span: tree.Span) -> _Line:
    return _Line(indent, text, (span.line, span.column))


# Comments -----------------------------------------------------------------------------------------


def _with_comments(lines: Sequence[_Line], comments: Sequence[tree.Comment]) -> list[_Line]:
    """Every comment on or above the line whose words it stood at; those behind everything at the end.

    A blank line below a comment at the margin stays, so that the head of a file stays apart from its first definition.
    """
    result = list(lines)
    places = [index for index, line in enumerate(result) if line.start is not None]
    cursor = 0
    tail: list[str] = []
    following = [comment.span.line for comment in comments[1:]]
    for comment, next_line in zip_longest(comments, following):
        at = (comment.span.line, comment.span.column)
        while cursor < len(places) and (result[places[cursor]].start or at) <= at:
            cursor += 1
        if not comment.own_line and cursor and not result[places[cursor - 1]].behind:
            index = places[cursor - 1]
            result[index] = replace(result[index], behind=comment.text)
        elif cursor < len(places):
            index = places[cursor]
            below = min(next_line or at[0] + 10**6, (result[index].start or at)[0])
            gap = ("",) if below > at[0] + 1 and result[index].indent == 0 else ()
            result[index] = replace(result[index], above=(*result[index].above, comment.text, *gap))
        else:
            tail.append(comment.text)
    if tail and result:
        result.append(_BLANK)
    return result + [_Line(0, text, None) for text in tail]


def _text(lines: Iterable[_Line]) -> str:
    written: list[str] = []
    for line in lines:
        margin = " " * line.indent
        written += [(margin + comment).rstrip() for comment in line.above]
        written.append((margin + line.text + (f"  {line.behind}" if line.behind else "")).rstrip())
    return "\n".join(written) + "\n" if written else ""


# Definitions --------------------------------------------------------------------------------------


def definition_text(each: tree.Definition) -> str:
    """The normal form of one definition, without comments."""
    return _text(_definition(each))


def _definition(each: tree.Definition) -> list[_Line]:
    match each:
        case tree.Segment():
            return _opened(_laid(each.condition, 0, f"segment {each.name.value} = "), each.span)
        case tree.Assign():
            head = f"assign {quoted(each.template.value)}"
            head += f" on account {quoted(each.account.value)}" if each.account else ""
            head += f" priority {_number(each.priority.value)}" if each.priority else ""
            return [_line(0, head, each.span), *_laid(each.condition, 0, "where ", split=True)]
        case tree.Price():
            return _price(each)
        case tree.Test():
            return _test(each)
        case _:
            assert_never(each)


def _opened(lines: list[_Line], span: tree.Span) -> list[_Line]:
    """The first line starts where the definition does."""
    return [replace(lines[0], start=(span.line, span.column)), *lines[1:]]


def _price(each: tree.Price) -> list[_Line]:
    lines = [_line(0, f"price {quoted(each.name.value)}", each.span)]
    heads = [f"when {condition_text(case.condition)}" for case in each.cases]
    width = max(map(len, heads), default=0)
    amounts = [f"then {format_expression(case.amount)}" for case in each.cases]
    aligned = all(2 + width + 3 + len(amount) <= _WIDTH for amount in amounts)
    for case, head, amount in zip(each.cases, heads, amounts, strict=True):
        if aligned:
            lines.append(_line(2, f"{head.ljust(width)}   {amount}", case.span))
            continue
        lines += _opened(_laid(case.condition, 2, "when "), case.span)
        lines.append(_line(4, amount, case.amount.span))
    if each.otherwise is not None:
        pad = "otherwise".ljust(width) + "   " if aligned and each.cases else "otherwise "
        lines.append(_line(2, pad + format_expression(each.otherwise), each.otherwise.span))
    return lines + [_line(2, format_limit(limit), limit.span) for limit in each.limits]


def format_limit(limit: tree.Limit) -> str:
    """The normal form of a rounding or bound."""
    match limit:
        case tree.RoundTo(direction=direction, step=step):
            return f"round{_way(direction)} to {_number(step)}"
        case tree.RoundEnding(direction=direction, ending=ending):
            return f"round{_way(direction)} to ending {_number(ending)}"
        case tree.AtLeast(amount=amount):
            return f"at least {format_expression(amount)}"
        case tree.AtMost(amount=amount):
            return f"at most {format_expression(amount)}"
        case _:
            assert_never(limit)


def _way(direction: tree.Direction) -> str:
    return "" if direction is tree.Direction.NEAREST else f" {direction.value}"


def _test(each: tree.Test) -> list[_Line]:
    lines = [_line(0, f"test {quoted(each.name.value)}", each.span)]
    lines += _filled("given ", "", [(_given(item), item.span) for item in each.given], 2)
    for variant in each.variants:
        lines += _filled("variant (", ")", [(_given(item), item.span) for item in variant], 2)
    return lines + _filled("expect ", "", [(_outcome(item), item.span) for item in each.outcomes], 2)


def _filled(opening: str, closing: str, items: Sequence[tuple[str, tree.Span]], indent: int) -> list[_Line]:
    """Items between commas, as many on a line as fit; the next lines are two deeper."""
    lines = [_line(indent, opening + items[0][0], items[0][1])]
    for text, span in items[1:]:
        last = lines[-1]
        joined = f"{last.text}, {text}"
        if last.indent + len(joined) + len(closing) + 1 <= _WIDTH:
            lines[-1] = replace(last, text=joined)
        else:
            lines[-1] = replace(last, text=last.text + ",")
            lines.append(_line(indent + 2, text, span))
    lines[-1] = replace(lines[-1], text=lines[-1].text + closing)
    return lines


def _given(each: tree.Given) -> str:
    match each:
        case tree.GivenToday(day=day):
            return f"today = {day.value.isoformat()}"
        case tree.GivenValue(field=field, values=None):
            return f"{_field(field)} is empty"
        case tree.GivenValue(field=field, values=values, listed=listed) if values is not None:
            texts = ", ".join(map(format_expression, values))
            return f"{_field(field)} = " + (f"({texts})" if listed else texts)
    raise TypeError(each)


def _outcome(each: tree.Outcome) -> str:
    match each:
        case tree.ExpectAssign(template=template, negated=negated):
            return f"{'not ' if negated else ''}assign {quoted(template.value)}"
        case tree.ExpectPrice(price=price, amount=None):
            return f"price {quoted(price.value)} fails"
        case tree.ExpectPrice(price=price, amount=amount) if amount is not None:
            return f"price {quoted(price.value)} = {_number(amount)}"
    raise TypeError(each)


# Conditions ---------------------------------------------------------------------------------------


def _laid(node: tree.Condition, indent: int, opening: str, closing: str = "", *, split: bool = False) -> list[_Line]:
    """A condition on one line where it fits, else a part a line. `split` gives every part of an `and` its own line."""
    whole = opening + condition_text(node) + closing
    fits = indent + len(whole) <= _WIDTH
    if isinstance(node, tree.And | tree.Or) and (not fits or split):
        word = "and" if isinstance(node, tree.And) else "or"
        if fits and word == "or":
            return [_line(indent, whole, node.span)]
        lines: list[_Line] = []
        for index, part in enumerate(node.parts):
            lead = opening if index == 0 else f"{word} "
            end = closing if index == len(node.parts) - 1 else ""
            lines += _laid_part(part, indent if index == 0 else indent + 2, lead, end)
        return lines
    if fits:
        return [_line(indent, whole, node.span)]
    return _laid_part(node, indent, opening, closing)


def _laid_part(node: tree.Condition, indent: int, opening: str, closing: str) -> list[_Line]:
    match node:
        case _ if indent + len(opening + _part(node) + closing) <= _WIDTH:
            return [_line(indent, opening + _part(node) + closing, node.span)]
        case tree.And() | tree.Or():
            return _laid(node, indent, f"{opening}(", f"){closing}")
        case tree.Not(operand=inner) if not _stands_alone(inner):
            return _laid(inner, indent, f"{opening}not (", f"){closing}")
        case tree.OfVariants(how=how, condition=inner):
            return _laid(inner, indent, f"{opening}{how} variant (", f"){closing}")
        case tree.In(field=field, items=items, negated=negated):
            lead = f"{opening}{_field(field)} {'not ' if negated else ''}in ("
            return _filled(lead, f"){closing}", [(format_expression(item), item.span) for item in items], indent)
        case tree.Has(field=field, how=how, items=items) if how != "one":
            lead = f"{opening}{_field(field)} has {how} of ("
            return _filled(lead, f"){closing}", [(quoted(item.value), item.span) for item in items], indent)
        case _:
            return [_line(indent, opening + _part(node) + closing, node.span)]


def _part(node: tree.Condition) -> str:
    """A part of an `and` or `or`, in brackets when it is one itself."""
    text = condition_text(node)
    return f"({text})" if isinstance(node, tree.And | tree.Or) else text


def _stands_alone(node: tree.Condition) -> bool:
    """Whether `not` may stand before it without brackets."""
    return isinstance(node, tree.Holds | tree.SegmentCall | tree.OfVariants)


def condition_text(node: tree.Condition) -> str:  # noqa: PLR0912  # one branch a form of the language
    """The normal form of a condition, on one line."""
    match node:
        case tree.And(parts=parts):
            return " and ".join(map(_part, parts))
        case tree.Or(parts=parts):
            return " or ".join(map(_part, parts))
        case tree.Not(operand=inner):
            text = condition_text(inner)
            return f"not {text}" if _stands_alone(inner) else f"not ({text})"
        case tree.OfVariants(how=how, condition=inner):
            return f"{how} variant ({condition_text(inner)})"
        case tree.SegmentCall(name=name):
            return f"@{name}"
        case tree.Compare(operator=operator, left=left, right=right):
            return f"{format_expression(left)} {operator} {format_expression(right)}"
        case tree.Between(operand=operand, low=low, high=high):
            return f"{format_expression(operand)} between {format_expression(low)} and {format_expression(high)}"
        case tree.In(field=field, items=items, negated=negated):
            return f"{_field(field)} {'not ' if negated else ''}in ({', '.join(map(format_expression, items))})"
        case tree.Match(how=test, field=field, argument=argument):
            return f"{_field(field)} {test} {format_expression(argument)}"
        case tree.Like(field=field, pattern=pattern):
            return f"{_field(field)} like {quoted(pattern.value)}"
        case tree.Has(field=field, how=how, items=items):
            listed = ", ".join(quoted(item.value) for item in items)
            return f"{_field(field)} has {listed}" if how == "one" else f"{_field(field)} has {how} of ({listed})"
        case tree.InCategory(field=field, how=form, path=path, negated=negated):
            word = {"is": "is not", "under": "not under"}[form] if negated else form
            return f"{_field(field)} {word} {quoted(path.value)}"
        case tree.IsEmpty(field=field, negated=negated):
            return f"{_field(field)} is {'not ' if negated else ''}empty"
        case tree.Holds(operand=operand):
            return format_expression(operand)
        case _:
            assert_never(node)


# Values -------------------------------------------------------------------------------------------

_BINDS = {"+": 1, "-": 1, "*": 2, "/": 2}


def format_expression(node: tree.Expression) -> str:  # noqa: PLR0912  # one branch a form of the language
    """The normal form of a value."""
    match node:
        case tree.Number(value=value):
            return _number(value)
        case tree.Text(value=text):
            return quoted(text)
        case tree.Day(value=day):
            return day.isoformat()
        case tree.YesNo(value=yes):
            return "yes" if yes else "no"
        case tree.Percent(value=value):
            return f"{_number(value)}%"
        case tree.Duration(days=days):
            return f"{_number(days)} {'day' if days == 1 else 'days'}"
        case tree.Today():
            return "today"
        case tree.Field():
            return _field(node)
        case tree.Negative(operand=operand):
            text = format_expression(operand)
            return f"-({text})" if isinstance(operand, tree.Binary) else f"-{text}"
        case tree.Binary():
            return _binary(node)
        case tree.Call(name=name, arguments=arguments):
            return f"{name}({', '.join(map(format_expression, arguments))})"
        case tree.PriceOf(name=name):
            return f"price of {quoted(name)}"
        case tree.Grouped(condition=inner):
            return f"({condition_text(inner)})"
        case _:
            assert_never(node)


def _binary(node: tree.Binary) -> str:
    """What stands left of `± 12%` gets brackets: the percentage is of all of it, which is easily misread."""
    left, right, binds = format_expression(node.left), format_expression(node.right), _BINDS[node.operator]
    percent = isinstance(node.right, tree.Percent) and binds == 1
    if isinstance(node.left, tree.Binary) and (percent or _BINDS[node.left.operator] < binds):
        left = f"({left})"
    if isinstance(node.right, tree.Binary) and _BINDS[node.right.operator] <= binds:
        right = f"({right})"
    return f"{left} {node.operator} {right}"


def _number(value: Decimal) -> str:
    return format(value, "f")


def _field(field: tree.Field) -> str:
    plain = _NAME.fullmatch(field.name) and (field.name not in keywords() or field.name == "price")
    return field.name if plain else f"`{field.name}`"


def quoted(text: str) -> str:
    r"""A text literal. A backslash before a slash is written as it is, as category paths have it."""
    escaped = re.sub(r"\\(?!/)", r"\\\\", text).replace('"', '\\"').replace("\n", "\\n")
    return f'"{escaped}"'
