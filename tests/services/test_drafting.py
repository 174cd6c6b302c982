"""A product, its template and the market in; a draft or the reasons why there is none out."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from typing import Any

import pytest

from connector.domain.product import ProductSnapshot, Salable
from connector.plugins.policies.image import ImagePolicy
from connector.plugins.policies.inventory import InventoryPolicy
from connector.plugins.policies.pricing import PricingPolicy
from connector.rules.metadata import SPECIAL_FROM, SPECIAL_TO
from connector.services.drafting import (
    AttributeSource,
    Market,
    Part,
    Template,
    build,
    prices_of,
    seller_sku,
)

MARKET = Market("US", "USD", "w1", "lbs", "https://shop.example/media", {"color": "Color"}, {"93": "color"}, 1)


def template(**changes: Any) -> Template:
    base = {
        "name": "T",
        "category_id": "600",
        "image": ImagePolicy(),
        "pricing": PricingPolicy(),
        "inventory": InventoryPolicy(),
    }
    return Template(**{**base, **changes})


def part(sku: str = "A", pieces: int = 5, **data: Any) -> Part:
    color = data.pop("color", None)
    values: dict[str, Any] = {"price": Decimal(10)} | ({"color": color} if color else {})
    picture = {"file": f"/{sku}.jpg", "media_type": "image", "types": ["image"]}
    base = {"id": 1, "sku": sku, "name": f"Shirt {sku}", "status": 1, "weight": 1, "media_gallery_entries": [picture]}
    return Part(ProductSnapshot({**base, **data}), values, Salable(Decimal(pieces), salable=pieces > 0))


def configurable(**data: Any) -> Part:
    option = {"attribute_id": "93", "position": 0}
    extension = {"configurable_product_links": [2, 3], "configurable_product_options": [option]}
    return part("C", 0, type_id="configurable", extension_attributes=extension, **data)


@pytest.mark.parametrize(
    ("data", "code"),
    [
        pytest.param({"status": 2}, "product.disabled", id="disabled"),
        pytest.param({"options": [{"is_require": True}]}, "product.options", id="custom-options"),
        pytest.param({"type_id": "bundle"}, "product.type", id="bundle"),
        pytest.param({"type_id": "grouped"}, "product.type", id="grouped"),
        pytest.param({"extension_attributes": {"website_ids": [2]}}, "product.website", id="another-website"),
    ],
)
def test_what_the_store_would_not_sell_is_not_listed(data: dict[str, Any], code: str) -> None:
    built = build(part(**data), [], template(), MARKET)
    assert (built.draft, [issue.code for issue in built.issues]) == (None, [code])


def test_a_configurable_is_sold_by_the_variants_that_the_store_sells() -> None:
    """Disabled ones and those of another website are left out; a product of none is held back."""
    red, blue, gone = part("R", color="Red"), part("B", 0, color="Blue"), part("G", color="Green", status=2)
    away = part("W", color="White", extension_attributes={"website_ids": [2]})
    built = build(configurable(), [red, blue, gone, away], template(), MARKET)
    assert built.draft is not None
    assert {sku.sku: sku.quantity for sku in built.draft.skus} == {"R": 5, "B": 0}
    assert [[(a.name, a.value) for a in sku.sales_attributes] for sku in built.draft.skus] == [
        [("Color", "Red")],
        [("Color", "Blue")],
    ]
    assert [i.code for i in build(configurable(), [gone], template(), MARKET).issues] == ["product.no_variants"]


def test_pieces_are_known_where_no_draft_can_be_built() -> None:
    """A variant without a price holds the product back; what can be sold of the others stays true."""
    red = part("R", color="Red")
    unpriced = Part(part("B", 3).snapshot, {"color": "Blue"}, Salable(Decimal(3), salable=True))
    built = build(configurable(), [red, unpriced], template(), MARKET)
    assert (built.draft, built.quantities) == (None, {"R": {"w1": 5}, "B": {"w1": 3}})
    assert "B: price is empty" in built.issues[0].message


BOTH = Market(
    "US", "USD", "w1", "lbs", "https://shop.example/media", {"size": "Size", "color": "Color"}, {"144": "size", "93": "color"}, 1
)  # fmt: skip
SIZE_FIRST, COLOR_FIRST = ("144", "93"), ("93", "144")


def pictured(order: tuple[str, ...], files: dict[tuple[str, str], str], **policy: Any) -> dict[str, dict[str, str]]:
    """Attribute → value → the end of its picture's address, of a configurable with these variants' pictures."""
    options = [{"attribute_id": number, "position": place} for place, number in enumerate(order)]
    lead = part("C", 0, type_id="configurable", extension_attributes={"configurable_product_options": options})
    variants = []
    for (size, color), file in files.items():
        entries = [{"file": file, "media_type": "image", "types": ["image"]}] if file else []
        made = part(f"{size}-{color}", media_gallery_entries=entries)
        variants.append(Part(made.snapshot, {**made.values, "size": size, "color": color}, made.stock))
    draft = build(lead, variants, template(image=ImagePolicy(**policy)), BOTH).draft
    assert draft is not None
    found: dict[str, dict[str, str]] = {}
    for one in (one for sku in draft.skus for one in sku.sales_attributes if one.image):
        picture = one.image.removeprefix("https://shop.example/media/catalog/product/")
        assert found.setdefault(one.name, {}).setdefault(one.value, picture) == picture, "one picture a value"
    return found


RED_BLUE = {(size, color): f"{color}.jpg" for size in ("S", "M") for color in ("red", "blue")}
BY_COLOR = {"Color": {"red": "red.jpg", "blue": "blue.jpg"}}


@pytest.mark.parametrize(
    ("order", "files", "expected"),
    [
        pytest.param(SIZE_FIRST, RED_BLUE, BY_COLOR, id="size-comes-first-in-magento"),
        pytest.param(COLOR_FIRST, RED_BLUE, BY_COLOR, id="colour-comes-first"),
        pytest.param(SIZE_FIRST, {**RED_BLUE, ("M", "red"): ""}, BY_COLOR, id="one-variant-has-none"),
        pytest.param(
            COLOR_FIRST,
            {(size, color): f"{size}.jpg" for size, color in RED_BLUE},
            {"Size": {"S": "S.jpg", "M": "M.jpg"}},
            id="the-pictures-show-sizes",
        ),
        pytest.param(
            SIZE_FIRST,
            {(size, color): f"{color}-{size}.jpg" for size, color in RED_BLUE},
            {"Color": {"red": "red-S.jpg", "blue": "blue-S.jpg"}},
            id="each-variant-has-its-own-file",
        ),
        pytest.param(
            SIZE_FIRST,
            dict.fromkeys(RED_BLUE, "same.jpg"),
            {"Color": dict.fromkeys(("red", "blue"), "same.jpg")},
            id="one-picture-for-all",
        ),
        pytest.param(SIZE_FIRST, dict.fromkeys(RED_BLUE, ""), {}, id="no-pictures"),
    ],
)
def test_variant_pictures_stand_at_the_attribute_that_they_show(
    order: tuple[str, ...], files: dict[tuple[str, str], str], expected: dict[str, dict[str, str]]
) -> None:
    assert pictured(order, files) == expected


def test_a_value_without_a_picture_of_its_own_shows_the_policy_s_and_none_shows_any_when_switched_off() -> None:
    some = {**RED_BLUE, ("S", "blue"): "", ("M", "blue"): ""}
    stand_in = "https://cdn.example/none.jpg"
    assert pictured(SIZE_FIRST, some, default_image=stand_in) == {"Color": {"red": "red.jpg", "blue": stand_in}}
    assert pictured(SIZE_FIRST, RED_BLUE, variant_images=False) == {}


@pytest.mark.parametrize(
    ("today", "attribute", "expected"),
    [
        pytest.param(date(2026, 1, 9), "final_price", "20", id="before"),
        pytest.param(date(2026, 1, 10), "final_price", "15", id="first-day"),
        pytest.param(date(2026, 1, 20), "final_price", "15", id="last-day"),
        pytest.param(date(2026, 1, 21), "final_price", "20", id="after"),
        pytest.param(date(2026, 1, 21), "special_price", None, id="a-special-price-that-is-over-is-none"),
        pytest.param(date(2026, 1, 15), "price", "20", id="the-regular-price-stays"),
    ],
)
def test_a_special_price_counts_on_its_days(today: date, attribute: str, expected: str | None) -> None:
    values = {
        "price": Decimal(20),
        "special_price": Decimal(15),
        SPECIAL_FROM: date(2026, 1, 10),
        SPECIAL_TO: date(2026, 1, 20),
    }
    assert prices_of(values, today).get(attribute) == (None if expected is None else Decimal(expected))


def test_the_final_price_can_be_a_policy_s_source() -> None:
    built = build(part(), [], template(pricing=PricingPolicy(price_attribute="final_price")), MARKET)
    assert built.draft is not None
    assert built.draft.skus[0].price == Decimal("10.00")


@pytest.mark.parametrize(
    ("region", "given", "expected"),
    [
        pytest.param("US", {"length": "10", "width": "5", "height": "2"}, "10 5 2 INCH", id="inches-there"),
        pytest.param(
            "US", {"length": "10", "width": "5", "height": "2", "unit": "CENTIMETER"}, "4 2 1 INCH", id="rounded-up"
        ),
        pytest.param(
            "GB", {"length": "1", "width": "2", "height": "3", "unit": "INCH"}, "3 6 8 CENTIMETER", id="metric"
        ),
        pytest.param("GB", {"length": "2.2", "width": "2", "height": "3"}, "3 2 3 CENTIMETER", id="whole-numbers"),
    ],
)
def test_dimensions_are_in_the_region_s_unit(region: str, given: dict[str, str], expected: str) -> None:
    """The marketplace takes no mixture of unit systems, and whole numbers only."""
    market = Market(region, "USD", "w1", "lbs", "https://shop.example/media", {}, {})
    draft = build(part(), [], template(dimensions=given), market).draft
    assert draft is not None
    assert " ".join(draft.dimensions.values()) == expected


def test_a_default_that_another_value_asks_for_goes_out_only_then() -> None:
    battery = AttributeSource("1", "Battery", False, False, False, (("11", "Yes"), ("12", "No")), "", {}, "12", "")
    kind = AttributeSource("2", "Kind", False, False, False, (("21", "Alkaline"),), "", {}, "21", "", (("1", "11"),))
    assert _given(battery, kind) == {"1"}
    yes = AttributeSource("1", "Battery", False, False, False, (("11", "Yes"), ("12", "No")), "", {}, "11", "")
    assert _given(kind, yes) == {"1", "2"}


def _given(*mapping: AttributeSource) -> set[str]:
    draft = build(part(), [], template(mapping=mapping), MARKET).draft
    assert draft is not None
    return {attribute.id for attribute in draft.attributes}


def test_a_warehouse_that_does_not_sell_is_named() -> None:
    market = Market("US", "USD", "w9", "lbs", "https://x/", {}, {}, warehouses=frozenset({"w1"}))
    assert "w9" in build(part(), [], template(), market).issues[0].message


@pytest.mark.parametrize(
    ("sku", "region", "expected"),
    [
        pytest.param("MH01-XS", "US", "MH01-XS", id="as-it-is"),
        pytest.param("WSK 0080", "US", "WSK-0080-", id="blanks-are-not-taken"),
        pytest.param("A1", "DE", "A1-", id="six-signs-at-least-there"),
        pytest.param("MH/01", "DE", "MH-01-", id="signs-that-are-not-taken-there"),
        pytest.param("X" * 60, "US", "X" * 41 + "-", id="too-long"),
    ],
)
def test_seller_skus_are_what_the_region_takes_and_stay_the_same(sku: str, region: str, expected: str) -> None:
    made = seller_sku(sku, region)
    assert made == seller_sku(sku, region)
    assert made.startswith(expected)
    assert len(made) <= 50
    assert " " not in made
