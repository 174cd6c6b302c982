"""What keeps a draft from being accepted: the marketplace's published rules, checked before anything is sent.

Source of the limits: TikTok Shop 202309 Create Product (fields, error table 12052…), Get Category Attributes and Rules.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation

from connector.domain.issue import Issue
from connector.domain.listing import AttributeValue, Draft, DraftSku, Listing, SalesAttribute, Status
from connector.domain.shop import CategoryAttribute, CategoryRules

LONG_TITLES = frozenset({"DE", "ES", "FR", "IE", "IT", "JP", "GB", "US"})
LONGER_TITLES = frozenset({"BR", "MX"})
EUROPEAN_UNION = frozenset({"AT", "BE", "CZ", "DE", "ES", "FR", "GR", "HU", "IE", "IT", "NL", "PL", "PT"})
WIDE_CATALOGUES = EUROPEAN_UNION | {"BR", "JP", "MX", "GB", "US"}
HEAVIEST = {"POUND": Decimal(150), "KILOGRAM": Decimal(30)}
MOST_ATTRIBUTES, LONGEST_VALUE, LONGEST_TEXT, MOST_IMAGES = 3, 2000, 10_000, 9
SIDES = ("length", "width", "height")
CHINESE = re.compile("[\u3400-\u4dbf\u4e00-\u9fff]")


@dataclass(frozen=True, slots=True)
class CategoryFacts:
    """What is known of a draft's category. `available` is False for one that may not be listed in; `path` names it."""

    known: bool
    available: bool
    attributes: Sequence[CategoryAttribute]
    rules: CategoryRules
    path: str = ""


def check(draft: Draft, region: str, category: CategoryFacts, listing: Listing | None = None) -> list[Issue]:
    """All reasons at once, each with the value, the limit and what to change. `listing` is what is on the marketplace."""
    return [
        *_title(draft, region),
        *_description(draft),
        *_category(draft, category),
        *_attributes(draft, category.attributes),
        *_pictures(draft, category.rules),
        *_variants(draft, region, category.attributes),
        *_weight(draft),
        *_dimensions(draft, category.rules),
        *_stock(draft, listing or Listing()),
    ]


def _title(draft: Draft, region: str) -> Iterator[Issue]:
    shortest = 1 if region in LONG_TITLES | LONGER_TITLES else 25
    longest = 300 if region in LONGER_TITLES else 255
    shown = draft.title if len(draft.title) <= 60 else draft.title[:57] + "…"
    if not draft.title:
        yield Issue("title.empty", "name", "The product has no name: give it one in Magento.")
    elif not shortest <= len(draft.title) <= longest:
        text = f"The name “{shown}” has {len(draft.title)} characters; TikTok Shop takes {shortest} to {longest}."
        yield Issue("title.length", "name", f"{text} Change the product's name in Magento.")
    if CHINESE.search(draft.title):
        text = f"The name “{shown}” has Chinese characters, which TikTok Shop does not take: translate it."
        yield Issue("title.characters", "name", text)
    if draft.title and not any(sign.isalnum() for sign in draft.title):
        yield Issue("title.symbols", "name", f"The name “{shown}” has no letter or digit: give it a name in words.")
    if found := re.search(r"(\S)\1{9}", draft.title):
        text = f"The name “{shown}” repeats “{found[1]}” ten times or more: take the repetition out."
        yield Issue("title.repeated", "name", text)


def _description(draft: Draft) -> Iterator[Issue]:
    told = re.sub(r"<[^>]*>|\s", "", draft.description)
    if not told:
        yield Issue("description.empty", "description", "The description is empty: write one in Magento.")
    elif not any(sign.isalnum() for sign in told):
        yield Issue("description.symbols", "description", "The description has no words: write one in Magento.")
    if len(draft.description) > LONGEST_TEXT:
        text = f"The description has {len(draft.description)} characters; TikTok Shop takes {LONGEST_TEXT}: shorten it."
        yield Issue("description.length", "description", text)


def _category(draft: Draft, category: CategoryFacts) -> Iterator[Issue]:
    if not draft.category_id:
        text = "The listing template has no TikTok Shop category: choose one."
        yield Issue("category.empty", "category", text)
    elif not category.known:
        text = f"TikTok Shop has no category {draft.category_id} (any more): choose another in the listing template."
        yield Issue("category.unknown", "category", text)
    elif not category.available:
        text = f"TikTok Shop does not let this shop list in “{category.path}”: choose another in the listing template."
        yield Issue("category.unavailable", "category", text)
    for name in category.rules.certifications_required:
        text = (
            f"The category “{category.path}” asks for the document “{name}”, which has to be uploaded in the Seller Center: "
            "list the product there, or choose another category."
        )
        yield Issue("certificate.required", "category", text)


