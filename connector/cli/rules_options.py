"""What the commands of `connector rules` share: arguments, where products come from, how problems are said."""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, NoReturn, TypeVar

import click

from connector.cli import common
from connector.errors import ConfigurationError, RuleError
from connector.rules import tools
from connector.rules.problems import Problem, Severity
from connector.rules.ruleset import TextError

if TYPE_CHECKING:
    from connector.services.context import Context
    from connector.store.models import Account, MagentoStore

T = TypeVar("T")

paths_argument = click.argument("paths", nargs=-1, type=click.Path(path_type=Path))
catalog_option = click.option(
    "--catalog",
    type=click.Path(path_type=Path, file_okay=False),
    help="Catalogue folder: products.jsonl, attributes.json, categories.json, attribute_sets.json."
    "  [default: the products of this installation's store]",
)
store_option = click.option(
    "--store", "title", help="Without --catalog: the store of this title.  [default: the first]"
)
currency_option = click.option("--currency", default="USD", show_default=True, help="Currency of the prices, ISO 4217.")
today_option = click.option(
    "--today",
    type=click.DateTime(["%Y-%m-%d"]),
    default=None,
    help="The day that `today` means.  [default: the day it is]",
)


def where(paths: Sequence[Path]) -> list[Path]:
    """The paths given, else the folder `rules`."""
    return list(paths) or [Path("rules")]


def day(today: dt.datetime | None) -> dt.date:
    """The day given, else the day it is in UTC."""
    return today.date() if today else dt.datetime.now(dt.UTC).date()


def iso(currency: str) -> str:
    """The currency's code. Raises `ConfigurationError` for what is none."""
    from babel.numbers import list_currencies

    if currency not in list_currencies():
        raise ConfigurationError(f"“{currency}” is no currency: write its ISO 4217 code, such as USD.")
    return currency


def source(catalog: Path | None, title: str | None) -> tools.Source:
    """A catalogue folder, or the products of this installation's store.

    Raises:
        ConfigurationError: the folder is none, or there is no store and no folder was named.
    """
    if catalog is not None:
        return tools.Folder.open(catalog)
    from connector.services.rule_source import StoreProducts

    return StoreProducts.of(installed_store(title))


def installed_store(title: str | None = None) -> MagentoStore:
    """A store of this installation. Raises `ConfigurationError` where there is none."""
    open_installation()
    from connector.store.models import MagentoStore

    query = MagentoStore.select().order_by(MagentoStore.id)
    store: MagentoStore | None = (query if title is None else query.where(MagentoStore.title == title)).first()
    if store is None:
        which = "no store yet" if title is None else f"no store called “{title}”"
        raise ConfigurationError(f"This installation has {which}. Name a catalogue folder instead: --catalog DIR")
    return store


_OPEN = "connector.database_open"


def open_installation() -> None:
    """Open the database, once a command. Raises `ConfigurationError` where there is none."""
    if click.get_current_context().meta.setdefault(_OPEN, False):
        return
    try:
        common.open_database(common.start())
    except ConfigurationError as error:
        raise ConfigurationError(
            f"{str(error).rstrip('.')}. Without a database, name a catalogue folder: --catalog DIR"
        ) from error
    click.get_current_context().meta[_OPEN] = True


def application() -> Context:
    """What services work with, on the open database. Raises as `common.context` does."""
    found = common.context()
    click.get_current_context().meta[_OPEN] = True
    return found


def connected_account(title: str) -> tuple[Context, Account]:
    """An account whose marketplace can be asked. Raises `ConfigurationError` where there is none of this title."""
    ctx = application()
    from connector.store.models import Account

    rows = [row for row in Account.select().order_by(Account.id) if row.connected]
    row = next((row for row in rows if row.title == title), None)
    if row is None:
        known = ", ".join(f"“{row.title}”" for row in rows) or "none: connect one in the admin under Accounts"
        raise ConfigurationError(f"There is no connected account called “{title}”. There is {known}.")
    return ctx, row


def refusing(ctx: click.Context, work: Callable[[], T], *, as_json: bool) -> T:
    """The result; where rules do not check, their problems and exit status 1."""
    try:
        return work()
    except (RuleError, TextError) as error:
        refuse(ctx, error.problems if isinstance(error, RuleError) else (error.problem,), as_json=as_json)


def refuse(ctx: click.Context, problems: Sequence[Problem], *, as_json: bool) -> NoReturn:
    """Say what is wrong with rules, and end with exit status 1."""
    if as_json:
        click.echo(json.dumps({"problems": [each.as_json() for each in problems]}, indent=2, ensure_ascii=False))
    else:
        click.echo(problems_text(problems), err=True)
    ctx.exit(1)


def problems_text(problems: Sequence[Problem]) -> str:
    """Every problem with its line and caret, and how many there are."""
    if not problems:
        return "No problem found."
    errors = sum(each.severity is Severity.ERROR for each in problems)
    counted = f"{_count(errors, 'error')}, {_count(len(problems) - errors, 'warning')}"
    return "\n".join([*map(str, problems), counted])


def _count(number: int, word: str) -> str:
    """`1 error`, `2 errors`."""
    return f"{number:,} {word}{'' if number == 1 else 's'}"
