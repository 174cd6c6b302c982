"""Templates, what the marketplace wants to know, rule versions, listings and their pictures."""

from __future__ import annotations

import uuid

from peewee import AutoField, BigIntegerField, BooleanField, CharField, ForeignKeyField, IntegerField, TextField

from connector.store.fields import JsonField, UtcField
from connector.store.models.base import Model
from connector.store.models.catalog import Product
from connector.store.models.settings import Account, MagentoStore, Policy


class MarketplaceCategory(Model):
    """One node of the marketplace's category tree; `path` is the names from the root, joined by " / "."""

    id = AutoField()
    account = ForeignKeyField(Account, on_delete="CASCADE")
    account_id: int
    category_id = CharField()
    parent_id = CharField(default="0")
    name = CharField()
    path = TextField(default="")
    is_leaf = BooleanField(default=False)
    available = BooleanField(default=True)

    class Meta:
        indexes = ((("account", "category_id"), True),)


class TikTokAttribute(Model):
    """An attribute of a category, and where its value comes from.

    First that gives a value wins: `magento_attribute` (its labels translated by `value_map`: store label → marketplace
    value id, or equal names), `default_value_id` (one of `values`), `default_custom`.
    """

    id = AutoField()
    account = ForeignKeyField(Account, on_delete="CASCADE")
    account_id: int
    category_id = CharField()
    attribute_id = CharField()
    name = CharField()
    is_sales = BooleanField(default=False)
    is_required = BooleanField(default=False)
    is_multiple = BooleanField(default=False)
    is_customizable = BooleanField(default=False)
    is_number = BooleanField(default=False)
    values = JsonField(default=list)
    required_when = JsonField(default=list)
    magento_attribute = CharField(default="")
    value_map = JsonField(default=dict)
    default_value_id = CharField(default="")
    default_custom = CharField(default="")
    fetched_at = UtcField(null=True)

    class Meta:
        indexes = ((("account", "category_id", "attribute_id"), True),)


class RuleSetVersion(Model):
    """One immutable version of all rule files: name → text. At most one is active."""

    number = AutoField()
    sha256 = CharField(index=True)
    files = JsonField()
    active = BooleanField(default=False)
    author = CharField(default="")
    note = TextField(default="")
    created_at = UtcField()
    activated_at = UtcField(null=True)


class RuleProgress(Model):
    """How far a store's products are assigned by the rules in force.

    `metadata` and `context` are digests of the attributes that facts were made with, and of rules, queries and templates;
    `day` is a day number. `under_way` is "" or the pass over all products that is at `cursor`: "rules" or "day". `behind`
    has the accounts whose listings are to be compared once more: account id → how far. `templates` is account id →
    digest of its templates, `prices` price rule → digest of its meaning. `doing`, `done` and `total` are for people.
    """

    store = ForeignKeyField(MagentoStore, primary_key=True, on_delete="CASCADE")
    store_id: int
    metadata = CharField(default="")
    context = CharField(default="")
    day = IntegerField(default=0)
    under_way = CharField(default="")
    cursor = BigIntegerField(default=0)
    behind = JsonField(default=dict)
    templates = JsonField(default=dict)
    prices = JsonField(default=dict)
    doing = CharField(default="")
    done = IntegerField(default=0)
    total = IntegerField(default=0)
    at = UtcField(null=True)


class ListingTemplate(Model):
    """How a group of products is listed on one account. `name` is what rules assign to; `query` is a condition of its own.

    `brand_id`, `size_chart` (a picture's URL) and `dimensions` fill what products themselves do not say; `brand_name` is
    for people.
    """

    id = AutoField()
    account = ForeignKeyField(Account, backref="templates", on_delete="RESTRICT")
    account_id: int
    name = CharField()
    enabled = BooleanField(default=True)
    category_id = CharField(default="")
    category_path = TextField(default="")
    category_rules = JsonField(default=dict)
    image_policy = ForeignKeyField(Policy, null=True, on_delete="RESTRICT", backref="image_templates")
    image_policy_id: int | None
    pricing_policy = ForeignKeyField(Policy, null=True, on_delete="RESTRICT", backref="pricing_templates")
    pricing_policy_id: int | None
    inventory_policy = ForeignKeyField(Policy, null=True, on_delete="RESTRICT", backref="inventory_templates")
    inventory_policy_id: int | None
    query = TextField(default="")
    query_priority = IntegerField(default=100)
    brand_id = CharField(default="")
    brand_name = CharField(default="")
    size_chart = TextField(default="")
    package_weight = CharField(default="")
    dimensions = JsonField(default=dict)
    created_at = UtcField()
    updated_at = UtcField()

    class Meta:
        indexes = ((("account", "name"), True),)


