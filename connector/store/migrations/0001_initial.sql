CREATE TABLE "user" (
  "id" {serial} NOT NULL PRIMARY KEY, "email" VARCHAR(255) NOT NULL, "name" VARCHAR(255) NOT NULL,
  "password_hash" VARCHAR(255) NOT NULL, "role" VARCHAR(255) NOT NULL, "active" {boolean} NOT NULL,
  "created_at" {bigint} NOT NULL, "last_login_at" {bigint});
CREATE UNIQUE INDEX "user_email" ON "user" ("email");
CREATE TABLE "setting" ("key" VARCHAR(255) NOT NULL PRIMARY KEY, "value" TEXT);
CREATE TABLE "saved_view" (
  "id" {serial} NOT NULL PRIMARY KEY, "user_id" INTEGER NOT NULL, "endpoint" VARCHAR(255) NOT NULL,
  "name" VARCHAR(255) NOT NULL, "query" TEXT NOT NULL,
  FOREIGN KEY ("user_id") REFERENCES "user" ("id") ON DELETE CASCADE);
CREATE INDEX "saved_view_user_id" ON "saved_view" ("user_id");
CREATE UNIQUE INDEX "saved_view_user_id_endpoint_name" ON "saved_view" ("user_id", "endpoint", "name");
CREATE TABLE "history_entry" (
  "id" {bigserial} NOT NULL PRIMARY KEY, "at" {bigint} NOT NULL, "actor" VARCHAR(255) NOT NULL,
  "action" VARCHAR(255) NOT NULL, "subject_type" VARCHAR(255) NOT NULL, "subject_id" VARCHAR(255) NOT NULL,
  "message" TEXT NOT NULL, "before" TEXT, "after" TEXT);
CREATE INDEX "history_entry_at" ON "history_entry" ("at");
CREATE INDEX "history_entry_subject_type_subject_id" ON "history_entry" ("subject_type", "subject_id");
CREATE TABLE "magento_store" (
  "id" {serial} NOT NULL PRIMARY KEY, "title" VARCHAR(255) NOT NULL, "base_url" VARCHAR(255) NOT NULL,
  "auth" VARCHAR(255) NOT NULL, "consumer_key" VARCHAR(255) NOT NULL, "consumer_secret" TEXT NOT NULL,
  "access_token" TEXT NOT NULL, "access_token_secret" TEXT NOT NULL, "store_code" VARCHAR(255) NOT NULL,
  "website_code" VARCHAR(255) NOT NULL, "website_id" INTEGER NOT NULL, "root_category_id" INTEGER NOT NULL,
  "base_currency" VARCHAR(255) NOT NULL, "timezone" VARCHAR(255) NOT NULL, "weight_unit" VARCHAR(255) NOT NULL,
  "base_media_url" VARCHAR(255) NOT NULL, "attributes" TEXT, "categories" TEXT, "attribute_sets" TEXT,
  "metadata_at" {bigint}, "high_water" VARCHAR(255) NOT NULL, "synced_at" {bigint}, "swept_at" {bigint},
  "sources" TEXT);
CREATE TABLE "policy" (
  "id" {serial} NOT NULL PRIMARY KEY, "title" VARCHAR(255) NOT NULL, "type" VARCHAR(255) NOT NULL,
  "settings" TEXT NOT NULL, "is_default" {boolean} NOT NULL, "created_at" {bigint} NOT NULL,
  "updated_at" {bigint} NOT NULL);
