"""One successful call of every route of the store's catalogue, stock and settings, in an order in which they work on one shop."""

from __future__ import annotations

import base64
from collections.abc import Callable, Iterator
from io import BytesIO
from typing import Any
from urllib.parse import quote

from PIL import Image

from tests.sandbox.magento_sales_examples import ALL, Example
from tests.sandbox.magento_shop import Shop

Call = Callable[..., Example]


def catalog_examples(shop: Shop) -> Iterator[Example]:
    """Calls them one after the other; a call that does not succeed fails the test."""

    def call(method: str, template: str, body: Any = None, query: str = "", **names: Any) -> Example:
        path = template
        for name, value in sorted(names.items(), key=lambda pair: -len(pair[0])):
            path = path.replace(f":{name}", quote(str(value), safe=""))
        return Example(method, template, path, shop.ok(method, path + query, body))

    yield from _settings(call)
    yield from _attributes(call)
    yield from _sets(call)
    yield from _categories(call)
    yield from _products(call)
    yield from _media(call)
    yield from _configurables(call)
    yield from _prices(call)
    yield from _stock(call)
    yield from _sources(call)
    yield from _customers(call)
    yield from _bulk(call, shop)
    yield call("DELETE", "/products/:sku", sku="SHOE-2")


def _settings(call: Call) -> Iterator[Example]:
    for path in ("websites", "storeGroups", "storeViews", "storeConfigs"):
        yield call("GET", f"/store/{path}")
    yield call("GET", "/directory/currency")
    yield call("GET", "/directory/countries")
    yield call("GET", "/directory/countries/:countryId", countryId="US")
    yield call("GET", "/modules")
    secret = {"username": "admin", "password": "Admin-password1"}
    yield call("POST", "/integration/admin/token", secret)
    yield call("POST", "/tfa/provider/google/authenticate", secret | {"otp": "123456"})


def _attributes(call: Call) -> Iterator[Example]:
    options = [{"label": "Red", "store_labels": [{"store_id": 1, "label": "Crimson"}]}, {"label": "Blue"}]
    attribute = {
        "attribute_code": "shade",
        "frontend_input": "select",
        "default_frontend_label": "Shade",
        "scope": "global",
    }
    made = call("POST", "/products/attributes", {"attribute": attribute | {"options": options}})
    yield made
    yield call("GET", "/products/attributes", query=ALL)
    yield call("GET", "/products/attributes/types")
    yield call("GET", "/products/attributes/:attributeCode", attributeCode="shade")
    yield call(
        "PUT", "/products/attributes/:attributeCode", {"attribute": {"is_required": False}}, attributeCode="shade"
    )
    yield call("GET", "/products/attributes/:attributeCode/options", attributeCode="shade")
    template = "/products/attributes/:attributeCode/options"
    green = call("POST", template, {"option": {"label": "Green"}}, attributeCode="shade")
    yield green
    names = {"attributeCode": "shade", "optionId": green.answer}
    yield call("PUT", f"{template}/:optionId", {"option": {"label": "Lime"}}, **names)
    yield call("DELETE", f"{template}/:optionId", **names)
    call("POST", "/products/attributes", {"attribute": attribute | {"attribute_code": "gone"}})
    yield call("DELETE", "/products/attributes/:attributeCode", attributeCode="gone")


def _sets(call: Call) -> Iterator[Example]:
    made = call("POST", "/products/attribute-sets", {"attributeSet": {"attribute_set_name": "Shoes"}, "skeletonId": 4})
    yield made
    number = made.answer["attribute_set_id"]
    for path in (
        "/products/attribute-sets/sets/list",
        "/eav/attribute-sets/list",
        "/products/attribute-sets/groups/list",
    ):
        yield call("GET", path, query=ALL)
    yield call("GET", "/products/attribute-sets/:attributeSetId", attributeSetId=number)
    yield call("GET", "/eav/attribute-sets/:attributeSetId", attributeSetId=number)
    body = {"attributeSetId": 4, "attributeGroupId": 7, "attributeCode": "shade", "sortOrder": 9}
    yield call("POST", "/products/attribute-sets/attributes", body)
    yield call("GET", "/products/attribute-sets/:attributeSetId/attributes", attributeSetId=4)
    template = "/products/attribute-sets/:attributeSetId/attributes/:attributeCode"
    yield call("DELETE", template, attributeSetId=number, attributeCode="msrp")
    yield call("DELETE", "/products/attribute-sets/:attributeSetId", attributeSetId=number)


def _categories(call: Call) -> Iterator[Example]:
    made = call("POST", "/categories", {"category": {"parent_id": 2, "name": "Shoes", "is_active": True}})
    yield made
    below = call(
        "POST", "/categories", {"category": {"parent_id": made.answer["id"], "name": "Boots", "is_active": True}}
    )
    yield call("GET", "/categories")
    yield call("GET", "/categories/list", query=ALL)
    yield call("GET", "/categories/:categoryId", categoryId=made.answer["id"])
    yield call("PUT", "/categories/:id", {"category": {"name": "All shoes"}}, id=made.answer["id"])
    yield call("PUT", "/categories/:categoryId/move", {"parentId": 2}, categoryId=below.answer["id"])
    yield call("DELETE", "/categories/:categoryId", categoryId=below.answer["id"])


