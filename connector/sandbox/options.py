"""What can be set about the sandbox. Every item that the marketplace's documentation leaves open is an option here."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

SCOPES = (
    "seller.authorization.info",
    "seller.product.basic",
    "seller.product.write",
    "seller.order.info",
    "seller.fulfillment.basic",
    "seller.logistics",
    "seller.return_refund.basic",
)


class SandboxError(Exception):
    """The sandbox cannot start or go on; the text is one sentence for a person."""


@dataclass(frozen=True, slots=True)
class SandboxOptions:
    """Times are seconds of the sandbox clock unless said otherwise.

    `region`: region of the seller who authorizes unless another is chosen on the page (`US`, `GB` or `IE`).
    `requests_per_second`: per app and shop, 0 for no limit.
    `old_refresh_token_seconds`: how long a rotated refresh token still works (undocumented by TikTok Shop).
    `accept_empty_object`: a body `{}` may be signed or left out of the signature (the SDKs disagree).
    `accept_repeated_keys`: sign a repeated query key with all its values; otherwise only its first value is read,
    as the marketplace's own samples do.
    `last_page_token`: `empty` text or `absent`.
    `zero_quantity`: inventory updates accept 0 (allowed until 2025, newer pages say 1 to 99,999).
    `http_status`: HTTP status by error code, over the defaults.
    `description_tags`: `older` (only the tags that older pages list) or `any` (newer pages accept every tag).
    `webhook_retries`: waits before the next tries; `webhook_timeout` is in real seconds.
    `redirect_url`: where the consent page sends the browser, unless the control API set another; a connector with its default
    settings takes it there.
    """

    region: str = "US"
    audit_seconds: float = 2
    hold_seconds: float = 3600
    unpaid_seconds: float = 86400
    requests_per_second: float = 50
    rate_limit_retry_after: bool = True
    code_seconds: int = 1800
    access_token_seconds: int = 604_800
    refresh_token_seconds: int = 31_536_000
    old_refresh_token_seconds: int = 600
    accept_empty_object: bool = True
    accept_repeated_keys: bool = False
    timestamp_max_age: int = 300
    timestamp_max_ahead: int = 30
    last_page_token: str = "empty"  # noqa: S105  # a mode, not a secret
    zero_quantity: bool = True
    max_quantity: int = 99_999
    description_tags: str = "older"
    order_sort_order: str = "DESC"
    granted_scopes: tuple[str, ...] = SCOPES
    http_status: Mapping[int, int] = field(default_factory=dict)
    webhook_retries: tuple[float, ...] = (120, 1800, 10_800, 43_200)
    webhook_timeout: float = 3
    redirect_url: str = "http://127.0.0.1:8080/oauth/tiktok/return"
    shipping_update_seconds: int = 259_200
    shipping_update_count: int = 3
    cancel_answer_seconds: Mapping[str, int] = field(
        default_factory=lambda: {"US": 86_400, "GB": 172_800, "IE": 172_800}
    )
    return_answer_seconds: int = 172_800
    refund_seconds: float = 2
