"""The back end for one product: a checked condition as a compiled Python function.

The function is built as a Python syntax tree from checked nodes and compiled; no text of a rule becomes code. Names are
looked up in the facts by constant keys, values are constants. What has no exact integer form (a division by a field,
`first`, a plugin's function) is left to `Evaluator`.

The parts of an `and` and of an `or` are tried in the order of their cost: conditions have no effects, so order changes
nothing but speed.
"""

from __future__ import annotations

import ast
from collections.abc import Callable
from fractions import Fraction
from math import ceil, floor
from types import CodeType, FunctionType
from typing import Any, TypeAlias, assert_never

from connector.rules import tree
from connector.rules.evaluate import Evaluator, glob
from connector.rules.facts import SEPARATOR, fold, path_fact
from connector.rules.functions import Library, library
from connector.rules.metadata import Type
from connector.rules.numbers import InexactError, Num, Numbers, constant, field_node
from connector.rules.products import Facts
from connector.rules.size import Size, measure

Holds: TypeAlias = Callable[[Facts, int], bool]
"""Whether a condition holds for a product's facts on a day (its number)."""

_TEXTS = (Type.TEXT, Type.CHOICE)
_INLINED = 40
"""A segment of at most so many leaves is written out where it is called; a larger one is a function of its own."""

_MANY = 8
"""From so many labels on, a set is faster than one search a label."""

_SIGNS: dict[str, type[ast.cmpop]] = {
    "=": ast.Eq,
    "<": ast.Lt,
    "<=": ast.LtE,
    ">": ast.Gt,
    ">=": ast.GtE,
}
_CAUGHT: dict[str, Any] = {"TypeError": TypeError, "ArithmeticError": ArithmeticError}
_FLIPPED = {"=": "=", "!=": "!=", "<": ">", "<=": ">=", ">": "<", ">=": "<="}


def compile_condition(condition: tree.Condition, functions: Library = library) -> Holds:
    """A function of facts and day for a checked condition."""
    return Compiler(functions).condition(condition)


def build(name: str, body: list[ast.stmt], names: dict[str, Any]) -> Callable[..., Any]:
    """A function of `p` (facts) and `t` (day) with this body; `names` are the objects that it may use."""
    arguments = ast.arguments([], [ast.arg("p"), ast.arg("t")], None, [], [], None, [])
    definition = ast.FunctionDef(name, arguments, body, [], None, lineno=1, col_offset=0)
    module = ast.fix_missing_locations(ast.Module([definition], []))
    code = compile(module, "<rule>", "exec")
    inner = next(each for each in code.co_consts if isinstance(each, CodeType))
    return FunctionType(inner, {"__builtins__": {"min": min, "max": max, "abs": abs, **_CAUGHT}, **names}, name)


class Compiler:
    """Compiles conditions that share segments, each of which is compiled once."""

    def __init__(self, functions: Library = library) -> None:
        self.functions = functions
        self._sizes: dict[int, Size] = {}
        self._segments: dict[int, tuple[tree.Condition, Holds]] = {}

    def condition(self, node: tree.Condition) -> Holds:
        """A function of its own for a condition."""
        writer = ConditionWriter(self)
        return build("holds", [ast.Return(writer.write(node))], writer.names)

    def segment(self, node: tree.Condition) -> Holds:
        """The function of a large segment; the condition is kept, so that its identity stays its own."""
        if id(node) not in self._segments:
            self._segments[id(node)] = (node, self.condition(node))
        return self._segments[id(node)][1]

    def is_large(self, node: tree.Condition) -> bool:
        return measure(node, self._sizes).leaves > _INLINED