CREATE UNIQUE INDEX "policy_title" ON "policy" ("title");
CREATE INDEX "policy_type" ON "policy" ("type");
CREATE TABLE "account" (
  "id" {serial} NOT NULL PRIMARY KEY, "title" VARCHAR(255) NOT NULL, "store_id" INTEGER NOT NULL,
  "environment" VARCHAR(255) NOT NULL, "country" VARCHAR(255) NOT NULL, "active" {boolean} NOT NULL,
  "api_url" VARCHAR(255) NOT NULL, "auth_url" VARCHAR(255) NOT NULL, "authorize_url" VARCHAR(255) NOT NULL,
  "app_key" VARCHAR(255) NOT NULL, "app_secret" TEXT NOT NULL, "service_id" VARCHAR(255) NOT NULL,
  "access_token" TEXT NOT NULL, "access_expires_at" {bigint}, "refresh_token" TEXT NOT NULL,
  "refresh_expires_at" {bigint}, "seller_name" VARCHAR(255) NOT NULL, "granted_scopes" TEXT NOT NULL,
  "shop_id" VARCHAR(255) NOT NULL, "shop_name" VARCHAR(255) NOT NULL, "shop_cipher" TEXT NOT NULL,
  "region" VARCHAR(255) NOT NULL, "currency" VARCHAR(255) NOT NULL, "warehouse_id" VARCHAR(255) NOT NULL,
  "warehouses" TEXT NOT NULL, "carriers" TEXT NOT NULL, "onboarded_at" {bigint}, "order_email" VARCHAR(255) NOT NULL,
  "synchronization_policy_id" INTEGER, "order_policy_id" INTEGER, "high_water" TEXT NOT NULL,
  "problem" TEXT NOT NULL, "created_at" {bigint} NOT NULL, "connected_at" {bigint},
  FOREIGN KEY ("store_id") REFERENCES "magento_store" ("id") ON DELETE RESTRICT,
  FOREIGN KEY ("synchronization_policy_id") REFERENCES "policy" ("id") ON DELETE RESTRICT,
  FOREIGN KEY ("order_policy_id") REFERENCES "policy" ("id") ON DELETE RESTRICT);
CREATE UNIQUE INDEX "account_title" ON "account" ("title");
CREATE INDEX "account_store_id" ON "account" ("store_id");
CREATE INDEX "account_shop_id" ON "account" ("shop_id");
CREATE INDEX "account_synchronization_policy_id" ON "account" ("synchronization_policy_id");
CREATE INDEX "account_order_policy_id" ON "account" ("order_policy_id");
CREATE TABLE "o_auth_state" (
  "digest" VARCHAR(255) NOT NULL PRIMARY KEY, "account_id" INTEGER NOT NULL, "session_digest" VARCHAR(255) NOT NULL,
  "created_at" {bigint} NOT NULL, FOREIGN KEY ("account_id") REFERENCES "account" ("id") ON DELETE CASCADE);
CREATE INDEX "o_auth_state_account_id" ON "o_auth_state" ("account_id");
CREATE TABLE "marketplace_category" (
  "id" {serial} NOT NULL PRIMARY KEY, "account_id" INTEGER NOT NULL, "category_id" VARCHAR(255) NOT NULL,
  "parent_id" VARCHAR(255) NOT NULL, "name" VARCHAR(255) NOT NULL, "path" TEXT NOT NULL,
  "is_leaf" {boolean} NOT NULL, "available" {boolean} NOT NULL,
  FOREIGN KEY ("account_id") REFERENCES "account" ("id") ON DELETE CASCADE);
CREATE INDEX "marketplace_category_account_id" ON "marketplace_category" ("account_id");
CREATE UNIQUE INDEX "marketplace_category_account_id_category_id" ON "marketplace_category" (
  "account_id", "category_id");
CREATE TABLE "tik_tok_attribute" (
  "id" {serial} NOT NULL PRIMARY KEY, "account_id" INTEGER NOT NULL, "category_id" VARCHAR(255) NOT NULL,
  "attribute_id" VARCHAR(255) NOT NULL, "name" VARCHAR(255) NOT NULL, "is_sales" {boolean} NOT NULL,
  "is_required" {boolean} NOT NULL, "is_multiple" {boolean} NOT NULL, "is_customizable" {boolean} NOT NULL,
  "is_number" {boolean} NOT NULL, "values" TEXT NOT NULL, "required_when" TEXT NOT NULL,
  "magento_attribute" VARCHAR(255) NOT NULL, "value_map" TEXT NOT NULL, "default_value_id" VARCHAR(255) NOT NULL,
  "default_custom" VARCHAR(255) NOT NULL, "fetched_at" {bigint},
  FOREIGN KEY ("account_id") REFERENCES "account" ("id") ON DELETE CASCADE);
