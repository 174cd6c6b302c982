"""Cancellations and returns to their end in the store: the exact money, the stock, once (HTTP, in the sandbox)."""

from __future__ import annotations

import threading
from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest

from connector.clients.tiktok import endpoints
from connector.domain import reading
from connector.domain.listing import Status
from connector.errors import RejectedError, UnknownOutcomeError
from connector.services import holding, orders, placement, refunds, returns, rounds, runner, shipments, work
from connector.services.context import Context
from connector.store.database import connection
from connector.store.models import Account, HistoryEntry, Order, OrderLine, QueueItem, ReturnCase
from tests.clients.rehearsal import shirt, wait_for
from tests.services.test_placement_sandbox import Systems, account, ctx, sku, systems
from tests.services.test_placement_store import Shopkeeper, in_euro, keeper
from tests.services.trading import again, bought, pack, set_policy, store_order, stored, today, turn, window

__all__ = ["account", "ctx", "keeper", "sku", "systems"]

D = Decimal


def read(ctx: Context, account: Account) -> None:
    """Cancellations and returns of the last minutes, and what they ask of the store."""
    today(ctx)
    returns.import_window(ctx, account, **window())
    returns.settle(ctx, account)


def case_of(row: Order) -> ReturnCase:
    case: ReturnCase = ReturnCase.get(ReturnCase.tiktok_order_id == row.tiktok_order_id)
    return case


def salable(systems: Systems, sku: str) -> Decimal:
    return systems.books.salable("base", [sku])[sku].quantity


def memos(systems: Systems, row: Order) -> list[dict[str, Any]]:
    return systems.store.credit_memos(int(again(row).magento_order_id or 0))


def deliver(ctx: Context, systems: Systems, row: Order) -> None:
    """Packed in the store, reported, carried to the buyer."""
    pack(systems, row)
    shipments.sync(ctx, row.id)
    for step in ("collect", "deliver"):
        systems.control.post(f"tiktok/orders/{row.tiktok_order_id}/{step}")
    orders.refresh(ctx, row.id)


def delivered(ctx: Context, systems: Systems, account: Account, sku: str, pieces: int, **more: Any) -> Order:
    """A buyer's order that is in the store and has come to the buyer."""
    row = stored(ctx, systems, account, sku, pieces, **more)
    deliver(ctx, systems, row)
    return row


def ask_back(systems: Systems, row: Order, kind: str, pieces: int, first: int = 0, **more: Any) -> str:
    """The buyer asks for a refund of so many units from `first` on; the request's id."""
    lines = [line.line_id for line in OrderLine.select().where(OrderLine.order == row.id).order_by(OrderLine.id)]
    body = {"return_type": kind, "line_item_ids": lines[first : first + pieces], **more}
    return str(systems.control.post(f"tiktok/orders/{row.tiktok_order_id}/returns", **body)["return_id"])


def refund_told(systems: Systems, number: str) -> Decimal:
    return next(one.refund_total for one in systems.market.returns_updated(0, 2**31) if one.id == number)


def test_one_of_three_units_comes_back_to_the_cent_and_to_stock(
    ctx: Context, systems: Systems, account: Account, sku: str
) -> None:
    """Seller's and platform's discounts, tax and shipping: the store gives back what the buyer gets and what TikTok paid."""
    money = {"seller_discount": "1.00", "platform_discount": "2.00", "shipping_fee": "4.00", "tax_rate": "0.0825"}
    row = delivered(ctx, systems, account, sku, 3, **money)
    before = salable(systems, sku)
    number = ask_back(systems, row, "RETURN_AND_REFUND", 1)
    read(ctx, account)
    assert (case_of(row).status, case_of(row).decision) == ("RETURN_OR_REFUND_REQUEST_PENDING", "")

    returns.accept(ctx, case_of(row).id, "alex@example.com")
    systems.control.post(f"tiktok/returns/{number}/buyer_ship")
    read(ctx, account)
    assert (case_of(row).status, case_of(row).decision_state) == ("BUYER_SHIPPED_ITEM", ""), "it is asked again"
    returns.accept(ctx, case_of(row).id, "alex@example.com")
    read(ctx, account)

    case = case_of(row)
    assert (case.decision_state, case.store_state, case.decided_by) == ("sent", "done", "alex@example.com")
    (memo,) = memos(systems, row)
    line = OrderLine.select().where(OrderLine.order == row.id).order_by(OrderLine.id).get()
    (market,) = systems.market.orders([row.tiktok_order_id])
    subsidy = next(one.platform_discount for one in market.lines if one.id == line.line_id)
    assert D(str(memo["grand_total"])) == refund_told(systems, number) + subsidy
    assert D(str(memo["shipping_amount"])) == 0
    assert store_order(systems, row).items[0].qty_refunded == 1
    assert salable(systems, sku) == before + 1
    read(ctx, account)
    assert len(memos(systems, row)) == 1


