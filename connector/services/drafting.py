"""A product, its template, policies, mapping and rules in; a draft of its listing out, or the reasons why there is none.

Pure: nothing is read or written here, so that the same input always gives the same draft.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import ROUND_CEILING, Decimal
from hashlib import sha256

from connector.domain.issue import Issue
from connector.domain.listing import (
    AttributeValue,
    Draft,
    DraftSku,
    ProductAttribute,
    SalesAttribute,
)
from connector.domain.product import ProductSnapshot, Salable
from connector.plugins.policies.image import ImagePolicy
from connector.plugins.policies.inventory import InventoryPolicy
from connector.plugins.policies.pricing import PricingPolicy
from connector.rules.products import Value
from connector.services.texts import html, plain

KILOGRAM_PER_POUND = Decimal("0.45359237")
IMPERIAL = frozenset({"US"})
STRICT_SKU = frozenset({"DE", "ES", "FR", "IT", "PL", "NL", "BE", "CZ", "AT", "GR", "PT", "HU"})
"""Regions whose seller SKUs are 6 to 50 letters, digits, hyphens and underscores (202309 Create Product)."""


@dataclass(frozen=True, slots=True)
class AttributeSource:
    """Where one marketplace attribute gets its value (the row `TikTokAttribute`)."""

    attribute_id: str
    name: str
    is_sales: bool
    is_multiple: bool
    is_customizable: bool
    values: tuple[tuple[str, str], ...]
    magento_attribute: str
    value_map: Mapping[str, str]
    default_value_id: str
    default_custom: str


@dataclass(frozen=True, slots=True)
class Template:
    """What a listing template decides, with its policies."""

    name: str
    category_id: str
    image: ImagePolicy
    pricing: PricingPolicy
    inventory: InventoryPolicy
    mapping: tuple[AttributeSource, ...] = ()
    brand_id: str = ""
    size_chart: str = ""
    package_weight: str = ""
    dimensions: Mapping[str, str] | None = None


@dataclass(frozen=True, slots=True)
class Market:
    """The shop and the store that a draft is for. `labels` maps a store attribute's code to its label."""

    region: str
    currency: str
    warehouse_id: str
    weight_unit: str
    media_url: str
    labels: Mapping[str, str]
    codes: Mapping[str, str]
    """attribute id → code, for what configurables vary by"""


@dataclass(frozen=True, slots=True)
class Part:
    """A product or one variant with everything that its offer depends on.

    `values` are labels and numbers by field, `ruled` the price rule's amount, `problem` why there is none, `held` the
    pieces of marketplace orders that the store does not know yet, `last` the quantity that is offered now.
    """

    snapshot: ProductSnapshot
    values: Mapping[str, Value]
    stock: Salable | None
    held: int = 0
    last: int | None = None
    ruled: Decimal | None = None
    problem: Issue | None = None


def build(lead: Part, variants: Sequence[Part], template: Template, market: Market) -> tuple[Draft | None, list[Issue]]:
    """The draft with its warnings, or None with every reason."""
    issues: list[Issue] = []
    if not lead.snapshot.enabled:
        issues.append(Issue("product.disabled", "status", "The product is disabled in Magento: enable it to list it."))
    sold = [part for part in variants if part.snapshot.enabled] if lead.snapshot.child_ids or variants else [lead]
    if not sold:
        issues.append(Issue("product.no_variants", "variants", "None of its variants is enabled in Magento."))
    if lead.snapshot.needs_choices:
        issues.append(
            Issue(
                "product.options",
                "options",
                "It cannot be ordered without custom options, which TikTok Shop does not offer.",
            )
        )
    if not (template.inventory.warehouse or market.warehouse_id):
        issues.append(
            Issue(
                "account.warehouse",
                "warehouse",
                "No TikTok Shop warehouse is known: fetch the account's onboarding data.",
            )
        )
    images = images_of(lead, sold, template.image, market)
    skus = [_sku(part, lead, template, market, issues) for part in sold]
    weight = _weight(sold, template, market)
    draft = Draft(
        title=plain(lead.snapshot.name),
        description=html(_text(lead, "description") or _text(lead, "short_description") or lead.snapshot.name),
        category_id=template.category_id,
        category_version="v2",
        currency=market.currency,
        images=images,
        skus=tuple(sku for sku in skus if sku is not None),
        attributes=tuple(_properties(lead, template.mapping)),
        brand_id=template.brand_id,
        weight_value=weight[0],
        weight_unit=weight[1],
        dimensions=dict(template.dimensions or {}),
        size_chart=template.size_chart,
        external_product_id=str(lead.snapshot.entity_id),
    )
    return (None if any(issue.blocks for issue in issues) else draft), issues


def images_of(lead: Part, sold: Sequence[Part], policy: ImagePolicy, market: Market) -> tuple[str, ...]:
    """Addresses of the product's pictures; those of its first variants where it has none of its own."""
    files = policy.files(lead.snapshot)
    if not files or files == (policy.default_image,):
        own = [file for part in sold for file in policy.files(part.snapshot) if file != policy.default_image]
        files = tuple(dict.fromkeys(own))[: 1 + policy.gallery_images] or files
    return tuple(address(file, market.media_url) for file in files)


