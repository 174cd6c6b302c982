"""What we send is what a live store answered to: our requests beside the recorded ones, and our correction beside its effect."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from connector.clients.magento import MagentoCatalog, MagentoConnection, MagentoSales, documents
from connector.domain import correction, direct
from connector.domain.order import Address, MarketplaceOrder, OrderLine, Payment, StoreOrder, Track
from tests.clients.conftest import Connect
from tests.clients.server import Asked, Reply, serving
from tests.clients.test_magento_schema import check, openapi

__all__ = ["openapi"]

D = Decimal
ANN = Address("Ann", "Lee", ("1 Main St",), "Los Angeles", "California", "90001", "US", "5551234")
US = {"available_regions": [{"id": "12", "code": "CA", "name": "California"}]}
UNDECIDED = {"tax_percent", "discount_description", "customer_email", "status_histories", "ext_order_id"}
"""What we leave for the last save, or word in our own way."""


@pytest.fixture
def requested(shared: Path) -> Callable[[str], dict[str, Any]]:
    def read(number: str) -> dict[str, Any]:
        (path,) = (shared / "data/magento/recordings").glob(f"{number}-*.json")
        return dict(json.loads(path.read_text(encoding="utf-8"), parse_float=Decimal))

    return read


Act = Callable[[MagentoSales], object]
CALLS: dict[str, Act] = {
    "601": lambda sales: sales.create_cart(),
    "603": lambda sales: sales.add_to_cart("10", "SHOE-001", 2),
    "606": lambda sales: sales.shipping_methods("10", ANN),
    "607": lambda sales: sales.payment_methods("10"),
    "608": lambda sales: sales.set_cart_address(
        "10", ANN, "orders@merchant.example", carrier="flatrate", method="flatrate"
    ),
    "609": lambda sales: sales.place("10", "checkmo"),
    "618": lambda sales: sales.invoice(39),
    "620": lambda sales: sales.ship(39, {41: 1}, tracks=[Track("TT100", "UPS", "custom")], source="default"),
    "624": lambda sales: sales.refund(39, {41: 1}, shipping_amount=D(0), return_to_stock=[41]),
    "644": lambda sales: sales.cancel(43),
    "684": lambda sales: sales.find_orders("customer_email", "orders+576461413038785799@merchant.example"),
    "686": lambda sales: sales.hold(60),
    "689": lambda sales: sales.unhold(60),
}


@pytest.mark.parametrize("number", CALLS)
def test_our_request_is_the_one_that_the_live_store_answered(
    requested: Callable[[str], dict[str, Any]], store: Connect, number: str
) -> None:
    found = requested(number)
    recorded, answer = found["request"], found["response"]

    def reply(asked: Asked) -> Reply:
        if "/directory/" in asked.path:
            return Reply(200, US)
        return Reply(answer["status"], plain(answer["body"]))

    with serving(reply) as server:
        CALLS[number](MagentoSales(store(server.url)))
    (sent,) = [asked for asked in server.asked if "/directory/" not in asked.path]
    assert (sent.method, sent.raw_path) == (recorded["method"], recorded["path"])
    assert included(recorded["body"], sent.json) == []
    query = dict(recorded["query"] or ())
    query.pop("fields", None)
    assert query.items() <= sent.query.items()


def plain(value: Any) -> Any:
    """Without decimals, for a server that sends JSON."""
    return json.loads(json.dumps(value, default=float))


def included(wanted: Any, sent: Any, at: str = "") -> list[str]:
    """Where `sent` lacks or changes something of `wanted`; more than wanted is allowed, except for the address's e-mail."""
    if isinstance(wanted, dict):
        missing = [f"{at}.{key} is missing" for key in wanted if key not in (sent or {}) and key != "email"]
        shared = [key for key in wanted if key in (sent or {})]
        return missing + [line for key in shared for line in included(wanted[key], sent[key], f"{at}.{key}")]
    if isinstance(wanted, list):
        if len(wanted) != len(sent):
            return [f"{at} has {len(sent)} entries instead of {len(wanted)}"]
        pairs = zip(wanted, sent, strict=True)
        return [line for place, pair in enumerate(pairs) for line in included(*pair, f"{at}[{place}]")]
    if isinstance(wanted, (int, Decimal)) and not isinstance(wanted, bool) and isinstance(sent, (int, float, Decimal)):
        return [] if D(str(wanted)) == D(str(sent)) else [f"{at} is {sent} instead of {wanted}"]
    return [] if wanted == sent else [f"{at} is {sent!r} instead of {wanted!r}"]


