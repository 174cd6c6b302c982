"""The Magento clients read what a real 2.4.7 store answered."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from decimal import Decimal
from pathlib import Path

import pytest

from connector.clients.magento import MagentoCatalog, MagentoConnection, MagentoSales
from connector.domain.order import Address, CartItem, Customer, Track
from connector.domain.product import Salable, StockSource
from connector.errors import (
    AuthorizationError,
    NotFoundError,
    RejectedError,
    RetryableError,
    UnknownOutcomeError,
)
from tests.clients.conftest import Recorded
from tests.clients.server import Asked, Reply, serving

Connect = Callable[..., MagentoConnection]
ANN = Address("Ann", "Lee", ("1 Main St",), "Los Angeles", "California", "90001", "US", "5551234")


def test_store_views_come_with_website_root_and_media(store: Connect, recorded: Recorded) -> None:
    names = {"websites": "003", "storeGroups": "004", "storeConfigs": "001", "storeViews": "002"}
    with serving(lambda asked: recorded(names[asked.path.rpartition("/")[2]])) as server:
        views = MagentoCatalog(store(server.url)).store_views()
    assert [(v.id, v.code, v.website_code, v.root_category_id) for v in views] == [
        (1, "default", "base", 2),
        (2, "de", "base", 2),
        (3, "b2b_en", "b2b", 2),
    ]
    assert (views[0].base_currency, views[0].weight_unit) == ("EUR", "lbs")
    assert views[0].base_media_url == "http://magento.example.test/media/"


def test_odd_skus_travel_percent_encoded(store: Connect, recorded: Recorded) -> None:
    with serving([recorded("073"), recorded("079")]) as server:
        catalog = MagentoCatalog(store(server.url, store_code="default"))
        assert catalog.product("SHOE/002").sku == "SHOE/002"
        assert catalog.product("A+B%20C#5").price == Decimal(10)
    assert [asked.raw_path for asked in server.asked] == [
        "/rest/default/V1/products/SHOE%2F002",
        "/rest/default/V1/products/A%2BB%2520C%235",
    ]


def test_a_slash_that_the_web_server_refuses_is_searched_instead(store: Connect, recorded: Recorded) -> None:
    replies = [
        Reply(404, b"<html>Apache</html>", {"Content-Type": "text/html"}),
        recorded("142"),
        recorded("015"),
        recorded("144"),
    ]
    with serving(replies) as server:
        catalog = MagentoCatalog(store(server.url))
        assert catalog.product("SHOE/002").entity_id == 2
        with pytest.raises(NotFoundError, match="no product NO/PE"):
            catalog.product("NO/PE")


def test_a_missing_product_is_not_found(store: Connect, recorded: Recorded) -> None:
    with serving(recorded("080")) as server, pytest.raises(NotFoundError, match="doesn't exist"):
        MagentoCatalog(store(server.url)).product("NOPE")


def test_money_never_is_a_float(store: Connect, recorded: Recorded) -> None:
    with serving(recorded("071")) as server:
        product = MagentoCatalog(store(server.url)).product("SHOE-001")
    assert product.price == Decimal("51.9")
    assert isinstance(product.data["price"], Decimal)


def page(ids: list[int], total: int) -> Reply:
    return Reply(200, {"items": [{"id": n, "sku": f"S{n}"} for n in ids], "total_count": total})


def test_products_are_walked_by_id(store: Connect) -> None:
    with serving([page([1, 2], 3), page([5], 1)]) as server:
        pages = list(
            MagentoCatalog(store(server.url)).products(after=0, updated_from="2026-01-01 00:00:00", page_size=2)
        )
    assert [[product.entity_id for product in rows] for rows in pages] == [[1, 2], [5]]
    second = server.asked[1].query
    assert second["searchCriteria[filter_groups][0][filters][0][condition_type]"] == "gteq"
    assert second["searchCriteria[filter_groups][1][filters][0][field]"] == "entity_id"
    assert second["searchCriteria[filter_groups][1][filters][0][value]"] == "2"
    assert second["searchCriteria[sortOrders][0][direction]"] == "ASC"
    assert second["searchCriteria[currentPage]"] == "1"


@pytest.mark.parametrize(
    "last", [page([4, 5], 9), Reply(200, {"items": None, "total_count": 9}), Reply(200, {"items": []})]
)
def test_both_ways_of_answering_past_the_end_end_the_walk(store: Connect, last: Reply) -> None:
    with serving([page([4, 5], 9), last]) as server:
        found = [product.entity_id for rows in MagentoCatalog(store(server.url)).products() for product in rows]
    assert found == [4, 5]
    assert len(server.asked) == 2


def test_a_page_that_is_too_heavy_is_halved(store: Connect, recorded: Recorded) -> None:
    def answer(asked: Asked) -> Reply:
        size = int(asked.query["searchCriteria[pageSize]"])
        return recorded("514") if size > 3 else page([7], 1)

    with serving(answer) as server:
        rows = list(MagentoCatalog(store(server.url)).products(page_size=12))
        sizes = [int(asked.query["searchCriteria[pageSize]"]) for asked in server.asked]
    assert len(rows) == 1
    assert sizes == [12, 12, 6, 6, 3]


def test_an_input_limit_sets_the_page_size(store: Connect, recorded: Recorded) -> None:
    with serving([recorded("480"), page([7], 1)]) as server:
        assert len(list(MagentoCatalog(store(server.url)).products(page_size=100))) == 1
    assert server.asked[1].query["searchCriteria[pageSize]"] == "50"


def test_lists_with_offsets_end_on_a_repeated_last_page(store: Connect) -> None:
    last = Reply(200, {"items": [{"attribute_code": "b"}], "total_count": 500})
    with serving([Reply(200, {"items": [{"attribute_code": "a"}], "total_count": 500}), last, last]) as server:
        found = MagentoCatalog(store(server.url)).attributes()
    assert [row["attribute_code"] for row in found] == ["a", "b"]
    assert server.asked[0].path == "/rest/all/V1/products/attributes"


def test_salable_quantities_are_exported_in_one_page(store: Connect, recorded: Recorded) -> None:
    with serving(recorded("251")) as server:
        found = MagentoCatalog(store(server.url)).salable("base", ["shoe-001", "SHOE/002", "SHOE 003 RED", "NOPE"])
    assert found == {
        "shoe-001": Salable(Decimal(100), salable=True),
        "SHOE/002": Salable(Decimal("8.5"), salable=True),
        "SHOE 003 RED": Salable(Decimal("5.5"), salable=True),
    }
    assert server.asked[0].raw_path == "/rest/V1/inventory/export-stock-salable-qty/website/base"
    assert server.asked[0].query["searchCriteria[filter_groups][0][filters][0][value]"].count(",") == 3


@pytest.mark.parametrize(("managed", "unlimited"), [(True, False), (False, True)])
def test_nothing_left_and_yet_salable_is_unlimited_only_when_stock_is_not_managed(
    store: Connect, managed: bool, unlimited: bool
) -> None:
    rows = {"items": [{"sku": "A", "qty": 0, "is_salable": True}], "total_count": 1}
    with serving([Reply(200, rows), Reply(200, {"qty": 0, "manage_stock": managed})]) as server:
        found = MagentoCatalog(store(server.url)).salable("base", ["A"])
    assert found["A"] == Salable(Decimal(0), salable=True, unlimited=unlimited)


def test_without_inventory_management_stock_items_are_read(store: Connect, recorded: Recorded) -> None:
    def answer(asked: Asked) -> Reply:
        if "export" in asked.path:
            return recorded("015")
        if asked.path.endswith("/modules"):
            return Reply(200, ["Magento_Store", "Magento_Sales"])
        return recorded("203") if asked.path.endswith("NOPE") else recorded("200")

    with serving(answer) as server:
        catalog = MagentoCatalog(store(server.url))
        found = catalog.salable("base", ["SHOE-010", "NOPE"])
        assert set(catalog.salable("base", ["SHOE-010"])) == {"SHOE-010"}
    assert set(found) == {"SHOE-010"}
    assert found["SHOE-010"].quantity > 0
    assert sum("export" in asked.path for asked in server.asked) == 1


HTML = Reply(404, b"<html>Not Found</html>", {"Content-Type": "text/html"})


@pytest.mark.parametrize(
    "refusal",
    [
        pytest.param(HTML, id="a-web-server-that-lets-no-slash-through"),
        pytest.param(
            Reply(401, {"message": "The signature is invalid. Verify and try again."}), id="the-defect-of-2.4.6"
        ),
    ],
)
def test_stock_items_of_skus_that_no_path_takes_are_found_in_the_low_stock_list(
    store: Connect, recorded: Recorded, refusal: Reply
) -> None:
    """By the product's id, page by page, only as far as needed; a SKU that needs no encoding is asked for as ever."""
    low = recorded("206").body
    first, second = low["items"][:2]
    slash = {"items": [{"id": second["product_id"], "sku": "SHOE/002"}], "total_count": 1}

    def answer(asked: Asked) -> Reply:
        if "%2F" in asked.raw_path:
            return refusal
        if asked.path.endswith("/products"):
            return Reply(200, slash)
        if asked.path.endswith("/lowStock/"):
            row = {"1": first, "2": {**second, "qty": 8.5}}[asked.query["currentPage"]]
            return Reply(200, {**low, "items": [row], "total_count": 3})
        return recorded("015") if "export" in asked.path else recorded("200")

    with serving(lambda asked: Reply(200, []) if asked.path.endswith("/modules") else answer(asked)) as server:
        found = MagentoCatalog(store(server.url)).salable("base", ["SHOE/002", "NO/PE", "SHOE-010"])

    assert set(found) == {"SHOE/002", "SHOE-010"}
    assert found["SHOE/002"] == Salable(Decimal("8.5"), salable=True)
    walked = [asked.query for asked in server.asked if asked.path.endswith("/lowStock/")]
    assert [query["currentPage"] for query in walked] == ["1", "2"]
    assert {query["qty"] for query in walked} == {"99999999"}


