"""A keyed registry of classes: how every policy type and marketplace action is found."""

from __future__ import annotations

from collections.abc import Iterator
from typing import ClassVar, Generic, Protocol, TypeVar

from connector.errors import DuplicatePluginError, UnknownPluginError


class Identified(Protocol):
    """Anything that carries the key under which database rows store it."""

    identifier: ClassVar[str]


P = TypeVar("P", bound=Identified)


class Registry(Generic[P]):
    """Classes filed under their `identifier`, in the order of registration.

    Raises:
        DuplicatePluginError: on a second class with the same identifier.
        UnknownPluginError: on `get` of a key that nobody registered; it names the known keys.
    """

    def __init__(self, kind: str) -> None:
        self.kind = kind
        self._classes: dict[str, type[P]] = {}

    def register(self, cls: type[P]) -> type[P]:
        """File a class; usable as a decorator. Filing the same class again changes nothing."""
        known = self._classes.get(cls.identifier)
        if known is not None and known is not cls:
            raise DuplicatePluginError(
                f"Two {self.kind} plugins are called “{cls.identifier}”: "
                f"{known.__module__}.{known.__qualname__} and {cls.__module__}.{cls.__qualname__}."
            )
        self._classes[cls.identifier] = cls
        return cls

    def unregister(self, identifier: str) -> None:
        """Take a class out again; used when a plugin fails half-way through loading."""
        self._classes.pop(identifier, None)

    def get(self, identifier: str) -> type[P]:
        """The class filed under `identifier`."""
        try:
            return self._classes[identifier]
        except KeyError:
            raise UnknownPluginError(self.kind, identifier, self._classes) from None

    def __iter__(self) -> Iterator[type[P]]:
        return iter(self._classes.values())

    def __contains__(self, identifier: object) -> bool:
        return identifier in self._classes

    def __len__(self) -> int:
        return len(self._classes)
