"""What cancellations and returns leave behind in the store: an order cancelled, or one credit memo to the cent."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from decimal import ROUND_HALF_UP, Decimal
from typing import Any

from connector.domain import reading
from connector.domain.money import from_minor
from connector.domain.order import ZERO, MarketplaceOrder, StoreOrder
from connector.domain.values import from_json
from connector.errors import RejectedError
from connector.plugins.policies.order import OrderPolicy
from connector.ports import Sales
from connector.services import history, placement
from connector.services.context import Context
from connector.services.pieces import Share, comments
from connector.store.database import transaction
from connector.store.models import Order, OrderLine, ReturnCase

BY_HAND = "refunded by hand"
"""The document of a case whose pieces staff had refunded before: there is nothing left to give back."""

UNFINISHED = frozenset({"claimed", "cart", "placing", "placed", "corrected"})
"""States of an order that is on its way into the store: its case waits."""

SENT_BACK = "RETURN_AND_REFUND"
"""The type of return in which the goods come back, unless the seller pays the buyer back without (reference section 7.2)."""


def cancel_store_order(ctx: Context, row: Order) -> str:
    """Cancels a store order of which nothing is invoiced or shipped; a sentence, empty when its case must refund it."""
    if row.magento_order_id is None:
        return ""
    sales = ctx.remotes.sales(row.account.store)
    store = sales.order(row.magento_order_id)
    if store.state != "canceled":
        if store.total_invoiced or any(item.qty_invoiced or item.qty_shipped for item in store.items):
            return ""
        if store.state == "holded":
            sales.unhold(store.entity_id)
        if not sales.cancel(store.entity_id):
            return ""
    now = ctx.clock.now()
    with transaction():
        over = {"state": "cancelled", "magento_status": "canceled", "failed_reason": "", "changed_at": now}
        Order.update(over).where(Order.id == row.id).execute()
        history.note(now, "returns", "order.cancelled", "order", row.id, f"Store order {store.increment_id} cancelled.")
    return f"Store order {store.increment_id} cancelled."


def follow(ctx: Context, case: ReturnCase, order: Order, renew: Callable[[], None]) -> str | None:
    """The store's document: a credit memo's id, "cancelled", or nothing where there is nothing to refund.

    None while the order is on its way into the store, or may be. `renew` is called right before each change; it raises when
    somebody else follows the case by now.

    Raises:
        RejectedError: the store refuses, or does not have the order yet; the text says what to do.
        UnknownOutcomeError: a change was not answered; wait before the next call, which looks it up first.
    """
    if order.state in UNFINISHED:
        return None
    if order.magento_order_id is None:
        return _unmade(ctx, case, order)
    sales = ctx.remotes.sales(order.account.store)
    store = sales.order(order.magento_order_id)
    share = Share.of(case, order, store)
    if case.kind == "cancellation":
        if not share.mine:
            return ""
        if share.whole and cancel_store_order(ctx, order):
            return "cancelled"
        if store.state == "canceled":
            return ""
    memos = sales.credit_memos(store.entity_id)
    document = next((str(memo["entity_id"]) for memo in memos if _names(memo, case)), "")
    if not document:
        document = _give_back(ctx, order, _Memo.of(case, order, sales, store, share, memos), renew)
    _note_state(ctx, case, order, sales)
    return document


def _unmade(ctx: Context, case: ReturnCase, order: Order) -> str | None:
    """Nothing where the store has no such order, and will not have the case's units; None while that is not certain."""
    open_units = OrderLine.select().where(OrderLine.order == order.id, OrderLine.status != "CANCELLED")
    still_open = any(not case.line_ids or unit.line_id in case.line_ids for unit in list(open_units))
    order = Order.get_by_id(order.id)  # after its units: whoever takes it from now on knows what is cancelled
    if order.magento_order_id is not None or order.state in UNFINISHED:
        return None
    if order.state in {"skipped", "cancelled"}:
        return ""
    if case.kind == "return":
        raise RejectedError("The order is not in Magento yet: its refund follows as soon as it is.", system="magento")
    taken = order.lease_until is not None and order.lease_until > ctx.clock.now()
    return None if still_open or taken or order.placing_since is not None else ""


def _give_back(ctx: Context, order: Order, memo: _Memo, renew: Callable[[], None]) -> str:
    """The credit memo's id, or that staff gave it all back."""
    closed = memo.store.state == "closed" and bool(memo.store.total_refunded)
    if closed or memo.by_hand:
        _note_by_hand(ctx, order, memo)
    if closed or (memo.by_hand and not memo.pieces):
        return BY_HAND
    memo.invoice_missing(renew)
    document, wanted = memo.make(renew)
    _note_difference(ctx, order, memo.sales, document, wanted)
    return document


