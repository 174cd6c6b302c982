"""Settings of the shop, under Magento's own configuration paths, and switches of the sandbox under `sandbox/…`.

A value is looked up at the store view, then its website, then the default scope, then here. `PUT /_sandbox/magento/config` changes them.
"""

from __future__ import annotations

import sqlite3

DEFAULTS: dict[str, str] = {
    "carriers/flatrate/active": "1",
    "carriers/flatrate/name": "Fixed",
    "carriers/flatrate/price": "5.00",
    "carriers/flatrate/sallowspecific": "0",
    "carriers/flatrate/specificcountry": "",
    "carriers/flatrate/title": "Flat Rate",
    "carriers/flatrate/type": "I",
    "carriers/freeshipping/active": "0",
    "carriers/freeshipping/name": "Free",
    "carriers/freeshipping/sallowspecific": "0",
    "carriers/freeshipping/specificcountry": "",
    "carriers/freeshipping/title": "Free Shipping",
    "catalog/price/scope": "0",
    "cataloginventory/item_options/backorders": "0",
    "cataloginventory/item_options/manage_stock": "1",
    "cataloginventory/item_options/max_sale_qty": "10000",
    "cataloginventory/item_options/min_qty": "0",
    "cataloginventory/item_options/min_sale_qty": "1",
    "cataloginventory/item_options/notify_stock_qty": "1",
    "currency/options/allow": "USD",
    "currency/options/base": "USD",
    "currency/options/default": "USD",
    "general/country/allow": "",
    "general/country/default": "US",
    "general/country/optional_zip_countries": "HK,IE,MO,PA,GB",
    "general/locale/code": "en_US",
    "general/locale/timezone": "UTC",
    "general/locale/weight_unit": "lbs",
    "general/region/state_required": "AL,AR,AU,BG,BO,BR,BY,CA,CH,CL,CN,CO,CZ,DK,EC,EE,ES,GR,GY,HR,IN,IS,IT,LT,LV,MX,PE,PL,PT,PY,RO,SE,SR,US,UY,VE",
    "oauth/consumer/enable_integration_as_bearer": "1",
    "payment/banktransfer/active": "0",
    "payment/banktransfer/allowspecific": "0",
    "payment/banktransfer/max_order_total": "",
    "payment/banktransfer/min_order_total": "",
    "payment/banktransfer/specificcountry": "",
    "payment/banktransfer/title": "Bank Transfer Payment",
    "payment/cashondelivery/active": "0",
    "payment/cashondelivery/allowspecific": "0",
    "payment/cashondelivery/max_order_total": "",
    "payment/cashondelivery/min_order_total": "",
    "payment/cashondelivery/specificcountry": "",
    "payment/cashondelivery/title": "Cash On Delivery",
    "payment/checkmo/active": "1",
    "payment/checkmo/allowspecific": "0",
    "payment/checkmo/max_order_total": "",
    "payment/checkmo/min_order_total": "",
    "payment/checkmo/specificcountry": "",
    "payment/checkmo/title": "Check / Money order",
    "payment/free/active": "1",
    "payment/free/title": "No Payment Information Required",
    "payment/purchaseorder/active": "0",
    "payment/purchaseorder/allowspecific": "0",
    "payment/purchaseorder/max_order_total": "",
    "payment/purchaseorder/min_order_total": "",
    "payment/purchaseorder/specificcountry": "",
    "payment/purchaseorder/title": "Purchase Order",
    "sales/minimum_order/active": "0",
    "sales/minimum_order/amount": "0",
    "sales_email/general/async_sending": "0",
    "sales_email/order/enabled": "1",
    "tax/calculation/price_includes_tax": "0",
    "tax/sales_display/shipping": "1",
    "twofactorauth/general/enable": "1",
    "webapi/jwtauth/admin_expiration": "60",
    "webapi/validation/complex_array_limit": "20",
    "webapi/validation/default_page_size": "20",
    "webapi/validation/input_limit_enabled": "0",
    "webapi/validation/maximum_page_size": "300",
    # What a Magento cannot be told, but a sandbox can.
    "sandbox/consumer": "auto",  # asynchronous operations: auto (run after the answer) or off (stay open)
    "sandbox/exchange_rates": "",  # what one unit of the base currency is in others: "EUR=0.92,GBP=0.79"
    "sandbox/inventory": "msi",  # or legacy: a shop without the inventory modules, which counts stock items only
    "sandbox/maintenance": "0",  # every call answers 503 with a page of HTML
    "sandbox/oauth_path": "either",  # path in the signature: sent (newest), decoded (2.4.6 to 2.4.7-p3) or either
    "sandbox/oauth_port": "either",  # port in the signature: kept, dropped (some proxies) or either
    "sandbox/past_the_end": "empty",  # page behind the last: empty (2.4) or last_page (2.3)
    "sandbox/place_mail_ms": "30",  # placing an order: time between the order's commit and the closing of its cart
    "sandbox/place_prepare_ms": "20",  # placing an order: time between reading the cart and taking its lock
    "sandbox/place_save_ms": "10",  # placing an order: time between taking the lock and the order's commit
    "sandbox/shuffle": "1",  # rows whose order the caller left open come mixed, as a busy database may give them
}


class UnknownSettingError(ValueError):
    """A path that the sandbox does not read; the text lists what it does."""

    def __init__(self, path: str) -> None:
        super().__init__(f"No setting is called {path}. Known: {', '.join(sorted(DEFAULTS))}.")


def read(db: sqlite3.Connection, path: str, store_id: int = 0) -> str:
    """The value that holds for a store view (0 is the default scope)."""
    row = db.execute(
        "SELECT value FROM core_config_data WHERE path = :path AND (scope = 'default' OR (scope = 'stores' AND scope_id = :store)"
        " OR (scope = 'websites' AND scope_id = (SELECT website_id FROM store WHERE store_id = :store)))"
        " ORDER BY CASE scope WHEN 'stores' THEN 0 WHEN 'websites' THEN 1 ELSE 2 END LIMIT 1",
        {"path": path, "store": store_id},
    ).fetchone()
    return str(row["value"]) if row else DEFAULTS[path]


def without_sources(db: sqlite3.Connection) -> bool:
    """True for a shop whose inventory modules were removed."""
    return read(db, "sandbox/inventory") == "legacy"


def flag(db: sqlite3.Connection, path: str, store_id: int = 0) -> bool:
    return read(db, path, store_id) == "1"


def write(db: sqlite3.Connection, path: str, value: str, scope: str = "default", scope_id: int = 0) -> None:
    """Sets one value; `scope` is `default`, `websites` or `stores`. Raises UnknownSettingError."""
    if path not in DEFAULTS:
        raise UnknownSettingError(path)
    db.execute(
        "INSERT INTO core_config_data (scope, scope_id, path, value) VALUES (?, ?, ?, ?)"
        " ON CONFLICT (path, scope, scope_id) DO UPDATE SET value = excluded.value",
        (scope, scope_id, path, value),
    )
