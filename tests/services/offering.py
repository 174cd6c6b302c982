"""A live product of a sandbox, and the listing that the connector keeps of it."""

from __future__ import annotations

import uuid
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest

from connector.clients.tiktok import TikTokShop, endpoints, payloads
from connector.domain.listing import Draft, Status
from connector.domain.listing import Listing as Confirmed
from connector.sandbox.app import create_sandbox
from connector.sandbox.options import SandboxOptions
from connector.sandbox.serve import SandboxServer
from connector.services import planning, publishing, work
from connector.services.context import Context
from connector.services.drafter import Drafted
from connector.services.runner import run_item
from connector.store.database import disconnect
from connector.store.models import Account, Listing, ListingTemplate, QueueItem
from tests.clients.rehearsal import Control, connected, jpeg, shirt, wait_for
from tests.services import live, world

PUSH = "inventory_price_sync"


@dataclass
class Rehearsal:
    """A marketplace over HTTP, and the only picture that its products need."""

    control: Control
    market: TikTokShop

    def shop(self, _account: Account) -> TikTokShop:
        return self.market

    def catalog(self, _store: Any) -> Any:
        return self

    def image(self, _file: str) -> bytes:
        return jpeg("blue")

    def sales(self, _store: Any) -> Any:
        return self

    def orders(self, _ids: Any) -> list[Any]:
        return []


@contextmanager
def rehearsal(folder: Path, **options: Any) -> Iterator[Rehearsal]:
    """A sandbox of its own."""
    wanted = SandboxOptions(**{"audit_seconds": 0.05, **options})
    server = SandboxServer(create_sandbox(folder / "sandbox", products=3, options=wanted)).start()
    market, _, _ = connected(Control(server.url), folder)
    yield Rehearsal(Control(server.url), market)
    server.stop()


@dataclass
class Offered:
    """One listing, live with ten pieces of each size. `size` in what follows is the end of its seller SKU: "S", "M"."""

    ctx: Context
    at: Rehearsal
    account: Account
    draft: Draft
    id: int

    @property
    def row(self) -> Listing:
        return Listing.get_by_id(self.id)

    @property
    def confirmed(self) -> Confirmed:
        return publishing.confirmed(self.row)

    @property
    def warehouse(self) -> str:
        (found,) = self.draft.skus[0].quantities
        return found

    @property
    def other_warehouse(self) -> str:
        here = [place.id for place in self.at.market.warehouses() if place.type == "SALES_WAREHOUSE"]
        return next(place for place in here if place != self.warehouse)

    def key(self, size: str) -> str:
        return next(sku.seller_sku for sku in self.draft.skus if sku.seller_sku.endswith(f"-{size}"))

    def wants(self, place: str = "", **pieces: int) -> None:
        """The draft with other pieces by size, all at one warehouse."""
        skus = tuple(
            replace(sku, quantities={place or self.warehouse: pieces.get(sku.seller_sku[-1], sku.quantity)})
            for sku in self.draft.skus
        )
        self.draft = replace(self.draft, skus=skus)
        publishing.save_draft(self.row, Drafted(self.draft, []), "USD", self.ctx.clock.now())

    def push(self, kind: str = PUSH) -> QueueItem:
        """One item of work, done; as it ended."""
        work.ask(self.ctx, kind, [self.id], actor="test")
        return self.run(QueueItem.get(QueueItem.kind == kind, QueueItem.open_key.is_null(False)).id)

    def run(self, item_id: int) -> QueueItem:
        QueueItem.update(next_try_at=None).where(QueueItem.id == item_id).execute()
        run_item(self.ctx, item_id, "worker-1")
        return QueueItem.get_by_id(item_id)

    def plan(self) -> list[str]:
        """Kinds of the work that a plan asks for and that was done, in its order."""
        planning.ask_due(self.ctx, Account.get_by_id(self.account.id), 0, actor="plan")
        due = QueueItem.select().where(QueueItem.state == "queued", QueueItem.subject_id == self.id)
        return [self.run(item.id).kind for item in list(due.order_by(QueueItem.priority))]

    def buyers(self) -> dict[str, int]:
        """Size → pieces as buyers see them; nothing while the product is off."""
        remote = self.at.market.product(self.confirmed.remote_id)
        if remote.status is not Status.ACTIVATE:
            return {}
        return {key.rsplit("-", 1)[1]: sum(sku.quantities.values()) for key, sku in remote.skus.items()}

    def news(self) -> bool:
        """What the marketplace says of it now; whether that asks for a new draft, which these tests make by hand."""
        publishing.take_news(self.row, self.at.market.product(self.confirmed.remote_id), self.ctx.clock.now())
        return bool(Listing.update(stale=False).where(Listing.id == self.id, Listing.stale).execute())

    def until(self, status: Status) -> None:
        wait_for(lambda: self.at.market.product(self.confirmed.remote_id).status is status)
        self.news()

    def seller_places(self, size: str, places: Mapping[str, int]) -> None:
        """The seller gives a SKU these warehouses in the Seller Center."""
        listing = self.confirmed
        ids = {key: sku.id for key, sku in listing.skus.items()}
        pictures = {"blue.jpg": self.at.market.upload_image(jpeg("blue"), "MAIN_IMAGE").uri}
        body = payloads.edit_body(self.draft, pictures, ids, {self.key(size): places})
        self.at.market._api.call(endpoints.EDIT_PRODUCT, ids={"product_id": listing.remote_id}, body=body)


def offered(at: Rehearsal, sizes: tuple[str, ...] = ("S", "M")) -> Offered:
    """A live listing of an installation that was just filled."""
    ctx = Context(at, live.Clock(), world.Messages())
    account = Account.get()
    account.update(high_water={"day": ctx.clock.now().date().toordinal()}).execute()
    now = ctx.clock.now()
    template = ListingTemplate.create(account=account, name="T", category_id="600", created_at=now, updated_at=now)
    row = world.add_listing(account, 1)
    Listing.update(template=template, stale=False).execute()
    name = f"N{uuid.uuid4().hex[:10]}"
    draft, pictures = shirt(at.market, name, sizes=sizes)
    made = at.market.create_product(draft, pictures, name)
    wait_for(lambda: at.market.product(made.id).status is Status.ACTIVATE)
    publishing.save_draft(row, Drafted(draft, []), "USD", now)
    there = Confirmed(remote_id=made.id, content_digest=draft.content_digest()).with_news(at.market.product(made.id))
    publishing.save_confirmed(Listing.get_by_id(row.id), there, now)
    return Offered(ctx, at, account, draft, row.id)


@pytest.fixture
def listing(database_url: str, at: Rehearsal) -> Iterator[Offered]:
    """The listing at the marketplace `at` of the file that asks, whose faults end with the test."""
    world.fill(database_url, products=0)
    yield offered(at)
    at.control.clear_faults()
    disconnect()
