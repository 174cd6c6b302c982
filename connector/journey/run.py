"""The journey from an empty database to two sides that agree, step by step."""

from __future__ import annotations

import tempfile
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from connector.domain.values import canonical
from connector.errors import ConnectorError
from connector.journey import prepare, reconcile, trade
from connector.journey.buyers import Sandbox
from connector.rules import suggest, tools
from connector.services import orders, publishing, returns, rulesets, shipments, snapshots, work
from connector.services.context import Context
from connector.store.models import Account, Listing, MagentoStore, Order, Product, QueueItem, ReturnCase

LIVE_OR_DECIDED = ("ACTIVATE", "FAILED", "SELLER_DEACTIVATED")
LOOK_EVERY = 0.5


class JourneyError(ConnectorError):
    """A step did not come to its end in time; the text says which and what was seen last."""


@dataclass(slots=True)
class Report:
    """What the journey saw; `differences` empty and `duplicates` 0 mean that both sides agree."""

    products: int = 0
    listings: dict[str, int] = field(default_factory=dict)
    held_back_reasons: dict[str, int] = field(default_factory=dict)
    orders: dict[str, int] = field(default_factory=dict)
    duplicates: int = 0
    differences: list[str] = field(default_factory=list)
    seconds: float = 0.0

    @property
    def agrees(self) -> bool:
        """Nothing differs."""
        return not self.differences and not self.duplicates

    def as_json(self) -> dict[str, Any]:
        """Plain values."""
        return asdict(self)


