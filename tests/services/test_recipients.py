"""Who an order goes to: hidden by the marketplace later, never forgotten by us before its time (both databases)."""

from __future__ import annotations

from dataclasses import replace

import pytest

from connector.domain.order import Address, MarketplaceOrder
from connector.domain.values import from_json
from connector.services import history, orders, recipients
from connector.services.context import Context
from connector.store.models import Account, Order
from tests.services.orders_made_up import marketplace_order

FIRST = replace(marketplace_order("5764", "AWAITING_SHIPMENT"), update_time=10)
CLEAR = FIRST.address
MASKED = Address("J**", "E**", ("1*** A**** S*****",), "P*******", "Oregon", "9****", "US", "(+1)503*****42")
CORRECTED = replace(CLEAR, street=("7 Elm Road",))


def news(ctx: Context, account: Account, address: Address, update_time: int, **more: str) -> MarketplaceOrder:
    """What we know of the order after the marketplace told this."""
    row = orders.save(ctx, account, replace(FIRST, address=address, update_time=update_time, **more))
    assert row is not None
    return from_json(MarketplaceOrder, row.data)


@pytest.mark.parametrize(
    ("address", "told"),
    [
        pytest.param(Address(), 0, id="nothing"),
        pytest.param(Address(country="US"), 0, id="a-country-is-no-address"),
        pytest.param(Address(region="Oregon", country="US"), 1, id="a-state"),
        pytest.param(MASKED, 1, id="masked"),
        pytest.param(replace(CLEAR, telephone="(+1)503*****42"), 1, id="one-field-masked"),
        pytest.param(replace(CLEAR, first_name="", last_name=""), 1, id="nobody-lives-there"),
        pytest.param(replace(CLEAR, last_name="", telephone=""), 2, id="one-name-is-enough"),
    ],
)
def test_how_much_an_address_tells(address, told):
    assert address.told == told


@pytest.mark.parametrize("hidden", [Address(), Address(country="US"), MASKED], ids=["empty", "country", "masked"])
def test_an_address_that_is_hidden_later_is_kept_and_noted_once(ctx, account, hidden):
    news(ctx, account, CLEAR, 10)

    after = [news(ctx, account, hidden, moment, status="DELIVERED", buyer_email="") for moment in (11, 12)]

    assert [(one.status, one.address, one.address_kept) for one in after] == [("DELIVERED", CLEAR, True)] * 2
    assert {one.buyer_email for one in after} == {FIRST.buyer_email}
    row = Order.get()
    assert row.buyer == "Jordan Ellery"
    entries = [entry for entry in history.of("order", row.id) if entry.action == "order.address_kept"]
    assert [entry.message for entry in entries] == [recipients.KEPT]


def test_an_address_that_the_buyer_corrects_replaces_the_old_one(ctx, account):
    news(ctx, account, CLEAR, 10)
    news(ctx, account, Address(), 11)

    after = news(ctx, account, CORRECTED, 12)

    assert (after.address, after.address_kept) == (CORRECTED, False)


def test_an_address_that_comes_late_is_taken(ctx, account):
    news(ctx, account, Address(), 10, status="ON_HOLD", buyer_email="")
    assert news(ctx, account, MASKED, 11, buyer_email="").address == MASKED
    after = news(ctx, account, CLEAR, 12)
    assert (after.address, after.buyer_email, after.address_kept) == (CLEAR, FIRST.buyer_email, False)


def test_a_field_that_comes_empty_is_filled_where_the_place_is_the_same(ctx, account):
    news(ctx, account, CLEAR, 10)
    assert news(ctx, account, replace(CLEAR, telephone="", last_name="Ellery-Moss"), 11).address == replace(
        CLEAR, last_name="Ellery-Moss"
    )
    assert news(ctx, account, replace(CORRECTED, telephone=""), 12).address.telephone == ""


def test_a_buyer_who_was_forgotten_stays_forgotten(ctx, account):
    """The retention clock ran out: hidden news bring nothing back."""
    news(ctx, account, Address(), 10, buyer_email="")
    after = news(ctx, account, Address(), 11, status="COMPLETED", buyer_email="")
    assert (after.address, after.buyer_email, Order.get().buyer) == (Address(), "", "")


# ── in the store ─────────────────────────────────────────────────────────────


def test_only_a_store_order_that_has_the_old_address_is_asked_to_take_the_new(ctx, account):
    for state in (*recipients.UNDER_WAY, "failed", "reserved", "skipped"):
        Order.delete().execute()
        news(ctx, account, CLEAR, 10)
        Order.update(state=state).execute()
        for moment, address in enumerate((CLEAR, MASKED, Address()), 11):
            news(ctx, account, address, moment)
        assert not Order.get().address_due, state
        news(ctx, account, CORRECTED, 20)
        assert Order.get().address_due == (state in recipients.UNDER_WAY), state