def _product(sku: str, **more: Any) -> dict[str, Any]:
    product = {"sku": sku, "name": f"Shoe {sku}", "price": 20, "attribute_set_id": 4, "type_id": "simple", "weight": 1}
    stock = {"stock_item": {"qty": 10, "is_in_stock": True}}
    return {"product": product | {"extension_attributes": stock} | more}


def _products(call: Call) -> Iterator[Example]:
    yield call("POST", "/products", _product("SHOE/1", custom_attributes=[{"attribute_code": "shade", "value": "4"}]))
    call("POST", "/products", _product("SHOE-2"))
    yield call("GET", "/products", query=ALL)
    yield call("GET", "/products/:sku", sku="SHOE/1")
    yield call("PUT", "/products/:sku", {"product": {"price": 21}}, sku="SHOE/1")
    yield call("GET", "/products/types")
    yield call("GET", "/products/links/types")
    yield call("GET", "/products-render-info", query=f"{ALL}&storeId=1&currencyCode=EUR")
    link = {"productLink": {"sku": "SHOE/1", "position": 1, "category_id": "3"}}
    yield call("POST", "/categories/:categoryId/products", link, categoryId=3)
    yield call("PUT", "/categories/:categoryId/products", link, categoryId=3)
    yield call("GET", "/categories/:categoryId/products", categoryId=3)
    yield call("DELETE", "/categories/:categoryId/products/:sku", categoryId=3, sku="SHOE/1")


def picture(kind: str = "PNG") -> str:
    """A small picture in base64."""
    out = BytesIO()
    Image.new("RGB", (16, 16), (200, 30, 40)).save(out, kind)
    return base64.b64encode(out.getvalue()).decode()


def _media(call: Call) -> Iterator[Example]:
    content = {"base64_encoded_data": picture(), "type": "image/png", "name": "front.png"}
    entry = {
        "media_type": "image",
        "label": "front",
        "position": 1,
        "disabled": False,
        "types": ["image"],
        "content": content,
    }
    made = call("POST", "/products/:sku/media", {"entry": entry}, sku="SHOE/1")
    yield made
    names = {"sku": "SHOE/1", "entryId": made.answer}
    yield call("GET", "/products/:sku/media", sku="SHOE/1")
    yield call("GET", "/products/:sku/media/:entryId", **names)
    yield call("PUT", "/products/:sku/media/:entryId", {"entry": {"id": int(made.answer), "label": "face"}}, **names)
    yield call("DELETE", "/products/:sku/media/:entryId", **names)


def _configurables(call: Call) -> Iterator[Example]:
    shade = call("GET", "/products/attributes/:attributeCode", attributeCode="shade").answer["attribute_id"]
    extension = {"configurable_product_options": [{"attribute_id": str(shade), "label": "Shade", "position": 0}]}
    parent = _product("CONF", type_id="configurable")
    parent["product"]["extension_attributes"] |= extension
    call("POST", "/products", parent)
    yield call("POST", "/configurable-products/:sku/child", {"childSku": "SHOE/1"}, sku="CONF")
    yield call("GET", "/configurable-products/:sku/children", sku="CONF")
    options = call("GET", "/configurable-products/:sku/options/all", sku="CONF")
    yield options
    yield call("GET", "/configurable-products/:sku/options/:id", sku="CONF", id=options.answer[0]["id"])
    yield call("DELETE", "/configurable-products/:sku/children/:childSku", sku="CONF", childSku="SHOE/1")


def _prices(call: Call) -> Iterator[Example]:
    skus = {"skus": ["SHOE/1"]}
    for name, key in (("base-prices", "price"), ("cost", "cost")):
        yield call("POST", f"/products/{name}", {"prices": [{key: 9.5, "store_id": 0, "sku": "SHOE/1"}]})
        yield call("POST", f"/products/{name}-information", skus)
    yield call("POST", "/products/cost-delete", skus)
    special = {
        "price": 8,
        "store_id": 0,
        "sku": "SHOE/1",
        "price_from": "2026-01-01 00:00:00",
        "price_to": "2036-01-01 00:00:00",
    }
    yield call("POST", "/products/special-price", {"prices": [special]})
    yield call("POST", "/products/special-price-information", skus)
    yield call("POST", "/products/special-price-delete", {"prices": [special]})
    tier = {
        "price": 7,
        "price_type": "fixed",
        "website_id": 0,
        "sku": "SHOE/1",
        "customer_group": "ALL GROUPS",
        "quantity": 5,
    }
    yield call("POST", "/products/tier-prices", {"prices": [tier]})
    yield call("PUT", "/products/tier-prices", {"prices": [tier | {"price": 10, "price_type": "discount"}]})
    yield call("POST", "/products/tier-prices-information", skus)
    yield call("POST", "/products/tier-prices-delete", {"prices": [tier]})


