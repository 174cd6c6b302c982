"""Magento's answers as values or typed errors (reference sections 1.5 and 1.6)."""

from __future__ import annotations

import json
import re
from decimal import Decimal
from http import HTTPStatus
from typing import Any
from urllib.parse import urljoin

from connector.clients.http import Answer
from connector.errors import (
    AuthorizationError,
    NotFoundError,
    RejectedError,
    RemoteError,
    RetryableError,
    UnknownOutcomeError,
)

SYSTEM = "magento"
_REPORT = re.compile(r"webapi-[0-9a-f]+")
_PLACEHOLDER = re.compile(r"%(\w+)")

_NOISE = 16
"""Digits from which on a number of the store's is noise of its binary form: amounts have twelve, four of them decimals."""


class RefusedError(RejectedError):
    """A refusal as it came: `text` with its placeholders, translated by the store, and their `parameters`, which are not."""

    text: str
    parameters: dict[str, Any] | list[Any]

    @property
    def limit(self) -> int | None:
        """The `max` that an input limit names ("Maximum SearchCriteria pageSize is %max")."""
        found = self.parameters.get("max") if isinstance(self.parameters, dict) else None
        return int(found) if isinstance(found, int) or (isinstance(found, str) and found.isdigit()) else None


class MissingError(RefusedError, NotFoundError):
    """A 404 with its placeholders."""


def value_of(answer: Answer, *, change: bool) -> Any:
    """The answer's JSON when it is a success; else raises what the port promises.

    `change` says that the call may have changed something: then a broken answer means an unknown outcome.
    """
    if 200 <= answer.status < 300:
        try:
            return json.loads(answer.body, parse_float=_exact)
        except ValueError as exc:
            how = "with something that is not JSON, as a page or a login in front of it does: check the store's address"
            raise _broken(answer, how, change=change) from exc
    raise error_of(answer, change=change)


def _exact(text: str) -> Decimal:
    """A number as the store meant it. PHP set to 17 digits writes 29.949999999999999 for 29.95 (section 9): both are the
    same binary number, whose shortest text is the right one."""
    number = Decimal(text)
    return number if len(number.as_tuple().digits) < _NOISE else Decimal(repr(float(text)))


def error_of(answer: Answer, *, change: bool) -> RemoteError:
    """The typed error for an answer that is not a success."""
    status, body = answer.status, _envelope(answer)
    text = message_of(body)
    if status >= 500 or status == 408:
        why = text or ("it is in maintenance or overloaded" if status == HTTPStatus.SERVICE_UNAVAILABLE else "")
        return _broken(answer, f"with HTTP {status}{': ' + why.rstrip('.') if why else ''}", change=change)
    what = f"{answer.call.method} {answer.call.path}"
    if status in {425, 429}:
        return RetryableError(
            f"The store asks us to slow down ({what}).", system=SYSTEM, status=status, retry_after=answer.retry_after
        )
    if status == 401:
        return AuthorizationError(_unauthorized(body, text), system=SYSTEM, status=status, code=_resource(body))
    if 300 <= status < 400:
        return RejectedError(_redirected(answer), system=SYSTEM, status=status, code="redirect")
    if not text:
        text = _page(status)
    kind = MissingError if status == 404 else RefusedError
    error = kind(f"The store refuses {what}: {text}", system=SYSTEM, status=status, code=str(status))
    error.text = str(body.get("message") or "").strip()
    error.parameters = body.get("parameters") or {}
    return error


def _page(status: int) -> str:
    """What a person can do about a refusal that is not the store's own."""
    if status == HTTPStatus.FORBIDDEN:
        return (
            "the web server in front of it refuses this machine (HTTP 403); let its calls to /rest through the firewall "
            "or bot protection, or check the store's address"
        )
    return f"the web server in front of it answers with a page (HTTP {status}); check the store's address"


def _redirected(answer: Answer) -> str:
    """Where the store wants to be asked. The address that a person should enter is what stands before `/rest/`."""
    given = answer.headers.get("Location", "").partition("?")[0]
    target = urljoin(answer.call.url, given) if given else ""
    what = f"The store answers {answer.call.method} {answer.call.path} with a redirect to {target or 'nowhere'}"
    base, found, _ = target.partition("/rest/")
    return f"{what}: enter {base}/ as the store's address." if found else f"{what}: check the store's address."


def message_of(body: dict[str, Any]) -> str:
    """The text for people: placeholders filled in, the parts of an aggregated error joined."""
    texts = [_filled(str(body.get("message") or ""), body.get("parameters"))]
    texts += [_filled(str(e.get("message") or ""), e.get("parameters")) for e in body.get("errors") or ()]
    nested = body.get("messages")
    if isinstance(nested, dict):
        texts += [str(e.get("message") or "") for e in nested.get("error") or ()]
    return " ".join(" ".join(text.split()) for text in texts if text)


def _filled(text: str, parameters: Any) -> str:
    """Numbered placeholders count from 1; named ones are keys of an object, or come in order in a list."""
    if isinstance(parameters, dict):
        return _PLACEHOLDER.sub(lambda m: str(parameters.get(m[1], m[0])), text)
    if not isinstance(parameters, list):
        return text
    rest = iter(parameters)

    def value(match: re.Match[str]) -> str:
        if match[1].isdigit():
            index = int(match[1]) - 1
            return str(parameters[index]) if 0 <= index < len(parameters) else match[0]
        return str(next(rest, match[0]))

    return _PLACEHOLDER.sub(value, text)


def _envelope(answer: Answer) -> dict[str, Any]:
    try:
        body = answer.json()
    except ValueError:  # a proxy or PHP itself answered with a page
        return {}
    return body if isinstance(body, dict) else {}


def _broken(answer: Answer, how: str, *, change: bool) -> RetryableError:
    what = f"The store answered {answer.call.method} {answer.call.path} {how}."
    report = _REPORT.search(answer.body[:4096].decode("utf-8", "replace"))
    about: dict[str, Any] = {"system": SYSTEM, "status": answer.status, "request_id": report[0] if report else ""}
    if change:
        return UnknownOutcomeError(f"{what} It may have happened; look it up before sending it again.", **about)
    return RetryableError(what, retry_after=answer.retry_after, **about)


def _resource(body: dict[str, Any]) -> str:
    """The right that was missing ("Magento_Catalog::products"), or empty: then the credentials themselves are refused."""
    parameters = body.get("parameters")
    return str(parameters.get("resources") or "") if isinstance(parameters, dict) else ""


def _unauthorized(body: dict[str, Any], text: str) -> str:
    if resource := _resource(body):
        return (
            f"The store's integration may not use {resource}: give it that right under System > Integrations and "
            "authorise it again, or, with a bearer token, check the token and that the store allows integration "
            "tokens as bearer tokens."
        )
    if not text:
        return (
            "The web server in front of the store asks for a log-in of its own (HTTP 401): let this machine's calls to "
            "/rest through, or check the store's address."
        )
    return (
        f"The store refuses the integration's credentials: {text} Compare all four with System > "
        "Integrations in Magento, and authorise the integration again when they were revoked."
    )