def new_key() -> str:
    """A key that no other create of any installation ever used: the marketplace answers a known key with its first answer."""
    return str(uuid.uuid4())


class Listing(Model):
    """One product on one account: why it is there, what it should be, what the marketplace confirmed.

    `rule`, `rule_line`, `rule_version` say which text assigned it, `rule_inputs` with which values (`pinned`: a person
    did). `draft` is a
    `domain.listing.Draft`, `confirmed` a `domain.listing.Listing`; the columns beside it repeat what lists show.
    `stale` asks for a new draft; `content_due` and `offers_due` say that the draft differs from what was confirmed.
    `withdrawn` is the code of the reason why buyers must not see it, `stopped` and `paused` say who took it off (see the
    domain). `create_key` goes with every try of its next create. `refused_digest` is the content that the marketplace
    refused; `watched` and `watched_sent` are digests of the attributes that alone send content, where a policy says so.
    """

    id = AutoField()
    account = ForeignKeyField(Account, backref="listings", on_delete="RESTRICT")
    account_id: int
    product = ForeignKeyField(Product, backref="listings", on_delete="RESTRICT")
    product_id: int
    template = ForeignKeyField(ListingTemplate, null=True, backref="listings", on_delete="SET NULL")
    template_id: int | None
    rule_version = IntegerField(null=True)
    rule = CharField(default="")
    rule_file = CharField(default="")
    rule_line = IntegerField(default=0)
    rule_inputs = JsonField(default=dict)
    overlaps = JsonField(default=list)
    pinned = BooleanField(default=False)
    stale = BooleanField(default=True)
    validation = CharField(default="unchecked", index=True)
    validated_digest = CharField(default="")
    issues = JsonField(default=list)
    draft = JsonField(null=True)
    draft_digest = CharField(default="")
    drafted_at = UtcField(null=True)
    confirmed = JsonField(default=dict)
    remote_id = CharField(default="", index=True)
    status = CharField(default="", index=True)
    stopped = BooleanField(default=False)
    paused = BooleanField(default=False)
    withdrawn = CharField(default="")
    content_due = BooleanField(default=False)
    offers_due = BooleanField(default=False)
    create_key = CharField(default=new_key)
    refused_digest = CharField(default="")
    watched = CharField(default="")
    watched_sent = CharField(default="")
    price_minor = BigIntegerField(null=True)
    quantity = IntegerField(null=True)
    marketplace_price_minor = BigIntegerField(null=True)
    marketplace_quantity = IntegerField(null=True)
    changed_at = UtcField()

    class Meta:
        indexes = ((("account", "product"), True), (("account", "validation"), False))


for _flag in (Listing.stale, Listing.content_due, Listing.offers_due, Listing.paused, Listing.stopped):
    Listing.add_index(Listing.index(Listing.account, where=_flag, name=f"listing_{_flag.name}_open"))
Listing.add_index(
    Listing.index(Listing.account, where=Listing.withdrawn != "", name="listing_withdrawn_open"),
)


class ImageSource(Model):
    """A picture of the store by its address, and the digest of its bytes when it was last fetched."""

    id = AutoField()
    source = CharField(unique=True, max_length=700)
    sha256 = CharField()
    fetched_at = UtcField()


class ImageAsset(Model):
    """A picture that the marketplace holds: the same bytes are never sent twice for one use."""

    id = AutoField()
    account = ForeignKeyField(Account, on_delete="CASCADE")
    account_id: int
    sha256 = CharField()
    use_case = CharField()
    uri = CharField()
    uploaded_at = UtcField()

    class Meta:
        indexes = ((("account", "sha256", "use_case"), True),)
