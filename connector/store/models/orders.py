"""Marketplace orders, their units, shipments, cancellations and returns."""

from __future__ import annotations

from peewee import AutoField, BigIntegerField, BooleanField, CharField, ForeignKeyField, IntegerField, TextField

from connector.store.fields import JsonField, UtcField
from connector.store.models.base import Model
from connector.store.models.settings import Account


class Order(Model):
    """One marketplace order, and its claim on a store order.

    `data` is a `domain.order.MarketplaceOrder`. `state` walks `"" (not due) → reserved → claimed → cart → placing →
    placed → corrected → confirmed`; side exits are `failed` (reason says why; may be tried again), `skipped` (the policy
    makes no store order) and `cancelled`. Each step is committed before the next call to the store. Before `retry_at` the
    store order is not asked for again by itself.
    `placing_since` is when a place call was last sent and not answered, `stored_at` when the store order was found to be
    there: stock that was read before then does not know of it. `ended` is the store order's state when staff cancelled or
    closed it while the marketplace waited for the goods, `address_due` says that the store order, made or being made, has an
    address that the buyer has corrected. `sent_carts` are the line ids by cart id, "" for a direct save, of everything that a
    store order was asked for with; at `look_again_at` a second order is looked for, because one of those calls was not
    answered. `compensated_at` is when somebody put the store's stock right about an order whose pieces it never reserved.
    """

    id = AutoField()
    account = ForeignKeyField(Account, backref="orders", on_delete="RESTRICT")
    account_id: int
    tiktok_order_id = CharField()
    status = CharField(index=True)
    update_time = BigIntegerField(default=0)
    data = JsonField()
    currency = CharField()
    total_minor = BigIntegerField(default=0)
    placed_at = UtcField()
    imported_at = UtcField()
    changed_at = UtcField()
    buyer = CharField(default="")
    state = CharField(default="", index=True)
    lease_owner = CharField(default="")
    lease_until = UtcField(null=True)
    cart_id = CharField(default="")
    placing_since = UtcField(null=True)
    magento_order_id = IntegerField(null=True, index=True)
    magento_increment_id = CharField(default="")
    magento_status = CharField(default="")
    stored_at = UtcField(null=True)
    stock_reserved = BooleanField(default=False)
    external_written = BooleanField(default=False)
    invoiced = BooleanField(default=False)
    duplicates = JsonField(default=list)
    failed_reason = TextField(default="")
    failures = IntegerField(default=0)
    retry_at = UtcField(null=True)
    ended = CharField(default="")
    address_due = BooleanField(default=False)
    sent_carts = JsonField(default=dict)
    look_again_at = UtcField(null=True, index=True)
    compensated_at = UtcField(null=True)

    class Meta:
        indexes = ((("account", "tiktok_order_id"), True),)


class OrderLine(Model):
    """One unit. `store_item_id` is the line of the store order it belongs to, `shipment_id` our `Shipment` row."""

    id = AutoField()
    order = ForeignKeyField(Order, backref="lines", on_delete="CASCADE")
    order_id: int
    line_id = CharField()
    sku_id = CharField(default="")
    seller_sku = CharField(default="")
    sku = CharField(default="", index=True)
    product_name = TextField(default="")
    status = CharField(default="")
    package_id = CharField(default="")
    store_item_id = IntegerField(null=True)
    shipment_id = IntegerField(null=True)
    price_minor = BigIntegerField(default=0)
    discount_minor = BigIntegerField(default=0)

    class Meta:
        indexes = ((("order", "line_id"), True),)


class Shipment(Model):
    """One tracking number of one store shipment, and the units it carries to the marketplace.

    `state` is `waiting` (for a tracking number, a carrier or an answer: `message` says so), `pending`, `sent` or `failed`;
    `package_id` is the marketplace's answer, and with `pending` it says that the package's tracking has changed.
    `other_numbers` are tracking numbers that it carries too: the marketplace takes one for a package.
    """

    id = AutoField()
    order = ForeignKeyField(Order, backref="shipments", on_delete="CASCADE")
    order_id: int
    magento_shipment_id = IntegerField()
    increment_id = CharField(default="")
    line_ids = JsonField(default=list)
    tracking_number = CharField(default="")
    carrier = CharField(default="")
    provider_id = CharField(default="")
    state = CharField(default="pending")
    package_id = CharField(default="")
    message = TextField(default="")
    created_at = UtcField()
    sent_at = UtcField(null=True)
    other_numbers = JsonField(default=list)

    class Meta:
        indexes = ((("order", "magento_shipment_id"), True),)


class ReturnCase(Model):
    """A cancellation or a return of a marketplace order.

    `kind` is `cancellation` or `return`; `decision` what we answered ("approve", "reject"), `decision_state` is `""`,
    `wanted`, `sent` or `refused`. `store_state` follows the store's side: `""`, `due`, `done`, `none`; `store_document`
    is the credit memo's id, or "cancelled". The lease is held by whoever follows the case in the store, and is the wait
    after a try that failed; `failures` counts those. `shipping_minor` is the part of the refund that is shipping, `partial` a
    refund of money only, `replenish` whether the pieces of a cancellation exist, `sent_back` whether the buyer handed the
    goods of a return to a carrier.
    """

    id = AutoField()
    account = ForeignKeyField(Account, backref="cases", on_delete="RESTRICT")
    account_id: int
    order = ForeignKeyField(Order, null=True, backref="cases", on_delete="SET NULL")
    order_id: int | None
    kind = CharField()
    request_id = CharField()
    tiktok_order_id = CharField(index=True)
    type = CharField(default="")
    status = CharField(default="", index=True)
    role = CharField(default="")
    reason = CharField(default="")
    reason_text = TextField(default="")
    line_ids = JsonField(default=list)
    refund_minor = BigIntegerField(default=0)
    shipping_minor = BigIntegerField(default=0)
    partial = BooleanField(default=False)
    replenish = BooleanField(default=True)
    sent_back = BooleanField(default=False)
    currency = CharField(default="")
    update_time = BigIntegerField(default=0)
    deadline = BigIntegerField(default=0)
    next_actions = JsonField(default=list)
    next_id = CharField(default="")
    decision = CharField(default="")
    decision_reason = CharField(default="")
    decision_state = CharField(default="")
    decided_by = CharField(default="")
    store_state = CharField(default="")
    store_document = CharField(default="")
    lease_owner = CharField(default="")
    lease_until = UtcField(null=True)
    failures = IntegerField(default=0)
    message = TextField(default="")
    imported_at = UtcField()
    changed_at = UtcField()

    class Meta:
        indexes = ((("account", "kind", "request_id"), True),)
