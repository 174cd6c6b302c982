"""`connector web`."""

from __future__ import annotations

import click

from connector.cli import common


@click.command()
def web() -> None:
    """Serve the admin, the OAuth return address and the webhooks."""
    import connector.admin
    import connector.web  # noqa: F401  # both once, here: each process begins with what this one imported
    from connector.app import create_app
    from connector.runtime.web import serve

    settings = common.start(service=True)
    common.open_database(settings)
    common.require_free_port(settings.host, settings.port, "CONNECTOR_PORT")
    with common.redis(settings):
        serve(
            lambda: create_app(settings),
            settings.host,
            settings.port,
            processes=settings.web_processes,
            threads=settings.web_threads,
            stop_timeout=settings.stop_timeout,
        )
