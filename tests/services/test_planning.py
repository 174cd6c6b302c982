"""A plan asks for what is due and nothing else, and its cost is that of what changed."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest

from connector.domain.listing import ConfirmedSku, Draft, DraftSku, RemoteProduct, Status
from connector.domain.listing import Listing as Confirmed
from connector.services import publishing
from connector.services.context import Context
from connector.services.drafter import Drafted
from connector.store.database import database
from connector.store.models import Account, Listing, ListingTemplate, QueueItem
from tests.services import world


def draft(number: int, pieces: int = 5, price: str = "10.00", title: str = "Hoodie") -> Draft:
    key = f"MH{number:02}"
    skus = (DraftSku(key, key, Decimal(price), {"w1": pieces}),)
    return Draft(title, "<p>Soft.</p>", "600", "v2", "USD", ("a.jpg",), skus, weight_value="1", weight_unit="POUND")


def there(number: int, wanted: Draft, **changes: Any) -> Confirmed:
    skus = {sku.seller_sku: ConfirmedSku(f"s{number}", sku.price, dict(sku.quantities)) for sku in wanted.skus}
    base = {
        "remote_id": f"r{number}",
        "status": Status.ACTIVATE,
        "skus": skus,
        "content_digest": wanted.content_digest(),
    }
    return Confirmed(**{**base, **changes})


@pytest.fixture
def rows(account: Account, ctx: Context) -> list[Listing]:
    """Three live listings whose drafts are what the marketplace has."""
    now = ctx.clock.now()
    template = ListingTemplate.create(account=account, name="T", category_id="600", created_at=now, updated_at=now)
    Listing.update(template=template, stale=False).execute()
    Account.update(high_water={"day": now.date().toordinal()}).execute()
    for row in list(Listing.select().order_by(Listing.id)):
        wanted = draft(row.product_id)
        publishing.save_draft(row, Drafted(wanted, [], watched=""), "USD", now)
        publishing.save_confirmed(Listing.get_by_id(row.id), there(row.product_id, wanted), now)
    return list(Listing.select().order_by(Listing.id))


def asked() -> set[tuple[str, int]]:
    return {(item.kind, item.subject_id) for item in QueueItem.select()}


def plan(ctx: Context, account: Account) -> publishing.Planned:
    return publishing.plan(ctx, Account.get_by_id(account.id))


def redrafted(ctx: Context, row: Listing, wanted: Draft) -> None:
    publishing.save_draft(Listing.get_by_id(row.id), Drafted(wanted, []), "USD", ctx.clock.now())


def test_stops_go_before_offers_before_starts_before_content(
    ctx: Context, account: Account, rows: list[Listing]
) -> None:
    """One product must not be sold any more, one has other pieces and another title, one can be sold again."""
    stop, changed, start = rows
    off = there(start.product_id, draft(start.product_id), status=Status.SELLER_DEACTIVATED, paused=True)
    publishing.save_confirmed(start, off, ctx.clock.now())
    Listing.update(withdrawn="disabled").where(Listing.id == stop.id).execute()
    redrafted(ctx, changed, draft(changed.product_id, pieces=4, title="Another"))

    plan(ctx, account)

    items = sorted(QueueItem.select(), key=lambda item: item.priority)
    assert [(item.kind, item.arguments.get("status"), item.subject_id) for item in items] == [
        ("change_status", "inactive", stop.id),
        ("inventory_price_sync", None, changed.id),
        ("change_status", "active", start.id),
        ("upload", None, changed.id),
    ]
    assert len({item.priority for item in items}) == len(items)


def test_what_is_confirmed_is_not_asked_for(ctx: Context, account: Account, rows: list[Listing]) -> None:
    assert (plan(ctx, account), asked()) == (publishing.Planned(0, 0, 0, 0, 0), set())


@pytest.mark.parametrize(
    ("change", "kind"),
    [
        pytest.param({"pieces": 4}, "inventory_price_sync", id="stock"),
        pytest.param({"price": "11.00"}, "inventory_price_sync", id="price"),
        pytest.param({"title": "Another"}, "upload", id="content"),
    ],
)
def test_each_difference_is_work_of_its_own(
    ctx: Context, account: Account, rows: list[Listing], change: dict[str, Any], kind: str
) -> None:
    redrafted(ctx, rows[1], draft(rows[1].product_id, **change))
    plan(ctx, account)
    assert asked() == {(kind, rows[1].id)}
    assert (plan(ctx, account).upload, plan(ctx, account).offers) == (0, 0), "it waits already"


@pytest.mark.parametrize(
    ("status", "pieces", "price"),
    [
        pytest.param(Status.PLATFORM_DEACTIVATED, 4, "11.00", id="taken-down"),
        pytest.param(Status.FREEZE, 4, "11.00", id="frozen"),
        pytest.param(Status.PENDING, 5, "11.00", id="a-price-while-reviewed"),
        pytest.param(Status.DELETED, 4, "11.00", id="deleted"),
    ],
)
def test_what_the_marketplace_would_not_take_now_is_not_due(
    ctx: Context, account: Account, rows: list[Listing], status: Status, pieces: int, price: str
) -> None:
    row = rows[0]
    publishing.save_confirmed(row, there(row.product_id, draft(row.product_id), status=status), ctx.clock.now())
    redrafted(ctx, row, draft(row.product_id, pieces, price))
    assert plan(ctx, account).offers == 0


def test_a_refusal_rests_for_an_hour_or_until_the_draft_is_another(
    ctx: Context, account: Account, rows: list[Listing]
) -> None:
    """A price that is locked by a promotion must not be sent every ten seconds."""
    row = rows[0]
    redrafted(ctx, row, draft(row.product_id, price="11.00"))
    plan(ctx, account)
    ctx.clock.turn(5)  # type: ignore[attr-defined]  # the test's own clock
    QueueItem.update(state="rejected", open_key=None, finished_at=ctx.clock.now()).execute()
    assert plan(ctx, account).offers == 0
    ctx.clock.turn(timedelta(hours=1).total_seconds() + 1)  # type: ignore[attr-defined]  # the test's own clock
    assert plan(ctx, account).offers == 1
    QueueItem.update(state="rejected", open_key=None, finished_at=ctx.clock.now()).execute()
    ctx.clock.turn(1)  # type: ignore[attr-defined]  # the test's own clock
    redrafted(ctx, row, draft(row.product_id, price="12.00"))
    assert plan(ctx, account).offers == 1


def test_a_template_that_is_switched_off_sends_no_content_but_true_stock(
    ctx: Context, account: Account, rows: list[Listing]
) -> None:
    ListingTemplate.update(enabled=False).execute()
    redrafted(ctx, rows[0], draft(rows[0].product_id, pieces=1, title="Another"))
    plan(ctx, account)
    assert asked() == {("inventory_price_sync", rows[0].id)}


def test_a_stop_that_came_meanwhile_is_not_undone_by_what_was_under_way(
    ctx: Context, account: Account, rows: list[Listing]
) -> None:
    """An upload began, a person stopped the listing, the upload ended: the stop stays."""
    began = rows[0]
    Listing.update(stopped=True).where(Listing.id == began.id).execute()
    publishing.save_confirmed(began, there(began.product_id, draft(began.product_id, title="New")), ctx.clock.now())
    assert Listing.get_by_id(began.id).stopped


def test_a_mark_that_comes_while_a_draft_is_built_is_kept(ctx: Context, account: Account, rows: list[Listing]) -> None:
    """And a death in the middle loses nothing: the mark goes with the draft, in one transaction."""

    class Dying:
        account, now = rows[0].account, ctx.clock.now()

        def draft(self, *_: Any) -> Drafted:
            raise KeyboardInterrupt

    Listing.update(stale=True).where(Listing.id == rows[0].id).execute()
    with pytest.raises(KeyboardInterrupt):
        publishing._redraft(Dying(), rows[0])  # type: ignore[arg-type]  # a drafter that dies
    assert Listing.get_by_id(rows[0].id).stale


def test_a_plan_reads_no_listing_that_is_not_due(
    ctx: Context, account: Account, rows: list[Listing], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its queries are as many for three listings as for three hundred, and none reads drafts."""
    seen: list[str] = []
    execute = database.obj.execute_sql

    def watch(sql: str, *args: Any, **more: Any) -> Any:
        seen.append(sql)
        return execute(sql, *args, **more)

    monkeypatch.setattr(database.obj, "execute_sql", watch)
    plan(ctx, account)
    few = list(seen)
    monkeypatch.undo()
    for number in range(100, 400):
        world.add_listing(account, number)
    Listing.update(stale=False).execute()
    seen.clear()
    monkeypatch.setattr(database.obj, "execute_sql", watch)
    plan(ctx, account)
    assert len(seen) == len(few)
    assert not [sql for sql in seen if '"draft"' in sql and "SELECT" in sql]


