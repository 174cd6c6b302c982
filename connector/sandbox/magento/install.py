"""What a new Magento holds: one website with one store view, the core attributes, the default category, source and stock, an
administrator and two integrations."""

from __future__ import annotations

import json
import secrets
import sqlite3
from datetime import datetime
from importlib import resources
from typing import Any

from connector.sandbox.magento import config
from connector.sandbox.magento.routing import stamp
from connector.sandbox.magento.users import hash_password

CATALOG_ACL = ["Magento_Backend::store", "Magento_Catalog::products", "Magento_Catalog::catalog_inventory"]
ENTITY_TYPE = "4"
DEFAULT_SET, DETAILS_GROUP = 4, 7
SOURCE_TABLE = "Magento\\Eav\\Model\\Entity\\Attribute\\Source\\Table"
GROUPS = (
    (7, "Product Details", 10),
    (13, "Content", 15),
    (19, "Bundle Items", 16),
    (10, "Images", 20),
    (9, "Search Engine Optimization", 30),
    (8, "Advanced Pricing", 40),
    (11, "Design", 50),
    (14, "Schedule Design Update", 55),
    (12, "Autosettings", 60),
    (20, "Gift Options", 61),
)
LAST_LINK = 134  # rows of eav_entity_attribute in an installation, categories and customers included
OUTSIDE_DEFAULT_SET = frozenset({"color", "manufacturer"})


def fresh_install(
    db: sqlite3.Connection, now: datetime, *, currency: str = "USD", admin_password: str = "", timezone: str = "UTC"
) -> None:
    """Fills new tables as an installation with the given base currency does. Tokens are made at random.

    `admin_password`: of the user `admin`; made at random when empty.
    """
    _stores(db)
    for path in ("currency/options/base", "currency/options/default", "currency/options/allow"):
        config.write(db, path, currency)
    config.write(db, "general/locale/timezone", timezone)
    _directory(db)
    _attributes(db)
    _categories(db, stamp(now))
    _inventory(db)
    _customers_and_tax(db)
    password = hash_password(admin_password or secrets.token_urlsafe(12))
    db.execute("INSERT INTO admin_user (user_id, username, password) VALUES (1, 'admin', ?)", (password,))
    add_integration(db, "connector")
    add_integration(db, "catalogue only", CATALOG_ACL)


def add_integration(db: sqlite3.Connection, name: str, resources_: list[str] | None = None) -> int:
    """An activated integration with four fresh secrets of 32 characters; `resources_` None grants everything. Returns its id."""
    cursor = db.execute(
        "INSERT INTO integration (name, consumer_key, consumer_secret, access_token, access_token_secret, resources)"
        " VALUES (?, ?, ?, ?, ?, ?)",
        (name, *(secrets.token_hex(16) for _ in range(4)), "*" if resources_ is None else json.dumps(resources_)),
    )
    return int(cursor.lastrowid or 0)


def add_website(
    db: sqlite3.Connection, code: str, name: str, store_code: str, store_name: str, group: tuple[str, str]
) -> int:
    """A website with one group (name, code) and one store view, selling from the default stock. Returns the website id."""
    website = db.execute("SELECT MAX(website_id) + 1 FROM store_website").fetchone()[0]
    group_id = db.execute("SELECT MAX(group_id) + 1 FROM store_group").fetchone()[0]
    store = add_store(db, store_code, store_name, website, group_id)
    db.execute("INSERT INTO store_website VALUES (?, ?, ?, ?)", (website, code, name, group_id))
    db.execute("INSERT INTO store_group VALUES (?, ?, 2, ?, ?, ?)", (group_id, website, store, *group))
    db.execute("INSERT INTO inventory_stock_sales_channel VALUES ('website', ?, 1)", (code,))
    return int(website)


def add_store(db: sqlite3.Connection, code: str, name: str, website_id: int = 1, group_id: int = 1) -> int:
    """One more store view. Returns its id."""
    cursor = db.execute(
        "INSERT INTO store (code, website_id, group_id, name) VALUES (?, ?, ?, ?)", (code, website_id, group_id, name)
    )
    return int(cursor.lastrowid or 0)


def data_file(name: str) -> Any:
    return json.loads(resources.files("connector.sandbox.magento").joinpath(name).read_text("utf-8"))


def _stores(db: sqlite3.Connection) -> None:
    db.executemany(
        "INSERT INTO store_website VALUES (?, ?, ?, ?)", [(0, "admin", "Admin", 0), (1, "base", "Main Website", 1)]
    )
    groups = [(0, 0, 0, 0, "Default", "default"), (1, 1, 2, 1, "Main Website Store", "main_website_store")]
    db.executemany("INSERT INTO store_group VALUES (?, ?, ?, ?, ?, ?)", groups)
    stores = [(1, "default", 1, 1, "Default Store View", 1), (0, "admin", 0, 0, "Admin", 1)]
    db.executemany("INSERT INTO store VALUES (?, ?, ?, ?, ?, ?)", stores)


def _directory(db: sqlite3.Connection) -> None:
    directory = data_file("directory.json")
    known = [country for country in directory["countries"] if country[1]]
    db.executemany("INSERT INTO directory_country VALUES (?, ?, ?)", known)
    rows = [
        (id_, country, code, name) for country, regions in directory["regions"].items() for id_, code, name in regions
    ]
    db.executemany("INSERT INTO directory_country_region VALUES (?, ?, ?, ?)", rows)


