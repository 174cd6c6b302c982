"""Marketplace orders on our side: filed by unit, counted against stock, and asked to be made in the store."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any

from peewee import JOIN, fn

from connector.domain.money import round_money, to_minor
from connector.domain.order import RESERVING, MarketplaceOrder
from connector.domain.values import to_json
from connector.services import history, placement, refunds, returns, work
from connector.services.context import Context
from connector.store.database import transaction
from connector.store.models import Account, Listing, Order, OrderLine, Product, Shipment

OVERLAP = 600
"""Seconds that an import looks back before its last one: the marketplace files late."""

FIRST_WINDOW = 7 * 86_400
"""Seconds that an account's first import looks back."""

HOLDING = ("", "reserved", "claimed", "cart", "placing", "failed")
"""States in which the store does not hold the pieces yet, so that we do."""

_TERMINAL = ("placed", "corrected", "confirmed", "cancelled", "skipped")
_RETRIES = 5


def save(ctx: Context, account: Account, order: MarketplaceOrder) -> Order | None:
    """Files an order with its units, and marks what it sells as stale; None when we know newer news already."""
    now = ctx.clock.now()
    skus = _store_skus(account, order)
    with transaction():
        row: Order | None = Order.get_or_none(Order.account == account.id, Order.tiktok_order_id == order.id)
        if row is not None and row.update_time > order.update_time:
            return None
        values = _columns(order, row, now)
        if row is None:
            row = Order.create(account=account.id, tiktok_order_id=order.id, imported_at=now, **values)
            history.note(now, "import_orders", "order.imported", "order", row.id, order.status)
        else:
            if row.status != order.status:
                history.note(now, "import_orders", "order.status", "order", row.id, order.status, before=row.status)
            Order.update(values).where(Order.id == row.id).execute()
            row = Order.get_by_id(row.id)
        _save_lines(row, order, skus)
        _mark_stale(account, set(skus.values()))
    return row


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
        return f"{_count(ctx, account, shop.orders([order_id]), status)}."
    now = int(ctx.clock.now().timestamp())
    start = since if since is not None else _start(account, "orders", now)
    end = until if until is not None else now + 60
    told = _count(ctx, account, shop.orders_updated(start, end), status)
    if since is None and until is None and not status:
        _advance(account, "orders", now)
    cases = returns.import_window(ctx, account, since=since, until=until)
    ask_due(ctx, account)
    return f"{told}; {cases}"


def refresh(ctx: Context, order_id: int) -> Order:
    """The order as the marketplace has it now."""
    row: Order = Order.get_by_id(order_id)
    for order in ctx.remotes.shop(row.account).orders([row.tiktok_order_id]):
        save(ctx, row.account, order)
    fresh: Order = Order.get_by_id(order_id)
    return fresh


def sync_status(ctx: Context, order_id: int) -> str:
    """Reads both sides and asks for what is due; both states as a sentence."""
    row = refresh(ctx, order_id)
    if row.magento_order_id is not None:
        found = ctx.remotes.sales(row.account.store).orders([row.magento_order_id])
        told = found[0].status if found else "missing"
        with transaction():
            Order.update(magento_status=told, changed_at=ctx.clock.now()).where(Order.id == row.id).execute()
    else:
        told = "no store order"
    follow_cancellation(ctx, row)
    ask_due(ctx, row.account, only=row.id)
    return f"TikTok Shop: {row.status}. Magento: {told}."


def held(skus: Sequence[str], *, account_id: int | None = None, store_id: int | None = None) -> dict[str, int]:
    """Pieces by store SKU that orders want and the stock read last does not lack yet; SKUs without any are absent.

    Every account of one store sells the same pieces: give the store for what a listing may promise.
    """
    wanted = list(skus)
    found: dict[str, int] = {}
    for start in range(0, len(wanted), 400):
        query = (
            OrderLine.select(OrderLine.sku, fn.COUNT(OrderLine.id))
            .join(Order)
            .join(Account)
            .join(Product, JOIN.LEFT_OUTER, on=(Product.store == Account.store) & (Product.sku == OrderLine.sku))
            .where(
                OrderLine.sku.in_(wanted[start : start + 400]),
                OrderLine.status != "CANCELLED",
                Order.status.in_([*RESERVING, "AWAITING_SHIPMENT", "PARTIALLY_SHIPPING", "AWAITING_COLLECTION"]),
                _unknown_to_stock(),
            )
        )
        if account_id is not None:
            query = query.where(Order.account == account_id)
        if store_id is not None:
            query = query.where(Account.store == store_id)
        rows: Any = query.group_by(OrderLine.sku).tuples()
        found |= dict(rows)
    return found


def _unknown_to_stock() -> Any:
    """Orders whose pieces are not missing yet from the store's stock as it was read last: the store does not have them; or it
    made them after that read; or it has them without a reservation."""
    not_there = Order.magento_order_id.is_null() & Order.state.in_((*HOLDING, "skipped"))
    after_the_read = Order.stored_at.is_null(False) & (Order.stored_at >= Product.stock_at)
    there = Order.magento_order_id.is_null(False) & (after_the_read | ~Order.stock_reserved)
    return not_there | there