def test_sources_say_whether_the_website_sells_from_them(store: Connect, recorded: Recorded) -> None:
    with serving([recorded("217"), recorded("233"), recorded("219")]) as server:
        found = MagentoCatalog(store(server.url)).sources("base")
    assert found == [StockSource("default", "Default Source", enabled=True, sells=True)]
    assert server.asked[1].path == "/rest/V1/inventory/stock-resolver/website/base"


def test_a_store_without_inventory_management_has_no_sources(store: Connect, recorded: Recorded) -> None:
    with serving([recorded("015"), Reply(200, ["Magento_Store"])]) as server:
        assert MagentoCatalog(store(server.url)).sources("base") == []


def test_source_items_are_read_by_sku_and_source(store: Connect, recorded: Recorded) -> None:
    """As they were asked for, whatever the case; what a source marks as out of stock is left out."""
    out = {"sku": "OUT", "source_code": "default", "quantity": 9, "status": 0}
    rows = [*recorded("223").body["items"], out]
    with serving(Reply(200, {"items": rows, "total_count": len(rows)})) as server:
        catalog = MagentoCatalog(store(server.url))
        found = catalog.source_quantities(["shoe-010", "SHOE/002", "SHOE 003 RED", "NOPE", "OUT"], ["default", "eu"])
    assert found == {
        "shoe-010": {"default": Decimal(77)},
        "SHOE/002": {"default": Decimal(100)},
        "SHOE 003 RED": {"default": Decimal("5.5")},
    }
    query = server.asked[0].query
    assert query["searchCriteria[filter_groups][1][filters][0][value]"] == "default,eu"
    assert query["searchCriteria[pageSize]"] == "10"


