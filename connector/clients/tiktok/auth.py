"""The marketplace's token host: `connector.ports.Authorizer` (reference section 1.1).

Both token calls carry their secrets in the URL's query, as the marketplace demands; no message or log shows a query.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from functools import partial
from typing import Any
from urllib.parse import urlencode

from connector.clients.http import Answer, Call, HttpClient
from connector.clients.tiktok.endpoints import TOKEN_GET, TOKEN_REFRESH
from connector.clients.tiktok.envelope import SYSTEM, data_of
from connector.clients.tiktok.settings import TikTokSettings
from connector.domain.shop import Tokens
from connector.errors import AuthorizationError, ConfigurationError, RejectedError, RetryableError

CONNECT, READ, ATTEMPTS = 5.0, 15.0, 2
"""Seconds and calls at most, whatever the shop's own calls may take: all processes wait while one refreshes."""


class TikTokAuthorizer:
    """Exchanges consents and refresh tokens for token pairs."""

    def __init__(self, settings: TikTokSettings, http: HttpClient | None = None) -> None:
        self._settings = settings
        self._http = http or HttpClient(
            SYSTEM,
            connect_timeout=min(settings.connect_timeout, CONNECT),
            read_timeout=min(settings.read_timeout, READ),
            attempts=ATTEMPTS,
        )

    @property
    def longest_refresh(self) -> float:
        """Seconds that `refresh` may take; nobody else may refresh the same token meanwhile (section 1.1)."""
        return self._http.longest

    def authorize_url(self, state: str) -> str:
        """The consent page. `state` comes back with the code: one use, bound to the session."""
        if not self._settings.service_id:
            raise ConfigurationError("The TikTok Shop app's service id is missing: copy it from Partner Center.")
        query = urlencode({"service_id": self._settings.service_id, "state": state})
        return f"{self._settings.consent_host}/open/authorize?{query}"

    def exchange(self, auth_code: str) -> Tokens:
        """The first pair of a consent. A code works once, so a lost answer is not asked for again."""
        query = {"auth_code": auth_code, "grant_type": "authorized_code"}
        return self._tokens(TOKEN_GET, query, repeatable=False)

    def refresh(self, refresh_token: str) -> Tokens:
        """The next pair. The old refresh token may be dead afterwards: save the pair before anything else.

        Raises AuthorizationError for every refusal: the seller must consent again.
        """
        query = {"refresh_token": refresh_token, "grant_type": "refresh_token"}
        return self._tokens(TOKEN_REFRESH, query, repeatable=True)

    def _tokens(self, path: str, query: Mapping[str, str], *, repeatable: bool) -> Tokens:
        app = {"app_key": self._settings.app_key, "app_secret": self._settings.app_secret}
        url = f"{self._settings.auth_url.rstrip('/')}{path}?{urlencode({**app, **query})}"
        judge = partial(_token_data, change=not repeatable)
        return parse_tokens(self._http.call(partial(Call, "GET", url), judge, repeatable=repeatable))


def parse_tokens(data: Mapping[str, Any]) -> Tokens:
    """The answer's pair. Both `…_expire_in` are absolute Unix times, despite their name."""
    return Tokens(
        access_token=str(data["access_token"]),
        access_expires=_moment(data["access_token_expire_in"]),
        refresh_token=str(data["refresh_token"]),
        refresh_expires=_moment(data["refresh_token_expire_in"]),
        open_id=str(data.get("open_id") or ""),
        seller_name=str(data.get("seller_name") or ""),
        seller_base_region=str(data.get("seller_base_region") or ""),
        granted_scopes=tuple(map(str, data.get("granted_scopes") or ())),
    )


def _token_data(answer: Answer, *, change: bool) -> dict[str, Any]:
    """Any refusal of the token host means that the seller must consent again; a broken answer does not."""
    try:
        data = data_of(answer, change=change)
    except RejectedError as error:
        text = f"TikTok Shop refuses to issue a token: {error} Connect the shop again."
        raise AuthorizationError(
            text, system=SYSTEM, status=error.status, request_id=error.request_id, code=error.code
        ) from error
    if not data.get("access_token"):
        raise RetryableError("TikTok Shop's token host sent no token.", system=SYSTEM, status=answer.status)
    return data


def _moment(seconds: object) -> datetime:
    """Far dates are cut at the year 9999: one published token ran for a century."""
    return datetime.fromtimestamp(min(int(str(seconds)), 253_402_300_799), UTC)
