"""From a store's catalogue to live listings, and a stock change that travels."""

from __future__ import annotations

from collections import Counter
from decimal import Decimal

import requests

from connector.services import assignment, onboarding, publishing, rulesets, snapshots
from connector.store.models import Listing, ListingTemplate, MarketplaceCategory, Product
from tests.flow.conftest import Installation

RULES = {"all.rules": 'assign "Everything"\nwhere status = "enabled"\n'}


def _template(installation: Installation) -> ListingTemplate:
    leaf = MarketplaceCategory.get(
        MarketplaceCategory.account == installation.account,
        MarketplaceCategory.is_leaf,
        MarketplaceCategory.available,
        MarketplaceCategory.path.contains("Women"),
        MarketplaceCategory.name.contains("Hoodies"),
    )
    now = installation.ctx.clock.now()
    return ListingTemplate.create(
        account=installation.account, name="Everything", category_id=leaf.category_id, category_path=leaf.path,
        package_weight="0.5", created_at=now, updated_at=now,
    )  # fmt: skip


def _upload_all(installation: Installation) -> ListingTemplate:
    template = _template(installation)
    ctx, account = installation.ctx, installation.account
    onboarding.refetch_attributes(ctx, account.id)
    onboarding.suggest_mapping(
        installation.store, account, template.category_id, now=ctx.clock.now(), fill_required=True
    )
    rulesets.save_and_activate(ctx, RULES, "test")
    assignment.run(ctx, account)
    publishing.plan(ctx, account)
    installation.work()
    return template


def test_valid_products_become_live_and_the_others_say_why(installation: Installation) -> None:
    """Every listing is on the marketplace, or has a reason that a merchant can act on."""
    _upload_all(installation)
    installation.control.post("tiktok/clock/advance", seconds=60)

    publishing.sync_status(installation.ctx, installation.account)

    rows = list(Listing.select())
    statuses = Counter((row.validation, row.status) for row in rows)
    assert statuses[("valid", "ACTIVATE")] > len(rows) / 3, (statuses, [row.issues for row in rows if row.issues])
    assert all(row.issues for row in rows if row.validation == "invalid")


def test_a_stock_change_in_the_store_reaches_the_marketplace(installation: Installation) -> None:
    """Only the changed offer is sent, and the marketplace then shows the store's quantity."""
    _upload_all(installation)
    installation.control.post("tiktok/clock/advance", seconds=60)
    publishing.sync_status(installation.ctx, installation.account)
    row = next(row for row in Listing.select().where(Listing.status == "ACTIVATE") if row.product.type_id == "simple")
    magento = installation.control.credentials()["magento"]
    requests.post(
        f"{installation.control.url}/rest/all/V1/inventory/source-items",
        json={"sourceItems": [{"sku": row.product.sku, "source_code": "default", "quantity": 4, "status": 1}]},
        headers={"Authorization": f"Bearer {magento['access_token']}"},
        timeout=5,
    ).raise_for_status()

    changed = snapshots.sync_stock(installation.ctx, installation.store)
    planned = publishing.plan(installation.ctx, installation.account)
    installation.work()

    remote = installation.ctx.remotes.shop(installation.account).product(row.remote_id)
    assert Product.get_by_id(row.product_id).salable == Decimal(4)
    assert (changed, planned.offers) == (1, 1)
    assert [sum(sku.quantities.values()) for sku in remote.skus.values()] == [4]


def test_a_second_plan_asks_for_nothing(installation: Installation) -> None:
    """What the marketplace confirmed is not sent again."""
    _upload_all(installation)
    installation.control.post("tiktok/clock/advance", seconds=60)
    publishing.sync_status(installation.ctx, installation.account)

    planned = publishing.plan(installation.ctx, installation.account)

    assert (planned.upload, planned.offers, planned.status) == (0, 0, 0)
