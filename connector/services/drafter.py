"""Drafts of an account's listings: what products, templates, policies and rules say, gathered for `drafting`.

Reads the database and writes nothing. What listings share (rules, templates, categories) is read once for each drafter.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from typing import Any, NamedTuple

import structlog

from connector.domain.issue import Issue, blocking
from connector.domain.listing import Draft, Listing
from connector.domain.product import ProductSnapshot, Salable
from connector.domain.shop import CategoryAttribute, CategoryRules
from connector.domain.values import digest, from_json
from connector.errors import ConnectorError, PriceError, RuleError
from connector.plugins.policies.image import ImagePolicy
from connector.plugins.policies.inventory import InventoryPolicy
from connector.plugins.policies.pricing import PricingPolicy
from connector.plugins.policies.synchronization import STOP, SynchronizationPolicy
from connector.rules import tree
from connector.rules.explain import inputs
from connector.rules.facts import FactError
from connector.rules.functions import library
from connector.rules.ladder import Ladder, price_ladder
from connector.rules.products import Facts, day_fact
from connector.services import days, drafting, holding, mapping, policies, rulesets, sources, validation, variants
from connector.services.context import Context
from connector.store.models import Account, ListingTemplate, MagentoStore, MarketplaceCategory, Product, TikTokAttribute
from connector.store.models import Listing as ListingRow

log = structlog.get_logger(__name__)

NONE = holding.Held()
NOT_WANTED = "No rule assigns it to a listing template any more."


@dataclass(frozen=True, slots=True)
class Drafted:
    """A listing as it should be. `quantities` are known where no draft could be built, too: stock must stay true.

    `withdrawn` is the code of the reason why buyers must not see it, `watched` the digest of what alone sends content.
    """

    draft: Draft | None
    issues: list[Issue]
    quantities: Mapping[str, Mapping[str, int]] = field(default_factory=dict)
    withdrawn: str = ""
    watched: str = ""


class Ruled(NamedTuple):
    """A price rule's amount, and how it came about as the draft keeps it."""

    amount: Decimal
    decision: dict[str, Any]


