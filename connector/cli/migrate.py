"""`connector migrate`."""

from __future__ import annotations

import click

from connector.cli import common


@click.command()
@common.json_option
@click.option("--check", is_flag=True, help="Change nothing; exit status 1 when something is missing.")
@click.pass_context
def migrate(ctx: click.Context, *, as_json: bool, check: bool) -> None:
    """Bring the database's tables up to this version. Harmless to repeat."""
    from connector.store import database
    from connector.store.migrations import pending, upgrade

    settings = common.start()
    settings.make_folder()
    database.connect(settings.database_url)
    names = pending() if check else upgrade()
    done, none = ("Missing", "Nothing is missing.") if check else ("Applied", "The database is up to date.")
    common.report(
        {"pending" if check else "applied": names},
        as_json=as_json,
        text=lambda: f"{done}: {', '.join(names)}" if names else none,
    )
    ctx.exit(1 if check and names else 0)
