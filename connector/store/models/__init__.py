"""Every table, by section. Import models from here."""

from connector.store.models.base import Model
from connector.store.models.catalog import Product, VariantLink
from connector.store.models.listings import (
    ImageAsset,
    ImageSource,
    Listing,
    ListingTemplate,
    MarketplaceCategory,
    RuleProgress,
    RuleSetVersion,
    TikTokAttribute,
)
from connector.store.models.orders import Order, OrderLine, ReturnCase, Shipment
from connector.store.models.people import HistoryEntry, SavedView, Setting, User
from connector.store.models.settings import Account, MagentoStore, OAuthState, Policy
from connector.store.models.work import Notification, PeriodicTask, QueueItem

ALL: tuple[type[Model], ...] = (
    User,
    Setting,
    SavedView,
    HistoryEntry,
    MagentoStore,
    Policy,
    Account,
    OAuthState,
    MarketplaceCategory,
    TikTokAttribute,
    RuleSetVersion,
    RuleProgress,
    ListingTemplate,
    Product,
    VariantLink,
    Listing,
    ImageSource,
    ImageAsset,
    Order,
    OrderLine,
    Shipment,
    ReturnCase,
    QueueItem,
    PeriodicTask,
    Notification,
)
"""In an order that satisfies the foreign keys."""

__all__ = [
    "ALL",
    "Account",
    "HistoryEntry",
    "ImageAsset",
    "ImageSource",
    "Listing",
    "ListingTemplate",
    "MagentoStore",
    "MarketplaceCategory",
    "Model",
    "Notification",
    "OAuthState",
    "Order",
    "OrderLine",
    "PeriodicTask",
    "Policy",
    "Product",
    "QueueItem",
    "ReturnCase",
    "RuleProgress",
    "RuleSetVersion",
    "SavedView",
    "Setting",
    "Shipment",
    "TikTokAttribute",
    "User",
    "VariantLink",
]
