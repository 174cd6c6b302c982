"""Rows that are followed in the store one after the other, none of which keeps the others waiting."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import timedelta
from typing import TypeVar

import structlog

from connector.errors import AuthorizationError, ConnectorError, RemoteError, RetryableError, UnknownOutcomeError
from connector.services import work
from connector.services.context import Context

log = structlog.get_logger(__name__)

Row = TypeVar("Row")

REFUSED_WAIT = timedelta(minutes=10)
"""Before what the store, or a setting, refused is tried again."""

AWAY = 3
"""Rows in a row that met an outage, after which the others are left for the next round."""


@dataclass
class Round:
    """One round: how many rows were followed to their end, whether the store did its part of one, the last outage met."""

    done: int = 0
    reached: bool = False
    outage: RemoteError | None = None

    def each(
        self, rows: Iterable[Row], follow: Callable[[Row], str | None], put_off: Callable[[Row, Exception], None]
    ) -> None:
        """Follows row by row; `put_off` writes down what that raised.

        `follow` says what the store did, nothing where it had nothing to do, None when that was not the end of the row.
        Give rows that failed seldom first: those that an outage leaves out are then the first of the next round.
        """
        unanswered = 0
        for row in rows:
            try:
                made = follow(row)
                self.done += made is not None
                self.reached |= bool(made)
                unanswered = 0
            except (RetryableError, AuthorizationError) as error:
                self.outage, unanswered = error, unanswered + 1
                put_off(row, error)
                if unanswered == AWAY:
                    return
            except Exception as error:
                if not isinstance(error, ConnectorError):
                    log.exception("not_followed", row=str(row))
                put_off(row, error)
                unanswered = 0

    def end(self) -> int:
        """How many were followed.

        Raises:
            RetryableError: the store did its part of none, and did not answer.
            AuthorizationError: likewise, and it refused our credentials.
        """
        if self.outage is not None and not self.reached:
            raise self.outage
        return self.done


def told(error: Exception) -> str:
    """An error as a sentence for the row that met it."""
    return str(error) if isinstance(error, ConnectorError) else f"{type(error).__name__}: {error}"


def wait(ctx: Context, error: Exception, failures: int) -> timedelta:
    """Before the next try, after so many that failed.

    After an outage it grows, and so it does after a fault of our own. A change without an answer may be running until the
    place time-out has passed.
    """
    if isinstance(error, ConnectorError) and not isinstance(error, RetryableError):
        return REFUSED_WAIT
    asked = error.retry_after or 0.0 if isinstance(error, RetryableError) else 0.0
    running = ctx.place_timeout if isinstance(error, UnknownOutcomeError) else 0.0
    return timedelta(seconds=running + max(work.patience(failures), asked))