CREATE INDEX "tik_tok_attribute_account_id" ON "tik_tok_attribute" ("account_id");
CREATE UNIQUE INDEX "tik_tok_attribute_account_id_category_id_attribute_id" ON "tik_tok_attribute" (
  "account_id", "category_id", "attribute_id");
CREATE TABLE "rule_set_version" (
  "number" {serial} NOT NULL PRIMARY KEY, "sha256" VARCHAR(255) NOT NULL, "files" TEXT NOT NULL,
  "active" {boolean} NOT NULL, "author" VARCHAR(255) NOT NULL, "note" TEXT NOT NULL, "created_at" {bigint} NOT NULL,
  "activated_at" {bigint});
CREATE INDEX "rule_set_version_sha256" ON "rule_set_version" ("sha256");
CREATE TABLE "rule_progress" (
  "store_id" INTEGER NOT NULL PRIMARY KEY, "metadata" VARCHAR(255) NOT NULL, "context" VARCHAR(255) NOT NULL,
  "day" INTEGER NOT NULL, "under_way" VARCHAR(255) NOT NULL, "cursor" {bigint} NOT NULL, "behind" TEXT NOT NULL,
  "templates" TEXT NOT NULL, "prices" TEXT NOT NULL, "doing" VARCHAR(255) NOT NULL, "done" INTEGER NOT NULL,
  "total" INTEGER NOT NULL, "at" {bigint},
  FOREIGN KEY ("store_id") REFERENCES "magento_store" ("id") ON DELETE CASCADE);
CREATE TABLE "listing_template" (
  "id" {serial} NOT NULL PRIMARY KEY, "account_id" INTEGER NOT NULL, "name" VARCHAR(255) NOT NULL,
  "enabled" {boolean} NOT NULL, "category_id" VARCHAR(255) NOT NULL, "category_path" TEXT NOT NULL,
  "category_rules" TEXT NOT NULL, "image_policy_id" INTEGER, "pricing_policy_id" INTEGER,
  "inventory_policy_id" INTEGER, "query" TEXT NOT NULL, "query_priority" INTEGER NOT NULL,
  "brand_id" VARCHAR(255) NOT NULL, "brand_name" VARCHAR(255) NOT NULL, "size_chart" TEXT NOT NULL, "package_weight" VARCHAR(255) NOT NULL,
  "dimensions" TEXT NOT NULL, "created_at" {bigint} NOT NULL, "updated_at" {bigint} NOT NULL,
  FOREIGN KEY ("account_id") REFERENCES "account" ("id") ON DELETE RESTRICT,
  FOREIGN KEY ("image_policy_id") REFERENCES "policy" ("id") ON DELETE RESTRICT,
  FOREIGN KEY ("pricing_policy_id") REFERENCES "policy" ("id") ON DELETE RESTRICT,
  FOREIGN KEY ("inventory_policy_id") REFERENCES "policy" ("id") ON DELETE RESTRICT);
CREATE INDEX "listing_template_account_id" ON "listing_template" ("account_id");
CREATE INDEX "listing_template_image_policy_id" ON "listing_template" ("image_policy_id");
CREATE INDEX "listing_template_pricing_policy_id" ON "listing_template" ("pricing_policy_id");
CREATE INDEX "listing_template_inventory_policy_id" ON "listing_template" ("inventory_policy_id");
CREATE UNIQUE INDEX "listing_template_account_id_name" ON "listing_template" ("account_id", "name");
CREATE TABLE "product" (
  "id" {serial} NOT NULL PRIMARY KEY, "store_id" INTEGER NOT NULL, "entity_id" INTEGER NOT NULL,
  "sku" VARCHAR(255) NOT NULL, "name" TEXT NOT NULL, "type_id" VARCHAR(255) NOT NULL, "enabled" {boolean} NOT NULL,
  "parent_id" INTEGER, "image" TEXT NOT NULL, "price" {bigint}, "salable" {bigint}, "unlimited" {boolean} NOT NULL,
  "stock_at" {bigint}, "data" TEXT NOT NULL, "digest" VARCHAR(255) NOT NULL, "updated_at" VARCHAR(255) NOT NULL,
  "seen_at" {bigint} NOT NULL, "deleted" {boolean} NOT NULL, "facts_stale" {boolean} NOT NULL,
  "sources" TEXT,
  FOREIGN KEY ("store_id") REFERENCES "magento_store" ("id") ON DELETE CASCADE,
  FOREIGN KEY ("parent_id") REFERENCES "product" ("id") ON DELETE SET NULL);
