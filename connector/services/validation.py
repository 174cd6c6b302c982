"""What keeps a draft from being accepted: the marketplace's published rules, checked before anything is sent."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal

from connector.domain.issue import Issue
from connector.domain.listing import Draft
from connector.domain.shop import CategoryAttribute, CategoryRules

LONG_TITLES = frozenset({"DE", "ES", "FR", "IE", "IT", "JP", "GB", "US"})
WIDE_CATALOGUES = frozenset({"BR", "DE", "ES", "FR", "IE", "IT", "JP", "MX", "GB", "US"})
HEAVIEST = {"POUND": Decimal(150), "KILOGRAM": Decimal(30)}


@dataclass(frozen=True, slots=True)
class CategoryFacts:
    """What is known of a draft's category. `available` is False for one that may not be listed in."""

    known: bool
    available: bool
    attributes: Sequence[CategoryAttribute]
    rules: CategoryRules


def check(draft: Draft, region: str, category: CategoryFacts) -> list[Issue]:
    """All reasons at once, each with what to change."""
    return [
        *_texts(draft, region),
        *_category(draft, category),
        *_pictures(draft, category.rules),
        *_skus(draft, region),
        *_package(draft, category.rules),
    ]


def _texts(draft: Draft, region: str) -> list[Issue]:
    shortest, longest = (1, 255) if region in LONG_TITLES else (25, 255)
    found = []
    if not shortest <= len(draft.title) <= longest:
        found.append(
            Issue(
                "title.length",
                "name",
                f"The title has {len(draft.title)} characters; TikTok Shop takes {shortest} to {longest}.",
            )
        )
    if re.search(r"(.)\1{9}", draft.title):
        found.append(Issue("title.repeated", "name", "The title repeats one character ten times or more."))
    if not re.sub(r"<[^>]*>|\s", "", draft.description):
        found.append(Issue("description.empty", "description", "The description is empty."))
    return found


def _category(draft: Draft, category: CategoryFacts) -> list[Issue]:
    if not draft.category_id:
        return [Issue("category.empty", "category", "The listing template has no TikTok Shop category: choose one.")]
    if category.known and not category.available:
        return [
            Issue(
                "category.unavailable",
                "category",
                "TikTok Shop does not let this shop list in the template's category: choose another.",
            )
        ]
    given = {attribute.id: {value.id for value in attribute.values} for attribute in draft.attributes}
    found = []
    for attribute in category.attributes:
        if attribute.is_sales or attribute.id in given:
            continue
        due = attribute.is_required or any(value in given.get(other, ()) for other, value in attribute.required_when)
        if due:
            text = f"“{attribute.name}” is required by TikTok Shop: map it to a Magento attribute, fill it in, or set a default."
            found.append(Issue("attribute.required", attribute.name, text))
    return found


def _pictures(draft: Draft, rules: CategoryRules) -> list[Issue]:
    found = []
    if not draft.images:
        found.append(
            Issue(
                "image.none",
                "images",
                "The product has no picture: add one in Magento, or set a default in the image policy.",
            )
        )
    if rules.size_chart_required and not draft.size_chart:
        found.append(
            Issue(
                "size_chart.required", "size_chart", "This category needs a size chart: give the listing template one."
            )
        )
    return found


def _skus(draft: Draft, region: str) -> list[Issue]:
    found = []
    most = 300 if region in WIDE_CATALOGUES else 100
    if len(draft.skus) > most:
        found.append(Issue("sku.too_many", "variants", f"{len(draft.skus)} variants; TikTok Shop takes {most}."))
    seen: dict[tuple[tuple[str, str], ...], str] = {}
    for sku in draft.skus:
        combination = tuple((a.name, a.value) for a in sku.sales_attributes)
        if len(combination) > 3:
            found.append(Issue("sku.attributes", "variants", f"{sku.sku} varies by more than three attributes."))
        if any(not value for _, value in combination):
            found.append(Issue("sku.value", "variants", f"{sku.sku} has no value for what the product varies by."))
        if combination and combination in seen:
            found.append(
                Issue(
                    "sku.duplicate",
                    "variants",
                    f"{sku.sku} and {seen[combination]} have the same {', '.join(name for name, _ in combination)}.",
                )
            )
        seen[combination] = sku.sku
    return found


def _package(draft: Draft, rules: CategoryRules) -> list[Issue]:
    found = []
    if not draft.weight_value:
        found.append(
            Issue(
                "weight.empty",
                "weight",
                "The weight is empty: fill it in in Magento, or give the listing template a package weight.",
            )
        )
    elif Decimal(draft.weight_value) > HEAVIEST[draft.weight_unit]:
        found.append(
            Issue(
                "weight.heavy",
                "weight",
                f"{draft.weight_value} {draft.weight_unit.lower()} is more than TikTok Shop ships.",
            )
        )
    if rules.dimensions_required and not draft.dimensions:
        found.append(
            Issue(
                "dimensions.required",
                "dimensions",
                "This category needs package dimensions: give the listing template some.",
            )
        )
    return found
