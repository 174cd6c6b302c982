"""From nothing to valid drafts: connected, onboarded, catalogue read, rules active, templates and mapping made."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from connector.journey.buyers import Sandbox
from connector.rules.checker import check as check_rules
from connector.services import assignment, onboarding, policies, publishing, rulesets, snapshots, starting, stores
from connector.services.context import Context
from connector.store.database import transaction
from connector.store.models import Account, Listing, ListingTemplate, MagentoStore, Policy, Product, Setting

ACTOR = "demo"
TITLE = "Demo shop"
MAILBOX = "orders@demo.example"
RHYTHM = {"stock_every": 1, "products_every": 2, "orders_every": 1, "status_every": 1}


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


def has_account() -> bool:
    """Whether a demonstration was here before."""
    return bool(Account.select().where(Account.title == TITLE).exists())


def others_accounts() -> bool:
    """Whether somebody works with this database."""
    return bool(Account.select().where(Account.title != TITLE).exists())


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
        order_email=MAILBOX,
        synchronization_policy=sync,
        created_at=now,
    )
    done = {"email": MAILBOX, "account": made.id, "policies": True, "finished": True}
    Setting.insert(key="wizard", value=done).execute()  # what the pages of Setup would have asked for
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
    return sum(starting.make_template(ctx, account, name, actor=ACTOR) for name in names)


def assign(ctx: Context, account: Account) -> assignment.Assigned:
    """Templates by the rules; categories from what the first products of each are; attributes read and mapped."""
    done = assignment.run(ctx, account)
    starting.choose_categories(ctx, account)
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