# ── the correction of recordings 613–615 ─────────────────────────────────────


def unit(number: int, sku: str, price: str, discount: str = "0", tax: str = "0", **more: Any) -> OrderLine:
    paid = D(price) - D(discount)
    money = {"original_price": D(price), "sale_price": paid, "seller_discount": D(discount), "tax": D(tax)}
    return OrderLine(f"L{number}", "S", "P", sku, "Name", "Default", "EUR", **money, **more)


SOLD = MarketplaceOrder(
    "576461413038785752", "AWAITING_SHIPMENT", datetime(2026, 11, 23, tzinfo=UTC), 1,
    Payment(
        "EUR", D("66.60"), D("56.48"), D("4.99"), seller_discount=D("4.00"), tax=D("5.13"), product_tax=D("4.72"),
        shipping_fee_tax=D("0.41"),
    ),
    (
        unit(1, "SHOE-001", "17.99", "2.00", "1.35"), unit(2, "SHOE-001", "17.99", "2.00", "1.35"),
        unit(3, "CONF-Blue-40", "24.50", "0", "2.02"), unit(4, "SHOE-020", "9.00", is_gift=True),
    ),
    ANN, delivery_option_name="Standard",
)  # fmt: skip


@pytest.fixture
def placed(requested: Callable[[str], dict[str, Any]]) -> StoreOrder:
    """The order as it was before the correction, at the shop's prices."""
    return documents.order(requested("613")["response"]["body"])


def test_our_correction_has_every_field_and_amount_of_the_recorded_one(
    requested: Callable[[str], dict[str, Any]], placed: StoreOrder
) -> None:
    recorded = requested("614")["request"]["body"]["entity"]
    for part in (recorded, *recorded["items"]):
        for name in UNDECIDED & set(part):
            del part[name]
    assert included(recorded, correction.body(SOLD, placed, "payout")) == []


def test_what_the_live_store_read_back_counts_as_corrected(
    requested: Callable[[str], dict[str, Any]], placed: StoreOrder
) -> None:
    sent = correction.body(SOLD, placed, "payout")
    assert correction.differences(sent, documents.order(requested("615")["response"]["body"])) == []
    untouched = correction.differences(sent, placed)
    assert "grand_total is 214.13 instead of 66.6" in untouched
    assert any(text.startswith("SHOE-001 base_discount_amount") for text in untouched)


@pytest.mark.parametrize(
    "field", ["base_tax_amount", "shipping_incl_tax", "base_shipping_tax_amount", "total_due", "subtotal_incl_tax"]
)
def test_every_amount_is_compared_to_the_cent(
    requested: Callable[[str], dict[str, Any]], placed: StoreOrder, field: str
) -> None:
    body = requested("615")["response"]["body"]
    body[field] += D("0.01")
    (text,) = correction.differences(correction.body(SOLD, placed, "payout"), documents.order(body))
    assert text.startswith(f"{field} is ")


@pytest.mark.parametrize("name", ["price", "base_row_total", "tax_amount", "discount_tax_compensation_amount"])
def test_every_amount_of_a_line_is_compared_to_the_cent(
    requested: Callable[[str], dict[str, Any]], placed: StoreOrder, name: str
) -> None:
    body = requested("615")["response"]["body"]
    body["items"][0][name] += D("0.01")
    (text,) = correction.differences(correction.body(SOLD, placed, "payout"), documents.order(body))
    assert text.startswith(f"SHOE-001 {name} is ")


