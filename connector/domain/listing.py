"""A listing as it should be (draft), as the marketplace last confirmed it, and the difference."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from decimal import Decimal
from enum import StrEnum
from typing import Any

from connector.domain.values import digest, to_json


class Status(StrEnum):
    """TikTok Shop's own product states (`status`, 202309 Get Product), and ours for a listing never sent."""

    NOT_UPLOADED = ""
    DRAFT = "DRAFT"
    PENDING = "PENDING"
    FAILED = "FAILED"
    ACTIVATE = "ACTIVATE"
    SELLER_DEACTIVATED = "SELLER_DEACTIVATED"
    PLATFORM_DEACTIVATED = "PLATFORM_DEACTIVATED"
    FREEZE = "FREEZE"
    DELETED = "DELETED"
    SCHEDULED = "SCHEDULED"


_STOCKED = frozenset({Status.DRAFT, Status.PENDING, Status.FAILED, Status.ACTIVATE, Status.SELLER_DEACTIVATED})

STATUS_LABELS = {
    Status.NOT_UPLOADED: "Not uploaded",
    Status.DRAFT: "Draft",
    Status.PENDING: "In review",
    Status.FAILED: "Rejected",
    Status.ACTIVATE: "Live",
    Status.SELLER_DEACTIVATED: "Inactive",
    Status.PLATFORM_DEACTIVATED: "Taken down",
    Status.FREEZE: "Frozen",
    Status.DELETED: "Deleted",
    Status.SCHEDULED: "Scheduled",
}


@dataclass(frozen=True, slots=True)
class AttributeValue:
    """A value of a marketplace attribute: one of its listed values by `id`, or a custom one by `name`."""

    id: str = ""
    name: str = ""


@dataclass(frozen=True, slots=True)
class ProductAttribute:
    """One product property of the marketplace's category with the values to send."""

    id: str
    values: tuple[AttributeValue, ...]


@dataclass(frozen=True, slots=True)
class SalesAttribute:
    """What a variant differs by ("Color" = "Red"). `image` is the source URL of a picture for this value, or empty."""

    name: str
    value: str
    id: str = ""
    value_id: str = ""
    image: str = ""


@dataclass(frozen=True, slots=True)
class PriceStep:
    """One rung of a price ladder, for people: what was done and the amount after it."""

    label: str
    amount: Decimal


@dataclass(frozen=True, slots=True)
class DraftSku:
    """One thing to sell. `seller_sku` goes to the marketplace, `sku` is the store's; `quantities` is per warehouse id.

    `decision` says which price rule of which version gave the price, and from what; empty when none did.
    """

    sku: str
    seller_sku: str
    price: Decimal
    quantities: Mapping[str, int]
    sales_attributes: tuple[SalesAttribute, ...] = ()
    identifier_type: str = ""
    identifier_code: str = ""
    ladder: tuple[PriceStep, ...] = ()
    quantity_steps: tuple[str, ...] = ()
    decision: Mapping[str, Any] = field(default_factory=dict)

    @property
    def quantity(self) -> int:
        """Pieces over all warehouses."""
        return sum(self.quantities.values())


@dataclass(frozen=True, slots=True)
class Draft:
    """The listing as it should be: everything the marketplace needs, images as source URLs, nothing remote in it."""

    title: str
    description: str
    category_id: str
    category_version: str
    currency: str
    images: tuple[str, ...]
    skus: tuple[DraftSku, ...]
    attributes: tuple[ProductAttribute, ...] = ()
    brand_id: str = ""
    weight_value: str = ""
    weight_unit: str = ""
    dimensions: Mapping[str, str] = field(default_factory=dict)
    size_chart: str = ""
    external_product_id: str = ""

    def content_digest(self) -> str:
        """Digest of what an edit sends: everything but prices and quantities, which have calls of their own."""
        body = to_json(self)
        for sku in body["skus"]:
            for key in ("price", "quantities", "ladder", "quantity_steps", "decision"):
                sku.pop(key)
        return digest(body)

    def digest(self) -> str:
        """Digest of the whole draft without its explanations."""
        body = to_json(self)
        for sku in body["skus"]:
            sku.pop("ladder")
            sku.pop("quantity_steps")
            sku.pop("decision")
        return digest(body)

    def sku(self, seller_sku: str) -> DraftSku | None:
        """The variant with that seller SKU."""
        return next((sku for sku in self.skus if sku.seller_sku == seller_sku), None)

    def with_quantities(self, quantities: Mapping[str, Mapping[str, int]]) -> Draft:
        """The same content with these pieces by seller SKU and warehouse; none of a SKU that is not among them.

        A draft that cannot be built anew is kept like this: whatever is wrong with the content, what is promised stays true.
        """
        skus = tuple(
            replace(sku, quantities=dict(quantities.get(sku.seller_sku) or dict.fromkeys(sku.quantities, 0)))
            for sku in self.skus
        )
        return replace(self, skus=skus)


