"""Who did what, when, why, and what it was before. Append-only."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from connector.store.models import HistoryEntry


def note(
    at: datetime,
    actor: str,
    action: str,
    subject_type: str,
    subject_id: object,
    message: str = "",
    *,
    before: Any = None,
    after: Any = None,
) -> None:
    """Write one entry. `actor` is a user's e-mail, or the name of the job that acted by itself."""
    HistoryEntry.create(
        at=at,
        actor=actor,
        action=action,
        subject_type=subject_type,
        subject_id=str(subject_id),
        message=message,
        before=before,
        after=after,
    )


def of(subject_type: str, subject_id: object, *, limit: int = 50) -> list[HistoryEntry]:
    """Newest first."""
    query = HistoryEntry.select().where(
        HistoryEntry.subject_type == subject_type, HistoryEntry.subject_id == str(subject_id)
    )
    return list(query.order_by(HistoryEntry.id.desc()).limit(limit))