def _stock(call: Call) -> Iterator[Example]:
    yield call("GET", "/stockItems/:productSku", productSku="SHOE/1")
    names = {"productSku": "SHOE/1", "itemId": 1}
    yield call(
        "PUT", "/products/:productSku/stockItems/:itemId", {"stockItem": {"qty": 12, "is_in_stock": True}}, **names
    )
    yield call("GET", "/stockStatuses/:productSku", productSku="SHOE/1")
    yield call("GET", "/stockItems/lowStock/", query="?scopeId=0&qty=50")
    names = {"sku": "SHOE/1", "stockId": 1}
    yield call("GET", "/inventory/get-product-salable-quantity/:sku/:stockId", **names)
    yield call("GET", "/inventory/is-product-salable/:sku/:stockId", **names)
    yield call("GET", "/inventory/are-products-salable", query="?skus[0]=SHOE-2&stockId=1")
    template = "/inventory/is-product-salable-for-requested-qty/:sku/:stockId/:requestedQty"
    yield call("GET", template, requestedQty=99, **names)
    query = "?skuRequests[0][sku]=SHOE-2&skuRequests[0][qty]=2&stockId=1"
    yield call("GET", "/inventory/are-product-salable-for-requested-qty/", query=query)
    yield call("GET", "/inventory/stock-resolver/:type/:code", type="website", code="base")
    names = {"salesChannelType": "website", "salesChannelCode": "base"}
    yield call("GET", "/inventory/export-stock-salable-qty/:salesChannelType/:salesChannelCode", query=ALL, **names)
    yield call("GET", "/inventory/dump-stock-index-data/:salesChannelType/:salesChannelCode", **names)


def _sources(call: Call) -> Iterator[Example]:
    source = {"source_code": "wh2", "name": "Warehouse 2", "enabled": True, "country_id": "DE", "postcode": "10115"}
    yield call("POST", "/inventory/sources", {"source": source})
    yield call("PUT", "/inventory/sources/:sourceCode", {"source": source | {"name": "Second"}}, sourceCode="wh2")
    yield call("GET", "/inventory/sources", query=ALL)
    yield call("GET", "/inventory/sources/:sourceCode", sourceCode="wh2")
    made = call("POST", "/inventory/stocks", {"stock": {"name": "North"}})
    yield made
    yield call("PUT", "/inventory/stocks/:stockId", {"stock": {"name": "South"}}, stockId=made.answer)
    yield call("GET", "/inventory/stocks", query=ALL)
    yield call("GET", "/inventory/stocks/:stockId", stockId=made.answer)
    links = {"links": [{"stock_id": made.answer, "source_code": "wh2", "priority": 1}]}
    yield call("POST", "/inventory/stock-source-links", links)
    yield call("GET", "/inventory/stock-source-links", query=ALL)
    items = {"sourceItems": [{"sku": "SHOE/1", "source_code": "wh2", "quantity": 4, "status": 1}]}
    yield call("POST", "/inventory/source-items", items)
    yield call("GET", "/inventory/source-items", query=ALL)
    request = {"inventoryRequest": {"stockId": made.answer, "items": [{"sku": "SHOE/1", "qty": 3}]}}
    yield call("POST", "/inventory/source-selection-algorithm-result", request | {"algorithmCode": "priority"})
    yield call("GET", "/inventory/source-selection-algorithm-list")
    yield call("POST", "/inventory/source-items-delete", items)
    yield call("POST", "/inventory/stock-source-links-delete", links)
    yield call("DELETE", "/inventory/stocks/:stockId", stockId=made.answer)


def _customers(call: Call) -> Iterator[Example]:
    address = {"firstname": "Ann", "lastname": "Lee", "street": ["1 Main St"], "city": "Austin", "postcode": "73301"}
    address |= {
        "country_id": "US",
        "telephone": "5125550100",
        "default_shipping": True,
        "region": {"region_id": 57, "region_code": "TX", "region": "Texas"},
    }
    customer = {
        "email": "ann@example.com",
        "firstname": "Ann",
        "lastname": "Lee",
        "website_id": 1,
        "addresses": [address],
    }
    yield call("POST", "/customers", {"customer": customer})
    yield call("POST", "/customers/isEmailAvailable", {"customerEmail": "ann@example.com"})
    yield call("GET", "/customers/search", query=ALL)
    yield call("GET", "/customers/:customerId", customerId=1)
    yield call("GET", "/customerGroups/search", query=ALL)
    yield call("GET", "/customerGroups/:id", id=1)


def _bulk(call: Call, shop: Shop) -> Iterator[Example]:
    headers = {"Authorization": f"Bearer {shop.tokens['connector']}", "Content-Type": "application/json"}
    body = b'[{"product": {"sku": "SHOE-2", "price": 30}}]'
    status, accepted = shop.send("PUT", "/rest/all/async/bulk/V1/products/bySku", body, headers)
    assert status == 202
    names = {"bulkUuid": accepted["bulk_uuid"]}
    yield call("GET", "/bulk/:bulkUuid/status", **names)
    yield call("GET", "/bulk/:bulkUuid/detailed-status", **names)
    yield call("GET", "/bulk/:bulkUuid/operation-status/:status", status=1, **names)