class Journey:
    """One journey. `say` tells people where it is, `patience` is seconds that one step may take."""

    def __init__(
        self,
        ctx: Context,
        sandbox: Sandbox,
        access: prepare.StoreAccess,
        say: Callable[[str], None],
        patience: float = 240,
    ) -> None:
        self.ctx, self.sandbox, self.access, self.say, self.patience = ctx, sandbox, access, say, patience
        self.report = Report()

    @property
    def account(self) -> Account:
        """The account as it is now."""
        return prepare.account_of(self.ctx, self.sandbox, self.access)

    def run(self, *, suggested: bool) -> Report:
        """Everything, in order."""
        started = time.monotonic()
        self.connect()
        self.read()
        self.write_rules(suggested=suggested)
        self.publish()
        self.change_offers()
        self.trade()
        self.compare()
        self.report.seconds = round(time.monotonic() - started, 1)
        return self.report

    def connect(self) -> None:
        """Through the marketplace's consent page."""
        account = prepare.connect(self.ctx, self.account, self.sandbox)
        self.say(f"Connected {account.shop_name} ({account.region}, {account.currency}).")

    def read(self) -> None:
        """The catalogue in."""
        self.report.products = prepare.read_catalogue(self.ctx, self.account, lambda _n: None)
        self.say(f"{self.report.products} products read.")

    def write_rules(self, *, suggested: bool) -> None:
        """Rules checked and active, templates assigned, attributes mapped."""
        account = self.account
        files = {"suggested.rules": self._suggest(account)} if suggested else rulesets.shipped_files()
        made = prepare.activate(self.ctx, account, files)
        done = prepare.assign(self.ctx, self.account)
        self.say(f"{made} templates made; {done.listed} products assigned, {done.overlaps} of them by several rules.")

    def publish(self) -> None:
        """Drafts, uploads through the queue, reviews."""
        planned = prepare.draft(self.ctx, self.account)
        self.say(f"{planned.drafted} drafts, {planned.upload} to upload, {planned.held_back} held back.")
        self.wait("uploads", lambda: not self._open("upload"))
        self.wait("reviews", self._reviewed)
        self._count_listings()
        self.say(f"Listings: {self.report.listings}.")

    def change_offers(self) -> None:
        """A price and a stock change in the store reach the marketplace."""
        snapshots.sync_stock(self.ctx, MagentoStore.get_by_id(self.account.store_id))
        publishing.plan(self.ctx, self.account)
        self.wait("offers", lambda: not self._open("inventory_price_sync"))

    def trade(self) -> None:
        """Orders of every kind, to their ends."""
        placed = trade.place(self.account, self.sandbox)
        self.wait("the held order", lambda: self._import() and len(trade.orders(placed)) == len(placed))
        held = placed["on hold first"]
        if Order.get(Order.tiktok_order_id == held).status == "ON_HOLD":
            self.sandbox.act(f"orders/{held}/release_hold")
        self.wait("store orders", lambda: self._import() and self._confirmed(list(placed.values())))
        self.say(f"{len(placed)} orders placed and created in the store.")
        self._ship(placed)
        self._count_orders(placed)

    def compare(self) -> None:
        """Reconciliation."""
        self.wait("quiet", lambda: self._import() and self._settle() and not work.open_count())
        publishing.sync_status(self.ctx, self.account)
        account = self.account
        wrong, duplicates = reconcile.orders(self.ctx, account, self.sandbox)
        self.report.differences = reconcile.listings(account, self.sandbox) + wrong
        self.report.duplicates = duplicates

    def wait(self, what: str, look: Callable[[], object]) -> None:
        """Look until it is so; the workers and the scheduler do the work meanwhile."""
        end = time.monotonic() + self.patience
        while not look():
            if time.monotonic() > end:
                stuck = QueueItem.select().where(QueueItem.state.in_(("waiting", "unknown", "dead", "rejected")))
                causes = "; ".join(f"{item.kind} {item.name}: {item.cause}" for item in stuck.limit(3))
                raise JourneyError(f"Waited {self.patience:.0f} seconds for {what}. {causes}")
            time.sleep(LOOK_EVERY)

    def _open(self, kind: str) -> int:
        return int(
            QueueItem.select()
            .where(QueueItem.kind == kind, QueueItem.state.in_(("queued", "running", "waiting", "unknown")))
            .count()
        )

    def _reviewed(self) -> bool:
        publishing.sync_status(self.ctx, self.account)
        waiting = Listing.select().where(Listing.remote_id != "", Listing.status.not_in(LIVE_OR_DECIDED))
        return not waiting.count()

    def _import(self) -> bool:
        orders.import_window(self.ctx, self.account)
        orders.ask_due(self.ctx, self.account)
        return True

    def _settle(self) -> bool:
        returns.settle(self.ctx, self.account)
        publishing.plan(self.ctx, self.account)
        return True

    def _confirmed(self, ids: list[str]) -> bool:
        done = Order.select().where(Order.tiktok_order_id.in_(ids), Order.state == "confirmed")
        return int(done.count()) == len(ids)

    def _ship(self, placed: dict[str, str]) -> None:
        """Ship in the store, and wait until the marketplace knows."""
        shipped = []
        for name, row in trade.orders(placed).items():
            scenario = next(each for each in trade.SCENARIOS if each.name == name)
            if scenario.ends in {"shipped", "two packages"}:
                trade.ship(self.ctx, self.account, row, scenario.ends == "two packages")
                shipped.append(row.tiktok_order_id)
        self.wait("shipments", lambda: self._shipments() and self._import() and self._handed_over(shipped))
        self.say(f"{len(shipped)} orders shipped.")

    def _shipments(self) -> bool:
        shipments.poll(self.ctx, self.account)
        return True

    def _handed_over(self, ids: list[str]) -> bool:
        rows = Order.select().where(
            Order.tiktok_order_id.in_(ids), Order.status.not_in(("AWAITING_SHIPMENT", "PARTIALLY_SHIPPING"))
        )
        return int(rows.count()) == len(ids)

    def _suggest(self, account: Account) -> str:
        """Rules suggested for the store's own catalogue, written out in the exchange shape for the suggestion."""
        store = MagentoStore.get_by_id(account.store_id)
        with tempfile.TemporaryDirectory() as name:
            folder = Path(name)
            for file in ("attributes", "categories", "attribute_sets"):
                (folder / f"{file}.json").write_text(canonical(getattr(store, file)), "utf-8")
            with (folder / "products.jsonl").open("w", encoding="utf-8") as lines:
                for product in Product.select().where(Product.store == store, ~Product.deleted).iterator():
                    lines.write(canonical(rulesets.with_stock(product)) + "\n")
            return suggest.suggest(tools.Folder.open(folder), account.currency)

    def _count_listings(self) -> None:
        rows = list(Listing.select().where(Listing.account == self.account))
        live = sum(row.status == "ACTIVATE" for row in rows)
        refused = sum(row.status == "FAILED" for row in rows)
        held = [row for row in rows if row.validation == "invalid" and not row.remote_id]
        self.report.listings = {"live": live, "refused": refused, "held_back": len(held)}
        self.report.held_back_reasons = dict(Counter(issue["code"] for row in held for issue in row.issues))

    def _count_orders(self, placed: dict[str, str]) -> None:
        rows = list(Order.select().where(Order.tiktok_order_id.in_(list(placed.values()))))
        self.report.orders = {
            "placed": len(placed),
            "created": sum(row.magento_order_id is not None for row in rows),
            "shipped": sum(
                row.status in {"AWAITING_COLLECTION", "IN_TRANSIT", "DELIVERED", "COMPLETED"} for row in rows
            ),
            "cancelled": sum(row.status == "CANCELLED" for row in rows),
            "returned": int(
                ReturnCase.select().where(ReturnCase.kind == "return", ReturnCase.store_state == "done").count()
            ),
        }
