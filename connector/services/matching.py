"""Which product of the store a marketplace order's unit is."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from connector.domain.order import MarketplaceOrder
from connector.domain.values import canonical
from connector.services import placement
from connector.services.drafting import seller_sku
from connector.store.models import Account, Listing, Product

PLATFORM = "PLATFORM"
"""Shipped by the marketplace from its own warehouse: such units are none of the store's pieces."""


def store_skus(account: Account, order: MarketplaceOrder) -> dict[str, str]:
    """Line id → store SKU: by the listing that sold it, else by its seller SKU, else by the policy's alternate attribute.

    A variant that has left the draft is found among the products of its listing; one that was deleted comes last. A unit that nothing matches keeps its seller SKU, so that a person sees what is missing; two products with one
    alternate SKU match nothing. Units that the marketplace ships from its own warehouse have none.
    """
    if PLATFORM in order.kinds:
        return dict.fromkeys((line.id for line in order.lines), "")
    remote = {line.product_id for line in order.lines if line.product_id}
    listings = list(
        Listing.select(Listing.product, Listing.confirmed, Listing.draft).where(
            Listing.account == account.id, Listing.remote_id.in_(list(remote))
        )
    )
    by_id, by_seller = _listed(listings)
    sellers = {line.id: by_id.get(line.sku_id) or line.seller_sku for line in order.lines}
    if any(seller not in by_seller for seller in sellers.values()):
        live, gone = _family(account, listings)
        by_seller = live | by_seller
        unlisted = {seller for seller in sellers.values() if seller not in by_seller}
        by_seller = gone | by_seller | _alternates(account, unlisted)
    return {line_id: by_seller.get(seller) or seller for line_id, seller in sellers.items()}


def settled(account: Account, before: Mapping[str, str], now: Mapping[str, str]) -> dict[str, str]:
    """Line id → store SKU: as it is `now`, except where that is no product of the store and the one `before` is."""
    skus = {*before.values(), *now.values()}
    rows = Product.select(Product.sku, Product.deleted).where(
        Product.store == account.store_id, Product.sku.in_(list(skus))
    )
    worth = {row.sku: 1 if row.deleted else 2 for row in rows}
    found = dict(now)
    for line_id, sku in now.items():
        old = before.get(line_id, "")
        if sku and worth.get(old, 0) > worth.get(sku, 0):
            found[line_id] = old
    return found


def _listed(listings: Iterable[Listing]) -> tuple[dict[str, str], dict[str, str]]:
    """(marketplace SKU id → seller SKU, seller SKU → store SKU) of listings, as they were confirmed and drafted."""
    by_id: dict[str, str] = {}
    by_seller: dict[str, str] = {}
    for listing in listings:
        confirmed = (listing.confirmed or {}).get("skus") or {}
        by_id |= {str(sku.get("id") or ""): seller for seller, sku in confirmed.items()}
        by_seller |= {sku["seller_sku"]: sku["sku"] for sku in (listing.draft or {}).get("skus") or ()}
    return by_id, by_seller


def _family(account: Account, listings: Iterable[Listing]) -> tuple[dict[str, str], dict[str, str]]:
    """Seller SKU → store SKU of all that listings could sell, a product with its variants: those in the store, those deleted."""
    ids = [listing.product_id for listing in listings]
    rows = Product.select(Product.sku, Product.deleted).where(Product.id.in_(ids) | Product.parent.in_(ids))
    live: dict[str, str] = {}
    gone: dict[str, str] = {}
    for row in rows:
        (gone if row.deleted else live)[seller_sku(row.sku, account.region)] = row.sku
    return live, gone


def _alternates(account: Account, sellers: set[str]) -> dict[str, str]:
    """Seller SKU → SKU of the one product whose alternate attribute holds it; seller SKUs that are SKUs are left alone."""
    attribute = placement.order_policy(account).alternate_sku_attribute
    if not attribute or not sellers:
        return {}
    live = (Product.store == account.store_id) & ~Product.deleted
    known = {row.sku for row in Product.select(Product.sku).where(live, Product.sku.in_(list(sellers)))}
    found = {}
    for seller in sellers - known - {""}:
        rows = Product.select(Product.sku, Product.data).where(
            live, _text(Product.data).contains(canonical(seller)[1:-1])
        )
        matches = [row.sku for row in rows if _value(row.data, attribute) == seller]
        if len(matches) == 1:
            found[seller] = matches[0]
    return found


def _text(column: Any) -> Any:
    """The document as text, for a first look that the database does."""
    return column.cast("text")


def _value(data: Mapping[str, Any], attribute: str) -> str:
    """An attribute of the store's JSON as text."""
    if attribute in data:
        return str(data[attribute])
    listed = data.get("custom_attributes") or ()
    return next((str(one.get("value")) for one in listed if one.get("attribute_code") == attribute), "")
