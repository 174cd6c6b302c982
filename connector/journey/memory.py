"""What the journey must not do twice, kept in the connector's own database: one JSON object."""

from __future__ import annotations

from typing import Any

from connector.store.database import transaction
from connector.store.models import Setting

KEY = "demo.journey"


def recall(name: str) -> Any:
    """What was kept under a name; None for nothing."""
    row = Setting.get_or_none(Setting.key == KEY)
    return dict(row.value).get(name) if row else None


def keep(name: str, value: Any) -> None:
    """Keep a value that JSON holds."""
    with transaction():
        row = Setting.get_or_none(Setting.key == KEY)
        kept = {**(dict(row.value) if row else {}), name: value}
        Setting.insert(key=KEY, value=kept).on_conflict(
            conflict_target=[Setting.key], preserve=[Setting.value]
        ).execute()
