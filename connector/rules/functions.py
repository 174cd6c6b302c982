"""Functions and computed fields: the language's own, and those that plugins add.

::

    @library.function("margin", (Type.NUMBER, Type.NUMBER), Type.NUMBER, "Share of the price that is not cost.")
    def margin(price: Decimal, cost: Decimal) -> Decimal | None:
        return (price - cost) / price if price else None

    @library.field(FieldInfo("title_length", Type.NUMBER, "Characters of the name"), reads=("name",))
    def title_length(values: Values) -> Decimal:
        return Decimal(len(str(values.get("name", ""))))
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, TypeAlias

from connector.errors import DuplicatePluginError, PluginError
from connector.rules.metadata import BUILT_IN, Catalogue, FieldInfo, Type
from connector.rules.products import Value, Values

Compute: TypeAlias = Callable[..., Any]


@dataclass(frozen=True, slots=True)
class Function:
    """A function that rules may call.

    `parameters` are the types of the arguments; with `variadic` the last one may come any number of times, at least
    once. `compute` takes plain values (number `Decimal`, date `date`, yes/no `bool`, text in its folded form) and gives
    a plain value, or None when there is none; it is called only when no argument is empty. The functions of the
    language itself have no `compute`: the back ends know them.
    """

    name: str
    parameters: tuple[Type, ...]
    result: Type
    summary: str
    variadic: bool = False
    compute: Compute | None = None

    @property
    def signature(self) -> str:
        """As authors read it: `min(number, …) → number`."""
        listed = ", ".join(each.value for each in self.parameters) + (", …" if self.variadic else "")
        return f"{self.name}({listed}) → {self.result.value}"


@dataclass(frozen=True, slots=True)
class ComputedField:
    """A field whose value is computed from others when a product is read. `compute` gets the product's own values."""

    info: FieldInfo
    reads: tuple[str, ...]
    compute: Callable[[Values], Value | None]


OWN = (
    Function("min", (Type.NUMBER,), Type.NUMBER, "The least of the numbers.", variadic=True),
    Function("max", (Type.NUMBER,), Type.NUMBER, "The greatest of the numbers.", variadic=True),
    Function("abs", (Type.NUMBER,), Type.NUMBER, "The number without its sign."),
    Function("first", (Type.NUMBER,), Type.NUMBER, "The first of the numbers that is not empty.", variadic=True),
    Function("days since", (Type.DATE,), Type.NUMBER, "Days from that date to today; below zero for a date to come."),
)


class Library:
    """The functions and computed fields that are known. Starts with the language's own."""

    def __init__(self) -> None:
        self._functions = {each.name: each for each in OWN}
        self._fields: dict[str, ComputedField] = {}

    def function(
        self, name: str, parameters: tuple[Type, ...], result: Type, summary: str, *, variadic: bool = False
    ) -> Callable[[Compute], Compute]:
        """Add a function; used as a decorator.

        Raises:
            PluginError: the name is no name of the language, or a keyword.
            DuplicatePluginError: a function of this name is there already.
        """
        self._refuse(name, self._functions)

        def add(compute: Compute) -> Compute:
            self._functions[name] = Function(name, parameters, result, summary, variadic, compute)
            return compute

        return add

    def field(
        self, info: FieldInfo, *, reads: tuple[str, ...]
    ) -> Callable[[Callable[[Values], Value | None]], Callable[[Values], Value | None]]:
        """Add a computed field; used as a decorator. Raises as `function` does."""
        self._refuse(info.name, {**BUILT_IN, **self._fields})

        def add(compute: Callable[[Values], Value | None]) -> Callable[[Values], Value | None]:
            self._fields[info.name] = ComputedField(info, reads, compute)
            return compute

        return add

    def remove(self, name: str) -> None:
        """Take a function or field of a plugin out again."""
        if name in self._functions and self._functions[name].compute is not None:
            del self._functions[name]
        self._fields.pop(name, None)

    @property
    def functions(self) -> Mapping[str, Function]:
        return self._functions

    def __iter__(self) -> Iterator[ComputedField]:
        return iter(self._fields.values())

    def extend(self, catalogue: Catalogue) -> Catalogue:
        """The catalogue with the computed fields; an attribute of the same name keeps its place."""
        added = (each.info for each in self if each.info.name not in catalogue.fields)
        return catalogue.with_fields(*added)

    def complete(self, values: Values) -> Values:
        """A product's own values with its computed ones; what the product has by itself stays."""
        found = {each.info.name: each.compute(values) for each in self if each.info.name not in values}
        return {**values, **{name: value for name, value in found.items() if value is not None}}

    @staticmethod
    def _refuse(name: str, known: Mapping[str, object]) -> None:
        from connector.rules.lexing import keywords

        if name in known:
            raise DuplicatePluginError(f"Two plugins add “{name}” to the rule language.")
        if not re.fullmatch("[A-Za-z_][A-Za-z0-9_]*", name) or name in keywords():
            raise PluginError(f"“{name}” cannot be a name in rules.")


library = Library()
"""What the running program knows; plugins add to it."""
