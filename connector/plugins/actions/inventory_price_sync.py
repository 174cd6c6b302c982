"""Inventory Price Sync: sends only the offers that differ from what TikTok Shop accepted last."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

from connector.domain.issue import Issue
from connector.domain.listing import Draft, Listing, Status
from connector.errors import RejectedError, RemoteError, RetryableError
from connector.plugins.api import Action, ActionContext, ListingSubject, Outcome, actions

LATER = 30.0
"""Seconds after which a call that failed in the middle is tried again, unless the marketplace said when."""

QUANTITY_REFUSED = frozenset({"12052055", "12019024", "98001004"})
"""Codes with which the marketplace refuses a whole update for a quantity (error table of the products, 202309)."""


@actions.register
class InventoryPriceSync(Action):
    """Sends prices and quantities of the SKUs whose offer differs from the last accepted one.

    Calls: at most one inventory update that takes pieces away, two (one that takes away, one that adds) after a look for new
    orders, and one price update per listing; none when nothing changed. Pieces are taken away before anything is asked
    that may fail. Where a zero is refused, one update without the zeros and a deactivation. Prices only go to live
    products; the others get them when they become live.
    Repeatable: amounts are absolute, a second run after a crash sends the same and changes nothing. What was accepted before
    a failure is kept, and what nobody knows of is sent again whatever the draft says then.
    Raises: RetryableError and RejectedError from the marketplace, untouched, when nothing was sent.
    """

    identifier = "inventory_price_sync"
    label = "Inventory Price Sync"
    confirm = "Send prices and quantities of the selected products?"
    icon = "refresh-cw"

    def check(self, subject: ListingSubject, arguments: Mapping[str, Any]) -> list[Issue]:  # noqa: ARG002 – takes none
        """On the marketplace, and with a draft to compare with."""
        if not subject.listing.remote_id:
            return [Issue("listing.not_uploaded", "status", "Upload it first.")]
        if subject.draft is None:
            return list(subject.issues) or [
                Issue("listing.no_draft", "template", "No price and stock could be worked out.")
            ]
        return []

    def run(self, subject: ListingSubject, context: ActionContext) -> Outcome:
        """The listing with what was accepted."""
        draft, _ = context.desk.look_again(subject.id)
        assert draft is not None  # noqa: S101 – `check` refused before, and a draft once kept stays
        sending = _Sending(subject, draft, context)
        failed = sending.all()
        if failed is None:
            return sending.outcome()
        if not sending.changed:
            raise failed
        return sending.cut_short(failed)


def offers(listing: Listing) -> dict[str, list[str]]:
    """Seller SKU → price and pieces, for the queue's before and after."""
    return {key: [str(sku.price), str(sum(sku.quantities.values()))] for key, sku in listing.skus.items()}


Pieces = Mapping[str, Mapping[str, int]]
"""Seller SKU → warehouse → pieces."""