@dataclass(frozen=True, slots=True)
class ConfirmedSku:
    """Price and stock that the marketplace last accepted for one SKU. `id` is the marketplace's SKU id.

    `unsure`: it sold pieces since, or got some back, so that its number is no longer the one that was sent.
    `unanswered` and `price_unanswered`: pieces, or a price, were sent and nobody knows whether they arrived. Only an answer
    to the next ones ends that: news may have been read before the lost call had its effect.
    """

    id: str
    price: Decimal | None = None
    quantities: Mapping[str, int] = field(default_factory=dict)
    unsure: bool = False
    unanswered: bool = False
    price_unanswered: bool = False

    @property
    def doubtful(self) -> bool:
        """True while `quantities` may not be what buyers see."""
        return self.unsure or self.unanswered

    def lacks(self, wanted: Mapping[str, int]) -> bool:
        """Whether pieces are wanted at a warehouse that the SKU does not have: an edit has to assign it first."""
        return bool(self.quantities) and any(
            pieces and place not in self.quantities for place, pieces in wanted.items()
        )

    def placed(self, wanted: Mapping[str, int]) -> dict[str, int]:
        """`wanted` as the marketplace takes it: every warehouse that the SKU has, and no other (202309 Update Inventory).

        While it lacks one, as many of the pieces as are wanted in all stay where they are offered now.
        """
        if not self.quantities:
            return dict(wanted)
        if not self.lacks(wanted):
            return {place: wanted.get(place, 0) for place in self.quantities}
        return self.no_more_than(sum(wanted.values()))

    def no_more_than(self, pieces: int) -> dict[str, int]:
        """What is offered now in each warehouse, cut to `pieces` in all."""
        left, kept = max(pieces, 0), {}
        for place, there in self.quantities.items():
            kept[place] = min(there, left)
            left -= kept[place]
        return kept


