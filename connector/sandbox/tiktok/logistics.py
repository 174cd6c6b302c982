"""Warehouses, delivery options, shipping providers. Source: TikTok Shop, "Logistics API overview"."""

from __future__ import annotations

from connector.sandbox.tiktok.database import Json
from connector.sandbox.tiktok.errors import ApiError, invalid
from connector.sandbox.tiktok.routes import route
from connector.sandbox.tiktok.shops import DeliveryOption, Shop
from connector.sandbox.tiktok.world import Call

SCOPE = "seller.logistics"
INVALID = 21001001


@route("GET", "/logistics/202309/warehouses", scope=SCOPE)
def warehouses(call: Call) -> Json:
    """`distict` is the wire's own spelling."""
    return {
        "warehouses": [
            {
                "id": place.id,
                "entity_id": place.id[:-2],
                "name": place.name,
                "effect_status": place.effect_status,
                "type": place.type,
                "sub_type": "DOMESTIC_WAREHOUSE",
                "is_default": place.is_default,
                "address": place.address,
            }
            for place in call.shop.warehouses
        ]
    }


@route("GET", "/logistics/202309/warehouses/{warehouse_id}/delivery_options", scope=SCOPE)
def delivery_options(call: Call, warehouse_id: str) -> Json:
    if warehouse_id not in {place.id for place in call.shop.warehouses}:
        raise ApiError(INVALID, f"The warehouse {warehouse_id} is not of this shop.")
    if call.query.get("scope", "WAREHOUSE") not in {"WAREHOUSE", "PRODUCT"}:
        raise invalid("query", "scope", "WAREHOUSE or PRODUCT is expected")
    return {"delivery_options": [_option(call.shop, option) for option in call.shop.delivery_options]}


def _option(shop: Shop, option: DeliveryOption) -> Json:
    in_inches = shop.region == "US"
    size = {
        "max_height": 108 if in_inches else 150,
        "max_length": 108 if in_inches else 150,
        "max_width": 108 if in_inches else 150,
    }
    return {
        "id": option.id,
        "name": option.name,
        "type": option.type,
        "description": option.description,
        "dimension_limit": {**size, "unit": "INCH" if in_inches else "CM"},
        "weight_limit": {
            "max_weight": 150 if in_inches else 30_000,
            "min_weight": 0,
            "unit": "POUND" if in_inches else "GRAM",
        },
        "platform": ["TIKTOK_SHOP"],
    }


@route("GET", "/logistics/202309/delivery_options/{delivery_option_id}/shipping_providers", scope=SCOPE)
def shipping_providers(call: Call, delivery_option_id: str) -> Json:
    """Providers belong to a delivery option; one that the marketplace ships itself has none to choose from."""
    option = next((known for known in call.shop.delivery_options if known.id == delivery_option_id), None)
    if option is None:
        raise ApiError(INVALID, f"The delivery option {delivery_option_id} is not of this shop.")
    if not option.providers:
        raise ApiError(21011004, "The delivery option is shipped by the marketplace: there is no provider to choose.")
    return {"shipping_providers": [{"id": number, "name": name} for number, name in option.providers]}


def provider_name(shop: Shop, provider_id: str) -> str | None:
    """Name of one of the seller's providers, None when the id is not one."""
    return next(
        (name for option in shop.delivery_options for number, name in option.providers if number == provider_id), None
    )
