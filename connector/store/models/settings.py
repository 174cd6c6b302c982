"""The store, the marketplace accounts that sell it, and their policies."""

from __future__ import annotations

from peewee import AutoField, BooleanField, CharField, ForeignKeyField, IntegerField, TextField

from connector.store.fields import JsonField, SecretField, UtcField
from connector.store.models.base import Model


class MagentoStore(Model):
    """One Magento store view that is read from and ordered in.

    `attributes`, `categories`, `attribute_sets` are the store's own JSON, kept for the rule checker and the forms.
    `high_water` is the `updated_at` up to which products were read, `swept_at` when every product's id was last compared.
    `sources` are the places with stock as `domain.product.StockSource` (None: not read yet, empty: a store without MSI).
    """

    id = AutoField()
    title = CharField()
    base_url = CharField()
    auth = CharField(default="oauth")
    consumer_key = CharField(default="")
    consumer_secret = SecretField(default="")
    access_token = SecretField(default="")
    access_token_secret = SecretField(default="")
    store_code = CharField(default="default")
    website_code = CharField(default="base")
    website_id = IntegerField(default=1)
    root_category_id = IntegerField(default=2)
    base_currency = CharField(default="")
    timezone = CharField(default="UTC")
    weight_unit = CharField(default="lbs")
    base_media_url = CharField(default="")
    attributes = JsonField(null=True)
    categories = JsonField(null=True)
    attribute_sets = JsonField(null=True)
    metadata_at = UtcField(null=True)
    high_water = CharField(default="")
    synced_at = UtcField(null=True)
    swept_at = UtcField(null=True)
    sources = JsonField(null=True)


class Policy(Model):
    """Settings of one kind under a title; `type` is the key of the policy plugin that reads `settings`."""

    id = AutoField()
    title = CharField(unique=True)
    type = CharField(index=True)
    settings = JsonField(default=dict)
    is_default = BooleanField(default=False)
    created_at = UtcField()
    updated_at = UtcField()


class Account(Model):
    """One TikTok Shop that sells one store.

    `high_water` maps a feed ("orders", "products", "cancellations", "returns") to the Unix second up to which it was
    read. `order_email` is the merchant's mailbox: an order's first customer e-mail is it with the marketplace order id
    in its plus part. `connected_at` is when a seller's last consent was taken.
    """

    id = AutoField()
    title = CharField(unique=True)
    store = ForeignKeyField(MagentoStore, backref="accounts", on_delete="RESTRICT")
    store_id: int
    environment = CharField(default="production")
    country = CharField(default="US")
    active = BooleanField(default=True)
    api_url = CharField(default="https://open-api.tiktokglobalshop.com")
    auth_url = CharField(default="https://auth.tiktok-shops.com")
    authorize_url = CharField(default="")
    app_key = CharField(default="")
    app_secret = SecretField(default="")
    service_id = CharField(default="")
    access_token = SecretField(default="")
    access_expires_at = UtcField(null=True)
    refresh_token = SecretField(default="")
    refresh_expires_at = UtcField(null=True)
    seller_name = CharField(default="")
    granted_scopes = JsonField(default=list)
    shop_id = CharField(default="", index=True)
    shop_name = CharField(default="")
    shop_cipher = SecretField(default="")
    region = CharField(default="")
    currency = CharField(default="")
    warehouse_id = CharField(default="")
    warehouses = JsonField(default=list)
    carriers = JsonField(default=list)
    onboarded_at = UtcField(null=True)
    order_email = CharField(default="")
    synchronization_policy = ForeignKeyField(Policy, null=True, on_delete="RESTRICT", backref="synchronized_accounts")
    synchronization_policy_id: int | None
    order_policy = ForeignKeyField(Policy, null=True, on_delete="RESTRICT", backref="ordering_accounts")
    order_policy_id: int | None
    high_water = JsonField(default=dict)
    problem = TextField(default="")
    created_at = UtcField()
    connected_at = UtcField(null=True)

    class Meta:
        only_save_dirty = True  # a form that was open while tokens were renewed must not put the old ones back

    @property
    def connected(self) -> bool:
        """True once a seller authorised it and its shop is known."""
        return bool(self.refresh_token and self.shop_id)


class OAuthState(Model):
    """A consent under way: single use, bound to the session that started it. Only the digest of the state is kept."""

    digest = CharField(primary_key=True)
    account = ForeignKeyField(Account, on_delete="CASCADE")
    account_id: int
    session_digest = CharField()
    created_at = UtcField()
