"""What the marketplace itself does to an offer: pieces that it sold, or gave back, are no longer what we sent."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from connector.domain.order import OrderLine
from connector.store.database import locked
from connector.store.models import Listing


def hold(condition: Any) -> list[int]:
    """Ids of the listings that match, held until the transaction ends: always in this order, so that two who change
    several of them never wait for each other."""
    return [row.id for row in locked(Listing.select(Listing.id).where(condition).order_by(Listing.id))]


def unsure(account_id: int, units: Iterable[OrderLine]) -> None:
    """Have the quantities of these units' SKUs sent again. The marketplace counts its own sales down, also from a number that
    does not follow the stock: one for stock that is not managed, or one that a threshold sets. To be called in a
    transaction that holds the listings.
    """
    ids: dict[str, set[str]] = {}
    for unit in units:
        if unit.product_id and unit.sku_id:
            ids.setdefault(unit.product_id, set()).add(unit.sku_id)
    for remote_id, sku_ids in ids.items():
        mine = (Listing.account == account_id) & (Listing.remote_id == remote_id)
        row = Listing.get_or_none(mine)
        if row is None:
            continue
        skus = row.confirmed.get("skus") or {}
        changed = {key: {**sku, "unsure": sku.get("unsure") or sku.get("id") in sku_ids} for key, sku in skus.items()}
        confirmed = {**row.confirmed, "skus": changed}
        Listing.update(confirmed=confirmed, offers_due=True, stale=True).where(Listing.id == row.id).execute()
