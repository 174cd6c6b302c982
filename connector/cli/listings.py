"""`connector listings`."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING

import click

from connector.cli import common
from connector.errors import ConfigurationError

if TYPE_CHECKING:
    from connector.store.models import Account

account_option = click.option("--account", "title", help="Only the account of this title.  [default: every active one]")


@click.group()
def listings() -> None:
    """Plan and publish listings, and count their states."""


@listings.command("plan")
@account_option
@common.json_option
def plan(*, title: str | None, as_json: bool) -> None:
    """Assign products by the rules, build drafts, and queue what the synchronization policy allows."""
    from connector.services import assignment, publishing

    ctx = common.context()
    done: dict[str, dict[str, object]] = {}
    for account in _accounts(title):
        with common.stages(account.title, quiet=as_json) as show:
            assigned = assignment.run(ctx, account, lambda step: show(step.doing, step.done, step.total))
            done[account.title] = {"listed": assigned.listed, "moved": assigned.changed, "overlaps": assigned.overlaps}
            show("drafts")
            done[account.title] |= asdict(publishing.plan(ctx, account, actor="command line"))
    common.report(
        done, as_json=as_json, text=lambda: "\n\n".join(f"{name}\n{common.pairs(c)}" for name, c in done.items())
    )


@listings.command("publish")
@click.argument("skus", nargs=-1)
@click.option("--all", "everything", is_flag=True, help="Every listing that has a draft.")
@account_option
@common.json_option
def publish(*, skus: tuple[str, ...], everything: bool, title: str | None, as_json: bool) -> None:
    """Queue uploads of the products with these SKUs; workers do them."""
    from connector.services import work
    from connector.store.models import Listing, Product

    if bool(skus) == everything:
        raise ConfigurationError("Name the SKUs: connector listings publish MH01 MH02, or --all for every listing.")
    ctx = common.context()
    accounts = [account.id for account in _accounts(title)]
    query = Listing.select(Listing.id).where(Listing.account.in_(accounts), Listing.draft.is_null(False))
    if skus:
        query = query.join(Product).where(Product.sku.in_(skus))
    asked = work.ask(ctx, "upload", [row.id for row in query], actor="command line")
    common.report({"queued": asked.queued, "already": asked.already}, as_json=as_json, text=lambda: str(asked))


@listings.command("status")
@account_option
@common.json_option
def status(*, title: str | None, as_json: bool) -> None:
    """How many listings are live, in review, refused, held back."""
    from connector.domain.listing import STATUS_LABELS, Status
    from connector.services import dashboard

    common.open_database(common.start())
    counts: dict[str, dict[str, int]] = {}
    for account in _accounts(title):
        states = {STATUS_LABELS[Status(s)]: n for s, n in dashboard.listing_states(account.id).items()}
        counts[account.title] = states | {"Held back": dashboard.invalid_listings(account.id)}
    common.report(
        counts, as_json=as_json, text=lambda: "\n\n".join(f"{name}\n{common.pairs(c)}" for name, c in counts.items())
    )


def _accounts(title: str | None) -> list[Account]:
    from connector.store.models import Account

    found = [account for account in Account.select().where(Account.active) if title in {None, account.title}]
    if not found:
        raise ConfigurationError(
            "There is no such account. Add one in the admin under Accounts, or run: connector demo"
        )
    return found
