"""The way to one Magento store: address, credentials, JSON in and out."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from functools import partial
from typing import Any
from urllib.parse import urlsplit

from requests.auth import AuthBase

from connector.clients.http import Answer, Call, HttpClient
from connector.clients.magento.oauth import Bearer, MagentoOAuth, SignedForm, escape, forms
from connector.clients.magento.refusals import RefusedError, value_of
from connector.errors import AuthorizationError, ConfigurationError, RemoteError

Query = Sequence[tuple[str, str]]
Filter = tuple[str, str, str]
"""Field, value, condition; several are joined by AND."""

_HALVED_ON = frozenset({500, 502, 504})


@dataclass(frozen=True, slots=True)
class MagentoStore:
    """Where a store is and how we may enter. `store_code` is the store view that names, carts and labels come from;
    empty means the store's default view. `media_url` replaces the media address that the store names (a base URL)."""

    base_url: str
    store_code: str = ""
    consumer_key: str = field(default="", repr=False)
    consumer_secret: str = field(default="", repr=False)
    access_token: str = field(default="", repr=False)
    access_token_secret: str = field(default="", repr=False)
    auth: str = "oauth"
    media_url: str = ""
    connect_timeout: float = 5.0
    read_timeout: float = 60.0

    def __post_init__(self) -> None:
        parts = urlsplit(self.base_url)
        if parts.scheme not in {"http", "https"} or not parts.hostname or parts.username or parts.query:
            raise ConfigurationError(
                "The store's address must look like https://shop.example.com/, without user, password or query."
            )
        folders = parts.path.split("/")
        if "rest" in folders:
            path = "/".join(folders[: folders.index("rest")])
            raise ConfigurationError(
                f"The store's address ends before /rest: enter {parts.scheme}://{parts.netloc}{path}/ instead."
            )
        if self.auth not in {"oauth", "bearer"}:
            raise ConfigurationError('The store\'s authentication must be "oauth" or "bearer".')
        needed = ["access_token"]
        if self.auth == "oauth":
            needed = ["consumer_key", "consumer_secret", "access_token", "access_token_secret"]
        missing = [name.replace("_", " ") for name in needed if not getattr(self, name)]
        if missing:
            raise ConfigurationError(f"The store's credentials are incomplete: {', '.join(missing)} missing.")


