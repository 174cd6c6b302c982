"""`connector worker`."""

from __future__ import annotations

import click

from connector.cli import common


@click.command()
@click.option(
    "--queue",
    type=click.Choice(["listings", "orders", "accounts"]),
    help="Only this queue.  [default: one worker each]",
)
def worker(*, queue: str | None) -> None:
    """Do the work of the queue.

    One process a queue, as many of them on as many machines as you like.
    """
    from connector.cli import stack

    settings = common.start(service=True)
    common.open_database(settings)
    if queue is None:
        with common.redis(settings):
            common.require_redis(settings)
            stack.workers_supervisor(settings).run()
        return
    from connector import app
    from connector.jobs import tasks
    from connector.plugins.loader import load
    from connector.runtime.worker import run_worker

    load()  # once, here: the process of each job starts with what this one imported
    with common.redis(settings):
        common.require_redis(settings)
        run_worker(queue, settings.redis_address, prepare=lambda: tasks.use(app.create_context(settings)))
