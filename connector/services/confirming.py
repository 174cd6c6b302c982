"""A placed store order made the marketplace's: corrected to the cent, released, invoiced, told (store reference, section 12)."""

from __future__ import annotations

from decimal import Decimal

from connector.domain import correction
from connector.domain.order import StoreOrder
from connector.errors import RejectedError
from connector.services import customers, history
from connector.services.claims import Claim
from connector.services.stores import exchange_rate
from connector.store.database import transaction
from connector.store.models import OrderLine

_HOLDABLE = frozenset({"new", "processing", "pending_payment"})
OVER = frozenset({"canceled", "closed"})
"""The store's states of an order that staff ended."""


def correct(claim: Claim, placed: StoreOrder) -> StoreOrder:
    """Amounts to the cent, while the order is held so that nobody invoices the shop's prices."""
    _check_untouched(placed)
    if placed.state in _HOLDABLE:
        claim.sales.hold(placed.entity_id)
    fresh = claim.sales.order(placed.entity_id)
    _check_untouched(fresh)
    rate = _rate(claim, fresh)
    entity = correction.body(
        claim.order, fresh, claim.policy.platform_discount, skus=claim.skus, rate=rate, units=claim.units(fresh)
    )
    claim.sales.save_order(entity)
    read = claim.sales.order(placed.entity_id)
    wrong = correction.differences(entity, read)
    if wrong:
        raise RejectedError(f"Store order {read.increment_id} reads back wrong: {'; '.join(wrong)}.", system="magento")
    claim.save(state="corrected", failed_reason="")
    return read


def _rate(claim: Claim, placed: StoreOrder) -> Decimal:
    """What one unit of the order's currency is in the store's books: at the order's own rate where it is in that currency.

    The store keeps four decimals of it: nothing is left of a rate such as 0.00004.
    """
    currency, kept = claim.order.payment.currency, Decimal(str(placed.raw.get("base_to_order_rate") or 0))
    return 1 / (kept if kept and placed.currency == currency else exchange_rate(claim.sales, claim.store, currency))


def _check_untouched(placed: StoreOrder) -> None:
    """Raises RejectedError when somebody was quicker: corrected amounts would no longer fit the documents."""
    if placed.state in OVER:
        raise ended(placed)
    if placed.total_invoiced:
        raise RejectedError(
            f"Store order {placed.increment_id} was invoiced before its amounts were corrected.", system="magento"
        )


def confirm(claim: Claim, placed: StoreOrder) -> None:
    """Released, named and invoiced; the customer's address replaces the key only now."""
    if placed.state == "holded":
        claim.sales.unhold(placed.entity_id)
    customer = customers.chosen(claim.sales, claim.store, claim.policy)
    numbers = {"entity_id": placed.entity_id, "increment_id": placed.increment_id, "ext_order_id": claim.order.id}
    who = customers.enter(claim.sales, numbers, customer, claim.order, claim.email)
    invoiced = _invoice(claim, placed) if claim.policy.invoice else False
    read = claim.sales.order(placed.entity_id)
    if invoiced and read.total_invoiced != read.grand_total:
        raise RejectedError(
            f"Store order {read.increment_id} is invoiced at {read.total_invoiced.normalize():f} instead of "
            f"{read.grand_total.normalize():f}.",
            system="magento",
        )
    if wrong := customers.difference(who, read):
        history.note(claim.ctx.clock.now(), "create_sales_order", "order.customer", "order", claim.row.id, wrong)
    _assign_items(claim, read)
    claim.save(state="confirmed", magento_status=read.status, invoiced=invoiced, failed_reason="")
    history.note(
        claim.ctx.clock.now(), "create_sales_order", "order.confirmed", "order", claim.row.id,
        f"Store order {read.increment_id}, {read.grand_total.normalize():f} {read.currency}.",
    )  # fmt: skip
    write_back(claim, read)


def _invoice(claim: Claim, placed: StoreOrder) -> bool:
    if placed.total_invoiced < placed.grand_total or not claim.sales.invoices(placed.entity_id):
        claim.sales.invoice(placed.entity_id)
    return True


def _assign_items(claim: Claim, placed: StoreOrder) -> None:
    by_sku = {item.sku.casefold(): item.item_id for item in placed.items if item.parent_item_id is None}
    units = claim.units(placed)
    with transaction():
        for line_id, sku in claim.skus.items():
            if line_id not in units:  # cancelled before there was a store order
                continue
            OrderLine.update(store_item_id=by_sku.get(sku.casefold())).where(
                OrderLine.order == claim.row.id, OrderLine.line_id == line_id
            ).execute()


def write_back(claim: Claim, placed: StoreOrder) -> None:
    """Tells the marketplace the store's numbers, once."""
    if claim.row.external_written:
        return
    by_sku = {item.sku.casefold(): str(item.item_id) for item in placed.items if item.parent_item_id is None}
    lines = {
        line.id: by_sku[claim.skus[line.id].casefold()]
        for line in claim.order.open_lines
        if claim.skus[line.id].casefold() in by_sku
    }
    claim.ctx.remotes.shop(claim.account).write_external_order(claim.order.id, placed.increment_id, lines)
    claim.save(external_written=True)


def ended(placed: StoreOrder) -> RejectedError:
    """What to do about a store order that staff ended before it was what the marketplace sold."""
    return RejectedError(
        f"Store order {placed.increment_id} was {placed.state} in the store. If the goods will be sent, choose Create "
        "Sales Order here: another store order is made. If not, choose Reject: the buyer is refunded.",
        system="magento",
    )
