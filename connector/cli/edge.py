"""Where exceptions become sentences and exit statuses. Nobody who types a command sees a traceback."""

from __future__ import annotations

import os
import sys
import tempfile
import traceback
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

import click

from connector.errors import ConnectorError

DONE, PROBLEM, FAULT, INTERRUPTED = 0, 1, 70, 130
"""Exit statuses: 70 is EX_SOFTWARE of sysexits.h, 130 what shells give a program that Ctrl-C ended."""


def run(command: click.Command, arguments: Sequence[str]) -> int:
    """Run a command; the exit status. A command says its own status by `ctx.exit(status)`."""
    try:
        result = command.main(list(arguments), prog_name="connector", standalone_mode=False)
    except click.ClickException as error:
        error.show()
        return error.exit_code
    except (click.Abort, KeyboardInterrupt):
        return INTERRUPTED
    except ConnectorError as error:
        click.echo(f"Error: {error}", err=True)
        return PROBLEM
    except BrokenPipeError:
        # The reader (`| head`) has seen enough. Python flushes once more at exit: give it somewhere to flush to.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return DONE
    except Exception as error:  # noqa: BLE001  # the last resort: kept in full in a file, told in a sentence
        click.echo(f"Error: an unexpected fault, {type(error).__name__}. The details are in {_keep(error)}", err=True)
        return FAULT
    return result if isinstance(result, int) else DONE


def _keep(error: Exception) -> Path:
    """Write the traceback, without secrets, to the log folder, or to the temporary one where that cannot be written."""
    from connector.logs import redact_text

    text = f"{datetime.now(UTC).isoformat()} {' '.join(sys.argv)}\n{''.join(traceback.format_exception(error))}\n"
    folder = Path(os.environ.get("CONNECTOR_VAR_DIR") or "var").expanduser() / "log"
    for place in (folder, Path(tempfile.gettempdir())):
        try:
            place.mkdir(parents=True, exist_ok=True)
            file = (place / "connector-errors.log").resolve()
            with file.open("a") as log:
                log.write(redact_text(text))
        except OSError:
            continue
        return file
    sys.stderr.write(redact_text(text))
    return Path("the lines above")
