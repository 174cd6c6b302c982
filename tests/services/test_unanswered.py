"""What nobody knows of is sent again, and two who work on one listing do not undo each other (HTTP, in the sandbox)."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from types import SimpleNamespace
from typing import Any

import pytest

from connector.clients.http import HttpClient
from connector.services import desk, offers, publishing, work
from connector.services.drafter import Drafted
from connector.services.work import LEASE
from connector.store.database import disconnect, transaction
from connector.store.models import Listing, QueueItem
from tests.clients.rehearsal import wait_for
from tests.services import live, world
from tests.services.offering import PUSH, Offered, Rehearsal, offered, rehearsal

STOCK, PRICES, EDIT = r"POST .*/inventory/update", r"POST .*/prices/update", r"PUT .*/products/\d+$"
LOST = {"kind": "timeout_after_success", "delay": 0.01, "times": 50}


@pytest.fixture(scope="module")
def at(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Rehearsal]:
    with rehearsal(tmp_path_factory.mktemp("lost")) as made:
        yield made


@pytest.fixture
def listing(database_url: str, at: Rehearsal, monkeypatch: pytest.MonkeyPatch) -> Iterator[Offered]:
    """Its shop's client repeats without a pause."""
    monkeypatch.setattr(HttpClient, "_pause", lambda *_: 0.0)
    world.fill(database_url, products=0)
    yield offered(at)
    at.control.clear_faults()
    disconnect()


def drafted(listing: Offered, *, price: str = "", title: str = "", watched: str = "") -> None:
    """The draft with another price or title. `watched` stands for the attributes that alone send content."""
    skus = tuple(replace(sku, price=Decimal(price)) if price else sku for sku in listing.draft.skus)
    listing.draft = replace(listing.draft, skus=skus, title=title or listing.draft.title)
    publishing.save_draft(listing.row, Drafted(listing.draft, [], watched=watched), "USD", listing.ctx.clock.now())


def prices(listing: Offered) -> set[Decimal | None]:
    return {sku.price for sku in listing.at.market.product(listing.confirmed.remote_id).skus.values()}


def shows(listing: Offered, title: str) -> bool:
    """True once an edit was reviewed and buyers see this title."""
    return bool(wait_for(lambda: listing.at.market.product(listing.confirmed.remote_id).title == title))


class Shop:
    """The marketplace, with something that happens after one of its calls had its effect."""

    def __init__(self, market: Any, name: str, then: Callable[[], Any]) -> None:
        self._market, self._name, self._then = market, name, then

    def __getattr__(self, name: str) -> Any:
        call = getattr(self._market, name)
        return self._and_then(call) if name == self._name else call

    def _and_then(self, call: Callable[..., Any]) -> Callable[..., Any]:
        def both(*args: Any) -> Any:
            answer = call(*args)
            self._then()
            return answer

        return both


def after(listing: Offered, name: str, then: Callable[[], Any]) -> None:
    at: Any = replace(listing.at, market=Shop(listing.at.market, name, then))
    listing.ctx = replace(listing.ctx, remotes=at)


def die() -> None:
    raise KeyboardInterrupt


def lose(listing: Offered, how: str, path: str, name: str, kind: str = PUSH) -> int:
    """Work whose call has its effect and is not answered, or kills its process then; its number, due again."""
    if how == "unanswered":
        listing.at.control.fault("tiktok", path, **LOST)
        done = listing.push(kind)
        assert done.state == "waiting"
        listing.at.control.clear_faults()
        return done.id
    remotes, clock = listing.ctx.remotes, listing.ctx.clock
    after(listing, name, die)
    with pytest.raises(KeyboardInterrupt):
        listing.push(kind)
    clock = live.Clock(LEASE + timedelta(seconds=1))
    listing.ctx = replace(listing.ctx, remotes=remotes, clock=clock)
    work.sweep(listing.ctx)
    return int(QueueItem.get(QueueItem.kind == kind, QueueItem.state == "queued").id)


@pytest.mark.parametrize("how", ["unanswered", "killed"])
def test_pieces_that_may_have_arrived_are_sent_again_though_the_stock_is_back(listing: Offered, how: str) -> None:
    listing.wants(S=14)
    item = lose(listing, how, STOCK, "update_inventory")
    assert listing.buyers() == {"S": 14, "M": 10}

    listing.wants(S=10)

    assert listing.row.offers_due
    assert listing.run(item).state == "confirmed"
    assert (listing.buyers(), listing.row.offers_due) == ({"S": 10, "M": 10}, False)