@dataclass
class _Memo:
    """One credit memo under way: exactly the case's units, exactly its money.

    `pieces` are by store order item id, without those that staff refunded `by_hand`.
    """

    case: ReturnCase
    sales: Sales
    store: StoreOrder
    order: MarketplaceOrder
    policy: OrderPolicy
    line_ids: set[str]
    pieces: Counter[int]
    by_hand: Counter[int]

    @classmethod
    def of(
        cls, case: ReturnCase, order: Order, sales: Sales, store: StoreOrder, share: Share, memos: list[dict[str, Any]]
    ) -> _Memo:
        known, by_hand = share.pieces(), share.by_hand(store, memos)
        if not known:
            raise RejectedError(f"Store order {store.increment_id} has none of these units.", system="magento")
        if case.partial:
            known, by_hand = Counter(), Counter()
        return cls(
            case, sales, store, from_json(MarketplaceOrder, order.data), placement.order_policy(order.account),
            share.mine, known - by_hand, by_hand,
        )  # fmt: skip

    def invoice_missing(self, renew: Callable[[], None]) -> None:
        """Invoices the units that are to be refunded and were not invoiced: only what is paid can be given back."""
        items = {item.item_id: item for item in self.store.items}
        open_ones = {number: int(item.qty_invoiced - item.qty_refunded) for number, item in items.items()}
        missing = {number: pieces - open_ones.get(number, 0) for number, pieces in self.pieces.items()}
        left = {number: int(item.qty_ordered - item.qty_invoiced) for number, item in items.items()}
        missing = {number: min(pieces, left.get(number, 0)) for number, pieces in missing.items()}
        if missing := {number: pieces for number, pieces in missing.items() if pieces > 0}:
            renew()
            self.sales.invoice(self.store.entity_id, missing)
            self.store = self.sales.order(self.store.entity_id)

    def make(self, renew: Callable[[], None]) -> tuple[str, Decimal]:
        """The new credit memo's id, and the total that it should have. The store takes adjustments in its base currency."""
        items = {item["item_id"]: item for item in self.store.raw.get("items") or ()}
        wanted = {number: min(pieces, _open(items.get(number, {}))) for number, pieces in self.pieces.items()}
        wanted = {number: pieces for number, pieces in wanted.items() if pieces > 0}
        if not wanted and not self.case.partial:
            raise RejectedError(f"Store order {self.store.increment_id} has nothing left to refund.", system="magento")
        shipping = self._shipping_back(items, wanted)
        known = _given_back(items.values(), wanted)
        known += self._shipping_left() if shipping else ZERO
        told = self.case.refund_minor and not self.by_hand  # what staff gave back is in the sum, nobody knows how much
        gap = self._told(shipping=shipping) - known if told else ZERO
        to_order = _number(self.store.raw, "base_to_order_rate") or Decimal(1)
        adjustment = _cents(gap / to_order)
        renew()
        number = self.sales.refund(
            self.store.entity_id,
            wanted,
            shipping_amount=None if shipping else ZERO,
            adjustment_positive=max(adjustment, ZERO),
            adjustment_negative=max(-adjustment, ZERO),
            return_to_stock=list(wanted) if self._restock() else [],
            comment=f"TikTok Shop {self.case.kind} {self.case.request_id}, refunded there: "
            f"{from_minor(self.case.refund_minor, self.case.currency)} {self.case.currency}",
        )
        return str(number), known + gap

    def _shipping_back(self, items: Mapping[int, Mapping[str, Any]], wanted: Mapping[int, int]) -> bool:
        """Shipping is given back when the marketplace did, and when the last units are cancelled before they left."""
        if self.case.partial:
            return False
        rest = sum(_left(item) - wanted.get(number, 0) for number, item in items.items())
        return self.case.shipping_minor > 0 or (self.case.kind == "cancellation" and rest <= 0)

    def _shipping_left(self) -> Decimal:
        raw = self.store.raw
        paid = _number(raw, "shipping_amount") + _number(raw, "shipping_tax_amount")
        return paid - _number(raw, "shipping_refunded") - _number(raw, "shipping_tax_refunded")

    def _told(self, *, shipping: bool) -> Decimal:
        """What the store gives back: the buyer's refund and, where the order was booked as paid out, TikTok's share of it."""
        total = from_minor(self.case.refund_minor, self.case.currency)
        if self.policy.platform_discount == "payout" and not self.case.partial:
            units = [line for line in self.order.lines if line.id in self.line_ids]
            provider = reading.payment_discounts(self.order)
            total += sum((line.platform_discount + provider[line.id] for line in units), ZERO)
            total += self.order.payment.shipping_fee_platform_discount if shipping else ZERO
        return min(total, self.store.total_invoiced - self.store.total_refunded)

    def _restock(self) -> bool:
        if self.case.kind == "cancellation":
            return bool(self.case.replenish)
        back = self.case.type == SENT_BACK and self.case.sent_back
        return bool(back and self.policy.restock_returns)


