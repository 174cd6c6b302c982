"""`connector`, the command line. Each command is a module of this package, imported when it is called for."""

from __future__ import annotations

import difflib
import importlib
import sys
from collections.abc import Sequence
from typing import NoReturn

import click

from connector import __version__

COMMANDS = {
    "demo": "Show everything on a store and a marketplace of our own.",
    "sandbox": "Run a TikTok Shop and a Magento of our own.",
    "migrate": "Bring the database's tables up to this version.",
    "up": "Run everything on this machine: Redis, web, workers, scheduler.",
    "web": "Serve the admin, the OAuth return address and the webhooks.",
    "worker": "Do the work of the queue.",
    "scheduler": "Run recurring work.",
    "catalog": "Read the store's products.",
    "listings": "Plan and publish listings, and count their states.",
    "orders": "Import marketplace orders.",
    "queue": "List, retry and cancel work.",
    "rules": "Check, format, test, explain, preview and activate rules.",
    "users": "Add people who may log in to the admin, and list them.",
    "doctor": "Check settings, database, Redis and both remote systems, and say what to do.",
}
"""Name of a command, which is also its module's and its function's, and its one-line help; in the order of the help."""


class LazyGroup(click.Group):
    """Shows its help without importing a command."""

    def list_commands(self, _ctx: click.Context) -> list[str]:
        return list(COMMANDS)

    def get_command(self, _ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in COMMANDS:
            return None
        command: click.Command = getattr(importlib.import_module(f"connector.cli.{cmd_name}"), cmd_name)
        return command

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        near = difflib.get_close_matches(args[0], COMMANDS, n=1)
        if args[0] not in COMMANDS and near:
            ctx.fail(f"No such command “{args[0]}”; did you mean “{near[0]}”?")
        return super().resolve_command(ctx, args)

    def format_commands(self, _ctx: click.Context, formatter: click.HelpFormatter) -> None:
        with formatter.section("Commands"):
            formatter.write_dl(list(COMMANDS.items()))


@click.group(cls=LazyGroup, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 110})
@click.version_option(__version__, prog_name="connector")
@click.option("-v", "--verbose", is_flag=True, help="Log what happens, also in commands that otherwise only report.")
@click.pass_context
def connector(ctx: click.Context, *, verbose: bool) -> None:
    """Sells a Magento 2 catalogue on TikTok Shop.

    Settings are environment variables named CONNECTOR_…; none has to be set. `connector doctor` checks them.
    """
    ctx.meta["connector.verbose"] = verbose
    ctx.call_on_close(_disconnect)


def _disconnect() -> None:
    """Close what the command left open in the database."""
    from connector.store.database import disconnect

    disconnect()


def main(arguments: Sequence[str] | None = None) -> NoReturn:
    """The entry point: runs a command and turns whatever happens into an exit status and, at most, a sentence.

    0 done · 1 a problem that the sentence names · 2 wrong usage · 70 a fault of ours, in the log file named · 130 Ctrl-C
    """
    from connector.cli.edge import run

    sys.exit(run(connector, sys.argv[1:] if arguments is None else arguments))
