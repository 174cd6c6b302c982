"""`connector catalog`."""

from __future__ import annotations

from dataclasses import asdict

import click

from connector.cli import common
from connector.errors import ConfigurationError


@click.group()
def catalog() -> None:
    """Read the store's products."""


@catalog.command("sync")
@click.option("--store", "title", help="Only the store of this title.  [default: every store]")
@click.option("--full", is_flag=True, help="All products, not only those that changed; finds deletions too.")
@common.json_option
def sync(*, title: str | None, full: bool, as_json: bool) -> None:
    """Read products, stock and prices that changed."""
    from connector.services import snapshots
    from connector.store.models import MagentoStore

    ctx = common.context()
    stores = [store for store in MagentoStore.select() if title in {None, store.title}]
    if not stores:
        raise ConfigurationError("There is no such store. Add one in the admin under Stores, or run: connector demo")
    done = {}
    for store in stores:
        with common.progress(store.title, quiet=as_json) as advance:
            read = snapshots.sync(ctx, store, full=full, progress=advance)
        stock, prices = snapshots.sync_stock(ctx, store), snapshots.sync_prices(ctx, store)
        done[store.title] = asdict(read) | {"stock_changes": stock, "price_changes": prices}
    common.report(
        done,
        as_json=as_json,
        text=lambda: "\n\n".join(f"{name}\n{common.pairs(counts)}" for name, counts in done.items()),
    )
