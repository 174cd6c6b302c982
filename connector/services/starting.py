"""A first set of listing templates: one for every name that rules assign to, each with the category that the marketplace recommends."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from connector.ports import Marketplace
from connector.rules.evaluation import inherited_fields
from connector.rules.suggest import Suggestion, segment_name, suggestions
from connector.rules.tools import Source
from connector.services import history
from connector.services.context import Context
from connector.store.database import transaction
from connector.store.models import Account, Listing, ListingTemplate, MarketplaceCategory, Product

ASKED = 9
"""So many product names are shown to the marketplace for a template: the category that it names most often wins."""


@dataclass(frozen=True, slots=True)
class Proposal:
    """A template to begin with; `category_id` is empty where the marketplace recommended none."""

    suggestion: Suggestion
    category_id: str
    category_path: str


def propose(ctx: Context, account: Account, source: Source) -> list[Proposal]:
    """Templates for a catalogue, with the marketplace's category for what their goods are called. Calls the marketplace."""
    catalogue = source.functions.extend(source.metadata.catalogue)
    shop = ctx.remotes.shop(account)
    found = []
    for each in suggestions(source.families(with_values=True), inherited_fields(catalogue), segment_name(catalogue)):
        category = _recommended(shop, account, each.template, each.names)
        found.append(Proposal(each, *category))
    return found


def create(ctx: Context, account: Account, proposals: Iterable[Proposal], *, actor: str) -> int:
    """Makes the templates that are not there yet; how many were made."""
    return sum(
        make_template(ctx, account, one.suggestion.template, one.category_id, one.category_path, actor=actor)
        for one in proposals
    )


def make_template(
    ctx: Context, account: Account, name: str, category_id: str = "", category_path: str = "", *, actor: str
) -> bool:
    """An empty template of this name; false when the account has one."""
    now = ctx.clock.now()
    with transaction():
        if ListingTemplate.get_or_none(ListingTemplate.account == account, ListingTemplate.name == name):
            return False
        row = ListingTemplate.create(
            account=account,
            name=name,
            category_id=category_id,
            category_path=category_path,
            created_at=now,
            updated_at=now,
        )
        history.note(now, actor, "template.create", "template", row.id, category_path or "without a category yet")
    return True


def choose_categories(ctx: Context, account: Account) -> int:
    """Gives every template without a category the one that the marketplace recommends for its first products; how many."""
    shop = ctx.remotes.shop(account)
    waiting = ListingTemplate.select().where(ListingTemplate.account == account, ListingTemplate.category_id == "")
    chosen = 0
    for template in list(waiting.order_by(ListingTemplate.id)):
        rows = Listing.select(Listing, Product).join(Product).where(Listing.template == template)
        names = [row.product.name for row in rows.order_by(Listing.id).limit(ASKED)]
        category_id, path = _recommended(shop, account, template.name, names)
        if category_id:
            values = {"category_id": category_id, "category_path": path, "updated_at": ctx.clock.now()}
            with transaction():
                ListingTemplate.update(values).where(ListingTemplate.id == template.id).execute()
            chosen += 1
    return chosen


def _recommended(shop: Marketplace, account: Account, template: str, names: Sequence[str]) -> tuple[str, str]:
    """Id and path of the category that is named most often; two empty texts where none is.

    The template's name leads each title: it often says for whom (“Women Tops”) what the product's name leaves out, and the
    words at the end of a title say what a thing is.
    """
    votes = Counter(filter(None, (shop.recommend_category(f"{template} {name}".strip()) for name in names or ("",))))
    if not votes:
        return "", ""
    best = min(votes, key=lambda leaf: (-votes[leaf], leaf))
    node = MarketplaceCategory.get_or_none(
        MarketplaceCategory.account == account, MarketplaceCategory.category_id == best
    )
    return best, node.path if node else ""