PROVIDER = {"payment_platform_discount": "2.00", "payment_discount_service_fee": "0.30", "pfand_fee": "0.25"}
"""A payment provider's discount, the buyer's fee for it, and a deposit on every unit."""


@pytest.mark.parametrize("more", [{}, PROVIDER], ids=["plain", "payment-provider"])
@pytest.mark.parametrize("booking", ["payout", "buyer"])
def test_unit_by_unit_all_money_comes_back_to_the_cent(
    ctx: Context, systems: Systems, account: Account, sku: str, booking: str, more: dict[str, str]
) -> None:
    """Three pieces, amounts that do not divide by three, two bookings of TikTok's share: no cent is lost or made."""
    set_policy(platform_discount=booking)
    money = {"seller_discount": "1.00", "platform_discount": "2.00", "shipping_fee": "4.99", "tax_rate": "0.0825", **more}  # fmt: skip
    row = delivered(ctx, systems, account, sku, 3, **money)
    (market,) = systems.market.orders([row.tiktok_order_id])
    provider = reading.payment_discounts(market)
    told = D(0)
    for first in range(3):
        number = ask_back(systems, row, "REFUND", 1, first)
        read(ctx, account)
        case = ReturnCase.get(ReturnCase.request_id == number)
        returns.accept(ctx, case.id, "alex@example.com")
        read(ctx, account)
        assert ReturnCase.get_by_id(case.id).store_state == "done", ReturnCase.get_by_id(case.id).message
        line = OrderLine.get(OrderLine.line_id == case.line_ids[0])
        subsidy = next(one.platform_discount + provider[one.id] for one in market.lines if one.id == line.line_id)
        told += refund_told(systems, number) + (subsidy if booking == "payout" else 0)
        assert sum(D(str(memo["grand_total"])) for memo in memos(systems, row)) == told
    order = store_order(systems, row)
    assert (order.total_refunded, order.items[0].qty_refunded) == (told, 3)
    pay = market.payment
    assert order.grand_total == pay.total_amount + (D("2.00") + sum(provider.values()) if booking == "payout" else 0)
    rest = pay.shipping_fee + pay.shipping_fee_tax + pay.payment_discount_service_fee
    assert order.grand_total - order.total_refunded == rest


def test_units_of_two_products_in_one_memo_carry_the_stores_rounding(
    ctx: Context, systems: Systems, account: Account, sku: str, second: str
) -> None:
    """Two of three of each: what rounding one line loses, the store puts into the next."""
    lines = [{"seller_sku": one, "quantity": 3} for one in (sku, second)]
    money = {"seller_discount": "1.00", "platform_discount": "2.00", "tax_rate": "0.0825"}
    number = str(systems.control.post("tiktok/orders", lines=lines, **money)["order_ids"][0])
    row = orders.save(ctx, account, systems.market.orders([number])[0])
    assert row is not None
    placement.create_sales_order(ctx, row.id, "w1")
    deliver(ctx, systems, row)
    request = ask_back(systems, row, "REFUND", 4, 1)
    read(ctx, account)
    returns.accept(ctx, case_of(row).id, "alex@example.com")
    read(ctx, account)

    (memo,) = memos(systems, row)
    (market,) = systems.market.orders([number])
    subsidy = sum(one.platform_discount for one in market.lines if one.id in case_of(row).line_ids)
    assert D(str(memo["grand_total"])) == refund_told(systems, request) + subsidy
    assert [item.qty_refunded for item in store_order(systems, row).items] == [2, 2]


