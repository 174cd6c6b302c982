"""History: who did what, when, why, and what it was before. Nobody can change it."""

from __future__ import annotations

from typing import Any

from markupsafe import Markup

from connector.admin import filters, formats
from connector.admin.base import Grid
from connector.store.models import HistoryEntry


def _change(_v: Any, _c: Any, row: Any, _n: str) -> Any:
    if row.before is None and row.after is None:
        return formats.reason(row.message)
    before, after = (
        Markup("<code>{}</code>").format(row.before),
        Markup("<code>{}</code>").format(row.after),
    )
    return formats.reason(row.message) + Markup('<span class="small">{} → {}</span>').format(before, after)


class HistoryView(Grid):
    """Newest first."""

    column_display_actions = False
    empty_text = "Everything that people and jobs change is written down here."
    column_list = ("at", "actor", "action", "subject_type", "message")
    column_labels = {"at": "When", "actor": "Who", "action": "What", "subject_type": "On", "message": "Details"}
    column_searchable_list = ("actor", "action", "message", "subject_id")
    column_sortable_list = ("at", "actor", "action")
    mobile_columns = ("at", "actor", "action", "message")
    column_filters = (
        filters.Contains(HistoryEntry.actor, "Who"),
        filters.Contains(HistoryEntry.action, "What"),
        filters.Is(HistoryEntry.subject_type, "On"),
        filters.Is(HistoryEntry.subject_id, "On number"),
        *filters.day(HistoryEntry.at, "When"),
    )
    column_formatters = {
        "at": lambda v, c, m, n: formats.when(m.at),
        "action": lambda v, c, m, n: formats.words(m.action),
        "subject_type": lambda v, c, m, n: f"{m.subject_type} {m.subject_id}",
        "message": _change,
    }
    column_formatters_export = {"at": lambda v, c, m, n: m.at.isoformat()}
    column_export_list = ("at", "actor", "action", "subject_type", "subject_id", "message")

    def row_title(self, model: Any) -> str:
        """What was done."""
        return formats.words(model.action)
