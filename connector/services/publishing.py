"""Desired against acknowledged: drafts are built, compared with what the marketplace confirmed, and work is asked for."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any

from peewee import JOIN

from connector.domain.issue import Issue, blocking
from connector.domain.listing import Draft, Listing, RemoteProduct, Status
from connector.domain.money import to_minor
from connector.domain.product import ProductSnapshot, Salable
from connector.domain.shop import CategoryAttribute, CategoryRules
from connector.domain.values import from_json, to_json
from connector.errors import PriceError
from connector.plugins.policies.image import ImagePolicy
from connector.plugins.policies.inventory import InventoryPolicy
from connector.plugins.policies.pricing import PricingPolicy
from connector.plugins.policies.synchronization import SynchronizationPolicy
from connector.rules.facts import FactError
from connector.rules.products import day_fact
from connector.services import drafting, orders, policies, rulesets, validation, work
from connector.services.context import Context
from connector.store.database import transaction
from connector.store.models import Account, ListingTemplate, MarketplaceCategory, Product, TikTokAttribute
from connector.store.models import Listing as ListingRow

BATCH = 200


@dataclass(frozen=True, slots=True)
class Planned:
    """What a plan asked for, and how many listings are held back."""

    drafted: int
    upload: int
    offers: int
    status: int
    held_back: int


class Drafter:
    """Builds drafts of one account; what they share is read once."""

    def __init__(self, ctx: Context, account: Account) -> None:
        self.ctx, self.account, self.store = ctx, account, account.store
        self.now = ctx.clock.now()
        self.today = day_fact(self.now.date())
        self.rules = rulesets.active(self.store, account.currency)
        self.lens = rulesets.Lens(self.rules.metadata)
        self.templates: dict[int, drafting.Template] = {}
        self.categories: dict[str, validation.CategoryFacts] = {}
        attributes = self.store.attributes or []
        self.market = drafting.Market(
            region=account.region,
            currency=account.currency,
            warehouse_id=account.warehouse_id,
            weight_unit=self.store.weight_unit,
            media_url=self.store.base_media_url,
            labels={a["attribute_code"]: a.get("default_frontend_label") or a["attribute_code"] for a in attributes},
            codes={str(a["attribute_id"]): a["attribute_code"] for a in attributes if "attribute_id" in a},
        )

    def draft(self, row: ListingRow) -> tuple[Draft | None, list[Issue]]:
        """The draft of one listing with its issues, checked against the category."""
        if row.product.deleted:
            return None, [Issue("product.deleted", "product", "The product was deleted in Magento.")]
        if row.template is None:
            return None, [
                Issue("listing.no_template", "template", "No rule assigns it to a listing template any more.")
            ]
        template = self._template(row.template)
        variants = (
            Product.select().where(Product.parent == row.product_id, ~Product.deleted).order_by(Product.entity_id)
        )
        family = [row.product, *variants]
        listing = confirmed(row)
        held = orders.held([product.sku for product in family], store_id=self.account.store_id)
        prices, problems = self._ruled(family, template.pricing)
        parts = [self._part(product, listing, held, prices, problems) for product in family]
        draft, issues = drafting.build(parts[0], parts[1:], template, self.market)
        if draft is not None:
            category = self._category(template.category_id, row.template)
            issues += validation.check(draft, self.account.region, category)
        return draft, issues

    def _part(
        self,
        product: Product,
        listing: Listing,
        held: dict[str, int],
        prices: dict[str, Any],
        problems: dict[str, Issue],
    ) -> drafting.Part:
        known = listing.skus.get(drafting.seller_sku(product.sku, self.market.region))
        problem = problems.get(product.sku)
        try:
            values = self.lens.values(product)
        except FactError as error:
            values, problem = {}, Issue("product.value", error.field, f"{product.sku}: {error}")
        return drafting.Part(
            snapshot=ProductSnapshot(product.data),
            values=values,
            stock=_stock(product),
            held=held.get(product.sku, 0),
            last=sum(known.quantities.values()) if known else None,
            ruled=prices.get(product.sku),
            problem=problem,
        )

    def _ruled(self, family: Sequence[Product], pricing: PricingPolicy) -> tuple[dict[str, Any], dict[str, Issue]]:
        if pricing.change != "rule":
            return {}, {}
        price = self.rules.compiled.prices.get(pricing.rule)
        if price is None:
            text = f"The active rules have no price called “{pricing.rule}”: choose another in the pricing policy."
            return {}, {product.sku: Issue("price.rule", "rule", text) for product in family}
        prices, problems = {}, {}
        for facts in self.lens.facts(family).priced:
            try:
                prices[facts.sku] = price.of(facts, self.today)
            except PriceError as error:
                text = f"{facts.sku}: {error.reason}"
                problems[facts.sku] = Issue("price.rule", error.field, text, rule=error.rule, line=error.line)
        return prices, problems

    def _template(self, row: ListingTemplate) -> drafting.Template:
        if row.id not in self.templates:
            self.templates[row.id] = _template(row)
        return self.templates[row.id]

    def _category(self, category_id: str, row: ListingTemplate) -> validation.CategoryFacts:
        if category_id not in self.categories:
            self.categories[category_id] = _category(self.account, category_id, row)
        return self.categories[category_id]


def redraft(ctx: Context, account: Account, listing_ids: Sequence[int] | None = None) -> int:
    """Build drafts anew where something changed (or of some listings); the number built."""
    drafter: Drafter | None = None
    count = 0
    while True:
        query = ListingRow.select().where(ListingRow.account == account)
        query = (
            query.where(ListingRow.id.in_(list(listing_ids)))
            if listing_ids is not None
            else query.where(ListingRow.stale)
        )
        rows = list(query.order_by(ListingRow.id).limit(BATCH if listing_ids is None else len(listing_ids)))
        if not rows:
            return count
        drafter = drafter or Drafter(ctx, account)
        for row in rows:
            ListingRow.update(stale=False).where(ListingRow.id == row.id).execute()
            save_draft(row, *drafter.draft(row), account.currency, drafter.now)
        count += len(rows)
        if listing_ids is not None:
            return count


def save_draft(row: ListingRow, draft: Draft | None, issues: list[Issue], currency: str, now: datetime) -> None:
    """Keep a draft (the last good one stays when there is none) with its verdict."""
    valid = draft is not None and not blocking(issues)
    values: dict[str, Any] = {
        "validation": "valid" if valid else "invalid",
        "issues": [asdict(issue) for issue in issues],
        "drafted_at": now,
    }
    if draft is not None:
        values |= {
            "draft": to_json(draft),
            "draft_digest": draft.digest(),
            "price_minor": min((to_minor(sku.price, currency) for sku in draft.skus), default=None),
            "quantity": sum(sku.quantity for sku in draft.skus),
        }
        if valid:
            values["validated_digest"] = values["draft_digest"]
    with transaction():
        ListingRow.update(**values).where(ListingRow.id == row.id).execute()


def plan(ctx: Context, account: Account, *, actor: str = "plan") -> Planned:
    """Build what is stale, and ask for the work that the synchronization policy allows."""
    drafted = redraft(ctx, account)
    sync = policies.effective("synchronization", account.synchronization_policy)
    assert isinstance(sync, SynchronizationPolicy)  # noqa: S101 – the registry's key says so
    upload: list[int] = []
    offers: list[int] = []
    stop: list[int] = []
    held = 0
    rows = (
        ListingRow.select(ListingRow, ListingTemplate)
        .join(ListingTemplate, JOIN.LEFT_OUTER)
        .where(ListingRow.account == account)
    )
    for row in rows.iterator():
        listing, draft = confirmed(row), drafted_of(row)
        valid = row.validation == "valid"
        held += not valid
        if row.template is None or row.product_id is None or not row.template.enabled:
            stop += [row.id] if listing.live else []
            continue
        if draft is None:
            continue
        if valid and not listing.stopped and _wants_upload(listing, draft, sync):
            upload.append(row.id)
        if listing.remote_id and sync.inventory_price_sync and _wants_offer(listing, draft):
            offers.append(row.id)
    work.ask(ctx, "change_status", stop, actor=actor, why="no template", arguments={"status": "inactive"}, priority=10)
    work.ask(ctx, "inventory_price_sync", offers, actor=actor, why="price or stock changed", priority=20)
    work.ask(ctx, "upload", upload, actor=actor, why="new or changed content", priority=100)
    return Planned(drafted, len(upload), len(offers), len(stop), held)


def _wants_upload(listing: Listing, draft: Draft, sync: SynchronizationPolicy) -> bool:
    if not listing.remote_id or listing.status is Status.DELETED:
        return sync.product_upload
    return sync.product_update and listing.content_digest != draft.content_digest()


def _wants_offer(listing: Listing, draft: Draft) -> bool:
    return bool(listing.quantity_changes(draft)) or (listing.live and bool(listing.price_changes(draft)))


def sync_status(ctx: Context, account: Account) -> int:
    """Read products that changed on the marketplace; the number that are ours."""
    now = int(ctx.clock.now().timestamp())
    since = int(account.high_water.get("products", 0)) - 600
    count = 0
    for remote in ctx.remotes.shop(account).products_updated(max(since, 0), now + 60):
        row = ListingRow.get_or_none(ListingRow.account == account, ListingRow.remote_id == remote.id)
        if row is not None:
            take_news(row, remote, ctx.clock.now())
            count += 1
    with transaction():
        fresh = Account.get_by_id(account.id)
        Account.update(high_water={**fresh.high_water, "products": now}).where(Account.id == account.id).execute()
    return count


def take_news(row: ListingRow, remote: RemoteProduct, now: datetime) -> None:
    """Save what the marketplace says of a listing; older news change nothing."""
    listing = confirmed(row)
    news = listing.with_news(remote)
    if news != listing:
        save_confirmed(row, news, now)


def confirmed(row: ListingRow) -> Listing:
    """What the marketplace last confirmed of a listing; `stopped` and the key are the row's own."""
    listing = from_json(Listing, row.confirmed or {})
    key = listing.idempotency_key or f"listing-{row.account_id}-{row.id}"
    return Listing(
        **{
            **{name: getattr(listing, name) for name in Listing.__slots__},
            "stopped": row.stopped,
            "idempotency_key": key,
        }
    )


