"""Orders, shipping, cancellations and returns of one shop (reference sections 5–7)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from connector.clients.tiktok import endpoints, parse_orders, payloads
from connector.clients.tiktok.endpoints import Endpoint
from connector.clients.tiktok.envelope import SYSTEM, partial_errors
from connector.clients.tiktok.transport import TikTokTransport
from connector.domain.order import Cancellation, MarketplaceOrder, Reason, ReturnRequest
from connector.errors import RejectedError

PLATFORM = "MAGENTO"
_ORDER_PAGE = 100
_AFTERSALE_PAGE = 50
_IDS = 50
_REFERENCES = 100


class OrderCalls:
    """The part of the marketplace port that is about orders and what comes after them."""

    def __init__(self, api: TikTokTransport) -> None:
        self._api = api

    def orders_updated(self, since: int, until: int) -> Iterator[MarketplaceOrder]:
        """Orders changed from `since` to before `until`, oldest change first, each once."""
        for row in self._updated(endpoints.SEARCH_ORDERS, "orders", "id", since, until, _ORDER_PAGE):
            yield parse_orders.order(row)

    def orders(self, ids: Sequence[str]) -> list[MarketplaceOrder]:
        """Orders as they are now; an id of another shop is refused with NotFoundError."""
        found: list[MarketplaceOrder] = []
        for batch in payloads.chunks(list(dict.fromkeys(ids)), _IDS):
            data = self._api.call(endpoints.ORDERS, query={"ids": list(batch)})
            found += [parse_orders.order(row) for row in data.get("orders") or ()]
        return found

    def write_external_order(self, order_id: str, external_id: str, lines: Mapping[str, str]) -> None:
        """Writes the store's number and item ids back; repeating it changes nothing. On the wire a line's `id` is the
        store's and `origin_id` the marketplace's own."""
        items = [{"id": ours, "origin_id": line} for line, ours in lines.items()]
        for start in range(0, max(len(items), 1), _REFERENCES):
            external: dict[str, Any] = {"id": external_id, "platform": PLATFORM}
            if batch := items[start : start + _REFERENCES]:
                external["line_items"] = batch
            body = {"orders": [{"id": order_id, "external_order": external}]}
            if refused := partial_errors(self._api.call(endpoints.EXTERNAL_ORDERS, body=body), "order_id"):
                raise RejectedError("; ".join(refused.values()), system=SYSTEM, code="external_order")

    def ship_lines(self, order_id: str, line_ids: Sequence[str], tracking_number: str, provider_id: str) -> str:
        """Marks units as shipped by the seller; the new package's id."""
        body = {
            "order_line_list": [{"order_line_id": line} for line in line_ids],
            "shipping_info_list": [{"tracking_number": tracking_number, "shipping_provider_id": provider_id}],
        }
        return str(
            self._api.call(endpoints.MARK_SHIPPED, ids={"order_id": order_id}, body=body).get("package_id") or ""
        )

    def update_tracking(self, package_id: str, tracking_number: str, provider_id: str) -> None:
        """Corrects a package that was shipped; the marketplace takes it for three days, a few times."""
        body = {"tracking_number": tracking_number, "shipping_provider_id": provider_id}
        self._api.call(endpoints.UPDATE_TRACKING, ids={"package_id": package_id}, body=body)

    def cancel_order(self, order_id: str, reason: str, line_ids: Sequence[str] = ()) -> str:
        """Seller cancellation of the whole order, or of some units; the cancellation's id."""
        body: dict[str, Any] = {"order_id": order_id, "cancel_reason": reason}
        if line_ids:
            body["order_line_list"] = [{"order_line_item_id": line} for line in line_ids]
        return str(self._api.call(endpoints.CANCEL, body=body).get("cancel_id") or "")

    def cancel_reasons(self, order_id: str) -> list[Reason]:
        """Reasons that the seller may cancel for in the order's present state; the marketplace sends their keys only."""
        data = self._api.call(
            endpoints.ELIGIBILITY,
            ids={"order_id": order_id},
            query={"initiate_aftersale_user": "SELLER", "request_types": ["CANCEL"]},
        )
        names = [
            str(name)
            for sku in data.get("sku_eligibility") or ()
            for line in sku.get("line_item_eligibility") or ()
            if line.get("eligible") and line.get("request_type", "CANCEL") == "CANCEL"
            for name in line.get("available_reason_names") or ()
        ]
        return [Reason(name, parse_orders.readable(name)) for name in dict.fromkeys(names)]

    def cancellations_updated(self, since: int, until: int) -> Iterator[Cancellation]:
        """Cancellations changed from `since` to before `until`, oldest change first, each once."""
        rows = self._updated(
            endpoints.SEARCH_CANCELLATIONS, "cancellations", "cancel_id", since, until, _AFTERSALE_PAGE
        )
        for row in rows:
            yield parse_orders.cancellation(row)

    def approve_cancellation(self, cancel_id: str, idempotency_key: str) -> None:
        """Agrees to a buyer's cancellation."""
        self._decide(endpoints.APPROVE_CANCELLATION, {"cancel_id": cancel_id}, idempotency_key)

    def reject_cancellation(self, cancel_id: str, reason: str, idempotency_key: str) -> None:
        """Refuses a buyer's cancellation for one of `reject_reasons`."""
        body = {"reject_reason": reason}
        self._decide(endpoints.REJECT_CANCELLATION, {"cancel_id": cancel_id}, idempotency_key, body)

    def returns_updated(self, since: int, until: int) -> Iterator[ReturnRequest]:
        """Returns changed from `since` to before `until`, oldest change first, each once."""
        rows = self._updated(endpoints.SEARCH_RETURNS, "return_orders", "return_id", since, until, _AFTERSALE_PAGE)
        for row in rows:
            yield parse_orders.return_request(row)

    def approve_return(self, return_id: str, decision: str, idempotency_key: str) -> None:
        """Agrees to a step of a return."""
        self._decide(endpoints.APPROVE_RETURN, {"return_id": return_id}, idempotency_key, {"decision": decision})

    def reject_return(self, return_id: str, decision: str, reason: str, idempotency_key: str) -> None:
        """Refuses a step of a return for one of `reject_reasons`."""
        body = {"decision": decision, "reject_reason": reason}
        self._decide(endpoints.REJECT_RETURN, {"return_id": return_id}, idempotency_key, body)

    def reject_reasons(self, request_id: str) -> list[Reason]:
        """Reasons that this cancellation or return may be refused for, now."""
        data = self._api.call(endpoints.REJECT_REASONS, query={"return_or_cancel_id": request_id})
        return [parse_orders.reason(row) for row in data.get("reasons") or ()]

    def _decide(
        self, endpoint: Endpoint, ids: Mapping[str, str], key: str, body: Mapping[str, Any] | None = None
    ) -> None:
        data = self._api.call(endpoint, ids=ids, query={"idempotency_key": key}, body=body)
        if refused := partial_errors(data, "return_id"):
            raise RejectedError("; ".join(refused.values()), system=SYSTEM, code="decision")

    def _updated(
        self, endpoint: Endpoint, rows: str, id_key: str, since: int, until: int, page_size: int
    ) -> Iterator[Mapping[str, Any]]:
        """Sort field and order are always sent: the documented defaults are not what was seen (section 5.1)."""
        if until <= since:
            return
        query: dict[str, str | int] = {"page_size": page_size, "sort_field": "update_time", "sort_order": "ASC"}
        body = {"update_time_ge": since, "update_time_lt": until}
        seen: set[str] = set()
        for page in self._api.pages(endpoint, rows, query=query, body=body):
            for row in page:
                if (number := str(row[id_key])) not in seen:
                    seen.add(number)
                    yield row