CREATE INDEX "product_store_id" ON "product" ("store_id");
CREATE INDEX "product_parent_id" ON "product" ("parent_id");
CREATE UNIQUE INDEX "product_store_id_entity_id" ON "product" ("store_id", "entity_id");
CREATE UNIQUE INDEX "product_store_id_sku" ON "product" ("store_id", "sku");
CREATE INDEX "product_store_id_facts_stale" ON "product" ("store_id", "facts_stale");
CREATE TABLE "variant_link" (
  "id" {serial} NOT NULL PRIMARY KEY, "store_id" INTEGER NOT NULL, "configurable_id" INTEGER NOT NULL,
  "variant_id" INTEGER NOT NULL,
  FOREIGN KEY ("store_id") REFERENCES "magento_store" ("id") ON DELETE CASCADE);
CREATE INDEX "variant_link_store_id" ON "variant_link" ("store_id");
CREATE UNIQUE INDEX "variant_link_store_id_configurable_id_variant_id" ON "variant_link" ("store_id", "configurable_id", "variant_id");
CREATE INDEX "variant_link_store_id_variant_id" ON "variant_link" ("store_id", "variant_id");
CREATE TABLE "listing" (
  "id" {serial} NOT NULL PRIMARY KEY, "account_id" INTEGER NOT NULL, "product_id" INTEGER NOT NULL,
  "template_id" INTEGER, "rule_version" INTEGER, "rule" VARCHAR(255) NOT NULL, "rule_file" VARCHAR(255) NOT NULL,
  "rule_line" INTEGER NOT NULL, "rule_inputs" TEXT NOT NULL, "overlaps" TEXT NOT NULL, "pinned" {boolean} NOT NULL,
  "stale" {boolean} NOT NULL, "validation" VARCHAR(255) NOT NULL, "validated_digest" VARCHAR(255) NOT NULL,
  "issues" TEXT NOT NULL, "draft" TEXT, "draft_digest" VARCHAR(255) NOT NULL, "drafted_at" {bigint},
  "confirmed" TEXT NOT NULL, "remote_id" VARCHAR(255) NOT NULL, "status" VARCHAR(255) NOT NULL,
  "stopped" {boolean} NOT NULL, "paused" {boolean} NOT NULL, "withdrawn" VARCHAR(255) NOT NULL,
  "content_due" {boolean} NOT NULL, "offers_due" {boolean} NOT NULL, "create_key" VARCHAR(255) NOT NULL,
  "refused_digest" VARCHAR(255) NOT NULL, "watched" VARCHAR(255) NOT NULL, "watched_sent" VARCHAR(255) NOT NULL,
  "price_minor" {bigint}, "quantity" INTEGER, "marketplace_price_minor" {bigint}, "marketplace_quantity" INTEGER,
  "changed_at" {bigint} NOT NULL, FOREIGN KEY ("account_id") REFERENCES "account" ("id") ON DELETE RESTRICT,
  FOREIGN KEY ("product_id") REFERENCES "product" ("id") ON DELETE RESTRICT,
  FOREIGN KEY ("template_id") REFERENCES "listing_template" ("id") ON DELETE SET NULL);