def test_an_unknown_website_is_not_taken_for_a_missing_module(store: Connect, recorded: Recorded) -> None:
    replies = [recorded("015"), Reply(200, ["Magento_InventorySalesApi"])]
    with serving(replies) as server, pytest.raises(NotFoundError):
        MagentoCatalog(store(server.url)).salable("nowhere", ["A"])


def test_prices_come_from_the_bulk_route(store: Connect, recorded: Recorded) -> None:
    with serving(recorded("101")) as server:
        found = MagentoCatalog(store(server.url)).prices(["shoe-014", "SHOE-015", "NOPE"])
    assert found == {"shoe-014": Decimal("21.5"), "SHOE-015": Decimal(25)}


def test_price_batches_shrink_to_the_store_s_limit(store: Connect, recorded: Recorded) -> None:
    def answer(asked: Asked) -> Reply:
        skus = asked.json["skus"]
        return recorded("483") if len(skus) > 3 else Reply(200, [{"sku": s, "price": 1, "store_id": 0} for s in skus])

    with serving(answer) as server:
        found = MagentoCatalog(store(server.url)).prices(["A", "B", "C", "D", "E"])
    assert len(found) == 5
    assert len(server.asked) == 3


def test_salable_quantities_come_in_pages_of_the_store_s_limit(store: Connect, recorded: Recorded) -> None:
    asked_for = [f"S{number}" for number in range(120)]

    def answer(asked: Asked) -> Reply:
        value, size = (
            "searchCriteria[filter_groups][0][filters][0][value]",
            int(asked.query["searchCriteria[pageSize]"]),
        )
        if size > 50:
            return recorded("480")
        rows = [{"sku": sku, "qty": 1, "is_salable": True} for sku in asked.query[value].split(",")]
        return Reply(200, {"items": rows[:size], "total_count": len(rows)})

    with serving(answer) as server:
        found = MagentoCatalog(store(server.url)).salable("base", asked_for)
    assert sorted(found) == sorted(asked_for)
    assert len(server.asked) == 4


