"""Products: every check that a merchant can hit, the audit, versions, price and stock, searches."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from connector.sandbox import SandboxServer
from connector.sandbox.tiktok.products.audit import PROHIBITED_WORDS
from connector.sandbox.tiktok.taxonomy import categories, recommend
from tests.sandbox.tiktok_seller import RefusedError, Seller

Change = Callable[[dict[str, Any]], object]


@pytest.fixture
def seller(sandbox: SandboxServer) -> Seller:
    return Seller(sandbox.url)


def product(seller: Seller, number: str, **query: str) -> dict[str, Any]:
    return seller.get("/product/202309/products/{product_id}", query, product_id=number)


@pytest.mark.parametrize(
    ("title", "expected"),
    [
        ("Chaz Kangeroo Hoodie", "Men's Hoodies & Sweatshirts"),
        ("Women's Selene Yoga Hoodie", "Women's Hoodies & Sweatshirts"),
        ("Cobalt CoolTech™ Fitness Short", "Men's Shorts"),
        ("Argus All-Weather Tank", "Men's Tank Tops"),
        ("Montana Wind Jacket", "Men's Jackets"),
        ("Kratos Gym Pant", "Men's Trousers & Sweatpants"),
        ("Push It Messenger Bag", "Messenger & Crossbody Bags"),
        ("Sprite Stasis Ball 55 cm", "Exercise Balls"),
        ("Affirm Water Bottle", "Sports Water Bottles"),
        ("Dash Digital Watch", "Sports & Digital Watches"),
        ("Something nobody can place", "Miscellaneous Household Goods"),
    ],
)
def test_the_recommended_category_is_the_sensible_one(title: str, expected: str) -> None:
    assert recommend(title).name == expected


def test_the_tree_is_whole() -> None:
    """Every parent exists, leaves are many, and no two categories share an id."""
    nodes = categories()
    assert all(node.parent_id == "0" or node.parent_id in nodes for node in nodes.values())
    assert sum(node.is_leaf for node in nodes.values()) >= 60
    assert {node.status for node in nodes.values() if node.is_leaf} >= {"AVAILABLE", "INVITE_ONLY", "PROHIBITED"}


def sku(body: dict[str, Any]) -> dict[str, Any]:
    return body["skus"][0]


@pytest.mark.parametrize(
    ("change", "code"),
    [
        (lambda b: b.update(title=" "), 12052261),
        (lambda b: b.update(title="x" * 256), 12052051),
        (lambda b: b.update(title="帽衫"), 12052262),
        (lambda b: b.update(title="Hoodie &amp; more"), 12052931),
        (lambda b: b.update(title="Hoodie 🎉"), 12052931),
        (lambda b: b.update(description=""), 12052015),
        (lambda b: b.update(description="x" * 10_001), 12052013),
        (lambda b: b.update(description="<h1>Warm</h1>"), 12052345),
        (lambda b: b.update(description="<p>open"), 12052344),
        (lambda b: b.update(description="<p>a&nbsp;b</p>"), 12052932),
        (lambda b: b.update(description='<img src="http://x.test/a.jpg" width="9" height="9">'), 12052348),
        (lambda b: b.update(category_id="1"), 12052023),
        (lambda b: b.update(category_id="600008"), 12052024),
        (lambda b: b.update(category_version="v1"), 12052217),
        (lambda b: b.update(brand_id="7082427311584347905"), 12052208),
        (lambda b: b.update(main_images=[]), 12052028),
        (lambda b: b.update(main_images=[{"uri": "tos-x/1"}]), 12052722),
        (lambda b: b.update(product_attributes=[{"id": "100393", "values": [{"name": "Tartan"}]}]), 12052240),
        (lambda b: b.pop("package_weight"), 12052003),
        (lambda b: b.update(package_weight={"value": "0", "unit": "POUND"}), 12052116),
        (
            lambda b: b.update(package_dimensions=dict.fromkeys(("length", "width", "height"), "5") | {"unit": "INCH"}),
            12052915,
        ),
        (lambda b: sku(b).update(seller_sku="has blank"), 12019059),
        (lambda b: sku(b).update(seller_sku="x" * 51), 12052054),
        (lambda b: sku(b)["price"].update(currency="GBP"), 12052084),
        (lambda b: sku(b)["price"].update(amount="0"), 12052570),
        (lambda b: sku(b)["price"].update(amount="1.234"), 12052073),
        (lambda b: sku(b).pop("price"), 12052571),
        (lambda b: sku(b)["inventory"][0].update(quantity=100_000), 12052055),
        (lambda b: sku(b)["inventory"][0].update(warehouse_id="7"), 12052097),
        (lambda b: sku(b)["inventory"][0].update(warehouse_id="7068517275539700003"), 12052532),
        (lambda b: sku(b).update(sales_attributes=[]), 12052550),
        (lambda b: sku(b).update(sales_attributes=b["skus"][1]["sales_attributes"]), 12052560),
        (lambda b: sku(b).update(identifier_code={"code": "123", "type": "EAN"}), 12052591),
    ],
)
def test_a_product_is_refused_with_the_published_code(seller: Seller, change: Change, code: int) -> None:
    """`listing_check` says the same as the creation that it foretells."""
    body = seller.payload()
    change(body)
    with pytest.raises(RefusedError) as refused:
        seller.post("/product/202309/products", body)
    assert refused.value.code == code
    assert (refused.value.status, seller.truth()["products"]) == (200, [])
    if code != 12052217:
        checked = seller.post("/product/202309/products/listing_check", body)
        assert code in {reason["code"] for reason in checked["fail_reasons"]}


@pytest.mark.parametrize(
    ("title", "code"),
    [
        ("Dash Digital Watch", 12052104),
        ("Wool Tuxedo", 12052673),
        ("Swiss watch", 12052221),
        ("Hunting knife", 12052220),
    ],
)
def test_a_category_can_demand_more(seller: Seller, title: str, code: int) -> None:
    with pytest.raises(RefusedError, match=str(code)):
        seller.post("/product/202309/products", seller.payload(title=title))


def test_an_unknown_brand_is_dropped_with_a_warning(seller: Seller) -> None:
    made = seller.post("/product/202309/products", seller.payload(brand_id="123"))
    assert "123" in made["warnings"][0]["message"]
    assert "brand" not in product(seller, made["product_id"])


def test_a_repeated_key_makes_one_product(seller: Seller) -> None:
    body = seller.payload(idempotency_key="b1d9")
    first, second = (seller.post("/product/202309/products", body) for _ in range(2))
    assert first == second
    assert len(seller.truth()["products"]) == 1


def test_the_audit_takes_time_and_then_lists(seller: Seller) -> None:
    number = seller.post("/product/202309/products", seller.payload())["product_id"]
    shown = product(seller, number)
    assert (shown["status"], shown["audit"]["status"]) == ("PENDING", "AUDITING")
    seller.control("clock/advance", {"seconds": 3600})
    shown = product(seller, number)
    assert (shown["status"], shown["audit"]["status"], shown["product_status"]) == ("ACTIVATE", "APPROVED", "ACTIVATE")


@pytest.mark.parametrize(
    ("more", "position"),
    [
        ({"title": f"{PROHIBITED_WORDS[0].title()} hoodie"}, "TITLE"),
        ({"title": "ALL CAPITALS HOODIE"}, "TITLE"),
        ({"description": "<p>Write to shop@example.test</p>"}, "DESCRIPTION"),
        ({"description": "<p>See www.example.test</p>"}, "DESCRIPTION"),
    ],
)
def test_the_audit_refuses_for_published_reasons_and_an_edit_mends_it(
    seller: Seller, more: dict[str, str], position: str
) -> None:
    number = seller.post("/product/202309/products", seller.payload() | more)["product_id"]
    seller.control("clock/advance", {"seconds": 3600})
    shown = product(seller, number)
    assert (shown["status"], shown["audit_failed_reasons"][0]["position"]) == ("FAILED", position)
    good = {"title": "Plain hoodie", "description": "<p>Plain.</p>"}
    seller.post("/product/202509/products/{product_id}/partial_edit", good, product_id=number)
    seller.control("clock/advance", {"seconds": 3600})
    assert product(seller, number)["status"] == "ACTIVATE"


@pytest.mark.parametrize(("result", "title"), [("APPROVED", "New name"), ("FAILED", "Chaz Kangeroo Hoodie")])
def test_an_edit_of_a_live_product_waits_as_a_second_version(seller: Seller, result: str, title: str) -> None:
    number = seller.listed()["product_id"]
    edit = seller.post("/product/202509/products/{product_id}/partial_edit", {"title": "New name"}, product_id=number)
    assert edit["audit"]["status"] == "AUDITING"
    assert product(seller, number)["title"] == "Chaz Kangeroo Hoodie"
    assert product(seller, number, return_under_review_version="true")["title"] == "New name"
    seller.control(f"products/{number}/review", {"result": result})
    shown = product(seller, number)
    assert (shown["title"], shown["status"]) == (title, "ACTIVATE")


def test_a_new_variant_of_a_live_product_is_sold_after_the_audit(seller: Seller) -> None:
    made = seller.listed()
    number = made["product_id"]
    body = seller.payload(sizes=("S", "M", "L"))
    for known, wanted in zip(made["skus"], body["skus"], strict=False):
        wanted["id"] = known["id"]
    edit = seller.call("PUT", "/product/202509/products/{product_id}", body=body, product_id=number)
    assert len(edit["skus"]) == 3
    assert len(product(seller, number)["skus"]) == 2
    seller.control("clock/advance", {"seconds": 3600})
    assert [entry["id"] for entry in product(seller, number)["skus"]] == [entry["id"] for entry in edit["skus"]]


def test_price_and_stock_change_at_once_and_without_an_audit(seller: Seller) -> None:
    made = seller.listed()
    skus = [{"id": entry["id"], **old} for entry, old in zip(made["skus"], seller.payload()["skus"], strict=True)]
    skus[0]["price"]["amount"] = "12.34"
    path = "/product/202509/products/{product_id}/partial_edit"
    edit = seller.post(path, {"skus": skus}, product_id=made["product_id"])
    assert edit["audit"]["status"] == "NONE"
    assert product(seller, made["product_id"])["skus"][0]["price"]["sale_price"] == "12.34"


def test_prices_change_on_live_products_only(seller: Seller) -> None:
    made = seller.post("/product/202309/products", seller.payload())
    body = {"skus": [{"id": made["skus"][0]["id"], "price": {"amount": "9.00", "currency": "USD"}}]}
    with pytest.raises(RefusedError, match="12052990"):
        seller.post("/product/202309/products/{product_id}/prices/update", body, product_id=made["product_id"])


def test_stock_names_every_warehouse_of_a_sku(seller: Seller) -> None:
    body = seller.payload(sizes=("S",))
    body["skus"][0]["inventory"].append({"warehouse_id": "7068517275539700002", "quantity": 3})
    made = seller.post("/product/202309/products", body)
    path, number = "/product/202309/products/{product_id}/inventory/update", made["skus"][0]["id"]
    one = {"warehouse_id": "7068517275539700002", "quantity": 0}
    answer = seller.post(path, {"skus": [{"id": number, "inventory": [one]}]}, product_id=made["product_id"])
    assert answer["errors"][0]["code"] == 12052516
    wrong = {"warehouse_id": "9", "quantity": 1}
    answer = seller.post(path, {"skus": [{"id": number, "inventory": [one, wrong]}]}, product_id=made["product_id"])
    assert answer["errors"][0]["detail"]["extra_errors"][0]["code"] == 12052097
    both = [one, {"warehouse_id": "7068517275539700001", "quantity": 5}]
    assert seller.post(path, {"skus": [{"id": number, "inventory": both}]}, product_id=made["product_id"]) == {}
    assert product(seller, made["product_id"])["skus"][0]["inventory"][1] == one


def test_lists_of_products_are_refused_one_by_one(seller: Seller) -> None:
    number = seller.listed()["product_id"]
    answer = seller.post("/product/202309/products/deactivate", {"product_ids": [number, "1"]})
    assert [error["detail"]["product_id"] for error in answer["errors"]] == ["1"]
    assert product(seller, number)["status"] == "SELLER_DEACTIVATED"
    with pytest.raises(RefusedError, match="36009004"):
        seller.post("/product/202309/products/activate", {"product_ids": ["1"] * 21})


def test_a_page_does_not_move_when_products_are_added(seller: Seller) -> None:
    made = [seller.listed(title=f"Hoodie {place}")["product_id"] for place in range(3)]
    path, size = "/product/202502/products/search", {"page_size": 2}
    first = seller.post(path, None, size)
    made.append(seller.listed(title="Hoodie late")["product_id"])
    second = seller.post(path, None, size | {"page_token": first["next_page_token"]})
    assert [entry["id"] for entry in first["products"] + second["products"]] == made
    assert second["next_page_token"] == ""
    with pytest.raises(RefusedError, match="36009004"):
        seller.post(path, {"status": "DRAFT"}, size | {"page_token": first["next_page_token"]})


def test_a_seller_sku_is_found(seller: Seller) -> None:
    number = seller.listed()["product_id"]
    path = "/product/202502/products/search"
    assert seller.post(path, {"seller_skus": ["MH01-M"]}, {"page_size": 1})["products"][0]["id"] == number
    assert seller.post(path, {"seller_skus": ["none"]}, {"page_size": 1})["products"] == []
    with pytest.raises(RefusedError, match="12019027"):
        seller.post(path, {"seller_skus": ["x"] * 11}, {"page_size": 1})


@pytest.mark.parametrize(
    ("size", "use_case", "kept"),
    [
        ((600, 600), "MAIN_IMAGE", (600, 600)),
        ((900, 300), "MAIN_IMAGE", (900, 900)),
        ((450, 600), "MAIN_IMAGE", (450, 600)),
    ],
)
def test_a_picture_outside_three_to_four_becomes_square(
    seller: Seller, size: tuple[int, int], use_case: str, kept: tuple[int, int]
) -> None:
    picture = seller.image(use_case, width=size[0], height=size[1])
    assert (picture["width"], picture["height"]) == kept
    assert seller.session.get(picture["url"]).headers["content-type"] == "image/jpeg"


@pytest.mark.parametrize(
    ("content", "code"), [(b"", "12038002"), (b"no picture", "12038015"), (b"\xff\xd8\xff\xe0 broken", "12038004")]
)
def test_what_is_no_picture_is_refused(seller: Seller, content: bytes, code: str) -> None:
    files = {"data": ("a.jpg", content)}
    with pytest.raises(RefusedError, match=code):
        seller.call("POST", "/product/202309/images/upload", cipher=False, files=files, form={"use_case": "MAIN_IMAGE"})


def test_a_small_picture_is_refused_as_main_image_only(seller: Seller) -> None:
    seller.image("DESCRIPTION_IMAGE", width=120, height=120)
    with pytest.raises(RefusedError, match="12038014"):
        seller.image(width=120, height=120)
