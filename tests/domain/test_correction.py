"""The correction's amounts: every part exact, every total the sum of its parts."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest

from connector.domain import correction, reading
from connector.domain.correction import AmountsError
from connector.domain.order import MarketplaceOrder, OrderLine, Payment, StoreOrder, StoreOrderItem

D = Decimal


def unit(number: int, sku: str = "A", price: str = "10.00", **more: Any) -> OrderLine:
    money = {"original_price": D(price), "sale_price": D(price)}
    return OrderLine(f"L{number}", "S", "P", sku, "Name", "Default", "USD", **{**money, **more})


def order(*lines: OrderLine, total: str, sub_total: str, shipping: str = "0", **more: Any) -> MarketplaceOrder:
    pay = Payment("USD", D(total), D(sub_total), D(shipping), **{k: D(v) for k, v in more.items()})
    return MarketplaceOrder("577", "AWAITING_SHIPMENT", datetime(2026, 1, 1, tzinfo=UTC), 1, pay, lines)


def store(found: correction.Amounts) -> StoreOrder:
    items = tuple(StoreOrderItem(40 + i, row.sku, D(row.qty)) for i, row in enumerate(found.rows))
    return StoreOrder(7, "000000007", "new", "pending", 3, "", "a@b.example", "USD", items, payment_entity_id=7)


PLAIN = order(unit(1), unit(2), total="24.50", sub_total="20.00", shipping="4.00", tax="0.50", product_tax="0.50")
DISCOUNTED = order(
    unit(1, sale_price=D("7.00"), seller_discount=D("1.00"), platform_discount=D("2.00")),
    total="9.00", sub_total="7.00", shipping="2.00", platform_discount="2.00", seller_discount="1.00",
    shipping_fee_platform_discount="3.00",
)  # fmt: skip
VAT = order(
    *(unit(i, price="19.99") for i in range(3)), total="62.97", sub_total="59.97", shipping="3.00",
    tax="10.49", product_tax="9.99", shipping_fee_tax="0.50",
)  # fmt: skip
GIFT = order(unit(1), unit(2, "G", "9.00", sale_price=D(0), is_gift=True), total="10.00", sub_total="10.00")
MIXED = order(unit(1), unit(2, price="7.00"), unit(3, "B"), total="27.00", sub_total="27.00")
FEES = order(unit(1), total="11.35", sub_total="10.00", retail_delivery_fee="0.28", other_fees="1.07")
UNCOUNTED = order(unit(1), total="10.28", sub_total="10.00", retail_delivery_fee="0.28", other_fees="1.07")
VAT_FEES = order(
    unit(1, price="12.00"), total="12.50", sub_total="12.00", tax="2.00", product_tax="2.00", other_fees="0.50"
)
PROVIDER = order(
    unit(1), unit(2), total="17.50", sub_total="20.00",
    payment_platform_discount="3.00", payment_discount_service_fee="0.50",
)  # fmt: skip
PROVIDER_APART = replace(PROVIDER, payment=replace(PROVIDER.payment, total_amount=D("20.00")))
VAT_PROVIDER = replace(VAT, payment=replace(VAT.payment, total_amount=D("57.97"), payment_platform_discount=D("5.00")))
DEPOSIT = order(unit(1, pfand_fee=D("0.25")), unit(2, pfand_fee=D("0.25")), total="20.50", sub_total="20.00")
DEPOSIT_APART = replace(DEPOSIT, payment=replace(DEPOSIT.payment, total_amount=D("20.00")))
ODD = order(unit(1, price="3.33"), unit(2, price="3.33"), unit(3, price="3.34"), total="10.00", sub_total="10.00")
CENT = order(unit(1), unit(2, "B", "5.00"), total="15.01", sub_total="15.01")


@pytest.mark.parametrize(
    ("wanted", "booking", "total", "subtotal", "discount", "shipping", "tax"),
    [
        (PLAIN, "payout", "24.50", "20.00", "0", "4.00", "0.50"),
        (DISCOUNTED, "payout", "14.00", "10.00", "1.00", "5.00", "0"),
        (DISCOUNTED, "buyer", "9.00", "10.00", "3.00", "2.00", "0"),
        (VAT, "payout", "62.97", "49.98", "0", "2.50", "10.49"),
        (GIFT, "buyer", "10.00", "10.00", "0", "0", "0"),
        (MIXED, "payout", "27.00", "27.00", "0", "0", "0"),
        (FEES, "payout", "11.35", "10.00", "0", "1.35", "0"),
        (UNCOUNTED, "payout", "10.28", "10.00", "0", "0.28", "0"),
        (VAT_FEES, "payout", "12.50", "10.00", "0", "0.50", "2.00"),
        (PROVIDER, "payout", "20.50", "20.00", "0", "0.50", "0"),
        (PROVIDER, "buyer", "17.50", "20.00", "3.00", "0.50", "0"),
        (PROVIDER_APART, "payout", "20.00", "20.00", "0", "0", "0"),
        (PROVIDER_APART, "buyer", "20.00", "20.00", "0", "0", "0"),
        (VAT_PROVIDER, "payout", "62.97", "49.98", "0", "2.50", "10.49"),
        (VAT_PROVIDER, "buyer", "57.97", "49.98", "5.00", "2.50", "10.49"),
        (DEPOSIT, "payout", "20.50", "20.50", "0", "0", "0"),
        (DEPOSIT_APART, "payout", "20.00", "20.00", "0", "0", "0"),
        (ODD, "payout", "10.00", "10.00", "0", "0", "0"),
        (CENT, "payout", "15.01", "15.01", "0", "0", "0"),
    ],
)
def test_totals_are_the_sums_of_their_parts(
    wanted: MarketplaceOrder, booking: str, total: str, subtotal: str, discount: str, shipping: str, tax: str
) -> None:
    found = correction.amounts(wanted, booking)
    body = correction.body(wanted, store(found), booking)
    assert body["grand_total"] == D(total) == correction.expected_total(wanted, booking)
    told = (body["subtotal"], body["discount_amount"], body["shipping_amount"], body["tax_amount"])
    assert told == (D(subtotal), -D(discount), D(shipping), D(tax))
    rows = body["items"]
    assert sum(i["row_total"] - i["discount_amount"] + i["tax_amount"] for i in rows) + body["shipping_amount"] + body[
        "shipping_tax_amount"
    ] == D(total)
    assert all(item["discount_amount"] >= 0 for item in rows)


def test_every_field_that_the_store_would_keep_is_sent() -> None:
    body = correction.body(PLAIN, store(correction.amounts(PLAIN, "payout")), "payout")
    money = ["subtotal", "discount_amount", "shipping_amount", "shipping_tax_amount", "shipping_discount_amount"]
    money += ["discount_tax_compensation_amount", "tax_amount", "grand_total", "total_due"]
    money += ["subtotal_incl_tax", "shipping_incl_tax"]
    assert {name for one in money for name in (one, f"base_{one}")} <= set(body)
    assert {"shipping_discount_tax_compensation_amount", "base_shipping_discount_tax_compensation_amnt"} <= set(body)
    lines = ["price", "row_total", "tax_amount", "discount_amount", "discount_tax_compensation_amount"]
    lines += ["original_price", "price_incl_tax", "row_total_incl_tax"]
    assert {name for one in lines for name in (one, f"base_{one}")} <= set(body["items"][0])


def test_a_row_that_does_not_divide_has_a_price_of_four_decimals() -> None:
    (item,) = correction.body(ODD, store(correction.amounts(ODD, "payout")), "payout")["items"]
    assert (item["price"], item["row_total"]) == (D("3.3333"), D("10.00"))


def test_units_of_one_sku_at_two_prices_are_one_row() -> None:
    first, second = correction.amounts(MIXED, "payout").rows
    assert (first.sku, first.qty, first.net, first.price) == ("A", 2, D("17.00"), D("8.5"))
    assert (second.sku, second.qty) == ("B", 1)


def test_amounts_that_do_not_fit_are_refused() -> None:
    given = order(unit(1), total="12.00", sub_total="10.00", other_fees="0.50", payment_platform_discount="1.00")
    with pytest.raises(AmountsError) as error:
        correction.amounts(given, "payout")
    told = "total_amount 12.00, but sub_total 10.00, other_fees 0.50, payment_platform_discount 1.00."
    assert "the lines make 10.50 USD, TikTok Shop says 12.00" in str(error.value)
    assert str(error.value).endswith(f"amounts that do not fit: {told}")


def test_a_payment_providers_discount_is_spread_by_what_each_unit_costs() -> None:
    given = order(
        unit(1), unit(2, price="5.00"), unit(3, "G", sale_price=D(0), is_gift=True),
        total="14.00", sub_total="15.00", payment_platform_discount="1.00",
    )  # fmt: skip
    assert reading.payment_discounts(given) == {"L1": D("0.67"), "L2": D("0.33"), "L3": D(0)}
    assert set(reading.payment_discounts(PROVIDER_APART).values()) == {D(0)}


def test_cancelled_units_are_left_out() -> None:
    part = replace(MIXED, lines=(MIXED.lines[0], replace(MIXED.lines[1], status="CANCELLED"), MIXED.lines[2]))
    assert correction.expected_total(part, "payout") == D("20.00")


def test_items_of_another_order_are_refused() -> None:
    with pytest.raises(AmountsError, match=r"other items|marketplace"):
        correction.body(PLAIN, store(correction.amounts(MIXED, "payout")), "payout")


def test_base_amounts_are_converted_part_by_part() -> None:
    body = correction.body(MIXED, store(correction.amounts(MIXED, "payout")), "payout", rate=D("0.8333"))
    parts = sum(item["base_row_total"] for item in body["items"])
    assert body["base_grand_total"] == parts == D("14.17") + D("8.33")


def test_a_difference_is_named() -> None:
    read = store(correction.amounts(PLAIN, "payout"))
    body = correction.body(PLAIN, read, "payout")
    assert "grand_total is 0 instead of 24.5" in correction.differences(body, read)


def test_characters_beyond_the_basic_plane_go() -> None:
    assert correction.clean("Ann 😀\nLée") == "Ann Lée"


@pytest.mark.parametrize(
    ("cancelled", "pieces", "sent", "there"),
    [
        pytest.param({1}, 2, (), {1, 2}, id="cancelled-since-it-was-placed"),
        pytest.param({1}, 1, (), {2}, id="cancelled-before"),
        pytest.param({1, 2}, 2, ("L2", "L3"), {2, 3}, id="what-was-sent-comes-first"),
        pytest.param({1, 2}, 2, (), {1, 3}, id="else-the-open-ones"),
    ],
)
def test_units_of_a_placed_order(cancelled: set[int], pieces: int, sent: tuple[str, ...], there: set[int]) -> None:
    """The pieces that the store order has say which units it was placed with."""
    count = 2 if len(cancelled) == 1 else 3
    lines = [unit(i, status="CANCELLED" if i in cancelled else "AWAITING_SHIPMENT") for i in range(1, count + 1)]
    market = order(*lines, total="10.00", sub_total="10.00")
    placed = replace(store(correction.amounts(market, "payout")), items=(StoreOrderItem(40, "a", D(pieces)),))

    units = correction.placed_units(market, placed, {}, sent)

    assert units == {f"L{i}" for i in there}
    (item,) = correction.body(market, placed, "payout", units=units)["items"]
    assert (item["qty_ordered"], item["row_total"]) == (pieces, D(10) * pieces)


def test_an_order_with_fewer_pieces_than_are_wanted_is_refused() -> None:
    placed = replace(store(correction.amounts(PLAIN, "payout")), items=(StoreOrderItem(40, "A", D(1)),))
    units = correction.placed_units(PLAIN, placed, {})
    with pytest.raises(AmountsError, match="has 1 of A, the marketplace 2"):
        correction.body(PLAIN, placed, "payout", units=units)
