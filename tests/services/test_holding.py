"""Never more pieces are promised than there are, whatever the store's salable quantity says of an order (HTTP, sandbox)."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

import pytest

from connector.domain.order import MarketplaceOrder
from connector.domain.values import from_json, to_json
from connector.plugins.policies.inventory import InventoryPolicy
from connector.services import (
    drafter,
    endings,
    holding,
    orders,
    placement,
    returns,
    runner,
    snapshots,
    stock_repair,
    work,
)
from connector.services.context import Context
from connector.store.models import Account, HistoryEntry, Order, OrderLine, Product, QueueItem
from tests.services.test_pieces import cancel_unit
from tests.services.test_placement_sandbox import Systems, account, ctx, sku, systems
from tests.services.test_placement_store import filed
from tests.services.test_refunds import ask_back, case_of, deliver, read
from tests.services.trading import again, bought, provider, set_policy, stored, today, turn

__all__ = ["account", "ctx", "sku", "systems"]


@dataclass
class Shelf:
    """One product: what its source holds, what the store would sell, and what is promised of it."""

    ctx: Context
    systems: Systems
    product: Product

    @property
    def pieces(self) -> int:
        """What the store's source holds."""
        held = self.systems.books.source_quantities([self.product.sku], ["default"])
        return int(held[self.product.sku]["default"])

    def salable(self) -> int:
        found = self.systems.books.salable("base", [self.product.sku])
        return int(found[self.product.sku].quantity)

    def promised(self) -> int:
        """After a fresh read of the stock."""
        turn(self.ctx, 1)
        snapshots.sync_stock(self.ctx, self.product.store, [self.product.sku])
        row = Product.get_by_id(self.product.id)
        kept = holding.kept([row.sku], store_id=row.store_id).get(row.sku, holding.Held())
        return InventoryPolicy().quantity(drafter._stock(row, kept.unreserved), kept.wanted).pieces


@pytest.fixture
def shelf(ctx: Context, systems: Systems, account: Account, sku: str) -> Shelf:
    """The product for sale. What is promised of it at first depends on the other tests' orders."""
    today(ctx)
    return Shelf(ctx, systems, filed(systems, account, sku))


def save_directly(ctx: Context, row: Order) -> None:
    """The store knows no such region, so that its cart refuses the order."""
    data = from_json(MarketplaceOrder, again(row).data)
    hidden = replace(data, address=replace(data.address, region="Nowhere"))
    Order.update(data=to_json(hidden)).where(Order.id == row.id).execute()
    placement.create_sales_order(ctx, row.id, "w1")
    assert (again(row).state, again(row).stock_reserved) == ("confirmed", False)


@pytest.fixture
def direct(ctx: Context, systems: Systems, account: Account, sku: str) -> Callable[..., Order]:
    """An order of two pieces that the cart refuses and that is saved directly."""

    def save(**settings: object) -> Order:
        set_policy(**settings)
        row = bought(ctx, systems, account, sku, 2)
        save_directly(ctx, row)
        return again(row)

    return save


def cancel(ctx: Context, systems: Systems, row: Order) -> None:
    """The seller is out of stock and cancels it on the marketplace, and the store follows."""
    returns.reject_order(ctx, row.id, "out_of_stock")
    orders.refresh(ctx, row.id)
    read(ctx, row.account)
    assert again(row).status == "CANCELLED"


def ask_off(ctx: Context, systems: Systems, row: Order) -> None:
    """The buyer cancels it, the order policy agrees, and the store follows."""
    systems.control.post(f"tiktok/orders/{row.tiktok_order_id}/buyer_cancel_request")
    for _ in range(2):
        read(ctx, row.account)
        orders.refresh(ctx, row.id)
    assert (again(row).status, case_of(row).store_state) == ("CANCELLED", "done")


def part(ctx: Context, systems: Systems, row: Order) -> None:
    """One unit is cancelled because it is gone, the other comes to the buyer."""
    cancel_unit(systems, row)
    orders.refresh(ctx, row.id)
    read(ctx, row.account)
    assert case_of(row).store_state == "done"
    deliver(ctx, systems, row)