@pytest.mark.parametrize("how", ["unanswered", "killed"])
def test_a_price_that_may_have_arrived_is_sent_again_though_it_is_the_old_one(listing: Offered, how: str) -> None:
    drafted(listing, price="12.00")
    item = lose(listing, how, PRICES, "update_prices")
    assert prices(listing) == {Decimal("12.00")}

    drafted(listing, price="16.50")

    assert listing.row.offers_due
    assert listing.run(item).state == "confirmed"
    assert (prices(listing), listing.row.offers_due) == ({Decimal("16.50")}, False)


@pytest.mark.parametrize("how", ["unanswered", "killed"])
@pytest.mark.parametrize("watched", ["", "first"])
def test_content_that_may_have_arrived_is_sent_again_though_it_is_the_old_one(
    listing: Offered, how: str, watched: str
) -> None:
    """Also where only some attributes send content, and they are as they were."""
    old, new = listing.draft.title, "A red cotton t-shirt for men"
    Listing.update(watched=watched, watched_sent=watched).execute()
    drafted(listing, title=new, watched=watched and "second")
    item = lose(listing, how, EDIT, "edit_product", "upload")
    assert shows(listing, new)

    drafted(listing, title=old, watched=watched)

    assert listing.row.content_due
    assert listing.run(item).state == "confirmed"
    assert shows(listing, old)
    assert not listing.row.content_due


def test_what_was_refused_changed_nothing(listing: Offered) -> None:
    """With the old price and content nothing is due."""
    old = listing.draft.title
    listing.at.control.fault("tiktok", PRICES, "error_code", code=12052038)
    listing.at.control.fault("tiktok", EDIT, "error_code", code=12052104)
    drafted(listing, price="12.00", title="A red cotton t-shirt for men")
    assert (listing.push().state, listing.push("upload").state) == ("rejected", "rejected")
    drafted(listing, price="16.50", title=old)
    assert (listing.row.offers_due, listing.row.content_due) == (False, False)


def test_a_push_while_pictures_go_up_is_known_after_the_edit(listing: Offered, monkeypatch: pytest.MonkeyPatch) -> None:
    """What the store takes back later is then taken back on the marketplace."""
    drafted(listing, title="A red cotton t-shirt for men")
    listing.wants(S=14, M=4)
    uris = desk.ServiceDesk.image_uris

    def slow(self: Any, draft: Any, **more: Any) -> Any:
        assert listing.push().state == "confirmed"
        return uris(self, draft, **more)

    monkeypatch.setattr(desk.ServiceDesk, "image_uris", slow)
    assert listing.push("upload").state == "confirmed"
    known = {key[-1]: sum(sku.quantities.values()) for key, sku in listing.confirmed.skus.items()}
    assert known == listing.buyers() == {"S": 14, "M": 4}
    assert (listing.row.offers_due, listing.row.content_due) == (False, False)

    listing.wants(S=10)
    assert (listing.plan(), listing.buyers()) == ([PUSH], {"S": 10, "M": 4})


def test_news_that_come_during_a_push_are_not_undone(listing: Offered) -> None:
    """A seller takes the product off in between: off it is, and stays."""

    def seller() -> None:
        listing.at.market.deactivate([listing.confirmed.remote_id])
        listing.news()

    after(listing, "update_inventory", seller)
    listing.wants(M=4)
    assert listing.push().state == "confirmed"
    remote = listing.at.market.product(listing.confirmed.remote_id)
    assert (listing.row.status, listing.row.stopped) == ("SELLER_DEACTIVATED", True)
    assert (listing.confirmed.update_time, listing.confirmed.skus[listing.key("M")].quantities) == (
        remote.update_time,
        {listing.warehouse: 4},
    )


def test_a_sale_during_a_push_is_not_forgotten_by_its_end(listing: Offered) -> None:
    """Also where a sale before was the reason of the push: what was sold since then is offered again by the next."""

    def sale() -> None:
        remote_id, sku = listing.confirmed.remote_id, listing.confirmed.skus[listing.key("M")]
        unit: Any = SimpleNamespace(product_id=remote_id, sku_id=sku.id)
        with transaction():
            offers.unsure(listing.account.id, [unit])
        Listing.update(stale=False).execute()  # these tests make their drafts by hand

    sale()
    after(listing, "update_inventory", sale)
    assert listing.push().state == "confirmed"
    assert (listing.confirmed.skus[listing.key("M")].unsure, listing.row.offers_due) == (True, True)
    listing.ctx = replace(listing.ctx, remotes=listing.at)
    assert (listing.plan(), listing.row.offers_due) == ([PUSH], False)
