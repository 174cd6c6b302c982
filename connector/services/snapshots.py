"""Store products in: page by page, unchanged ones left alone, changed ones marked for a new draft."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

from connector.domain.product import ProductSnapshot, Salable
from connector.services.context import Context
from connector.store.database import transaction
from connector.store.models import Listing, MagentoStore, Product

OVERLAP = timedelta(minutes=10)
"""Window before the last high water that is read again: the store's clock and its transactions are not ours."""

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
    """Read products that changed since the last run, or all of them (which also finds deletions)."""
    catalog = ctx.remotes.catalog(store)
    started = ctx.clock.now()
    since = "" if full or not store.high_water else _text(_time(store.high_water) - OVERLAP)
    read = changed = 0
    configurables: list[ProductSnapshot] = []
    for page in catalog.products(updated_from=since):
        with transaction():
            changed += sum(_save(store, snapshot, started) for snapshot in page)
        configurables += [snapshot for snapshot in page if snapshot.child_ids]
        read += len(page)
        progress(len(page))
    link_variants(store, configurables)
    gone = _mark_gone(store, started) if full or not since else 0
    MagentoStore.update(high_water=_text(started), synced_at=started).where(MagentoStore.id == store.id).execute()
    return Synced(read, changed, gone)


def refresh(ctx: Context, store: MagentoStore, skus: Sequence[str]) -> None:
    """Read some products anew by their SKUs."""
    catalog = ctx.remotes.catalog(store)
    now = ctx.clock.now()
    for sku in skus:
        snapshot = catalog.product(sku)
        with transaction():
            _save(store, snapshot, now)


def sync_stock(ctx: Context, store: MagentoStore, skus: Sequence[str] | None = None) -> int:
    """Read what the store can promise of each simple product; the number of changes."""
    catalog = ctx.remotes.catalog(store)
    changed = 0
    for rows in _simple(store, skus):
        found = catalog.salable(store.website_code, [row.sku for row in rows])
        with transaction():
            changed += sum(_save_stock(row, found.get(row.sku)) for row in rows)
    return changed


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
    """Tie variants to the configurable that lists them, and untie those it lists no more."""
    for configurable in configurables:
        with transaction():
            parent = Product.get(Product.store == store, Product.entity_id == configurable.entity_id)
            children = list(configurable.child_ids)
            moved = Product.update(parent=parent).where(
                Product.store == store,
                Product.entity_id.in_(children),
                Product.parent.is_null() | (Product.parent != parent.id),
            )
            left = Product.update(parent=None).where(Product.parent == parent, Product.entity_id.not_in(children))
            if moved.execute() + left.execute():
                mark_stale([parent.id])


def mark_stale(product_ids: Sequence[int]) -> None:
    """Ask for new drafts of the listings of these products, or of the configurables they are variants of."""
    if not product_ids:
        return
    column: Any = Product.parent
    parents = Product.select(column).where(Product.id.in_(list(product_ids)), Product.parent.is_null(False))
    Listing.update(stale=True).where(Listing.product.in_(list(product_ids)) | Listing.product.in_(parents)).execute()


def _save(store: MagentoStore, snapshot: ProductSnapshot, now: datetime) -> bool:
    """Insert or update one product; True when anything about it is new."""
    digest = snapshot.digest()
    row = Product.get_or_none(Product.store == store, Product.entity_id == snapshot.entity_id)
    if row is not None and row.digest == digest and not row.deleted:
        Product.update(seen_at=now).where(Product.id == row.id).execute()
        return False
    images = snapshot.images
    values = {
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
        Product.delete().where(Product.store == store, Product.sku == snapshot.sku, Product.deleted).execute()  # type: ignore[misc]  # peewee types fields by class
        Product.create(store=store, entity_id=snapshot.entity_id, **values)
    else:
        Product.update(**values).where(Product.id == row.id).execute()
        mark_stale([row.id])
    return True


def _mark_gone(store: MagentoStore, started: datetime) -> int:
    with transaction():
        gone = [
            row.id
            for row in Product.select(Product.id).where(
                Product.store == store, ~Product.deleted, Product.seen_at < started
            )
        ]
        for start in range(0, len(gone), 500):
            chunk = gone[start : start + 500]
            Product.update(deleted=True, enabled=False).where(Product.id.in_(chunk)).execute()
            mark_stale(chunk)
    return len(gone)


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


def _save_stock(row: Product, stock: Salable | None) -> bool:
    quantity = stock.quantity if stock and stock.salable else Decimal(0)
    unlimited = bool(stock and stock.salable and stock.unlimited)
    if row.salable == quantity and row.unlimited == unlimited:
        return False
    Product.update(salable=quantity, unlimited=unlimited).where(Product.id == row.id).execute()
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