class Drafter:
    """Builds drafts of one account; what they share is read once."""

    def __init__(self, ctx: Context, account: Account) -> None:
        self.ctx, self.account, self.store = ctx, account, account.store
        self.now = ctx.clock.now()
        day = days.today(self.store, self.now)
        self.today = day_fact(day)
        self.rules, self.unfit = _rules(self.store, account.currency)
        known = self.rules.metadata if self.rules else rulesets.metadata(self.store)
        self.lens, self.fields = rulesets.Lens(known), library.extend(known.catalogue).fields
        self.sync = synchronization(account)
        self.templates: dict[int, drafting.Template] = {}
        self.categories: dict[tuple[str, int], validation.CategoryFacts] = {}
        self.market = _market(account, day)

    def draft(self, row: ListingRow, listing: Listing) -> Drafted:
        """The draft of one listing with its issues; a fault in one listing's data is that listing's issue."""
        try:
            return self._draft(row, listing)
        except ConnectorError as error:
            return Drafted(None, [Issue("draft.setting", "template", str(error))], self._left(row, listing))
        except Exception as error:  # one listing that cannot be drafted must not keep the others from it
            log.exception("draft_failed", listing=row.id, sku=row.product.sku)
            text = f"The draft could not be built ({type(error).__name__}: {error}): see the log for “draft_failed”."
            return Drafted(None, [Issue("draft.fault", "product", text)], self._left(row, listing))

    def _draft(self, row: ListingRow, listing: Listing) -> Drafted:
        lead = row.product
        gone = _gone(lead)
        if gone is not None:
            return Drafted(None, [gone], withdrawn=gone.code)
        family = self._family(lead)
        if row.template is None:
            return self._unassigned(family, listing, kept_out=row.pinned)
        template = self._template(row.template)
        held = self._held(family)
        prices, problems = self._ruled(family, template.pricing)
        parts = [self._part(product, listing, held, prices, problems) for product in family]
        built = drafting.build(parts[0], parts[1:], template, self.market)
        issues = [*built.issues, *_shared(family), *mapping.lost_attributes(template.mapping, self.fields)]
        if built.draft is not None:
            category = self._category(template.category_id, row.template)
            issues += validation.check(built.draft, self.account.region, category, listing)
        withdrawn = next((issue.code for issue in blocking(issues) if issue.code in drafting.WITHDRAWING), "")
        quantities = {} if withdrawn else built.quantities
        return Drafted(built.draft, issues, quantities, withdrawn, self._watched(family))

    def _unassigned(self, family: Sequence[Product], listing: Listing, *, kept_out: bool) -> Drafted:
        """No rule wants it any more, or a person does not: the synchronization policy says whether it stays where it is."""
        text = "A person keeps it out of every listing template." if kept_out else NOT_WANTED
        issue = Issue("listing.no_template", "template", text)
        if self.sync.leaving == STOP:
            return Drafted(None, [issue], withdrawn=issue.code)
        return Drafted(None, [issue], self._plain_quantities(family, listing))

    def _left(self, row: ListingRow, listing: Listing) -> dict[str, dict[str, int]]:
        """Of what is offered now, as much as is there still: all that can be said without a template."""
        if row.product.deleted:
            return {}
        family = self._family(row.product)
        held = self._held(family)
        found = {}
        for product in family:
            known = listing.skus.get(drafting.seller_sku(product.sku, self.market.region))
            if known is not None and product.enabled and product.salable is not None:
                left = int(product.salable) - held.get(product.sku, NONE).pieces
                found[drafting.seller_sku(product.sku, self.market.region)] = (
                    dict(known.quantities) if product.unlimited else known.no_more_than(left)
                )
        return found

    def _plain_quantities(self, family: Sequence[Product], listing: Listing) -> dict[str, dict[str, int]]:
        policy = policies.effective("inventory", None)
        assert isinstance(policy, InventoryPolicy)  # noqa: S101 – the registry's key says so
        held = self._held(family)
        parts = [self._part(product, listing, held, {}, {}) for product in family]
        return drafting.quantities(parts[0], parts[1:], policy, self.market)

    def _family(self, lead: Product) -> list[Product]:
        query = Product.select().where(Product.parent == lead.id, ~Product.deleted)
        return [lead, *query.order_by(Product.entity_id)]

    def _held(self, family: Sequence[Product]) -> dict[str, holding.Held]:
        return holding.kept([product.sku for product in family], store_id=self.account.store_id)

    def _part(
        self,
        product: Product,
        listing: Listing,
        held: Mapping[str, holding.Held],
        prices: Mapping[str, Ruled],
        problems: Mapping[str, Issue],
    ) -> drafting.Part:
        known = listing.skus.get(drafting.seller_sku(product.sku, self.market.region))
        problem, ruled = problems.get(product.sku), prices.get(product.sku)
        kept = held.get(product.sku, NONE)
        try:
            values = self.lens.values(product)
        except FactError as error:
            values, problem = {}, Issue("product.value", error.field, f"{product.sku}: {error}")
        return drafting.Part(
            snapshot=ProductSnapshot(product.data),
            values=values,
            stock=_stock(product, kept.unreserved, single=self.store.sources == []),
            held=kept.wanted,
            last=sum(known.quantities.values()) if known else None,
            ruled=ruled.amount if ruled else None,
            decision=ruled.decision if ruled else {},
            problem=problem,
        )

    def _ruled(self, family: Sequence[Product], pricing: PricingPolicy) -> tuple[dict[str, Ruled], dict[str, Issue]]:
        if pricing.change != "rule":
            return {}, {}
        if self.rules is None:
            return {}, {product.sku: Issue("price.rule", "rule", self.unfit) for product in family}
        rules, number = self.rules.compiled.rules, self.rules.number
        price = rules.prices.get(pricing.rule)
        if price is None:
            text = f"The active rules have no price called “{pricing.rule}”: choose another in the pricing policy."
            return {}, {product.sku: Issue("price.rule", "rule", text) for product in family}
        prices, problems = {}, {}
        for facts in self.lens.facts(family).priced:
            try:
                ladder = price_ladder(price, facts, self.today, self.account.currency, rules.prices)
                prices[facts.sku] = Ruled(ladder.amount, self._decision(number, price, facts, ladder))
            except PriceError as error:
                text = f"{facts.sku}: {error.reason}"
                problems[facts.sku] = Issue("price.rule", error.field, text, rule=error.rule, line=error.line)
        return prices, problems

    def _decision(self, number: int, price: tree.Price, facts: Facts, ladder: Ladder) -> dict[str, Any]:
        """What a price was decided by: `inputs` are all values that conditions and amounts looked at."""
        looked_at: dict[str, str] = {}
        for case in price.cases:
            looked_at |= inputs(case.condition, facts, self.today)["fields"]
        return {
            "version": number,
            "rule": ladder.rule,
            "file": ladder.file,
            "line": ladder.line,
            "case": ladder.case,
            "inputs": {**looked_at, **ladder.inputs},
            "steps": [{"line": step.line, "text": step.text, "amount": f"{step.amount:f}"} for step in ladder.steps],
        }

    def _watched(self, family: Iterable[Product]) -> str:
        """Digest of the attributes that alone send content; empty when the policy names none."""
        codes = self.sync.attributes
        if not codes:
            return ""
        return digest([[p.sku, [ProductSnapshot(p.data).attribute(code) for code in codes]] for p in family])

    def _template(self, row: ListingTemplate) -> drafting.Template:
        if row.id not in self.templates:
            self.templates[row.id] = _template(row)
        return self.templates[row.id]

    def _category(self, category_id: str, row: ListingTemplate) -> validation.CategoryFacts:
        key = category_id, row.id
        if key not in self.categories:
            self.categories[key] = _category(self.account, category_id, row)
        return self.categories[key]


