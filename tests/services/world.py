"""A small installation for services: one store, one account, listings; real databases, a clock to turn."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

from connector.plugins import loader
from connector.services.context import Context
from connector.store import database, migrations, secrets
from connector.store.models import Account, Listing, MagentoStore, Policy, Product

KEY = "rDPvRrrMXLZ8kFJ0Dq2fXq5rKzqkXG1F1uKf5r0C8iI="
START = datetime(2026, 11, 23, 12, tzinfo=UTC)


@dataclass
class Clock:
    """A time that stands still until it is turned."""

    time: datetime = START

    def now(self) -> datetime:
        return self.time

    def turn(self, seconds: float) -> None:
        self.time += timedelta(seconds=seconds)


@dataclass
class Messages:
    """A messenger whose messages can be counted."""

    sent: list[tuple[str, list[int]]] = field(default_factory=list)

    def send(self, name: str, ids: Any) -> None:
        self.sent.append((name, list(ids)))

    def on_the_way(self, _name: str) -> set[int]:
        return set()


class Shops:
    """Remote sides that these tests' actions do not call."""

    def shop(self, _account: Account) -> Any:
        return self

    def authorizer(self, _account: Account) -> Any:
        return self

    def catalog(self, _store: MagentoStore) -> Any:
        return self

    def sales(self, _store: MagentoStore) -> Any:
        return self


def context() -> Context:
    """A context with a clock and a messenger of its own."""
    return Context(Shops(), Clock(), Messages())


def fill(url: str, products: int = 3) -> Account:
    """An empty database brought up to date, with an account and so many listings."""
    secrets.use([KEY])
    loader.load()
    database.connect(url)
    migrations.upgrade()
    store = MagentoStore.create(title="Luma", base_url="https://luma.example", base_currency="USD")
    policy = Policy.create(
        title="Sync", type="synchronization", settings={"orders_every": 120}, created_at=START, updated_at=START
    )
    account = Account.create(
        title="Luma US", store=store, shop_id="7495", region="US", currency="USD", refresh_token="r", access_token="a",
        synchronization_policy=policy, created_at=START,
    )  # fmt: skip
    for number in range(1, products + 1):
        add_listing(account, number)
    return account


def add_listing(account: Account, number: int) -> Listing:
    product = Product.create(
        store=account.store_id, entity_id=number, sku=f"MH{number:02}", name=f"Hoodie {number}", price=Decimal("52.00"),
        data={"id": number}, digest="d", seen_at=START,
    )  # fmt: skip
    listing: Listing = Listing.create(account=account, product=product, changed_at=START)
    return listing
