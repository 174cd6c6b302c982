"""Runs one row of the queue: its subject from the database, its action, and what becomes of the row afterwards."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import structlog

from connector.domain.issue import Issue, blocking
from connector.domain.order import MarketplaceOrder
from connector.domain.values import from_json
from connector.errors import (
    AuthorizationError,
    ConnectorError,
    RejectedError,
    RemoteError,
    RetryableError,
    UnknownOutcomeError,
)
from connector.plugins.api import (
    AccountSubject,
    ActionContext,
    ListingSubject,
    OrderSubject,
    Outcome,
    ReturnSubject,
    Subject,
    actions,
)
from connector.services import publishing, stock_repair, work
from connector.services.context import Context
from connector.services.desk import ServiceDesk
from connector.store.database import transaction
from connector.store.models import Account, Listing, Order, QueueItem, ReturnCase

log = structlog.get_logger(__name__)

AUTHORIZATION_WAIT = 300.0
"""Seconds before work of an account whose credentials were refused is tried again."""
SHORTEST_WAIT = 1.0
"""Seconds, whatever the remote side asked for."""


class _Gone(Exception):  # noqa: N818 – not an error of anybody: what was asked for is simply no more
    """The subject of a row does not exist any more."""


def run_item(ctx: Context, item_id: int, owner: str) -> str:
    """Take a row, do its work, write down how it ended; the state it is in then.

    Empty when the row is not due, done, or somebody else's. Raises nothing that an action raised: every way to fail
    is a state of the row.
    """
    item = work.take(item_id, owner, ctx.clock.now())
    if item is None:
        return ""
    try:
        _perform(ctx, item)
    except _Gone as gone:
        work.finish(item, "cancelled", ctx.clock.now(), cause=str(gone))
    except RemoteError as error:
        _after_refusal(ctx, item, error)
    except ConnectorError as error:  # a missing plugin, a setting, a rule: a person must change something first
        work.finish(item, "rejected", ctx.clock.now(), cause=str(error))
    except Exception as error:
        log.exception("item_failed", id=item.id, kind=item.kind, subject=item.subject_id)
        text = f"{type(error).__name__}: {error}"
        work.postpone(item, ctx.clock.now(), work.backoff(item.attempts), cause=text)
    state: str = QueueItem.get_by_id(item_id).state
    return state


def _perform(ctx: Context, item: QueueItem) -> None:
    action = actions.get(item.kind)()
    row, subject = _subject(item)
    refused = action.check(subject, item.arguments)
    if refused:
        work.finish(item, "rejected", ctx.clock.now(), cause=_reasons(refused))
        return
    account = _account(item)
    context = _action_context(ctx, account, item, row)
    outcome = action.run(subject, context)
    if outcome.listing is not None:
        context.desk.keep(outcome.listing)
    _forgive(account, item)
    _close(ctx, item, outcome)


def _close(ctx: Context, item: QueueItem, outcome: Outcome) -> None:
    now = ctx.clock.now()
    if outcome.wait is not None:
        work.postpone(item, now, outcome.wait, cause=outcome.message, failed=False)
        if not outcome.wait:  # the next part of what is too long for one job
            work.send(ctx, [item.id])
        return
    cause = "\n".join([outcome.message, *(issue.message for issue in outcome.issues)])
    request_id = next((issue.request_id for issue in outcome.issues if issue.request_id), "")
    state = "rejected" if _remote_refused(outcome) else "confirmed"
    work.finish(item, state, now, cause=cause, before=outcome.before, after=outcome.after, request_id=request_id)


def _remote_refused(outcome: Outcome) -> bool:
    """True when the marketplace refused a part. A verdict of our own (`validate`) is an answer, not a refusal."""
    return any(issue.code.startswith("tiktok.") for issue in blocking(outcome.issues))


def _subject(item: QueueItem) -> tuple[Any, Subject]:
    """The row that the item is about, and what its action sees of it."""
    make: dict[str, Callable[[QueueItem], tuple[Any, Subject]]]
    make = {"listing": _listing, "order": _order, "return": _return, "account": _account_subject}
    return make[item.subject_type](item)


def _listing(item: QueueItem) -> tuple[Listing, ListingSubject]:
    row = _get(Listing, item)
    return row, ListingSubject(
        id=row.id,
        sku=row.product.sku,
        listing=publishing.confirmed(row),
        draft=publishing.drafted_of(row),
        template_enabled=row.template is None or row.template.enabled,
        issues=tuple(from_json(Issue, issue) for issue in row.issues or ()),
    )


def _order(item: QueueItem) -> tuple[Order, OrderSubject]:
    row = _get(Order, item)
    order = from_json(MarketplaceOrder, row.data)
    return row, OrderSubject(
        row.id, order, row.state, row.magento_order_id, row.external_written, stock_repair.due(row)
    )


def _return(item: QueueItem) -> tuple[ReturnCase, ReturnSubject]:
    row = _get(ReturnCase, item)
    asked_in = str(item.arguments.get("status") or "")
    return row, ReturnSubject(row.id, row.kind, row.request_id, row.type, row.status, row.decision, asked_in)


def _account_subject(item: QueueItem) -> tuple[Account, AccountSubject]:
    row = _get(Account, item)
    return row, AccountSubject(row.id, row.title, row.connected)


def _get(model: Any, item: QueueItem) -> Any:
    row = model.get_or_none(model.id == item.subject_id)
    if row is None:
        raise _Gone(f"The {item.subject_type} does not exist any more.")
    return row


def _account(item: QueueItem) -> Account:
    if item.account is None:
        raise _Gone("The account does not exist any more.")
    account: Account = item.account
    return account


def _action_context(ctx: Context, account: Account, item: QueueItem, row: Any) -> ActionContext:
    return ActionContext(
        shop=ctx.remotes.shop(account),
        catalog=ctx.remotes.catalog(account.store),
        sales=ctx.remotes.sales(account.store),
        clock=ctx.clock,
        desk=ServiceDesk(ctx, account, item.lease_owner, item.actor, row if isinstance(row, Listing) else None),
        arguments=item.arguments,
    )


def _after_refusal(ctx: Context, item: QueueItem, error: RemoteError) -> None:
    """Where a row goes after what a remote system answered, or did not."""
    now = ctx.clock.now()
    if isinstance(error, AuthorizationError):
        problem = str(error)
        with transaction():
            Account.update(problem=problem).where(Account.id == item.account_id).execute()
        work.postpone(item, now, AUTHORIZATION_WAIT, cause=problem, failed=False)
    elif isinstance(error, RetryableError):  # an outage is nobody's failure: it waits for as long as it takes
        state = "unknown" if isinstance(error, UnknownOutcomeError) else "waiting"
        asked = work.patience(item.waits) if error.retry_after is None else error.retry_after
        work.postpone(item, now, max(asked, SHORTEST_WAIT), cause=str(error), state=state, failed=False)
    elif isinstance(error, RejectedError):
        code = f"{error.code}: " if error.code else ""
        work.finish(item, "rejected", now, cause=f"{code}{error}", request_id=error.request_id)
        if item.kind == "upload":
            issue = Issue(
                f"{error.system}.{error.code or 'refused'}", "listing", str(error), request_id=error.request_id
            )
            publishing.refuse(item.subject_id, issue)
    else:
        work.postpone(item, now, work.backoff(item.attempts), cause=str(error))


def _forgive(account: Account, item: QueueItem) -> None:
    """Take an account's problem away once the work that met it went through."""
    if account.problem and item.cause == account.problem:
        with transaction():
            Account.update(problem="").where(Account.id == account.id, Account.problem == account.problem).execute()


def _reasons(issues: list[Issue]) -> str:
    return "\n".join(issue.message for issue in issues)
