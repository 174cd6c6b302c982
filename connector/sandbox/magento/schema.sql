-- The tables of a Magento 2.4.7 catalogue, under Magento's own names. Three differences, all on purpose: one value table
-- for all attribute types instead of five, attribute properties as JSON, and quantities as whole ten-thousandths
-- (Magento's decimal(10,4)), so that sums are exact.

CREATE TABLE core_config_data (
    scope TEXT NOT NULL DEFAULT 'default',      -- default, websites, stores
    scope_id INTEGER NOT NULL DEFAULT 0,
    path TEXT NOT NULL,
    value TEXT,
    PRIMARY KEY (path, scope, scope_id)
) WITHOUT ROWID;

CREATE TABLE store_website (website_id INTEGER PRIMARY KEY, code TEXT NOT NULL UNIQUE, name TEXT NOT NULL, default_group_id INTEGER NOT NULL);
CREATE TABLE store_group (
    group_id INTEGER PRIMARY KEY, website_id INTEGER NOT NULL, root_category_id INTEGER NOT NULL,
    default_store_id INTEGER NOT NULL, name TEXT NOT NULL, code TEXT NOT NULL UNIQUE
);
CREATE TABLE store (
    store_id INTEGER PRIMARY KEY, code TEXT NOT NULL UNIQUE, website_id INTEGER NOT NULL, group_id INTEGER NOT NULL,
    name TEXT NOT NULL, is_active INTEGER NOT NULL DEFAULT 1
);

CREATE TABLE integration (
    integration_id INTEGER PRIMARY KEY, name TEXT NOT NULL,
    consumer_key TEXT NOT NULL UNIQUE, consumer_secret TEXT NOT NULL,
    access_token TEXT NOT NULL UNIQUE, access_token_secret TEXT NOT NULL,
    resources TEXT NOT NULL DEFAULT '*',         -- '*' or a JSON list of ACL ids
    revoked INTEGER NOT NULL DEFAULT 0
);
CREATE TABLE oauth_nonce (consumer_key TEXT NOT NULL, nonce TEXT NOT NULL, timestamp INTEGER NOT NULL, PRIMARY KEY (consumer_key, nonce)) WITHOUT ROWID;
CREATE TABLE admin_user (
    user_id INTEGER PRIMARY KEY, username TEXT NOT NULL UNIQUE, password TEXT NOT NULL,
    failures INTEGER NOT NULL DEFAULT 0, locked_until TEXT
);

CREATE TABLE directory_country (country_id TEXT PRIMARY KEY, iso3_code TEXT NOT NULL, name TEXT NOT NULL);
CREATE TABLE directory_country_region (region_id INTEGER PRIMARY KEY, country_id TEXT NOT NULL, code TEXT NOT NULL, default_name TEXT NOT NULL);
CREATE INDEX region_of_country ON directory_country_region (country_id);

CREATE TABLE eav_attribute (
    attribute_id INTEGER PRIMARY KEY, attribute_code TEXT NOT NULL UNIQUE, backend_type TEXT NOT NULL,
    frontend_input TEXT NOT NULL, scope TEXT NOT NULL, is_required INTEGER NOT NULL DEFAULT 0, is_user_defined INTEGER NOT NULL DEFAULT 1,
    data TEXT NOT NULL                           -- the remaining properties, JSON, as the REST answer shows them
);
CREATE TABLE eav_attribute_option (
    option_id INTEGER PRIMARY KEY, attribute_id INTEGER NOT NULL, value TEXT NOT NULL, label TEXT NOT NULL, sort_order INTEGER NOT NULL DEFAULT 0
);
CREATE INDEX option_of_attribute ON eav_attribute_option (attribute_id, sort_order);
CREATE TABLE eav_attribute_option_value (option_id INTEGER NOT NULL, store_id INTEGER NOT NULL, label TEXT NOT NULL, PRIMARY KEY (option_id, store_id)) WITHOUT ROWID;
CREATE TABLE eav_attribute_set (
    attribute_set_id INTEGER PRIMARY KEY, attribute_set_name TEXT NOT NULL, sort_order INTEGER NOT NULL DEFAULT 1, entity_type_id INTEGER NOT NULL DEFAULT 4
);
CREATE TABLE eav_attribute_group (
    attribute_group_id INTEGER PRIMARY KEY, attribute_group_name TEXT NOT NULL, attribute_set_id INTEGER NOT NULL, sort_order INTEGER NOT NULL DEFAULT 0
);
CREATE TABLE eav_entity_attribute (
    entity_attribute_id INTEGER PRIMARY KEY, attribute_set_id INTEGER NOT NULL, attribute_id INTEGER NOT NULL,
    attribute_group_id INTEGER NOT NULL, sort_order INTEGER NOT NULL DEFAULT 0, UNIQUE (attribute_set_id, attribute_id)
);

CREATE TABLE catalog_category_entity (
    entity_id INTEGER PRIMARY KEY, parent_id INTEGER NOT NULL, path TEXT NOT NULL, position INTEGER NOT NULL, level INTEGER NOT NULL,
    created_at TEXT NOT NULL, updated_at TEXT NOT NULL
);
CREATE INDEX children_of_category ON catalog_category_entity (parent_id, position);
CREATE TABLE catalog_category_value (
    entity_id INTEGER NOT NULL, attribute_code TEXT NOT NULL, store_id INTEGER NOT NULL, value TEXT,
    PRIMARY KEY (entity_id, attribute_code, store_id)
) WITHOUT ROWID;
CREATE TABLE catalog_category_product (category_id INTEGER NOT NULL, product_id INTEGER NOT NULL, position INTEGER NOT NULL DEFAULT 0, PRIMARY KEY (category_id, product_id)) WITHOUT ROWID;
CREATE INDEX category_of_product ON catalog_category_product (product_id, category_id, position);

CREATE TABLE catalog_product_entity (
    entity_id INTEGER PRIMARY KEY AUTOINCREMENT, sku TEXT NOT NULL COLLATE NOCASE UNIQUE, type_id TEXT NOT NULL, attribute_set_id INTEGER NOT NULL,
    created_at TEXT NOT NULL, updated_at TEXT NOT NULL,
    custom_options TEXT, bundle_options TEXT     -- JSON lists as the REST answer shows them
);
CREATE INDEX product_updated ON catalog_product_entity (updated_at, entity_id);
CREATE INDEX product_type ON catalog_product_entity (type_id, entity_id);
CREATE TABLE catalog_product_value (
    entity_id INTEGER NOT NULL, attribute_id INTEGER NOT NULL, store_id INTEGER NOT NULL, value TEXT,
    PRIMARY KEY (entity_id, attribute_id, store_id)
) WITHOUT ROWID;
CREATE INDEX value_of_store_view ON catalog_product_value (attribute_id, store_id) WHERE store_id > 0;
CREATE TABLE catalog_product_website (product_id INTEGER NOT NULL, website_id INTEGER NOT NULL, PRIMARY KEY (product_id, website_id)) WITHOUT ROWID;
CREATE TABLE catalog_product_super_attribute (
    product_super_attribute_id INTEGER PRIMARY KEY, product_id INTEGER NOT NULL, attribute_id INTEGER NOT NULL,
    position INTEGER NOT NULL DEFAULT 0, label TEXT NOT NULL
);
CREATE INDEX super_attribute_of_product ON catalog_product_super_attribute (product_id, position);
CREATE TABLE catalog_product_super_link (link_id INTEGER PRIMARY KEY, parent_id INTEGER NOT NULL, product_id INTEGER NOT NULL, UNIQUE (parent_id, product_id));
CREATE INDEX parent_of_product ON catalog_product_super_link (product_id);
CREATE TABLE catalog_product_media (
    value_id INTEGER PRIMARY KEY AUTOINCREMENT, entity_id INTEGER NOT NULL, media_type TEXT NOT NULL DEFAULT 'image', file TEXT NOT NULL,
    label TEXT, position INTEGER NOT NULL DEFAULT 1, disabled INTEGER NOT NULL DEFAULT 0, video TEXT
);
CREATE INDEX media_of_product ON catalog_product_media (entity_id, position);
CREATE TABLE catalog_product_tier_price (
    value_id INTEGER PRIMARY KEY, entity_id INTEGER NOT NULL, website_id INTEGER NOT NULL DEFAULT 0, customer_group_id INTEGER NOT NULL,
    qty TEXT NOT NULL, value TEXT NOT NULL, percentage_value TEXT
);
CREATE INDEX tier_price_of_product ON catalog_product_tier_price (entity_id);
CREATE TABLE catalog_product_link (
    link_id INTEGER PRIMARY KEY, product_id INTEGER NOT NULL, link_type TEXT NOT NULL, linked_product_id INTEGER NOT NULL,
    position INTEGER NOT NULL DEFAULT 0, qty TEXT
);
CREATE INDEX link_of_product ON catalog_product_link (product_id);

CREATE TABLE cataloginventory_stock_item (
    item_id INTEGER PRIMARY KEY AUTOINCREMENT, product_id INTEGER NOT NULL UNIQUE, qty INTEGER, is_in_stock INTEGER NOT NULL DEFAULT 0,
    is_qty_decimal INTEGER NOT NULL DEFAULT 0, use_config_min_qty INTEGER NOT NULL DEFAULT 1, min_qty INTEGER NOT NULL DEFAULT 0,
    use_config_min_sale_qty INTEGER NOT NULL DEFAULT 1, min_sale_qty INTEGER NOT NULL DEFAULT 10000,
    use_config_max_sale_qty INTEGER NOT NULL DEFAULT 1, max_sale_qty INTEGER NOT NULL DEFAULT 100000000,
    use_config_backorders INTEGER NOT NULL DEFAULT 1, backorders INTEGER NOT NULL DEFAULT 0,
    use_config_notify_stock_qty INTEGER NOT NULL DEFAULT 1, notify_stock_qty INTEGER NOT NULL DEFAULT 10000,
    use_config_qty_increments INTEGER NOT NULL DEFAULT 1, qty_increments INTEGER NOT NULL DEFAULT 0,
    use_config_enable_qty_inc INTEGER NOT NULL DEFAULT 1, enable_qty_increments INTEGER NOT NULL DEFAULT 0,
    use_config_manage_stock INTEGER NOT NULL DEFAULT 1, manage_stock INTEGER NOT NULL DEFAULT 1,
    low_stock_date TEXT, is_decimal_divided INTEGER NOT NULL DEFAULT 0, stock_status_changed_auto INTEGER NOT NULL DEFAULT 0
);
CREATE TABLE inventory_source (source_code TEXT PRIMARY KEY COLLATE NOCASE, enabled INTEGER NOT NULL DEFAULT 1, name TEXT NOT NULL, data TEXT NOT NULL);
CREATE TABLE inventory_stock (stock_id INTEGER PRIMARY KEY AUTOINCREMENT, name TEXT NOT NULL);
CREATE TABLE inventory_stock_sales_channel (type TEXT NOT NULL, code TEXT NOT NULL, stock_id INTEGER NOT NULL, PRIMARY KEY (type, code)) WITHOUT ROWID;
CREATE TABLE inventory_source_stock_link (
    link_id INTEGER PRIMARY KEY, stock_id INTEGER NOT NULL, source_code TEXT NOT NULL COLLATE NOCASE, priority INTEGER NOT NULL, UNIQUE (stock_id, source_code)
);
CREATE TABLE inventory_source_item (
    source_item_id INTEGER PRIMARY KEY, source_code TEXT NOT NULL COLLATE NOCASE, sku TEXT NOT NULL COLLATE NOCASE,
    quantity INTEGER NOT NULL DEFAULT 0, status INTEGER NOT NULL DEFAULT 0, UNIQUE (sku, source_code)
);
CREATE TABLE inventory_reservation (
    reservation_id INTEGER PRIMARY KEY, stock_id INTEGER NOT NULL, sku TEXT NOT NULL COLLATE NOCASE, quantity INTEGER NOT NULL, metadata TEXT NOT NULL
);
CREATE INDEX reservation_of_sku ON inventory_reservation (sku, stock_id, quantity);

CREATE TABLE tax_class (class_id INTEGER PRIMARY KEY, class_name TEXT NOT NULL, class_type TEXT NOT NULL);
CREATE TABLE customer_group (id INTEGER PRIMARY KEY, code TEXT NOT NULL, tax_class_id INTEGER NOT NULL);
CREATE TABLE customer_entity (
    entity_id INTEGER PRIMARY KEY AUTOINCREMENT, email TEXT NOT NULL COLLATE NOCASE, website_id INTEGER NOT NULL, store_id INTEGER NOT NULL, group_id INTEGER NOT NULL,
    firstname TEXT NOT NULL, lastname TEXT NOT NULL, created_in TEXT NOT NULL, created_at TEXT NOT NULL, updated_at TEXT NOT NULL,
    data TEXT NOT NULL, UNIQUE (email, website_id)
);
CREATE TABLE customer_address_entity (
    entity_id INTEGER PRIMARY KEY AUTOINCREMENT, customer_id INTEGER NOT NULL, default_billing INTEGER NOT NULL DEFAULT 0,
    default_shipping INTEGER NOT NULL DEFAULT 0, data TEXT NOT NULL
);
CREATE INDEX address_of_customer ON customer_address_entity (customer_id);

CREATE TABLE magento_bulk (uuid TEXT PRIMARY KEY, description TEXT NOT NULL, start_time TEXT NOT NULL, user_type INTEGER NOT NULL, user_id INTEGER NOT NULL);
CREATE TABLE magento_operation (
    bulk_uuid TEXT NOT NULL, operation_key INTEGER NOT NULL, topic_name TEXT NOT NULL, request TEXT NOT NULL, status INTEGER NOT NULL DEFAULT 4,
    result_message TEXT, error_code INTEGER, PRIMARY KEY (bulk_uuid, operation_key)
) WITHOUT ROWID;