class ConditionWriter:
    """Writes one condition as an expression over `p` and `t`; `names` collects the objects it needs."""

    def __init__(self, compiler: Compiler, prefix: str = "") -> None:
        self._compiler = compiler
        self._prefix = prefix
        self._variables = 0
        self.names: dict[str, Any] = {}

    def write(self, node: tree.Condition) -> ast.expr:  # noqa: PLR0912  # one branch a form of the language
        """The expression, whose value is True or False."""
        match node:
            case tree.And(parts=parts):
                return self._chain(ast.And(), parts)
            case tree.Or(parts=parts):
                return self._chain(ast.Or(), parts)
            case tree.Not(operand=inner):
                return ast.UnaryOp(ast.Not(), self.write(inner))
            case tree.OfVariants(how=how, condition=inner):
                helper = self._name(_any_variant if how == "any" else _every_variant)
                function = self._name(self._compiler.condition(inner))
                return ast.Call(helper, [function, ast.Name("p", ast.Load()), ast.Name("t", ast.Load())], [])
            case tree.SegmentCall(condition=called) if called is not None:
                if self._compiler.is_large(called):
                    return self._call(self._compiler.segment(called))
                return self.write(called)
            case tree.Compare(operator=sign, left=left, right=right):
                return self._either(node, lambda: self._compare(sign, left, right))
            case tree.Between(operand=operand, low=low, high=high):
                return self._either(node, lambda: self._between(operand, low, high))
            case tree.In():
                return self._in(node)
            case tree.Match() | tree.Like() | tree.Has():
                return self._text_test(node)
            case tree.InCategory(field=field, how=how, path=path, negated=negated):
                wanted = SEPARATOR + path_fact(path.value) + (SEPARATOR if how == "is" else "")
                found = self._guarded(field, lambda v: _within(constant(wanted), v))
                return ast.UnaryOp(ast.Not(), found) if negated else found
            case tree.IsEmpty(field=field, negated=negated):
                test: ast.cmpop = ast.IsNot() if negated else ast.Is()
                return ast.Compare(self._read(field), [test], [constant(None)])
            case tree.Holds(operand=operand) if isinstance(operand, tree.Field):
                return ast.Compare(self._read(operand), [ast.Eq()], [constant(1)])
            case tree.Holds() | tree.SegmentCall():
                raise TypeError("the tree was not checked")
            case _:
                assert_never(node)

    # Plumbing

    def variable(self) -> str:
        self._variables += 1
        return f"v{self._prefix}{self._variables}"

    def _name(self, value: object) -> ast.Name:
        name = f"k{self._prefix}{len(self.names)}"
        self.names[name] = value
        return ast.Name(name, ast.Load())

    def _call(self, function: Holds) -> ast.expr:
        return ast.Call(self._name(function), [ast.Name("p", ast.Load()), ast.Name("t", ast.Load())], [])

    def _either(self, node: tree.Compare | tree.Between, write: Callable[[], ast.expr]) -> ast.expr:
        """Compiled where the numbers have an exact integer form, else left to the evaluator."""
        try:
            return write()
        except InexactError:
            functions = self._compiler.functions
            return self._call(lambda facts, today: Evaluator(facts, today, functions).holds(node))

    def _chain(self, word: ast.boolop, parts: tuple[tree.Condition, ...]) -> ast.expr:
        return ast.BoolOp(word, [self.write(part) for part in sorted(parts, key=self._cost)])

    def _read(self, field: tree.Field) -> ast.expr:
        return field_node(field.name, self.variable)

    def _guarded(self, field: tree.Field, test: Callable[[ast.expr], ast.expr]) -> ast.expr:
        """`(v := p["field"]) is not None and test(v)`."""
        name = self.variable()
        return _and([_is_there(name, self._read(field)), test(ast.Name(name, ast.Load()))])

    # Leaves

    def _compare(self, sign: tree.Comparison, left: tree.Expression, right: tree.Expression) -> ast.expr:
        if sign == "!=":
            return ast.UnaryOp(ast.Not(), self._compare("=", left, right))
        one, two = self._text(left), self._text(right)
        if one is not None and two is not None:
            return self._compare_texts(sign, one, two)
        guards: list[ast.expr] = []
        numbers = Numbers(self._guarding_reader(guards))
        first, second = numbers.write(left), numbers.write(right)
        if first.value is not None and second.value is None:
            first, second, sign = second, first, _FLIPPED[sign]  # type: ignore[assignment]  # flipping stays a sign
        test = _compared(sign, first, second)
        if isinstance(left, tree.Field) and second.value is not None and sign == "=" and left.name != "final_price":
            return _compared(sign, Num(self._read(left), first.denominator), second)
        return _and([*guards, test])

    def _guarding_reader(self, guards: list[ast.expr]) -> Callable[[tree.Field], ast.expr]:
        """Reads a field into a variable, and sees to it that it is there."""
        known: dict[str, str] = {}

        def read(field: tree.Field) -> ast.expr:
            if field.name not in known:
                known[field.name] = self.variable()
                guards.append(_is_there(known[field.name], self._read(field)))
            return ast.Name(known[field.name], ast.Load())

        return read

    def _text(self, node: tree.Expression) -> str | tree.Field | None:
        """A text operand: the folded text or the field; None for anything else."""
        if isinstance(node, tree.Text):
            return fold(node.value)
        if isinstance(node, tree.Field) and node.type in _TEXTS:
            return node
        if isinstance(node, tree.Call) and self._compiler.functions.functions[node.name].result in _TEXTS:
            raise InexactError
        return None

    def _compare_texts(self, sign: str, left: str | tree.Field, right: str | tree.Field) -> ast.expr:
        if isinstance(left, str) and isinstance(right, str):
            return ast.Compare(constant(left), [_SIGNS[sign]()], [constant(right)])
        if isinstance(left, str):
            left, right, sign = right, left, _FLIPPED[sign]
        if isinstance(left, str):
            raise TypeError("two texts were compared above")
        if isinstance(right, str):
            wanted = constant(right)
            if sign == "=":
                return ast.Compare(self._read(left), [ast.Eq()], [wanted])
            return self._guarded(left, lambda v: ast.Compare(v, [_SIGNS[sign]()], [wanted]))
        other, name = self.variable(), right
        return self._guarded(
            left,
            lambda v: _and(
                [
                    _is_there(other, self._read(name)),
                    ast.Compare(v, [_SIGNS[sign]()], [ast.Name(other, ast.Load())]),
                ]
            ),
        )

    def _between(self, operand: tree.Expression, low: tree.Expression, high: tree.Expression) -> ast.expr:
        guards: list[ast.expr] = []
        numbers = Numbers(self._guarding_reader(guards))
        middle, one, two = numbers.write(operand), numbers.write(low), numbers.write(high)
        if middle.value is None and one.value is not None and two.value is not None:
            least, most = ceil(one.value * middle.denominator), floor(two.value * middle.denominator)
            test: ast.expr = ast.Compare(constant(least), [ast.LtE(), ast.LtE()], [middle.node, constant(most)])
        else:
            test = _and([_compared("<=", one, middle), _compared("<=", middle, two)])
        return _and([*guards, test])

    def _in(self, node: tree.In) -> ast.expr:
        listed: set[object] = set()
        for item in node.items:
            match item:
                case tree.Text(value=text):
                    listed.add(fold(text))
                case tree.Number(value=number):
                    whole = Fraction(number) * 10**6
                    listed |= {whole.numerator} if whole.denominator == 1 else set()
                case tree.Day(value=day):
                    listed.add(day.toordinal())
                case tree.YesNo():
                    raise TypeError("the tree was not checked")
        sign = ast.NotIn() if node.negated else ast.In()
        return ast.Compare(self._read(node.field), [sign], [constant(frozenset(listed))])

    def _text_test(self, node: tree.Match | tree.Like | tree.Has) -> ast.expr:
        match node:
            case tree.Like(field=field, pattern=pattern):
                match_ = self._name(glob(pattern.value).fullmatch)
                return self._guarded(
                    field, lambda v: ast.Compare(ast.Call(match_, [v], []), [ast.IsNot()], [constant(None)])
                )
            case tree.Match(how=how, field=field, argument=tree.Text(value=text)):
                return self._guarded(field, lambda v: _matches(how, v, constant(fold(text))))
            case tree.Match(how=how, field=field, argument=tree.Field() as other):
                name = self.variable()
                there = _is_there(name, self._read(other))
                return self._guarded(field, lambda v: _and([there, _matches(how, v, ast.Name(name, ast.Load()))]))
            case tree.Has(field=field, how=how, items=items):
                labels = list(dict.fromkeys(fold(item.value) for item in items))
                return self._guarded(field, lambda v: _has(how, labels, v))
            case _:
                raise TypeError("a match is with a text or a field")

    # Cost

    def _cost(self, node: tree.Condition) -> int:  # noqa: PLR0912  # one branch a form of the language
        match node:
            case tree.Holds() | tree.IsEmpty():
                return 1
            case tree.Compare(operator=sign, left=left, right=right):
                plain = isinstance(left, tree.Field) and isinstance(
                    right, tree.Number | tree.Text | tree.Day | tree.YesNo
                )
                return (1 if sign in ("=", "!=") else 2) if plain else 5
            case tree.Between():
                return 3
            case tree.In():
                return 2
            case tree.Has(items=items):
                return 4 + min(len(items), 20)
            case tree.InCategory():
                return 5
            case tree.Match():
                return 7
            case tree.Like():
                return 15
            case tree.Not(operand=inner):
                return self._cost(inner)
            case tree.And(parts=parts) | tree.Or(parts=parts):
                return 1 + sum(map(self._cost, parts))
            case tree.SegmentCall(condition=called):
                return 1 if called is None else 2 * measure(called, self._compiler._sizes).leaves
            case tree.OfVariants(condition=inner):
                return 20 * (1 + self._cost(inner))
            case _:
                assert_never(node)