_PARTS = (
    (1, "row_invoiced", "amount_refunded"),
    (-1, "discount_invoiced", "discount_refunded"),
    (1, "tax_invoiced", "tax_refunded"),
)
"""What a credit memo is made of, in the store's order: sign, what was paid of it, what went back before."""


def _given_back(items: Iterable[Mapping[str, Any]], wanted: Mapping[int, int]) -> Decimal:
    """What the store gives back for so many pieces of its lines, before any adjustment.

    A line's last pieces take all that is left of it. Others take a rounded share, and what rounding lost goes into the
    next share of the memo, as the store does it (Magento_Sales 2.4.7, Creditmemo::roundPrice): at two decimals in every
    currency (reference section 12.2).
    """
    lines = [item for item in items if wanted.get(item["item_id"])]
    total = carried = ZERO
    for sign, paid, gone in _PARTS:
        for item in lines:
            pieces, still = wanted[item["item_id"]], _open(item)
            share = abs(_number(item, paid)) - abs(_number(item, gone))
            if share and pieces < still:
                exact = share / still * pieces + sign * carried
                share = _cents(exact)
                carried = sign * (exact - share)
            total += sign * share
    return total


def _open(item: Mapping[str, Any]) -> int:
    """Pieces of a line that are paid and not refunded; a child row of a configurable has none of its own."""
    if item.get("parent_item_id"):
        return 0
    return int(_number(item, "qty_invoiced") - _number(item, "qty_refunded"))


def _left(item: Mapping[str, Any]) -> int:
    """Pieces of a line that are still wanted: neither cancelled nor refunded, paid or not."""
    if item.get("parent_item_id"):
        return 0
    return int(_number(item, "qty_ordered") - _number(item, "qty_canceled") - _number(item, "qty_refunded"))


def _number(row: Mapping[str, Any], name: str) -> Decimal:
    return Decimal(str(row.get(name) or 0))


def _cents(amount: Decimal) -> Decimal:
    return amount.quantize(Decimal("0.01"), rounding=ROUND_HALF_UP)


def _names(memo: Mapping[str, Any], case: ReturnCase) -> bool:
    """True for a credit memo whose comment names this request: ours, from an earlier call."""
    return any(case.request_id in text for text in comments(memo))


def _note_by_hand(ctx: Context, order: Order, memo: _Memo) -> None:
    case = memo.case
    what = (
        "The order" if not memo.by_hand else f"{memo.by_hand.total()} of {(memo.by_hand + memo.pieces).total()} pieces"
    )
    text = (
        f"{what} of {case.kind} {case.request_id} had been refunded in Magento by hand, and is not refunded again. Compare "
        f"that amount: TikTok Shop gave back {from_minor(case.refund_minor, case.currency)} {case.currency}."
    )
    with transaction():
        history.note(ctx.clock.now(), "returns", "order.refunded_by_hand", "order", order.id, text)


def _note_difference(ctx: Context, order: Order, sales: Sales, document: str, wanted: Decimal) -> None:
    """Says so in the order's history when the store made another amount than it was to make: it cannot be taken back."""
    for memo in sales.credit_memos(int(order.magento_order_id or 0)):
        made = _number(memo, "grand_total")
        if str(memo["entity_id"]) == document and made != wanted:
            text = f"Credit memo {document} gives back {made:f} instead of {wanted:f}: correct the difference by hand."
            with transaction():
                history.note(ctx.clock.now(), "returns", "order.refund_differs", "order", order.id, text)


def _note_state(ctx: Context, case: ReturnCase, order: Order, sales: Sales) -> None:
    """The store order as it is now; one that was cancelled as a whole is over."""
    store = sales.order(int(order.magento_order_id or 0))
    over = case.kind == "cancellation" and store.state in {"closed", "canceled"}
    state: dict[str, Any] = {"state": "cancelled", "failed_reason": ""} if over else {}
    with transaction():
        Order.update(magento_status=store.status, changed_at=ctx.clock.now(), **state).where(
            Order.id == order.id
        ).execute()