def _attributes(draft: Draft, known: Sequence[CategoryAttribute]) -> Iterator[Issue]:
    given = {attribute.id: {value.id for value in attribute.values} for attribute in draft.attributes}
    by_id = {attribute.id: attribute for attribute in known}
    for attribute in known:
        if attribute.is_sales or attribute.id in given:
            continue
        asked_by = [other for other, value in attribute.required_when if value in given.get(other, ())]
        if attribute.is_required or asked_by:
            names = [by_id[other].name for other in asked_by if other in by_id]
            yield _missing(attribute, "" if attribute.is_required or not names else names[0])
    for entry in draft.attributes:
        if entry.id in by_id:
            for value in entry.values:
                yield from _value(by_id[entry.id], value)


def _missing(attribute: CategoryAttribute, asked_by: str) -> Issue:
    why = f" because of the value of “{asked_by}”" if asked_by else ""
    if attribute.values:
        names = ", ".join(name for _, name in attribute.values[:5]) + (", …" if len(attribute.values) > 5 else "")
        how = f"choose a default ({names})"
    else:
        how = "write a default number" if attribute.is_number else "write a default text"
    text = (
        f"“{attribute.name}” is required by TikTok Shop in this category{why}: under TikTok Attributes, map it to a Magento "
        f"attribute that the product has, or {how}."
    )
    return Issue("attribute.required", attribute.name, text)


def _value(attribute: CategoryAttribute, value: AttributeValue) -> Iterator[Issue]:
    field, where = attribute.name, "under TikTok Attributes"
    if value.id:
        if not attribute.is_customizable and value.id not in dict(attribute.values):
            text = f"“{field}” has a value that TikTok Shop does not list any more: choose another {where}."
            yield Issue("attribute.value", field, text)
        return
    listed = {name.casefold() for _, name in attribute.values}
    if attribute.is_number and not _positive(value.name):
        text = f"“{field}” takes a number above zero, not “{value.name[:60]}”: change it in Magento, or its mapping {where}."
        yield Issue("attribute.number", field, text)
    elif not attribute.is_customizable and value.name.casefold() not in listed:
        text = f"“{value.name[:60]}” is no value of “{field}”: map it to one of TikTok Shop's values {where}."
        yield Issue("attribute.value", field, text)
    if len(value.name) > LONGEST_VALUE:
        text = f"“{field}” has {len(value.name)} characters; TikTok Shop takes {LONGEST_VALUE}: shorten it."
        yield Issue("attribute.length", field, text)
    if CHINESE.search(value.name):
        text = f"“{field}” has Chinese characters (“{value.name[:60]}”), which TikTok Shop does not take: translate it."
        yield Issue("attribute.characters", field, text)


def _positive(text: str) -> bool:
    try:
        return bool(re.fullmatch(r"\d+(\.\d+)?", text.strip())) and Decimal(text.strip()) > 0
    except InvalidOperation:
        return False


def _pictures(draft: Draft, rules: CategoryRules) -> Iterator[Issue]:
    if not draft.images:
        text = "The product has no picture: add one in Magento, or set a default in the image policy."
        yield Issue("image.none", "images", text)
    elif len(draft.images) > MOST_IMAGES:
        text = f"{len(draft.images)} pictures; TikTok Shop takes {MOST_IMAGES}: lower the gallery in the image policy."
        yield Issue("image.count", "images", text)
    if rules.size_chart_required and not draft.size_chart:
        text = "This category needs a size chart: give the listing template the address of one."
        yield Issue("size_chart.required", "size_chart", text)


def _variants(draft: Draft, region: str, known: Sequence[CategoryAttribute]) -> Iterator[Issue]:
    most = 300 if region in WIDE_CATALOGUES else 100
    if len(draft.skus) > most:
        text = (
            f"{len(draft.skus)} variants; TikTok Shop takes {most} for one product: split the configurable product in "
            "Magento, or disable variants."
        )
        yield Issue("sku.too_many", "variants", text)
    yield from _twice((sku.seller_sku.casefold(), sku.sku) for sku in draft.skus)
    yield from _combinations(draft.skus)
    by_id = {attribute.id: attribute for attribute in known if attribute.is_sales}
    for sku in draft.skus:
        yield from _sales_attributes(sku, by_id)


