-- The tables of Magento 2.4.7's checkout and sales modules, under Magento's own names. A DECIMAL column holds whole
-- ten-thousandths (Magento's decimal(20,4)), a JSON column holds text. Comments of documents share one table, and addresses and
-- product options are kept as the REST API shows them.

CREATE TABLE quote (
    entity_id INTEGER PRIMARY KEY AUTOINCREMENT, mask TEXT UNIQUE, store_id INTEGER NOT NULL, created_at TEXT NOT NULL, updated_at TEXT NOT NULL,
    is_active INTEGER NOT NULL DEFAULT 1, customer_id INTEGER, customer_email TEXT, reserved_order_id TEXT, shipping_method TEXT, payment_method TEXT,
    coupon_code TEXT
);
CREATE INDEX active_quote_of_customer ON quote (customer_id, is_active);
CREATE TABLE quote_item (
    item_id INTEGER PRIMARY KEY AUTOINCREMENT, quote_id INTEGER NOT NULL, parent_item_id INTEGER, product_id INTEGER NOT NULL, sku TEXT NOT NULL,
    name TEXT NOT NULL, product_type TEXT NOT NULL, qty DECIMAL NOT NULL, configurable_item_options JSON
);
CREATE INDEX item_of_quote ON quote_item (quote_id);
CREATE TABLE quote_address (
    address_id INTEGER PRIMARY KEY AUTOINCREMENT, quote_id INTEGER NOT NULL, address_type TEXT NOT NULL, region TEXT, region_id INTEGER, region_code TEXT,
    country_id TEXT, street JSON, company TEXT, telephone TEXT, fax TEXT, postcode TEXT, city TEXT, firstname TEXT, lastname TEXT, middlename TEXT,
    prefix TEXT, suffix TEXT, vat_id TEXT, customer_id INTEGER, email TEXT, same_as_billing INTEGER NOT NULL DEFAULT 0, customer_address_id INTEGER,
    save_in_address_book INTEGER NOT NULL DEFAULT 0,
    UNIQUE (quote_id, address_type)
);

CREATE TABLE salesrule (
    rule_id INTEGER PRIMARY KEY AUTOINCREMENT, is_active INTEGER NOT NULL DEFAULT 0, coupon_code TEXT, data JSON NOT NULL
);
CREATE TABLE tax_calculation_rate (tax_calculation_rate_id INTEGER PRIMARY KEY AUTOINCREMENT, code TEXT NOT NULL UNIQUE, data JSON NOT NULL);
CREATE TABLE tax_calculation_rule (tax_calculation_rule_id INTEGER PRIMARY KEY AUTOINCREMENT, code TEXT NOT NULL UNIQUE, data JSON NOT NULL);

-- An installation brings two sample rates; no rule uses them.
INSERT INTO tax_calculation_rate (code, data) VALUES
    ('US-CA-*-Rate 1', '{"code": "US-CA-*-Rate 1", "tax_country_id": "US", "tax_region_id": 12, "tax_postcode": "*", "rate": 8.25}'),
    ('US-NY-*-Rate 1', '{"code": "US-NY-*-Rate 1", "tax_country_id": "US", "tax_region_id": 43, "tax_postcode": "*", "rate": 8.375}');

-- Numbers are taken in transactions of their own, so a save that fails leaves a gap, as in Magento.
CREATE TABLE sales_sequence (entity_type TEXT NOT NULL, store_id INTEGER NOT NULL, value INTEGER NOT NULL, PRIMARY KEY (entity_type, store_id)) WITHOUT ROWID;
CREATE TABLE sent_mail (
    mail_id INTEGER PRIMARY KEY AUTOINCREMENT, sent_at TEXT NOT NULL, template TEXT NOT NULL, recipient TEXT, order_id INTEGER NOT NULL,
    increment_id TEXT
);
CREATE TABLE sales_comment (
    entity_id INTEGER PRIMARY KEY AUTOINCREMENT, document TEXT NOT NULL, parent_id INTEGER NOT NULL, comment TEXT, is_customer_notified INTEGER NOT NULL DEFAULT 0,
    is_visible_on_front INTEGER NOT NULL DEFAULT 0, created_at TEXT NOT NULL
);
CREATE INDEX comment_of_document ON sales_comment (document, parent_id);

CREATE TABLE sales_order (
    entity_id INTEGER PRIMARY KEY AUTOINCREMENT,
    adjustment_negative DECIMAL, adjustment_positive DECIMAL, applied_rule_ids TEXT, base_adjustment_negative DECIMAL,
    base_adjustment_positive DECIMAL, base_currency_code TEXT, base_discount_amount DECIMAL, base_discount_canceled DECIMAL,
    base_discount_invoiced DECIMAL, base_discount_refunded DECIMAL, base_grand_total DECIMAL, base_discount_tax_compensation_amount DECIMAL,
    base_discount_tax_compensation_invoiced DECIMAL, base_discount_tax_compensation_refunded DECIMAL, base_shipping_amount DECIMAL,
    base_shipping_canceled DECIMAL, base_shipping_discount_amount DECIMAL, base_shipping_discount_tax_compensation_amnt DECIMAL,
    base_shipping_incl_tax DECIMAL, base_shipping_invoiced DECIMAL, base_shipping_refunded DECIMAL, base_shipping_tax_amount DECIMAL,
    base_shipping_tax_refunded DECIMAL, base_subtotal DECIMAL, base_subtotal_canceled DECIMAL, base_subtotal_incl_tax DECIMAL,
    base_subtotal_invoiced DECIMAL, base_subtotal_refunded DECIMAL, base_tax_amount DECIMAL, base_tax_canceled DECIMAL, base_tax_invoiced DECIMAL,
    base_tax_refunded DECIMAL, base_total_canceled DECIMAL, base_total_invoiced DECIMAL, base_total_invoiced_cost DECIMAL,
    base_total_offline_refunded DECIMAL, base_total_online_refunded DECIMAL, base_total_paid DECIMAL, base_total_qty_ordered DECIMAL,
    base_total_refunded DECIMAL, base_to_global_rate DECIMAL, base_to_order_rate DECIMAL, billing_address_id INTEGER, can_ship_partially INTEGER,
    can_ship_partially_item INTEGER, coupon_code TEXT, created_at TEXT, customer_dob TEXT, customer_email TEXT, customer_firstname TEXT,
    customer_gender INTEGER, customer_group_id INTEGER, customer_id INTEGER, customer_is_guest INTEGER, customer_lastname TEXT,
    customer_middlename TEXT, customer_note TEXT, customer_note_notify INTEGER, customer_prefix TEXT, customer_suffix TEXT, customer_taxvat TEXT,
    discount_amount DECIMAL, discount_canceled DECIMAL, discount_description TEXT, discount_invoiced DECIMAL, discount_refunded DECIMAL,
    edit_increment INTEGER, email_sent INTEGER, ext_customer_id VARCHAR(32), ext_order_id VARCHAR(32), forced_shipment_with_invoice INTEGER,
    global_currency_code TEXT, grand_total DECIMAL, discount_tax_compensation_amount DECIMAL, discount_tax_compensation_invoiced DECIMAL,
    discount_tax_compensation_refunded DECIMAL, hold_before_state TEXT, hold_before_status TEXT, increment_id VARCHAR(50), is_virtual INTEGER,
    order_currency_code TEXT, original_increment_id TEXT, payment_authorization_amount DECIMAL, payment_auth_expiration INTEGER, protect_code TEXT,
    quote_address_id INTEGER, quote_id INTEGER, relation_child_id TEXT, relation_child_real_id TEXT, relation_parent_id TEXT,
    relation_parent_real_id TEXT, remote_ip TEXT, shipping_amount DECIMAL, shipping_canceled DECIMAL, shipping_description TEXT,
    shipping_discount_amount DECIMAL, shipping_discount_tax_compensation_amount DECIMAL, shipping_incl_tax DECIMAL, shipping_invoiced DECIMAL,
    shipping_refunded DECIMAL, shipping_tax_amount DECIMAL, shipping_tax_refunded DECIMAL, state VARCHAR(32), status VARCHAR(32), store_currency_code TEXT,
    store_id INTEGER, store_name TEXT, store_to_base_rate DECIMAL, store_to_order_rate DECIMAL, subtotal DECIMAL, subtotal_canceled DECIMAL,
    subtotal_incl_tax DECIMAL, subtotal_invoiced DECIMAL, subtotal_refunded DECIMAL, tax_amount DECIMAL, tax_canceled DECIMAL, tax_invoiced DECIMAL,
    tax_refunded DECIMAL, total_canceled DECIMAL, total_due DECIMAL, base_total_due DECIMAL, total_invoiced DECIMAL, total_item_count INTEGER, total_offline_refunded DECIMAL,
    total_online_refunded DECIMAL, total_paid DECIMAL, total_qty_ordered DECIMAL, total_refunded DECIMAL, updated_at TEXT, weight DECIMAL,
    x_forwarded_for TEXT, shipping_method TEXT, coupon_rule_name TEXT, send_email INTEGER, shipping_address_id INTEGER, applied_taxes JSON,
    item_applied_taxes JSON, taxes JSON,
    UNIQUE (increment_id, store_id)
);

CREATE TABLE sales_order_item (
    item_id INTEGER PRIMARY KEY AUTOINCREMENT,
    additional_data TEXT, amount_refunded DECIMAL NOT NULL DEFAULT 0, applied_rule_ids TEXT, base_amount_refunded DECIMAL NOT NULL DEFAULT 0,
    base_cost DECIMAL DEFAULT 0, base_discount_amount DECIMAL NOT NULL DEFAULT 0, base_discount_invoiced DECIMAL NOT NULL DEFAULT 0,
    base_discount_refunded DECIMAL, base_discount_tax_compensation_amount DECIMAL, base_discount_tax_compensation_invoiced DECIMAL,
    base_discount_tax_compensation_refunded DECIMAL, base_original_price DECIMAL, base_price DECIMAL NOT NULL DEFAULT 0,
    base_price_incl_tax DECIMAL, base_row_invoiced DECIMAL NOT NULL DEFAULT 0, base_row_total DECIMAL NOT NULL DEFAULT 0,
    base_row_total_incl_tax DECIMAL, base_tax_amount DECIMAL NOT NULL DEFAULT 0, base_tax_before_discount DECIMAL,
    base_tax_invoiced DECIMAL NOT NULL DEFAULT 0, base_tax_refunded DECIMAL, base_weee_tax_applied_amount DECIMAL,
    base_weee_tax_applied_row_amnt DECIMAL, base_weee_tax_disposition DECIMAL, base_weee_tax_row_disposition DECIMAL, created_at TEXT,
    description TEXT, discount_amount DECIMAL NOT NULL DEFAULT 0, discount_invoiced DECIMAL NOT NULL DEFAULT 0,
    discount_percent DECIMAL NOT NULL DEFAULT 0, discount_refunded DECIMAL, event_id INTEGER, ext_order_item_id TEXT,
    free_shipping INTEGER NOT NULL DEFAULT 0, discount_tax_compensation_amount DECIMAL, discount_tax_compensation_canceled DECIMAL,
    discount_tax_compensation_invoiced DECIMAL, discount_tax_compensation_refunded DECIMAL, is_qty_decimal INTEGER, is_virtual INTEGER,
    locked_do_invoice INTEGER, locked_do_ship INTEGER, name TEXT, no_discount INTEGER NOT NULL DEFAULT 0, order_id INTEGER, original_price DECIMAL,
    parent_item_id INTEGER, price DECIMAL NOT NULL DEFAULT 0, price_incl_tax DECIMAL, product_id INTEGER, product_type TEXT,
    qty_backordered DECIMAL DEFAULT 0, qty_canceled DECIMAL NOT NULL DEFAULT 0, qty_invoiced DECIMAL NOT NULL DEFAULT 0,
    qty_ordered DECIMAL NOT NULL DEFAULT 0, qty_refunded DECIMAL NOT NULL DEFAULT 0, qty_returned DECIMAL, qty_shipped DECIMAL NOT NULL DEFAULT 0,
    quote_item_id INTEGER, row_invoiced DECIMAL NOT NULL DEFAULT 0, row_total DECIMAL NOT NULL DEFAULT 0, row_total_incl_tax DECIMAL,
    row_weight DECIMAL DEFAULT 0, sku TEXT, store_id INTEGER, tax_amount DECIMAL NOT NULL DEFAULT 0, tax_before_discount DECIMAL,
    tax_canceled DECIMAL, tax_invoiced DECIMAL NOT NULL DEFAULT 0, tax_percent DECIMAL NOT NULL DEFAULT 0, tax_refunded DECIMAL, updated_at TEXT,
    weee_tax_applied TEXT, weee_tax_applied_amount DECIMAL, weee_tax_applied_row_amount DECIMAL, weee_tax_disposition DECIMAL,
    weee_tax_row_disposition DECIMAL, weight DECIMAL DEFAULT 0, product_options JSON, itemized_taxes JSON
);

CREATE TABLE sales_order_address (
    entity_id INTEGER PRIMARY KEY AUTOINCREMENT,
    address_type TEXT, city TEXT, company TEXT, country_id TEXT, customer_address_id INTEGER, customer_id INTEGER, email TEXT, fax TEXT,
    firstname TEXT, lastname TEXT, middlename TEXT, parent_id INTEGER, postcode TEXT, prefix TEXT, region TEXT, region_code TEXT, region_id INTEGER,
    street JSON, suffix TEXT, telephone TEXT, vat_id TEXT, vat_is_valid INTEGER, vat_request_date TEXT, vat_request_id TEXT,
    vat_request_success INTEGER
);

CREATE TABLE sales_order_payment (
    entity_id INTEGER PRIMARY KEY AUTOINCREMENT,
    account_status TEXT, additional_data TEXT, additional_information JSON, address_status TEXT, amount_authorized DECIMAL, amount_canceled DECIMAL,
    amount_ordered DECIMAL, amount_paid DECIMAL, amount_refunded DECIMAL, anet_trans_method TEXT, base_amount_authorized DECIMAL,
    base_amount_canceled DECIMAL, base_amount_ordered DECIMAL, base_amount_paid DECIMAL, base_amount_paid_online DECIMAL,
    base_amount_refunded DECIMAL, base_amount_refunded_online DECIMAL, base_shipping_amount DECIMAL, base_shipping_captured DECIMAL,
    base_shipping_refunded DECIMAL, cc_approval TEXT, cc_avs_status TEXT, cc_cid_status TEXT, cc_debug_request_body TEXT,
    cc_debug_response_body TEXT, cc_debug_response_serialized TEXT, cc_exp_month TEXT, cc_exp_year TEXT, cc_last4 TEXT, cc_number_enc TEXT,
    cc_owner TEXT, cc_secure_verify TEXT, cc_ss_issue TEXT, cc_ss_start_month TEXT, cc_ss_start_year TEXT, cc_status TEXT,
    cc_status_description TEXT, cc_trans_id TEXT, cc_type TEXT, echeck_account_name TEXT, echeck_account_type TEXT, echeck_bank_name TEXT,
    echeck_routing_number TEXT, echeck_type TEXT, last_trans_id TEXT, method TEXT, parent_id INTEGER, po_number TEXT, protection_eligibility TEXT,
    quote_payment_id INTEGER, shipping_amount DECIMAL, shipping_captured DECIMAL, shipping_refunded DECIMAL
);

CREATE TABLE sales_order_status_history (
    entity_id INTEGER PRIMARY KEY AUTOINCREMENT,
    comment TEXT, created_at TEXT, entity_name TEXT, is_customer_notified INTEGER, is_visible_on_front INTEGER, parent_id INTEGER, status VARCHAR(32)
);

CREATE TABLE sales_invoice (
    entity_id INTEGER PRIMARY KEY AUTOINCREMENT,
    base_currency_code TEXT, base_discount_amount DECIMAL, base_grand_total DECIMAL, base_discount_tax_compensation_amount DECIMAL,
    base_shipping_amount DECIMAL, base_shipping_discount_tax_compensation_amnt DECIMAL, base_shipping_incl_tax DECIMAL,
    base_shipping_tax_amount DECIMAL, base_subtotal DECIMAL, base_subtotal_incl_tax DECIMAL, base_tax_amount DECIMAL, base_total_refunded DECIMAL,
    base_to_global_rate DECIMAL, base_to_order_rate DECIMAL, billing_address_id INTEGER, can_void_flag INTEGER, created_at TEXT,
    discount_amount DECIMAL, discount_description TEXT, email_sent INTEGER, global_currency_code TEXT, grand_total DECIMAL,
    discount_tax_compensation_amount DECIMAL, increment_id TEXT, is_used_for_refund INTEGER, order_currency_code TEXT, order_id INTEGER,
    shipping_address_id INTEGER, shipping_amount DECIMAL, shipping_discount_tax_compensation_amount DECIMAL, shipping_incl_tax DECIMAL,
    shipping_tax_amount DECIMAL, state INTEGER, store_currency_code TEXT, store_id INTEGER, store_to_base_rate DECIMAL, store_to_order_rate DECIMAL,
    subtotal DECIMAL, subtotal_incl_tax DECIMAL, tax_amount DECIMAL, total_qty DECIMAL, transaction_id TEXT, updated_at TEXT
);

CREATE TABLE sales_invoice_item (
    entity_id INTEGER PRIMARY KEY AUTOINCREMENT,
    additional_data TEXT, base_cost DECIMAL, base_discount_amount DECIMAL, base_discount_tax_compensation_amount DECIMAL, base_price DECIMAL,
    base_price_incl_tax DECIMAL, base_row_total DECIMAL, base_row_total_incl_tax DECIMAL, base_tax_amount DECIMAL, description TEXT,
    discount_amount DECIMAL, discount_tax_compensation_amount DECIMAL, name TEXT, parent_id INTEGER, price DECIMAL, price_incl_tax DECIMAL,
    product_id INTEGER, row_total DECIMAL, row_total_incl_tax DECIMAL, sku TEXT, tax_amount DECIMAL, order_item_id INTEGER, qty DECIMAL
);

CREATE TABLE sales_shipment (
    entity_id INTEGER PRIMARY KEY AUTOINCREMENT,
    billing_address_id INTEGER, created_at TEXT, customer_id INTEGER, email_sent INTEGER, increment_id TEXT, order_id INTEGER, packages JSON,
    shipment_status INTEGER, shipping_address_id INTEGER, shipping_label TEXT, store_id INTEGER, total_qty DECIMAL, total_weight DECIMAL,
    updated_at TEXT, source_code TEXT
);

CREATE TABLE sales_shipment_item (
    entity_id INTEGER PRIMARY KEY AUTOINCREMENT,
    additional_data TEXT, description TEXT, name TEXT, parent_id INTEGER, price DECIMAL, product_id INTEGER, row_total DECIMAL, sku TEXT,
    weight DECIMAL, order_item_id INTEGER, qty DECIMAL
);

CREATE TABLE sales_shipment_track (
    entity_id INTEGER PRIMARY KEY AUTOINCREMENT,
    order_id INTEGER, created_at TEXT, parent_id INTEGER, updated_at TEXT, weight DECIMAL, qty DECIMAL, description TEXT, track_number TEXT,
    title TEXT, carrier_code TEXT
);

CREATE TABLE sales_creditmemo (
    entity_id INTEGER PRIMARY KEY AUTOINCREMENT,
    adjustment DECIMAL, adjustment_negative DECIMAL, adjustment_positive DECIMAL, base_adjustment DECIMAL, base_adjustment_negative DECIMAL,
    base_adjustment_positive DECIMAL, base_currency_code TEXT, base_discount_amount DECIMAL, base_grand_total DECIMAL,
    base_discount_tax_compensation_amount DECIMAL, base_shipping_amount DECIMAL, base_shipping_discount_tax_compensation_amnt DECIMAL,
    base_shipping_incl_tax DECIMAL, base_shipping_tax_amount DECIMAL, base_subtotal DECIMAL, base_subtotal_incl_tax DECIMAL,
    base_tax_amount DECIMAL, base_to_global_rate DECIMAL, base_to_order_rate DECIMAL, billing_address_id INTEGER, created_at TEXT,
    creditmemo_status INTEGER, discount_amount DECIMAL, discount_description TEXT, email_sent INTEGER, global_currency_code TEXT,
    grand_total DECIMAL, discount_tax_compensation_amount DECIMAL, increment_id TEXT, invoice_id INTEGER, order_currency_code TEXT,
    order_id INTEGER, shipping_address_id INTEGER, shipping_amount DECIMAL, shipping_discount_tax_compensation_amount DECIMAL,
    shipping_incl_tax DECIMAL, shipping_tax_amount DECIMAL, state INTEGER, store_currency_code TEXT, store_id INTEGER, store_to_base_rate DECIMAL,
    store_to_order_rate DECIMAL, subtotal DECIMAL, subtotal_incl_tax DECIMAL, tax_amount DECIMAL, transaction_id TEXT, updated_at TEXT
);

CREATE TABLE sales_creditmemo_item (
    entity_id INTEGER PRIMARY KEY AUTOINCREMENT,
    additional_data TEXT, base_cost DECIMAL, base_discount_amount DECIMAL, base_discount_tax_compensation_amount DECIMAL, base_price DECIMAL,
    base_price_incl_tax DECIMAL, base_row_total DECIMAL, base_row_total_incl_tax DECIMAL, base_tax_amount DECIMAL,
    base_weee_tax_applied_amount DECIMAL, base_weee_tax_applied_row_amnt DECIMAL, base_weee_tax_disposition DECIMAL,
    base_weee_tax_row_disposition DECIMAL, description TEXT, discount_amount DECIMAL, discount_tax_compensation_amount DECIMAL, name TEXT,
    order_item_id INTEGER, parent_id INTEGER, price DECIMAL, price_incl_tax DECIMAL, product_id INTEGER, qty DECIMAL, row_total DECIMAL,
    row_total_incl_tax DECIMAL, sku TEXT, tax_amount DECIMAL, weee_tax_applied TEXT, weee_tax_applied_amount DECIMAL,
    weee_tax_applied_row_amount DECIMAL, weee_tax_disposition DECIMAL, weee_tax_row_disposition DECIMAL
);

CREATE INDEX order_ext_id ON sales_order (ext_order_id);
CREATE INDEX order_quote ON sales_order (quote_id);
CREATE INDEX order_email ON sales_order (customer_email);
CREATE INDEX order_updated ON sales_order (updated_at);
CREATE INDEX order_created ON sales_order (created_at);
CREATE INDEX order_status ON sales_order (status);
CREATE INDEX item_of_order ON sales_order_item (order_id);
CREATE INDEX address_of_order ON sales_order_address (parent_id);
CREATE INDEX payment_of_order ON sales_order_payment (parent_id);
CREATE INDEX history_of_order ON sales_order_status_history (parent_id);
CREATE INDEX invoice_of_order ON sales_invoice (order_id);
CREATE INDEX item_of_invoice ON sales_invoice_item (parent_id);
CREATE INDEX shipment_of_order ON sales_shipment (order_id);
CREATE INDEX item_of_shipment ON sales_shipment_item (parent_id);
CREATE INDEX track_of_shipment ON sales_shipment_track (parent_id);
CREATE INDEX creditmemo_of_order ON sales_creditmemo (order_id);
CREATE INDEX item_of_creditmemo ON sales_creditmemo_item (parent_id);
