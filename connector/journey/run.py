"""The journey from an empty database to two sides that agree, step by step."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import asdict, dataclass, field
from decimal import Decimal
from typing import Any

from connector.domain.listing import DraftSku
from connector.domain.shop import CONSENT_RETURN
from connector.errors import ConnectorError, RetryableError
from connector.journey import listed, memory, prepare, reconcile, trade
from connector.journey.buyers import Sandbox
from connector.journey.shopkeeper import Shopkeeper
from connector.rules.suggest import suggest
from connector.services import publishing, rulesets, work
from connector.services.context import Context
from connector.services.rule_source import StoreProducts
from connector.store.models import Account, Listing, MagentoStore, Order, Product, QueueItem

DECIDED = ("ACTIVATE", "FAILED", "SELLER_DEACTIVATED")
OPEN = ("queued", "running", "waiting", "unknown")
LOOK_EVERY = 0.5
Progress = Callable[[str, int | None], AbstractContextManager[Callable[[int], None]]]


class JourneyError(ConnectorError):
    """A step did not come to its end in time; the text says which and what was seen last."""


@dataclass(slots=True)
class Report:
    """What the journey saw; `differences` empty and `duplicates` 0 mean that both sides agree.

    `notes` say which order could not be what its story asks for, because nothing of the kind is on sale.
    """

    products: int = 0
    listings: dict[str, int] = field(default_factory=dict)
    held_back_reasons: dict[str, int] = field(default_factory=dict)
    refused_reasons: dict[str, int] = field(default_factory=dict)
    orders: dict[str, int] = field(default_factory=dict)
    duplicates: int = 0
    differences: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    seconds: float = 0.0

    @property
    def agrees(self) -> bool:
        """Nothing differs."""
        return not self.differences and not self.duplicates

    def as_json(self) -> dict[str, Any]:
        """Plain values."""
        return asdict(self)


@dataclass(frozen=True, slots=True)
class Sight:
    """How people see the journey: lines that tell where it is, and bars for what takes long."""

    say: Callable[[str], None]
    progress: Progress


class Journey:
    """One journey. `patience` is seconds in which something must move."""

    def __init__(
        self,
        ctx: Context,
        sandbox: Sandbox,
        access: prepare.StoreAccess,
        connect: Callable[[int], None],
        open_store: Callable[[MagentoStore], Shopkeeper],
        sight: Sight,
        patience: float = 180,
    ) -> None:
        self.ctx, self.sandbox, self.access, self.patience = ctx, sandbox, access, patience
        self.say, self._progress = sight.say, sight.progress
        self._connect, self._open_store = connect, open_store
        self.report = Report()

    @property
    def account(self) -> Account:
        """The account as it is now."""
        return prepare.account_of(self.ctx, self.sandbox, self.access)

    @property
    def keeper(self) -> Shopkeeper:
        """Somebody who works in the store."""
        return self._open_store(MagentoStore.get_by_id(self.account.store_id))

    def run(self, *, suggested: bool) -> Report:
        """Everything, in order. A step that met an outage begins again: it finds what it had done."""
        started = time.monotonic()
        steps: list[Callable[[], None]] = [
            self.connect,
            self.read,
            lambda: self.write_rules(suggested=suggested),
            self.publish,
            self.change_offers,
            self.trade,
            self.compare,
        ]
        try:
            for step in steps:
                self._insist(step)
        except JourneyError as error:  # the report says how far it came, and that it did not arrive
            self.report.differences.append(str(error))
            self.say(str(error))
        self.report.seconds = round(time.monotonic() - started, 1)
        return self.report

    def connect(self) -> None:
        """Through the web pages and the marketplace's consent page."""
        account = self.account
        if not account.connected:
            self.sandbox.redirect_to(self.ctx.base_url + CONSENT_RETURN)
            self._connect(account.id)
            account = self.account
        if not account.connected:
            raise JourneyError(
                f"The account is not connected after the consent: {account.problem or 'no reason given'}"
            )
        self.say(f"Connected {account.shop_name} ({account.region}, {account.currency}).")

    def read(self) -> None:
        """The catalogue in."""
        with self._progress("Reading the catalogue", None) as advance:
            self.report.products = prepare.read_catalogue(self.ctx, self.account, advance)
        self.say(f"{self.report.products} products read.")

    def write_rules(self, *, suggested: bool) -> None:
        """Rules checked and active, templates assigned, attributes mapped."""
        account = self.account
        products = StoreProducts.of(MagentoStore.get_by_id(account.store_id))
        files = {"suggested.rules": suggest(products, account.currency)} if suggested else rulesets.shipped_files()
        made = prepare.activate(self.ctx, account, files)
        done = prepare.assign(self.ctx, self.account)
        self.say(
            f"Rules checked and active: {made} templates, {done.listed} products assigned"
            f"{f', {done.overlaps} of them by several rules' if done.overlaps else ''}."
        )

    def publish(self) -> None:
        """Drafts, uploads through the queue, reviews."""
        planned = prepare.draft(self.ctx, self.account)
        self.say(f"{planned.drafted} drafts built: {planned.upload} to upload, {planned.held_back} held back.")
        self.wait("uploads", lambda: not self._open("upload"), left=lambda: self._open("upload"))
        self.wait("reviews", lambda: not self._undecided(), left=self._undecided)
        self._count_listings()
        shown = self.report.listings
        self.say(
            f"{shown['live']} listings live, {shown['refused']} refused by the review, {shown['held_back']} held back."
        )
        for what, reasons in (("held back", self.report.held_back_reasons), ("refused", self.report.refused_reasons)):
            for reason, count in reasons.items():
                self.say(f"  {what}, {count} ×: {reason}")

    def change_offers(self) -> None:
        """A price and a stock change in the store reach the marketplace."""
        changes = self.make_changes()
        self.wait("the changed price and stock", lambda: self._offers_arrived(changes))
        self.say("A price and a stock change in the store have reached the marketplace.")

    def make_changes(self) -> dict[str, Any]:
        """What is changed. It is done once: a journey that goes on must not put back pieces that were shipped since."""
        changes: dict[str, Any] = memory.recall("changes") or self._choose_changes()
        if not changes.get("made"):
            keeper = self.keeper
            keeper.set_price(changes["price_sku"], Decimal(changes["price"]))
            keeper.set_stock(changes["stock_sku"], changes["pieces"])
            changes = {**changes, "made": True}
            memory.keep("changes", changes)
        return changes

    def trade(self) -> None:
        """Orders of every kind, to their ends."""
        placed = self._place()
        self.report.notes = self._notes
        self.say(f"{len(placed)} orders bought on the marketplace.")
        for note in self.report.notes:
            self.say(f"  {note}")
        held = placed[next(one.name for one in trade.SCENARIOS if one.hold)]
        self.wait("the order on hold", lambda: self._status(held) not in {"", "UNPAID"})
        if self._status(held) == "ON_HOLD":
            self.sandbox.act(f"orders/{held}/release_hold")
        self.wait("store orders", lambda: not self._uncreated(placed), left=lambda: self._uncreated(placed))
        self.say(f"{len(placed)} orders placed; each is one store order now.")
        ended: set[str] = set()
        self.wait("the orders to end", lambda: self._play(placed, ended), left=lambda: len(placed) - len(ended))
        self.say("Shipped, partly shipped, cancelled, returned and refused: every order has come to its end.")

    def compare(self) -> None:
        """Reconciliation. What is still on its way gets time to arrive; what stays different is told."""
        end = time.monotonic() + 60
        self.wait("the queue to empty", lambda: not work.open_count(), left=work.open_count)
        while not self._agree() and time.monotonic() < end:
            time.sleep(1)
        self._count_listings()
        self.say(
            f"Compared: {self.report.listings['live']} live listings and {self.report.orders['placed']} orders, "
            f"{len(self.report.differences)} differences, {self.report.duplicates} duplicates."
        )

    def wait(self, what: str, look: Callable[[], object], *, left: Callable[[], int] | None = None) -> None:
        """Look until it is so; the workers and the scheduler do the work meanwhile.

        `left` says how much is missing: it feeds the bar, and patience begins anew whenever it changes.
        """
        end, last = time.monotonic() + self.patience, left() if left else 0
        with self._progress(f"Waiting for {what}", last or None) as advance:
            while not self._sees(look):
                if time.monotonic() > end:
                    raise JourneyError(
                        f"Nothing moved for {self.patience:.0f} seconds: waiting for {what}. {_causes()}"
                    )
                time.sleep(LOOK_EVERY)
                if left and (now := left()) != last:
                    advance(max(last - now, 0))
                    end, last = time.monotonic() + self.patience, now

    def _sees(self, look: Callable[[], object]) -> bool:
        """An outage is no answer: whatever was killed is started again, and looked at then."""
        try:
            return bool(look())
        except RetryableError:
            return False

    def _insist(self, step: Callable[[], None]) -> None:
        end = time.monotonic() + self.patience
        while True:
            try:
                return step()
            except RetryableError:
                if time.monotonic() > end:
                    raise
                time.sleep(LOOK_EVERY)

    # ── listings ─────────────────────────────────────────────────────────────

    def _open(self, kind: str) -> int:
        return int(QueueItem.select().where(QueueItem.kind == kind, QueueItem.state.in_(OPEN)).count())

    def _undecided(self) -> int:
        return int(Listing.select().where(Listing.remote_id != "", Listing.status.not_in(DECIDED)).count())

    def _choose_changes(self) -> dict[str, Any]:
        """Another price for the first live product, seven pieces more of the last one."""
        skus = trade.sellable(self.account, 1)
        if not skus:
            raise JourneyError(f"No listing is live with pieces to sell. {_causes()}")
        keeper, (_, price_sku), (_, stock_sku) = self.keeper, skus[0], skus[-1]
        changes = {
            "price_sku": price_sku,
            "price": str(keeper.price(price_sku) + 10),
            "stock_sku": stock_sku,
            "pieces": int(keeper.salable(stock_sku)) + 7,
        }
        memory.keep("changes", changes)
        return changes

    def _offers_arrived(self, changes: dict[str, Any]) -> bool:
        """The product was read with its new price, and the marketplace has what our drafts say of both."""
        product = Product.get(Product.sku == changes["price_sku"])
        if Decimal(str(product.data.get("price"))) != Decimal(changes["price"]):
            return False
        wanted = _drafted(self.account, {changes["price_sku"], changes["stock_sku"]})
        told = {sku["seller_sku"]: sku for product in self.sandbox.truth("products") for sku in product["skus"]}
        pieces = self.keeper.salable(changes["stock_sku"])
        return all(
            sku.price == Decimal(told[sku.seller_sku]["price"])
            and sku.quantity == told[sku.seller_sku]["quantity"]
            and (sku.sku != changes["stock_sku"] or sku.quantity == pieces)
            for sku in wanted
        )

    def _count_listings(self) -> None:
        """Every listing with a template is one of the three, or among the differences of the comparison."""
        rows = [(listed.fate(row), row) for row in listed.assigned(self.account)]
        counted = Counter(fate for fate, _ in rows)
        self.report.listings = {fate: counted[fate] for fate in ("live", "refused", "held_back")}
        held = [code for fate, row in rows if fate == "held_back" for code in listed.reasons(row)]
        told = [reason for fate, row in rows if fate == "refused" for reason in publishing.confirmed(row).reasons]
        self.report.held_back_reasons, self.report.refused_reasons = dict(Counter(held)), dict(Counter(told))

    # ── orders ───────────────────────────────────────────────────────────────

    def _place(self) -> dict[str, str]:
        """Every scenario's order, placed once; scenario → marketplace order id."""
        there = {order["buyer_message"]: order["id"] for order in self.sandbox.truth("orders")}
        for place, scenario in enumerate(trade.SCENARIOS):
            if trade.message_of(scenario) not in there:
                skus, note = trade.choose(self.account, scenario, place)
                if not skus:
                    raise JourneyError(f"Nothing live can be sold for the order “{scenario.name}”. {_causes()}")
                if note:
                    memory.keep("notes", [*(one for one in self._notes if one != note), note])
                self._note_stock([store_sku for _, store_sku in skus])
                there[trade.message_of(scenario)] = self.sandbox.place_order(trade.order_of(scenario, skus))
        return {scenario.name: there[trade.message_of(scenario)] for scenario in trade.SCENARIOS}

    @property
    def _notes(self) -> list[str]:
        return list(memory.recall("notes") or ())

    def _note_stock(self, skus: list[str]) -> None:
        """What the store would sell before the first order of a product."""
        noted: dict[str, str] = memory.recall("salable") or {}
        new = [sku for sku in skus if sku not in noted]
        found = self.keeper.salable_of(new) if new else {}
        memory.keep("salable", noted | {sku: str(pieces) for sku, pieces in found.items()})

    def _status(self, order_id: str) -> str:
        row = Order.get_or_none(Order.account == self.account, Order.tiktok_order_id == order_id)
        return str(row.status) if row else ""

    def _uncreated(self, placed: dict[str, str]) -> int:
        """Orders without a finished store order. What was cancelled later was finished before."""
        done = Order.select().where(
            Order.tiktok_order_id.in_(list(placed.values())),
            Order.magento_order_id.is_null(False),
            Order.state.in_(("confirmed", "cancelled")),
        )
        return len(placed) - int(done.count())

    def _play(self, placed: dict[str, str], ended: set[str]) -> bool:
        """One look at every story that goes on."""
        keeper = self.keeper
        for scenario in trade.SCENARIOS:
            if scenario.name not in ended:
                order = Order.get(Order.account == self.account, Order.tiktok_order_id == placed[scenario.name])
                if scenario.play(trade.Stage(self.ctx, self.sandbox, keeper, order)):
                    ended.add(scenario.name)
        return len(ended) == len(placed)

    def _agree(self) -> bool:
        """One comparison of everything; True when nothing differs."""
        account, keeper = self.account, self.keeper
        traded = reconcile.orders(account, self.sandbox, keeper)
        self.report.differences = [
            *reconcile.listings(account, self.sandbox, keeper),
            *traded.differences,
            *reconcile.stock(memory.recall("salable") or {}, traded.sold, keeper),
            *reconcile.cases(account),
            *listed.failures(),
        ]
        self.report.duplicates = traded.duplicates
        names = ("placed", "created", "shipped", "cancelled", "returned")
        self.report.orders = {name: traded.counts[name] for name in names}
        return self.report.agrees


def _drafted(account: Account, skus: set[str]) -> list[DraftSku]:
    rows = Listing.select().where(Listing.account == account, Listing.status == "ACTIVATE")
    drafts = [publishing.drafted_of(row) for row in rows]
    return [sku for draft in drafts if draft for sku in draft.skus if sku.sku in skus]


def _causes() -> str:
    """What stands in the queue with a reason."""
    stuck = QueueItem.select().where(
        QueueItem.state.in_(("waiting", "unknown", "dead", "rejected")), QueueItem.cause != ""
    )
    return "; ".join(f"{item.kind} {item.name}: {item.cause}" for item in stuck.order_by(QueueItem.id.desc()).limit(3))
