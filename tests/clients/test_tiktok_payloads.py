"""Drafts become bodies, answers become values."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from connector.clients.tiktok import parse_orders, parse_products, payloads
from connector.clients.tiktok.shop import TikTokShop
from connector.domain.listing import (
    AttributeValue,
    ConfirmedSku,
    Draft,
    DraftSku,
    ProductAttribute,
    SalesAttribute,
    Status,
)
from connector.domain.order import Address, Reason
from connector.errors import RejectedError
from tests.clients.server import Asked, Reply, serving
from tests.clients.test_tiktok_transport import ok, pair, shop_at
from tests.clients.vault import SqliteVault

IMAGES = {
    "s:/1.jpg": "tos/1",
    "s:/red.jpg": "tos/red",
    "s:/chart.jpg": "tos/chart",
    "s:/d.jpg": "https://p16.test/d.jpg",
}


def variant(colour: str, size: str, **changes: Any) -> DraftSku:
    attributes = (
        SalesAttribute("Color", colour, image=f"s:/{colour.lower()}.jpg"),
        SalesAttribute("Size", size, id="100007", value_id="7"),
    )
    values: dict[str, Any] = {"sku": f"M {colour}", "seller_sku": f"M-{colour}-{size}", "sales_attributes": attributes}
    return DraftSku(**{**values, "price": Decimal("16.5"), "quantities": {"W1": 3, "W2": 200_000}, **changes})


def draft(**changes: Any) -> Draft:
    values: dict[str, Any] = {
        "title": "Mug",
        "description": '<p>Blue <img src="s:/d.jpg" width="3" height="4"><img src="http://evil.test/x.png"></p>',
        "category_id": "600024",
        "category_version": "v2",
        "currency": "USD",
        "images": ("s:/1.jpg", "s:/missing.jpg"),
        "skus": (variant("Red", "S"), variant("Blue", "S")),
        "attributes": (
            ProductAttribute("1", (AttributeValue(id="5"), AttributeValue(name="Oak"))),
            ProductAttribute("2", ()),
        ),
        "weight_value": "0.4",
        "weight_unit": "KILOGRAM",
        "dimensions": {"length": "10", "width": "10", "height": "2", "unit": "CENTIMETER"},
        "size_chart": "s:/chart.jpg",
        "external_product_id": "42",
    }
    return Draft(**{**values, **changes})


def test_a_create_body_has_everything_in_its_form() -> None:
    body = payloads.create_body(draft(brand_id="b1"), IMAGES, "key-1")
    assert body | {"skus": ()} == {
        "save_mode": "LISTING",
        "title": "Mug",
        "description": '<p>Blue <img src="https://p16.test/d.jpg" width="3" height="4"></p>',
        "category_id": "600024",
        "category_version": "v2",
        "brand_id": "b1",
        "main_images": [{"uri": "tos/1"}],
        "product_attributes": [{"id": "1", "values": [{"id": "5"}, {"name": "Oak"}]}],
        "package_weight": {"value": "0.4", "unit": "KILOGRAM"},
        "package_dimensions": {"length": "10", "width": "10", "height": "2", "unit": "CENTIMETER"},
        "size_chart": {"image": {"uri": "tos/chart"}},
        "external_product_id": "42",
        "idempotency_key": "key-1",
        "skus": (),
    }
    assert body["skus"][0] == {
        "seller_sku": "M-Red-S",
        "external_sku_id": "M Red",
        "sales_attributes": [
            {"name": "Color", "value_name": "Red", "sku_img": {"uri": "tos/red"}},
            {"id": "100007", "value_id": "7"},
        ],
        "price": {"amount": "16.50", "currency": "USD"},
        "inventory": [{"warehouse_id": "W1", "quantity": 3}, {"warehouse_id": "W2", "quantity": 99_999}],
    }
    assert "sku_img" not in body["skus"][1]["sales_attributes"][0], "the picture of blue was not uploaded"


def test_a_single_sku_has_no_sales_attributes_and_empty_things_are_left_out() -> None:
    sku = DraftSku("A", "A", Decimal(5), {"W": 0}, identifier_type="EAN", identifier_code="4006381333931")
    body = payloads.create_body(
        draft(skus=(sku,), attributes=(), dimensions={}, size_chart="", weight_value=""), {}, "k"
    )
    assert set(body["skus"][0]) == {"seller_sku", "external_sku_id", "price", "inventory", "identifier_code"}
    assert body["skus"][0]["identifier_code"] == {"code": "4006381333931", "type": "EAN"}
    assert body["skus"][0]["inventory"] == [{"warehouse_id": "W", "quantity": 0}]
    assert not {"brand_id", "product_attributes", "package_weight", "package_dimensions", "size_chart"} & set(body)


def test_an_edit_keeps_prices_and_stock_of_known_skus() -> None:
    known, new = payloads.edit_body(draft(), IMAGES, {"M-Red-S": "17"}, {})["skus"]
    assert known["id"] == "17"
    assert not {"price", "inventory"} & set(known)
    assert "id" not in new
    assert {"price", "inventory"} <= set(new)


def test_an_edit_brings_the_stock_of_skus_that_get_other_warehouses() -> None:
    moved = {"M-Red-S": {"W1": 0, "W3": 5}}
    known, _ = payloads.edit_body(draft(), IMAGES, {"M-Red-S": "17"}, moved)["skus"]
    assert known["inventory"] == [{"warehouse_id": "W1", "quantity": 0}, {"warehouse_id": "W3", "quantity": 5}]
    assert "price" not in known


def test_only_one_attribute_carries_pictures() -> None:
    both = tuple(SalesAttribute(name, value, image="s:/red.jpg") for name, value in (("Color", "Red"), ("Size", "S")))
    body = payloads.checked_body(draft(skus=(variant("Red", "S", sales_attributes=both),)), IMAGES)
    assert ["sku_img" in one for one in body["skus"][0]["sales_attributes"]] == [True, False]


def test_long_names_are_cut_and_stay_different() -> None:
    long = [f"{'x' * 50} {letter}" for letter in "abc"]
    cut = payloads.shortened([*long, "short", "short"], 50)
    assert len(set(cut.values())) == 4
    assert all(len(text) <= 50 for text in cut.values())
    assert cut["short"] == "short"
    assert payloads.shortened(["Red", "RED"], 50) == {"Red": "Red", "RED": "RED 2"}


@pytest.mark.parametrize(
    ("amount", "currency", "text"), [("16.5", "USD", "16.50"), ("72000", "VND", "72000"), ("1E+2", "USD", "100.00")]
)
def test_prices_are_text_in_the_currency_s_precision(amount: str, currency: str, text: str) -> None:
    assert payloads.price(Decimal(amount), currency) == {"amount": text, "currency": currency}


def test_a_price_finer_than_the_currency_is_refused() -> None:
    with pytest.raises(RejectedError, match="finer"):
        payloads.price(Decimal("16.505"), "USD")


ORDER = {
    "id": "576000000000000001",
    "status": "AWAITING_SHIPMENT",
    "create_time": 1790000000,
    "update_time": 1790003700,
    "shipping_type": "SELLER",
    "rts_sla_time": 1790090000,
    "delivery_option_id": "709",
    "warehouse_id": "700",
    "packages": [{"id": "115"}],
    "is_buyer_request_cancel": True,
    "payment": {
        "currency": "GBP",
        "original_total_product_price": "19.00",
        "seller_discount": "1.00",
        "platform_discount": "2.00",
        "sub_total": "16.00",
        "shipping_fee": "0",
        "product_tax": "1.20",
        "shipping_fee_tax": "0.10",
        "small_order_fee": "0.30",
        "payment_platform_discount": "0.40",
        "payment_discount_service_fee": "0.05",
        "total_amount": "17.30",
    },
    "line_items": [
        {
            "id": "11",
            "sku_id": "173",
            "product_id": "172",
            "seller_sku": "MUG",
            "original_price": "9.50",
            "sale_price": "8.00",
            "display_status": "AWAITING_SHIPMENT",
            "pfand_fee": "0.25",
            "item_tax": [
                {"tax_type": "SALES_TAX", "tax_amount": "0.60", "tax_rate": "0.0725"},
                {"tax_type": "SALES_TAX", "tax_amount": "0.10", "tax_rate": "0.01"},
            ],
        },
        {"id": "12", "sku_id": "173", "display_status": "CANCELLED", "is_gift": True},
    ],
    "recipient_address": {
        "name": "Ann Mary Lee",
        "first_name": "Ann Mary Lee",
        "phone_number": "(+1)2130000000",
        "address_line1": "1 Main St",
        "address_line2": "",
        "address_line3": "Apt 4",
        "postal_code": "90001",
        "region_code": "us",
        "district_info": [
            {"address_level": "L0", "address_level_name": "Country", "address_name": "United States"},
            {"address_level": "L1", "address_level_name": "State", "address_name": "California"},
            {"address_level": "L2", "address_level_name": "County", "address_name": "Los Angeles County"},
            {"address_level": "L3", "address_level_name": "City", "address_name": "Los Angeles"},
        ],
    },
}


def test_an_order_is_read_unit_by_unit() -> None:
    order = parse_orders.order(ORDER)
    assert order.create_time == datetime(2026, 9, 21, 14, 13, 20, tzinfo=UTC)
    assert [line.id for line in order.open_lines] == ["11"]
    assert (order.lines[0].tax, order.lines[0].tax_rate, order.lines[0].currency) == (
        Decimal("0.70"),
        Decimal("0.0825"),
        "GBP",
    )
    assert (order.payment.tax, order.payment.other_fees) == (Decimal("1.30"), Decimal("0.30"))
    assert order.payment.platform_discount == Decimal("2.00")
    provider = (order.payment.payment_platform_discount, order.payment.payment_discount_service_fee)
    assert (*provider, order.lines[0].pfand_fee) == (Decimal("0.40"), Decimal("0.05"), Decimal("0.25"))
    assert (order.cancel_requested, order.ship_by, order.package_ids) == (True, 1790090000, ("115",))
    assert order.address == Address(
        "Ann Mary", "Lee", ("1 Main St", "Apt 4"), "Los Angeles", "California", "90001", "US", "(+1)2130000000"
    )


def test_a_british_address_has_its_post_town() -> None:
    row = {
        "first_name": "A",
        "last_name": "Buyer",
        "post_town": "Leeds",
        "region_code": "GB",
        "full_address": "1 High St, Leeds",
    }
    assert parse_orders.address(row) == Address("A", "Buyer", ("1 High St, Leeds",), "Leeds", country="GB")


def test_a_hidden_address_is_incomplete() -> None:
    assert not parse_orders.order({"id": "1"}).address.complete
    assert not parse_orders.address({"name": "", "address_line1": "", "district_info": []}).complete


def test_a_product_is_read_whichever_price_it_has() -> None:
    detail = {
        "id": "172",
        "title": "Mug",
        "status": "FAILED",
        "audit": {"status": "FAILED"},
        "update_time": 5,
        "audit_failed_reasons": [{"position": "Title", "reasons": ["Too short."], "suggestions": ["Write more."]}],
        "skus": [
            {
                "id": "1",
                "seller_sku": "A",
                "price": {"sale_price": "9.50", "tax_exclusive_price": "8"},
                "inventory": [{"warehouse_id": "W", "quantity": 2}],
            },
            {"id": "2", "seller_sku": "B", "price": {"tax_exclusive_price": "7.10"}},
            {"id": "3", "seller_sku": "C"},
        ],
    }
    product = parse_products.product(detail)
    assert product.skus == {
        "A": ConfirmedSku("1", Decimal("9.50"), {"W": 2}),
        "B": ConfirmedSku("2", Decimal("7.10"), {}),
        "C": ConfirmedSku("3", None, {}),
    }
    assert (product.status, product.reasons) == (Status.FAILED, ("Title: Too short. Write more.",))
    assert parse_products.product({"id": "1", "status": "NEW_STATE"}).status is Status.PENDING


def test_misspelt_fields_are_understood() -> None:
    wrong = parse_products.category_attribute({"id": "1", "is_requried": True, "type": "SALES_PROPERTY"})
    right = parse_products.category_attribute({"id": "1", "is_required": True, "type": "SALES_PROPERTY"})
    assert wrong == right
    assert (wrong.is_required, wrong.is_sales) == (True, True)
    brands = [
        parse_products.brand({"id": "1", "authorized_status": status, "is_t1_brand": top})
        for status, top in (("UNAUTHORIEZD", True), ("UNAUTHORIEZD", False), ("AUTHORIZED", True))
    ]
    assert [brand.usable for brand in brands] == [False, True, True]


def test_reasons_are_readable() -> None:
    assert parse_orders.reason({"name": "seller_cancel_reason_out_of_stock_uk"}).text == "Out of stock"
    assert parse_orders.reason({"name": "x", "text": "Packed"}) == Reason("x", "Packed")


@pytest.fixture
def shop(tmp_path: Path) -> Callable[[str], TikTokShop]:
    vault = SqliteVault(tmp_path / "v.db", pair())
    return lambda url: shop_at(url, vault)


def test_failures_inside_a_success_are_answered(shop: Callable[[str], TikTokShop]) -> None:
    errors = [
        {
            "code": 12052037,
            "message": "Stock cannot be set.",
            "detail": {
                "sku_id": "2",
                "extra_errors": [{"warehouse_id": "9", "code": 12052097, "message": "Unknown warehouse."}],
            },
        }
    ]
    with serving([ok({"errors": errors}), ok()]) as server:
        refused = shop(server.url).update_inventory("1", {"2": {"9": 1}, "3": {"8": 1}})
        assert shop(server.url).update_inventory("1", {"2": {"9": 1}}) == {}
    assert refused == {"2": "Stock cannot be set. (12052037); Unknown warehouse. (12052097)"}


def test_status_changes_go_in_twenties(shop: Callable[[str], TikTokShop]) -> None:
    refusal = {"errors": [{"code": 12052031, "message": "Gone.", "detail": {"product_id": "5"}}]}
    with serving([ok(refusal), ok()]) as server:
        assert shop(server.url).deactivate([str(number) for number in range(30)] + ["5"]) == {"5": "Gone. (12052031)"}
    assert [len(asked.json["product_ids"]) for asked in server.asked] == [20, 10]


def test_a_refused_reference_is_an_error(shop: Callable[[str], TikTokShop]) -> None:
    errors = [{"code": "21001001", "message": "Bad order.", "detail": {"order_id": "7"}}]
    with serving(ok({"errors": errors})) as server, pytest.raises(RejectedError, match="Bad order"):
        shop(server.url).write_external_order("7", "000000012", {"11": "41"})
    assert server.asked[0].json == {
        "orders": [
            {
                "id": "7",
                "external_order": {
                    "id": "000000012",
                    "platform": "MAGENTO",
                    "line_items": [{"id": "41", "origin_id": "11"}],
                },
            }
        ]
    }


def test_a_window_of_more_than_ten_thousand_products_is_halved(shop: Callable[[str], TikTokShop]) -> None:
    def answer(asked: Asked) -> Reply:
        low, high = asked.json["update_time_ge"], asked.json["update_time_le"]
        rows = [{"id": f"{second}", "update_time": second, "status": "ACTIVATE"} for second in range(high, low - 1, -1)]
        return ok({"products": rows, "total_count": 4000 * len(rows)})

    with serving(answer) as server:
        found = [product.update_time for product in shop(server.url).products_updated(100, 107)]
    assert found == list(range(100, 107))


def test_a_seller_sku_is_found_exactly_and_not_among_the_deleted(shop: Callable[[str], TikTokShop]) -> None:
    rows = [
        {"id": "1", "status": "DELETED", "skus": [{"id": "a", "seller_sku": "MUG"}]},
        {"id": "2", "status": "ACTIVATE", "skus": [{"id": "b", "seller_sku": "MUG-2"}]},
        {"id": "3", "status": "FAILED", "skus": [{"id": "c", "seller_sku": "MUG"}]},
    ]
    with serving([ok({"products": rows}), ok(rows[2]), ok({"products": rows[:2]})]) as server:
        found = shop(server.url).find_product("MUG")
        assert found is not None
        assert found.id == "3"
        assert shop(server.url).find_product("MUG") is None


def test_order_windows_are_sorted_and_carry_both_ends(shop: Callable[[str], TikTokShop]) -> None:
    replies = [ok({"orders": [{"id": "1"}], "next_page_token": "t"}), ok({"orders": [{"id": "1"}, {"id": "2"}]})]
    with serving(replies) as server:
        assert [order.id for order in shop(server.url).orders_updated(10, 20)] == ["1", "2"]
    assert server.asked[1].json == {"update_time_ge": 10, "update_time_lt": 20}
    assert server.asked[1].query | {"sign": "", "timestamp": "", "app_key": "", "shop_cipher": ""} == {
        "page_size": "100",
        "sort_field": "update_time",
        "sort_order": "ASC",
        "page_token": "t",
        "sign": "",
        "timestamp": "",
        "app_key": "",
        "shop_cipher": "",
    }


@pytest.mark.parametrize(
    ("row", "sent_back"),
    [
        ({"return_status": "BUYER_SHIPPED_ITEM"}, True),
        ({"return_status": "REJECT_RECEIVE_PACKAGE"}, True),
        ({"return_tracking_number": "1Z9", "return_method": "BUYER_SHIPPED"}, True),
        ({"return_tracking_number": "1Z9", "return_method": "PLATFORM_SHIPPED"}, False),
        ({"return_tracking_number": "1Z9", "return_method": "SELLER_SHIPPED"}, False),
        ({"return_status": "AWAITING_BUYER_SHIP", "return_method": "BUYER_SHIPPED"}, False),
    ],
)
def test_goods_are_on_their_way_back_when_the_buyer_sent_them_not_when_a_label_is_printed(
    row: dict[str, str], sent_back: bool
) -> None:
    assert parse_orders.return_request({"return_id": "1", **row}).sent_back is sent_back
    assert not parse_orders.return_request({"return_id": "1", **row}).kept
    assert parse_orders.return_request({"return_id": "1", "can_buyer_keep_item": True}).kept