def test_what_sources_hold_comes_in_pages_of_the_store_s_limit(store: Connect, recorded: Recorded) -> None:
    def answer(asked: Asked) -> Reply:
        if int(asked.query["searchCriteria[pageSize]"]) > 50:
            return recorded("480")
        skus, codes = (
            asked.query[f"searchCriteria[filter_groups][{at}][filters][0][value]"].split(",") for at in (0, 1)
        )
        rows = [{"sku": sku, "source_code": code, "quantity": 2, "status": 1} for sku in skus for code in codes]
        return Reply(200, {"items": rows, "total_count": len(rows)})

    with serving(answer) as server:
        found = MagentoCatalog(store(server.url)).source_quantities([f"S{n}" for n in range(40)], ["a", "b"])
    assert (len(found), found["S39"]) == (40, {"a": Decimal(2), "b": Decimal(2)})


def test_a_price_of_the_store_view_goes_before_the_global_one(store: Connect, recorded: Recorded) -> None:
    """Where prices are kept by website the route gives a row for each view that has one (section 3.9)."""
    names = {"websites": "003", "storeGroups": "004", "storeConfigs": "001", "storeViews": "002"}
    rows = [
        {"price": 20, "store_id": 0, "sku": "A"}, {"price": 25, "store_id": 1, "sku": "A"},
        {"price": 30, "store_id": 2, "sku": "A"}, {"price": 9, "store_id": 0, "sku": "B"},
        {"price": 8, "store_id": 2, "sku": "C"},
    ]  # fmt: skip

    def answer(asked: Asked) -> Reply:
        return Reply(200, rows) if asked.method == "POST" else recorded(names[asked.path.rpartition("/")[2]])

    with serving(answer) as server:
        catalog = MagentoCatalog(store(server.url, store_code="default"))
        assert catalog.prices(["A", "B", "C"]) == catalog.prices(["A", "B", "C"]) == {"A": Decimal(25), "B": Decimal(9)}
    assert len(server.asked) == 2 + len(names)


@pytest.mark.parametrize(
    ("name", "error", "text"),
    [
        ("011", AuthorizationError, "Magento_Catalog::products"),
        ("447", AuthorizationError, "bearer"),
        ("017", RejectedError, "cannot be processed"),
        ("177", RejectedError, 'The "no_such_field" attribute name is invalid'),
        ("478", RetryableError, "HTTP 503"),
        ("514", RetryableError, "HTTP 502"),
        ("515", RetryableError, "HTTP 500"),
        ("290", RetryableError, "webapi-"),
        ("487", RejectedError, "HTTP 414"),
    ],
)
def test_errors_say_what_to_do(
    store: Connect, recorded: Recorded, name: str, error: type[Exception], text: str
) -> None:
    with serving(recorded(name)) as server, pytest.raises(error, match=text):
        store(server.url).get("/products", [("searchCriteria", "")])


def test_a_report_id_is_kept_for_the_store_s_support(store: Connect, recorded: Recorded) -> None:
    with serving(recorded("290")) as server, pytest.raises(RetryableError) as caught:
        store(server.url).get("/orders")
    assert caught.value.request_id == "webapi-6b03f14029ee9"


# ── sales ────────────────────────────────────────────────────────────────────


def test_a_cart_is_filled_and_addressed_with_the_store_s_region_id(store: Connect, recorded: Recorded) -> None:
    us = {"id": "US", "available_regions": [{"id": "12", "code": "CA", "name": "California"}]}
    replies = [recorded("601"), recorded("603"), Reply(200, us), recorded("606"), recorded("607"), recorded("608")]
    with serving(replies) as server:
        sales = MagentoSales(store(server.url))
        cart = sales.create_cart()
        assert cart == "10"
        assert sales.add_to_cart(cart, "SHOE-001", 2) == CartItem(13, "SHOE-001", Decimal(2))
        assert sales.shipping_methods(cart, ANN) == [("flatrate", "flatrate")]
        assert sales.payment_methods(cart) == ["checkmo"]
        sales.set_cart_address(cart, ANN, "orders+1@shop.test", carrier="flatrate", method="flatrate")
    assert server.asked[0].raw_path == "/rest/V1/carts/"
    assert server.asked[0].body == b""
    assert server.asked[1].json == {"cartItem": {"sku": "SHOE-001", "qty": 2, "quote_id": "10"}}
    sent = server.asked[5].json["addressInformation"]
    assert (
        sent["shipping_address"]
        == sent["billing_address"]
        == {
            "firstname": "Ann",
            "lastname": "Lee",
            "street": ["1 Main St"],
            "city": "Los Angeles",
            "postcode": "90001",
            "country_id": "US",
            "telephone": "5551234",
            "region": "California",
            "region_id": 12,
            "region_code": "CA",
            "email": "orders+1@shop.test",
        }
    )