def told(listing_id: str, at: int, status: Status = Status.SELLER_DEACTIVATED) -> RemoteProduct:
    skus = {"MH01": ConfirmedSku("s1", Decimal("10.00"), {"w1": 5})}
    return RemoteProduct(listing_id, "Hoodie", status, "NONE", at, skus)


def test_older_news_never_overwrite_newer(ctx: Context, rows: list[Listing]) -> None:
    """The marketplace's own time decides, not the order in which polls and webhooks arrive."""
    row, now = rows[0], ctx.clock.now()
    publishing.take_news(row, told("r1", 20), now)
    publishing.take_news(row, told("r1", 10, Status.ACTIVATE), now)

    kept = publishing.confirmed(Listing.get_by_id(row.id))
    assert (kept.status, kept.update_time, kept.stopped) == (Status.SELLER_DEACTIVATED, 20, True)


def test_news_of_a_product_that_was_replaced_change_nothing(ctx: Context, rows: list[Listing]) -> None:
    """A poll looks back: it meets the old product again after another was made in its place."""
    began = rows[0]
    publishing.save_confirmed(began, there(began.product_id, draft(began.product_id), remote_id="new"), ctx.clock.now())

    publishing.take_news(began, told("r1", 30, Status.DELETED), ctx.clock.now())

    kept = Listing.get_by_id(began.id)
    assert (kept.remote_id, kept.status) == ("new", "ACTIVATE")
