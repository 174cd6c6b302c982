"""Marketplace orders on our side: filed by unit, counted against stock, and asked to be made in the store."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Any

from peewee import IntegrityError

from connector.domain.money import round_money, to_minor
from connector.domain.order import RESERVING, TO_SHIP, MarketplaceOrder
from connector.domain.values import from_json, to_json
from connector.plugins.policies.order import OrderPolicy
from connector.services import (
    cancelling,
    history,
    leaving_out,
    marks,
    matching,
    offers,
    periodic,
    placement,
    recipients,
    returns,
    work,
)
from connector.services.context import Context
from connector.store.database import locked, transaction
from connector.store.models import Account, Listing, Order, OrderLine, Product, QueueItem, Shipment

OVERLAP = 600
"""Seconds that an import looks back before its last one: the marketplace files late."""

FIRST_WINDOW = 7 * 86_400
"""Seconds that an account's first import looks back."""

ACTOR = "import_orders"
RETRY_AFTER = 60.0
"""Seconds before a store order that could not be made is asked for again; doubled by every failure."""

RETRY_AT_MOST = 6 * 3_600.0
SETTING_AT_MOST = 900.0
"""As above for orders that failed by none of their own: a setting is missing, or a fault of ours."""


def save(ctx: Context, account: Account, order: MarketplaceOrder) -> Order | None:
    """Files an order with its units, and marks what it sells as stale; None when we know newer news already."""
    try:
        return _file(ctx, account, order)
    except IntegrityError:  # another import filed it for the first time in the same moment: now it is known
        return _file(ctx, account, order)


def _file(ctx: Context, account: Account, order: MarketplaceOrder) -> Order | None:
    skus = matching.store_skus(account, order)
    mine = (Order.account == account.id) & (Order.tiktok_order_id == order.id)
    sold = (Listing.account == account.id) & Listing.remote_id.in_([line.product_id for line in order.lines])
    with transaction():
        known = locked(Order.select().where(mine)).first()  # two who file one order take turns,
        offers.hold(sold | _selling(account, skus.values()))  # and two who file orders of the same products
        row = _save(ctx.clock.now(), account, order, known)
        if row is not None:
            mark_stale(account, _save_lines(row, order, skus))
        return row


def _save(now: datetime, account: Account, order: MarketplaceOrder, known: Order | None) -> Order | None:
    order = recipients.remembered(order, known)
    values = _columns(order, known, now)
    if known is None:
        row: Order = Order.create(account=account.id, tiktok_order_id=order.id, imported_at=now, **values)
        history.note(now, "import_orders", "order.imported", "order", row.id, order.status)
        offers.unsure(account.id, order.lines)
        return row
    if known.state == "failed" and known.update_time < order.update_time:
        values["retry_at"] = None  # an address was corrected, perhaps: what could not be made may be possible now
    not_older = Order.update_time <= order.update_time
    if not Order.update(values).where(Order.id == known.id, not_older).execute():
        return None
    recipients.note(now, order, known)
    if recipients.moved(order, known):
        Order.update(address_due=True, retry_at=None).where(Order.id == known.id).execute()
    if known.status != order.status:
        offers.unsure(account.id, order.lines)
        history.note(now, "import_orders", "order.status", "order", known.id, order.status, before=known.status)
    fresh: Order = Order.get_by_id(known.id)
    return fresh


def import_window(
    ctx: Context,
    account: Account,
    *,
    since: int | None = None,
    until: int | None = None,
    status: str = "",
    order_id: str = "",
) -> str:
    """Reads one order, or those that changed in a window of Unix seconds, with cancellations and returns.

    Without `since` it goes on where the last full import ended, and only such a pass moves that mark.
    """
    shop = ctx.remotes.shop(account)
    if order_id:
        told = _count(ctx, account, shop.orders([order_id]), status)
        for row in Order.select().where(Order.account == account.id, Order.tiktok_order_id == order_id):
            ask_due(ctx, account, only=row.id)
        return f"{told}."
    now = int(ctx.clock.now().timestamp())
    start = since if since is not None else _start(account, "orders", now)
    end = until if until is not None else now + 60
    told = _count(ctx, account, shop.orders_updated(start, end), status)
    if since is None and until is None and not status:
        marks.advance(account, "orders", now)
    ask_due(ctx, account)
    cases = returns.import_window(ctx, account, since=since, until=until)
    periodic.hasten([f"returns:{account.id}"], ctx.clock.now())
    return f"{told}; {cases}"


def refresh(ctx: Context, order_id: int) -> Order:
    """The order as the marketplace has it now."""
    row: Order = Order.get_by_id(order_id)
    for order in ctx.remotes.shop(row.account).orders([row.tiktok_order_id]):
        save(ctx, row.account, order)
    fresh: Order = Order.get_by_id(order_id)
    return fresh


