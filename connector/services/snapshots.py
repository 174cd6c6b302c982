"""Store products in: page by page, unchanged ones left alone, changed ones marked for a new draft."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

from connector.domain.product import ProductSnapshot, Salable
from connector.errors import ConfigurationError
from connector.services import holding, offers, sources, variants
from connector.services.context import Context
from connector.store.database import transaction
from connector.store.models import Listing, MagentoStore, Product

OVERLAP = timedelta(minutes=10)
"""Window before the last high water that is read again: the store's clock and its transactions are not ours."""

SWEEP_EVERY = timedelta(hours=6)
"""How often the ids of all products are compared: a deletion leaves no trace in the store's lists."""

STOCK_BATCH = 100
Progress = Callable[[int], None]


@dataclass(frozen=True, slots=True)
class Synced:
    """What a run read and what of it was new, changed or gone."""

    read: int
    changed: int
    gone: int = 0

    def __str__(self) -> str:
        return f"{self.read} products read, {self.changed} new or changed, {self.gone} gone."


def sync(ctx: Context, store: MagentoStore, *, full: bool = False, progress: Progress = lambda _n: None) -> Synced:
    """Read products that changed since the last run, or all of them; deletions are found then, and by a look at all ids
    every `SWEEP_EVERY`."""
    catalog = ctx.remotes.catalog(store)
    started = ctx.clock.now()
    since = "" if full or not store.high_water else _text(_time(store.high_water) - OVERLAP)
    read = changed = 0
    configurables: list[ProductSnapshot] = []
    others: list[int] = []

    def keep(page: Sequence[ProductSnapshot]) -> None:
        nonlocal read, changed
        with transaction():
            changed += sum(_save(store, snapshot, started) for snapshot in page)
        configurables.extend(variants.listing(store, page))
        others.extend(snapshot.entity_id for snapshot in page)
        read += len(page)
        progress(len(page))

    for page in catalog.products(updated_from=since):
        keep(page)
    gone, swept = 0, store.swept_at
    if not since:
        gone, swept = _mark_gone(store, started), started
    elif swept is None or started - swept >= SWEEP_EVERY:
        missed, gone = _sweep(ctx, store)
        keep(missed)
        others += variants.every(store)
        swept = started
    link_variants(store, configurables)
    if since:  # else every configurable was read, with all that it lists
        with transaction():
            mark_stale(sorted(variants.settle(store, others)))
    MagentoStore.update(high_water=_text(started), synced_at=started, swept_at=swept).where(
        MagentoStore.id == store.id
    ).execute()
    return Synced(read, changed, gone)


def _sweep(ctx: Context, store: MagentoStore) -> tuple[list[ProductSnapshot], int]:
    """Compares the ids of all products: those that were missed, read; and how many are gone from the store."""
    catalog = ctx.remotes.catalog(store)
    known = {row.entity_id: row.id for row in Product.select().where(Product.store == store, ~Product.deleted)}
    missed = []
    listed = 0
    for page in catalog.product_ids():
        listed += len(page)
        missed += [number for number, _sku in page if known.pop(number, None) is None]
    _refuse_emptiness(store, listed, len(known))
    _mark_deleted(store, list(known.values()))
    return catalog.products_by_id(missed), len(known)


def refresh(ctx: Context, store: MagentoStore, skus: Sequence[str]) -> None:
    """Read some products anew by their SKUs."""
    catalog = ctx.remotes.catalog(store)
    now = ctx.clock.now()
    for sku in skus:
        snapshot = catalog.product(sku)
        with transaction():
            _save(store, snapshot, now)
        link_variants(store, variants.listing(store, [snapshot]))


def sync_stock(ctx: Context, store: MagentoStore, skus: Sequence[str] | None = None) -> int:
    """Read what the store can promise of each simple product, and what its sources hold where a policy chooses among
    them; the number of changes."""
    catalog = ctx.remotes.catalog(store)
    codes = sources.counting(catalog, store)
    changed = 0
    for rows in _simple(store, skus):
        began, wanted = ctx.clock.now(), [row.sku for row in rows]
        found = catalog.salable(store.website_code, wanted)
        held = catalog.source_quantities(wanted, codes) if codes else {}
        with transaction():
            for row in rows:
                pieces = None if codes is None else sources.as_text(held.get(row.sku, {}), codes)
                changed += _save_stock(row, found.get(row.sku), pieces)
            _know_stock(store, rows, began)
    return changed


def _know_stock(store: MagentoStore, rows: Sequence[Product], began: datetime) -> None:
    """From here on the stock knows of store orders made before the read began: what was held back for them is free."""
    skus = [row.sku for row in rows]
    before = holding.kept(skus, store_id=store.id)
    Product.update(stock_at=began).where(Product.id.in_([row.id for row in rows])).execute()
    after = holding.kept(skus, store_id=store.id)
    mark_stale([row.id for row in rows if before.get(row.sku) != after.get(row.sku)])


def sync_prices(ctx: Context, store: MagentoStore) -> int:
    """Read regular prices, which the store changes without touching `updated_at`; the number of changes."""
    catalog = ctx.remotes.catalog(store)
    changed = 0
    for rows in _simple(store, None):
        prices = catalog.prices([row.sku for row in rows])
        with transaction():
            changed += sum(_save_price(row, prices[row.sku]) for row in rows if row.sku in prices)
    return changed


def link_variants(store: MagentoStore, configurables: Iterable[ProductSnapshot]) -> None:
    """Tie variants to the configurable that they belong to, and untie those that none lists any more."""
    for configurable in configurables:
        with transaction():
            mark_stale(sorted(variants.tie(store, configurable)))