def test_placing_answers_the_order_id(store: Connect, recorded: Recorded) -> None:
    with serving([recorded("609"), Reply(200, "15")]) as server:
        sales = MagentoSales(store(server.url))
        assert sales.place("10", "checkmo") == 39
        assert sales.place("11", "checkmo") == 15
    assert (server.asked[0].method, server.asked[0].path) == ("PUT", "/rest/V1/carts/10/order")
    assert server.asked[0].json == {"paymentMethod": {"method": "checkmo"}}


LOCK = "A server error stopped your order from being placed. Please try to place your order again."
LOCK_DE = "Ein Serverfehler hat verhindert, dass Ihre Bestellung aufgegeben wurde."


@pytest.mark.parametrize(
    "reply",
    [
        Reply(400, {"message": LOCK}),
        Reply(400, {"message": LOCK_DE}),
        Reply(400, {"message": "Der Artikel ist nicht vorrätig."}),
        Reply(400, b"<html>"),
        Reply(200, b"<br />Warning: a module"),
        Reply(200, []),
        Reply(200, None),
        Reply(200, {"error": "a module"}),
        Reply(
            404, {"message": "No such entity with %fieldName", "parameters": {"fieldName": "cartId", "fieldValue": 1}}
        ),
        Reply(500, {"message": "Internal Error"}),
        Reply(503, b"<html>"),
        Reply(504, b"<html>"),
        Reply(drop=True),
    ],
)
def test_whatever_may_have_made_an_order_is_unknown_and_not_repeated(store: Connect, reply: Reply) -> None:
    with serving(reply) as server, pytest.raises(UnknownOutcomeError):
        MagentoSales(store(server.url)).place("10", "checkmo")
    assert len(server.asked) == 1


@pytest.mark.parametrize("name", ["662", "663", "664", "665", "666"])
def test_refusals_that_cannot_be_the_lock_are_refusals(store: Connect, recorded: Recorded, name: str) -> None:
    with serving(recorded(name)) as server, pytest.raises(RejectedError) as caught:
        MagentoSales(store(server.url)).place("10", "checkmo")
    assert "%1" not in str(caught.value)


@pytest.mark.parametrize(
    "text",
    [
        "Minimum order amount is $50.00",
        "The shipping method is missing. Select the shipping method and try again.",
        "Some addresses can't be used due to the configurations for specific countries.",
    ],
)
def test_refusals_without_placeholders_that_are_not_the_lock_s_are_refusals(store: Connect, text: str) -> None:
    with serving(Reply(400, {"message": text})) as server, pytest.raises(RejectedError, match=text[:20]):
        MagentoSales(store(server.url)).place("10", "checkmo")


def test_too_many_orders_are_for_later_and_not_repeated_here(store: Connect) -> None:
    reply = Reply(429, {"message": "Too Many Requests", "trace": None})
    with serving(reply) as server, pytest.raises(RetryableError) as caught:
        MagentoSales(store(server.url)).place("10", "checkmo")
    assert not isinstance(caught.value, UnknownOutcomeError)
    assert len(server.asked) == 1


def test_orders_are_found_by_the_cart_s_email(store: Connect, recorded: Recorded) -> None:
    with serving([recorded("684"), Reply(200, {"items": None, "total_count": 0})]) as server:
        sales = MagentoSales(store(server.url))
        found = sales.find_orders("customer_email", "orders+576461413038785799@merchant.example")
        assert sales.find_orders("quote_id", "77") == []
    assert [(order.entity_id, order.quote_id) for order in found] == [(60, 43), (61, 44)]
    assert "orders%2B576461413038785799%40merchant.example" in server.asked[0].raw_query
    with pytest.raises(ValueError, match="status"):
        sales.find_orders("status", "pending")


