"""`connector rules`: check, format, test, explain and match rule files, on a catalogue folder or the store's products."""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import click

from connector.cli import common, rules_versions
from connector.cli.rules_options import (
    catalog_option,
    connected_account,
    currency_option,
    day,
    iso,
    paths_argument,
    problems_text,
    refusing,
    source,
    store_option,
    today_option,
    where,
)
from connector.errors import ConfigurationError, PriceError
from connector.rules import tools, tree
from connector.rules.explain import Explanation
from connector.rules.ladder import Ladder
from connector.rules.problems import Severity
from connector.rules.rule_tests import TestResult
from connector.rules.ruleset import load


@click.group()
def rules() -> None:
    """Check, format, test, explain, preview and activate rules.

    PATHS are rule files or folders of them; without any, the folder `rules`. Products are those of a catalogue folder
    (--catalog), else those of this installation's store.
    """


@rules.command("check")
@paths_argument
@catalog_option
@store_option
@today_option
@click.option("--lint/--no-lint", "with_lint", default=True, help="Also warn about what looks odd.")
@common.json_option
@click.pass_context
def check_command(
    ctx: click.Context,
    *,
    paths: tuple[Path, ...],
    catalog: Path | None,
    title: str | None,
    today: dt.datetime | None,
    with_lint: bool,
    as_json: bool,
) -> None:
    """Say everything that is wrong with rule files. Exit status 1 when there is an error."""
    found = source(catalog, title)
    installed = _installed() if catalog is None else {}
    problems = tools.check(where(paths), found, day(today), with_lint=with_lint, **installed)
    common.report([each.as_json() for each in problems], as_json=as_json, text=lambda: problems_text(problems))
    ctx.exit(1 if any(each.severity is Severity.ERROR for each in problems) else 0)


@rules.command("format")
@paths_argument
@click.option("--check", "only_check", is_flag=True, help="Change nothing; exit status 1 when a file would change.")
@common.json_option
@click.pass_context
def format_command(ctx: click.Context, *, paths: tuple[Path, ...], only_check: bool, as_json: bool) -> None:
    """Write rule files in their one normal form; comments stay."""
    changed = refusing(ctx, lambda: tools.format_files(where(paths), write=not only_check), as_json=as_json)
    word = "not in normal form" if only_check else "rewritten"
    text = "\n".join(f"{path}: {word}" for path in changed) or "All files are in normal form."
    common.report([str(path) for path in changed], as_json=as_json, text=lambda: text)
    ctx.exit(1 if changed and only_check else 0)


@rules.command("test")
@paths_argument
@catalog_option
@store_option
@currency_option
@common.json_option
@click.pass_context
def test_command(
    ctx: click.Context,
    *,
    paths: tuple[Path, ...],
    catalog: Path | None,
    title: str | None,
    currency: str,
    as_json: bool,
) -> None:
    """Run the tests that rule files bring along. Exit status 1 when one fails."""
    folder = source(catalog, title)
    results = refusing(ctx, lambda: tools.test(where(paths), folder, iso(currency)), as_json=as_json)
    common.report([each.as_json() for each in results], as_json=as_json, text=lambda: _results(results))
    ctx.exit(0 if all(each.passed for each in results) else 1)


@rules.command("match")
@paths_argument
@catalog_option
@store_option
@currency_option
@today_option
@click.option("--engine", type=click.Choice(["python", "sql"]), default="python", show_default=True)
@common.json_option
@click.pass_context
def match_command(
    ctx: click.Context,
    *,
    paths: tuple[Path, ...],
    catalog: Path | None,
    title: str | None,
    currency: str,
    today: dt.datetime | None,
    engine: str,
    as_json: bool,
) -> None:
    """Assign and price every product of a catalogue folder."""
    folder = source(catalog, title)
    run = _engine(engine)
    result = refusing(ctx, lambda: run(where(paths), folder, iso(currency), day(today)), as_json=as_json)
    found = result.as_json()
    if as_json:
        click.echo(json.dumps(found, indent=2, ensure_ascii=False))
        return
    for template, skus in found["assign"].items():
        click.echo(f"{template}: {len(skus)} products")
    for rule, prices in found["prices"].items():
        click.echo(f"{rule}: {len(prices)} prices")
    click.echo(f"{len(found['overlaps'])} overlaps, {len(found['held_back'])} held back, version {found['version']}")


def _installed() -> dict[str, frozenset[str]]:
    """What the installation's templates are called and which price rules they use."""
    from connector.services.price_use import template_names, used_prices

    return {"used_prices": used_prices(), "templates": template_names()}


def _engine(name: str) -> Callable[..., Any]:
    if name == "python":
        return tools.match
    from connector.cli.rules_sql import match_sql

    return match_sql


@rules.command("explain")
@click.argument("sku")
@paths_argument
@catalog_option
@store_option
@currency_option
@today_option
@common.json_option
@click.pass_context
def explain_command(
    ctx: click.Context,
    *,
    sku: str,
    paths: tuple[Path, ...],
    catalog: Path | None,
    title: str | None,
    currency: str,
    today: dt.datetime | None,
    as_json: bool,
) -> None:
    """Say why a product joins what it joins and costs what it costs.

    Without PATHS and --catalog by the active version, with what was decided by it when.
    """
    products = source(catalog, title)
    files = None if paths or catalog is not None else rules_versions.active_files()

    def explain() -> tools.ProductExplained:
        rule_set = rules_versions.checked(files, products) if files else _loaded(paths, products)
        return tools.explain_sku(sku, rule_set, products, iso(currency), day(today))

    found = refusing(ctx, explain, as_json=as_json)
    decided = _decided(sku) if catalog is None else []
    data = found.as_json() | ({"decisions": decided} if catalog is None else {})
    common.report(data, as_json=as_json, text=lambda: "\n".join([_explained(found), *map(_decision, decided)]))