def _and(parts: list[ast.expr]) -> ast.expr:
    return parts[0] if len(parts) == 1 else ast.BoolOp(ast.And(), parts)


def _is_there(variable: str, value: ast.expr) -> ast.expr:
    """`(v := value) is not None`."""
    return ast.Compare(ast.NamedExpr(ast.Name(variable, ast.Store()), value), [ast.IsNot()], [constant(None)])


def _within(part: ast.expr, whole: ast.expr) -> ast.expr:
    return ast.Compare(part, [ast.In()], [whole])


def _matches(how: str, text: ast.expr, part: ast.expr) -> ast.expr:
    if how == "contains":
        return _within(part, text)
    method = "startswith" if how == "starts with" else "endswith"
    return ast.Call(ast.Attribute(text, method, ast.Load()), [part], [])


def _has(how: str, labels: list[str], text: ast.expr) -> ast.expr:
    if len(labels) < _MANY:
        tests = [_within(constant(f"{SEPARATOR}{label}{SEPARATOR}"), text) for label in labels]
        return tests[0] if len(tests) == 1 else ast.BoolOp(ast.And() if how == "all" else ast.Or(), tests)
    inner = ast.Subscript(text, ast.Slice(constant(1), constant(-1)), ast.Load())
    held = ast.Call(ast.Attribute(inner, "split", ast.Load()), [constant(SEPARATOR)], [])
    method = "issubset" if how == "all" else "isdisjoint"
    found = ast.Call(ast.Attribute(constant(frozenset(labels)), method, ast.Load()), [held], [])
    return found if how == "all" else ast.UnaryOp(ast.Not(), found)


def _compared(sign: str, left: Num, right: Num) -> ast.expr:
    """An exact comparison in integers."""
    if right.value is not None:
        limit = right.value * left.denominator
        if limit.denominator != 1 and sign == "=":
            return constant(False)
        whole = ceil(limit) if sign in ("<", ">=") else floor(limit)
        return ast.Compare(left.node, [_SIGNS[sign]()], [constant(whole)])
    one, two = left.aligned(right)
    return ast.Compare(one, [_SIGNS[sign]()], [two])


def _any_variant(holds: Holds, facts: Facts, today: int) -> bool:
    for variant in facts.variants:  # noqa: SIM110  # a loop is faster than a generator here
        if holds(variant, today):
            return True
    return False


def _every_variant(holds: Holds, facts: Facts, today: int) -> bool:
    for variant in facts.variants:
        if not holds(variant, today):
            return False
    return bool(facts.variants)
