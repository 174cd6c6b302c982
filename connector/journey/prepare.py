"""From nothing to valid drafts: connected, onboarded, catalogue read, rules active, templates and mapping made."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from connector.journey.buyers import Sandbox
from connector.rules.checker import check as check_rules
from connector.services import assignment, onboarding, policies, publishing, rulesets, snapshots, stores
from connector.services.context import Context
from connector.store.database import transaction
from connector.store.models import Account, Listing, ListingTemplate, MagentoStore, MarketplaceCategory, Policy, Product

ACTOR = "demo"
TITLE = "Demo shop"
RHYTHM = {"stock_every": 2, "products_every": 3, "orders_every": 2, "status_every": 2}


@dataclass(frozen=True, slots=True)
class StoreAccess:
    """Where the store is and how we may enter: the sandbox's own, or a Magento of the user's."""

    base_url: str
    consumer_key: str = ""
    consumer_secret: str = ""
    access_token: str = ""
    access_token_secret: str = ""
    region: str = "US"
    """Region of the shop that sells in the store's currency."""

    @property
    def auth(self) -> str:
        """A token alone is sent as a bearer token."""
        return "oauth" if self.consumer_key else "bearer"


def account_of(ctx: Context, sandbox: Sandbox, access: StoreAccess) -> Account:
    """The demo's account and store rows, made once."""
    account = Account.get_or_none(Account.title == TITLE)
    if account is None:
        app = sandbox.credentials()["tiktok"]
        with transaction():
            account = _make_account(ctx, app, access)
    found: Account = account
    return found


def _make_account(ctx: Context, app: Mapping[str, str], access: StoreAccess) -> Account:
    """Quick rhythms, because people watch; cancellations are answered by hand, so that both answers are seen."""
    now = ctx.clock.now()
    policies.create_defaults(now, actor=ACTOR)
    sync = _change_policy(ctx, "synchronization", RHYTHM)
    _change_policy(ctx, "order", {"accept_cancellations": False})
    store = MagentoStore.create(
        title="Demo store",
        base_url=access.base_url,
        auth=access.auth,
        consumer_key=access.consumer_key,
        consumer_secret=access.consumer_secret,
        access_token=access.access_token,
        access_token_secret=access.access_token_secret,
    )
    made: Account = Account.create(
        title=TITLE,
        store=store,
        environment="sandbox",
        country=access.region,
        app_key=app["app_key"],
        app_secret=app["app_secret"],
        service_id=app["service_id"],
        api_url=app["api_url"],
        auth_url=app["auth_url"],
        order_email="orders@demo.example",
        synchronization_policy=sync,
        created_at=now,
    )
    return made


def read_catalogue(ctx: Context, account: Account, progress: Callable[[int], None]) -> int:
    """Metadata, onboarding data, products and stock; the number of products."""
    stores.refresh_metadata(ctx, account.store)
    onboarding.fetch(ctx, account.id)
    _choose_carrier(ctx, Account.get_by_id(account.id))
    store = MagentoStore.get_by_id(account.store_id)
    snapshots.sync(ctx, store, full=True, progress=progress)
    snapshots.sync_stock(ctx, store)
    return int(Product.select().where(Product.store == store, ~Product.deleted).count())


def activate(ctx: Context, account: Account, files: Mapping[str, str]) -> int:
    """Check, test and activate the rules, and make a template for every name that they assign to; templates made."""
    rulesets.save_and_activate(ctx, files, ACTOR, "the demo's rules")
    checked = check_rules(files, rulesets.catalogue(account.store))
    if checked.rules is not None and checked.rules.prices:
        _price_by_rule(ctx, account, next(iter(checked.rules.prices)))
    names = list(dict.fromkeys(assign.template.value for assign in checked.rules.assigns)) if checked.rules else []
    made = 0
    for name in names:
        if ListingTemplate.get_or_none(ListingTemplate.account == account, ListingTemplate.name == name) is None:
            _make_template(ctx, account, name)
            made += 1
    return made


def assign(ctx: Context, account: Account) -> assignment.Assigned:
    """Templates by the rules; categories from what the first products of each are; attributes read and mapped."""
    done = assignment.run(ctx, account)
    templates = list(ListingTemplate.select().where(ListingTemplate.account == account))
    for template in templates:
        if not template.category_id:
            _choose_category(ctx, account, template)
    onboarding.refetch_attributes(ctx, account.id)
    store = MagentoStore.get_by_id(account.store_id)
    for category_id in sorted(
        {
            template.category_id
            for template in ListingTemplate.select().where(
                ListingTemplate.account == account, ListingTemplate.category_id != ""
            )
        }
    ):
        onboarding.suggest_mapping(store, account, category_id, now=ctx.clock.now(), fill_required=True, actor=ACTOR)
    Listing.update(stale=True).where(Listing.account == account).execute()
    return done


def draft(ctx: Context, account: Account) -> publishing.Planned:
    """Drafts of everything, and the uploads asked for."""
    return publishing.plan(ctx, account, actor=ACTOR)


def _choose_carrier(ctx: Context, account: Account) -> None:
    """The first carrier that the marketplace accepts stands for every Magento carrier that nobody mapped."""
    policy = Policy.get(Policy.type == "order", Policy.is_default)
    if account.carriers and not policy.settings.get("default_provider"):
        _change_policy(ctx, "order", {"default_provider": account.carriers[0]["id"]})


def _price_by_rule(ctx: Context, account: Account, rule: str) -> None:
    """Products cost what the first price rule says."""
    settings = {"change": "rule", "rule": rule}
    policy = Policy.get(Policy.type == "pricing", Policy.is_default)
    if any(policy.settings.get(name) != value for name, value in settings.items()):
        _change_policy(ctx, "pricing", settings)
        Listing.update(stale=True).where(Listing.account == account).execute()


def _change_policy(ctx: Context, kind: str, settings: Mapping[str, Any]) -> Policy:
    """The default policy of a kind with other settings."""
    with transaction():
        policy: Policy = Policy.get(Policy.type == kind, Policy.is_default)
        policy.settings = {**policy.settings, **settings}
        policy.updated_at = ctx.clock.now()
        policy.save()
    return policy


def _make_template(ctx: Context, account: Account, name: str) -> None:
    now = ctx.clock.now()
    ListingTemplate.create(account=account, name=name, created_at=now, updated_at=now)


def _choose_category(ctx: Context, account: Account, template: ListingTemplate) -> None:
    """The category that the marketplace recommends most often for the template's first products."""
    rows = (
        Listing.select(Listing, Product).join(Product).where(Listing.template == template).order_by(Listing.id).limit(9)
    )
    shop = ctx.remotes.shop(account)
    votes: dict[str, int] = {}
    for title in [row.product.name for row in rows] or [template.name]:
        leaf = shop.recommend_category(f"{title} {template.name}")
        if leaf:
            votes[leaf] = votes.get(leaf, 0) + 1
    if not votes:
        return
    best = max(sorted(votes), key=lambda leaf: votes[leaf])
    node = MarketplaceCategory.get_or_none(
        MarketplaceCategory.account == account, MarketplaceCategory.category_id == best
    )
    ListingTemplate.update(category_id=best, category_path=node.path if node else "").where(
        ListingTemplate.id == template.id
    ).execute()