@pytest.fixture(scope="module")
def second(systems: Systems, sku: str) -> str:
    """Another product of the store that is for sale."""
    found = [one for page in systems.books.products() for one in page if one.type_id == "simple" and one.enabled]
    other = next(one.sku for one in found if one.sku != sku)
    draft, images = shirt(systems.market, "CAP", sizes=("S",))
    only = replace(
        draft.skus[0], seller_sku=other, price=D("7.77"), quantities=dict.fromkeys(draft.skus[0].quantities, 50)
    )
    created = systems.market.create_product(replace(draft, skus=(only,)), images, "cap")
    wait_for(lambda: systems.market.product(created.id).status is Status.ACTIVATE)
    return str(other)


def test_an_order_that_is_cancelled_on_hold_makes_nothing_and_frees_its_pieces(
    ctx: Context, systems: Systems, account: Account, sku: str
) -> None:
    row = bought(ctx, systems, account, sku, 2, hold=True)
    assert holding.held([sku]) == {sku: 2}
    systems.control.post(f"tiktok/orders/{row.tiktok_order_id}/buyer_cancel_request")
    today(ctx)
    orders.import_window(ctx, account, **window())
    returns.settle(ctx, account)
    assert (again(row).status, again(row).state) == ("CANCELLED", "cancelled")
    assert (case_of(row).store_state, case_of(row).store_document) == ("none", "")
    assert OrderLine.select().where(OrderLine.order == row.id, OrderLine.status == "CANCELLED").count() == 2
    assert systems.store.find_orders("ext_order_id", row.tiktok_order_id) == []


def test_a_replacement_is_sent_and_nothing_is_refunded(
    ctx: Context, systems: Systems, account: Account, sku: str
) -> None:
    """The marketplace makes an order of its own for it, free of charge, which the store gets like any other."""
    row = delivered(ctx, systems, account, sku, 1)
    ask_back(systems, row, "REPLACEMENT", 1)
    read(ctx, account)
    assert case_of(row).status == "REPLACEMENT_REQUEST_PENDING"

    returns.accept(ctx, case_of(row).id, "alex@example.com")
    read(ctx, account)
    orders.import_window(ctx, account, **window())

    assert (case_of(row).status, case_of(row).store_state) == ("REPLACEMENT_REQUEST_COMPLETE", "")
    assert memos(systems, row) == []
    *_, sent = [one for one in Order.select().order_by(Order.tiktok_order_id) if one.data["kinds"] == ["REPLACEMENT"]]
    placement.create_sales_order(ctx, sent.id, "w1")
    assert (again(sent).state, store_order(systems, sent).grand_total) == ("confirmed", 0)


def test_money_without_goods_leaves_the_stock_alone(ctx: Context, systems: Systems, account: Account, sku: str) -> None:
    row = delivered(ctx, systems, account, sku, 2)
    before = salable(systems, sku)
    number = ask_back(systems, row, "REFUND", 2)
    read(ctx, account)
    returns.accept(ctx, case_of(row).id, "alex@example.com")
    read(ctx, account)

    (memo,) = memos(systems, row)
    assert D(str(memo["grand_total"])) == refund_told(systems, number)
    assert (salable(systems, sku), again(row).magento_status) == (before, "closed")


def test_a_sum_that_was_agreed_on_is_refunded_as_money_only(
    ctx: Context, systems: Systems, account: Account, sku: str
) -> None:
    """Offered by the seller in Seller Center, taken by the buyer: no unit is refunded in the store."""
    row = delivered(ctx, systems, account, sku, 2)
    number = ask_back(systems, row, "REFUND", 1)
    body = {"decision": "OFFER_PARTIAL_REFUND", "partial_refund": {"currency": "USD", "amount": "3.00"}}
    systems.market._api.call(
        endpoints.APPROVE_RETURN, ids={"return_id": number}, query={"idempotency_key": "o"}, body=body
    )
    systems.control.post(f"tiktok/returns/{number}/buyer_answer", accept=True)
    read(ctx, account)

    (memo,) = memos(systems, row)
    assert (D(str(memo["grand_total"])), case_of(row).partial) == (D("3.00"), True)
    assert store_order(systems, row).items[0].qty_refunded == 0


