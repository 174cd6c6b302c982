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
from connector.store.database import transaction
from connector.store.models import Order, OrderLine, ReturnCase

BY_HAND = "refunded by hand"
"""The document of a case whose order staff had refunded before: there is nothing left to give back."""

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


def follow(ctx: Context, case: ReturnCase, order: Order, renew: Callable[[], None]) -> str:
    """The store's document: a credit memo's id, "cancelled", or nothing where there is nothing to refund.

    `renew` is called right before each change; it raises when somebody else follows the case by now.

    Raises:
        RejectedError: the store refuses, or does not have the order yet; the text says what to do.
        UnknownOutcomeError: a change was not answered; wait before the next call, which looks it up first.
    """
    if order.magento_order_id is None:
        if case.kind == "cancellation" or order.state in {"skipped", "cancelled"}:
            return ""
        raise RejectedError("The order is not in Magento yet: its refund follows as soon as it is.", system="magento")
    sales = ctx.remotes.sales(order.account.store)
    lines = _case_lines(case, order)
    whole = len(lines) == OrderLine.select().where(OrderLine.order == order.id).count()
    if case.kind == "cancellation" and whole and cancel_store_order(ctx, order):
        return "cancelled"
    document = _memo_of(sales, order.magento_order_id, case.request_id)
    if not document:
        memo = _Memo.of(case, order, sales, lines)
        if memo.store.state == "closed" and memo.store.total_refunded:
            document = BY_HAND
        else:
            memo.invoice_missing(renew)
            document, wanted = memo.make(renew)
            _note_difference(ctx, order, sales, document, wanted)
    _note_state(ctx, case, order, sales)
    return document


@dataclass
class _Memo:
    """One credit memo under way: exactly the case's units, exactly its money. `pieces` are by store order item id."""

    case: ReturnCase
    sales: Sales
    store: StoreOrder
    order: MarketplaceOrder
    policy: OrderPolicy
    line_ids: set[str]
    pieces: dict[int, int]

    @classmethod
    def of(cls, case: ReturnCase, order: Order, sales: Sales, lines: list[OrderLine]) -> _Memo:
        store = sales.order(int(order.magento_order_id or 0))
        known = Counter(int(line.store_item_id) for line in lines if line.store_item_id is not None)
        if not known:
            raise RejectedError(f"Store order {store.increment_id} has none of these units.", system="magento")
        return cls(
            case, sales, store, from_json(MarketplaceOrder, order.data), placement.order_policy(order.account),
            {line.line_id for line in lines}, {} if case.partial else dict(known),
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
        gap = self._told(shipping=shipping) - known if self.case.refund_minor else ZERO
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


def _memo_of(sales: Sales, entity_id: int, request_id: str) -> str:
    """The credit memo whose comment names this request: ours, from an earlier call."""
    for memo in sales.credit_memos(entity_id):
        if any(request_id in str(one.get("comment") or "") for one in memo.get("comments") or ()):
            return str(memo["entity_id"])
    return ""


def _note_difference(ctx: Context, order: Order, sales: Sales, document: str, wanted: Decimal) -> None:
    """Says so in the order's history when the store made another amount than it was to make: it cannot be taken back."""
    for memo in sales.credit_memos(int(order.magento_order_id or 0)):
        made = _number(memo, "grand_total")
        if str(memo["entity_id"]) == document and made != wanted:
            text = f"Credit memo {document} gives back {made:f} instead of {wanted:f}: correct the difference by hand."
            with transaction():
                history.note(ctx.clock.now(), "returns", "order.refund_differs", "order", order.id, text)


def _case_lines(case: ReturnCase, order: Order) -> list[OrderLine]:
    lines = OrderLine.select().where(OrderLine.order == order.id)
    return [line for line in lines if not case.line_ids or line.line_id in case.line_ids]


def _note_state(ctx: Context, case: ReturnCase, order: Order, sales: Sales) -> None:
    """The store order as it is now; one that was cancelled as a whole is over."""
    store = sales.order(int(order.magento_order_id or 0))
    over = case.kind == "cancellation" and store.state in {"closed", "canceled"}
    state: dict[str, Any] = {"state": "cancelled", "failed_reason": ""} if over else {}
    with transaction():
        Order.update(magento_status=store.status, changed_at=ctx.clock.now(), **state).where(
            Order.id == order.id
        ).execute()
