"""What buyers order, and what becomes of each order: shipped in parts, cancelled, returned, refused.

A story is played by looking: each call does the one thing that is due now and answers whether the story has ended.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from connector.journey.buyers import Sandbox
from connector.journey.shopkeeper import Shopkeeper
from connector.services import publishing, work
from connector.services.context import Context
from connector.store.models import Account, Listing, Order, ReturnCase

ON_THE_WAY = ("AWAITING_COLLECTION", "IN_TRANSIT", "DELIVERED", "COMPLETED")


@dataclass(frozen=True, slots=True)
class Stage:
    """Where a story plays: one order with everybody who has to do with it."""

    ctx: Context
    sandbox: Sandbox
    keeper: Shopkeeper
    order: Order

    @property
    def entity_id(self) -> int:
        """The store order, which is there before a story begins."""
        return int(self.order.magento_order_id or 0)

    @property
    def on_the_way(self) -> bool:
        """Every unit was handed to a carrier, as far as we heard from the marketplace."""
        return self.order.status in ON_THE_WAY

    def buyer(self, act: str, **body: Any) -> None:
        """Something that the buyer or the carrier does with this order."""
        self.sandbox.act(f"orders/{self.order.tiktok_order_id}/{act}", **body)

    def request(self, kind: str) -> ReturnCase | None:
        """Our row of the order's cancellation or return."""
        cases = ReturnCase.select().where(
            ReturnCase.tiktok_order_id == self.order.tiktok_order_id, ReturnCase.kind == kind
        )
        case: ReturnCase | None = cases.order_by(ReturnCase.id.desc()).first()
        return case

    def told(self, case: ReturnCase) -> str:
        """The request's status as the marketplace has it, which may be ahead of ours."""
        name = {"cancellation": "cancel", "return": "return"}[case.kind]
        requests = self.sandbox.truth(f"{case.kind}s")
        return next(str(one[f"{name}_status"]) for one in requests if one[f"{name}_id"] == case.request_id)

    def answer(self, case: ReturnCase, action: str) -> None:
        """Press Accept or Reject while the marketplace still waits."""
        if self.told(case) == case.status:
            work.ask(self.ctx, action, [case.id], actor="demo")


Play = Callable[[Stage], bool]


def ship_at_once(stage: Stage) -> bool:
    """One parcel."""
    if left := stage.keeper.left_to_ship(stage.entity_id):
        stage.keeper.ship(stage.entity_id, left, _number(stage))
    return stage.on_the_way


def ship_in_two(stage: Stage) -> bool:
    """One piece, and the rest when the marketplace knows of it."""
    parcels = stage.keeper.parcels(stage.entity_id)
    left = stage.keeper.left_to_ship(stage.entity_id)
    if not parcels:
        stage.keeper.ship(stage.entity_id, {next(iter(left)): 1}, _number(stage))
    elif left and stage.order.status == "PARTIALLY_SHIPPING":
        stage.keeper.ship(stage.entity_id, left, _number(stage, parcels))
    return stage.on_the_way


def ship_each_product(stage: Stage) -> bool:
    """Two parcels on one day, a product in each."""
    for item, pieces in stage.keeper.left_to_ship(stage.entity_id).items():
        stage.keeper.ship(stage.entity_id, {item: pieces}, _number(stage, stage.keeper.parcels(stage.entity_id)))
    return stage.on_the_way


def cancel(stage: Stage) -> bool:
    """The buyer asks, we agree, the store follows."""
    case = _ask_to_cancel(stage)
    if case is not None and case.status == "CANCELLATION_REQUEST_PENDING":
        stage.answer(case, "accept_return")
    return case is not None and stage.order.status == "CANCELLED" and case.store_state in {"done", "none"}


def refuse_to_cancel(stage: Stage) -> bool:
    """The buyer asks, we say no with a reason, and ship."""
    case = _ask_to_cancel(stage)
    if case is None:
        return False
    if case.status == "CANCELLATION_REQUEST_PENDING":
        stage.answer(case, "reject_return")
        return False
    return ship_at_once(stage)


def take_back(stage: Stage) -> bool:
    """Delivered, sent back, received, refunded with a credit memo."""
    case = _ask_to_return(stage)
    if case is None:
        return False
    if case.status in {"RETURN_OR_REFUND_REQUEST_PENDING", "BUYER_SHIPPED_ITEM"}:
        stage.answer(case, "accept_return")
    elif case.status == stage.told(case) == "AWAITING_BUYER_SHIP":
        stage.sandbox.act(f"returns/{case.request_id}/buyer_ship")
    return case.store_state == "done"