@pytest.mark.parametrize(("pieces", "told"), [(0, "3.01"), (1, "2.99"), (2, "14.33")])
def test_a_refund_in_another_currency_is_what_the_buyer_gets(
    ctx: Context, systems: Systems, account: Account, sku: str, keeper: Shopkeeper, pieces: int, told: str
) -> None:
    """Adjustments are asked for in the store's base currency. Money only, and pieces for less than they cost."""
    keeper.set(currency__options__allow="USD,EUR", sandbox__exchange_rates="EUR=0.8")
    row = bought(ctx, systems, account, sku, 2, tax_rate="0")
    in_euro(row)
    placement.create_sales_order(ctx, row.id, "w1")
    lines = [line.line_id for line in OrderLine.select().where(OrderLine.order == row.id).order_by(OrderLine.id)]
    ReturnCase.create(
        account=account.id, kind="return", request_id="4035", tiktok_order_id=row.tiktok_order_id, order=row.id,
        type="REFUND", status="RETURN_OR_REFUND_REQUEST_SUCCESS", line_ids=lines[: pieces or 1], partial=not pieces,
        refund_minor=int(D(told) * 100), currency="EUR", store_state="due", imported_at=ctx.clock.now(),
        changed_at=ctx.clock.now(),
    )  # fmt: skip
    assert returns.settle(ctx, account) == 1
    (memo,) = memos(systems, row)
    assert (memo["order_currency_code"], D(str(memo["grand_total"]))) == ("EUR", D(told))
    order = store_order(systems, row)
    assert (order.total_refunded, order.items[0].qty_refunded) == (D(told), pieces)
    assert HistoryEntry.select().where(HistoryEntry.action == "order.refund_differs").count() == 0