CREATE INDEX "listing_account_id" ON "listing" ("account_id");
CREATE INDEX "listing_product_id" ON "listing" ("product_id");
CREATE INDEX "listing_template_id" ON "listing" ("template_id");
CREATE INDEX "listing_validation" ON "listing" ("validation");
CREATE INDEX "listing_remote_id" ON "listing" ("remote_id");
CREATE INDEX "listing_status" ON "listing" ("status");
CREATE UNIQUE INDEX "listing_account_id_product_id" ON "listing" ("account_id", "product_id");
CREATE INDEX "listing_account_id_validation" ON "listing" ("account_id", "validation");
CREATE INDEX "listing_stale_open" ON "listing" ("account_id") WHERE "stale";
CREATE INDEX "listing_content_due_open" ON "listing" ("account_id") WHERE "content_due";
CREATE INDEX "listing_offers_due_open" ON "listing" ("account_id") WHERE "offers_due";
CREATE INDEX "listing_paused_open" ON "listing" ("account_id") WHERE "paused";
CREATE INDEX "listing_stopped_open" ON "listing" ("account_id") WHERE "stopped";
CREATE INDEX "listing_withdrawn_open" ON "listing" ("account_id") WHERE ("withdrawn" != '');
CREATE TABLE "image_source" (
  "id" {serial} NOT NULL PRIMARY KEY, "source" VARCHAR(700) NOT NULL, "sha256" VARCHAR(255) NOT NULL,
  "fetched_at" {bigint} NOT NULL);
CREATE UNIQUE INDEX "image_source_source" ON "image_source" ("source");
CREATE TABLE "image_asset" (
  "id" {serial} NOT NULL PRIMARY KEY, "account_id" INTEGER NOT NULL, "sha256" VARCHAR(255) NOT NULL,
  "use_case" VARCHAR(255) NOT NULL, "uri" VARCHAR(255) NOT NULL, "uploaded_at" {bigint} NOT NULL,
  FOREIGN KEY ("account_id") REFERENCES "account" ("id") ON DELETE CASCADE);
CREATE INDEX "image_asset_account_id" ON "image_asset" ("account_id");
CREATE UNIQUE INDEX "image_asset_account_id_sha256_use_case" ON "image_asset" ("account_id", "sha256", "use_case");
CREATE TABLE "order" (
  "id" {serial} NOT NULL PRIMARY KEY, "account_id" INTEGER NOT NULL, "tiktok_order_id" VARCHAR(255) NOT NULL,
  "status" VARCHAR(255) NOT NULL, "update_time" {bigint} NOT NULL, "data" TEXT NOT NULL,
  "currency" VARCHAR(255) NOT NULL, "total_minor" {bigint} NOT NULL, "placed_at" {bigint} NOT NULL,
  "imported_at" {bigint} NOT NULL, "changed_at" {bigint} NOT NULL, "buyer" VARCHAR(255) NOT NULL,
  "state" VARCHAR(255) NOT NULL, "lease_owner" VARCHAR(255) NOT NULL, "lease_until" {bigint},
  "cart_id" VARCHAR(255) NOT NULL, "placing_since" {bigint}, "magento_order_id" INTEGER,
  "magento_increment_id" VARCHAR(255) NOT NULL, "magento_status" VARCHAR(255) NOT NULL, "stored_at" {bigint},
  "stock_reserved" {boolean} NOT NULL, "external_written" {boolean} NOT NULL, "invoiced" {boolean} NOT NULL,
  "duplicates" TEXT NOT NULL, "failed_reason" TEXT NOT NULL, "failures" INTEGER NOT NULL, "retry_at" {bigint},
  "ended" VARCHAR(255) NOT NULL, "address_due" {boolean} NOT NULL, "sent_carts" TEXT NOT NULL,
  "look_again_at" {bigint}, "compensated_at" {bigint},
  FOREIGN KEY ("account_id") REFERENCES "account" ("id") ON DELETE RESTRICT);
