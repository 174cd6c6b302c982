"""What the marketplace demands of SKUs: attributes, price, stock, codes. Source: "Create Product", error table."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from connector.sandbox.tiktok import taxonomy
from connector.sandbox.tiktok.database import Json
from connector.sandbox.tiktok.images import find_picture
from connector.sandbox.tiktok.products.checks import Context, decimal, dimension_problems, weight_problems
from connector.sandbox.tiktok.products.text_checks import CHINESE, Problem
from connector.sandbox.tiktok.shops import Shop
from connector.sandbox.tiktok.taxonomy import Attribute, Category

TOO_MANY, TOO_MANY_ATTRIBUTES, IMAGES_ON_TWO, LACKS_ATTRIBUTE, ATTRIBUTE_TWICE = (
    12052050,
    12052525,
    12052528,
    12052550,
    12052560,
)
SKU_INVALID, SKU_LONG = 12019059, 12052054
GTIN_DIGITS, GTIN_TWICE, GTIN_TYPE = 12052591, 12052592, 12052600
PRICE_INVALID, PRICE_CURRENCY, PRICE_RANGE, PRICE_MISSING = 12052073, 12052084, 12052570, 12052571
LIST_PRICE_INVALID, LIST_PRICE_UNSUPPORTED = 12052375, 12052376
QUANTITY_LIMIT, QUANTITY_INVALID = 12052055, 12019024
WAREHOUSE_NEEDED, WAREHOUSE_UNKNOWN, WAREHOUSE_NOT_SALES, WAREHOUSE_TWICE = 12019022, 12052097, 12052532, 12052555
VALUE_LONG, VALUE_CHINESE, NO_CUSTOM, VALUE_EMPTY = 12052242, 12052243, 12052240, 12052241
IMAGE_UNKNOWN = 12052722
CODE_LENGTHS = {"GTIN": (14,), "EAN": (8, 13, 14), "UPC": (12,), "ISBN": (13, 10), "JAN": (8, 13)}


def sku_problems(
    context: Context, category: Category, skus: object, kept: frozenset[str] = frozenset()
) -> Iterator[Problem]:
    """`kept`: ids of SKUs that exist already; they keep price and stock when these are not given."""
    if not isinstance(skus, list) or not skus:
        yield LACKS_ATTRIBUTE, "The product has no SKU."
        return
    if len(skus) > context.shop.max_skus:
        yield TOO_MANY, f"The product has {len(skus)} SKUs; {context.shop.max_skus} are allowed."
    yield from _variation_problems(context, category, skus)
    for sku in skus:
        yield from _code_problems(sku)
        old = str(sku.get("id", "")) in kept
        if not (old and "price" not in sku):
            yield from price_problems(context.shop, sku.get("price"))
        yield from list_price_problems(context.shop, sku.get("list_price"))
        if not (old and "inventory" not in sku):
            yield from inventory_problems(context, sku.get("inventory"))
        if sku.get("sku_weight"):
            yield from weight_problems(context.shop, sku["sku_weight"])
        if sku.get("sku_dimensions"):
            yield from dimension_problems(context.shop, sku["sku_dimensions"])
    codes = [code["code"] for sku in skus if isinstance(code := sku.get("identifier_code"), dict) and code.get("code")]
    if len(codes) != len(set(codes)):
        yield GTIN_TWICE, "Two SKUs have the same identifier code."


def _variation_problems(context: Context, category: Category, skus: Sequence[Json]) -> Iterator[Problem]:
    variations = [sku.get("sales_attributes") or [] for sku in skus]
    if not any(variations) and len(skus) == 1:
        return
    names = [sorted(_key(entry) for entry in variation) for variation in variations]
    if len(names[0]) > 3:
        yield TOO_MANY_ATTRIBUTES, "A SKU has more than 3 sales attributes."
    for variation, keys in zip(variations, names, strict=True):
        if len(keys) != len(set(keys)):
            yield ATTRIBUTE_TWICE, "A SKU names one sales attribute twice."
        if not keys or keys != names[0]:
            yield LACKS_ATTRIBUTE, "Every SKU must have the same sales attributes."
        for entry in variation:
            yield from _sales_value_problems(category, entry)
    combinations = [tuple(sorted((_key(entry), _chosen(entry)) for entry in variation)) for variation in variations]
    if len(combinations) != len(set(combinations)):
        yield ATTRIBUTE_TWICE, "Two SKUs have the same values of all sales attributes."
    yield from _picture_problems(context, variations)


def _picture_problems(context: Context, variations: Sequence[list[Json]]) -> Iterator[Problem]:
    pictured = {
        _key(entry) for variation in variations for entry in variation if (entry.get("sku_img") or {}).get("uri")
    }
    if len(pictured) > 1:
        yield IMAGES_ON_TWO, "Only one sales attribute may carry images."
    uris = {
        str(image.get("uri"))
        for variation in variations
        for entry in variation
        for image in [entry.get("sku_img") or {}, *(entry.get("supplementary_sku_images") or [])]
        if image
    }
    for uri in sorted(uris):
        if find_picture(context.tx, uri) is None:
            yield IMAGE_UNKNOWN, f"The SKU image {uri!r} was not uploaded."


def _key(entry: Json) -> str:
    return str(entry.get("id") or "") or str(entry.get("name") or "").casefold()


def _chosen(entry: Json) -> str:
    return str(entry.get("value_id") or "") or str(entry.get("value_name") or "").casefold()


def _sales_value_problems(category: Category, entry: Json) -> Iterator[Problem]:
    known = taxonomy.attributes_of(category.id)
    attribute: Attribute | None = known.get(str(entry.get("id"))) if entry.get("id") else None
    name, value = str(entry.get("name") or ""), str(entry.get("value_name") or "").strip()
    if entry.get("id") and (attribute is None or attribute.type != "SALES_PROPERTY"):
        yield NO_CUSTOM, f"The category {category.name} has no sales attribute {entry['id']}."
    elif not entry.get("id") and not 1 <= len(name.strip()) <= 20:
        yield VALUE_LONG, f"The name {name!r} of a sales attribute must have 1 to 20 characters."
    if entry.get("value_id"):
        return
    if not value:
        yield VALUE_EMPTY, "A sales attribute has no value."
    elif len(value) > 50:
        yield VALUE_LONG, f"The value {value!r} of a sales attribute has more than 50 characters."
    elif CHINESE.search(value + name):
        yield VALUE_CHINESE, "A sales attribute has Chinese characters."
    elif attribute and not attribute.custom and attribute.value_id(value) is None:
        yield NO_CUSTOM, f"{value!r} is not a value of the sales attribute {attribute.name}."


def _code_problems(sku: Json) -> Iterator[Problem]:
    seller_sku = sku.get("seller_sku") or ""
    if not isinstance(seller_sku, str) or re.search(r"\s", seller_sku):
        yield SKU_INVALID, f"The seller SKU {seller_sku!r} has blanks."
    elif len(seller_sku) > 50:
        yield SKU_LONG, f"The seller SKU {seller_sku!r} has more than 50 characters."
    code = sku.get("identifier_code")
    if not code:
        return
    digits, kind = str(code.get("code", "")), str(code.get("type", ""))
    if kind not in CODE_LENGTHS:
        yield GTIN_TYPE, f"The identifier code {digits} has no known type."
    elif (
        not re.fullmatch(r"\d+" if kind != "ISBN" else r"\d{9}[\dX]|\d{13}", digits)
        or len(digits) not in CODE_LENGTHS[kind]
    ):
        yield GTIN_DIGITS, f"{digits!r} is not a {kind}."


def price_problems(shop: Shop, price: object) -> Iterator[Problem]:
    if not isinstance(price, dict) or not (price.get("amount") or price.get("sale_price")):
        yield PRICE_MISSING, "A SKU has no price."
        return
    amount = decimal(price.get("amount") or price.get("sale_price"))
    if price.get("currency") != shop.currency:
        yield (
            PRICE_CURRENCY,
            f"The currency {price.get('currency')} is not for this shop, which sells in {shop.currency}.",
        )
    elif amount is None or amount != round(amount, 2):
        yield PRICE_INVALID, f"The price {price.get('amount')!r} is not an amount with at most two decimals."
    elif not shop.lowest_price <= amount <= shop.highest_price:
        yield (
            PRICE_RANGE,
            f"The price {amount} is not between {shop.lowest_price} and {shop.highest_price} {shop.currency}.",
        )


def list_price_problems(shop: Shop, price: object) -> Iterator[Problem]:
    if not price:
        return
    if shop.region != "US":
        yield LIST_PRICE_UNSUPPORTED, "List prices are supported in the United States only."
    elif not isinstance(price, dict) or decimal(price.get("amount")) is None or price.get("currency") != shop.currency:
        yield LIST_PRICE_INVALID, "A list price is not an amount in the currency of the shop."


def inventory_problems(context: Context, inventory: object) -> Iterator[Problem]:
    if not isinstance(inventory, list) or not inventory:
        yield WAREHOUSE_NEEDED, "A SKU names no warehouse."
        return
    named = [str(entry.get("warehouse_id", "")) for entry in inventory]
    if len(named) != len(set(named)):
        yield WAREHOUSE_TWICE, "A SKU names one warehouse twice."
    for entry in inventory:
        if found := warehouse_problem(context.shop, str(entry.get("warehouse_id", ""))):
            yield found
        if found := quantity_problem(context, entry.get("quantity")):
            yield found


def warehouse_problem(shop: Shop, warehouse_id: str) -> Problem | None:
    kinds = {place.id: place.type for place in shop.warehouses}
    if warehouse_id not in kinds:
        return WAREHOUSE_UNKNOWN, f"The warehouse {warehouse_id} does not exist."
    if kinds[warehouse_id] != "SALES_WAREHOUSE":
        return WAREHOUSE_NOT_SALES, f"The warehouse {warehouse_id} does not sell."
    return None


def quantity_problem(context: Context, quantity: object) -> Problem | None:
    if not isinstance(quantity, int) or isinstance(quantity, bool):
        return QUANTITY_INVALID, f"The quantity {quantity!r} is not a whole number."
    if not (0 if context.zero_quantity else 1) <= quantity <= context.max_quantity:
        return QUANTITY_LIMIT, f"The quantity {quantity} is outside the limits."
    return None