class MagentoConnection:
    """Calls of one store, shared by its clients; safe to use from several threads.

    Paths are relative to `/rest/<store>/V1`. `scope` replaces the store view ("all" is the admin's).
    """

    def __init__(self, settings: MagentoStore, http: HttpClient | None = None) -> None:
        self.settings = settings
        self.http = http or HttpClient(
            "magento", connect_timeout=settings.connect_timeout, read_timeout=settings.read_timeout
        )
        self.countries: dict[str, list[dict[str, Any]] | None] = {}
        """Regions by country code, read once; None for a country that the store does not have."""
        self._form = SignedForm()

    def get(
        self, path: str, query: Query = (), *, scope: str | None = None, attempts: int = 0, change: bool = False
    ) -> Any:
        """A read; repeated when it fails for now."""
        return self.request("GET", path, query=query, scope=scope, repeatable=True, attempts=attempts, change=change)

    def post(self, path: str, body: Any = None, *, repeatable: bool = False, scope: str | None = None) -> Any:
        """A change, or a question too long for a URL (`repeatable`)."""
        return self.request("POST", path, body=body, repeatable=repeatable, scope=scope)

    def request(
        self,
        method: str,
        path: str,
        *,
        query: Query = (),
        body: Any = None,
        scope: str | None = None,
        repeatable: bool,
        attempts: int = 0,
        change: bool | None = None,
        read: Callable[[Answer], Any] | None = None,
    ) -> Any:
        """One call with all its attempts; `read` turns the answer into a value or raises."""
        url = self.url(path, query, scope)
        headers = {"Content-Type": "application/json"} if body is not None else {}
        sent = None if body is None else to_json(body).encode()
        judge = read or partial(value_of, change=not repeatable if change is None else change)
        candidates = list(forms(url, self._form)) if self.settings.auth == "oauth" else [self._form]
        for form in candidates:
            build = partial(Call, method, url, headers, sent, self._auth(form))
            try:
                value = self.http.call(build, judge, repeatable=repeatable, attempts=attempts)
            except AuthorizationError as error:
                if error.code or form is candidates[-1]:
                    raise
                continue
            self._form = form
            return value
        raise AssertionError("every form was tried")  # the loop ends by return or raise

    def url(self, path: str, query: Query = (), scope: str | None = None) -> str:
        """The complete URL; every part of the query percent-encoded, blanks as `%20`."""
        store = self.settings.store_code if scope is None else scope
        base = self.settings.base_url.rstrip("/") + "/rest" + (f"/{escape(store)}" if store else "") + "/V1" + path
        joined = "&".join(f"{escape(key)}={escape(value)}" for key, value in query)
        return f"{base}?{joined}" if joined else base

    def keyset(
        self,
        path: str,
        *,
        after: int = 0,
        filters: Sequence[Filter] = (),
        page_size: int = 100,
        key: str = "entity_id",
        field_name: str = "entity_id",
        fields: str = "",
    ) -> Iterator[list[dict[str, Any]]]:
        """Pages of a list in ascending id, asked for by "id greater than the last" (sections 3.1 and 8).

        `key` is the id's name in the answer, `field_name` the column. A page that the store cannot build in time is
        asked for again at half the size. Rows at or below the last id are dropped, and a page of nothing else ends
        the walk: so stores that repeat their last page end it too.
        """
        size, last = page_size, after
        while True:
            query = criteria([*filters, (field_name, str(last), "gt")], sort=field_name, size=size)
            query += [("fields", fields)] if fields else []
            try:
                answer = self.get(path, query, attempts=2 if size > 1 else 0)
            except RemoteError as error:
                smaller = _smaller(error, size)
                if smaller is None:
                    raise
                page_size = min(page_size, smaller) if isinstance(error, RefusedError) else page_size
                size = smaller
                continue
            rows = items_of(answer)
            fresh = {int(row[key]): row for row in rows if int(row[key]) > last}
            if not fresh:
                return
            yield [fresh[number] for number in sorted(fresh)]
            last = max(fresh)
            total = answer.get("total_count")
            if isinstance(total, int) and total <= len(rows):
                return
            size = min(page_size, size * 2)

    def pages(
        self,
        path: str,
        *,
        sort: str,
        key: str,
        filters: Sequence[Filter] = (),
        page_size: int = 100,
        scope: str | None = None,
    ) -> list[Any]:
        """All rows of a list that cannot be walked by id, each once; `key` names what makes a row unique.

        A page that is above the store's limit, or too heavy for it, is asked for again at a smaller size.
        """
        found: dict[str, Any] = {}
        size, page = page_size, 1
        while True:
            try:
                query = criteria(filters, sort=sort, size=size, page=page)
                answer = self.get(path, query, scope=scope, attempts=2 if size > 1 else 0)
            except RemoteError as error:
                smaller = _smaller(error, size)
                if smaller is None:
                    raise
                size, page = smaller, len(found) // smaller + 1
                continue
            fresh = [row for row in items_of(answer) if str(row[key]) not in found]
            found.update((str(row[key]), row) for row in fresh)
            if not fresh or page * size >= int(answer.get("total_count") or 0):
                return list(found.values())
            page += 1

    def _auth(self, form: SignedForm) -> AuthBase:
        store = self.settings
        if store.auth == "bearer":
            return Bearer(store.access_token)
        return MagentoOAuth(
            store.consumer_key, store.consumer_secret, store.access_token, store.access_token_secret, form
        )


def criteria(filters: Sequence[Filter], *, sort: str = "", size: int = 100, page: int = 1) -> list[tuple[str, str]]:
    """A searchCriteria query: filters joined by AND, ascending by `sort`, a unique column (section 3.1).

    At most ten filters: the store signs indexes of two digits in another order than the RFC.
    """
    if len(filters) > 10:
        raise ValueError("a search takes ten filters at most")
    query: list[tuple[str, str]] = []
    for group, parts in enumerate(filters):
        prefix = f"searchCriteria[filter_groups][{group}][filters][0]"
        query += [
            (f"{prefix}[{name}]", part) for name, part in zip(("field", "value", "condition_type"), parts, strict=True)
        ]
    if sort:
        query += [("searchCriteria[sortOrders][0][field]", sort), ("searchCriteria[sortOrders][0][direction]", "ASC")]
    return [*query, ("searchCriteria[pageSize]", str(size)), ("searchCriteria[currentPage]", str(page))]


def items_of(answer: Any) -> list[dict[str, Any]]:
    """The rows of a list answer; `items` is null where a field filter left nothing, and an object in some modules."""
    items = answer.get("items") if isinstance(answer, Mapping) else None
    return list(items.values()) if isinstance(items, Mapping) else list(items or [])


def to_json(value: Any) -> str:
    """JSON text with decimals as plain numbers, digit by digit as they are."""
    if isinstance(value, Decimal):
        return format(value, "f")
    if isinstance(value, Mapping):
        return "{" + ", ".join(f"{json.dumps(str(k))}: {to_json(v)}" for k, v in value.items()) + "}"
    if isinstance(value, (list, tuple)):
        return "[" + ", ".join(map(to_json, value)) + "]"
    return json.dumps(value)


def _smaller(error: RemoteError, size: int) -> int | None:
    """The page size to try after this error; None when a smaller page would not help."""
    if isinstance(error, RefusedError) and error.limit and error.limit < size:
        return error.limit
    if (error.status in _HALVED_ON or error.code == "timeout") and size > 1:
        return max(size // 2, 1)
    return None
