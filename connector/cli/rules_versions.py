"""`connector rules preview | diff | versions | save | activate`: what a change would do, and the versions of an installation."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import click

from connector.cli import common
from connector.cli import rules_options as options
from connector.errors import ConfigurationError, RuleError
from connector.rules import tools, tree
from connector.rules.checker import check
from connector.rules.difference import Changed, differences
from connector.rules.preview import NO_RULES, Moved, Preview, preview
from connector.rules.products import day_fact
from connector.rules.ruleset import read_texts

ACTIVE = "active"
SHOWN = 10
"""SKUs that the text form shows of each list; `--json` has all."""

ACTOR = "command line"


@click.command("preview")
@options.paths_argument
@options.catalog_option
@options.store_option
@click.option("--against", default=ACTIVE, show_default=True, help="A version's number, rule files, or “active”.")
@options.currency_option
@options.today_option
@common.json_option
@click.pass_context
def preview_command(
    ctx: click.Context,
    *,
    paths: tuple[Path, ...],
    catalog: Path | None,
    title: str | None,
    against: str,
    currency: str,
    today: dt.datetime | None,
    as_json: bool,
) -> None:
    """What activating these files would change: who joins, leaves and moves, prices, overlaps, products held back."""
    source = options.source(catalog, title)
    old, new = _named(against, anywhere=catalog is None), _texts(ctx, options.where(paths), as_json=as_json)
    found = options.refusing(
        ctx, lambda: compare(old, new, source, options.iso(currency), options.day(today)), as_json=as_json
    )
    common.report(found.as_json(), as_json=as_json, text=lambda: preview_text(found))


@click.command("diff")
@click.argument("old")
@click.argument("new", default="rules")
@options.catalog_option
@options.store_option
@click.option("--effect", is_flag=True, help="Also what it would do to the products of the store or the folder.")
@options.currency_option
@options.today_option
@common.json_option
@click.pass_context
def diff_command(
    ctx: click.Context,
    *,
    old: str,
    new: str,
    catalog: Path | None,
    title: str | None,
    effect: bool,
    currency: str,
    today: dt.datetime | None,
    as_json: bool,
) -> None:
    """What differs between two versions, or a version and files. OLD and NEW are numbers, rule files, or “active”."""
    before, after = _named(old), _named(new)
    changed = options.refusing(ctx, lambda: differences(before, after), as_json=as_json)
    found = None
    if effect or catalog is not None:
        source = options.source(catalog, title)
        found = options.refusing(
            ctx, lambda: compare(before, after, source, options.iso(currency), options.day(today)), as_json=as_json
        )
    data: dict[str, Any] = {"changes": [each.as_json() for each in changed]}
    data |= {"effect": found.as_json()} if found else {}
    parts = [diff_text(changed), *([preview_text(found)] if found else [])]
    common.report(data, as_json=as_json, text=lambda: "\n\n".join(parts))


@click.command("versions")
@common.json_option
def versions_command(*, as_json: bool) -> None:
    """The versions of this installation, newest first."""
    options.open_installation()
    from connector.store.models import RuleSetVersion

    rows = list(RuleSetVersion.select().order_by(RuleSetVersion.number.desc()))
    data = [
        {
            "number": row.number,
            "sha256": row.sha256,
            "active": row.active,
            "author": row.author,
            "note": row.note,
            "created_at": row.created_at.isoformat(),
            "activated_at": row.activated_at.isoformat() if row.activated_at else None,
            "files": sorted(row.files),
        }
        for row in rows
    ]
    lines = [
        ("active" if row.active else "", row.number, row.sha256[:12], row.author, f"{row.created_at:%F %R}", row.note)
        for row in rows
    ]
    head = ("", "version", "digest", "by", "made (UTC)", "note")
    common.report(data, as_json=as_json, text=lambda: common.table(head, lines, empty="No version yet."))


@click.command("save")
@options.paths_argument
@click.option("--note", default="", help="Why, in a few words.")
@common.json_option
@click.pass_context
def save_command(ctx: click.Context, *, paths: tuple[Path, ...], note: str, as_json: bool) -> None:
    """Check and test files and keep them as a version, without making it active."""
    from connector.services import rulesets

    app = options.application()
    files = _texts(ctx, options.where(paths), as_json=as_json)
    row = options.refusing(ctx, lambda: rulesets.save(app, files, ACTOR, note), as_json=as_json)
    _kept(row, as_json=as_json)


@click.command("activate")
@click.argument("what", nargs=-1)
@click.option("--note", default="", help="Why, in a few words.")
@common.json_option
@click.pass_context
def activate_command(ctx: click.Context, *, what: tuple[str, ...], note: str, as_json: bool) -> None:
    """Check, test and activate: WHAT is a version's number, or rule files (without any, the folder `rules`).

    A set with errors or failing tests changes nothing: the version that was active stays.
    """
    from connector.services import periodic, rulesets
    from connector.store.models import Account

    app = options.application()
    files = _version(what[0]) if len(what) == 1 and what[0].isdecimal() else None
    if files is None:
        files = _texts(ctx, options.where([Path(each) for each in what]), as_json=as_json)
    row = options.refusing(ctx, lambda: rulesets.save_and_activate(app, files, ACTOR, note), as_json=as_json)
    periodic.hasten([f"assign:{account.id}" for account in Account.select(Account.id)], app.clock.now())
    _kept(row, as_json=as_json)


def _kept(row: Any, *, as_json: bool) -> None:
    state = "is active" if row.active else "is kept, not active"
    data = {"number": row.number, "sha256": row.sha256, "active": row.active}
    common.report(data, as_json=as_json, text=lambda: f"Version {row.number} ({row.sha256[:12]}) {state}.")


# Files and versions -------------------------------------------------------------------------------


def _named(what: str, *, anywhere: bool = True) -> Mapping[str, str]:
    """File name → text of a version by its number, of the active one, or of files.

    `anywhere` False: the active version where there is an installation, else nothing.
    """
    if what == ACTIVE:
        return _active(anywhere=anywhere)
    return _version(what) if what.isdecimal() else _read([Path(what)])


def active_files() -> Mapping[str, str]:
    """The text of the active version; empty when none is."""
    return _active(anywhere=True)


def _active(*, anywhere: bool) -> Mapping[str, str]:
    settings = common.start()
    scheme, _, path = settings.database_url.partition(":///")
    if not anywhere and scheme == "sqlite" and not Path(path).exists():
        return {}
    options.open_installation()
    from connector.store.models import RuleSetVersion

    row = RuleSetVersion.get_or_none(RuleSetVersion.active)
    return dict(row.files) if row else {}


def _version(number: str) -> Mapping[str, str]:
    options.open_installation()
    from connector.store.models import RuleSetVersion

    row = RuleSetVersion.get_or_none(RuleSetVersion.number == int(number))
    if row is None:
        raise ConfigurationError(f"There is no version {number}. Look at: connector rules versions")
    return dict(row.files)


def _read(paths: Sequence[Path]) -> Mapping[str, str]:
    texts, problems = read_texts(paths)
    if problems:
        raise RuleError(problems)
    return texts


def _texts(ctx: click.Context, paths: Sequence[Path], *, as_json: bool) -> Mapping[str, str]:
    return options.refusing(ctx, lambda: _read(paths), as_json=as_json)


def compare(
    old: Mapping[str, str], new: Mapping[str, str], source: tools.Source, currency: str, today: dt.date
) -> Preview:
    """What other files would do to the products of a source.

    Raises:
        RuleError: one of the two sets does not check.
    """
    before, after = checked(old, source) if old else NO_RULES, checked(new, source)
    catalogue = source.metadata.catalogue
    return preview(before, after, source.families(), catalogue, currency, day_fact(today), source.functions)


def checked(files: Mapping[str, str], source: tools.Source) -> tree.RuleSet:
    """Files as a set. Raises `RuleError` with everything that is wrong with them."""
    found = check(files, source.metadata.catalogue, source.functions)
    if found.rules is None:
        raise RuleError(found.problems)
    return found.rules


# As text ------------------------------------------------------------------------------------------


def diff_text(changed: Iterable[Changed]) -> str:
    """Every definition that differs, with the lines that went and came."""
    parts = [
        "\n".join([f"{each.what} {each.kind} “{each.name}”  {each.file}:{each.line}", *each.lines()])
        for each in changed
    ]
    return "\n\n".join(parts) or "The rules say the same."


def preview_text(found: Preview) -> str:
    """The differences for people: a few SKUs of each list."""
    if found.empty:
        return f"Nothing would change for {found.products:,} products."
    lines = [f"{found.products:,} products looked at"]
    for name, (before, after) in sorted(found.counts.items()):
        gained, lost = found.gained(name), found.lost(name)
        if gained or lost:
            lines.append(f"{name}: {before:,} → {after:,} products")
            lines += [f"  {sign} {_some(skus)}" for sign, skus in (("+", gained), ("-", lost)) if skus]
    moved = [each for each in found.moved if each.before is not None and each.after is not None]
    if moved:
        lines.append(f"moved to another template: {len(moved):,}")
        lines += [f"  {move}" for move in sorted(map(_move, moved))[:SHOWN]]
    for rule, prices in sorted(found.prices.items()):
        if prices:
            lines.append(f"price “{rule}”: {len(prices):,} differ")
            lines += [f"  {sku}  {each}" for sku, each in sorted(prices.items())[:SHOWN]]
    for title, held in (("held back", found.held_back), ("no longer held back", found.released)):
        if held:
            lines.append(f"{title}: {len(held):,}")
            lines += [f"  {each.reason} (price “{each.rule}”, line {each.line})" for each in held[:SHOWN]]
    if found.overlaps:
        lines.append(f"overlaps: {len(found.overlaps):,}")
        lines += [f"  {each.sku}: {', '.join(each.templates)}" for each in found.overlaps[:SHOWN]]
    return "\n".join(lines)


def _move(each: Moved) -> str:
    where = "" if each.account is None else f"  (account “{each.account}”)"
    return f"{each.sku}: {each.before} → {each.after}{where}"


def _some(skus: Sequence[str]) -> str:
    more = f" and {len(skus) - SHOWN:,} more" if len(skus) > SHOWN else ""
    return ", ".join(skus[:SHOWN]) + more
