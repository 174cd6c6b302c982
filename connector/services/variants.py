"""Which configurable a variant belongs to: the one with the lowest entity id of those that list it.

The store lets several configurables list one product; TikTok Shop takes a seller SKU once. What every configurable lists is
kept, so that the answer does not depend on which of them was read last.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from typing import Any

from connector.domain.product import ProductSnapshot
from connector.store.database import transaction
from connector.store.models import MagentoStore, Product, VariantLink

CHUNK = 500
"""Ids in one statement, far below SQLite's 32,766 variables."""


def tie(store: MagentoStore, product: ProductSnapshot) -> set[int]:
    """Keep what a configurable lists now, and tie its variants; ids of the product rows that say something else now: also
    those of other configurables that share a variant with it."""
    here = (VariantLink.store == store) & (VariantLink.configurable_id == product.entity_id)
    now = set(product.child_ids) if product.type_id == "configurable" else set()
    with transaction():
        before = {row.variant_id for row in VariantLink.select(VariantLink.variant_id).where(here)}
        for gone in _chunks(before - now):
            VariantLink.delete().where(here, VariantLink.variant_id.in_(gone)).execute()  # type: ignore[misc]  # peewee's stubs know delete() of rows only
        for added in _chunks(now - before):
            rows = [(store.id, product.entity_id, variant) for variant in added]
            fields = [VariantLink.store, VariantLink.configurable_id, VariantLink.variant_id]
            VariantLink.insert_many(rows, fields).execute()
        moved = settle(store, before | now)
        return moved | {owner for chunk in _chunks(before ^ now) for owner in _owners(store, chunk).values()}


def listing(store: MagentoStore, products: Iterable[ProductSnapshot]) -> list[ProductSnapshot]:
    """Those of these products that list variants, or did when they were read last."""
    page = list(products)
    listed = {
        row.configurable_id
        for chunk in _chunks([product.entity_id for product in page])
        for row in VariantLink.select(VariantLink.configurable_id)
        .where(VariantLink.store == store, VariantLink.configurable_id.in_(chunk))
        .distinct()
    }
    return [each for each in page if each.type_id == "configurable" or each.entity_id in listed]


def orphaned(store: MagentoStore, configurable_ids: Collection[int]) -> set[int]:
    """Find another configurable, or none, for what configurables listed that were deleted, by their entity ids; ids of the
    product rows that say something else now."""
    changed: set[int] = set()
    for chunk in _chunks(configurable_ids):
        here = (VariantLink.store == store) & VariantLink.configurable_id.in_(chunk)
        listed = {row.variant_id for row in VariantLink.select(VariantLink.variant_id).where(here)}
        changed |= settle(store, listed)
        changed |= {owner for part in _chunks(listed) for owner in _owners(store, part).values()}
    return changed


def every(store: MagentoStore) -> list[int]:
    """Entity ids of all products that some configurable lists."""
    rows = VariantLink.select(VariantLink.variant_id).where(VariantLink.store == store).distinct()
    return [row.variant_id for row in rows]


def settle(store: MagentoStore, variant_ids: Collection[int]) -> set[int]:
    """Tie these variants to the configurable that they belong to, or to none; ids of the product rows that this changes:
    the variants, and the configurables they left and joined."""
    changed: set[int] = set()
    for chunk in _chunks(variant_ids):
        with transaction():
            owners = _owners(store, chunk)
            moves: dict[int | None, list[int]] = {}
            rows = Product.select(Product.id, Product.entity_id, Product.parent).where(
                Product.store == store, Product.entity_id.in_(chunk)
            )
            for row in rows:
                owner = owners.get(row.entity_id)
                if row.parent_id != owner:
                    moves.setdefault(owner, []).append(row.id)
                    changed |= {row.id, *(each for each in (owner, row.parent_id) if each is not None)}
            for owner, ids in moves.items():
                Product.update(parent=owner, facts_stale=True).where(Product.id.in_(ids)).execute()
    return changed


def _owners(store: MagentoStore, variant_ids: Sequence[int]) -> dict[int, int]:
    """Variant's entity id → row of the configurable with the lowest entity id that lists it and still exists."""
    links: Any = (
        VariantLink.select(VariantLink.variant_id, Product.id)
        .join(Product, on=_configurable(VariantLink))
        .where(VariantLink.store == store, VariantLink.variant_id.in_(variant_ids), ~Product.deleted)
        .order_by(Product.entity_id)
        .tuples()
    )
    owners: dict[int, int] = {}
    for variant_id, product_id in links:
        owners.setdefault(variant_id, product_id)
    return owners


def elsewhere(lead: Product) -> Mapping[int, tuple[str, ...]]:
    """Entity ids of variants that `lead` lists and others list, too → SKUs of the others, the lowest entity id first."""
    other: Any = VariantLink.alias()
    links: Any = (
        VariantLink.select(VariantLink.variant_id, Product.sku)
        .join(other, on=(other.store == VariantLink.store) & (other.variant_id == VariantLink.variant_id))
        .join(Product, on=_configurable(other))
        .where(
            VariantLink.store == lead.store_id,
            VariantLink.configurable_id == lead.entity_id,
            other.configurable_id != lead.entity_id,
            ~Product.deleted,
        )
        .order_by(VariantLink.variant_id, Product.entity_id)
        .tuples()
    )
    found: dict[int, tuple[str, ...]] = {}
    for variant_id, sku in links:
        found[variant_id] = (*found.get(variant_id, ()), sku)
    return found


def _configurable(link: Any) -> Any:
    """The row of the product that a link belongs to, while it is a configurable."""
    here = (Product.store == link.store) & (Product.entity_id == link.configurable_id)
    return here & (Product.type_id == "configurable")


def _chunks(ids: Collection[int]) -> Iterator[list[int]]:
    listed = sorted(ids)
    for start in range(0, len(listed), CHUNK):
        yield listed[start : start + CHUNK]