def test_a_fixed_product_tax_of_the_shop_is_taken_off(
    requested: Callable[[str], dict[str, Any]], openapi: dict[str, Any], store: Connect
) -> None:
    """A field left out keeps the shop's value (section 12.2), and invoices add this one to the rest."""
    body = requested("613")["response"]["body"]
    taxed, plain_one, _ = body["items"]
    taxed |= {"weee_tax_applied": '[{"title":"Recycling","amount":1.5}]', "weee_tax_applied_row_amount": D("3.00")}
    taxed |= {"weee_tax_applied_amount": D("1.50"), "base_weee_tax_applied_row_amnt": D("3.00")}
    before = documents.order(body)
    sent = correction.body(SOLD, before, "payout")
    first, second, _ = sent["items"]
    assert (first["weee_tax_applied"], first["weee_tax_applied_row_amount"]) == ("[]", 0)
    assert {name for name in first if name.startswith("base_weee")} == set(correction._FIXED_TAX[4:])
    assert not [name for name in second if "weee" in name]
    assert "SHOE-001 weee_tax_applied_row_amount is 3 instead of 0" in correction.differences(sent, before)
    with serving(Reply(200, {})) as server:
        MagentoSales(store(server.url)).save_order(sent)
    check(openapi, server.asked[0])
    assert plain_one["sku"] == "CONF-Blue-40"


def how(**changes: Any) -> direct.Direct:
    skus = ("SHOE-001", "CONF-Blue-40", "SHOE-020")
    products = {sku: direct.Sold(number, sku, weight=D("0.5")) for number, sku in enumerate(skus, 1)}
    plain = direct.Direct(
        "TTS-1", "orders+1@shop.test", 1, "checkmo", "flatrate_flatrate", 12, products, base_currency="EUR"
    )
    return replace(plain, **changes)


def test_corrections_and_direct_saves_have_no_field_that_the_store_does_not_know(
    openapi: dict[str, Any], store: Connect, placed: StoreOrder
) -> None:
    whole = direct.entity(SOLD, ANN, how(rate=D("0.9"), base_currency="USD"), "payout", {})
    with serving(Reply(200, {"entity_id": 39})) as server:
        sales = MagentoSales(store(server.url))
        sales.save_order(correction.body(SOLD, placed, "payout", rate=D("0.9")))
        sales.save_order(whole)
    for asked in server.asked:
        check(openapi, asked)


def test_a_direct_save_keeps_the_books_in_the_stores_currency() -> None:
    made = direct.entity(SOLD, ANN, how(rate=D("1.25"), base_currency="USD"), "payout", {})
    assert (made["base_currency_code"], made["order_currency_code"], made["base_to_order_rate"]) == (
        "USD",
        "EUR",
        D("0.8"),
    )
    assert made["grand_total"] == D("66.60")
    parts = sum(
        item["base_row_total"] - item["base_discount_amount"] + item["base_tax_amount"] for item in made["items"]
    )
    assert made["base_grand_total"] == parts + made["base_shipping_amount"] + made["base_shipping_tax_amount"]
    assert (made["weight"], made["is_virtual"]) == (D("2.0"), 0)


def test_a_direct_save_of_virtual_products_only_is_virtual() -> None:
    order = replace(SOLD, lines=SOLD.lines[:2], payment=Payment("EUR", D("31.98"), D("31.98"), D(0)))
    untaxed = replace(order, lines=tuple(replace(line, tax=D(0)) for line in order.lines))
    products = {"SHOE-001": direct.Sold(1, "Gift card", "virtual")}
    made = direct.entity(untaxed, ANN, how(products=products), "payout", {})
    assert (made["is_virtual"], made["items"][0]["is_virtual"], made["items"][0]["product_type"]) == (1, 1, "virtual")


# ── questions about the catalogue ────────────────────────────────────────────


def test_catalogue_questions_are_those_that_were_recorded(
    requested: Callable[[str], dict[str, Any]], store: Connect
) -> None:
    prices, exported = requested("101")["request"], requested("251")["request"]
    with serving([Reply(200, []), Reply(200, {"items": [], "total_count": 0})]) as server:
        connection: MagentoConnection = store(server.url)
        MagentoCatalog(connection).prices(["SHOE-014", "SHOE-015"])
        MagentoCatalog(connection).salable("base", ["A", "B", "C"])
    first, second = server.asked
    assert (first.method, first.raw_path, first.json) == (prices["method"], prices["path"], prices["body"])
    assert (second.method, second.raw_path) == (exported["method"], exported["path"])
    assert {key: str(value) for key, value in exported["query"]}.items() <= second.query.items()