def test_an_order_is_read_with_exact_amounts(store: Connect, recorded: Recorded) -> None:
    with serving(recorded("615")) as server:
        order = MagentoSales(store(server.url)).order(39)
    assert (order.grand_total, order.tax_amount, order.discount_amount) == (
        Decimal("66.6"),
        Decimal("5.13"),
        Decimal(-4),
    )
    assert order.payment_entity_id
    assert order.items[0].price == Decimal("17.99")
    assert order.items[0].row_total + order.items[1].row_total + order.items[2].row_total == Decimal("56.48")


def test_the_child_row_of_a_variant_names_its_parent(store: Connect, recorded: Recorded) -> None:
    with serving(recorded("396")) as server:
        order = MagentoSales(store(server.url)).order(16)
    assert [(item.item_id, item.parent_item_id) for item in order.items][1:3] == [(18, None), (19, 18)]


def test_a_correction_sends_decimals_digit_by_digit(store: Connect, recorded: Recorded) -> None:
    with serving(recorded("614")) as server:
        MagentoSales(store(server.url)).save_order({"entity_id": 39, "grand_total": Decimal("66.60"), "name": "é😀"})
    assert (
        server.asked[0].body == b'{"entity": {"entity_id": 39, "grand_total": 66.60, "name": "\\u00e9\\ud83d\\ude00"}}'
    )


def test_a_correction_is_repeated_and_a_new_order_or_a_comment_is_not(store: Connect) -> None:
    broken = [Reply(drop=True), Reply(200, {})]
    with serving(broken) as server:
        MagentoSales(store(server.url)).save_order({"entity_id": 39, "subtotal": 1})
        assert len(server.asked) == 2
    for entity in ({"increment_id": "TT1"}, {"entity_id": 39, "status_histories": [{"comment": "x"}]}):
        with serving(broken) as server, pytest.raises(UnknownOutcomeError):
            MagentoSales(store(server.url)).save_order(entity)
        assert len(server.asked) == 1


def test_a_correction_of_more_lines_than_the_store_takes_is_made_in_parts(store: Connect, recorded: Recorded) -> None:
    def answer(asked: Asked) -> Reply:
        return recorded("483") if len(asked.json["entity"]["items"]) > 3 else Reply(200, {})

    lines = [{"item_id": number, "price": 1} for number in range(8)]
    with serving(answer) as server:
        sales = MagentoSales(store(server.url))
        sales.save_order({"entity_id": 39, "increment_id": "000000031", "items": lines, "grand_total": 8})
        whole, *parts = [asked.json["entity"] for asked in server.asked]
        assert [line for part in parts for line in part["items"]] == whole["items"] == lines
        assert {(part["entity_id"], part["increment_id"], part["grand_total"]) for part in parts} == {
            (39, "000000031", 8)
        }
        with pytest.raises(RejectedError, match="Maximum items"):
            sales.save_order({"increment_id": "TT1", "items": lines})
    assert len(server.asked) == 1 + len(parts) + 1


def test_amounts_are_free_of_the_noise_that_old_settings_print(store: Connect) -> None:
    """`serialize_precision` 17 (section 9): the order adds up all the same."""
    body = b'{"entity_id": 1, "grand_total": 29.949999999999999, "subtotal": 66.599999999999994, "tax_amount": 1234567.8901}'
    with serving(Reply(200, body)) as server:
        order = MagentoSales(store(server.url)).order(1)
    assert (order.grand_total, order.subtotal, order.tax_amount) == (
        Decimal("29.95"),
        Decimal("66.6"),
        Decimal("1234567.8901"),
    )


def test_documents_are_made_as_the_store_takes_them(store: Connect, recorded: Recorded) -> None:
    with serving([recorded("618"), recorded("620"), recorded("624"), recorded("685"), recorded("427")]) as server:
        sales = MagentoSales(store(server.url))
        assert sales.invoice(39, comment="paid") == 6
        assert sales.ship(39, {41: 1}, tracks=[Track("TT100", "UPS", "custom")], source="default") == 27
        refund = sales.refund(39, {41: 1}, shipping_amount=Decimal(0), return_to_stock=[41], comment="return 7")
        assert refund == 3
        assert sales.cancel(61) is True
        assert sales.cancel(19) is False
    invoice, ship, memo = (asked.json for asked in server.asked[:3])
    assert invoice == {
        "capture": True,
        "notify": False,
        "appendComment": True,
        "comment": {"comment": "paid", "is_visible_on_front": 0},
    }
    assert ship == {
        "notify": False,
        "items": [{"order_item_id": 41, "qty": 1}],
        "tracks": [{"track_number": "TT100", "title": "UPS", "carrier_code": "custom"}],
        "arguments": {"extension_attributes": {"source_code": "default"}},
    }
    assert memo["arguments"] == {
        "adjustment_positive": 0,
        "adjustment_negative": 0,
        "shipping_amount": 0,
        "extension_attributes": {"return_to_stock_items": [41]},
    }
    assert [asked.path for asked in server.asked[:3]] == [
        f"/rest/V1/order/39/{what}" for what in ("invoice", "ship", "refund")
    ]


