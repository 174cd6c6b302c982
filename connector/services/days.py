"""The day it is in a store: special prices begin and end with it, and `today` in a rule means it."""

from __future__ import annotations

from datetime import date, datetime
from functools import lru_cache
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import structlog

from connector.store.models import MagentoStore

log = structlog.get_logger(__name__)


def today(store: MagentoStore, now: datetime) -> date:
    """The date in the time zone of the store view (Magento's `general/locale/timezone`). `now` is aware."""
    return now.astimezone(_zone(store.timezone)).date()


@lru_cache(maxsize=64)
def _zone(name: str) -> ZoneInfo:
    """The zone of this name; UTC for one that this machine does not know, which the log says once."""
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        log.warning("time_zone_unknown", zone=name, used="UTC")
        return ZoneInfo("UTC")
