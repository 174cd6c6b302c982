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
@click.option(
    "--full", is_flag=True, help="All products, not only those that changed, and attributes and categories again."
)
@common.json_option
def sync(*, title: str | None, full: bool, as_json: bool) -> None:
    """Read products, stock and prices that changed. The first time, attributes and categories too."""
    from connector.services import snapshots, stores
    from connector.store.models import MagentoStore, Product

    ctx = common.context()
    wanted = [store for store in MagentoStore.select() if title in {None, store.title}]
    if not wanted:
        raise ConfigurationError("There is no such store. Add one in the admin under Stores, or run: connector demo")
    done = {}
    for store in wanted:
        with common.stages(store.title, quiet=as_json) as show:
            if full or store.metadata_at is None:
                show("attributes and categories")
                stores.refresh_metadata(ctx, store, actor="command line")
            known = Product.select().where(Product.store == store).count() if full else 0
            read = snapshots.sync(ctx, store, full=full, progress=_counting(show, "products", known))
            show("stock")
            stock = snapshots.sync_stock(ctx, store)
            show("prices")
            prices = snapshots.sync_prices(ctx, store)
        done[store.title] = asdict(read) | {"stock_changes": stock, "price_changes": prices}
    common.report(
        done,
        as_json=as_json,
        text=lambda: "\n\n".join(f"{name}\n{common.pairs(counts)}" for name, counts in done.items()),
    )


def _counting(show: common.Show, text: str, total: int) -> common.Advance:
    """Makes “so many more” into “so many of `total`”."""
    done = 0

    def advance(more: int) -> None:
        nonlocal done
        done += more
        show(text, done, max(total, done) if total else 0)

    return advance
