"""Every action and all recurring work, on real servers: done twice, it leaves what it left once, and tells a remote side once."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import datetime
from decimal import Decimal
from typing import Any

import pytest
import requests

from connector.domain.order import Track
from connector.jobs import recurring
from connector.plugins.api import actions
from connector.services import orders, periodic, publishing, work
from connector.services.runner import run_item
from connector.store.models import (
    Account,
    Listing,
    ListingTemplate,
    MarketplaceCategory,
    Order,
    OrderLine,
    Policy,
    Product,
    QueueItem,
    ReturnCase,
    Shipment,
    TikTokAttribute,
)
from tests.conftest import BOTH, with_tables
from tests.flow.conftest import installed
from tests.flow.selling import Selling

KEPT = (
    Account, Listing, ListingTemplate, MarketplaceCategory, Order, OrderLine, Product, ReturnCase, Shipment, TikTokAttribute
)  # fmt: skip
UNTOLD = ("id", "high_water")
"""Columns that say nothing of either side: numbers of rows that are read anew, and how far reading is."""

READS = ("/search", "/base-prices-information", "/recommend", "/prerequisites", "/token/get", "/token/refresh")
"""Ends of paths that are asked by POST and change nothing."""


@dataclass
class Writes:
    """Calls that may change something on a remote side, as they are sent."""

    url: str
    sent: list[str]

    def taken(self) -> list[str]:
        found, self.sent[:] = list(self.sent), []
        return found


@pytest.fixture(scope="module", params=BOTH)
def selling(
    request: pytest.FixtureRequest, redis_url: str, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Selling]:
    """Live products, for all tests here."""
    folder = tmp_path_factory.mktemp("selling")
    with with_tables(request, folder) as url, installed(folder, url, redis_url, products=24) as here:
        made = Selling(here)
        made.list_all()
        yield made


@pytest.fixture
def writes(selling: Selling, monkeypatch: pytest.MonkeyPatch) -> Writes:
    found, send = Writes(selling.here.control.url, []), requests.Session.send

    def watched(session: requests.Session, prepared: requests.PreparedRequest, **more: Any) -> requests.Response:
        path = str(prepared.url).removeprefix(found.url).partition("?")[0]
        ours = str(prepared.url).startswith(found.url) and not path.startswith("/_sandbox")
        if ours and prepared.method != "GET" and not path.endswith(READS):
            found.sent.append(f"{prepared.method} {path}")
        return send(session, prepared, **more)

    monkeypatch.setattr(requests.Session, "send", watched)
    return found


def state() -> dict[str, list[str]]:
    """Every row that speaks of a listing, an order or what they are made of; without times."""
    return {
        model.__name__: sorted(
            repr({k: v for k, v in row.items() if k not in UNTOLD and not isinstance(v, datetime)})
            for row in model.select().dicts()
        )
        for model in KEPT
    }


def agreed(selling: Selling) -> None:
    """The marketplace's carriers are mapped, so that shipments can be told; buyers' wishes are answered by people."""
    policy, carriers = Policy.get(Policy.type == "order"), selling.account.carriers
    wanted = {"default_provider": carriers[0]["id"], "accept_cancellations": False}
    Policy.update(settings={**policy.settings, **wanted}).where(Policy.id == policy.id).execute()


def ordered(selling: Selling, count: int) -> list[Order]:
    """So many orders of one piece each, imported and in the store."""
    (seller_sku,) = selling.pieces(selling.live(number=2))
    numbers = [selling.order(seller_sku, 1) for _ in range(count)]
    orders.import_window(selling.here.ctx, selling.account)
    selling.here.work()
    found = {row.tiktok_order_id: row for row in Order.select()}
    return [found[number] for number in numbers]


def asked_back(selling: Selling, row: Order) -> ReturnCase:
    """The buyer wants to cancel it."""
    selling.here.control.post(f"tiktok/orders/{row.tiktok_order_id}/buyer_cancel_request")
    orders.import_window(selling.here.ctx, selling.account)
    return ReturnCase.get(ReturnCase.tiktok_order_id == row.tiktok_order_id)


@dataclass
class Step:
    """What an action is asked for. `told` says that a remote side changes by it, `again` how the second time ends."""

    subject: int
    told: bool = False
    again: str = "confirmed"
    arguments: dict[str, Any] | None = None


def steps(selling: Selling) -> dict[str, Step]:
    """Something to do for every action that comes with the connector."""
    ctx, store = selling.here.ctx, selling.here.ctx.remotes.sales(selling.here.store)
    first, second, account = selling.live(), selling.live(number=1), selling.account
    agreed(selling)
    shipped, rejected, accepted, refused, unreserved = ordered(selling, 5)
    for row, name, pieces in ((first, "Another name of it", 3), (second, second.product.name, 4)):
        selling.save_product(row.product.sku, name=name)
        selling.set_stock(row.product.sku, pieces)
    selling.read_store()
    publishing.redraft(ctx, account)
    (order,) = store.find_orders("ext_order_id", shipped.tiktok_order_id)
    store.ship(order.entity_id, tracks=[Track("1Z999AA10123456784", "UPS", "ups")])
    Order.update(stock_reserved=False).where(Order.id == unreserved.id).execute()
    cases = [asked_back(selling, row) for row in (accepted, refused)]
    (seller_sku,) = selling.pieces(selling.live(number=2))
    number = selling.order(seller_sku, 1)
    orders.import_window(ctx, account)
    made = Order.get(Order.tiktok_order_id == number).id
    return {
        "validate": Step(first.id),
        "upload": Step(first.id, told=True),
        "inventory_price_sync": Step(second.id, told=True),
        "marketplace_status_sync": Step(second.id),
        "change_status": Step(selling.live("configurable").id, told=True, arguments={"status": "inactive"}),
        "fetch_onboarding_data": Step(account.id),
        "refetch_attributes": Step(account.id),
        "assign_products": Step(account.id),
        "import_orders": Step(account.id, arguments={"order_id": number}),
        "create_sales_order": Step(made, told=True, again="rejected"),
        "ship": Step(shipped.id, told=True),
        "sync_status": Step(shipped.id),
        "reject": Step(rejected.id, told=True, again="rejected", arguments={"reason": "out_of_stock"}),
        "confirm_stock": Step(unreserved.id, again="rejected"),
        "accept_return": Step(cases[0].id, told=True),
        "reject_return": Step(cases[1].id, told=True),
    }


def run(selling: Selling, kind: str, step: Step) -> tuple[str, str]:
    """State and cause of one item of work, done."""
    work.ask(selling.here.ctx, kind, [step.subject], actor="ada@shop.example", arguments=step.arguments)
    item = QueueItem.get(
        QueueItem.kind == kind, QueueItem.subject_id == step.subject, QueueItem.open_key.is_null(False)
    )
    run_item(selling.here.ctx, item.id, "worker-1")
    done = QueueItem.get_by_id(item.id)
    return done.state, done.cause


def test_every_action_may_be_done_twice(selling: Selling, writes: Writes, subtests: pytest.Subtests) -> None:
    built_in = {one.identifier: one for one in actions if one.__module__.startswith("connector.")}
    todo = steps(selling)
    assert set(todo) == set(built_in)
    writes.taken()
    for kind, step in todo.items():
        with subtests.test(kind):
            assert "Repeatable" in (built_in[kind].__doc__ or "")
            ended, cause = run(selling, kind, step)
            assert (ended, bool(writes.taken())) == ("confirmed", step.told), cause
            before = state()
            ended, cause = run(selling, kind, step)
            assert (ended, writes.taken()) == (step.again, []), cause
            assert state() == before


def test_what_the_marketplace_does_not_know_any_more_is_deleted(selling: Selling) -> None:
    """And stays so however often it is asked."""
    row = selling.live("configurable")
    publishing.save_confirmed(row, replace(publishing.confirmed(row), remote_id="1729"), selling.here.ctx.clock.now())
    for _ in range(2):
        ended = run(selling, "marketplace_status_sync", Step(row.id))
        assert ended == ("confirmed", "TikTok Shop does not know it any more.")
        assert (selling.again(row).status, selling.again(row).remote_id) == ("DELETED", "1729")


def test_validate_says_what_keeps_a_product_from_being_listed(selling: Selling) -> None:
    row = selling.live()
    template = row.template
    ListingTemplate.update(category_id="1").where(ListingTemplate.id == template.id).execute()
    refused = run(selling, "validate", Step(row.id))
    assert (refused[0], selling.again(row).validation) == ("confirmed", "invalid")
    assert all(issue["message"] in refused[1] for issue in selling.again(row).issues)
    ListingTemplate.update(category_id=template.category_id).where(ListingTemplate.id == template.id).execute()
    assert run(selling, "validate", Step(row.id))[0] == "confirmed"
    assert selling.again(row).validation == "valid"


def test_all_recurring_work_may_be_done_twice(selling: Selling, writes: Writes, subtests: pytest.Subtests) -> None:
    """And each finds what there is to find: a pair that ends soon, news of a product, another name, price and stock."""
    row, other, now = selling.live(), selling.live(number=1), selling.here.ctx.clock.now()
    pair = selling.account.access_token
    Account.update(access_expires_at=now + recurring.RENEW_BEFORE / 2).execute()
    selling.save_product(row.product.sku, name="A name of tonight")
    selling.set_stock(row.product.sku, 7)
    selling.set_price(other.product.sku, "17.50")
    selling.shop.deactivate([row.remote_id])
    writes.taken()
    turns = {name.partition(":")[0]: int(name.partition(":")[2] or 0) for name in periodic.rhythms()}
    assert set(turns) == set(recurring.HANDLERS)
    for kind, subject in turns.items():
        with subtests.test(kind):
            recurring.HANDLERS[kind](selling.here.ctx, subject)
            before = state()
            writes.taken()
            recurring.HANDLERS[kind](selling.here.ctx, subject)
            assert (state(), writes.taken()) == (before, [])

    account, product = selling.account, Product.get_by_id(row.product_id)
    assert account.access_token != pair
    assert account.access_expires_at > now + recurring.RENEW_BEFORE
    assert (product.name, product.salable) == ("A name of tonight", Decimal(7))
    assert Product.get_by_id(other.product_id).price == Decimal("17.50")
    assert (selling.again(row).status, selling.again(row).stopped) == ("SELLER_DEACTIVATED", True)