def refuse_to_take_back(stage: Stage) -> bool:
    """Delivered, and the return is refused with a reason."""
    case = _ask_to_return(stage)
    if case is not None and case.status == "RETURN_OR_REFUND_REQUEST_PENDING":
        stage.answer(case, "reject_return")
        return False
    return case is not None


def _ask_to_cancel(stage: Stage) -> ReturnCase | None:
    if stage.sandbox.of_order("cancellations", stage.order.tiktok_order_id) is None:
        stage.buyer("buyer_cancel_request")
    return stage.request("cancellation")


def _ask_to_return(stage: Stage) -> ReturnCase | None:
    if not ship_at_once(stage):
        return None
    told = next(one for one in stage.sandbox.truth("orders") if one["id"] == stage.order.tiktok_order_id)
    if told["status"] == "AWAITING_COLLECTION":
        stage.buyer("collect")
        stage.buyer("deliver")
    elif told["status"] == "IN_TRANSIT":
        stage.buyer("deliver")
    if stage.sandbox.of_order("returns", stage.order.tiktok_order_id) is None:
        stage.buyer("returns")
    return stage.request("return")


def _number(stage: Stage, parcel: int = 0) -> str:
    """A tracking number that looks like the carrier's, another one for each parcel."""
    return f"1Z{stage.order.id:08}{parcel + 1:02}"


@dataclass(frozen=True, slots=True)
class Scenario:
    """One buyer's order: how many pieces of how many products, what is special about it, what becomes of it."""

    name: str
    play: Play
    pieces: int = 1
    products: int = 1
    variant: bool = False
    hold: bool = False
    more: Mapping[str, str] = field(default_factory=dict)


SCENARIOS = (
    Scenario("on hold first", ship_at_once, hold=True),
    Scenario("several units, shipped in part, then the rest", ship_in_two, pieces=3),
    Scenario(
        "discounts of seller and platform",
        ship_at_once,
        more={"seller_discount": "1.50", "platform_discount": "2.25", "shipping_fee": "4.90", "tax_rate": "0.0825"},
    ),
    Scenario("a variant", ship_at_once, variant=True),
    Scenario("two packages", ship_each_product, products=2),
    Scenario("cancelled by the buyer", cancel),
    Scenario("cancellation refused", refuse_to_cancel),
    Scenario("returned", take_back),
    Scenario("return refused", refuse_to_take_back),
)


def sellable(account: Account, pieces: int, *, variant: bool | None = None) -> list[tuple[str, str]]:
    """(marketplace SKU, store SKU), one of each live listing that has enough pieces; `variant`: only of configurables or not."""
    found = []
    for row in Listing.select().where(Listing.account == account, Listing.status == "ACTIVATE").order_by(Listing.id):
        draft, offered = publishing.drafted_of(row), publishing.confirmed(row).skus
        store_skus = {sku.seller_sku: sku.sku for sku in draft.skus} if draft else {}
        fit = [
            name for name, sku in offered.items() if name in store_skus and sum(sku.quantities.values()) > pieces + 2
        ]
        if fit and (variant is None or (len(offered) > 1) == variant):
            found.append((fit[0], store_skus[fit[0]]))
    return found


def choose(account: Account, scenario: Scenario, place: int) -> tuple[list[tuple[str, str]], str]:
    """What the scenario's buyer orders, another product for each scenario while there are enough.

    And a note where that is not what the scenario says; nothing to order when nothing is on sale.
    """
    fitting = sellable(account, scenario.pieces, variant=scenario.variant)
    wanting = scenario.variant and not fitting
    fitting = fitting or sellable(account, scenario.pieces)
    found = [fitting[(place + step) % len(fitting)] for step in range(min(scenario.products, len(fitting)))]
    if wanting and found:
        return (
            found,
            f"“{scenario.name}”: no configurable is live with pieces to sell, {found[0][1]} was ordered instead.",
        )
    if len(found) < scenario.products and found:
        return found, f"“{scenario.name}”: only {len(found)} product is live with pieces to sell."
    return found, ""


def order_of(scenario: Scenario, skus: list[tuple[str, str]]) -> dict[str, Any]:
    """The order as the sandbox's control API takes it; the buyer's message names the scenario."""
    lines = [{"seller_sku": seller_sku, "quantity": scenario.pieces} for seller_sku, _ in skus]
    return {"lines": lines, "hold": scenario.hold, "buyer_message": message_of(scenario), **scenario.more}


def message_of(scenario: Scenario) -> str:
    """By what an order is found again whose placing was not answered."""
    return f"Demo: {scenario.name}"
