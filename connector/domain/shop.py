"""What a marketplace shop and a store tell about themselves: shops, warehouses, categories, attributes, store views."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

CONSENT_RETURN = "/oauth/tiktok/return"
"""Path below the connector's base URL to which the marketplace sends a seller back. Partner Center keeps the whole address as
the app's redirect URL; it is never sent along (reference section 1)."""


@dataclass(frozen=True, slots=True)
class Tokens:
    """A TikTok Shop token pair; both expiries are absolute, aware UTC."""

    access_token: str
    access_expires: datetime
    refresh_token: str
    refresh_expires: datetime
    open_id: str = ""
    seller_name: str = ""
    seller_base_region: str = ""
    granted_scopes: tuple[str, ...] = ()

    def __repr__(self) -> str:
        return f"Tokens(seller_name={self.seller_name!r}, access_expires={self.access_expires!r})"


@dataclass(frozen=True, slots=True)
class Shop:
    """One authorised shop. `cipher` goes with nearly every call."""

    id: str
    name: str
    region: str
    cipher: str
    seller_type: str = "LOCAL"


@dataclass(frozen=True, slots=True)
class Warehouse:
    """A marketplace warehouse. Only enabled SALES_WAREHOUSE ids may carry inventory."""

    id: str
    name: str
    type: str
    status: str
    is_default: bool


@dataclass(frozen=True, slots=True)
class ShippingProvider:
    """A carrier that a delivery option accepts."""

    id: str
    name: str
    delivery_option_id: str


@dataclass(frozen=True, slots=True)
class Category:
    """A node of the marketplace's tree; `parent_id` "0" is a root; only a leaf with AVAILABLE can be listed in."""

    id: str
    parent_id: str
    name: str
    is_leaf: bool
    permissions: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class CategoryAttribute:
    """An attribute of a category; `is_sales` marks what variants may differ by."""

    id: str
    name: str
    is_sales: bool
    is_required: bool
    is_multiple: bool
    is_customizable: bool
    values: tuple[tuple[str, str], ...] = ()
    """(value id, name) pairs"""
    required_when: tuple[tuple[str, str], ...] = ()
    """(attribute id, value id) pairs: any of them makes it required"""
    is_number: bool = False
    """a custom value is a number above zero (`value_data_format` POSITIVE_INT_OR_DECIMAL)"""


@dataclass(frozen=True, slots=True)
class CategoryRules:
    """What a category asks of a listing besides attributes."""

    size_chart_required: bool = False
    size_chart_supported: bool = False
    dimensions_required: bool = False
    certifications_required: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Brand:
    """A brand of the marketplace; usable when authorised, or when not top tier."""

    id: str
    name: str
    usable: bool


@dataclass(frozen=True, slots=True)
class UploadedImage:
    """A picture that the marketplace holds; `uri` goes into products."""

    uri: str
    url: str
    width: int
    height: int


@dataclass(frozen=True, slots=True)
class StoreView:
    """A Magento store view with what the connector needs of its website and configuration."""

    id: int
    code: str
    name: str
    website_id: int
    website_code: str
    root_category_id: int
    base_currency: str
    locale: str
    timezone: str
    weight_unit: str
    base_media_url: str