CREATE INDEX "order_account_id" ON "order" ("account_id");
CREATE INDEX "order_status" ON "order" ("status");
CREATE INDEX "order_state" ON "order" ("state");
CREATE INDEX "order_magento_order_id" ON "order" ("magento_order_id");
CREATE INDEX "order_look_again_at" ON "order" ("look_again_at");
CREATE UNIQUE INDEX "order_account_id_tiktok_order_id" ON "order" ("account_id", "tiktok_order_id");
CREATE TABLE "order_line" (
  "id" {serial} NOT NULL PRIMARY KEY, "order_id" INTEGER NOT NULL, "line_id" VARCHAR(255) NOT NULL,
  "sku_id" VARCHAR(255) NOT NULL, "seller_sku" VARCHAR(255) NOT NULL, "sku" VARCHAR(255) NOT NULL,
  "product_name" TEXT NOT NULL, "status" VARCHAR(255) NOT NULL, "package_id" VARCHAR(255) NOT NULL,
  "store_item_id" INTEGER, "shipment_id" INTEGER, "price_minor" {bigint} NOT NULL,
  "discount_minor" {bigint} NOT NULL, FOREIGN KEY ("order_id") REFERENCES "order" ("id") ON DELETE CASCADE);
CREATE INDEX "order_line_order_id" ON "order_line" ("order_id");
CREATE INDEX "order_line_sku" ON "order_line" ("sku");
CREATE UNIQUE INDEX "order_line_order_id_line_id" ON "order_line" ("order_id", "line_id");
CREATE TABLE "shipment" (
  "id" {serial} NOT NULL PRIMARY KEY, "order_id" INTEGER NOT NULL, "magento_shipment_id" INTEGER NOT NULL,
  "increment_id" VARCHAR(255) NOT NULL, "line_ids" TEXT NOT NULL, "tracking_number" VARCHAR(255) NOT NULL,
  "carrier" VARCHAR(255) NOT NULL, "provider_id" VARCHAR(255) NOT NULL, "state" VARCHAR(255) NOT NULL,
  "package_id" VARCHAR(255) NOT NULL, "message" TEXT NOT NULL, "created_at" {bigint} NOT NULL, "sent_at" {bigint},
  "other_numbers" TEXT NOT NULL,
  FOREIGN KEY ("order_id") REFERENCES "order" ("id") ON DELETE CASCADE);
CREATE INDEX "shipment_order_id" ON "shipment" ("order_id");
CREATE UNIQUE INDEX "shipment_order_id_magento_shipment_id" ON "shipment" ("order_id", "magento_shipment_id");
CREATE TABLE "return_case" (
  "id" {serial} NOT NULL PRIMARY KEY, "account_id" INTEGER NOT NULL, "order_id" INTEGER,
  "kind" VARCHAR(255) NOT NULL, "request_id" VARCHAR(255) NOT NULL, "tiktok_order_id" VARCHAR(255) NOT NULL,
  "type" VARCHAR(255) NOT NULL, "status" VARCHAR(255) NOT NULL, "role" VARCHAR(255) NOT NULL,
  "reason" VARCHAR(255) NOT NULL, "reason_text" TEXT NOT NULL, "line_ids" TEXT NOT NULL,
  "refund_minor" {bigint} NOT NULL, "shipping_minor" {bigint} NOT NULL, "partial" {boolean} NOT NULL,
  "replenish" {boolean} NOT NULL, "sent_back" {boolean} NOT NULL, "currency" VARCHAR(255) NOT NULL, "update_time" {bigint} NOT NULL,
  "deadline" {bigint} NOT NULL, "next_actions" TEXT NOT NULL, "next_id" VARCHAR(255) NOT NULL,
  "decision" VARCHAR(255) NOT NULL, "decision_reason" VARCHAR(255) NOT NULL, "decision_state" VARCHAR(255) NOT NULL,
  "decided_by" VARCHAR(255) NOT NULL, "store_state" VARCHAR(255) NOT NULL, "store_document" VARCHAR(255) NOT NULL,
  "lease_owner" VARCHAR(255) NOT NULL, "lease_until" {bigint}, "failures" INTEGER NOT NULL, "message" TEXT NOT NULL,
  "imported_at" {bigint} NOT NULL, "changed_at" {bigint} NOT NULL,
  FOREIGN KEY ("account_id") REFERENCES "account" ("id") ON DELETE RESTRICT,
  FOREIGN KEY ("order_id") REFERENCES "order" ("id") ON DELETE SET NULL);
