"""searchCriteria over HTTP: spellings, conditions, order, pages, limits, and the filter of fields."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from typing import Any

import pytest

from connector.sandbox.magento import config
from connector.sandbox.magento.database import transaction
from connector.sandbox.magento.query import apply_fields, parse_fields, parse_query
from connector.sandbox.magento.search import Column, Criteria, Filter, Paging, SortOrder, Source, run_search
from tests.sandbox.magento_shop import Shop, add_product, running_shop

GOODS = {"Ant": "5", "Bee": "15", "Cat": "25", "Dog": "25", "Eel": "100"}


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Shop]:
    with running_shop(tmp_path_factory.mktemp("search")) as running:
        for sku, price in GOODS.items():
            add_product(running.db, sku, price, 5, **({"special_price": "9"} if sku == "Cat" else {}))
        yield running


def found(shop: Shop, query: str) -> list[str]:
    return [item["sku"] for item in shop.ok("GET", f"/products?{query}")["items"] or []]


def where(field: str, value: str, condition: str, group: int = 0, place: int = 0) -> str:
    head = f"searchCriteria[filter_groups][{group}][filters][{place}]"
    return f"{head}[field]={field}&{head}[value]={value}&{head}[condition_type]={condition}"


SORTED = "searchCriteria[sortOrders][0][field]=entity_id&searchCriteria[sortOrders][0][direction]=ASC"


@pytest.mark.parametrize(
    ("filters", "expected"),
    [
        pytest.param(where("sku", "bee", "eq"), ["Bee"], id="letter-case-does-not-count"),
        pytest.param(where("price", "25", "neq"), ["Ant", "Bee", "Eel"], id="neq"),
        pytest.param(where("price", "15", "gt"), ["Cat", "Dog", "Eel"], id="gt"),
        pytest.param(where("price", "15", "gteq"), ["Bee", "Cat", "Dog", "Eel"], id="gteq"),
        pytest.param(where("price", "15", "lt"), ["Ant"], id="lt"),
        pytest.param(where("price", "15", "lteq"), ["Ant", "Bee"], id="lteq"),
        pytest.param(where("sku", "Ant,Eel,None", "in"), ["Ant", "Eel"], id="in"),
        pytest.param(where("sku", "Ant,Eel", "nin"), ["Bee", "Cat", "Dog"], id="nin"),
        pytest.param(where("sku", "%25e%25", "like"), ["Bee", "Eel"], id="like"),
        pytest.param(where("sku", "%25e%25", "nlike"), ["Ant", "Cat", "Dog"], id="nlike"),
        pytest.param(where("special_price", "", "null"), ["Ant", "Bee", "Dog", "Eel"], id="null"),
        pytest.param(where("special_price", "", "notnull"), ["Cat"], id="notnull"),
        pytest.param(where("tax_class_id", "2", "finset"), list(GOODS), id="finset"),
        pytest.param(where("price", "10", "from") + "&" + where("price", "30", "to", place=1), ["Bee", "Cat", "Dog"], id="from-and-to-of-one-group-are-a-range"),
        pytest.param(where("sku", "Ant", "eq") + "&" + where("sku", "Dog", "eq", place=1), ["Ant", "Dog"], id="filters-of-a-group-are-alternatives"),
        pytest.param(where("price", "25", "eq") + "&" + where("sku", "Dog", "eq", group=1), ["Dog"], id="groups-all-hold"),
        pytest.param(where("price", "twelve", "lt"), [], id="a-word-is-zero-beside-a-number"),
        pytest.param(where("updated_at", "2026-01-01T00:00:00Z", "eq"), list(GOODS), id="iso-dates-are-read"),
        pytest.param(where("website_id", "1", "eq"), list(GOODS), id="website"),
        pytest.param(where("website_id", "7", "eq"), [], id="no-such-website"),
    ],
)  # fmt: skip
def test_conditions(shop: Shop, filters: str, expected: list[str]) -> None:
    assert found(shop, f"{filters}&{SORTED}") == expected


def test_both_spellings_mean_the_same(shop: Shop) -> None:
    snake = "search_criteria[filter_groups][0][filters][0][field]=sku&search_criteria[filter_groups][0][filters][0][value]=Cat&search_criteria[page_size]=1"
    camel = "searchCriteria[filterGroups][0][filters][0][field]=sku&searchCriteria[filterGroups][0][filters][0][value]=Cat&searchCriteria[pageSize]=1"
    assert found(shop, snake) == found(shop, camel) == ["Cat"]


def test_a_list_needs_criteria_but_empty_ones_will_do(shop: Shop) -> None:
    assert shop.call("GET", "/products")[0] == 400
    assert sorted(found(shop, "searchCriteria")) == sorted(found(shop, "searchCriteria=")) == list(GOODS)


def test_rows_without_an_order_are_mixed_page_by_page(shop: Shop) -> None:
    """A client that forgets to sort sees rows twice, and others never."""
    pages = [found(shop, f"searchCriteria[pageSize]=1&searchCriteria[currentPage]={page}") for page in range(1, 41)]
    first = [found(shop, f"searchCriteria[pageSize]=5&searchCriteria[currentPage]=1&note={note}") for note in range(8)]
    assert len({tuple(order) for order in first}) > 1
    assert sum(bool(page) for page in pages) == len(GOODS)


def test_ties_are_mixed_but_the_order_that_was_asked_for_holds(shop: Shop) -> None:
    by_price = "searchCriteria[sortOrders][0][field]=price&searchCriteria[sortOrders][0][direction]=DESC"
    orders = {tuple(found(shop, f"searchCriteria[pageSize]=5&{by_price}&note={note}")) for note in range(12)}
    assert orders == {("Eel", "Cat", "Dog", "Bee", "Ant"), ("Eel", "Dog", "Cat", "Bee", "Ant")}


def test_a_page_past_the_end_is_empty_or_the_last_one(shop: Shop) -> None:
    query = f"searchCriteria[pageSize]=2&searchCriteria[currentPage]=9&{SORTED}"
    assert found(shop, query) == []
    with transaction(shop.db) as db:
        config.write(db, "sandbox/past_the_end", "last_page")
    try:
        assert found(shop, query) == ["Eel"]
    finally:
        with transaction(shop.db) as db:
            config.write(db, "sandbox/past_the_end", "empty")


def test_input_limits_are_off_until_they_are_switched_on(shop: Shop) -> None:
    assert shop.call("GET", "/products?searchCriteria[pageSize]=9999")[0] == 200
    with transaction(shop.db) as db:
        config.write(db, "webapi/validation/input_limit_enabled", "1")
    try:
        status, body = shop.call("GET", "/products?searchCriteria[pageSize]=301")
        assert (status, body["parameters"]) == (400, {"max": 300})
        assert shop.ok("GET", "/products?searchCriteria")["search_criteria"]["page_size"] == 20
        items = [{"sku": "Ant", "source_code": "default", "quantity": 1, "status": 1}] * 21
        assert shop.call("POST", "/inventory/source-items", {"sourceItems": items})[0] == 400
    finally:
        with transaction(shop.db) as db:
            config.write(db, "webapi/validation/input_limit_enabled", "0")


def test_values_cannot_leave_their_place(shop: Shop) -> None:
    text = "x'%20OR%20'1'%3D'1"
    assert found(shop, where("sku", text, "eq")) == []
    assert shop.call("GET", "/products?" + where("sku);--", "1", "eq"))[0] == 400
    assert shop.call("GET", f"/products?{SORTED.replace('ASC', 'ASC;--')}")[0] == 400
    assert sorted(found(shop, "searchCriteria")) == list(GOODS)


def test_the_source_of_a_search_may_be_any_table() -> None:
    db = sqlite3.connect(":memory:")
    db.row_factory = sqlite3.Row
    db.execute("CREATE TABLE note (id INTEGER PRIMARY KEY, text TEXT)")
    db.executemany("INSERT INTO note (text) VALUES (?)", [("b",), ("a",), ("c",)])
    source = Source("note n", "n.*", "n.id", {"text": Column("n.text"), "id": Column("n.id", "number")})
    criteria = Criteria(((Filter("text", "b", "gteq"),),), (SortOrder("text", "DESC"),), 1, 2)
    rows, total = run_search(db, criteria, source, Paging(shuffle=False))
    assert ([row["text"] for row in rows], total) == (["b"], 2)


@pytest.mark.parametrize(
    ("text", "tree"),
    [
        ("a,b[c,d[e]]", {"a": True, "b": {"c": True, "d": {"e": True}}}),
        ("a, b", None),
        ("a[b", None),
        ("a]", None),
        ("a.b", None),
    ],
)
def test_fields_are_read_as_magento_reads_them(text: str, tree: Any) -> None:
    assert parse_fields(text) == tree


def test_an_invalid_field_filter_gives_an_empty_list() -> None:
    assert apply_fields({"items": [1]}, "items, total") == []


def test_an_empty_list_becomes_null_under_a_filter() -> None:
    assert apply_fields({"items": [], "total_count": 0}, "items[sku],total_count") == {"items": None, "total_count": 0}


def test_custom_attributes_are_picked_by_code() -> None:
    product = {
        "custom_attributes": [{"attribute_code": "color", "value": "1"}, {"attribute_code": "size", "value": "2"}]
    }
    assert apply_fields(product, "custom_attributes[size]") == {"custom_attributes": product["custom_attributes"][1:]}


def test_query_strings_nest_as_in_php() -> None:
    assert parse_query("a[b][0]=x&a[b][]=y&c=1&c=2&d") == {"a": {"b": {"0": "x", "1": "y"}}, "c": "2", "d": ""}
