"""The marketplace's truth against the connector's database and the store: product by product, order by order, cent by cent."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Set
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

from connector.domain.correction import amounts
from connector.domain.order import PLACEABLE, MarketplaceOrder, StoreOrder
from connector.domain.values import from_json
from connector.errors import ConnectorError
from connector.journey import bought, listed
from connector.journey.bought import CENT, differ
from connector.journey.buyers import Sandbox
from connector.journey.shopkeeper import Shopkeeper
from connector.services import publishing
from connector.services.placement import order_email, order_policy
from connector.services.refunds import SENT_BACK
from connector.store.models import Account, Listing, Order, ReturnCase

REFUNDED = ("RETURN_OR_REFUND_REQUEST_SUCCESS", "RETURN_OR_REFUND_REQUEST_COMPLETE")


def listings(account: Account, sandbox: Sandbox, keeper: Shopkeeper) -> list[str]:
    """Where our listings, the marketplace's products and the store's products and stock differ."""
    found = listed.missing(account)
    in_store = keeper.variants()
    rows = {row.remote_id: row for row in Listing.select().where(Listing.account == account, Listing.remote_id != "")}
    for product in sandbox.truth("products"):
        row = rows.pop(product["id"], None)
        if row is None:
            found.append(f"product {product['id']} ({product['title']}) is on the marketplace, but no listing of ours")
        else:
            found += _product(row, product)
            found += _live(row, product, keeper, in_store) if product["status"] == "ACTIVATE" else []
    return found + [f"listing {row.product.sku}: {remote} is not on the marketplace" for remote, row in rows.items()]


def _product(row: Listing, truth: Mapping[str, Any]) -> list[str]:
    """Status, and for every variant its price, its pieces and that it is the one of the draft."""
    name, draft = row.product.sku, publishing.drafted_of(row)
    found = differ(f"{name}: status", row.status, truth["status"])
    ours = publishing.confirmed(row).skus
    wanted = {sku.seller_sku: sku for sku in draft.skus} if draft else {}
    on_sale = {sku["seller_sku"]: sku for sku in truth["skus"]}
    found += [f"{name}: variant {one} is not known here" for one in sorted(on_sale.keys() - ours.keys())]
    found += [f"{name}: variant {one} is not on the marketplace" for one in sorted(wanted.keys() - on_sale.keys())]
    for one, sku in on_sale.items():
        if one in ours:
            found += differ(f"{one}: price", ours[one].price, Decimal(sku["price"]))
            found += differ(f"{one}: pieces", dict(ours[one].quantities), sku["inventory"])
    return found


def _live(row: Listing, truth: Mapping[str, Any], keeper: Shopkeeper, in_store: Mapping[str, Set[str]]) -> list[str]:
    """What buyers see is what the draft wants, of all variants that the store has, and no more than the store would sell."""
    draft = publishing.drafted_of(row)
    if draft is None:
        return [f"{row.product.sku}: is live without a draft"]
    wanted = {sku.seller_sku: sku for sku in draft.skus}
    on_sale = {sku["seller_sku"]: sku for sku in truth["skus"]}
    found = listed.content(row.product.sku, draft, truth)
    found += listed.variants(row, {wanted[one].sku if one in wanted else one for one in on_sale}, in_store)
    for one in wanted.keys() & on_sale.keys():
        found += differ(f"{one}: price by our policies", wanted[one].price, Decimal(on_sale[one]["price"]))
        found += differ(f"{one}: pieces by our policies", dict(wanted[one].quantities), on_sale[one]["inventory"])
    return found + _promised(row, truth, keeper)


def _promised(row: Listing, truth: Mapping[str, Any], keeper: Shopkeeper) -> list[str]:
    """Never more pieces on the marketplace than the store would sell, nor than its sources hold."""
    draft = publishing.drafted_of(row)
    store_skus = {sku.seller_sku: sku.sku for sku in draft.skus} if draft else {}
    pieces = {
        store_skus[sku["seller_sku"]]: sku["quantity"] for sku in truth["skus"] if sku["seller_sku"] in store_skus
    }
    there = keeper.there(list(pieces))
    return [
        f"{sku}: {promised} pieces are promised, the store has {there[sku].normalize():f}"
        for sku, promised in pieces.items()
        if sku in there and promised > there[sku]
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
    requests, truths = [*sandbox.truth("returns")], [*sandbox.truth("orders")]
    skus = bought.store_skus(account, truths)
    for truth in truths:
        done.counts["placed"] += 1
        row: Order | None = Order.get_or_none(Order.account == account, Order.tiktok_order_id == truth["id"])
        if row is None:
            done.differences.append(f"order {truth['id']} was never imported")
            continue
        mine = [one for one in requests if one["order_id"] == row.tiktok_order_id]
        _Comparison(done, account, keeper, truth, row, mine, skus).run()
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
    skus: Mapping[str, str]

    def run(self) -> None:
        """Adds what differs, and counts."""
        self._say(differ("status", self.row.status, self.truth["status"]))
        self._say(bought.kept(self.row, self.truth))
        made = self._made()
        self.done.duplicates += max(len(made) - 1, 0)
        store = made.get(self.row.magento_order_id or 0)
        if store is None:
            wanted = self.truth["status"] in PLACEABLE
            self._say([f"store order {self.row.magento_increment_id or ''} is missing"] if wanted else [])
            return
        self.done.counts["created"] += 1
        self._bought(store)
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

    def _bought(self, store: StoreOrder) -> None:
        """The store order is what the buyer ordered, by the marketplace's truth alone."""
        booking = order_policy(self.account).platform_discount
        self._say(bought.units(store, self.truth, self.skus))
        self._say(bought.money(store, self.truth, booking, self.skus))
        self._say(bought.address(store, self.truth))
        self.done.sold.update(bought.sold(self.truth, self._back_on_the_shelf(), self.skus))

    def _money(self, store: StoreOrder) -> None:
        """Part by part, as our rules of booking say."""
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
            self._say(differ(f"{name} in the store", theirs.quantize(CENT), ours.quantize(CENT)))

    def _references(self, store: StoreOrder) -> None:
        """Each side knows the other's number, once."""
        told = [str(one.get("id") or one.get("external_order_id") or "") for one in self.truth["external_orders"]]
        self._say(differ("store number on the marketplace", told, [store.increment_id]))
        self._say(differ("marketplace number in the store", store.ext_order_id, self.truth["id"]))

    def _parcels(self, store: StoreOrder) -> None:
        """The same tracking numbers on both sides."""
        sent = {track.number for parcel in self.keeper.sales.shipments([store.entity_id]) for track in parcel.tracks}
        told = {str(line.get("tracking_number") or "") for line in self.truth["line_items"]} - {""}
        self._say(differ("tracking numbers in the store", sorted(sent), sorted(told)))
        self.done.counts["shipped"] += bool(told)

    def _refunds(self, store: StoreOrder) -> None:
        """A cancelled order is cancelled or refunded whole, a returned one refunded; nothing else is."""
        returned = any(one["return_status"] in REFUNDED for one in self.requests)
        cancelled = self.truth["status"] == "CANCELLED"
        self.done.counts["cancelled"] += cancelled
        self.done.counts["returned"] += returned
        if cancelled and store.state != "canceled":
            self._say(
                differ("refunded in the store", store.total_refunded.quantize(CENT), store.grand_total.quantize(CENT))
            )
        if not cancelled and not returned:
            self._say(differ("refunded in the store", store.total_refunded.quantize(CENT), Decimal(0).quantize(CENT)))
        if returned:
            self._say(self._credit_memos(store))

    def _back_on_the_shelf(self) -> list[str]:
        """Ids of the units that were paid back, and that the buyer sent back."""
        if not order_policy(self.account).restock_returns:
            return []
        return [
            line["order_line_item_id"]
            for one in self.requests
            if one["return_status"] in REFUNDED and one["return_type"] == SENT_BACK and one["return_tracking_number"]
            for line in one["return_line_items"]
        ]

    def _credit_memos(self, store: StoreOrder) -> list[str]:
        """One credit memo for each request that was paid back, of what its units were booked at."""
        memos = self.keeper.sales.credit_memos(store.entity_id)
        paid = [one for one in self.requests if one["return_status"] in REFUNDED]
        found = differ("credit memos", len(memos), len(paid))
        units = sum(len(one["return_line_items"]) for one in paid)
        pieces = sum(Decimal(str(item["qty"])) for memo in memos for item in memo.get("items") or ())
        found += differ("units refunded", int(pieces), units)
        if units == sum(int(item.qty_ordered) for item in store.items if item.parent_item_id is None):
            found += differ(
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
        found += differ(f"{sku}: salable pieces in the store", pieces.normalize(), wanted.normalize())
    return found


def cases(account: Account) -> list[str]:
    """Requests that the store has not followed, with the reason that is shown for it."""
    open_ones = ReturnCase.select().where(ReturnCase.account == account, ReturnCase.store_state == "due")
    return [f"{one.kind} {one.request_id} is not settled in the store: {one.message}" for one in open_ones]
