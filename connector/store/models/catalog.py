"""The store's products as we last saw them."""

from __future__ import annotations

from peewee import AutoField, BooleanField, CharField, ForeignKeyField, IntegerField, TextField

from connector.store.fields import JsonField, QuantityField, UtcField
from connector.store.models.base import Model
from connector.store.models.settings import MagentoStore


class Product(Model):
    """One product of a store. `data` is the store's JSON, `digest` what a listing may depend on.

    `parent` is the configurable that a variant belongs to. `salable` is what the store can promise (None: not stocked),
    `unlimited` marks stock that the store does not manage, `stock_at` is when the read of both began. `deleted` keeps the
    row for its listings' sake.
    `facts_stale` asks for its facts to be written anew for the rules. `sources` is source code → pieces that count there,
    as text (None: not read, because no inventory policy chooses sources).
    """

    id = AutoField()
    store = ForeignKeyField(MagentoStore, backref="products", on_delete="CASCADE")
    store_id: int
    entity_id = IntegerField()
    sku = CharField()
    name = TextField(default="")
    type_id = CharField(default="simple")
    enabled = BooleanField(default=True)
    parent = ForeignKeyField("self", null=True, backref="variants", on_delete="SET NULL")
    parent_id: int | None
    image = TextField(default="")
    price = QuantityField(null=True)
    salable = QuantityField(null=True)
    unlimited = BooleanField(default=False)
    stock_at = UtcField(null=True)
    data = JsonField()
    digest = CharField()
    updated_at = CharField(default="")
    seen_at = UtcField()
    deleted = BooleanField(default=False)
    facts_stale = BooleanField(default=True)
    sources = JsonField(null=True)

    class Meta:
        indexes = (
            (("store", "entity_id"), True),
            (("store", "sku"), True),
            (("store", "facts_stale"), False),
        )


Product.add_index(Product.index(Product.store, where=Product.parent.is_null() & ~Product.deleted, name="product_lead"))
"""What can be listed: without it a count reads all documents."""


class VariantLink(Model):
    """One variant that one configurable lists, by the store's entity ids: a variant may be listed by several."""

    id = AutoField()
    store = ForeignKeyField(MagentoStore, on_delete="CASCADE")
    store_id: int
    configurable_id = IntegerField()
    variant_id = IntegerField()

    class Meta:
        indexes = (
            (("store", "configurable_id", "variant_id"), True),
            (("store", "variant_id"), False),
        )
