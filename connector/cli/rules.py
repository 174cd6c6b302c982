"""`connector rules`: check, format, test, explain and match rule files, with a catalogue folder and no database."""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, TypeVar

import click

from connector.cli import common
from connector.errors import ConfigurationError, ConnectorError, PriceError, RuleError
from connector.rules import tools
from connector.rules.explain import Explanation
from connector.rules.ladder import Ladder
from connector.rules.problems import Problem, Severity
from connector.rules.rule_tests import TestResult
from connector.rules.ruleset import TextError

F = TypeVar("F", bound=Callable[..., Any])

_paths = click.argument("paths", nargs=-1, type=click.Path(path_type=Path))
_catalog = click.option(
    "--catalog",
    type=click.Path(path_type=Path, file_okay=False),
    required=True,
    help="Catalogue folder: products.jsonl, attributes.json, categories.json, attribute_sets.json.",
)
_currency = click.option("--currency", default="USD", show_default=True, help="Currency of the prices, ISO 4217.")
_today = click.option(
    "--today",
    type=click.DateTime(["%Y-%m-%d"]),
    default=None,
    help="The day that `today` means.  [default: the day it is]",
)


@click.group()
def rules() -> None:
    """Check, format, test, explain and match rule files.

    PATHS are rule files or folders of them; without any, the folder `rules`.
    """


@rules.command("check")
@_paths
@_catalog
@_today
@click.option("--lint/--no-lint", "with_lint", default=True, help="Also warn about what looks odd.")
@common.json_option
@click.pass_context
def check_command(
    ctx: click.Context,
    *,
    paths: tuple[Path, ...],
    catalog: Path,
    today: dt.datetime | None,
    with_lint: bool,
    as_json: bool,
) -> None:
    """Say everything that is wrong with rule files. Exit status 1 when there is an error."""
    problems = tools.check(_where(paths), tools.Folder.open(catalog), _day(today), with_lint=with_lint)
    common.report([each.as_json() for each in problems], as_json=as_json, text=lambda: _problems(problems))
    ctx.exit(1 if any(each.severity is Severity.ERROR for each in problems) else 0)


@rules.command("format")
@_paths
@click.option("--check", "only_check", is_flag=True, help="Change nothing; exit status 1 when a file would change.")
@common.json_option
@click.pass_context
def format_command(ctx: click.Context, *, paths: tuple[Path, ...], only_check: bool, as_json: bool) -> None:
    """Write rule files in their one normal form; comments stay."""
    changed = _refusing(ctx, lambda: tools.format_files(_where(paths), write=not only_check), as_json=as_json)
    word = "not in normal form" if only_check else "rewritten"
    text = "\n".join(f"{path}: {word}" for path in changed) or "All files are in normal form."
    common.report([str(path) for path in changed], as_json=as_json, text=lambda: text)
    ctx.exit(1 if changed and only_check else 0)


@rules.command("test")
@_paths
@_catalog
@_currency
@common.json_option
@click.pass_context
def test_command(ctx: click.Context, *, paths: tuple[Path, ...], catalog: Path, currency: str, as_json: bool) -> None:
    """Run the tests that rule files bring along. Exit status 1 when one fails."""
    folder = tools.Folder.open(catalog)
    results = _refusing(ctx, lambda: tools.test(_where(paths), folder, _iso(currency)), as_json=as_json)
    common.report([each.as_json() for each in results], as_json=as_json, text=lambda: _results(results))
    ctx.exit(0 if all(each.passed for each in results) else 1)


@rules.command("match")
@_paths
@_catalog
@_currency
@_today
@click.option("--engine", type=click.Choice(["python", "sql"]), default="python", show_default=True)
@common.json_option
@click.pass_context
def match_command(
    ctx: click.Context,
    *,
    paths: tuple[Path, ...],
    catalog: Path,
    currency: str,
    today: dt.datetime | None,
    engine: str,
    as_json: bool,
) -> None:
    """Assign and price every product of a catalogue folder."""
    folder = tools.Folder.open(catalog)
    run = _engine(engine)
    result = _refusing(ctx, lambda: run(_where(paths), folder, _iso(currency), _day(today)), as_json=as_json)
    found = result.as_json()
    if as_json:
        click.echo(json.dumps(found, indent=2, ensure_ascii=False))
        return
    for template, skus in found["assign"].items():
        click.echo(f"{template}: {len(skus)} products")
    for rule, prices in found["prices"].items():
        click.echo(f"{rule}: {len(prices)} prices")
    click.echo(f"{len(found['overlaps'])} overlaps, {len(found['held_back'])} held back, version {found['version']}")


def _engine(name: str) -> Callable[..., Any]:
    if name == "python":
        return tools.match
    from connector.cli.rules_sql import match_sql

    return match_sql


