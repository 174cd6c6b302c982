"""`connector orders`."""

from __future__ import annotations

from typing import Any

import click

from connector.cli import common
from connector.errors import ConfigurationError


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
    from connector.services import runner, work
    from connector.store.models import Account, QueueItem

    ctx = common.context()
    accounts = [a for a in Account.select().where(Account.active) if a.connected and title in {None, a.title}]
    if not accounts:
        raise ConfigurationError("There is no such connected account. Connect one in the admin under Accounts.")
    arguments = {"from": start and f"{start:%Y-%m-%d}", "to": end and f"{end:%Y-%m-%d}", "order_id": order_id}
    wanted = {name: value for name, value in arguments.items() if value}
    rows = []
    for account in accounts:
        work.ask(ctx, "import_orders", [account.id], actor="command line", arguments=wanted, priority=1)
        item = QueueItem.get(QueueItem.open_key == f"import_orders:account:{account.id}")
        with common.stages(account.title, quiet=as_json) as show:
            show("orders, cancellations and returns")
            runner.run_item(ctx, item.id, "command line")
        item = QueueItem.get_by_id(item.id)
        rows.append({"account": account.title, "state": item.state, "message": item.cause})
    common.report(
        rows,
        as_json=as_json,
        text=lambda: "\n".join(f"{row['account']}: {row['message'] or row['state']}" for row in rows),
    )
    click_ctx.exit(1 if any(row["state"] not in {"confirmed", "running"} for row in rows) else 0)