def synchronization(account: Account) -> SynchronizationPolicy:
    """What travels by itself for an account."""
    policy = policies.effective("synchronization", account.synchronization_policy)
    assert isinstance(policy, SynchronizationPolicy)  # noqa: S101 – the registry's key says so
    return policy


def _rules(store: MagentoStore, currency: str) -> tuple[rulesets.ActiveRules | None, str]:
    """The active rules; None with the reason where they do not fit the store any more. What is priced by them is held back
    then, and the stock of all goes on."""
    try:
        return rulesets.active(store, currency), ""
    except RuleError as error:
        problem = error.problems[0]
        return None, f"The active rules do not fit the store any more ({problem}): correct them under Rules."


def _gone(lead: Product) -> Issue | None:
    """Why a product is no longer one that can be listed, if so."""
    if lead.deleted:
        return Issue("product.deleted", "product", "The product was deleted in Magento.")
    if lead.parent_id is not None:
        text = f"It is a variant of {lead.parent.sku} in Magento now, and is sold there."
        return Issue("product.variant", "product", text)
    return None


def _shared(family: Sequence[Product]) -> list[Issue]:
    """Warnings: variants that other configurables list as well. TikTok Shop takes a seller SKU once, so one has them."""
    lead = family[0]
    if lead.type_id != "configurable":
        return []
    others = variants.elsewhere(lead)
    mine = {product.entity_id: product.sku for product in family[1:]}
    rows = Product.select().where(Product.store == lead.store_id, Product.entity_id.in_(list(others)), ~Product.deleted)
    found: dict[str, list[str]] = {}
    for row in rows.order_by(Product.entity_id) if others else ():
        if row.entity_id in mine:
            why = f"also listed by {', '.join(others[row.entity_id])} in Magento, and sold here, by the older product"
        else:
            why = f"also listed by {others[row.entity_id][0]} in Magento, which is older, and sold there"
        found.setdefault(why, []).append(row.sku)
    return [
        Issue("product.shared_variant", "variants", f"Variants {why}: {', '.join(skus)}.", severity="warning")
        for why, skus in found.items()
    ]


def _market(account: Account, today: date) -> drafting.Market:
    attributes = account.store.attributes or []
    selling = [w for w in account.warehouses or () if w["type"] == "SALES_WAREHOUSE" and w["status"] == "ENABLED"]
    return drafting.Market(
        region=account.region,
        currency=account.currency,
        warehouse_id=account.warehouse_id,
        weight_unit=account.store.weight_unit,
        media_url=account.store.base_media_url,
        labels={a["attribute_code"]: a.get("default_frontend_label") or a["attribute_code"] for a in attributes},
        codes={str(a["attribute_id"]): a["attribute_code"] for a in attributes if "attribute_id" in a},
        website_id=account.store.website_id,
        warehouses=frozenset(str(w["id"]) for w in selling),
        today=today,
        sources=sources.known(account.store),
    )


def _stock(product: Product, unreserved: int = 0, *, single: bool = False) -> Salable | None:
    if product.salable is None:
        return None
    held = product.sources
    return Salable(
        product.salable,
        product.unlimited or product.salable > 0,
        product.unlimited,
        sources=None if held is None else {code: Decimal(pieces) for code, pieces in held.items()},
        single=single,
        unreserved=unreserved,
    )


def _template(row: ListingTemplate) -> drafting.Template:
    image = policies.effective("image", row.image_policy)
    pricing = policies.effective("pricing", row.pricing_policy)
    inventory = policies.effective("inventory", row.inventory_policy)
    assert isinstance(image, ImagePolicy)  # noqa: S101 – the registry's key says so, here and below
    assert isinstance(pricing, PricingPolicy)  # noqa: S101 – as above
    assert isinstance(inventory, InventoryPolicy)  # noqa: S101 – as above
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
        only_when=() if row.is_required else _pairs(row.required_when),
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
            values=_pairs(row.values),
            required_when=_pairs(row.required_when),
            is_number=row.is_number,
        )
        for row in rows
    ]
    rules = from_json(CategoryRules, template.category_rules or {})
    available = bool(node and node.is_leaf and node.available)
    return validation.CategoryFacts(node is not None, available, attributes, rules, node.path if node else "")


def _pairs(rows: Iterable[Sequence[Any]]) -> tuple[tuple[str, str], ...]:
    return tuple((str(first), str(second)) for first, second in rows)
