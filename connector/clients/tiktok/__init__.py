"""TikTok Shop over its Open API: `Marketplace` and `Authorizer` of `connector.ports`."""

from connector.clients.tiktok.auth import TikTokAuthorizer
from connector.clients.tiktok.settings import TikTokSettings
from connector.clients.tiktok.shop import TikTokShop

__all__ = ["TikTokAuthorizer", "TikTokSettings", "TikTokShop"]