def _twice(names: Iterable[tuple[str, str]]) -> Iterator[Issue]:
    seen: dict[str, str] = {}
    for seller_sku, sku in names:
        if seller_sku in seen:
            text = f"{sku} and {seen[seller_sku]} have the same seller SKU “{seller_sku}”: change one SKU in Magento."
            yield Issue("sku.seller_sku", "sku", text)
        seen[seller_sku] = sku


def _combinations(skus: Sequence[DraftSku]) -> Iterator[Issue]:
    """Every variant has a choice of its own, as the marketplace compares them: by id, else by name whatever the case."""
    if len(skus) > 1 and not all(sku.sales_attributes for sku in skus):
        text = "Its variants differ by no attribute: give the configurable product an attribute that they vary by."
        yield Issue("sku.no_attributes", "variants", text)
        return
    seen: dict[tuple[tuple[str, str], ...], str] = {}
    for sku in skus:
        combination = tuple(
            (one.id or one.name.casefold(), one.value_id or one.value.casefold()) for one in sku.sales_attributes
        )
        if combination and combination in seen:
            names = ", ".join(f"{one.name} “{one.value}”" for one in sku.sales_attributes)
            text = (
                f"{sku.sku} and {seen[combination]} are the same to TikTok Shop ({names}): change or map one of them."
            )
            yield Issue("sku.duplicate", "variants", text)
        seen.setdefault(combination, sku.sku)


def _sales_attributes(sku: DraftSku, known: dict[str, CategoryAttribute]) -> Iterator[Issue]:
    if len(sku.sales_attributes) > MOST_ATTRIBUTES:
        names = ", ".join(one.name for one in sku.sales_attributes)
        text = f"{sku.sku} varies by {len(sku.sales_attributes)} attributes ({names}); TikTok Shop takes {MOST_ATTRIBUTES}."
        yield Issue("sku.attributes", "variants", f"{text} Split the configurable product in Magento.")
    for one in sku.sales_attributes:
        yield from _choice(sku.sku, one, known.get(one.id))


def _choice(sku: str, one: SalesAttribute, attribute: CategoryAttribute | None) -> Iterator[Issue]:
    if not one.value:
        yield Issue("sku.value", one.name, f"{sku} has no value for {one.name}, which it varies by: set it in Magento.")
    elif CHINESE.search(one.value + one.name):
        text = f"{sku}: {one.name} “{one.value}” has Chinese characters, which TikTok Shop does not take: translate it."
        yield Issue("sku.characters", one.name, text)
    elif attribute and not one.value_id and not attribute.is_customizable:
        text = (
            f"{sku}: “{one.value}” is no value of {one.name}: map it to one of TikTok Shop's under TikTok Attributes."
        )
        yield Issue("sku.value_unknown", one.name, text)
    elif attribute and one.value_id and not attribute.is_customizable and one.value_id not in dict(attribute.values):
        text = f"{sku}: the value that {one.name} “{one.value}” is mapped to is not listed any more: map it anew."
        yield Issue("sku.value_unknown", one.name, text)


def _weight(draft: Draft) -> Iterator[Issue]:
    if not draft.weight_value:
        text = "The weight is empty: fill it in in Magento, or give the listing template a package weight."
        yield Issue("weight.empty", "weight", text)
        return
    most = HEAVIEST[draft.weight_unit]
    if Decimal(draft.weight_value) > most:
        unit = draft.weight_unit.lower()
        text = f"{draft.weight_value} {unit} is more than TikTok Shop ships ({most} {unit}): correct the weight in Magento."
        yield Issue("weight.heavy", "weight", text)


def _dimensions(draft: Draft, rules: CategoryRules) -> Iterator[Issue]:
    if rules.dimensions_required and not draft.dimensions:
        text = "This category needs package dimensions: give the listing template some."
        yield Issue("dimensions.required", "dimensions", text)
    if not draft.dimensions:
        return
    for side in SIDES:
        value = str(draft.dimensions.get(side) or "")
        if not value.isdigit() or int(value) == 0:
            text = f"The package {side} “{value}” is no whole number above zero: correct it in the listing template."
            yield Issue("dimensions.value", "dimensions", text)


def _stock(draft: Draft, listing: Listing) -> Iterator[Issue]:
    """A product that is not there yet needs a piece to sell: newer documents take a quantity from 1 on in a create."""
    there = listing.remote_id and listing.status is not Status.DELETED
    if not there and draft.skus and not any(sku.quantity for sku in draft.skus):
        text = "The store has nothing of it to sell now: it is uploaded as soon as there is stock."
        yield Issue("stock.none", "quantity", text)