def drafted_of(row: ListingRow) -> Draft | None:
    """The draft kept for a listing."""
    return from_json(Draft, row.draft) if row.draft else None


def save_confirmed(row: ListingRow, listing: Listing, now: datetime) -> None:
    """Keep a new confirmed state, and the columns that lists show of it."""
    prices = [sku.price for sku in listing.skus.values() if sku.price is not None]
    currency = row.account.currency
    with transaction():
        ListingRow.update(
            confirmed=to_json(listing),
            remote_id=listing.remote_id,
            status=listing.status.value,
            stopped=listing.stopped,
            marketplace_price_minor=min((to_minor(price, currency) for price in prices), default=None),
            marketplace_quantity=sum(sum(sku.quantities.values()) for sku in listing.skus.values()),
            changed_at=now,
        ).where(ListingRow.id == row.id).execute()


def refuse(listing_id: int, issue: Issue) -> None:
    """Hold a listing back for what the marketplace refused, until its draft is built anew."""
    with transaction():
        row = ListingRow.get_or_none(ListingRow.id == listing_id)
        if row is not None:
            kept = [known for known in row.issues if known["code"] != issue.code]
            ListingRow.update(validation="invalid", issues=[*kept, asdict(issue)]).where(
                ListingRow.id == listing_id
            ).execute()