def ask_due(ctx: Context, account: Account, *, only: int | None = None) -> int:
    """Asks for the store orders and shipments that are due by the order policy; how many were queued."""
    policy = placement.order_policy(account)
    asked = 0
    mine = (Order.account == account.id) & ((Order.id == only) if only is not None else (Order.id > 0))
    if policy.create_order:
        due = mine & Order.status.in_(policy.create_when) & Order.state.not_in(_TERMINAL) & (Order.failures < _RETRIES)
        ids = [row.id for row in Order.select(Order.id).where(due).order_by(Order.id)]
        asked += work.ask(
            ctx, "create_sales_order", ids, actor="import_orders", why="the order is paid", priority=20
        ).queued
    if policy.ship:
        open_ones = Shipment.select(Shipment.order).where(Shipment.state == "pending")
        ids = [row.id for row in Order.select(Order.id).where(mine & Order.id.in_(open_ones)).order_by(Order.id)]
        asked += work.ask(ctx, "ship", ids, actor="import_orders", why="shipped in the store", priority=60).queued
    return asked


def follow_cancellation(ctx: Context, row: Order) -> str:
    """Cancels the store order of a cancelled marketplace order; empty when there is nothing to do.

    An order that was invoiced or shipped in the store is left to its cancellation case, which makes a credit memo.
    """
    if row.status != "CANCELLED" or row.state == "cancelled":
        return ""
    now = ctx.clock.now()
    if row.magento_order_id is None and row.cart_id and not _adopt_late(ctx, row):
        return ""
    row = Order.get_by_id(row.id)
    if row.magento_order_id is None:
        with transaction():
            Order.update(state="cancelled", changed_at=now).where(Order.id == row.id).execute()
        return "No store order was made."
    return refunds.cancel_store_order(ctx, row)


def _adopt_late(ctx: Context, row: Order) -> bool:
    """Takes over a store order that an unanswered place call made; False while such a call may still run."""
    now = ctx.clock.now()
    running = row.placing_since and (now - row.placing_since).total_seconds() < ctx.place_timeout
    if running or (row.lease_until and row.lease_until > now):
        return False
    email = placement.order_email(row.account, row.tiktok_order_id)
    found = ctx.remotes.sales(row.account.store).find_orders("customer_email", email)
    if found:
        with transaction():
            Order.update(
                magento_order_id=found[0].entity_id, magento_increment_id=found[0].increment_id, changed_at=now
            ).where(Order.id == row.id).execute()
    return True


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
        follow_cancellation(ctx, row)
    return f"{new} new orders, {changed} known ones read again"


def _start(account: Account, feed: str, now: int) -> int:
    mark = int((account.high_water or {}).get(feed) or 0)
    return mark - OVERLAP if mark else now - FIRST_WINDOW


def _advance(account: Account, feed: str, now: int) -> None:
    with transaction():
        fresh: Account = Account.get_by_id(account.id)
        marks = {**(fresh.high_water or {}), feed: now}
        Account.update(high_water=marks).where(Account.id == account.id).execute()
    account.high_water = marks


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


def _save_lines(row: Order, order: MarketplaceOrder, skus: dict[str, str]) -> None:
    known = {line.line_id: line for line in OrderLine.select().where(OrderLine.order == row.id)}
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


def _store_skus(account: Account, order: MarketplaceOrder) -> dict[str, str]:
    """Line id → store SKU, by the listing that sold it; a line of no listing goes by its seller SKU."""
    remote = {line.product_id for line in order.lines if line.product_id}
    listings = Listing.select(Listing.remote_id, Listing.confirmed, Listing.draft).where(
        Listing.account == account.id, Listing.remote_id.in_(list(remote))
    )
    by_id: dict[str, str] = {}
    by_seller: dict[str, str] = {}
    for listing in listings:
        confirmed = (listing.confirmed or {}).get("skus") or {}
        by_id |= {str(sku.get("id") or ""): seller for seller, sku in confirmed.items()}
        by_seller |= {sku["seller_sku"]: sku["sku"] for sku in (listing.draft or {}).get("skus") or ()}
    found = {}
    for line in order.lines:
        seller = by_id.get(line.sku_id) or line.seller_sku
        found[line.id] = by_seller.get(seller) or seller
    return found


def _mark_stale(account: Account, skus: set[str]) -> None:
    """Asks for new quantities of every listing in the store that sells these SKUs, or a configurable of them."""
    products = list(
        Product.select(Product.id, Product.parent).where(Product.store == account.store_id, Product.sku.in_(list(skus)))
    )
    ids = {product.id for product in products} | {product.parent_id for product in products if product.parent_id}
    if ids:
        Listing.update(stale=True).where(Listing.product.in_(list(ids))).execute()