def sync_status(ctx: Context, order_id: int) -> str:
    """Reads both sides, asks for what is due, and gives the store order the buyer's address and the status that the policy
    maps; a sentence.

    Raises:
        RejectedError: the store does not take the mapped status in the order's state; all else is done by then.
    """
    row = refresh(ctx, order_id)
    told = "no store order"
    if row.magento_order_id is not None:
        found = ctx.remotes.sales(row.account.store).orders([row.magento_order_id])
        told = found[0].status if found else "missing"
        _note_status(ctx, row, told)
    cancelling.follow(ctx, row)
    recipients.follow(ctx, row)
    ask_due(ctx, row.account, only=row.id)
    wanted = placement.order_policy(row.account).status_map.get(row.status, "")
    if wanted and wanted != told and row.state == "confirmed" and row.magento_order_id is not None:
        ctx.remotes.sales(row.account.store).comment(row.magento_order_id, f"TikTok Shop: {row.status}", wanted)
        _note_status(ctx, row, wanted)
        told = wanted
    return f"TikTok Shop: {row.status}. Magento: {told}."


def _note_status(ctx: Context, row: Order, status: str) -> None:
    with transaction():
        Order.update(magento_status=status, changed_at=ctx.clock.now()).where(Order.id == row.id).execute()


def ask_due(ctx: Context, account: Account, *, only: int | None = None) -> int:
    """Asks for the store orders, shipments and statuses that are due by the order policy; how many were queued.

    What failed is asked for again later and later, for as long as the order is wanted; at once for `only` one order.
    """
    policy = placement.order_policy(account)
    mine = (Order.account == account.id) & ((Order.id == only) if only is not None else (Order.id > 0))
    leaving_out.apply(ctx, policy, mine)
    asked = _ask_creation(ctx, policy, mine if only is not None else mine & _may_retry(ctx))
    asked += _ask_status(ctx, policy, mine & _may_retry(ctx)) if only is None else 0
    asked += _ask_address(ctx, mine & _may_retry(ctx)) if only is None else 0
    if policy.ship:
        open_ones = Shipment.select(Shipment.order).where(Shipment.state == "pending")
        ids = [row.id for row in Order.select(Order.id).where(mine & Order.id.in_(open_ones)).order_by(Order.id)]
        asked += work.ask(ctx, "ship", ids, actor=ACTOR, why="shipped in the store", priority=60).queued
    return asked


def _may_retry(ctx: Context) -> Any:
    return Order.retry_at.is_null() | (Order.retry_at <= ctx.clock.now())


def _ask_creation(ctx: Context, policy: OrderPolicy, mine: Any) -> int:
    if not policy.create_order:
        return 0
    done = Order.state.in_(("cancelled", "skipped")) | ((Order.state == "confirmed") & Order.external_written)
    rows = list(Order.select().where(mine & Order.status.in_(policy.create_when) & ~done).order_by(Order.id))
    for row in rows:
        _match_again(row)
        longest = RETRY_AT_MOST if row.failures else SETTING_AT_MOST
        wait = min(RETRY_AFTER * 2 ** min(max(row.failures, _ended(row)), 16), longest)
        with transaction():
            Order.update(retry_at=ctx.clock.now() + timedelta(seconds=wait)).where(Order.id == row.id).execute()
    ids = [row.id for row in rows]
    return work.ask(ctx, "create_sales_order", ids, actor=ACTOR, why="the order is paid", priority=20).queued


def _ended(row: Order) -> int:
    """How often work on the store order ended without one."""
    ended = (QueueItem.kind == "create_sales_order") & QueueItem.state.in_(("dead", "rejected"))
    return int(QueueItem.select().where(ended, QueueItem.subject_id == row.id).count())


def _match_again(row: Order) -> None:
    """The units' products as the store has them now: what was missing when the order came may be there."""
    if row.magento_order_id is not None or row.state not in {"", "failed"}:
        return
    before = {line.line_id: line.sku for line in OrderLine.select().where(OrderLine.order == row.id)}
    now = matching.store_skus(row.account, from_json(MarketplaceOrder, row.data))
    skus = matching.settled(row.account, before, now)
    with transaction():
        for line_id, sku in skus.items():
            OrderLine.update(sku=sku).where(
                OrderLine.order == row.id, OrderLine.line_id == line_id, OrderLine.sku != sku
            ).execute()


def _ask_status(ctx: Context, policy: OrderPolicy, mine: Any) -> int:
    """Asks to give store orders the status that the policy maps their marketplace status to."""
    ids: list[int] = []
    for status, wanted in policy.status_map.items():
        differs = (Order.status == status) & (Order.magento_status != wanted)
        rows = Order.select(Order.id).where(mine, differs, Order.state == "confirmed", Order.external_written)
        ids += [row.id for row in rows]
    again = ctx.clock.now() + timedelta(seconds=RETRY_AT_MOST)
    with transaction():
        Order.update(retry_at=again).where(Order.id.in_(ids)).execute()
    return work.ask(ctx, "sync_status", ids, actor=ACTOR, why="its status is mapped", priority=80).queued


