"""One way to speak HTTP outwards: time-outs on every call, answers of a bounded size, foreign errors translated once.

What may be repeated is said by the caller: a call that is `repeatable` (a read, or a change that has the same effect
twice) is tried again with growing, jittered pauses; any other is sent once, and when no answer comes its outcome is
unknown. Nothing secret reaches a message or a log: URLs appear without their query, headers and bodies never.
"""

from __future__ import annotations

import json
import logging
import os
import random
import re
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from decimal import Decimal
from email.utils import parsedate_to_datetime
from http.cookiejar import DefaultCookiePolicy
from typing import Any
from urllib.parse import urlsplit

import requests
import structlog
import tenacity
import urllib3
from requests.auth import AuthBase
from requests.utils import get_environ_proxies

from connector.errors import RejectedError, RetryableError, UnknownOutcomeError

log = structlog.get_logger(__name__)

MAX_BODY = 64 * 1024 * 1024
"""Bytes of an answer that we are ready to hold: a page of 100 large products is a few megabytes."""

UNTRUSTED = "certificate"
"""Code of the error for a certificate that cannot be verified: asking again at once would change nothing."""

JITTER = 0.5
"""Seconds that a pause is longer at most than it was meant to be."""

_CHUNK = 64 * 1024
_SHORT = {"timeout": "it timed out", "lost": "the connection was lost"}
_QUERY = re.compile(r"\?[^\s'\")]*")
_NOT_SENT = (urllib3.exceptions.NewConnectionError, urllib3.exceptions.ConnectTimeoutError)


@dataclass(frozen=True, slots=True)
class Call:
    """One HTTP request as it is sent. `url` is complete and percent-encoded, `body` the exact bytes."""

    method: str
    url: str = field(repr=False)
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)
    body: bytes | None = field(default=None, repr=False)
    auth: AuthBase | None = field(default=None, repr=False)

    @property
    def path(self) -> str:
        """The path alone: what a message or a log may show."""
        return urlsplit(self.url).path


@dataclass(frozen=True, slots=True)
class Answer:
    """What came back, whole and decoded by its transfer encoding."""

    call: Call
    status: int
    headers: Mapping[str, str] = field(repr=False)
    body: bytes = field(repr=False)

    def json(self) -> Any:
        """The body as JSON with exact decimals; raises ValueError when it is something else."""
        return json.loads(self.body, parse_float=Decimal)

    @property
    def retry_after(self) -> float | None:
        """Seconds that the other side asks us to wait, from a number or an HTTP date; None when it names none."""
        return seconds_of(self.headers.get("Retry-After", ""))


def seconds_of(retry_after: str) -> float | None:
    """A `Retry-After` value in seconds from now, never negative; None when it is empty or unreadable."""
    text = retry_after.strip()
    if not text:
        return None
    if text.isdigit():
        return float(text)
    try:
        moment = parsedate_to_datetime(text)
    except ValueError:
        return None
    moment = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
    return max((moment - datetime.now(UTC)).total_seconds(), 0.0)


class _Redact(logging.Filter):
    """Takes the query out of URLs that urllib3 logs: token calls carry their secrets there."""

    def filter(self, record: logging.LogRecord) -> bool:
        record.msg, record.args = redact(record.getMessage()), None
        return True


def redact(text: str) -> str:
    """`text` with every URL query replaced by `?…`."""
    return _QUERY.sub("?…", text)


for _name in ("urllib3.connectionpool", "urllib3.util.retry"):
    logging.getLogger(_name).addFilter(_Redact())


