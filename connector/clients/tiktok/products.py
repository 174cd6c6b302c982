"""Listings of one shop: pictures, products, prices, stock, status (reference sections 4.2–4.8)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from decimal import Decimal
from typing import Any

import structlog
from urllib3 import encode_multipart_formdata

from connector.clients.tiktok import endpoints, parse_products, payloads
from connector.clients.tiktok.endpoints import Endpoint
from connector.clients.tiktok.envelope import partial_errors
from connector.clients.tiktok.transport import TikTokTransport
from connector.domain.listing import CreatedProduct, Draft, RemoteProduct, Status
from connector.domain.shop import UploadedImage

log = structlog.get_logger(__name__)

REACHABLE = 10_000
"""Rows that a product search shows at most; beyond it answers 12052180."""
_PAGE = 100
_STATUS_BATCH = 20
_REASONED = frozenset({Status.FAILED, Status.PLATFORM_DEACTIVATED, Status.FREEZE})
_REASONED_AUDITS = frozenset({"FAILED", "PRE_APPROVED"})
_MAGIC = ((b"\xff\xd8\xff", "jpeg"), (b"\x89PNG", "png"), (b"RIFF", "webp"), (b"BM", "bmp"))


class ProductCalls:
    """The part of the marketplace port that is about products."""

    def __init__(self, api: TikTokTransport) -> None:
        self._api = api

    def upload_image(self, data: bytes, use_case: str) -> UploadedImage:
        """Hands a picture over; uploading it twice only makes another uri."""
        kind = next((kind for magic, kind in _MAGIC if data.startswith(magic)), "jpeg")
        fields: list[tuple[str, str | tuple[str, bytes, str]]] = [
            ("data", (f"image.{kind}", data, f"image/{kind}")),
            ("use_case", use_case),
        ]
        return parse_products.image(self._api.call(endpoints.UPLOAD_IMAGE, content=encode_multipart_formdata(fields)))

    def check_listing(self, draft: Draft, images: Mapping[str, str]) -> list[tuple[str, str]]:
        """(code, message) of everything that a create would be refused for; empty when it would pass."""
        data = self._api.call(endpoints.LISTING_CHECK, body=payloads.checked_body(draft, images))
        reasons = [
            (str(one.get("code") or ""), str(one.get("message") or "")) for one in data.get("fail_reasons") or ()
        ]
        if not reasons and data.get("check_result") == "FAILED":
            return [("", "The marketplace refuses the listing and names no reason.")]
        return reasons

    def create_product(self, draft: Draft, images: Mapping[str, str], idempotency_key: str) -> CreatedProduct:
        """Creates and submits. After an unknown outcome search the seller SKU, then send the same key again."""
        body = payloads.create_body(draft, images, idempotency_key)
        return parse_products.created(self._api.call(endpoints.CREATE_PRODUCT, body=body))

    def edit_product(
        self,
        remote_id: str,
        draft: Draft,
        images: Mapping[str, str],
        sku_ids: Mapping[str, str],
        moved: Mapping[str, Mapping[str, int]],
    ) -> CreatedProduct:
        """Full edit: what the draft lacks is blanked, SKUs that it lacks are removed."""
        body = payloads.edit_body(draft, images, sku_ids, moved)
        return parse_products.created(self._api.call(endpoints.EDIT_PRODUCT, ids={"product_id": remote_id}, body=body))

    def product(self, remote_id: str) -> RemoteProduct:
        """One product in any state, with the audit's reasons; raises NotFoundError."""
        return parse_products.product(self._api.call(endpoints.PRODUCT, ids={"product_id": remote_id}))

    def find_product(self, seller_sku: str) -> RemoteProduct | None:
        """The product that carries this seller SKU exactly and is not deleted; a live one before others."""
        query, body = {"page_size": _PAGE}, {"seller_skus": [seller_sku]}
        pages = self._api.pages(endpoints.SEARCH_PRODUCTS, "products", query=query, body=body)
        found = [parse_products.product(row) for rows in pages for row in rows]
        ours = [one for one in found if one.status is not Status.DELETED and seller_sku in one.skus]
        ours.sort(key=lambda one: (one.status is not Status.ACTIVATE, -one.update_time))
        return self.product(ours[0].id) if ours else None

    def products_updated(self, since: int, until: int) -> Iterator[RemoteProduct]:
        """Products changed from `since` to before `until`, oldest first, each once.

        The search cannot sort and shows 10,000 rows: a window with more is cut in halves. Products that were refused or
        taken down are read once more on their own, because a search leaves the reasons out.
        """
        if until <= since:
            return
        query, body = {"page_size": _PAGE}, {"update_time_ge": since, "update_time_le": until - 1}
        first = self._api.call(endpoints.SEARCH_PRODUCTS, query=query, body=body)
        if int(first.get("total_count") or 0) > REACHABLE and until - since > 1:
            middle = (since + until) // 2
            yield from self.products_updated(since, middle)
            yield from self.products_updated(middle, until)
            return
        found: dict[str, Mapping[str, Any]] = {}
        for rows in self._api.pages(endpoints.SEARCH_PRODUCTS, "products", query=query, body=body):
            found.update((str(row["id"]), row) for row in rows)
        for row in sorted(found.values(), key=lambda row: int(row.get("update_time") or 0)):
            product = parse_products.product(row)
            yield self.product(product.id) if _has_reasons(product) else product

    def update_prices(self, remote_id: str, prices: Mapping[str, Decimal], currency: str) -> None:
        """Sets prices by SKU id; only a live product takes them."""
        skus = [{"id": sku_id, "price": payloads.price(amount, currency)} for sku_id, amount in prices.items()]
        if skus:
            self._api.call(endpoints.UPDATE_PRICES, ids={"product_id": remote_id}, body={"skus": skus})

    def update_inventory(self, remote_id: str, quantities: Mapping[str, Mapping[str, int]]) -> dict[str, str]:
        """Sets pieces by SKU id and warehouse; answers refused SKU ids with the reason."""
        skus = [{"id": sku_id, "inventory": payloads.inventory(pieces)} for sku_id, pieces in quantities.items()]
        if not skus:
            return {}
        data = self._api.call(endpoints.UPDATE_INVENTORY, ids={"product_id": remote_id}, body={"skus": skus})
        return partial_errors(data, "sku_id")

    def activate(self, remote_ids: Sequence[str]) -> dict[str, str]:
        """Submits deactivated products again; answers refused product ids with the reason."""
        return self._change_status(endpoints.ACTIVATE, remote_ids)

    def deactivate(self, remote_ids: Sequence[str]) -> dict[str, str]:
        """Takes products off sale; answers refused product ids with the reason."""
        return self._change_status(endpoints.DEACTIVATE, remote_ids)

    def delete(self, remote_ids: Sequence[str]) -> dict[str, str]:
        """Deletes products with their history; answers refused product ids with the reason."""
        return self._change_status(endpoints.DELETE, remote_ids)

    def _change_status(self, endpoint: Endpoint, remote_ids: Sequence[str]) -> dict[str, str]:
        refused: dict[str, str] = {}
        for batch in payloads.chunks(list(dict.fromkeys(remote_ids)), _STATUS_BATCH):
            refused |= partial_errors(self._api.call(endpoint, body={"product_ids": list(batch)}), "product_id")
        return refused


def _has_reasons(product: RemoteProduct) -> bool:
    """A live product whose last edit was refused stays live; only its audit says so."""
    return product.status in _REASONED or product.audit_status in _REASONED_AUDITS