def test_a_credit_memo_of_another_amount_than_asked_for_is_told(
    ctx: Context, systems: Systems, account: Account, sku: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    row = delivered(ctx, systems, account, sku, 1)
    ask_back(systems, row, "REFUND", 1)
    read(ctx, account)
    returns.accept(ctx, case_of(row).id, "alex@example.com")
    real = systems.store.refund

    def less(*given: Any, **named: Any) -> int:
        return real(*given, **named | {"adjustment_negative": D("0.01")})

    with monkeypatch.context() as patch:
        patch.setattr(systems.store, "refund", less)
        read(ctx, account)
    told = HistoryEntry.get(HistoryEntry.action == "order.refund_differs").message
    assert told.endswith("correct the difference by hand.")
    assert case_of(row).store_state == "done"


def test_returned_goods_stay_out_of_stock_where_the_policy_says_so(
    ctx: Context, systems: Systems, account: Account, sku: str
) -> None:
    set_policy(restock_returns=False)
    row = delivered(ctx, systems, account, sku, 1)
    before = salable(systems, sku)
    number = ask_back(systems, row, "RETURN_AND_REFUND", 1)
    read(ctx, account)
    returns.accept(ctx, case_of(row).id, "alex@example.com")
    systems.control.post(f"tiktok/returns/{number}/buyer_ship")
    read(ctx, account)
    returns.accept(ctx, case_of(row).id, "alex@example.com")
    read(ctx, account)
    assert (case_of(row).store_state, salable(systems, sku)) == ("done", before)


@pytest.mark.parametrize(
    "decision",
    [{"decision": "DIRECT_REFUND"}, {"decision": "APPROVE_RETURN", "buyer_keep_item": True}],
    ids=["direct-refund", "buyer-keeps-it"],
)
def test_goods_that_the_buyer_keeps_are_paid_back_and_not_put_into_stock(
    ctx: Context, systems: Systems, account: Account, sku: str, decision: dict[str, Any]
) -> None:
    """The seller decides so in the Seller Center; the request's type stays that of a return."""
    row = delivered(ctx, systems, account, sku, 1)
    before = salable(systems, sku)
    number = ask_back(systems, row, "RETURN_AND_REFUND", 1)
    read(ctx, account)
    systems.market._api.call(
        endpoints.APPROVE_RETURN, ids={"return_id": number}, query={"idempotency_key": number}, body=decision
    )
    read(ctx, account)
    case = case_of(row)
    assert (case.type, case.store_state, len(memos(systems, row))) == ("RETURN_AND_REFUND", "done", 1)
    assert (case.sent_back, salable(systems, sku)) == (False, before)


def test_what_was_sent_back_stays_so_unless_the_buyer_keeps_it(
    ctx: Context, systems: Systems, account: Account, sku: str
) -> None:
    row = delivered(ctx, systems, account, sku, 1)
    number = ask_back(systems, row, "RETURN_AND_REFUND", 1)
    told = next(one for one in systems.market.returns_updated(0, 2**31) if one.id == number)
    for news, sent in (({"sent_back": True}, True), ({}, True), ({"kept": True}, False)):
        case = returns.save(ctx, account, replace(told, **news))
        assert case is not None
        assert case.sent_back is sent


def test_a_return_is_refused_with_a_reason_and_nothing_is_refunded(
    ctx: Context, systems: Systems, account: Account, sku: str
) -> None:
    row = delivered(ctx, systems, account, sku, 1)
    ask_back(systems, row, "RETURN_AND_REFUND", 1)
    read(ctx, account)
    case = case_of(row)
    with pytest.raises(RejectedError, match="TikTok Shop accepts: "):
        returns.reject(ctx, case.id, "because", "alex@example.com")
    told = returns.reject(ctx, case.id, "seller_reject_return_reason_item_used", "alex@example.com")
    assert told.endswith("rejected: seller_reject_return_reason_item_used.")
    assert "already" in returns.reject(ctx, case.id, "", "alex@example.com")
    with pytest.raises(RejectedError, match=r"alex@example\.com has answered already: reject"):
        returns.accept(ctx, case.id, "sam@example.com")
    read(ctx, account)

    case = case_of(row)
    assert (case.status, case.decision, case.decision_state) == ("REFUND_OR_RETURN_REQUEST_REJECT", "reject", "sent")
    assert (case.store_state, memos(systems, row)) == ("", [])
    with pytest.raises(RejectedError, match="does not wait for an answer"):
        returns.accept(ctx, case.id, "sam@example.com")


def test_a_cancelled_order_that_was_not_invoiced_is_cancelled_and_its_stock_is_free(
    ctx: Context, systems: Systems, account: Account, sku: str
) -> None:
    set_policy(invoice=False)
    free = salable(systems, sku)
    row = stored(ctx, systems, account, sku, 2)
    assert salable(systems, sku) == free - 2
    systems.control.post(f"tiktok/orders/{row.tiktok_order_id}/buyer_cancel_request")
    read(ctx, account)
    read(ctx, account)

    assert (case_of(row).decided_by, case_of(row).store_document) == ("order policy", "cancelled")
    assert (store_order(systems, row).state, again(row).state) == ("canceled", "cancelled")
    assert (salable(systems, sku), memos(systems, row)) == (free, [])


def test_an_invoiced_order_that_is_cancelled_gives_all_money_back_and_the_stock(
    ctx: Context, systems: Systems, account: Account, sku: str
) -> None:
    free = salable(systems, sku)
    money = {
        "platform_discount": "2.00",
        "shipping_fee": "4.00",
        "shipping_fee_platform_discount": "1.50",
        "tax_rate": "0.08",
    }
    row = stored(ctx, systems, account, sku, 2, **money)
    systems.control.post(f"tiktok/orders/{row.tiktok_order_id}/buyer_cancel_request")
    read(ctx, account)
    read(ctx, account)

    order = store_order(systems, row)
    assert order.total_refunded == order.grand_total == order.total_invoiced
    assert (order.state, again(row).state, salable(systems, sku)) == ("closed", "cancelled", free)


def test_one_unit_that_is_out_of_stock_is_written_off_and_the_other_is_delivered(
    ctx: Context, systems: Systems, account: Account, sku: str
) -> None:
    set_policy(invoice=False)
    free = salable(systems, sku)
    row = stored(ctx, systems, account, sku, 2, shipping_fee="4.00")
    line = OrderLine.select().where(OrderLine.order == row.id).order_by(OrderLine.id).get()
    reason = next(one.name for one in systems.market.cancel_reasons(row.tiktok_order_id) if "stock" in one.name)
    systems.market.cancel_order(row.tiktok_order_id, reason, [line.line_id])
    read(ctx, account)

    (memo,) = memos(systems, row)
    case = case_of(row)
    assert (D(str(memo["grand_total"])), case.replenish) == (D(case.refund_minor) / 100, False)
    assert [D(str(memo.get(name) or 0)) for name in ("shipping_amount", "adjustment_negative")] == [0, 0]
    assert (again(row).state, store_order(systems, row).items[0].qty_invoiced) == ("confirmed", 1)
    assert salable(systems, sku) == free - 2, "the missing piece is not for sale again"
    pack(systems, row, 1)
    assert shipments.sync(ctx, row.id) == "Packages reported: 1."


def test_a_cancellation_after_shipping_is_refused(ctx: Context, systems: Systems, account: Account, sku: str) -> None:
    """It was packed in the store; silence would give the money back and let the goods go."""
    row = stored(ctx, systems, account, sku, 1)
    pack(systems, row)
    systems.control.post(f"tiktok/orders/{row.tiktok_order_id}/buyer_cancel_request")
    read(ctx, account)

    case = case_of(row)
    assert (case.decision, case.decision_state, case.decided_by) == ("reject", "sent", "order policy")
    assert "packed" in case.decision_reason
    assert shipments.sync(ctx, row.id) == "Packages reported: 1."
    assert orders.refresh(ctx, row.id).status == "AWAITING_COLLECTION"
    read(ctx, account)
    assert (case_of(row).status, memos(systems, row)) == ("CANCELLATION_REQUEST_CANCEL", [])


def test_what_the_policy_leaves_to_people_waits_for_them(
    ctx: Context, systems: Systems, account: Account, sku: str
) -> None:
    set_policy(accept_cancellations=False)
    row = stored(ctx, systems, account, sku, 1)
    systems.control.post(f"tiktok/orders/{row.tiktok_order_id}/buyer_cancel_request")
    read(ctx, account)
    assert (case_of(row).decision, case_of(row).status) == ("", "CANCELLATION_REQUEST_PENDING")
    returns.reject(ctx, case_of(row).id, "", "alex@example.com")
    read(ctx, account)
    assert case_of(row).status == "CANCELLATION_REQUEST_CANCEL"


@pytest.mark.parametrize("fault", ["timeout_after_success", "drop_connection"])
def test_an_unanswered_answer_is_given_again_with_the_same_key(
    ctx: Context, systems: Systems, account: Account, sku: str, fault: str
) -> None:
    row = delivered(ctx, systems, account, sku, 1)
    ask_back(systems, row, "REFUND", 1)
    read(ctx, account)
    systems.control.fault("tiktok", r"POST .*/returns/\d+/approve", fault)
    with pytest.raises(UnknownOutcomeError):
        returns.accept(ctx, case_of(row).id, "alex@example.com")
    assert case_of(row).decision_state == "wanted"
    with pytest.raises(RejectedError, match="has answered already"):
        returns.reject(ctx, case_of(row).id, "", "sam@example.com")

    assert returns.accept(ctx, case_of(row).id, "alex@example.com").endswith("accepted.")
    read(ctx, account)
    assert len(memos(systems, row)) == 1
    assert HistoryEntry.select().where(HistoryEntry.action == "return.reject").count() == 0


def test_an_answer_that_was_taken_without_a_word_is_known_by_what_the_case_became(
    ctx: Context, systems: Systems, account: Account, sku: str
) -> None:
    """The approval was not answered; the next import shows that it was carried out, so that the repeat has nothing to do."""
    row = delivered(ctx, systems, account, sku, 1)
    ask_back(systems, row, "REFUND", 1)
    read(ctx, account)
    work.ask(ctx, "accept_return", [case_of(row).id], actor="alex@example.com")
    item = QueueItem.get(QueueItem.kind == "accept_return")
    systems.control.fault("tiktok", r"POST .*/returns/\d+/approve", "timeout_after_success")
    assert runner.run_item(ctx, item.id, "w1") == "unknown"
    wait_for(lambda: next(systems.market.returns_updated(0, 2**31), None))
    read(ctx, account)
    assert (case_of(row).decision_state, case_of(row).store_state) == ("sent", "done")

    turn(ctx, 3_600)
    assert runner.run_item(ctx, item.id, "w1") == "confirmed"
    assert QueueItem.get_by_id(item.id).cause.endswith("was accepted already.")
    assert (case_of(row).decided_by, len(memos(systems, row))) == ("alex@example.com", 1)


def test_a_sellers_cancellation_without_an_answer_is_looked_up_and_followed_in_the_store(
    ctx: Context, systems: Systems, account: Account, sku: str
) -> None:
    set_policy(invoice=False)
    row = stored(ctx, systems, account, sku, 1)
    work.ask(ctx, "reject", [row.id], actor="alex@example.com", arguments={"reason": "out_of_stock"})
    item = QueueItem.get(QueueItem.kind == "reject")
    systems.control.fault("tiktok", r"POST .*/cancellations$", "timeout_after_success")
    assert runner.run_item(ctx, item.id, "w1") == "unknown"
    wait_for(lambda: systems.market.orders([row.tiktok_order_id])[0].status == "CANCELLED")
    turn(ctx, 3_600)

    assert runner.run_item(ctx, item.id, "w1") == "confirmed"

    cause = QueueItem.get_by_id(item.id).cause
    assert cause == "The order is cancelled already. TikTok Shop: CANCELLED. Magento: pending."
    assert (store_order(systems, row).state, again(row).state) == ("canceled", "cancelled")
    assert (
        len([one for one in systems.market.cancellations_updated(0, 2**31) if one.order_id == row.tiktok_order_id]) == 1
    )


@pytest.mark.parametrize("fault", ["timeout_after_success", "drop_connection"])
def test_an_unanswered_refund_is_looked_up_when_it_cannot_run_any_more(
    ctx: Context, systems: Systems, account: Account, sku: str, fault: str
) -> None:
    row = delivered(ctx, systems, account, sku, 2)
    ask_back(systems, row, "REFUND", 1)
    read(ctx, account)
    returns.accept(ctx, case_of(row).id, "alex@example.com")
    systems.control.fault("magento", r"POST .*/order/\d+/refund", fault)
    with pytest.raises(UnknownOutcomeError):
        read(ctx, account)
    assert case_of(row).store_state == "due"
    if fault == "timeout_after_success":
        wait_for(lambda: memos(systems, row))
    assert returns.settle(ctx, account) == 0, "the call may still be running"

    turn(ctx, ctx.place_timeout + 3)
    assert returns.settle(ctx, account) == 1

    (memo,) = memos(systems, row)
    assert (case_of(row).store_document, store_order(systems, row).items[0].qty_refunded) == (str(memo["entity_id"]), 1)


@pytest.mark.parametrize("step", ["invoice", "refund", "order", "credit_memos"])
def test_a_worker_that_dies_between_two_steps_is_followed_by_one_that_goes_on(
    ctx: Context, systems: Systems, account: Account, sku: str, step: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The process ends right after the call: what it did is found, what it did not do is done, once its lease is over."""
    set_policy(invoice=False)
    row = stored(ctx, systems, account, sku, 2)
    line = OrderLine.select().where(OrderLine.order == row.id).order_by(OrderLine.id).get()
    reason = next(one.name for one in systems.market.cancel_reasons(row.tiktok_order_id) if "stock" in one.name)
    systems.market.cancel_order(row.tiktok_order_id, reason, [line.line_id])
    today(ctx)
    returns.import_window(ctx, account, **window())
    real = getattr(systems.store, step)

    def dies(*given: Any, **named: Any) -> Any:
        real(*given, **named)
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(systems.store, step, dies)
        with pytest.raises(KeyboardInterrupt):
            returns.settle(ctx, account)
    assert returns.settle(ctx, account) == 0, "the dead worker's lease is respected"
    turn(ctx, returns.LEASE.total_seconds() + 1)
    assert returns.settle(ctx, account) == 1

    assert (len(memos(systems, row)), len(systems.store.invoices(int(row.magento_order_id or 0)))) == (1, 1)
    assert store_order(systems, row).items[0].qty_refunded == 1


def test_worker_and_scheduler_at_once_make_one_credit_memo(
    ctx: Context, systems: Systems, account: Account, sku: str
) -> None:
    row = delivered(ctx, systems, account, sku, 2)
    ask_back(systems, row, "REFUND", 1)
    read(ctx, account)
    returns.accept(ctx, case_of(row).id, "alex@example.com")
    returns.import_window(ctx, account, **window())
    start, settled = threading.Barrier(4), []

    def run() -> None:
        with connection():
            start.wait()
            settled.append(returns.settle(ctx, account))

    threads = [threading.Thread(target=run) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert (sorted(settled), len(memos(systems, row))) == ([0, 0, 0, 1], 1)


def test_a_refund_that_the_store_refuses_says_why_and_is_tried_again(
    ctx: Context, systems: Systems, account: Account, sku: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    row = delivered(ctx, systems, account, sku, 1)
    ask_back(systems, row, "REFUND", 1)
    read(ctx, account)
    returns.accept(ctx, case_of(row).id, "alex@example.com")
    Order.update(magento_order_id=None, state="failed").where(Order.id == row.id).execute()
    read(ctx, account)
    assert case_of(row).store_state == "due"
    assert case_of(row).message == "The order is not in Magento yet: its refund follows as soon as it is."

    Order.update(magento_order_id=row.magento_order_id, state="confirmed").where(Order.id == row.id).execute()
    assert returns.settle(ctx, account) == 0
    turn(ctx, rounds.REFUSED_WAIT.total_seconds() + 1)
    assert returns.settle(ctx, account) == 1
    assert (case_of(row).message, len(memos(systems, row))) == ("", 1)


def test_an_answer_that_waited_too_long_is_not_given_to_a_later_step(
    ctx: Context, systems: Systems, account: Account, sku: str
) -> None:
    """Agreeing to a return is not agreeing to what the parcel holds."""
    case = ReturnCase.create(
        account=account, kind="return", request_id="R", tiktok_order_id="O", type="RETURN_AND_REFUND", role="BUYER", reason="",
        status="RETURN_OR_REFUND_REQUEST_PENDING", line_ids=[], currency="USD", imported_at=ctx.clock.now(), changed_at=ctx.clock.now(),
    )  # fmt: skip
    work.ask(ctx, "accept_return", [case.id], actor="alex@example.com")
    ReturnCase.update(status="BUYER_SHIPPED_ITEM").execute()

    assert runner.run_item(ctx, QueueItem.get().id, "one") == "rejected"
    assert "an answer to RETURN_OR_REFUND_REQUEST_PENDING" in QueueItem.get().cause
    assert ReturnCase.get().decision == ""


def test_older_news_of_a_case_change_nothing(ctx: Context, systems: Systems, account: Account, sku: str) -> None:
    row = bought(ctx, systems, account, sku, 1)
    systems.control.post(f"tiktok/orders/{row.tiktok_order_id}/buyer_cancel_request")
    old = next(one for one in systems.market.cancellations_updated(0, 2**31) if one.order_id == row.tiktok_order_id)
    case = returns.save(ctx, account, old)
    assert case is not None
    ReturnCase.update(status="CANCELLATION_REQUEST_SUCCESS", update_time=old.update_time + 5).execute()
    assert returns.save(ctx, account, old) is None
    assert case_of(row).status == "CANCELLATION_REQUEST_SUCCESS"
    assert refunds.cancel_store_order(ctx, row) == ""


def test_the_store_gives_back_hundredths_of_a_yen() -> None:
    """One of three pieces for 6,434 JPY: it rounds at two decimals in every currency (store reference, section 12.2)."""
    item = {"item_id": 1, "qty_invoiced": 3, "row_invoiced": 6434}
    assert refunds._given_back([item], {1: 1}) == D("2144.67")
    assert refunds._given_back([item | {"qty_refunded": 2, "amount_refunded": "4289.33"}], {1: 1}) == D("2144.67")
