"""Queue Process: the queue table itself. Guide §12."""

from __future__ import annotations

from typing import Any

from flask import flash, url_for
from markupsafe import Markup
from peewee import JOIN

from connector.admin import filters, formats
from connector.admin.asking import MenuEntry
from connector.admin.base import Grid
from connector.admin.site import actor, context
from connector.plugins.api import actions
from connector.services import work
from connector.store.models import Account, ListingTemplate, QueueItem

FIRST, LAST = 10, 900
"""Priorities of “Run first” and “Run last”; 100 is the usual one, lower runs sooner."""


def _kinds() -> list[tuple[str, str]]:
    return [(cls.identifier, cls.label) for cls in actions]


def _kind(_v: Any, _c: Any, row: Any, _n: str) -> str:
    return actions.get(row.kind).label if row.kind in actions else f"{row.kind} (plugin missing)"


PAGES = {"listing": "products.details_view", "order": "orders.details_view", "return": "returns.details_view"}
"""Where the subject of a piece of work is shown."""


def _name(_v: Any, _c: Any, row: Any, _n: str) -> Any:
    if row.subject_type not in PAGES:
        return Markup('<span class="strong">{}</span>').format(row.name)
    return formats.link(url_for(PAGES[row.subject_type], id=row.subject_id), row.name, strong=True)


def _state(_v: Any, _c: Any, row: Any, _n: str) -> Any:
    request_id = f" [request {row.request_id}]" if row.request_id else ""
    shown = formats.badge(formats.QUEUE_TONES, row.state, plain=row.state == "confirmed")
    return shown + formats.reason(row.cause, row.cause + request_id)


class QueueView(Grid):
    """Work that runs, waits and ended; it can be retried, cancelled and moved until it runs."""

    list_template = "ui/queue.html"
    subtitle = "Work that runs now, waits, and ended"
    empty_title = "Nothing waits"
    empty_text = "New work appears here as soon as a product, an order or a policy changes."
    empty_link = ("products.index_view", "Go to products")
    account_column = QueueItem.account
    own_actions = (
        MenuEntry("retry", "Retry", icon="rotate-ccw"),
        MenuEntry("first", "Run first", icon="zap"),
        MenuEntry("last", "Run last", icon="arrow-down"),
        MenuEntry(
            "cancel", "Cancel", confirm="Cancel the selected work? What runs already goes on.", icon="ban", danger=True
        ),
    )
    column_list = (
        "name",
        "kind",
        "state",
        "account",
        "template",
        "attempts",
        "next_try_at",
        "priority",
        "why",
        "created_at",
        "finished_at",
    )
    column_labels = {
        "name": "Name",
        "kind": "Work",
        "state": "Queue Status",
        "account": "Account Name",
        "template": "Template Name",
        "attempts": "Tries",
        "next_try_at": "Next try",
        "priority": "Priority",
        "why": "Asked by",
        "created_at": "Asked",
        "finished_at": "Ended",
    }
    column_sortable_list = (
        ("name", QueueItem.name),
        ("kind", QueueItem.kind),
        ("state", QueueItem.state),
        ("attempts", QueueItem.attempts),
        ("priority", QueueItem.priority),
        ("next_try_at", QueueItem.next_try_at),
        ("created_at", QueueItem.created_at),
        ("finished_at", QueueItem.finished_at),
    )
    column_searchable_list = (QueueItem.name, QueueItem.cause)
    numeric = frozenset({"attempts", "priority"})
    hidden_default = ("priority", "why")
    mobile_columns = ("name", "kind", "state", "account", "attempts", "created_at")
    views = (
        ("Waiting", {"flt0_queue_status_is": "queued"}),
        ("Running", {"flt0_queue_status_is": "running"}),
        ("Refused", {"flt0_queue_status_is": "rejected"}),
        ("Gave up", {"flt0_queue_status_is": "dead"}),
    )
    column_filters = (
        filters.Is(QueueItem.state, "Queue Status", [(k, label) for k, (_, label) in formats.QUEUE_TONES.items()]),
        filters.Is(QueueItem.kind, "Work", _kinds),
        filters.Contains(QueueItem.name, "Name"),
        filters.Contains(QueueItem.cause, "Cause"),
        *filters.number(QueueItem.attempts, "Tries"),
        *filters.day(QueueItem.created_at, "Asked"),
        filters.Is(QueueItem.request_id, "Request id"),
    )
    column_formatters = {
        "kind": _kind,
        "state": _state,
        "name": _name,
        "account": lambda v, c, m, n: m.account.title if m.account_id else "–",
        "template": lambda v, c, m, n: m.template.name if m.template_id else "–",
        "next_try_at": lambda v, c, m, n: formats.ago(m.next_try_at, never="–"),
        "why": lambda v, c, m, n: formats.reason(m.why),
        "created_at": lambda v, c, m, n: formats.ago(m.created_at),
        "finished_at": lambda v, c, m, n: formats.ago(m.finished_at, never="–"),
    }
    column_formatters_export = {
        "kind": _kind,
        "account": column_formatters["account"],
        "template": column_formatters["template"],
        **{
            name: (lambda v, c, m, n: getattr(m, n).isoformat() if getattr(m, n) else "")
            for name in ("next_try_at", "created_at", "finished_at")
        },
    }
    column_export_list = (*column_list, "cause", "request_id")

    def columns_query(self) -> Any:
        """Without arguments and before/after values, which only details need."""
        item = QueueItem
        return (
            item.select(
                item.id, item.kind, item.subject_type, item.subject_id, item.state, item.cause, item.request_id, item.name, item.account, item.template,
                item.attempts, item.next_try_at, item.priority, item.why, item.created_at, item.finished_at,
                Account.id, Account.title, ListingTemplate.id, ListingTemplate.name,
            )
            .join(Account, JOIN.LEFT_OUTER)
            .switch(item)
            .join(ListingTemplate, JOIN.LEFT_OUTER)
        )  # fmt: skip

    def row_menu(self, row: Any) -> list[MenuEntry]:
        """What is possible in the row's state."""
        possible = {
            "queued": "cancel",
            "waiting": "retry",
            "unknown": "retry",
            "rejected": "retry",
            "dead": "retry",
            "cancelled": "retry",
        }
        return [entry for entry in self.bulk_menu() if entry.name == possible.get(row.state)]

    def run_own(self, name: str, ids: Any) -> None:
        """Through the service, so that the history knows who."""
        ctx, who = context(), actor()
        if name == "retry":
            flash(f"{work.retry(ctx, ids, actor=who)} of {len(ids)} queued again.", "success")
        elif name == "cancel":
            flash(
                f"{work.cancel(ctx, ids, actor=who)} of {len(ids)} cancelled; the others run or have ended.", "success"
            )
        else:
            changed = work.prioritise(ctx, ids, FIRST if name == "first" else LAST, actor=who)
            flash(f"{changed} of {len(ids)} moved; the others run or have ended.", "success")
