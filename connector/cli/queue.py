"""`connector queue`."""

from __future__ import annotations

import click

from connector.cli import common
from connector.errors import ConfigurationError

STATES = ("queued", "waiting", "running", "unknown", "confirmed", "rejected", "dead", "cancelled")
COLUMNS = ("id", "kind", "name", "state", "attempts", "next_try_at", "cause")


@click.group()
def queue() -> None:
    """List, retry and cancel work."""


@queue.command("list")
@click.option("--state", type=click.Choice(STATES), help="Only items in this state.")
@click.option("--limit", default=50, show_default=True, type=click.IntRange(1), help="At most so many, newest first.")
@common.json_option
def list_(*, state: str | None, limit: int, as_json: bool) -> None:
    """Items of the queue, newest first."""
    from connector.services import work
    from connector.store.database import connection
    from connector.store.models import QueueItem

    common.open_database(common.start())
    with connection():
        query = QueueItem.select().order_by(QueueItem.id.desc()).limit(limit)
        rows = [
            {c: getattr(row, c) for c in COLUMNS} for row in (query.where(QueueItem.state == state) if state else query)
        ]
        counts = work.counts()
    shown = [["" if row[c] is None else str(row[c]).partition("\n")[0] for c in COLUMNS] for row in rows]
    total = ", ".join(f"{number} {name}" for name, number in sorted(counts.items()))
    common.report(
        {"counts": counts, "items": rows},
        as_json=as_json,
        text=lambda: common.table(COLUMNS, shown, empty="Nothing.") + (f"\n\n{total}" if total else ""),
    )


@queue.command("retry")
@click.argument("ids", nargs=-1, type=int)
@click.option("--dead", is_flag=True, help="Everything that gave up.")
@common.json_option
def retry(*, ids: tuple[int, ...], dead: bool, as_json: bool) -> None:
    """Queue ended or waiting items again."""
    from connector.services import work
    from connector.store.models import QueueItem

    ctx = common.context()
    if dead:
        ids = tuple(row.id for row in QueueItem.select(QueueItem.id).where(QueueItem.state == "dead"))
    elif not ids:
        raise ConfigurationError("Name the items: connector queue retry 12 13, or --dead for all that gave up.")
    count = work.retry(ctx, ids, actor="command line")
    common.report({"queued": count}, as_json=as_json, text=lambda: f"{count} of {len(ids)} queued again.")


@queue.command("cancel")
@click.argument("ids", nargs=-1, type=int, required=True)
@common.json_option
def cancel(*, ids: tuple[int, ...], as_json: bool) -> None:
    """Cancel items that do not run yet."""
    from connector.services import work

    count = work.cancel(common.context(), ids, actor="command line")
    common.report({"cancelled": count}, as_json=as_json, text=lambda: f"{count} of {len(ids)} cancelled.")
