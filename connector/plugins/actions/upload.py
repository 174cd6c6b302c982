"""Product Upload: creates the product on TikTok Shop, or sends its changed content."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from connector.domain.issue import Issue, blocking
from connector.domain.listing import ConfirmedSku, CreatedProduct, Draft, Listing, Status
from connector.plugins.api import Action, ActionContext, ListingSubject, Outcome, actions

FIXED = frozenset({Status.FREEZE})
"""States in which the marketplace accepts no edit (202309 Edit Product)."""


@actions.register
class Upload(Action):
    """Uploads pictures, then creates or edits the product.

    Calls: one upload per picture that the marketplace does not hold, then one create or one full edit; none when the
    content is what it confirmed last.
    Repeatable: before a create, the seller SKU is searched, so that a lost answer makes no second product; a create
    carries the listing's own idempotency key.
    Raises: RetryableError and RejectedError from the marketplace, untouched.
    """

    identifier = "upload"
    label = "Upload"
    confirm = "Upload the selected products to TikTok Shop?"
    icon = "upload"

    def check(self, subject: ListingSubject, arguments: Mapping[str, Any]) -> list[Issue]:  # noqa: ARG002 – takes none
        """A template that is switched on, a draft without errors, a state that takes edits."""
        if not subject.template_enabled:
            return [
                Issue("listing.template_disabled", "template", "The listing template is disabled: enable it first.")
            ]
        if subject.draft is None:
            return blocking(subject.issues) or [
                Issue("listing.no_draft", "template", "Assign the product to a listing template first.")
            ]
        if subject.listing.status in FIXED:
            return [Issue("listing.frozen", "status", "TikTok Shop froze this product: appeal in the Seller Center.")]
        return blocking(subject.issues)

    def run(self, subject: ListingSubject, context: ActionContext) -> Outcome:
        """The listing as the marketplace answered."""
        draft = subject.draft
        assert draft is not None  # noqa: S101 – `check` refused before
        listing = subject.listing if subject.listing.remote_id else _found(subject.listing, draft, context)
        if listing.status is Status.DELETED:
            listing = Listing(stopped=listing.stopped, idempotency_key=listing.idempotency_key)
        if (
            listing.remote_id
            and listing.content_digest == draft.content_digest()
            and listing.status is not Status.FAILED
        ):
            return Outcome("Nothing to send: the content is what TikTok Shop has.", listing=listing)
        images = context.desk.image_uris(draft)
        if listing.remote_id:
            sku_ids = {key: sku.id for key, sku in listing.skus.items()}
            answer = context.shop.edit_product(listing.remote_id, draft, images, sku_ids)
            return _outcome(f"Edited as {listing.remote_id}", _edited(listing, draft, answer), answer)
        answer = context.shop.create_product(draft, images, subject.listing.idempotency_key)
        return _outcome(f"Created as {answer.id}", _created(listing, draft, answer), answer)


def _found(listing: Listing, draft: Draft, context: ActionContext) -> Listing:
    """A product that an earlier, unanswered create made; else the listing unchanged."""
    remote = context.shop.find_product(draft.skus[0].seller_sku)
    return listing.adopted(remote) if remote else listing


def _created(listing: Listing, draft: Draft, answer: CreatedProduct) -> Listing:
    skus = {
        sku.seller_sku: ConfirmedSku(answer.sku_ids[sku.seller_sku], sku.price, dict(sku.quantities))
        for sku in draft.skus
        if sku.seller_sku in answer.sku_ids
    }
    return replace(
        listing,
        remote_id=answer.id,
        status=Status.PENDING,
        skus=skus,
        content_digest=draft.content_digest(),
        reasons=(),
    )


def _edited(listing: Listing, draft: Draft, answer: CreatedProduct) -> Listing:
    known = listing.skus
    skus = {}
    for sku in draft.skus:
        if sku.seller_sku not in answer.sku_ids:
            continue
        old = known.get(sku.seller_sku)
        price, quantities = (old.price, old.quantities) if old else (sku.price, dict(sku.quantities))
        skus[sku.seller_sku] = ConfirmedSku(answer.sku_ids[sku.seller_sku], price, quantities)
    status = (
        Status.PENDING
        if listing.status in {Status.FAILED, Status.DRAFT, Status.PLATFORM_DEACTIVATED}
        else listing.status
    )
    return replace(listing, skus=skus, status=status, content_digest=draft.content_digest(), reasons=())


def _outcome(what: str, listing: Listing, answer: CreatedProduct) -> Outcome:
    warnings = tuple(Issue("tiktok.warning", "listing", text, severity="warning") for text in answer.warnings)
    return Outcome(what + (f"; {len(warnings)} warnings" if warnings else "") + ".", listing=listing, issues=warnings)
