"""What is thrown away with time, and what is not."""

from __future__ import annotations

from datetime import timedelta

from connector.domain.order import Address, MarketplaceOrder
from connector.domain.values import from_json, to_json
from connector.services import retention, work
from connector.store.models import HistoryEntry, Listing, Notification, Order, QueueItem
from tests.services.orders_made_up import marketplace_order


def test_work_that_is_done_goes_after_its_time_and_open_work_never(ctx):
    ids = [listing.id for listing in Listing.select().order_by(Listing.id)]
    work.ask(ctx, "upload", ids, actor="x")
    old, new, still_open = QueueItem.select().order_by(QueueItem.id)
    work.finish(work.take(old.id, "w", ctx.clock.now()), "confirmed", ctx.clock.now())
    ctx.clock.turn(86_400 * ctx.keep_work_days + 1)
    work.finish(work.take(new.id, "w", ctx.clock.now()), "dead", ctx.clock.now(), cause="boom")

    assert retention.tidy(ctx) == "1 work items"

    assert {item.id for item in QueueItem.select()} == {new.id, still_open.id}
    assert retention.tidy(ctx) == ""


def test_notifications_and_old_history_go_in_batches(ctx, account, monkeypatch):
    monkeypatch.setattr(retention, "BATCH", 3)
    long_ago = ctx.clock.now() - retention.HISTORY - timedelta(days=1)
    for number in range(7):
        Notification.create(key=f"n{number}", account=account, type=1, data={}, received_at=long_ago)
        HistoryEntry.create(at=long_ago, actor="x", action="y", subject_type="order", subject_id="1")
    Notification.create(key="new", account=account, type=1, data={}, received_at=ctx.clock.now())
    HistoryEntry.create(at=ctx.clock.now(), actor="x", action="new", subject_type="order", subject_id="1")

    assert retention.tidy(ctx) == "7 notifications, 7 history entries"

    assert [row.key for row in Notification.select()] == ["new"]
    assert [row.action for row in HistoryEntry.select()] == ["new"]


def test_a_buyer_is_forgotten_when_the_order_has_been_over_for_long(ctx, account):
    """Units and money stay; an order that is on its way keeps its address."""
    rows = {}
    for number, status in enumerate(("COMPLETED", "IN_TRANSIT")):
        order = marketplace_order(str(number), status)
        rows[status] = Order.create(
            account=account, tiktok_order_id=order.id, status=status, data=to_json(order), currency="USD",
            total_minor=1650, placed_at=order.create_time, imported_at=ctx.clock.now(), changed_at=ctx.clock.now(),
            buyer="Jordan Ellery",
        )  # fmt: skip
    ctx.clock.turn(86_400 * ctx.keep_buyers_days + 1)

    assert retention.tidy(ctx) == "1 buyers"

    over, under_way = (Order.get_by_id(rows[status].id) for status in ("COMPLETED", "IN_TRANSIT"))
    kept = from_json(MarketplaceOrder, over.data)
    assert (over.buyer, kept.address, kept.buyer_email, kept.buyer_message) == ("", Address(), "", "")
    assert (kept.payment, kept.lines) == (marketplace_order("0", "").payment, marketplace_order("0", "").lines)
    assert from_json(MarketplaceOrder, under_way.data).address.first_name == "Jordan"
    assert retention.tidy(ctx) == ""