def _loaded(paths: Sequence[Path], products: tools.Source) -> tree.RuleSet:
    return load(where(paths), products.metadata.catalogue, products.functions)


def _decided(sku: str) -> list[dict[str, Any]]:
    """What the installation keeps of its decisions on a product."""
    from connector.services.decisions import decided

    return decided(sku)


def _decision(each: Mapping[str, Any]) -> str:
    place = (
        f"{each['file']}:{each['line']} of version {each['version']}" if each["file"] else f"version {each['version']}"
    )
    by = "pinned by hand" if each["pinned"] else f"by “{each['rule']}” ({place})"
    return f"\nin “{each['account']}”: {each['template'] or 'no template'}, {by}"


@rules.command("suggest")
@catalog_option
@store_option
@click.option("--out", type=click.Path(path_type=Path, dir_okay=False), help="Write it to this file.")
@click.option("--account", help="Also ask this account's marketplace for a category for each template.")
@click.option("--create", is_flag=True, help="With --account: make the templates that are not there yet.")
@currency_option
@common.json_option
def suggest_command(
    *,
    catalog: Path | None,
    title: str | None,
    out: Path | None,
    account: str | None,
    create: bool,
    currency: str,
    as_json: bool,
) -> None:
    """Write a first set of rules for a catalogue, and propose its templates."""
    from connector.rules.suggest import suggest

    if create and not account:
        raise ConfigurationError("--create makes templates of an account: name it with --account.")
    if out is not None and out.exists():
        raise ConfigurationError(f"{out} exists; it is not overwritten.")
    folder = source(catalog, title)
    text = suggest(folder, iso(currency))
    templates = _proposed(folder, account, create=create, quiet=as_json) if account else None
    if out is not None:
        out.write_text(text, encoding="utf-8", newline="\n")
    if as_json:
        common.report({"rules": text, "file": str(out) if out else None, "templates": templates}, as_json=True)
        return
    click.echo(f"{out} written." if out else text, nl=out is not None)
    if templates is not None:
        columns = ("template", "products", "category_id", "category_path")
        click.echo(common.table(columns, [[one[name] for name in columns] for one in templates]), err=out is None)


def _proposed(folder: tools.Source, account: str, *, create: bool, quiet: bool) -> list[dict[str, Any]]:
    """Templates with the marketplace's categories.

    Raises:
        ConfigurationError: there is no such account, or it is not connected.
    """
    from connector.services import starting

    ctx, row = connected_account(account)
    with common.progress("Asking the marketplace for categories", quiet=quiet):
        found = starting.propose(ctx, row, folder)
    made = starting.create(ctx, row, found, actor="rules suggest") if create else 0
    if create and not quiet:
        click.echo(f"{made} templates made.", err=True)
    return [
        {
            "template": one.suggestion.template,
            "query": one.suggestion.query,
            "products": one.suggestion.products,
            "category_id": one.category_id,
            "category_path": one.category_path,
        }
        for one in found
    ]


def _results(results: Sequence[TestResult]) -> str:
    lines = []
    for each in results:
        lines.append(f"{'passed' if each.passed else 'FAILED'}  {each.name}")
        lines += [f"        {each.file}:{line}: {message}" for line, message in each.failures]
    passed = sum(each.passed for each in results)
    return "\n".join([*lines, f"{passed} of {len(results)} tests passed"])


_LEFT_ALONE = "No rule looks at it. Rules assign configurables and simple products; they price simple products, variants included."


def _explained(found: tools.ProductExplained) -> str:
    lines = [f"{found.sku}  (rules {found.version[:12]})"]
    lines += [f"held back: {sku}: {reason}" for sku, _, reason in found.held_back]
    if not (found.assignments or any(found.prices.values()) or found.held_back):
        lines.append(_LEFT_ALONE)
    by_account = any(each.account is not None for each in found.assignments)
    for each in found.assignments:
        result = _joins(each.wins, by_account=by_account) if each.explanation.holds else "does not match"
        lines += ["", f"assign “{each.template}”  {each.file}:{each.line}  {result}"]
        lines += _condition(each.explanation, 1)
    for rule, by_sku in found.prices.items():
        for sku, price in by_sku.items():
            lines += ["", f"price “{rule}” of {sku}"]
            for case in found.cases[rule][sku]:
                lines += _condition(case, 1)
            lines += _ladder(price)
    return "\n".join(lines)


def _joins(wins: Sequence[str | None], *, by_account: bool) -> str:
    """On which accounts an assignment that matches wins; None are those that no rule names."""
    if not wins or not by_account:
        return "joins" if wins else "matches, another wins"
    names = [f"“{account}”" for account in wins if account is not None]
    return f"joins on {', '.join([*names, *(['other accounts'] if None in wins else [])])}"


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


for _command in (
    rules_versions.preview_command,
    rules_versions.diff_command,
    rules_versions.versions_command,
    rules_versions.save_command,
    rules_versions.activate_command,
):
    rules.add_command(_command)