def send_back(ctx: Context, systems: Systems, row: Order) -> None:
    """It comes to the buyer, and back onto the shelf."""
    deliver(ctx, systems, row)
    number = ask_back(systems, row, "RETURN_AND_REFUND", 2)
    read(ctx, row.account)
    returns.accept(ctx, case_of(row).id, "alex@example.com")
    systems.control.post(f"tiktok/returns/{number}/buyer_ship")
    read(ctx, row.account)
    returns.accept(ctx, case_of(row).id, "alex@example.com")
    read(ctx, row.account)
    assert case_of(row).store_state == "done"


@pytest.mark.parametrize(
    ("invoice", "end", "gone"),
    [
        pytest.param(False, cancel, 0, id="cancelled"),
        pytest.param(True, cancel, 2, id="refunded-and-written-off"),
        pytest.param(True, ask_off, 0, id="refunded-and-back-in-stock"),
        pytest.param(True, deliver, 2, id="delivered"),
        pytest.param(True, send_back, 0, id="sent-back"),
        pytest.param(True, part, 2, id="one-written-off-and-one-delivered"),
    ],
)
def test_an_order_saved_directly_leaves_no_piece_too_many_for_sale_however_it_ends(
    ctx: Context, systems: Systems, shelf: Shelf, direct: Callable[..., Order], invoice: bool, end: Callable[..., None], gone: int
) -> None:  # fmt: skip
    """The store says for good that there are two more than there are; what is promised is what is on the shelf."""
    pieces, salable, promised = shelf.pieces, shelf.salable(), shelf.promised()
    row = direct(invoice=invoice)
    assert (shelf.salable(), shelf.promised()) == (salable, promised - 2), "two of those on the shelf are the buyer's"

    end(ctx, systems, row)

    assert (shelf.pieces, shelf.salable()) == (pieces - gone, salable - gone + 2)
    assert shelf.promised() == promised - gone


def test_a_unit_that_was_cancelled_before_the_direct_save_is_none_of_its_pieces(
    ctx: Context, systems: Systems, account: Account, shelf: Shelf, sku: str
) -> None:
    salable, promised = shelf.salable(), shelf.promised()
    row = bought(ctx, systems, account, sku, 2)
    cancel_unit(systems, row)
    orders.refresh(ctx, row.id)
    save_directly(ctx, row)
    assert (shelf.promised(), holding.of_order(row.id)) == (promised - 1, {sku: holding.Held(0, 1)})

    deliver(ctx, systems, row)

    assert (shelf.salable(), shelf.promised()) == (salable, promised - 1)


def test_what_staff_cancelled_of_a_direct_order_counts_twice_while_the_buyer_waits(
    ctx: Context, systems: Systems, account: Account, shelf: Shelf, direct: Callable[..., Order]
) -> None:
    """Once for the reservation that the cancellation invented, once for the goods that are still to be sent."""
    before = shelf.promised()
    row = direct(invoice=False)
    assert systems.store.cancel(int(row.magento_order_id or 0))
    assert endings.watch(ctx, account) == 1
    assert shelf.promised() == before - 2
    assert holding.of_order(row.id) == {shelf.product.sku: holding.Held(2, 2)}


def test_people_confirm_that_the_stock_is_right_and_nothing_is_kept_back_any_more(
    ctx: Context, systems: Systems, account: Account, shelf: Shelf, direct: Callable[..., Order]
) -> None:
    row = direct(invoice=False)
    (told,) = stock_repair.advice(row)
    assert f"never reserved 2 × {shelf.product.sku}." in told
    assert "inventory:reservation:create-compensations" in told
    work.ask(ctx, "confirm_stock", [row.id], actor="alex@example.com", why="done")
    item = QueueItem.get(QueueItem.kind == "confirm_stock")

    systems.control.fault("magento", ".*export-stock-salable-qty.*", "http_500", times=9)
    assert runner.run_item(ctx, item.id, "w1") == "waiting"
    assert holding.held([shelf.product.sku]) == {shelf.product.sku: 2}, "until the stock was read anew"
    systems.control.clear_faults()
    QueueItem.update(next_try_at=None).where(QueueItem.id == item.id).execute()
    assert runner.run_item(ctx, item.id, "w1") == "confirmed"

    assert (holding.held([shelf.product.sku]), stock_repair.advice(again(row))) == ({}, [])
    entry = HistoryEntry.get(HistoryEntry.action == "order.stock_corrected")
    assert (entry.actor, entry.subject_id) == ("alex@example.com", str(row.id))
    assert f"2 × {shelf.product.sku} are not kept back" in entry.message
    assert "Nothing of this order waits" in stock_repair.confirm(ctx, row.id, "alex@example.com")


