"""A shop that sells: listings uploaded and live, and what a shopkeeper, a reviewer and a seller do then."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

import requests

from connector.services import assignment, onboarding, publishing, rulesets, snapshots
from connector.store.models import Account, Listing, ListingTemplate, MarketplaceCategory, Policy, Product, QueueItem
from tests.clients.rehearsal import wait_for
from tests.flow.conftest import Installation

RULES = {"all.rules": 'assign "Everything"\nwhere status = "enabled"\n'}


@dataclass
class Selling:
    """An installation whose products are assigned to one template, and the hands that work on both sides."""

    here: Installation

    @property
    def account(self) -> Account:
        return Account.get_by_id(self.here.account.id)

    @property
    def shop(self) -> Any:
        return self.here.ctx.remotes.shop(self.account)

    def template(self) -> ListingTemplate:
        leaf = MarketplaceCategory.get(
            MarketplaceCategory.account == self.here.account,
            MarketplaceCategory.is_leaf,
            MarketplaceCategory.available,
            MarketplaceCategory.path.contains("Women"),
            MarketplaceCategory.name.contains("Hoodies"),
        )
        now = self.here.ctx.clock.now()
        made: ListingTemplate = ListingTemplate.create(
            account=self.here.account, name="Everything", category_id=leaf.category_id, category_path=leaf.path,
            package_weight="0.5", created_at=now, updated_at=now,
        )  # fmt: skip
        return made

    def list_all(self) -> None:
        """Assigned, mapped, uploaded, reviewed."""
        Policy.update(settings={"gallery_images": 0, "variant_images": False}).where(Policy.type == "image").execute()
        ctx, account = self.here.ctx, self.here.account
        template = self.template()
        onboarding.refetch_attributes(ctx, account.id)
        onboarding.suggest_mapping(
            self.here.store, account, template.category_id, now=ctx.clock.now(), fill_required=True
        )
        rulesets.save_and_activate(ctx, RULES, "test")
        assignment.run(ctx, account)
        self.plan()
        self.reviewed()

    def plan(self) -> publishing.Planned:
        """One plan, and all the work that it asked for."""
        planned = publishing.plan(self.here.ctx, self.account)
        self.here.work()
        return planned

    def reviewed(self) -> None:
        """The marketplace's news once no product is under review any more."""

        def decided() -> bool:
            publishing.sync_status(self.here.ctx, self.account)
            return not Listing.select().where(Listing.status == "PENDING").count()

        self.here.control.post("tiktok/clock/advance", seconds=5)
        wait_for(decided)

    def news(self) -> None:
        publishing.sync_status(self.here.ctx, self.account)

    def live(self, type_id: str = "simple", number: int = 0) -> Listing:
        """A live listing of a product of that type."""
        rows = Listing.select(Listing).join(Product).where(Listing.status == "ACTIVATE", Product.type_id == type_id)
        found: Listing = list(rows.order_by(Listing.id))[number]
        return found

    def again(self, row: Listing) -> Listing:
        found: Listing = Listing.get_by_id(row.id)
        return found

    def pieces(self, row: Listing) -> dict[str, int]:
        """Seller SKU → pieces as buyers see them."""
        remote = self.shop.product(row.remote_id)
        return {key: sum(sku.quantities.values()) for key, sku in remote.skus.items()}

    def save_product(self, sku: str, **fields: Any) -> None:
        """The shopkeeper edits a product."""
        self._store("PUT", f"products/{quote(sku, safe='')}", {"product": {"sku": sku, **fields}})

    def delete_product(self, sku: str) -> None:
        self._store("DELETE", f"products/{quote(sku, safe='')}", None)

    def set_stock(self, sku: str, pieces: int) -> None:
        items = [{"sku": sku, "source_code": "default", "quantity": pieces, "status": 1}]
        self._store("POST", "inventory/source-items", {"sourceItems": items})

    def set_price(self, sku: str, amount: str) -> None:
        """The regular price, as an import of prices sets it: without a trace in the product."""
        self._store("POST", "products/base-prices", {"prices": [{"price": amount, "store_id": 0, "sku": sku}]})

    def read_store(self) -> None:
        """Products and stock, as the recurring work reads them; then the rules."""
        snapshots.sync(self.here.ctx, self.here.store)
        snapshots.sync_stock(self.here.ctx, self.here.store)
        assignment.run(self.here.ctx, self.here.account)

    def order(self, seller_sku: str, quantity: int) -> str:
        answer = self.here.control.post(
            "tiktok/orders", lines=[{"seller_sku": seller_sku, "quantity": quantity}], hold=False
        )
        return str(answer["order_ids"][0])

    def ended(self, kind: str) -> list[str]:
        """States of all work of a kind, oldest first."""
        return [item.state for item in QueueItem.select().where(QueueItem.kind == kind).order_by(QueueItem.id)]

    def _store(self, method: str, path: str, body: Any) -> None:
        token = self.here.control.credentials()["magento"]["access_token"]
        answer = requests.request(
            method,
            f"{self.here.control.url}/rest/all/V1/{path}",
            json=body,
            headers={"Authorization": f"Bearer {token}"},
            timeout=10,
        )
        assert answer.status_code == 200, answer.text
