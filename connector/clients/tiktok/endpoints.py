"""Every TikTok Shop call that we make, with its version, in one place (reference section 10, October 2026)."""

from __future__ import annotations

from dataclasses import dataclass
from urllib.parse import quote


@dataclass(frozen=True, slots=True)
class Endpoint:
    """One route. `shop`: takes a shop_cipher (a superfluous one is refused). `repeatable`: sending it twice has the effect
    of sending it once, so that a lost answer is asked for again."""

    method: str
    template: str
    shop: bool = True
    repeatable: bool = False

    def path(self, **ids: str) -> str:
        """The path with its ids filled in."""
        return self.template.format(**{name: quote(value, safe="") for name, value in ids.items()})


def _read(method: str, template: str, *, shop: bool = True) -> Endpoint:
    return Endpoint(method, template, shop=shop, repeatable=True)


def _set(method: str, template: str, *, shop: bool = True) -> Endpoint:
    """A change to a given state: the second call finds nothing to do."""
    return Endpoint(method, template, shop=shop, repeatable=True)


def _act(method: str, template: str) -> Endpoint:
    """A change that must be looked up before it is sent again."""
    return Endpoint(method, template)


SHOPS = _read("GET", "/authorization/202309/shops", shop=False)

WAREHOUSES = _read("GET", "/logistics/202309/warehouses")
DELIVERY_OPTIONS = _read("GET", "/logistics/202309/warehouses/{warehouse_id}/delivery_options")
SHIPPING_PROVIDERS = _read("GET", "/logistics/202309/delivery_options/{delivery_option_id}/shipping_providers")

CATEGORIES = _read("GET", "/product/202309/categories")
RECOMMEND_CATEGORY = _read("POST", "/product/202309/categories/recommend")
CATEGORY_RULES = _read("GET", "/product/202309/categories/{category_id}/rules")
CATEGORY_ATTRIBUTES = _read("GET", "/product/202309/categories/{category_id}/attributes")
BRANDS = _read("GET", "/product/202309/brands")
UPLOAD_IMAGE = _set("POST", "/product/202309/images/upload", shop=False)
LISTING_CHECK = _read("POST", "/product/202309/products/listing_check")
CREATE_PRODUCT = _act("POST", "/product/202309/products")
EDIT_PRODUCT = _set("PUT", "/product/202509/products/{product_id}")
PRODUCT = _read("GET", "/product/202309/products/{product_id}")
SEARCH_PRODUCTS = _read("POST", "/product/202502/products/search")
UPDATE_PRICES = _set("POST", "/product/202309/products/{product_id}/prices/update")
UPDATE_INVENTORY = _set("POST", "/product/202309/products/{product_id}/inventory/update")
ACTIVATE = _act("POST", "/product/202309/products/activate")
DEACTIVATE = _act("POST", "/product/202309/products/deactivate")
DELETE = _act("DELETE", "/product/202309/products")

SEARCH_ORDERS = _read("POST", "/order/202309/orders/search")
ORDERS = _read("GET", "/order/202507/orders")
EXTERNAL_ORDERS = _set("POST", "/order/202406/orders/external_orders")
UPDATE_TRACKING = _set("POST", "/fulfillment/202309/packages/{package_id}/shipping_info/update")
MARK_SHIPPED = _act("POST", "/fulfillment/202610/orders/{order_id}/packages")

CANCEL = _act("POST", "/return_refund/202602/cancellations")
SEARCH_CANCELLATIONS = _read("POST", "/return_refund/202602/cancellations/search")
APPROVE_CANCELLATION = _act("POST", "/return_refund/202309/cancellations/{cancel_id}/approve")
REJECT_CANCELLATION = _act("POST", "/return_refund/202309/cancellations/{cancel_id}/reject")
SEARCH_RETURNS = _read("POST", "/return_refund/202602/returns/search")
APPROVE_RETURN = _act("POST", "/return_refund/202309/returns/{return_id}/approve")
REJECT_RETURN = _act("POST", "/return_refund/202606/returns/{return_id}/reject")
ELIGIBILITY = _read("GET", "/return_refund/202602/orders/{order_id}/aftersale_eligibility")
REJECT_REASONS = _read("GET", "/return_refund/202309/reject_reasons")

LIST_WEBHOOKS = _read("GET", "/event/202309/webhooks")
WEBHOOKS = _set("PUT", "/event/202309/webhooks")

TOKEN_GET = "/api/v2/token/get"  # noqa: S105  # a path
TOKEN_REFRESH = "/api/v2/token/refresh"  # noqa: S105  # a path