# ── goods that leave before the store has the order ──────────────────────────


def carry_off(ctx: Context, systems: Systems, row: Order) -> None:
    """Staff send it in the Seller Center, and the carrier takes it."""
    lines = [line.line_id for line in OrderLine.select().where(OrderLine.order == row.id)]
    systems.market.ship_lines(row.tiktok_order_id, lines, "1Z999AA10123456784", provider(systems))
    systems.control.post(f"tiktok/orders/{row.tiktok_order_id}/collect")
    orders.refresh(ctx, row.id)
    assert again(row).status == "IN_TRANSIT"


def test_what_left_without_a_store_order_is_kept_back_until_the_store_has_it(
    ctx: Context, systems: Systems, account: Account, shelf: Shelf, sku: str
) -> None:
    before = shelf.promised()
    row = bought(ctx, systems, account, sku, 2)
    Order.update(state="failed", failed_reason="No such payment method.").where(Order.id == row.id).execute()
    carry_off(ctx, systems, row)
    assert (holding.held([sku]), shelf.promised()) == ({sku: 2}, before - 2)
    assert "If the store order can still be made, nothing else is to be done" in stock_repair.advice(again(row))[0]

    placement.create_sales_order(ctx, row.id, "w1")
    assert (again(row).state, again(row).status, holding.held([sku])) == ("confirmed", "IN_TRANSIT", {sku: 2})
    assert (shelf.promised(), holding.held([sku])) == (before - 2, {}), "the stock lacks them from its next read"


def test_what_left_without_a_store_order_is_let_go_when_people_took_it_out_of_the_stock(
    ctx: Context, systems: Systems, account: Account, shelf: Shelf, sku: str
) -> None:
    row = bought(ctx, systems, account, sku, 2)
    Order.update(state="failed").where(Order.id == row.id).execute()
    carry_off(ctx, systems, row)
    assert stock_repair.confirm(ctx, row.id, "alex@example.com").startswith("Magento's stock was put right: 2 × ")
    assert (again(row).state, again(row).failed_reason) == ("skipped", stock_repair.BY_HAND)
    assert (holding.held([sku]), orders.ask_due(ctx, account)) == ({}, 0)


def test_what_is_sent_although_staff_ended_the_store_order_is_kept_back_until_people_took_it_out(
    ctx: Context, systems: Systems, account: Account, shelf: Shelf, sku: str
) -> None:
    set_policy(invoice=False)
    row = stored(ctx, systems, account, sku)
    assert systems.store.cancel(int(row.magento_order_id or 0))
    endings.watch(ctx, account)
    assert stock_repair.advice(again(row)) == [], "the order says what to do first"
    before = shelf.promised()
    carry_off(ctx, systems, row)
    assert shelf.promised() == before
    assert holding.held([sku]) == {sku: 2}
    assert f"Magento still counts 2 × {sku}" in stock_repair.advice(again(row))[0]
    stock_repair.confirm(ctx, row.id, "alex@example.com")
    assert (holding.held([sku]), stock_repair.advice(again(row))) == ({}, [])


@pytest.mark.parametrize(
    ("state", "status", "pieces"),
    [
        ("", "IN_TRANSIT", 2),
        ("", "DELIVERED", 2),
        ("failed", "COMPLETED", 2),
        ("placing", "IN_TRANSIT", 2),
        ("", "COMPLETED", 0),
        ("failed", "CANCELLED", 0),
        ("skipped", "AWAITING_COLLECTION", 2),
        ("skipped", "IN_TRANSIT", 0),
    ],
)
def test_an_order_without_a_store_order_keeps_pieces_while_it_is_to_get_one(
    ctx: Context, systems: Systems, account: Account, sku: str, state: str, status: str, pieces: int
) -> None:
    """What the order policy leaves out is kept until it is carried away; what was over when it was first seen never."""
    row = bought(ctx, systems, account, sku, 2)
    Order.update(state=state, status=status).where(Order.id == row.id).execute()
    assert holding.held([sku]) == ({sku: pieces} if pieces else {})