@rules.command("explain")
@click.argument("sku")
@_paths
@_catalog
@_currency
@_today
@common.json_option
@click.pass_context
def explain_command(
    ctx: click.Context,
    *,
    sku: str,
    paths: tuple[Path, ...],
    catalog: Path,
    currency: str,
    today: dt.datetime | None,
    as_json: bool,
) -> None:
    """Say why a product joins what it joins and costs what it costs."""
    folder = tools.Folder.open(catalog)

    def explain() -> tools.ProductExplained:
        return tools.explain_sku(sku, _where(paths), folder, _iso(currency), _day(today))

    found = _refusing(ctx, explain, as_json=as_json)
    common.report(found.as_json(), as_json=as_json, text=lambda: _explained(found))


@rules.command("suggest")
@_catalog
@click.option("--out", type=click.Path(path_type=Path, dir_okay=False), help="Write it to this file.")
@_currency
def suggest_command(*, catalog: Path, out: Path | None, currency: str) -> None:
    """Write a first set of rules for a catalogue."""
    from connector.rules.suggest import suggest

    text = suggest(tools.Folder.open(catalog), _iso(currency))
    if out is None:
        click.echo(text, nl=False)
        return
    if out.exists():
        raise ConfigurationError(f"{out} exists; it is not overwritten.")
    out.write_text(text, encoding="utf-8", newline="\n")
    click.echo(f"{out} written.")


def _where(paths: Sequence[Path]) -> list[Path]:
    return list(paths) or [Path("rules")]


def _day(today: dt.datetime | None) -> dt.date:
    return today.date() if today else dt.datetime.now(dt.UTC).date()


def _iso(currency: str) -> str:
    if len(currency) != 3 or not (currency.isascii() and currency.isupper()):
        raise ConfigurationError(f"“{currency}” is no currency: write its ISO 4217 code, such as USD.")
    return currency


T = TypeVar("T")


def _refusing(ctx: click.Context, work: Callable[[], T], *, as_json: bool) -> T:
    """The result; where rules do not check, their problems and exit status 1."""
    try:
        return work()
    except (RuleError, TextError) as error:
        problems = error.problems if isinstance(error, RuleError) else (error.problem,)
        if as_json:
            click.echo(json.dumps({"problems": [each.as_json() for each in problems]}, indent=2, ensure_ascii=False))
        else:
            click.echo(_problems(problems), err=True)
        ctx.exit(1)
        raise ConnectorError("unreachable: exit raises") from None


def _problems(problems: Sequence[Problem]) -> str:
    if not problems:
        return "No problem found."
    errors = sum(each.severity is Severity.ERROR for each in problems)
    return "\n".join([*map(str, problems), f"{errors} errors, {len(problems) - errors} warnings"])


def _results(results: Sequence[TestResult]) -> str:
    lines = []
    for each in results:
        lines.append(f"{'passed' if each.passed else 'FAILED'}  {each.name}")
        lines += [f"        {each.file}:{line}: {message}" for line, message in each.failures]
    passed = sum(each.passed for each in results)
    return "\n".join([*lines, f"{passed} of {len(results)} tests passed"])


def _explained(found: tools.ProductExplained) -> str:
    lines = [f"{found.sku}  (rules {found.version[:12]})"]
    lines += [f"held back: {sku}: {reason}" for sku, _, reason in found.held_back]
    for each in found.assignments:
        joins = "joins" if each.wins else "matches, another wins" if each.explanation.holds else "does not match"
        lines += ["", f"assign “{each.template}”  {each.file}:{each.line}  {joins}"]
        lines += _condition(each.explanation, 1)
    for rule, by_sku in found.prices.items():
        for sku, price in by_sku.items():
            lines += ["", f"price “{rule}” of {sku}"]
            for case in found.cases[rule][sku]:
                lines += _condition(case, 1)
            lines += _ladder(price)
    return "\n".join(lines)


def _condition(each: Explanation, depth: int) -> list[str]:
    mark = "✓" if each.holds else "✗"
    seen = ", ".join(f"{name}: {value or 'empty'}" for name, value in each.values.items())
    about = f"  {each.sku}:" if each.sku else ""
    decided = "  ←" if each.decides and not each.parts else ""
    first = f"{'  ' * depth}{mark}{about} {each.text}" + (f"   [{seen}]" if seen else "") + decided
    return [first, *(line for part in each.parts for line in _condition(part, depth + 1))]


def _ladder(price: Ladder | PriceError) -> list[str]:
    if isinstance(price, PriceError):
        return [f"  held back: {price.reason} (line {price.line})"]
    width = max(len(step.text) for step in price.steps)
    return [f"  {step.text.ljust(width)}  {step.amount:f}" for step in price.steps]
