"""What the marketplace demands of a product as a whole. Source: "Create Product", error table."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from typing import Any

from connector.sandbox.tiktok import taxonomy
from connector.sandbox.tiktok.brands import find_brand
from connector.sandbox.tiktok.database import Json
from connector.sandbox.tiktok.errors import ApiError
from connector.sandbox.tiktok.images import find_picture
from connector.sandbox.tiktok.products.text_checks import CHINESE, Problem, description_problems, title_problems
from connector.sandbox.tiktok.shops import Shop
from connector.sandbox.tiktok.taxonomy import Attribute, Category
from connector.sandbox.tiktok.world import Call

IMAGE_MISSING, IMAGE_SMALL, IMAGE_BIG, IMAGE_COUNT, IMAGE_UNKNOWN = 12052028, 12052301, 12052302, 12052306, 12052722
ATTRIBUTE_REQUIRED, CERTIFICATE_REQUIRED, ATTRIBUTE_NEEDED, ATTRIBUTE_FORBIDDEN = 12052104, 12052105, 12052182, 12052183
NO_CUSTOM, VALUE_EMPTY, VALUE_LONG, VALUE_CHINESE, VALUE_TWICE, ONE_VALUE, NUMBER = range(12052240, 12052247)
WEIGHT_INVALID, SIZE_INVALID, NO_IMPERIAL, WEIGHT_MISSING, WEIGHT_ZERO, MIXED = (
    12019011,
    12019012,
    12019061,
    12052003,
    12052116,
    12052915,
)
BRAND_NOT_AUTHORIZED = 12052208
CHART_TEMPLATE, CHART_IMAGE, CHART_REQUIRED = 12052128, 12052670, 12052673
BY_STATUS = {
    "PROHIBITED": (12052220, "is prohibited"),
    "INVITE_ONLY": (12052221, "is open to invited sellers only"),
    "NON_MAIN_CATEGORY": (12052225, "is outside the main category of the shop"),
}
KILOGRAMS = {"KILOGRAM": Decimal(1), "GRAM": Decimal("0.001"), "POUND": Decimal("0.45359237")}
IMPERIAL = frozenset({"POUND", "INCH"})


@dataclass(frozen=True, slots=True)
class Context:
    """What checks look at besides the product."""

    tx: sqlite3.Connection
    shop: Shop
    tags: str
    zero_quantity: bool
    max_quantity: int

    @classmethod
    def of(cls, call: Call) -> Context:
        return cls(
            call.tx, call.shop, call.options.description_tags, call.options.zero_quantity, call.options.max_quantity
        )


def product_problems(context: Context, content: Mapping[str, Any]) -> Iterator[Problem]:
    """Everything but the SKUs, in the order in which the marketplace is asked to look."""
    yield from title_problems(content.get("title"), context.shop)
    yield from description_problems(context.tx, content.get("description"), context.tags)
    category = category_or_problem(content.get("category_id"))
    if not isinstance(category, Category):
        yield category
        return
    if category.status in BY_STATUS:
        code, why = BY_STATUS[category.status]
        yield code, f"The category {category.name} {why}."
    yield from _brand_problems(context, content)
    yield from _image_problems(context, content.get("main_images"))
    yield from _attribute_problems(category, content.get("product_attributes") or [])
    yield from _certificate_problems(category, content.get("certifications") or [])
    yield from _size_chart_problems(context, category, content.get("size_chart") or {})
    yield from package_problems(context.shop, category, content)


def category_or_problem(category_id: object) -> Category | Problem:
    if not isinstance(category_id, str) or not category_id.isdigit():
        return 12052002, "The category id is malformed."
    try:
        return taxonomy.leaf(category_id)
    except ApiError as error:
        return error.code, error.message


def _brand_problems(context: Context, content: Mapping[str, Any]) -> Iterator[Problem]:
    brand = find_brand(context.tx, str(content.get("brand_id") or ""))
    if brand and brand.is_t1_brand and not brand.authorized:
        yield BRAND_NOT_AUTHORIZED, f"The brand {brand.name} needs an authorization."


def _image_problems(context: Context, images: object) -> Iterator[Problem]:
    if not isinstance(images, list) or not images:
        yield IMAGE_MISSING, "The product has no main image."
        return
    if len(images) > 9:
        yield IMAGE_COUNT, f"The product has {len(images)} main images; 9 are allowed."
    for image in images:
        uri = image.get("uri", "") if isinstance(image, dict) else ""
        picture = find_picture(context.tx, uri)
        if picture is None:
            yield IMAGE_UNKNOWN, f"The main image {uri!r} was not uploaded."
        elif min(picture.width, picture.height) < 300:
            yield IMAGE_SMALL, f"The main image {uri} is smaller than 300 pixels."
        elif max(picture.width, picture.height) > 4000:
            yield IMAGE_BIG, f"The main image {uri} is larger than 4000 pixels."


def _attribute_problems(category: Category, given: list[Json]) -> Iterator[Problem]:
    known = taxonomy.attributes_of(category.id)
    chosen: dict[str, set[str]] = {}
    for entry in given:
        attribute = known.get(str(entry.get("id")))
        if attribute is None or attribute.type != "PRODUCT_PROPERTY":
            yield ATTRIBUTE_FORBIDDEN, f"The category {category.name} has no product attribute {entry.get('id')}."
            continue
        if attribute.id in chosen:
            yield VALUE_TWICE, f"The attribute {attribute.name} is given twice."
        values = entry.get("values") or []
        chosen[attribute.id] = {str(value.get("id")) for value in values if value.get("id")} | {
            found for value in values if (found := attribute.value_id(str(value.get("name", ""))))
        }
        if len(values) > 1 and not attribute.multiple:
            yield ONE_VALUE, f"The attribute {attribute.name} takes one value."
        for value in values:
            yield from _value_problems(attribute, value)
    yield from _missing_attributes(known, chosen)


def _value_problems(attribute: Attribute, value: Json) -> Iterator[Problem]:
    if value.get("id"):
        if attribute.value_name(str(value["id"])) is None and not attribute.custom:
            yield NO_CUSTOM, f"{value['id']} is not a value of the attribute {attribute.name}."
        return
    name = str(value.get("name") or "").strip()
    if not name:
        yield VALUE_EMPTY, f"The attribute {attribute.name} has an empty value."
    elif attribute.number and not _positive(name):
        yield NUMBER, f"The attribute {attribute.name} takes a positive number, not {name!r}."
    elif len(name) > 2000:
        yield VALUE_LONG, f"A value of the attribute {attribute.name} has more than 2000 characters."
    elif CHINESE.search(name):
        yield VALUE_CHINESE, f"A value of the attribute {attribute.name} has Chinese characters."
    elif attribute.value_id(name) is None and not attribute.custom:
        yield NO_CUSTOM, f"{name!r} is not a value of the attribute {attribute.name}, which takes no other."


def _missing_attributes(known: Mapping[str, Attribute], chosen: Mapping[str, set[str]]) -> Iterator[Problem]:
    for attribute in known.values():
        if attribute.type != "PRODUCT_PROPERTY" or chosen.get(attribute.id):
            continue
        if attribute.id in chosen and attribute.custom:
            continue
        if attribute.required:
            yield ATTRIBUTE_REQUIRED, f"The attribute {attribute.name} ({attribute.id}) is required in this category."
        elif any(value in chosen.get(other, ()) for other, value in attribute.requires):
            yield (
                ATTRIBUTE_NEEDED,
                f"The attribute {attribute.name} ({attribute.id}) is required by another attribute's value.",
            )


def _certificate_problems(category: Category, given: list[Json]) -> Iterator[Problem]:
    certificate = taxonomy.CERTIFICATIONS.get(category.rule("certification"))
    if certificate and certificate["is_required"]:
        shown = [entry for entry in given if entry.get("id") == certificate["id"]]
        if not any(entry.get("images") or entry.get("files") for entry in shown):
            yield CERTIFICATE_REQUIRED, f"The certification {certificate['name']} is required in this category."


def _size_chart_problems(context: Context, category: Category, chart: Json) -> Iterator[Problem]:
    image, template = chart.get("image") or {}, chart.get("template") or {}
    if image and find_picture(context.tx, str(image.get("uri"))) is None:
        yield CHART_IMAGE, f"The size chart image {image.get('uri')!r} was not uploaded."
    elif template:
        yield CHART_TEMPLATE, f"The size chart template {template.get('id')!r} is unknown."
    elif not image and category.rule("size_chart") == "required":
        yield CHART_REQUIRED, f"A size chart is required in the category {category.name}."


def package_problems(shop: Shop, category: Category, content: Mapping[str, Any]) -> Iterator[Problem]:
    weight, size = content.get("package_weight"), content.get("package_dimensions")
    if not weight:
        yield WEIGHT_MISSING, "The package weight is missing."
    else:
        yield from weight_problems(shop, weight)
    if size:
        yield from dimension_problems(shop, size)
        if weight and (weight.get("unit") in IMPERIAL) != (size.get("unit") in IMPERIAL):
            yield MIXED, "Package weight and dimensions mix metric and imperial units."
    elif category.rule("package_dimension") == "required":
        yield SIZE_INVALID, f"Package dimensions are required in the category {category.name}."


def weight_problems(shop: Shop, weight: Json) -> Iterator[Problem]:
    unit, value = str(weight.get("unit")), decimal(weight.get("value"))
    places = {"GRAM": 0, "KILOGRAM": 3, "POUND": 2}.get(unit)
    if unit in IMPERIAL and unit not in shop.weight_units:
        yield NO_IMPERIAL, f"{unit} is not allowed in the region {shop.region}."
    elif places is None or unit not in shop.weight_units:
        yield WEIGHT_INVALID, f"The weight unit {unit} is not one of {', '.join(shop.weight_units)}."
    elif value is None or value < 0 or value != round(value, places):
        yield WEIGHT_INVALID, f"The weight {weight.get('value')!r} is not a number with at most {places} decimals."
    elif value == 0:
        yield WEIGHT_ZERO, "The weight is zero."
    elif value * KILOGRAMS[unit] > shop.heaviest_kilogram:
        yield WEIGHT_INVALID, f"The weight is over {shop.heaviest_kilogram} kilograms."


def dimension_problems(shop: Shop, size: Json) -> Iterator[Problem]:
    if size.get("unit") not in shop.dimension_units:
        yield SIZE_INVALID, f"The unit of the dimensions is not one of {', '.join(shop.dimension_units)}."
    for side in ("length", "width", "height"):
        if not str(size.get(side, "")).isdigit() or int(size[side]) == 0:
            yield SIZE_INVALID, f"The package {side} {size.get(side)!r} is not a whole number above zero."


def decimal(text: object) -> Decimal | None:
    """A plain decimal number, or None."""
    if not isinstance(text, str) or not text.replace(".", "", 1).isdigit():
        return None
    try:
        return Decimal(text)
    except InvalidOperation:
        return None


def _positive(text: str) -> bool:
    number = decimal(text)
    return number is not None and number > 0