CREATE INDEX "return_case_account_id" ON "return_case" ("account_id");
CREATE INDEX "return_case_order_id" ON "return_case" ("order_id");
CREATE INDEX "return_case_tiktok_order_id" ON "return_case" ("tiktok_order_id");
CREATE INDEX "return_case_status" ON "return_case" ("status");
CREATE UNIQUE INDEX "return_case_account_id_kind_request_id" ON "return_case" ("account_id", "kind", "request_id");
CREATE TABLE "queue_item" (
  "id" {bigserial} NOT NULL PRIMARY KEY, "kind" VARCHAR(255) NOT NULL, "subject_type" VARCHAR(255) NOT NULL,
  "subject_id" INTEGER NOT NULL, "account_id" INTEGER, "template_id" INTEGER, "name" TEXT NOT NULL,
  "arguments" TEXT NOT NULL, "priority" INTEGER NOT NULL, "state" VARCHAR(255) NOT NULL, "attempts" INTEGER NOT NULL,
  "waits" INTEGER NOT NULL, "follow_up" TEXT, "next_try_at" {bigint}, "actor" VARCHAR(255) NOT NULL, "why" TEXT NOT NULL,
  "cause" TEXT NOT NULL, "idempotency_key" VARCHAR(255) NOT NULL, "lease_owner" VARCHAR(255) NOT NULL,
  "lease_until" {bigint}, "before" TEXT, "after" TEXT, "request_id" VARCHAR(255) NOT NULL, "open_key" VARCHAR(255),
  "created_at" {bigint} NOT NULL, "sent_at" {bigint}, "started_at" {bigint}, "finished_at" {bigint},
  FOREIGN KEY ("account_id") REFERENCES "account" ("id") ON DELETE CASCADE,
  FOREIGN KEY ("template_id") REFERENCES "listing_template" ("id") ON DELETE SET NULL);
CREATE INDEX "queue_item_account_id" ON "queue_item" ("account_id");
CREATE INDEX "queue_item_template_id" ON "queue_item" ("template_id");
CREATE UNIQUE INDEX "queue_item_open_key" ON "queue_item" ("open_key");
CREATE INDEX "queue_item_state_next_try_at" ON "queue_item" ("state", "next_try_at");
CREATE INDEX "queue_item_subject_type_subject_id" ON "queue_item" ("subject_type", "subject_id");
CREATE TABLE "periodic_task" (
  "name" VARCHAR(255) NOT NULL PRIMARY KEY, "every_seconds" INTEGER NOT NULL, "next_at" {bigint} NOT NULL,
  "started_at" {bigint}, "finished_at" {bigint}, "lease_owner" VARCHAR(255) NOT NULL, "lease_until" {bigint},
  "message" TEXT NOT NULL);
CREATE TABLE "notification" (
  "key" VARCHAR(255) NOT NULL PRIMARY KEY, "account_id" INTEGER, "type" INTEGER NOT NULL, "data" TEXT NOT NULL,
  "received_at" {bigint} NOT NULL, "handled_at" {bigint},
  FOREIGN KEY ("account_id") REFERENCES "account" ("id") ON DELETE CASCADE);
CREATE INDEX "notification_account_id" ON "notification" ("account_id");
CREATE TABLE rule_column (
  store_id {bigint} NOT NULL, field text NOT NULL, type text NOT NULL, number {bigint} NOT NULL,
  PRIMARY KEY (store_id, field, type));
CREATE TABLE rule_table (
  store_id {bigint} PRIMARY KEY, generation {bigint} NOT NULL, columns text NOT NULL, next_columns text,
  copied {bigint} NOT NULL);
CREATE TABLE rule_number (
  store_id {bigint} NOT NULL, digest text NOT NULL, number {bigint} NOT NULL, ready {bigint} NOT NULL,
  PRIMARY KEY (store_id, digest));