def _stock(product: Product) -> Salable | None:
    if product.salable is None:
        return None
    return Salable(product.salable, product.unlimited or product.salable > 0, product.unlimited)


def _template(row: ListingTemplate) -> drafting.Template:
    image = policies.effective("image", row.image_policy)
    pricing = policies.effective("pricing", row.pricing_policy)
    inventory = policies.effective("inventory", row.inventory_policy)
    assert isinstance(image, ImagePolicy)  # noqa: S101 – the registry's key says so, here and below
    assert isinstance(pricing, PricingPolicy)  # noqa: S101
    assert isinstance(inventory, InventoryPolicy)  # noqa: S101
    rows = TikTokAttribute.select().where(
        TikTokAttribute.account == row.account, TikTokAttribute.category_id == row.category_id
    )
    return drafting.Template(
        name=row.name,
        category_id=row.category_id,
        image=image,
        pricing=pricing,
        inventory=inventory,
        mapping=tuple(_source(attribute) for attribute in rows.order_by(TikTokAttribute.attribute_id)),
        brand_id=row.brand_id,
        size_chart=row.size_chart,
        package_weight=row.package_weight,
        dimensions=row.dimensions,
    )


def _source(row: TikTokAttribute) -> drafting.AttributeSource:
    return drafting.AttributeSource(
        attribute_id=row.attribute_id,
        name=row.name,
        is_sales=row.is_sales,
        is_multiple=row.is_multiple,
        is_customizable=row.is_customizable,
        values=tuple((str(value), str(name)) for value, name in row.values),
        magento_attribute=row.magento_attribute,
        value_map=row.value_map,
        default_value_id=row.default_value_id,
        default_custom=row.default_custom,
    )


def _category(account: Account, category_id: str, template: ListingTemplate) -> validation.CategoryFacts:
    node = MarketplaceCategory.get_or_none(
        MarketplaceCategory.account == account, MarketplaceCategory.category_id == category_id
    )
    rows = TikTokAttribute.select().where(
        TikTokAttribute.account == account, TikTokAttribute.category_id == category_id
    )
    attributes = [
        CategoryAttribute(
            id=row.attribute_id,
            name=row.name,
            is_sales=row.is_sales,
            is_required=row.is_required,
            is_multiple=row.is_multiple,
            is_customizable=row.is_customizable,
            required_when=tuple((str(other), str(value)) for other, value in row.required_when),
        )
        for row in rows
    ]
    rules = from_json(CategoryRules, template.category_rules or {})
    return validation.CategoryFacts(node is not None, bool(node and node.is_leaf and node.available), attributes, rules)
