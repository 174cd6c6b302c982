"""`connector demo`."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING

import click

from connector.cli import common

if TYPE_CHECKING:
    from connector.journey.run import Report
    from connector.settings import Settings

SANDBOX_PORT = 8787


@click.command()
@click.option("--once", is_flag=True, help="End after the comparison; exit status 0 only if nothing differs.")
@click.option(
    "--catalog", type=click.Path(exists=True, file_okay=False, path_type=Path), help="Catalogue folder to sell."
)
@click.option(
    "--products", default=300, show_default=True, type=click.IntRange(1), help="Products to generate otherwise."
)
@click.option(
    "--json", "json_file", type=click.Path(dir_okay=False, path_type=Path), help="Write the report to this file."
)
def demo(*, once: bool, catalog: Path | None, products: int, json_file: Path | None) -> None:
    """Show everything on a store and a marketplace of our own."""
    from connector.cli import stack
    from connector.journey.run import Report

    settings = common.start()
    _migrate(settings)
    common.require_free_port(settings.host, settings.port, "CONNECTOR_PORT")
    common.require_free_port("127.0.0.1", SANDBOX_PORT, "another place for the program there")
    source = ("--catalog", str(catalog.resolve())) if catalog else ("--products", str(products))
    specs = [
        *stack.redis_spec(settings),
        stack.sandbox_spec(settings, SANDBOX_PORT, *source),
        *stack.worker_specs(settings),
        stack.scheduler_spec(settings),
        stack.web_spec(settings),
    ]
    report = Report()
    with stack.supervisor(settings, specs):
        report = _journey(settings, suggested=catalog is not None)
        _tell(report, json_file)
        if not once:
            click.echo(f"Running at {settings.base_url}/admin – Ctrl-C stops it.")
            click.pause("")
    if not report.agrees:
        raise SystemExit(1)


def _migrate(settings: Settings) -> None:
    from connector.store import database
    from connector.store.migrations import upgrade

    settings.var_dir.mkdir(parents=True, exist_ok=True)
    database.connect(settings.database_url)
    upgrade()


def _journey(settings: Settings, *, suggested: bool) -> Report:
    from connector.app import create_context
    from connector.journey.buyers import Sandbox
    from connector.journey.prepare import StoreAccess
    from connector.journey.run import Journey
    from connector.store import database

    ctx = create_context(settings)
    sandbox = Sandbox(f"http://127.0.0.1:{SANDBOX_PORT}")
    given = sandbox.credentials()["magento"]
    keys = ("consumer_key", "consumer_secret", "access_token", "access_token_secret")
    access = StoreAccess(base_url=given["base_url"], **{key: given[key] for key in keys})
    with database.connection():
        return Journey(ctx, sandbox, access, lambda text: click.echo(text, err=True)).run(suggested=suggested)


def _tell(report: Report, file: Path | None) -> None:
    text = json.dumps(report.as_json(), indent=2, ensure_ascii=False)
    if file is not None:
        file.write_text(text + "\n", "utf-8")
    click.echo(text)
