"""History: who did what, when, why, and what it was before. Nobody can change it."""

from __future__ import annotations

from typing import Any

from flask import url_for
from markupsafe import Markup

from connector.admin import filters, formats
from connector.admin.base import Grid
from connector.admin.site import allowed
from connector.store.models import HistoryEntry

SHOWN_BY = {
    "listing": "products.details_view",
    "order": "orders.details_view",
    "return": "returns.details_view",
    "ruleset": "rules.versions",
}
"""Pages of what history entries are about."""

EDITED_BY = {
    "account": "accounts.edit_view",
    "attribute": "attributes.edit_view",
    "policy": "policies.edit_view",
    "store": "stores.edit_view",
    "template": "templates.edit_view",
    "user": "users.edit_view",
}
"""Forms of the others, which administrators open."""

SHOWN, LONGEST = 4, 60
"""Changed settings shown in a row, and characters of each value."""


def _subject(_v: Any, _c: Any, row: Any, _n: str) -> Any:
    """What it happened to, as a way there where the user may go."""
    name = f"{row.subject_type} {row.subject_id}"
    endpoint = SHOWN_BY.get(row.subject_type) or (EDITED_BY.get(row.subject_type) if allowed("admin") else None)
    return formats.link(url_for(endpoint, id=row.subject_id), name) if endpoint and row.subject_id.isdigit() else name


def _change(_v: Any, _c: Any, row: Any, _n: str) -> Any:
    if row.before is None and row.after is None:
        return Markup('<span class="small change">{}</span>').format(formats.plain(row.message))
    return formats.reason(formats.plain(row.message)) + _differences(row.before, row.after)


def _differences(before: Any, after: Any) -> Markup:
    """What was and what is, of settings only those that changed; the whole stands in the title and in the export."""
    whole = f"before: {before}\nafter: {after}"
    if isinstance(before, dict) and isinstance(after, dict):
        names = [name for name in {**before, **after} if before.get(name) != after.get(name)]
        changes = [f"{name}: {_short(before.get(name))} → {_short(after.get(name))}" for name in names] or ["no change"]
    elif before is None and isinstance(after, dict):
        changes = [f"{name}: {_short(value)}" for name, value in after.items()]
    elif after is None or before is None:
        changes = [f"was {_short(before)}" if after is None else f"now {_short(after)}"]
    else:
        changes = [f"{_short(before)} → {_short(after)}"]
    lines = [*changes[:SHOWN], *([f"and {len(changes) - SHOWN} more"] if len(changes) > SHOWN else [])]
    shown = Markup("<br>").join(Markup("<span>{}</span>").format(line) for line in lines)
    return Markup('<span class="small change" title="{}">{}</span>').format(whole, shown)


def _short(value: Any) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    text = formats.plain(value) if isinstance(value, str) else "–" if value is None else str(value)
    return text if len(text) <= LONGEST else f"{text[:LONGEST]}…"


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
        "actor": lambda v, c, m, n: formats.who(m.actor),
        "action": lambda v, c, m, n: formats.words(m.action),
        "subject_type": _subject,
        "message": _change,
    }
    column_formatters_export = {
        "subject_type": lambda v, c, m, n: m.subject_type,
        "at": lambda v, c, m, n: m.at.isoformat(),
    }
    column_export_list = ("at", "actor", "action", "subject_type", "subject_id", "message")

    def row_title(self, model: Any) -> str:
        """What was done."""
        return formats.words(model.action)
