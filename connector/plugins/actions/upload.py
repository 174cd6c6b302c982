"""Product Upload: creates the product on TikTok Shop, or sends its changed content."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from connector.domain.issue import Issue, blocking
from connector.domain.listing import ConfirmedSku, CreatedProduct, Draft, Listing, Pictures, Status
from connector.errors import NotFoundError, RejectedError
from connector.plugins.api import Action, ActionContext, ListingSubject, Outcome, actions

IMAGE_UNKNOWN = "12052722"
"""The marketplace does not hold a picture (any more) that it gave us an address of (202309 Create Product)."""

DELETED = "It was deleted on TikTok Shop. Upload it once more to create it again."

FIXED = frozenset({Status.FREEZE})
"""States in which the marketplace accepts no edit (202309 Edit Product)."""


@actions.register
class Upload(Action):
    """Uploads pictures, then creates or edits the product.

    Calls: one upload per picture that the marketplace does not hold, then one create or one full edit; none when the
    content is what it confirmed last. An edit also moves pieces to a warehouse that a SKU was not sold from before, which
    no inventory update can.
    Repeatable: an edit that was not answered is sent again whatever the draft says then. Before a create, the seller SKU is
    searched, so that a lost answer makes no second product; every try of a create carries the same key, another one once
    the product was deleted.
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
        if subject.listing.status in FIXED:
            return [Issue("listing.frozen", "status", "TikTok Shop froze this product: appeal in the Seller Center.")]
        wrong = [issue for issue in blocking(subject.issues) if not issue.remote]  # a refused one may be tried again
        if subject.draft is None and not wrong:
            return [Issue("listing.no_draft", "template", "Assign the product to a listing template first.")]
        return wrong

    def run(self, subject: ListingSubject, context: ActionContext) -> Outcome:
        """The listing as the marketplace answered."""
        draft, issues = _look_again(subject, context)
        wrong = [issue for issue in blocking(issues) if not issue.remote]
        if draft is None or wrong:
            return Outcome("Held back: " + "; ".join(issue.message for issue in wrong), listing=subject.listing)
        listing = subject.listing if subject.listing.remote_id else _found(subject, draft, context)
        if listing.status is Status.DELETED:
            listing = Listing(stopped=listing.stopped, idempotency_key=listing.idempotency_key)
        if (
            listing.remote_id
            and listing.content_digest == draft.content_digest()
            and not listing.moved(draft)
            and listing.status is not Status.FAILED
        ):
            return Outcome("Nothing to send: the content is what TikTok Shop has.", listing=listing)
        try:
            return _send(listing, draft, context, context.desk.image_uris(draft))
        except RejectedError as error:
            if error.code == IMAGE_UNKNOWN:
                return _send(listing, draft, context, context.desk.image_uris(draft, anew=True))
            gone = _deleted(listing, context)
            if gone is None:
                raise
            return gone


def _look_again(subject: ListingSubject, context: ActionContext) -> tuple[Draft | None, tuple[Issue, ...]]:
    """The draft as of now; after a look for new orders where pieces go to another warehouse, as for all that is added."""
    draft, issues = context.desk.look_again(subject.id)
    if draft is None or not subject.listing.moved(draft):
        return draft, issues
    return context.desk.look_again(subject.id, orders_too=True)


def _send(listing: Listing, draft: Draft, context: ActionContext, pictures: Pictures) -> Outcome:
    if listing.remote_id:
        sku_ids = {key: sku.id for key, sku in listing.skus.items()}
        moved = listing.moved(draft)
        context.desk.keep(replace(listing.sending_quantities(moved), content_digest=""))  # true if no answer ever comes
        try:
            answer = context.shop.edit_product(listing.remote_id, draft, pictures.uris, sku_ids, moved)
        except RejectedError:
            context.desk.keep(listing)
            raise
        return _outcome(f"Edited as {listing.remote_id}", _edited(listing, draft, answer), answer, pictures)
    answer = context.shop.create_product(draft, pictures.uris, listing.idempotency_key)
    return _outcome(f"Created as {answer.id}", _created(listing, draft, answer), answer, pictures)


def _deleted(listing: Listing, context: ActionContext) -> Outcome | None:
    """The news that somebody deleted the product, when that is why an edit was refused."""
    if not listing.remote_id:
        return None
    try:
        remote = context.shop.product(listing.remote_id)
    except NotFoundError:
        return Outcome(DELETED, listing=replace(listing, status=Status.DELETED))
    return Outcome(DELETED, listing=listing.with_news(remote)) if remote.status is Status.DELETED else None


def _found(subject: ListingSubject, draft: Draft, context: ActionContext) -> Listing:
    """A product that an earlier, unanswered create made; else the listing unchanged.

    One that another listing has is that one's: a simple product that became a variant was sold before on its own.
    """
    remote = context.shop.find_product(draft.skus[0].seller_sku)
    if remote is None or context.desk.belongs_to_another(remote.id, subject.id):
        return subject.listing
    return subject.listing.adopted(remote)


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
    known, moved = listing.skus, listing.moved(draft)
    skus = {}
    for sku in draft.skus:
        if sku.seller_sku not in answer.sku_ids:
            continue
        old = known.get(sku.seller_sku)
        made = ConfirmedSku(answer.sku_ids[sku.seller_sku], sku.price, dict(sku.quantities))
        if old and sku.seller_sku in moved:
            old = replace(old, quantities=moved[sku.seller_sku], unsure=False, unanswered=False)
        skus[sku.seller_sku] = replace(old, id=made.id) if old else made
    status = (
        Status.PENDING
        if listing.status in {Status.FAILED, Status.DRAFT, Status.PLATFORM_DEACTIVATED}
        else listing.status
    )
    return replace(listing, skus=skus, status=status, content_digest=draft.content_digest(), reasons=())


def _outcome(what: str, listing: Listing, answer: CreatedProduct, pictures: Pictures) -> Outcome:
    told = [Issue("tiktok.warning", "listing", text, severity="warning") for text in answer.warnings]
    told += [Issue("image.skipped", "images", text, severity="warning") for text in pictures.skipped]
    return Outcome(what + (f"; {len(told)} warnings" if told else "") + ".", listing=listing, issues=tuple(told))