class _Sending:
    """One listing's offer on its way. `_listing` is what was accepted so far, also when a later call fails."""

    def __init__(self, subject: ListingSubject, draft: Draft, context: ActionContext) -> None:
        self._id, self._began, self._listing, self._draft = subject.id, subject.listing, subject.listing, draft
        self._shop, self._desk = context.shop, context.desk
        self._refused: dict[str, Mapping[str, int]] = {}
        self._issues: dict[str, Issue] = {}
        self._stopped: list[str] = []
        self._pieces = self._prices = 0

    @property
    def changed(self) -> bool:
        """True once the marketplace took something."""
        return bool(self._pieces or self._prices or self._stopped)

    def all(self) -> RemoteError | None:
        """Takes pieces away, adds some, sends prices; the failure that ended it early, or kept pieces from being added.

        What is not there must not be sold for a moment longer than needed, so that nothing comes before that.
        """
        try:
            self._send({key: pieces for key, pieces in self._changes().items() if not self._adds(key, pieces)})
            failed = self._add()
            self._send_prices()
        except RemoteError as error:
            return error
        return failed

    def _add(self) -> RemoteError | None:
        """Sends what is left after a look for new orders, or the reason why that look failed.

        A SKU is sent then also if we think that nothing changed: an order took pieces meanwhile. Without that look, a number
        that we doubt is still lowered.
        """
        left = self._changes()
        if not left:
            return None
        try:
            draft, _ = self._desk.look_again(self._id, orders_too=True)
        except RemoteError as error:
            self._send({key: pieces for key, pieces in left.items() if sum(pieces.values()) < self._known(key)})
            return error
        assert draft is not None  # noqa: S101 – a draft once kept stays
        self._draft = draft
        again = {sku.seller_sku: sku.quantities for sku in draft.skus if sku.seller_sku in left}
        changes = {key: self._listing.skus[key].placed(pieces) for key, pieces in again.items()} | self._changes()
        up = {key: pieces for key, pieces in changes.items() if key in left and any(pieces.values())}
        up |= {key: pieces for key, pieces in changes.items() if self._adds(key, pieces)}
        self._send({key: pieces for key, pieces in changes.items() if key not in up})
        self._send(up)
        return None

    def _changes(self) -> dict[str, dict[str, int]]:
        """What the marketplace does not have yet and takes in the product's state, but for what it just refused."""
        if not self._listing.takes_stock:
            return {}
        changes = self._listing.quantity_changes(self._draft)
        return {key: pieces for key, pieces in changes.items() if self._refused.get(key) != pieces}

    def _known(self, key: str) -> int:
        return sum(self._listing.skus[key].quantities.values())

    def _adds(self, key: str, pieces: Mapping[str, int]) -> bool:
        """Whether these may be more pieces than are offered now. None at all never are."""
        wanted = sum(pieces.values())
        return wanted > self._known(key) or (wanted > 0 and self._listing.skus[key].doubtful)

    def _send(self, batch: Pieces) -> None:
        if not batch:
            return
        known = self._listing
        ids = {key: known.skus[key].id for key in batch}
        try:
            with self._intent(known.sending_quantities(batch)):
                answer = self._shop.update_inventory(
                    known.remote_id, {ids[key]: pieces for key, pieces in batch.items()}
                )
        except RejectedError as error:
            self._send_without_zeros(batch, error)
            return
        refused = {key: answer[ids[key]] for key in batch if ids[key] in answer}
        accepted = {key: pieces for key, pieces in batch.items() if key not in refused}
        self._listing = known.with_quantities(accepted)
        self._pieces += len(accepted)
        self._note({key: Issue("tiktok.inventory", key, f"{key}: {text}") for key, text in refused.items()}, batch)

    def _send_without_zeros(self, batch: Pieces, error: RejectedError) -> None:
        """One zero must not keep the marketplace from lowering the others."""
        zeros = [key for key, pieces in batch.items() if not all(pieces.values())]
        if not zeros or error.code not in QUANTITY_REFUSED:
            raise error
        text, request_id = f"{error} ({error.code})", error.request_id
        self._note(
            {key: Issue("tiktok.inventory", key, f"{key}: {text}", request_id=request_id) for key in zeros}, batch
        )
        self._send({key: pieces for key, pieces in batch.items() if key not in zeros})

    def _note(self, issues: Mapping[str, Issue], batch: Pieces) -> None:
        """What was refused; and where that leaves pieces on offer that are not there, the product is taken off instead."""
        self._issues |= issues
        self._refused |= {key: batch[key] for key in issues}
        untrue = [key for key in self._listing.leftovers(self._draft) if key in issues]
        if untrue and self._listing.live and self._take_off():
            self._stopped += untrue
            self._issues |= {key: replace(self._issues[key], severity="warning") for key in untrue}

    def _take_off(self) -> bool:
        """Deactivates it, unless a person did. That it is us is kept before the call: its news are no person's wish then,
        whatever becomes of us."""
        self._look()
        if not self._listing.live:
            return self._listing.paused
        remote_id = self._listing.remote_id
        self._keep(replace(self._listing, paused=True))
        try:
            refused = self._shop.deactivate([remote_id])
        except RejectedError as error:
            refused = {remote_id: str(error)}
        if remote_id not in refused:
            self._listing = replace(self._listing, status=Status.SELLER_DEACTIVATED)
            return True
        self._look()  # where the answer to a first try was lost, the second is refused
        if self._listing.live:
            self._keep(replace(self._listing, paused=False))
            self._issues["status"] = Issue("tiktok.status", "status", f"It cannot be taken off: {refused[remote_id]}")
        return self._listing.paused

    def _look(self) -> None:
        self._keep(self._listing.with_news(self._shop.product(self._listing.remote_id)))

    def _send_prices(self) -> None:
        """Prices of a live product (202309 Update Price takes no other)."""
        changes = self._listing.price_changes(self._draft) if self._listing.live else {}
        if changes:
            ids = {self._listing.skus[key].id: price for key, price in changes.items()}
            with self._intent(self._listing.sending_prices(changes)):
                self._shop.update_prices(self._listing.remote_id, ids, self._draft.currency)
            self._listing = self._listing.with_prices(changes)
            self._prices = len(changes)

    @contextmanager
    def _intent(self, sent: Listing) -> Iterator[None]:
        """Commits before a call that it is made: who is killed, or gets no answer, leaves an offer that is sent again. A
        refusal changed nothing."""
        known = self._listing
        self._keep(sent)
        try:
            yield
        except RejectedError:
            self._keep(known)
            raise

    def _keep(self, listing: Listing) -> None:
        self._desk.keep(listing)
        self._listing = listing

    def cut_short(self, error: RemoteError) -> Outcome:
        """A call failed after others went through: what is known is kept."""
        told, issues = self._told(), tuple(self._issues.values())
        if isinstance(error, RejectedError):
            issue = Issue(f"tiktok.{error.code or 'refused'}", "offer", str(error), request_id=error.request_id)
            return Outcome(f"Refused in part. {told}", self._listing, (*issues, issue))
        seconds = error.retry_after if isinstance(error, RetryableError) else None
        return Outcome(f"{told} {error}", self._listing, issues, wait=LATER if seconds is None else seconds)

    def outcome(self) -> Outcome:
        """What was sent, in words and numbers."""
        issues = tuple(self._issues.values())
        if not self.changed:
            return Outcome("Nothing changed." if not issues else "Refused.", self._listing, issues)
        return Outcome(self._told(), self._listing, issues, before=offers(self._began), after=offers(self._listing))

    def _told(self) -> str:
        told = f"Prices sent: {self._prices}, quantities: {self._pieces}."
        if not self._stopped:
            return told
        names = ", ".join(self._stopped[:5]) + (", …" if len(self._stopped) > 5 else "")
        return f"TikTok Shop refused the zero of {names}: deactivated until there is stock. {told}"
