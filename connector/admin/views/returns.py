"""Returns: cancellations, returns and refunds that buyers asked for. Guide §11."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from flask import flash, redirect, request, url_for
from markupsafe import Markup
from peewee import JOIN

from connector.admin import asking, filters, formats
from connector.admin.base import Grid, page
from connector.admin.site import context, local_url
from connector.domain.money import from_minor
from connector.plugins.api import ReturnSubject
from connector.services import history, returns
from connector.store.models import Account, Order, OrderLine, ReturnCase

DECISIONS = {
    "": ("neutral", "Open"),
    "wanted": ("info", "Being answered"),
    "sent": ("ok", "Answered"),
    "refused": ("bad", "Answer refused"),
}
STORE = {"": ("neutral", "–"), "due": ("info", "Due"), "done": ("ok", "Done"), "none": ("neutral", "Nothing to do")}


def _deadline(_v: Any, _c: Any, row: Any, _n: str) -> Any:
    if not row.deadline or not returns.waits(row):
        return formats.NOTHING
    at = datetime.fromtimestamp(row.deadline, UTC)
    hours = (at - context().clock.now()).total_seconds() / 3600
    tone = "bad" if hours < 6 else "warn" if hours < 24 else "neutral"
    return Markup('<span class="status status-{}">{}</span>').format(tone, formats.ago(at))


def _decided(row: ReturnCase) -> str:
    """“Accepted by demo”; empty before anybody decided."""
    verb = {"approve": "Accepted", "reject": "Rejected"}.get(row.decision, formats.words(row.decision))
    return f"{verb} by {formats.who(row.decided_by)}" if row.decision else ""


def _decision(_v: Any, _c: Any, row: Any, _n: str) -> Any:
    shown = formats.badge(DECISIONS, row.decision_state)
    what = _decided(row)
    return shown + formats.reason(row.message or what)


def _order(_v: Any, _c: Any, row: Any, _n: str) -> Any:
    if not row.order_id:
        return row.tiktok_order_id
    return formats.link(url_for("orders.details_view", id=row.order_id), row.tiktok_order_id)


def _facts(row: ReturnCase) -> list[tuple[str, Any]]:
    return [
        ("Order", _order(None, None, row, "order")),
        ("Account", row.account.title),
        ("Type", formats.words(row.type)),
        ("Asked by", formats.words(row.role)),
        ("Reason", row.reason_text or row.reason),
        ("Refund", formats.minor(row.refund_minor, row.currency)),
        ("Answer until", _deadline(None, None, row, "deadline")),
        ("Decision", _decided(row) or "none yet"),
        ("Reason given", formats.plain(row.decision_reason)),
        ("Message", row.message),
        ("Magento", formats.badge(STORE, row.store_state, plain=True)),
        ("Credit memo", row.store_document),
        ("Replaced by", row.next_id),
    ]


def _statuses() -> list[tuple[str, str]]:
    rows = ReturnCase.select(ReturnCase.status).distinct().order_by(ReturnCase.status)
    return [(row.status, formats.words(row.status)) for row in rows]


class ReturnView(Grid):
    """What waits for an answer, until when, and what was answered."""

    subject = "return"
    page_actions = ("import_orders",)
    can_view_details = True
    account_column = ReturnCase.account
    empty_title = "No returns yet"
    empty_text = "Cancellations, returns and refunds that buyers ask for appear here with their deadlines."
    column_list = (
        "request_id",
        "kind",
        "status",
        "deadline",
        "decision_state",
        "order",
        "reason_text",
        "refund_minor",
        "store_state",
        "account",
        "imported_at",
    )
    column_labels = {
        "request_id": "Request",
        "kind": "Kind",
        "status": "Marketplace status",
        "deadline": "Answer",
        "decision_state": "Decision",
        "order": "Order",
        "reason_text": "Reason",
        "refund_minor": "Refund",
        "store_state": "Magento",
        "account": "Account",
        "imported_at": "Imported",
    }
    column_sortable_list = tuple(
        (name, getattr(ReturnCase, name))
        for name in ("request_id", "kind", "status", "deadline", "refund_minor", "imported_at")
    )
    column_searchable_list = (ReturnCase.request_id, ReturnCase.tiktok_order_id, ReturnCase.reason_text)
    numeric = frozenset({"refund_minor"})
    hidden_default = ("account",)
    mobile_columns = ("request_id", "kind", "status", "deadline", "decision_state", "refund_minor")
    views = (
        ("Returns", {"flt0_kind_is": "return"}),
        ("Cancellations", {"flt0_kind_is": "cancellation"}),
        ("Not answered", {"flt0_decision_is": "(none)"}),
    )
    column_filters = (
        filters.Is(ReturnCase.kind, "Kind", [("return", "Return"), ("cancellation", "Cancellation")]),
        filters.Is(ReturnCase.status, "Marketplace status", _statuses),
        filters.Is(
            ReturnCase.decision_state, "Decision", [(k or "(none)", label) for k, (_, label) in DECISIONS.items()]
        ),
        filters.Contains(ReturnCase.reason_text, "Reason"),
        filters.Is(ReturnCase.tiktok_order_id, "Order"),
        *filters.day(ReturnCase.imported_at, "Imported"),
    )
    column_formatters = {
        "request_id": lambda v, c, m, n: formats.link(
            url_for("returns.details_view", id=m.id), m.request_id, strong=True
        ),
        "kind": lambda v, c, m, n: formats.words(m.kind),
        "status": lambda v, c, m, n: formats.words(m.status),
        "deadline": _deadline,
        "decision_state": _decision,
        "order": _order,
        "reason_text": lambda v, c, m, n: formats.reason(m.reason_text or m.reason),
        "refund_minor": lambda v, c, m, n: formats.minor(m.refund_minor, m.currency),
        "store_state": lambda v, c, m, n: formats.badge(STORE, m.store_state, plain=True),
        "account": lambda v, c, m, n: m.account.title,
        "imported_at": lambda v, c, m, n: formats.when(m.imported_at),
    }
    column_formatters_export = {
        "order": lambda v, c, m, n: m.tiktok_order_id,
        "account": column_formatters["account"],
        "refund_minor": lambda v, c, m, n: from_minor(m.refund_minor, m.currency),
        "imported_at": lambda v, c, m, n: m.imported_at.isoformat(),
    }

    def columns_query(self) -> Any:
        """With account and order number."""
        return ReturnCase.select(ReturnCase, Account.id, Account.title).join(Account)

    def row_title(self, model: Any) -> str:
        """Kind and number."""
        return f"{formats.words(model.kind)} {model.request_id}"

    def row_menu(self, row: Any) -> list[Any]:
        """Both answers while TikTok Shop waits for one."""
        return self.bulk_menu() if returns.waits(row) else []

    @page("/details/")
    def details_view(self) -> Any:
        """One case with its units and history."""
        row = (
            ReturnCase.select()
            .join(Order, JOIN.LEFT_OUTER)
            .where(ReturnCase.id == request.args.get("id", type=int))
            .first()
        )
        if row is None:
            flash("That request is not here any more.", "warning")
            return redirect(url_for("returns.index_view"))
        units = (
            OrderLine.select().where(OrderLine.order == row.order_id, OrderLine.line_id.in_(row.line_ids))
            if row.order_id
            else []
        )
        asked_anew = ReturnSubject(row.id, row.kind, row.request_id, row.type, row.status, decision="")
        return self.render(
            "ui/return.html",
            model=row,
            facts=_facts(row),
            units=list(units),
            history=history.of("return", row.id, limit=20),
            menu=asking.possible(self.bulk_menu(), asked_anew),  # an answer given is repeated by work, never by people
            return_url=local_url(request.args.get("url")) or url_for("returns.index_view"),
            formats=formats,
        )