def test_a_refund_of_money_alone_sends_every_line_without_pieces(store: Connect, recorded: Recorded) -> None:
    with serving([recorded("615"), Reply(200, "9")]) as server:
        MagentoSales(store(server.url)).refund(39, {}, shipping_amount=Decimal(0), adjustment_positive=Decimal("2.50"))
    sent = server.asked[1].json
    assert {item["qty"] for item in sent["items"]} == {0}
    assert len(sent["items"]) == 3
    assert sent["arguments"]["adjustment_positive"] == 2.5


@pytest.mark.parametrize(("left", "sent"), [(1, True), (2, False)])
def test_a_refund_of_more_lines_than_the_store_takes_names_none_when_it_is_of_all(
    store: Connect, recorded: Recorded, left: int, sent: bool
) -> None:
    order = {"entity_id": 39, "items": [{"item_id": n, "qty_invoiced": left} for n in range(5)]}

    def answer(asked: Asked) -> Reply:
        if asked.method == "GET":
            return Reply(200, order)
        return recorded("483") if len(asked.json.get("items", ())) > 3 else Reply(200, "7")

    with serving(answer) as server:
        sales = MagentoSales(store(server.url))
        if sent:
            assert sales.refund(39, dict.fromkeys(range(5), 1), return_to_stock=[1, 2]) == 7
        else:
            with pytest.raises(RejectedError, match="Maximum items"):
                sales.refund(39, dict.fromkeys(range(5), 1))
    posts = [asked.json for asked in server.asked if asked.method == "POST"]
    assert [len(body.get("items", ())) for body in posts] == ([5, 0] if sent else [5])
    assert posts[-1]["arguments"] == posts[0]["arguments"]


def test_shipments_and_memos_are_read_by_order(store: Connect, recorded: Recorded) -> None:
    with serving([recorded("322"), recorded("628"), recorded("337")]) as server:
        sales = MagentoSales(store(server.url))
        first = sales.shipments([13])[0]
        assert [memo["grand_total"] for memo in sales.credit_memos(39)] == [Decimal("17.34"), Decimal("49.26")]
        assert [invoice["entity_id"] for invoice in sales.invoices(13)] == [1, 2]
    assert (first.entity_id, first.order_id, dict(first.items)) == (8, 13, {13: Decimal(1)})
    assert Track("JJD0001", "DHL Paket", "custom") in first.tracks
    assert server.asked[0].query["searchCriteria[filter_groups][0][filters][0][field]"] == "order_id"


def test_a_comment_carries_the_current_status(store: Connect, recorded: Recorded) -> None:
    with serving(recorded("349")) as server:
        MagentoSales(store(server.url)).comment(3, "note", "pending")
    assert server.asked[0].json["statusHistory"]["status"] == "pending"
    assert server.asked[0].json["statusHistory"]["is_visible_on_front"] == 0


def test_a_customer_is_found_by_e_mail(store: Connect, recorded: Recorded) -> None:
    with serving(recorded("432")) as server:
        found = MagentoSales(store(server.url)).customers("kunde@example.test")
    assert found == [Customer(1, "kunde@example.test", "Kurt", "Kunde", group_id=1, website_id=1)]
    (asked,) = server.asked
    assert asked.query["searchCriteria[filter_groups][0][filters][0][value]"] == "kunde@example.test"


def test_an_order_s_address_is_replaced_as_the_store_took_it(store: Connect, recorded: Recorded, shared: Path) -> None:
    """Field by field what was sent there; the store's e-mail and ids stay."""
    told = json.loads((shared / "data/magento/recordings/675-correct-address-by-put.json").read_text("utf-8"))[
        "request"
    ]
    california = Reply(200, {"available_regions": [{"id": "12", "code": "CA", "name": "California"}]})
    with serving([recorded("674"), california, recorded("675"), recorded("675")]) as server:
        sales = MagentoSales(store(server.url))
        order = sales.order(46)
        sales.set_order_address(order, replace(ANN, last_name="Changed"))
    billing, shipping = server.asked[2:]
    assert (shipping.method, shipping.raw_path.removeprefix("/rest/default/V1").removeprefix("/rest/V1")) == (
        "PUT",
        "/orders/46",
    )
    assert shipping.json == told["body"]
    assert billing.json["entity"] == told["body"]["entity"] | {"entity_id": 82, "address_type": "billing"}


