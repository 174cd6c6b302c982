"""`connector orders`."""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import click

from connector.cli import common
from connector.errors import ConfigurationError

if TYPE_CHECKING:
    from connector.services.context import Context
    from connector.store.models import QueueItem

WAIT = 0.5
"""Seconds between two looks at an import that a worker does."""


@click.group()
def orders() -> None:
    """Import marketplace orders."""


@orders.command("import")
@click.option("--account", "title", help="Only the account of this title.  [default: every connected one]")
@click.option(
    "--from", "start", type=click.DateTime(["%Y-%m-%d"]), help="Changed since; goes on from the last otherwise."
)
@click.option("--to", "end", type=click.DateTime(["%Y-%m-%d"]), help="Changed until.")
@click.option("--order", "order_id", help="This order only.")
@common.json_option
@click.pass_context
def import_(
    click_ctx: click.Context, *, title: str | None, start: Any, end: Any, order_id: str | None, as_json: bool
) -> None:
    """Import orders, cancellations and returns now, without waiting for a worker. Exit status 1 when one failed."""
    from connector.services import leases
    from connector.store.models import Account

    ctx = common.context()
    accounts = [a for a in Account.select().where(Account.active) if a.connected and title in {None, a.title}]
    if not accounts:
        raise ConfigurationError("There is no such connected account. Connect one in the admin under Accounts.")
    arguments = {"from": start and f"{start:%Y-%m-%d}", "to": end and f"{end:%Y-%m-%d}", "order_id": order_id}
    wanted = {name: value for name, value in arguments.items() if value}
    rows = []
    for account in accounts:
        with common.stages(account.title, quiet=as_json) as show:
            show("orders, cancellations and returns")
            item = _import(ctx, account.id, wanted, leases.owner())
        rows.append({"account": account.title, "state": item.state, "message": item.cause})
    common.report(
        rows,
        as_json=as_json,
        text=lambda: "\n".join(f"{row['account']}: {row['message'] or row['state']}" for row in rows),
    )
    click_ctx.exit(1 if any(row["state"] != "confirmed" for row in rows) else 0)


def _import(ctx: Context, account_id: int, wanted: Mapping[str, str], owner: str) -> QueueItem:
    """The item that did what was wanted, or could not yet. One that a worker does just now is waited for."""
    from connector.services import runner, work
    from connector.store.models import QueueItem

    work.ask(ctx, "import_orders", [account_id], actor="command line", arguments=wanted, priority=1)
    done = None
    while item := QueueItem.get_or_none(QueueItem.open_key == f"import_orders:account:{account_id}"):
        done = item.id
        with work.kept(ctx, owner, [item.id]):
            state = runner.run_item(ctx, item.id, owner) or QueueItem.get_by_id(item.id).state
        if state in {"waiting", "unknown"} or (state == "confirmed" and item.arguments == wanted):
            break
        if state == "running":
            time.sleep(WAIT)
    last = QueueItem.select().where(QueueItem.kind == "import_orders", QueueItem.subject_id == account_id)
    return QueueItem.get_by_id(done) if done else last.order_by(QueueItem.id.desc()).get()
