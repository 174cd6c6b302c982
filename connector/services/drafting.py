"""A product, its template, policies, mapping and rules in; a draft of its listing out, or the reasons why there is none.

Pure: nothing is read or written here, so that the same input always gives the same draft.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from decimal import ROUND_CEILING, Decimal
from hashlib import sha256
from typing import Any

from connector.domain.issue import Issue
from connector.domain.listing import (
    AttributeValue,
    Draft,
    DraftSku,
    ProductAttribute,
    SalesAttribute,
)
from connector.domain.product import ProductSnapshot, Salable, StockSource
from connector.plugins.policies.image import ImagePolicy
from connector.plugins.policies.inventory import InventoryPolicy
from connector.plugins.policies.pricing import PricingPolicy
from connector.rules.metadata import SPECIAL_FROM, SPECIAL_TO
from connector.rules.products import Value
from connector.services import pictures
from connector.services.pictures import Pictures, choice
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
    only_when: tuple[tuple[str, str], ...] = ()
    """(attribute id, value id) pairs: a default goes out only when one of them holds; empty means always"""


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
    website_id: int = 0
    """0: any"""
    warehouses: frozenset[str] = frozenset()
    """ids of those that may sell; none known: any"""
    today: date | None = None
    """the store's day, which decides whether a special price runs; None: it does"""
    sources: tuple[StockSource, ...] | None = None
    """every source of the store; None: not known, empty: it has none (no MSI)"""


@dataclass(frozen=True, slots=True)
class Part:
    """A product or one variant with everything that its offer depends on.

    `values` are labels and numbers by field, `ruled` the price rule's amount and `decision` how it came about, `problem` why there is none, `held` the
    pieces of marketplace orders that the store does not know yet, `last` the quantity that is offered now.
    """

    snapshot: ProductSnapshot
    values: Mapping[str, Value]
    stock: Salable | None
    held: int = 0
    last: int | None = None
    ruled: Decimal | None = None
    problem: Issue | None = None
    decision: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Built:
    """The draft with its warnings, or None with every reason. `quantities`: seller SKU → warehouse → pieces, in any case."""

    draft: Draft | None
    issues: list[Issue]
    quantities: dict[str, dict[str, int]]


def build(lead: Part, variants: Sequence[Part], template: Template, market: Market) -> Built:
    """A listing as it should be."""
    sold = _sold(lead, variants, market)
    issues = [
        *_product_issues(lead, sold, market),
        *_warehouse_issues(template.inventory, market),
        *_source_issues(template.inventory, market),
    ]
    images = pictures.of_product(lead, sold, template.image, market)
    shown = pictures.of_values(lead, sold, template.image, market)
    skus = [_sku(part, lead, template, market, shown, issues) for part in sold]
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
        dimensions=_dimensions(template.dimensions or {}, market),
        size_chart=template.size_chart,
        external_product_id=str(lead.snapshot.entity_id),
    )
    blocked = any(issue.blocks for issue in issues)
    return Built(None if blocked else draft, issues, quantities(lead, variants, template.inventory, market))


def quantities(
    lead: Part, variants: Sequence[Part], policy: InventoryPolicy, market: Market
) -> dict[str, dict[str, int]]:
    """Seller SKU → warehouse → pieces of everything that can be sold."""
    warehouse = policy.warehouse or market.warehouse_id
    return {
        seller_sku(part.snapshot.sku, market.region): {
            warehouse: policy.quantity(part.stock, part.held, part.last).pieces
        }
        for part in _sold(lead, variants, market)
    }


UNSOLD_TYPES = {
    "bundle": "a bundle",
    "grouped": "a group of products",
    "downloadable": "a download",
    "giftcard": "a gift card",
}
"""Magento types that are no single thing to ship, which is all that TikTok Shop sells."""

WITHDRAWING = frozenset(
    {"product.disabled", "product.no_variants", "product.options", "product.type", "product.website"}
)
"""Issues of a product that the store itself would not sell: buyers must not see it either."""


