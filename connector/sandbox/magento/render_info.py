"""`products-render-info`: indexed prices as a guest of a store view sees them. It answers with its items and nothing else."""

from __future__ import annotations

import json
from base64 import b64encode
from datetime import datetime
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

from connector.sandbox.magento import config, stock
from connector.sandbox.magento.errors import required
from connector.sandbox.magento.product_read import read_products
from connector.sandbox.magento.product_search import product_source
from connector.sandbox.magento.routing import Context, route
from connector.sandbox.magento.store_routes import SYMBOLS
from connector.sandbox.magento.typed import as_int

# Code of the picture, height, width: the six that the Luma theme asks for.
PICTURES = (
    ("recently_viewed_products_grid_content_widget", 300, 240, "small_image"),
    ("recently_viewed_products_list_content_widget", 340, 270, "small_image"),
    ("recently_viewed_products_images_names_widget", 90, 75, "small_image"),
    ("recently_compared_products_grid_content_widget", 300, 240, "small_image"),
    ("recently_compared_products_list_content_widget", 340, 270, "small_image"),
    ("recently_compared_products_images_names_widget", 90, 75, "thumbnail"),
)
AMOUNTS = (
    "final_price",
    "max_price",
    "max_regular_price",
    "minimal_regular_price",
    "special_price",
    "minimal_price",
    "regular_price",
)
MSRP_TEXT = (
    "Our price is lower than the manufacturer&#039;s &quot;minimum advertised price.&quot; As a result, we cannot show you the price in "
    "catalog or the product page. <br><br> You have no obligation to purchase the product once you know the price. You can simply "
    "remove the item from your cart."
)


@route("GET", "/V1/products-render-info", "anonymous")
def render_info(ctx: Context) -> Any:
    for name in ("storeId", "currencyCode"):
        if not ctx.query.get(name):
            raise required(name)
    store_id, currency = as_int("storeId", ctx.query["storeId"]), str(ctx.query["currencyCode"])
    rows, _, _ = ctx.search(product_source(ctx.db, store_id))
    products = read_products(ctx.db, [row["entity_id"] for row in rows], store_id)
    website = ctx.db.execute("SELECT website_id FROM store WHERE store_id = ?", (store_id,)).fetchone()
    shown = [
        one
        for one in products
        if one["status"] == 1
        and website is not None
        and website["website_id"] in one["extension_attributes"]["website_ids"]
    ]
    return {"items": [_item(ctx, one, store_id, currency) for one in shown]}


def _item(ctx: Context, product: dict[str, Any], store_id: int, currency: str) -> dict[str, Any]:
    attributes = {one["attribute_code"]: one["value"] for one in product["custom_attributes"]}
    regular, final = _prices(ctx, product, attributes, store_id)
    url = f"{ctx.base_url}/{attributes.get('url_key', '')}.html"
    website = ctx.db.execute("SELECT website_id FROM store WHERE store_id = ?", (store_id,)).fetchone()["website_id"]
    salable = stock.is_salable(ctx.db, product["sku"], stock.stock_for_website(ctx.db, website))
    return {
        "add_to_cart_button": _cart_button(ctx, product["id"]),
        "add_to_compare_button": _button(ctx, "catalog/product_compare/add/", str(product["id"])),
        "price_info": _price_info(regular, final, SYMBOLS.get(currency, currency)),
        "images": [_picture(ctx, product, attributes, *picture) for picture in PICTURES],
        "url": url,
        "id": product["id"],
        "name": product["name"],
        "type": product["type_id"],
        "is_salable": "1" if salable else "",
        "store_id": store_id,
        "currency_code": currency,
        "extension_attributes": {
            "review_html": _review(url),
            "wishlist_button": _button(ctx, "wishlist/index/add/", product["id"]),
        },
    }