def _attributes(db: sqlite3.Connection) -> None:
    db.execute("INSERT INTO eav_attribute_set VALUES (?, 'Default', 1, ?)", (DEFAULT_SET, int(ENTITY_TYPE)))
    groups = [(id_, name, DEFAULT_SET, order) for id_, name, order in GROUPS]
    db.executemany("INSERT INTO eav_attribute_group VALUES (?, ?, ?, ?)", groups)
    countries = [[code, name] for code, _, name in data_file("directory.json")["countries"]]
    attributes = data_file("core_attributes.json")
    for order, core in enumerate(attributes):
        insert_attribute(db, core, _properties(core))
        options = countries if core["attribute_code"] == "country_of_manufacture" else core.get("options", [])
        for place, (value, label) in enumerate(options):
            db.execute(
                "INSERT INTO eav_attribute_option (option_id, attribute_id, value, label, sort_order) VALUES (?, ?, ?, ?, ?)",
                (-(core["attribute_id"] * 1000 + place), core["attribute_id"], value, label, place),
            )
        if core["attribute_code"] not in OUTSIDE_DEFAULT_SET:
            row = (LAST_LINK - len(attributes) + order + 1, DEFAULT_SET, core["attribute_id"], DETAILS_GROUP, order)
            db.execute("INSERT INTO eav_entity_attribute VALUES (?, ?, ?, ?, ?)", row)


def insert_attribute(db: sqlite3.Connection, given: dict[str, Any], data: dict[str, Any]) -> None:
    """One row of `eav_attribute`; `given` has the identifying properties, `data` all others."""
    db.execute(
        "INSERT INTO eav_attribute (attribute_id, attribute_code, backend_type, frontend_input, scope, is_required, is_user_defined, data)"
        " VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
        (
            given["attribute_id"],
            given["attribute_code"],
            given["backend_type"],
            given.get("frontend_input") or "",
            given["scope"],
            int(bool(given.get("is_required"))),
            int(bool(given.get("is_user_defined"))),
            json.dumps(data, ensure_ascii=False),
        ),
    )


def _properties(core: dict[str, Any]) -> dict[str, Any]:
    flags = core.get("flags", [])
    data: dict[str, Any] = {"apply_to": core.get("apply_to", []), "default_frontend_label": core.get("label")}
    data |= {name: True for name in flags if name in BOOLEAN_FLAGS}
    data |= {name: "1" for name in flags if name in TEXT_FLAGS}
    if core["attribute_code"] in OUTSIDE_DEFAULT_SET:
        data["source_model"] = SOURCE_TABLE
    elif core["attribute_code"] == "cost":
        data["backend_model"] = PRICE_MODEL
    return data


PRICE_MODEL = "Magento\\Catalog\\Model\\Product\\Attribute\\Backend\\Price"
BOOLEAN_FLAGS = (
    "is_wysiwyg_enabled",
    "is_html_allowed_on_front",
    "used_for_sort_by",
    "is_filterable",
    "is_filterable_in_search",
    "is_used_in_grid",
    "is_visible_in_grid",
    "is_filterable_in_grid",
)
TEXT_FLAGS = (
    "is_searchable",
    "is_visible_in_advanced_search",
    "is_comparable",
    "is_used_for_promo_rules",
    "is_visible_on_front",
    "used_in_product_listing",
)


def _categories(db: sqlite3.Connection, created: str) -> None:
    rows = [(1, 0, "1", 0, 0, created, created), (2, 1, "1/2", 1, 1, created, created)]
    db.executemany("INSERT INTO catalog_category_entity VALUES (?, ?, ?, ?, ?, ?, ?)", rows)
    values = [(1, "name", 0, "Root Catalog"), (2, "name", 0, "Default Category"), (2, "is_active", 0, "1")]
    values += [(1, "is_active", 0, "1"), (1, "include_in_menu", 0, "1"), (2, "include_in_menu", 0, "1")]
    db.executemany("INSERT INTO catalog_category_value VALUES (?, ?, ?, ?)", values)


def _inventory(db: sqlite3.Connection) -> None:
    source = {
        "description": "Default Source",
        "latitude": 0,
        "longitude": 0,
        "country_id": "US",
        "postcode": "00000",
        "use_default_carrier_config": True,
    }
    db.execute("INSERT INTO inventory_source VALUES ('default', 1, 'Default Source', ?)", (json.dumps(source),))
    db.execute("INSERT INTO inventory_stock VALUES (1, 'Default Stock')")
    db.execute("INSERT INTO inventory_source_stock_link (stock_id, source_code, priority) VALUES (1, 'default', 1)")
    db.execute("INSERT INTO inventory_stock_sales_channel VALUES ('website', 'base', 1)")


def _customers_and_tax(db: sqlite3.Connection) -> None:
    db.executemany(
        "INSERT INTO tax_class VALUES (?, ?, ?)", [(2, "Taxable Goods", "PRODUCT"), (3, "Retail Customer", "CUSTOMER")]
    )
    groups = [(0, "NOT LOGGED IN", 3), (1, "General", 3), (2, "Wholesale", 3), (3, "Retailer", 3)]
    db.executemany("INSERT INTO customer_group VALUES (?, ?, ?)", groups)
