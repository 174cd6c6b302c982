"""One order or case that cannot be followed now holds up no other (HTTP, sandbox)."""

from __future__ import annotations

from typing import Any

import pytest

from connector.errors import RetryableError
from connector.services import orders, returns, rounds
from connector.services.context import Context
from connector.store.models import Account, Order, ReturnCase
from tests.services.test_pieces import cancel_unit
from tests.services.test_placement_sandbox import Systems, account, ctx, sku, systems
from tests.services.test_refunds import case_of, memos, read
from tests.services.trading import again, bought, set_policy, store_order, stored, turn

__all__ = ["account", "ctx", "sku", "systems"]


def test_an_order_that_the_store_cannot_cancel_holds_up_no_other(
    ctx: Context, systems: Systems, account: Account, sku: str
) -> None:
    """It says why, and waits longer each time."""
    set_policy(invoice=False)
    bad, good = stored(ctx, systems, account, sku, 1), stored(ctx, systems, account, sku, 1)
    Order.update(status="CANCELLED").execute()
    systems.control.fault("magento", rf"POST .*/orders/{bad.magento_order_id}/cancel", "http_500", times=1000)
    assert returns.settle(ctx, account) == 1
    assert (again(good).state, store_order(systems, good).state) == ("cancelled", "canceled")

    waits = []
    for _ in range(3):
        fresh = again(bad)
        assert fresh.retry_at is not None
        assert fresh.failed_reason
        waits.append((fresh.retry_at - ctx.clock.now()).total_seconds())
        assert returns.settle(ctx, account) == 0, "it waits"
        turn(ctx, waits[-1] + 1)
        with pytest.raises(RetryableError):
            returns.settle(ctx, account)
    assert waits == sorted(set(waits))

    systems.control.clear_faults()
    turn(ctx, 3_600)
    assert returns.settle(ctx, account) == 1
    assert (again(bad).state, again(bad).failed_reason) == ("cancelled", "")


@pytest.mark.parametrize("fault", ["http_500", "KeyError"])
def test_a_refund_that_the_store_cannot_make_holds_up_no_other(
    ctx: Context, systems: Systems, account: Account, sku: str, fault: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nor does a fault of our own in one case; each says what it met."""
    bad, good = stored(ctx, systems, account, sku), stored(ctx, systems, account, sku)
    for row in (bad, good):
        cancel_unit(systems, row)
        orders.refresh(ctx, row.id)
    if fault == "http_500":
        systems.control.fault("magento", rf"POST .*/order/{bad.magento_order_id}/refund", fault, times=1000)
    real = systems.store.credit_memos

    def broken(number: int) -> list[dict[str, Any]]:
        if fault == "KeyError" and number == bad.magento_order_id:
            raise KeyError("comments")
        return real(number)

    with monkeypatch.context() as patch:
        patch.setattr(systems.store, "credit_memos", broken)
        read(ctx, account)
    assert (case_of(good).store_state, len(memos(systems, good))) == ("done", 1)
    assert (case_of(bad).store_state, case_of(bad).failures, memos(systems, bad)) == ("due", 1, [])
    assert fault.removeprefix("http_") in case_of(bad).message
    assert returns.settle(ctx, account) == 0, "it waits"

    systems.control.clear_faults()
    turn(ctx, rounds.REFUSED_WAIT.total_seconds() + 1)
    assert returns.settle(ctx, account) == 1
    assert (case_of(bad).message, case_of(bad).failures, len(memos(systems, bad))) == ("", 0, 1)


def test_a_store_that_is_away_is_not_asked_for_every_case(
    ctx: Context, systems: Systems, account: Account, sku: str
) -> None:
    """Those that were left out are the first of the next round."""
    row = bought(ctx, systems, account, sku, 1)
    Order.update(state="confirmed", magento_order_id=1).execute()
    for number in range(5):
        ReturnCase.create(
            account=account.id, kind="return", request_id=str(number), tiktok_order_id=row.tiktok_order_id, order=row.id,
            store_state="due", imported_at=ctx.clock.now(), changed_at=ctx.clock.now(),
        )  # fmt: skip
    systems.control.fault("magento", r"GET .*/orders/.*", "http_500", times=1000)
    failures = []
    for _ in range(2):
        with pytest.raises(RetryableError):
            returns.settle(ctx, account)
        failures.append([case.failures for case in ReturnCase.select().order_by(ReturnCase.id)])
    assert failures == [[1, 1, 1, 0, 0], [1, 1, 1, 1, 1]]


def test_a_cancellation_that_cannot_be_answered_holds_up_no_other(
    ctx: Context, systems: Systems, account: Account, sku: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The store does not say whether the first one's goods left; buyers' requests end by themselves when nobody answers."""
    bad, good = stored(ctx, systems, account, sku, 1), stored(ctx, systems, account, sku, 1)
    for row in (bad, good):
        systems.control.post(f"tiktok/orders/{row.tiktok_order_id}/buyer_cancel_request")
    real = systems.store.shipments

    def shipments_of(numbers: list[int]) -> Any:
        if bad.magento_order_id in numbers:
            raise RetryableError("The store is busy.", system="magento", status=503)
        return real(numbers)

    with monkeypatch.context() as patch:
        patch.setattr(systems.store, "shipments", shipments_of)
        read(ctx, account)
    assert (case_of(good).decision, case_of(bad).decision, case_of(bad).message) == (
        "approve",
        "",
        "The store is busy.",
    )
    read(ctx, account)
    assert (case_of(bad).decision, case_of(bad).decision_state) == ("approve", "sent")
