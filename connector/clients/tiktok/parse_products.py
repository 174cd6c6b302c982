"""Products, categories and shop data of the marketplace as domain values. Fields may be missing or misspelt on the wire."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal, InvalidOperation
from typing import Any

import structlog

from connector.clients.tiktok.envelope import warnings_of
from connector.domain.listing import ConfirmedSku, CreatedProduct, RemoteProduct, Status
from connector.domain.shop import (
    Brand,
    Category,
    CategoryAttribute,
    CategoryRules,
    Shop,
    UploadedImage,
    Warehouse,
)

log = structlog.get_logger(__name__)

Row = Mapping[str, Any]


def money(value: object) -> Decimal:
    """A decimal of the wire; empty, absent and unreadable are zero."""
    try:
        return Decimal(str(value)) if value not in (None, "") else Decimal(0)
    except InvalidOperation:
        log.warning("tiktok_amount_unreadable", value=str(value)[:40])
        return Decimal(0)


def product(row: Row) -> RemoteProduct:
    """Get Product's `data`, or one row of Search Products (which carries no reasons)."""
    return RemoteProduct(
        id=str(row.get("id") or row.get("product_id") or ""),
        title=str(row.get("title") or ""),
        status=status(str(row.get("status") or "")),
        audit_status=str((row.get("audit") or {}).get("status") or "NONE"),
        update_time=int(row.get("update_time") or 0),
        skus={_sku_key(sku): confirmed_sku(sku) for sku in row.get("skus") or ()},
        reasons=_reasons(row),
        raw=row,
    )


def status(text: str) -> Status:
    """The product's status; one that is new to us counts as under review, in which nothing is done to a product."""
    try:
        return Status(text)
    except ValueError:
        log.warning("tiktok_status_unknown", status=text)
        return Status.PENDING


def _sku_key(sku: Row) -> str:
    return str(sku.get("seller_sku") or sku.get("external_sku_id") or sku.get("id") or "")


def confirmed_sku(sku: Row) -> ConfirmedSku:
    """One SKU. A local seller's search answers only the price without tax, Get Product both (section 4.7)."""
    offer = sku.get("price") or {}
    shown = offer.get("sale_price") or offer.get("tax_exclusive_price") or offer.get("amount")
    return ConfirmedSku(
        id=str(sku.get("id") or ""),
        price=money(shown) if shown else None,
        quantities={str(one["warehouse_id"]): int(one.get("quantity") or 0) for one in sku.get("inventory") or ()},
    )


def _reasons(row: Row) -> tuple[str, ...]:
    """Why the audit refused, or why the product waits, as sentences."""
    texts = []
    for failure in row.get("audit_failed_reasons") or ():
        reasons = " ".join(map(str, failure.get("reasons") or ()))
        advice = " ".join(map(str, failure.get("suggestions") or ()))
        text = " ".join(part for part in (reasons, advice) if part)
        position = str(failure.get("position") or "")
        texts.append(f"{position}: {text}" if position and text else text or position)
    audit = row.get("audit") or {}
    texts += [str(one) for key in ("pre_approved_reasons", "not_submitted_reasons") for one in audit.get(key) or ()]
    return tuple(dict.fromkeys(text for text in texts if text))


def created(data: Row) -> CreatedProduct:
    """What a create or an edit answered."""
    return CreatedProduct(
        id=str(data.get("product_id") or ""),
        sku_ids={_sku_key(sku): str(sku.get("id") or "") for sku in data.get("skus") or ()},
        warnings=warnings_of(dict(data)),
    )


def image(data: Row) -> UploadedImage:
    """An uploaded picture; the marketplace may have changed its size."""
    return UploadedImage(
        uri=str(data["uri"]),
        url=str(data.get("url") or ""),
        width=int(data.get("width") or 0),
        height=int(data.get("height") or 0),
    )


def shop(row: Row) -> Shop:
    """One authorised shop."""
    return Shop(
        id=str(row["id"]),
        name=str(row.get("name") or ""),
        region=str(row.get("region") or ""),
        cipher=str(row.get("cipher") or ""),
        seller_type=str(row.get("seller_type") or "LOCAL"),
    )


def warehouse(row: Row) -> Warehouse:
    """One warehouse; a site of two purposes comes twice."""
    return Warehouse(
        id=str(row["id"]),
        name=str(row.get("name") or ""),
        type=str(row.get("type") or ""),
        status=str(row.get("effect_status") or ""),
        is_default=bool(row.get("is_default")),
    )


def category(row: Row) -> Category:
    """One node of the tree."""
    return Category(
        id=str(row["id"]),
        parent_id=str(row.get("parent_id") or "0"),
        name=str(row.get("local_name") or row.get("name") or ""),
        is_leaf=bool(row.get("is_leaf")),
        permissions=tuple(map(str, row.get("permission_statuses") or ())),
    )


def category_attribute(row: Row) -> CategoryAttribute:
    """One attribute; `is_requried` is how the wire spells it."""
    conditions = row.get("requirement_conditions") or ()
    return CategoryAttribute(
        id=str(row["id"]),
        name=str(row.get("name") or ""),
        is_sales=row.get("type") == "SALES_PROPERTY",
        is_required=bool(row.get("is_requried", row.get("is_required"))),
        is_multiple=bool(row.get("is_multiple_selection")),
        is_customizable=bool(row.get("is_customizable")),
        is_number=row.get("value_data_format") == "POSITIVE_INT_OR_DECIMAL",
        values=tuple((str(value["id"]), str(value.get("name") or "")) for value in row.get("values") or ()),
        required_when=tuple((str(one["attribute_id"]), str(one.get("attribute_value_id") or "")) for one in conditions),
    )


def category_rules(data: Row) -> CategoryRules:
    """What a category asks for besides attributes."""
    chart = data.get("size_chart") or {}
    certifications = data.get("product_certifications") or ()
    return CategoryRules(
        size_chart_required=bool(chart.get("is_required")),
        size_chart_supported=bool(chart.get("is_supported")),
        dimensions_required=bool((data.get("package_dimension") or {}).get("is_required")),
        certifications_required=tuple(
            str(one.get("name") or one["id"]) for one in certifications if one.get("is_required")
        ),
    )


def brand(row: Row) -> Brand:
    """One brand; usable when authorised, or when not of the top tier (section 4.1). A refused one is spelt UNAUTHORIEZD."""
    allowed = row.get("authorized_status") == "AUTHORIZED" or not row.get("is_t1_brand")
    return Brand(
        id=str(row["id"]),
        name=str(row.get("name") or ""),
        usable=allowed and row.get("brand_status") != "UNAVAILABLE",
    )