def _prices(
    ctx: Context, product: dict[str, Any], attributes: dict[str, Any], store_id: int
) -> tuple[Decimal, Decimal]:
    """Regular and final price; a configurable has those of its cheapest variant."""
    children = product["extension_attributes"].get("configurable_product_links")
    if children:
        found = [
            _prices(ctx, one, {each["attribute_code"]: each["value"] for each in one["custom_attributes"]}, store_id)
            for one in read_products(ctx.db, children, store_id)
        ]
        return min(found, key=lambda pair: pair[1])
    regular = Decimal(product.get("price", 0))
    special = attributes.get("special_price")
    if special is None or not _today_within(ctx, attributes, store_id):
        return regular, regular
    return regular, min(regular, Decimal(special))


def _today_within(ctx: Context, attributes: dict[str, Any], store_id: int) -> bool:
    """Dates are days of the shop's time zone, both ends included."""
    zone = ZoneInfo(config.read(ctx.db, "general/locale/timezone", store_id))
    today = ctx.now.astimezone(zone).date()
    begin, end = (attributes.get(name) for name in ("special_from_date", "special_to_date"))
    after = begin is None or datetime.fromisoformat(begin).date() <= today
    return after and (end is None or today <= datetime.fromisoformat(end).date())


def _price_info(regular: Decimal, final: Decimal, symbol: str) -> dict[str, Any]:
    amounts: dict[str, Decimal | None] = {**dict.fromkeys(AMOUNTS, final), "regular_price": regular}
    plain = amounts | {"special_price": None}
    return plain | {
        "formatted_prices": _formatted(plain, symbol),
        "extension_attributes": {
            "msrp": {
                "msrp_price": _money(Decimal(0), symbol),
                "is_applicable": "",
                "is_shown_price_on_gesture": "",
                "msrp_message": "",
                "explanation_message": MSRP_TEXT,
            },
            "tax_adjustments": amounts | {"formatted_prices": _formatted(amounts, symbol)},
            "weee_attributes": [],
            "weee_adjustment": _money(final, symbol),
        },
    }


def _formatted(amounts: dict[str, Decimal | None], symbol: str) -> dict[str, str | None]:
    texts = {name: None if value is None else _money(value, symbol) for name, value in amounts.items()}
    return texts | {"minimal_regular_price": None}


def _money(value: Decimal, symbol: str) -> str:
    return f'<span class="price">{symbol}{value:,.2f}</span>'


def _picture(
    ctx: Context, product: dict[str, Any], attributes: dict[str, Any], code: str, height: int, width: int, role: str
) -> dict[str, Any]:
    file = attributes.get(role)
    if file in (None, "no_selection"):
        url = f"{ctx.base_url}/static/version1754759768/frontend/Magento/luma/en_US/Magento_Catalog/images/product/placeholder/{role}.jpg"
    else:
        url = f"{ctx.base_url}/media/catalog/product{file}"
    size = {
        "height": height,
        "width": width,
        "label": product["name"],
        "resized_width": width,
        "resized_height": height,
    }
    return {"url": url, "code": code} | size


def _cart_button(ctx: Context, product_id: int) -> dict[str, Any]:
    url = f"{ctx.base_url}/checkout/cart/add/uenc/%25uenc%25/product/{product_id}/"
    data = {"action": url, "data": {"product": str(product_id), "uenc": "%uenc%"}}
    return {"post_data": _php_json(data), "url": url, "required_options": False}


def _button(ctx: Context, path: str, product_id: int | str) -> dict[str, Any]:
    data = {"action": f"{ctx.base_url}/{path}", "data": {"product": product_id, "uenc": _uenc(ctx)}}
    return {"post_data": None, "url": _php_json(data), "required_options": None}


def _uenc(ctx: Context) -> str:
    """The address of this call, encoded as Magento encodes the page to come back to."""
    address = f"{ctx.base_url}/rest/V1/products-render-info?{ctx.query_string}"
    return b64encode(address.encode()).decode().translate(str.maketrans("+/=", "-_~"))


def _php_json(value: Any) -> str:
    """JSON with the escaped slashes of PHP."""
    return json.dumps(value, separators=(",", ":")).replace("/", "\\/")


def _review(url: str) -> str:
    return (
        '    <div class="product-reviews-summary short empty">\n        <div class="reviews-actions">\n'
        f'            <a class="action add" href="{url}#review-form">\n'
        "                Be the first to review this product            </a>\n        </div>\n    </div>\n"
    )