def _sold(lead: Part, variants: Sequence[Part], market: Market) -> list[Part]:
    """What buyers can choose from: the product itself, or the variants of a configurable that the store sells."""
    if lead.snapshot.type_id != "configurable" and not variants:
        return [lead]
    return [
        part
        for part in variants
        if part.snapshot.enabled and not part.snapshot.needs_choices and _on_website(part, market)
    ]


def _on_website(part: Part, market: Market) -> bool:
    websites = part.snapshot.extension.get("website_ids")
    return websites is None or not market.website_id or market.website_id in {int(number) for number in websites}


def _product_issues(lead: Part, sold: Sequence[Part], market: Market) -> list[Issue]:
    found = []
    kind = UNSOLD_TYPES.get(lead.snapshot.type_id)
    if kind:
        text = f"It is {kind}: TikTok Shop sells single products only. List the products in it instead."
        found.append(Issue("product.type", "type", text))
    if not lead.snapshot.enabled:
        found.append(Issue("product.disabled", "status", "The product is disabled in Magento: enable it to list it."))
    if not _on_website(lead, market):
        text = "The product is not in the website of the account's store view: add it there in Magento."
        found.append(Issue("product.website", "website", text))
    if not sold:
        text = "None of its variants can be sold: enable at least one in Magento."
        found.append(Issue("product.no_variants", "variants", text))
    if lead.snapshot.needs_choices:
        text = "It cannot be ordered without custom options, which TikTok Shop does not offer: make them optional."
        found.append(Issue("product.options", "options", text))
    return found


def _warehouse_issues(policy: InventoryPolicy, market: Market) -> list[Issue]:
    warehouse = policy.warehouse or market.warehouse_id
    if not warehouse:
        text = "No TikTok Shop warehouse is known: fetch the account's onboarding data."
        return [Issue("account.warehouse", "warehouse", text)]
    if market.warehouses and warehouse not in market.warehouses:
        text = f"The warehouse {warehouse} does not sell for this shop: choose another in the inventory policy."
        return [Issue("account.warehouse", "warehouse", text)]
    return []


def _source_issues(policy: InventoryPolicy, market: Market) -> list[Issue]:
    """Warnings: chosen sources that add no pieces, and why."""
    if not policy.sources or market.sources == ():
        return []
    if market.sources is None:
        text = (
            "What the sources of the inventory policy hold is not known: no more is offered than now. It is read with the "
            "stock; the integration needs the right Magento_InventoryApi::source in Magento."
        )
        return [Issue("inventory.sources", "inventory", text, severity="warning")]
    known = {source.code: source for source in market.sources}
    found = []
    for code in dict.fromkeys(policy.sources):
        source = known.get(code)
        if source is None:
            why = "does not exist in Magento any more"
        elif not source.enabled:
            why = "is disabled in Magento"
        elif not source.sells:
            why = "is not in the stock that the account's website sells from"
        else:
            continue
        text = f"The source “{code}” of the inventory policy {why} and counts nothing: change it there, or the policy."
        found.append(Issue("inventory.sources", "inventory", text, severity="warning"))
    return found


def seller_sku(sku: str, region: str) -> str:
    """The store's SKU where the marketplace accepts it, else one made of it that stays the same and stays unique."""
    strict = region in STRICT_SKU
    if re.fullmatch(r"[A-Za-z0-9_-]{6,50}" if strict else r"\S{1,50}", sku):
        return sku
    cleaned = re.sub(r"[^A-Za-z0-9_-]+" if strict else r"\s+", "-", sku).strip("-")
    return f"{cleaned[:41]}-{sha256(sku.encode()).hexdigest()[:8]}"


def _sku(
    part: Part, lead: Part, template: Template, market: Market, shown: Pictures, issues: list[Issue]
) -> DraftSku | None:
    sku = part.snapshot.sku
    if part.problem is not None:
        issues.append(part.problem)
        return None
    priced = template.pricing.price(prices_of(part.values, market.today), market.currency, market.region, part.ruled)
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
        sales_attributes=() if part is lead else tuple(_sales(part, lead, template, market, shown)),
        ladder=priced.ladder,
        quantity_steps=quantity.steps,
        decision=part.decision,
    )


