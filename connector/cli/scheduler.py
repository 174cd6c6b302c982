"""`connector scheduler`."""

from __future__ import annotations

import signal
import threading

import click

from connector.cli import common


@click.command()
def scheduler() -> None:
    """Run recurring work.

    Orders, products, stock, prices, status, tokens, and the sweep over the queue.
    """
    from connector.app import create_context
    from connector.jobs import recurring, schedule

    settings = common.start(service=True)
    common.open_database(settings)
    stop = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda _signal, _frame: stop.set())
    with common.redis(settings):
        schedule.run(create_context(settings), recurring.HANDLERS, stop)
