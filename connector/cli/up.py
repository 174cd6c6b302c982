"""`connector up`."""

from __future__ import annotations

import click

from connector.cli import common


@click.command()
def up() -> None:
    """Run everything on this machine: Redis, web, workers, scheduler.

    Brings the database up to date first, and stays until Ctrl-C.
    """
    from connector.cli import stack
    from connector.store import database
    from connector.store.migrations import upgrade
    from connector.store.models import User

    settings = common.start()
    settings.make_folder()
    database.connect(settings.database_url)
    upgrade()
    common.open_database(settings)
    common.require_free_port(settings.host, settings.port, "CONNECTOR_PORT")
    if not settings.embedded_redis:
        common.require_redis(settings)
    if not User.select().exists():
        click.echo("Nobody may log in yet. In another terminal: connector users add you@example.com --role admin")
    specs = [
        *stack.redis_spec(settings),
        *stack.worker_specs(settings),
        stack.scheduler_spec(settings),
        stack.web_spec(settings),
    ]
    stack.supervisor(settings, specs).run(
        lambda: click.echo(f"Running at {settings.base_url}/admin – Ctrl-C stops it.")
    )