def _ask_address(ctx: Context, mine: Any) -> int:
    """Asks to give store orders the address that the buyer corrected."""
    due = Order.address_due & (Order.state == "confirmed") & Order.status.in_(TO_SHIP)
    ids = [row.id for row in Order.select(Order.id).where(mine, due).order_by(Order.id)]
    again = ctx.clock.now() + timedelta(seconds=SETTING_AT_MOST)
    with transaction():
        Order.update(retry_at=again).where(Order.id.in_(ids)).execute()
    return work.ask(ctx, "sync_status", ids, actor=ACTOR, why="its address was corrected", priority=30).queued


def unserved(store_id: int) -> set[int]:
    """Failed orders with a unit that the store does not have, or not enough of, as far as we have read."""
    failed = list(
        Order.select(Order.id, Order.account, Order.state, Order.data, Order.magento_order_id)
        .join(Account)
        .where(Account.store == store_id, Order.state == "failed", Order.magento_order_id.is_null())
    )
    found = set()
    for row in failed:
        _match_again(row)
        lines = OrderLine.select().where(OrderLine.order == row.id, OrderLine.status != "CANCELLED")
        wanted = Counter(line.sku for line in lines)
        query = Product.select().where(Product.store == store_id, ~Product.deleted, Product.sku.in_(list(wanted)))
        served = {p.sku for p in query if p.enabled and (p.unlimited or (p.salable or 0) >= wanted[p.sku])}
        if set(wanted) - served:
            found.add(row.id)
    return found


def hasten(ctx: Context, order_ids: Iterable[int]) -> int:
    """Asks at once for store orders whose cause to fail is gone; how many were queued."""
    return sum(
        ask_due(ctx, row.account, only=row.id) for row in list(Order.select().where(Order.id.in_(list(order_ids))))
    )


def _count(ctx: Context, account: Account, found: Iterable[MarketplaceOrder], status: str) -> str:
    new = changed = 0
    for order in found:
        if status and order.status != status:
            continue
        known = Order.select().where(Order.account == account.id, Order.tiktok_order_id == order.id).exists()
        row = save(ctx, account, order)
        if row is None:
            continue
        new, changed = (new, changed + 1) if known else (new + 1, changed)
    return f"{new} new orders, {changed} known ones read again"


def _start(account: Account, feed: str, now: int) -> int:
    mark = marks.of(account, feed)
    return mark - OVERLAP if mark else now - FIRST_WINDOW


def _columns(order: MarketplaceOrder, row: Order | None, now: datetime) -> dict[str, Any]:
    state = row.state if row is not None else ""
    if state in {"", "reserved"}:
        state = "reserved" if order.status in RESERVING else ""
    currency = order.payment.currency
    name = " ".join(part for part in (order.address.first_name, order.address.last_name) if part)
    return {
        "status": order.status,
        "update_time": order.update_time,
        "data": to_json(order),
        "currency": currency,
        "total_minor": to_minor(round_money(order.payment.total_amount, currency), currency),
        "placed_at": order.create_time,
        "changed_at": now,
        "buyer": name or order.buyer_email,
        "state": state,
    }


def _save_lines(row: Order, order: MarketplaceOrder, skus: dict[str, str]) -> set[str]:
    """The store SKUs that the order sells."""
    known = {line.line_id: line for line in OrderLine.select().where(OrderLine.order == row.id)}
    skus = matching.settled(row.account, {line_id: line.sku for line_id, line in known.items()}, skus)
    currency = order.payment.currency
    for line in order.lines:
        discount = line.seller_discount + line.platform_discount
        values = {
            "status": line.status,
            "package_id": line.package_id,
            "sku_id": line.sku_id,
            "seller_sku": line.seller_sku,
            "product_name": line.product_name,
            "price_minor": to_minor(round_money(line.original_price, currency), currency),
            "discount_minor": to_minor(round_money(discount, currency), currency),
        }
        old = known.get(line.id)
        if old is None:
            OrderLine.create(order=row.id, line_id=line.id, sku=skus[line.id], **values)
            continue
        if row.state in {"", "reserved", "failed"} and row.magento_order_id is None:
            values["sku"] = skus[line.id]
        OrderLine.update(values).where(OrderLine.id == old.id).execute()
    return set(skus.values())


def mark_stale(account: Account, skus: set[str]) -> None:
    """Asks for new quantities of every listing in the store that sells these SKUs, or a configurable of them."""
    if ids := offers.hold(_selling(account, skus)):
        Listing.update(stale=True).where(Listing.id.in_(ids)).execute()


def _selling(account: Account, skus: Iterable[str]) -> Any:
    """Listings in the store that sell these SKUs, or a configurable of them."""
    products = list(
        Product.select(Product.id, Product.parent).where(Product.store == account.store_id, Product.sku.in_(list(skus)))
    )
    ids = {product.id for product in products} | {product.parent_id for product in products if product.parent_id}
    return Listing.product.in_(list(ids))
