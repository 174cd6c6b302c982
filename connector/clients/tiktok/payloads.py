"""A draft as the marketplace's create and edit bodies (reference sections 4.3 and 4.4)."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from decimal import Decimal
from typing import Any

from connector.domain.listing import Draft, DraftSku, ProductAttribute, SalesAttribute
from connector.domain.money import from_minor, to_minor
from connector.errors import RejectedError

MAX_QUANTITY = 99_999
NAME_LENGTH = 20
VALUE_LENGTH = 50
MAX_IMAGES = 9

_IMG = re.compile(r"<img\b[^>]*>", re.IGNORECASE)
_SRC = re.compile(r"""\bsrc\s*=\s*(?:"([^"]*)"|'([^']*)'|([^\s>]+))""", re.IGNORECASE)


def create_body(draft: Draft, images: Mapping[str, str], idempotency_key: str) -> dict[str, Any]:
    """The body of Create Product. `images` maps a source URL to what the marketplace calls it: the uri for the pictures
    of product, variants and size chart, the marketplace's own URL for those in the description."""
    return {"save_mode": "LISTING", **checked_body(draft, images), "idempotency_key": idempotency_key}


def checked_body(draft: Draft, images: Mapping[str, str]) -> dict[str, Any]:
    """The part that Check Product Listing takes too."""
    return {**_content(draft, images), "skus": [_new_sku(draft, sku, images) for sku in draft.skus]}


def edit_body(
    draft: Draft, images: Mapping[str, str], sku_ids: Mapping[str, str], moved: Mapping[str, Mapping[str, int]]
) -> dict[str, Any]:
    """The body of a full edit. SKUs that the marketplace knows go by their id and without price and inventory, which
    then keep their values; `moved` ones bring their inventory, new ones both."""
    skus = []
    for sku in draft.skus:
        if sku_id := sku_ids.get(sku.seller_sku):
            stock = {"inventory": inventory(moved[sku.seller_sku])} if sku.seller_sku in moved else {}
            skus.append({"id": sku_id, **_sku(draft, sku, images), **stock})
        else:
            skus.append(_new_sku(draft, sku, images))
    return {"save_mode": "LISTING", **_content(draft, images), "skus": skus}


def price(amount: Decimal, currency: str) -> dict[str, str]:
    """A price to write, in the currency's own precision; finer amounts are refused, never rounded in passing."""
    try:
        exact = from_minor(to_minor(amount, currency), currency)
    except ValueError as exc:
        raise RejectedError(str(exc), system="tiktok", code="price_precision") from exc
    return {"amount": format(exact, "f"), "currency": currency}


def inventory(quantities: Mapping[str, int]) -> list[dict[str, Any]]:
    """Pieces per warehouse within what the marketplace can hold."""
    return [
        {"warehouse_id": warehouse, "quantity": min(max(int(pieces), 0), MAX_QUANTITY)}
        for warehouse, pieces in quantities.items()
    ]


def description(html: str, images: Mapping[str, str]) -> str:
    """`html` with pictures that the marketplace holds; others are left out, it would refuse the whole text for them."""

    def hosted(match: re.Match[str]) -> str:
        tag = match[0]
        found = _SRC.search(tag)
        target = images.get(next((part for part in found.groups() if part is not None), "")) if found else None
        if found is None or not target or not target.startswith(("https://", "http://")):
            return ""
        return f'{tag[: found.start()]}src="{target}"{tag[found.end() :]}'

    return _IMG.sub(hosted, html)


def _content(draft: Draft, images: Mapping[str, str]) -> dict[str, Any]:
    body: dict[str, Any] = {
        "title": draft.title,
        "description": description(draft.description, images),
        "category_id": draft.category_id,
        "main_images": [{"uri": images[url]} for url in draft.images[:MAX_IMAGES] if images.get(url)],
    }
    optional = {
        "category_version": draft.category_version,
        "brand_id": draft.brand_id,
        "product_attributes": [_attribute(one) for one in draft.attributes if one.values],
        "package_weight": {"value": draft.weight_value, "unit": draft.weight_unit} if draft.weight_value else None,
        "package_dimensions": {key: str(value) for key, value in draft.dimensions.items()},
        "size_chart": {"image": {"uri": images[draft.size_chart]}} if images.get(draft.size_chart) else None,
        "external_product_id": draft.external_product_id,
    }
    return body | {key: value for key, value in optional.items() if value}


def _attribute(attribute: ProductAttribute) -> dict[str, Any]:
    values = [{"id": value.id} if value.id else {"name": value.name} for value in attribute.values]
    return {"id": attribute.id, "values": values}


def _new_sku(draft: Draft, sku: DraftSku, images: Mapping[str, str]) -> dict[str, Any]:
    return {
        **_sku(draft, sku, images),
        "price": price(sku.price, draft.currency),
        "inventory": inventory(sku.quantities),
    }


def _sku(draft: Draft, sku: DraftSku, images: Mapping[str, str]) -> dict[str, Any]:
    body: dict[str, Any] = {"seller_sku": sku.seller_sku, "external_sku_id": sku.sku}
    if sku.sales_attributes:
        body["sales_attributes"] = _sales_attributes(draft, sku, images)
    if sku.identifier_code:
        body["identifier_code"] = {"code": sku.identifier_code, "type": sku.identifier_type}
    return body


def _sales_attributes(draft: Draft, sku: DraftSku, images: Mapping[str, str]) -> list[dict[str, Any]]:
    """What the variant differs by. Ids win over names, so only one of them is sent; pictures go with one attribute only,
    the first that has any."""
    pictured = primary_attribute(draft)
    names = shortened((one.name for other in draft.skus for one in other.sales_attributes), NAME_LENGTH)
    entries = []
    for one in sku.sales_attributes:
        entry: dict[str, Any] = {"id": one.id} if one.id else {"name": names[one.name]}
        if one.value_id:
            entry["value_id"] = one.value_id
        else:
            entry["value_name"] = _values_of(draft, one)[one.value]
        if one.name == pictured and images.get(one.image):
            entry["sku_img"] = {"uri": images[one.image]}
        entries.append(entry)
    return entries


def primary_attribute(draft: Draft) -> str:
    """Name of the sales attribute that carries the variants' pictures; empty when none has any."""
    first = draft.skus[0].sales_attributes if draft.skus else ()
    pictured = {one.name for sku in draft.skus for one in sku.sales_attributes if one.image}
    return next((one.name for one in first if one.name in pictured), "")


def _values_of(draft: Draft, attribute: SalesAttribute) -> dict[str, str]:
    same = (one.value for sku in draft.skus for one in sku.sales_attributes if one.name == attribute.name)
    return shortened(same, VALUE_LENGTH)


def shortened(texts: Iterable[str], limit: int) -> dict[str, str]:
    """Each text cut to `limit` characters; two that would become the same, letter case aside, get a number: they must
    differ."""
    found: dict[str, str] = {}
    taken: set[str] = set()
    for text in dict.fromkeys(texts):
        short, number = text[:limit].rstrip(), 2
        while short.casefold() in taken:
            tail = f" {number}"
            short, number = text[: limit - len(tail)].rstrip() + tail, number + 1
        found[text] = short
        taken.add(short.casefold())
    return found


def chunks(values: Sequence[str], size: int) -> Iterable[Sequence[str]]:
    """`values` in pieces of at most `size`."""
    return (values[start : start + size] for start in range(0, len(values), size))