def address(file: str, media_url: str) -> str:
    """The full address of a gallery path; an address stays as it is."""
    if file.startswith(("http://", "https://")):
        return file
    return f"{media_url.rstrip('/')}/catalog/product/{file.lstrip('/')}"


def seller_sku(sku: str, region: str) -> str:
    """The store's SKU where the marketplace accepts it, else one made of it that stays the same and stays unique."""
    strict = region in STRICT_SKU
    if re.fullmatch(r"[A-Za-z0-9_-]{6,50}" if strict else r"\S{1,50}", sku):
        return sku
    cleaned = re.sub(r"[^A-Za-z0-9_-]+" if strict else r"\s+", "-", sku).strip("-")
    return f"{cleaned[:41]}-{sha256(sku.encode()).hexdigest()[:8]}"


def _sku(part: Part, lead: Part, template: Template, market: Market, issues: list[Issue]) -> DraftSku | None:
    sku = part.snapshot.sku
    if part.problem is not None:
        issues.append(part.problem)
        return None
    numbers = {code: value for code, value in part.values.items() if isinstance(value, Decimal)}
    priced = template.pricing.price(
        {**numbers, "price": numbers.get("price")}, market.currency, market.region, part.ruled
    )
    if priced.issue is not None:
        issues.append(
            Issue(priced.issue.code, priced.issue.field, f"{sku}: {priced.issue.message}", rule=priced.issue.rule)
        )
    if priced.amount is None:
        return None
    quantity = template.inventory.quantity(part.stock, part.held, part.last)
    warehouse = template.inventory.warehouse or market.warehouse_id
    return DraftSku(
        sku=sku,
        seller_sku=seller_sku(sku, market.region),
        price=priced.amount,
        quantities={warehouse: quantity.pieces},
        sales_attributes=() if part is lead else tuple(_sales(part, lead, template, market)),
        ladder=priced.ladder,
        quantity_steps=quantity.steps,
    )


def _sales(part: Part, lead: Part, template: Template, market: Market) -> list[SalesAttribute]:
    """What a variant differs by, in the configurable's order; the picture stands at the first of them."""
    by_code = {row.magento_attribute: row for row in template.mapping if row.is_sales and row.magento_attribute}
    found: list[SalesAttribute] = []
    for attribute_id in lead.snapshot.variant_attribute_ids:
        code = market.codes.get(attribute_id, "")
        label = part.values.get(code)
        row = by_code.get(code)
        name = row.name if row else market.labels.get(code, code)
        text = str(label) if label is not None else ""
        value_id = _value_id(row, text) if row else ""
        first = not found and template.image.variant_images
        files = template.image.files(part.snapshot) if first else ()
        picture = address(files[0], market.media_url) if files else ""
        found.append(SalesAttribute(name[:20], text[:50], row.attribute_id if row else "", value_id, picture))
    return found


def _properties(lead: Part, mapping: Sequence[AttributeSource]) -> list[ProductAttribute]:
    found = []
    for row in mapping:
        if row.is_sales:
            continue
        values = _values(row, lead.values.get(row.magento_attribute)) if row.magento_attribute else []
        if not values and row.default_value_id:
            values = [AttributeValue(id=row.default_value_id)]
        if not values and row.default_custom:
            values = [AttributeValue(name=row.default_custom)]
        if values:
            found.append(ProductAttribute(row.attribute_id, tuple(values if row.is_multiple else values[:1])))
    return found


def _values(row: AttributeSource, value: Value | None) -> list[AttributeValue]:
    """Marketplace values of a store value: listed ones by id, others by name where custom values are allowed."""
    if value is None or value == "":
        return []
    labels = sorted(value) if isinstance(value, frozenset) else [_shown(value)]
    found = []
    for label in labels:
        value_id = _value_id(row, label)
        if value_id:
            found.append(AttributeValue(id=value_id))
        elif row.is_customizable:
            found.append(AttributeValue(name=label[:2000]))
    return found


def _value_id(row: AttributeSource, label: str) -> str:
    if label in row.value_map:
        return row.value_map[label]
    folded = label.casefold()
    return next((value_id for value_id, name in row.values if name.casefold() == folded), "")


def _shown(value: Value) -> str:
    if isinstance(value, bool):
        return "Yes" if value else "No"
    return f"{value.normalize():f}" if isinstance(value, Decimal) else str(value)


def _weight(sold: Sequence[Part], template: Template, market: Market) -> tuple[str, str]:
    """The heaviest variant's weight in a unit that the region takes, rounded up so that no parcel is under-declared.

    Source: 202309 Create Product, `package_weight`: POUND two decimals (US), KILOGRAM three.
    """
    weights = [part.snapshot.weight for part in sold if part.snapshot.weight]
    weight = max(weights) if weights else Decimal(template.package_weight or 0)
    if weight <= 0:
        return "", ""
    pounds = market.weight_unit == "lbs"
    if market.region in IMPERIAL:
        amount = weight if pounds else weight / KILOGRAM_PER_POUND
        return f"{amount.quantize(Decimal('0.01'), ROUND_CEILING):f}", "POUND"
    amount = weight * KILOGRAM_PER_POUND if pounds else weight
    return f"{amount.quantize(Decimal('0.001'), ROUND_CEILING):f}", "KILOGRAM"


def _text(part: Part, code: str) -> str:
    return str(part.snapshot.attribute(code) or "")
