-- State of the TikTok Shop side. Documents are JSON text; what is searched or sorted by has a column of its own.
CREATE TABLE IF NOT EXISTS setting (key TEXT PRIMARY KEY, value TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS sequence (kind TEXT PRIMARY KEY, last INTEGER NOT NULL);

CREATE TABLE IF NOT EXISTS auth_code (code TEXT PRIMARY KEY, seller_id TEXT NOT NULL, expires INTEGER NOT NULL, used INTEGER NOT NULL);
CREATE TABLE IF NOT EXISTS token (
    access_token TEXT PRIMARY KEY, refresh_token TEXT NOT NULL UNIQUE, seller_id TEXT NOT NULL, scopes TEXT NOT NULL,
    access_expires INTEGER NOT NULL, refresh_expires INTEGER NOT NULL, revoked INTEGER NOT NULL DEFAULT 0
);

CREATE TABLE IF NOT EXISTS timer (id INTEGER PRIMARY KEY, due REAL NOT NULL, kind TEXT NOT NULL, subject TEXT NOT NULL);
CREATE INDEX IF NOT EXISTS timer_due ON timer (due);
CREATE INDEX IF NOT EXISTS timer_subject ON timer (kind, subject);

CREATE TABLE IF NOT EXISTS image (uri TEXT PRIMARY KEY, use_case TEXT NOT NULL, width INTEGER NOT NULL, height INTEGER NOT NULL,
    format TEXT NOT NULL, body BLOB NOT NULL);
CREATE TABLE IF NOT EXISTS file (id TEXT PRIMARY KEY, name TEXT NOT NULL, format TEXT NOT NULL, body BLOB NOT NULL);
CREATE TABLE IF NOT EXISTS brand (id TEXT PRIMARY KEY, name TEXT NOT NULL COLLATE NOCASE, create_time INTEGER NOT NULL);
CREATE INDEX IF NOT EXISTS brand_name ON brand (name);

CREATE TABLE IF NOT EXISTS product (
    id INTEGER PRIMARY KEY, shop_id TEXT NOT NULL, status TEXT NOT NULL, audit TEXT NOT NULL, create_time INTEGER NOT NULL,
    update_time INTEGER NOT NULL, category_id TEXT NOT NULL, title TEXT NOT NULL, content TEXT NOT NULL, review TEXT, draft TEXT,
    failures TEXT NOT NULL DEFAULT '[]', published INTEGER NOT NULL DEFAULT 0
);
CREATE INDEX IF NOT EXISTS product_by_status ON product (shop_id, status, id);
CREATE INDEX IF NOT EXISTS product_by_id ON product (shop_id, id);
CREATE INDEX IF NOT EXISTS product_by_update ON product (shop_id, update_time, id);
CREATE TABLE IF NOT EXISTS sku (
    id INTEGER PRIMARY KEY, product_id INTEGER NOT NULL, shop_id TEXT NOT NULL, position INTEGER NOT NULL, state TEXT NOT NULL,
    seller_sku TEXT NOT NULL, currency TEXT NOT NULL, amount TEXT NOT NULL, list_amount TEXT, detail TEXT NOT NULL
);
CREATE INDEX IF NOT EXISTS sku_of_product ON sku (product_id, position);
CREATE INDEX IF NOT EXISTS sku_by_seller_sku ON sku (shop_id, seller_sku);
CREATE TABLE IF NOT EXISTS stock (
    sku_id INTEGER NOT NULL, warehouse_id TEXT NOT NULL, available INTEGER NOT NULL, committed INTEGER NOT NULL DEFAULT 0,
    extra TEXT NOT NULL DEFAULT '{}', PRIMARY KEY (sku_id, warehouse_id)
) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS idempotency (shop_id TEXT NOT NULL, key TEXT NOT NULL, answer TEXT NOT NULL, PRIMARY KEY (shop_id, key));

CREATE TABLE IF NOT EXISTS "order" (
    id INTEGER PRIMARY KEY, shop_id TEXT NOT NULL, status TEXT NOT NULL, create_time INTEGER NOT NULL, update_time INTEGER NOT NULL,
    shipping_type TEXT NOT NULL, user_id TEXT NOT NULL, warehouse_id TEXT NOT NULL, wants_cancel INTEGER NOT NULL DEFAULT 0,
    document TEXT NOT NULL
);
CREATE INDEX IF NOT EXISTS order_by_create ON "order" (shop_id, create_time, id);
CREATE INDEX IF NOT EXISTS order_by_update ON "order" (shop_id, update_time, id);
CREATE INDEX IF NOT EXISTS order_by_status ON "order" (shop_id, status, id);
CREATE INDEX IF NOT EXISTS order_by_wish ON "order" (shop_id, wants_cancel, create_time, id);
CREATE TABLE IF NOT EXISTS external_order (
    order_id INTEGER NOT NULL, platform TEXT NOT NULL, external_id TEXT NOT NULL, shop_id TEXT NOT NULL, document TEXT NOT NULL,
    PRIMARY KEY (order_id, platform)
) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS external_order_by_id ON external_order (shop_id, platform, external_id);
CREATE TABLE IF NOT EXISTS package (
    id INTEGER PRIMARY KEY, shop_id TEXT NOT NULL, status TEXT NOT NULL, create_time INTEGER NOT NULL, update_time INTEGER NOT NULL,
    order_pay_time INTEGER NOT NULL, document TEXT NOT NULL
);
CREATE INDEX IF NOT EXISTS package_by_create ON package (shop_id, create_time, id);
CREATE INDEX IF NOT EXISTS package_by_update ON package (shop_id, update_time, id);
CREATE INDEX IF NOT EXISTS package_by_pay ON package (shop_id, order_pay_time, id);
CREATE INDEX IF NOT EXISTS package_by_status ON package (shop_id, status, id);

CREATE TABLE IF NOT EXISTS cancellation (
    id INTEGER PRIMARY KEY, shop_id TEXT NOT NULL, order_id INTEGER NOT NULL, status TEXT NOT NULL, create_time INTEGER NOT NULL,
    update_time INTEGER NOT NULL, document TEXT NOT NULL
);
CREATE INDEX IF NOT EXISTS cancellation_by_create ON cancellation (shop_id, create_time, id);
CREATE INDEX IF NOT EXISTS cancellation_by_update ON cancellation (shop_id, update_time, id);
CREATE INDEX IF NOT EXISTS cancellation_by_status ON cancellation (shop_id, status, create_time, id);
CREATE INDEX IF NOT EXISTS cancellation_by_order ON cancellation (order_id);
CREATE TABLE IF NOT EXISTS return_order (
    id INTEGER PRIMARY KEY, shop_id TEXT NOT NULL, order_id INTEGER NOT NULL, status TEXT NOT NULL, create_time INTEGER NOT NULL,
    update_time INTEGER NOT NULL, document TEXT NOT NULL, records TEXT NOT NULL DEFAULT '[]'
);
CREATE INDEX IF NOT EXISTS return_by_create ON return_order (shop_id, create_time, id);
CREATE INDEX IF NOT EXISTS return_by_update ON return_order (shop_id, update_time, id);
CREATE INDEX IF NOT EXISTS return_by_status ON return_order (shop_id, status, create_time, id);
CREATE INDEX IF NOT EXISTS return_by_order ON return_order (order_id);

CREATE TABLE IF NOT EXISTS webhook (
    shop_id TEXT NOT NULL, event_type TEXT NOT NULL, address TEXT NOT NULL, create_time INTEGER NOT NULL, update_time INTEGER NOT NULL,
    PRIMARY KEY (shop_id, event_type)
) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS delivery (
    id INTEGER PRIMARY KEY, due REAL NOT NULL, tries INTEGER NOT NULL DEFAULT 0, state TEXT NOT NULL DEFAULT 'waiting',
    address TEXT NOT NULL, body BLOB NOT NULL
);
CREATE INDEX IF NOT EXISTS delivery_due ON delivery (state, due, id);