def prices_of(values: Mapping[str, Value], today: date | None) -> dict[str, Decimal | None]:
    """A product's numbers by attribute: a special price only on its days, and the `final_price` that follows from it."""
    numbers: dict[str, Decimal | None] = {
        code: value for code, value in values.items() if isinstance(value, Decimal) and code != "special_price"
    }
    special = values.get("special_price")
    first, last = values.get(SPECIAL_FROM), values.get(SPECIAL_TO)
    begun = today is None or not isinstance(first, date) or first <= today
    over = today is not None and isinstance(last, date) and last < today
    if isinstance(special, Decimal) and begun and not over:
        numbers["special_price"] = special
    return {**numbers, "final_price": numbers.get("special_price", numbers.get("price"))}


def _sales(part: Part, lead: Part, template: Template, market: Market, shown: Pictures) -> list[SalesAttribute]:
    """What a variant differs by, in the configurable's order, with the picture of its value."""
    by_code = {row.magento_attribute: row for row in template.mapping if row.is_sales and row.magento_attribute}
    found: list[SalesAttribute] = []
    for attribute_id in lead.snapshot.variant_attribute_ids:
        code = market.codes.get(attribute_id, "")
        row = by_code.get(code)
        name = row.name if row else market.labels.get(code, code)
        text = choice(part, code)
        value_id = _value_id(row, text) if row else ""
        picture = shown.get((code, text), "")
        found.append(SalesAttribute(name[:20], text[:50], row.attribute_id if row else "", value_id, picture))
    return found


def _properties(lead: Part, mapping: Sequence[AttributeSource]) -> list[ProductAttribute]:
    """What the product says of itself, then defaults; those that depend on another attribute's value come last."""
    found: dict[str, ProductAttribute] = {}
    for row in sorted((row for row in mapping if not row.is_sales), key=lambda row: bool(row.only_when)):
        values = _values(row, lead.values.get(row.magento_attribute)) if row.magento_attribute else []
        values = values or _default(row, found)
        if values:
            chosen = tuple(values if row.is_multiple else values[:1])
            found[row.attribute_id] = ProductAttribute(row.attribute_id, chosen)
    return [found[row.attribute_id] for row in mapping if row.attribute_id in found]


def _default(row: AttributeSource, given: Mapping[str, ProductAttribute]) -> list[AttributeValue]:
    """The default value; of an attribute that another one's value asks for, only when it does."""
    chosen = {(other.id, value.id) for other in given.values() for value in other.values}
    if row.only_when and not chosen.intersection(row.only_when):
        return []
    if row.default_value_id:
        return [AttributeValue(id=row.default_value_id)]
    return [AttributeValue(name=row.default_custom)] if row.default_custom else []


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


INCH = Decimal("2.54")
"""Centimetres."""


def _dimensions(given: Mapping[str, str], market: Market) -> dict[str, str]:
    """Package dimensions in the unit system of the weight, which the marketplace does not let differ; rounded up.

    Source: 202309 Create Product, `package_dimensions`: whole numbers, INCH or CENTIMETER in the US, CENTIMETER elsewhere.
    """
    if not given:
        return {}
    unit = "INCH" if market.region in IMPERIAL else "CENTIMETER"
    own = str(given.get("unit") or unit).upper()
    factor = {("CENTIMETER", "INCH"): 1 / INCH, ("INCH", "CENTIMETER"): INCH}.get((own, unit), Decimal(1))
    sides = {side: _length(str(given.get(side) or ""), factor) for side in ("length", "width", "height")}
    return {**sides, "unit": unit}


def _length(text: str, factor: Decimal) -> str:
    """A whole number of the unit; text that is no number stays, for the validation to name."""
    try:
        return f"{(Decimal(text) * factor).quantize(Decimal(1), ROUND_CEILING):f}"
    except ArithmeticError:
        return text


def _text(part: Part, code: str) -> str:
    return str(part.snapshot.attribute(code) or "")