def mark_stale(product_ids: Sequence[int]) -> None:
    """Ask for new drafts of the listings of these products, or of the configurables they are variants of.

    Their facts are written anew for the rules as well.
    """
    for start in range(0, len(product_ids), 500):
        chunk = list(product_ids[start : start + 500])
        Product.update(facts_stale=True).where(Product.id.in_(chunk)).execute()
        column: Any = Product.parent
        parents = Product.select(column).where(Product.id.in_(chunk), Product.parent.is_null(False))
        listings = offers.hold(Listing.product.in_(chunk) | Listing.product.in_(parents))
        Listing.update(stale=True).where(Listing.id.in_(listings)).execute()


def mark_dated(store_id: int) -> int:
    """Ask for new drafts where a special price begins or ends on some day: the store changes nothing when it does. The number
    of products."""
    dated = Product.data.contains('"special_from_date"') | Product.data.contains('"special_to_date"')
    ids = [row.id for row in Product.select(Product.id).where(Product.store == store_id, ~Product.deleted, dated)]
    mark_stale(ids)
    return len(ids)


def _save(store: MagentoStore, snapshot: ProductSnapshot, now: datetime) -> bool:
    """Insert or update one product; True when anything about it is new."""
    digest = snapshot.digest()
    row = _row(store, snapshot)
    if row is not None and row.digest == digest and not row.deleted:
        Product.update(seen_at=now).where(Product.id == row.id).execute()
        return False
    images = snapshot.images
    values = {
        "entity_id": snapshot.entity_id,
        "sku": snapshot.sku,
        "name": snapshot.name,
        "type_id": snapshot.type_id,
        "enabled": snapshot.enabled,
        "image": images[0].file if images else "",
        "price": snapshot.price,
        "data": dict(snapshot.data),
        "digest": digest,
        "updated_at": snapshot.updated_at,
        "seen_at": now,
        "deleted": False,
    }
    if row is None:
        Product.create(store=store, **values)
    else:
        Product.update(**values).where(Product.id == row.id).execute()
        mark_stale([row.id])
    return True


def _row(store: MagentoStore, snapshot: ProductSnapshot) -> Product | None:
    """The row of a product. One that was deleted in the store and made again has another id there and keeps its row here,
    with its listings. A row that holds a SKU which the store gave to another product lets it go, and is read in its turn."""
    row: Product | None = Product.get_or_none(Product.store == store, Product.entity_id == snapshot.entity_id)
    other: Product | None = Product.get_or_none(Product.store == store, Product.sku == snapshot.sku)
    if other is None or (row is not None and other.id == row.id):
        return row
    if row is None and other.deleted:
        return other
    Product.update(sku=f"#{other.entity_id} {other.sku}").where(Product.id == other.id).execute()
    return row


def _mark_gone(store: MagentoStore, started: datetime) -> int:
    """Products that a look at all of them did not find."""
    unseen = Product.select(Product.id).where(Product.store == store, ~Product.deleted, Product.seen_at < started)
    gone = [row.id for row in list(unseen)]
    seen = Product.select().where(Product.store == store, ~Product.deleted, Product.seen_at >= started).count()
    _refuse_emptiness(store, seen, len(gone))
    _mark_deleted(store, gone)
    return len(gone)


def _refuse_emptiness(store: MagentoStore, listed: int, known: int) -> None:
    """A store that lists nothing at all has lost its index or our rights rather than all its products.

    Raises:
        ConfigurationError: nothing was listed although products are known; nothing was changed.
    """
    if known and not listed:
        raise ConfigurationError(
            f"{store.title} lists no products at all, and {known} are known: nothing was taken off. Check the store's index "
            "and the rights of the integration."
        )


def _mark_deleted(store: MagentoStore, product_ids: Sequence[int]) -> None:
    with transaction():
        for start in range(0, len(product_ids), 500):
            chunk = list(product_ids[start : start + 500])
            Product.update(deleted=True, enabled=False).where(Product.id.in_(chunk)).execute()
            mark_stale(chunk)
            rows = Product.select(Product.entity_id).where(Product.id.in_(chunk))
            mark_stale(sorted(variants.orphaned(store, [row.entity_id for row in rows])))


def _simple(store: MagentoStore, skus: Sequence[str] | None) -> Iterable[list[Product]]:
    last = 0
    while True:
        query = Product.select().where(
            Product.store == store,
            ~Product.deleted,
            Product.type_id.in_(("simple", "virtual", "downloadable")),
            Product.id > last,
        )
        if skus is not None:
            query = query.where(Product.sku.in_(list(skus)))
        rows = list(query.order_by(Product.id).limit(STOCK_BATCH))
        if not rows:
            return
        last = rows[-1].id
        yield rows


def _save_stock(row: Product, stock: Salable | None, pieces: Mapping[str, str] | None) -> bool:
    """Whether anything is new. Salable quantity and what sources hold are read and kept together: one is the other's limit."""
    quantity = stock.quantity if stock and stock.salable else Decimal(0)
    unlimited = bool(stock and stock.salable and stock.unlimited)
    if (row.salable, row.unlimited, row.sources) == (quantity, unlimited, pieces):
        return False
    Product.update(salable=quantity, unlimited=unlimited, sources=pieces).where(Product.id == row.id).execute()
    mark_stale([row.id])
    return True


def _save_price(row: Product, price: Decimal) -> bool:
    if row.price == price:
        return False
    data = {**row.data, "price": str(price)}
    Product.update(price=price, data=data, digest=ProductSnapshot(data).digest()).where(Product.id == row.id).execute()
    mark_stale([row.id])
    return True


def _text(moment: datetime) -> str:
    return moment.strftime("%Y-%m-%d %H:%M:%S")


def _time(text: str) -> datetime:
    return datetime.fromisoformat(text + "+00:00")
