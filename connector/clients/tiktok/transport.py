"""Signed calls of one shop: token, signature, throttle, envelope."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import timedelta
from functools import partial
from typing import Any
from urllib.parse import quote

import structlog

from connector.clients.http import Answer, Call, HttpClient
from connector.clients.tiktok.endpoints import Endpoint
from connector.clients.tiktok.envelope import SYSTEM, ExpiredError, data_of, request_id_of
from connector.clients.tiktok.settings import TikTokSettings
from connector.clients.tiktok.signing import sign
from connector.clients.tiktok.throttle import Throttle
from connector.domain.shop import Tokens
from connector.errors import AuthorizationError, RejectedError, RetryableError
from connector.ports import Clock, TokenRefresh, TokenVault

log = structlog.get_logger(__name__)

JSON = "application/json"
_TOKEN_KEPT = 60.0
"""Seconds that a loaded token is used without asking the vault again, so that a disconnected account stops soon."""

Value = str | int | bool | Sequence[str]


class TikTokTransport:
    """Sends calls of one shop; safe to use from several threads."""

    def __init__(
        self,
        settings: TikTokSettings,
        vault: TokenVault,
        refresh: TokenRefresh,
        clock: Clock,
        throttle: Throttle,
        http: HttpClient | None = None,
    ) -> None:
        self.settings = settings
        self._vault, self._refresh, self._clock, self._throttle = vault, refresh, clock, throttle
        self._http = http or HttpClient(
            SYSTEM, connect_timeout=settings.connect_timeout, read_timeout=settings.read_timeout
        )
        self._kept: tuple[float, Tokens] | None = None

    def call(
        self,
        endpoint: Endpoint,
        *,
        ids: Mapping[str, str] | None = None,
        query: Mapping[str, Value] | None = None,
        body: Mapping[str, Any] | None = None,
        content: tuple[bytes, str] | None = None,
    ) -> dict[str, Any]:
        """`data` of the answer. `body` becomes JSON; `content` is a ready (multipart body, content type).

        An expired token is renewed and the call sent once more: the marketplace had refused it before doing anything.
        """
        path = endpoint.path(**(ids or {}))
        sent, content_type = content or (None, JSON)
        if body:
            sent = json.dumps(body, ensure_ascii=False, separators=(",", ":")).encode()
        send = partial(self._send, endpoint, path, query or {}, sent, content_type)
        tokens = self._tokens()
        try:
            return send(tokens)
        except ExpiredError:
            return send(self._renewed(tokens))

    def pages(
        self, endpoint: Endpoint, rows: str, *, query: Mapping[str, Value], body: Mapping[str, Any] | None = None
    ) -> Iterator[list[dict[str, Any]]]:
        """Pages until the token is empty, absent or repeats itself. Filters and sort stay as they are meanwhile."""
        token, seen = "", set()
        while True:
            data = self.call(endpoint, query={**query, "page_token": token} if token else query, body=body)
            yield data.get(rows) or []
            token = str(data.get("next_page_token") or "")
            if not token or token in seen:
                return
            seen.add(token)

    def _send(
        self,
        endpoint: Endpoint,
        path: str,
        query: Mapping[str, Value],
        body: bytes | None,
        content_type: str,
        tokens: Tokens,
    ) -> dict[str, Any]:
        build = partial(self._build, endpoint, path, query, body, content_type, tokens)
        judge: Callable[[Answer], dict[str, Any]] = partial(self._judge, endpoint)
        data: dict[str, Any] = self._http.call(build, judge, repeatable=endpoint.repeatable)
        return data

    def _build(
        self,
        endpoint: Endpoint,
        path: str,
        query: Mapping[str, Value],
        body: bytes | None,
        content_type: str,
        tokens: Tokens,
    ) -> Call:
        """Waits for its turn, then signs with the time of now. A list travels as one comma-joined value."""
        self._throttle.wait()
        pairs = [(key, _text(value)) for key, value in query.items()]
        pairs += [("app_key", self.settings.app_key), ("timestamp", str(int(self._clock.now().timestamp())))]
        if endpoint.shop:
            if not self.settings.shop_cipher:
                raise AuthorizationError("The shop is not known yet: connect it again.", system=SYSTEM)
            pairs.append(("shop_cipher", self.settings.shop_cipher))
        pairs.append(("sign", sign(path, pairs, body, content_type, self.settings.app_secret)))
        joined = "&".join(f"{quote(key, safe='')}={quote(value, safe='')}" for key, value in pairs)
        headers = {"x-tts-access-token": tokens.access_token, "Content-Type": content_type}
        return Call(endpoint.method, f"{self.settings.api_url.rstrip('/')}{path}?{joined}", headers, body)

    def _judge(self, endpoint: Endpoint, answer: Answer) -> dict[str, Any]:
        try:
            return data_of(answer, change=not endpoint.repeatable)
        except RetryableError as error:
            if error.status == 429 or error.code == "36009002":
                self._throttle.refused(error.retry_after)
            raise
        except RejectedError as error:
            log.info("tiktok_refused", path=answer.call.path, code=error.code, request_id=request_id_of(answer))
            raise

    def _tokens(self) -> Tokens:
        margin = timedelta(seconds=self.settings.refresh_margin)
        if self._kept is not None:
            until, tokens = self._kept
            if time.monotonic() < until and tokens.access_expires - self._clock.now() > margin:
                return tokens
        tokens = self._vault.load()
        if tokens.access_expires - self._clock.now() <= margin:
            tokens = self._vault.renew(self._refresh, unless_newer_than=self._clock.now() + margin)
        self._kept = (time.monotonic() + _TOKEN_KEPT, tokens)
        return tokens

    def _renewed(self, refused: Tokens) -> Tokens:
        """A pair newer than the refused one: another process's, or a fresh one."""
        tokens = self._vault.renew(self._refresh, unless_newer_than=refused.access_expires)
        self._kept = (time.monotonic() + _TOKEN_KEPT, tokens)
        return tokens


def _text(value: Value) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, (str, int)):
        return str(value)
    return ",".join(value)
