"""Generated catalogues: the same every time, as large as asked, with known defects and real pictures."""

from __future__ import annotations

import itertools
from collections import Counter
from io import BytesIO
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from connector.sandbox.catalog import generate as module
from connector.sandbox.catalog.files import read_folder, write_folder
from connector.sandbox.catalog.generate import DEFECTS, Plan, defect_of, generate, gtin
from connector.sandbox.catalog.images import draw, media_type


def made(plan: Plan) -> list[dict[str, Any]]:
    return [product for _, product in generate(plan).products]


def custom(product: dict[str, Any]) -> dict[str, Any]:
    return {one["attribute_code"]: one["value"] for one in product["custom_attributes"]}


@pytest.mark.parametrize("count", [0, 1, 2, 4, 37, 300])
def test_it_makes_exactly_as_many_as_asked(count: int) -> None:
    products = made(Plan(products=count))
    assert [product["id"] for product in products] == list(range(1, count + 1))
    assert len({product["sku"].lower() for product in products}) == count


def test_the_same_plan_gives_the_same_catalogue_and_another_seed_another_one() -> None:
    assert made(Plan(products=60, seed=3)) == made(Plan(products=60, seed=3))
    assert made(Plan(products=60, seed=3)) != made(Plan(products=60, seed=4))


def test_a_larger_catalogue_begins_like_a_smaller_one() -> None:
    assert made(Plan(products=200))[:90] == made(Plan(products=300))[:90]


def test_products_are_made_while_they_are_read() -> None:
    endless = generate(Plan(products=10**9)).products
    assert [product["id"] for _, product in itertools.islice(endless, 3)] == [1, 2, 3]


def test_about_a_third_of_what_is_for_sale_has_variants() -> None:
    offers = [product for product in made(Plan(products=3000)) if product["visibility"] == 4]
    kinds = Counter(product["type_id"] for product in offers)
    assert 0.28 < kinds["configurable"] / len(offers) < 0.38


def test_variants_differ_in_what_the_parent_says_they_vary_by() -> None:
    products = {product["id"]: product for product in made(Plan(products=400))}
    codes = {str(module.COLOR): "color", str(module.SIZE): "size"}
    for parent in products.values():
        extension = parent["extension_attributes"]
        children = [products[number] for number in extension.get("configurable_product_links", [])]
        axes = [codes[option["attribute_id"]] for option in extension.get("configurable_product_options", [])]
        seen = [tuple(custom(child)[axis] for axis in axes) for child in children]
        assert len(set(seen)) == len(seen)


@pytest.mark.parametrize("defect", DEFECTS)
def test_every_defect_of_the_table_is_made(defect: str) -> None:
    plan = Plan(products=3000)
    assert module.__doc__ is not None
    assert f"\n{defect} " in module.__doc__, "the table names it"
    maker, broken = module._Maker(plan), []
    for number in range(300):
        offer = maker.offer(number, 100)
        if defect_of(plan, number) == defect:
            broken += offer
    assert broken
    for product in broken:
        values, simple = custom(product), product["type_id"] == "simple"
        holds = {
            "no_image": product["media_gallery_entries"] == [],
            "price_zero": product["price"] == 0,
            "long_name": len(product["name"]) > 255,
            "no_brand": "manufacturer" not in values,
            "no_weight": not simple or "weight" not in product,
            "forbidden_text": "www." in values["description"],
            "disabled": product["status"] == 2,
            "out_of_stock": not simple or product["extension_attributes"]["stock_item"]["qty"] == 0,
        }
        assert holds[defect]


def test_sound_products_are_complete() -> None:
    for product in made(Plan(products=500, defect_every=10**9)):
        values = custom(product)
        assert {"manufacturer", "description", "image", "material", "country_of_manufacture"} <= values.keys()
        assert len(product["name"]) <= 255
        if product["type_id"] == "simple":
            assert product["price"] > 0
            assert product["weight"] > 0
            assert {"color", "gtin", "cost", "msrp"} <= values.keys()


def test_some_skus_are_hard_to_put_into_an_address() -> None:
    skus = "".join(product["sku"] for product in made(Plan(products=2500)))
    assert {"/", " ", "+", "%", "Ü"} <= set(skus)


def test_a_gtin_has_a_right_check_digit() -> None:
    assert gtin(123456789) == "2001234567893"


def test_special_prices_have_windows_of_every_kind() -> None:
    windows = [custom(product) for product in made(Plan(products=1500)) if "special_price" in custom(product)]
    assert any("special_to_date" not in one for one in windows)
    assert any(one["special_from_date"] > "2026-11-01" for one in windows)
    assert any(one.get("special_to_date", "9") < "2026-11-01" for one in windows)


def test_a_generated_catalogue_can_be_written_and_read_as_a_folder(tmp_path: Path) -> None:
    assert write_folder(generate(Plan(products=50)), tmp_path) == 50
    read = read_folder(tmp_path)
    assert [product["sku"] for _, product in read.products] == [product["sku"] for product in made(Plan(products=50))]
    assert read.categories == generate(Plan(products=1)).categories


def test_a_picture_depends_on_its_path_alone() -> None:
    assert draw("/a/b/shirt-red.jpg") == draw("/a/b/shirt-red.jpg") != draw("/a/b/shirt-blue.jpg")


@pytest.mark.parametrize(("suffix", "kind"), [("jpg", "JPEG"), ("png", "PNG"), ("webp", "WEBP"), ("gif", "GIF")])
def test_a_picture_has_the_format_of_its_extension(suffix: str, kind: str) -> None:
    path = f"/a/b/thing.{suffix}"
    assert Image.open(BytesIO(draw(path, "A thing"))).format == kind
    assert media_type(path) == f"image/{kind.lower()}"