def test_regions_are_found_by_code_name_or_both_and_read_once(store: Connect, recorded: Recorded) -> None:
    with serving([recorded("007"), recorded("008")]) as server:
        sales = MagentoSales(store(server.url))
        found = [sales.region_id("DE", text) for text in ("Bayern", "BAY", "de-bay", "baden-wurttemberg", "Nowhere")]
        assert found == [81, 81, 81, 80, None]
        assert sales.region_id("ZZ", "X") is None
        assert sales.region_id("ZZ", "Y") is None
    assert len(server.asked) == 2


def test_a_refused_shipment_says_why(store: Connect, recorded: Recorded) -> None:
    with serving(recorded("356")) as server, pytest.raises(RejectedError, match="status of holded"):
        MagentoSales(store(server.url)).ship(3)


def test_a_territory_that_the_store_does_not_have_is_a_region_of_the_us(store: Connect, recorded: Recorded) -> None:
    us = {"available_regions": [{"id": "52", "code": "PR", "name": "Puerto Rico"}]}

    def answer(asked: Asked) -> Reply:
        if asked.path.endswith("/countries/PR"):
            return recorded("008")
        return Reply(200, us if "/directory/" in asked.path else [])

    with serving(answer) as server:
        MagentoSales(store(server.url)).shipping_methods("10", replace(ANN, region="", country="PR"))
    sent = server.asked[-1].json["address"]
    assert (sent["country_id"], sent["region_id"], sent["region"]) == ("US", 52, "Puerto Rico")


def test_a_territory_that_the_store_has_stays_a_country(store: Connect) -> None:
    with serving(lambda asked: Reply(200, {"id": "PR"} if "/directory/" in asked.path else [])) as server:
        MagentoSales(store(server.url)).shipping_methods("10", replace(ANN, region="", country="PR"))
    assert server.asked[-1].json["address"]["country_id"] == "PR"


def test_lists_with_offsets_shrink_to_the_store_s_limit_and_go_on_where_they_were(
    store: Connect, recorded: Recorded
) -> None:
    codes = [f"a{number:03}" for number in range(120)]
    tired: list[int] = []

    def answer(asked: Asked) -> Reply:
        size = int(asked.query["searchCriteria[pageSize]"])
        start = size * (int(asked.query["searchCriteria[currentPage]"]) - 1)
        if size > 50:
            return recorded("480")  # "Maximum SearchCriteria pageSize is 50"
        if start == 50 and len(tired) < 2:
            tired.append(start)
            return recorded("514")
        rows = [{"attribute_code": code} for code in codes[start : start + size]]
        return Reply(200, {"items": rows, "total_count": len(codes)})

    with serving(answer) as server:
        found = MagentoCatalog(store(server.url)).attributes()
    assert [row["attribute_code"] for row in found] == codes
    sizes = [int(asked.query["searchCriteria[pageSize]"]) for asked in server.asked]
    assert sizes == [100, 50, 50, 50, 25, 25, 25]


def test_comments_have_no_character_that_the_store_cannot_hold(store: Connect) -> None:
    with serving([Reply(200, True), Reply(200, "7")]) as server:
        sales = MagentoSales(store(server.url))
        sales.comment(5, "Danke 😀\nJürgen", "processing")
        sales.invoice(5, comment="𠮷野家 ok")
    assert server.asked[0].json["statusHistory"]["comment"] == "Danke  \nJürgen"
    assert server.asked[1].json["comment"]["comment"] == " 野家 ok"


@pytest.mark.parametrize(("currency", "rate"), [("EUR", Decimal(1)), ("GBP", Decimal("0.85")), ("JPY", None)])
def test_rates_are_those_of_the_store(store: Connect, recorded: Recorded, currency: str, rate: Decimal | None) -> None:
    told = dict(recorded("006").body)
    told["exchange_rates"] = [*told["exchange_rates"], {"currency_to": "GBP", "rate": 0.85}]
    with serving(Reply(200, told)) as server:
        assert MagentoSales(store(server.url)).exchange_rate(currency) == rate
    assert server.asked[0].raw_path == "/rest/V1/directory/currency"