@dataclass(frozen=True, slots=True)
class RemoteProduct:
    """A marketplace product as read back. `skus` is keyed by seller SKU."""

    id: str
    title: str
    status: Status
    audit_status: str
    update_time: int
    skus: Mapping[str, ConfirmedSku]
    reasons: tuple[str, ...] = ()
    raw: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Listing:
    """What the marketplace last confirmed about one listing.

    `skus` is keyed by seller SKU, `content_digest` is that of the last accepted draft, `update_time` the marketplace's
    own (Unix seconds): news older than it are ignored. `stopped` is a person's wish that it stays off, here or in the Seller
    Center; `paused` marks one that the connector takes off and puts back when the reason is gone. `idempotency_key` goes
    with every try of the next create.
    """

    remote_id: str = ""
    status: Status = Status.NOT_UPLOADED
    skus: Mapping[str, ConfirmedSku] = field(default_factory=dict)
    content_digest: str = ""
    update_time: int = 0
    audit_status: str = "NONE"
    reasons: tuple[str, ...] = ()
    stopped: bool = False
    paused: bool = False
    idempotency_key: str = ""

    @property
    def live(self) -> bool:
        """True while buyers see it."""
        return self.status is Status.ACTIVATE

    @property
    def takes_stock(self) -> bool:
        """True in the states in which the marketplace takes quantities (202309 Update Inventory)."""
        return self.status in _STOCKED

    def differs(self, draft: Draft) -> bool:
        """Whether there is a quantity or a price to send that the marketplace takes now."""
        return bool((self.takes_stock and self.quantity_changes(draft)) or (self.live and self.price_changes(draft)))

    def price_changes(self, draft: Draft) -> dict[str, Decimal]:
        """Seller SKU → price that the marketplace does not have yet."""
        return {
            sku.seller_sku: sku.price
            for sku in draft.skus
            if (known := self.skus.get(sku.seller_sku)) and (known.price_unanswered or known.price != sku.price)
        }

    def quantity_changes(self, draft: Draft) -> dict[str, dict[str, int]]:
        """Seller SKU → pieces per warehouse that the marketplace does not have yet; every warehouse of a changed SKU.

        A SKU that the draft lacks has nothing left to sell: until an edit removes it, buyers could still order it.
        """
        return {
            key: pieces
            for key, pieces in self._placed(draft).items()
            if self.skus[key].doubtful or dict(self.skus[key].quantities) != pieces
        }

    def moved(self, draft: Draft) -> dict[str, dict[str, int]]:
        """Seller SKU → pieces per warehouse, of those to sell from a warehouse that only an edit assigns; the others at 0."""
        return {
            sku.seller_sku: dict.fromkeys(self.skus[sku.seller_sku].quantities, 0) | dict(sku.quantities)
            for sku in draft.skus
            if sku.seller_sku in self.skus and self.skus[sku.seller_sku].lacks(sku.quantities)
        }

    def leftovers(self, draft: Draft) -> list[str]:
        """Seller SKUs that offer pieces at a warehouse where there are none: buyers could order what is not there."""
        return [
            key
            for key, pieces in self._placed(draft).items()
            if any(there and not pieces[place] for place, there in self.skus[key].quantities.items())
        ]

    def _placed(self, draft: Draft) -> dict[str, dict[str, int]]:
        wanted = {sku.seller_sku: sku.quantities for sku in draft.skus}
        return {key: known.placed(wanted.get(key, {})) for key, known in self.skus.items()}

    def sending_prices(self, keys: Iterable[str]) -> Listing:
        """The listing before a call about these seller SKUs: what it is right to know if no answer ever comes."""
        return self._with({key: replace(self.skus[key], price_unanswered=True) for key in keys})

    def with_prices(self, prices: Mapping[str, Decimal]) -> Listing:
        """The listing after the marketplace accepted these prices."""
        return self._with(
            {key: replace(self.skus[key], price=price, price_unanswered=False) for key, price in prices.items()}
        )

    def sending_quantities(self, keys: Iterable[str]) -> Listing:
        """The listing before a call about these seller SKUs. `unsure` is over: it tells again of what is sold from now on."""
        return self._with({key: replace(self.skus[key], unsure=False, unanswered=True) for key in keys})

    def with_quantities(self, quantities: Mapping[str, Mapping[str, int]]) -> Listing:
        """The listing after the marketplace accepted these quantities."""
        return self._with(
            {
                key: replace(self.skus[key], quantities=dict(pieces), unsure=False, unanswered=False)
                for key, pieces in quantities.items()
            }
        )

    def _with(self, skus: Mapping[str, ConfirmedSku]) -> Listing:
        return replace(self, skus={**self.skus, **skus})

    def adopted(self, remote: RemoteProduct) -> Listing:
        """The listing tied to a product found on the marketplace; its content is unknown and will be sent again."""
        return replace(self.with_news(remote), remote_id=remote.id, content_digest="")

    def with_news(self, remote: RemoteProduct) -> Listing:
        """The listing with the marketplace's news, unchanged when they are older than what is known.

        The marketplace's own prices and quantities replace ours: what a person changed in the Seller Center shows up as
        a difference, and is set right again. A person's stop or start there is a wish, and is kept.
        """
        if remote.update_time < self.update_time:
            return self
        skus = {key: _told(self.skus[key], sku) if key in self.skus else sku for key, sku in remote.skus.items()}
        return replace(
            self,
            status=remote.status,
            audit_status=remote.audit_status,
            reasons=remote.reasons,
            update_time=remote.update_time,
            skus=skus or self.skus,
            stopped=self._wish(remote.status),
        )

    def _wish(self, status: Status) -> bool:
        """`stopped` after the marketplace told `status`: whoever moved it last, and was not us, decides."""
        if self.live and status is Status.SELLER_DEACTIVATED and not self.paused:
            return True
        if self.status is Status.SELLER_DEACTIVATED and status in {Status.PENDING, Status.ACTIVATE}:
            return False
        return self.stopped


def _told(known: ConfirmedSku, sku: ConfirmedSku) -> ConfirmedSku:
    """A SKU as the marketplace tells it, which does not always include its price, with what is still without an answer."""
    price = known.price if sku.price is None else sku.price
    return replace(sku, price=price, unanswered=known.unanswered, price_unanswered=known.price_unanswered)


@dataclass(frozen=True, slots=True)
class CreatedProduct:
    """What a create or an edit answered: ids, and warnings about fields that the marketplace dropped."""

    id: str
    sku_ids: Mapping[str, str]
    warnings: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Pictures:
    """What the marketplace calls a draft's pictures: source address → uri; `skipped` says which it does without, and why."""

    uris: Mapping[str, str]
    skipped: tuple[str, ...] = ()
