"""What buyers and the shopkeeper do: orders of every kind, shipments in the store, cancellations, returns."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from connector.domain.order import Track
from connector.journey.buyers import Sandbox
from connector.services import work
from connector.services.context import Context
from connector.store.database import transaction
from connector.store.models import Account, Listing, Order, ReturnCase, Setting

KEY = "demo.orders"


@dataclass(frozen=True, slots=True)
class Scenario:
    """One buyer's order: how many pieces, what is special about it, what becomes of it."""

    name: str
    pieces: int = 1
    variant: bool = False
    hold: bool = False
    more: Mapping[str, str] = field(default_factory=dict)
    ends: str = "shipped"


SCENARIOS = (
    Scenario("on hold first", hold=True),
    Scenario("several units", pieces=3),
    Scenario("discounts of both", more={"seller_discount": "1.50", "platform_discount": "2.25"}),
    Scenario("a variant", variant=True),
    Scenario("two packages", pieces=2, ends="two packages"),
    Scenario("cancelled", ends="cancelled"),
    Scenario("cancellation refused", ends="cancellation refused"),
    Scenario("returned", ends="returned"),
    Scenario("return refused", ends="return refused"),
)


def place(account: Account, sandbox: Sandbox) -> dict[str, str]:
    """Every scenario's order, placed once; scenario → marketplace order id."""
    row = Setting.get_or_none(Setting.key == KEY)
    placed: dict[str, str] = dict(row.value) if row else {}
    for scenario in SCENARIOS:
        if scenario.name in placed:
            continue
        sku = _sellable(account, scenario, len(placed))
        order = {
            "lines": [{"seller_sku": sku, "quantity": scenario.pieces}],
            "hold": scenario.hold,
            **dict(scenario.more),
        }
        placed[scenario.name] = sandbox.place_order(order)
        with transaction():
            Setting.insert(key=KEY, value=placed).on_conflict(
                conflict_target=[Setting.key], preserve=[Setting.value]
            ).execute()
    return placed


def _sellable(account: Account, scenario: Scenario, skip: int) -> str:
    """A seller SKU that is live with enough pieces; another one for each scenario while there are enough."""
    found = []
    for row in Listing.select().where(Listing.account == account, Listing.status == "ACTIVATE").order_by(Listing.id):
        skus = [
            key for key, sku in row.confirmed["skus"].items() if sum(sku["quantities"].values()) > scenario.pieces + 2
        ]
        if skus and (len(row.confirmed["skus"]) > 1) == scenario.variant:
            found.append(skus[0])
    return str(found[skip % len(found)])


def ship(ctx: Context, account: Account, order: Order, split: bool) -> None:
    """Ship a store order, in two parcels when asked; what was shipped before is left."""
    sales = ctx.remotes.sales(account.store)
    store_order = sales.order(int(order.magento_order_id or 0))
    due = {item.item_id: int(item.qty_ordered - item.qty_shipped - item.qty_canceled) for item in store_order.items}
    due = {item: pieces for item, pieces in due.items() if pieces > 0}
    number = len(sales.shipments([store_order.entity_id]))
    while due:
        parcel = dict.fromkeys(list(due)[:1], 1) if split and number == 0 else dict(due)
        sales.ship(store_order.entity_id, parcel, tracks=[Track(f"DEMO{order.id:06}{number}", "UPS", "ups")])
        due = {item: pieces - parcel.get(item, 0) for item, pieces in due.items() if pieces > parcel.get(item, 0)}
        number += 1


def orders(placed: Mapping[str, str]) -> dict[str, Order]:
    """Scenario → our row, as far as they were imported."""
    rows = {row.tiktok_order_id: row for row in Order.select().where(Order.tiktok_order_id.in_(list(placed.values())))}
    return {name: rows[order_id] for name, order_id in placed.items() if order_id in rows}


def answer(ctx: Context, order_id: str, kind: str, action: str, reason: str = "") -> int:
    """Ask for the answer to the waiting cases of one order; how many there are."""
    cases: Any = ReturnCase.select(ReturnCase.id).where(ReturnCase.tiktok_order_id == order_id, ReturnCase.kind == kind)
    ids = [case.id for case in cases]
    work.ask(ctx, action, ids, actor="demo", arguments={"reason": reason})
    return len(ids)
