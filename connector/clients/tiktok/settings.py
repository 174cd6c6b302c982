"""What is known of one TikTok Shop app and shop before the first call."""

from __future__ import annotations

from dataclasses import dataclass, field
from urllib.parse import urlsplit

from connector.errors import ConfigurationError

PRODUCTION_API = "https://open-api.tiktokglobalshop.com"
PRODUCTION_AUTH = "https://auth.tiktok-shops.com"
_AUTHORIZE_US = "https://services.us.tiktokshop.com"
_AUTHORIZE = "https://services.tiktokshop.com"


@dataclass(frozen=True, slots=True)
class TikTokSettings:
    """One app and, once it is known, one shop.

    `api_url` and `auth_url` are hosts; `authorize_url` is the host of the consent page, by default the marketplace's own
    for the region, or `auth_url` where that is not the marketplace's. `currency` is the shop's, ISO 4217.
    `category_version` is the tree that categories, rules and products are spoken of in (section 4.1).
    `max_rate` is calls a second that are never exceeded, `refresh_margin` seconds before expiry that a token is renewed.
    """

    app_key: str
    app_secret: str = field(repr=False)
    service_id: str = ""
    api_url: str = PRODUCTION_API
    auth_url: str = PRODUCTION_AUTH
    authorize_url: str = ""
    shop_id: str = ""
    shop_cipher: str = field(default="", repr=False)
    region: str = "US"
    currency: str = "USD"
    locale: str = ""
    category_version: str = "v2"
    connect_timeout: float = 5.0
    read_timeout: float = 30.0
    max_rate: float = 50.0
    refresh_margin: float = 300.0

    def __post_init__(self) -> None:
        for name in ("api_url", "auth_url"):
            parts = urlsplit(getattr(self, name))
            if parts.scheme not in {"http", "https"} or not parts.hostname or parts.username or parts.query:
                raise ConfigurationError(f"{name} must be an address like https://host, without user or query.")
        if not self.app_key or not self.app_secret:
            raise ConfigurationError("The TikTok Shop app's key and secret are missing: copy both from Partner Center.")

    @property
    def bucket(self) -> str:
        """Whose quota of calls it is: the app's with the shop."""
        return f"{self.app_key}:{self.shop_id or '-'}"

    @property
    def consent_host(self) -> str:
        """Where the seller's browser is sent to."""
        if self.authorize_url:
            return self.authorize_url.rstrip("/")
        if self.auth_url.rstrip("/") != PRODUCTION_AUTH:
            return self.auth_url.rstrip("/")
        return _AUTHORIZE_US if self.region == "US" else _AUTHORIZE
