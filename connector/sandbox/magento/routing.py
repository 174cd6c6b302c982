"""How a route is declared and what it is given.

    @route("GET", "/V1/products/:sku", acl="Magento_Catalog::products")
    def get_product(ctx: Context, sku: str) -> Any: ...

A handler returns what becomes JSON (Decimal becomes a number) or raises MagentoError. Handlers of POST, PUT and DELETE run in one write
transaction that a MagentoError rolls back; with `transaction=False` the handler begins its own with `ctx.transaction()`, which
commits at its end. A literal part of a path goes before a `:variable`.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any
from urllib.parse import unquote_plus

from connector.sandbox.magento import config
from connector.sandbox.magento.database import transaction
from connector.sandbox.magento.errors import MagentoError, not_authorized, required
from connector.sandbox.magento.search import Criteria, Paging, Source, limited, read_criteria, run_search, seed_of
from connector.sandbox.magento.users import User

Handler = Callable[..., Any]


class FatalError(Exception):
    """PHP gave up: 500 with a line of plain text instead of JSON."""


@dataclass(frozen=True, slots=True)
class Store:
    """The store view of the path; id 0 is `all`, the admin scope."""

    store_id: int
    code: str
    website_id: int
    group_id: int


@dataclass(slots=True)
class Context:
    """What a handler knows about its request.

    `store` is the path's store view (the default one when the path names none); `store_given` tells whether it named one. `body`
    is the parsed JSON ({} when there is none), `query` the query string nested as PHP nests it. `media` is the folder that
    serves `/media/`, `base_url` the address of this server without a slash at its end.
    """

    db: sqlite3.Connection
    now: datetime
    base_url: str
    store: Store
    store_given: bool = False
    body: Any = field(default_factory=dict)
    query: Mapping[str, Any] = field(default_factory=dict)
    query_string: str = ""
    user: User = field(default_factory=User)
    media: Any = None

    @property
    def stamp(self) -> str:
        """This moment as Magento writes it: UTC, no zone mark."""
        return stamp(self.now)

    def setting(self, path: str) -> str:
        """A configuration value for the path's store view."""
        return config.read(self.db, path, self.store.store_id)

    def flag(self, path: str) -> bool:
        return self.setting(path) == "1"

    def needed(self, *names: str) -> Any:
        """A parameter of the body, under any of its spellings. Raises MagentoError 400 when it is missing or null."""
        value = self.optional(*names)
        if value is None:
            raise required(names[0])
        return value

    def optional(self, *names: str) -> Any:
        if isinstance(self.body, Mapping):
            for name in names:
                if self.body.get(name) is not None:
                    return self.body[name]
        return None

    def criteria(self, *, needed: bool = True) -> Criteria:
        """The searchCriteria of the query, under the store's input limits."""
        criteria = read_criteria(self.query, seed=seed_of(self.query_string), needed=needed)
        return limited(criteria, self.paging())

    def paging(self) -> Paging:
        limits = None
        if self.flag("webapi/validation/input_limit_enabled"):
            sizes = ("webapi/validation/default_page_size", "webapi/validation/maximum_page_size")
            limits = (int(self.setting(sizes[0])), int(self.setting(sizes[1])))
        return Paging(self.setting("sandbox/past_the_end"), self.flag("sandbox/shuffle"), limits)

    def search(self, source: Source, criteria: Criteria | None = None) -> tuple[list[sqlite3.Row], int, Criteria]:
        """Rows of the page, total, and the criteria to echo."""
        criteria = criteria or self.criteria()
        rows, total = run_search(self.db, criteria, source, self.paging())
        return rows, total, criteria

    def transaction(self) -> AbstractContextManager[sqlite3.Connection]:
        """One committed write, for handlers declared with `transaction=False`."""
        return transaction(self.db)

    def check_array(self, items: Any, php_type: str) -> None:
        """Raises MagentoError 400 when input limits are on and the list is longer than they allow."""
        if isinstance(items, list) and self.flag("webapi/validation/input_limit_enabled"):
            largest = int(self.setting("webapi/validation/complex_array_limit"))
            if len(items) > largest:
                raise MagentoError(400, 'Maximum items of type "%type" is %max', {"type": php_type, "max": largest})


@dataclass(frozen=True, slots=True)
class Route:
    """One declared route. `topic` and `success` are what asynchronous calls of it report."""

    method: str
    template: str
    acl: str
    handler: Handler
    transaction: bool
    parts: tuple[str, ...]
    topic: str = ""
    success: str = ""

    def match(self, parts: tuple[str, ...]) -> dict[str, str] | None:
        """Path variables, decoded, or None."""
        found: dict[str, str] = {}
        for pattern, part in zip(self.parts, parts, strict=True):
            if pattern.startswith(":"):
                found[pattern[1:]] = unquote_plus(part)
            elif pattern != part:
                return None
        return found


ROUTES: list[Route] = []
_BY_SHAPE: dict[tuple[str, int], list[Route]] = {}


def route(
    method: str, template: str, acl: str, *, transaction: bool = True, topic: str = "", success: str = ""
) -> Callable[[Handler], Handler]:
    """Declares a handler. `template` begins with `/V1/`; `acl` is a resource id or `anonymous`."""

    def declare(handler: Handler) -> Handler:
        parts = tuple(template.strip("/").split("/"))
        one = Route(method, template, acl, handler, transaction, parts, topic, success)
        ROUTES.append(one)
        shape = _BY_SHAPE.setdefault((method, len(parts)), [])
        shape.append(one)
        shape.sort(key=lambda each: [part.startswith(":") for part in each.parts])
        return handler

    return declare


def find(method: str, path: str) -> tuple[Route, dict[str, str]]:
    """The route of a path that begins with `/V1/` and its variables. Raises MagentoError 404."""
    parts = tuple(path.strip("/").split("/"))
    for one in _BY_SHAPE.get((method, len(parts)), ()):
        found = one.match(parts)
        if found is not None:
            return one, found
    raise no_route()


def no_route() -> MagentoError:
    return MagentoError(404, "Request does not match any route.")


def call(ctx: Context, one: Route, variables: Mapping[str, str]) -> Any:
    """The handler's answer. Raises MagentoError 401 when the caller lacks the resource."""
    if not ctx.user.may(one.acl):
        raise not_authorized(one.acl)
    if one.method == "GET" or not one.transaction:
        return one.handler(ctx, **variables)
    with transaction(ctx.db):
        return one.handler(ctx, **variables)


def stamp(moment: datetime) -> str:
    return moment.astimezone(UTC).strftime("%Y-%m-%d %H:%M:%S")
