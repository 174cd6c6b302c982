"""Every error of the connector, typed by what its reader should do next.

::

    ConnectorError                      caught only at the edge: job runner, view, command line
    ├── ConfigurationError              an operator must change a setting
    ├── RuleError(problems)             an author must change the text; all problems at once
    ├── PriceError(sku, rule, line)     this product is held back, the others go on
    ├── PluginError
    │   ├── DuplicatePluginError        two plugins claim one identifier
    │   └── UnknownPluginError          a stored row names a plugin that is not installed
    └── RemoteError(system, status, request_id)
        ├── RetryableError(retry_after) throttled, unreachable, 5xx: the same call may succeed
        │   └── UnknownOutcomeError     sent, but no answer: look the effect up before repeating
        ├── RejectedError(code)         understood and refused: the same call never succeeds
        │   ├── NotFoundError           the thing asked for is not there
        │   └── CartRefusedError(sure)  the store's cart does not take the order
        └── AuthorizationError          the account must be connected again

Expected refusals about one product or order are values (`connector.domain.issue.Issue`), not exceptions.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from connector.rules.problems import Problem


class ConnectorError(Exception):
    """Root of every error that the connector raises on purpose; its text is meant for a person."""


class ConfigurationError(ConnectorError):
    """A setting is missing or wrong; the text says which one and what to write there."""


class RuleError(ConnectorError):
    """A rule text does not check. `problems` holds all of them, in the order of the text."""

    def __init__(self, problems: Sequence[Problem]) -> None:
        self.problems = tuple(problems)
        super().__init__("\n".join(str(problem) for problem in self.problems))


class PriceError(ConnectorError):
    """A price could not be computed for one product, which is held back. `line` counts from 1."""

    def __init__(self, sku: str, rule: str, line: int, field: str, reason: str) -> None:
        self.sku, self.rule, self.line, self.field, self.reason = sku, rule, line, field, reason
        super().__init__(reason)


class PluginError(ConnectorError):
    """A plugin cannot be used."""


class DuplicatePluginError(PluginError):
    """Two plugins claim the same identifier."""


class UnknownPluginError(PluginError):
    """A stored row names a plugin that is not installed. `known` lists the installed identifiers."""

    def __init__(self, kind: str, identifier: str, known: Iterable[str]) -> None:
        self.kind, self.identifier, self.known = kind, identifier, tuple(sorted(known))
        super().__init__(
            f"Plugin missing: no {kind} is called “{identifier}”. Known: {', '.join(self.known) or 'none'}."
        )


class RemoteError(ConnectorError):
    """A store or marketplace did not do what was asked.

    `system` is "magento" or "tiktok", `status` the HTTP status (None when there was no answer), `request_id` what the
    remote side's support asks for.
    """

    def __init__(
        self, message: str, *, system: str, status: int | None = None, request_id: str = "", code: str = ""
    ) -> None:
        self.system, self.status, self.request_id, self.code = system, status, request_id, code
        super().__init__(message)


class RetryableError(RemoteError):
    """Throttled, unreachable or broken for now. `retry_after` is in seconds, None when the remote side named none."""

    def __init__(
        self,
        message: str,
        *,
        system: str,
        status: int | None = None,
        request_id: str = "",
        code: str = "",
        retry_after: float | None = None,
    ) -> None:
        self.retry_after = retry_after
        super().__init__(message, system=system, status=status, request_id=request_id, code=code)


class UnknownOutcomeError(RetryableError):
    """A change was sent and no answer came: it may have happened. Look it up before sending it again."""


class RejectedError(RemoteError):
    """The remote side understood and refused; the same call never succeeds. `code` is the remote side's own."""


class NotFoundError(RejectedError):
    """The thing asked for does not exist there."""


class CartRefusedError(RejectedError):
    """The store's cart does not take the order: its products, its address or its payment.

    `text` is what the store says. Only a refusal that is `sure` cannot come from a passing fault.
    """

    def __init__(self, message: str, *, text: str, sure: bool, system: str, status: int | None, code: str = "") -> None:
        self.text, self.sure = text, sure
        super().__init__(message, system=system, status=status, code=code)


class AuthorizationError(RemoteError):
    """Credentials were refused or revoked: a person must connect the account again."""
