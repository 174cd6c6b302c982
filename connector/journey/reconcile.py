"""The marketplace's truth against the connector's database and the store: product by product, order by order, cent by cent."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

from connector.domain.correction import amounts
from connector.domain.order import PLACEABLE, MarketplaceOrder, StoreOrder
from connector.domain.values import from_json
from connector.errors import ConnectorError
from connector.journey.buyers import Sandbox
from connector.journey.shopkeeper import Shopkeeper
from connector.services import publishing
from connector.services.placement import order_email, order_policy
from connector.services.refunds import SENT_BACK
from connector.store.models import Account, Listing, Order, OrderLine, ReturnCase

REFUNDED = ("RETURN_OR_REFUND_REQUEST_SUCCESS", "RETURN_OR_REFUND_REQUEST_COMPLETE")
CENT = Decimal("0.01")


def listings(account: Account, sandbox: Sandbox, keeper: Shopkeeper) -> list[str]:
    """Where our confirmed listings, the marketplace's products and the store's stock differ."""
    found: list[str] = []
    rows = {row.remote_id: row for row in Listing.select().where(Listing.account == account, Listing.remote_id != "")}
    for product in sandbox.truth("products"):
        row = rows.pop(product["id"], None)
        if row is None:
            found.append(f"product {product['id']} ({product['title']}) is on the marketplace, but no listing of ours")
        else:
            found += _product(row, product)
            found += _promised(row, product, keeper) if product["status"] == "ACTIVATE" else []
    return found + [f"listing {row.product.sku}: {remote} is not on the marketplace" for remote, row in rows.items()]


def _product(row: Listing, truth: Mapping[str, Any]) -> list[str]:
    """Status, and for every variant its price, its pieces and that it is the one of the draft."""
    name, draft = row.product.sku, publishing.drafted_of(row)
    found = _differ(f"{name}: status", row.status, truth["status"])
    ours = publishing.confirmed(row).skus
    wanted = {sku.seller_sku: sku for sku in draft.skus} if draft else {}
    on_sale = {sku["seller_sku"]: sku for sku in truth["skus"]}
    found += [f"{name}: variant {one} is not known here" for one in sorted(on_sale.keys() - ours.keys())]
    found += [f"{name}: variant {one} is not on the marketplace" for one in sorted(wanted.keys() - on_sale.keys())]
    for one, sku in on_sale.items():
        if one in ours:
            found += _differ(f"{one}: price", ours[one].price, Decimal(sku["price"]))
            found += _differ(f"{one}: pieces", dict(ours[one].quantities), sku["inventory"])
        if one in wanted and truth["status"] == "ACTIVATE":
            found += _differ(f"{one}: price by our policies", wanted[one].price, Decimal(sku["price"]))
    return found


def _promised(row: Listing, truth: Mapping[str, Any], keeper: Shopkeeper) -> list[str]:
    """Never more pieces on the marketplace than the store would sell."""
    draft = publishing.drafted_of(row)
    store_skus = {sku.seller_sku: sku.sku for sku in draft.skus} if draft else {}
    pieces = {
        store_skus[sku["seller_sku"]]: sku["quantity"] for sku in truth["skus"] if sku["seller_sku"] in store_skus
    }
    salable = keeper.salable_of(list(pieces))
    return [
        f"{sku}: {promised} pieces are promised, the store has {salable[sku].normalize():f}"
        for sku, promised in pieces.items()
        if sku in salable and promised > salable[sku]
    ]


@dataclass(slots=True)
class Traded:
    """What the comparison of orders saw. `sold`: store SKU → pieces that left the store for good."""

    differences: list[str] = field(default_factory=list)
    duplicates: int = 0
    counts: Counter[str] = field(default_factory=Counter)
    sold: Counter[str] = field(default_factory=Counter)


def orders(account: Account, sandbox: Sandbox, keeper: Shopkeeper) -> Traded:
    """Where marketplace orders, our rows and store orders differ, and how many store orders are one too many."""
    done = Traded()
    requests = [*sandbox.truth("returns")]
    for truth in sandbox.truth("orders"):
        done.counts["placed"] += 1
        row: Order | None = Order.get_or_none(Order.account == account, Order.tiktok_order_id == truth["id"])
        if row is None:
            done.differences.append(f"order {truth['id']} was never imported")
            continue
        _Comparison(
            done, account, keeper, truth, row, [one for one in requests if one["order_id"] == row.tiktok_order_id]
        ).run()
    return done


@dataclass(slots=True)
class _Comparison:
    """One order on all three sides."""

    done: Traded
    account: Account
    keeper: Shopkeeper
    truth: Mapping[str, Any]
    row: Order
    requests: list[dict[str, Any]]

    def run(self) -> None:
        """Adds what differs, and counts."""
        self._say(_differ("status", self.row.status, self.truth["status"]))
        made = self._made()
        self.done.duplicates += max(len(made) - 1, 0)
        store = made.get(self.row.magento_order_id or 0)
        if store is None:
            wanted = self.truth["status"] in PLACEABLE
            self._say([f"store order {self.row.magento_increment_id or ''} is missing"] if wanted else [])
            return
        self.done.counts["created"] += 1
        self._money(store)
        self._references(store)
        self._parcels(store)
        self._refunds(store)

    def _made(self) -> dict[int, StoreOrder]:
        """Every store order of this marketplace order that is not a cancelled second one."""
        keys = (
            ("ext_order_id", self.row.tiktok_order_id),
            ("customer_email", order_email(self.account, self.row.tiktok_order_id)),
        )
        found = [one for column, value in keys for one in self.keeper.sales.find_orders(column, value)]
        if all(one.entity_id != self.row.magento_order_id for one in found):  # it lost our number, which is told then
            found += self.keeper.sales.orders([self.row.magento_order_id or 0])
        return {
            one.entity_id: one for one in found if one.state != "canceled" or one.entity_id == self.row.magento_order_id
        }

    def _money(self, store: StoreOrder) -> None:
        order = from_json(MarketplaceOrder, self.row.data)
        if not order.open_lines:
            return
        try:
            wanted = amounts(order, order_policy(self.account).platform_discount)
        except ConnectorError as error:
            self._say([str(error)])
            return
        for name, ours, theirs in (
            ("subtotal", wanted.subtotal, store.subtotal),
            ("discount", -wanted.discount, store.discount_amount),
            ("shipping", wanted.shipping, store.shipping_amount),
            ("tax", wanted.tax, store.tax_amount),
            ("total", wanted.total, store.grand_total),
        ):
            self._say(_differ(f"{name} in the store", theirs.quantize(CENT), ours.quantize(CENT)))

    def _references(self, store: StoreOrder) -> None:
        """Each side knows the other's number, once."""
        told = [str(one.get("id") or one.get("external_order_id") or "") for one in self.truth["external_orders"]]
        self._say(_differ("store number on the marketplace", told, [store.increment_id]))
        self._say(_differ("marketplace number in the store", store.ext_order_id, self.truth["id"]))

    def _parcels(self, store: StoreOrder) -> None:
        """The same tracking numbers on both sides."""
        sent = {track.number for parcel in self.keeper.sales.shipments([store.entity_id]) for track in parcel.tracks}
        told = {str(line.get("tracking_number") or "") for line in self.truth["line_items"]} - {""}
        self._say(_differ("tracking numbers in the store", sorted(sent), sorted(told)))
        self.done.counts["shipped"] += bool(told)

    def _refunds(self, store: StoreOrder) -> None:
        """A cancelled order is cancelled or refunded whole, a returned one refunded; nothing else is."""
        returned = any(one["return_status"] in REFUNDED for one in self.requests)
        cancelled = self.truth["status"] == "CANCELLED"
        self.done.counts["cancelled"] += cancelled
        self.done.counts["returned"] += returned
        if cancelled and store.state != "canceled":
            self._say(
                _differ("refunded in the store", store.total_refunded.quantize(CENT), store.grand_total.quantize(CENT))
            )
        if not cancelled and not returned:
            self._say(_differ("refunded in the store", store.total_refunded.quantize(CENT), Decimal(0).quantize(CENT)))
        if returned:
            self._say(self._credit_memos(store))
        kept = self._kept_by_the_buyer()
        for item in store.items:
            if item.parent_item_id is None:
                gone = item.qty_ordered - item.qty_canceled - item.qty_refunded
                self.done.sold[item.sku] += int(gone) + kept[item.sku]

    def _kept_by_the_buyer(self) -> Counter[str]:
        """Store SKU → units that were paid back and did not return to the shelf."""
        back = order_policy(self.account).restock_returns
        units = {
            line["order_line_item_id"]
            for one in self.requests
            if one["return_status"] in REFUNDED and not (back and one["return_type"] == SENT_BACK)
            for line in one["return_line_items"]
        }
        lines = OrderLine.select(OrderLine.sku).where(OrderLine.order == self.row, OrderLine.line_id.in_(list(units)))
        return Counter(str(line.sku) for line in lines)

    def _credit_memos(self, store: StoreOrder) -> list[str]:
        """One credit memo for each request that was paid back, of what its units were booked at."""
        memos = self.keeper.sales.credit_memos(store.entity_id)
        paid = [one for one in self.requests if one["return_status"] in REFUNDED]
        found = _differ("credit memos", len(memos), len(paid))
        units = sum(len(one["return_line_items"]) for one in paid)
        pieces = sum(Decimal(str(item["qty"])) for memo in memos for item in memo.get("items") or ())
        found += _differ("units refunded", int(pieces), units)
        if units == sum(int(item.qty_ordered) for item in store.items if item.parent_item_id is None):
            found += _differ(
                "refunded in the store", store.total_refunded.quantize(CENT), store.grand_total.quantize(CENT)
            )
        return found

    def _say(self, found: Iterable[str]) -> None:
        self.done.differences += [f"order {self.row.tiktok_order_id}: {one}" for one in found]


def stock(before: Mapping[str, str], sold: Mapping[str, int], keeper: Shopkeeper) -> list[str]:
    """Where the store's salable pieces are not those before the orders, less what was sold."""
    found: list[str] = []
    for sku, pieces in keeper.salable_of(list(before)).items():
        wanted = Decimal(before[sku]) - sold.get(sku, 0)
        found += _differ(f"{sku}: salable pieces in the store", pieces.normalize(), wanted.normalize())
    return found


def cases(account: Account) -> list[str]:
    """Requests that the store has not followed, with the reason that is shown for it."""
    open_ones = ReturnCase.select().where(ReturnCase.account == account, ReturnCase.store_state == "due")
    return [f"{one.kind} {one.request_id} is not settled in the store: {one.message}" for one in open_ones]


def _differ(what: str, here: object, there: object) -> list[str]:
    return [] if here == there else [f"{what} is {_text(here)}, not {_text(there)}"]


def _text(value: object) -> str:
    return f"{value:f}" if isinstance(value, Decimal) else str(value)