class HttpClient:
    """Sends calls of one remote system over kept-alive connections, one session a thread and process.

    Args:
        system: name in errors and logs ("magento", "tiktok").
        connect_timeout: seconds to reach the host.
        read_timeout: seconds without a byte of the answer.
        attempts: how often a repeatable call is sent at most.
        patience: longest pause in seconds that a caller is kept waiting; a longer `Retry-After` goes to the caller.
    """

    def __init__(
        self,
        system: str,
        *,
        connect_timeout: float = 5.0,
        read_timeout: float = 60.0,
        attempts: int = 4,
        patience: float = 10.0,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self.system, self.attempts, self.patience = system, attempts, patience
        self._timeout = (connect_timeout, read_timeout)
        self._sleep = sleep
        self._local = threading.local()

    @property
    def longest(self) -> float:
        """Seconds that a repeatable call may take with all its repetitions, as far as its time-outs bound it."""
        pauses = (self.attempts - 1) * (self.patience + JITTER)
        return self.attempts * sum(self._timeout) + pauses

    def call(
        self,
        build: Callable[[], Call],
        check: Callable[[Answer], Any],
        *,
        repeatable: bool,
        attempts: int = 0,
        max_body: int = MAX_BODY,
    ) -> Any:
        """Builds, sends and checks a call until it succeeds or may not be repeated; what `check` returns.

        `build` runs for every attempt, so that each is signed anew. `check` raises the typed error of an answer that
        is not a success.
        """
        retrying = tenacity.Retrying(
            retry=tenacity.retry_if_exception(self._worth_repeating),
            stop=tenacity.stop_after_attempt(attempts or self.attempts),
            wait=self._pause,
            sleep=self._sleep,
            reraise=True,
        )
        return retrying(lambda: check(self.send(build(), repeatable=repeatable, max_body=max_body)))

    def send(self, call: Call, *, repeatable: bool, max_body: int = MAX_BODY) -> Answer:
        """One attempt. Raises RetryableError when nothing was sent, or when a repeatable call got no answer;
        UnknownOutcomeError when a change was sent and no whole answer came."""
        started = time.monotonic()
        try:
            answer = self._exchange(call, max_body)
        except (requests.RequestException, urllib3.exceptions.HTTPError) as exc:
            log.warning("http_failed", system=self.system, method=call.method, path=call.path, error=type(exc).__name__)
            raise self._translated(exc, call, repeatable) from _harmless(exc)
        log.debug(
            "http_call",
            system=self.system,
            method=call.method,
            path=call.path,
            status=answer.status,
            ms=round((time.monotonic() - started) * 1000),
        )
        return answer

    def _exchange(self, call: Call, max_body: int) -> Answer:
        session = self._session()
        prepared = session.prepare_request(
            requests.Request(call.method, call.url, headers=dict(call.headers), data=call.body, auth=call.auth)
        )
        response = session.send(
            prepared,
            timeout=self._timeout,
            allow_redirects=False,
            stream=True,
            proxies=dict(get_environ_proxies(call.url)),
            verify=os.environ.get("REQUESTS_CA_BUNDLE") or os.environ.get("CURL_CA_BUNDLE") or True,
        )
        with _closing(response):
            body = self._read(response, call, max_body)
        return Answer(call, response.status_code, response.headers, body)

    def _read(self, response: requests.Response, call: Call, limit: int) -> bytes:
        parts, size = [], 0
        for chunk in response.iter_content(_CHUNK):
            size += len(chunk)
            if size > limit:
                raise RejectedError(
                    f"The answer to {call.method} {call.path} is larger than {limit // 1024:,} KiB and was not read.",
                    system=self.system,
                    status=response.status_code,
                    code="too_large",
                )
            parts.append(chunk)
        return b"".join(parts)

    def _session(self) -> requests.Session:
        """This thread's session; a forked process gets its own, because two must not share a socket."""
        if getattr(self._local, "pid", None) != os.getpid():
            session = requests.Session()
            session.trust_env = False  # a .netrc entry would replace our Authorization header
            session.cookies.set_policy(DefaultCookiePolicy(allowed_domains=()))  # a session would serialise our calls
            session.headers.update({"User-Agent": "connector/0.1", "Accept": "application/json"})
            self._local.pid, self._local.session = os.getpid(), session
        kept: requests.Session = self._local.session
        return kept

    def _translated(self, exc: Exception, call: Call, repeatable: bool) -> RetryableError:
        where = f"{call.method} {call.path} at {urlsplit(call.url).netloc.rpartition('@')[2]}"
        if _before_sending(exc):
            untrusted = "CERTIFICATE_VERIFY_FAILED" in str(exc)
            text = f"{_why_unreachable(exc)} ({where})"
            return RetryableError(text, system=self.system, code=UNTRUSTED if untrusted else "")
        code = "timeout" if isinstance(exc, requests.exceptions.Timeout) else "lost"
        if repeatable:
            return RetryableError(f"No answer to {where}: {_SHORT[code]}.", system=self.system, code=code)
        return UnknownOutcomeError(
            f"No answer to {where}: {_SHORT[code]}. It may have happened; look it up before sending it again.",
            system=self.system,
            code=code,
        )

    def _worth_repeating(self, error: BaseException) -> bool:
        return (
            isinstance(error, RetryableError)
            and not isinstance(error, UnknownOutcomeError)
            and error.code != UNTRUSTED
            and (error.retry_after or 0.0) <= self.patience
        )

    def _pause(self, state: tenacity.RetryCallState) -> float:
        """Doubling from one second with half a second of jitter, never shorter than the other side asked for."""
        error = state.outcome.exception() if state.outcome else None
        asked = error.retry_after if isinstance(error, RetryableError) else None
        grown = min(float(2 ** (state.attempt_number - 1)), self.patience)
        return (grown if asked is None else asked) + random.uniform(0, JITTER)  # noqa: S311  # not a secret


@contextmanager
def _closing(response: requests.Response) -> Iterator[None]:
    """Drops the connection when the body was not read to its end; a read one goes back to the pool by itself."""
    try:
        yield
    except BaseException:
        response.close()
        raise


def _causes(exc: BaseException) -> Iterator[BaseException]:
    """The exception and what urllib3 wrapped into it."""
    seen: set[int] = set()
    queue: list[object] = [exc]
    while queue:
        one = queue.pop()
        if isinstance(one, BaseException) and id(one) not in seen:
            seen.add(id(one))
            yield one
            queue += [*one.args, getattr(one, "reason", None)]


def _before_sending(exc: Exception) -> bool:
    """True when the connection was never made, so that the other side cannot have seen the request."""
    if isinstance(exc, (requests.exceptions.ConnectTimeout, requests.exceptions.ProxyError)):
        return True
    if isinstance(exc, (requests.exceptions.InvalidURL, requests.exceptions.InvalidSchema)):
        return True
    return any(isinstance(one, _NOT_SENT) or "CERTIFICATE_VERIFY_FAILED" in str(one) for one in _causes(exc))


def _why_unreachable(exc: Exception) -> str:
    if "CERTIFICATE_VERIFY_FAILED" in str(exc):
        return "The host's certificate cannot be verified: check the address, or set REQUESTS_CA_BUNDLE to a file that holds its authority's certificate."
    if any(isinstance(one, urllib3.exceptions.NameResolutionError) for one in _causes(exc)):
        return "The host name is not known: check the address."
    if isinstance(exc, requests.exceptions.ConnectTimeout):
        return "The host does not answer: check the address and the network."
    return "The host refuses connections: check the address, and that the server runs."


def _harmless(exc: Exception) -> Exception:
    """The same kind of error without the URL's query: what a traceback may show."""
    return requests.exceptions.RequestException(f"{type(exc).__name__}: {redact(str(exc))}")
