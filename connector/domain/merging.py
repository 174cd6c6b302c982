"""What one action learned of a listing, put into what others wrote meanwhile.

An upload, a push of offers, a change of status and the marketplace's news may all be under way for one listing. Each
knows the listing as it was when it began; only what it changed itself may be written when it ends.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import TypeVar

from connector.domain.listing import ConfirmedSku, Listing

T = TypeVar("T")


def merged(kept: Listing, began: Listing, outcome: Listing) -> Listing:
    """`kept`, the listing as it is written now, with the difference between `began` and `outcome`.

    Where both sides changed a SKU's price or pieces, nobody knows which came last: the outcome stays, to be sent again.
    """
    stopped = _changed(kept.stopped, began.stopped, outcome.stopped)
    paused = _changed(kept.paused, began.paused, outcome.paused)
    return replace(_facts(kept, began, outcome), stopped=stopped, paused=paused)


def _facts(kept: Listing, began: Listing, outcome: Listing) -> Listing:
    """What the marketplace has of it, whoever wishes what."""
    if outcome.remote_id != began.remote_id:  # a create, or a product found: nothing that was known before speaks of it
        return outcome
    if kept.remote_id != began.remote_id:  # and what was learned of a product says nothing of the one that replaced it
        return kept
    state = _newer(kept, began, outcome)
    return replace(
        kept,
        status=state.status,
        audit_status=state.audit_status,
        reasons=state.reasons,
        update_time=max(kept.update_time, outcome.update_time),
        skus=_skus(kept.skus, began.skus, outcome.skus),
        content_digest=_changed(kept.content_digest, began.content_digest, outcome.content_digest),
    )


def _changed(kept: T, began: T, outcome: T) -> T:
    return kept if outcome == began else outcome


def _newer(kept: Listing, began: Listing, outcome: Listing) -> Listing:
    """Whose status, with its reasons, holds: the one that changed it, of two the one with the marketplace's later news."""
    if _state(outcome) == _state(began):
        return kept
    if _state(kept) == _state(began):
        return outcome
    return kept if kept.update_time > outcome.update_time else outcome


def _state(listing: Listing) -> tuple[object, ...]:
    return listing.status, listing.audit_status, listing.reasons


def _skus(
    kept: Mapping[str, ConfirmedSku], began: Mapping[str, ConfirmedSku], outcome: Mapping[str, ConfirmedSku]
) -> dict[str, ConfirmedSku]:
    """Those that one side removed are gone, those that one side added are there."""
    skus = {}
    for key, sku in {**outcome, **kept}.items():
        if key in began and not (key in kept and key in outcome):
            continue
        skus[key] = _sku(sku, began[key], outcome[key]) if key in began else sku
    return skus


def _sku(kept: ConfirmedSku, began: ConfirmedSku, outcome: ConfirmedSku) -> ConfirmedSku:
    sent = outcome.quantities != began.quantities or (began.unanswered and not outcome.unanswered)
    priced = outcome.price != began.price or (began.price_unanswered and not outcome.price_unanswered)
    both = sent and kept.quantities not in (began.quantities, outcome.quantities)
    both_priced = priced and kept.price not in (began.price, outcome.price)
    return ConfirmedSku(
        id=_changed(kept.id, began.id, outcome.id),
        price=outcome.price if priced else kept.price,
        quantities=outcome.quantities if sent else kept.quantities,
        unsure=both or _changed(kept.unsure, began.unsure, outcome.unsure),
        unanswered=_changed(kept.unanswered, began.unanswered, outcome.unanswered),
        price_unanswered=both_priced
        or _changed(kept.price_unanswered, began.price_unanswered, outcome.price_unanswered),
    )
